"""Splits plain text or the LaTeX that models write into tokens of one grammar.

One pass over the text, bounded in characters, tokens and digits; nothing is evaluated. In plain
text a run of letters is one name; in LaTeX every letter is one, unless the run is declared.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.formula_symbols import (
    CODE,
    COMMANDS,
    FONTS,
    FUNCTIONS,
    GLYPHS,
    GREEK_LETTERS,
    GREEK_NAMES,
    QUANTITIES,
    SPACING,
    SPELLINGS,
    STRUCTURES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    VULGAR,
    WORDS,
)
from mathjax.answers.formula_text import MAX_CHARACTERS, is_latex
from mathjax.answers.formulas import FormulaError

MAX_TOKENS = 4_000
MAX_DIGITS = 2_000
MAX_SCALE = 2_000
"""Largest size of the exponent of a literal such as 1e10."""

_NUMBER = re.compile(
    r"(?:[0-9]++(?:\.(?:[0-9]++|(?![^\W\d_])))?+|\.[0-9]++)(?:[eE][+-]?[0-9]++(?!\w))?"
)
_DECIMAL = re.compile(r"[0-9]*+(?:\.[0-9]++)?")
_THOUSANDS = re.compile(
    r"[0-9]{1,3}(?:(?:,|\{,\}|\\,|\\!,|,\\! ?)[0-9]{3})++(?![0-9])(?:\.[0-9]++)?"
)
_LETTERS = re.compile(f"[^\\W\\d_{''.join((*SUPERSCRIPTS, *SUBSCRIPTS, *VULGAR))}]++")
_DIGITS = re.compile(r"[0-9]*+")
_INDEX = re.compile(r"_(?:\{([0-9A-Za-z,+\- ]++)\}|([0-9]++|[A-Za-z]))")
_COMMAND = re.compile(r"\\([A-Za-z]++|.)", re.DOTALL)
_BRACED = re.compile(r"\s*\{([^{}\\$]*+)\}")
_SYMBOLS = ("**", "<=", ">=", "!=", "+-", "+/-")


_BRACKETS = {"(": 1, "[": 1, "\\{": 1, ")": -1, "]": -1, "\\}": -1}


class Token(NamedTuple):
    """`kind` is "number", "name", "function", "unit", "superscript", "eof" or a symbol of the
    grammar; `glued` says that no space stands before it."""

    kind: str
    value: object = None
    glued: bool = False


END = Token("eof")


def tokenize(
    text: str, declared: Collection[str] = (), thousands: bool = False, latex: bool | None = None
) -> list[Token]:
    """Tokens of an unwrapped text, END at the end. `thousands` reads 1,234 as one number.

    Raises FormulaError for characters and words that are no mathematics ("parse") and for texts
    beyond the bounds of this module ("limit").
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError("limit", f"longer than {MAX_CHARACTERS} characters")
    return _Tokenizer(text, declared, thousands, is_latex(text) if latex is None else latex).run()


