"""Arithmetic problems of other people's test sets, read from files so that none is trained on.

BIG-bench's arithmetic (1 to 5 digits, four operations) is what arXiv 2502.12855 keeps out of its
training set. A file is JSON in BIG-bench's layout (`{"examples": [{"input": ...}]}`), JSON lines,
or text with a question a line.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mathjax.problems.arithmetic_reference import problem_key
from mathjax.problems.arithmetic_templates import OPERATIONS, TEMPLATES
from mathjax.problems.base import ProblemError

FIELDS = ("input", "question", "prompt", "problem")
"""Of a JSON object: the first of these that it has is the question."""

_LONGEST = 2000  # characters of a question of one operation
_INTEGER = r"-?\d{1,100}"
_NUMBER = rf"\(?({_INTEGER})(?:/(\d{{1,100}}))?\)?"
_SIGNS = {
    "+": "add", "plus": "add", "-": "subtract", "minus": "subtract", "*": "multiply",
    "x": "multiply", "times": "multiply", "multiplied by": "multiply", "/": "divide",
    "divided by": "divide", "%of": "percentage", "% of": "percentage", "percent of": "percentage",
    "per cent of": "percentage",
}  # fmt: skip
_ALIKE = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
_SIGN = "|".join(map(re.escape, _SIGNS))
_EXPRESSION = re.compile(rf"(?<![\d./]){_NUMBER} {{0,3}}({_SIGN}) {{0,3}}{_NUMBER}(?![\d/]|\.\d)")


@dataclasses.dataclass(frozen=True)
class Exclusions:
    """`keys` as `problem_key` gives them; `unread` questions are no problem of one operation."""

    keys: tuple[int, ...]
    read: int
    unread: int
    sha256: tuple[str, ...]  # of each file

    def summary(self) -> dict[str, Any]:
        """For a data card."""
        return {
            "questions_read": self.read,
            "different_problems": len(self.keys),
            "questions_not_read": self.unread,
            "sha256": list(self.sha256),
        }


def read_exclusions(files: str | Sequence[str]) -> Exclusions:
    """Keys of the problems in files (`*.json`, `*.jsonl`, either with `.gz`, else text).

    Raises ProblemError where a file cannot be read or holds no problem of arithmetic.
    """
    keys: set[int] = set()
    digests, read, unread = [], 0, 0
    for file in [files] if isinstance(files, str) else files:
        if not isinstance(file, str):
            raise ProblemError(f"exclude: wants names of files, got {file!r}")
        try:
            data = Path(file).read_bytes()
            questions = list(_questions(file, data))
        except (OSError, EOFError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ProblemError(f"exclude: cannot read {file}: {reason}") from None
        found = [problem for problem in map(read_problem, questions) if problem is not None]
        if not found:
            raise ProblemError(f"exclude: no problem of arithmetic among those of {file}")
        keys.update(problem_key(*problem) for problem in found)
        digests.append(hashlib.sha256(data).hexdigest())
        read, unread = read + len(found), unread + len(questions) - len(found)
    return Exclusions(tuple(sorted(keys)), read, unread, tuple(digests))


def _questions(file: str, data: bytes) -> Iterator[str]:
    if file.endswith(".gz"):
        file, data = file.removesuffix(".gz"), gzip.decompress(data)
    text = data.decode("utf-8-sig")
    if file.endswith(".json"):
        rows = json.loads(text)
        rows = rows.get("examples", rows) if isinstance(rows, dict) else rows
    elif file.endswith(".jsonl"):
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        rows = [line for line in text.splitlines() if line.strip()]
    if not isinstance(rows, list):
        raise ValueError('wants {"examples": [...]} or a list')
    for row in rows:
        values = [row.get(field) for field in FIELDS] if isinstance(row, dict) else [row]
        yield next((value for value in values if isinstance(value, str)), "")


def read_problem(question: str) -> tuple[str, tuple[int, ...]] | None:
    """(operation, numbers) as `problem_key` wants them; None where the text is not one operation on
    two numbers, in signs or words or as one of our phrasings."""
    if len(question) > _LONGEST:
        return None
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", question.translate(_ALIKE).lower())
    count = len(re.findall(r"\d+", text))
    if found := _EXPRESSION.search(text):
        a, b, sign, c, d = found.groups()
        problem = _problem(_SIGNS[sign], (a, b), (c, d), count)
        if problem is not None:
            return problem
    for operation, pattern in _phrasings():
        if found := pattern.search(text):
            parts = found.groupdict()
            numbers = [(parts[name], parts[f"{name}_below"]) for name in "ab"]
            return _problem(operation, *numbers, count)
    return None


def _problem(
    operation: str, first: tuple[str, str | None], second: tuple[str, str | None], count: int
) -> tuple[str, tuple[int, ...]] | None:
    """`count` numbers stand in the text: more than these make it another problem."""
    below = [part for _, part in (first, second) if part is not None]
    if count != 2 + len(below):
        return None
    if below:
        if operation == "percentage":
            return None
        operation = f"fraction_{operation}"
        numbers = (int(first[0]), int(first[1] or 1), int(second[0]), int(second[1] or 1))
        divides = (numbers[1], numbers[3], *([numbers[2]] if "divide" in operation else []))
    else:
        numbers = (int(first[0]), int(second[0]))
        divides = numbers[1:] if operation == "divide" else ()
    return (operation, numbers) if all(divides) else None


@functools.cache
def _phrasings() -> list[tuple[str, re.Pattern[str]]]:
    """Our phrasings without an expression, as patterns; fractions use those of whole numbers."""
    patterns = []
    for operation in OPERATIONS:
        if operation.startswith("fraction_"):
            continue
        for template in TEMPLATES[operation]:
            if "{a}" not in template:
                continue
            pattern = re.escape(template.lower().rstrip(".?"))
            for name in "ab":
                number = rf"\(?(?P<{name}>{_INTEGER})(?:/(?P<{name}_below>\d{{1,100}}))?\)?"
                pattern = pattern.replace(re.escape(f"{{{name}}}"), number, 1)
            patterns.append((operation, re.compile(rf"(?<!\w){pattern}(?!\w|/)")))
    return patterns
