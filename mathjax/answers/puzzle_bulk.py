"""Many puzzle answers at once: the verdicts of `mathjax.answers.puzzle.verify`, compiled.

Compiled code reads answers in plain ASCII form and gives each the reason code that `verify` gives;
whatever else an answer may hold (prose, other glyphs, numbers beyond 64 bits) goes to `verify`
itself. So the verdicts are the same, and only the time of the second kind is that of plain Python.
"""

from __future__ import annotations

import marshal
import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from mathjax.answers import puzzle
from mathjax.answers import puzzle_bulk_kernels as kernels
from mathjax.answers.verdict import Verdict

REASONS = kernels.REASONS
"""What the codes of `Verdicts` stand for. Code 0 is "right", the last one "limit" (undecided)."""

_LIMIT = REASONS.index("limit")
_RECORD = np.dtype([("tag", "u1"), ("value", "<i4")])
_BLOCK = 1 << 12  # responses joined at a time, so that their bytes stay in the cache


class Puzzles(NamedTuple):
    """Puzzles as arrays. Puzzle i is `numbers[i, :counts[i]]` -> `targets[i]`."""

    numbers: np.ndarray  # integers [count, most numbers]; what lies behind counts[i] is not read
    counts: np.ndarray  # integers [count], each 2 or more
    targets: np.ndarray  # integers [count]


class TextSpans(NamedTuple):
    """Texts as bytes of one buffer. Text i is `text[starts[i]:ends[i]]`, in UTF-8.

    The responses of a `RenderedText` are
    `TextSpans(text, bounds[:-1] + prompt_sizes, bounds[1:] - 1)`.
    Bytes that are not UTF-8 count as U+FFFD.
    """

    text: bytes | np.ndarray  # uint8 [bytes]
    starts: np.ndarray  # integers [count]
    ends: np.ndarray  # integers [count]


class Verdicts:
    """One verdict a response, held as codes: a byte each, and the arguments of `verify_many`.

    `verdicts[i]` is the whole `Verdict`. Its detail is worked out only then, by `puzzle.verify`
    from those arguments, which must not have changed meanwhile.
    """

    def __init__(self, codes: np.ndarray, slow: int, arguments: _Arguments):
        self.codes = codes
        """uint8 [count], places in REASONS."""
        self.slow = slow
        """Responses that went to `puzzle.verify`."""
        self._arguments = arguments

    @property
    def correct(self) -> np.ndarray:
        """bool [count]"""
        return self.codes == 0

    @property
    def undecided(self) -> np.ndarray:
        """bool [count]"""
        return self.codes == _LIMIT

    @property
    def reasons(self) -> np.ndarray:
        """str [count]"""
        return np.array(REASONS)[self.codes]

    def count_reasons(self) -> dict[str, int]:
        """Verdicts by reason, most frequent first; no zeros."""
        counts = np.bincount(self.codes, minlength=len(REASONS)).tolist()
        pairs = zip(REASONS, counts, strict=True)
        return dict(sorted((pair for pair in pairs if pair[1]), key=lambda pair: -pair[1]))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int) -> Verdict:
        return self._arguments.verify(range(len(self))[operator.index(index)])

    def __iter__(self) -> Iterator[Verdict]:
        return map(self._arguments.verify, range(len(self)))


