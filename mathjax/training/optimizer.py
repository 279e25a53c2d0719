"""AdamW or Muon with warm-up, cosine decay, clipping, and weight decay on matrices only."""

from __future__ import annotations

from typing import Any

import jax
import optax
import optax.contrib

from mathjax.config import OptimizerSection

DECAYED = ("kernel", "lora_a", "lora_b", "embedding", "position_embedding")


def learning_rate_schedule(section: OptimizerSection, num_steps: int) -> optax.Schedule:
    """Linear from 0 over `warmup_ratio` of the steps, then cosine to `final_ratio` of the peak at
    the last step."""
    warmup = round(section.warmup_ratio * num_steps)
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0 if warmup else section.learning_rate,
        peak_value=section.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(num_steps, warmup + 1),
        end_value=section.learning_rate * section.final_ratio,
    )


def decay_mask(params: Any) -> Any:
    """True for kernels, adapters and embeddings; norms, biases and relative positions' biases are
    not decayed."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key in DECAYED, params)


def muon_dimensions(params: Any) -> Any:
    """Which axes of a parameter Muon orthogonalises: the last two of a layer's stacked kernels [L,
    in, out].

    None leaves the parameter to AdamW: embeddings, the head, adapters, norms, biases.
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, x: (
            optax.contrib.MuonDimensionNumbers(x.ndim - 2, x.ndim - 1)
            if path[-1].key == "kernel" and any(entry.key == "layers" for entry in path)
            else None
        ),
        params,
    )


def make_optimizer(section: OptimizerSection, num_steps: int) -> optax.GradientTransformation:
    """Clipping by global norm, then `section.name`.

    Muon (Jordan et al. 2024) takes the layers' kernels, scaled to AdamW's update size (0.2 rms,
    Liu et al. 2025), so that both share one learning rate; AdamW, with Nesterov momentum like
    Muon's, takes the rest.
    """
    schedule = learning_rate_schedule(section, num_steps)
    if section.name == "muon":
        update = optax.contrib.muon(
            schedule,
            beta=0.95,
            weight_decay=section.weight_decay,
            weight_decay_mask=decay_mask,
            consistent_rms=0.2,
            adam_b1=section.beta1,
            adam_b2=section.beta2,
            adam_weight_decay=section.weight_decay,
            muon_weight_dimension_numbers=muon_dimensions,
        )
    else:
        update = optax.adamw(
            schedule,
            b1=section.beta1,
            b2=section.beta2,
            eps=section.epsilon,
            weight_decay=section.weight_decay,
            mask=decay_mask,
        )
    return optax.chain(optax.clip_by_global_norm(section.clip_norm), update)
