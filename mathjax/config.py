"""Settings of a run: sections of plain values, overridden from the command line, checked once,
then frozen.

A config file's `get_config(preset)` starts from `default_config()` and changes values; the
launchers turn the result into a `Config` with `resolve`, and nothing below them sees an
ml_collections object.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import ml_collections
from ml_collections import config_dict

from mathjax.errors import UserError


class ConfigError(UserError):
    """A setting that is unknown, of the wrong type or out of range."""


@dataclasses.dataclass(frozen=True)
class ModelSection:
    family: str = "llama"
    pretrained: str = ""  # start from it: Hugging Face directory or hub id, workdir, peft adapter
    preset: str = ""  # sizes of a published model, with random weights: gpt2, flan-t5-base ...
    num_layers: int = 4
    hidden_size: int = 128
    num_heads: int = 4
    num_kv_heads: int = 4
    head_size: int | None = None  # None: hidden_size // num_heads
    intermediate_size: int = 384
    max_positions: int = 1024  # that a GPT-2 learns
    rope_theta: float = 10_000.0
    norm_epsilon: float = 1e-6
    tie_embeddings: bool = True
    dtype: str = "float32"  # of activations: float32 or bfloat16
    remat: str = "none"  # none, full, dots


@dataclasses.dataclass(frozen=True)
class LoraSection:
    rank: int = 0  # 0: train every weight
    alpha: float = 32.0
    dropout: float = 0.0
    rslora: bool = False  # scale by alpha / sqrt(rank), not alpha / rank
    targets: str = r"layers\..*"  # searched for in the layers' dotted paths
    quantize: str = "none"  # how the layers' frozen matrices are stored: none, nf4, nf4_double


@dataclasses.dataclass(frozen=True)
class PuzzleSection:
    num_numbers: tuple[int, ...] = (5, 6, 7)
    max_number: int = 60
    division: str = "exact"  # exact, integer
    target_min: int = 1
    target_max: int | None = None  # None: max_number
    max_intermediate: int = 1_000_000
    shuffle_numbers: bool = False
    distinct: int = 0  # training examples a block in which no puzzle repeats; 0: as drawn


@dataclasses.dataclass(frozen=True)
class DataSection:
    seed: int = 0  # of the problems, test sets included; `seed` is of the weights
    num_train: int | None = None  # None: an endless stream
    num_epochs: int = 1  # of a finite set, where train.num_steps is 0
    row_length: int = 256  # tokens a packed row; of an encoder-decoder, those of prompts
    target_row_length: int | None = None  # of an encoder-decoder: a row's responses; None: as many
    tokenizer: str = ""  # the checkpoint's, from scratch "character"; or directory or hub id
    loss_on_prompt: bool = False
    num_workers: int = 0  # processes that make batches; 0: one thread


@dataclasses.dataclass(frozen=True)
class TrainSection:
    num_steps: int = 0  # 0: data.num_epochs of the finite set
    batch_size: int = 64  # packed rows a step, over all devices
    accumulation_steps: int = 1
    log_every: int = 20


@dataclasses.dataclass(frozen=True)
class OptimizerSection:
    name: str = "adamw"  # adamw, muon
    learning_rate: float = 1e-3
    warmup_ratio: float = 0.02
    final_ratio: float = 0.0  # learning rate at the end over its peak
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.1
    clip_norm: float = 1.0


@dataclasses.dataclass(frozen=True)
class MeshSection:
    data: int = -1  # -1: what is left
    fsdp: int = 1
    tensor: int = 1


@dataclasses.dataclass(frozen=True)
class CheckpointSection:
    every_steps: int = 500
    keep_last: int = 2
    keep_best: bool = True


@dataclasses.dataclass(frozen=True)
class EvalSection:
    every_steps: int = 500  # validation pass@1 during training; 0: never
    num_validation: int = 256
    splits: tuple[str, ...] = ("in_domain",)  # scored at the end
    limit: int | None = None  # problems a split; None: all
    batch_size: int = 256


@dataclasses.dataclass(frozen=True)
class GenerationSection:
    max_new_tokens: int = 128
    temperature: float = 0.0  # 0: greedy
    top_k: int = 0  # 0: off
    top_p: float = 1.0  # 1: off


@dataclasses.dataclass(frozen=True)
class Config:
    seed: int = 0
    task: str = "puzzle"
    problems: tuple[str, ...] = ()  # FIELD=VALUE settings of the task's problems; puzzle.* if those
    model: ModelSection = ModelSection()
    lora: LoraSection = LoraSection()
    puzzle: PuzzleSection = PuzzleSection()
    data: DataSection = DataSection()
    train: TrainSection = TrainSection()
    optimizer: OptimizerSection = OptimizerSection()
    mesh: MeshSection = MeshSection()
    checkpoint: CheckpointSection = CheckpointSection()
    eval: EvalSection = EvalSection()
    generation: GenerationSection = GenerationSection()


RESUMABLE = (
    "mesh.",
    "checkpoint.",
    "eval.",
    "generation.",
    "train.log_every",
    "data.num_workers",
    "model.remat",
)
"""Keys that may change between two runs in one workdir: they do not change what is learned."""

POSITIVE = (
    "model.num_layers",
    "model.hidden_size",
    "model.num_heads",
    "model.num_kv_heads",
    "model.intermediate_size",
    "model.max_positions",
    "data.row_length",
    "data.num_epochs",
    "train.batch_size",
    "train.accumulation_steps",
    "train.log_every",
    "optimizer.learning_rate",
    "optimizer.clip_norm",
    "checkpoint.every_steps",
    "checkpoint.keep_last",
    "eval.num_validation",
    "eval.batch_size",
    "generation.max_new_tokens",
)
CHOICES = {
    "task": ("puzzle", "arithmetic", "rules", "stories"),
    "model.family": ("llama", "gpt2", "t5"),
    "optimizer.name": ("adamw", "muon"),
    "model.dtype": ("float32", "bfloat16"),
    "lora.quantize": ("none", "nf4", "nf4_double"),
}


def default_config() -> ml_collections.ConfigDict:
    """Every key with its default; an optional value is a typed placeholder, so that overrides are
    checked."""

    def section(cls: type) -> ml_collections.ConfigDict:
        hints = typing.get_type_hints(cls)
        result = ml_collections.ConfigDict()
        for field in dataclasses.fields(cls):
            if dataclasses.is_dataclass(hints[field.name]):
                result[field.name] = section(hints[field.name])
            elif field.default is None:
                result[field.name] = config_dict.placeholder(typing.get_args(hints[field.name])[0])
            else:
                result[field.name] = field.default
        return result

    return section(Config)


def resolve(values: ml_collections.ConfigDict | dict[str, Any]) -> Config:
    """Plain sections -> checked, frozen Config. Raises ConfigError with the key's dotted name."""
    if isinstance(values, ml_collections.ConfigDict):
        values = values.to_dict()
    config = _build(Config, values, "")
    flat = flatten(config)
    for key in POSITIVE:
        if not flat[key] > 0:
            raise ConfigError(f"{key}={flat[key]!r}: must be greater than 0")
    for key, choices in CHOICES.items():
        if flat[key] not in choices:
            raise ConfigError(f"{key}={flat[key]!r}: choose from {', '.join(choices)}")
    if not 0 <= config.optimizer.warmup_ratio <= 1:
        raise ConfigError(
            f"optimizer.warmup_ratio={config.optimizer.warmup_ratio}: must be in 0..1"
        )
    if config.model.preset and config.model.pretrained:
        raise ConfigError(
            f"model.preset={config.model.preset!r} with model.pretrained="
            f"{config.model.pretrained!r}: a checkpoint brings its own sizes; set one of the two"
        )
    _check_lora(config.lora)
    if config.train.batch_size % config.train.accumulation_steps:
        raise ConfigError(
            f"train.batch_size={config.train.batch_size} does not divide by "
            f"train.accumulation_steps={config.train.accumulation_steps}"
        )
    if config.train.num_steps == 0 and config.data.num_train is None:
        raise ConfigError(
            "train.num_steps=0 with an endless stream: set train.num_steps or data.num_train"
        )
    return config


