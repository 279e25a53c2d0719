"""Problems of other test sets are read from their files, and none of them is generated."""

import gzip
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.problems.arithmetic import ArithmeticSet, ArithmeticSpec, problem_key
from mathjax.problems.arithmetic_exclusions import read_exclusions, read_problem
from mathjax.problems.base import ProblemError
from mathjax.problems.registry import make_dataset

WORDS = {"add": "plus", "subtract": "minus", "multiply": "times", "divide": "divided by"}


def big_bench(count=50, seed=0):
    """Questions as BIG-bench writes them: 1 to 5 digits, four operations."""
    rng = np.random.default_rng(seed)
    for digits in range(1, 6):
        for operation, word in WORDS.items():
            for _ in range(count):
                a, b = rng.integers(10 ** (digits - 1), 10**digits, 2).tolist()
                yield f"What is {a} {word} {b}?", (operation, (a, b))


@pytest.mark.parametrize("fields", [{}, {"negative_share": 0.4}, {"wrapper": False}])
def test_our_own_questions_are_read(fields):
    made = ArithmeticSet(ArithmeticSpec(**fields), 3, "train")
    keys = made.keys(np.arange(1500))
    for index in range(1500):
        found = read_problem(made.problem(index).prompt)
        assert found is not None, made.problem(index).prompt
        assert problem_key(*found) == keys[index], made.problem(index).prompt


def test_questions_of_one_operation_are_read_and_no_others():
    for question, problem in big_bench():
        assert read_problem(question) == problem
    for question, problem in (
        ("1,234 - 99 =", ("subtract", (1234, 99))),
        ("16 × 3", ("multiply", (16, 3))),
        ("7 ÷ 2 = ?", ("divide", (7, 2))),
        ("(-3) * 4", ("multiply", (-3, 4))),
        ("1/2 + 3/4", ("fraction_add", (1, 2, 3, 4))),
        ("What is 5% of 60?", ("percentage", (5, 60))),
        ("12 + 3 + 4", None),
        ("3.5 + 2", None),
        ("2 + 3.5", None),
        ("5 / 0", None),
        ("1/0 + 1", None),
        ("Ann has 3 apples and 4 pears.", None),
        ("", None),
    ):
        assert read_problem(question) == problem, question


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789+-*/x%()., ofdivplus", max_size=300))
def test_any_text_is_read_or_not(text):
    found = read_problem(text)
    assert found is None or isinstance(problem_key(*found), int)


def test_hostile_text_takes_no_time():
    start = time.perf_counter()
    for text in ("1/" * 900, "(" * 1900, "1 " * 900, "1" * 1999, "9" * 10**6, "- " * 900):
        read_problem(text)
    assert time.perf_counter() - start < 1


def test_excluded_problems_do_not_occur(tmp_path):
    questions, problems = zip(*big_bench(100), strict=True)
    file = tmp_path / "task.json"
    file.write_text(json.dumps({"examples": [{"input": q, "target": "0"} for q in questions]}))
    found = read_exclusions(str(file))
    keys = {problem_key(*problem) for problem in problems}
    assert set(found.keys) == keys and found.read == len(questions) and found.unread == 0
    spec = {"max_digits": 5}
    made, _ = make_dataset("arithmetic", {**spec, "exclude": str(file)}, "train", 0, None)
    free, _ = make_dataset("arithmetic", spec, "train", 0, None)
    indices = np.arange(20_000)
    hits = np.isin(free.keys(indices), np.array(list(keys), np.uint64))
    assert hits.sum() > 50  # they would have
    assert not np.isin(made.keys(indices), np.array(list(keys), np.uint64)).any()
    assert (made.keys(indices) == free.keys(indices))[~hits].all()
    test, _ = make_dataset("arithmetic", {**spec, "exclude": [str(file)]}, "test", 0, 500)
    assert not np.isin(test.keys(np.arange(500)), np.array(list(keys), np.uint64)).any()


def test_forms_of_files(tmp_path):
    rows = [{"prompt": "Question: What is 3 + 4?"}, {"question": "5 * 6"}, {"other": 1}, 7]
    files = {
        "a.jsonl": "\n".join(map(json.dumps, rows)) + "\n\n",
        "b.json": json.dumps(rows),
        "c.txt": "3 plus 4\n\n5 times 6\nhello\nbye\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    expected = {problem_key("add", (3, 4)), problem_key("multiply", (5, 6))}
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    for path in paths:
        found = read_exclusions(path)
        assert set(found.keys) == expected and (found.read, found.unread) == (2, 2)
    both = read_exclusions(paths)
    assert set(both.keys) == expected and both.read == 2 * len(paths)
    assert both.summary()["different_problems"] == 2 and len(both.sha256) == len(paths)


def test_files_without_problems_are_refused(tmp_path):
    for name, data in (
        ("a.json", b"{"), ("b.json", b"3"), ("c.jsonl", b'{"prompt": "hello"}'), ("d.txt", b""),
        ("e.txt", b"\xff\xfe\xfa"), ("f.txt.gz", b"no gzip"), ("g.json", b"[" * 100_000),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ProblemError, match="^exclude: "):
            read_exclusions(str(tmp_path / name))
    for bad in ("nowhere.json", [3]):
        with pytest.raises(ProblemError, match="^exclude: "):
            make_dataset("arithmetic", {"exclude": bad}, "train", 0, 1)
