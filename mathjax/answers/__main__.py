"""Is an answer right, and why?

    python -m mathjax.answers --form=expanded '(x+1)^2' 'x^2 + 2x + 1'
    python -m mathjax.answers --benchmark=gsm8k '#### 18' 'The answer is $18.'
    python -m mathjax.answers --kind=puzzle '3,6,7,51,58:4' '58-51=7,6-7=-1,3*(-1)=-3,-3+7=4'

Prints the verdict with its reason and how both texts were understood. Options go before the texts,
and `--` before a text that begins with a minus sign. The exit status is 0 for right, 1 for wrong, 2
for undecided, 3 for a command that cannot be run.
"""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from mathjax.answers import forms, numeric, puzzle, steps, symbolic
from mathjax.answers.formula_printer import show
from mathjax.answers.verdict import Verdict
from mathjax.problems.base import ProblemError
from mathjax.problems.puzzle import parse_puzzle

_STATUS = {"right": 0, "wrong": 1, "undecided": 2}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A command that cannot be run is not undecided, which has argparse's status 2."""
        self.print_usage(sys.stderr)
        self.exit(3, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(
        prog="python -m mathjax.answers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "reference", help="what is right; `-` reads it from the first line of stdin"
    )
    parser.add_argument("candidate", help="the answer to judge; `-` reads it from stdin")
    parser.add_argument(
        "--kind",
        default="expression",
        choices=(*symbolic.KINDS, "puzzle", "trace"),
        help="what the texts are; puzzle: REFERENCE is a prompt like 3,6,7:4; trace: CANDIDATE is "
        "a rationale whose steps are checked, REFERENCE its final answer",
    )
    parser.add_argument("--benchmark", help=f"score as of {', '.join(numeric.BENCHMARKS)}")
    parser.add_argument(
        "--variables", default="", help="names that are single variables, with commas: E,beta,price"
    )
    parser.add_argument("--form", help=f"demanded form: {', '.join(forms.FORMS)} (solved:x)")
    parser.add_argument(
        "--options", help="of a multiple-choice question, with | between: 'A)21|B)24'"
    )
    options = parser.parse_args(arguments)
    reference, candidate = options.reference, options.candidate
    if reference == "-":
        reference = sys.stdin.readline().rstrip("\n")
    if candidate == "-":
        candidate = sys.stdin.read()
    try:
        verdict, lines = _judge(options, reference, candidate)
    except (ValueError, TypeError, ProblemError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 3
    print(
        f"{verdict.status}: {verdict.reason}" + (f" ({verdict.detail})" if verdict.detail else "")
    )
    for line in lines:
        print(line)
    return _STATUS[verdict.status]


def _judge(
    options: argparse.Namespace, reference: str, candidate: str
) -> tuple[Verdict, list[str]]:
    """The verdict, and lines on how the texts were understood."""
    if options.benchmark:
        choices = options.options.split("|") if options.options else None
        verdict = numeric.score(options.benchmark, candidate, reference, choices)
        found = numeric.extract(options.benchmark, candidate, choices)
        return verdict, [f"extracted: {found}"]
    if options.kind == "puzzle":
        numbers, target = parse_puzzle(reference)
        return puzzle.verify(numbers, target, candidate), []
    if options.kind == "trace":
        return _judge_trace(reference, candidate)
    variables = [name.strip() for name in options.variables.split(",") if name.strip()]
    verdict = symbolic.check(reference, candidate, options.kind, variables, options.form)
    lines = []
    for name, reading in zip(
        ("reference", "candidate"),
        symbolic.read(reference, candidate, options.kind, variables),
        strict=True,
    ):
        shown = show(reading.node) if reading.node else f"not read: {reading.error.detail}"
        lines.append(f"{name}: {shown}")
    return verdict, lines


def _judge_trace(reference: str, candidate: str) -> tuple[Verdict, list[str]]:
    report = steps.check_trace(candidate)
    lines = [
        f"{step.status}: {step.text}" + (f"   ({step.expected})" if step.expected else "")
        for step in report.steps
    ]
    if report.final is not None:
        final, mended = (
            "right" if right else "wrong"
            for right in (report.final_right(reference), report.final_right_if_mended(reference))
        )
        lines.append(
            f"final answer: {report.final}, {final}; "
            f"with the arithmetic mended {report.mended}, {mended}"
        )
    if report.first_error is not None:
        step = report.steps[report.first_error]
        return Verdict.wrong("step", f"first wrong step: {step.text}"), lines
    if report.undecided:
        return Verdict.undecided("step", f"{report.undecided} step(s) not read"), lines
    return Verdict.right(f"{report.right} step(s)"), lines


if __name__ == "__main__":
    sys.exit(main())
