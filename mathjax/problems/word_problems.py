"""Word problems for testing only: equations must first be set up from words.

arXiv 2410.16973 trains on rules alone and tests, bottom-up, on resistor circuits, prices of fruit
in baskets, and quadratic situations with roots that need not be whole. The kinds are the study's;
every text, number and format is ours. A response is a worked solution whose last line is
`Answer: ...`; answers are exact: integers, fractions, or surds such as `(3 + sqrt(5))/2`.
"""

from __future__ import annotations

import dataclasses
import operator
import string

from mathjax.problems import word_baskets, word_quadratics, word_resistors
from mathjax.problems.base import Problem, ProblemError
from mathjax.problems.streams import Draws
from mathjax.problems.text_set import Candidate, TextSet

ALPHABET = string.ascii_letters + string.digits + " .,:;?'+-*/=()[]^"

KINDS = ("resistors", "baskets", "quadratics")


@dataclasses.dataclass(frozen=True)
class WordProblemSpec:
    """Which word problems. Raises ProblemError naming the field.

    Fields below `kind` belong to the kind in their comment and are left alone by the others.
    """

    kind: str = "resistors"
    """"resistors", "baskets" or "quadratics"."""
    circuits: tuple[str, ...] = word_resistors.CIRCUITS
    """Resistors: "series", "parallel", "mixed" (groups within groups)."""
    num_resistors: tuple[int, ...] = (2, 3, 4, 5)
    """Resistors: how many, each 2..8; "mixed" takes those of at least 3."""
    resistor_asks: tuple[str, ...] = ("total",)
    """Resistors: "total" resistance, "current" from a battery, or one resistance that is "missing"
    (not for "mixed")."""
    num_unknowns: tuple[int, ...] = (2, 3, 4, 5)
    """Baskets: number of fruit with unknown prices, each 2..5."""
    basket_ask: str = "all"
    """Baskets: "all" prices, as `apple = 2, pear = 3`, or "one" of them."""
    situations: tuple[str, ...] = word_quadratics.SITUATIONS
    """Quadratics: "area", "projectile", "ages" (integer roots only), "revenue"."""
    roots: tuple[str, ...] = word_quadratics.ROOTS
    """Quadratics: what the root asked for is: "integer", "rational" (not whole), "irrational"."""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ProblemError(f"kind: must be one of {', '.join(KINDS)}, got {self.kind!r}")
        self._words("circuits", word_resistors.CIRCUITS)
        self._words("resistor_asks", word_resistors.ASKS)
        self._words("situations", word_quadratics.SITUATIONS)
        self._words("roots", word_quadratics.ROOTS)
        self._numbers("num_resistors", 2, 8)
        self._numbers("num_unknowns", 2, 5)
        if self.basket_ask not in ("all", "one"):
            raise ProblemError(f'basket_ask: must be "all" or "one", got {self.basket_ask!r}')
        if self.kind == "resistors":
            for circuit in self.circuits:
                if not any(c == circuit for c, _, _ in self.choices):
                    raise ProblemError(
                        f'circuits: "{circuit}" goes with none of num_resistors and resistor_asks; '
                        'mixed circuits want 3 resistors and ask for "total" or "current"'
                    )
        if self.kind == "quadratics":
            for situation in self.situations:
                if not any(s == situation for s, _ in self.choices):
                    raise ProblemError(
                        f'situations: "{situation}" has integer roots only, roots={self.roots}'
                    )

    @property
    def choices(self) -> list[tuple]:
        """What one problem is drawn from, each with the same chance."""
        if self.kind == "resistors":
            return [
                (circuit, count, ask)
                for circuit in self.circuits
                for count in self.num_resistors
                for ask in self.resistor_asks
                if circuit != "mixed" or (count > 2 and ask != "missing")
            ]
        if self.kind == "baskets":
            return [(count, self.basket_ask) for count in self.num_unknowns]
        return [
            (situation, root)
            for situation in self.situations
            for root in self.roots
            if situation != "ages" or root == "integer"
        ]

    def _words(self, field: str, known: tuple[str, ...]) -> None:
        self._listed(field)
        for word in getattr(self, field):
            if word not in known:
                raise ProblemError(f"{field}: each must be one of {', '.join(known)}, got {word!r}")

    def _numbers(self, field: str, low: int, high: int) -> None:
        self._listed(field)
        for number in getattr(self, field):
            try:
                good = not isinstance(number, bool) and low <= operator.index(number) <= high
            except TypeError:
                good = False
            if not good:
                raise ProblemError(
                    f"{field}: each must be an integer {low} to {high}, got {number!r}"
                )
        object.__setattr__(self, field, tuple(map(operator.index, getattr(self, field))))

    def _listed(self, field: str) -> None:
        values = getattr(self, field)
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            raise ProblemError(f"{field}: wants a tuple, got {values!r}")
        values = tuple(values)
        if not values or any(value in values[:place] for place, value in enumerate(values)):
            raise ProblemError(f"{field}: wants one or more different values, got {values}")
        object.__setattr__(self, field, values)


class WordProblemSet(TextSet):
    """The word problems of one test split; see `mathjax.problems.base.ProblemSet`."""

    def __init__(self, spec: WordProblemSpec, seed: int, split: str, count: int):
        if split == "train":
            raise ProblemError(
                'split: word problems are for testing only, there is no "train"; train on rules'
            )
        self.spec, self._choices = spec, spec.choices
        super().__init__("word_problems", ALPHABET, self._word_problem, seed, split, count)

    def _word_problem(self, draws: Draws, index: int) -> Candidate:
        module = {
            "resistors": word_resistors,
            "baskets": word_baskets,
            "quadratics": word_quadratics,
        }[self.spec.kind]
        made = module.draw(draws, *draws.choice(self._choices))
        response = "\n".join([*made.lines, f"Answer: {made.answer}"])
        problem = Problem(made.prompt, response, made.answer, self.task, made.facts)
        return Candidate(problem, made.key)


def standard_splits(
    spec: WordProblemSpec, count: int = 500
) -> dict[str, tuple[WordProblemSpec, int]]:
    """The one test set of a specification, with its size."""
    return {"test": (spec, count)}
