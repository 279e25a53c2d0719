"""Scaled dot-product attention with grouped heads. Letters: see `models/layers.py`.

`attention` takes a mask and runs everywhere: decoding and prompts use it. `self_attention` and
`cross_attention` are for training: they take the structure of the mask and choose flash attention
where a device has it (`models/attention_kernels.py`).
"""

from __future__ import annotations

import os
from functools import partial

import jax
import jax.numpy as jnp

from mathjax.errors import UserError
from mathjax.models import attention_kernels as kernels

MASKED = -0.7 * float(jnp.finfo(jnp.float32).max)
"""Finite, so that a fully masked row gives a uniform softmax and not NaN."""


def causal_mask(
    segment_ids_BT: jax.Array | None, length: int, window: int | None = None
) -> jax.Array:
    """[B or 1, T, T]: position t sees s <= t of the same document (segment id), with a window only
    those with t - s < window (Mistral)."""
    mask = jnp.tril(jnp.ones((1, length, length), bool))
    if window is not None and window < length:
        mask &= ~jnp.tril(mask, -window)
    if segment_ids_BT is not None:
        mask &= segment_ids_BT[:, :, None] == segment_ids_BT[:, None, :]
    return mask


def segment_mask(segment_ids_BT: jax.Array, segment_ids_BS: jax.Array) -> jax.Array:
    """[B, T, S]: target position t sees every source position of the same segment id."""
    return segment_ids_BT[:, :, None] == segment_ids_BS[:, None, :]


@jax.named_scope("attention")
def self_attention(
    q_BNTH: jax.Array,
    k_BKSH: jax.Array,
    v_BKSH: jax.Array,
    *,
    segment_ids_BT: jax.Array | None = None,
    causal: bool = True,
    window: int | None = None,
    bias_BNTS: jax.Array | None = None,
    scale: float | None = None,
    implementation: str | None = None,
) -> jax.Array:
    """Attention of whole rows onto themselves, for training; returns [B, N, T, H].

    Position t sees the s of its own segment, of those s <= t where `causal`, of those t - s <
    `window`. It is told this instead of a mask so that it can use flash attention where the
    platform has it (`implementation` None); "plain", "cudnn" or "splash", there or in the
    environment variable MATHJAX_ATTENTION, insists. `bias_BNTS` and `scale` as in `attention`.

    Raises UserError where the implementation insisted on cannot do it.
    """
    if causal and q_BNTH.shape[2] != k_BKSH.shape[2]:
        raise ValueError("causal self-attention needs as many queries as keys")
    if window is not None and (window < 1 or not causal):
        raise ValueError(f"window={window}: needs at least 1, and causal attention")
    return _attend_structured(
        q_BNTH,
        k_BKSH,
        v_BKSH,
        segment_ids_BT,
        segment_ids_BT,
        bias_BNTS,
        causal,
        window,
        scale,
        implementation,
    )


@jax.named_scope("attention")
def cross_attention(
    q_BNTH: jax.Array,
    k_BKSH: jax.Array,
    v_BKSH: jax.Array,
    *,
    segment_ids_BT: jax.Array | None = None,
    segment_ids_BS: jax.Array | None = None,
    scale: float | None = None,
    implementation: str | None = None,
) -> jax.Array:
    """Attention of whole rows onto others (T5's decoder onto its encoder), for training: t sees
    every s of the same segment. `implementation` as in `self_attention`.

    A position that sees nothing (padding of a row whose source has none) gets a finite result that
    differs between implementations.
    """
    return _attend_structured(
        q_BNTH,
        k_BKSH,
        v_BKSH,
        segment_ids_BT,
        segment_ids_BS,
        None,
        False,
        None,
        scale,
        implementation,
    )


def _attend_structured(
    q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS, causal, window, scale, insisted
):
    B, N, T, H = q_BNTH.shape
    K, S = k_BKSH.shape[1:3]
    if (segments_BT is None) != (segments_BS is None):
        raise ValueError("give the segment ids of both sides or of none")
    case = kernels.Case(
        dtype=q_BNTH.dtype.name,
        length=T,
        source_length=S,
        head_size=H,
        groups=N // K,
        causal=causal,
        window=None if window is None or window >= S else window,
        segmented=segments_BT is not None,
        bias=None if bias_BNTS is None else (bias_BNTS.shape[0] > 1, bias_BNTS.shape[1] > 1),
        scale=H**-0.5 if scale is None else scale,
        divides=kernels.divides(jax.sharding.get_abstract_mesh(), B, N),
    )
    chosen = implementation_for(case, insisted)
    function = partial(kernels.FUNCTIONS.get(chosen, _plain), case=case)
    arguments = (q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS)
    return function(*arguments) if chosen == "plain" else kernels.over_mesh(function, *arguments)


def implementation_for(case: kernels.Case, insisted: str | None = None) -> str:
    """Name of what is insisted on, else of what the platform has and passes its probe, else
    "plain"."""
    source = "implementation" if insisted else "MATHJAX_ATTENTION"
    insisted = insisted or os.environ.get("MATHJAX_ATTENTION") or None
    if insisted not in (None, "plain", *kernels.FUNCTIONS):
        names = ", ".join(kernels.FUNCTIONS)
        raise UserError(f"{source}={insisted!r}: choose from plain, {names}, or leave it out")
    chosen = insisted or kernels.select(jax.default_backend(), case)
    if chosen == "plain":
        return chosen
    failure = kernels.refusal(chosen, case) or kernels.probe(chosen, case, _plain)
    if failure and insisted:
        raise UserError(f"{source}={insisted}: {failure}; leave it out to use what works")
    return "plain" if failure else chosen


