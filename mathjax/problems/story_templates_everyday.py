"""Short stories from home, school and work, most of them of one or two steps."""

from __future__ import annotations

from mathjax.problems import story_words as words
from mathjax.problems.story_engine import Template, money, number, pick

TEMPLATES = (
    Template(
        "price_drop",
        numbers={"$new": money(1500, 40000, 50), "$old": money(200, 9000, 50, plus="$new")},
        nouns={"item": words.GADGETS},
        wordings=(
            (
                "{A} sees {a item} that cost {$old} last year. Now it costs {$new}.",
                "How many dollars less would {A} pay now than last year?",
            ),
            (
                "Last year {A} would have paid {$old} for {a item}. This year the same {item} is "
                "sold for {$new}.",
                "How many dollars does {A} save by buying it this year?",
            ),
        ),
        steps=("$drop = $old - $new | The price has gone down by {=}.",),
        facts=(("The shop is open {x} hours a day.", number(7, 12)),),
    ),
    Template(
        "daily_habit",
        numbers={"n": number(2, 40), "days": number(5, 60)},
        nouns={"what": ("sit-up", "push-up", "squat", "pull-up", "jumping jack", "stretch")},
        where=("days != n",),
        wordings=(
            (
                "Every morning {A} does {n @what}.",
                "How many {what.s} does {A} do in {days} days?",
            ),
            (
                "{A} has made a plan for {days} days, with {n @what} on each day.",
                "How many {what.s} are in {A}'s plan?",
            ),
        ),
        steps=("total = n * days | In {days} days, {A} does {= @what}.",),
        facts=(("{A} gets up {x} minutes after six.", number(5, 55, 5)),),
    ),
    Template(
        "cut_rope",
        numbers={"pieces": number(3, 40), "size": number(4, 90)},
        nouns={"item": ("rope", "ribbon", "cable", "string", "chain", "wire")},
        wordings=(
            (
                "{A} needs {pieces} pieces of {item}, each {size} centimetres long.",
                "How many metres of {item} does {A} need?",
            ),
            (
                "For a project, {A} cuts {a item} into {pieces} pieces of {size} centimetres, and "
                "nothing is left over.",
                "How many metres long was {A}'s {item}?",
            ),
        ),
        decimals=("metres",),
        steps=(
            "all = pieces * size | The pieces are {= centimetre} long in all.",
            "metres = all / 100 | In metres, that is {=}.",
        ),
        facts=(("The {item} is {x} millimetres thick.", number(2, 20)),),
    ),
    Template(
        "half_eaten",
        people="AB",
        numbers={"n": number(4, 90, 2), "more": number(2, 40)},
        nouns={"item": words.BAKED},
        where=("left > 1",),
        wordings=(
            (
                "{A} has {n @item}. {A.He} gives half of them to {B} and eats {more}.",
                "How many {item.s} does {A} have left?",
            ),
            (
                "{B} gets half of {A}'s {n @item}. Of {A}'s other half, {more} are eaten.",
                "How many {item.s} remain for {A}?",
            ),
        ),
        steps=(
            "half = n / 2 | Half of the {item.s} is {= @item}.",
            "left = half - more | Then {A} has {= @item}.",
        ),
        facts=(("It takes {A} {x} minutes to walk to {B}'s house.", number(3, 30)),),
    ),
    Template(
        "growing_plant",
        numbers={"start": number(5, 60), "rate": number(2, 12), "weeks": number(3, 20)},
        nouns={"item": ("bean plant", "bamboo", "vine", "hop plant", "sunflower")},
        wordings=(
            (
                "{A}'s {item} is {start} centimetres tall and grows {rate} centimetres a week.",
                "How many centimetres tall will {A}'s {item} be in {weeks} weeks?",
            ),
            (
                "{A} has measured {A.his} {item}: it is {start} centimetres tall. Every week it "
                "gains another {rate} centimetres.",
                "What is the height of {A}'s {item}, in centimetres, after {weeks} weeks?",
            ),
        ),
        steps=(
            "growth = rate * weeks | In {weeks} weeks it grows {= centimetre}.",
            "tall = start + growth | Then it is {= centimetre} tall.",
        ),
        facts=(("The pot holds {x} litres of soil.", number(2, 20)),),
    ),
    Template(
        "average_score",
        numbers={"a": number(40, 100), "b": number(40, 100), "c": number(40, 100)},
        nouns={"thing": ("maths", "history", "physics", "music", "geography", "chemistry")},
        where=("a != b", "b != c", "a != c"),
        wordings=(
            (
                "{A} has written three {thing} tests and scored {a}, {b} and {c} points.",
                "What is {A}'s average score?",
            ),
            (
                "In {thing}, {A} got {a} points in the first test, {b} in the second and {c} in "
                "the third.",
                "How many points did {A} get per test on average?",
            ),
        ),
        steps=(
            "sum = a + b + c | {A} has {= point} in all.",
            "mean = sum / 3 | The average is {= point}.",
        ),
        facts=(("The tests take {x} minutes each.", number(30, 90, 5)),),
    ),
    Template(
        "missing_score",
        numbers={
            "games": number(3, 8),
            "mean": number(8, 40),
            "a": number(10, 250),
        },
        nouns={"sport": ("basketball", "bowling", "darts", "pinball", "trivia")},
        where=("last < 60", "last > 3"),
        wordings=(
            (
                "{A} wants an average of {mean} points over {games} {sport} games. Before the last "
                "game {A.he} has {a} points in total.",
                "How many points does {A} need in the last game?",
            ),
            (
                "After all but one of {games} {sport} games, {A} has {a} points. {A.His} aim is "
                "{mean} points a game on average over all {games} games.",
                "How many points must {A} score in the last game?",
            ),
        ),
        steps=(
            "need = games * mean | For that average, {A} needs {= point} in total.",
            "last = need - a | In the last game {A} needs {= point}.",
        ),
        facts=(("Each game lasts {x} minutes.", number(30, 60, 5)),),
    ),
    Template(
        "flower_bunches",
        numbers={
            "bunches": number(4, 30),
            "a": number(2, 9),
            "b": number(2, 9),
            "$each": money(30, 200, 10),
        },
        nouns={"item": words.FLOWERS, "other": words.FLOWERS},
        wordings=(
            (
                "{A} ties {bunches} bunches of flowers with {a @item} and {b @other} in each. "
                "Every flower costs {$each}.",
                "How many dollars do the flowers for {A}'s bunches cost?",
            ),
            (
                "A flower, whatever its kind, costs {$each}. {A} buys enough for {bunches} bunches "
                "that have {a @item} and {b @other} each.",
                "How many dollars does {A} spend on flowers?",
            ),
        ),
        steps=(
            "one = a + b | A bunch has {= flower}.",
            "all = one * bunches | {A} needs {= flower}.",
            "$cost = all * $each | They cost {=}.",
        ),
        facts=(("The flowers stay fresh for {x} days.", number(4, 12)),),
    ),
    Template(
        "swimming_pool_pass",
        numbers={
            "$single": money(300, 1200, 25),
            "visits": number(8, 40),
            "$card": money(2000, 15000, 100),
        },
        nouns={"place": ("swimming pool", "climbing hall", "ice rink", "gym", "zoo")},
        wordings=(
            (
                "A single ticket for the {place} costs {$single}, and a season pass costs {$card}. "
                "{A} buys a pass and goes {visits} times.",
                "How many dollars does {A} save compared with single tickets?",
            ),
            (
                "{A} visits the {place} {visits} times this season with a pass for {$card}. "
                "Without it, each visit would have cost {$single}.",
                "How many dollars has the pass saved {A}?",
            ),
        ),
        steps=(
            "$tickets = visits * $single | Single tickets would cost {=}.",
            "$saved = $tickets - $card | The pass saves {=}.",
        ),
        facts=(("The {place} opened {x} years ago.", number(3, 60)),),
    ),
    Template(
        "prize_ratio",
        people="AB",
        numbers={
            "a": number(2, 7),
            "b": number(2, 9),
            "$total": money(1000, 60000, 50),
        },
        nouns={"prize": ("prize", "reward", "fee", "bonus")},
        where=("a != b",),
        wordings=(
            (
                "{A} and {B} earn {a prize} of {$total}. They split it in the ratio {a} to {b}, "
                "{A}'s part first.",
                "How many dollars does {A} get?",
            ),
            (
                "{A prize} of {$total} is divided between {A} and {B}. For every {a} dollars that "
                "{A} gets, {B} gets {b} dollars.",
                "How many dollars does {A} receive?",
            ),
        ),
        steps=(
            "shares = a + b | There are {= equal share}.",
            "$one = $total / shares | One share is {=}.",
            "$mine = $one * a | {A} gets {=}.",
        ),
        facts=(("{A} and {B} have worked together for {x} months.", number(2, 30)),),
    ),
    Template(
        "staff_hours",
        people="AB",
        numbers={
            "a": number(3, 9),
            "days": number(2, 6),
            "d": number(2, 14),
            "$rate": money(900, 2500, 25),
        },
        nouns={"place": ("tea room", "nursery", "bookshop", "stable", "laundry")},
        wordings=(
            (
                "{A} works {a} hours on each of {days} days at the {place}. {B} works {d} hours "
                "more than {A} in the same week. Both earn {$rate} an hour.",
                "How many dollars do {A} and {B} earn together that week?",
            ),
            (
                "At the {place}, everyone earns {$rate} an hour. In one week {A} is there on "
                "{days} days for {a} hours each, and {B} does {d} hours more than {A} over the "
                "week.",
                "How many dollars do {A} and {B} make in that week, taken together?",
            ),
        ),
        steps=(
            "first = a * days | {A} works {= hour}.",
            "second = first + d | {B} works {= hour}.",
            "both = first + second | Together they work {= hour}.",
            "$pay = both * $rate | They earn {=}.",
        ),
        facts=(("The {place} has {x} chairs.", number(4, 30)),),
    ),
    Template(
        "melting_snow",
        numbers={"depth": number(20, 180), "p": number(5, 60, 5)},
        nouns={"place": ("cabin", "ski hut", "village", "farm", "campsite")},
        decimals=("gone", "left"),
        wordings=(
            (
                "At {A}'s {place} the snow is {depth} centimetres deep. During a warm day, {p}% of "
                "that depth melts.",
                "How many centimetres of snow are left at {A}'s {place}?",
            ),
            (
                "{A} measures {depth} centimetres of snow at the {place} in the morning. By the "
                "evening the depth has shrunk by {p}%.",
                "How many centimetres deep is the snow that {A} finds in the evening?",
            ),
        ),
        steps=(
            "gone = p / 100 * depth | The depth falls by {= centimetre}.",
            "left = depth - gone | That leaves {= centimetre}.",
        ),
        facts=(("The {place} lies {x} metres above the sea.", number(900, 2400, 50)),),
    ),
    Template(
        "packed_lunches",
        numbers={
            "groups": number(2, 9),
            "size": number(6, 20),
            "n": number(2, 4),
            "pack": pick(4, 6, 8, 10, 12),
        },
        nouns={"item": ("sandwich", "wrap", "bread roll", "bagel", "dumpling")},
        wordings=(
            (
                "{A} cooks for {groups} groups of {size} hikers. Every hiker gets {n @item}, and "
                "they come in packs of {pack}.",
                "How many packs does {A} need?",
            ),
            (
                "{Item.s} are sold in packs of {pack}. {A} wants {n} for each hiker in {groups} "
                "groups of {size}.",
                "How many packs should {A} buy?",
            ),
        ),
        steps=(
            "people = groups * size | There are {= hiker}.",
            "all = people * n | They eat {= @item}.",
            "packs = all / pack | That is {= pack}.",
        ),
        facts=(("The walk is {x} kilometres long.", number(6, 24)),),
    ),
    Template(
        "pack_price",
        numbers={
            "pack": number(3, 12),
            "$unit": money(20, 300, 5),
            "$packprice": number(1, 1, times="pack $unit"),
            "want": number(2, 30),
        },
        nouns={"item": words.STATIONERY},
        where=("want != pack",),
        wordings=(
            (
                "A pack of {pack @item} costs {$packprice}. Single {item.s} are sold at the same "
                "price per piece, and {A} wants {want} of them.",
                "How many dollars does {A} pay?",
            ),
            (
                "{A} sees {pack @item} on offer for {$packprice}. At that rate per {item}, "
                "{A.he} buys {want @item}.",
                "How many dollars do {A}'s {item.s} cost?",
            ),
        ),
        steps=(
            "$each = $packprice / pack | One {item} costs {=}.",
            "$total = want * $each | The price for {want} is {=}.",
        ),
        facts=(("The shop is {x} metres from the school.", number(50, 950, 10)),),
    ),
    Template(
        "copying_job",
        numbers={
            "rate": number(10, 60, 2),
            "sheets": number(4, 30),
            "n": number(20, 300, 5),
        },
        nouns={"item": ("leaflet", "programme", "workbook", "song sheet", "menu")},
        wordings=(
            (
                "{A} prints {item.s} of {sheets} sheets each on a printer that does {rate} sheets "
                "a minute. {A.He} prints {n} of them.",
                "For how many minutes does {A}'s printer run?",
            ),
            (
                "A printer turns out {rate} sheets a minute. {A} needs {n @item}, and each takes "
                "{sheets} sheets.",
                "How many minutes of printing does {A} need?",
            ),
        ),
        steps=(
            "all = n * sheets | {A} prints {= sheet}.",
            "time = all / rate | The printer runs for {= minute}.",
        ),
        facts=(("The printer weighs {x} kilograms.", number(6, 40)),),
    ),
    Template(
        "coin_jar",
        numbers={"q": number(3, 40), "d": number(3, 40), "n": number(3, 40)},
        nouns={"place": ("jar", "tin", "drawer", "piggy bank", "sock")},
        wordings=(
            (
                "{A} finds {q quarter}, {d dime} and {n nickel} in {a place}. A quarter is worth "
                "25 cents, a dime 10 cents and a nickel 5 cents.",
                "How many cents does {A} find?",
            ),
            (
                "In {A}'s {place} there are {n nickel} of 5 cents, {d dime} of 10 cents and "
                "{q quarter} of 25 cents.",
                "How many cents does {A} have in the {place}?",
            ),
        ),
        steps=(
            "quarters = q * 25 | The quarters are worth {= cent}.",
            "dimes = d * 10 | The dimes are worth {= cent}.",
            "nickels = n * 5 | The nickels are worth {= cent}.",
            "total = quarters + dimes + nickels | Together they are worth {= cent}.",
        ),
        facts=(("The {place} is {x} years old.", number(2, 30)),),
    ),
)
