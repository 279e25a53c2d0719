"""NF4 storage of frozen matrices (QLoRA, Dettmers et al. 2023): 4-bit codes, two a byte.

A matrix [..., in, out] becomes leaves that shard as it did, each with its input rows divided:

    codes        uint8   [..., in/2, out]        rows 2i (low four bits) and 2i + 1 (high)
    absmax       float32 [..., in/64, out]       largest magnitude of 64 rows of a column
  with double quantisation instead
    absmax       uint8   [..., in/64, out]       its logarithm between those of a block's extremes
    absmax_low   float32 [..., in/64, out/256]   logarithm of the smallest of 256 columns
    absmax_step  float32 [..., in/64, out/256]   a 255th of the way to the largest

That is 0.5625 or 0.516 bytes a parameter. A last block that is not full is padded.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from mathjax.errors import UserError

BLOCK, ABSMAX_BLOCK = 64, 256

TABLE = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    np.float32,
)
"""The 16 values of NF4, appendix E of the paper."""

_BOUNDS = (TABLE[1:] + TABLE[:-1]) / 2

LEAVES = ("codes", "absmax", "absmax_low", "absmax_step")

Leaves = dict[str, jax.Array]


def quantize(kernel: jax.Array, double: bool = False, name: str = "the kernel") -> Leaves:
    """Leaves of a kernel [..., in, out] of any floating type; the nearest value of the table each.

    `double` stores absmax in 8 bits. On a logarithmic scale, where the paper has floats around the
    mean: the relative error is at most (largest / smallest) ** (1 / 510) - 1 of the 256 in a block,
    so one outlier does not spoil its neighbours. Raises UserError with `name` for odd `in`.
    """
    rows = kernel.shape[-2]
    if rows % 2:
        raise UserError(
            f"{name} has {rows} input rows: NF4 packs two into a byte. Use lora.quantize=none"
        )
    return _quantize(kernel, double)


@partial(jax.jit, static_argnames="double")
def _quantize(kernel: jax.Array, double: bool) -> Leaves:
    *stack, rows, columns = kernel.shape
    padded = _pad(kernel.astype(jnp.float32), BLOCK, axis=-2)
    blocks = padded.reshape(*stack, -1, BLOCK, columns)
    absmax = jnp.max(jnp.abs(blocks), axis=-2)
    scaled = blocks / jnp.where(absmax == 0, 1, absmax)[..., None, :]
    codes = sum((scaled > bound).astype(jnp.uint8) for bound in _BOUNDS)
    pairs = codes.reshape(*stack, -1, 2, columns)[..., : rows // 2, :, :]
    leaves = {"codes": pairs[..., 0, :] | pairs[..., 1, :] << 4}
    if not double:
        return leaves | {"absmax": absmax}
    return leaves | _quantize_absmax(absmax)


def _quantize_absmax(absmax: jax.Array) -> Leaves:
    columns = absmax.shape[-1]
    # A block of zeros has the code of zero throughout, so any absmax will do: its neighbours'
    # largest, which does not widen the range.
    blocks = _pad(absmax, ABSMAX_BLOCK, axis=-1)
    blocks = blocks.reshape(*absmax.shape[:-1], -1, ABSMAX_BLOCK)
    largest = jnp.max(blocks, axis=-1, keepdims=True)
    largest = jnp.where(largest == 0, 1, largest)
    logs = jnp.log(jnp.where(blocks == 0, largest, blocks))
    low = jnp.min(logs, axis=-1, keepdims=True)
    step = (jnp.max(logs, axis=-1, keepdims=True) - low) / 255
    codes = jnp.round((logs - low) / jnp.where(step == 0, 1, step)).astype(jnp.uint8)
    codes = codes.reshape(*absmax.shape[:-1], -1)[..., :columns]
    return {"absmax": codes, "absmax_low": low[..., 0], "absmax_step": step[..., 0]}


def dequantize(leaves: Leaves, dtype: jnp.dtype = jnp.float32) -> jax.Array:
    """The kernel [..., in, out] that the leaves stand for."""
    codes = leaves["codes"]
    *stack, half, columns = codes.shape
    pairs = jnp.stack([codes & 15, codes >> 4], axis=-2)
    codes = pairs.reshape(*stack, 2 * half, columns).astype(jnp.int32)
    values = jnp.asarray(TABLE).at[codes].get(mode="promise_in_bounds")
    absmax = jnp.repeat(_absmax(leaves), BLOCK, axis=-2)[..., : 2 * half, :]
    return (values * absmax).astype(dtype)


def _absmax(leaves: Leaves) -> jax.Array:
    absmax = leaves["absmax"]
    if "absmax_low" not in leaves:
        return absmax
    low, step = (
        jnp.repeat(leaves[key], ABSMAX_BLOCK, axis=-1)[..., : absmax.shape[-1]]
        for key in ("absmax_low", "absmax_step")
    )
    return jnp.exp(low + step * absmax)


@jax.custom_vjp
def frozen_matmul(x: jax.Array, weights: Leaves) -> jax.Array:
    """x [..., in] times a frozen kernel [in, out], in the type of x; only x has a gradient.

    `weights` are NF4 leaves or {"kernel"} of any floating type. The backward pass keeps them as
    they are stored and unpacks them again, so that neither it nor a scan over layers holds a copy
    in the type of x. The barriers tie each unpacking to the activations that it meets: without
    them XLA shares one copy between the passes, or takes it out of a token loop, and every layer's
    full kernel lives at once.
    """
    return _forward(x, weights)[0]


def _forward(x, weights):
    x, tied = jax.lax.optimization_barrier((x, weights))
    return x @ unpack(tied, x.dtype), weights  # not `tied`: a scan would stack a copy of those


def _backward(weights, gradient):
    gradient, weights = jax.lax.optimization_barrier((gradient, weights))
    return gradient @ unpack(weights, gradient.dtype).T, None


frozen_matmul.defvjp(_forward, _backward)


def unpack(weights: Leaves, dtype: jnp.dtype = jnp.float32) -> jax.Array:
    """The kernel, however it is stored."""
    if "codes" in weights:
        return dequantize(weights, dtype)
    return weights["kernel"].astype(dtype)


def leaf_axes(axes: tuple[str, str], double: bool) -> dict[str, tuple[str, str]]:
    """Logical axes of the leaves: those of the kernel, of whose rows and columns they have
    fewer."""
    return dict.fromkeys(LEAVES if double else LEAVES[:2], axes)


def is_quantized(node: object) -> bool:
    """Whether a dict of parameters holds the leaves of a kernel."""
    return isinstance(node, dict) and "codes" in node


def reference_quantize(kernel: np.ndarray) -> dict[str, np.ndarray]:
    """`quantize` of one matrix [in, out] without double quantisation, a block at a time."""
    rows, columns = kernel.shape
    codes = np.zeros((rows, columns), np.uint8)
    absmax = np.zeros((-(-rows // BLOCK), columns), np.float32)
    for block, start in enumerate(range(0, rows, BLOCK)):
        for column in range(columns):
            values = kernel[start : start + BLOCK, column].astype(np.float32)
            absmax[block, column] = largest = np.abs(values).max()
            distances = np.abs(values[:, None] / (largest or np.float32(1)) - TABLE)
            codes[start : start + BLOCK, column] = distances.argmin(axis=1)
    return {"codes": codes[::2] | codes[1::2] << 4, "absmax": absmax}


def reference_dequantize(leaves: dict[str, np.ndarray]) -> np.ndarray:
    """`dequantize` in float32 of one matrix, an entry at a time."""
    codes, absmax = leaves["codes"], leaves["absmax"]
    kernel = np.zeros((2 * len(codes), codes.shape[1]), np.float32)
    for row, column in np.ndindex(kernel.shape):
        code = codes[row // 2, column] >> (4 if row % 2 else 0) & 15
        scale = absmax[row // BLOCK, column]
        if "absmax_low" in leaves:
            block = row // BLOCK, column // ABSMAX_BLOCK
            scale = np.exp(leaves["absmax_low"][block] + leaves["absmax_step"][block] * scale)
        kernel[row, column] = TABLE[code] * scale
    return kernel


def _pad(x: jax.Array, multiple: int, axis: int) -> jax.Array:
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, -x.shape[axis] % multiple)
    return jnp.pad(x, widths) if widths[axis][1] else x
