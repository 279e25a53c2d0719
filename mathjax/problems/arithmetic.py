"""Arithmetic with worked steps (arXiv 2502.12855): + - * /, fractions and percentages.

Prompt `Question: What is 348 * 27?\\nLet's think step by step`, response
`348 * 27 = 348 * 20 + 348 * 7 = 6960 + 2436 = 9396. The answer is 9396.`

From the paper and its public code: the operations, log-uniform operands up to 7 digits, 1.3 M
examples, the wrapper, `q R r` for a remainder; and from the earlier work it builds on
(arXiv 2305.14201), that products are expanded by place value and quotients found digit by digit.
Ours: shares of the operations, formats of fractions and percentages, the phrasings, and the reading
of "log-uniform": n = floor(10**e) with e uniform in [0, 7).

No problem is in both a training and a test set: the 64-bit key of operation and numbers decides,
for every seed, spec and size, which split may hold it. `arithmetic_reference` is the definition in
plain Python, `arithmetic_kernels` makes the same bytes.

    python -m mathjax.problems.arithmetic --count=100000

prints how operations and digit lengths are distributed beside what the specification says.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np

from mathjax.problems import arithmetic_kernels as kernels
from mathjax.problems import arithmetic_writer as writer
from mathjax.problems.arithmetic_reference import (
    Drawn,
    draw_problem,
    problem_key,
    significands,
    write_problem,
)
from mathjax.problems.arithmetic_spec import MAX_DIGITS, ArithmeticSpec
from mathjax.problems.arithmetic_templates import (
    ANSWER,
    BARE,
    OPERATIONS,
    OPERATORS,
    QUESTION,
    TEMPLATES,
    THINK,
)
from mathjax.problems.base import (
    END,
    SEPARATOR,
    Problem,
    ProblemError,
    RenderedText,
    check_arguments,
)
from mathjax.problems.streams import buckets, stream_base

__all__ = [
    "ALPHABET",
    "OPERATIONS",
    "TRAIN_COUNT",
    "ArithmeticSet",
    "ArithmeticSpec",
    "problem_key",
    "standard_splits",
]

_TEXTS = itertools.chain(*TEMPLATES.values(), *OPERATORS.values())
ALPHABET = "".join(
    sorted({*"0123456789+-*/%=(). SoR", *QUESTION, *THINK, *ANSWER, *"".join(_TEXTS)} - {*"{}\n"})
)

TRAIN_COUNT = 1_300_000
"""Examples of the paper's training set."""

_PATIENCE = 20_000  # repeated problems in a row after which a test set counts as impossible
_CHUNK = 2048  # documents the compiled writer makes at a time