def _check_lora(section: LoraSection) -> None:
    if section.rank < 0:
        raise ConfigError(f"lora.rank={section.rank}: must be at least 0 (train every weight)")
    if not 0 <= section.dropout < 1:
        raise ConfigError(f"lora.dropout={section.dropout}: must be at least 0 and less than 1")
    if section.quantize != "none" and not section.rank:
        raise ConfigError(
            f"lora.quantize={section.quantize!r} with lora.rank=0: quantised weights cannot be "
            "trained, only adapters on them; set lora.rank"
        )
    try:
        re.compile(section.targets)
    except re.error as error:
        raise ConfigError(
            f"lora.targets={section.targets!r} is not a regular expression: {error}"
        ) from None


def flatten(config: Config) -> dict[str, Any]:
    """{'train.batch_size': 64, ...} in the order of the sections."""
    flat = {}

    def visit(value: Any, path: str) -> None:
        for field in dataclasses.fields(value):
            item, name = getattr(value, field.name), f"{path}{field.name}"
            if dataclasses.is_dataclass(item):
                visit(item, name + ".")
            else:
                flat[name] = item

    visit(config, "")
    return flat


def to_dict(config: Config) -> dict[str, Any]:
    return dataclasses.asdict(config)


def load(path: Path) -> Config:
    """The resolved config a run saved beside its checkpoints."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file; is {path.parent} a workdir of launch/train.py?"
        ) from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}: not valid JSON ({error}); restore it or start a new workdir"
        ) from None
    return resolve(values)


def first_difference(saved: Config, current: Config) -> str | None:
    """'train.batch_size: 64 in the workdir, 32 asked for', or None where a run may go on."""
    old, new = flatten(saved), flatten(current)
    for key, value in old.items():
        if value != new[key] and not key.startswith(RESUMABLE):
            return f"{key}: {value!r} in the workdir, {new[key]!r} asked for"
    return None


def _build(cls: type, values: Any, path: str) -> Any:
    if not isinstance(values, dict):
        raise ConfigError(f"{path[:-1]}: expected a section of keys, got {values!r}")
    hints = typing.get_type_hints(cls)
    unknown = [key for key in values if key not in hints]
    if unknown:
        raise ConfigError(f"unknown key {path}{unknown[0]}; the keys here are {', '.join(hints)}")
    arguments = {}
    for key, value in values.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            arguments[key] = _build(hint, value, f"{path}{key}.")
        else:
            arguments[key] = _convert(value, hint, f"{path}{key}")
    return cls(**arguments)


def _convert(value: Any, hint: Any, key: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        origin = typing.get_origin(hint)
    if origin is tuple:
        item = typing.get_args(hint)[0]
        items = value if isinstance(value, list | tuple) else (value,)
        return tuple(_convert(x, item, key) for x in items)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{key}={value!r}: expected {hint.__name__}, got {type(value).__name__}")
    return value
