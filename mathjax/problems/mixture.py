"""Several problem sets as one: example i is that of one of them, drawn by weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mathjax.problems.base import Problem, ProblemError, ProblemSet, RenderedText
from mathjax.problems.streams import GAMMA, stream_base

_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class MixtureSet:
    """See `mathjax.problems.base.ProblemSet`. Example i of the mixture is example i of the set that
    it falls to, so that it depends on (seed, i) alone.

    For training: `sets` are endless or as long as the mixture, `weights` in proportion to how often
    each is drawn.
    """

    task, split = "mixture", "train"

    def __init__(
        self,
        sets: Sequence[ProblemSet],
        weights: Sequence[float],
        seed: int,
        count: int | None = None,
    ):
        if len(sets) != len(weights) or not sets:
            raise ProblemError(f"weights: wants {len(sets)}, one for each set, got {len(weights)}")
        if min(weights) < 0 or not 0 < sum(weights) < float("inf"):
            raise ProblemError(f"weights: must not be negative, nor all 0, got {tuple(weights)}")
        self.sets, self.count = list(sets), count
        self.alphabet = "".join(sorted(set().union(*(one.alphabet for one in sets))))
        shares = np.cumsum(np.asarray(weights, np.float64)) / sum(weights)
        self._bounds = (shares[:-1] * 2.0**32).astype(np.uint64)
        self._base = np.uint64(stream_base(seed, "mixture"))

    def which(self, indices: np.ndarray) -> np.ndarray:
        """Number in `sets` of the set that each of int64 indices [count] falls to."""
        z = self._base + np.asarray(indices, np.uint64) * np.uint64(GAMMA)
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        words = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
        return np.searchsorted(self._bounds, words, side="right")

    def problem(self, index: int) -> Problem:
        return self.sets[int(self.which(np.array([index]))[0])].problem(index)

    def render(self, indices: np.ndarray) -> RenderedText:
        """Documents of int64 indices [count], in their order."""
        indices = np.asarray(indices, np.int64)
        which = self.which(indices)
        sizes, prompt_sizes = np.zeros(len(indices), np.int64), np.zeros(len(indices), np.int32)
        places = [np.flatnonzero(which == number) for number in range(len(self.sets))]
        rendered = {}
        for number, (one, own) in enumerate(zip(self.sets, places, strict=True)):
            if len(own):
                part = rendered[number] = one.render(indices[own])
                sizes[own] = np.diff(part.bounds)
                prompt_sizes[own] = part.prompt_sizes
        bounds = np.zeros(len(indices) + 1, np.int64)
        np.cumsum(sizes, out=bounds[1:])
        text = np.empty(bounds[-1], np.uint8)
        for number, part in rendered.items():
            for place, start, end in zip(
                places[number], part.bounds[:-1].tolist(), part.bounds[1:].tolist(), strict=True
            ):
                text[bounds[place] : bounds[place + 1]] = part.text[start:end]
        return RenderedText(text, bounds, prompt_sizes)
