"""Scaled dot-product attention with grouped heads. Letters: see `models/layers.py`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

MASKED = -0.7 * float(jnp.finfo(jnp.float32).max)
"""Finite, so that a fully masked row gives a uniform softmax and not NaN."""


def causal_mask(segment_ids_BT: jax.Array | None, length: int) -> jax.Array:
    """[B or 1, T, T]: position t sees s <= t of the same document (segment id)."""
    mask = jnp.tril(jnp.ones((1, length, length), bool))
    if segment_ids_BT is not None:
        mask &= segment_ids_BT[:, :, None] == segment_ids_BT[:, None, :]
    return mask


@jax.named_scope("attention")
def attention(
    q_BNTH: jax.Array, k_BKSH: jax.Array, v_BKSH: jax.Array, mask_BTS: jax.Array
) -> jax.Array:
    """softmax(q k^T / sqrt(H)) v, softmax in float32; returns [B, N, T, H].

    Heads come before positions, so that both products are batched matrix products of contiguous
    matrices: with positions first XLA on CPU transposes the whole cache at every new token (two
    fifths of decoding). Grouped heads are not repeated in memory: query head n reads key/value
    head n // G. `mask_BTS` is True where t may see s; its first dimension may be 1.
    """
    B, N, T, H = q_BNTH.shape
    K = k_BKSH.shape[1]
    q_BKGTH = (q_BNTH * H**-0.5).reshape(B, K, N // K, T, H)
    scores = jnp.einsum("BKGTH,BKSH->BKGTS", q_BKGTH, k_BKSH, preferred_element_type=jnp.float32)
    scores = jnp.where(mask_BTS[:, None, None], scores, MASKED)
    weights = jax.nn.softmax(scores, axis=-1).astype(v_BKSH.dtype)
    return jnp.einsum("BKGTS,BKSH->BKGTH", weights, v_BKSH).reshape(B, N, T, H)
