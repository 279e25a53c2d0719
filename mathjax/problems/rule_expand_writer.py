"""Renders "expand" exercises by compiled code, where coefficients fit into 62 bits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mathjax.problems.base import ProblemError, RenderedText
from mathjax.problems.expression_printers import SIGNS, name_text
from mathjax.problems.rule_base import RuleSpec
from mathjax.problems.rule_expand import TEMPLATES
from mathjax.problems.rule_expand_kernels import TRIES, Limits, Table, write

_SIGN_ORDER = (
    "plus", "minus", "negate", "times", "beside", "open", "close", "power", "power_end",
)  # fmt: skip
_MOST_VARIABLES = 255


def _table(entries: Iterable[str]) -> Table:
    data = [entry.encode() for entry in entries]
    bounds = np.cumsum([0, *map(len, data)]).astype(np.int64)
    words = np.array([int.from_bytes(entry[:8], "little") for entry in data], np.uint64)
    return Table(np.frombuffer(b"".join(data) or b"\0", np.uint8), bounds, words)


class ExpandWriter:
    """Renders streams of one split; see `render`."""

    def __init__(self, spec: RuleSpec, base: int, first_bucket: int, last_bucket: int):
        if not self.can_write(spec):
            raise ProblemError("max_coefficient: too large for the compiled writer")
        self._base = np.uint64(base)
        names = [name_text(name, spec.style) for name in spec.names]
        keys = [f"v{k + 1}" for k in range(spec.num_variables[1])]
        self._names, self._keys, self._templates = _table(names), _table(keys), _table(TEMPLATES)
        self._signs = _table([SIGNS[spec.style][sign] for sign in _SIGN_ORDER])
        self._plain = _table([SIGNS["plain"][sign] for sign in _SIGN_ORDER])
        self._limits = Limits(
            *spec.num_variables,
            *spec.num_terms,
            *spec.num_factors,
            spec.max_coefficient,
            spec.steps,
            first_bucket,
            last_bucket,
        )
        self._longest = _longest(spec, max(map(len, [*keys, *(n.encode() for n in names)])))

    @staticmethod
    def can_write(spec: RuleSpec) -> bool:
        """Whether all numbers fit into 62 bits and the variables into a byte."""
        largest = (spec.max_coefficient * spec.num_terms[1]) ** spec.num_factors[1]
        return largest < 2**62 and spec.num_variables[1] <= _MOST_VARIABLES

    def render(self, streams: np.ndarray) -> RenderedText:
        """Documents `prompt \\n response \\0` of int64 streams [count]."""
        count = len(streams)
        bounds, prompt_sizes = np.zeros(count + 1, np.int64), np.empty(count, np.int32)
        parts, done = [], 0
        while done < count:
            room = self._longest + 400 * (count - done)
            text = np.empty(room, np.uint8)
            before = done
            done = write(
                self._base,
                streams,
                done,
                self._limits,
                self._templates,
                self._names,
                self._signs,
                self._keys,
                self._plain,
                self._longest,
                text,
                bounds,
                prompt_sizes,
            )
            if done < 0:
                raise ProblemError(
                    f"expand: none of {TRIES} candidates is for the split; widen the specification"
                )
            parts.append(text[: bounds[done] - bounds[before]])
        text = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.uint8), *parts])
        return RenderedText(text, bounds, prompt_sizes)


def _longest(spec: RuleSpec, name: int) -> int:
    """Upper bound of a document's bytes."""
    factors, terms = spec.num_factors[1], spec.num_terms[1]
    sign = 8
    term = 20 + factors * (name + 2 * sign + 2) + sign
    sums = terms**factors + factors * terms
    return (3 * factors + 2) * (sums * (2 * term + sign) + factors * 2 * sign + 16) + 200
