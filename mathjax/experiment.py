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
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from tqdm import tqdm

from mathjax import config as config_lib
from mathjax import models
from mathjax.config import Config, ConfigError
from mathjax.data.documents import DocumentSource
from mathjax.data.loader import PackedBatches, make_loader
from mathjax.data.tokenizer import Tokenizer, character_tokenizer, load_tokenizer
from mathjax.errors import UserError
from mathjax.evaluation import plots, report
from mathjax.evaluation.runner import Score, evaluate_split
from mathjax.evaluation.tasks import Task, make_task, reference_problems
from mathjax.generation.engine import Generator
from mathjax.generation.sampling import Sampling
from mathjax.huggingface.writer import check_tokenizer
from mathjax.models import lora
from mathjax.parallel import ShardingError, make_mesh
from mathjax.sources import Source, check_base, open_source
from mathjax.training.loop import Stopped, Trainer, train
from mathjax.training.metrics import read_metrics


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
    if config.lora.rank and not config.model.pretrained:
        raise ConfigError(
            f"lora.rank={config.lora.rank} without model.pretrained: adapters learn nothing on "
            "random weights; name a checkpoint in model.pretrained, or set lora.rank=0"
        )
    task = make_task(config)
    for split in config.eval.splits:
        task.make_split(split, config.eval.limit)  # refuses before the training, not after it
    mesh = make_mesh(config.mesh.data, config.mesh.fsdp, config.mesh.tensor)
    source = open_source(config.model.pretrained) if config.model.pretrained else None
    tokenizer = _tokenizer(config, task, source)
    if source is None:
        architecture = models.make_architecture(config.model, tokenizer.vocab_size)
    else:
        architecture = models.of_run(config.model, source.architecture)
    unused = _unused_sizes(config, architecture)
    config = _with_sizes(config, architecture, source)
    factory = lora.adapted(models.factory_of(architecture), config.lora)
    batches = PackedBatches(
        DocumentSource(task.train, tokenizer),
        batch_size=config.train.batch_size,
        row_length=config.data.row_length,
        seed=config.data.seed,
        num_epochs=None if config.train.num_steps else config.data.num_epochs,
        loss_on_prompt=config.data.loss_on_prompt,
        target_row_length=config.data.target_row_length,
        decoder_start_id=getattr(architecture, "decoder_start_id", 0),
    )
    num_steps = config.train.num_steps or len(batches)
    trainer = Trainer.create(
        config, mesh, factory, num_steps, source and partial(_base, source, config)
    )
    graph = trainer.graph
    _check_positions(config, task, tokenizer, nnx.merge(graph, trainer.abstract))
    generator = make_generator(config, graph, tokenizer, mesh)

    batches[0]  # a document that is too long for a row is refused here, before anything is written
    _prepare_workdir(config, workdir, architecture, tokenizer, source)
    candidates = getattr(task.train, "rejection_rate", lambda: None)()
    if source is not None:
        print(f"starting from {source.name}")
    for line in unused:
        print(line)
    print(
        f"{_parameters(trainer)} on {mesh.size} x {jax.devices()[0].device_kind}, "
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
    model = Model(config, task, tokenizer, graph, state.model_params, mesh, num_steps)
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


def load_model(
    checkpoint: str | Path,
    step: int | str | None = None,
    mesh: Mesh | None = None,
    config: Config | None = None,
) -> Model:
    """The model of a workdir, a Hugging Face directory or hub id, or an adapter of peft.

    `step` of a workdir: None for the newest good checkpoint, 'best', or a number. `config` says
    what to ask a model that was not trained here; None: the defaults, the paper's puzzle.
    """
    source = open_source(checkpoint, step)
    if source.config is not None and config is not None:
        raise UserError(f"{checkpoint} is a workdir with a config of its own: leave out --config")
    if source.tokenizer is None:
        raise UserError(
            f"{checkpoint}: no tokenizer in it; put its files (tokenizer.json ...) there"
        )
    mesh = mesh or _mesh(source.config, config)
    config = source.config or config or Config()
    task = make_task(config)
    changes = {} if source.config else {"dtype": jnp.dtype(config.model.dtype)}
    graph, params = source.load_model(mesh, **changes)
    return Model(config, task, source.tokenizer, graph, params, mesh, source.loaded_step)


def _mesh(trained: Config | None, asked: Config | None) -> Mesh:
    """The mesh that was asked for, or that of training where the devices allow it."""
    section = (trained or asked or Config()).mesh
    try:
        return make_mesh(section.data, section.fsdp, section.tensor)
    except ShardingError as error:
        if trained is None:
            raise
        print(f"not on the mesh of training, but all of the model on every device: {error}")
        return make_mesh()


def default_output(checkpoint: str) -> Path:
    """Where to write the scores of what `load_model` loads: into a directory of ours, not into
    others."""
    path = Path(checkpoint).expanduser()
    if (path / "model.json").exists():
        return path / "evaluation"
    return Path("runs") / f"{path.name}-evaluation"


def write_json(path: Path, value: Any) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)


