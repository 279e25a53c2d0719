"""Sets of real numbers made of intervals and points: read from a formula, normalised, compared.

A region is a sorted tuple of disjoint pieces that do not touch, so equal sets have equal pieces.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers import equality
from mathjax.answers import formulas as f
from mathjax.answers.formulas import FormulaError, Name, Node, Scalar
from mathjax.answers.polynomials import Field

MAX_PIECES = 64
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Signs when both sides are exchanged."""

_INFINITY = f.Constant("oo")
_MINUS_INFINITY = f.Negative(_INFINITY)


class Piece(NamedTuple):
    """From `low` to `high`; a closed end belongs to it. Infinite ends are open."""

    low: Scalar
    low_closed: bool
    high: Scalar
    high_closed: bool


Region = tuple[Piece, ...]
REALS: Region = (Piece(_MINUS_INFINITY, False, _INFINITY, False),)


class _NotConstant(Exception):
    pass


def same_region(left: Node, right: Node, variables: Sequence[str] = ()) -> bool:
    """The set (2, 5) is told of the variables, where there are any: it is not 2 < y < 5 for x.

    Raises FormulaError, "parse" for what is no set of reals.
    """
    ours: set[str] = set()
    theirs: set[str] = set()
    try:
        one, other = _region(left, ours), _region(right, theirs)
    except _NotConstant:
        return _same_symbolic(left, right)
    if ours and theirs and ours != theirs:
        return False
    if variables and not (ours and theirs) and not {*ours, *theirs} <= set(variables):
        return False  # one text says of what, and it is another unknown
    if max(len(ours), len(theirs)) > 1:
        raise FormulaError("parse", "conditions on several names")
    return len(one) == len(other) and all(map(_same_piece, one, other))


def _same_piece(a: Piece, b: Piece) -> bool:
    return (
        a.low_closed == b.low_closed
        and a.high_closed == b.high_closed
        and _order(a.low, b.low) == 0
        and _order(a.high, b.high) == 0
    )


def _same_symbolic(left: Node, right: Node) -> bool:
    """Intervals whose ends hold names: alike end by end."""
    match left, right:
        case f.Bracketed(o, (a, b), c), f.Bracketed(p, (d, e), q):
            ends = all(isinstance(end, Scalar) for end in (a, b, d, e))
            return (o, c) == (p, q) and ends and _same_end(a, d) and _same_end(b, e)
        case f.Relation(sign, Name() as a, Scalar() as b), f.Relation(other, Name() as c, d):
            return sign == other and a == c and isinstance(d, Scalar) and _same_end(b, d)
    raise FormulaError("parse", "ends that are no numbers")


def _same_end(a: Scalar, b: Scalar) -> bool:
    infinite = [_infinite(a), _infinite(b)]
    return infinite[0] == infinite[1] if any(infinite) else equality.equal(a, b)


def _infinite(node: Scalar) -> int:
    """1 for infinity, -1 for minus infinity, 0 for a number."""
    match node:
        case f.Constant("oo"):
            return 1
        case f.Negative(inner):
            return -_infinite(inner)
        case f.Sum((inner,)):
            return _infinite(inner)
    return 0


def _order(a: Scalar, b: Scalar) -> int:
    """-1, 0 or 1 as a is less than, equal to or greater than b."""
    left, right = _infinite(a), _infinite(b)
    if left or right:
        return (left > right) - (left < right)
    return equality.order(a, b)


def _region(node: Node, names: set[str]) -> Region:
    match node:
        case f.Whole("reals") | Name("R"):
            return REALS
        case f.Whole("empty"):
            return ()
        case f.Bracketed("{", elements, _):
            return _union([_point(element) for element in elements])
        case f.Bracketed(opening, (Scalar() as low, Scalar() as high), closing):
            return _interval(low, opening == "[", high, closing == "]")
        case f.Comprehension(name, condition):
            bound = set()
            region = _region(condition, bound)
            if not bound <= {name}:
                raise FormulaError("parse", "conditions on several names")
            return region
        case f.SetOperation(operation, left, right):
            one, other = _region(left, names), _region(right, names)
            if operation == "union":
                return _union([one, other])
            return _meet(one, other if operation == "intersection" else _complement(other))
        case f.Listing("or", parts):
            return _union([_region(part, names) for part in parts])
        case f.Listing("and", parts):
            return functools.reduce(_meet, [_region(part, names) for part in parts])
        case f.Listing(",", parts):
            regions = [_region(part, names) for part in parts]
            both = functools.reduce(_meet, regions)
            if not both and any(regions):
                raise FormulaError("parse", "conditions that exclude each other: and, or or?")
            return both
        case f.Relation("in", Name(name), right):
            names.add(name)
            return _region(right, names)
        case f.Relation(sign, Name(name), Scalar() as bound):
            names.add(name)
            return _half_line(sign, bound)
        case f.Relation(sign, Scalar() as bound, Name(name)):
            names.add(name)
            return _half_line(FLIPPED.get(sign, sign), bound)
        case f.Relation(sign, f.Call("abs", (inner,)), bound) if not f.names_of(bound):
            return _absolute(sign, inner, bound, names)
        case f.Relation(sign, Scalar() as a, Scalar() as b) if sign != "in":
            return _linear(sign, f.Sum((a, f.Negative(b))), names)
    raise FormulaError("parse", "no set of real numbers")


