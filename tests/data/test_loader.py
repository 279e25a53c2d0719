"""Batches: right loss mask, exact epochs, and the same batch b however it is come by."""

import pickle
from collections import Counter

import numpy as np
import pytest
import tokenizers
from absl import flags
from transformers import PreTrainedTokenizerFast

from mathjax.data.documents import DocumentSource, ordered_map
from mathjax.data.loader import (
    LoaderError,
    PackedBatches,
    fill,
    make_loader,
    permute,
)
from mathjax.data.packing import PackingError
from mathjax.data.tokenizer import Tokenizer, character_tokenizer
from mathjax.problems.base import END, SEPARATOR, RenderedText

ALPHABET = "0123456789+-="


class Sums:
    """Problem i: its number, a sum, and a response of 5 to 30 characters that depends on i only."""

    task, split, alphabet = "sums", "train", ALPHABET

    def __init__(self, count):
        self.count = count

    def pair(self, index):
        index = int(index)
        prompt = f"{index}+{index % 7}"
        return prompt, (f"={index + index % 7}" * 9)[: 5 + index * index % 26]

    def render(self, indices):
        pairs = [self.pair(i) for i in indices]
        documents = [(p + SEPARATOR + r + END).encode() for p, r in pairs]
        return RenderedText(
            np.frombuffer(b"".join(documents), np.uint8),
            np.cumsum([0, *map(len, documents)]),
            np.array([len(p) + 1 for p, _ in pairs], np.int32),
        )


TOKENIZER = character_tokenizer(ALPHABET)


def source(count=None):
    return DocumentSource(Sums(count), TOKENIZER)


def read(batch):
    """Documents (their tokens) in a batch, after checking everything that must hold of its arrays.

    Every row: documents next to one another from column 0, then padding; positions from 0 in each.
    """
    found = []
    for row in range(len(batch["inputs"])):
        inputs, targets, positions, segments, weights = (
            batch[name][row]
            for name in ("inputs", "targets", "positions", "segment_ids", "weights")
        )
        used = np.count_nonzero(segments)
        assert np.all(np.diff(segments[:used]) >= 0)
        assert np.unique(segments[:used]).tolist() == list(range(1, segments.max() + 1))
        for array, value in ((segments, 0), (positions, 0), (weights, 0), (inputs, 0)):
            assert np.all(array[used:] == value)
        for segment in range(1, segments.max() + 1):
            here = segments == segment
            assert positions[here].tolist() == list(range(here.sum()))
            assert np.array_equal(inputs[here][1:], targets[here][:-1])
            assert targets[here][-1] == TOKENIZER.eos_id
            found.append((*inputs[here].tolist(), TOKENIZER.eos_id))
    return found


def expected(indices):
    documents = source().documents(np.asarray(indices))
    return [tuple(documents[i].tolist()) for i in range(len(documents))]


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_batch_of_arrays():
    batch = PackedBatches(source(), batch_size=6, row_length=64)[0]
    assert list(batch) == ["inputs", "targets", "positions", "segment_ids", "weights"]
    for name, array in batch.items():
        assert array.shape == (6, 64)
        assert array.dtype == (np.float32 if name == "weights" else np.int32)
    assert read(batch)


@pytest.mark.parametrize("count", [None, 200])
def test_loss_falls_on_response_and_eos(count):
    """Decoding the targets with weight 1, document by document, gives back the responses."""
    batches = PackedBatches(source(count), batch_size=8, row_length=96)
    problems, batch, seen = Sums(None), batches[0], 0
    for row in range(8):
        for segment in range(1, batch["segment_ids"][row].max() + 1):
            here = batch["segment_ids"][row] == segment
            text = TOKENIZER.decode(batch["inputs"][row][here])
            index = int(text.partition("+")[0])
            weighted = batch["targets"][row][here & (batch["weights"][row] == 1)]
            assert weighted[-1] == TOKENIZER.eos_id
            assert TOKENIZER.decode(weighted) == problems.pair(index)[1]
            assert np.count_nonzero(weighted == TOKENIZER.eos_id) == 1
            seen += 1
    assert seen > 15
    whole = PackedBatches(source(count), batch_size=8, row_length=96, loss_on_prompt=True)[0]
    assert np.array_equal(whole["weights"], whole["segment_ids"] > 0)
    assert np.array_equal(whole["inputs"], batch["inputs"])


