"""Puzzle generation: kernels equal the plain-Python definition; splits keep their promises."""

import dataclasses
import hashlib
import itertools
import math
import os
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.answers.puzzle import verify
from mathjax.problems import puzzle_kernels, puzzle_reference
from mathjax.problems.base import ProblemError
from mathjax.problems.puzzle import (
    ALPHABET,
    PuzzleSet,
    PuzzleSpec,
    reference_problem,
    standard_splits,
)


def documents(rendered):
    text = rendered.text.tobytes()
    return [text[a:b] for a, b in itertools.pairwise(rendered.bounds)]


def parse(document):
    prompt, response = document.decode()[:-1].split("\n")
    numbers, target = prompt.split(":")
    return [int(n) for n in numbers.split(",")], int(target), response


@st.composite
def specs(draw):
    n = draw(st.integers(2, 16))
    max_number = draw(st.sampled_from([20, 60, 64, 65, 100, 1000, 10**6]))
    spec = {
        "num_numbers": (n, *draw(st.lists(st.integers(2, n - 1), max_size=1))) if n > 2 else (n,),
        "max_number": max_number,
        "division": draw(st.sampled_from(["exact", "integer"])),
        "max_intermediate": draw(st.sampled_from([10**6, 2**31, 2**52 - 1])),
        "above": draw(st.sampled_from([0, max_number // 2])),
        "shuffle_numbers": draw(st.booleans()),
    }
    low = draw(st.sampled_from([1, 0, -10]))
    return PuzzleSpec(**spec, target_min=low, target_max=draw(st.sampled_from([None, 10**6])))


@settings(max_examples=60, deadline=None)
@given(
    specs(),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["train", "train", "validation", "in_domain"]),
    st.integers(0, 2**60),
)
def test_kernel_equals_definition_and_solution_is_right(spec, seed, split, start):
    made = PuzzleSet(spec, seed, "train") if split == "train" else PuzzleSet(spec, seed, split, 3)
    indices = np.arange(3) + (start if split == "train" else 0)
    rendered, keys = made.render(indices), made.keys(indices)
    low, high = spec.target_range
    for i, document in enumerate(documents(rendered)):
        numbers, target, response = parse(document)
        n = spec.num_numbers[int(indices[i]) % len(spec.num_numbers)]
        assert len(set(numbers)) == len(numbers) == n
        assert min(numbers) >= 1 and spec.above < max(numbers) <= spec.max_number
        assert spec.shuffle_numbers or numbers == sorted(numbers)
        assert low <= target <= high
        results = [int(step.partition("=")[2]) for step in response.split(",")]
        assert max(map(abs, results)) <= spec.max_intermediate
        assert verify(numbers, target, response, spec.division).correct
        assert len(document) <= made.longest
        assert rendered.prompt_sizes[i] == document.index(b"\n") + 1
        assert set(document.decode()) <= set(ALPHABET) | {"\n", "\0"}
        key = puzzle_reference.puzzle_key(numbers, target)
        first, last = puzzle_reference.buckets(split)
        assert keys[i] == key and first <= puzzle_reference.bucket(key) <= last
        # Streams of the other splits are chosen; the first one is the first of its kind.
        stream = int(indices[i]) if split == "train" else int(made._streams[i])
        expected = reference_problem(spec, seed, split, stream)
        assert document.decode() == f"{expected.prompt}\n{expected.response}\0"
        assert expected.key == key


def test_every_size_and_split_at_paper_scale_of_numbers():
    for max_number, n in itertools.product((16, 60, 1000), range(2, 17)):
        made = PuzzleSet(PuzzleSpec(num_numbers=(n,), max_number=max_number), 1, "train")
        for document in documents(made.render(np.arange(40))):
            verdict = verify(*parse(document))
            assert verdict.correct, (document, verdict)


def test_constants_of_kernels_and_definition_agree():
    for name in ("GAMMA", "SHUFFLE"):
        assert int(getattr(puzzle_kernels, name)) == getattr(puzzle_reference, name)


GOLDEN = "77a63e4f"


def digest():
    made = PuzzleSet(PuzzleSpec(), 7, "train").render(np.arange(3000)).text.tobytes()
    test = PuzzleSet(PuzzleSpec(), 7, "in_domain", 300).render(np.arange(300)).text.tobytes()
    return hashlib.sha256(made + test).hexdigest()[:8]


def test_bytes_never_change():
    """A changed digest means that every published seed now stands for other data."""
    assert digest() == GOLDEN
    code = "from test_puzzle import digest; print(digest())"
    here = os.path.dirname(__file__)
    again = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == GOLDEN


@pytest.mark.parametrize("split,count", [("train", None), ("train", 500), ("in_domain", 500)])
def test_example_depends_on_its_index_only(split, count):
    made = PuzzleSet(PuzzleSpec(), 3, split, count)
    whole = documents(made.render(np.arange(500)))
    order = np.random.default_rng(0).permutation(500)
    assert documents(made.render(order)) == [whole[i] for i in order]
    assert documents(made.render(np.array([5, 5, 5]))) == [whole[5]] * 3
    assert b"".join(whole[100:107]) == made.render(np.arange(100, 107)).text.tobytes()
    shards = [[] for _ in range(4)]

    def work(k):
        shards[k] = documents(made.render(np.arange(k, 500, 4)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shards[i % 4][i // 4] for i in range(500)] == whole
    assert made.problem(9).prompt == whole[9].decode().split("\n")[0]
    assert len(made.render(np.empty(0, np.int64))) == 0


def test_test_split_is_prefix_stable_and_distinct():
    spec = PuzzleSpec(num_numbers=(3, 4), max_number=20)
    short, long = (PuzzleSet(spec, 5, "test", count) for count in (7, 1200))
    assert documents(short.render(np.arange(7))) == documents(long.render(np.arange(7)))
    assert len(np.unique(long.keys(np.arange(1200)))) == 1200
    sizes = Counter(len(parse(d)[0]) for d in documents(long.render(np.arange(1200))))
    assert sizes == {3: 600, 4: 600}
    # The plain rule: stream j is kept if its puzzle is new.
    seen, streams = set(), []
    for stream in range(0, 60, 2):
        key = reference_problem(spec, 5, "test", stream).key
        if key not in seen:
            streams.append(stream)
        seen.add(key)
    assert long._streams[::2][: len(streams)].tolist() == streams


def test_train_and_test_never_meet():
    """Nearly all of a small space is drawn, with several seeds, and no puzzle is shared."""
    spec = PuzzleSpec(num_numbers=(3,), max_number=12, shuffle_numbers=True)

    def puzzles(split, seed, count):
        made = PuzzleSet(spec, seed, split, count)
        found = (parse(d) for d in documents(made.render(np.arange(count))))
        return {(*sorted(numbers), target) for numbers, target, _ in found}

    train = set().union(*(puzzles("train", seed, 8000) for seed in range(3)))
    test = puzzles("in_domain", 0, 100) | puzzles("another", 9, 100)
    validation = puzzles("validation", 4, 30)
    assert len(train) > 400
    assert not train & test and not train & validation and not test & validation


def test_blocks_of_distinct_puzzles():
    """No puzzle twice in a block, blocks that differ, rare puzzles seen more often, and example i
    the same in any order of asking."""
    spec = PuzzleSpec(num_numbers=(3,), max_number=12, max_intermediate=40, distinct=500)
    made, plain = (
        PuzzleSet(spec, 3, "train"),
        PuzzleSet(dataclasses.replace(spec, distinct=0), 3, "train"),
    )
    everything = np.arange(40 * 500)
    keys, drawn = made.keys(everything), plain.keys(everything)
    blocks = keys.reshape(-1, 500)
    assert all(len(np.unique(block)) == 500 for block in blocks)
    assert len(np.unique(blocks[0])) < len(np.unique(blocks[:2])) <= len(np.unique(drawn))

    def entropy(keys):
        shares = np.unique(keys, return_counts=True)[1] / len(keys)
        return -(shares * np.log(shares)).sum()

    assert entropy(keys) > entropy(drawn) + 0.1
    streams = [reference_problem(spec, 3, "train", stream) for stream in range(1500)]
    first = {puzzle.key: puzzle for puzzle in reversed(streams)}
    expected = sorted(first.values(), key=streams.index)[:500]
    texts = [f"{x.prompt}\n{x.response}\0".encode() for x in expected]
    assert documents(made.render(everything[:500])) == texts
    order = np.random.default_rng(0).permutation(2000)
    again = PuzzleSet(spec, 3, "train")
    np.testing.assert_array_equal(again.keys(order), keys[order])
    assert documents(again.render(order[:50])) == documents(made.render(order[:50]))


def test_blocks_keep_to_the_sizes_and_are_refused_where_there_are_too_few_puzzles():
    spec = PuzzleSpec(num_numbers=(3, 4), max_number=20, distinct=600)
    rendered = PuzzleSet(spec, 0, "train").render(np.arange(1300))
    assert [len(parse(d)[0]) for d in documents(rendered)] == [3, 4] * 650
    few = dataclasses.replace(spec, num_numbers=(3,), max_number=6, distinct=600)
    with pytest.raises(ProblemError, match="distinct: .* has only about .* lower distinct"):
        PuzzleSet(few, 0, "train")
    assert len(PuzzleSet(few, 0, "in_domain", 5)) == 5


def test_standard_splits_are_the_papers_and_disjoint():
    spec = PuzzleSpec()
    splits = standard_splits(spec)
    assert {name: count for name, (_, count) in splits.items()} == {
        "in_domain": 7500,
        "numerical_ood_100": 6000,
        "numerical_ood_1000": 6000,
        "form_ood": 5000,
    }
    keys, seen = [], {}
    for name, (split_spec, count) in splits.items():
        made = PuzzleSet(split_spec, 0, name, count)
        keys.append(made.keys(np.arange(count)))
        seen[name] = [parse(d) for d in documents(made.render(np.arange(300)))]
    train = PuzzleSet(spec, 0, "train").keys(np.arange(100_000))
    everything = np.concatenate([*keys, np.unique(train)])
    assert len(np.unique(everything)) == len(everything)
    assert all(60 < max(numbers) <= 100 for numbers, _, _ in seen["numerical_ood_100"])
    assert all(100 < max(numbers) <= 1000 for numbers, _, _ in seen["numerical_ood_1000"])
    assert max(target for _, target, _ in seen["numerical_ood_1000"]) > 100
    assert {len(numbers) for numbers, _, _ in seen["form_ood"]} == {8}
    assert set(standard_splits(PuzzleSpec(max_number=100))) == {
        "in_domain",
        "numerical_ood_1000",
        "form_ood",
    }
    assert set(standard_splits(PuzzleSpec(num_numbers=(16,), max_number=1000))) == {"in_domain"}


def test_laptop_task_has_its_test_sets():
    spec = PuzzleSpec(num_numbers=(3,), max_number=20)
    for split, count in (("in_domain", 500), ("validation", 128)):
        assert len(np.unique(PuzzleSet(spec, 0, split, count).keys(np.arange(count)))) == count


def test_seeds_and_splits_are_independent():
    """Equal puzzles of two seeds stay near the birthday bound of the space of N=5."""
    spec = PuzzleSpec(num_numbers=(5,))
    first, second = (PuzzleSet(spec, s, "train").keys(np.arange(20_000)) for s in (0, 1))
    assert len(np.intersect1d(first, second)) < 100


def test_distribution_of_two_number_puzzles():
    """Sets uniform, then the landing (order, operator) options uniform, given the key's bucket."""
    spec = PuzzleSpec(num_numbers=(2,), max_number=9)
    weights = {}
    for a, b in itertools.combinations(range(1, 10), 2):
        options = []
        for x, y in ((a, b), (b, a)):
            options += [(f"{x}+{y}", x + y), (f"{x}-{y}", x - y), (f"{x}*{y}", x * y)]
            options += [(f"{x}/{y}", x // y)] if x % y == 0 else []
        landing = [(step, value) for step, value in options if 1 <= value <= 9]
        for step, value in landing:
            if puzzle_reference.bucket(puzzle_reference.puzzle_key([a, b], value)) >= 5:
                weights[f"{step}={value}"] = 1 / len(landing)
    count = 40_000
    made = PuzzleSet(spec, 0, "train").render(np.arange(count))
    found = Counter(parse(d)[2] for d in documents(made))
    assert set(found) == set(weights)
    scale = count / sum(weights.values())
    chi = sum((found[s] - scale * w) ** 2 / (scale * w) for s, w in weights.items())
    freedom = len(weights) - 1
    assert abs(chi - freedom) < 5 * math.sqrt(2 * freedom)


def test_rejection_rate_counts_candidates():
    spec = PuzzleSpec()
    drawn = [reference_problem(spec, 0, "train", i).candidates for i in range(60)]
    assert PuzzleSet(spec, 0, "train").rejection_rate(60) == pytest.approx(np.mean(drawn))


def test_problem_for_people():
    problem = PuzzleSet(PuzzleSpec(num_numbers=(5,)), 0, "train").problem(0)
    assert problem.prompt == "31,39,40,53,55:50" and problem.answer == "50"
    assert problem.response == "53-55=-2,-2+31=29,39+40=79,79-29=50"
    assert problem.facts == {
        "num_numbers": 5,
        "max_number": 60,
        "target": 50,
        "largest_intermediate": 79,
    }


@pytest.mark.parametrize(
    "field,values",
    [
        ("num_numbers", [(), (1,), (17,), (5, 5), 5, "5", (5.0,), (True,)]),
        ("max_number", [6, 10**6 + 1, 60.0, None]),
        ("division", ["floor", None]),
        ("target_min", [61, "1", True]),
        ("target_max", [0, 10**6 + 1]),
        ("max_intermediate", [59, 2**52]),
        ("above", [-1, 60]),
        ("shuffle_numbers", ["no", 1]),
        ("distinct", [-3, 4, 1.0, True]),
    ],
)
def test_bad_fields_are_named(field, values):
    for value in values:
        with pytest.raises(ProblemError, match=f"^{field}: "):
            PuzzleSpec(**{field: value})


def test_impossible_sets_say_what_to_change():
    tiny = PuzzleSpec(num_numbers=(2,), max_number=3, target_min=9, target_max=9)
    with pytest.raises(ProblemError, match="widen target_min"):
        PuzzleSet(tiny, 0, "train")
    few = PuzzleSpec(num_numbers=(3,), max_number=12)
    with pytest.raises(ProblemError, match="lower count"):
        PuzzleSet(few, 0, "in_domain", 5000)
    with pytest.raises(ProblemError, match="count: "):
        PuzzleSet(PuzzleSpec(), 0, "in_domain")
    with pytest.raises(ProblemError, match="seed: "):
        PuzzleSet(PuzzleSpec(), -1, "train")


def test_indices_out_of_range_are_refused():
    made = PuzzleSet(PuzzleSpec(), 0, "in_domain", 10)
    for bad in ([10], [-1], [0, 99]):
        with pytest.raises(IndexError):
            made.render(np.array(bad))
    with pytest.raises(TypeError):
        made.render(np.array([0.5]))
    assert PuzzleSpec(num_numbers=[5, 6]).num_numbers == (5, 6)
