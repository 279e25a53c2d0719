"""Attention against NumPy and jax.nn: masks, packed documents, windows, biases, and how a flash
kernel is chosen, tried and refused. Splash is interpreted here; cuDNN's own kernel cannot run."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import logging
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.errors import UserError
from mathjax.models import attention_kernels as kernels
from mathjax.models.attention import (
    _plain,
    attention,
    causal_mask,
    cross_attention,
    implementation_for,
    segment_mask,
    self_attention,
)
from mathjax.parallel import make_mesh


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


def naive(np, q, k, v, mask, bias, scale):
    """One line a step, heads repeated, in whatever precision it is given; np is NumPy or its JAX
    twin."""
    groups = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
    scores = np.where(mask[:, None], np.einsum("bnth,bnsh->bnts", q, k) * scale + bias, -1e30)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bnts,bnsh->bnth", weights / weights.sum(axis=-1, keepdims=True), v)


def visible(segments_BT, segments_BS, causal, window):
    """[B, T, S], from the definition."""
    (B, T), S = segments_BT.shape, segments_BS.shape[1]
    mask = np.zeros((B, T, S), bool)
    for b, t, s in np.ndindex(mask.shape):
        mask[b, t, s] = segments_BT[b, t] == segments_BS[b, s]
        if causal:
            mask[b, t, s] &= s <= t and (window is None or t - s < window)
    return mask


@st.composite
def problems(draw):
    causal = draw(st.booleans())
    T = draw(st.integers(1, 9))
    S = T if causal else draw(st.integers(1, 9))
    B, K, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    H, N = draw(st.sampled_from([1, 4, 6])), K * groups
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    segments_BT = np.sort(rng.integers(0, 3, (B, T)))
    segments_BS = segments_BT if S == T else np.sort(rng.integers(0, 3, (B, S)))
    segments_BS[:, 0] = segments_BT[:, 0] = 0
    segments_BT = np.where(np.isin(segments_BT, segments_BS), segments_BT, 0)  # all see something
    for b in range(B):
        segments_BT[b, ~np.isin(segments_BT[b], segments_BS[b])] = 0
    bias_shape = draw(st.sampled_from([None, (1, N), (1, 1), (B, N), (B, 1)]))
    shapes = [(B, N, T, H), (B, K, S, H), (B, K, S, H)]
    arrays = [rng.normal(size=shape) for shape in shapes]
    bias = np.zeros((1, 1, T, S)) if bias_shape is None else rng.normal(size=(*bias_shape, T, S))
    return {
        "arrays": (*arrays, bias),
        "segments": (segments_BT, segments_BS),
        "causal": causal,
        "window": draw(st.none() | st.integers(1, 10)) if causal else None,
        "biased": bias_shape is not None,
        "scale": draw(st.sampled_from([None, 1.0, 0.3])),
        "cotangent": rng.normal(size=shapes[0]),
    }


@settings(max_examples=15)
@given(problems())
def test_equals_numpy_in_float64_and_its_gradients_those_of_a_naive_one(problem):
    segments_BT, segments_BS = problem["segments"]
    causal, window, scale = problem["causal"], problem["window"], problem["scale"]
    mask = visible(segments_BT, segments_BS, causal, window)
    plain_scale = problem["arrays"][0].shape[-1] ** -0.5 if scale is None else scale
    arrays32 = [jnp.asarray(x, jnp.float32) for x in problem["arrays"]]

    def ours(q, k, v, bias):
        bias = bias if problem["biased"] else None
        if causal:
            return self_attention(
                q, k, v, segment_ids_BT=segments_BT, window=window, bias_BNTS=bias, scale=scale
            )
        mask = segment_mask(jnp.asarray(segments_BT), jnp.asarray(segments_BS))
        return attention(q, k, v, mask, bias_BNTS=bias, scale=scale)

    def theirs(q, k, v, bias):
        return naive(jnp, q, k, v, mask, bias, plain_scale)

    @partial(jax.jit, static_argnums=0)
    def results(function, *arrays):
        out, pull_back = jax.vjp(function, *arrays)
        return out, pull_back(jnp.asarray(problem["cotangent"], jnp.float32))

    out, gradients = results(ours, *arrays32)
    expected = naive(np, *problem["arrays"][:3], mask, problem["arrays"][3], plain_scale)
    np.testing.assert_allclose(out, expected, atol=2e-5)
    expected_gradients = results(theirs, *arrays32)[1]
    for gradient, wanted in zip(
        gradients[: 4 if problem["biased"] else 3], expected_gradients, strict=False
    ):
        np.testing.assert_allclose(gradient, wanted, atol=2e-5)


def test_cross_attention_keeps_to_segments_of_both_sides():
    q, k, v = make_qkv(4, 4, 2)
    k, v = k[:, :, :8], v[:, :, :8]
    segments_BT, segments_BS = jnp.arange(12)[None] // 6, jnp.arange(8)[None] // 5
    segments = [jnp.tile(x, (3, 1)) for x in (segments_BT, segments_BS)]
    out = cross_attention(q, k, v, segment_ids_BT=segments[0], segment_ids_BS=segments[1], scale=1)
    mask = visible(*map(np.asarray, segments), causal=False, window=None)
    np.testing.assert_allclose(out, naive(np, q, k, v, mask, 0, 1), atol=2e-5)
    everything = cross_attention(q, k, v)
    np.testing.assert_allclose(everything, attention(q, k, v, jnp.ones((1, 12, 8), bool)), 1e-5)


def test_told_the_structure_the_plain_path_is_the_same_program_as_with_a_mask():
    qkv = make_qkv(5, 4, 2)
    segments = jnp.ones((3, 12), int)
    programs = [
        jax.make_jaxpr(function)(*qkv)
        for function in (
            lambda *qkv: self_attention(*qkv, segment_ids_BT=segments),
            lambda *qkv: attention(*qkv, causal_mask(segments, 12)),
        )
    ]
    assert str(programs[0]) == str(programs[1])


@pytest.mark.parametrize("options", [{"window": 0}, {"window": 3, "causal": False}])
def test_structures_that_make_no_sense(options):
    with pytest.raises(ValueError, match="window"):
        self_attention(*make_qkv(0, 2, 2), **options)


CASE = kernels.Case(dtype="bfloat16", length=1024, source_length=1024, head_size=128, groups=4)


@pytest.mark.parametrize(
    ("platform", "changes", "expected"),
    [
        ("cpu", {}, "plain"),
        ("gpu", {}, "cudnn"),
        ("gpu", {"segmented": True, "window": 100}, "cudnn"),
        ("gpu", {"bias": (False, True), "causal": False}, "cudnn"),
        ("gpu", {"bias": (False, True), "segmented": True}, "plain"),
        ("gpu", {"dtype": "float32"}, "plain"),
        ("gpu", {"length": 128, "source_length": 128}, "plain"),
        ("gpu", {"length": 1023}, "cudnn"),
        ("gpu", {"length": 1023, "segmented": True}, "plain"),
        ("gpu", {"head_size": 20}, "plain"),
        ("gpu", {"head_size": 264}, "plain"),
        ("gpu", {"divides": False}, "plain"),
        ("tpu", {}, "splash"),
        ("tpu", {"dtype": "float32", "segmented": True, "window": 100}, "splash"),
        ("tpu", {"bias": (False, True)}, "plain"),
        ("tpu", {"head_size": 80}, "plain"),
        ("tpu", {"length": 1000}, "plain"),
        ("tpu", {"length": 128}, "plain"),
    ],
)
def test_what_each_platform_takes(platform, changes, expected):
    assert kernels.select(platform, dataclasses.replace(CASE, **changes)) == expected


SMALL = dataclasses.replace(
    CASE, length=256, source_length=256, head_size=64, groups=2, dtype="float32", scale=0.2
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": 150, "segmented": True, "length": 384, "source_length": 384},
        {"causal": False, "segmented": True, "source_length": 384},
        {"dtype": "bfloat16", "window": 40},
    ],
)
def test_splash_gives_what_the_plain_path_gives(changes):
    case = dataclasses.replace(SMALL, **changes)
    assert kernels._try(kernels.splash, case, _plain) is None


def as_cudnn(*arguments, implementation, **options):
    assert implementation == "cudnn"
    return DOT_PRODUCT_ATTENTION(*arguments, implementation="xla", **options)


DOT_PRODUCT_ATTENTION = jax.nn.dot_product_attention


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": 40},
        {"window": 40, "segmented": True},
        {"causal": False, "segmented": True, "source_length": 32},
        {"causal": False, "bias": (False, True)},
        {"bias": (True, False)},
    ],
)
def test_what_cudnn_is_asked_for_means_what_the_plain_path_does(changes, monkeypatch):
    """XLA answers in cuDNN's place: convention of windows, masks, scale and layout."""
    monkeypatch.setattr(jax.nn, "dot_product_attention", as_cudnn)
    case = dataclasses.replace(
        SMALL, **{"length": 64, "source_length": 64, "head_size": 8} | changes
    )
    assert kernels._try(kernels.cudnn, case, _plain) is None