def _absolute(sign: str, inner: Scalar, bound: Scalar, names: set[str]) -> Region:
    """Where |u| stands in a relation to a number."""
    both = [
        _region(f.Relation(sign, inner, bound), names),
        _region(f.Relation(FLIPPED.get(sign, sign), inner, f.Negative(bound)), names),
    ]
    if sign in ("<", "<=", "!="):
        return _meet(*both)
    if sign == "=" and _order(bound, f.Number(0)) < 0:
        return ()
    return _union(both)


def _linear(sign: str, difference: Scalar, names: set[str]) -> Region:
    """Where a x + b stands in a relation to zero."""
    field = Field(difference)
    above, below, _ = field.quotient(difference)
    if not below.is_constant() or above.degrees() != (1,) or not isinstance(field.keys[0], Name):
        raise FormulaError("parse", "a condition that is not linear in one name")
    names.add(field.keys[0].name)
    above = above * (1 / below.leading_coefficient())
    slope = above.leading_coefficient()
    root = above.compose(above.context().constant(0)).leading_coefficient() / -slope
    sign = sign if slope > 0 else FLIPPED.get(sign, sign)
    return _half_line(sign, f.Number(Fraction(int(root.p), int(root.q))))


def _half_line(sign: str, bound: Scalar) -> Region:
    match sign:
        case "=":
            return _point(bound)
        case "!=":
            return _complement(_point(bound))
        case "<" | "<=":
            return _interval(_MINUS_INFINITY, False, bound, sign == "<=")
    return _interval(bound, sign == ">=", _INFINITY, False)


def _point(node: Node) -> Region:
    if not isinstance(node, Scalar) or _infinite(node):
        raise FormulaError("parse", "an element that is no number")
    return _union([_interval(value, True, value, True) for value in f.signs_chosen(node)])


def _interval(low: Scalar, low_closed: bool, high: Scalar, high_closed: bool) -> Region:
    for end in (low, high):
        if f.names_of(end):
            raise _NotConstant
        if not _infinite(end):
            equality.check_defined(end)
    if (low_closed and _infinite(low)) or (high_closed and _infinite(high)):
        raise FormulaError("undefined", "an interval that contains infinity")
    order = _order(low, high)
    if order > 0 or (order == 0 and not (low_closed and high_closed)):
        return ()
    return (Piece(low, low_closed, high, high_closed),)


def _union(regions: list[Region]) -> Region:
    pieces = [piece for region in regions for piece in region]
    if len(pieces) > MAX_PIECES:
        raise FormulaError("limit", f"more than {MAX_PIECES} intervals")
    pieces.sort(key=functools.cmp_to_key(_before))
    merged: list[Piece] = []
    for piece in pieces:
        if merged and _touch(merged[-1], piece):
            merged[-1] = _joined(merged[-1], piece)
        else:
            merged.append(piece)
    return tuple(merged)


def _before(a: Piece, b: Piece) -> int:
    return _order(a.low, b.low) or b.low_closed - a.low_closed


def _touch(a: Piece, b: Piece) -> bool:
    order = _order(b.low, a.high)
    return order < 0 or (order == 0 and (a.high_closed or b.low_closed))


def _joined(a: Piece, b: Piece) -> Piece:
    order = _order(a.high, b.high)
    if order > 0:
        return a
    closed = b.high_closed or (order == 0 and a.high_closed)
    return Piece(a.low, a.low_closed, b.high, closed)


def _complement(region: Region) -> Region:
    low, low_closed, gaps = _MINUS_INFINITY, False, []
    for piece in region:
        gaps.append(_interval(low, low_closed, piece.low, _closes(piece.low, piece.low_closed)))
        low, low_closed = piece.high, _closes(piece.high, piece.high_closed)
    gaps.append(_interval(low, low_closed, _INFINITY, False) if _infinite(low) <= 0 else ())
    return tuple(piece for gap in gaps for piece in gap)


def _closes(end: Scalar, closed: bool) -> bool:
    """Whether the complement contains an end."""
    return not closed and not _infinite(end)


def _meet(one: Region, other: Region) -> Region:
    return _complement(_union([_complement(one), _complement(other)]))
