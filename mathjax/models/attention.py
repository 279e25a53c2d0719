"""Scaled dot-product attention with grouped heads. Letters: see `models/layers.py`."""

from __future__ import annotations

from functools import partial

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

    Heads come before positions, so that both products are batched products of contiguous matrices:
    with positions first XLA on CPU transposes the whole cache at every new token (two fifths of
    decoding). Grouped heads are not repeated in memory: query head n reads key/value head n // G.
    `mask_BTS` is True where t may see s; its first dimension may be 1.
    """
    B, N, T, H = q_BNTH.shape
    K = k_BKSH.shape[1]
    q_BKGTH = (q_BNTH * H**-0.5).reshape(B, K, N // K, T, H)
    bias = jnp.where(mask_BTS, 0.0, MASKED)[:, None, None]
    return _attend(q_BKGTH, k_BKSH, v_BKSH, bias).reshape(B, N, T, H)


@jax.custom_vjp
def _attend(q_BKGTH, k_BKSH, v_BKSH, bias):
    """Its own gradient, which needs no mask and, for the softmax's, only row sums of gradient times
    output (Dao et al. 2022): 5 % of a training step on CPU."""
    return _attend_forward(q_BKGTH, k_BKSH, v_BKSH, bias)[0]


def _attend_forward(q_BKGTH, k_BKSH, v_BKSH, bias):
    scores = _einsum32("BKGTH,BKSH->BKGTS", q_BKGTH, k_BKSH) + bias
    weights = jax.nn.softmax(scores, axis=-1).astype(v_BKSH.dtype)
    out_BKGTH = jnp.einsum("BKGTS,BKSH->BKGTH", weights, v_BKSH)
    return out_BKGTH, (q_BKGTH, k_BKSH, v_BKSH, weights, out_BKGTH)


def _attend_backward(saved, gradient_BKGTH):
    q_BKGTH, k_BKSH, v_BKSH, weights, out_BKGTH = saved
    dv_BKSH = jnp.einsum("BKGTS,BKGTH->BKSH", weights, gradient_BKGTH)
    dweights = _einsum32("BKGTH,BKSH->BKGTS", gradient_BKGTH, v_BKSH)
    products = gradient_BKGTH.astype(jnp.float32) * out_BKGTH
    dscores = weights * (dweights - jnp.sum(products, axis=-1, keepdims=True))
    dscores = dscores.astype(q_BKGTH.dtype)
    dq_BKGTH = jnp.einsum("BKGTS,BKSH->BKGTH", dscores, k_BKSH)
    dk_BKSH = jnp.einsum("BKGTS,BKGTH->BKSH", dscores, q_BKGTH)
    return dq_BKGTH, dk_BKSH, dv_BKSH, None


_attend.defvjp(_attend_forward, _attend_backward)

_einsum32 = partial(jnp.einsum, preferred_element_type=jnp.float32)
