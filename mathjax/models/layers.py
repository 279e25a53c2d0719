"""Building blocks that the model families share.

Dimension letters (suffix of every activation, capitals in every einsum):
  B batch   T target positions   S source positions   D hidden   F feed-forward   N query heads   K
  key/value heads G query heads per key/value head   H head size   V vocabulary   R adapter rank
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.models.quantization import LEAVES, frozen_matmul
from mathjax.parallel import constrain

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_new": partial(jax.nn.gelu, approximate=True),  # tanh (Hendrycks and Gimpel 2016)
}
"""By the names of Hugging Face."""

IMPOSSIBLE = -1e30
"""Logit of an id that only pads the vocabulary: below every other, and its probability is 0."""


@jax.custom_vjp
def matmul(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x [..., in] times kernel [in, out].

    Its own gradient, because JAX's transposes the weight gradient after the product, and XLA on
    CPU then writes the whole incoming gradient transposed first (a tenth of a training step).
    """
    return x @ kernel


def _matmul_forward(x, kernel):
    return x @ kernel, (x, kernel)


def _matmul_backward(saved, gradient):
    x, kernel = saved
    rows, columns = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
    return gradient @ kernel.T, jnp.einsum("ri,ro->io", rows, columns)


matmul.defvjp(_matmul_forward, _matmul_backward)


class Linear(nnx.Module):
    """y = x W (+ b). `axes` are the logical names of W's two dimensions, input first.

    `mathjax.models.lora` may freeze W, replace `kernel` by NF4 leaves and add an adapter `lora_a`
    [in, R], `lora_b` [R, out]: y = x W + scale (dropout(x) A) B. Dropout acts only where
    `dropout_key` has been set, which the training step does.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        axes: tuple[str, str],
        *,
        rngs: nnx.Rngs,
        dtype: jnp.dtype = jnp.float32,
        use_bias: bool = False,
        stddev: float = 0.02,
    ):
        self.shape, self.axes, self.dtype = shape, axes, dtype
        self.frozen = False  # True: no gradient for W
        self.kernel = nnx.Param(stddev * jax.random.normal(rngs.params(), shape), axes=axes)
        if use_bias:
            self.bias = nnx.Param(jnp.zeros(shape[1]), axes=axes[1:])

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.frozen:
            keys = (key for key in ("kernel", *LEAVES) if hasattr(self, key))
            y = frozen_matmul(x, {key: getattr(self, key)[...] for key in keys})
        else:
            y = matmul(x, self.kernel[...].astype(self.dtype))
        if hasattr(self, "bias"):
            y += self.bias[...].astype(self.dtype)
        if hasattr(self, "lora_a"):
            y += self.adapter(x)
        return y

    @jax.named_scope("lora")
    def adapter(self, x: jax.Array) -> jax.Array:
        if hasattr(self, "dropout_key"):
            x = dropout(x, self.dropout_key[...], self.lora.dropout)
        x_BTR = matmul(x, self.lora_a[...].astype(self.dtype))
        return matmul(x_BTR * self.lora.scale, self.lora_b[...].astype(self.dtype))


def dropout(x: jax.Array, key_data: jax.Array, rate: float) -> jax.Array:
    """Zeroes a share `rate` of `x` (to 1/65536) and scales up the rest; `key_data` uint32 [2]."""
    bits = jax.random.bits(jax.random.wrap_key_data(key_data), x.shape, jnp.uint16)
    return jnp.where(bits >= round(rate * 2**16), x / (1 - rate), 0)


class RMSNorm(nnx.Module):
    """x / rms(x) * scale, computed in float32 (Zhang and Sennrich 2019)."""

    def __init__(self, size: int, *, epsilon: float):
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(size), axes=("norm",))

    def __call__(self, x_BTD: jax.Array) -> jax.Array:
        x32 = x_BTD.astype(jnp.float32)
        x32 *= jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + self.epsilon)
        return (x32 * self.scale[...]).astype(x_BTD.dtype)


class LayerNorm(nnx.Module):
    """(x - mean) / deviation * scale + bias, computed in float32 (Ba et al. 2016)."""

    def __init__(self, size: int, *, epsilon: float):
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(size), axes=("norm",))
        self.bias = nnx.Param(jnp.zeros(size), axes=("norm",))

    def __call__(self, x_BTD: jax.Array) -> jax.Array:
        x32 = x_BTD.astype(jnp.float32)
        x32 -= jnp.mean(x32, axis=-1, keepdims=True)
        x32 *= jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + self.epsilon)
        return (x32 * self.scale[...] + self.bias[...]).astype(x_BTD.dtype)


@dataclasses.dataclass(frozen=True)
class RopeScaling:
    """How rotary frequencies change for contexts longer than those of pretraining.

    "linear" divides all by `factor` (Chen et al. 2023, position interpolation). "llama3" (Llama
    3.1) divides those that turn fewer than `low_freq_factor` times within
    `original_max_positions`, keeps those that turn more than `high_freq_factor` times, and blends
    in between.
    """

    kind: str
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_positions: int = 8192

    def __post_init__(self):
        if self.kind not in ("linear", "llama3"):
            raise ValueError(f"rope_scaling.kind={self.kind!r}: choose from linear, llama3")
        if self.factor < 1:
            raise ValueError(f"rope_scaling.factor={self.factor}: must be at least 1")
        if self.kind == "llama3" and not 0 < self.low_freq_factor < self.high_freq_factor:
            raise ValueError(
                f"rope_scaling.low_freq_factor={self.low_freq_factor}: must be in 0.."
                f"high_freq_factor={self.high_freq_factor}"
            )


def rope_frequencies(head_size: int, theta: float, scaling: RopeScaling | None = None) -> jax.Array:
    """Radians a position turns each of the H/2 pairs by, float32."""
    frequencies = theta ** (-jnp.arange(0, head_size, 2, dtype=jnp.float32) / head_size)
    if scaling is None:
        return frequencies
    if scaling.kind == "linear":
        return frequencies / scaling.factor
    turns = frequencies * (scaling.original_max_positions / (2 * math.pi))
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    kept = jnp.clip((turns - low) / (high - low), 0, 1)  # share of the frequency left as it is
    return frequencies * (kept + (1 - kept) / scaling.factor)


def rope_tables(positions_BT: jax.Array, frequencies: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine [B, T, H/2], float32, of rotary embeddings (Su et al. 2021)."""
    angles = positions_BT[..., None].astype(jnp.float32) * frequencies
    return jnp.cos(angles), jnp.sin(angles)


