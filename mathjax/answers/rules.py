"""Is the answer to a rule task right? Equal, in the form the task asks for, or the same solutions.

The tasks are those of `mathjax.problems.rules`; the answer is what stands behind the last
`Answer:` of a response.
"""

from __future__ import annotations

import re

from flint import fmpq

from mathjax.answers import equality, equations, linear_relations, symbolic
from mathjax.answers import formulas as f
from mathjax.answers.formula_parser import parse
from mathjax.answers.formulas import FormulaError
from mathjax.answers.time_limit import deadline
from mathjax.answers.verdict import Verdict

_KINDS = {
    "expand": ("expression", "expanded"),
    "factor_out": ("expression", "factored"),
    "simplify": ("expression", "simplified"),
    "evaluate": ("number", None),
    "linear_equation": ("solution_set", None),
    "isolate": ("equation", "solved"),
    "rearrange": ("equation", "solved"),
    "quadratic": ("solution_set", None),
    "linear_system_gauss": ("solution_set", None),
    "linear_system_recursive": ("solution_set", None),
    "elimination": ("equation", None),
}
"""Kind and form of each task's answer, as `symbolic.check` knows them."""

POSITIVE = "all variables positive"
"""In a prompt: roots of products may be taken apart."""

_MAX_RESPONSE = 100_000
_WORDS = frozenset("or sqrt no real solution free infinitely many solutions all numbers".split())
_INFINITE = "infinitely many solutions:"
_NAME = re.compile(r"(?<!\\)(?:\\mathrm\{)?([^\W\d_]+(?:_?\{?[0-9]+\}?)?)")


def final_answer(response: str) -> str:
    """What stands behind the last `Answer:`, else the last line that is not blank."""
    _, marker, tail = response.rpartition("Answer:")
    lines = (tail if marker else response).strip().splitlines()
    return (lines[0] if marker else lines[-1]).strip() if lines else ""


def check(task: str, prompt: str, reference: str, response: str) -> Verdict:
    """Whether a response answers the prompt of a rule task as the reference answer does.

    reference: the bare answer of the problem. Reasons as of `symbolic.check`; "form" where the
    answer is equal but not expanded, factored, simplified or solved as the reference is.
    Raises ValueError for an unknown task.
    """
    if task not in _KINDS:
        raise ValueError(f"task must be one of {', '.join(_KINDS)}, got {task!r}")
    if len(response) > _MAX_RESPONSE:
        return Verdict.undecided("limit", f"response has more than {_MAX_RESPONSE} characters")
    kind, form = _KINDS[task]
    answer = final_answer(response)
    variables = [name for name in _NAME.findall(reference) if name not in _WORDS]
    if reference.startswith(_INFINITE):
        return _check_infinite(reference, answer, variables)
    if answer.lower().startswith(_INFINITE):
        return Verdict.wrong("value", "there are not infinitely many solutions")
    if form == "solved" and POSITIVE in prompt:
        return _check_solved(reference, answer, variables)
    if form == "solved":
        return symbolic.check(reference, answer, kind, variables, f"solved:{variables[0]}")
    verdict = symbolic.check(reference, answer, kind, variables, form)
    if verdict.reason != "form":
        return verdict
    # A form that the reference itself does not have cannot be asked for.
    if symbolic.check(reference, reference, kind, variables, form).reason != "form":
        return verdict
    return symbolic.check(reference, answer, kind, variables)


def _check_solved(reference: str, answer: str, variables: list[str]) -> Verdict:
    """Formulas solved for a name, equal wherever all names are greater than zero."""
    try:
        with deadline():
            ours, theirs = parse(reference, variables), parse(answer, variables)
            if not isinstance(theirs, f.Relation) or theirs.sign != "=":
                return Verdict.wrong("kind", "no equation")
            name = variables[0]
            solved = equations.solved_for(theirs)
            if name not in solved:
                return Verdict.wrong("form", f"{name} does not stand alone on one side")
            same = equality.equal(equations.solved_for(ours)[name], solved[name], positive=True)
    except FormulaError as error:
        return Verdict.undecided(error.reason, error.detail)
    return Verdict.right() if same else Verdict.wrong("value", "not equal")


def _check_infinite(reference: str, answer: str, variables: list[str]) -> Verdict:
    """Solutions with free unknowns, whichever unknowns are called free."""
    if not answer.lower().startswith(_INFINITE):
        return Verdict.wrong("value", "there are infinitely many solutions")
    try:
        with deadline():
            reduced = [_reduced(text, variables) for text in (reference, answer)]
    except FormulaError as error:
        return Verdict.undecided(error.reason, error.detail)
    if reduced[0] == reduced[1]:
        return Verdict.right()
    return Verdict.wrong("value", "other solutions")


def _reduced(text: str, variables: list[str]) -> list[fmpq]:
    """The reduced row echelon form of `x = -5 + 3/2*w, w free`, columns in the names' order."""
    parts = [part.strip() for part in text[len(_INFINITE) :].split(",")]
    free = [part.removesuffix(" free").strip() for part in parts if part.endswith(" free")]
    names = sorted(set(variables))
    if not set(free) <= set(names):
        raise FormulaError("parse", "an unknown name is free")
    relations = [parse(part, variables) for part in parts if not part.endswith(" free")]
    if not all(isinstance(relation, f.Relation) for relation in relations):
        raise FormulaError("parse", "no equation")
    form = linear_relations.reduced(relations, names)
    if form is None:
        raise FormulaError("parse", "no linear equation")
    return form
