"""Which equations of a text are steps, and whether they are right: the reader's cases."""

from fractions import Fraction

import pytest

from mathjax.answers.steps import Remainder, check_trace

RIGHT, WRONG, UNDECIDED = "right", "wrong", "undecided"


def statuses(text):
    return [step.status for step in check_trace(text, kind="arithmetic").steps]


@pytest.mark.parametrize(
    "text",
    [
        "3+4=7",
        "So 3 + 4 = 7.",
        "3+4==7",
        "1. 3+4=7",
        "1) 3+4=7",
        "- 3+4=7",
        "- 3 + 4 = 1",
        "-3 + 4 = 1",
        "* 3+4=7",
        "**3+4=7**",
        "`3+4=7`",
        '"3+4=7"',
        "Step 2: 3+4=7",
        "Total:3+4=7",
        "\\(3+4=7\\)",
        "$3+4=7$",
        "$$3+4=7$$",
        "3+4 = \\boxed{7}",
        "12*5\n= 60",
        "12*5 &= 60 \\\\",
        "12*5\\\\ &= 60",
        "8 = 5 + 3",
        # Signs.
        "5 x 3 = 15",
        "5x3=15",
        "5 X 3 = 15",
        "5 x -3 = -15",
        "5 \u00d7 3 = 15",
        "5\u00b73=15",
        "5 \\times 3 = 15",
        "6 \u00f7 4 = 1.5",
        "6 \\div 2 = 3",
        "7 \u2212 9 = \u22122",
        "7 \u2013 9 = -2",
        "3 - - 2 = 5",
        "3 +- 2 = 1",
        "2^3 = 8",
        "2**3 = 8",
        "5\u00b2 = 25",
        "-3^2 = -9",
        "(-3)^2 = 9",
        "sqrt(16) = 4",
        "2(3+4) = 14",
        "(1+2)(3+4) = 21",
        "4 / 1/2 = 8",
        "5 times 3 equals 15",
        "10 divided by 4 equals 2.5",
        "3 plus 4 = 7",
        # Numbers.
        "1,234 + 1 = 1,235",
        "0.1 + 0.2 = 0.3",
        ".5 + .5 = 1",
        "1e3 + 1 = 1001",
        "1.5e-3 * 2 = 0.003",
        "1/2 + 1/4 = 3/4",
        "\\frac{1}{2} + \\frac{1}{3} = \\frac{5}{6}",
        "2 1/2 + 1 = 3 1/2",
        "2\u00bd + 1 = 3\u00bd",
        "3\\frac{1}{2} * 2 = 7",
        "9/2 = 4 and 1/2",
        "3/4 of 20 = 15",
        "1.5 million + 2 million = 3.5 million",
        "1.5 million * 2 = 3,000,000",
        "3 dozen * 2 = 72",
        # Percent.
        "20% of 50 = 10",
        "20% * 50 = 10",
        "20 percent of 50 = 10",
        "40/80*100 = 50%",
        "40/80 = 50%",
        "100% - 20% = 80%",
        "100% - 20% = 80",
        "1 - 0.2 = 80%",
        "$200 - 10% = $180",
        # Units and currency.
        "5 apples + 3 apples = 8 apples",
        "5 apples + 3 oranges = 8 fruits",
        "12 hours/day * 5 days = 60 hours",
        "3 ft. * 7 ft. = 21 sq. ft.",
        "$5 bills * 4 = $20",
        "the cost is $3 + $4 = 7$",
        "10 miles / 2 = 5 miles",
        "5\\text{ apples} + 3\\text{ apples} = 8\\text{ apples}",
        "3 apples (2 red + 1 green = 3)",
        # Rounding.
        "10/3 = 3.33",
        "2/3 = 0.667",
        "10/3 = 3.3333...",
        "2/3 = 0.66...",
        "10/3 = about 3",
        "10/3 \u2248 3",
        "10/3 = ~3",
        "10/3 \\approx 3.3",
        "10/3 = 3 (rounded)",
        "10/3 = 4 (rounded up)",
        "11/3 = 3, rounded down",
        "1234 * 5 \u2248 6,200",
        # Remainders.
        "225 / (-24) = -9 R 9",
        "-7 / 2 = -3 R -1",
        "-7 / 2 = -4 R 1",
        "7/2 = 3 remainder 1",
        "100 / 3 = 33 each, with 1 left over",
        # LaTeX.
        "\\left(1+2\\right)\\left(3+4\\right) = 21",
        "10{,}000 / 8 = 1,\\!250",
        "2^{3} \\cdot 3 = 24\\text{ cm}^2",
        "10\u00f72/3 = 15",
        "\\dfrac{1}{2}(4)(4) = 8",
        # Annotations.
        "<<48/2=24>>24",
        "48/2 = <<48/2=24>>24",
        "48/2 = $<<48/2=24.00>>24.00",
        "Half of 48 is <<48/2=24>>24",
    ],
)
def test_right(text):
    assert statuses(text) == [RIGHT]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("3 + 4 = 8", 7),
        ("-3 + 4 = 7", 1),
        ("9 = 5 + 3", 9),
        ("5^2 = 10", 25),
        ("-3^2 = 9", -9),
        ("1/2 + 1/4 = 2/6", Fraction(3, 4)),
        ("1/4 = 24%", Fraction(1, 4)),
        ("20% of 50 = 11", 10),
        ("20% * 50 = 1000", 10),
        ("30% + 20% = 60%", Fraction(1, 2)),
        ("$200 - 10% = $190", Fraction(1999, 10)),
        ("5 apples + 3 oranges = 9 fruits", 8),
        ("10/3 = 3.34", Fraction(10, 3)),
        ("2/3 = 0.66", Fraction(2, 3)),
        ("10/3 = 3", Fraction(10, 3)),
        ("10/3 \u2248 4", Fraction(10, 3)),
        ("1/3 = 0.0", Fraction(1, 3)),
        ("225 / 24 = 9 R 8", Remainder(9, 9)),
        ("7/2 = 3 R 3", Remainder(3, 1)),
        ("5/0 = 1", None),
        ("48/2 = <<48/2=24>>25", 24),
        ("48/2 = <<48/2=25>>25", 24),
        ("48/3 = <<48/2=24>>24", 16),
        ("grew by 18 + 83 = <<18+13=31>>31", 101),
        ("He has <<3+4=8>>8", 7),
        ("1200 / 100 * 5 = <<0200/100*5=60>>60", 10),
    ],
)
def test_wrong(text, expected):
    (step,) = check_trace(text, kind="arithmetic").steps
    assert (step.status, step.expected) == (WRONG, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "x = 5",
        "a = b = 3",
        "2x + 3 = 7",
        "3x - 5 = 10",
        "3x -5 = 10",
        "3x-5=10",
        "5x = 20",
        "3n + 4n = 7n",
        "x + 5 = 12",
        "x2 + 3 = 4",
        "apples + 5 = 12",
        "3 + apples = 5",
        "Total cost = 5 + 2",
        "3+4 = x",
        "3+4 = 7x",
        "3+4 = ?",
        "f(3) = 9",
        "f(2) + 3 = 9",
        "max(3, 4) = 4",
        "1 hour = 60 minutes",
        "1/2 a cup = 4 ounces",
        "Day 2 = 5*3",
        "50% = 0.5",
        "<<7=7>>7",
        "3 of 20 = 60",
        "5 (3 + 2) = 25",
        "1,2345 + 1 = 2346",
        "14 400 / 2 = 7200",
        "5:30 + 2 = 7",
        "3 + 4 != 8",
        "3 + 4 => 7",
        "3 4 = 7",
        "3ab + 4 = 7",
        "\\frac{1}{2}AB = 4",
        "3!(2 + 1) = 18",
        "\\log_4 9 = 2 + 1",
        "2^6 7^2 = 3136",
        "3 + 4 = 12_5",
        "2 \\cdot 3 = 6\\pi",
        "10 / 3 = 3.\\overline{3}",
        "\\sqrt[3]{8} + 1 = 3",
        "3 \\frac45 = 19/5",
        "\u0663+\u0664=\u0667",
        "5\u200b3 + 1 = 2",
    ],
)
def test_no_step(text):
    assert statuses(text) == []


