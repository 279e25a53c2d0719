"""What arithmetic problems look like; see `mathjax.problems.arithmetic`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from mathjax.problems.arithmetic_reference import SHORT
from mathjax.problems.arithmetic_templates import OPERATIONS
from mathjax.problems.base import ProblemError, as_integer

MAX_DIGITS = 100


def _default_operations() -> dict[str, float]:
    whole = dict.fromkeys(("add", "subtract", "multiply", "divide"), 0.2)
    fractions = dict.fromkeys((f"fraction_{name}" for name in whole), 0.025)
    return {**whole, **fractions, "percentage": 0.1}


@dataclasses.dataclass(frozen=True)
class ArithmeticSpec:
    """What arithmetic problems look like. Raises ProblemError, naming the field, where none could.

    Lengths of operands, wrapper and steps are the paper's by default, all else is ours.
    """

    operations: Mapping[str, float] = dataclasses.field(
        default_factory=_default_operations, hash=False
    )
    """Weight of each of OPERATIONS that may occur; they need not add up to 1."""
    operands: str = "log_uniform"
    """Law of an operand; all are 1 or more.

    "log_uniform": floor(10**e), e uniform. The number of digits is uniform, the leading 6 digits
    come from a table of 10**(i / 1024) with straight lines between its points, further digits are
    uniform. Against the formula, the chance of no number is off by more than 0.2 % (up to 7 digits;
    the chance of no leading digit by more than 0.001 %).
    "digits": the number of digits is uniform, then the number is uniform among those so long.
    "uniform": uniform among all numbers in range.
    """
    min_digits: int = 1
    max_digits: int = 7
    """Digits of the operands, at most 100. Beyond 9, examples are made by a slower path."""
    fraction_digits: int | None = None
    """Digits of numerators and denominators are 1 to this; None: as those of other operands."""
    max_percent: int = 100
    """Percentages are p% of an operand, p uniform in 1..max_percent."""
    exact_share: float = 0.5
    """Share of divisions whose dividend, the larger of the two operands, is made a multiple of the
    divisor; others are as drawn."""
    negative_share: float = 0.0
    """Chance of an operand (of a numerator; not of percentages) to be negative. Quotients are then
    rounded towards 0: -7 / 2 is -3 R -1."""
    negative_results: bool = True
    """False: subtractions start from the larger number; wants negative_share 0."""
    steps: bool = True
    """False: a response is the answer alone (in its sentence, if wrapper)."""
    wrapper: bool = True
    """The paper's frame: `Question: ...`, `Let's think step by step`, `The answer is X.`"""
    phrasings: bool = True
    """False: the question is the bare expression, such as `3 + 4`."""

    def __post_init__(self):
        for name in ("min_digits", "max_digits", "fraction_digits", "max_percent"):
            value = getattr(self, name)
            if name != "fraction_digits" or value is not None:
                object.__setattr__(self, name, as_integer(name, value))
        object.__setattr__(self, "operations", _weights(self.operations))
        if self.operands not in ("log_uniform", "digits", "uniform"):
            raise ProblemError(
                f'operands: must be "log_uniform", "digits" or "uniform", got {self.operands!r}'
            )
        if not 1 <= self.max_digits <= MAX_DIGITS:
            raise ProblemError(f"max_digits: must be 1 to {MAX_DIGITS}, got {self.max_digits}")
        if not 1 <= self.min_digits <= self.max_digits:
            raise ProblemError(
                f"min_digits: must be 1 to {self.max_digits} (max_digits), got {self.min_digits}"
            )
        if self.fraction_digits is not None and not 1 <= self.fraction_digits <= MAX_DIGITS:
            raise ProblemError(
                f"fraction_digits: must be 1 to {MAX_DIGITS} or None, got {self.fraction_digits}"
            )
        if not 1 <= self.max_percent <= 10**6:
            raise ProblemError(f"max_percent: must be 1 to 1000000, got {self.max_percent}")
        for name in ("exact_share", "negative_share"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
            if not 0 <= getattr(self, name) <= 1:
                raise ProblemError(f"{name}: must be 0 to 1, got {getattr(self, name)}")
        for name in ("negative_results", "steps", "wrapper", "phrasings"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ProblemError(f"{name}: must be True or False, got {getattr(self, name)!r}")
            object.__setattr__(self, name, bool(getattr(self, name)))
        if not self.negative_results and self.negative_share:
            raise ProblemError("negative_results: must be True where negative_share is not 0")

    def digit_range(self, operation: str) -> tuple[int, int]:
        """Fewest and most digits of an operand (of numerators and denominators)."""
        if operation.startswith("fraction_") and self.fraction_digits is not None:
            return 1, self.fraction_digits
        return self.min_digits, self.max_digits

    @functools.cached_property
    def thresholds(self) -> tuple[int, ...]:
        """For each of OPERATIONS, 2**32 times the chance of it or of one before it."""
        weights = [Fraction(self.operations.get(name, 0)) for name in OPERATIONS]
        return tuple(int(sum(weights[: k + 1]) / sum(weights) * 2**32) for k in range(len(weights)))

    @property
    def exact_threshold(self) -> int:
        """exact_share on the scale of 32 random bits."""
        return int(Fraction(self.exact_share) * 2**32)

    @property
    def negative_threshold(self) -> int:
        """negative_share on the scale of 16 random bits."""
        return int(Fraction(self.negative_share) * 2**16)

    @property
    def is_short(self) -> bool:
        """Whether the compiled path can make the problems."""
        return max(self.max_digits, self.fraction_digits or 1) <= SHORT


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise ProblemError(f"{name}: wants a number, got {value!r}")
    return float(value)


def _weights(operations: object) -> dict[str, float]:
    if not isinstance(operations, Mapping) or not operations:
        raise ProblemError(
            f'operations: wants weights such as {{"add": 1.0, "divide": 0.5}}, got {operations!r}'
        )
    weights = {}
    for name, weight in operations.items():
        if name not in OPERATIONS:
            raise ProblemError(f"operations: {name!r} is none of {', '.join(OPERATIONS)}")
        weights[name] = _number("operations", weight)
        if not 0 <= weights[name] < float("inf"):
            raise ProblemError(f"operations: the weight of {name} must be 0 or more, got {weight}")
    if sum(weights.values()) <= 0:
        raise ProblemError("operations: at least one weight must be more than 0")
    return weights
