"""Stories about collections: giving, gathering, comparing, packing, parts of groups."""

from __future__ import annotations

from mathjax.problems import story_words as words
from mathjax.problems.story_engine import Template, number, pick

_PLACES = ("market", "park", "beach", "fair", "school", "village hall")

TEMPLATES = (
    Template(
        "give_away",
        people="AB",
        numbers={"b": number(3, 120), "a": number(2, 90, plus="b")},
        nouns={"item": words.TOYS},
        wordings=(
            (
                "{A} has {a @item} and gives {b} of them to {B}.",
                "How many {item.s} does {A} have now?",
            ),
            (
                "There are {a @item} in {A}'s collection. {B} is given {b} of them.",
                "How many {item.s} are left in {A}'s collection?",
            ),
        ),
        steps=("left = a - b | {A} keeps {= @item}.",),
        facts=(("{B} is {x} years old.", number(7, 14)),),
    ),
    Template(
        "pick_together",
        people="AB",
        numbers={"a": number(4, 150), "b": number(4, 150)},
        nouns={"item": words.TREE_FRUIT},
        wordings=(
            (
                "{A} picks {a @item} and {B} picks {b}.",
                "How many {item.s} do {A} and {B} pick together?",
            ),
            (
                "In the orchard, {B} gathers {b @item} while {A} gathers {a}. They put all of them "
                "in one crate.",
                "How many {item.s} did {A} and {B} put in the crate?",
            ),
        ),
        steps=("total = a + b | Together they have {= @item}.",),
        facts=(("The orchard has {x} trees.", number(20, 200)),),
    ),
    Template(
        "full_boxes",
        numbers={"boxes": number(3, 60), "n": number(4, 60)},
        nouns={"item": words.BAKED},
        where=("boxes != n",),
        wordings=(
            (
                "{A} packs {boxes} boxes with {n @item} in each.",
                "How many {item.s} does {A} pack?",
            ),
            (
                "Each box holds {n @item}, and {A} fills {boxes} boxes.",
                "How many {item.s} has {A} put in boxes?",
            ),
        ),
        steps=("total = boxes * n | In all, that is {= @item}.",),
        facts=(("A box is {x} centimetres wide.", number(20, 60)),),
    ),
    Template(
        "equal_shares",
        numbers={"children": number(3, 30), "total": number(3, 70, times="children")},
        nouns={"item": words.TOYS},
        wordings=(
            (
                "{A} shares {total @item} equally among {children} children.",
                "How many {item.s} does {A} give to each child?",
            ),
            (
                "{A} has {total @item} and divides them equally among {children} children until "
                "none is left.",
                "How many {item.s} does each child get from {A}?",
            ),
        ),
        steps=("each = total / children | Each child gets {= @item}.",),
        facts=(("The youngest child is {x} years old.", number(3, 6)),),
    ),
    Template(
        "more_than_friend",
        people="AB",
        numbers={"a": number(5, 150), "d": number(2, 80)},
        nouns={"item": words.TOYS},
        wordings=(
            (
                "{A} has {a @item}. {B} has {d} more than {A}.",
                "How many {item.s} do {A} and {B} have together?",
            ),
            (
                "{B} collects {item.s} and owns {d} more of them than {A}, who owns {a}.",
                "How many {item.s} do {A} and {B} own in all?",
            ),
        ),
        steps=(
            "b = a + d | {B} has {= @item}.",
            "total = a + b | Together they have {= @item}.",
        ),
        facts=(("{A} and {B} have known each other for {x} years.", number(2, 9)),),
    ),
    Template(
        "times_as_many",
        people="AB",
        numbers={"a": number(4, 250), "k": number(2, 9)},
        nouns={"item": words.STATIONERY},
        wordings=(
            (
                "{A} has {a @item}. {B} has {k.times} as many.",
                "How many {item.s} do {A} and {B} have altogether?",
            ),
            (
                "{B} owns {k.times} as many {item.s} as {A}. {A} owns {a}.",
                "What is the total number of {item.s} that {A} and {B} own?",
            ),
        ),
        steps=(
            "b = a * k | {B} has {= @item}.",
            "total = a + b | Together they have {= @item}.",
        ),
        facts=(("There are {x} pupils in {A}'s class.", number(18, 32)),),
    ),
    Template(
        "three_collectors",
        people="ABC",
        numbers={"a": number(10, 60), "k": number(2, 5), "d": number(3, 19)},
        nouns={"item": words.TOYS},
        wordings=(
            (
                "{A} has {a @item}. {B} has {k.times} as many as {A}, and {C} has {d} fewer than "
                "{B}.",
                "How many {item.s} do {A}, {B} and {C} have in total?",
            ),
            (
                "{C} owns {d} fewer {item.s} than {B}. {B} owns {k.times} as many as {A}, and {A} "
                "owns {a}.",
                "How many {item.s} do {A}, {B} and {C} own together?",
            ),
        ),
        steps=(
            "b = a * k | {B} has {= @item}.",
            "c = b - d | {C} has {= @item}.",
            "total = a + b + c | The three have {= @item}.",
        ),
        facts=(("{C} started collecting {x} years ago.", number(2, 8)),),
    ),
    Template(
        "trays_of_baking",
        numbers={"trays": number(2, 15), "n": number(6, 30), "eaten": number(3, 60)},
        where=("left > 1",),
        nouns={"item": words.BAKED},
        wordings=(
            (
                "{A} bakes {trays} trays of {item.s} with {n} on each tray. {A.His} family eats "
                "{eaten} of them.",
                "How many {item.s} does {A} have left?",
            ),
            (
                "A tray holds {n @item}. {A} fills {trays} trays, and {eaten} {item.s} are eaten "
                "the same day.",
                "How many of {A}'s {item.s} remain?",
            ),
        ),
        steps=(
            "baked = trays * n | {A} bakes {= @item}.",
            "left = baked - eaten | There remain {= @item}.",
        ),
        facts=(("The oven is set to {x} degrees.", number(160, 220, 10)),),
    ),
    Template(
        "bus_stops",
        numbers={
            "off": number(2, 14),
            "start": number(5, 30, plus="off"),
            "on": number(2, 15),
            "off2": number(2, 18),
        },
        nouns={"vehicle": ("bus", "tram", "ferry", "train")},
        wordings=(
            (
                "{A} drives {a vehicle}. At first there are {start} passengers on it. At the first "
                "stop {off} get off and {on} get on. At the next stop {off2} get off.",
                "How many passengers does {A} have now?",
            ),
            (
                "{A vehicle} driven by {A} leaves with {start} passengers. Then {off} of them "
                "leave and {on} new ones come in, and later {off2} more passengers leave.",
                "How many passengers are then left with {A}?",
            ),
        ),
        steps=(
            "first = start - off | After {off} get off, the {vehicle} carries {= passenger}.",
            "second = first + on | After {on} get on, it carries {= passenger}.",
            "third = second - off2 | After {off2} more get off, it carries {= passenger}.",
        ),
        facts=(("The {vehicle} has {x} windows.", number(10, 40)),),
    ),
    Template(
        "library_shelves",
        numbers={
            "shelves": number(4, 20),
            "n": number(12, 45),
            "out": number(10, 80),
            "back": number(5, 60),
        },
        nouns={"item": ("book", "atlas", "film", "magazine")},
        wordings=(
            (
                "{A} looks after {shelves} full shelves of {n @item} each. In a week, {out} "
                "{item.s} are lent out and {back} old loans come back.",
                "How many {item.s} does {A} have on the shelves after that week?",
            ),
            (
                "At the library, {shelves} shelves hold {n @item} each. {A} lends {out} of them to "
                "visitors and then puts back {back} that were lent earlier.",
                "How many {item.s} are on {A}'s shelves now?",
            ),
        ),
        steps=(
            "all = shelves * n | The shelves hold {= @item}.",
            "rest = all - out | After the loans there are {= @item}.",
            "now = rest + back | With those that came back there are {= @item}.",
        ),
        facts=(("The library has {x} reading lamps.", number(6, 40)),),
    ),
    Template(
        "garden_rows",
        numbers={
            "rows": number(3, 15),
            "n": number(5, 25),
            "rows2": number(3, 15),
            "m": number(5, 25),
        },
        nouns={"item": words.VEGETABLES, "other": words.VEGETABLES},
        wordings=(
            (
                "In the garden, {A} plants {rows} rows of {n @item} and {rows2} rows of {m "
                "@other}.",
                "How many vegetables does {A} plant?",
            ),
            (
                "{A}'s garden has {rows2} rows with {m @other} each and {rows} rows with {n @item} "
                "each, and nothing else.",
                "How many vegetables grow in {A}'s garden?",
            ),
        ),
        steps=(
            "first = rows * n | There are {= @item}.",
            "second = rows2 * m | There are {= @other}.",
            "total = first + second | Together there are {= vegetable}.",
        ),
        facts=(("The fence around the garden is {x} centimetres high.", number(80, 180, 5)),),
    ),
    Template(
        "part_of_group",
        numbers={
            "den": pick(5, 7, 11),
            "num": number(2, 4),
            "total": number(3, 120, times="den"),
        },
        nouns={"place": _PLACES, "item": ("hat", "scarf", "rucksack", "badge", "umbrella")},
        wordings=(
            (
                "{A} counts {total} people at the {place}. Of these, {num}/{den} have {a item}.",
                "How many of the people {A} counts have no {item}?",
            ),
            (
                "Of {total} people whom {A} sees at the {place}, {num}/{den} are carrying "
                "{a item} and the others are not.",
                "How many people without {a item} does {A} see?",
            ),
        ),
        steps=(
            "have = total * num / den | There are {= person} with {a item}.",
            "none = total - have | That leaves {= person} without {a item}.",
        ),
        facts=(("The {place} is {x} metres long.", number(60, 400, 10)),),
    ),
    Template(
        "percent_of_pupils",
        people="A",
        numbers={
            "p": pick(10, 15, 20, 25, 30, 40),
            "q": pick(10, 15, 20, 25, 30, 35),
            "total": number(60, 1200, 20),
        },
        where=("rest > 1",),
        nouns={"one": ("chess", "tennis", "judo"), "two": ("drama", "choir", "robotics")},
        wordings=(
            (
                "At {A}'s school there are {total} pupils. The {one} club has {p}% of them and the "
                "{two} club has {q}%. Nobody is in both clubs.",
                "How many pupils at {A}'s school are in neither of the two clubs?",
            ),
            (
                "{A}'s school has {total} pupils, and each may join one club. Of all pupils, {p}% "
                "join {one}, {q}% join {two}, and the others join none.",
                "How many pupils at {A}'s school join no club?",
            ),
        ),
        steps=(
            "first = p / 100 * total | The {one} club has {= pupil}.",
            "second = q / 100 * total | The {two} club has {= pupil}.",
            "rest = total - first - second | That leaves {= pupil} in neither club.",
        ),
        facts=(("The school building has {x} rooms.", number(20, 90)),),
    ),
    Template(
        "album_pages",
        numbers={
            "pages": number(8, 40),
            "n": number(4, 20),
            "packs": number(2, 12),
            "m": number(3, 12),
        },
        nouns={"item": ("sticker", "stamp", "photo", "postcard", "trading card")},
        wordings=(
            (
                "{A}'s album has {pages} pages with room for {n @item} on each. {A} has bought "
                "{packs} packs of {m @item}, all different.",
                "How many more {item.s} does {A} need to fill the album?",
            ),
            (
                "An album takes {n @item} on each of its {pages} pages. So far {A} owns {packs} "
                "packs of {m @item}, and no two {item.s} are the same.",
                "How many {item.s} are missing in {A}'s album?",
            ),
        ),
        steps=(
            "room = pages * n | The album has room for {= @item}.",
            "have = packs * m | {A} has {= @item}.",
            "missing = room - have | {A} needs {= more @item}.",
        ),
        facts=(("The album weighs {x} grams.", number(300, 900, 10)),),
    ),
    Template(
        "farm_legs",
        numbers={"hens": number(4, 80), "n": number(3, 50), "sold": number(2, 40)},
        nouns={"animal": words.ANIMALS},
        where=("left > 1",),
        wordings=(
            (
                "On {A}'s farm there are {hens} hens and {n @animal}. Then {A} sells {sold} of the "
                "hens.",
                "How many legs do the animals that {A} has left have in all?",
            ),
            (
                "{A} keeps {n @animal} and {hens} hens. After {sold} hens have been sold, {A} "
                "counts the legs of all {A.his} animals.",
                "What number of legs does {A} get?",
            ),
        ),
        steps=(
            "left = hens - sold | There are {= hen} left.",
            "two = left * 2 | Hens have two legs each, so the hens have {= leg}.",
            "four = n * 4 | The {animal.s} have four legs each, which makes {= leg}.",
            "legs = two + four | Altogether there are {= leg}.",
        ),
        facts=(("The farmhouse is {x} years old.", number(30, 180)),),
    ),
    Template(
        "before_the_gifts",
        people="ABC",
        numbers={"b": number(3, 60), "c": number(3, 60), "left": number(4, 90)},
        nouns={"item": words.TOYS},
        wordings=(
            (
                "{A} gives {b @item} to {B} and {c} to {C}. After that, {A} has {left} left.",
                "How many {item.s} did {A} have at first?",
            ),
            (
                "After giving {B} {b @item} and {C} {c @item}, {A} still has {left}.",
                "How many {item.s} did {A} have before giving any away?",
            ),
        ),
        steps=(
            "given = b + c | {A} gives away {= @item}.",
            "start = given + left | So {A} began with {= @item}.",
        ),
        facts=(("{C} lives on floor {x} of a tower.", number(3, 20)),),
    ),
)
