"""Tokenizers in Hugging Face format; where characters are tokens, one table look-up a byte."""

from __future__ import annotations

import itertools
import json
import os
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tokenizers
from numba import njit

from mathjax.data.documents import TokenDocuments
from mathjax.errors import UserError
from mathjax.problems.base import END, SEPARATOR, RenderedText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# transformers takes seconds to import (it imports torch where that is installed), so it is imported
# where a tokenizer is made or loaded; processes that only encode never import it.

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"
ABSENT = -1
"""Entry of `byte_table` for a byte that is no token of its own."""


class TokenizerError(UserError):
    """A tokenizer that cannot be loaded, or text that it cannot express."""


def character_tokenizer(alphabet: str, *, encoder_decoder: bool = False) -> Tokenizer:
    """One token a character of `alphabet` and of SEPARATOR, after <pad>, <eos> and <unk>.

    The ids do not depend on the order of `alphabet`. Save it, and `AutoTokenizer` reads it.
    `encoder_decoder`: see `Tokenizer`.
    """
    if not alphabet or END in alphabet:
        raise TokenizerError(
            f"alphabet {alphabet!r}: wants at least one character, and not {END!r}, "
            "which closes a document"
        )
    characters = sorted(set(alphabet) | set(SEPARATOR))
    vocabulary = {token: i for i, token in enumerate([PAD, EOS, UNKNOWN, *characters])}
    model = tokenizers.models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN)
    backend = tokenizers.Tokenizer(model)
    backend.decoder = tokenizers.decoders.Fuse()  # joins without a space
    from transformers import PreTrainedTokenizerFast

    return Tokenizer(
        PreTrainedTokenizerFast(
            tokenizer_object=backend,
            pad_token=PAD,
            eos_token=EOS,
            unk_token=UNKNOWN,
            clean_up_tokenization_spaces=False,
        ),
        name="character tokenizer",
        encoder_decoder=encoder_decoder,
    )


