"""The networks. `make_architecture` turns the model section of a run's settings into the config of
a family, and `factory_of` that into something that makes the model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import nnx

from mathjax.config import ConfigError, ModelSection
from mathjax.models.gpt2 import GPT2, GPT2Config
from mathjax.models.layers import RopeScaling
from mathjax.models.llama import Llama, LlamaConfig
from mathjax.models.presets import get_preset
from mathjax.models.t5 import T5, T5Config

RUN_KEYS = ("pretrained", "preset", "dtype", "remat")
"""Of the model section: what is no size."""

FAMILIES: dict[str, tuple[type, type[nnx.Module]]] = {
    "llama": (LlamaConfig, Llama),
    "gpt2": (GPT2Config, GPT2),
    "t5": (T5Config, T5),
}


def make_architecture(section: ModelSection, vocab_size: int) -> Any:
    """The config of a family, of the sizes in `section` that it has, or of `section.preset`. Raises
    ConfigError where they do not fit."""
    if section.preset:
        preset = dataclasses.replace(get_preset(section.preset), vocab_size=vocab_size)
        return of_run(section, preset)
    config_class, _ = FAMILIES[section.family]
    if section.family == "gpt2" and not section.tie_embeddings:
        raise ConfigError("model.tie_embeddings=False: GPT-2's head is its embedding")
    values = dataclasses.asdict(section) | {
        "vocab_size": vocab_size,
        "dtype": jnp.dtype(section.dtype),
    }
    if section.family == "llama":
        del values["max_positions"]  # rotary positions have no end
    names = {field.name for field in dataclasses.fields(config_class)}
    try:
        return config_class(**{key: value for key, value in values.items() if key in names})
    except ValueError as error:
        raise ConfigError(str(error)) from None


def make_factory(section: ModelSection, vocab_size: int) -> Callable[[nnx.Rngs], nnx.Module]:
    """`factory(rngs)` makes a model of the sizes in `section` with random weights."""
    return factory_of(make_architecture(section, vocab_size))


def of_run(section: ModelSection, architecture: Any) -> Any:
    """`architecture` with what `section` says of a run: dtype and remat."""
    try:
        return dataclasses.replace(
            architecture, dtype=jnp.dtype(section.dtype), remat=section.remat
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None


def section_of(section: ModelSection, architecture: Any) -> ModelSection:
    """`section` with the family and the sizes that `architecture` has, whatever it said."""
    names = [field.name for field in dataclasses.fields(section) if field.name not in RUN_KEYS]
    values = {name: getattr(architecture, name, None) for name in names}
    known = {name: value for name, value in values.items() if value is not None}
    return dataclasses.replace(section, **known, family=family_of(architecture))


def is_encoder_decoder(config: Any) -> bool:
    """Whether it reads prompts with an encoder (T5): a family's config, or the model section."""
    if isinstance(config, ModelSection):
        family = family_of(get_preset(config.preset)) if config.preset else config.family
        return FAMILIES[family][1].is_encoder_decoder
    return dict(FAMILIES.values())[type(config)].is_encoder_decoder


def factory_of(config: Any) -> Callable[[nnx.Rngs], nnx.Module]:
    """`factory(rngs)` makes a model with random weights; `config` is a family's own, such as
    LlamaConfig."""
    model_class = dict(FAMILIES.values())[type(config)]
    return lambda rngs: model_class(config, rngs=rngs)


def family_of(config: Any) -> str:
    """Its name in FAMILIES."""
    return next(name for name, (cls, _) in FAMILIES.items() if cls is type(config))


def save_architecture(path: Path, config: Any) -> None:
    """Writes a family's config as JSON, so that its weights need no config file of ours or of
    Hugging Face to be read again."""
    values = dataclasses.asdict(config) | {"dtype": jnp.dtype(config.dtype).name}
    text = json.dumps({"family": family_of(config), "config": values}, indent=2)
    path.write_text(text + "\n")


def load_architecture(path: Path) -> Any:
    """The config that `save_architecture` wrote. Raises ConfigError where it cannot be read."""
    try:
        saved = json.loads(path.read_text())
        config_class, _ = FAMILIES[saved["family"]]
        values = dict(saved["config"])
        values["dtype"] = jnp.dtype(values["dtype"])
        if values.get("rope_scaling"):
            values["rope_scaling"] = RopeScaling(**values["rope_scaling"])
        return config_class(**values)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not the architecture of a model ({error})") from None
