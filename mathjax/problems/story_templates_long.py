"""Stories of four to six steps."""

from __future__ import annotations

from mathjax.problems import story_words as words
from mathjax.problems.story_engine import Template, money, number, pick

TEMPLATES = (
    Template(
        "class_trip",
        numbers={
            "pupils": number(12, 48),
            "$entry": money(300, 1500, 50),
            "$bus": money(15000, 60000, 1000),
            "$grant": money(5000, 20000, 1000),
        },
        nouns={"place": ("planetarium", "castle", "aquarium", "national park", "science museum")},
        where=("$grant < $bus",),
        wordings=(
            (
                "{A} plans a trip to the {place} for {pupils} pupils. Entry is {$entry} for each "
                "pupil, and the bus costs {$bus}. The school gives {$grant}, and the pupils share "
                "the rest equally.",
                "How many dollars does each pupil on {A}'s trip pay?",
            ),
            (
                "For a trip to the {place}, {A} hires a bus for {$bus} and buys {pupils} pupils' "
                "tickets at {$entry} each. A grant covers {$grant}. What remains is split equally "
                "among the pupils.",
                "How many dollars does {A} have to collect from each pupil?",
            ),
        ),
        steps=(
            "$entries = pupils * $entry | Entry costs {=} for everyone.",
            "$all = $entries + $bus | With the bus, the trip costs {=}.",
            "$rest = $all - $grant | After the grant, {=} remains.",
            "$each = $rest / pupils | Each pupil pays {=}.",
        ),
        facts=(("The bus has {x} seats.", number(50, 60)),),
    ),
    Template(
        "orchard_harvest",
        numbers={
            "trees": number(4, 25),
            "n": number(20, 90),
            "bad": number(5, 60),
            "crate": pick(8, 10, 12, 15, 20, 24, 25),
            "$crate": money(500, 2500, 50),
            "$wage": money(2000, 9000, 500),
        },
        nouns={"item": words.TREE_FRUIT},
        wordings=(
            (
                "{A} picks {n @item} from each of {trees} trees and throws away {bad} bad ones. "
                "The others go into crates of {crate}, and each crate is sold for {$crate}. {A} "
                "pays a helper {$wage}.",
                "How many dollars does {A} keep?",
            ),
            (
                "Each of {A}'s {trees} trees bears {n @item}, but {bad} {item.s} in all are "
                "spoilt. {A} fills crates with {crate} good ones each and gets {$crate} a crate. A "
                "helper receives {$wage} of the money.",
                "How many dollars are left for {A}?",
            ),
        ),
        steps=(
            "all = trees * n | {A} picks {= @item}.",
            "good = all - bad | Of these, {= @item} can be sold.",
            "crates = good / crate | They fill {= crate}.",
            "$income = crates * $crate | The crates bring in {=}.",
            "$keep = $income - $wage | After paying the helper, {A} keeps {=}.",
        ),
        facts=(("The oldest tree is {x} years old.", number(15, 70)),),
    ),
    Template(
        "holiday_budget",
        numbers={
            "nights": number(3, 14),
            "$room": money(4000, 12000, 500),
            "days": number(1, 1, plus="nights"),
            "$food": money(1500, 5000, 100),
            "$flight": money(8000, 40000, 1000),
            "$saved": money(80000, 300000, 5000),
        },
        nouns={"town": ("seaside", "lake", "hot springs", "ski resort")},
        wordings=(
            (
                "{A} has saved {$saved} for a holiday at the {town}. The flight costs {$flight}. "
                "{A.He} stays for {nights} nights at {$room} a night and spends {$food} on food on "
                "each of {days} days.",
                "How many dollars of {A}'s savings are left?",
            ),
            (
                "A holiday at the {town} lasts {nights} nights and {days} days. {A} pays {$flight} "
                "for the flight, {$room} for each night and {$food} for each day's food, all from "
                "{$saved} in {A.his} account.",
                "How many dollars remain in {A}'s account?",
            ),
        ),
        steps=(
            "$rooms = nights * $room | The nights cost {=}.",
            "$meals = days * $food | The food costs {=}.",
            "$stay = $rooms + $meals | Nights and food cost {=}.",
            "$all = $stay + $flight | With the flight, that is {=}.",
            "$left = $saved - $all | {A} has {=} left.",
        ),
        facts=(("The flight takes {x} minutes.", number(70, 240, 5)),),
    ),
    Template(
        "school_fair",
        people="AB",
        numbers={
            "n": number(10, 60),
            "$a": money(100, 600, 50),
            "k": number(2, 5),
            "$b": money(100, 500, 50),
            "$table": money(500, 3000, 100),
            "share": pick(2, 4, 5, 10),
        },
        nouns={"item": words.CRAFTS, "other": words.BAKED},
        wordings=(
            (
                "At the school fair, {A} sells {n @item} for {$a} each. {B} sells {k.times} as "
                "many {other.s} for {$b} each. They pay {$table} for their table and give "
                "1/{share} of the remaining money to charity.",
                "How many dollars do {A} and {B} give to charity?",
            ),
            (
                "{A} and {B} have a table at the school fair that costs them {$table}. {A} sells "
                "{n @item} at {$a} each, and {B} sells {other.s} at {$b} each, {k.times} as many "
                "as {A} sells {item.s}. Of the money left after paying for the table, 1/{share} "
                "goes to charity.",
                "How many dollars do {A} and {B} hand over to charity?",
            ),
        ),
        steps=(
            "$first = n * $a | {A} takes in {=}.",
            "m = n * k | {B} sells {= @other}.",
            "$second = m * $b | {B} takes in {=}.",
            "$all = $first + $second | Together they take in {=}.",
            "$rest = $all - $table | After paying for the table, they have {=}.",
            "$gift = $rest / share | To charity they give {=}.",
        ),
        facts=(("There are {x} tables at the fair.", number(12, 60)),),
    ),
    Template(
        "workshop_week",
        numbers={
            "a": number(2, 9),
            "hours": number(4, 9),
            "rate": number(3, 12),
            "days": number(3, 6),
            "p": pick(5, 10, 20, 25),
            "order": number(20, 600, 5),
        },
        nouns={"item": words.PARTS},
        wordings=(
            (
                "In {A}'s workshop, {a} people each make {rate @item} an hour. They work {hours} "
                "hours a day, {days} days a week. This week {p}% of the {item.s} fail the test. "
                "From the good ones, {A} delivers an order of {order}.",
                "How many good {item.s} does {A} still have?",
            ),
            (
                "{A} employs {a} people who work {days} days a week for {hours} hours a day. Each "
                "of them makes {rate @item} an hour. Of this week's {item.s}, {p}% turn out to be "
                "faulty, and {order} good ones go to a customer.",
                "How many good {item.s} remain in {A}'s workshop?",
            ),
        ),
        steps=(
            "hourly = a * rate | In an hour, they make {= @item}.",
            "daily = hourly * hours | In a day, they make {= @item}.",
            "week = daily * days | In the week, they make {= @item}.",
            "bad = p / 100 * week | Of these, {= @item} cannot be used.",
            "good = week - bad | That leaves {= good @item}.",
            "left = good - order | After the order, {A} has {= good @item}.",
        ),
        facts=(("The workshop has {x} windows.", number(4, 20)),),
    ),
    Template(
        "solar_panels",
        numbers={
            "panels": number(4, 24),
            "$panel": money(15000, 40000, 1000),
            "$fit": money(50000, 200000, 5000),
            "$yearly": money(20000, 90000, 1000),
            "years": number(10, 25),
        },
        nouns={"place": ("house", "barn", "workshop", "garage", "school")},
        wordings=(
            (
                "{A} puts {panels} solar panels on {a place}. Each panel costs {$panel}, and "
                "fitting them costs {$fit} in all. The panels then save {$yearly} a year.",
                "After {years} years, how many dollars has {A} saved beyond the cost?",
            ),
            (
                "Solar panels for {a place} cost {$panel} each, and {A} needs {panels} of them. "
                "The electrician takes {$fit}. Every year {A}'s electricity bill falls by "
                "{$yearly}.",
                "By how many dollars is {A} better off after {years} years?",
            ),
        ),
        steps=(
            "$price = panels * $panel | The panels cost {=}.",
            "$cost = $price + $fit | With the fitting, that is {=}.",
            "$saved = years * $yearly | In {years} years, the panels save {=}.",
            "$gain = $saved - $cost | Beyond the cost, {A} has saved {=}.",
        ),
        facts=(("A panel weighs {x} kilograms.", number(15, 25)),),
    ),
    Template(
        "marathon_plan",
        numbers={
            "start": number(4, 20),
            "more": number(1, 6),
            "k": pick(2, 3),
            "goal": number(60, 200),
        },
        nouns={"season": ("spring", "summer", "autumn", "winter")},
        wordings=(
            (
                "This {season}, {A} runs {start} kilometres in the first week, {more} more than "
                "that in the second week, and {k.times} as far in the third week as in the "
                "second. The goal for four weeks is {goal} kilometres.",
                "How many kilometres are left for {A} in the fourth week?",
            ),
            (
                "In four weeks of {season}, {A} wants to run {goal} kilometres. {A.He} runs "
                "{start} kilometres in week one and {more} more in week two. In week three {A.he} "
                "goes {k.times} as far as in week two.",
                "How many kilometres must {A} cover in week four?",
            ),
        ),
        steps=(
            "second = start + more | In the second week, {A} covers {= kilometre}.",
            "third = second * k | In the third week, {A} covers {= kilometre}.",
            "all = start + second + third | So far that is {= kilometre}.",
            "left = goal - all | For the fourth week, there remain {= kilometre}.",
        ),
        where=("left > 1",),
        facts=(("{A}'s shoes weigh {x} grams.", number(220, 420, 10)),),
    ),
    Template(
        "stamp_trade",
        people="ABC",
        numbers={
            "b": number(2, 12),
            "a": number(2, 12, times="b"),
            "k": number(2, 6),
            "gift": number(3, 40),
        },
        nouns={"item": words.TOYS},
        where=("a > b", "parts != 1"),
        wordings=(
            (
                "{A} has {a @item}. {A.He} gives 1/{b} of them to {B}. Then {C} gives {A} "
                "{k.times} as many as {B} got, and {A} finds {gift} more at home.",
                "How many {item.s} does {A} have at the end?",
            ),
            (
                "Out of {a @item}, {A} hands 1/{b} to {B}. {C} has some to spare and lets {A} "
                "have {k.times} the number that {B} was given. Another {gift} turn up in a drawer "
                "of {A}'s.",
                "How many {item.s} does {A} own now?",
            ),
        ),
        steps=(
            "parts = a / b | {B} gets {= @item}.",
            "rest = a - parts | {A} has {= @item} left.",
            "new = parts * k | {C} gives {A} {= @item}.",
            "sum = rest + new | {A} then has {= @item}.",
            "end = sum + gift | At the end, {A} has {= @item}.",
        ),
        facts=(("{C} is {x} centimetres tall.", number(120, 175)),),
    ),
    Template(
        "cinema_night",
        numbers={
            "rows": number(8, 20),
            "seats": number(10, 26),
            "p": pick(10, 20, 25, 40, 50, 60, 75, 80),
            "$ticket": money(600, 1500, 50),
            "snacks": number(10, 90),
            "$snack": money(200, 700, 50),
        },
        nouns={"snack": ("popcorn bag", "ice cream", "juice", "pretzel", "wrap")},
        wordings=(
            (
                "{A}'s cinema has {rows} rows of {seats} seats. Tonight {p}% of the seats are sold "
                "at {$ticket} each. {A} also sells {snacks @snack} at {$snack} each.",
                "How many dollars does {A}'s cinema take in tonight?",
            ),
            (
                "For tonight's film, {A} sells {p}% of all the seats in a cinema with {rows} rows "
                "of {seats} seats. A ticket is {$ticket}. At the bar, {A} sells {snacks @snack} "
                "for {$snack} each.",
                "How many dollars does {A} take in from tickets and the bar?",
            ),
        ),
        steps=(
            "all = rows * seats | The cinema has {= seat}.",
            "sold = p / 100 * all | Of these, {= seat} are sold.",
            "$tickets = sold * $ticket | The tickets bring in {=}.",
            "$bar = snacks * $snack | The {snack.s} bring in {=}.",
            "$total = $tickets + $bar | Together that is {=}.",
        ),
        facts=(("The film lasts {x} minutes.", number(85, 160)),),
    ),
    Template(
        "water_delivery",
        numbers={
            "houses": number(5, 40),
            "n": number(2, 6),
            "trips": number(2, 6),
            "load": number(20, 60),
            "broken": number(2, 12),
        },
        nouns={"item": ("bottle", "jar", "crate of juice", "box of tiles", "vase")},
        wordings=(
            (
                "{A} delivers {n @item} to each of {houses} houses. {A.His} van makes {trips} "
                "trips with {load @item} each, but {broken} of the total get broken on the way.",
                "How many unbroken {item.s} does {A} have left after all deliveries?",
            ),
            (
                "In {trips} trips, {A} carries {load @item} per trip, of which {broken} in all are "
                "dropped and broken. From the rest, each of {houses} houses gets {n}.",
                "How many {item.s} can {A} take back?",
            ),
        ),
        steps=(
            "all = trips * load | {A} loads {= @item}.",
            "whole = all - broken | Unbroken there are {= @item}.",
            "need = houses * n | The houses get {= @item}.",
            "left = whole - need | {A} has {= @item} left.",
        ),
        where=("left > 1",),
        facts=(("The van is {x} years old.", number(2, 15)),),
    ),
    Template(
        "three_ages",
        people="ABC",
        numbers={"a": number(5, 22), "k": pick(2, 3), "d": number(2, 15), "y": number(2, 20)},
        nouns={"kin": ("cousin", "neighbour", "friend")},
        wordings=(
            (
                "{A} is {a} years old. {A.His} {kin} {B} is {k.times} as old as {A}, and {C} is "
                "{d} years younger than {B}.",
                "What will the ages of {A}, {B} and {C} add up to in {y} years?",
            ),
            (
                "{C} is {d} years younger than {B}, {A}'s {kin}. {B} is {k.times} as old as {A}, "
                "who is {a} years old.",
                "How many years old will {A}, {B} and {C} be together in {y} years?",
            ),
        ),
        where=("c > 2",),
        steps=(
            "b = a * k | {B} is {= year} old.",
            "c = b - d | {C} is {= year} old.",
            "now = a + b + c | Their ages add up to {= year} now.",
            "more = 3 * y | In {y} years, the three will be {= year} older in all.",
            "then = now + more | Then their ages add up to {= year}.",
        ),
        facts=(("{B} lives {x} kilometres from {A}.", number(2, 40)),),
    ),
    Template(
        "painting_walls",
        numbers={
            "wide": number(4, 15),
            "high": number(2, 5),
            "walls": number(2, 6),
            "cover": pick(4, 5, 6, 8, 10),
            "$litre": money(400, 1500, 50),
        },
        nouns={"place": ("hall", "classroom", "garage", "kitchen", "workshop")},
        wordings=(
            (
                "{A} paints {walls} walls of {a place}. Each wall is {wide} metres wide and {high} "
                "metres high. A litre of paint costs {$litre} and covers {cover} square metres.",
                "How many dollars does the paint that {A} uses cost?",
            ),
            (
                "A litre of paint is enough for {cover} square metres and costs {$litre}. {A} "
                "paints {walls} walls of {a place}, each {wide} metres by {high} metres.",
                "How many dollars' worth of paint does {A} use?",
            ),
        ),
        steps=(
            "wall = wide * high | One wall has {= square metre}.",
            "all = wall * walls | All the walls have {= square metre}.",
            "paint = all / cover | {A} uses {= litre} of paint.",
            "$cost = paint * $litre | The paint costs {=}.",
        ),
        facts=(("The {place} has {x} windows.", number(2, 8)),),
    ),
)
