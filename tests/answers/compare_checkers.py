"""Runs the judge's corpora over our checkers and over public ones; prints a Markdown table.

    python tests/answers/compare_checkers.py                                      (ours and rules)
    python tests/answers/compare_checkers.py --peer_python=PEERS/bin/python       (Math-Verify too)
    python tests/answers/compare_checkers.py --math_verify_tests=CLONE/tests      (its own suite)
    python tests/answers/compare_checkers.py --list                               (every difference)

PEERS is a virtual environment with `pip install 'math-verify[antlr4_13_2]'`; our package is not
needed there, nor Math-Verify here. Each checker runs in a process of its own that is killed at
--timeout seconds a case: a hang. Wrong is a false positive (right where it must not be) or a false
negative (not right where it must be). Cases whose demanded form, or whose benchmark's letters, a
checker does not claim are left out for it and the counts say so.

Math-Verify gets plain text wrapped in dollars, with `\\cdot` for `*` and `^` for `**`, its default
settings otherwise. The rules of GSM8K and lm-evaluation-harness are those of their sources: the
regular expression, the first match (strict) or the last (flexible), equality of strings after
commas, dollar signs and one closing point are dropped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import corpus_cases

Case = dict[str, Any]
STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


def plain_reference(case: Case) -> str:
    """The reference of a numeric case as the bare answer, as a task definition would hold it."""
    reference = case["reference"]
    if isinstance(reference, list):
        reference = reference[0]
    if isinstance(reference, float) and reference.is_integer():
        reference = int(reference)
    text = str(reference)
    if "####" in text:
        return text.rsplit("####", 1)[1].strip()
    if case["benchmark"] == "asdiv":
        return re.sub(r"\s*\([^()]*\)$", "", text)
    return corpus_cases.extracted(text) if case["benchmark"] == "math" else text


def _cleaned(text: str) -> str:
    """lm-evaluation-harness's `regexes_to_ignore` of its gsm8k task, case aside."""
    for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
        text = re.sub(pattern, "", text)
    return text.lower()


def strict_said(response: str, reference: str) -> bool:
    """lm-evaluation-harness, gsm8k, filter strict-match."""
    found = STRICT.findall(response)
    return bool(found) and _cleaned(found[0]) == _cleaned(reference)


def flexible_said(response: str, reference: str) -> bool:
    """lm-evaluation-harness, gsm8k, filter flexible-extract."""
    found = FLEXIBLE.findall(response)
    last = next(filter(None, found[-1])).strip() if found else "[invalid]"
    return _cleaned(last) == _cleaned(reference)


def gsm8k_said(response: str, reference: str) -> bool:
    """The data set's own rule."""
    answers = []
    for text in (response, f"#### {reference}"):
        found = STRICT.search(text)
        answers.append(found and found.group(1).strip().replace(",", ""))
    return answers[0] is not None and answers[0] == answers[1]


def _rule(said: Callable[[str, str], bool]) -> Callable[[], Callable[[Case], str]]:
    return lambda: lambda case: _said(said(case["response"], plain_reference(case)))


def _said(right: bool) -> str:
    return "right" if right else "wrong"


def ours() -> Callable[[Case], str]:
    from mathjax.answers import numeric, symbolic

    def verdict(case: Case) -> str:
        if case["suite"] == "numeric":
            found = numeric.score(
                case["benchmark"], case["response"], case["reference"], case.get("options")
            )
        elif case["suite"] == "math_verify" and case["kind"] == "number":
            found = numeric.score("math", case["response"], case["gold"])
        else:
            found = symbolic.check(
                case["gold"] if case["suite"] == "math_verify" else case["reference"],
                case["candidate"],
                case["kind"],
                case.get("variables", ()),
                case.get("form"),
            )
        return found.status if found.status != "undecided" else f"undecided:{found.reason}"

    return verdict


def math_verify() -> Callable[[Case], str]:
    import logging

    from math_verify import (
        ExprExtractionConfig,
        LatexExtractionConfig,
        StringExtractionConfig,
        parse,
        verify,
    )

    logging.disable(logging.CRITICAL)
    letters = [StringExtractionConfig(strings=tuple("ABCDE"))]
    suite = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]

    def wrapped(text: str) -> str:
        if re.search(r"\$|\\\(|\\\[|\\boxed", text):
            return text
        return "$" + text.replace("**", "^").replace("*", r"\cdot ") + "$"

    def verdict(case: Case) -> str:
        if case["suite"] == "math_verify":
            gold, pred = parse(case["reference"], suite), parse(case["response"], suite)
            options = {"float_rounding": case["precision"], "strict": case["strict"]}
            return _said(verify(gold, pred, **options))
        if case["suite"] == "numeric":
            if case["benchmark"] == "aqua":
                gold, pred = parse(case["reference"], letters), parse(case["response"], letters)
            else:
                gold, pred = parse(wrapped(plain_reference(case))), parse(case["response"])
        else:
            gold, pred = parse(wrapped(case["reference"])), parse(wrapped(case["candidate"]))
        return _said(verify(gold, pred))

    return verdict


def _has_no_form(case: Case) -> bool:
    return not case.get("form")


def _is_no_letter(case: Case) -> bool:
    return case.get("benchmark") != "aqua"