def verify_many(
    puzzles: Puzzles | Sequence[tuple[Iterable[int], int]],
    responses: TextSpans | Sequence[str],
    division: str = "exact",
) -> Verdicts:
    """Decides response i to puzzle i, for every i; `division` is that of `puzzle.verify`.

    Takes 0.17 us a response in the form of the training data from arrays and strings, 0.25 us from
    pairs and strings (six numbers on average), and as long as `verify` where that is asked. The
    first call on a machine compiles for 2 s.

    Raises TypeError or ValueError where `puzzle.verify` does, for arrays of a wrong shape or type,
    and where there are not as many responses as puzzles.
    """
    if division not in ("exact", "integer"):
        raise ValueError(f'division must be "exact" or "integer", got {division!r}')
    asked = _Arrays(puzzles) if isinstance(puzzles, Puzzles) else _Pairs(puzzles)
    texts = _Spans(responses) if isinstance(responses, TextSpans) else _Strings(responses)
    if len(texts) != len(asked):
        raise ValueError(f"{len(texts)} responses for {len(asked)} puzzles")
    codes = np.empty(len(texts), np.uint8)
    for start in range(0, len(texts), _BLOCK):
        here = slice(start, min(start + _BLOCK, len(texts)))
        arrays = (*texts.block(here), *asked.block(here))
        kernels.decide(*map(_frozen, arrays), division == "integer", codes[here])
    arguments = _Arguments(asked, texts, division)
    unsure = np.flatnonzero(codes == kernels.UNSURE).tolist()
    for i in unsure:
        codes[i] = REASONS.index(arguments.verify(i).reason)
    return Verdicts(codes, len(unsure), arguments)


class _Arguments(NamedTuple):
    puzzles: _Arrays | _Pairs
    texts: _Strings | _Spans
    division: str

    def verify(self, i: int) -> Verdict:
        return puzzle.verify(*self.puzzles[i], self.texts[i], self.division)


class _Arrays:
    """Puzzles in arrays."""

    def __init__(self, puzzles: Puzzles):
        self._numbers = _integers("numbers", puzzles.numbers, 2)
        self._counts = _integers("counts", puzzles.counts, 1)
        self._targets = _integers("targets", puzzles.targets, 1)
        rows, width = self._numbers.shape
        sizes = len(self._counts), len(self._targets)
        if sizes != (rows, rows):
            raise ValueError(f"{rows} rows of numbers, {sizes[0]} counts, {sizes[1]} targets")
        if rows and not (self._counts.min() >= 2 and self._counts.max() <= width):
            raise ValueError(f"counts must be 2 to {width}, the width of numbers")

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, i: int) -> tuple[list[int], int]:
        return self._numbers[i, : self._counts[i]].tolist(), int(self._targets[i])

    def block(self, here: slice) -> tuple[np.ndarray, ...]:
        """(numbers of all, where those of each begin, how many they are, targets)."""
        numbers = self._numbers[here]
        firsts = numbers.shape[1] * np.arange(len(numbers))
        return numbers.reshape(-1), firsts, self._counts[here], self._targets[here]


class _Pairs:
    """Puzzles in a list of (numbers, target)."""

    def __init__(self, puzzles: Sequence[tuple[Iterable[int], int]]):
        if isinstance(puzzles, (str, bytes)):
            raise TypeError("puzzles must be pairs (numbers, target), got one text")
        self._puzzles = puzzles if isinstance(puzzles, list) else list(puzzles)
        self._owned = self._puzzles is not puzzles

    def __len__(self) -> int:
        return len(self._puzzles)

    def __getitem__(self, i: int) -> tuple[Iterable[int], int]:
        return self._puzzles[i]

    def block(self, here: slice) -> tuple[np.ndarray, ...]:
        """As of `_Arrays`.

        `marshal` writes nested lists and tuples of int in one pass of C code, five times as fast as
        NumPy reads them, and tells bool, float and long integers from short ones. Version 2 of its
        format has no references: a byte for the type, four for an integer or a length. Whatever
        does not look like that is read in Python.
        """
        pairs = self._puzzles[here]
        firsts, counts, targets = np.empty((3, len(pairs)), np.int64)
        try:
            data = marshal.dumps(pairs, 2)
        except ValueError:
            data = b""
        if data and len(data) % _RECORD.itemsize == 0:
            records = np.frombuffer(data, _RECORD)
            tags, values = records["tag"].copy(), records["value"].astype(np.int64)
            if kernels.find_puzzles(tags, values, firsts, counts, targets):
                return values, firsts, counts, targets
        return self._checked_block(here)

    def _checked_block(self, here: slice) -> tuple[np.ndarray, ...]:
        """As `block`, of numbers of any type and size. What int64 cannot hold gets count 0, which
        the kernels do not read."""
        if not self._owned:
            self._puzzles, self._owned = self._puzzles.copy(), True
        pairs = self._puzzles[here] = [_checked(pair) for pair in self._puzzles[here]]
        fits = [all(-(2**63) <= x < 2**63 for x in (*numbers, goal)) for numbers, goal in pairs]
        pairs = [pair if fit else ([], 0) for pair, fit in zip(pairs, fits, strict=True)]
        numbers = np.array(list(chain.from_iterable(numbers for numbers, _ in pairs)), np.int64)
        counts = np.array([len(numbers) for numbers, _ in pairs])
        return numbers, np.cumsum(counts) - counts, counts, np.array([goal for _, goal in pairs])


