"""The networks. `make_factory` turns the model section of a config into something that makes the
model."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from flax import nnx

from mathjax.config import ConfigError, ModelSection
from mathjax.models.llama import Llama, LlamaConfig

FAMILIES: dict[str, tuple[type, type[nnx.Module]]] = {"llama": (LlamaConfig, Llama)}


def make_factory(section: ModelSection, vocab_size: int) -> Callable[[nnx.Rngs], nnx.Module]:
    """`factory(rngs)` makes a model with random weights. Raises ConfigError where sizes do not
    fit."""
    config_class, model_class = FAMILIES[section.family]
    try:
        config = config_class(
            vocab_size=vocab_size,
            num_layers=section.num_layers,
            hidden_size=section.hidden_size,
            num_heads=section.num_heads,
            num_kv_heads=section.num_kv_heads,
            head_size=section.head_size,
            intermediate_size=section.intermediate_size,
            rope_theta=section.rope_theta,
            norm_epsilon=section.norm_epsilon,
            tie_embeddings=section.tie_embeddings,
            dtype=jnp.dtype(section.dtype),
            remat=section.remat,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return lambda rngs: model_class(config, rngs=rngs)