class ArithmeticSet:
    """The problems of one split; see `mathjax.problems.base.ProblemSet`.

    "train" may be endless and may repeat a problem by chance: there are few short ones. Every other
    split has a count and no problem twice; its examples do not depend on the count and are chosen
    when the set is made. Since short problems run out there, it has fewer of them than the
    specification says. `exclude` holds keys (`problem_key`) of problems that must not occur, such
    as those of a public test set. Raises ProblemError where problems are absent or too few.
    """

    task = "arithmetic"
    alphabet = ALPHABET

    def __init__(
        self,
        spec: ArithmeticSpec,
        seed: int,
        split: str,
        count: int | None = None,
        exclude: np.ndarray | tuple[int, ...] = (),
    ):
        self.spec, self.split = spec, split
        self.seed, self.count = check_arguments(seed, split, count)
        try:
            self._excluded = np.unique(np.array(exclude, np.uint64))
        except (OverflowError, ValueError, TypeError):
            raise ProblemError("exclude: wants keys as problem_key gives them") from None
        self._base = np.uint64(stream_base(self.seed, f"{self.task}/{split}"))
        self._limits = _limits(spec, split, self._excluded) if spec.is_short else None
        self._streams = None
        if self.count != 0:
            self._keys(np.arange(8, dtype=np.int64))  # refuses now what has no problem
        if split != "train":
            self._streams = self._choose(self.count)

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("an endless problem set has no length")
        return self.count

    def render(self, indices: np.ndarray) -> RenderedText:
        """Documents of int64 indices [count], in their order."""
        streams = self._resolve(indices)
        bounds = np.zeros(len(streams) + 1, np.int64)
        prompt_sizes = np.empty(len(streams), np.int32)
        texts = [np.empty(0, np.uint8)]
        if self.spec.is_short:
            operations, numbers, _ = self._find(streams)
            scratch = np.empty(min(_CHUNK, len(streams)) * writer.LONGEST, np.uint8)
            options = writer.Options(self.spec.steps, self.spec.wrapper, self.spec.phrasings)
            phrases = _phrases()
            for start in range(0, len(streams), _CHUNK):
                rows = slice(start, start + _CHUNK)
                end = writer.write(
                    self._base,
                    streams[rows],
                    operations[rows],
                    numbers[rows],
                    options,
                    phrases,
                    scratch,
                    bounds[start : start + _CHUNK + 1],
                    prompt_sizes[rows],
                )
                texts.append(scratch[:end].copy())
        else:
            for row, stream in enumerate(streams.tolist()):
                written = write_problem(
                    self.spec, self.seed, self.split, stream, self._draw(stream)
                )
                prompt = (written.prompt + SEPARATOR).encode()
                document = prompt + (written.response + END).encode()
                texts.append(np.frombuffer(document, np.uint8))
                prompt_sizes[row], bounds[row + 1] = len(prompt), bounds[row] + len(document)
        return RenderedText(np.concatenate(texts), bounds, prompt_sizes)

    def keys(self, indices: np.ndarray) -> np.ndarray:
        """64-bit names [count] of the problems; see `problem_key`."""
        return self._keys(self._resolve(indices))

    def shapes(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(place in OPERATIONS [count], digits [count, 4]) of the problems' numbers.

        The numbers are those of `arithmetic_reference.Drawn`; where one is absent its digits are 0.
        """
        streams = self._resolve(indices)
        if self.spec.is_short:
            operations, numbers, _ = self._find(streams)
            powers = 10 ** np.arange(19, dtype=np.int64)
            return operations, np.searchsorted(powers, np.abs(numbers), "right")
        digits = np.zeros((len(streams), 4), np.int64)
        operations = np.empty(len(streams), np.int64)
        for row, stream in enumerate(streams.tolist()):
            drawn = self._draw(stream)
            operations[row] = OPERATIONS.index(drawn.operation)
            digits[row, : len(drawn.numbers)] = [len(str(abs(n))) for n in drawn.numbers]
        return operations, digits

    def problem(self, index: int) -> Problem:
        stream = int(self._resolve(np.array([index], np.int64))[0])
        drawn = self._draw(stream)
        text = write_problem(self.spec, self.seed, self.split, stream, drawn)
        digits = [len(str(abs(number))) for number in drawn.numbers]
        half = len(digits) // 2
        facts = {
            "operation": drawn.operation,
            "digits_a": max(digits[:half]),
            "digits_b": max(digits[half:]),
        }
        return Problem(text.prompt, text.response, text.answer, self.task, facts)

    def _draw(self, stream: int) -> Drawn:
        drawn = draw_problem(self.spec, self.seed, self.split, stream, self._excluded_keys)
        if drawn is None:
            self._refuse()
        return drawn

    @functools.cached_property
    def _excluded_keys(self) -> frozenset[int]:
        return frozenset(self._excluded.tolist())

    def _refuse(self) -> None:
        raise ProblemError(
            f'operations: some "{self.split}" examples find no problem; raise max_digits or '
            "fraction_digits, or exclude fewer problems"
        )

    def _resolve(self, indices: np.ndarray) -> np.ndarray:
        indices = np.asarray(indices)
        if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
            raise TypeError(f"indices: wants integers [count], got {indices.dtype} {indices.shape}")
        indices = np.ascontiguousarray(indices, np.int64)
        if indices.size:
            low, high = indices.min(), indices.max()
            if low < 0 or (self.count is not None and high >= self.count):
                bad = low if low < 0 else high
                raise IndexError(f'index {bad} is not in 0..{self.count} of split "{self.split}"')
        return indices if self._streams is None else self._streams[indices]

    def _find(self, streams: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(operation [count], numbers [count, 4], key [count]) of streams, compiled."""
        operations = np.empty(len(streams), np.int64)
        numbers = np.empty((len(streams), 4), np.int64)
        keys = np.empty(len(streams), np.uint64)
        if not kernels.find(self._base, streams, self._limits, operations, numbers, keys):
            self._refuse()
        return operations, numbers, keys

    def _keys(self, streams: np.ndarray) -> np.ndarray:
        if self.spec.is_short:
            return self._find(streams)[2]
        return np.array([self._draw(stream).key for stream in streams.tolist()], np.uint64)

    def _choose(self, count: int) -> np.ndarray:
        """The first streams [count] with different keys."""
        keys, found, stale = np.empty(0, np.uint64), np.empty(0, np.int64), 0
        while len(found) < count:
            block = max(1024, len(keys) // 2, count - len(found))
            block = np.arange(len(keys), len(keys) + block)
            keys = np.concatenate([keys, self._keys(block)])
            before, found = len(found), np.unique(keys, return_index=True)[1]
            stale = stale + len(block) if len(found) == before else 0
            if stale > _PATIENCE:
                raise ProblemError(
                    f'count: split "{self.split}" has only about {len(found)} different problems, '
                    f"{count} are wanted; lower count or raise max_digits"
                )
        return np.sort(found)[:count]


def standard_splits(spec: ArithmeticSpec) -> dict[str, tuple[ArithmeticSpec, int]]:
    """Test sets for a training spec, with their sizes (ours; the paper's are not known).

    "longer" has operands of one to three digits more, and is left out beyond the limit.
    """
    splits = {"test": (spec, 10_000)}
    if spec.max_digits + 3 <= MAX_DIGITS:
        longer = dataclasses.replace(
            spec,
            min_digits=spec.max_digits + 1,
            max_digits=spec.max_digits + 3,
            fraction_digits=None,
        )
        splits["longer"] = (longer, 2_000)
    return splits


def _limits(spec: ArithmeticSpec, split: str, excluded: np.ndarray) -> kernels.Limits:
    first, last = buckets(split)
    ranges = [spec.digit_range(name) for name in OPERATIONS]
    return kernels.Limits(
        thresholds=np.array(spec.thresholds, np.int64),
        exact=spec.exact_threshold,
        law=("log_uniform", "digits", "uniform").index(spec.operands),
        min_digits=np.array([low for low, _ in ranges], np.int64),
        max_digits=np.array([high for _, high in ranges], np.int64),
        max_percent=spec.max_percent,
        negative=spec.negative_threshold,
        ordered=not spec.negative_results,
        significands=np.array(significands(), np.int64),
        first_bucket=first,
        last_bucket=last,
        excluded=excluded,
    )


@functools.cache
def _phrases() -> writer.Phrases:
    """Templates and operators as one byte pool, the slots marked by bytes 1, 2 and 3."""
    texts, firsts = [], [0]
    for name in OPERATIONS:
        texts += [t.format(e="\1", a="\2", b="\3").encode() for t in TEMPLATES[name]]
        firsts.append(len(texts))
    operators = [OPERATORS[name.removeprefix("fraction_")] for name in OPERATIONS]
    texts += [text.encode() for row in operators for text in row]
    starts = np.cumsum([0, *map(len, texts)])
    pool = np.frombuffer(b"".join(texts), np.uint8).copy()
    return writer.Phrases(pool, starts.astype(np.int64), np.array(firsts, np.int64), len(BARE))


if __name__ == "__main__":
    from mathjax.problems.arithmetic_histogram import main

    main()
