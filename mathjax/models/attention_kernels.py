"""Flash attention for training on accelerators: cuDNN's on GPU, splash on TPU.

Both compute what the plain path of `models/attention.py` does without keeping [B, N, T, S] scores
(Dao et al. 2022). They support less than it, and what they support differs by library version and
by chip: `refusal` says what their sources rule out, and `probe` tries the rest on the device once.
Letters: see `models/layers.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jax.sharding import AbstractMesh
from jax.sharding import PartitionSpec as P

from mathjax.parallel import Rules

KERNELS = {"gpu": "cudnn", "tpu": "splash"}
"""The kernel of each platform; elsewhere there is only the plain path."""

SHORTEST = 256
"""Shorter rows take the plain path, whose scores are small then. A choice, not a measurement."""

SPLASH_BLOCKS = (512, 256, 128)

TOLERANCE = 0.02
"""Of the probe: norm of the difference over norm of the result, a few roundings of bfloat16."""


@dataclasses.dataclass(frozen=True)
class Case:
    """What a model asks of attention, as far as it decides which implementation can do it."""

    dtype: str
    length: int
    source_length: int
    head_size: int
    groups: int = 1  # query heads per key/value head
    causal: bool = True
    window: int | None = None
    segmented: bool = False
    bias: tuple[bool, bool] | None = None  # whether it differs between rows, between heads
    scale: float = 1.0
    divides: bool = True  # batch and heads over the mesh


def select(platform: str, case: Case) -> str:
    """Name of the implementation before any probe: a kernel's, or "plain"."""
    kernel = KERNELS.get(platform)
    if kernel is None or case.length < SHORTEST or refusal(kernel, case):
        return "plain"
    return kernel


def refusal(kernel: str, case: Case) -> str | None:
    """Why a kernel cannot do this, or None: limits found in jax 0.10's sources and seen to be the
    same in 0.12's."""
    if not case.divides:
        return "batch or heads do not divide over the mesh"
    if kernel == "cudnn":
        if case.dtype not in ("bfloat16", "float16"):
            return f"cuDNN takes bfloat16 and float16, not {case.dtype}"
        if case.head_size % 8 or case.head_size > 256:
            return f"head size {case.head_size} is no multiple of 8 up to 256"
        if case.bias and case.segmented:
            # They reach cuDNN as one additive [B, N, T, S], saved for every layer like scores.
            return "a bias together with segments saves no memory"
        if (case.bias or case.segmented) and (case.length % 2 or case.source_length % 2):
            return f"lengths {case.length}, {case.source_length}: a bias or mask needs even ones"
    if kernel == "splash":
        if case.dtype not in ("bfloat16", "float32"):
            return f"splash takes bfloat16 and float32, not {case.dtype}"
        if case.bias:
            return "splash has no bias"
        if case.length % 128 or case.source_length % 128:
            return f"lengths {case.length}, {case.source_length} are no multiples of 128"
        if case.head_size % 64:
            return f"head size {case.head_size} is no multiple of 64"
    return None


def cudnn(q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS, *, case: Case):
    """cuDNN's flash attention.

    Packed documents are a mask [B, 1, T, S], one for all heads: the offsets that would do without
    are not in JAX's public function, want a bound on the documents of a row, and (0.10) are counted
    in query heads for keys, too.
    """
    mask_B1TS, window = None, case.window
    if segments_BT is not None:
        mask_B1TS = (segments_BT[:, :, None] == segments_BS[:, None, :])[:, None]
        if window is not None:  # cuDNN before 9.10.2 has none beside a mask
            T, S = mask_B1TS.shape[2:]
            mask_B1TS &= jnp.arange(T)[:, None] - jnp.arange(S) < window
            window = None
    out_BTNH = jax.nn.dot_product_attention(
        *(x.swapaxes(1, 2) for x in (q_BNTH, k_BKSH, v_BKSH)),
        bias=None if bias_BNTS is None else bias_BNTS.astype(q_BNTH.dtype),
        mask=mask_B1TS,
        scale=case.scale,
        is_causal=case.causal,
        local_window_size=None if window is None else (window - 1, 0),
        implementation="cudnn",
    )
    return out_BTNH.swapaxes(1, 2)


def splash(q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS, *, case: Case):
    """The splash kernel, which skips blocks that causality or a window masks whole; off a TPU it is
    interpreted, which is slow and for tests."""
    from jax.experimental.pallas.ops.tpu import splash_attention as lib

    assert bias_BNTS is None
    shape = (case.length, case.source_length)
    if case.window is not None:
        mask = lib.LocalMask(shape, (case.window - 1, 0), 0)
    else:
        mask = (lib.CausalMask if case.causal else lib.FullMask)(shape)
    block_q, block_kv = (next(b for b in SPLASH_BLOCKS if n % b == 0) for n in shape)
    kernel = lib.make_splash_mha(
        lib.MultiHeadMask([mask] * q_BNTH.shape[1]),
        block_sizes=lib.BlockSizes(
            block_q=block_q,
            block_kv=block_kv,
            block_q_dkv=block_q,
            block_kv_dkv=block_kv,
            block_q_dq=block_q,
            block_kv_dq=block_kv,
        ),
        head_shards=1,
        q_seq_shards=1,
        interpret=jax.default_backend() != "tpu",
    )
    q_BNTH = q_BNTH * jnp.asarray(case.scale, q_BNTH.dtype)
    if segments_BT is None:
        return jax.vmap(kernel)(q_BNTH, k_BKSH, v_BKSH)
    return jax.vmap(kernel)(q_BNTH, k_BKSH, v_BKSH, lib.SegmentIds(segments_BT, segments_BS))


