"""A whole run from a config: problems, tokenizer, batches, mesh, training, scores, plots. The
launchers call it."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
from flax import nnx
from jax.sharding import Mesh
from tqdm import tqdm

from mathjax import config as config_lib
from mathjax import models
from mathjax.checkpoints import Checkpoints
from mathjax.config import Config, ConfigError
from mathjax.data.documents import DocumentSource
from mathjax.data.loader import PackedBatches, make_loader
from mathjax.data.tokenizer import Tokenizer, character_tokenizer, load_tokenizer
from mathjax.errors import UserError
from mathjax.evaluation import plots, report
from mathjax.evaluation.runner import Score, evaluate_split
from mathjax.evaluation.tasks import Task, make_task
from mathjax.generation.engine import Generator
from mathjax.generation.sampling import Sampling
from mathjax.parallel import Rules, make_mesh, parameter_shardings
from mathjax.training.loop import Stopped, Trainer, train
from mathjax.training.metrics import read_metrics
from mathjax.training.state import abstract_model


@dataclasses.dataclass(frozen=True)
class Model:
    """Weights with all that is needed to ask them something."""

    config: Config
    task: Task
    tokenizer: Tokenizer
    graph: nnx.GraphDef
    params: Any
    mesh: Mesh
    step: int

    def generator(self, **overrides: Any) -> Generator:
        return make_generator(self.config, self.graph, self.tokenizer, self.mesh, **overrides)


def make_generator(
    config: Config, graph: nnx.GraphDef, tokenizer: Tokenizer, mesh: Mesh, **overrides: Any
) -> Generator:
    section = config.generation
    arguments = {
        "max_new_tokens": section.max_new_tokens,
        "sampling": Sampling(section.temperature, section.top_k, section.top_p),
        "batch_size": config.eval.batch_size,
    }
    return Generator(graph, eos_id=tokenizer.eos_id, mesh=mesh, **(arguments | overrides))


def run_training(config: Config, workdir: Path) -> int:
    """Trains in `workdir` (or goes on there), scores the test splits, prints the result. Returns
    the exit status."""
    if config.model.pretrained or config.lora.rank:
        raise ConfigError(
            f"model.pretrained={config.model.pretrained!r}, lora.rank={config.lora.rank}: this "
            "version trains from scratch only, without Hugging Face weights or LoRA. Use "
            "configs/puzzle.py:scratch"
        )
    task = make_task(config)
    for split in config.eval.splits:
        task.make_split(split, config.eval.limit)  # refuses before the training, not after it
    mesh = make_mesh(config.mesh.data, config.mesh.fsdp, config.mesh.tensor)
    tokenizer = _tokenizer(config, task)
    factory = models.make_factory(config.model, tokenizer.vocab_size)
    batches = PackedBatches(
        DocumentSource(task.train, tokenizer),
        batch_size=config.train.batch_size,
        row_length=config.data.row_length,
        seed=config.data.seed,
        num_epochs=None if config.train.num_steps else config.data.num_epochs,
        loss_on_prompt=config.data.loss_on_prompt,
    )
    num_steps = config.train.num_steps or len(batches)
    trainer = Trainer.create(config, mesh, factory, num_steps)
    graph, _ = abstract_model(factory)
    generator = make_generator(config, graph, tokenizer, mesh)

    batches[0]  # a document that is too long for a row is refused here, before anything is written
    _prepare_workdir(config, workdir)
    tokenizer.save(workdir / "tokenizer")
    candidates = getattr(task.train, "rejection_rate", lambda: None)()
    print(
        f"{trainer.num_parameters:,} parameters on {mesh.size} x {jax.devices()[0].device_kind}, "
        f"{config.train.batch_size} rows of {config.data.row_length} tokens a step, "
        f"{num_steps:,} steps"
    )
    if candidates is not None:
        print(
            f"generator: {candidates:.1f} candidates drawn a puzzle, "
            f"{1 - 1 / candidates:.0%} rejected"
        )

    def validate(params: Any, step: int) -> dict[str, float]:
        path = workdir / "samples" / "validation.jsonl"
        score, _ = evaluate_split(task, "validation", generator, params, tokenizer, path)
        return {"validation/pass_at_1": score.pass_at_1, "validation/count": score.count}

    try:
        state = train(
            trainer,
            workdir,
            partial(make_loader, batches, num_workers=config.data.num_workers),
            validate if config.eval.every_steps else None,
        )
    except Stopped as stopped:
        _plot_training(workdir)
        print(
            f"stopped after step {stopped.step:,} of {num_steps:,}, which is saved; "
            "the same command goes on."
        )
        return 0 if stopped.signal_number == 15 else 128 + stopped.signal_number
    model = Model(config, task, tokenizer, graph, state.params, mesh, num_steps)
    scores, rows = evaluate(model, config.eval.splits, workdir, limit=config.eval.limit)
    if jax.process_index() == 0:
        _print_result(model, workdir, scores, rows)
    return 0


def evaluate(
    model: Model,
    splits: Sequence[str],
    output: Path,
    *,
    limit: int | None = None,
    num_samples: int = 1,
    seed: int = 0,
    **generation: Any,
) -> tuple[dict[str, Score], dict[str, list[dict[str, Any]]]]:
    """Scores of the splits; writes samples/, summary.json and plots/ below `output`."""
    generator = model.generator(**generation)
    scores, rows = {}, {}
    for split in splits:
        scores[split], rows[split] = evaluate_split(
            model.task,
            split,
            generator,
            model.params,
            model.tokenizer,
            output / "samples" / f"{split}.jsonl",
            limit=limit,
            num_samples=num_samples,
            seed=seed,
            progress=_progress(split),
        )
    summary = {
        "task": model.task.name,
        "step": model.step,
        "seed": seed,
        "data_seed": model.config.data.seed,
        "generation": {
            "max_new_tokens": generator.max_new_tokens,
            **dataclasses.asdict(generator.sampling),
        },
        "pass_at_1": {split: score.pass_at_1 for split, score in scores.items()},
        "splits": {split: dataclasses.asdict(score) for split, score in scores.items()},
    }
    if jax.process_index() == 0:
        write_json(output / "summary.json", summary)
        plots.plot_scores(summary["splits"], output / "plots" / "scores.png")
        _plot_training(output)
    return scores, rows


def load_model(checkpoint: Path, step: int | str | None = None, mesh: Mesh | None = None) -> Model:
    """The model of a training workdir. `step`: None for the newest good checkpoint, 'best', or a
    number."""
    if not (checkpoint / "config.json").exists():
        raise UserError(f"{checkpoint}: not a workdir of launch/train.py (no config.json in it)")
    config = config_lib.load(checkpoint / "config.json")
    task = make_task(config)
    tokenizer = load_tokenizer(str(checkpoint / "tokenizer"))
    factory = models.make_factory(config.model, tokenizer.vocab_size)
    graph, abstract = abstract_model(factory)
    mesh = mesh or make_mesh()
    shardings = nnx.to_pure_dict(parameter_shardings(abstract, mesh, Rules()))
    target = jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
        nnx.to_pure_dict(abstract),
        shardings,
    )
    with Checkpoints(checkpoint / "checkpoints", read_only=True) as checkpoints:
        restored = checkpoints.restore_params(target, step=step)
    if restored is None:
        raise UserError(f"{checkpoint}: no checkpoint yet; train it with launch/train.py")
    return Model(config, task, tokenizer, graph, restored.state, mesh, restored.step)


def write_json(path: Path, value: Any) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)


def _tokenizer(config: Config, task: Task) -> Tokenizer:
    if config.data.tokenizer == "character":
        return character_tokenizer(task.train.alphabet)
    return load_tokenizer(config.data.tokenizer)


def _prepare_workdir(config: Config, workdir: Path) -> None:
    path = workdir / "config.json"
    if path.exists():
        difference = config_lib.first_difference(config_lib.load(path), config)
        if difference:
            raise ConfigError(
                f"{workdir} belongs to a run with another config ({difference}): set that key "
                "back, or give another --workdir"
            )
    elif workdir.exists() and any(workdir.iterdir()):
        raise ConfigError(f"{workdir} is not empty and has no config.json: give another --workdir")
    if jax.process_index() == 0:
        write_json(path, config_lib.to_dict(config))


def _progress(title: str) -> Callable[[Iterable], Iterable]:
    return partial(tqdm, desc=title, unit="batch", disable=not sys.stderr.isatty(), leave=False)


def _plot_training(workdir: Path) -> None:
    path = workdir / "metrics.jsonl"
    if path.exists() and jax.process_index() == 0:
        plots.plot_training(read_metrics(path), workdir / "plots" / "training.png")


def _print_result(
    model: Model, workdir: Path, scores: dict[str, Score], rows: dict[str, list[dict[str, Any]]]
) -> None:
    print("\nGreedy answers to problems that were never in the training data:\n")
    print(report.score_table(scores))
    first = next(iter(rows))
    print(f"\nFrom {first}:\n{report.examples(rows[first])}")
    print(
        f"\ncheckpoint  {workdir}/checkpoints/{model.step}\n"
        f"plots       {workdir}/plots/training.png, scores.png\n"
        f"samples     {workdir}/samples/\n"
        f"\nNext: python launch/generate.py --checkpoint={workdir} --prompt='{model.task.example}'"
    )