def _checked(pair: object) -> tuple[list[int], int]:
    """A pair as Python's integers. Raises as `puzzle.verify` does."""
    try:
        numbers, target = pair
        numbers = numbers if isinstance(numbers, (str, bytes)) else list(numbers)
    except (TypeError, ValueError):
        raise TypeError(f"puzzles must be pairs (numbers, target), got {pair!r:.80}") from None
    puzzle.verify(numbers, target, "")
    return [operator.index(number) for number in numbers], operator.index(target)


class _Strings:
    """Responses in a list of str."""

    def __init__(self, responses: Sequence[str]):
        if isinstance(responses, (str, bytes)):
            raise TypeError("responses must be many str, got one text")
        self._responses = responses if isinstance(responses, list) else list(responses)

    def __len__(self) -> int:
        return len(self._responses)

    def __getitem__(self, i: int) -> str:
        return self._responses[i]

    def block(self, here: slice) -> TextSpans:
        """A byte a character: what is not ASCII becomes a question mark, which the kernels leave
        to others too."""
        block = self._responses[here]
        try:
            text = "".join(block).encode("ascii", "replace")
        except TypeError as error:
            raise TypeError(f"responses must be str: {error}") from None
        sizes = np.fromiter(map(len, block), np.int64, len(block))
        ends = np.cumsum(sizes)
        return TextSpans(_bytes(text), ends - sizes, ends)


class _Spans:
    """Responses in a buffer."""

    def __init__(self, spans: TextSpans):
        text = _bytes(spans.text)
        starts, ends = _integers("starts", spans.starts, 1), _integers("ends", spans.ends, 1)
        if len(starts) != len(ends):
            raise ValueError(f"{len(starts)} starts of texts, {len(ends)} ends")
        if len(starts) and not (
            starts.min() >= 0 and ends.max() <= len(text) and np.all(starts <= ends)
        ):
            raise ValueError(f"spans must have 0 <= start <= end <= {len(text)} (bytes of text)")
        self._spans = TextSpans(text, starts, ends)

    def __len__(self) -> int:
        return len(self._spans.starts)

    def __getitem__(self, i: int) -> str:
        text, starts, ends = self._spans
        return text[starts[i] : ends[i]].tobytes().decode("utf-8", "replace")

    def block(self, here: slice) -> TextSpans:
        text, starts, ends = self._spans
        return TextSpans(text, starts[here], ends[here])


def _bytes(text: bytes | np.ndarray) -> np.ndarray:
    if isinstance(text, np.ndarray):
        if text.dtype != np.uint8 or text.ndim != 1:
            raise TypeError(f"text: wants uint8 [bytes], got {text.dtype} {text.shape}")
        return np.ascontiguousarray(text)
    return np.frombuffer(text, np.uint8)


def _frozen(values: np.ndarray) -> np.ndarray:
    """Read-only, as bytes are: else the kernels would be compiled for either."""
    values = values.view()
    values.flags.writeable = False
    return values


def _integers(name: str, values: object, dimensions: int) -> np.ndarray:
    """As contiguous int64, without a copy where it is that already."""
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or values.ndim != dimensions:
        raise TypeError(
            f"{name}: wants {dimensions}-dimensional integers, got {values.dtype} {values.shape}"
        )
    if values.dtype == np.uint64 and values.size and values.max() >= 2**63:
        raise ValueError(f"{name}: beyond int64; give such puzzles as pairs")
    return np.ascontiguousarray(values, np.int64)
