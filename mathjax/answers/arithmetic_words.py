"""English words that mean something in written arithmetic."""

from __future__ import annotations

SIGN_WORDS = ("times", "plus", "minus", "divided", "multiplied", "of", "percent", "equals", "sqrt")
SCALES = {
    "dozen": 12, "dozens": 12, "hundred": 100, "thousand": 1000, "million": 10**6,
    "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
ABOUT_WORDS = ("about", "approximately", "approx", "roughly", "around", "nearly", "almost")

WORD_SIGNS = {"times": "*", "plus": "+", "minus": "-", "x": "*"}
WITH_BY = {"divided": "/", "multiplied": "*"}
ABBREVIATIONS = frozenset(
    "cm mm km kg mg ml lb lbs oz ft in hr hrs min mins sec mph yd yds pm am th st nd rd pts gal "
    "cal kcal kwh mi sq cups days feet".split()
)
"""Short units that may touch their number."""

# Words that no unit has.
PROSE = frozenset(
    "i so is are was were and then has have had gives give which because since he she they we it "
    "that this if but or when than there will would can you his her their also thus therefore "
    "hence means leaves making leaving giving".split()
)
# Words that make something else of the number beside them.
UNCLEAR_WORDS = frozenset(
    "half third thirds quarter quarters fourth fifth twice thrice double triple doubled tripled "
    "squared cubed root square cube sum difference product quotient average mean ratio less more "
    "than fewer times divided multiplied minus plus negative mod modulo over percent log ln "
    "sin cos tan max min gcd lcm factorial".split()
)
