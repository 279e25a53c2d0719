"""Stories about buying, selling, saving and sharing costs."""

from __future__ import annotations

from mathjax.problems import story_words as words
from mathjax.problems.story_engine import Template, money, number, pick

TEMPLATES = (
    Template(
        "fruit_cost",
        numbers={"n": number(2, 24), "$price": money(25, 400, 5)},
        nouns={"item": words.FRUIT},
        wordings=(
            (
                "{A} buys {n @item} at the market. Each {item} costs {$price}.",
                "How many dollars does {A} pay?",
            ),
            (
                "At a fruit stall, {item.s} are sold for {$price} each. {A} takes {n} of them.",
                "How many dollars do {A}'s {item.s} cost altogether?",
            ),
        ),
        steps=("$cost = n * $price | {A} pays {=}.",),
        facts=(("The stall has been at the market for {x} years.", number(3, 40)),),
    ),
    Template(
        "change_from_note",
        numbers={
            "n": number(2, 12),
            "$price": money(50, 450, 5),
            "$paid": pick(5, 10, 20, 50, 100),
        },
        nouns={"item": words.STATIONERY},
        where=("$change < $cost",),
        wordings=(
            (
                "{A} buys {n @item} at {$price} each and hands the cashier {$paid}.",
                "How many dollars of change does {A} get?",
            ),
            (
                "One {item} costs {$price}. {A} needs {n} of them for school and pays with a "
                "{$paid} note.",
                "How many dollars should {A} get back?",
            ),
        ),
        steps=(
            "$cost = n * $price | The {item.s} cost {=}.",
            "$change = $paid - $cost | The change is {=}.",
        ),
        facts=(("The shop sells {x} different kinds of paper.", number(3, 60)),),
    ),
    Template(
        "two_kinds",
        numbers={
            "n": number(2, 12),
            "$a": money(50, 300, 10),
            "m": number(2, 12),
            "$b": money(50, 500, 10),
        },
        nouns={"item": words.BAKED, "other": words.BAKED},
        where=("$a != $b",),
        wordings=(
            (
                "A bakery sells {item.s} for {$a} each and {other.s} for {$b} each. {A} orders "
                "{n @item} and {m @other}.",
                "How many dollars does {A}'s order cost?",
            ),
            (
                "For a party, {A} gets {n @item} and {m @other} from the bakery. Each {item} costs "
                "{$a}, and each {other} costs {$b}.",
                "How many dollars does {A} spend at the bakery?",
            ),
        ),
        steps=(
            "$first = n * $a | The {item.s} cost {=}.",
            "$second = m * $b | The {other.s} cost {=}.",
            "$total = $first + $second | Together that is {=}.",
        ),
        facts=(("The bakery opens at {x} o'clock in the morning.", number(5, 9)),),
    ),
    Template(
        "discount",
        numbers={"$price": money(2000, 30000, 100), "p": pick(5, 10, 15, 20, 25, 30, 40, 60, 75)},
        nouns={"item": words.CLOTHES},
        wordings=(
            (
                "{A} wants {a item} that costs {$price}. Today the shop takes {p}% off.",
                "How many dollars does {A} pay for the {item} today?",
            ),
            (
                "The price of {a item} is {$price}, but {A} has a coupon for a discount of {p}%.",
                "How many dollars does {A} pay for the {item} with the coupon?",
            ),
        ),
        steps=(
            "$off = p / 100 * $price | The discount is {=}.",
            "$pay = $price - $off | {A} pays {=}.",
        ),
        facts=(("There are {x} other customers in the shop.", number(3, 30)),),
    ),
    Template(
        "share_bill",
        numbers={
            "friends": number(2, 9),
            "$food": money(1500, 20000, 25),
            "$drinks": money(400, 6000, 25),
        },
        where=("$drinks < $food",),
        wordings=(
            (
                "{A} and {friends @guest} share a meal at a restaurant. The food costs {$food}, "
                "and the drinks cost {$drinks}. Everyone pays the same.",
                "How many dollars does {A} pay?",
            ),
            (
                "After dinner, {A} and {friends @guest} split the bill equally. They had food for "
                "{$food} and drinks for {$drinks}.",
                "How many dollars is {A}'s share of the bill?",
            ),
        ),
        nouns={"guest": ("friend", "cousin", "colleague", "neighbour")},
        steps=(
            "$bill = $food + $drinks | The bill is {=}.",
            "heads = friends + 1 | With {A}, {=} people share it.",
            "$each = $bill / heads | Each of them pays {=}.",
        ),
        facts=(("The restaurant has {x} tables.", number(8, 40)),),
    ),
    Template(
        "saving_weeks",
        numbers={
            "$weekly": money(300, 2000, 50),
            "$have": money(500, 6000, 50),
            "$price": number(3, 20, times="$weekly", plus="$have"),
        },
        nouns={"item": words.GADGETS},
        wordings=(
            (
                "{A} is saving for {a item} that costs {$price}. {A.He} already has {$have} and "
                "puts {$weekly} aside every week.",
                "How many weeks will it take {A} to have enough money?",
            ),
            (
                "{A} has {$have} in a money box and adds {$weekly} to it each week until there is "
                "enough for {a item}. The {item} costs {$price}.",
                "After how many weeks can {A} buy the {item}?",
            ),
        ),
        steps=(
            "$missing = $price - $have | {A} still needs {=}.",
            "weeks = $missing / $weekly | That takes {= week}.",
        ),
        facts=(("The {item} comes in {x} different colours.", number(2, 9)),),
    ),
    Template(
        "lemonade_stand",
        numbers={
            "n": number(12, 80),
            "$price": money(50, 300, 25),
            "$fruit": money(200, 1500, 25),
            "$cups": money(100, 600, 25),
        },
        nouns={"drink": words.DRINKS},
        wordings=(
            (
                "{A} sells {n cup} of {drink} for {$price} each. {A.He} spent {$fruit} on "
                "ingredients and {$cups} on cups.",
                "How many dollars of profit does {A} make?",
            ),
            (
                "To sell {drink} at a fair, {A} pays {$fruit} for ingredients and {$cups} for "
                "cups. Each cup sells for {$price}, and {n} are sold.",
                "How many dollars has {A} earned once {A.his} costs are taken off?",
            ),
        ),
        steps=(
            "$income = n * $price | Selling the {drink} brings in {=}.",
            "$costs = $fruit + $cups | The costs are {=}.",
            "$profit = $income - $costs | The profit is {=}.",
        ),
        facts=(("{A} spends {x} minutes painting a sign.", number(10, 50)),),
    ),
    Template(
        "wages_and_rent",
        numbers={
            "hours": number(3, 10),
            "$rate": money(900, 3000, 50),
            "days": number(3, 22),
            "$rent": money(10000, 60000, 1000),
        },
        nouns={"place": ("bakery", "library", "garage", "hotel", "museum", "warehouse")},
        wordings=(
            (
                "{A} works at {a place} for {$rate} an hour, {hours} hours a day. This month "
                "{A.he} works on {days} days and pays {$rent} of rent.",
                "How many dollars of this month's wages does {A} have after paying the rent?",
            ),
            (
                "{A place} pays {A} {$rate} for each hour. In one month {A.he} works {days} shifts "
                "of {hours} hours and spends {$rent} of the money on rent.",
                "How many dollars of {A}'s pay for that month are left?",
            ),
        ),
        steps=(
            "$daily = hours * $rate | {A} earns {=} a day.",
            "$monthly = days * $daily | That is {=} in the month.",
            "$left = $monthly - $rent | After the rent, {=} is left.",
        ),
        facts=(("The {place} was founded {x} years ago.", number(5, 90)),),
    ),
    Template(
        "meal_with_tip",
        numbers={"$meal": money(1000, 16000, 50), "p": pick(5, 10, 12, 15, 18, 20, 25)},
        nouns={"dish": ("pizza", "soup", "curry", "pasta", "salad", "risotto")},
        wordings=(
            (
                "{A} takes {A.his} parents out for {dish}. The meal costs {$meal}, and {A} adds a "
                "tip of {p}%.",
                "How many dollars does {A} pay, with the tip?",
            ),
            (
                "A lunch of {dish} and drinks comes to {$meal}. {A} leaves {p}% of that as a tip "
                "on top.",
                "How many dollars does {A} spend in total?",
            ),
        ),
        steps=(
            "$tip = p / 100 * $meal | The tip is {=}.",
            "$total = $meal + $tip | {A} pays {=}.",
        ),
        facts=(("They wait {x} minutes for the food.", number(8, 45)),),
    ),
    Template(
        "family_tickets",
        numbers={
            "adults": number(2, 8),
            "$adult": money(800, 3000, 50),
            "children": number(2, 12),
            "$child": money(300, 1500, 50),
            "$paid": pick(50, 100, 150, 200, 300),
        },
        nouns={"place": ("zoo", "castle", "circus", "museum", "theatre", "water park")},
        where=("$child < $adult", "$change < $total"),
        wordings=(
            (
                "{A} takes a group of {adults} adults and {children} children to the {place} and "
                "buys all the tickets. An adult ticket costs {$adult}, and a child ticket costs "
                "{$child}. {A} pays with {$paid}.",
                "How many dollars of change does {A} get?",
            ),
            (
                "The {place} charges {$adult} for an adult and {$child} for a child. {A} buys "
                "tickets for {adults} adults and {children} children from {A.his} {$paid}.",
                "How many dollars does {A} have left?",
            ),
        ),
        steps=(
            "$first = adults * $adult | The adult tickets cost {=}.",
            "$second = children * $child | The child tickets cost {=}.",
            "$total = $first + $second | All the tickets cost {=}.",
            "$change = $paid - $total | That leaves {=}.",
        ),
        facts=(("The {place} had {x} visitors the day before.", number(200, 900)),),
    ),
    Template(
        "phone_plan",
        numbers={
            "$basic": money(800, 3000, 50),
            "free": number(100, 400, 50),
            "used": number(20, 180, 5, plus="free"),
            "$minute": money(5, 40, 5),
        },
        nouns={"month": ("January", "March", "May", "July", "October", "December")},
        wordings=(
            (
                "{A}'s phone plan costs {$basic} a month with {free} minutes of calls. Each minute "
                "beyond that costs {$minute}. In {month}, {A} talks for {used} minutes.",
                "How many dollars is {A}'s bill for {month}?",
            ),
            (
                "In {month}, {A} makes {used} minutes of phone calls. The first {free} minutes are "
                "part of a plan for {$basic} a month, and every further minute costs {$minute}.",
                "How many dollars does {A} pay for {month}?",
            ),
        ),
        steps=(
            "extra = used - free | {A} uses {= extra minute}.",
            "$more = extra * $minute | They cost {=}.",
            "$bill = $basic + $more | The bill is {=}.",
        ),
        facts=(("{A} takes {x} photos in {month}.", number(20, 300)),),
    ),
    Template(
        "bakery_day",
        numbers={
            "n": number(20, 90),
            "$a": money(100, 400, 25),
            "m": number(20, 90),
            "$b": money(100, 500, 25),
            "$flour": money(2000, 7000, 100),
            "$rent": money(2000, 6000, 100),
        },
        nouns={"item": words.BAKED, "other": words.BAKED},
        wordings=(
            (
                "On Saturday {A} sells {n @item} at {$a} each and {m @other} at {$b} each. "
                "{A.He} pays {$flour} for ingredients and {$rent} for the stall.",
                "How many dollars of profit does {A} make on Saturday?",
            ),
            (
                "{A} runs a stall whose rent is {$rent} a day. One day {A.he} uses ingredients "
                "worth {$flour} and sells {m @other} for {$b} each and {n @item} for {$a} each.",
                "How many dollars does {A} gain that day, after costs?",
            ),
        ),
        steps=(
            "$first = n * $a | The {item.s} bring in {=}.",
            "$second = m * $b | The {other.s} bring in {=}.",
            "$income = $first + $second | The income is {=}.",
            "$costs = $flour + $rent | The costs are {=}.",
            "$profit = $income - $costs | The profit is {=}.",
        ),
        facts=(("{A} gets up {x} minutes before sunrise.", number(15, 90)),),
    ),
    Template(
        "pocket_money_parts",
        numbers={
            "b": number(3, 8),
            "a": number(3, 8),
            "$money": money(20, 200, 2, times="a b"),
        },
        nouns={"item": ("book", "game", "poster", "puzzle", "comic")},
        wordings=(
            (
                "{A} has {$money}. {A.He} spends 1/{a} of it on {a item} and then 1/{b} of the "
                "rest on a present.",
                "How many dollars does {A} still have?",
            ),
            (
                "Of {A.his} {$money}, {A} uses 1/{a} to buy {a item}. Later {A.he} gives away "
                "1/{b} of what is left.",
                "How many dollars does {A} have in the end?",
            ),
        ),
        steps=(
            "$first = $money / a | The {item} costs {=}.",
            "$rest = $money - $first | That leaves {=}.",
            "$second = $rest / b | Then {A} parts with {=}.",
            "$left = $rest - $second | {A} has {=} in the end.",
        ),
        facts=(("The {item} weighs {x} grams.", number(120, 900, 10)),),
    ),
    Template(
        "car_hire",
        numbers={
            "days": number(2, 14),
            "$daily": money(2000, 7000, 100),
            "km": number(50, 900, 10),
            "$perkm": money(5, 45, 5),
        },
        nouns={"vehicle": ("car", "van", "motorbike", "camper")},
        wordings=(
            (
                "{A} hires {a vehicle} for {days} days at {$daily} a day, plus {$perkm} for every "
                "kilometre. {A.He} drives {km} kilometres.",
                "How many dollars does {A} pay for the {vehicle}?",
            ),
            (
                "A hired {vehicle} costs {$perkm} per kilometre on top of {$daily} per day. {A} "
                "keeps it for {days} days and drives {km} kilometres.",
                "How many dollars does the {vehicle} cost {A}?",
            ),
        ),
        steps=(
            "$time = days * $daily | The {days} days cost {=}.",
            "$way = km * $perkm | The kilometres cost {=}.",
            "$total = $time + $way | Together that is {=}.",
        ),
        facts=(("The {vehicle} is {x} years old.", number(2, 9)),),
    ),
)
