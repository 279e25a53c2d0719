"""Batches for encoder-decoders: prompts and responses side by side, and all that `test_loader`
asks of batches."""

import pickle
from collections import Counter

import numpy as np
import pytest
from absl import flags
from hypothesis import given, settings
from hypothesis import strategies as st
from test_loader import ALPHABET, Sums, assert_same
from test_tokenizer import random_pairs, render, trained_bpe

from mathjax.data.documents import DocumentSource
from mathjax.data.loader import LoaderError, PackedBatches, fill, make_loader
from mathjax.data.packing import PackingError, pack, pack_sides
from mathjax.data.tokenizer import Tokenizer, character_tokenizer
from mathjax.problems.base import SEPARATOR

TOKENIZER = character_tokenizer(ALPHABET, encoder_decoder=True)
START = 3
LENGTHS = {"row_length": 24, "target_row_length": 64, "decoder_start_id": START}


def source(count=None):
    return DocumentSource(Sums(count), TOKENIZER)


def read(batch):
    """(prompt, response) texts in a batch, after checking everything that must hold of its arrays:
    documents from column 0 without gaps, the same ones on both sides, then padding."""
    found, eos = [], TOKENIZER.eos_id
    for row in range(len(batch["inputs"])):
        inputs, source_ids, decoder_inputs, targets, ids, weights = (
            array[row] for array in batch.values()
        )
        for segments, arrays in ((source_ids, [inputs]), (ids, [decoder_inputs, targets])):
            used = np.count_nonzero(segments)
            assert np.all(np.diff(segments[:used]) >= 0)
            assert np.unique(segments[:used]).tolist() == list(range(1, source_ids.max() + 1))
            assert all(np.all(array[used:] == TOKENIZER.pad_id) for array in arrays)
        assert np.array_equal(weights, ids > 0)
        for segment in range(1, ids.max() + 1):
            prompt, response = inputs[source_ids == segment], targets[ids == segment]
            assert decoder_inputs[ids == segment].tolist() == [START, *response[:-1]]
            assert prompt[-1] == response[-1] == eos
            assert eos not in prompt[:-1] and eos not in response[:-1]
            found.append((TOKENIZER.decode(prompt), TOKENIZER.decode(response)))
    return found


def expected(indices):
    return [Sums(None).pair(i) for i in indices]


def test_a_batch_of_arrays():
    batch = PackedBatches(source(), batch_size=6, **LENGTHS)[0]
    shapes = {name: array.shape for name, array in batch.items()}
    assert shapes == dict.fromkeys(("inputs", "input_segment_ids"), (6, 24)) | dict.fromkeys(
        ("decoder_inputs", "targets", "segment_ids", "weights"), (6, 64)
    )
    for name, array in batch.items():
        assert array.dtype == (np.float32 if name == "weights" else np.int32)
    assert read(batch)


def test_endless_batches_take_their_own_documents_in_order():
    batches = PackedBatches(source(), batch_size=16, row_length=64)
    size = batches.documents_per_batch
    for b in (0, 1, 57):
        batch = {name: array.copy() for name, array in batches[b].items()}
        batch["decoder_inputs"][batch["decoder_inputs"] == 0] = START  # the default start
        batch["decoder_inputs"][batch["segment_ids"] == 0] = 0
        found = Counter(read(batch))
        assert found == Counter(expected(range(b * size, b * size + found.total())))
        assert np.mean(batch["segment_ids"] > 0) > 0.95  # responses are the longer side
    assert batches.fill == fill(batches[0])


