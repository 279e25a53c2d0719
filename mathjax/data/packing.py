"""Whole documents into rows of a fixed length, nearly full."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right

import numpy as np
from numba import njit

from mathjax.errors import UserError

BODY = 4
"""A row looks for its last two documents once it has room for this many of average length."""


class PackingError(UserError):
    """A document that no row can hold. `index` is its position in what was packed."""

    def __init__(self, message: str, index: int, length: int) -> None:
        super().__init__(message)
        self.index, self.length = index, length

    def __reduce__(self):
        return type(self), (str(self), self.index, self.length)  # comes back from worker processes


@dataclasses.dataclass(frozen=True)
class Packing:
    """Where each document goes. Within a row documents stand in their given order, without gaps."""

    rows: np.ndarray  # int32 [count]; -1: left out, because `max_rows` were full
    offsets: np.ndarray  # int32 [count]; 0 where left out
    num_rows: int
    count: int  # the documents placed: always the first `count`
    fill: float  # share of the positions of all rows that hold a token


def pack(lengths: np.ndarray, row_length: int, max_rows: int | None = None) -> Packing:
    """Assigns every document, whole, to a row and an offset; the same input gives the same packing.

    Rows take documents in the given order and, when there is room for about two more, the pair
    that fills the rest best (exactly, as a rule). Where that takes over half a per cent more rows
    than the tokens would fill, the longest documents are tried first instead, and the better of
    the two is kept. 4,096 puzzles of 40 to 100 tokens fill 0.993 of the rows at `row_length` 512,
    0.997 at 1024, at about 20 ns a document.

    Args:
      lengths: int [count], each 1 to `row_length`.
      row_length: positions in a row.
      max_rows: pack only the longest prefix of the documents for which so many rows suffice.
        Leaving out by order, not by length, keeps the lengths of what is trained on unbiased.

    Raises:
      PackingError: a document has no token or more than `row_length`.
    """
    lengths = np.ascontiguousarray(lengths, np.int32)
    wrong = np.flatnonzero((lengths < 1) | (lengths > row_length))
    if len(wrong):
        index, length = int(wrong[0]), int(lengths[wrong[0]])
        raise PackingError(
            f"document {index} needs {length} positions, a row has {row_length}: "
            + ("set row_length higher" if length > 0 else "leave empty documents out"),
            index,
            length,
        )
    count = len(lengths)
    if max_rows is None:
        rows, num_rows = _assign(lengths, row_length)
    else:
        count, rows, num_rows = _longest_prefix(lengths, row_length, max_rows)
    used = int(lengths[:count].sum(dtype=np.int64))
    return Packing(
        rows=rows,
        offsets=_offsets(lengths, rows, num_rows),
        num_rows=int(num_rows),
        count=int(count),
        fill=used / (num_rows * row_length) if num_rows else 0.0,
    )


def pack_sides(
    lengths: np.ndarray, row_lengths: tuple[int, ...], max_rows: int | None = None
) -> tuple[Packing, ...]:
    """`pack` of documents that have a length on each of several sides, of which each has rows of
    its own: one Packing a side, all with the same rows.

    A document counts with the larger of its shares of a row, and shares that add up to at most one
    row do so on every side. Exact where one side is always the larger (puzzles at equal
    `row_lengths` fill 0.99 of the responses' rows); a few per cent are lost where it varies.

    Args:
      lengths: int [sides, count], each 1 to the side's row length.
    """
    if len(row_lengths) == 1:
        return (pack(lengths[0], row_lengths[0], max_rows),)
    unit = max(row_lengths)
    shares = [-(-row * unit // size) for row, size in zip(lengths, row_lengths, strict=True)]
    packing = pack(np.max(shares, axis=0), unit, max_rows)
    return tuple(
        dataclasses.replace(
            packing,
            offsets=_offsets(np.ascontiguousarray(row, np.int32), packing.rows, packing.num_rows),
            fill=int(row[: packing.count].sum()) / (packing.num_rows * size or 1),
        )
        for row, size in zip(lengths, row_lengths, strict=True)
    )


@njit(cache=True, nogil=True)
def _greedy(lengths, row_length, longest_first, rows):
    """Writes each document's row to `rows`, returns how many rows. See `reference_assign`."""
    count = len(lengths)
    left = np.zeros(row_length + 1, np.int32)  # documents of each length not yet placed
    total = 0
    for i in range(count):
        left[lengths[i]] += 1
        total += lengths[i]
        rows[i] = -1
    start = np.zeros(row_length + 2, np.int32)
    for length in range(row_length + 1):
        start[length + 1] = start[length] + left[length]
    ends = start[:-1].copy()  # bucket of a length: by_length[start:ends], taken from the end
    by_length = np.empty(count, np.int32)
    for i in range(count):
        by_length[ends[lengths[i]]] = i
        ends[lengths[i]] += 1

    shortest, longest, following, remaining, row = 1, row_length, 0, count, 0
    while remaining:
        space = row_length
        while remaining:
            while left[shortest] == 0:
                shortest += 1
            while left[longest] == 0:
                longest -= 1
            if space < shortest:
                break
            best, first, second = 0, 0, 0
            if longest_first:
                length = min(longest, space)
                while left[length] == 0:
                    length -= 1
            else:
                while rows[following] >= 0:
                    following += 1
                length = lengths[following]
            roomy = space > 2 * longest or space * count > BODY * total
            if length > space or not roomy:
                # The two pointers meet after one pass over the lengths in use.
                high, low = min(longest, space), shortest
                while left[high] == 0:
                    high -= 1
                best, first = high, high
                while best < space and low <= high:
                    if left[high] == 0 or low + high > space:
                        high -= 1
                    elif left[low] == 0:
                        low += 1
                    else:
                        if low + high > best and (low != high or left[low] > 1):
                            best, first, second = low + high, high, low
                        low += 1
            if best < space and length <= space and (roomy or space - length >= 2 * shortest):
                if longest_first:
                    ends[length] -= 1
                    rows[by_length[ends[length]]] = row
                else:
                    rows[following] = row
                left[length] -= 1
                space -= length
                remaining -= 1
                continue
            for length in (first, second):
                if length:
                    ends[length] -= 1
                    rows[by_length[ends[length]]] = row
                    left[length] -= 1
                    space -= length
                    remaining -= 1
        row += 1
    return row


@njit(cache=True, nogil=True)
def _assign(lengths, row_length):
    rows = np.empty(len(lengths), np.int32)
    num_rows = _greedy(lengths, row_length, False, rows)
    bound = (lengths.sum() + row_length - 1) // row_length
    if 200 * (num_rows - bound) > num_rows:
        others = np.empty(len(lengths), np.int32)
        fewer = _greedy(lengths, row_length, True, others)
        if fewer < num_rows:
            return others, fewer
    return rows, num_rows


@njit(cache=True, nogil=True)
def _longest_prefix(lengths, row_length, max_rows):
    """(count, rows, num_rows): bisection over prefixes, started where the first fill points."""
    tokens, high = 0, 0
    while high < len(lengths) and tokens + lengths[high] <= max_rows * row_length:
        tokens += lengths[high]
        high += 1
    rows, num_rows = _assign(lengths[:high], row_length)
    low = high
    if num_rows > max_rows:
        low = min(max_rows, high)  # one a row always fits
        rows, fitting = _assign(lengths[:low], row_length)
        attempt = high * max_rows // num_rows
        num_rows = fitting
        while high - low > 1:
            attempt = min(max(attempt, low + 1), high - 1)
            others, needed = _assign(lengths[:attempt], row_length)
            if needed <= max_rows:
                low, rows, num_rows = attempt, others, needed
            else:
                high = attempt
            attempt = (low + high) // 2
    full = np.full(len(lengths), -1, np.int32)
    full[:low] = rows
    return low, full, num_rows


@njit(cache=True, nogil=True)
def _offsets(lengths, rows, num_rows):
    offsets = np.zeros(len(lengths), np.int32)
    used = np.zeros(num_rows, np.int32)
    for i in range(len(lengths)):
        if rows[i] >= 0:
            offsets[i] = used[rows[i]]
            used[rows[i]] += lengths[i]
    return offsets


@njit(cache=True, nogil=True)
def lay_out(
    tokens,
    bounds,
    prompt_lengths,
    rows,
    offsets,
    slots,
    loss_on_prompt,
    inputs,
    targets,
    positions,
    segment_ids,
    weights,
):
    """Writes packed documents into the five arrays [rows, row_length] of a batch.

    Documents of row r of the packing go to row slots[r] of the batch, or nowhere where that is
    negative. `slots` is int64 [num_rows]; the arrays are as in `loader.PackedBatches`.
    """
    segments = np.zeros(len(inputs), np.int32)
    for document in range(len(rows)):
        if rows[document] < 0 or slots[rows[document]] < 0:
            continue
        row, start = slots[rows[document]], bounds[document]
        segments[row] += 1
        for place in range(bounds[document + 1] - start - 1):
            column = offsets[document] + place
            inputs[row, column] = tokens[start + place]
            targets[row, column] = tokens[start + place + 1]
            positions[row, column] = place
            segment_ids[row, column] = segments[row]
            if loss_on_prompt or place + 1 >= prompt_lengths[document]:
                weights[row, column] = 1.0


@njit(cache=True, nogil=True)
def lay_out_pairs(
    tokens,
    bounds,
    prompt_lengths,
    rows,
    source_offsets,
    target_offsets,
    slots,
    start_id,
    inputs,
    input_segment_ids,
    decoder_inputs,
    targets,
    segment_ids,
    weights,
):
    """`lay_out` for an encoder-decoder: prompts into the first two arrays, responses into the
    others. A response's decoder inputs are `start_id` and its tokens but the last."""
    segments = np.zeros(len(inputs), np.int32)
    for document in range(len(rows)):
        if rows[document] < 0 or slots[rows[document]] < 0:
            continue
        row, start = slots[rows[document]], bounds[document]
        segments[row] += 1
        for place in range(prompt_lengths[document]):
            column = source_offsets[document] + place
            inputs[row, column] = tokens[start + place]
            input_segment_ids[row, column] = segments[row]
        start += prompt_lengths[document]
        previous = start_id
        for place in range(bounds[document + 1] - start):
            column = target_offsets[document] + place
            decoder_inputs[row, column] = previous
            previous = tokens[start + place]
            targets[row, column] = previous
            segment_ids[row, column] = segments[row]
            weights[row, column] = 1.0


def reference_assign(lengths: list[int], row_length: int, longest_first: bool) -> list[int]:
    """Row of each document, in plain Python: what the kernel does, for tests and for reading."""
    rows = [-1] * len(lengths)
    average = sum(lengths) / max(1, len(lengths))
    waiting: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        waiting.setdefault(length, []).append(index)

    def place(index: int, row: int) -> None:
        rows[index] = row
        waiting[lengths[index]].remove(index)
        if not waiting[lengths[index]]:
            del waiting[lengths[index]]

    row = -1
    while waiting:
        row += 1
        space = row_length
        while waiting and space >= min(waiting):
            sizes = sorted(waiting)
            if longest_first:
                index = waiting[sizes[bisect_right(sizes, space) - 1]][-1]
            else:
                index = rows.index(-1)
            length = lengths[index]
            roomy = space > 2 * sizes[-1] or space > BODY * average
            last: tuple[int, ...] = ()
            if length > space or not roomy:
                last = _best_close(waiting, space)
            exact = sum(last) == space
            if not exact and length <= space and (roomy or space - length >= 2 * sizes[0]):
                place(index, row)
                space -= length
            else:
                for size in last:
                    place(waiting[size][-1], row)
                    space -= size
    return rows


def _best_close(waiting: dict[int, list[int]], space: int) -> tuple[int, ...]:
    """One or two lengths that fill `space` best: the longest single, else the least even pair."""
    singles = [(size,) for size in waiting if size <= space]
    pairs = [
        (high, low)
        for low in waiting
        for high in waiting
        if low <= high and low + high <= space and (low != high or len(waiting[low]) > 1)
    ]
    return max(singles + pairs, key=lambda sizes: (sum(sizes), -len(sizes), sizes[0]))
