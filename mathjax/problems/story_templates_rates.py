"""Stories about time, speed, work, mixtures and shapes."""

from __future__ import annotations

from mathjax.problems import story_words as words
from mathjax.problems.story_engine import Template, money, number, pick

TEMPLATES = (
    Template(
        "distance",
        numbers={"speed": number(30, 120), "hours": number(2, 12)},
        nouns={"town": ("lake", "coast", "capital", "border", "valley")},
        wordings=(
            (
                "{A} travels to the {town} by train for {hours} hours. The train's average speed "
                "is {speed} kilometres per hour.",
                "How many kilometres does {A} travel?",
            ),
            (
                "On the way to the {town}, {A} rides a motorbike at {speed} kilometres per hour on "
                "average and arrives after {hours} hours.",
                "How many kilometres long is {A}'s way?",
            ),
        ),
        steps=("way = speed * hours | The distance is {= kilometre}.",),
        facts=(("{A} takes along {x} sandwiches.", number(2, 6)),),
    ),
    Template(
        "two_legs",
        numbers={
            "v": number(10, 30),
            "t": number(2, 6),
            "w": number(50, 110, 5),
            "u": number(2, 6),
        },
        nouns={"town": ("coast", "capital", "border", "festival")},
        wordings=(
            (
                "{A} cycles for {t} hours at {v} kilometres per hour and then takes a train to the "
                "{town} for {u} hours at {w} kilometres per hour.",
                "How many kilometres does {A} cover altogether?",
            ),
            (
                "To get to the {town}, {A} first rides a bicycle, covering {v} kilometres an hour "
                "for {t} hours. A train then takes {A.him} the rest of the way in {u} hours at "
                "{w} kilometres an hour.",
                "How many kilometres is {A}'s whole journey?",
            ),
        ),
        steps=(
            "first = v * t | By bicycle, {A} covers {= kilometre}.",
            "second = w * u | By train, {A} covers {= kilometre}.",
            "total = first + second | The whole way is {= kilometre}.",
        ),
        facts=(("The train has {x} carriages.", number(4, 14)),),
    ),
    Template(
        "reading_days",
        numbers={
            "daily": number(8, 45),
            "read": number(12, 150),
            "pages": number(3, 20, times="daily", plus="read"),
        },
        nouns={"item": ("novel", "biography", "detective story", "travel diary")},
        wordings=(
            (
                "{A} is reading {a item} of {pages} pages and has finished {read} of them. From "
                "now on {A.he} reads {daily} pages a day.",
                "How many days does {A} need for the rest of the {item}?",
            ),
            (
                "{A item} has {pages} pages. {A} is through with the first {read} and reads "
                "another {daily} every day.",
                "In how many days will {A} have finished the {item}?",
            ),
        ),
        steps=(
            "rest = pages - read | There are {= page} left.",
            "days = rest / daily | That takes {A} {= day}.",
        ),
        facts=(("The {item} was printed {x} years ago.", number(2, 60)),),
    ),
    Template(
        "machine_output",
        numbers={"k": number(2, 9), "rate": number(4, 60), "hours": number(2, 12)},
        nouns={"part": words.PARTS},
        wordings=(
            (
                "{A} runs {k} machines. Each of them makes {rate @part} an hour.",
                "How many {part.s} do {A}'s machines make in {hours} hours?",
            ),
            (
                "One machine in {A}'s workshop produces {rate @part} every hour, and there are {k} "
                "such machines. All of them run for {hours} hours.",
                "How many {part.s} does {A}'s workshop produce in that time?",
            ),
        ),
        steps=(
            "hourly = k * rate | In an hour, the machines make {= @part}.",
            "total = hourly * hours | In {hours} hours, they make {= @part}.",
        ),
        facts=(("Each machine weighs {x} kilograms.", number(80, 900, 10)),),
    ),
    Template(
        "fuel_cost",
        numbers={
            "use": number(4, 12),
            "km": number(100, 1200, 50),
            "$litre": money(110, 230, 1),
        },
        nouns={"vehicle": ("car", "van", "camper", "minibus")},
        decimals=("fuel",),
        wordings=(
            (
                "{A}'s {vehicle} uses {use} litres of fuel for 100 kilometres. A litre costs "
                "{$litre}, and {A} drives {km} kilometres.",
                "How many dollars does the fuel for {A}'s drive cost?",
            ),
            (
                "Fuel costs {$litre} a litre. On a drive of {km} kilometres, {A} takes {a vehicle} "
                "that needs {use} litres for every 100 kilometres.",
                "How many dollars does {A} spend on fuel?",
            ),
        ),
        steps=(
            "fuel = km / 100 * use | The drive takes {= litre} of fuel.",
            "$cost = fuel * $litre | The fuel costs {=}.",
        ),
        facts=(("The {vehicle} has {x} seats.", number(4, 8)),),
    ),
    Template(
        "filling_tank",
        numbers={
            "out": number(2, 15),
            "net": number(2, 20),
            "in": number(1, 1, times="net", plus="out"),
            "size": number(6, 60, times="net"),
        },
        nouns={"tank": ("tank", "pond", "pool", "rain barrel", "trough")},
        where=("in > out",),
        wordings=(
            (
                "{A} fills an empty {tank} that holds {size} litres. Each minute {in} litres flow "
                "in, but {out} litres leak out.",
                "After how many minutes is {A}'s {tank} full?",
            ),
            (
                "A leaking {tank} loses {out} litres a minute. {A} starts to fill it, when it is "
                "empty, with {in} litres a minute, and it has room for {size} litres.",
                "How many minutes does it take {A} to fill the {tank}?",
            ),
        ),
        steps=(
            "gain = in - out | Each minute the {tank} gains {= litre}.",
            "time = size / gain | It is full after {= minute}.",
        ),
        facts=(("The {tank} is {x} centimetres deep.", number(40, 200, 10)),),
    ),
    Template(
        "training_laps",
        numbers={"m": number(200, 900, 50), "laps": number(3, 16), "days": number(2, 7)},
        nouns={"place": ("park", "lake", "stadium", "village green", "reservoir")},
        decimals=("km",),
        wordings=(
            (
                "One lap around the {place} is {m} metres. {A} runs {laps} laps on each of {days} "
                "days.",
                "How many kilometres does {A} run in those days?",
            ),
            (
                "On {days} days, {A} runs around the {place} {laps.times} a day. Once around is "
                "{m} metres.",
                "How many kilometres does {A} run in total?",
            ),
        ),
        steps=(
            "daily = laps * m | {A} runs {= metre} a day.",
            "total = daily * days | Over all the days, that is {= metre}.",
            "km = total / 1000 | In kilometres, that is {=}.",
        ),
        facts=(("There are {x} benches around the {place}.", number(4, 30)),),
    ),
    Template(
        "practice_week",
        numbers={
            "days": number(2, 5),
            "a": number(20, 90, 5),
            "weekend": number(40, 180, 10),
            "weeks": number(2, 12),
        },
        nouns={"thing": ("piano", "violin", "cello", "flute", "trumpet")},
        decimals=("hours",),
        wordings=(
            (
                "Each week, {A} practises the {thing} for {a} minutes on {days} weekdays and for "
                "{weekend} minutes on Sunday.",
                "How many hours does {A} practise in {weeks} weeks?",
            ),
            (
                "{A} plays the {thing} every Sunday for {weekend} minutes. On {days} other days of "
                "the week {A.he} plays for {a} minutes each.",
                "How many hours does {A} play the {thing} in {weeks} weeks?",
            ),
        ),
        steps=(
            "other = days * a | On weekdays, {A} practises for {= minute}.",
            "week = other + weekend | With Sunday, that is {= minute} a week.",
            "all = week * weeks | In {weeks} weeks, that is {= minute}.",
            "hours = all / 60 | In hours, that is {=}.",
        ),
        facts=(("The {thing} is {x} years old.", number(3, 80)),),
    ),
    Template(
        "garden_fence",
        numbers={
            "long": number(8, 60),
            "wide": number(5, 40),
            "gate": number(1, 4),
            "$metre": money(800, 4000, 50),
        },
        nouns={"place": ("garden", "meadow", "playground", "orchard", "paddock")},
        where=("wide < long",),
        wordings=(
            (
                "{A} fences in a rectangular {place} that is {long} metres long and {wide} metres "
                "wide. A gap of {gate metre} stays open for a gate. A metre of fence costs "
                "{$metre}.",
                "How many dollars does {A}'s fence cost?",
            ),
            (
                "A fence costs {$metre} a metre. {A} puts one around a rectangular {place} of "
                "{long} metres by {wide} metres but leaves {gate metre} free for a gate.",
                "How many dollars does {A} pay for the fence?",
            ),
        ),
        steps=(
            "half = long + wide | A long and a short side are {= metre}.",
            "round = half * 2 | All the way round it is {= metre}.",
            "fence = round - gate | Without the gate, {A} needs {= metre} of fence.",
            "$cost = fence * $metre | The fence costs {=}.",
        ),
        facts=(("The {place} is {x} kilometres from {A}'s house.", number(2, 12)),),
    ),
    Template(
        "floor_tiles",
        numbers={
            "a": number(4, 30),
            "b": number(3, 25),
            "per": number(4, 25),
            "spare": number(4, 60),
        },
        nouns={"place": ("terrace", "courtyard", "hall", "corridor", "canteen")},
        where=("b < a",),
        wordings=(
            (
                "{A}'s {place} is a rectangle of {a} metres by {b} metres. Each square metre takes "
                "{per} tiles, and {A} buys {spare} more as spares.",
                "How many tiles does {A} buy?",
            ),
            (
                "It takes {per} tiles to cover one square metre. {A} orders enough for {a place} "
                "{a} metres long and {b} metres wide, and {spare} extra ones.",
                "How many tiles does {A} order?",
            ),
        ),
        steps=(
            "area = a * b | The floor has {= square metre}.",
            "need = area * per | It takes {= tile}.",
            "total = need + spare | With the spare ones, {A} needs {= tile}.",
        ),
        facts=(("A tile weighs {x} grams.", number(200, 900, 10)),),
    ),
    Template(
        "recipe_scaling",
        numbers={
            "people": number(2, 8),
            "each": number(20, 150, 5),
            "grams": number(1, 1, times="people each"),
            "guests": number(3, 40),
        },
        nouns={"what": ("rice", "lentils", "pasta", "couscous", "potatoes", "beans")},
        where=("guests != people",),
        wordings=(
            (
                "A recipe for {people} people takes {grams} grams of {what}. {A} cooks for "
                "{guests} people.",
                "How many grams of {what} does {A} need?",
            ),
            (
                "{A} has {guests} people to feed. The cookbook gives {grams} grams of {what} for "
                "{people} people.",
                "What amount of {what}, in grams, should {A} take?",
            ),
        ),
        steps=(
            "one = grams / people | For one person it takes {= gram}.",
            "all = one * guests | For {guests} people, {A} needs {= gram}.",
        ),
        facts=(("The dish cooks for {x} minutes.", number(12, 60)),),
    ),
    Template(
        "battery_level",
        numbers={
            "start": number(50, 100),
            "rate": number(3, 12),
            "hours": number(2, 8),
            "back": number(5, 60),
        },
        nouns={"item": ("phone", "laptop", "tablet", "camera", "torch")},
        where=("end < 101",),
        wordings=(
            (
                "The battery of {A}'s {item} is at {start}%. It loses {rate} percentage points an "
                "hour for {hours} hours and then gains {back} on the charger.",
                "What percentage is the battery of {A}'s {item} at in the end?",
            ),
            (
                "{A} uses {a item} for {hours} hours. The battery starts at {start}% and drops by "
                "{rate} percentage points each hour. Afterwards {A} charges it by {back} points.",
                "What level, in percent, does {A}'s {item} show at last?",
            ),
        ),
        steps=(
            "drop = rate * hours | The battery loses {= percentage point}.",
            "low = start - drop | It falls to {=} percent.",
            "end = low + back | On the charger it rises to {=} percent.",
        ),
        facts=(("The {item} is {x} months old.", number(2, 40)),),
    ),
    Template(
        "meeting_cyclists",
        people="AB",
        numbers={
            "v": number(8, 30),
            "w": number(8, 30),
            "way": number(20, 400),
        },
        nouns={"road": ("canal path", "coast road", "forest track", "valley road", "old railway")},
        where=("v != w", "hours < 10"),
        wordings=(
            (
                "{A} and {B} are {way} kilometres apart on {a road} and ride towards each other. "
                "{A} rides {v} kilometres an hour, and {B} rides {w} kilometres an hour.",
                "After how many hours do {A} and {B} meet?",
            ),
            (
                "At the same moment, {A} and {B} set off from opposite ends of {a road} that is "
                "{way} kilometres long. They ride at {v} and {w} kilometres an hour.",
                "How many hours does it take until {A} meets {B}?",
            ),
        ),
        steps=(
            "both = v + w | Each hour the gap shrinks by {= kilometre}.",
            "hours = way / both | They meet after {= hour}.",
        ),
        facts=(("There are {x} bridges along the way.", number(2, 12)),),
    ),
    Template(
        "water_crates",
        numbers={
            "people": number(12, 60),
            "each": number(2, 6),
            "crate": pick(4, 6, 8, 9, 10, 12),
            "$crate": money(300, 1200, 25),
        },
        nouns={"event": ("race", "hike", "concert", "picnic", "tournament")},
        wordings=(
            (
                "{A} buys water for {a event} with {people} people, {each} bottles for each of "
                "them. A crate holds {crate} bottles and costs {$crate}.",
                "How many dollars does the water {A} buys cost?",
            ),
            (
                "For {a event}, {A} wants {each} bottles of water for each of {people} people. "
                "Water comes in crates of {crate} bottles at {$crate} a crate.",
                "How many dollars does {A} spend on water?",
            ),
        ),
        steps=(
            "bottles = people * each | {A} needs {= bottle}.",
            "crates = bottles / crate | They fill {= crate}.",
            "$cost = crates * $crate | The water costs {=}.",
        ),
        facts=(("The {event} begins at {x} o'clock.", number(9, 11)),),
    ),
)