class _Tokenizer:
    def __init__(self, text: str, declared: Collection[str], thousands: bool, latex: bool):
        self._text, self._at = text, 0
        self._thousands, self._latex = thousands, latex
        self._declared = {canonical_name(name): canonical_name(name) for name in declared}
        # x1, x_1 and x_{1} are one name, whichever was declared.
        self._declared |= {name.replace("_", ""): name for name in self._declared}
        self._longest = max(map(len, self._declared), default=1)
        self._tokens: list[Token] = []
        self._spaced = True
        self._brackets = 0  # ( and [ that are open: commas there stand between entries
        self._decimals: int | None = None  # of the last number, if it had a point

    def run(self) -> list[Token]:
        text = self._text
        while self._at < len(text):
            c = text[self._at]
            blank = c.isspace() or c == "$" or (c == "~" and self._latex)
            if blank or (c == "\\" and text[self._at + 1 : self._at + 2] == " "):
                self._at += 2 if c == "\\" else 1
                self._spaced = True
                continue
            if c.isascii() and (c.isdigit() or c == "."):
                self._number()
            elif c.isalpha() and c not in SUPERSCRIPTS and c not in GLYPHS:
                self._letters()
            elif c == "\\":
                self._command()
            else:
                self._symbol(c)
            if len(self._tokens) > MAX_TOKENS:
                raise FormulaError("limit", f"more than {MAX_TOKENS} tokens")
        return [*self._tokens, END, END, END]  # the parser looks two ahead

    def _add(self, kind: str, value: object = None) -> None:
        if kind in _BRACKETS:
            self._brackets += _BRACKETS[kind]
        self._tokens.append(Token(kind, value, not self._spaced))
        self._spaced = False

    def _number(self) -> None:
        match = self._thousands and not self._brackets and _THOUSANDS.match(self._text, self._at)
        match = match or _NUMBER.match(self._text, self._at)
        if match and {"e", "E"} & self._declared.keys() & set(match[0]):
            match = _DECIMAL.match(self._text, self._at)  # 2E is a product
        if not match:
            raise FormulaError("parse", f"unexpected {_near(self._text, self._at)}")
        self._at = match.end()
        index = _INDEX.match(self._text, self._at)
        if index and match[0].isdigit():
            self._at = index.end()
            self._add("number", _in_base(match[0], index[1] or index[2]))
            return
        if self._text[self._at : self._at + 1] in ("_", "."):
            raise FormulaError("parse", f"no number: {_near(self._text, match.start())}")
        mantissa, _, exponent = re.sub(r"[^0-9.eE+-]", "", match[0]).lower().partition("e")
        if len(mantissa) > MAX_DIGITS:
            raise FormulaError("limit", f"a number of more than {MAX_DIGITS} digits")
        if exponent and (len(exponent) > 5 or abs(int(exponent)) > MAX_SCALE):
            raise FormulaError("limit", f"a literal with an exponent beyond {MAX_SCALE}")
        self._decimals = None if exponent or "." not in mantissa else len(mantissa.split(".")[1])
        if not exponent and "." not in mantissa:
            self._add("number", int(mantissa))
            return
        whole, _, decimals = mantissa.partition(".")
        scale = int(exponent or 0) - len(decimals)
        digits = int(whole + decimals or "0")
        self._add(
            "number", Fraction(digits * 10**scale if scale > 0 else digits, 10 ** max(-scale, 0))
        )

    def _letters(self) -> None:
        """A run of letters: one name in plain text; in LaTeX one a letter, declared runs aside."""
        run = _LETTERS.match(self._text, self._at)[0]
        if "π" in run and run not in self._declared and not self._latex:
            run = run.split("π")[0] or "π"  # πr is a product
        digits = _DIGITS.match(self._text, self._at + len(run))[0]
        together = (
            len(run) == 1
            or not self._latex
            or {run, run + digits} & self._declared.keys()
            or run in ("pi", "oo", "infinity", "inf")
            or not FUNCTIONS.isdisjoint((run, run + digits))
            or run in SPELLINGS
            or run in WORDS
        )
        if not together and run in CODE and len(run) > 3:
            raise FormulaError("parse", f"{run!r} is a word of programs")
        start = 0
        while start < len(run):
            size = len(run) if together else self._declared_size(run, start)
            last = start + size == len(run)
            name = run[start : start + size] + (digits if last else "")
            if len(name) > 100:
                raise FormulaError("limit", "a name of more than 100 characters")
            self._at += len(name)
            self._name(name)
            start += size
            if len(self._tokens) > MAX_TOKENS:
                raise FormulaError("limit", f"more than {MAX_TOKENS} tokens")

    def _declared_size(self, run: str, start: int) -> int:
        """Letters of the longest declared name that begins here, else 1."""
        for size in range(min(self._longest, len(run) - start), 1, -1):
            if run[start : start + size] in self._declared:
                return size
        return 1

    def _name(self, run: str) -> None:
        """A name, function or word; takes the index that follows."""
        index = ""
        if run in GREEK_LETTERS:
            run = GREEK_LETTERS[run]
        match = _INDEX.match(self._text, self._at)
        if match:
            index = "_" + (match[1] or match[2]).replace(" ", "")
        elif self._text[self._at : self._at + 1] == "_" and run not in ("log",):
            raise FormulaError("parse", f"unexpected {_near(self._text, self._at)}")
        while not match and self._text[self._at : self._at + 1] in SUBSCRIPTS:
            index = (index or "_") + SUBSCRIPTS[self._text[self._at]]
            self._at += 1
        full = canonical_name(run + index)
        if full in self._declared or full.replace("_", "") in self._declared:
            self._at = match.end() if match else self._at
            self._add("name", self._declared.get(full) or self._declared[full.replace("_", "")])
        elif run in self._declared and not index:
            self._add("name", self._declared[run])
        elif run in FUNCTIONS or run in SPELLINGS:
            self._add("function", SPELLINGS.get(run, run))  # an index of log is read as its base
        elif run in CODE:
            raise FormulaError("parse", f"{run!r} is a word of programs")
        elif run in WORDS and not index:
            self._add(WORDS[run])
        elif run in ("oo", "infinity", "inf") and not index:
            self._add("oo")
        else:
            self._at = match.end() if match else self._at
            if run in ("pi", "e") and not index:
                self._add("constant", run)
            else:
                self._add("name", full)

    def _command(self) -> None:
        match = _COMMAND.match(self._text, self._at)
        if not match:
            raise FormulaError("parse", "a backslash at the end")
        name, start = match[1], self._at
        self._at = match.end()
        if name in ("dfrac", "tfrac", "cfrac"):
            name = "frac"
        if name in ("dbinom", "tbinom"):
            name = "binom"
        if name in SPACING or name in ",;:!>/$":
            self._spaced = True
            if name in ("left", "right") and self._text[self._at : self._at + 1] == ".":
                self._at += 1
        elif name in ("%", "{", "}", "|", "\\"):
            kinds = {"%": "%", "{": "\\{", "}": "\\}", "|": "|", "\\": "newline"}
            self._add(kinds[name])
        elif name in FONTS:
            self._braced_word(name)
        elif name in STRUCTURES:
            self._structure(name)
        elif name in COMMANDS:
            self._add(COMMANDS[name])
        elif name in FUNCTIONS or name in SPELLINGS or name in GREEK_NAMES:
            self._name(name)
        elif name in ("lnot", "ldots", "dots", "cdots"):
            raise FormulaError("parse", "an ellipsis leaves the value open")
        else:
            raise FormulaError("parse", f"unknown command {_near(self._text, start)}")

    def _braced_word(self, command: str) -> None:
        """`\\mathrm{price}` is a name, `\\text{ or }` a word, `\\mathbb{R}` the reals."""
        match = _BRACED.match(self._text, self._at)
        if not match:
            raise FormulaError("parse", f"unclear text at {_near(self._text, self._at)}")
        self._at = match.end()
        content = match[1].strip()
        if command == "mathbb":
            if content != "R":
                raise FormulaError("parse", f"unknown set {content[:20]!r}")
            self._add("reals")
        elif content in (",", ";", "") or not content:
            self._add(content) if content else None
        elif content in WORDS and content not in self._declared:
            self._add(WORDS[content])
        elif command.startswith("text") or command == "mbox":
            if content in self._declared or content in FUNCTIONS or content in SPELLINGS:
                self._name(content)
            elif content in ("%", "percent", "pct", "per cent"):
                self._add("%")
            elif content.isdigit() and content.isascii() and len(content) <= MAX_DIGITS:
                self._add("number", int(content))
            elif _is_unit(content) or not self._tokens:
                self._add("unit", content)
            else:
                raise FormulaError("parse", f"{content[:20]!r} may change the number")
        elif _LETTERS.fullmatch(content.rstrip("0123456789")):
            self._name(content)
        elif content.isdigit() and content.isascii() and len(content) <= MAX_DIGITS:
            self._add("number", int(content))
        else:
            raise FormulaError("parse", f"unclear text {content[:20]!r}")

    def _structure(self, name: str) -> None:
        if name in ("begin", "end"):
            match = _BRACED.match(self._text, self._at)
            kind = match[1].strip() if match else ""
            if kind not in ("pmatrix", "bmatrix", "matrix", "Bmatrix", "array", "smallmatrix",
                            "cases", "aligned", "align*", "gathered"):  # fmt: skip
                raise FormulaError("parse", f"unknown environment {kind[:20]!r}")
            self._at = match.end()
            if name == "begin" and kind == "array":
                columns = _BRACED.match(self._text, self._at)
                self._at = columns.end() if columns else self._at
            self._add(name, kind)
        elif name in ("overline", "bar"):
            match = _BRACED.match(self._text, self._at)
            if not match or not match[1].strip().isdigit() or not match[1].isascii():
                raise FormulaError("parse", "a line over something that is no digits")
            self._at = match.end()
            self._repeat(match[1].strip())
        else:
            self._add(name)

    def _repeat(self, digits: str) -> None:
        """0.1\\overline{6}: the number before gets its repeating decimals."""
        previous = self._tokens[-1] if self._tokens else END
        written = re.search(
            r"[0-9]*+\.([0-9]*+)\s*$",
            self._text[max(self._at - 300, 0) : self._text.rfind("\\", 0, self._at)],
        )
        if previous.kind != "number" or not written or len(digits) > 200:
            raise FormulaError("parse", "a line over digits without a decimal point before")
        tail = Fraction(int(digits), (10 ** len(digits) - 1) * 10 ** len(written[1]))
        self._tokens[-1] = previous._replace(value=Fraction(previous.value) + tail)

    def _symbol(self, c: str) -> None:
        text = self._text
        if c in SUPERSCRIPTS:
            end = self._at
            while end < len(text) and text[end] in SUPERSCRIPTS:
                end += 1
            inner = "".join(SUPERSCRIPTS[s] for s in text[self._at : end])
            self._at = end
            self._add("superscript")
            self._tokens += _Tokenizer(inner, (), False, False).run()[:-3]
            self._tokens.append(Token("superscript_end"))
            return
        if c in VULGAR:
            above, below = VULGAR[c]
            self._at += 1
            self._add("vulgar", Fraction(above, below))
            return
        if c in GLYPHS:
            self._at += 1
            self._add(GLYPHS[c])
            return
        for symbol in _SYMBOLS:
            if text.startswith(symbol, self._at):
                self._at += len(symbol)
                self._add({"**": "^", "+/-": "pm"}.get(symbol, symbol))
                return
        if c == "_" and self._tokens and self._tokens[-1][:2] == ("function", "log"):
            self._at += 1
            self._add("index")
            return
        if c not in "+-*/^()[]{},;=<>|!%&:":
            raise FormulaError("parse", f"unexpected {_near(text, self._at)}")
        self._at += 1
        if c in "{}" and not self._latex:
            c = "\\" + c
        self._add(c)


