"""Training batches as a function of their number, so that the step is all a run resumes from."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator

import grain
import numpy as np
from absl import flags
from numba import njit
from tqdm import tqdm

from mathjax.data.documents import Documents, TokenDocuments, ordered_map
from mathjax.data.packing import Packing
from mathjax.data.rows import Batch, DecoderRows, EncoderDecoderRows, Rows, pack_rows
from mathjax.errors import UserError

ENDLESS = 2**40
"""Length of batches without an end, which Grain wants to know."""

PROBE = 4096
"""Documents from which the number that an endless source gives to a batch is worked out."""

CACHED_WINDOWS = 4


class LoaderError(UserError):
    """Settings under which no batch can be made."""


@dataclasses.dataclass(frozen=True)
class _Window:
    """Packed documents: one window of a finite source, or all of a batch of an endless one."""

    documents: TokenDocuments
    packings: tuple[Packing, ...]  # of each side


class PackedBatches:
    """Batch b as a pure function of (source, seed, b): a random access source for Grain.

    A batch is a dict of arrays [batch_size, row_length]:
      inputs, targets: int32; a document d of n tokens takes n - 1 positions, inputs d[:-1] and
        targets d[1:], so nothing is predicted across documents. The source's pad_id elsewhere.
      positions: int32, from 0 in each document.
      segment_ids: int32, 1, 2, .. within a row; 0 is padding.
      weights: float32, 1 where the target is part of a response or its eos, else 0.

    Of a source for encoder-decoders, prompts and responses go to rows of their own:
      inputs, input_segment_ids: [batch_size, row_length], prompts and their numbers in the row.
      decoder_inputs, targets, segment_ids, weights: [batch_size, target_row_length], the responses
        of the same numbers; decoder_inputs are decoder_start_id and the response but its last
        token.

    An endless source gives batch b its documents b * M .. (b + 1) * M - 1, of which the longest
    prefix that fits is packed; M leaves a few to spare. A finite source is permuted by the seed,
    once, and cut in windows, each packed into whole rows; an epoch is all rows, windows in a new
    order and rows in a new order within them, so that it holds every document exactly once. Rows
    follow one another across windows and epochs, and empty rows complete the very last batch.
    Planning that takes one pass over all lengths and keeps one number a window.

    Args:
      source: where documents come from, e.g. a DocumentSource.
      batch_size: rows in a batch.
      row_length: positions in a row (of prompts, for an encoder-decoder).
      seed: of the orders of documents, windows and rows.
      num_epochs: passes over a finite source, None for ever; None for an endless one.
      loss_on_prompt: weight 1 on every target, those in prompts too; not for an encoder-decoder.
      target_row_length: positions in a row of responses; None: row_length.
      decoder_start_id: what every response starts with in decoder_inputs.
      window: documents packed together in a finite source.
      num_threads: threads of the planning pass, None for one a core.

    Raises:
      LoaderError: num_epochs for an endless source, an empty source, a size below 1, or settings
        that this kind of source has no use for.
      PackingError: a document too long for a row, naming its index in the source.
    """

    def __init__(
        self,
        source: Documents,
        *,
        batch_size: int,
        row_length: int,
        seed: int = 0,
        num_epochs: int | None = None,
        loss_on_prompt: bool = False,
        target_row_length: int | None = None,
        decoder_start_id: int = 0,
        window: int = 4096,
        num_threads: int | None = None,
    ) -> None:
        sizes = {"batch_size": batch_size, "row_length": row_length, "window": window}
        sizes |= {"num_epochs": num_epochs, "target_row_length": target_row_length}
        for name, value in sizes.items():
            if value is not None and value < 1:
                raise LoaderError(f"{name} is {value}: it must be at least 1")
        if source.count == 0:
            raise LoaderError("the source has no documents: set its count to at least 1")
        self.source, self.batch_size = source, batch_size
        self.seed, self.num_epochs = int(seed), num_epochs
        if source.encoder_decoder:
            if loss_on_prompt:
                raise LoaderError("loss_on_prompt is set, but an encoder predicts no prompt")
            row_lengths = row_length, target_row_length or row_length
            self.rows: Rows = EncoderDecoderRows(row_lengths, source.pad_id, decoder_start_id)
        else:
            if target_row_length is not None:
                raise LoaderError(
                    f"target_row_length is {target_row_length}: leave it out, only an "
                    "encoder-decoder has rows of responses"
                )
            self.rows = DecoderRows(row_length, source.pad_id, loss_on_prompt)
        self._start_cache()
        if source.count is not None:
            self._windows = -(-source.count // window)
            self._counts, self._used = self._plan(num_threads or os.cpu_count() or 1)
            return
        if num_epochs is not None:
            raise LoaderError(
                f"num_epochs is {num_epochs}, but the source is endless: leave num_epochs out, or "
                "give the source a count"
            )
        lengths = self.rows.lengths(source, np.arange(PROBE))
        mean = lengths.mean(axis=1)
        expected = batch_size * np.array(self.rows.row_lengths) / mean
        # Three standard deviations of their total length: nearly every batch gets enough.
        spare = 3 * lengths.std(axis=1) / mean * expected**0.5
        self.documents_per_batch = int(np.ceil(np.min(expected + spare))) + 1

    def __len__(self) -> int:
        return ENDLESS if self.num_epochs is None else self.num_batches(self.num_epochs)

    def __getitem__(self, index: int) -> Batch:
        index = range(len(self))[index]
        return self._lay_out(
            self._rows(index) if self.source.count is not None else self._drawn(index)
        )

    @property
    def rows_per_epoch(self) -> int:
        """Rows of one pass over a finite source."""
        self._want_finite("rows_per_epoch")
        return int(self._counts.sum())

    def num_batches(self, num_epochs: int = 1) -> int:
        """Batches of so many passes over a finite source; the last may have empty rows."""
        self._want_finite("num_batches")
        return -(-self.rows_per_epoch * num_epochs // self.batch_size)

    @property
    def fill(self) -> float:
        """Share of positions that hold a token: in an epoch, or, of an endless source, batch 0."""
        if self.source.count is None:
            return fill(self[0])
        return self._used / (self.rows_per_epoch * sum(self.rows.row_lengths))

    def _want_finite(self, what: str) -> None:
        if self.source.count is None:
            raise LoaderError(f"{what} is not defined: the source is endless")

    def _window_indices(self, window: int) -> np.ndarray:
        """Document indices int64 of a window; windows differ in size by one at most."""
        count = self.source.count
        start, stop = (w * count // self._windows for w in (window, window + 1))
        return permute(np.arange(start, stop), count, _key(self.seed))

    def _plan(self, num_threads: int) -> tuple[np.ndarray, int]:
        """(rows of each window int32 [windows], positions used), from one pass over all lengths."""

        def measure(window: int) -> tuple[int, int]:
            indices = self._window_indices(window)
            lengths = self.rows.lengths(self.source, indices)
            return pack_rows(self.rows, indices, lengths)[0].num_rows, int(lengths.sum())

        counts, used = np.empty(self._windows, np.int32), 0
        progress = tqdm(
            total=self.source.count,
            desc="planning epochs",
            unit=" documents",
            unit_scale=True,
            delay=3,
            mininterval=0.5 if sys.stderr.isatty() else 60,
        )
        with progress:
            done = 0
            for window, measured in enumerate(
                ordered_map(measure, range(self._windows), num_threads)
            ):
                counts[window], used = measured[0], used + measured[1]
                before, done = done, (window + 1) * self.source.count // self._windows
                progress.update(done - before)
        return counts, used

    def _pack(self, indices: np.ndarray, max_rows: int | None = None) -> _Window:
        documents = self.source.documents(indices)
        lengths = self.rows.lengths_of(documents)
        return _Window(documents, pack_rows(self.rows, indices, lengths, max_rows))

    def _cached_window(self, window: int) -> _Window:
        with self._lock:
            if window in self._cache:
                self._cache.move_to_end(window)
                return self._cache[window]
        packed = self._pack(self._window_indices(window))
        with self._lock:
            self._cache[window] = packed
            while len(self._cache) > CACHED_WINDOWS:
                self._cache.popitem(last=False)
        return packed

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """(order of the windows, rows up to and including each), int64 [windows] each."""
        with self._lock:
            if self._last_epoch is None or self._last_epoch[0] != epoch:
                order = permute(np.arange(self._windows), self._windows, _key(self.seed, epoch))
                self._last_epoch = epoch, order, np.cumsum(self._counts[order], dtype=np.int64)
            return self._last_epoch[1:]

    def _rows(self, index: int) -> Iterator[tuple[_Window, np.ndarray]]:
        """For each window in batch `index`: it, and which row of the batch each of its rows is."""
        row, stop = index * self.batch_size, (index + 1) * self.batch_size
        if self.num_epochs is not None:
            stop = min(stop, self.rows_per_epoch * self.num_epochs)
        first = row
        while row < stop:
            epoch, local = divmod(row, self.rows_per_epoch)
            order, ends = self._epoch(epoch)
            place = int(np.searchsorted(ends, local, side="right"))
            window, size = int(order[place]), int(self._counts[order[place]])
            start = local - (int(ends[place]) - size)
            taken = np.arange(start, min(size, start + stop - row))
            slots = np.full(size, -1)
            slots[permute(taken, size, _key(self.seed, epoch, window))] = (
                row - first + np.arange(len(taken))
            )
            yield self._cached_window(window), slots
            row += len(taken)

    def _drawn(self, index: int) -> Iterator[tuple[_Window, np.ndarray]]:
        """The same for an endless source: one window that makes up the batch."""
        size = self.documents_per_batch
        window = self._pack(np.arange(index * size, (index + 1) * size), self.batch_size)
        yield window, permute(np.arange(self.batch_size), self.batch_size, _key(self.seed, index))

    def _lay_out(self, parts: Iterator[tuple[_Window, np.ndarray]]) -> Batch:
        batch = self.rows.empty(self.batch_size)
        for window, slots in parts:
            self.rows.write(batch, window.documents, window.packings, slots)
        return batch

    def _start_cache(self) -> None:
        self._lock = threading.Lock()
        self._cache: OrderedDict[int, _Window] = OrderedDict()
        self._last_epoch: tuple[int, np.ndarray, np.ndarray] | None = None

    def __getstate__(self) -> dict:
        own = {"_lock", "_cache", "_last_epoch"}
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._start_cache()


class Loader:
    """Iterator over batches that are made ahead. Close it, or use it as a context manager.

    `step` is the number of the batch that comes next: what to store in order to resume.
    """

    def __init__(self, iterator: grain.DatasetIterator, start_step: int) -> None:
        self._held = [iterator]
        # Left to the end of the program, Grain's own clean-up prints tracebacks and leaks memory.
        self._close = weakref.finalize(self, _close, self._held)
        self.step = start_step

    def __iter__(self) -> Loader:
        return self

    def __next__(self) -> Batch:
        if not self._held:
            raise LoaderError("this loader is closed: make another with make_loader")
        batch = next(self._held[0])
        self.step += 1
        return batch

    def close(self) -> None:
        """Ends the threads and processes that make batches."""
        self._close()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close(held: list[grain.DatasetIterator]) -> None:
    while held:
        held.pop().close()


def make_loader(
    batches: PackedBatches, start_step: int = 0, num_workers: int = 0, prefetch: int = 2
) -> Loader:
    """Batches start_step, start_step + 1, ..; the same ones whatever the other two arguments are.

    Args:
      num_workers: processes that make batches. 0 means one thread of this process, and is right
        for generated problems: the kernels let other threads run, and a batch costs less to make
        than to send. With processes, the script needs an `if __name__ == "__main__"` guard.
      prefetch: batches made ahead, for each worker. 0 with no workers: made when asked for.
    """
    if not 0 <= start_step <= len(batches):
        raise LoaderError(f"start_step is {start_step}, but there are {len(batches)} batches")
    background = num_workers == 0 and prefetch > 0
    options = grain.ReadOptions(
        num_threads=int(background), prefetch_buffer_size=prefetch if background else 0
    )
    dataset = grain.MapDataset.source(batches)[start_step:].to_iter_dataset(options)
    if num_workers > 0:
        if not flags.FLAGS.is_parsed():
            # Grain reads absl flags on the way to its workers; a notebook or a test parses none.
            flags.FLAGS.mark_as_parsed()
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(
                num_workers=num_workers, per_worker_buffer_size=max(1, prefetch)
            )
        )
    return Loader(iter(dataset), start_step)


def fill(batch: Batch) -> float:
    """Share of a batch's positions that hold a token."""
    ids = [array for name, array in batch.items() if name.endswith("segment_ids")]
    return sum(map(np.count_nonzero, ids)) / sum(array.size for array in ids)


