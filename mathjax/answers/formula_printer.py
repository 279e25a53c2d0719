"""Prints a tree of an answer so that a person sees how it was read: every grouping in brackets."""

from __future__ import annotations

from mathjax.answers import formulas as f
from mathjax.answers.formulas import Node, Scalar


def show(node: Node) -> str:
    """One line, fully bracketed: `-x^2` is `-(x^2)`, `1/2x` is `(1/2)*x`."""
    match node:
        case f.Listing(joint, parts):
            return (f" {joint} " if joint != "," else ", ").join(map(show, parts))
        case f.Relation(sign, left, right):
            return f"{show(left)} {sign} {show(right)}"
        case f.Bracketed(opening, parts, closing):
            return opening + ", ".join(map(show, parts)) + closing
        case f.Grid(rows):
            return "[" + ", ".join("[" + ", ".join(map(show, row)) + "]" for row in rows) + "]"
        case f.SetOperation(operation, left, right):
            return f"{show(left)} {operation} {show(right)}"
        case f.Whole(name):
            return {"reals": "all real numbers", "empty": "no solution"}.get(
                name, "infinitely many"
            )
        case f.Comprehension(name, condition):
            return f"{{{name} | {show(condition)}}}"
        case Scalar():
            return _scalar(node)
    raise TypeError(f"no formula: {node!r}")


def _scalar(node: Scalar) -> str:
    match node:
        case f.Number(number):
            return _number(number)
        case f.Name(name):
            return f"[{name[len(f.UNIT) :]}]" if name.startswith(f.UNIT) else name
        case f.Constant(name):
            return "infinity" if name == "oo" else name
        case f.Sum(terms):
            text = _scalar(terms[0])
            for term in terms[1:]:
                if isinstance(term, f.Negative | f.PlusMinus):
                    text += f" {_sign(term)} {_part(term.inner)}"
                else:
                    text += f" + {_part(term) if isinstance(term, f.Sum) else _scalar(term)}"
            return text
        case f.Product(factors):
            return "*".join(map(_part, factors))
        case f.Negative(inner) | f.PlusMinus(inner):
            return _sign(node) + _part(inner)
        case f.Quotient(above, below):
            return f"{_part(above)}/{_part(below)}"
        case f.Power(base, exponent):
            return f"{_part(base)}^{_part(exponent)}"
        case f.Root(inner, index):
            return f"sqrt({_scalar(inner)})" if index == 2 else f"root({_scalar(inner)}, {index})"
        case f.Call(function, arguments):
            return f"{function}({', '.join(map(_scalar, arguments))})"
    raise TypeError(f"no formula: {node!r}")


def _number(number: object) -> str:
    text = str(number)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def _sign(node: Scalar) -> str:
    if isinstance(node, f.PlusMinus):
        return "-+" if node.lower else "+-"
    return "-"


def _part(node: Scalar) -> str:
    """A part of a product, power or quotient: in brackets unless it is one thing."""
    simple = isinstance(node, f.Name | f.Constant | f.Root | f.Call)
    whole = isinstance(node, f.Number) and isinstance(node.value, int) and node.value >= 0
    return _scalar(node) if simple or whole else f"({_scalar(node)})"
