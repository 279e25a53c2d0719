"""Plain text around a number: LaTeX and Markdown taken off, and what may not stand beside it.

A number that an operator, a power, a variable or a second number touches is not the answer that
the text states; these rules tell such neighbours from units, remarks and punctuation.
"""

from __future__ import annotations

import re

from mathjax.answers import numbers
from mathjax.answers.numbers import VULGAR

_words = re.compile(r"\S+").findall
_SINGLE = str.maketrans(
    {
        "\u2212": "-",
        "\u00a0": "\u2009",
        "\u202f": "\u2009",
        "\u2007": "\u2009",
        "\u200a": "\u2009",
        "\u200b": None,
        "\u200c": None,
        "\u200d": None,
        "\u2060": None,
        "\ufeff": None,
        "\t": " ",
        "\r": "\n",
        "\uff0c": ",",
        "\uff1a": ":",
        "\uff04": "$",
        "\uff05": "%",
        "’": "'",
    }
)
_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt|normal)|mbox|hbox|operatorname"
    r"|emph|boldsymbol|bold|underline|boxed|fbox) ?\{([^{}\\]*+)\}"
)
_SPACING = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|quad|qquad|bigl?|bigr|Bigl?|Bigr|centerdot"
    r"|thinspace|hspace\{[^{}]*+\}|bf|rm|it)(?![A-Za-z])"
)
_COMMANDS = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:times|cdot|ast)(?![A-Za-z])"), "×"),
    (re.compile(r"\\div(?![A-Za-z])"), "÷"),
    (re.compile(r"\\(?:approx|simeq|sim|doteq)(?![A-Za-z])"), "≈"),
    (re.compile(r"\\(?:neq?)(?![A-Za-z])"), "≠"),
    (re.compile(r"\\(?:leq?|geq?|lt|gt|pm|mp)(?![A-Za-z])"), "±"),
    (re.compile(r" ?\^ ?\{? ?\\?(?:circ|degree)(?![A-Za-z]) ?\}?|\\degree(?![A-Za-z])"), "°"),
    (re.compile(r"\\(?:pounds|textsterling)(?![A-Za-z])"), "£"),
    (re.compile(r"\\(?:euro)(?![A-Za-z])"), "€"),
)
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|br|div|span|code|answer|final|response)\s?/?>")
_SUPERSCRIPT = re.compile(r"(?<=10)[⁺⁻]?[⁰¹²³⁴-⁹]{1,9}")
_RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_BOLD = re.compile(r"(?<![0-9)])\*\*|\*\*(?![0-9(])")
_EN_DASH_SIGN = re.compile(r"(?<![0-9A-Za-z)\]%])(?<![0-9)\]%] )\u2013(?=[$€£]?\.?[0-9])")
_ABBREVIATION = re.compile(r"\b(Rs|Mrs|Mr|Ms|Dr|St|approx|sq|cu|vs|ca)\.(?= ?[0-9A-Za-z$])")
_DIGIT_GAP = re.compile(r"(?<=[0-9])(?:\\[,;:! ]|~|\{,\})(?=[0-9])")


def _raised(match: re.Match[str]) -> str:
    return "^{" + match.group().translate(_RAISED) + "}"


_ANNOTATION = re.compile(r"<<[^<>\n]{0,200}+>>(?=\s?[-+\u2212$\u20ac\u00a3]?[0-9.])")
"""A calculator annotation, where its result follows."""


def plain(text: str) -> str:
    """`text` without LaTeX and Markdown dress, glyphs in one spelling. For short text only."""
    if "<<" in text:
        text = _ANNOTATION.sub("", text)
    text = text.translate(_SINGLE)
    if "\\" in text:
        text = text.replace("\\$", "$").replace("\\%", "%").replace("{,}", ",")
        text = text.replace("\\!", "").replace("\\#", "#").replace("\\&", "&")
        text = _DIGIT_GAP.sub("\u2009", text)
        for spaced in ("\\,", "\\;", "\\:", "\\ ", "\\(", "\\)", "\\[", "\\]"):
            text = text.replace(spaced, " ")
        text = _SPACING.sub("", text)
        for _ in range(4):
            replaced = _TEXT.sub(r" \1", text)
            if replaced == text:
                break
            text = replaced
        for pattern, replacement in _COMMANDS:
            text = pattern.sub(replacement, text)
    elif "{,}" in text:
        text = text.replace("{,}", ",")
    if "\u2013" in text:
        text = _EN_DASH_SIGN.sub("-", text)
    if "~" in text:
        text = text.replace("~", " ")
    if "<" in text:
        text = _TAG.sub("", text)
    if "10" in text and not text.isascii():
        text = _SUPERSCRIPT.sub(_raised, text)
    if "*" in text:
        text = _BOLD.sub("", text)
    return _ABBREVIATION.sub(r"\1", text)


