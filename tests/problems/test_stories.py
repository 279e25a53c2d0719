"""Grade-school stories: every number is recomputed, the English is sane, variants are paired."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.problems import stories as stories_module
from mathjax.problems import text_set
from mathjax.problems.base import ProblemError
from mathjax.problems.stories import (
    ALPHABET,
    TEMPLATES,
    VARIANTS,
    StorySet,
    StorySpec,
    problem,
    standard_splits,
    variants,
    vary,
)
from mathjax.problems.story import add_fact, draw_story
from mathjax.problems.story_engine import Step
from mathjax.problems.story_words import PEOPLE, plural
from mathjax.problems.streams import Draws

NUMBER = r"\d+(?:\.\d+)?"
ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
EQUATION = re.compile(rf"\$?{NUMBER}(?: [-+*/] \$?{NUMBER})+ = \$?{NUMBER}")


def value(expression):
    """Products before sums, from left to right, in exact fractions."""
    tokens = re.findall(rf"{NUMBER}|[-+*/]", expression)
    assert "".join(tokens) == expression, expression
    total, product, sign, operator = Fraction(0), Fraction(tokens[0]), 1, None
    for token in tokens[1:]:
        if token in "+-":
            total, sign, product, operator = (
                total + sign * product,
                1 if token == "+" else -1,
                1,
                "*",
            )
        elif token in "*/":
            operator = token
        elif operator == "/":
            product /= Fraction(token)
        else:
            product *= Fraction(token)
    return total + sign * product


def check(made, steps=None):
    """Recomputes every annotation and every equation, and the answer from the last of them."""
    *lines, last = made.response.split("\n")
    results = []
    for line in lines:
        for expression, result in ANNOTATION.findall(line):
            assert value(expression) == Fraction(result), line
        plain = ANNOTATION.sub("", line)
        found = EQUATION.findall(plain)
        assert len(found) == 1, line
        left, right = found[0].replace("$", "").replace(" ", "").split("=")
        assert value(left) == Fraction(right) > 0, line
        for expression, result in ANNOTATION.findall(line):
            assert (expression, result) == (left, right), line
        results.append(Fraction(right))
    assert len(lines) == made.facts["num_steps"]
    answer = re.fullmatch(rf"#### ({NUMBER})|The answer is ({NUMBER})\.", last)
    assert Fraction(answer[1] or answer[2]) == results[-1] == Fraction(made.answer)
    assert (answer[1] or answer[2]) == made.answer
    return results


def check_english(text):
    assert not re.search(r"[{}@]|  |\s$|^\s|None| [.,;?]", text), text
    for sentence in re.split(r"(?<=[.?!:])\s", text):
        assert re.match(r"[A-Z]|####", sentence) or sentence.startswith("it is "), text
    for found in re.finditer(r"(?<![\d.,$/*+=-] )(?<![\d.$/])\b(\d+(?:\.\d+)?) ([a-z]+)", text):
        number, noun = found.groups()
        if noun in SINGULARS:
            assert number == "1", found[0]
        elif noun in PLURALS:
            assert number != "1", found[0]
    for name, pronoun in re.findall(r"\b([A-Z][a-z]+) and (?:his|her)\b", text):
        assert name in PEOPLE, pronoun
    assert not re.search(r"\ba [aeiou]|\ban (?!hour)[^aeiou\W]", text, re.IGNORECASE), text


def _nouns():
    """What is counted somewhere."""
    for template in TEMPLATES.values():
        for text in (*template.steps, *(part for wording in template.wordings for part in wording)):
            for at, noun in re.findall(r"\{\$?[\w=]+ (@?)([a-z ]+)\}", text):
                if at:
                    yield from template.nouns[noun]
                elif noun not in template.nouns:
                    yield noun


SINGULARS = {noun for noun in _nouns() if " " not in noun and noun != plural(noun)}
PLURALS = {plural(noun) for noun in SINGULARS}


def drawn(seed, count=10):
    """`count` stories of every template, each in every wording, with a fact."""
    for place, template in enumerate(TEMPLATES.values()):
        draws = Draws(seed, place)
        for _ in range(count):
            story = draw_story(template, draws)
            yield story
            yield vary(story, "paraphrase", draws)
            yield add_fact(story, draws)


def test_there_are_enough_templates_with_one_to_six_steps():
    assert len(TEMPLATES) >= 60
    steps = Counter(len(template.steps) for template in TEMPLATES.values())
    assert set(steps) == {1, 2, 3, 4, 5, 6} and min(steps.values()) >= 2
    for template in TEMPLATES.values():
        assert len(set(template.wordings)) == len(template.wordings) >= 2, template.name
        assert template.people and template.nouns, template.name


@pytest.mark.parametrize("annotations", [True, False])
@pytest.mark.parametrize("ending", ["hashes", "sentence"])
def test_every_number_is_right_and_every_quantity_sensible(annotations, ending):
    spec = StorySpec(annotations=annotations, ending=ending)
    for story in drawn(1):
        made = problem(story, spec, "original")
        assert ("<<" in made.response) == annotations
        for result in check(made):
            assert result.denominator in (1, 2, 4, 5, 10, 20, 25, 50, 100)
        for name, quantity in story.values.items():
            places = 100 if name.startswith("$") or name in story.template.decimals else 1
            assert quantity > 0 and (quantity * places).denominator == 1, (story.key, name)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), index=st.integers(0, 2**40))
def test_any_example_of_any_seed_is_right(seed, index):
    made = StorySet(StorySpec(irrelevant_percent=50), seed, "train").problem(index)
    check(made)
    check_english(made.prompt)


def test_rationale_uses_numbers_of_the_question_or_of_earlier_steps():
    """A number from nowhere would be a mistake; constants stand for legs, minutes, percent."""
    constants = {"1", "2", "3", "4", "5", "10", "25", "60", "100", "1000"}
    for story in drawn(2, 5):
        made = problem(story, StorySpec(annotations=False), "original")
        known = {Fraction(n) for n in re.findall(NUMBER, made.prompt)}
        if "twice" in made.prompt:
            known.add(Fraction(2))
        for line in made.response.split("\n")[:-1]:
            left, right = EQUATION.search(line)[0].replace("$", "").split(" = ")
            for n in re.findall(NUMBER, left):
                assert Fraction(n) in known or n in constants, (line, made.prompt)
            known.add(Fraction(right))


def test_every_number_of_the_story_matters():
    """Shown numbers are used in the steps: what is irrelevant comes from the facts only."""
    for template in TEMPLATES.values():
        used = {term for step in template.program for term in step.terms}
        for body, question in template.wordings:
            shown = set(re.findall(r"\{(\$?[a-z]\w*)(?: @?[a-z ]+|\.times)?\}", body + question))
            for name in shown & set(template.numbers):
                assert name in used, (template.name, name)
            for name in set(template.numbers) & used:
                assert "{" + name in body + question, (template.name, name)


def test_english_is_sane():
    for story in drawn(3):
        made = problem(story, StorySpec(annotations=False), "original")
        check_english(made.prompt)
        assert made.prompt.endswith("?")
        for line in made.response.split("\n"):
            check_english(line)
            assert line.endswith(".") or line.startswith("#### ")
        assert set(made.prompt + made.response) <= {*ALPHABET, "\n"}


def test_a_question_names_people_before_pronouns():
    """The sentence before it may be an irrelevant fact about somebody or something else."""
    for template in TEMPLATES.values():
        for body, question in template.wordings:
            first = re.search(r"\{[A-C](\.\w+)?\}", question)
            assert first is None or not first[1], (template.name, question)
            assert not re.match(r"(\S+ )*(they|them|their) ", question), question
            assert "{A}" in body + question


def test_every_template_is_reached_and_answers_vary():
    made = [StorySet(StorySpec(), 0, "train").problem(i) for i in range(1500)]
    assert {m.facts["template"] for m in made} == set(TEMPLATES)
    assert max(Counter(m.answer for m in made).values()) < 0.03 * len(made)
    assert len({m.prompt for m in made}) > 0.99 * len(made)
    for template in TEMPLATES.values():
        draws = Draws(5, 0)
        keys = Counter(draw_story(template, draws).key for _ in range(150))
        answers = {draw_story(template, draws).answer() for _ in range(150)}
        assert len(keys) > 120, template.name
        assert len(answers) > 5, template.name


def test_train_validation_and_test_never_meet():
    """By template and numbers, whatever the seed, in a small space nearly all of which is drawn."""
    spec = StorySpec(templates=("equal_shares", "times_as_many"))
    train = StorySet(spec, 0, "train")
    train_keys = {train.story(i).key for i in range(1500)}
    for split, count in (("in_domain", 150), ("validation", 50), ("numeric", 60), ("symbolic", 60)):
        made = StorySet(spec, 9, split, count)
        keys = [made.story(i).key for i in range(count)]
        assert len(set(keys)) == count
        assert not train_keys & set(keys)
    assert len(train_keys) > 1000


def digest():
    parts = []
    for split in ("train", "in_domain", *VARIANTS):
        made = StorySet(StorySpec(irrelevant_percent=20), 7, split, 40)
        parts.append(made.render(np.arange(40)).text.tobytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:8]


GOLDEN = "e66bc7ff"
"""A changed digest means that every published seed now stands for other data."""


def test_same_bytes_in_any_order_and_process():
    for split in ("train", "in_domain", *VARIANTS):
        made = StorySet(StorySpec(), 3, split, 30)
        whole = [made.problem(i) for i in range(30)]
        again = StorySet(StorySpec(), 3, split, 60)
        order = np.random.default_rng(0).permutation(30).tolist()
        assert [again.problem(i) for i in order] == [whole[i] for i in order]
    code = "from test_stories import digest; print(digest())"
    here = os.path.dirname(__file__)
    again = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == digest() == GOLDEN


def test_variants_are_paired_and_change_one_thing():
    count = 80
    spec = StorySpec(irrelevant_percent=30)
    originals = StorySet(spec, 4, "in_domain", count)
    for split in VARIANTS:
        made = StorySet(spec, 4, split, count)
        for i in range(count):
            old, new = originals.story(i), made.story(i)
            text = made.problem(i)
            check(text)
            assert text.facts["variant"] == split
            assert new.template is old.template
            assert text.prompt != originals.problem(i).prompt
            assert (new.numbers != old.numbers) == (split in ("numeric", "symbolic"))
            assert (new.people != old.people) == (split in ("names", "symbolic"))
            assert not set(new.people) & set(old.people) or new.people == old.people
            assert (new.nouns != old.nouns) <= (split in ("names", "symbolic"))
            assert (new.wording != old.wording) == (split == "paraphrase")
            assert len(new.facts) == len(old.facts) + (split == "distraction")
            assert bool(new.unknown) == (split == "reversed")
            assert (new.further is not None) == (split == "extended")
            if split not in ("numeric", "symbolic", "reversed", "extended"):
                assert text.answer == originals.problem(i).answer
        with pytest.raises(IndexError):
            made.problem(count)
    found = variants(originals, 3)
    assert found == {split: StorySet(spec, 4, split, count).problem(3) for split in VARIANTS}
    assert set(standard_splits(spec)) == {"in_domain", *VARIANTS}


def known_numbers(made):
    """Each equation of the rationale takes its numbers from the question, earlier results and
    constants; returns what the question tells."""
    told = {Fraction(n) for n in re.findall(NUMBER, made.prompt)}
    known = told | {Fraction(n) for n in ("1", "2", "3", "4", "5", "10", "25", "60", "100", "1000")}
    for line in made.response.split("\n")[:-1]:
        left, right = EQUATION.search(line)[0].replace("$", "").split(" = ")
        assert {Fraction(n) for n in re.findall(NUMBER, left)} <= known, (line, made.prompt)
        known.add(Fraction(right))
    return told


def test_reversed_stories_want_a_number_of_the_story():
    reached = Counter()
    for place, story in enumerate(drawn(6, 6)):
        turned = vary(story, "reversed", Draws(6, place))
        old, made = (problem(s, StorySpec(annotations=False), "") for s in (story, turned))
        check(made)
        check_english(made.prompt)
        hidden = dict(zip(story.template.numbers, story.numbers, strict=True))[turned.unknown]
        assert Fraction(made.answer) == hidden
        assert Fraction(old.answer) in known_numbers(made)
        assert made.facts["num_steps"] == old.facts["num_steps"]
        if hidden > 2:  # else a noun or "twice" changes too
            assert re.sub(r"\bx\b", made.answer, made.prompt).startswith(old.prompt)
        assert re.search(r"\bx\b.*\bx\b", made.prompt) and made.prompt.endswith("?")
        assert set(made.prompt + made.response) <= {*ALPHABET, "\n"}
        reached[story.template.name] += 1
        # No other number of the kind gives the told answer: the steps are one operation each.
        other = story.template.solve(
            {**dict(zip(story.template.numbers, story.numbers, strict=True)),
             turned.unknown: hidden + 1}
        )  # fmt: skip
        result = story.template.program[-1].name
        assert other is None or other[result] != story.values[result]
    assert set(reached) == set(TEMPLATES)


def test_extended_stories_ask_one_step_more():
    asked = {
        r"what is (\d+) times that number": lambda a, b: a * b,
        r"which number is (\d+) more than that": lambda a, b: a + b,
        r"which number is (\d+) less than that": lambda a, b: a - b,
    }
    kinds = Counter()
    for place, story in enumerate(drawn(7, 3)):
        longer = vary(story, "extended", Draws(7, place))
        old, made = (problem(s, StorySpec(), "") for s in (story, longer))
        check(made)
        check_english(made.prompt)
        known_numbers(problem(longer, StorySpec(annotations=False), ""))
        assert made.prompt.startswith(f"{old.prompt} And ")
        assert made.response.split("\n")[:-2] == old.response.split("\n")[:-1]
        for pattern, operation in asked.items():
            if found := re.search(rf" And {pattern}\?$", made.prompt):
                kinds[pattern] += 1
                assert operation(Fraction(old.answer), int(found[1])) == Fraction(made.answer) > 0
    assert sum(kinds.values()) == len(TEMPLATES) * 9 and min(kinds.values()) > 100


def test_numeric_variants_do_not_depend_on_being_asked_in_order():
    late = StorySet(StorySpec(), 4, "numeric", 20).problem(19)
    made = StorySet(StorySpec(), 4, "numeric", 25)
    assert [made.problem(i) for i in range(20)][19] == late


def test_options_show_in_the_text():
    plain, other = (
        StorySet(spec, 0, "train")
        for spec in (
            StorySpec(max_steps=2),
            StorySpec(max_steps=2, ending="sentence", prompt="step_by_step", annotations=False),
        )
    )
    for i in range(50):
        a, b = plain.problem(i), other.problem(i)
        assert a.facts == b.facts and a.facts["num_steps"] <= 2 and a.task == "stories"
        assert b.prompt == f"Question: {a.prompt}\nLet's think step by step"
        assert b.response.endswith(f"The answer is {a.answer}.") and "<<" not in b.response
    always = StorySet(StorySpec(irrelevant_percent=100), 0, "train")
    assert all(len(always.story(i).facts) == 1 for i in range(20))


def test_one_story_in_full():
    story = draw_story(TEMPLATES["change_from_note"], Draws(0, 0))
    story = type(story)(story.template, (3, Fraction(5, 2), 10), ("Ada",), ("pencil",), 0)
    made = problem(story, StorySpec(), "original")
    assert made.prompt == (
        "Ada buys 3 pencils at $2.50 each and hands the cashier $10. How many dollars of change "
        "does Ada get?"
    )
    assert made.response == (
        "The pencils cost 3 * $2.50 = $<<3*2.50=7.50>>7.50.\n"
        "The change is $10 - $7.50 = $<<10-7.50=2.50>>2.50.\n"
        "#### 2.50"
    )


def test_plurals():
    expected = {"apple": "apples", "box": "boxes", "peach": "peaches", "daisy": "daisies"}
    expected |= {"toy": "toys", "scarf": "scarves", "sheep": "sheep", "person": "people"}
    assert {word: plural(word) for word in expected} == expected
    assert plural("glass of water") == "glasses of water"


def test_a_step_of_mixed_precedence_is_refused():
    with pytest.raises(ValueError, match="precedence"):
        Step("x = a + b * c | {=}.")


@pytest.mark.parametrize(
    "field,values",
    [
        ("templates", [("nobody",), "fruit_cost", 3, ("fruit_cost", "fruit_cost")]),
        ("min_steps", [0, 7, 1.5, True, "2"]),
        ("max_steps", [0, 7, None]),
        ("annotations", [1, "yes"]),
        ("ending", ["####", None]),
        ("prompt", ["chat", None]),
        ("irrelevant_percent", [-1, 101, 0.5]),
    ],
)
def test_bad_fields_are_named(field, values):
    for bad in values:
        with pytest.raises(ProblemError, match=f"^{field}: "):
            StorySpec(**{field: bad})


def test_impossible_sets_say_what_to_change(monkeypatch):
    with pytest.raises(ProblemError, match="^min_steps: "):
        StorySpec(min_steps=4, max_steps=3)
    with pytest.raises(ProblemError, match="^templates: "):
        StorySpec(templates=("fruit_cost",), min_steps=2)
    with pytest.raises(ProblemError, match="^count: "):
        StorySet(StorySpec(), 0, "numeric")
    with pytest.raises(ProblemError, match="^split: "):
        variants(StorySet(StorySpec(), 0, "train"), 0)
    monkeypatch.setattr(text_set, "_TRIES", 300)
    monkeypatch.setattr(stories_module, "_TRIES", 30)
    with pytest.raises(ProblemError, match="lower count"):
        made = StorySet(StorySpec(templates=("equal_shares",)), 0, "in_domain", 500)
        made.problem(499)
    with pytest.raises(ProblemError, match="no new numbers .* lower count"):
        made = StorySet(StorySpec(templates=("equal_shares",)), 0, "numeric", 200)
        made.problem(199)
