"""The benchmark runs, checks results before it times, and says what it left out. Never how fast."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from mathjax import benchmarks
from mathjax.benchmarks import check, generate, peers, timing, train
from mathjax.benchmarks.timing import Row, Scale
from mathjax.models import FAMILIES

ROOT = Path(__file__).parent.parent
TINY = Scale(repeats=1, tiny=True)


def rows_of(suite, only=None):
    return [row for _, _, row in benchmarks.run(suite, TINY, only)]


@pytest.mark.parametrize("suite", ["data", "check"])
def test_every_row_has_its_figures(suite):
    rows = rows_of(suite)
    assert len(rows) >= len(benchmarks.SUITES[suite])
    for row in rows:
        assert row.ours > 0
        assert row.unit.endswith("/s")
        assert (row.peer is None) == (row.ratio is None)
        assert row.what in benchmarks.format_row(row)


def test_the_models_rows_run_without_torch(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    names = {"train_step", "decoding"}
    for suite in ("train", "generate"):
        for function in benchmarks.SUITES[suite]:
            for row in function(TINY):
                text = benchmarks.format_row(row)
                if function.__name__ in names:
                    assert row.ours is None
                    assert "torch is not installed" in text
                else:
                    assert row.ratio > 0


@pytest.mark.parametrize("function", [train.train_step, generate.decoding])
def test_rows_against_transformers(function):
    pytest.importorskip("torch")
    rows = list(function(TINY))
    assert [family for family in FAMILIES for row in rows if family in row.what] == list(FAMILIES)
    for row in rows:
        assert row.ratio > 0
        assert "transformers" in row.peer_name


def test_a_wrong_result_is_not_timed(monkeypatch):
    verdict = dataclasses.make_dataclass("Always", [("correct", bool)])(True)
    monkeypatch.setattr(check.puzzle, "verify", lambda *_: verdict)
    with pytest.raises(AssertionError, match="the verifier and SymPy disagree"):
        rows_of("check")


def test_versus_takes_the_faster_peer_and_the_ratio_of_rates(monkeypatch):
    durations = {"ours": 2.0, "slow": 8.0, "fast": 4.0}
    monkeypatch.setattr(timing, "seconds", lambda function: durations[function()])
    sides = {name: (lambda name=name: name, 8.0) for name in durations}
    ours = sides.pop("ours")
    row = timing.versus("what", "things/s", ours, sides, repeats=3)
    assert row == Row("what", "things/s", 4.0, "fast", 2.0, 2.0)


def test_command_prints_machine_rows_and_how_to_repeat_them():
    command = [sys.executable, "launch/benchmark.py", "--suite=data", "--only=loader", "--tiny"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "CPU cores" in result.stdout
    assert "jax " in result.stdout
    assert "batches/s" in result.stdout
    assert "python launch/benchmark.py --suite=data --only=loader" in result.stdout


def test_an_unknown_row_is_refused():
    command = [sys.executable, "launch/benchmark.py", "--only=speed"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert "choose from puzzles" in result.stderr