_CLOSERS = re.compile(r"[)\]}\"'”$*_`]*+")
# Words that change the number before them.
_CHANGING = frozenset(
    _words(
        "squared cubed factorial pi π x y z n i e sqrt root cos sin tan log ln mod modulo "
        "remainder rem r minus plus times over divided multiplied choose power point halves "
        "thirds fourths fifths sixths sevenths eighths ninths tenths "
        "hundredths thousandths half third quarter repeating recurring below"
    )
)
# Words that are harmless unless a number follows.
_JOINING = frozenset(
    _words("and or to plus minus times by through over till until versus vs x point of than")
)
_PREPOSITIONS = frozenset(_words("for in after on at every each within during before until"))
_ATTACHED_UNITS = frozenset(_words("g m s h l L c p C F V W A N J d a"))
_WORD = re.compile(r"[^\W\d_]++(?:['-][^\W\d_]++)*+")
_OPERATOR = re.compile(r"[*×x·+\-–÷/^√π±∓<>≤≥≠=≈&|\\!²³]")
_NUMBER_WORDS = frozenset(
    _words(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "hundred thousand million half quarter a an"
    )
)


def _is_number(text: str, at: int) -> bool:
    """Whether a number, in digits, stands at `at`, its sign and currency included."""
    rest = text[at : at + 12].lstrip(" \u2009([{$€£¥₹+-*_`~≈Rs.")
    return rest[:1].isdigit() or rest[:1] in VULGAR or rest.startswith(("\\frac", "\\sqrt"))


def problem_behind(text: str, end: int, strict: bool = False) -> str | None:
    """Why the number that ends at `end` of a clause is not all that is said there; or None.

    strict is for mathematics in braces, where `!` is a factorial.
    """
    at = _CLOSERS.match(text, end).end()
    rest = text[at : at + 160]
    if not rest.strip(" \u2009.,;:?"):
        return None
    first = rest[0]
    if first == "\n":
        return None
    if strict and (first in ",;:([{" or _OPERATOR.match(rest.lstrip(" \u2009"))):
        return "parse" if rest.strip(" \u2009.,;:?") else None
    if first in ",;" and text[:end].count("(") + text[:end].count("[") > (
        text[:at].count(")") + text[:at].count("]")
    ):
        return "ambiguous"  # (5, x)
    if first == "!":
        # At the end of a sentence it is punctuation, else a factorial.
        return "parse" if strict or not _EXCLAIMED.match(rest) else None
    if first == "\\":
        return "parse"
    if first.isdigit() or first in "²³⁴⁵⁶⁷⁸⁹¹⁰₀₁₂₃₄₅₆₇₈₉":
        return "parse"
    if first.isalpha():
        word = _WORD.match(rest).group()
        following = rest[len(word) : len(word) + 1]
        if following.isdigit() and not (len(word) == 1 and word in "xX"):
            unit = len(word) > 1 and following in "23" and not rest[len(word) + 1 :][:1].isalnum()
            return None if unit else "parse"  # cm2, but not 0x1F
        if len(word) == 1 and (strict or word not in _ATTACHED_UNITS):
            return "parse"
        if following == "(" or (word in _CHANGING and word != "x"):
            return "parse"
        return _problem_in_words(rest, strict)
    if first in "([{":
        # "18 (dollars)" is a remark, "2(3)" and "f(x)" are products.
        return "parse" if at == end and _is_number(rest, 1) else None
    if first in " \u2009":
        return _problem_in_words(rest, strict)
    if first == ":" or first == ";":
        return "ambiguous" if _is_number(rest, 1) else None
    if first in ",.":
        listed = first == "," and (_is_number(rest, 1) or rest[1:2].isalpha())
        return "ambiguous" if listed else None
    if first in "/":
        return "parse" if _is_number(rest, 1) else _problem_in_words(rest[1:], strict)
    if first in "-–":
        if _is_number(rest, 1) or not rest[1:2].isalpha():
            return "parse" if rest[1:].strip() else None
        if _LONE_LETTER.match(rest, 1):
            return "parse"  # 12-p
        return _problem_in_words(rest[1:], strict)
    if _OPERATOR.match(rest):
        return "parse"
    if first in "°%?#@":
        return _problem_in_words(rest[1:], strict)
    return None if not first.isnumeric() else "parse"


