"""Mathematical rules as exercises with worked steps (arXiv 2410.16973): textbook mathematics only.

A prompt is an instruction and an expression, a response one rewrite a line and the answer:

    Expand: (2a - 3b)(c + 4)
    = 2a*c + 2a*4 - 3b*c - 3b*4
    = 2a*c + 8a - 3b*c - 12b
    Answer: 2a*c + 8a - 3b*c - 12b

Tasks, and what they read of a RuleSpec, are in `rule_base`. All texts are ours: of the study's only
the kinds of tasks are known. Exercises count as the same up to renaming of variables in order of
first occurrence, whatever the style, the instruction and the names; with their terms or factors in
another order they are others.
"""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np

from mathjax.problems import (
    rule_equations,
    rule_expand,
    rule_formulas,
    rule_polynomials,
    rule_quadratics,
    rule_systems,
)
from mathjax.problems.base import Problem, ProblemError, RenderedText
from mathjax.problems.rule_base import (
    DEFAULT_NAMES,
    TASKS,
    Exercise,
    RuleSpec,
    pick_names,
    variable,
    write_line,
    write_name,
)
from mathjax.problems.rule_expand_writer import ExpandWriter
from mathjax.problems.streams import Draws
from mathjax.problems.text_set import Candidate, TextSet

__all__ = ["DEFAULT_NAMES", "TASKS", "RuleSet", "RuleSpec", "standard_splits"]

_DRAWS = {
    "expand": (rule_expand.TEMPLATES, rule_expand.draw),
    "factor_out": (rule_polynomials.FACTOR_TEMPLATES, rule_polynomials.draw_factor_out),
    "simplify": (rule_polynomials.SIMPLIFY_TEMPLATES, rule_polynomials.draw_simplify),
    "evaluate": (rule_polynomials.EVALUATE_TEMPLATES, rule_polynomials.draw_evaluate),
    "linear_equation": (rule_equations.TEMPLATES, rule_equations.draw),
    "isolate": (rule_formulas.TEMPLATES, rule_formulas.draw_isolate),
    "rearrange": (rule_formulas.TEMPLATES, rule_formulas.draw_rearrange),
    "quadratic": (rule_quadratics.TEMPLATES, rule_quadratics.draw),
    "linear_system_gauss": (rule_systems.GAUSS_TEMPLATES, rule_systems.draw_gauss),
    "linear_system_recursive": (rule_systems.RECURSIVE_TEMPLATES, rule_systems.draw_recursive),
    "elimination": (rule_systems.ELIMINATION_TEMPLATES, rule_systems.draw_elimination),
}

_WORDS = "".join(map(chr, range(32, 127))) + "\n"


class RuleSet(TextSet):
    """The exercises of one rule; see `mathjax.problems.base.ProblemSet` and `TextSet`.

    "expand" with names and numbers of moderate size is written by compiled code, to the same bytes
    as by the trees.
    """

    def __init__(self, spec: RuleSpec, seed: int, split: str, count: int | None = None):
        self.spec = spec
        names = {letter for name in (*spec.names, *spec.unseen_names) for letter in name}
        alphabet = _WORDS + "".join(sorted(names - set(_WORDS)))
        super().__init__(spec.task, alphabet, self._candidate, seed, split, count)
        self._writer = None
        if spec.task == "expand" and ExpandWriter.can_write(spec):
            self._writer = ExpandWriter(spec, self._base, self._first, self._last)

    def render(self, indices: np.ndarray) -> RenderedText:
        if self._writer is None:
            return super().render(indices)
        return self._writer.render(self._streams(indices))

    def render_trees(self, indices: np.ndarray) -> RenderedText:
        """What `render` gives, written by the trees in any case."""
        return super().render(indices)

    def _candidate(self, draws: Draws, index: int) -> Candidate:
        spec = self.spec
        templates, draw = _DRAWS[spec.task]
        template = draws.choice(templates)
        exercise = draw(spec, draws)
        names = exercise.names or pick_names(draws, spec.names, exercise.num_variables)
        return Candidate(_write(spec, exercise, template, names), _key(spec.task, exercise))


def _write(spec: RuleSpec, exercise: Exercise, template: str, names) -> Problem:
    renamed = {variable(place).name: name for place, name in enumerate(names)}
    target = write_name(exercise.target, spec.style, renamed)
    prompt = template.replace("{}", target) + write_line(exercise.subject, spec.style, renamed)
    answer = write_line(exercise.answer, spec.style, renamed)
    lines = [write_line(line, spec.style, renamed) for line in exercise.lines if spec.steps]
    response = "\n".join([*lines, f"Answer: {answer}"])
    facts = {**exercise.facts, "num_steps": len(exercise.lines)}
    return Problem(prompt + exercise.note, response, answer, spec.task, facts)


def _key(task: str, exercise: Exercise) -> str:
    return f"{task} {exercise.target} {write_line(exercise.subject, 'plain', {})}"


def standard_splits(spec: RuleSpec) -> dict[str, tuple[RuleSpec, int]]:
    """Test sets for a training spec with their sizes (ours): in domain, and what the study calls
    top-down generalisation: more variables, more terms, unseen names.

    A split is left out where the task has no such thing, or there is no room for it.
    """
    splits = {"in_domain": (spec, 1000)}
    if spec.unseen_names:
        unseen = dataclasses.replace(spec, names=spec.unseen_names, unseen_names=())
        splits["unseen_names"] = (unseen, 1000)
    spec = dataclasses.replace(spec, unseen_names=())
    most = TASKS[spec.task].most_variables
    if spec.num_variables is not None:
        above = spec.num_variables[1] + 1
        reserve = len(spec.names) - spec.names_needed
        high = min(above + 1, most, spec.num_variables[1] + reserve)
        if high >= above:
            wider = {"num_variables": (above, high)}
            if spec.task == "expand":
                # Room for the variables, if need be by more terms in a factor.
                terms = max(spec.num_terms[1], -(-high // spec.num_factors[1]))
                wider["num_terms"] = (spec.num_terms[0], terms)
            splits["more_variables"] = (dataclasses.replace(spec, **wider), 1000)
    if spec.num_terms is not None:
        above = spec.num_terms[1] + 1
        low, high = spec.num_variables or (0, 0)
        # Many unlike terms need more than the fewest variables.
        for fewest in range(low, len(spec.names) + 1):
            longer = {"num_terms": (above, above + 1)}
            if spec.num_variables is not None:
                longer["num_variables"] = (fewest, max(fewest, high))
            with contextlib.suppress(ProblemError):
                splits["more_terms"] = (dataclasses.replace(spec, **longer), 1000)
                break
    return splits
