"""Whole runs, tiny: learn, resume to the bit, stop on signals and bad numbers, score, ask again."""

import dataclasses
import json
import os
import signal
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from mathjax import config as config_lib
from mathjax import experiment, models
from mathjax.config import ConfigError
from mathjax.data.documents import DocumentSource
from mathjax.data.loader import PackedBatches, make_loader
from mathjax.data.tokenizer import character_tokenizer
from mathjax.evaluation import runner, tasks
from mathjax.parallel import make_mesh
from mathjax.training.loop import Stopped, Trainer, TrainingError, train
from mathjax.training.metrics import read_metrics

TINY = {
    "puzzle": {"num_numbers": (3,), "max_number": 20},
    "model": {
        "num_layers": 2,
        "hidden_size": 16,
        "num_heads": 2,
        "num_kv_heads": 1,
        "intermediate_size": 32,
    },
    "data": {"row_length": 64},
    "train": {"num_steps": 12, "batch_size": 8, "log_every": 1},
    "optimizer": {"learning_rate": 1e-2},
    "checkpoint": {"every_steps": 4, "keep_last": 3},
    "eval": {"every_steps": 6, "num_validation": 8, "limit": 8, "batch_size": 8},
    "generation": {"max_new_tokens": 24},
}


def tiny(**sections):
    values = {key: dict(value) for key, value in TINY.items()}
    for key, value in sections.items():
        values[key] = values.get(key, {}) | value if isinstance(value, dict) else value
    return config_lib.resolve(values)


def run(config, workdir, mesh=None, num_steps=None, validate=None, loader=None):
    """`train` alone; `num_steps` bounds the loader, as a machine that dies would."""
    task = tasks.make_task(config)
    tokenizer = character_tokenizer(task.train.alphabet)
    mesh = mesh or make_mesh(1, 1, 1, devices=jax.devices()[:1])
    factory = models.make_factory(config.model, tokenizer.vocab_size)
    batches = PackedBatches(
        DocumentSource(task.train, tokenizer),
        batch_size=config.train.batch_size,
        row_length=config.data.row_length,
        seed=config.data.seed,
    )
    trainer = Trainer.create(config, mesh, factory, config.train.num_steps)
    if loader is None:
        loader = partial(make_loader, batches, num_workers=config.data.num_workers)
    return trainer, train(trainer, workdir, loader, validate)


def stop_at(last, number=signal.SIGTERM):
    """A validation that signals its own process at one step."""

    def validate(params, step):
        if step == last:
            os.kill(os.getpid(), number)
        return {"validation/pass_at_1": 0.0, "validation/count": 1}

    return validate