def _problem_in_words(rest: str, strict: bool) -> str | None:
    """The words behind a number: a unit, or a second number that belongs to the answer."""
    position, words, lowered = 0, 0, ""
    size = len(rest)
    while position < size and words <= 4:
        character = rest[position]
        if character in " \u2009":
            position += 1
            continue
        if character.isalpha():
            word = _WORD.match(rest, position).group()
            after = position + len(word)
            lowered = word.lower()
            if words == 0:
                if lowered in ("half", "quarter", "third"):
                    return "parse"
                if lowered in _CHANGING and lowered not in ("times", "point", "x", "i"):
                    return "parse"
                if len(word) == 1 and lowered in ("x", "y", "z", "n", "i") and word != "I":
                    return "parse"
                if lowered in _NUMBER_WORDS and lowered not in ("a", "an"):
                    return "ambiguous"
            if lowered in _JOINING:
                if _is_number(rest, after):
                    return "ambiguous"
                following = _WORD.match(rest, after + 1)
                if following and following.group().lower().split("-")[0] in _NUMBER_WORDS:
                    named = following.group().lower()
                    if named not in ("a", "an") or lowered in ("and", "or", "plus", "minus"):
                        return "ambiguous"
            if word in ("because", "since", "so", "which", "as", "where", "if", "that", "when"):
                return None
            position, words = after, words + 1
            continue
        if character.isdigit() or character in VULGAR:
            # "5 feet 3 inches", "5 18": two numbers with at most a unit between them.
            if rest[position - 1 : position].isalpha():
                position += 1  # cm2, CO2
                continue
            return "ambiguous" if words <= 1 and lowered not in _PREPOSITIONS else None
        if character in "(\n":
            return None
        if character in ",.;:?":
            if character in ",:" and words <= 2 and _is_number(rest, position + 1):
                return "ambiguous"
            return None
        if character in "^" and words:
            # An exponent of the unit, m^2.
            match = _UNIT_POWER.match(rest, position)
            if not match:
                return "parse"
            position = match.end()
            continue
        if character in "²³" and words:
            position += 1
            continue
        if character == "!":
            return None if words or not strict else "parse"
        if character in "$€£¥₹":
            return "ambiguous" if _is_number(rest, position) else None
        if character == "\\":
            return "parse"
        if _OPERATOR.match(rest, position):
            if character in "-–/&" and words and not _is_number(rest, position + 1):
                position += 1
                continue
            if character in "-–" and rest[position + 1 : position + 2] == " ":
                term = _is_number(rest, position + 1) or _LONE_LETTER.match(rest, position + 2)
                return "parse" if term else None
            return "parse"
        position += 1
    return None


_EXCLAIMED = re.compile(r"!++[\s)*\"'.]*(?:\Z|(?<=\s)(?:[A-Z]|[^\W\d]+ [^\W\d]+ [^\W\d]))")
_LONE_LETTER = re.compile(r"(?![AaI]\b)[^\W\d_](?![^\W_])")
_UNIT_POWER = re.compile(r"\^ ?(?:\{ ?-?[0-9] ?\}|-?[0-9])(?![0-9])")

_WORD_VALUES = {
    word: value
    for value, word in enumerate(
        _words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
    )
} | {
    word: 10 * value
    for value, word in enumerate(
        _words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}


def read_number_words(text: str) -> int | None:
    """The whole number that English words at the start of `text` spell, if nothing may change it.

    `twenty-one`, `one hundred and five`, `three thousand dollars`; None for anything unclear, as
    "one of them", "two thirds", "one or two".
    """
    words = _WORD.findall(text[:120].lower())
    flat: list[str] = []
    for word in words[:12]:
        flat += word.split("-") if "-" in word else [word]
    total = current = 0
    used = 0
    last = "start"
    for word in flat:
        if word in _WORD_VALUES:
            value = _WORD_VALUES[word]
            fits = last in ("start", "scale", "hundred", "and") or (
                last == "tens" and 0 < value < 10
            )
            if not fits:
                return None
            current += value
            last = "tens" if value >= 20 else "unit"
        elif word == "hundred" and last in ("unit", "tens") and 0 < current < 100:
            current, last = current * 100, "hundred"
        elif word in ("thousand", "million", "billion") and last in ("unit", "tens", "hundred"):
            total, current, last = total + current * numbers.SCALES[word], 0, "scale"
        elif word == "and" and last in ("hundred", "scale"):
            last = "and"
        else:
            break
        used += 1
    if used == 0 or last == "and":
        return None
    following = flat[used] if used < len(flat) else ""
    if following in _JOINING | _CHANGING | {"dozen", "hundredths", "percent", "per"}:
        return None
    end = _WORD.search(text)
    if end is None or re.search(r"[0-9^*/+=<>\\]", text[:120]):
        return None
    return total + current