CHECKERS: dict[str, tuple[Callable, tuple[str, ...], Callable[[Case], bool]]] = {
    "ours": (ours, ("symbolic", "forms", "numeric", "math_verify"), lambda case: True),
    "Math-Verify": (math_verify, ("symbolic", "numeric", "math_verify"), _has_no_form),
    "lm-eval strict": (_rule(strict_said), ("numeric",), _is_no_letter),
    "lm-eval flexible": (_rule(flexible_said), ("numeric",), _is_no_letter),
    "GSM8K official": (_rule(gsm8k_said), ("numeric",), _is_no_letter),
}
PEERS = ("Math-Verify",)
"""Run by --peer_python; the others by this interpreter."""


class Worker:
    """One checker in a process of its own, begun again after a hang or a crash."""

    def __init__(self, checker: str, python: str, timeout: float):
        self._command = [python, __file__, f"--worker={checker}"]
        self._timeout = timeout
        self._process: subprocess.Popen | None = None

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if self._answer(60.0) != "ready":
            self.end()
            raise RuntimeError(f"cannot start: {' '.join(self._command)}")

    def _answer(self, seconds: float) -> str | None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(seconds):
                return "hang"
        return self._process.stdout.readline().decode().strip() or None

    def ask(self, case: Case) -> tuple[str, float]:
        """The verdict, or "hang", "crash", "exception:..."; and the seconds it took."""
        if self._process is None:
            self._begin()
        begin = time.perf_counter()
        self._process.stdin.write(json.dumps(case).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer(self._timeout) or "crash"
        if answer in ("hang", "crash"):
            self.end()
        return answer, time.perf_counter() - begin

    def end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def work(checker: str) -> None:
    """A worker: a case a line in, a verdict a line out."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a checker prints is not its answer
    verdict = CHECKERS[checker][0]()
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        try:
            answer = verdict(json.loads(line))
        except Exception as error:
            answer = f"exception:{type(error).__name__}"
        print(answer, file=out, flush=True)


def judge(cases: list[Case], worker: Worker) -> Iterator[tuple[Case, str, float, str]]:
    """Every case with the answer, its seconds, and "", "false positive" or "false negative"."""
    for case in cases:
        answer, seconds = worker.ask(case)
        fault = ""
        if (answer == "right") != (case["expected"] is True):
            fault = "false negative" if case["expected"] is True else "false positive"
        yield case, answer, seconds, fault


def _groups(arguments: argparse.Namespace) -> list[tuple[str, list[Case]]]:
    groups = []
    for name in arguments.corpora.split(",") if arguments.corpora else ():
        cases = corpus_cases.load(name)
        groups.append((name, [case for case in cases if case["tier"] != "open"]))
    if arguments.math_verify_tests:
        cases, skipped = corpus_cases.math_verify_tests(Path(arguments.math_verify_tests))
        inside = [case for case in cases if case["scope"] == "in"]
        groups.append(("math_verify, our kinds and policy", inside))
        groups.append(("math_verify, all", cases))
        reasons = Counter(case["scope"] for case in cases)
        print(f"Math-Verify's suite: {len(cases)} pairs, {skipped} more are no literals.")
        print(*(f"- {reason}: {count}" for reason, count in reasons.most_common()), "", sep="\n")
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", default=",".join(corpus_cases.NAMES), help="may be empty")
    parser.add_argument("--checkers", default=",".join(CHECKERS))
    parser.add_argument("--peer_python", help="an interpreter that has Math-Verify")
    parser.add_argument("--math_verify_tests", help="the tests folder of a clone of Math-Verify")
    parser.add_argument("--timeout", type=float, default=12.0, help="seconds a case")
    parser.add_argument("--list", action="store_true", help="print every wrong verdict")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    groups, table, faults = _groups(arguments), [], []
    for checker in arguments.checkers.split(","):
        if checker in PEERS and not arguments.peer_python:
            continue
        _, suites, claims = CHECKERS[checker]
        python = arguments.peer_python if checker in PEERS else sys.executable
        worker = Worker(checker, python, arguments.timeout)
        for name, cases in groups:
            cases = [case for case in cases if case["suite"] in suites and claims(case)]
            if not cases:
                continue
            counts: Counter[str] = Counter()
            slowest = 0.0
            for case, answer, seconds, fault in judge(cases, worker):
                counts[fault] += 1
                counts[answer.partition(":")[0]] += 1
                slowest = max(slowest, seconds)
                if fault or answer.startswith(("hang", "crash", "exception")):
                    faults.append((checker, name, case, answer, fault))
            positives, negatives = counts["false positive"], counts["false negative"]
            wrong = positives + negatives
            table.append(
                f"| {checker} | {name} | {len(cases)} | {wrong} ({100 * wrong / len(cases):.1f} %)"
                f" | {positives} | {negatives} | {counts['undecided']} | {counts['hang']}"
                f" | {counts['crash'] + counts['exception']} | {slowest:.1f} |"
            )
        worker.end()
    print(
        "| checker | corpus | cases | wrong | false positives | false negatives | undecided"
        f" | hangs over {arguments.timeout:g} s | crashes | slowest (s) |"
    )
    print("|" + " --- |" * 10)
    print(*table, sep="\n")
    if arguments.list:
        for checker, name, case, answer, fault in faults:
            what = case.get("kind") or case.get("benchmark")
            texts = (case["reference"], case.get("response", case.get("candidate")))
            print(
                f"\n{checker}, {name}, {case['id']} ({what}): {answer} {fault}"
                f"\n    {corpus_cases.show(texts[0], 100)}\n    {corpus_cases.show(texts[1], 100)}"
            )


if __name__ == "__main__":
    main()
