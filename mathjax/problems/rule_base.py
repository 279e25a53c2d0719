"""What all rule tasks share: the specification, and exercises whose variables have no names yet.

A task draws its exercise over the variables v1, v2, ..., numbered in the order in which the prompt
shows them, and works out the steps on those. Names are put in when the text is written, so that
they cannot carry information, and the text over v1, v2, ... is the exercise's canonical form.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from mathjax.problems.base import ProblemError, as_integer
from mathjax.problems.expression_printers import STYLES, name_text, to_text
from mathjax.problems.expressions import Expression, Var, is_name, rename, variables
from mathjax.problems.streams import Draws

Part = str | Expression
"""Of a line: words, or an expression to be written in the style and names asked for."""

Line = tuple[Part, ...]

DEFAULT_NAMES = tuple("abcdkmnpqrstuvwxyz")


@dataclasses.dataclass(frozen=True)
class TaskForm:
    """Defaults of the fields that a task reads; None where it has no use for the field."""

    num_variables: tuple[int, int] | None
    num_terms: tuple[int, int] | None
    kinds: tuple[str, ...] = ()
    most_variables: int = 200


_OUTCOMES = ("unique", "none", "infinite")
_SYSTEM = TaskForm((2, 3), None, _OUTCOMES, most_variables=6)
_NUMBER_KINDS = ("integer", "rational", "irrational", "none", "double")

TASKS = {
    "expand": TaskForm((1, 3), (2, 3)),
    "factor_out": TaskForm((1, 3), (2, 4)),
    "simplify": TaskForm((1, 3), (3, 5)),
    "evaluate": TaskForm((1, 3), (2, 3)),
    "linear_equation": TaskForm(None, (2, 3), _OUTCOMES),
    "isolate": TaskForm((2, 4), None),
    "rearrange": TaskForm(None, (2, 3)),
    "quadratic": TaskForm(None, None, _NUMBER_KINDS),
    "linear_system_gauss": _SYSTEM,
    "linear_system_recursive": _SYSTEM,
    "elimination": TaskForm((1, 3), None, most_variables=6),
}
"""Every task with what its fields are by default."""


@dataclasses.dataclass(frozen=True)
class RuleSpec:
    """What the exercises of one rule look like (arXiv 2410.16973; all texts and bounds are ours).

    Raises ProblemError, naming the field, where no exercise could exist.
    """

    task: str = "expand"
    """One of TASKS."""
    steps: bool = True
    """Responses show one rewrite a line, then the answer; False: the answer line alone."""
    style: str = "plain"
    """"plain", "spaced" (a space around every token) or "latex"."""
    names: tuple[str, ...] = DEFAULT_NAMES
    """Variables are called by these; every choice is equally likely."""
    unseen_names: tuple[str, ...] = ()
    """For the test split of that name; never used otherwise."""
    num_variables: tuple[int, int] | None = None
    """Fewest and most variables of an exercise (unknowns of a system; of "isolate", all but the
    one isolated). None: the task's default, see TASKS."""
    num_terms: tuple[int, int] | None = None
    """Fewest and most terms of a sum that the exercise shows: of a factor ("expand"), of the whole
    ("factor_out", "simplify", "evaluate"), of a side ("linear_equation"), of a chain of resistors,
    lenses and so on ("rearrange"). Where there are not so many unlike terms over the variables
    drawn, as many as there are. None: the task's default."""
    num_factors: tuple[int, int] = (2, 2)
    """Factors of "expand"; the other tasks do not read it."""
    max_coefficient: int = 9
    """Integers in the exercise are at most this in size (those made by a wanted outcome aside)."""
    max_power: int = 2
    """Highest exponent of a variable in "factor_out", "simplify" and "evaluate"."""
    kinds: tuple[str, ...] = ()
    """Outcomes to draw from, equally likely: "unique", "none", "infinite" of equations and systems
    (default: 8 in 10 are unique); "integer", "rational", "irrational", "none", "double" of
    quadratics. (): all of the task's."""
    conventional_names: bool = False
    """"rearrange" uses the letters of textbooks (`V = I*R`), not `names`."""

    def __post_init__(self):
        if self.task not in TASKS:
            raise ProblemError(f"task: must be one of {', '.join(TASKS)}, got {self.task!r}")
        if self.style not in STYLES:
            raise ProblemError(f"style: must be one of {', '.join(STYLES)}, got {self.style!r}")
        for name in ("steps", "conventional_names"):
            if not isinstance(getattr(self, name), bool):
                raise ProblemError(f"{name}: must be True or False, got {getattr(self, name)!r}")
        for name in ("max_coefficient", "max_power"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
        if not 2 <= self.max_coefficient <= 10**9:
            raise ProblemError(f"max_coefficient: must be 2 to 10**9, got {self.max_coefficient}")
        if not 1 <= self.max_power <= 9:
            raise ProblemError(f"max_power: must be 1 to 9, got {self.max_power}")
        form = TASKS[self.task]
        for name in ("num_variables", "num_terms"):
            self._set_range(name, getattr(form, name))
        self._set_kinds(form)
        self._set_names()
        self._check_sizes(form)

    def _set_range(self, name: str, default: tuple[int, int] | None) -> None:
        value = getattr(self, name)
        if value is None:
            object.__setattr__(self, name, default)
            return
        if default is None:
            raise ProblemError(f'{name}: "{self.task}" has no use for it, leave it out')
        object.__setattr__(self, name, _range(name, value))

    def _set_kinds(self, form: TaskForm) -> None:
        kinds = self.kinds
        if isinstance(kinds, str) or not set(kinds) <= set(form.kinds):
            raise ProblemError(
                f'kinds: "{self.task}" has {", ".join(form.kinds) or "none"}, got {kinds!r}'
            )
        object.__setattr__(self, "kinds", tuple(kinds))

    def _set_names(self) -> None:
        for field in ("names", "unseen_names"):
            names = getattr(self, field)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise ProblemError(f"{field}: wants a tuple of names, got {names!r}")
            names = tuple(names)
            object.__setattr__(self, field, names)
            bad = [name for name in names if not is_name(name)]
            if bad:
                raise ProblemError(f"{field}: {bad[0]!r} is no name; letters, then digits")
            if len(set(names)) < len(names):
                raise ProblemError(f"{field}: names must differ from each other")
        if set(self.names) & set(self.unseen_names):
            shared = next(name for name in self.names if name in self.unseen_names)
            raise ProblemError(f"unseen_names: {shared!r} is among names too")

    def _check_sizes(self, form: TaskForm) -> None:
        object.__setattr__(self, "num_factors", _range("num_factors", self.num_factors))
        if not 2 <= self.num_factors[0] <= self.num_factors[1] <= 6:
            raise ProblemError(f"num_factors: must lie in 2..6, got {self.num_factors}")
        if self.num_variables is not None:
            low = 2 if form is _SYSTEM else 1
            if not low <= self.num_variables[0] <= self.num_variables[1] <= form.most_variables:
                raise ProblemError(
                    f"num_variables: must lie in {low}..{form.most_variables}, got "
                    f"{self.num_variables}"
                )
        if self.num_terms is not None and not 2 <= self.num_terms[0] <= self.num_terms[1] <= 64:
            raise ProblemError(f"num_terms: must lie in 2..64, got {self.num_terms}")
        if self.task == "quadratic" and self.max_coefficient > 10**4:
            raise ProblemError(
                f"max_coefficient: must be 2 to 10**4 for quadratic, got {self.max_coefficient}"
            )
        if self.task == "rearrange" and self.num_terms[1] > 6:
            raise ProblemError(f"num_terms: must lie in 2..6 for rearrange, got {self.num_terms}")
        if self.task == "expand":
            if self.num_terms[1] ** self.num_factors[1] > 1024:
                raise ProblemError("num_terms: to the power of num_factors, must not exceed 1024")
            if self.num_variables[1] > self.num_factors[1] * self.num_terms[1]:
                raise ProblemError(
                    f"num_variables: {self.num_variables[1]} do not fit into num_factors * "
                    f"num_terms = {self.num_factors[1] * self.num_terms[1]} terms"
                )
            if self.num_terms[0] > self.num_variables[0] + 1:
                raise ProblemError(
                    f"num_terms: {self.num_terms[0]} unlike terms need num_variables of "
                    f"{self.num_terms[0] - 1} or more"
                )
        if self.task in ("factor_out", "simplify", "evaluate"):
            most = self.most_unlike(self.num_variables[0])
            if self.task != "simplify" and self.num_terms[0] > most:
                raise ProblemError(
                    f"num_terms: {self.num_terms[0]} unlike terms are too many for "
                    f"{self.num_variables[0]} variables up to max_power {self.max_power}"
                )
            if self.task != "factor_out" and self.num_variables[1] > self.num_terms[1] * 2:
                raise ProblemError(
                    f"num_variables: {self.num_variables[1]} do not fit into num_terms "
                    f"{self.num_terms[1]}, two a term"
                )
        needed = self.names_needed
        for field in ("names", "unseen_names"):
            names = getattr(self, field)
            if len(names) < needed and (names or field == "names"):
                raise ProblemError(f"{field}: {len(names)} are fewer than the {needed} needed")

    def most_unlike(self, count: int) -> int:
        """Unlike terms that "factor_out" and "evaluate" may draw over `count` variables."""
        powers = (self.max_power + 1) ** min(count, 6)
        return powers if count == 1 else powers // 2

    @property
    def names_needed(self) -> int:
        """Names that the largest exercise has."""
        if self.task == "rearrange":
            return 0 if self.conventional_names else max(8, self.num_terms[1] + 1)
        if self.num_variables is None:
            return 1
        return self.num_variables[1] + (self.task == "isolate")


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise over v1, v2, ...; `lines` are the steps, one rewrite each."""

    subject: Line
    lines: list[Line]
    answer: Line
    facts: dict[str, int | str]
    num_variables: int
    target: str = ""  # the variable that the instruction names
    note: str = ""  # words after the subject
    names: tuple[str, ...] = ()  # fixed ones, in place of drawn names


def _range(name: str, value: object) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ProblemError(f"{name}: wants (fewest, most), got {value!r}")
    low, high = (as_integer(name, end) for end in value)
    if not 1 <= low <= high:
        raise ProblemError(f"{name}: wants 1 <= fewest <= most, got {value!r}")
    return low, high


def variable(number: int) -> Var:
    """v1 for 0."""
    return Var(f"v{number + 1}")


def renumbering(expressions: Sequence[Expression]) -> dict[str, str]:
    """Old to new names such that variables are v1, v2, ... in order of first occurrence."""
    names = dict.fromkeys(name for e in expressions for name in variables(e))
    return {name: variable(place).name for place, name in enumerate(names)}


def canonical(expression: Expression) -> Expression:
    return rename(expression, renumbering([expression]))


def write_line(line: Line, style: str, names: dict[str, str]) -> str:
    return "".join(part if isinstance(part, str) else to_text(part, style, names) for part in line)


def write_name(name: str, style: str, names: dict[str, str]) -> str:
    return name_text(names.get(name, name), style)


def pick_names(draws: Draws, names: Sequence[str], count: int) -> list[str]:
    """`count` different names; costs the same for ten names as for ten thousand."""
    places: list[int] = []
    while len(places) < count:
        place = draws.below(len(names))
        if place not in places:
            places.append(place)
    return [names[place] for place in places]


def nonzero(draws: Draws, largest: int) -> int:
    """An integer of -largest..largest that is not 0."""
    value = draws.between(1, largest)
    return -value if draws.below(2) else value


def outcome(draws: Draws, kinds: Sequence[str]) -> str:
    """What an equation or system shall have: as asked, or unique 8 times in 10."""
    if kinds:
        return draws.choice(kinds)
    return draws.weighted(("unique", "none", "infinite"), (8, 1, 1))


def chain(steps: Sequence[Expression]) -> list[Line]:
    """`= ...` lines of the steps that change something."""
    return [("= ", after) for before, after in itertools.pairwise(steps) if after != before]