@pytest.mark.parametrize(("count", "window"), [(1, 4096), (37, 10), (500, 4096)])
def test_an_epoch_has_every_document_once(count, window):
    batches = PackedBatches(
        source(count), batch_size=5, num_epochs=2, window=window, num_threads=2, **LENGTHS
    )
    rows = [
        {name: array[row : row + 1] for name, array in batches[b].items()}
        for b in range(len(batches))
        for row in range(5)
    ]
    total = 2 * batches.rows_per_epoch
    epochs = [
        [d for row in rows[e * total // 2 : (e + 1) * total // 2] for d in read(row)]
        for e in range(2)
    ]
    for epoch in epochs:
        assert Counter(epoch) == Counter(expected(range(count)))
    used = sum(
        np.count_nonzero(row[name]) for row in rows for name in ("input_segment_ids", "segment_ids")
    )
    assert batches.fill == pytest.approx(used / 2 / (batches.rows_per_epoch * (24 + 64)))
    if count > 100:
        assert epochs[0] != epochs[1]


@pytest.mark.parametrize("count", [None, 300])
def test_resuming_equals_skipping_and_a_copy_is_the_same(count):
    batches = PackedBatches(source(count), batch_size=4, window=50, **LENGTHS)
    with make_loader(batches) as loader:
        whole = [next(loader) for _ in range(6)]
    copy = pickle.loads(pickle.dumps(batches))
    with make_loader(copy, start_step=4) as loader:
        for b in (4, 5):
            assert_same(next(loader), whole[b])


def test_the_same_batches_from_any_number_of_workers():
    batches = PackedBatches(source(120), batch_size=4, window=50, num_epochs=1, **LENGTHS)
    whole = [batches[b] for b in range(len(batches))]
    unparsed = not flags.FLAGS.is_parsed()
    try:
        with make_loader(batches, num_workers=2) as loader:
            for one, other in zip(loader, whole, strict=True):
                assert_same(one, other)
    finally:
        if unparsed:
            flags.FLAGS.unparse_flags()


@pytest.mark.parametrize(
    ("pair", "match"),
    [
        (("1" * 30, "2"), r"document 31 has a prompt of 31 tokens.* row_length to at least 31"),
        (("1", "2" * 70), r"document 31 .*response of 71 tokens.*target_row_length to at least 71"),
    ],
)
def test_a_document_too_long_on_either_side_is_named(pair, match):
    class Long(Sums):
        def pair(self, index):
            return pair if index == 31 else super().pair(index)

    with pytest.raises(PackingError, match=match) as caught:
        PackedBatches(DocumentSource(Long(50), TOKENIZER), batch_size=4, **LENGTHS)
    assert caught.value.index == 31


def test_settings_of_the_other_kind_are_refused():
    with pytest.raises(LoaderError, match="loss_on_prompt"):
        PackedBatches(source(9), batch_size=4, loss_on_prompt=True, **LENGTHS)
    decoder = DocumentSource(Sums(9), character_tokenizer(ALPHABET))
    with pytest.raises(LoaderError, match="target_row_length"):
        PackedBatches(decoder, batch_size=4, row_length=64, target_row_length=64)
    with pytest.raises(LoaderError, match="target_row_length is 0"):
        PackedBatches(source(9), batch_size=4, row_length=64, target_row_length=0)


@st.composite
def two_sided(draw):
    row_lengths = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    pair = st.tuples(*(st.integers(1, length) for length in row_lengths))
    documents = draw(st.lists(pair, max_size=60))
    return np.array(documents, np.int64).reshape(-1, 2).T, row_lengths


@settings(deadline=None, max_examples=100)
@given(two_sided(), st.none() | st.integers(1, 8))
def test_both_sides_fit(case, max_rows):
    lengths, row_lengths = case
    packings = pack_sides(lengths, row_lengths, max_rows)
    for row, size, packing in zip(lengths, row_lengths, packings, strict=True):
        assert np.array_equal(packing.rows, packings[0].rows)
        taken = np.zeros((packing.num_rows, size), int)
        for i in range(packing.count):
            start = packing.offsets[i]
            assert start + row[i] <= size
            taken[packing.rows[i], start : start + row[i]] += 1
        assert taken.max(initial=0) <= 1
        assert packing.fill == pytest.approx(taken.mean() if taken.size else 0.0)
    if max_rows is None:
        assert packings[0].count == lengths.shape[1]
    else:
        assert packings[0].num_rows <= max_rows


def test_one_side_is_packed_as_ever():
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    (one,), other = pack_sides(lengths[None], (128,)), pack(lengths, 128)
    assert np.array_equal(one.rows, other.rows) and np.array_equal(one.offsets, other.offsets)
    # Where the second side is always the shorter it does not matter.
    first, second = pack_sides(np.stack([lengths, (lengths + 1) // 2]), (128, 128))
    assert np.array_equal(first.rows, other.rows)
    assert np.array_equal(first.offsets, other.offsets)
    assert second.fill < first.fill == other.fill


@pytest.mark.parametrize("kind", ["characters", "bpe"])
def test_prompts_are_closed_by_eos(kind):
    if kind == "characters":
        tokenizer = character_tokenizer("0123456789+-*/=,:() ", encoder_decoder=True)
    else:
        tokenizer = Tokenizer(trained_bpe(bos=False), encoder_decoder=True)
    pairs = [*random_pairs(30), ("1", "")]
    documents = tokenizer.encode_documents(render(pairs))
    for i, (prompt, response) in enumerate(pairs):
        ids, length = documents[i].tolist(), documents.prompt_lengths[i]
        assert ids[:length] == tokenizer.encode_prompt(prompt)
        assert ids[length - 1] == ids[-1] == tokenizer.eos_id
        assert ids.count(tokenizer.eos_id) == 2
        assert tokenizer.decode(ids) == prompt
        assert tokenizer.decode(ids[length:]) == response
        assert SEPARATOR not in tokenizer.huggingface.decode(ids)
    sides = tokenizer.side_lengths(render(pairs))
    assert np.array_equal(sides[0], documents.prompt_lengths)
    assert np.array_equal(sides.sum(axis=0), documents.lengths)
    assert np.array_equal(tokenizer.document_lengths(render(pairs)), documents.lengths)