@pytest.mark.parametrize(
    "slip",
    [
        lambda case: dataclasses.replace(case, window=case.window + 1),
        lambda case: dataclasses.replace(case, scale=case.scale * 1.2),
        lambda case: dataclasses.replace(case, causal=False),
        lambda case: dataclasses.replace(case, segmented=False),
    ],
)
def test_the_probe_notices_a_wrong_kernel(slip):
    case = dataclasses.replace(
        SMALL, length=64, source_length=64, head_size=8, window=20, segmented=True
    )

    def wrong(q, k, v, segments_BT, segments_BS, bias, *, case):
        case = slip(case)
        segments = (segments_BT, segments_BS) if case.segmented else (None, None)
        return _plain(q, k, v, *segments, bias, case=case)

    assert "is off by" in kernels._try(wrong, case, _plain)


def test_the_probe_notices_a_wrong_gradient():
    @jax.custom_vjp
    def double(x):
        return x

    double.defvjp(lambda x: (x, None), lambda _, g: (2 * g,))
    case = dataclasses.replace(SMALL, length=64, source_length=64, head_size=8)
    failure = kernels._try(lambda q, k, *a, case: _plain(q, double(k), *a, case=case), case, _plain)
    assert "its gradient of k is off by 1" in failure


@pytest.mark.parametrize(("kv_heads", "length"), [(4, 128), (1, 256)])
def test_splash_over_a_mesh(kv_heads, length):
    rng = np.random.default_rng(6)
    shapes = [(4, 4, length, 64)] + 2 * [(4, kv_heads, length, 64)]
    qkv = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]
    segments = jnp.asarray(np.sort(rng.integers(0, 3, (4, length)), axis=1))

    def results(implementation):
        @jax.jit
        def run(*qkv):
            def loss(*qkv):
                out = self_attention(
                    *qkv, segment_ids_BT=segments, window=100, implementation=implementation
                )
                return jnp.sum(out**2), out

            return jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)(*qkv)

        return run(*qkv)

    expected = results("plain")
    with jax.set_mesh(make_mesh(2, 1, 2, devices=jax.devices()[:4])):
        found = results("splash")
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias_shape", [(1, 4), (1, 1), (4, 1)])
def test_a_bias_over_a_mesh_gets_its_whole_gradient(bias_shape):
    rng = np.random.default_rng(7)
    shapes = [(4, 4, 8, 8), (4, 2, 8, 8), (4, 2, 8, 8), (*bias_shape, 8, 8)]
    *qkv, bias = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]
    case = kernels.Case("float32", 8, 8, 8)

    @partial(jax.jit, static_argnums=0)
    def results(function, bias):
        def loss(bias):
            return jnp.sum(function(*qkv, None, None, bias) ** 2)

        return jax.value_and_grad(loss)(bias)

    function = partial(_plain, case=case)
    expected = results(function, bias)
    with jax.set_mesh(make_mesh(2, 2, 2)):
        found = results(partial(kernels.over_mesh, function), bias)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_what_does_not_divide_over_the_mesh_is_left_to_the_compiler():
    with jax.set_mesh(make_mesh(2, 2, 2)):
        mesh = jax.sharding.get_abstract_mesh()
        assert kernels.divides(mesh, batch=4, heads=6)
        assert not kernels.divides(mesh, batch=6, heads=6)
        assert not kernels.divides(mesh, batch=4, heads=3)


