"""One update: loss over packed rows, gradients summed over micro-batches, clipping, AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from mathjax.models import lora
from mathjax.parallel import constrain
from mathjax.training.state import TrainState

Batch = dict[str, jax.Array]


def apply_model(model: nnx.Module, batch: Batch) -> jax.Array:
    """Logits [B, T, V] of packed rows; `data.loader.PackedBatches` says what a batch holds."""
    if model.is_encoder_decoder:
        segments = batch["input_segment_ids"], batch["segment_ids"]
        return model(batch["inputs"], batch["decoder_inputs"], *segments)
    return model(batch["inputs"], batch["positions"], batch["segment_ids"])


@jax.named_scope("loss")
def loss_sums(
    logits_BTV: jax.Array, targets_BT: jax.Array, weights_BT: jax.Array
) -> dict[str, jax.Array]:
    """Sums, not means, of cross-entropy and of right next tokens: packing and accumulation divide
    once, by `weight`."""
    loss_BT = optax.softmax_cross_entropy_with_integer_labels(logits_BTV, targets_BT)
    right_BT = jnp.argmax(logits_BTV, axis=-1) == targets_BT
    return {
        "loss": jnp.sum(loss_BT * weights_BT),
        "accuracy": jnp.sum(right_BT * weights_BT),
        "weight": jnp.sum(weights_BT),
    }


def make_train_step(
    graph: nnx.GraphDef,
    optimizer: optax.GradientTransformation,
    schedule: optax.Schedule,
    accumulation_steps: int = 1,
    seed: int = 0,
) -> Callable[[TrainState, Batch], tuple[TrainState, dict[str, jax.Array]]]:
    """The function to jit (state donated). Its metrics are means over the batch's weighted tokens.

    Micro-batches are weighted by their token counts, so the result equals that of the whole batch
    at once. Only `state.params` have gradients. Dropout follows from `seed`, the step and the
    micro-batch alone, so that a resumed run drops the same.
    """

    def sums(
        params: Any, frozen: Any, batch: Batch, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        model = nnx.merge(graph, nnx.State(lora.join(params, frozen)))
        lora.set_dropout(model, key)
        logits_BTV = apply_model(model, batch)
        result = loss_sums(logits_BTV, batch["targets"], batch["weights"])
        return result["loss"], result

    gradient = jax.grad(sums, has_aux=True)

    def accumulate(
        params: Any, frozen: Any, batch: Batch, key: jax.Array
    ) -> tuple[Any, dict[str, jax.Array]]:
        if accumulation_steps == 1:
            return gradient(params, frozen, batch, key)

        def split(x):
            # Micro-batch i takes rows i, i + A, ...: every device keeps its own rows.
            rows = x.reshape(x.shape[0] // accumulation_steps, accumulation_steps, *x.shape[1:])
            return constrain(rows.swapaxes(0, 1), None, "batch", None)

        def add(total, micro_batch):
            return jax.tree.map(jnp.add, total, gradient(params, frozen, *micro_batch)), None

        micro_batches = jax.tree.map(split, batch), jax.random.split(key, accumulation_steps)
        first = jax.tree.map(lambda x: x[0], micro_batches)
        shapes = jax.eval_shape(gradient, params, frozen, *first)
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return jax.lax.scan(add, zeros, micro_batches)[0]

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, jax.Array]]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        gradients, totals = accumulate(state.params, state.frozen, batch, key)
        weight = jnp.maximum(totals["weight"], 1.0)
        gradients = jax.tree.map(lambda g: g / weight, gradients)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        metrics = {
            "loss": totals["loss"] / weight,
            "accuracy": totals["accuracy"] / weight,
            "grad_norm": optax.tree.norm(gradients),
            "learning_rate": jnp.asarray(schedule(state.step), jnp.float32),
            "tokens": sum(jnp.sum(x > 0) for key, x in batch.items() if "segment_ids" in key),
        }
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, opt_state, state.step + 1, state.frozen), metrics

    return train_step
