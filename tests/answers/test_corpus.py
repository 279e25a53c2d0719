"""Our checkers on the judge's corpora: no false positive, and next to no false negative."""

import json
import subprocess
import sys
from pathlib import Path

import corpus_cases
import pytest
from compare_checkers import CHECKERS, flexible_said, gsm8k_said, strict_said

from mathjax.answers import symbolic

BARS = {"symbolic": 0.97, "forms": 0.97, "numeric": 0.96}
"""Share of the cases that must be judged as the corpus says, tier open aside."""

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def judged():
    """Cases of a corpus with the verdict of ours, as `(case, answer, as expected)`."""
    verdict = CHECKERS["ours"][0]()

    def run(name):
        cases = [case for case in corpus_cases.load(name) if case["tier"] != "open"]
        answers = [verdict(case) for case in cases]
        return [
            (case, answer, (answer == "right") == (case["expected"] is True))
            for case, answer in zip(cases, answers, strict=True)
        ]

    return run


def listed(judgements):
    lines = [
        f"{case['id']} ({case['tier']}): {answer}, {case['why']}: "
        f"{corpus_cases.show(case['reference'])} against "
        f"{corpus_cases.show(case.get('candidate', case.get('response')))}"
        for case, answer, _ in judgements
    ]
    return "\n".join([f"{len(lines)} cases", *lines])


@pytest.mark.parametrize("name", corpus_cases.NAMES)
def test_corpus(judged, name):
    judgements = judged(name)
    faults = [judgement for judgement in judgements if not judgement[2]]
    positives = [judgement for judgement in faults if judgement[1] == "right"]
    assert not positives, "right where it must not be: " + listed(positives)
    core = [judgement for judgement in faults if judgement[0]["tier"] == "core"]
    assert not core, "of tier core: " + listed(core)
    share = 1 - len(faults) / len(judgements)
    assert share >= BARS[name], f"{share:.1%} as expected; not: " + listed(faults)


def test_symmetric_and_reflexive():
    """No order of the two texts matters, and a defined reference equals itself."""
    faults = []
    for case in corpus_cases.load("symbolic"):
        if case["tier"] in ("hostile", "open"):
            continue
        texts, rest = (case["reference"], case["candidate"]), (case["kind"], case["variables"])
        if symbolic.check(*texts, *rest).correct != symbolic.check(*texts[::-1], *rest).correct:
            faults.append((case, "not symmetric", False))
        if case["expected"] != "error":
            found = symbolic.check(texts[0], texts[0], *rest)
            if not found.correct:
                faults.append((case, f"not reflexive, {found.reason}", False))
    assert not faults, listed(faults)


@pytest.mark.parametrize("name", corpus_cases.NAMES)
def test_corpus_is_well_formed(name):
    cases = corpus_cases.load(name)
    assert len({case["id"] for case in cases}) == len(cases)
    for case in cases:
        assert case["tier"] in ("core", "hard", "hostile", "open")
        assert case["expected"] in (True, False, "error")
        assert case["why"]


@pytest.mark.parametrize(
    "response,strict,flexible,official",
    [
        ("So 3*6=18.\n#### 18", True, True, True),
        ("#### 18\n#### 7", True, False, True),
        ("The answer is 18.", False, True, False),
        ("The answer is 18...", False, False, False),
        ("#### 1,018", False, False, False),
        ("#### $18", False, True, False),
        ("", False, False, False),
    ],
)
def test_rules_of_others(response, strict, flexible, official):
    assert strict_said(response, "18") is strict
    assert flexible_said(response, "18") is flexible
    assert gsm8k_said(response, "18") is official


SUITE = r"""
import pytest

@pytest.mark.parametrize(
    "gold,pred,expected",
    [
        (r"$\frac{1}{2}$", r"so \boxed{0.5}", 1),
        ("$x = 3$", "we get $2x = 6$", 1),
        (f"${1}$", "$1$", 1),
    ],
)
def test_pairs(gold, pred, expected):
    raise RuntimeError("never run")
"""


def test_reads_a_foreign_suite_without_running_it(tmp_path):
    (tmp_path / "test_some.py").write_text(SUITE, encoding="utf-8")
    cases, skipped = corpus_cases.math_verify_tests(tmp_path)
    assert skipped == 1
    assert [(case["kind"], case["gold"], case["candidate"]) for case in cases] == [
        ("number", r"\frac{1}{2}", "0.5"),
        ("equation", "x = 3", "2x = 6"),
    ]
    assert all(case["expected"] and case["scope"] == "in" for case in cases)


def test_worker_answers_a_line_a_case():
    case = next(case for case in corpus_cases.load("numeric") if case["expected"] is True)
    command = [sys.executable, str(HERE / "compare_checkers.py"), "--worker=lm-eval flexible"]
    text = (json.dumps(case) + "\n") * 2
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert done.stdout == "ready\nright\nright\n"
