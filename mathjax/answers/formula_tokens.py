"""Splits plain text or the LaTeX that models write into tokens of one grammar.

One pass over the text, bounded in characters, tokens and digits; nothing is evaluated. In plain
text a run of letters is one name; in LaTeX every letter is one, unless the run is declared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.formulas import FormulaError

MAX_CHARACTERS = 20_000
MAX_TOKENS = 4_000
MAX_DIGITS = 2_000
MAX_SCALE = 2_000
"""Largest size of the exponent of a literal such as 1e10."""

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh "
    "acosh atanh exp log log2 log10 sqrt cbrt root abs floor ceil factorial binomial max min "
    "sign".split()
)
_SPELLINGS = {
    "ln": "log", "lg": "log10", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arccot": "acot", "arcsec": "asec", "arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "tg": "tan",
    "ctg": "cot", "cosec": "csc", "ceiling": "ceil", "binom": "binomial", "sgn": "sign",
}  # fmt: skip
_CODE = frozenset(
    "expand simplify factor factorint collect cancel apart together solve nsolve solveset dsolve "
    "linsolve roots diff differentiate derivative integrate integral limit series summation subs "
    "replace evalf eval exec compile sympify parse sum prod product print input open import from "
    "lambdify if else elif for while not is return def class pass yield with as assert del try "
    "except raise global True False None nan NaN mod rem gcd lcm".split()
)
"""Words of programs, not of mathematics, where they are not declared as variables."""
_WORDS = {"or": "or", "and": "and", "in": "in", "union": "union", "intersect": "intersection"}
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega".split()
)
_GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _GREEK, strict=True)) | {
    letter: name.capitalize()
    for letter, name in zip("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", _GREEK, strict=True)
    if name in ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "phi", "psi", "omega")
}
GREEK_NAMES = frozenset(_GREEK) | frozenset(_GREEK_LETTERS.values())
GREEK_NAMES |= {"varepsilon", "vartheta", "varphi", "varrho", "varsigma", "ell", "hbar"}

_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "pm": "pm", "mp": "mp", "le": "<=",
    "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">",
    "ne": "!=", "neq": "!=", "cup": "union", "cap": "intersection", "setminus": "difference",
    "backslash": "difference", "in": "in", "lor": "or", "vee": "or", "land": "and",
    "wedge": "and", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "infty": "oo",
    "emptyset": "empty", "varnothing": "empty", "lbrace": "\\{", "rbrace": "\\}", "lbrack": "[",
    "rbrack": "]", "langle": "(", "rangle": ")", "lfloor": "lfloor", "rfloor": "rfloor",
    "lceil": "lceil", "rceil": "rceil", "circ": "degree", "degree": "degree", "R": "reals",
    "Reals": "reals", "colon": ":",
}  # fmt: skip
_SPACING = frozenset(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle "
    "limits quad qquad nolimits thinspace hfill strut".split()
)
_STRUCTURES = frozenset("frac sqrt binom overline bar begin end".split())
_GLYPHS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "∙": "*",
    "÷": "/", "∕": "/", "⁄": "/", "±": "pm", "∓": "mp", "≤": "<=", "≥": ">=", "⩽": "<=",
    "⩾": ">=", "≠": "!=", "∪": "union", "∩": "intersection", "∖": "difference", "∈": "in",
    "∞": "oo", "∅": "empty", "ℝ": "reals", "°": "degree", "∨": "or", "∧": "and", "√": "radical",
    "∛": "radical3", "∜": "radical4", "⟨": "(", "⟩": ")",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", "0123456789+-()n", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8),
}  # fmt: skip

_NUMBER = re.compile(
    r"(?:[0-9]++(?:\.(?:[0-9]++|(?![^\W\d_])))?+|\.[0-9]++)(?:[eE][+-]?[0-9]++(?!\w))?"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:(?:,|\{,\}|\\,|\\!,|,\\!)[0-9]{3})++(?![0-9])(?:\.[0-9]++)?")
_LETTERS = re.compile(f"[^\\W\\d_{''.join((*_SUPERSCRIPTS, *_SUBSCRIPTS, *_VULGAR))}]++")
_INDEX = re.compile(r"_(?:\{([0-9A-Za-z,]++)\}|([0-9]++|[A-Za-z]))")
_COMMAND = re.compile(r"\\([A-Za-z]++|.)", re.DOTALL)
_BRACED = re.compile(r"\s*\{([^{}\\$]*+)\}")
_SYMBOLS = ("**", "<=", ">=", "!=", "+-", "+/-")


class Token(NamedTuple):
    """`kind` is "number", "name", "function", "unit", "superscript", "eof" or a symbol of the
    grammar; `glued` says that no space stands before it."""

    kind: str
    value: object = None
    glued: bool = False


END = Token("eof")


def is_latex(text: str) -> bool:
    return "\\" in text or "$" in text or "^{" in text or "_{" in text


def unwrap(text: str) -> str:
    """The formula in an answer: invisible characters, fences, dollars, boxes and stops removed."""
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
    before = None
    while text != before:
        before = text
        for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
            text = _without_fence(text, opening, closing)
        for fence in ("```", "`", "**"):
            text = _without_fence(text, fence, fence)
        for box in ("\\boxed{", "\\fbox{", "\\displaystyle"):
            if text.startswith(box):
                if not box.endswith("{"):
                    text = text[len(box) :].strip()
                elif _closing_brace(text, len(box) - 1) == len(text) - 1:
                    text = text[len(box) : -1].strip()
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].strip()
    return text


def _without_fence(text: str, opening: str, closing: str) -> str:
    inner = text[len(opening) : -len(closing)]
    fenced = text.startswith(opening) and text.endswith(closing) and len(text) > 2 * len(opening)
    return inner.strip() if fenced and opening not in inner else text


def _closing_brace(text: str, opening: int) -> int:
    depth, i = 0, opening
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    return -1


def tokenize(
    text: str, declared: Collection[str] = (), thousands: bool = False, latex: bool | None = None
) -> list[Token]:
    """Tokens of an unwrapped text, END last. `thousands` reads 1,234 as one number.

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
        self._decimals: int | None = None  # of the last number, if it had a point

    def run(self) -> list[Token]:
        text = self._text
        while self._at < len(text):
            c = text[self._at]
            if c.isspace() or c in "~$" or (c == "\\" and text[self._at + 1 : self._at + 2] == " "):
                self._at += 2 if c == "\\" else 1
                self._spaced = True
                continue
            if c.isascii() and (c.isdigit() or c == "."):
                self._number()
            elif c.isalpha() and c not in _SUPERSCRIPTS and c not in _GLYPHS:
                self._letters()
            elif c == "\\":
                self._command()
            else:
                self._symbol(c)
            if len(self._tokens) > MAX_TOKENS:
                raise FormulaError("limit", f"more than {MAX_TOKENS} tokens")
        return [*self._tokens, END]

    def _add(self, kind: str, value: object = None) -> None:
        self._tokens.append(Token(kind, value, not self._spaced))
        self._spaced = False

    def _number(self) -> None:
        match = self._thousands and _THOUSANDS.match(self._text, self._at)
        match = match or _NUMBER.match(self._text, self._at)
        if not match:
            raise FormulaError("parse", f"unexpected {_near(self._text, self._at)}")
        self._at = match.end()
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
        match = _LETTERS.match(self._text, self._at)
        run = match[0]
        if "π" in run and run not in self._declared and not self._latex:
            run = run.split("π")[0] or "π"  # πr is a product
        end = self._at + len(run)
        whole = run
        while end < len(self._text) and self._text[end] in "0123456789":
            end += 1
        digits = self._text[self._at + len(run) : end]
        together = (
            len(run) == 1
            or not self._latex
            or {run, run + digits} & self._declared.keys()
            or run in ("pi", "oo", "infinity", "inf")
            or not FUNCTIONS.isdisjoint((run, run + digits))
            or run in _SPELLINGS
            or run in _WORDS
        )
        if not together:  # LaTeX: one letter is one name, but a declared run stays together
            if run in _CODE and len(run) > 3:
                raise FormulaError("parse", f"{run!r} is a word of programs")
            size = next(
                (
                    n
                    for n in range(min(self._longest, len(run)), 1, -1)
                    if run[:n] in self._declared
                ),
                1,
            )
            whole, digits = run[:size], ""
            if size == len(run):
                digits = self._text[self._at + len(run) : end]
        if len(whole) + len(digits) > 100:
            raise FormulaError("limit", "a name of more than 100 characters")
        self._at += len(whole) + len(digits)
        self._name(whole + digits)

    def _name(self, run: str) -> None:
        """A name, function or word; takes the index that follows."""
        index = ""
        if run in _GREEK_LETTERS:
            run = _GREEK_LETTERS[run]
        match = _INDEX.match(self._text, self._at)
        if match:
            index = "_" + (match[1] or match[2])
        elif self._text[self._at : self._at + 1] == "_" and run not in ("log",):
            raise FormulaError("parse", f"unexpected {_near(self._text, self._at)}")
        while not match and self._text[self._at : self._at + 1] in _SUBSCRIPTS:
            index = (index or "_") + _SUBSCRIPTS[self._text[self._at]]
            self._at += 1
        full = canonical_name(run + index)
        if full in self._declared or full.replace("_", "") in self._declared:
            self._at = match.end() if match else self._at
            self._add("name", self._declared.get(full) or self._declared[full.replace("_", "")])
        elif run in self._declared and not index:
            self._add("name", self._declared[run])
        elif run in FUNCTIONS or run in _SPELLINGS:
            self._add("function", _SPELLINGS.get(run, run))  # an index of log is read as its base
        elif run in _CODE:
            raise FormulaError("parse", f"{run!r} is a word of programs")
        elif run in _WORDS and not index:
            self._add(_WORDS[run])
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
        if name in _SPACING or name in ",;:!>/":
            self._spaced = True
            if name in ("left", "right") and self._text[self._at : self._at + 1] == ".":
                self._at += 1
        elif name in ("%", "{", "}", "|", "\\"):
            kinds = {"%": "%", "{": "\\{", "}": "\\}", "|": "|", "\\": "newline"}
            self._add(kinds[name])
        elif name in ("text", "textbf", "textrm", "textit", "mbox", "mathrm", "operatorname", "rm",
                      "mathbf", "mathit", "mathsf", "mathbb", "mathcal", "operatorname*"):  # fmt: skip
            self._braced_word(name)
        elif name in _STRUCTURES:
            self._structure(name)
        elif name in _COMMANDS:
            self._add(_COMMANDS[name])
        elif name in FUNCTIONS or name in _SPELLINGS or name in GREEK_NAMES:
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
        elif content in _WORDS:
            self._add(_WORDS[content])
        elif command.startswith("text") or command == "mbox":
            if content in self._declared or content in FUNCTIONS or content in _SPELLINGS:
                self._name(content)
            elif content.isdigit() and content.isascii() and len(content) <= MAX_DIGITS:
                self._add("number", int(content))
            else:
                self._add("unit", content)
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
                            "cases", "aligned", "align*"):  # fmt: skip
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
        if c in _SUPERSCRIPTS:
            end = self._at
            while end < len(text) and text[end] in _SUPERSCRIPTS:
                end += 1
            inner = "".join(_SUPERSCRIPTS[s] for s in text[self._at : end])
            self._at = end
            self._add("superscript")
            self._tokens += _Tokenizer(inner, (), False, False).run()[:-1]
            self._tokens.append(Token("superscript_end"))
            return
        if c in _VULGAR:
            above, below = _VULGAR[c]
            self._at += 1
            self._add("vulgar", Fraction(above, below))
            return
        if c in _GLYPHS:
            self._at += 1
            self._add(_GLYPHS[c])
            return
        for symbol in _SYMBOLS:
            if text.startswith(symbol, self._at):
                self._at += len(symbol)
                self._add({"**": "^", "+-": "pm", "+/-": "pm"}.get(symbol, symbol))
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


def canonical_name(name: str) -> str:
    """x1, x_1, x_{1} -> x_1; a Greek letter by its name."""
    name = name.replace("{", "").replace("}", "").lstrip("\\")
    name = _GREEK_LETTERS.get(name, name)
    letters = name.rstrip("0123456789")
    if letters and letters != name and not letters.endswith("_") and "_" not in letters:
        return f"{letters}_{name[len(letters) :]}"
    return name


def _near(text: str, at: int) -> str:
    return ascii(text[at : at + 20])
