"""Stories asked backwards: the answer is told, and one of the numbers is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from mathjax.problems.story_engine import Step, Template


def unknowns(template: Template) -> tuple[str, ...]:
    """Numbers of a story that follow from the others and its answer by one operation a step: they
    are used once, and so is every result on the way from them to the answer."""
    terms = [term for step in template.program for term in step.terms]
    once = {term for term in terms if terms.count(term) == 1}
    results = {step.name: step.terms for step in template.program}
    found, wanted = [], [template.program[-1].name]
    while wanted:
        for term in results[wanted.pop()]:
            if term in once and term in results:
                wanted.append(term)
            elif term in once and term in template.numbers:
                found.append(term)
    return tuple(sorted(found))


def backward_steps(template: Template, unknown: str) -> tuple[Step, ...]:
    """The steps to the number `unknown` of a story whose answer is known: as they are where they do
    not need it, then from the answer back. There are as many as forward."""
    users = {term: step for step in template.program for term in step.terms}
    path, name = [], unknown
    while name in users:
        path.append((name, users[name]))
        name = users[name].name
    forward = [step for step in template.program if step not in [step for _, step in path]]
    backward = []
    for name, step in reversed(path):
        sentence = "So x is {=}." if name == unknown else "Working back gives {=}."
        formula = " ".join(_solved(step.name, step.terms, name))
        backward.append(Step(f"{name} = {formula} | {sentence}"))
    return (*forward, *backward)


def _solved(result: str, terms: Sequence[str], wanted: str) -> list[str]:
    """`result = terms` solved for the term `wanted`, beginning with something that is not
    subtracted and does not divide."""
    minus, plus = ("-", "+") if set(terms[1::2]) <= set("+-") else ("/", "*")
    signs = dict(zip(terms[::2], [plus, *terms[1::2]], strict=True))
    negative = signs.pop(wanted) == minus
    if negative:
        signs[result] = minus
    else:
        signs = {result: plus} | {t: plus if sign == minus else minus for t, sign in signs.items()}
    ordered = sorted(signs.items(), key=lambda item: item[1] == minus)
    return [part for term, sign in ordered for part in (sign, term)][1:]