def _plain(q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS, *, case):
    if case.causal:
        mask = causal_mask(segments_BT, case.length, case.window)
    elif segments_BT is not None:
        mask = segment_mask(segments_BT, segments_BS)
    else:
        mask = None
    return _attention(q_BNTH, k_BKSH, v_BKSH, mask, bias_BNTS, case.scale)


@jax.named_scope("attention")
def attention(
    q_BNTH: jax.Array,
    k_BKSH: jax.Array,
    v_BKSH: jax.Array,
    mask_BTS: jax.Array | None,
    *,
    bias_BNTS: jax.Array | None = None,
    scale: float | None = None,
) -> jax.Array:
    """softmax(scale q k^T + bias) v over what `mask_BTS` lets through; returns [B, N, T, H].

    `mask_BTS` is True where t may see s, None where it sees all; its first dimension may be 1, the
    first two of `bias_BNTS` too. `scale` None is 1/sqrt(H). Softmax in float32.

    Heads come before positions, so that both products are batched products of contiguous matrices:
    with positions first XLA on CPU transposes the whole cache at every new token (two fifths of
    decoding). Grouped heads are not repeated in memory: query head n reads key/value head n // G.
    """
    scale = q_BNTH.shape[-1] ** -0.5 if scale is None else scale
    return _attention(q_BNTH, k_BKSH, v_BKSH, mask_BTS, bias_BNTS, scale)


def _attention(q_BNTH, k_BKSH, v_BKSH, mask_BTS, bias_BNTS, scale):
    B, N, T, H = q_BNTH.shape
    K = k_BKSH.shape[1]
    q_BKGTH = (q_BNTH if scale == 1 else q_BNTH * scale).reshape(B, K, N // K, T, H)
    if mask_BTS is None:
        hidden = jnp.zeros((1, 1, 1, 1, 1))
    else:
        hidden = jnp.where(mask_BTS, 0.0, MASKED)[:, None, None]
    if bias_BNTS is None:
        return _attend(q_BKGTH, k_BKSH, v_BKSH, hidden).reshape(B, N, T, H)
    if bias_BNTS.shape[1] == 1:
        bias_BKGTS = bias_BNTS[:, None]
    else:
        bias_BKGTS = bias_BNTS.reshape(-1, K, N // K, *bias_BNTS.shape[2:])
    return _attend_biased(q_BKGTH, k_BKSH, v_BKSH, hidden, bias_BKGTS).reshape(B, N, T, H)


@jax.custom_vjp
def _attend(q_BKGTH, k_BKSH, v_BKSH, hidden):
    """Its own gradient, which needs no mask and, for the softmax's, only row sums of gradient times
    output (Dao et al. 2022): 5 % of a training step on CPU."""
    return _attend_forward(q_BKGTH, k_BKSH, v_BKSH, hidden)[0]


def _attend_forward(q_BKGTH, k_BKSH, v_BKSH, *biases):
    scores = _einsum32("BKGTH,BKSH->BKGTS", q_BKGTH, k_BKSH)
    for bias in biases:
        scores = scores + bias
    weights = jax.nn.softmax(scores, axis=-1).astype(v_BKSH.dtype)
    out_BKGTH = jnp.einsum("BKGTS,BKSH->BKGTH", weights, v_BKSH)
    return out_BKGTH, (q_BKGTH, k_BKSH, v_BKSH, weights, out_BKGTH)


def _attend_backward(saved, gradient_BKGTH):
    return *_gradients(saved, gradient_BKGTH)[:3], None


def _gradients(saved, gradient_BKGTH):
    """Of queries, keys, values and scores, the last in float32."""
    q_BKGTH, k_BKSH, v_BKSH, weights, out_BKGTH = saved
    dv_BKSH = jnp.einsum("BKGTS,BKGTH->BKSH", weights, gradient_BKGTH)
    dweights = _einsum32("BKGTH,BKSH->BKGTS", gradient_BKGTH, v_BKSH)
    products = gradient_BKGTH.astype(jnp.float32) * out_BKGTH
    dscores32 = weights * (dweights - jnp.sum(products, axis=-1, keepdims=True))
    dscores = dscores32.astype(q_BKGTH.dtype)
    dq_BKGTH = jnp.einsum("BKGTS,BKSH->BKGTH", dscores, k_BKSH)
    dk_BKSH = jnp.einsum("BKGTS,BKGTH->BKSH", dscores, q_BKGTH)
    return dq_BKGTH, dk_BKSH, dv_BKSH, dscores32


_attend.defvjp(_attend_forward, _attend_backward)


@jax.custom_vjp
def _attend_biased(q_BKGTH, k_BKSH, v_BKSH, hidden, bias):
    """`_attend` with a bias that is learned, such as T5's relative positions."""
    return _attend_forward(q_BKGTH, k_BKSH, v_BKSH, hidden, bias)[0]


def _attend_biased_forward(q_BKGTH, k_BKSH, v_BKSH, hidden, bias):
    out_BKGTH, saved = _attend_forward(q_BKGTH, k_BKSH, v_BKSH, hidden, bias)
    return out_BKGTH, (saved, bias)


def _attend_biased_backward(saved_and_bias, gradient_BKGTH):
    saved, bias = saved_and_bias
    *gradients, dscores = _gradients(saved, gradient_BKGTH)
    shared = [axis for axis, size in enumerate(bias.shape) if size < dscores.shape[axis]]
    dbias = jnp.sum(dscores, axis=shared, keepdims=True).astype(bias.dtype)
    return *gradients, None, dbias


_attend_biased.defvjp(_attend_biased_forward, _attend_biased_backward)

_einsum32 = partial(jnp.einsum, preferred_element_type=jnp.float32)
