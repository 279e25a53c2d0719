"""Is a formula, equation, set of solutions, number, interval, tuple or matrix right? Exactly.

Text, plain or LaTeX, is read by a parser of our own into trees of our own; equality is decided by
exact arithmetic (see `equality`), never by rounding, and no text is ever evaluated as a program.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from mathjax.answers import equality, equations, fast_formulas, forms, regions, solution_sets
from mathjax.answers import formulas as f
from mathjax.answers.formula_parser import parse, parse_set
from mathjax.answers.formula_text import is_latex, unwrap
from mathjax.answers.formula_tokens import canonical_name
from mathjax.answers.formulas import FormulaError, Node, Scalar
from mathjax.answers.time_limit import deadline
from mathjax.answers.verdict import Verdict

KINDS = ("expression", "equation", "solution_set", "number", "interval", "tuple", "matrix")


_UNION = re.compile(r"(?<=[)\]}])\s*+U\s*+(?=[(\[{\\])")
_DIFFERENCE = re.compile(r"(?<!\w)[Rℝ]\s*+\\\s*+(?=\{)")  # R \ {2}
_VARIABLE = re.compile(r"\\?[^\W\d_]+(?:_?\{?[^\W_]+\}?)?")


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a text was understood: `node`, or None with the error."""

    node: Node | None
    error: FormulaError | None = None


def check(
    reference: str,
    candidate: str,
    kind: str = "expression",
    variables: Sequence[str] = (),
    form: str | None = None,
) -> Verdict:
    """Whether the candidate says the same as the reference, and in the form that is asked.

    kind: one of KINDS. variables: names that are single variables whatever they look like (`E`,
    `lambda`, `price`); other runs of letters are one name each in plain text, single letters in
    LaTeX, function names and pi aside. form: see `forms.FORMS`; of the candidate.

    Reasons: "right"; wrong: "value" (not equal), "form" (equal, but not as asked), "kind" (reads
    well, but is no such thing), "undefined" (0/0, log 0); undecided: "parse" (not mathematics, or
    not read), "limit" (beyond the bounds of size), "time", "domain" (equal where both are defined,
    but these places differ), "undecided".

    Raises TypeError or ValueError for arguments that are no strings or name no kind or form.
    """
    if not isinstance(reference, str) or not isinstance(candidate, str):
        raise TypeError("reference and candidate must be str")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    variables = _names(variables)
    demand = forms.demanded(form)
    quick = fast_formulas.check(reference, candidate, kind, variables)
    if quick is not None and not (demand and quick.correct):
        return quick
    with deadline():
        try:
            ours, theirs = read(reference, candidate, kind, variables)
        except RecursionError:
            return Verdict.undecided("limit", "nested too deeply")
        faults = [
            (reading.error, name)
            for name, reading in (("reference", ours), ("candidate", theirs))
            if reading.error
        ]
        if faults:
            error, name = min(faults, key=lambda fault: (fault[0].reason, fault[0].detail))
            return _refused(name, error)
        # Always in one order, so that the verdict does not depend on which text is which.
        nodes = sorted((ours.node, theirs.node), key=repr)
        variables = tuple(map(canonical_name, variables))
        try:
            if kind == "equation" and demand and demand[0] == "solved":
                same = equations.same_solutions(*nodes, generic=True)
            else:
                same = _COMPARE[kind](*nodes, variables)
            if same and demand:
                return forms.judge(theirs.node, demand)
        except FormulaError as error:
            return _refused("", error)
        except RecursionError:
            return Verdict.undecided("limit", "nested too deeply")
    return Verdict.right() if same else Verdict.wrong("value", "not equal")


def _names(variables: Sequence[str]) -> tuple[str, ...]:
    if isinstance(variables, str) or not isinstance(variables, (tuple, Iterable)):
        raise TypeError(f"variables must be a sequence of names, got {variables!r}")
    variables = tuple(variables)
    for name in variables:
        if not isinstance(name, str):
            raise TypeError(f"variables must be names, got {name!r}")
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"variables: {name!r} is no name: letters, then digits or an index")
    return variables


