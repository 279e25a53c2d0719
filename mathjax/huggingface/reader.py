"""Weights of a Hugging Face checkpoint, tensor by tensor, onto the devices that hold them."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from mathjax.errors import UserError
from mathjax.huggingface.mapping import Entry, abstract_params, flatten, match, unflatten
from mathjax.huggingface.weights import BIN, SINGLE, Tensor, open_weights

Quantize = Callable[[str, jax.Array], "dict[str, jax.Array] | None"]
"""(path of a Linear, its kernel [in, out]) -> the leaves to hold instead, or None to keep it."""

METADATA = ("*.json", "*.txt", "*.jinja", "*.model", "*.tiktoken", "adapter_model.safetensors")
WEIGHTS = (SINGLE, "model-*.safetensors")


class SourceError(UserError):
    """A model that is neither a directory here nor to be had from the hub."""


def resolve_source(name: str) -> Path:
    """The directory `name`, or that of the hub's model of this id, downloaded if it is not yet."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise SourceError(f"{name!r} is a file: give the directory it is in")
    # A hub id is one name, or owner/name; anything else that does not exist is a typing error.
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or not name.strip():
        raise SourceError(f"{name!r}: there is no such directory; check its spelling")
    import huggingface_hub

    print(f"{name!r} is no directory here: asking the Hugging Face hub", file=sys.stderr)
    huggingface_hub.utils.logging.set_verbosity_error()  # else every retry without a network
    try:
        try:
            files = huggingface_hub.HfApi().list_repo_files(name)
        except Exception as error:
            try:  # from earlier; without a network that is all there is
                return Path(huggingface_hub.snapshot_download(name, local_files_only=True))
            except Exception:
                raise error from None
        safe = not {SINGLE, f"{SINGLE}.index.json"}.isdisjoint(files)
        patterns = [*METADATA, *(WEIGHTS if safe else (f"{Path(BIN).stem}*.bin",))]
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # of the hub, of its network library, of the disk
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise SourceError(
            f"{name!r}: there is no such directory here, and the Hugging Face hub cannot be asked "
            "for it. Check its spelling, the network and, for a gated model, your login, or give "
            f"a directory ({type(error).__name__}: {reason})"
        ) from None


