"""Packing: whole documents, in their rows, by the order the reference gives, and nearly full."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.data.packing import PackingError, _greedy, pack, reference_assign


@st.composite
def documents(draw):
    row_length = draw(st.integers(1, 60))
    longest = draw(st.integers(1, row_length))
    return draw(st.lists(st.integers(1, longest), max_size=60)), row_length


def assert_fits(lengths, packing, row_length):
    """Every document placed is inside its row, and no position has two."""
    taken = np.zeros((packing.num_rows, row_length), int)
    for i in range(packing.count):
        end = packing.offsets[i] + lengths[i]
        assert packing.offsets[i] >= 0 and end <= row_length
        taken[packing.rows[i], packing.offsets[i] : end] += 1
    assert taken.max(initial=0) <= 1
    assert np.all(taken.sum(1) > 0)
    assert packing.fill == pytest.approx(taken.mean() if taken.size else 0.0)


@settings(deadline=None, max_examples=150)
@given(documents(), st.booleans())
def test_kernel_equals_reference(case, longest_first):
    lengths, row_length = case
    rows = np.empty(len(lengths), np.int32)
    num_rows = _greedy(np.array(lengths, np.int32), row_length, longest_first, rows)
    reference = reference_assign(lengths, row_length, longest_first)
    assert rows.tolist() == reference
    assert num_rows == max(reference, default=-1) + 1


@settings(deadline=None, max_examples=150)
@given(documents())
def test_every_document_once(case):
    lengths, row_length = case
    packing = pack(np.array(lengths, np.int32), row_length)
    assert packing.count == len(lengths)
    assert np.all(packing.rows >= 0)
    assert_fits(lengths, packing, row_length)


@settings(deadline=None, max_examples=150)
@given(documents(), st.integers(1, 8))
def test_max_rows_takes_a_prefix(case, max_rows):
    lengths, row_length = case
    packing = pack(np.array(lengths, np.int32), row_length, max_rows)
    assert packing.num_rows <= max_rows
    assert packing.count >= min(max_rows, len(lengths))
    assert np.all(packing.rows[: packing.count] >= 0)
    assert np.all(packing.rows[packing.count :] == -1)
    assert_fits(lengths, packing, row_length)
    if pack(lengths, row_length).num_rows <= max_rows:
        assert packing.count == len(lengths)


def puzzle_lengths(count, seed=0):
    """Lengths as arithmetical puzzles of five to seven numbers have them: 40 to 100, mean 67."""
    rng = np.random.default_rng(seed)
    centre = np.array([54, 67, 80])[np.arange(count) % 3]
    return np.clip(rng.normal(centre, 5).round(), 39, 99).astype(np.int32)


def tiny_lengths(count, seed=0):
    return np.clip(np.random.default_rng(seed).normal(21, 3, count).round(), 12, 32).astype(int)


@pytest.mark.parametrize(
    ("lengths", "row_length", "floor"),
    [
        (puzzle_lengths(4096), 512, 0.985),
        (puzzle_lengths(4096), 1024, 0.99),
        (puzzle_lengths(350), 512, 0.965),
        (tiny_lengths(4096), 128, 0.98),
        (tiny_lengths(350), 128, 0.965),
    ],
)
def test_fill(lengths, row_length, floor):
    packing = pack(lengths, row_length)
    assert packing.fill >= floor
    rows = pack(lengths, row_length, max_rows=packing.num_rows // 2)
    assert rows.fill >= floor
    assert rows.num_rows == packing.num_rows // 2


def test_same_input_same_packing():
    lengths = puzzle_lengths(500)
    first, second = pack(lengths, 512), pack(lengths.astype(np.int64), 512)
    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(first.offsets, second.offsets)


def test_documents_stand_in_their_order_within_a_row():
    packing = pack(puzzle_lengths(500), 512)
    for row in range(packing.num_rows):
        offsets = packing.offsets[packing.rows == row]
        assert np.all(np.diff(offsets) > 0)


def test_too_long_and_empty_documents_are_named():
    with pytest.raises(PackingError, match=r"document 2 needs 9 positions.*row_length") as caught:
        pack(np.array([3, 8, 9, 12]), 8)
    assert (caught.value.index, caught.value.length) == (2, 9)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.index, copy.length) == (str(caught.value), 2, 9)
    with pytest.raises(PackingError, match="document 1 needs 0"):
        pack(np.array([3, 0]), 8)


def test_nothing_to_pack():
    packing = pack(np.array([], np.int32), 8)
    assert (packing.num_rows, packing.count, packing.fill) == (0, 0, 0.0)
