"""AdamW with warm-up, cosine decay, clipping, and weight decay on matrices only."""

from __future__ import annotations

from typing import Any

import jax
import optax

from mathjax.config import OptimizerSection


def learning_rate_schedule(section: OptimizerSection, num_steps: int) -> optax.Schedule:
    """Linear from 0 over `warmup_ratio` of the steps, then cosine to `final_ratio` of the peak at the last step."""
    warmup = round(section.warmup_ratio * num_steps)
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0 if warmup else section.learning_rate,
        peak_value=section.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(num_steps, warmup + 1),
        end_value=section.learning_rate * section.final_ratio,
    )


def decay_mask(params: Any) -> Any:
    """True for kernels and embeddings; norms and biases are not decayed."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: path[-1].key in ("kernel", "embedding"), params
    )


def make_optimizer(section: OptimizerSection, num_steps: int) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(section.clip_norm),
        optax.adamw(
            learning_rate_schedule(section, num_steps),
            b1=section.beta1,
            b2=section.beta2,
            eps=section.epsilon,
            weight_decay=section.weight_decay,
            mask=decay_mask,
        ),
    )
