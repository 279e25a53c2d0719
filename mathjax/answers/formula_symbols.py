"""Names of the functions, commands and signs that answers are written with."""

from __future__ import annotations

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh "
    "acosh atanh exp log log2 log10 sqrt cbrt root abs floor ceil factorial binomial max min "
    "sign".split()
)
SPELLINGS = {
    "ln": "log", "Abs": "abs", "lg": "log10", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arccot": "acot", "arcsec": "asec", "arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "tg": "tan",
    "ctg": "cot", "cosec": "csc", "ceiling": "ceil", "binom": "binomial", "sgn": "sign",
}  # fmt: skip
CODE = frozenset(
    "expand simplify factor factorint collect cancel apart together solve nsolve solveset dsolve "
    "linsolve roots diff differentiate derivative integrate integral limit series summation subs "
    "replace evalf eval exec compile sympify parse sum prod product print input open import from "
    "lambdify if else elif for while not is return def class pass yield with as assert del try "
    "except raise global True False None nan NaN mod rem gcd lcm".split()
)
"""Words of programs, not of mathematics, where they are not declared as variables."""
WORDS = {"or": "or", "and": "and", "in": "in", "union": "union", "intersect": "intersection"}
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega".split()
)
GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _GREEK, strict=True)) | {
    letter: name.capitalize()
    for letter, name in zip("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", _GREEK, strict=True)
    if name in ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "phi", "psi", "omega")
}
GREEK_NAMES = frozenset(_GREEK) | frozenset(GREEK_LETTERS.values())
GREEK_NAMES |= {"varepsilon", "vartheta", "varphi", "varrho", "varsigma", "ell", "hbar"}

COMMANDS = {
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
SPACING = frozenset(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle "
    "limits quad qquad nolimits thinspace hfill strut".split()
)
QUANTITIES = frozenset(
    "hundred thousand million billion trillion dozen percent squared cubed factorial remainder "
    "mod modulo div times plus minus negative over divided multiplied half twice double triple "
    "and or not is are was wrong false no to base k bn mn pair score gross per_cent half halve "
    "third quarter fourth fifth sixth seventh eighth ninth tenth hundredth thousandth i e x y "
    "pi".split()
)
"""Words that change the number they stand at: no units."""
FONTS = frozenset(
    "text textbf textrm textit textnormal mbox mathrm operatorname rm mathbf mathit mathsf mathbb "
    "mathcal".split()
)
"""Commands whose braces hold a word."""
STRUCTURES = frozenset("frac sqrt binom overline bar begin end".split())
GLYPHS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "∙": "*",
    "÷": "/", "∕": "/", "⁄": "/", "±": "pm", "∓": "mp", "≤": "<=", "≥": ">=", "⩽": "<=",
    "⩾": ">=", "≠": "!=", "∪": "union", "∩": "intersection", "∖": "difference", "∈": "in",
    "∞": "oo", "∅": "empty", "ℝ": "reals", "°": "degree", "∨": "or", "∧": "and", "√": "radical",
    "∛": "radical3", "∜": "radical4", "⟨": "(", "⟩": ")",
}  # fmt: skip
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", "0123456789+-()n", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8),
}  # fmt: skip