def test_endless_batches_take_their_own_documents_in_order():
    batches = PackedBatches(source(), batch_size=16, row_length=128)
    size = batches.documents_per_batch
    for b in (0, 1, 57):
        found = Counter(read(batches[b]))
        placed = expected(range(b * size, b * size + found.total()))
        assert found == Counter(placed)
        assert found.total() <= size
        assert fill(batches[b]) > 0.97
    assert len(batches) >= 2**40
    assert batches.fill == fill(batches[0])
    assert fill(batches[2**40 - 1]) > 0.97  # no index is too large


@pytest.mark.parametrize(("count", "window"), [(1, 4096), (37, 10), (500, 64), (500, 4096)])
def test_an_epoch_has_every_document_once(count, window):
    batches = PackedBatches(
        source(count), batch_size=5, row_length=64, num_epochs=3, window=window, num_threads=2
    )
    assert len(batches) == batches.num_batches(3) == -(-3 * batches.rows_per_epoch // 5)
    rows = [
        {name: array[row : row + 1] for name, array in batches[b].items()}
        for b in range(len(batches))
        for row in range(5)
    ]
    total = 3 * batches.rows_per_epoch
    assert all(not np.any(row["segment_ids"]) for row in rows[total:])
    epochs = [
        [d for row in rows[e * total // 3 : (e + 1) * total // 3] for d in read(row)]
        for e in range(3)
    ]
    for epoch in epochs:
        assert Counter(epoch) == Counter(expected(range(count)))
    used = sum(np.count_nonzero(row["segment_ids"]) for row in rows) / 3
    assert batches.fill == pytest.approx(used / (batches.rows_per_epoch * 64))
    if count > 100:
        assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
        assert batches.fill > 0.93


def test_seeds_give_different_orders():
    def first(seed, count):
        return read(PackedBatches(source(count), batch_size=4, row_length=64, seed=seed)[0])

    assert first(0, 500) == first(np.int64(0), 500)
    assert Counter(first(0, 500)) != Counter(first(1, 500))
    assert first(0, None) != first(1, None)
    assert Counter(first(0, None)) == Counter(first(1, None))


def test_without_epochs_a_finite_source_goes_on():
    batches = PackedBatches(source(30), batch_size=4, row_length=64)
    assert len(batches) >= 2**40
    late = batches[10**9]
    assert fill(late) > 0.8
    assert set(read(late)) <= set(expected(range(30)))


@pytest.mark.parametrize("count", [None, 300])
def test_resuming_equals_skipping(count):
    batches = PackedBatches(source(count), batch_size=4, row_length=64, window=50, num_epochs=None)
    with make_loader(batches) as loader:
        whole = [next(loader) for _ in range(8)]
        assert loader.step == 8
    fresh = PackedBatches(source(count), batch_size=4, row_length=64, window=50, num_epochs=None)
    for prefetch in (0, 3):
        with make_loader(fresh, start_step=5, prefetch=prefetch) as loader:
            for b in (5, 6, 7):
                assert loader.step == b
                assert_same(next(loader), whole[b])
    assert_same(fresh[3], whole[3])  # backwards, past what is cached


def test_the_same_batches_from_any_number_of_workers():
    batches = PackedBatches(source(200), batch_size=4, row_length=64, window=50, num_epochs=2)
    expected_batches = [batches[b] for b in range(len(batches))]
    assert len(expected_batches) > 10
    unparsed = not flags.FLAGS.is_parsed()
    try:
        for num_workers in (0, 1, 2):
            with make_loader(batches, start_step=2, num_workers=num_workers) as loader:
                made = list(loader)
            assert len(made) == len(batches) - 2
            for one, other in zip(made, expected_batches[2:], strict=True):
                assert_same(one, other)
    finally:
        if unparsed:
            flags.FLAGS.unparse_flags()


def test_a_closed_loader_says_so():
    loader = make_loader(PackedBatches(source(), batch_size=4, row_length=64))
    next(loader)
    loader.close()
    loader.close()
    with pytest.raises(LoaderError, match="closed"):
        next(loader)


def test_a_pickled_copy_makes_the_same_batches():
    batches = PackedBatches(source(200), batch_size=4, row_length=64, window=50)
    batches[0]
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(batches))))
    for b in (0, 9):
        assert_same(copy[b], batches[b])
    tokenizer = copy.source.tokenizer
    assert tokenizer.vocab_size == TOKENIZER.vocab_size
    assert tokenizer.decode(tokenizer.encode_prompt("1+2")) == "1+2\n"