@pytest.fixture
def pretended_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.delenv("MATHJAX_ATTENTION", raising=False)
    forget()
    warnings = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: warnings.append(text % values))
    yield warnings
    forget()


def forget():
    kernels.probe.cache_clear()
    kernels._warn_once.cache_clear()


def test_without_cudnn_a_gpu_takes_the_plain_path_and_says_so_once(pretended_gpu):
    qkv = make_qkv(8, 4, 2, length=256, dtype=jnp.bfloat16)
    out = jax.jit(lambda *qkv: [self_attention(*qkv), self_attention(*qkv)])(*qkv)
    jax.jit(self_attention)(*make_qkv(8, 4, 2, length=300, dtype=jnp.bfloat16))
    np.testing.assert_array_equal(out[1], jax.jit(attention)(*qkv, causal_mask(None, 256)))
    (warning,) = pretended_gpu
    assert "attention without cudnn" in warning
    assert "Error: " in warning


def test_a_kernel_that_passes_its_probe_is_used(pretended_gpu, monkeypatch):
    calls = []

    def kernel(*arguments, case):
        calls.append(case)
        return _plain(*arguments, case=case)

    monkeypatch.setitem(kernels.FUNCTIONS, "cudnn", kernel)
    case = dataclasses.replace(SMALL, dtype="bfloat16", window=30, head_size=8)
    assert implementation_for(case) == "cudnn"
    self_attention(*make_qkv(9, 4, 2, length=256, dtype=jnp.bfloat16), window=30)
    assert calls[-1].window == 30
    assert not pretended_gpu


def test_insisting(pretended_gpu, monkeypatch):
    assert implementation_for(CASE, "plain") == "plain"
    with pytest.raises(
        UserError, match=r"implementation='flash': choose from plain, cudnn, splash"
    ):
        implementation_for(CASE, "flash")
    with pytest.raises(UserError, match="implementation=splash: splash has no bias"):
        implementation_for(dataclasses.replace(CASE, bias=(False, True)), "splash")
    with pytest.raises(UserError, match="implementation=cudnn: .*Error.*leave it out"):
        implementation_for(CASE, "cudnn")
    monkeypatch.setenv("MATHJAX_ATTENTION", "plain")
    assert implementation_for(CASE) == "plain"
    monkeypatch.setenv("MATHJAX_ATTENTION", "fast")
    with pytest.raises(UserError, match="MATHJAX_ATTENTION='fast'"):
        implementation_for(CASE)
