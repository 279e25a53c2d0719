"""Systems of linear equations by their reduced row echelon form, which equal systems share."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from mathjax.answers import formulas as f
from mathjax.answers.formulas import Relation
from mathjax.answers.polynomials import Field


def reduced(relations: Sequence[Relation], names: Sequence[str]) -> list[fmpq] | None:
    """Entries of the nonzero rows, columns in the order of the names, the constants last.

    None unless all relations are equations of degree 1 in the names, with rational coefficients.
    Raises FormulaError as of `polynomials.Field`.
    """
    entries: list[fmpq] = []
    width = len(names) + 1
    for relation in relations:
        if relation.sign != "=":
            return None
        difference = f.Sum((relation.left, f.Negative(relation.right)))
        field = Field(difference, *map(f.Name, names))
        above, below, poles = field.quotient(difference)
        constant = below.is_constant() and poles.is_constant()
        if len(field.keys) != len(names) or not constant or above.total_degree() > 1:
            return None
        units = [tuple(int(key == f.Name(name)) for key in field.keys) for name in names]
        entries += [above[monomial] for monomial in (*units, (0,) * len(names))]
    if not relations:
        return []
    matrix, rank = fmpq_mat(len(relations), width, entries).rref()
    return matrix.entries()[: rank * width]