def load_params(
    directory: Path,
    family: str,
    config: Any,
    shardings: dict[str, Any] | None = None,
    *,
    dtype: Any = None,
    quantize: Quantize | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> dict[str, Any]:
    """Our nested parameters, read from the files in `directory`.

    Each tensor goes from its file to the devices by itself, in its own type and only the parts that
    lie there, is cast and transposed there, and is written into the parameter that stacks it with
    those of other layers. So the host holds no more than one tensor beside what lands on it.

    Args:
      config: of the family; `vocab_multiple` pads embedding and head with zeros.
      shardings: nested like the parameters, or like those of an adapted or quantised model, of
        whose leaves some may not be in the files; what is missing, and None, is one device.
      dtype: of the parameters; None: as in the file, float64 or a mixture as float32.
      quantize: called with each kernel before it is cast, one layer's at a time.
      progress: wraps an iterable with a length.

    Raises WeightsError, before anything is read, where files are missing or damaged or the tensors
    are not those of `config`.
    """
    matched = match(family, config, open_weights(Path(directory)), str(directory))
    shapes = {path: x.shape for path, x in abstract_params(config).items()}
    target = Assembly(shardings)
    for path, entry, tensor in progress(
        [(p, *item) for p, items in matched.items() for item in items]
    ):
        module, _, leaf = path.rpartition(".")
        raw = _to_devices(tensor, entry, shapes[path], target.place(path))
        leaves = quantize(module, _plain(raw, entry)) if quantize and leaf == "kernel" else None
        if leaves is None:
            wanted = dtype or _stored_dtype([t.dtype for _, t in matched[path]])
            leaves = {leaf: _plain(raw, entry, wanted)}
        del raw
        for key, value in leaves.items():
            name = f"{module}.{key}" if module else key
            stack = None if entry.layer is None else (entry.layer, shapes[path][0])
            target.put(name, value, stack)  # waits, so that no second tensor is on the host
        del leaves, value  # which may be `raw`
    return unflatten(target.params)


class Assembly:
    """Parameters on their way: each goes to its place, one layer of a stack at a time.

    `shardings` as of `load_params`.
    """

    def __init__(self, shardings: dict[str, Any] | None):
        self.params: dict[str, jax.Array] = {}  # by dotted path
        self.known = flatten(shardings or {})
        self.default = SingleDeviceSharding(jax.local_devices()[0])

    def place(self, path: str) -> Sharding:
        # A kernel that is quantised on its way lies, until then, as its codes will.
        codes = re.sub(r"\bkernel$", "codes", path)
        return self.known.get(path) or self.known.get(codes) or self.default

    def put(self, path: str, value: jax.Array, stack: tuple[int, int] | None = None) -> None:
        """`stack`: (layer, number of layers) of the parameter that `value` is a layer of."""
        where = self.place(path)
        if stack is None:
            self.params[path] = jax.device_put(value, where)
        else:
            layer, num_layers = stack
            if layer == 0:
                self.params[path] = _zeros((num_layers, *value.shape), value.dtype, where)()
            self.params[path] = _put_layer(where)(self.params[path], value, layer)
        self.params[path].block_until_ready()


def _to_devices(
    tensor: Tensor, entry: Entry, shape: tuple[int, ...], sharding: Sharding
) -> jax.Array:
    """The tensor as it is in the file, but for padding, spread as `sharding` spreads the parameter
    of `shape` that it is (a layer of)."""
    stacked = entry.layer is not None
    shape = shape[1:] if stacked else shape
    if isinstance(sharding, NamedSharding):
        spec = (*sharding.spec, *[None] * len(shape))[stacked : len(shape) + stacked]
        spec = spec[::-1] if entry.transpose else spec
        sharding = NamedSharding(sharding.mesh, PartitionSpec(*spec))
    shape = shape[::-1] if entry.transpose else shape
    dtype = np.dtype(np.float32) if tensor.dtype == np.float64 else tensor.dtype
    parts: dict[str, np.ndarray] = {}

    def part(index: tuple[slice, ...]) -> np.ndarray:
        key = str(index)
        if key not in parts:  # several devices may hold the same
            size = [len(range(*s.indices(n))) for s, n in zip(index, shape, strict=True)]
            parts[key] = tensor.read()[index].astype(dtype, copy=False)
            if parts[key].shape != tuple(size):
                found, parts[key] = parts[key], np.zeros(size, dtype)
                parts[key][: len(found)] = found
        return parts[key]

    return jax.make_array_from_callback(shape, sharding, part)


def _stored_dtype(dtypes: list[np.dtype]) -> np.dtype:
    """bfloat16 or float16 where all are, else float32."""
    kinds = {dtype.name for dtype in dtypes}
    return dtypes[0] if kinds in ({"bfloat16"}, {"float16"}) else np.dtype(np.float32)


def _plain(raw: jax.Array, entry: Entry, dtype: Any = None) -> jax.Array:
    """In our layout [in, out]."""
    dtype = jnp.dtype(dtype or raw.dtype)
    if dtype == raw.dtype and not entry.transpose:
        return raw if entry.layer is not None else jnp.copy(raw)  # it may be a view of the file
    return _converted(raw, dtype, entry.transpose)


@functools.partial(jax.jit, static_argnames=("dtype", "transpose"))
def _converted(raw: jax.Array, dtype: jnp.dtype, transpose: bool) -> jax.Array:
    return (raw.T if transpose else raw).astype(dtype)


@functools.lru_cache
def _zeros(shape: tuple[int, ...], dtype: jnp.dtype, sharding: Sharding) -> Callable[[], jax.Array]:
    return jax.jit(lambda: jnp.zeros(shape, dtype), out_shardings=sharding)


@functools.lru_cache
def _put_layer(sharding: Sharding) -> Callable[[jax.Array, jax.Array, int], jax.Array]:
    """Writes one layer into a stack, in place."""

    def put(stack: jax.Array, value: jax.Array, layer: int) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(stack, value, layer, 0)

    return jax.jit(put, donate_argnums=0, out_shardings=sharding)