def _refused(name: str, error: FormulaError) -> Verdict:
    detail = f"{name}: {error.detail}" if name else error.detail
    if error.reason in ("undefined", "kind"):
        return Verdict.wrong(error.reason, detail)
    return Verdict.undecided(error.reason, detail)


def read(
    reference: str, candidate: str, kind: str, variables: Sequence[str] = ()
) -> tuple[Reading, Reading]:
    """Both texts as trees. A name of several letters in one, plain, is one name in the other."""
    texts = [reference, candidate]
    declared = set(variables)
    plain = [not is_latex(text) for text in texts]
    readings: list[Reading | None] = [None, None]
    for i in sorted((0, 1), key=lambda i: not plain[i]):
        readings[i] = _read_one(texts[i], kind, declared)
        node = readings[i].node
        if plain[i] and not all(plain) and isinstance(node, Node):
            declared |= {name for name in f.all_names(node) if len(name) > 1}
    return _with_like_units(*readings)


def _with_like_units(ours: Reading, theirs: Reading) -> tuple[Reading, Reading]:
    """Units count where both texts have them."""
    if ours.node is None or theirs.node is None:
        return ours, theirs
    united = [
        any(name.startswith(f.UNIT) for name in f.all_names(reading.node))
        for reading in (ours, theirs)
    ]
    if united[0] == united[1]:
        return ours, theirs
    return Reading(f.without_units(ours.node)), Reading(f.without_units(theirs.node))


def _read_one(text: str, kind: str, declared: set[str]) -> Reading:
    try:
        if len(text) > 100_000:
            raise FormulaError("limit", "longer than 100000 characters")
        if not unwrap(text):
            raise FormulaError("parse", "nothing")
        if kind in ("solution_set", "interval"):
            whole = parse_set(text)
            if whole is not None:
                return Reading(whole)
        if kind in ("solution_set", "equation"):
            if "\\begin" not in text:
                text = text.replace("\\\\", "\n")
            text = ";".join(line for line in text.strip().splitlines() if line.strip())
        if kind in ("solution_set", "interval"):
            text = _UNION.sub("∪", _DIFFERENCE.sub("ℝ∖", text))
        scalar = kind in ("expression", "number", "equation")
        node = parse(
            text,
            declared,
            thousands=kind in ("expression", "number"),
            mixed=kind == "number",
            square=scalar,
            sets=kind == "solution_set",
        )
        return Reading(node)
    except FormulaError as error:
        return Reading(None, error)
    except RecursionError:
        return Reading(None, FormulaError("limit", "nested too deeply"))


def _compare_expressions(left: Node, right: Node, variables: Sequence[str]) -> bool:
    for node in (left, right):
        if not isinstance(node, Scalar):
            raise FormulaError("kind", "no expression")
    ours, theirs = f.signs_chosen(left), f.signs_chosen(right)
    if len(ours) == len(theirs) == 1:
        return equality.equal_or_as_degrees(left, right)
    for value in (*ours, *theirs):
        equality.check_defined(value)
    return all(any(equality.equal(a, b) for b in theirs) for a in ours) and all(
        any(equality.equal(a, b) for b in ours) for a in theirs
    )


def _compare_numbers(left: Node, right: Node, variables: Sequence[str]) -> bool:
    for node in (left, right):
        names = f.names_of(node) if isinstance(node, Scalar) else ["a list"]
        if any(not name.startswith(f.UNIT) for name in names):
            raise FormulaError("kind", "no number")
    return _compare_expressions(left, right, variables)


def _compare_equations(left: Node, right: Node, variables: Sequence[str]) -> bool:
    return equations.same_solutions(left, right)


def _compare_intervals(left: Node, right: Node, variables: Sequence[str]) -> bool:
    return regions.same_region(left, right, variables)