def test_starting_at_the_end_gives_nothing():
    batches = PackedBatches(source(20), batch_size=4, row_length=64, num_epochs=1)
    with make_loader(batches, start_step=len(batches)) as loader:
        assert list(loader) == []
    with pytest.raises(LoaderError, match="start_step"):
        make_loader(batches, start_step=len(batches) + 1)
    with pytest.raises(IndexError):
        batches[len(batches)]


def test_a_hugging_face_tokenizer_end_to_end():
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    problems = Sums(120)
    backend.train_from_iterator(["".join(problems.pair(i)) for i in range(120)], trainer)
    backend.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", model_max_length=10
    )
    tokenizer = Tokenizer(wrapped)
    batches = PackedBatches(
        DocumentSource(problems, tokenizer), batch_size=4, row_length=48, num_epochs=1
    )
    found = Counter()
    with make_loader(batches) as loader:
        for batch in loader:
            for row in range(4):
                for segment in range(1, batch["segment_ids"][row].max() + 1):
                    here = batch["segment_ids"][row] == segment
                    assert batch["inputs"][row][here][0] == tokenizer.bos_id
                    weighted = here & (batch["weights"][row] == 1)
                    found[
                        tokenizer.decode(batch["inputs"][row][here & (batch["weights"][row] == 0)]),
                        tokenizer.decode(batch["targets"][row][weighted]),
                    ] += 1
    # The separator is the last prompt token: input of the first weighted target.
    assert found == Counter(problems.pair(i) for i in range(120))


def test_too_long_documents_are_named():
    class Long(Sums):
        def pair(self, index):
            return ("1", "2" * 70) if index == 31 else super().pair(index)

    with pytest.raises(PackingError, match=r"document 31 has 73 tokens.*row_length to at least 72"):
        PackedBatches(DocumentSource(Long(50), TOKENIZER), batch_size=4, row_length=64)

    class Longer(Sums):
        def pair(self, index):
            return ("1", "2" * 70) if index == 5000 else super().pair(index)

    endless = PackedBatches(DocumentSource(Longer(None), TOKENIZER), batch_size=8, row_length=64)
    with (
        make_loader(endless, 5000 // endless.documents_per_batch) as loader,
        pytest.raises(PackingError, match="document 5000 has 73 tokens"),
    ):
        next(loader)


@pytest.mark.parametrize(
    ("count", "settings", "match"),
    [
        (None, {"num_epochs": 2}, "endless"),
        (0, {}, "no documents"),
        (9, {"batch_size": 0}, "batch_size is 0"),
        (9, {"num_epochs": 0}, "num_epochs is 0"),
    ],
)
def test_settings_without_batches(count, settings, match):
    with pytest.raises(LoaderError, match=match):
        PackedBatches(source(count), **({"batch_size": 4, "row_length": 64} | settings))
    with pytest.raises(LoaderError, match="endless"):
        PackedBatches(source(), batch_size=4, row_length=64).num_batches()


@pytest.mark.parametrize("count", [1, 2, 5, 256, 257, 1000])
def test_permute_is_a_permutation(count):
    orders = [permute(np.arange(count), count, key) for key in range(4)]
    for order in orders:
        assert sorted(order) == list(range(count))
    if count > 5:
        assert len({tuple(order) for order in orders}) == 4
    assert permute(np.array([count - 1]), count, 3)[0] == orders[3][-1]


def test_permute_is_even():
    """Over many keys each place of five takes each value about equally often."""
    keys = 5000
    table = np.zeros((5, 5))
    for key in range(keys):
        table[np.arange(5), permute(np.arange(5), 5, key)] += 1
    # Chi square with 16 degrees of freedom: 39.3 is its 0.999 quantile.
    assert ((table - keys / 5) ** 2 / (keys / 5)).sum() < 39.3
    large = permute(np.arange(1000), 10**8, 7)
    assert len(set(large.tolist())) == 1000
    assert large.min() >= 0 and large.max() < 10**8
    assert abs(large.mean() / 10**8 - 0.5) < 0.05


def test_ordered_map_keeps_order_and_stops_when_left():
    started = []

    def square(item):
        started.append(item)
        return item * item

    assert list(ordered_map(square, range(50), 3)) == [i * i for i in range(50)]
    started.clear()
    results = ordered_map(square, iter(range(10**9)), 3)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    results.close()
    assert len(started) < 10
