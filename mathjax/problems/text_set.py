"""Problem sets written in plain Python, one problem at a time.

A family says how one candidate is drawn; this page makes of it what `base.ProblemSet` promises:
example i depends on (seed, split, i) alone, no problem is in both a training and a test set, and
test sets hold no problem twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mathjax.problems.base import (
    END,
    SEPARATOR,
    Problem,
    ProblemError,
    RenderedText,
    check_arguments,
)
from mathjax.problems.streams import Draws, bucket, buckets, hash64, stream_base

_TRIES = 10_000  # candidates of a stream, none of which is for its split


class Candidate(NamedTuple):
    problem: Problem
    key: str  # its canonical form: equal for what counts as the same problem


class TextSet:
    """See `mathjax.problems.base.ProblemSet`.

    `draw(draws, index)` makes a candidate for example `index`; a candidate whose key belongs to
    another split is drawn again. Test splits skip keys they have had. Raises ProblemError if
    problems for the split are absent, too rare or too few.
    """

    def __init__(
        self,
        task: str,
        alphabet: str,
        draw: Callable[[Draws, int], Candidate],
        seed: int,
        split: str,
        count: int | None = None,
    ):
        seed, count = check_arguments(seed, split, count)
        self.task, self.alphabet, self.split, self.count = task, alphabet, split, count
        self._draw, self._base = draw, stream_base(seed, f"{task}/{split}")
        self._first, self._last = buckets(split)
        self._chosen: list[int] = []  # of a test split: stream of each example so far
        self._keys: set[int] = set()
        self._lock = threading.RLock()  # of what is filled on the way: loaders have threads
        if count != 0:
            self._find(0)  # refuses now what has no problem

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = {
                name: value.copy() if isinstance(value, (list, set)) else value
                for name, value in self.__dict__.items()
            }
        del state["_lock"]  # it cannot go to another process
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def problem(self, index: int) -> Problem:
        return self._find(self._stream(index)).problem

    def key(self, index: int) -> int:
        """64-bit name of what counts as the same problem."""
        return hash64(self._find(self._stream(index)).key)

    def render(self, indices: np.ndarray) -> RenderedText:
        """Documents of int64 indices [count], in their order."""
        parts, sizes, prompt_sizes = [], [], []
        for index in np.asarray(indices).tolist():
            problem = self.problem(index)
            prompt = (problem.prompt + SEPARATOR).encode()
            document = prompt + (problem.response + END).encode()
            parts.append(document)
            sizes.append(len(document))
            prompt_sizes.append(len(prompt))
        bounds = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes, out=bounds[1:])
        text = np.frombuffer(b"".join(parts), np.uint8)
        return RenderedText(text, bounds, np.array(prompt_sizes, np.int32))

    def _streams(self, indices: np.ndarray) -> np.ndarray:
        """`_stream` of each of `indices`."""
        indices = np.asarray(indices, np.int64)
        if self.split != "train" or not len(indices):
            return np.array([self._stream(index) for index in indices.tolist()], np.int64)
        for end in (indices.min(), indices.max()):
            self._stream(int(end))  # refuses what is outside
        return indices

    def _stream(self, index: int) -> int:
        if index < 0 or (self.count is not None and index >= self.count):
            raise IndexError(f'index {index} is not in 0..{self.count} of split "{self.split}"')
        if self.split == "train":
            return index
        with self._lock:
            return self._choose(index)

    def _choose(self, index: int) -> int:
        stream = self._chosen[-1] + 1 if self._chosen else 0
        stale = 0
        while len(self._chosen) <= index:
            key = hash64(self._find(stream).key)
            if key in self._keys:
                stale += 1
            else:
                stale = 0
                self._keys.add(key)
                self._chosen.append(stream)
            if stale > _TRIES:
                raise ProblemError(
                    f'count: split "{self.split}" of {self.task} has only about '
                    f"{len(self._chosen)} different problems, {self.count} are wanted; lower count"
                )
            stream += 1
        return self._chosen[index]

    def _find(self, stream: int) -> Candidate:
        draws = Draws(self._base, stream)
        for _ in range(_TRIES):
            candidate = self._draw(draws, stream)
            if self._first <= bucket(hash64(candidate.key)) <= self._last:
                return candidate
        raise ProblemError(
            f'{self.task}: none of {_TRIES} candidates is for split "{self.split}"; widen the '
            "specification"
        )