def apply_rope(x_BTNH: jax.Array, tables: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Rotates the pairs (i, i + H/2), the Hugging Face convention for LLaMA weights."""
    cos, sin = (table[:, :, None, :] for table in tables)
    left, right = jnp.split(x_BTNH.astype(jnp.float32), 2, axis=-1)
    rotated = jnp.concatenate([left * cos - right * sin, right * cos + left * sin], axis=-1)
    return rotated.astype(x_BTNH.dtype)


def padded_size(vocab_size: int, multiple: int) -> int:
    """Rows of an embedding that divide by `multiple`."""
    return -(-vocab_size // multiple) * multiple


def embed(table_VD: jax.Array, tokens_BT: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """[B, T, D]: rows of the table. Gathered over 'fsdp' first: looked up in a table split both
    ways, XLA would replicate the activations."""
    table_VD = constrain(table_VD.astype(dtype), "vocab", None)
    return constrain(table_VD[tokens_BT], "batch", None, None)


def finish_logits(logits_BTV: jax.Array, vocab_size: int) -> jax.Array:
    """In float32; ids from `vocab_size` on, which only pad the table, become impossible."""
    logits_BTV = constrain(logits_BTV, "batch", None, "vocab").astype(jnp.float32)
    if logits_BTV.shape[-1] == vocab_size:
        return logits_BTV
    return jnp.where(jnp.arange(logits_BTV.shape[-1]) < vocab_size, logits_BTV, IMPOSSIBLE)
