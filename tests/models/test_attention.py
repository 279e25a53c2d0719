"""Attention against jax.nn, packed documents, masks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mathjax.models.attention import attention, causal_mask


def make_qkv(seed, heads, kv_heads, length=12, size=8, dtype=jnp.float32):
    rng = np.random.default_rng(seed)
    shapes = [(3, heads, length, size)] + 2 * [(3, kv_heads, length, size)]
    return [jnp.asarray(rng.normal(size=shape), dtype) for shape in shapes]


def positions_first(x):
    return x.swapaxes(1, 2)


def reference(q_BNTH, k_BKSH, v_BKSH, mask_BTS):
    out_BTNH = jax.nn.dot_product_attention(
        *map(positions_first, (q_BNTH, k_BKSH, v_BKSH)), mask=mask_BTS[:, None]
    )
    return positions_first(out_BTNH)


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (6, 2), (4, 1)])
def test_equals_jax_nn_with_its_gradients(heads, kv_heads):
    qkv = make_qkv(0, heads, kv_heads)
    segments = jnp.asarray(np.repeat([[1, 2, 3], [1, 1, 2], [1, 1, 1]], 4, axis=1))
    mask = causal_mask(segments, 12)
    weights = jnp.asarray(np.random.default_rng(1).normal(size=qkv[0].shape), jnp.float32)

    def loss(function, *qkv):
        return jnp.sum(function(*qkv, mask) * weights)

    @partial(jax.jit, static_argnums=0)
    def results(function, *qkv):
        return function(*qkv, mask), jax.grad(loss, argnums=(1, 2, 3))(function, *qkv)

    ours, theirs = results(attention, *qkv), results(reference, *qkv)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_mask_keeps_documents_apart_and_is_causal():
    mask = np.asarray(causal_mask(jnp.asarray([[1, 1, 2, 2, 0]]), 5))[0]
    expected = np.zeros((5, 5), bool)
    expected[0, 0] = expected[1, :2] = expected[2, 2] = expected[3, 2:4] = expected[4, 4] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_row_that_sees_nothing_is_finite():
    q, k, v = make_qkv(2, 2, 2)
    mask = jnp.zeros((1, 12, 12), bool)
    out, gradient = jax.value_and_grad(lambda q: jnp.sum(attention(q, k, v, mask)))(q)
    assert np.isfinite(out)
    assert np.isfinite(gradient).all()


def test_bfloat16_softmax_is_in_float32():
    qkv = make_qkv(3, 4, 2)
    mask = causal_mask(None, 12)

    @jax.jit
    def results(*qkv):
        loss = jax.grad(lambda *qkv: attention(*qkv, mask).astype(jnp.float32).sum(), (0, 1, 2))
        return attention(*qkv, mask), *loss(*qkv)

    half = results(*(x.astype(jnp.bfloat16) for x in qkv))
    for a, b in zip(half, results(*qkv), strict=True):
        assert a.dtype == jnp.bfloat16
        np.testing.assert_allclose(a.astype(jnp.float32), b, atol=0.03 * np.abs(b).max())
