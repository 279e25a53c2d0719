"""Are the steps of a worked solution right? Arithmetic in prose, algebra lines, row operations.

In prose every `a = b` counts whose sides are arithmetic; a chain `a = b = c` is one step a
relation. Each is computed exactly. It is right if both sides are equal, or the right one is a
decimal that the left one rounds to at the places shown: 10/3 = 3.33, not 3.34, nor 3. An integer
may be rounded only where the text says so (about, roughly, rounded, the sign for about equal), a
cut-off decimal where it shows an ellipsis. A percentage is p/100; a result with a percent sign may
also be the bare p, and sums of percentages may leave the sign out. 9 R 4 is a quotient with
remainder. An annotation <<48/2=24>> and the number behind it are part of the step they stand in.

A number that an earlier step has rounded may stand for what was rounded: 10/3 = 3.33, 3.33*3 = 10.

Not counted: equations of a letter or name (x = 5), definitions (1 hour = 60 minutes, Day 2 = 5*3),
identities of one number. Undecided, counted apart:

    run_on      3 + 4 = 7 + 1 = 8: what each sign does is fine, the first relation is false
    units       numbers of different units do not add up as written: 3 feet + 6 inches = 42 inches
    words       what stands beside the numbers may change what is meant: half of 48 - 3 = 21
    about       a claim of being about equal that is no rounding, within a tenth
    root        a square root that is not rational, or a power that is no integer
    remainder   9 R 4 of something that is no quotient
    limit       numbers too large

P1 (arXiv 2502.12855) reports arithmetic accuracy without saying how it is measured; this is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.arithmetic_side import Side
from mathjax.answers.arithmetic_text import Chain, read_chains
from mathjax.answers.arithmetic_tokens import read_tokens
from mathjax.answers.arithmetic_value import Number, evaluate
from mathjax.answers.step_claims import Claims, percent_equal, value_of
from mathjax.answers.step_report import (
    MAX_CHARACTERS,
    Remainder,
    Step,
    StepReport,
    Summary,
    Value,
    final_value,
    find_final,
    summarise,
)

__all__ = [
    "KINDS",
    "MAX_CHARACTERS",
    "Remainder",
    "Step",
    "StepReport",
    "Summary",
    "check_trace",
    "final_value",
    "summarise",
]

KINDS = ("auto", "arithmetic", "algebra", "rows")


def check_trace(text: str, kind: str = "auto", prompt: str = "") -> StepReport:
    """Checks every step of a worked solution.

    kind "arithmetic" reads prose; "algebra" takes a line at a time and checks that it equals the
    one before, "rows" row operations on a system; "auto" tells them apart. `prompt` is the problem,
    which holds the first line of an algebra trace; it may also be the first line of `text`. Never
    fails on text; raises TypeError or ValueError for other arguments.
    """
    if not isinstance(text, str) or not isinstance(prompt, str):
        wrong = prompt if isinstance(text, str) else text
        raise TypeError(f"text and prompt must be str, got {type(wrong).__name__}")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if len(text) + len(prompt) > MAX_CHARACTERS:
        return StepReport((), None, None, "arithmetic" if kind == "auto" else kind, "limit")
    if kind != "arithmetic":
        from mathjax.answers import rule_traces

        found = rule_traces.kind_of(text, prompt) if kind == "auto" else kind
        if found != "arithmetic":
            return rule_traces.check(text, prompt, found)
    return _Arithmetic(text).report()


_ANY_RELATION = re.compile(r"[=\u2248\u2243\u2245\u2250]|\\approx|\\simeq|<<|\bequals\b")
_PLAIN_NOTE = re.compile(r"<<([1-9][0-9]{0,14})([-+*/])([1-9][0-9]{0,14})=([1-9][0-9]{0,14}|0)>>")
_NEXT_QUESTION = re.compile(r"\n[ \t]*+(?:Question|Q)[ \t]*+:")
_GOES_ON = re.compile(r"[ \t&]*+(?:=(?!>)|\\approx|[\u2248\u2243\u2245\u2250])")


class _Annotation(NamedTuple):
    step: Step | None  # the first wrong one, or the first
    result: Number  # the number it ends with
    shape: tuple[str, ...]  # signs of its left side


class _Arithmetic:
    """One text: its steps in order, and what wrong results do to later ones."""

    def __init__(self, text: str):
        self.text = text
        cut = _NEXT_QUESTION.search(text, 1)
        self.size = cut.start() if cut else len(text)
        self.steps: list[Step] = []
        self.mended: dict[Number, Number] = {}
        """Wrong results, as shown, to right ones."""
        self.claims = Claims(text, self.size)
        self.last: Side | None = None
        """The last side that was read."""
        self.last_mended: Number | None = None
        """Its value, if it is not as written."""

    def report(self) -> StepReport:
        for start, end in self._lines():
            for chain in read_chains(read_tokens(self.text, start, end)):
                self._chain(chain)
        final, start = find_final(self.text[: self.size])
        last = self.last
        if start >= 0 and last is not None and last.end > start:
            final = value_of(last)  # 3/4, or 9 R 4
            if last.remainder is not None:
                final = Remainder(evaluate(last.program), last.remainder)
        mended = final
        if isinstance(final, Remainder):
            mended = self._mended_remainder(final)
        elif final is not None:
            mended = self.mended.get(final, final)
            if start >= 0 and last is not None and last.end > start:
                mended = final if self.last_mended is None else self.last_mended
        return StepReport(tuple(self.steps), final, mended)

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Lines with a relation, each with the lines that go on with it."""
        text, size, done = self.text, self.size, 0
        for match in _ANY_RELATION.finditer(text, 0, size):
            at = match.start()
            if at < done:
                continue
            start = text.rfind("\n", done, at) + 1 or done
            while start > done and _GOES_ON.match(text, start):
                before = text.rfind("\n", done, start - 1) + 1 or done
                if before == start:
                    break
                start = before
            end = text.find("\n", at, size)
            while end >= 0 and _GOES_ON.match(text, end + 1):
                end = text.find("\n", end + 1, size)
            done = size if end < 0 else end
            yield start, done

    def _chain(self, chain: Chain) -> None:
        left, carried, counted = chain.sides[0], None, False
        for right, about, note in zip(chain.sides[1:], chain.about, chain.notes, strict=True):
            step = None
            if left is not None and right is not None:
                step = self.claims.judge(left, right, about, counted)
            inner = self._annotation(note) if note is not None else None
            if inner is not None:
                step = self._with_annotation(step, inner, left, right, note)
            status = ""
            if step is not None:
                self.steps.append(step)
                status = step.status
                counted = counted or status != "undecided"
            if status == "wrong" or carried is not None or self.mended:
                carried = self._carry(left, right, step, carried)
            left = right
            if right is not None:
                self.last, self.last_mended = right, carried

    def _carry(
        self, left: Side | None, right: Side | None, step: Step | None, carried: Number | None
    ) -> Number | None:
        """The right side's value with everything mended, given that of the left one; None where it
        is as written."""
        if right is None:
            return None
        shown = value_of(right)
        status = "" if step is None else step.status
        before = carried
        if before is None and left is not None:
            before = value_of(left, self.mended)
        if status == "wrong" and left is None:
            before = step.expected  # of an annotation alone
        if status == "right" and left is not None and before == value_of(left):
            after = shown
        elif status in ("right", "wrong") and isinstance(before, (int, Fraction)):
            after = before
        else:
            after = value_of(right, self.mended)
        if left is not None and status == "wrong" and left.is_value and not right.is_value:
            after = value_of(right, self.mended)
            claimed = value_of(left)  # 9 = 5 + 3
            if claimed is not None and after is not None:
                self.mended[claimed] = after
        if shown is None or after is None:
            return None
        if right.is_value:
            if after == shown:
                self.mended.pop(shown, None)
            else:
                self.mended[shown] = after
        return None if after == shown else after

    def _annotation(self, note: tuple[int, int]) -> _Annotation | None:
        """What `<<48/2=24>>` says; None if nothing."""
        plain = _PLAIN_NOTE.fullmatch(self.text, *note)
        if plain is not None:
            step, result = self._plain_annotation(plain)
            if step is not None:
                return _Annotation(step, result, (plain[2],))
        tokens = read_tokens(self.text, note[0] + 2, note[1] - 2)
        worst, result, shape = None, None, ()
        for chain in read_chains(tokens):
            left = chain.sides[0]
            for right, about in zip(chain.sides[1:], chain.about, strict=True):
                if left is not None and right is not None:
                    step = self.claims.judge(left, right, about, False)
                    if step is not None and step.reason == "words":
                        step = step._replace(status="wrong", reason="arithmetic")  # no words there
                    if step is not None and (worst is None or worst.status == "right"):
                        worst, shape = step, shape or _shape(left)
                if right is not None:
                    result = value_of(right)
                left = right
        return None if result is None else _Annotation(worst, result, shape)

    def _plain_annotation(self, plain: re.Match[str]) -> tuple[Step | None, Number]:
        """The step of `<<48/2=24>>`, fast; None if it is not right as integers."""
        a, sign, b, c = int(plain[1]), plain[2], int(plain[3]), int(plain[4])
        if sign == "*":
            right = a * b == c
        elif sign == "+":
            right = a + b == c
        elif sign == "-":
            right = a - b == c
        else:
            right = b != 0 and c * b == a
        if not right:
            return None, c
        start, end = plain.span()
        step = Step(
            plain[0], start + 2, end - 2, plain[0][2 : plain.end(3) - start], plain[4], "right", c,
            "right",
        )  # fmt: skip
        return step, c

    def _with_annotation(
        self,
        step: Step | None,
        inner: _Annotation,
        left: Side | None,
        right: Side | None,
        note: tuple[int, int],
    ) -> Step | None:
        """One step of what the sentence and its annotation say."""
        worst, result, shape = inner
        if worst is None:
            return step
        if step is not None and step.status == "wrong" and _shape(left) != shape:
            step = step._replace(status="undecided")  # the sentence was read in part
        elif step is not None and step.reason in ("words", "units") and _shape(left) == shape:
            step = step._replace(status="wrong", reason="annotation")
        shown = None if right is None else value_of(right)
        agrees = shown is None or not right.is_value or shown == result
        if not agrees:
            agrees = self.claims.equal(result, right, False) or percent_equal(result, right)
        if step is None or step.status == "undecided":
            start = step.start if step is not None else note[0]
            end = right.end if right is not None else note[1]
            step = worst._replace(text=self.text[start:end], start=start, end=end)
        elif worst.status == "wrong" and step.status == "right":
            step = step._replace(status="wrong", expected=worst.expected, reason="annotation")
        if not agrees and step.status == "right":
            step = step._replace(status="wrong", expected=result, reason="annotation")
        return step

    def _mended_remainder(self, final: Remainder) -> Value:
        """The last step that claims this quotient and remainder, mended."""
        for step in reversed(self.steps):
            claimed = step.right.replace(" ", "").upper() == str(final).replace(" ", "")
            if claimed and step.status == "wrong" and isinstance(step.expected, Remainder):
                return step.expected
        return final


def _shape(side: Side) -> tuple[str, ...]:
    return tuple(item for item in side.program if type(item) is str and item not in "PN")