@pytest.mark.parametrize(
    "text,reason",
    [
        ("3 feet + 6 inches = 42 inches", "units"),
        ("2 adults + 3 children = $50", "units"),
        ("2 dozen + 3 = 5", "units"),
        ("half of 48 - 3 = 21", "words"),
        ("8/2(2+2) = 1", "words"),
        ("1 - 2/3 = 1/3 of $150", "words"),
        ("600 * 30 = 18 000", "words"),
        ("\\sqrt{2} = 1.41", "root"),
        ("9^9^9^9 = 1", "limit"),
        ("50 - 30 = 20 - 5", "run_on"),
        ("2/3*100 \u2248 65", "about"),
        ("0900 - 0130 = 0730", "words"),
        ("7 * 6 * 5 = 7! Ways", "words"),
    ],
)
def test_undecided(text, reason):
    (step,) = check_trace(text, kind="arithmetic").steps
    assert (step.status, step.reason) == (UNDECIDED, reason)


@pytest.mark.parametrize(
    "text,wanted",
    [
        ("3*4+5 = 12+5 = 17", [RIGHT, RIGHT]),
        ("3*4+5 = 13+5 = 18", [WRONG, RIGHT]),
        ("3+4 = 7 = 8", [RIGHT, WRONG]),
        ("3+4 = 7 = 7", [RIGHT]),
        ("50 - 30 = 20 - 5 = 15", [UNDECIDED, RIGHT]),
        ("2 * 60 = 120 minutes = 2 hours", [RIGHT]),
        ("x = 3 + 4 = 7", [RIGHT]),
        ("3+4=7, so 7+2=9 and 9*2=18", [RIGHT, RIGHT, RIGHT]),
        ("3+4 = 7 so 7 + 2 = 10", [RIGHT, WRONG]),
        ("10/3 * 2 = 3.33 * 2 = 6.66", [RIGHT, RIGHT]),
        ("10/3 = 3.33\n3.33 * 3 = 10", [RIGHT, RIGHT]),
        ("9.99/3 = 3.33\n3.33 * 3 = 10", [RIGHT, WRONG]),
        ("6/8 = 3/4 = 0.75 = 75%", [RIGHT, RIGHT, RIGHT]),
        ("34% of 50 = 34 * 50 / 100 = 1700 / 100 = 17", [RIGHT] * 3),
    ],
)
def test_chains(text, wanted):
    assert statuses(text) == wanted
