"""Names are whole tokens of letters; the complement for testing never changes."""

import json
import re

import pytest

from mathjax.problems.base import ProblemError
from mathjax.problems.registry import make_dataset, parse_settings
from mathjax.problems.vocabulary import (
    named_settings,
    read_vocabulary,
    single_token_names,
    split_names,
)

VOCABULARY = {
    "<s>": 0, "a": 5, "Ġprice": 2, "price": 9, "▁cat": 3, "x1": 4, "12": 6, "été": 7, "sqrt": 8,
    "Ġor": 10, "Zed": 1, "the.": 11, "▁": 12, "Ġ": 13, "": 14, "Ġdog": 15,
}  # fmt: skip


def test_single_tokens_of_letters_in_order_of_their_ids():
    everything = ("Zed", "price", "cat", "a", "dog")
    assert single_token_names(VOCABULARY) == everything
    assert single_token_names(dict(reversed(VOCABULARY.items()))) == everything
    assert single_token_names(VOCABULARY, after_space=True) == ("price", "cat", "dog")
    assert single_token_names(VOCABULARY, after_space=False) == ("Zed", "a", "price")


def test_sizes_share_the_complement_and_nest():
    names = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    small, test = split_names(names, 10, 0)
    large, same = split_names(names, 90, 0)
    assert test == same and len(test) == 10 and large[:10] == small
    assert sorted((*large, *test)) == sorted(names)
    assert split_names(names[::-1], 10, 0) == (small, test)
    assert split_names(names, 10, 1) != (small, test)


def test_bad_sizes_are_named():
    for size in (0, 3, -1):
        with pytest.raises(ProblemError, match="^size: "):
            split_names(["a", "b", "c"], size, 0)
    with pytest.raises(ProblemError, match="^names: "):
        split_names(["a", "a"], 1, 0)
    with pytest.raises(ProblemError, match="^names: "):
        split_names(["a"], 1, 0)
    with pytest.raises(ProblemError, match="^seed: "):
        split_names(["a", "b"], 1, -1)


NAMES = [a + b for a in "abcdefgh" for b in "klmnp"]


@pytest.fixture
def tokenizer(tmp_path):
    vocabulary = {name: number for number, name in enumerate(NAMES)} | {"Ġspaced": 99, "12": 100}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    return tmp_path / "tokenizer.json"


def test_vocabularies_are_read_from_the_usual_files(tokenizer, tmp_path):
    expected = read_vocabulary(tokenizer)
    assert expected["ak"] == 0 and expected["Ġspaced"] == 99
    assert read_vocabulary(tmp_path) == expected
    (tmp_path / "vocab.json").write_text(json.dumps(expected))
    assert read_vocabulary(tmp_path / "vocab.json") == expected
    unigram = {"model": {"type": "Unigram", "vocab": [["<s>", 0.0], ["▁cat", -3.5]]}}
    (tmp_path / "unigram.json").write_text(json.dumps(unigram))
    assert read_vocabulary(tmp_path / "unigram.json") == {"<s>": 0, "▁cat": 1}
    for name, text in (("a.json", "nope"), ("b.json", "[1]"), ("c.json", "{}"), ("d.json", None)):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(ProblemError, match="^vocabulary.tokenizer: "):
            read_vocabulary(tmp_path / name)


def test_names_of_exercises_are_those_of_the_vocabulary(tokenizer):
    settings = parse_settings(
        [f"vocabulary.tokenizer={tokenizer}", "rules.vocabulary.size=10", "task=simplify"],
        ["rules"],
    )["rules"]
    names, unseen = split_names(single_token_names(read_vocabulary(tokenizer)), 10, 0)
    for split, allowed in (("train", names), ("unseen_names", unseen)):
        made, spec = make_dataset("rules", settings, split, 0, 30)
        assert spec.names == allowed
        used = {n for i in range(30) for n in re.findall("[a-z]{2,}", made.problem(i).answer)}
        assert used and used <= set(allowed)
    _, spec = make_dataset("rules", settings | {"vocabulary.part": "test"}, "train", 0, 5)
    assert spec.names == unseen and spec.unseen_names == ()
    everything = named_settings({"vocabulary.tokenizer": str(tokenizer)})
    assert len(everything["names"]) + len(everything["unseen_names"]) == len(NAMES) + 1
    spaced = {"vocabulary.tokenizer": str(tokenizer), "style": "spaced"}
    with pytest.raises(ProblemError, match="^vocabulary.names: wants two or more"):
        named_settings(spaced)  # one name only is a token after a space
    wide = settings | {"num_variables": (5, 5), "num_terms": (5, 5)}
    _, spec = make_dataset("rules", wide, "train", 0, 5)
    assert len(unseen) == 4 and spec.unseen_names == ()  # no exercise has so few
    assert named_settings({"task": "expand"}) == {"task": "expand"}


@pytest.mark.parametrize(
    "option,settings",
    [
        ("vocabulary.size", {"vocabulary.size": 2}),
        ("vocabulary.size", {"vocabulary.size": 38}),
        ("vocabulary.size", {"vocabulary.size": "ten"}),
        ("vocabulary.size", {"vocabulary.size": 10, "num_variables": (11, 11), "task": "simplify",
                             "num_terms": (8, 8)}),
        ("vocabulary.part", {"vocabulary.part": "validation"}),
        ("vocabulary.seed", {"vocabulary.seed": -1}),
        ("vocabulary.after_space", {"vocabulary.after_space": "yes"}),
        ("names", {"names": ("a", "b", "c")}),
        ("vocabulary.tokenizer", {"vocabulary.tokenizer": "/nowhere"}),
        ("rules.vocabulary.sise", {"vocabulary.sise": 3}),
    ],
)  # fmt: skip
def test_bad_vocabularies_are_named(tokenizer, option, settings):
    with pytest.raises(ProblemError, match=f"^{option}: "):
        make_dataset("rules", {"vocabulary.tokenizer": str(tokenizer)} | settings, "train", 0, 1)
    with pytest.raises(ProblemError, match="^vocabulary.tokenizer: say which"):
        make_dataset("rules", {"vocabulary.size": 5}, "train", 0, 1)
