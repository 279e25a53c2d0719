"""How arithmetic is asked: our own phrasings, in symbols and in words.

A phrasing holds `{e}`, the whole expression, or `{a}` and `{b}`, the two operands. The expression
itself is written in one of the STYLES of OPERATORS. All text is ASCII, so that a character is a
byte. Changing, adding or reordering anything here changes what every published seed stands for.
"""

from __future__ import annotations

OPERATIONS = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "fraction_add",
    "fraction_subtract",
    "fraction_multiply",
    "fraction_divide",
    "percentage",
)
"""Names of the operations. A place in this list is part of a problem's key: only ever append."""

QUESTION, THINK, ANSWER = "Question: ", "\nLet's think step by step", "The answer is "
"""The paper's frame."""

OPERATORS = {
    "add": (" + ", " + ", "+", "+", " plus "),
    "subtract": (" - ", " - ", "-", "-", " minus "),
    "multiply": (" * ", " x ", "*", "x", " times "),
    "divide": (" / ", " / ", "/", "/", " divided by "),
    "percentage": ("% of ", "% of ", "% of ", "% of ", " percent of "),
}
"""What stands between the operands, by style: spaced, spaced with a letter x, tight, tight with a
letter x, in words. Fractions use the operator of the same name."""

STYLES = (0,) * 5 + (1,) * 4 + (2,) * 5 + (3,) * 4 + (4,) * 2
"""Styles with their shares, in twentieths (ours)."""

BARE = ("{e}", "{e} =", "{e} = ?")
"""A quarter of all prompts (ours), so that the plain expression is well known."""

ANY = (
    "What is {e}?",
    "What does {e} equal?",
    "What does {e} come to?",
    "What does {e} make?",
    "What number is {e}?",
    "What is the value of {e}?",
    "What is the result of {e}?",
    "What value does {e} have?",
    "What do you get for {e}?",
    "What do we get when we work out {e}?",
    "How much is {e}?",
    "How much does {e} amount to?",
    "Which number equals {e}?",
    "Which value does {e} take?",
    "Can you compute {e}?",
    "Can you tell me what {e} is?",
    "Could you work out {e} for me?",
    "Could you find the value of {e}?",
    "Do you know what {e} is?",
    "Would you please evaluate {e}?",
    "Compute {e}.",
    "Compute the value of {e}.",
    "Calculate {e}.",
    "Calculate {e} exactly.",
    "Calculate the following: {e}",
    "Evaluate {e}.",
    "Evaluate the expression {e}.",
    "Evaluate: {e}",
    "Work out {e}.",
    "Work out the value of {e}.",
    "Work this out by hand: {e}",
    "Find {e}.",
    "Find the exact value of {e}.",
    "Find the number that {e} stands for.",
    "Determine {e}.",
    "Determine the result of {e}.",
    "Solve {e}.",
    "Solve this exercise: {e}",
    "Give the value of {e}.",
    "Give an exact result for {e}.",
    "State the value of {e}.",
    "Tell me the value of {e}.",
    "Tell me how much {e} is.",
    "Show me how to work out {e}.",
    "Show the steps for {e}.",
    "Write {e} as a single number.",
    "Write down the result of {e}.",
    "Reduce {e} to one number.",
    "Complete the line: {e} =",
    "Fill in the missing number: {e} = __",
    "Replace the question mark: {e} = ?",
    "Exercise: {e}",
    "Arithmetic drill: {e}",
    "Next one: {e}",
    "Without a calculator, what is {e}?",
    "Using pen and paper, find {e}.",
    "Please compute {e}.",
    "Please calculate {e} step by step.",
    "Please find the result of {e}.",
    "I need the value of {e}.",
    "I would like to know {e}.",
    "Help me with {e}.",
    "Let n = {e}. What is n?",
    "If y = {e}, what is y?",
    "A pupil is asked for {e}. What is the right reply?",
    "The display should read {e}. Which number is that?",
)

ADD = (
    "What is the sum of {a} and {b}?",
    "Find the sum of {a} and {b}.",
    "Compute the total of {a} and {b}.",
    "Add {a} and {b}.",
    "Add {b} to {a}.",
    "What do {a} and {b} make together?",
    "What is {b} more than {a}?",
    "Increase {a} by {b}.",
    "Put {a} and {b} together. What is the total?",
    "If you add {b} to {a}, what do you get?",
)
SUBTRACT = (
    "What is the difference when {b} is subtracted from {a}?",
    "Subtract {b} from {a}.",
    "Take {b} away from {a}.",
    "Take {b} off {a}. What remains?",
    "What is {b} less than {a}?",
    "What is left of {a} after {b} is removed?",
    "Decrease {a} by {b}.",
    "Start at {a} and go down by {b}. Where do you end?",
    "What must be added to {b} to reach {a}?",
    "If {b} is taken from {a}, what is the result?",
)
MULTIPLY = (
    "What is the product of {a} and {b}?",
    "Find the product of {a} and {b}.",
    "Multiply {a} by {b}.",
    "Multiply {a} and {b} together.",
    "What do you get when {a} is multiplied by {b}?",
    "What is {a} scaled by a factor of {b}?",
    "Compute the product of the numbers {a} and {b}.",
    "If {a} is multiplied by {b}, what is the product?",
    "Find the number that is {b} times as large as {a}.",
    "What comes out when the factors {a} and {b} are multiplied?",
)
DIVIDE = (
    "Divide {a} by {b}.",
    "What is the quotient of {a} and {b}?",
    "Find the quotient when {a} is divided by {b}.",
    "What do you get when {a} is divided by {b}?",
    "How many times does {b} go into {a}?",
    "If {a} is divided by {b}, what is the result?",
)
WHOLE_DIVIDE = (
    "Divide {a} by {b} and give any remainder.",
    "Use long division on {a} and {b}.",
    "What are quotient and remainder of {a} by {b}?",
    "Do the long division of {a} by {b}.",
    "How often does {b} fit into {a}, and what is left over?",
)
FRACTIONS = (
    "Work out {e} in lowest terms.",
    "Give {e} as a fraction in lowest terms.",
    "Simplify {e}.",
    "Write {e} as one simplified fraction.",
    "Compute {e} and reduce the fraction.",
    "What is {e} as a reduced fraction?",
)
PERCENTAGE = (
    "Find {a}% of {b}.",
    "What number is {a}% of {b}?",
    "What is {a} percent of {b}?",
    "How much is {a} per cent of {b}?",
    "Take {a}% of {b}. What do you get?",
    "Out of {b}, how much is {a}%?",
    "What part of {b} does {a}% make, as a number?",
    "A share of {a}% is taken from {b}. How large is the share?",
    "Of a total of {b}, {a}% is set aside. How much is that?",
    "Calculate {a} percent of the amount {b}.",
)

_OWN = {
    "add": ADD,
    "subtract": SUBTRACT,
    "multiply": MULTIPLY,
    "divide": DIVIDE + WHOLE_DIVIDE,
    "fraction_add": ADD + FRACTIONS,
    "fraction_subtract": SUBTRACT + FRACTIONS,
    "fraction_multiply": MULTIPLY + FRACTIONS,
    "fraction_divide": DIVIDE + FRACTIONS,
    "percentage": PERCENTAGE,
}

TEMPLATES = {operation: BARE + ANY + own for operation, own in _OWN.items()}
"""By operation: the bare forms first, then the others."""
