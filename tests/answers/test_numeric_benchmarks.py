"""Every raw reference of the public sets is read, and is right for itself; needs $MATHJAX_DATA."""

import gzip
import itertools
import json
import os
import pathlib
import xml.etree.ElementTree as ElementTree

import pytest

from mathjax.answers.numeric import flexible, score, strict
from mathjax.answers.numeric_reference import read_reference

DATA = os.environ.get("MATHJAX_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="MATHJAX_DATA is not set")


def _text(name):
    path = pathlib.Path(DATA, name)
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode()
    return path.read_text()


def _lines(name):
    return [json.loads(line) for line in _text(name).splitlines() if line]


def _field(rows, field):
    return [row[field] for row in rows]


def _asdiv():
    root = ElementTree.fromstring(_text("asdiv/ASDiv.xml"))
    return [problem.findtext("Answer") for problem in root.iter("Problem")]


# Benchmark, rows, references, kinds of answer.
SETS = {
    "gsm8k test": ("gsm8k", lambda: _field(_lines("gsm8k/test.jsonl"), "answer"), {"number": 1319}),
    "gsm8k train": (
        "gsm8k", lambda: _field(_lines("gsm8k/train.jsonl.gz"), "answer"), {"number": 7473},
    ),
    "gsm_symbolic p2": (
        "gsm_symbolic", lambda: _field(_lines("gsm_symbolic/GSM_p2.jsonl.gz"), "answer"),
        {"number": 2500},
    ),
    "gsm_plus": (
        "gsm_plus", lambda: _field(_lines("gsm_plus/gsmplus_testmini.jsonl.gz"), "answer"),
        {"number": 2100, "none": 300},
    ),
    "gsm_plus solutions": (
        "gsm_plus", lambda: _field(_lines("gsm_plus/gsmplus_testmini.jsonl.gz"), "solution"),
        {"number": 2100, "none": 300},
    ),
    "gsm_hard": (
        "gsm_hard", lambda: _field(_lines("gsm_hard/test.jsonl.gz"), "target"), {"number": 1319},
    ),
    "svamp": ("svamp", lambda: _field(json.loads(_text("svamp/SVAMP.json")), "Answer"),
              {"number": 1000}),
    "asdiv": ("asdiv", _asdiv,
              {"number": 2095, "ratio": 56, "list": 90, "text": 59, "yes_no": 5}),
    "mawps": ("mawps", lambda: _field(json.loads(_text("mawps/MAWPS.json")), "ans"),
              {"number": 2373}),
    "mawps parts": ("mawps", lambda: _field(_lines("mawps/test.jsonl"), "target"),
                    {"number": 2065}),
    "singleop": ("singleop", lambda: _field(_lines("mawps/singleop.jsonl"), "target"),
                 {"number": 562}),
    "multiarith": (
        "multiarith",
        lambda: _field(json.loads(_text("multiarith/MultiArith.json")), "lSolutions"),
        {"number": 600},
    ),
    "addsub": ("addsub", lambda: _field(json.loads(_text("addsub/AddSub.json")), "lSolutions"),
               {"number": 395}),
    "singleeq": (
        "singleeq", lambda: _field(json.loads(_text("singleeq/SingleEq.json")), "lSolutions"),
        {"number": 508},
    ),
    "aqua": (
        "aqua", lambda: _field(_lines("aqua/test.json") + _lines("aqua/dev.json"), "correct"),
        {"letter": 508},
    ),
    "math test": ("math", lambda: _field(_lines("math/test.jsonl.gz"), "solution"),
                  {"number": 4048, "ratio": 3, "mathematics": 949}),
    "math500": ("math", lambda: _field(_lines("math500/test.jsonl"), "answer"),
                {"number": 397, "mathematics": 103}),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_references_are_read_and_right_for_themselves(name):
    benchmark, references, kinds = SETS[name]
    counts = {}
    for reference in references():
        wanted = read_reference(benchmark, reference)
        counts[wanted.kind] = counts.get(wanted.kind, 0) + 1
        if wanted.kind == "mathematics":
            continue  # tests of the symbolic checker have these
        said = str(wanted)
        for response in (f"The answer is {said}.", f"First 7, then 12.\n#### {said}"):
            verdict = score(benchmark, response, reference)
            assert verdict.correct, (response, reference, verdict)
            if wanted.kind == "number":
                other = str(wanted.value + 1)
                assert not score(benchmark, f"The answer is {other}.", reference)
        if isinstance(reference, str) and benchmark != "math":
            assert score(benchmark, reference, reference), reference
    assert counts == kinds


def test_solutions_of_gsm8k_are_right_in_every_variant():
    rows = _field(_lines("gsm8k/test.jsonl"), "answer")
    for answer, other in itertools.pairwise(rows):
        assert strict(answer, answer) and flexible(answer, answer)
        same = answer.split("####")[-1] == other.split("####")[-1]
        assert strict(answer, other).correct == same


def test_options_of_aqua_name_their_letter():
    hits = 0
    rows = _lines("aqua/test.json") + _lines("aqua/dev.json")
    for row in rows:
        for option in row["options"]:
            letter, _, text = option.partition(")")
            assert score("aqua", f"The answer is {letter}) {text}", letter, row["options"]).correct
            verdict = score("aqua", f"The answer is {text}.", letter, row["options"])
            hits += verdict.correct
            assert verdict.correct or verdict.status == "undecided", (text, row["options"])
    assert hits > 2000


def test_most_answers_of_math_are_right_for_themselves():
    rows = _lines("math500/test.jsonl")
    wrong = [
        row["answer"]
        for row in rows
        if not score("math", f"So we get $\\boxed{{{row['answer']}}}$.", row["solution"])
    ]
    assert len(wrong) <= 5, wrong
    shifted = itertools.pairwise(rows)
    for row, other in shifted:
        if row["answer"] not in (other["answer"], other["answer"].rpartition("=")[2]):
            assert not score("math", f"\\boxed{{{row['answer']}}}", other["answer"])