def load_tokenizer(
    name_or_directory: str | os.PathLike[str], *, encoder_decoder: bool = False
) -> Tokenizer:
    """Any Hugging Face tokenizer, from a directory or by hub id. `encoder_decoder`: see
    `Tokenizer`.

    Raises TokenizerError if there is none, or it has no end-of-sequence token.
    """
    from transformers import AutoTokenizer

    name = os.fspath(name_or_directory)
    if os.path.isfile(name):
        raise TokenizerError(f"tokenizer {name!r} is a file: give the directory it is in")
    # A hub id is one name, or owner/name; anything else that does not exist must be a typing error.
    if not os.path.isdir(name) and (name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise TokenizerError(f"tokenizer {name!r}: there is no such directory; check its spelling")
    try:
        loaded = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # transformers raises a dozen kinds, some of them bare
        advice = (
            "the directory should hold tokenizer.json and tokenizer_config.json as saved together"
            if os.path.isdir(name)
            else "there is no such directory here; if it is a hub id, check its spelling, the "
            "network and, for a gated model, your login"
        )
        reason = str(error).strip().partition("\n")[0]
        raise TokenizerError(
            f"tokenizer {name!r} cannot be loaded: {advice} ({type(error).__name__}: {reason})"
        ) from error
    return Tokenizer(loaded, name=name, encoder_decoder=encoder_decoder)


class Tokenizer:
    """A Hugging Face tokenizer and what training and generation ask of it.

    With `encoder_decoder` prompts end with eos, as an encoder expects (T5), and not with SEPARATOR.

    Attributes:
      huggingface: the wrapped tokenizer.
      eos_id, pad_id (eos where there is no padding token), bos_id (None if it adds none),
        unknown_id (None if it has none).
      byte_table: int32 [256], byte to id, if every character is a token; ABSENT marks a byte that
        is not a known ASCII character, END is eos. None for any other tokenizer.
    """

    def __init__(
        self,
        huggingface: PreTrainedTokenizerBase,
        name: str = "tokenizer",
        *,
        encoder_decoder: bool = False,
    ) -> None:
        self._huggingface: PreTrainedTokenizerBase | bytes = huggingface
        self.name, self.encoder_decoder = name, encoder_decoder
        if huggingface.eos_token_id is None:
            raise TokenizerError(
                f"tokenizer {name!r} has no end-of-sequence token: set eos_token in its "
                "tokenizer_config.json"
            )
        self.eos_id: int = huggingface.eos_token_id
        self._separator = "" if encoder_decoder else SEPARATOR
        self._closing = [self.eos_id] if encoder_decoder else []
        pad_id = huggingface.pad_token_id
        self.pad_id: int = self.eos_id if pad_id is None else pad_id
        self.unknown_id: int | None = huggingface.unk_token_id
        # The Python wrapper around it is slower, and not safe to call from several threads.
        self._backend: tokenizers.Tokenizer | None = getattr(huggingface, "backend_tokenizer", None)
        if self._backend is not None:
            # Saved settings that would cut or lengthen training documents.
            self._backend.no_truncation()
            self._backend.no_padding()
        bos_id = huggingface.bos_token_id
        opening = huggingface("1")["input_ids"][:1]
        self.bos_id: int | None = bos_id if bos_id is not None and opening == [bos_id] else None
        self.byte_table = self._find_byte_table()

    @property
    def huggingface(self) -> PreTrainedTokenizerBase:
        if isinstance(self._huggingface, bytes):
            # Bytes of our own __getstate__, within one run; never of a file.
            self._huggingface = pickle.loads(self._huggingface)
        return self._huggingface

    def __getstate__(self) -> dict:
        state = self.__dict__.copy()
        if self._backend is not None and not isinstance(self._huggingface, bytes):
            # Worker processes encode with the backend and need not import transformers.
            state["_huggingface"] = pickle.dumps(self._huggingface)
        return state

    @property
    def vocab_size(self) -> int:
        """Ids in use, added tokens included: the least size of an embedding table."""
        return len(self.huggingface)

    def encode_prompt(self, text: str) -> list[int]:
        """[bos,] prompt, separator (eos): what a model is given to continue or to answer.

        Raises TokenizerError, naming them, if the text has characters without a token.
        """
        ids = None
        if self.byte_table is not None and text.isascii() and END not in text:
            ids = self.byte_table[np.frombuffer((text + SEPARATOR).encode(), np.uint8)].tolist()
            if self.encoder_decoder:
                ids[-1] = self.eos_id
        if ids is None or ABSENT in ids:
            ids = self._encode([text + self._separator])[0] + self._closing
        return ids if self.bos_id is None else [self.bos_id, *ids]

    def encode_documents(self, rendered: RenderedText) -> TokenDocuments:
        """Tokens of every document: [bos,] prompt, separator (eos), response, eos.

        Prompt and response are encoded apart, so that the prompt's tokens are those of
        `encode_prompt` whatever follows. Raises TokenizerError as `encode_prompt` does.
        """
        if self.byte_table is not None:
            opening = ABSENT if self.bos_id is None else self.bos_id
            tokens, complete = _take(rendered.text, rendered.bounds, self.byte_table, opening)
            if complete:
                added = int(self.bos_id is not None)
                bounds = rendered.bounds + added * np.arange(len(rendered.bounds))
                prompt_lengths = rendered.prompt_sizes + np.int32(added)
                if self.encoder_decoder:
                    tokens[bounds[:-1] + prompt_lengths - 1] = self.eos_id
                return TokenDocuments(tokens, bounds, prompt_lengths)
        return self._encode_strings(rendered)

    def document_lengths(self, rendered: RenderedText) -> np.ndarray:
        """Tokens in each document, int64 [count], without making them where bytes are tokens."""
        if self.byte_table is not None and np.all(rendered.text < 0x80):
            return np.diff(rendered.bounds) + int(self.bos_id is not None)
        return self.encode_documents(rendered).lengths

    def side_lengths(self, rendered: RenderedText) -> np.ndarray:
        """Tokens in each prompt and in each response, int64 [2, count], as `document_lengths`."""
        if self.byte_table is not None and np.all(rendered.text < 0x80):
            prompts = rendered.prompt_sizes.astype(np.int64) + int(self.bos_id is not None)
            return np.stack([prompts, self.document_lengths(rendered) - prompts])
        documents = self.encode_documents(rendered)
        prompts = documents.prompt_lengths.astype(np.int64)
        return np.stack([prompts, documents.lengths - prompts])

    def decode(self, ids: Iterable[int]) -> str:
        """Text up to the first eos, without special tokens and with its spaces as they were."""
        ids = list(itertools.takewhile(lambda token: token != self.eos_id, map(int, ids)))
        if self._backend is not None:
            return self._backend.decode(ids, skip_special_tokens=True)
        return self.huggingface.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes Hugging Face files, which `load_tokenizer` and `AutoTokenizer` read."""
        self.huggingface.save_pretrained(directory)
        path = Path(directory) / "tokenizer_config.json"
        config = json.loads(path.read_text())
        if config.get("tokenizer_class") == "TokenizersBackend":
            # transformers 5 reads both names of the class, 4 only this one.
            config["tokenizer_class"] = "PreTrainedTokenizerFast"
            path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    def _find_byte_table(self) -> np.ndarray | None:
        """`byte_table`; by encoding, so that it is right whatever the tokenizer is made of."""
        vocabulary = self.huggingface.get_vocab()
        added = set(self.huggingface.get_added_vocab()) | set(self.huggingface.all_special_tokens)
        plain = added - set(self.huggingface.all_special_tokens)
        if any(len(token) > 1 for token in (vocabulary.keys() - added) | plain):
            return None
        known: dict[str, int] = {}
        characters = [chr(byte) for byte in range(1, 128)]
        for character, ids in zip(characters, self._encode_raw(characters), strict=True):
            if len(ids) == 1 and ids[0] != self.unknown_id:
                known[character] = ids[0]
        if SEPARATOR not in known:
            return None
        pairs = [first + second for first in known for second in known]
        if self._encode_raw(pairs) != [[known[pair[0]], known[pair[1]]] for pair in pairs]:
            return None
        table = np.full(256, ABSENT, np.int32)
        for character, token in known.items():
            table[ord(character)] = token
        table[ord(END)] = self.eos_id
        return table

    def _encode_strings(self, rendered: RenderedText) -> TokenDocuments:
        data = rendered.text.tobytes()
        ends = rendered.bounds.tolist()
        middles = (rendered.bounds[:-1] + rendered.prompt_sizes).tolist()
        pieces = []
        for start, middle, end in zip(ends, middles, ends[1:], strict=False):
            pieces.append(data[start : middle - len(SEPARATOR)].decode() + self._separator)
            pieces.append(data[middle : end - len(END)].decode())
        encoded = self._encode(pieces)
        opening = [] if self.bos_id is None else [self.bos_id]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded)).reshape(-1, 2)
        sizes += np.array([len(opening) + len(self._closing), 1])
        bounds = np.zeros(len(rendered) + 1, np.int64)
        np.cumsum(sizes.sum(1), out=bounds[1:])
        parts = itertools.chain.from_iterable(
            (opening, prompt, self._closing, response, [self.eos_id])
            for prompt, response in zip(encoded[::2], encoded[1::2], strict=True)
        )
        tokens = np.fromiter(itertools.chain.from_iterable(parts), np.int32, bounds[-1])
        return TokenDocuments(tokens, bounds, sizes[:, 0].astype(np.int32))

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, no special token added; TokenizerError where one would be unknown."""
        encoded = self._encode_raw(texts)
        # A tokenizer of characters may drop unknown ones without a trace.
        suspects = texts if self.byte_table is not None else []
        if self.unknown_id not in (None, self.eos_id, self.bos_id):
            suspects = [
                text for text, ids in zip(texts, encoded, strict=True) if self.unknown_id in ids
            ]
        self._refuse_unknown(suspects)
        return encoded

    def _refuse_unknown(self, texts: Sequence[str]) -> None:
        characters = sorted(set().union(*texts))
        if self.byte_table is None:
            # SentencePiece tokenizers write spaces in their own way, alone often as nothing.
            characters = [character for character in characters if not character.isspace()]
        unknown = [
            character
            for character, ids in zip(characters, self._encode_raw(characters), strict=True)
            if not ids or self.unknown_id in ids
        ]
        if unknown or (texts and self.byte_table is None):
            what = f"characters {' '.join(map(repr, unknown))}" if unknown else "words"
            known = "".join(sorted(t for t in self.huggingface.get_vocab() if len(t) == 1))
            raise TokenizerError(
                f"{texts[0][:80]!r} has {what} that tokenizer {self.name!r} does not know: leave "
                f"them out, or take a tokenizer whose alphabet has them (this one: {known!r})"
            )

    def _encode_raw(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        if self._backend is None:
            return self.huggingface(list(texts), add_special_tokens=False)["input_ids"]
        encoded = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encoded]


@njit(cache=True, nogil=True)
def _take(text, bounds, table, opening):
    """(tokens int32, whether every byte has a token); `opening` before each document unless < 0."""
    count = len(bounds) - 1
    lowest = np.int32(0)
    if opening < 0:
        tokens = np.empty(len(text), np.int32)
        for i in range(len(text)):
            token = table[text[i]]
            tokens[i] = token
            lowest |= token
        return tokens, lowest >= 0
    tokens = np.empty(len(text) + count, np.int32)
    position = 0
    for document in range(count):
        tokens[position] = opening
        position += 1
        for i in range(bounds[document], bounds[document + 1]):
            token = table[text[i]]
            tokens[position] = token
            lowest |= token
            position += 1
    return tokens, lowest >= 0
