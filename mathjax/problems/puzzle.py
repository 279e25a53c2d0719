"""Arithmetical puzzles: combine N integers, each used once, into a target (arXiv 2406.02100).

Prompt `3,6,7,51,58:4`, response `58-51=7,6-7=-1,3*(-1)=-3,-3+7=4`.

From the paper: N distinct integers of 1..V, N - 1 binary steps with + - * /, a result takes the
place of the two values it was made of (two equal values may be live at once), the target is the
last result; V = 60 and N = 5, 6, 7 in training; test sets in domain, with larger V, and with N = 8;
their sizes. Our reading of its Algorithm 1, which we only know in outline: numbers are uniform; a
step takes an ordered pair of live values uniformly and an operator uniformly among those allowed
for the pair (division rule, |result| <= max_intermediate); the last step is drawn uniformly among
the (order, operator) options that land in target_min..target_max, and where none does the whole
candidate is thrown away. Ascending prompts, the division rules and the bounds are ours too.

No puzzle is in both a training and a test set: the 64-bit key of (set of numbers, target) decides,
for every seed, spec and size, which split may hold it. Test splits own an eighth of the keys and
"validation" a 32nd; twice that for N = 2 and 3, where there are few puzzles.

`reference_problem` is the definition in plain Python, `puzzle_kernels` makes the same bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np

from mathjax.problems import puzzle_kernels as kernels
from mathjax.problems.base import (
    Problem,
    ProblemError,
    RenderedText,
    as_integer,
    check_arguments,
)
from mathjax.problems.puzzle_reference import reference_problem
from mathjax.problems.streams import buckets, stream_base

__all__ = ["ALPHABET", "PuzzleSet", "PuzzleSpec", "reference_problem", "standard_splits"]

ALPHABET = "0123456789+-*/=,:()"

# A spec must show puzzles within _PROBE candidates; then none is missed within _TRIES.
_PROBE, _TRIES = 1 << 14, 1 << 22
_BLOCK_STREAMS = 1 << 24  # of each N, that a block of distinct puzzles has to itself
_PATIENCE = 20_000  # repeated puzzles in a row after which a test set counts as impossible


@dataclasses.dataclass(frozen=True)
class PuzzleSpec:
    """What puzzles look like. Raises ProblemError, naming the field, where none could exist.

    Defaults are the paper's training set; the division rule and all bounds but V are ours.
    """

    num_numbers: tuple[int, ...] = (5, 6, 7)
    """N, each 2..16; example i has num_numbers[i % len(num_numbers)] numbers."""
    max_number: int = 60
    """V: numbers are distinct integers of 1..V."""
    division: str = "exact"
    """"exact": no remainder. "integer": also truncated, for a dividend >= 0 and a divisor > 0."""
    target_min: int = 1
    target_max: int | None = None
    """None: max_number."""
    max_intermediate: int = 10**6
    """Bound of |result| of every step."""
    above: int = 0
    """At least one number exceeds this; it keeps out-of-domain sets out of the domain."""
    shuffle_numbers: bool = False
    """Prompts list the numbers in random order, not ascending."""
    distinct: int = 0
    """Training examples come in blocks of so many, in which no puzzle repeats; 0: as drawn. Where
    there are few puzzles, this evens out how often each is seen."""

    def __post_init__(self):
        sizes = self.num_numbers
        if isinstance(sizes, (str, bytes)) or not hasattr(sizes, "__iter__"):
            raise ProblemError(f"num_numbers: wants a tuple such as (5, 6, 7), got {sizes!r}")
        sizes = tuple(as_integer("num_numbers", n) for n in sizes)
        object.__setattr__(self, "num_numbers", sizes)
        for name in ("max_number", "target_min", "max_intermediate", "above", "distinct"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
        if self.target_max is not None:
            object.__setattr__(self, "target_max", as_integer("target_max", self.target_max))
        if not sizes or len(set(sizes)) < len(sizes):
            raise ProblemError(f"num_numbers: wants one or more different sizes, got {sizes}")
        if min(sizes) < 2 or max(sizes) > kernels.MAX_NUMBERS:
            raise ProblemError(f"num_numbers: each must be 2..{kernels.MAX_NUMBERS}, got {sizes}")
        if not max(sizes) <= self.max_number <= 10**6:
            raise ProblemError(
                f"max_number: must be {max(sizes)} (largest of num_numbers) to 1000000, "
                f"got {self.max_number}"
            )
        if self.division not in ("exact", "integer"):
            raise ProblemError(f'division: must be "exact" or "integer", got {self.division!r}')
        if not self.max_number <= self.max_intermediate < 2**52:
            raise ProblemError(
                f"max_intermediate: must be {self.max_number} (max_number) to 2**52 - 1, "
                f"got {self.max_intermediate}"
            )
        if not 0 <= self.above < self.max_number:
            raise ProblemError(
                f"above: must be 0 to {self.max_number - 1} (max_number - 1), got {self.above}"
            )
        low, high = self.target_range
        if low > high:
            name = "target_min" if self.target_max is None else "target_max"
            raise ProblemError(f"{name}: the targets {low}..{high} are none at all")
        if max(-low, high) > self.max_intermediate:
            name = "target_max" if high > -low else "target_min"
            raise ProblemError(
                f"{name}: must not exceed max_intermediate ({self.max_intermediate}) in size"
            )
        if self.distinct < 0 or self.distinct % len(sizes):
            raise ProblemError(
                f"distinct: must be a multiple of {len(sizes)} (sizes in num_numbers), or 0, got "
                f"{self.distinct}"
            )
        if not isinstance(self.shuffle_numbers, (bool, np.bool_)):
            raise ProblemError(
                f"shuffle_numbers: must be True or False, got {self.shuffle_numbers!r}"
            )

    @property
    def target_range(self) -> tuple[int, int]:
        return self.target_min, self.max_number if self.target_max is None else self.target_max


class PuzzleSet:
    """The puzzles of one split; see `mathjax.problems.base.ProblemSet`.

    "train" may be endless and, but for `spec.distinct`, may repeat a puzzle by chance. Every other
    split has a count and no puzzle twice; its examples do not depend on the count and are chosen
    when the set is made. Raises ProblemError then if acceptable puzzles are absent, too rare or too
    few.
    """

    task = "puzzle"
    alphabet = ALPHABET

    def __init__(self, spec: PuzzleSpec, seed: int, split: str, count: int | None = None):
        self.spec, self.split = spec, split
        self.seed, self.count = check_arguments(seed, split, count)
        self.longest = _longest_document(spec)
        self._base = np.uint64(stream_base(self.seed, split))
        self._sizes = np.array(spec.num_numbers, np.int64)
        self._limits = _limits(spec, split)
        if self.count != 0:
            self._probe()
        self._streams = None if split == "train" else self._choose(self.count)
        if split == "train" and spec.distinct and self.count != 0:
            _block(self, 0)  # refuses now what has too few puzzles

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("an endless puzzle set has no length")
        return self.count

    def render(self, indices: np.ndarray) -> RenderedText:
        """Documents `prompt \\n response \\0` of int64 indices [count], in their order."""
        streams = self._resolve(indices)
        candidates, targets, _ = self._find(streams)
        text = np.empty(len(streams) * self.longest + kernels.SLACK, np.uint8)
        bounds = np.empty(len(streams) + 1, np.int64)
        prompt_sizes = np.empty(len(streams), np.int32)
        kernels.write(
            self._base,
            streams,
            self._sizes,
            self._limits,
            candidates,
            targets,
            text,
            bounds,
            prompt_sizes,
        )
        return RenderedText(text[: bounds[-1]], bounds, prompt_sizes)

    def keys(self, indices: np.ndarray) -> np.ndarray:
        """64-bit names [count] of the puzzles: equal for the same set of numbers and target."""
        return self._find(self._resolve(indices))[2]

    def problem(self, index: int) -> Problem:
        rendered = self.render(np.array([index], np.int64))
        document = rendered.text.tobytes().decode("ascii")
        prompt, response = document[:-1].split("\n")
        numbers, target = prompt.split(":")
        results = [abs(int(step.rpartition("=")[2])) for step in response.split(",")]
        facts = {
            "num_numbers": numbers.count(",") + 1,
            "max_number": self.spec.max_number,
            "target": int(target),
            "largest_intermediate": max(results),
        }
        return Problem(prompt, response, target, self.task, facts)

    def rejection_rate(self, sample: int = 10_000) -> float:
        """Candidates drawn per accepted puzzle, over the first `sample` streams; 1: none rejected.

        Counts every reason: target out of range, no number over `above`, a key of another split.
        """
        return float(self._find(np.arange(sample, dtype=np.int64))[0].mean()) + 1

    def _resolve(self, indices) -> np.ndarray:
        indices = np.asarray(indices)
        if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
            raise TypeError(f"indices: wants integers [count], got {indices.dtype} {indices.shape}")
        indices = np.ascontiguousarray(indices, np.int64)
        if indices.size:
            low, high = indices.min(), indices.max()
            if low < 0 or (self.count is not None and high >= self.count):
                bad = low if low < 0 else high
                raise IndexError(f'index {bad} is not in 0..{self.count} of split "{self.split}"')
        if self._streams is not None:
            return self._streams[indices]
        if not self.spec.distinct:
            return indices
        blocks, places = np.divmod(indices, self.spec.distinct)
        streams = np.empty_like(indices)
        for block in np.unique(blocks):
            inside = blocks == block
            streams[inside] = _block(self, int(block))[places[inside]]
        return streams

    def _find(self, streams: np.ndarray, tries: int = _TRIES) -> tuple[np.ndarray, ...]:
        """(accepted candidate, target, key) of each stream."""
        candidates, targets = np.empty((2, len(streams)), np.int64)
        keys = np.empty(len(streams), np.uint64)
        kernels.find(
            self._base, streams, self._sizes, self._limits, tries, candidates, targets, keys
        )
        if len(streams) and candidates.min() == kernels.NOT_FOUND:
            n = self.spec.num_numbers[streams[candidates.argmin()] % len(self._sizes)]
            low, high = self.spec.target_range
            raise ProblemError(
                f"num_numbers: none of {tries} candidates of {n} numbers up to "
                f'{self.spec.max_number} makes a "{self.split}" puzzle with a target in '
                f"{low}..{high}; widen target_min..target_max, raise max_number or lower above"
            )
        return candidates, targets, keys

    def _probe(self) -> None:
        """Raises now, not in the middle of a run, if acceptable puzzles are absent or too rare."""
        self._find(np.arange(8 * len(self._sizes), dtype=np.int64), _PROBE)

    def _choose(self, count: int, start: int = 0) -> np.ndarray:
        """Streams [count] from `start` on with different keys: each example takes the next new one
        of its N."""
        cycle = len(self._sizes)
        chosen = np.empty(count, np.int64)
        for group in range(min(cycle, count)):
            wanted = len(range(group, count, cycle))
            keys, found, stale = np.empty(0, np.uint64), np.empty(0, np.int64), 0
            while len(found) < wanted:
                block = max(1024, len(keys) // 2, wanted - len(found))
                block = start + group + cycle * np.arange(len(keys), len(keys) + block)
                keys = np.concatenate([keys, self._find(block)[2]])
                before, found = len(found), np.unique(keys, return_index=True)[1]
                stale = stale + len(block) if len(found) == before else 0
                if stale > _PATIENCE:
                    name = "distinct" if self.split == "train" else "count"
                    raise ProblemError(
                        f'{name}: split "{self.split}" has only about {len(found)} different '
                        f"puzzles of {self._sizes[group]} numbers up to {self.spec.max_number}, "
                        f"{wanted} are wanted; lower {name} or raise max_number"
                    )
            chosen[group::cycle] = start + group + cycle * np.sort(found)[:wanted]
        return chosen


@functools.lru_cache(maxsize=16)
def _block(problems: PuzzleSet, block: int) -> np.ndarray:
    """Streams [distinct] of one block of training examples."""
    cycle = len(problems.spec.num_numbers)
    return problems._choose(problems.spec.distinct, block * _BLOCK_STREAMS * cycle)


def standard_splits(spec: PuzzleSpec) -> dict[str, tuple[PuzzleSpec, int]]:
    """The paper's test sets for a training spec, with their sizes.

    Sizes are 2,500 (in domain) and 2,000 (numerical) for each N, and 5,000 (form). Numerical sets
    have larger numbers, at least one of them beyond the training range, and are left out where V is
    not larger; "form_ood" has one number more, and is left out where that is out of bounds.
    """
    sizes = len(spec.num_numbers)
    splits = {"in_domain": (spec, 2500 * sizes)}
    for max_number, above in ((100, spec.max_number), (1000, max(100, spec.max_number))):
        if max_number > spec.max_number:
            wider = dataclasses.replace(
                spec,
                max_number=max_number,
                above=above,
                max_intermediate=max(spec.max_intermediate, max_number),
            )
            splits[f"numerical_ood_{max_number}"] = (wider, 2000 * sizes)
    longer = max(spec.num_numbers) + 1
    if longer <= min(kernels.MAX_NUMBERS, spec.max_number):
        splits["form_ood"] = (dataclasses.replace(spec, num_numbers=(longer,)), 5000)
    return splits


def _limits(spec: PuzzleSpec, split: str) -> kernels.Limits:
    first, last = buckets(split)
    low, high = spec.target_range
    return kernels.Limits(
        max_number=spec.max_number,
        above=spec.above,
        target_min=float(low),
        target_max=float(high),
        max_intermediate=float(spec.max_intermediate),
        truncate=spec.division == "integer",
        shuffle=bool(spec.shuffle_numbers),
        first_bucket=first,
        last_bucket=last,
    )


def _longest_document(spec: PuzzleSpec) -> int:
    """Upper bound of a document's bytes: a batch's buffer needs no counting pass."""
    n, number = max(spec.num_numbers), len(str(spec.max_number))
    value = len(str(spec.max_intermediate)) + 1
    prompt = n * (number + 1) + value + 1
    step = value + 1 + (value + 2) + 1 + value
    return prompt + (n - 1) * (step + 1)


def parse_puzzle(prompt: str) -> tuple[list[int], int]:
    """'3,6,7,51,58:4' -> ([3, 6, 7, 51, 58], 4). Raises ProblemError on anything else."""
    match = re.fullmatch(
        r"\s*([0-9]{1,7}(?:\s*,\s*[0-9]{1,7}){1,15})\s*:\s*(-?[0-9]{1,19})\s*", prompt
    )
    if not match:
        raise ProblemError(
            f"not a puzzle: {prompt[:80]!r}; write 2 to 16 numbers and a target like 3,6,7,51,58:4"
        )
    return [int(number) for number in match[1].split(",")], int(match[2])
