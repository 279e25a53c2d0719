"""What a row of a batch is: documents one after another, or, for an encoder-decoder, their prompts
in one row and their responses in another."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mathjax.data.documents import Documents, TokenDocuments
from mathjax.data.packing import Packing, PackingError, lay_out, lay_out_pairs, pack_sides

Batch = dict[str, np.ndarray]


class Rows(Protocol):
    """A layout. A document has a length on each of its sides (one or two), and takes so many
    positions of that side's row."""

    row_lengths: tuple[int, ...]  # of each side

    def lengths(self, source: Documents, indices: np.ndarray) -> np.ndarray:
        """int64 [sides, count], without making the documents."""
        ...

    def lengths_of(self, documents: TokenDocuments) -> np.ndarray:
        """The same of documents that are made."""
        ...

    def refusal(self, side: int, length: int) -> str:
        """What is wrong with a document of this length, which does not fit, and what to do."""
        ...

    def empty(self, batch_size: int) -> Batch: ...

    def write(
        self,
        batch: Batch,
        documents: TokenDocuments,
        packings: tuple[Packing, ...],
        slots: np.ndarray,
    ) -> None:
        """Row r of the packing into row slots[r] of the batch, or nowhere where that is < 0."""
        ...


def pack_rows(
    rows: Rows, indices: np.ndarray, lengths: np.ndarray, max_rows: int | None = None
) -> tuple[Packing, ...]:
    """One Packing a side of the documents with these indices in the source. PackingError names the
    first that does not fit by its index."""
    limits = np.array(rows.row_lengths)[:, None]
    wrong = (lengths < 1) | (lengths > limits)
    if wrong.any():
        side, place = np.nonzero(wrong)
        first = int(np.argmin(place))
        index, length = int(indices[place[first]]), int(lengths[side[first], place[first]])
        text = f"document {index} {rows.refusal(int(side[first]), length)}"
        raise PackingError(text, index, length)
    return pack_sides(lengths, rows.row_lengths, max_rows)


class DecoderRows:
    """Documents one after another; of n tokens n - 1 positions, as inputs and targets."""

    def __init__(self, row_length: int, pad_id: int, loss_on_prompt: bool) -> None:
        self.row_lengths = (row_length,)
        self.pad_id, self.loss_on_prompt = pad_id, loss_on_prompt

    def lengths(self, source: Documents, indices: np.ndarray) -> np.ndarray:
        return np.asarray(source.lengths(indices))[None] - 1

    def lengths_of(self, documents: TokenDocuments) -> np.ndarray:
        return documents.lengths[None] - 1

    def refusal(self, side: int, length: int) -> str:
        if length < 1:
            return f"has {length + 1} tokens, none of them to predict: leave it out"
        row_length = self.row_lengths[0]
        return (
            f"has {length + 1} tokens and a row of row_length {row_length} holds {row_length + 1}: "
            f"set row_length to at least {length}, or make shorter documents"
        )

    def empty(self, batch_size: int) -> Batch:
        shape = batch_size, *self.row_lengths
        return {
            "inputs": np.full(shape, self.pad_id, np.int32),
            "targets": np.full(shape, self.pad_id, np.int32),
            "positions": np.zeros(shape, np.int32),
            "segment_ids": np.zeros(shape, np.int32),
            "weights": np.zeros(shape, np.float32),
        }

    def write(
        self,
        batch: Batch,
        documents: TokenDocuments,
        packings: tuple[Packing, ...],
        slots: np.ndarray,
    ) -> None:
        lay_out(
            documents.tokens,
            documents.bounds,
            documents.prompt_lengths,
            packings[0].rows,
            packings[0].offsets,
            slots,
            self.loss_on_prompt,
            *batch.values(),
        )


class EncoderDecoderRows:
    """Prompts in rows of `row_lengths[0]`, their responses in the same rows of `row_lengths[1]`,
    after the start token there."""

    def __init__(self, row_lengths: tuple[int, int], pad_id: int, decoder_start_id: int) -> None:
        self.row_lengths = row_lengths
        self.pad_id, self.decoder_start_id = pad_id, decoder_start_id

    def lengths(self, source: Documents, indices: np.ndarray) -> np.ndarray:
        return np.asarray(source.side_lengths(indices))

    def lengths_of(self, documents: TokenDocuments) -> np.ndarray:
        prompts = documents.prompt_lengths.astype(np.int64)
        return np.stack([prompts, documents.lengths - prompts])

    def refusal(self, side: int, length: int) -> str:
        what, key = (("prompt", "row_length"), ("response", "target_row_length"))[side]
        if length < 1:
            return f"has a {what} of no tokens: leave it out"
        return (
            f"has a {what} of {length} tokens and a row of {key} {self.row_lengths[side]} holds no "
            f"more than that: set {key} to at least {length}, or make shorter documents"
        )

    def empty(self, batch_size: int) -> Batch:
        source, target = ((batch_size, length) for length in self.row_lengths)
        return {
            "inputs": np.full(source, self.pad_id, np.int32),
            "input_segment_ids": np.zeros(source, np.int32),
            "decoder_inputs": np.full(target, self.pad_id, np.int32),
            "targets": np.full(target, self.pad_id, np.int32),
            "segment_ids": np.zeros(target, np.int32),
            "weights": np.zeros(target, np.float32),
        }

    def write(
        self,
        batch: Batch,
        documents: TokenDocuments,
        packings: tuple[Packing, ...],
        slots: np.ndarray,
    ) -> None:
        source, target = packings
        lay_out_pairs(
            documents.tokens,
            documents.bounds,
            documents.prompt_lengths,
            source.rows,
            source.offsets,
            target.offsets,
            slots,
            self.decoder_start_id,
            *batch.values(),
        )