def _in_base(digits: str, base: str) -> int:
    """The value of a numeral such as 52_8."""
    if not base.isdigit() or not 2 <= int(base[:4]) <= 36 or max(map(int, digits)) >= int(base):
        raise FormulaError("parse", f"no numeral: {digits[:20]}_{base[:20]}")
    if len(digits) > 200:
        raise FormulaError("limit", "a numeral of more than 200 digits")
    return int(digits, int(base))


def _is_unit(text: str) -> bool:
    """Whether a text behind a number can only be a unit; alone, it may be any word."""
    words = re.findall(r"[^\W\d_]++", text.lower())
    counts = any(word in QUANTITIES or word.removesuffix("s") in QUANTITIES for word in words)
    plain = not re.search(r"[^\w\s./^-]|[0-9]", text)
    return plain and not counts and 0 < len(words) <= 4


def canonical_name(name: str) -> str:
    """x1, x_1, x_{1} -> x_1; a Greek letter by its name."""
    name = name.replace("{", "").replace("}", "").lstrip("\\")
    name = GREEK_LETTERS.get(name, name)
    letters = name.rstrip("0123456789")
    if letters and letters != name and not letters.endswith("_") and "_" not in letters:
        return f"{letters}_{name[len(letters) :]}"
    return name


def _near(text: str, at: int) -> str:
    return ascii(text[at : at + 20])
