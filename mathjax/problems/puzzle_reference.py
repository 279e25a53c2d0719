"""The definition of the puzzle generator in plain Python; the compiled one makes the same bytes.

Draws are multiply-shifts of 21 to 32 random bits: a choice among k is off by at most a factor
1 + k * 2**-21, a number up to V by 1 + V * 2**-32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mathjax.problems.streams import GAMMA, bucket, buckets, mix64, stream_base

if TYPE_CHECKING:
    from mathjax.problems.puzzle import PuzzleSpec

SHUFFLE = 0xD1B54A32D192ED03
_MASK = (1 << 64) - 1


class Reference(NamedTuple):
    """One accepted puzzle; `candidates` counts the drawn ones, itself among them."""

    prompt: str
    response: str
    key: int
    candidates: int


def puzzle_key(numbers: list[int], target: int) -> int:
    """64-bit name of (set of numbers, target)."""
    total = sum(mix64(number) for number in numbers)
    return mix64((total + mix64((target + GAMMA) & _MASK)) & _MASK)


def reference_problem(spec: PuzzleSpec, seed: int, split: str, stream: int) -> Reference:
    """The puzzle of one stream. Never ends where the spec has none.

    Stream i is example i of "train"; other splits, and blocks of distinct ones, pass over streams
    that repeat an earlier puzzle.
    Candidate c of a stream owns words c * W to c * W + W - 1, W = (N + 1) // 2 + N - 1: two numbers
    a word, then one word a step.
    """
    n = spec.num_numbers[stream % len(spec.num_numbers)]
    first, last = buckets(split)
    state = mix64((stream_base(seed, split) + stream * GAMMA) & _MASK)
    words_each = (n + 1) // 2 + n - 1
    candidates = 0
    while True:
        position = candidates * words_each + 1
        words = [mix64((state + (position + k) * GAMMA) & _MASK) for k in range(words_each)]
        candidates += 1
        numbers = _numbers(words, n, spec.max_number)
        if max(numbers) <= spec.above:
            continue
        steps = _steps(words[(n + 1) // 2 :], numbers, spec)
        if steps is None:
            continue
        target = steps[-1][3]
        key = puzzle_key(numbers, target)
        if first <= bucket(key) <= last:
            break
    numbers.sort()
    if spec.shuffle_numbers:
        _shuffle(numbers, mix64(state ^ SHUFFLE))
    prompt = ",".join(map(str, numbers)) + f":{target}"
    response = ",".join(
        f"{a}{symbol}({b})={value}" if b < 0 else f"{a}{symbol}{b}={value}"
        for a, symbol, b, value in steps
    )
    return Reference(prompt, response, key, candidates)


def _draw(bits: int, width: int, bound: int) -> int:
    """0..bound - 1 from the lowest `width` bits."""
    return ((bits & ((1 << width) - 1)) * bound) >> width


def _numbers(words: list[int], n: int, max_number: int) -> list[int]:
    """n distinct integers of 1..max_number, any set as likely as any other (Floyd's method)."""
    numbers: list[int] = []
    for k in range(n):
        bound = max_number - n + 1 + k
        value = _draw(words[k // 2] >> 32 * (k % 2), 32, bound) + 1
        numbers.append(bound if value in numbers else value)
    return numbers


def _steps(
    words: list[int], numbers: list[int], spec: PuzzleSpec
) -> list[tuple[int, str, int, int]] | None:
    """Steps (a, operator, b, value) of a candidate, or None where no last step lands in range."""
    live, steps = list(numbers), []
    for word in words[:-1]:
        i = _draw(word, 21, len(live))
        j = _draw(word >> 21, 21, len(live) - 1)
        j += j >= i
        options = _options(live[i], live[j], spec)
        steps.append(options[_draw(word >> 42, 22, len(options))])
        live[i] = steps[-1][3]
        live[j] = live[-1]
        live.pop()
    low, high = spec.target_range
    options = _options(live[0], live[1], spec) + _options(live[1], live[0], spec)
    options = [option for option in options if low <= option[3] <= high]
    if not options:
        return None
    return [*steps, options[_draw(words[-1] >> 42, 22, len(options))]]


def _options(a: int, b: int, spec: PuzzleSpec) -> list[tuple[int, str, int, int]]:
    """Allowed operations; never none, as a + b or a - b is no larger than the larger of the two."""
    options = [(a, "+", b, a + b), (a, "-", b, a - b), (a, "*", b, a * b)]
    if b and (a % b == 0 or (spec.division == "integer" and a >= 0 and b > 0)):
        options.append((a, "/", b, a // b))
    return [option for option in options if abs(option[3]) <= spec.max_intermediate]


def _shuffle(numbers: list[int], counter: int) -> None:
    for k in range(len(numbers) - 1, 0, -1):
        counter = (counter + GAMMA) & _MASK
        slot = _draw(mix64(counter) >> 32, 32, k + 1)
        numbers[k], numbers[slot] = numbers[slot], numbers[k]
