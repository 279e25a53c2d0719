"""Intervals and estimators against textbook values, and the plots that show them."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathjax.evaluation import plots
from mathjax.evaluation.statistics import pass_at_k, wilson_interval


@st.composite
def outcomes(draw):
    trials = draw(st.integers(1, 10_000))
    return draw(st.integers(0, trials)), trials


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # R: prop.test(x, n, correct = FALSE)$conf.int; the third also in Newcombe 1998, table I
        (5, 10, 0.2366, 0.7634),
        (8, 10, 0.4902, 0.9433),
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0.0, 0.1611),
        (20, 20, 0.8389, 1.0),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_known_intervals(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(outcomes())
def test_interval_holds_the_estimate_and_mirrors(outcome):
    successes, trials = outcome
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1 and low < high
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(outcomes(), st.integers(2, 20))
def test_interval_shrinks_with_trials_and_grows_with_confidence(outcome, factor):
    successes, trials = outcome
    low, high = wilson_interval(successes, trials)
    more = wilson_interval(successes * factor, trials * factor)
    assert more[1] - more[0] < high - low
    wide = wilson_interval(successes, trials, confidence=0.99)
    assert wide[0] <= low and high <= wide[1]


def test_refused():
    for arguments in ((0, 0), (3, 2), (-1, 2), (1, 2, 1.0)):
        with pytest.raises(ValueError):
            wilson_interval(*arguments)
    for arguments in ((5, 6, 1), (5, 1, 6), (5, 1, 0)):
        with pytest.raises(ValueError):
            pass_at_k(*arguments)


def test_pass_at_k_known_values():
    assert pass_at_k(1, 1, 1) == 1.0 and pass_at_k(1, 0, 1) == 0.0
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert pass_at_k(5, 2, 2) == pytest.approx(0.7)
    assert pass_at_k(200, 1, 100) == pytest.approx(0.5)
    assert pass_at_k(10, 8, 3) == 1.0


@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))
)
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(case):
    n, c, k = case
    subsets = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def is_png(path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000


def test_plot_training(tmp_path):
    noise = random.Random(0)
    rows = [
        {"step": s, "loss": 3 / s + noise.random() / 9, "learning_rate": 1e-3} for s in range(1, 99)
    ]
    rows[5]["loss"] = None  # was not finite
    rows += [
        {"step": s, "validation/pass_at_1": s / 100, "validation/count": 64, "test/pass_at_1": 0.5}
        for s in (25, 50, 75)
    ]
    plots.plot_training(rows, tmp_path / "new" / "training.png")
    assert is_png(tmp_path / "new" / "training.png")
    for few in ([], rows[:1], [{"step": 1, "loss": None}], [{"step": 1, "accuracy": 0.5}]):
        plots.plot_training(few, tmp_path / "few.png")
        assert is_png(tmp_path / "few.png")


def test_plot_scores(tmp_path):
    summary = {
        "validation": {
            "pass_at_1": 0.8,
            "low": 0.71,
            "high": 0.87,
            "count": 100,
            "reasons": {"right": 80, **{f"reason_{i}": 20 // 8 for i in range(8)}},
        },
        "out_of_domain": {"pass_at_1": 0.0, "low": None, "high": None, "count": 3, "reasons": {}},
    }
    plots.plot_scores(summary, tmp_path / "scores.png")
    assert is_png(tmp_path / "scores.png")
    plots.plot_scores(
        {"all": {"pass_at_1": 1.0, "low": 0.2, "high": 1.0, "count": 1}}, tmp_path / "1"
    )
    assert is_png(tmp_path / "1")