def _tokenizer(config: Config, task: Task, source: Source | None) -> Tokenizer:
    """What data.tokenizer names; "": the checkpoint's, or characters from scratch."""
    name = config.data.tokenizer
    if source is not None and not name:
        if source.tokenizer is None:
            raise ConfigError(
                f"model.pretrained={source.name}: no tokenizer in it; set data.tokenizer"
            )
        return source.tokenizer
    model = config.model if source is None else source.architecture
    encoder_decoder = models.is_encoder_decoder(model)
    if name in ("", "character"):
        tokenizer = character_tokenizer(task.train.alphabet, encoder_decoder=encoder_decoder)
    else:
        tokenizer = load_tokenizer(name, encoder_decoder=encoder_decoder)
    if source is not None:
        check_tokenizer(tokenizer, source.architecture.vocab_size)
    return tokenizer


def _with_sizes(config: Config, architecture: Any, source: Source | None) -> Config:
    """What is saved with the run: the sizes that its model has, and where its weights lie."""
    section = models.section_of(config.model, architecture)
    if source is not None:
        section = dataclasses.replace(section, pretrained=source.name)
    return dataclasses.replace(config, model=section)


def _base(source: Source, config: Config, shardings: dict[str, Any]) -> dict[str, Any]:
    """The weights that training starts from: frozen ones in the type they are computed in."""
    dtype = config.model.dtype if config.lora.rank else "float32"
    return source.load(shardings, dtype=dtype, quantize=lora.quantizer(config.lora))


def _unused_sizes(config: Config, architecture: Any) -> list[str]:
    """A line for each size that was asked for and gives way to that of a checkpoint or preset."""
    section, actual = config.model, models.section_of(config.model, architecture)
    origin = section.pretrained or section.preset
    return [
        f"model.{field.name}={getattr(section, field.name)} is not used: {origin} has "
        f"{getattr(actual, field.name)}"
        for field in dataclasses.fields(section)
        if origin
        and getattr(section, field.name) not in (field.default, getattr(actual, field.name))
    ]


def _check_positions(config: Config, task: Task, tokenizer: Tokenizer, model: nnx.Module) -> None:
    """Refuses rows and answers longer than the positions that a GPT-2 has learned."""
    limit = getattr(model, "max_positions", None)
    if limit is None:
        return
    splits = [*config.eval.splits, *(["validation"] if config.eval.every_steps else [])]
    sets = [task.make_split(x, None if x == "validation" else config.eval.limit) for x in splits]
    prompts = (problem.prompt for x in sets for problem in reference_problems(x))
    longest = max((len(tokenizer.encode_prompt(prompt)) for prompt in prompts), default=1)
    for key, value, most in (
        ("data.row_length", config.data.row_length, limit),
        ("generation.max_new_tokens", config.generation.max_new_tokens, limit - longest),
    ):
        if value > most:
            raise ConfigError(
                f"{key}={value}: this {config.model.family} has learned {limit} positions "
                f"(model.max_positions), and prompts take up to {longest}; set it to at most {most}"
            )


def _parameters(trainer: Trainer) -> str:
    total, trainable = trainer.num_parameters, trainer.num_trainable
    trained = "" if trainable == total else f", of which {trainable:,} are trained,"
    return f"{trainer.config.model.family} of {total:,} parameters{trained}"


def _prepare_workdir(
    config: Config, workdir: Path, architecture: Any, tokenizer: Tokenizer, source: Source | None
) -> None:
    path = workdir / "config.json"
    if path.exists():
        difference = config_lib.first_difference(config_lib.load(path), config)
        if difference:
            raise ConfigError(
                f"{workdir} belongs to a run with another config ({difference}): set that key "
                "back, or give another --workdir"
            )
        if source is not None and config.lora.rank:
            check_base(workdir, source)
    elif workdir.exists() and any(workdir.iterdir()):
        raise ConfigError(f"{workdir} is not empty and has no config.json: give another --workdir")
    if jax.process_index() == 0:
        write_json(path, config_lib.to_dict(config))  # first: the directory is ours from here on
        models.save_architecture(workdir / "model.json", architecture)
        tokenizer.save(workdir / "tokenizer")
        if source is not None:
            write_json(workdir / "base.json", {"name": source.name, "version": source.version})
            if source.generation:
                write_json(workdir / "generation_config.json", source.generation)


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
