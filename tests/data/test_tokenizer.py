"""Tokenizers: the table gives what Hugging Face gives, files load elsewhere, text survives."""

import json

import numpy as np
import pytest
import tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from mathjax.data.documents import DocumentSource, stream
from mathjax.data.tokenizer import (
    Tokenizer,
    TokenizerError,
    character_tokenizer,
    load_tokenizer,
)
from mathjax.problems.base import END, SEPARATOR, RenderedText

ALPHABET = "0123456789+-*/=,:() "


def render(pairs):
    """RenderedText of (prompt, response) strings."""
    prompts = [(prompt + SEPARATOR).encode() for prompt, _ in pairs]
    documents = [
        prompt + (response + END).encode()
        for prompt, (_, response) in zip(prompts, pairs, strict=True)
    ]
    return RenderedText(
        np.frombuffer(b"".join(documents), np.uint8),
        np.cumsum([0, *map(len, documents)]),
        np.array([len(prompt) for prompt in prompts], np.int32),
    )


def random_pairs(count, seed=0):
    rng = np.random.default_rng(seed)

    def text(size):
        return "".join(rng.choice(list(ALPHABET), size))

    return [(text(rng.integers(1, 30)), text(rng.integers(0, 60))) for _ in range(count)]


class Pairs:
    """A problem set of given (prompt, response) strings."""

    task, split, alphabet = "pairs", "train", ALPHABET

    def __init__(self, pairs):
        self.pairs = pairs
        self.count = len(pairs)

    def render(self, indices):
        return render([self.pairs[i] for i in indices])


def wrap(model, *, bos=False, pre_tokenizer=None, decoder=None, **special):
    backend = tokenizers.Tokenizer(model)
    if pre_tokenizer is not None:
        backend.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        backend.decoder = decoder
    if bos:
        backend.post_processor = tokenizers.processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", backend.token_to_id("<s>"))]
        )
        special["bos_token"] = "<s>"
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def trained_bpe(bos=True):
    """A byte-level BPE of the ordinary kind, trained on the spot; no padding token."""
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [f"{a}+{b}={a + b}, then √{a}" for a in range(40) for b in range(40)]
    backend.train_from_iterator(lines, trainer)
    return wrap(
        backend.model,
        bos=bos,
        pre_tokenizer=backend.pre_tokenizer,
        decoder=tokenizers.decoders.ByteLevel(),
        eos_token="</s>",
    )


@pytest.fixture(scope="module")
def characters():
    return character_tokenizer(ALPHABET)


def test_table_gives_the_ids_of_batch_encoding(characters):
    pairs = random_pairs(300)
    documents = characters.encode_documents(render(pairs))
    backend = characters.huggingface.backend_tokenizer
    expected = backend.encode_batch([p + SEPARATOR + r for p, r in pairs])
    assert documents.tokens.dtype == np.int32
    for i, (prompt, response) in enumerate(pairs):
        assert documents[i].tolist() == [*expected[i].ids, characters.eos_id]
        prompt_ids = documents[i][: documents.prompt_lengths[i]].tolist()
        assert prompt_ids == characters.encode_prompt(prompt)
        assert characters.decode(documents[i]) == prompt + SEPARATOR + response


