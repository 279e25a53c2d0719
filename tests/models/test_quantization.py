"""NF4: the published values, little memory, and a kernel that never stands unpacked in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import PartitionSpec

from mathjax.errors import UserError
from mathjax.models.llama import Llama, LlamaConfig
from mathjax.models.lora import with_nf4
from mathjax.models.quantization import (
    BLOCK,
    TABLE,
    dequantize,
    frozen_matmul,
    quantize,
    reference_dequantize,
    reference_quantize,
)
from mathjax.parallel import Rules, make_mesh, parameter_shardings
from mathjax.training.state import abstract_model


def make_kernel(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def num_bytes(tree):
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))


def test_table_is_that_of_bitsandbytes():
    """`bitsandbytes.functional.get_4bit_type("nf4")`, which is appendix E of the paper."""
    published = """-1.0 -0.6961928009986877 -0.5250730514526367 -0.39491748809814453
        -0.28444138169288635 -0.18477343022823334 -0.09105003625154495 0.0 0.07958029955625534
        0.16093020141124725 0.24611230194568634 0.33791524171829224 0.44070982933044434
        0.5626170039176941 0.7229568362236023 1.0"""
    assert TABLE.tolist() == [float(value) for value in published.split()]


@given(
    shape=st.sampled_from([(2, 1), (64, 3), (86, 20), (192, 7)]),  # few: each is compiled
    scale=st.sampled_from([1e-20, 0.02, 1.0, 1e20]),
    seed=st.integers(0, 99),
)
def test_equals_the_plain_reference(shape, scale, seed):
    kernel = make_kernel(*shape, seed) * np.float32(scale)
    kernel[: shape[0] // 3, 0] = 0
    leaves = jax.tree.map(np.asarray, quantize(kernel))
    expected = reference_quantize(kernel)
    assert leaves.keys() == expected.keys()
    for key in leaves:
        np.testing.assert_array_equal(leaves[key], expected[key])
    np.testing.assert_array_equal(dequantize(leaves), reference_dequantize(expected))


def test_equals_qwix():
    qwix = pytest.importorskip("qwix")
    kernel = jnp.asarray(make_kernel(256, 48))
    theirs = qwix.quantize(kernel, "nf4", channelwise_axes=(1,), tiled_axes={0: BLOCK})
    np.testing.assert_array_equal(dequantize(quantize(kernel)), qwix.dequantize(theirs))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_each_value_is_the_nearest(dtype):
    kernel = jnp.asarray(make_kernel(128, 8), dtype)
    back = np.asarray(dequantize(quantize(kernel)))
    kernel = np.asarray(kernel.astype(jnp.float32))
    absmax = np.abs(kernel.reshape(2, 64, 8)).max(1)[:, None]
    nearest = np.abs(kernel.reshape(2, 64, 8)[..., None] - absmax[..., None] * TABLE).min(-1)
    np.testing.assert_allclose(np.abs(kernel - back), nearest.reshape(128, 8), atol=1e-6)
    assert dequantize(quantize(kernel), jnp.bfloat16).dtype == jnp.bfloat16


@pytest.mark.parametrize("rows", [64, 86, 688])  # 86 and 688: the last block is not full
def test_double_quantisation_is_close_to_single(rows):
    kernel = make_kernel(rows, 300) * 0.02
    kernel[5, 7] = 20.0  # an outlier of a thousand deviations
    kernel[:, 9] = 0
    single, double = (np.asarray(dequantize(quantize(kernel, d))) for d in (False, True))
    # Largest over smallest absmax is about 1000 in the outlier's block: 1000 ** (1 / 510) - 1.
    np.testing.assert_allclose(double, single, rtol=0.014)
    assert not double[:, 9].any()
    leaves = jax.tree.map(np.asarray, quantize(kernel, True))
    np.testing.assert_allclose(double, reference_dequantize(leaves), rtol=1e-5)


@pytest.mark.parametrize("double", [False, True])
def test_stacked_kernels_are_quantised_one_by_one(double):
    stacked = jnp.stack([make_kernel(86, 20, seed) for seed in range(3)])
    leaves = quantize(stacked, double)
    for i in range(3):
        for key, value in quantize(stacked[i], double).items():
            np.testing.assert_array_equal(leaves[key][i], value)
    np.testing.assert_array_equal(
        dequantize(leaves)[1], dequantize(jax.tree.map(lambda x: x[1], leaves))
    )


def test_an_odd_input_size_names_the_layer():
    with pytest.raises(UserError, match=r"layers.mlp.up_proj has 33 input rows"):
        quantize(jnp.ones((33, 4)), name="layers.mlp.up_proj")


LLAMA_2_7B = LlamaConfig(
    vocab_size=32_000,
    num_layers=32,
    hidden_size=4096,
    num_heads=32,
    num_kv_heads=32,
    intermediate_size=11_008,
)


@pytest.mark.parametrize(("double", "bar"), [(False, 0.57), (True, 0.53)])
def test_memory_of_llama_2_7b(double, bar):
    _, plain = abstract_model(lambda rngs: Llama(LLAMA_2_7B, rngs=rngs))
    _, packed = abstract_model(with_nf4(lambda rngs: Llama(LLAMA_2_7B, rngs=rngs), double=double))
    plain, packed = nnx.to_pure_dict(plain)["layers"], nnx.to_pure_dict(packed)["layers"]
    for part in ("attention", "mlp"):
        for name in plain[part]:
            ratio = num_bytes(packed[part][name]) / plain[part][name]["kernel"].size
            assert ratio <= bar, (part, name)


@pytest.mark.parametrize(("double", "bar"), [(False, 0.57), (True, 0.53)])
def test_memory_of_a_real_layer(double, bar):
    kernel = jnp.asarray(make_kernel(1024, 2752))
    leaves = jax.block_until_ready(quantize(kernel, double))
    held = sum(x.addressable_data(0).nbytes for x in leaves.values())
    assert held <= bar * kernel.size
    error = jnp.linalg.norm(dequantize(leaves) - kernel) / jnp.linalg.norm(kernel)
    assert error < 0.095  # that of NF4 on normal weights


def test_leaves_lie_as_the_kernel_did():
    config = LlamaConfig(
        vocab_size=32,
        num_layers=2,
        hidden_size=128,
        num_heads=4,
        num_kv_heads=4,
        intermediate_size=344,  # six blocks, of which the last is not full
    )
    factory = with_nf4(lambda rngs: Llama(config, rngs=rngs))
    _, abstract = abstract_model(factory)
    tree = nnx.to_pure_dict(parameter_shardings(abstract, make_mesh(1, 2, 4), Rules()))["layers"]
    assert tree["mlp"]["up_proj"]["codes"].spec == PartitionSpec(None, "fsdp", "tensor")
    assert tree["mlp"]["up_proj"]["absmax"].spec == PartitionSpec(None, "fsdp", "tensor")
    assert tree["mlp"]["down_proj"]["codes"].spec == PartitionSpec(None, "tensor", "fsdp")
    assert tree["mlp"]["down_proj"]["absmax"].spec == PartitionSpec(None, None, "fsdp")  # 6 / 4


@pytest.mark.parametrize("double", [False, True])
def test_product_and_gradient(double):
    leaves = quantize(make_kernel(86, 40), double)
    x = jnp.asarray(make_kernel(7, 86, 1))
    kernel = dequantize(leaves)
    np.testing.assert_allclose(frozen_matmul(x, leaves), x @ kernel, rtol=1e-6)
    gradient = jax.grad(lambda x: jnp.sum(jnp.sin(frozen_matmul(x, leaves))))(x)
    expected = jax.grad(lambda x: jnp.sum(jnp.sin(x @ kernel)))(x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def residual_sizes(loss, *arguments):
    """Elements of each array that the backward pass keeps."""
    _, pullback = jax.eval_shape(lambda *a: jax.vjp(loss, *a), *arguments)
    return [x.size for x in jax.tree.leaves(pullback) if jnp.issubdtype(x.dtype, jnp.floating)]


def test_the_full_base_is_never_unpacked():
    """A scan over 12 layers: neither saved for the backward pass, nor in temporary memory."""
    layers, size = 12, 512
    leaves = jax.eval_shape(quantize, jax.ShapeDtypeStruct((layers, size, size), jnp.float32))
    x = jax.ShapeDtypeStruct((4, size), jnp.bfloat16)

    def loss(x, leaves):
        def body(x, layer):
            return jnp.tanh(frozen_matmul(x, layer)), None

        return jnp.sum(jax.lax.scan(body, x, leaves)[0].astype(jnp.float32))

    full = layers * size * size
    kept = residual_sizes(lambda x: loss(x, jax.tree.map(jnp.zeros_like, leaves)), x)
    assert max(kept) <= full / BLOCK
    compiled = jax.jit(jax.grad(loss)).lower(x, leaves).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < full  # half of a bfloat16 copy
