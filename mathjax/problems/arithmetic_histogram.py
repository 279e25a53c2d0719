"""Do the problems of an arithmetic set follow its specification? Counts, and chi-square tests."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from mathjax.errors import UserError
from mathjax.problems.arithmetic import OPERATIONS, ArithmeticSet, ArithmeticSpec
from mathjax.problems.base import ProblemError

_CHUNK = 1 << 16


def histogram(problems: ArithmeticSet, count: int) -> dict[str, dict]:
    """How the first `count` problems are distributed, beside the specification.

    "operations", and number of digits of "operands" (what a percentage is taken of among them) and
    of "fraction_parts" (numerators and denominators); a part is left out where it does not occur.
    Each has the counts `observed` and `expected` by name or number of digits, `chi_square`,
    `freedom` (degrees) and `p_value`. Test splits have fewer short problems than expected, as they
    hold none twice.
    """
    if count < 1:
        raise ProblemError(f"count: a histogram wants at least 1 problem, got {count}")
    operations = np.zeros(len(OPERATIONS), np.int64)
    lengths = np.zeros((2, 102), np.int64)
    fractions = np.array([name.startswith("fraction_") for name in OPERATIONS])
    for start in range(0, count, _CHUNK):
        kinds, digits = problems.shapes(np.arange(start, min(count, start + _CHUNK)))
        operations += np.bincount(kinds, minlength=len(OPERATIONS))
        digits[kinds == OPERATIONS.index("percentage"), 0] = 0  # p is no operand
        for row, inside in enumerate((~fractions[kinds], fractions[kinds])):
            lengths[row] += np.bincount(digits[inside].ravel(), minlength=102)
    weights = problems.spec.operations
    result = {}
    shares = {name: weights.get(name, 0) / sum(weights.values()) for name in OPERATIONS}
    result["operations"] = _compare(dict(zip(OPERATIONS, operations.tolist(), strict=True)), shares)
    parts = (("operands", "add"), ("fraction_parts", "fraction_add"))
    for row, (name, operation) in enumerate(parts):
        if lengths[row, 1:].any():
            shares = digit_shares(problems.spec, operation)
            result[name] = _compare(dict(enumerate(lengths[row].tolist()[1:], 1)), shares)
    return result


def digit_shares(spec: ArithmeticSpec, operation: str) -> dict[int, float]:
    """Chance of each number of digits of an operand."""
    low, high = spec.digit_range(operation)
    if spec.operands != "uniform":
        return dict.fromkeys(range(low, high + 1), 1 / (high - low + 1))
    numbers = 10**high - 10 ** (low - 1)
    return {size: 9 * 10 ** (size - 1) / numbers for size in range(low, high + 1)}


def _compare(observed: dict, shares: dict) -> dict:
    """What must not occur, and does, makes chi-square infinite."""
    seen = {name: n for name, n in observed.items() if n or shares.get(name, 0)}
    expected = {name: shares.get(name, 0) * sum(seen.values()) for name in seen}
    freedom, chi_square = 0, math.inf
    if all(expected.values()):
        pooled = _pool(list(seen.values()), list(expected.values()))
        freedom = len(pooled) - 1
        chi_square = sum((a - b) ** 2 / b for a, b in pooled)
    return {
        "observed": seen,
        "expected": expected,
        "chi_square": chi_square,
        "freedom": freedom,
        "p_value": chi_square_p_value(chi_square, freedom),
    }


def _pool(observed: list[int], expected: list[float]) -> list[tuple[float, float]]:
    """Pairs, those with fewer than 5 expected added up: chi-square is no measure of them alone."""
    pairs = [(a, b) for a, b in zip(observed, expected, strict=True) if b >= 5]
    rare = [(a, b) for a, b in zip(observed, expected, strict=True) if b < 5]
    if rare:
        a, b = (sum(values) for values in zip(*rare, strict=True))
        if b >= 5 or not pairs:
            pairs.append((a, b))
        else:
            pairs[0] = (pairs[0][0] + a, pairs[0][1] + b)
    return pairs


def chi_square_p_value(chi_square: float, freedom: int) -> float:
    """Chance of a statistic at least so large: the regularised upper incomplete gamma function
    Q(freedom / 2, chi_square / 2), by its series or its continued fraction (DLMF 8.7.1, 8.9.2)."""
    if chi_square < 0 or freedom < 0:
        raise ValueError(f"chi_square and freedom must not be negative: {chi_square}, {freedom}")
    if math.isinf(chi_square):
        return 0.0
    if freedom == 0 or chi_square == 0:
        return 1.0
    a, x = freedom / 2, chi_square / 2
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while term > total * 1e-16:
            k += 1
            term *= x / k
            total += term
        return max(0.0, 1 - scale * total)
    # Evaluated from the front by Lentz's method, modified by Thompson and Barnett.
    b = x + 1 - a
    c, d = 1e300, 1 / b
    value = d
    for k in range(1, 10_000):
        numerator = -k * (k - a)
        b += 2
        d = 1 / (b + numerator * d)
        c = b + numerator / c
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return scale * value


def report(result: dict[str, dict]) -> str:
    """The histogram as a table for people."""
    lines = []
    for name, part in result.items():
        lines.append(f"{name:<20}{'observed':>12}{'expected':>14}")
        for key, seen in part["observed"].items():
            lines.append(f"  {key:<18}{seen:>12}{part['expected'][key]:>14.1f}")
        lines.append(
            f"  chi-square {part['chi_square']:.2f}, {part['freedom']} degrees of freedom, "
            f"p = {part['p_value']:.4f}\n"
        )
    return "\n".join(lines)


def main() -> None:
    """The command of `python -m mathjax.problems.arithmetic`."""
    count = flags.DEFINE_integer("count", 100_000, "problems looked at", lower_bound=1)
    seed = flags.DEFINE_integer("seed", 0, "seed of the set")
    split = flags.DEFINE_string("split", "train", '"train", "test" or any other split')
    max_digits = flags.DEFINE_integer("max_digits", 7, "digits of the operands")
    operands = flags.DEFINE_enum(
        "operands", "log_uniform", ("log_uniform", "digits", "uniform"), "law of the operands"
    )

    def run(argv: Sequence[str]) -> int:
        try:
            if len(argv) > 1:
                raise UserError(f"unexpected argument {argv[1]!r}: flags are written --name=value")
            spec = ArithmeticSpec(max_digits=max_digits.value, operands=operands.value)
            problems = ArithmeticSet(spec, seed.value, split.value, count.value)
            print(report(histogram(problems, count.value)), end="")
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        return 0

    app.run(run)
