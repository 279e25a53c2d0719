"""Reads the judge's cases: our own corpora, and the test suite of Math-Verify from its source.

A corpus is JSON lines. `expected` is true (the verdict must be right), false (it must not be) or
"error" (it must not be, and the candidate is undefined or no mathematics). `tier` is core, hard,
hostile (a bound on time and memory is at stake) or open (the policy is silent; `expected` is our
reading, nothing is demanded). A text may be a list of [piece, count] pairs, a long text in short.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
NAMES = ("symbolic", "forms", "numeric")
SCOPE = CORPUS / "math_verify_scope.json"
_TEXTS = ("reference", "candidate", "response")


def expand(text: Any) -> Any:
    """A list of [piece, count] pairs as the text it stands for; a list of numbers stays."""
    if isinstance(text, list) and text and all(isinstance(pair, list) for pair in text):
        return "".join(piece * count for piece, count in text)
    return text


def load(name: str) -> list[dict[str, Any]]:
    """Cases of `corpus/<name>.jsonl` with their long texts written out."""
    with open(CORPUS / f"{name}.jsonl", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    for case in cases:
        case["suite"] = name
        for field in _TEXTS:
            if field in case:
                case[field] = expand(case[field])
    return cases


def show(text: Any, width: int = 60) -> str:
    """`text` in ASCII, cut in the middle."""
    text = ascii(text)
    return text if len(text) <= width else f"{text[: width - 25]} ... {text[-20:]}"


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _rows(function: ast.FunctionDef) -> list[dict[str, Any] | None]:
    rows = []
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize")):
            continue
        names = [name.strip() for name in _literal(mark.args[0]).split(",")]
        if {"gold", "pred"} <= set(names):
            for node in mark.args[1].elts:
                values = _literal(node)
                rows.append(values and dict(zip(names, values, strict=True)))
    return rows


def math_verify_tests(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Gold and prediction pairs of Math-Verify's `tests` folder, and how many are no literals.

    The source is parsed and never imported. The file `math_verify_scope.json` tells which cases
    lie outside our kinds or policy and why, by a digest of the pair: none of their text is kept.
    """
    scope = json.loads(SCOPE.read_text(encoding="utf-8"))
    cases, skipped = [], 0
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for number, row in enumerate(_rows(node)):
                if row is None:
                    skipped += 1
                    continue
                gold, pred = row["gold"], row["pred"]
                expected = bool(row["expected"] if "expected" in row else row["result"])
                key = digest(gold, pred, expected)
                cases.append(
                    {
                        "id": f"{path.stem}::{node.name}[{number}]",
                        "suite": "math_verify",
                        "reference": gold,
                        "response": pred,
                        "expected": expected,
                        "precision": row.get("precision", 6),
                        "strict": row.get("strict", True),
                        "scope": scope.get(key, "in"),
                        "digest": key,
                        **suite_call(gold, pred),
                    }
                )
    if not cases:
        raise ValueError(f"no parametrised gold, pred cases in {folder}; give the tests folder")
    return cases, skipped


def digest(gold: str, pred: str, expected: bool) -> str:
    """Twelve hexadecimal digits that name a case without its text."""
    return hashlib.sha256(f"{gold}\0{pred}\0{expected:d}".encode()).hexdigest()[:12]


def _boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{}`, or None."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, start = 1, start + len("\\boxed{")
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end]
    return None


_MATH = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_RELATION = re.compile(r"\\(?:cup|leq?|geq?|lt|gt|in|infty)(?![A-Za-z])|[<>\u2264\u2265\u222a]")


def extracted(text: str) -> str:
    """The answer in a prediction: the last box, else the last formula, else all of the text."""
    boxed = _boxed(text)
    if boxed is not None:
        return boxed
    formulas = [next(filter(None, groups)) for groups in _MATH.findall(text)]
    return (formulas[-1] if formulas else text).strip()


def look(gold: str, pred: str) -> str:
    """The kind of a pair by the look of it; the first rule that fits."""
    gold = re.sub(r"\\left|\\right|\\[!,;]|[{}](?=,)|(?<=,)\}", "", gold).strip()
    if "\\begin{" in gold or "[[" in gold:
        return "matrix"
    bare = re.sub(r"\\(text|mbox|mathrm|textbf|textnormal)\{[^}]*\}|\\[A-Za-z]+", "", gold)
    listed = re.search(r"\bor\b|\band\b|\\pm", gold)
    if not listed and not re.search(r"[A-Za-z=<>\[(;]|,(?!\d{3})|\\\{", bare):
        return "number"
    if _RELATION.search(gold + pred):
        return "interval"
    flat = re.sub(r"[\[(][^\[\]()]*[\])]|_\{[^{}]*\}", "", gold)
    if listed or re.search(r"\\\{|^\{|[;,]", flat):
        return "solution_set"
    if "=" in gold and "=" in pred:
        return "equation"
    if "=" in gold or "=" in pred:
        return "solution_set"
    if re.fullmatch(r"[\[(].*,.*[\])]", gold):
        return "interval" if re.search(r"[\[\]]", gold) else "tuple"
    return "expression" if re.search("[A-Za-z]", bare) else "number"


def suite_call(gold: str, pred: str) -> dict[str, str]:
    """How ours is asked about a pair of Math-Verify's suite.

    A gold answer that is one number goes to `numeric.score("math", pred, extracted(gold))`, which
    extracts from `pred` itself; anything else to `symbolic.check(extracted(gold),
    extracted(pred), kind)` with the kind by its look and no declared names.
    """
    reference, candidate = extracted(gold), extracted(pred)
    return {"kind": look(reference, candidate), "gold": reference, "candidate": candidate}