def test_auto_tokenizer_reads_what_is_saved(characters, tmp_path):
    characters.save(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = " 3,6 , 7 :4\n3 * 6=18  ,1-2\n\n"
    ids = loaded(text)["input_ids"]
    assert ids == characters.huggingface(text)["input_ids"]
    assert len(ids) == len(text)
    assert loaded.decode(ids) == text
    assert (loaded.eos_token_id, loaded.pad_token_id) == (characters.eos_id, characters.pad_id)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_loaded_from_disk_it_has_the_table_again(characters, tmp_path):
    characters.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert np.array_equal(loaded.byte_table, characters.byte_table)
    assert loaded.vocab_size == characters.vocab_size == len(ALPHABET) + 4
    assert loaded.bos_id is None


def test_ids_do_not_depend_on_the_order_of_the_alphabet(characters):
    other = character_tokenizer(ALPHABET[::-1] + "11")
    assert np.array_equal(other.byte_table, characters.byte_table)


def test_decode_stops_at_eos_and_leaves_specials_out(characters):
    ids = characters.encode_prompt("1 + 2")
    pad, eos = characters.pad_id, characters.eos_id
    assert characters.decode(np.array([pad, *ids, eos, *ids])) == "1 + 2\n"
    assert characters.decode([]) == ""


def test_unknown_characters_are_named(characters):
    with pytest.raises(TokenizerError, match=r"'x' '√'.*0123456789"):
        characters.encode_prompt("3,√x:4")
    with pytest.raises(TokenizerError, match="'x'"):
        characters.encode_documents(render([("1", "2"), ("3x", "4")]))
    with pytest.raises(TokenizerError, match="' '"):
        character_tokenizer("0123").encode_prompt("1 2")
    with pytest.raises(TokenizerError, match="alphabet"):
        character_tokenizer("")
    with pytest.raises(TokenizerError, match="closes a document"):
        character_tokenizer("ab" + END)


def test_characters_beyond_ascii_take_the_slow_path(tmp_path):
    character_tokenizer("0123√×=").save(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    pairs = [("√1", "1×1=1"), ("2", "2")]
    documents = tokenizer.encode_documents(render(pairs))
    assert documents.lengths.tolist() == [9, 4]
    assert documents.lengths.tolist() == tokenizer.document_lengths(render(pairs)).tolist()
    assert tokenizer.decode(documents[0]) == "√1\n1×1=1"
    assert tokenizer.encode_prompt("√1") == documents[0][:3].tolist()


def test_table_puts_bos_in_front():
    vocabulary = {token: i for i, token in enumerate(["<s>", "</s>", *"0123+=\n"])}
    model = tokenizers.models.BPE(vocab=vocabulary, merges=[])
    tokenizer = Tokenizer(
        wrap(model, bos=True, decoder=tokenizers.decoders.Fuse(), eos_token="</s>")
    )
    assert tokenizer.byte_table is not None
    assert tokenizer.bos_id == 0
    rendered = render([("1+2", "3"), ("0", "")])
    fast = tokenizer.encode_documents(rendered)
    assert tokenizer.decode(fast[0]) == "1+2\n3"
    assert fast[0][:5].tolist() == tokenizer.encode_prompt("1+2")
    assert fast.prompt_lengths.tolist() == [5, 3]
    assert tokenizer.document_lengths(rendered).tolist() == fast.lengths.tolist() == [7, 4]
    slow = tokenizer._encode_strings(rendered)
    for name in ("tokens", "bounds", "prompt_lengths"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name))


def test_no_table_unless_every_token_is_a_character():
    characters = ["<unk>", "</s>", *"0123456789+=\n"]
    merged = {token: i for i, token in enumerate([*characters, "12"])}
    model = tokenizers.models.BPE(vocab=merged, merges=[("1", "2")])
    assert Tokenizer(wrap(model, eos_token="</s>")).byte_table is None
    # Whole words of one character each: no merge, yet "12" is one unknown word.
    plain = {token: i for i, token in enumerate(characters)}
    words = tokenizers.models.WordLevel(plain, unk_token="<unk>")
    assert Tokenizer(wrap(words, eos_token="</s>", unk_token="<unk>")).byte_table is None
    letters = {token: i for i, token in enumerate(characters[1:])}
    added = wrap(tokenizers.models.BPE(vocab=letters, merges=[]), eos_token="</s>")
    assert Tokenizer(added).byte_table is not None
    added.add_tokens(["10"])
    assert Tokenizer(added).byte_table is None


def test_any_hugging_face_tokenizer(tmp_path):
    trained_bpe().save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.byte_table is None
    assert tokenizer.bos_id == 0
    assert tokenizer.pad_id == tokenizer.eos_id == 1
    assert tokenizer.vocab_size == len(tokenizer.huggingface)
    pairs = [("12+13", "=25, then √25"), ("7", "")]
    documents = tokenizer.encode_documents(render(pairs))
    for i, (prompt, response) in enumerate(pairs):
        prompt_ids = tokenizer.encode_prompt(prompt)
        assert prompt_ids[0] == tokenizer.bos_id
        response_ids = tokenizer.huggingface(response, add_special_tokens=False)["input_ids"]
        assert documents[i].tolist() == [*prompt_ids, *response_ids, tokenizer.eos_id]
        assert documents.prompt_lengths[i] == len(prompt_ids)
        assert tokenizer.decode(documents[i]) == prompt + SEPARATOR + response
    assert tokenizer.document_lengths(render(pairs)).tolist() == documents.lengths.tolist()
    assert Tokenizer(trained_bpe(bos=False)).bos_id is None


def test_saved_truncation_and_padding_do_not_touch_documents():
    huggingface = trained_bpe()
    huggingface.backend_tokenizer.enable_truncation(3)
    huggingface.backend_tokenizer.enable_padding(length=50)
    tokenizer = Tokenizer(huggingface)
    plain = Tokenizer(trained_bpe())
    assert tokenizer.encode_prompt("1+2+3+4+5") == plain.encode_prompt("1+2+3+4+5")


def test_tokenizers_that_cannot_be_used(tmp_path):
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json"):
        load_tokenizer(tmp_path)
    with pytest.raises(TokenizerError, match="no such directory"):
        load_tokenizer(tmp_path / "absent")
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    with pytest.raises(TokenizerError, match="is a file"):
        load_tokenizer(file)
    model = tokenizers.models.BPE(vocab={"a": 0}, merges=[])
    with pytest.raises(TokenizerError, match="end-of-sequence"):
        Tokenizer(wrap(model))


@pytest.mark.parametrize("num_threads", [1, 3])
def test_stream_gives_documents_in_order(characters, num_threads):
    pairs = random_pairs(100)
    source = DocumentSource(Pairs(pairs), characters)
    chunks = list(stream(source, 10, 75, num_threads, chunk=8))
    assert [len(chunk) for chunk in chunks] == [8] * 9 + [3]
    whole = source.documents(np.arange(10, 85))
    assert np.array_equal(np.concatenate([chunk.tokens for chunk in chunks]), whole.tokens)
    assert source.lengths(np.arange(10, 85)).tolist() == whole.lengths.tolist()
