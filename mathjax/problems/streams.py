"""Random numbers that depend on (seed, split, i) alone, and which split may hold which problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

TEST_BUCKETS, VALIDATION_BUCKETS, TRAIN_BUCKETS = (0, 3), (4, 4), (5, 31)  # inclusive
GAMMA = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def mix64(z: int) -> int:
    """The splitmix64 finaliser, a bijection of 64-bit words (Steele, Lea and Flood 2014)."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def stream_base(seed: int, split: str) -> int:
    """Where the streams of a split start: stream i has state mix64(base + i * GAMMA)."""
    base = mix64(seed ^ GAMMA)
    for byte in split.encode():
        base = mix64((base + byte + 1) & _MASK)
    return base


def buckets(split: str) -> tuple[int, int]:
    """First and last bucket of keys that a split may hold; all but two names are test splits."""
    return {"train": TRAIN_BUCKETS, "validation": VALIDATION_BUCKETS}.get(split, TEST_BUCKETS)


def bucket(key: int) -> int:
    """The top five bits of a key: 1 in 8 problems is for tests, 1 in 32 for validation."""
    return key >> 59


def hash64(text: str) -> int:
    """64-bit name of a canonical form; the same on every platform and in every process."""
    key = mix64(len(text))
    data = text.encode()
    for start in range(0, len(data), 8):
        key = mix64(key ^ int.from_bytes(data[start : start + 8], "little"))
    return key


class Draws:
    """The random choices of one stream, in the order they are asked for."""

    def __init__(self, base: int, stream: int):
        self._state = mix64((base + stream * GAMMA) & _MASK)

    def word(self) -> int:
        """64 random bits."""
        self._state = (self._state + GAMMA) & _MASK
        return mix64(self._state)

    def below(self, bound: int) -> int:
        """0..bound - 1; uniform to bound * 2**-64, of any size."""
        if bound < 1:
            raise ValueError(f"bound={bound}: must be at least 1")
        bits, word = 64, self.word()
        while bound >> (bits - 32):  # so that any choice is off by 2**-32 of its chance at most
            word, bits = word << 64 | self.word(), bits + 64
        return (word * bound) >> bits

    def between(self, low: int, high: int) -> int:
        """low..high, both included."""
        return low + self.below(high - low + 1)

    def uniform(self) -> float:
        """[0, 1), 53 bits."""
        return (self.word() >> 11) * 2.0**-53

    def choice(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of `items` with a chance in proportion to its weight."""
        mark = self.uniform() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return next(i for i, w in zip(reversed(items), reversed(weights), strict=True) if w > 0)

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            slot = self.below(last + 1)
            result[last], result[slot] = result[slot], result[last]
        return result

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different places of `items`, in random order."""
        return self.shuffled(items)[:count]