def assert_equal_states(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("finished")
    trainer, state = run(tiny(), workdir)
    return workdir, trainer, state


def test_loss_falls_and_every_step_is_logged_once(finished):
    workdir, trainer, _ = finished
    rows = read_metrics(workdir / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    assert {"loss", "accuracy", "grad_norm", "learning_rate", "tokens_per_second", "mfu"} <= set(
        rows[0]
    )
    assert trainer.step._cache_size() == 1
    assert list((workdir / "tensorboard").glob("events*"))


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_is_bit_identical(finished, tmp_path, workers):
    """Stopped by SIGTERM after step 6, and gone on with another number of data workers."""
    with pytest.raises(Stopped) as stopped:
        run(tiny(), tmp_path, validate=stop_at(6))
    assert stopped.value.step == 6 and (tmp_path / "checkpoints" / "6").is_dir()
    _, state = run(tiny(data={"num_workers": workers}), tmp_path)
    assert_equal_states(state, finished[2])
    losses = [
        [r["loss"] for r in read_metrics(d / "metrics.jsonl")] for d in (tmp_path, finished[0])
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("sizes", [(2, 2, 1), (1, 1, 2)])
def test_resume_on_another_mesh(finished, tmp_path, sizes):
    with pytest.raises(Stopped):
        run(tiny(), tmp_path, validate=stop_at(6))
    devices = jax.devices()[: int(np.prod(sizes))]
    _, state = run(tiny(), tmp_path, make_mesh(*sizes, devices=devices))
    for x, y in zip(
        jax.tree.leaves(state.params), jax.tree.leaves(finished[2].params), strict=True
    ):
        np.testing.assert_allclose(x, y, atol=1e-4)


def test_a_finished_run_is_not_trained_again(finished):
    before = (finished[0] / "metrics.jsonl").read_bytes()
    _, state = run(tiny(), finished[0])
    assert int(state.step) == 12
    assert (finished[0] / "metrics.jsonl").read_bytes() == before


def test_sigint_saves_too(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped) as stopped:
        run(tiny(), tmp_path, validate=stop_at(6, signal.SIGINT))
    assert stopped.value.signal_number == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "checkpoints" / "6").is_dir()


def test_a_non_finite_loss_stops_and_leaves_the_last_good_checkpoint(finished, tmp_path):
    trainer = finished[1]

    class Poisoned:
        def __init__(self, start):
            self.step = start

        def __iter__(self):
            return self

        def __next__(self):
            self.step += 1
            rows = np.zeros((8, 64), np.int32)
            weights = np.full((8, 64), np.nan if self.step == 7 else 1.0, np.float32)
            batch = dict.fromkeys(("inputs", "targets", "positions"), rows)
            return batch | {"segment_ids": rows + 1, "weights": weights}

        def close(self):
            pass

    with pytest.raises(TrainingError, match=r"step 7: loss is nan.*learning_rate"):
        train(trainer, tmp_path, Poisoned)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir() if p.name.isdigit()) == ["4"]
    _, state = run(tiny(), tmp_path, loader=None)  # still resumes
    assert int(state.step) == 12


def test_data_that_ends_early_is_an_error(finished, tmp_path):
    class Short(list):
        def close(self):
            pass

    with pytest.raises(TrainingError, match="data ended after step 0"):
        train(finished[1], tmp_path, lambda step: Short())


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "tiny"
    config = tiny(
        eval={"splits": ("in_domain", "form_ood")},
        data={"num_train": 200, "num_epochs": 3},
        train={"num_steps": 0},
    )
    assert experiment.run_training(config, path) == 0
    return path


def test_a_run_leaves_what_was_promised(workdir, capsys):
    summary = json.loads((workdir / "summary.json").read_text())
    assert set(summary["pass_at_1"]) == {"in_domain", "form_ood"}
    split = summary["splits"]["in_domain"]
    assert split["count"] == 8 and split["low"] <= split["pass_at_1"] <= split["high"]
    assert sum(split["reasons"].values()) == 8
    for name in (
        "config.json",
        "metrics.jsonl",
        "samples/in_domain.jsonl",
        "samples/validation.jsonl",
        "plots/training.png",
        "plots/scores.png",
        "tokenizer/tokenizer.json",
    ):
        assert (workdir / name).stat().st_size > 0, name
    rows = read_metrics(workdir / "metrics.jsonl")
    assert all("loss" in row for row in rows)
    assert "validation/pass_at_1" in rows[-1]


def test_scores_are_recomputable_from_samples(workdir):
    config = config_lib.load(workdir / "config.json")
    summary = json.loads((workdir / "summary.json").read_text())
    for split in summary["splits"]:
        score = runner.rescore(tasks.make_task(config), workdir / "samples" / f"{split}.jsonl")
        assert json.loads(json.dumps(dataclasses.asdict(score))) == summary["splits"][split]


def test_loaded_model_repeats_the_score(workdir, tmp_path):
    model = experiment.load_model(workdir)
    scores, _ = experiment.evaluate(model, ["in_domain"], tmp_path, limit=8)
    summary = json.loads((workdir / "summary.json").read_text())
    assert dataclasses.asdict(scores["in_domain"])["pass_at_1"] == summary["pass_at_1"]["in_domain"]
    same = (tmp_path / "samples" / "in_domain.jsonl").read_text()
    assert same == (workdir / "samples" / "in_domain.jsonl").read_text()
    assert experiment.load_model(workdir, "best").step <= model.step


def test_a_workdir_of_another_config_is_refused(workdir):
    config = config_lib.load(workdir / "config.json")
    other = dataclasses.replace(config, seed=1)
    with pytest.raises(
        ConfigError, match=r"another config \(seed: 0 in the workdir, 1 asked for\)"
    ):
        experiment.run_training(other, workdir)


def test_a_directory_that_is_no_workdir_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match="not empty and has no config.json"):
        experiment.run_training(tiny(), tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"lora": {"rank": 5}}, "lora.rank=5"),
        ({"eval": {"splits": ("nope",)}}, "unknown split 'nope' of puzzle; choose from in_domain"),
        ({"puzzle": {"max_number": 2}}, "max_number"),
        ({"puzzle": {"division": "float"}}, "puzzle.division"),
        ({"model": {"num_heads": 3}}, "model.hidden_size=16 does not divide by model.num_heads=3"),
        ({"data": {"row_length": 8}}, "row_length"),
        ({"mesh": {"data": 3}}, "needs 3 devices"),
        ({"generation": {"top_p": 0.0}}, "generation.top_p"),
        ({"data": {"tokenizer": "/nowhere/at/all"}}, "/nowhere/at/all"),
    ],
)
def test_wrong_settings_write_nothing(tmp_path, sections, message):
    with pytest.raises(ValueError, match=message):
        experiment.run_training(tiny(**sections), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_summary_is_written_whole(tmp_path, monkeypatch):
    path = Path(tmp_path / "summary.json")
    experiment.write_json(path, {"a": 1})
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError):
        experiment.write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