def permute(positions: np.ndarray, count: int, key: int) -> np.ndarray:
    """Where a permutation of range(count), one for each 64-bit key, takes each position; int64.

    A Feistel network on just enough bits, walked until it lands in range: no table of all numbers.
    """
    return _permute(np.asarray(positions, np.int64), count, np.uint64(key))


def _key(*numbers: int) -> int:
    """64 bits that depend on all the numbers and their order."""
    digest = hashlib.blake2b(repr([*map(int, numbers)]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@njit(cache=True, nogil=True)
def _permute(positions, count, key):
    width = 8
    while count > np.int64(1) << width:
        width += 1
    half = width // 2
    # Half a number decides what is added to the other half; taking turns, four times each.
    low_shift, high_shift = np.uint64(64 - half), np.uint64(64 - (width - half))
    split, mask = np.uint64(half), np.uint64((1 << half) - 1)
    out = np.empty(len(positions), np.int64)
    for i in range(len(positions)):
        value = np.uint64(positions[i])
        while True:
            low, high = value & mask, value >> split
            for turn in range(4):
                round_key = key + np.uint64(turn) * np.uint64(0x9E3779B97F4A7C15)
                low ^= _mix(high ^ round_key) >> low_shift
                high ^= _mix(low ^ ~round_key) >> high_shift
            value = high << split | low
            if value < np.uint64(count):
                break
        out[i] = np.int64(value)
    return out


@njit(cache=True, nogil=True, inline="always")
def _mix(value):
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
