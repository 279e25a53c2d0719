"""From problems to token documents: the source that loader, planner and exporter read."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from mathjax.data.tokenizer import Tokenizer
    from mathjax.problems.base import ProblemSet

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class TokenDocuments:
    """Many tokenised documents in one buffer. Document i is `tokens[bounds[i]:bounds[i + 1]]`.

    A document is [bos,] prompt, separator, response, eos; for an encoder-decoder eos stands in
    place of the separator.
    """

    tokens: np.ndarray  # int32 [total]
    bounds: np.ndarray  # int64 [count + 1]
    prompt_lengths: np.ndarray  # int32 [count]; bos and separator (eos) are part of the prompt

    def __len__(self) -> int:
        return len(self.prompt_lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Tokens int32 [length] of one document."""
        index = range(len(self))[index]
        return self.tokens[self.bounds[index] : self.bounds[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Tokens in each document, int64 [count]."""
        return np.diff(self.bounds)


class Documents(Protocol):
    """What the loader draws from; a mixture of sources can offer the same.

    Document i must depend on i only, and the methods must be safe to call from several threads.
    """

    count: int | None  # None: endless
    pad_id: int
    encoder_decoder: bool  # prompts are closed by eos and go to an encoder

    def documents(self, indices: np.ndarray) -> TokenDocuments: ...

    def lengths(self, indices: np.ndarray) -> np.ndarray: ...

    def side_lengths(self, indices: np.ndarray) -> np.ndarray: ...


class DocumentSource:
    """A problem set seen through a tokenizer."""

    def __init__(self, problems: ProblemSet, tokenizer: Tokenizer) -> None:
        self.problems = problems
        self.tokenizer = tokenizer
        self.count = problems.count
        self.pad_id = tokenizer.pad_id
        self.encoder_decoder = tokenizer.encoder_decoder

    def documents(self, indices: np.ndarray) -> TokenDocuments:
        """The documents of int64 indices [count], in their order."""
        return self.tokenizer.encode_documents(self.problems.render(indices))

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        """Tokens in each document, int64 [count]; no token is made where characters are tokens."""
        return self.tokenizer.document_lengths(self.problems.render(indices))

    def side_lengths(self, indices: np.ndarray) -> np.ndarray:
        """Tokens in each prompt and in each response, int64 [2, count]."""
        return self.tokenizer.side_lengths(self.problems.render(indices))


def stream(
    source: Documents, start: int, count: int, num_threads: int = 2, chunk: int = 16_384
) -> Iterator[TokenDocuments]:
    """Documents start .. start + count - 1 in order, `chunk` at a time, made by a pool of threads.

    Memory is bounded by `num_threads` + 1 chunks. The chunks do not depend on `num_threads`.
    """
    pieces = (
        np.arange(first, min(first + chunk, start + count), dtype=np.int64)
        for first in range(start, start + count, chunk)
    )
    return ordered_map(source.documents, pieces, num_threads)


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], num_threads: int
) -> Iterator[Result]:
    """`map` by a pool of threads: results in order, at most `num_threads` + 1 of them held."""
    if num_threads <= 1:
        yield from map(function, items)
        return
    items = iter(items)
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="mathjax-documents")
    try:
        waiting: deque[Future[Result]] = deque(
            pool.submit(function, item) for item in itertools.islice(items, num_threads + 1)
        )
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in itertools.islice(items, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
