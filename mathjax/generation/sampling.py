"""From logits to the next token."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from mathjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Greedy at temperature 0; otherwise top-k, then top-p (Holtzman et al. 2020), of the tempered
    distribution."""

    temperature: float = 0.0
    top_k: int = 0  # 0: off
    top_p: float = 1.0  # 1: off

    def __post_init__(self):
        if not self.temperature >= 0:
            raise UserError(
                f"generation.temperature={self.temperature}: must be 0 (greedy) or more"
            )
        if self.top_k < 0:
            raise UserError(f"generation.top_k={self.top_k}: must be 0 (off) or more")
        if not 0 < self.top_p <= 1:
            raise UserError(f"generation.top_p={self.top_p}: must be above 0 and at most 1")


def sample(logits_BV: jax.Array, keys_B: jax.Array, sampling: Sampling) -> jax.Array:
    """Next tokens [B], int32. Each row draws with its own key, so that a row never depends on its
    neighbours."""
    if sampling.temperature == 0:
        return jnp.argmax(logits_BV, axis=-1).astype(jnp.int32)
    logits_BV = filter_logits(logits_BV / sampling.temperature, sampling.top_k, sampling.top_p)
    return jax.vmap(jax.random.categorical)(keys_B, logits_BV).astype(jnp.int32)


def filter_logits(logits_BV: jax.Array, top_k: int, top_p: float) -> jax.Array:
    """-inf for what is neither among the k largest nor in the smallest set of mass at least p; the
    best always stays."""
    vocab_size = logits_BV.shape[-1]
    if not (0 < top_k < vocab_size or top_p < 1):
        return logits_BV
    sorted_BV = jnp.sort(logits_BV, axis=-1, descending=True)
    keep_BV = jnp.ones_like(sorted_BV, bool)
    if 0 < top_k < vocab_size:
        keep_BV &= jnp.arange(vocab_size) < top_k
    if top_p < 1:
        mass_BV = jax.nn.softmax(jnp.where(keep_BV, sorted_BV, -jnp.inf), axis=-1)
        keep_BV &= jnp.cumsum(mass_BV, axis=-1) - mass_BV < top_p
    smallest_B1 = jnp.min(jnp.where(keep_BV, sorted_BV, jnp.inf), axis=-1, keepdims=True)
    return jnp.where(logits_BV >= smallest_B1, logits_BV, -jnp.inf)
