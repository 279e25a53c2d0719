"""Words of the grade-school stories: people, things that can be counted, and their forms."""

from __future__ import annotations

from fractions import Fraction

SHE, HE = ("she", "her", "her"), ("he", "him", "his")
"""Subject, object and possessive forms."""

_WOMEN = (
    "Ada Amina Beatriz Chloe Daria Elena Farah Greta Hana Ingrid Julia Keiko Leila Maya Nadia Olga "
    "Priya Rosa Sofia Tamar Ursula Vera Wanda Yara Zoe"
)
_MEN = (
    "Adam Bruno Carlo Diego Emil Felix Goran Hugo Ivan Jonah Kofi Liam Marco Nikhil Omar Pablo "
    "Quentin Ravi Stefan Tariq Umar Viktor Walter Yusuf Zane"
)
PEOPLE = dict.fromkeys(_WOMEN.split(), SHE) | dict.fromkeys(_MEN.split(), HE)
"""Names, none of which ends in s, with their pronouns."""

FRUIT = ("apple", "pear", "peach", "mango", "lemon", "orange", "plum", "melon", "kiwi", "banana")
TREE_FRUIT = ("apple", "pear", "peach", "mango", "lemon", "orange", "plum", "apricot")
BAKED = ("muffin", "cookie", "scone", "bread roll", "pretzel", "cupcake", "bun", "doughnut")
STATIONERY = ("pencil", "notebook", "eraser", "folder", "marker", "ruler", "pen", "glue stick")
TOYS = ("marble", "sticker", "trading card", "toy car", "bead", "stamp", "shell", "button")
FLOWERS = ("rose", "tulip", "daisy", "lily", "sunflower", "carnation", "poppy", "marigold")
VEGETABLES = ("carrot", "cabbage", "onion", "pumpkin", "cucumber", "turnip", "beetroot", "pepper")
CLOTHES = ("jacket", "coat", "sweater", "backpack", "dress", "raincoat", "hoodie", "blanket")
GADGETS = ("bicycle", "tablet", "camera", "guitar", "telescope", "skateboard", "keyboard", "tent")
ANIMALS = ("goat", "sheep", "cow", "pig", "horse", "donkey")
DRINKS = ("lemonade", "iced tea", "apple juice", "orange juice", "hot cocoa", "mint tea")
CRAFTS = ("scarf", "bracelet", "candle", "basket", "lantern", "kite", "necklace", "puppet")
PARTS = ("bolt", "spring", "gear", "hinge", "bracket", "valve", "lamp", "switch")

_IRREGULAR = {
    "child": "children",
    "foot": "feet",
    "goldfish": "goldfish",
    "loaf": "loaves",
    "man": "men",
    "person": "people",
    "scarf": "scarves",
    "sheep": "sheep",
    "shelf": "shelves",
    "woman": "women",
}


def plural(noun: str) -> str:
    """`glass of water` -> `glasses of water`, `toy car` -> `toy cars`."""
    head, of, rest = noun.partition(" of ")
    start, space, last = head.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return start + space + last + of + rest


def counted(noun: str, value: Fraction) -> str:
    """The noun as it stands behind a number: singular behind 1 only."""
    return noun if value == 1 else plural(noun)


def article(noun: str) -> str:
    """`an apple`, `a pear`; no noun of ours sounds unlike its first letter."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun
