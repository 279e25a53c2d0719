"""Building blocks that the model families share.

Dimension letters (suffix of every activation, capitals in every einsum):
  B batch   T target positions   S source positions   D hidden   F feed-forward   N query heads   K
  key/value heads G query heads per key/value head   H head size   V vocabulary   R adapter rank
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx


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
    """y = x W (+ b). `axes` are the logical names of W's two dimensions, input first."""

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
        self.dtype = dtype
        self.kernel = nnx.Param(stddev * jax.random.normal(rngs.params(), shape), axes=axes)
        if use_bias:
            self.bias = nnx.Param(jnp.zeros(shape[1]), axes=axes[1:])

    def __call__(self, x: jax.Array) -> jax.Array:
        y = matmul(x, self.kernel[...].astype(self.dtype))
        if hasattr(self, "bias"):
            y += self.bias[...].astype(self.dtype)
        return y


class RMSNorm(nnx.Module):
    """x / rms(x) * scale, computed in float32 (Zhang and Sennrich 2019)."""

    def __init__(self, size: int, *, epsilon: float):
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(size), axes=("norm",))

    def __call__(self, x_BTD: jax.Array) -> jax.Array:
        x32 = x_BTD.astype(jnp.float32)
        x32 *= jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + self.epsilon)
        return (x32 * self.scale[...]).astype(x_BTD.dtype)


def rope_tables(
    positions_BT: jax.Array, head_size: int, theta: float
) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine [B, T, H/2], float32, of rotary embeddings (Su et al. 2021)."""
    inverse = theta ** (-jnp.arange(0, head_size, 2, dtype=jnp.float32) / head_size)
    angles = positions_BT[..., None].astype(jnp.float32) * inverse
    return jnp.cos(angles), jnp.sin(angles)


def apply_rope(x_BTNH: jax.Array, tables: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Rotates the pairs (i, i + H/2), the Hugging Face convention for LLaMA weights."""
    cos, sin = (table[:, :, None, :] for table in tables)
    left, right = jnp.split(x_BTNH.astype(jnp.float32), 2, axis=-1)
    rotated = jnp.concatenate([left * cos - right * sin, right * cos + left * sin], axis=-1)
    return rotated.astype(x_BTNH.dtype)