def _compare_tuples(left: Node, right: Node, variables: Sequence[str]) -> bool:
    names = _entry_names(left), _entry_names(right)
    if variables and not all(names) and not {*names[0], *names[1]} <= set(variables):
        return False  # one text says of what, and these are other unknowns
    ours, theirs = _elements(left), _elements(right)
    if all(names) and sorted(names[0]) != sorted(names[1]):
        return False
    order = names[0] or tuple(variables)
    for own, entries in ((names[0], ours), (names[1], theirs)):
        if own and len(set(own)) != len(entries):
            raise FormulaError("kind", "entries that do not fit their names")
    if names[1] and sorted(order) == sorted(names[1]):
        theirs = tuple(theirs[names[1].index(name)] for name in order)
    elif names[0] and sorted(names[0]) == sorted(variables):
        ours = tuple(ours[names[0].index(name)] for name in variables)
    return _same_tuple(ours, theirs)


def _entry_names(node: Node) -> tuple[str, ...]:
    """Names of the entries of `(x, y) = (1, 2)`; () where there are none."""
    match node:
        case f.Relation("=", f.Bracketed("(", names, ")"), _):
            if all(isinstance(name, f.Name) for name in names):
                return tuple(name.name for name in names)
        case f.Listing("," | "and", parts) if all(map(_is_assignment, parts)):
            return tuple(part.left.name for part in parts)
    return ()


def _is_assignment(node: Node) -> bool:
    return isinstance(node, f.Relation) and node.sign == "=" and isinstance(node.left, f.Name)


def _elements(node: Node) -> tuple[Node, ...]:
    match node:
        case f.Bracketed("(", elements, ")") | f.Bracketed("[", elements, "]"):
            return elements
        case f.Listing("," | "and", parts) if all(map(_is_assignment, parts)):
            return tuple(part.right for part in parts)
        case f.Listing(",", parts):
            return parts
        case f.Relation("=", f.Bracketed("(", names, ")"), right):
            if all(isinstance(name, f.Name) for name in names):
                return _elements(right)
        case f.Relation("=", f.Name(), right):
            return _elements(right)
    raise FormulaError("kind", "no tuple")


def _same_tuple(ours: tuple[Node, ...], theirs: tuple[Node, ...]) -> bool:
    same = len(ours) == len(theirs)
    for element in (*ours, *theirs):
        if isinstance(element, Scalar):
            equality.check_defined(element)
    for a, b in zip(ours, theirs, strict=False):
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            same = same and equality.equal(a, b)
        elif isinstance(a, Scalar) or isinstance(b, Scalar):
            return False
        else:
            same = same and _same_tuple(_elements(a), _elements(b))
    return same


def _compare_matrices(left: Node, right: Node, variables: Sequence[str]) -> bool:
    ours, theirs = _grid(left), _grid(right)
    for entry in (entry for grid in (ours, theirs) for row in grid for entry in row):
        equality.check_defined(entry)
    return [len(row) for row in ours] == [len(row) for row in theirs] and all(
        equality.equal(a, b)
        for row, other in zip(ours, theirs, strict=True)
        for a, b in zip(row, other, strict=True)
    )


def _grid(node: Node) -> tuple[tuple[Scalar, ...], ...]:
    match node:
        case f.Grid(rows):
            return rows
        case f.Bracketed(_, (f.Grid(rows),), _):
            return rows
        case f.Relation("=", f.Name(), right):
            return _grid(right)
        case f.Bracketed("[", elements, "]") | f.Bracketed("(", elements, ")"):
            if all(isinstance(element, Scalar) for element in elements) and elements:
                return (elements,)
            rows = []
            for element in elements:
                row = isinstance(element, f.Bracketed) and element.opening + element.closing
                if row not in ("()", "[]"):
                    raise FormulaError("kind", "no matrix")
                rows.append(element.elements)
            lengths = {len(row) for row in rows}
            if (
                len(lengths) == 1
                and lengths != {0}
                and all(isinstance(e, Scalar) for row in rows for e in row)
            ):
                return tuple(rows)
    raise FormulaError("kind", "no matrix")


_COMPARE = {
    "expression": _compare_expressions,
    "number": _compare_numbers,
    "equation": _compare_equations,
    "solution_set": solution_sets.same_solutions,
    "interval": _compare_intervals,
    "tuple": _compare_tuples,
    "matrix": _compare_matrices,
}
