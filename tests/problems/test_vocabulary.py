"""Names are whole tokens of letters; the complement for testing never changes."""

import pytest

from mathjax.problems.base import ProblemError
from mathjax.problems.vocabulary import single_token_names, split_names

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