FUNCTIONS: dict[str, Callable] = {"cudnn": cudnn, "splash": splash}


def divides(mesh: AbstractMesh, batch: int, heads: int) -> bool:
    """Whether rows and query heads divide over the mesh axes that the default rules give them."""
    if mesh.empty:
        return True
    rules = Rules()
    return not (
        batch % math.prod(mesh.shape[axis] for axis in rules.batch)
        or heads % mesh.shape[rules.heads]
    )


def over_mesh(function: Callable, q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS):
    """Calls `function` on each device's rows and heads of the mesh set by `jax.set_mesh`: the
    compiler cannot divide a kernel itself. Needs `divides`."""
    mesh = jax.sharding.get_abstract_mesh()
    arguments = (q_BNTH, k_BKSH, v_BKSH, segments_BT, segments_BS, bias_BNTS)
    if mesh.empty or mesh.size == 1:
        return function(*arguments)
    rules = Rules()
    K, shards = k_BKSH.shape[1], mesh.shape[rules.heads]
    if K % shards:  # each device needs the key heads of its own query heads
        repeats = shards // math.gcd(K, shards)
        k_BKSH, v_BKSH = (jnp.repeat(x, repeats, axis=1) for x in (k_BKSH, v_BKSH))
        arguments = (q_BNTH, k_BKSH, v_BKSH, *arguments[3:])
    heads, rows = rules.spec("batch", "heads"), rules.spec("batch")
    bias = None
    if bias_BNTS is not None:
        bias = P(*(s if n > 1 else None for s, n in zip(heads, bias_BNTS.shape[:2], strict=True)))
    return jax.shard_map(
        function,
        in_specs=(heads, heads, heads, rows, rows, bias),
        out_specs=heads,
        check_vma=False,  # Pallas calls do not say over which axes their results vary
    )(*arguments)


@cache
def probe(kernel: str, case: Case, plain: Callable) -> str | None:
    """Why `kernel` must not be used, logged once, or None: runs a small case like `case` on a
    device, with gradients, and compares it with `plain` in float32."""
    # Its own thread: called while a training step is traced, which is state of the thread.
    with ThreadPoolExecutor(1) as pool:
        failure = pool.submit(_try, FUNCTIONS[kernel], _shrunk(case), plain).result()
    if failure:
        _warn_once(kernel, failure)
    return failure


@cache
def _warn_once(kernel: str, failure: str) -> None:
    logging.warning("attention without %s, on the plain path: %s", kernel, failure)


def _shrunk(case: Case) -> Case:
    """As short as shows the same: several blocks of the same size, remainders alike."""
    length, source_length = (
        n if n <= 1536 else 1536 + n % 512 for n in (case.length, case.source_length)
    )
    window = None if case.window is None else min(case.window, length // 3)
    return dataclasses.replace(case, length=length, source_length=source_length, window=window)


def _try(function: Callable, case: Case, plain: Callable) -> str | None:
    rng = np.random.default_rng(0)
    T, S, H, dtype = case.length, case.source_length, case.head_size, jnp.dtype(case.dtype)
    B, K, N = 2, 2, 2 * case.groups
    shapes = {"q": (B, N, T, H), "k": (B, K, S, H), "v": (B, K, S, H)}
    if case.bias:
        shapes["bias"] = (B if case.bias[0] else 1, N if case.bias[1] else 1, T, S)
    arrays = {key: rng.normal(size=shape).astype(dtype) for key, shape in shapes.items()}
    segments_BT = segments_BS = None
    if case.segmented:
        segments_BT, segments_BS = (
            np.stack([np.arange(n) * (3 + b) // n for b in range(B)]).astype(np.int32)
            for n in (T, S)
        )
    outside = rng.normal(size=shapes["q"]).astype(dtype)

    @partial(jax.jit, static_argnums=0)
    def results(function, arrays, segments_BT, segments_BS, outside):
        def run(arrays):
            bias = arrays.get("bias")
            return function(
                arrays["q"], arrays["k"], arrays["v"], segments_BT, segments_BS, bias, case=case
            )

        out, pull_back = jax.vjp(run, arrays)
        return {"result": out} | pull_back(outside.astype(out.dtype))[0]

    try:
        with jax.default_device(jax.local_devices()[0]):
            found = jax.device_get(results(function, arrays, segments_BT, segments_BS, outside))
            with jax.default_matmul_precision("float32"):
                exact = {key: x.astype(np.float32) for key, x in arrays.items()}
                wanted = jax.device_get(results(plain, exact, segments_BT, segments_BS, outside))
    except Exception as failure:  # whatever it is: a kernel that cannot run is not used
        lines = str(failure).strip().splitlines() or [""]
        return f"{type(failure).__name__}: {lines[0][:300]}"
    for key, expected in wanted.items():
        error = np.linalg.norm(found[key].astype(np.float32) - expected)
        if not error <= TOLERANCE * np.linalg.norm(expected):
            what = key if key == "result" else f"gradient of {key}"
            return f"its {what} is off by {error / np.linalg.norm(expected):.3g} of its norm"
    return None
