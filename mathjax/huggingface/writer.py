"""Hugging Face directories, as transformers loads them."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from mathjax.data.tokenizer import Tokenizer
from mathjax.errors import UserError
from mathjax.huggingface.config import write_config
from mathjax.huggingface.directories import new_directory
from mathjax.huggingface.mapping import Entry, abstract_params, entries, flatten
from mathjax.huggingface.weights import SINGLE, TYPE_NAMES, WeightsError, listing

SHARD_BYTES = 5 * 10**9
"""Of a file of weights, as in transformers before version 5."""


def write_model(
    target: Path,
    family: str,
    config: Any,
    params: dict[str, Any],
    *,
    overwrite: bool = False,
    **options: Any,
) -> None:
    """Writes `target`, whole or not at all: `write_files` in `directories.new_directory`."""
    with new_directory(target, overwrite=overwrite) as directory:
        write_files(directory, family, config, params, **options)


def write_files(
    directory: Path,
    family: str,
    config: Any,
    params: dict[str, Any],
    *,
    tokenizer: Tokenizer | None = None,
    generation: dict[str, Any] | None = None,
    dtype: Any = None,
    max_shard_bytes: int = SHARD_BYTES,
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Weights, config, generation config and tokenizer, into an empty directory.

    Args:
      params: nested as the model's, on devices or the host; merged, without adapters or NF4.
      generation: more keys of generation_config.json, such as those that the source had.
      dtype: of the weights; None: as `params` are, float32 where they differ.
      max_shard_bytes: of one file, unless a single tensor is larger.
      progress: wraps an iterable with a length.

    Only one tensor is on the host at a time. For one process, which holds all parameters. Raises
    UserError, before anything is written, where `params` do not fit `config`, the tokenizer has
    more tokens than the model, or no Hugging Face model type has its options.
    """
    flat = flatten(params)
    _check_params(config, flat)
    if tokenizer is not None:
        check_tokenizer(tokenizer, config.vocab_size)
    dtype = jnp.dtype(dtype or _common_dtype(flat))
    values = write_config(family, config, dtype=dtype.name, **_ids(tokenizer))
    _write_json(directory / "config.json", _with_version(values))
    defaults = _generation_config(values) | (generation or {})
    _write_json(directory / "generation_config.json", _with_version(defaults))
    if tokenizer is not None:
        tokenizer.save(directory)
    _write_weights(directory, entries(family, config), flat, dtype, max_shard_bytes, progress)


def check_tokenizer(tokenizer: Tokenizer, vocab_size: int) -> None:
    """Raises UserError where it has tokens that the model has no embedding for."""
    if tokenizer.vocab_size > vocab_size:
        raise UserError(
            f"tokenizer {tokenizer.name!r} has {tokenizer.vocab_size:,} tokens and the model an "
            f"embedding of {vocab_size:,} (vocab_size): take the tokenizer that belongs to it"
        )


def _check_params(config: Any, flat: dict[str, Any]) -> None:
    shapes = {path: x.shape for path, x in abstract_params(config).items()}
    if odd := sorted(shapes.keys() ^ flat.keys()):
        raise WeightsError(
            f"parameters do not fit the config: {listing(odd)}; merge adapters first"
        )
    for path, shape in shapes.items():
        if flat[path].shape != shape:
            raise WeightsError(f"parameter {path} is {flat[path].shape}, the config's is {shape}")


def _common_dtype(flat: dict[str, Any]) -> np.dtype:
    dtypes = {jnp.dtype(x.dtype) for x in flat.values()}
    return dtypes.pop() if len(dtypes) == 1 else jnp.dtype(jnp.float32)


def _ids(tokenizer: Tokenizer | None) -> dict[str, int | None]:
    if tokenizer is None:
        return {}
    theirs = tokenizer.huggingface
    return {
        "bos_id": theirs.bos_token_id,
        "eos_id": theirs.eos_token_id,
        "pad_id": theirs.pad_token_id,
    }


def _generation_config(values: dict[str, Any]) -> dict[str, Any]:
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    return {name: values[name] for name in names if values.get(name) is not None}


def _with_version(values: dict[str, Any]) -> dict[str, Any]:
    import transformers

    return values | {"transformers_version": transformers.__version__}


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def _write_weights(
    directory: Path,
    tensors: list[Entry],
    flat: dict[str, Any],
    dtype: np.dtype,
    max_bytes: int,
    progress: Callable[[Iterable], Iterable],
) -> None:
    sizes = {e.name: int(np.prod(e.shape, dtype=np.int64)) * dtype.itemsize for e in tensors}
    shards: list[list[Entry]] = [[]]
    used = 0
    for entry in tensors:
        if shards[-1] and used + sizes[entry.name] > max_bytes:
            shards.append([])
            used = 0
        shards[-1].append(entry)
        used += sizes[entry.name]
    stem, _, suffix = SINGLE.partition(".")
    names = [f"{stem}-{i + 1:05d}-of-{len(shards):05d}.{suffix}" for i in range(len(shards))]
    names = names if len(shards) > 1 else [SINGLE]
    steps = iter(progress(tensors))
    for name, shard in zip(names, shards, strict=True):
        header, position = {"__metadata__": {"format": "pt"}}, 0
        for entry in shard:
            end = position + sizes[entry.name]
            header[entry.name] = {
                "dtype": TYPE_NAMES[dtype],
                "shape": list(entry.shape),
                "data_offsets": [position, end],
            }
            position = end
        _write_shard(directory / name, header, (next(steps) for _ in shard), flat, dtype)
    next(steps, None)  # ends the bar
    if len(shards) > 1:
        files = {entry.name: name for name, s in zip(names, shards, strict=True) for entry in s}
        index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": files}
        _write_json(directory / f"{SINGLE}.index.json", index)


def _write_shard(
    path: Path,
    header: dict[str, Any],
    tensors: Iterable[Entry],
    flat: dict[str, Any],
    dtype: np.dtype,
) -> None:
    """See `weights` for the format."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for entry in tensors:
            # Without a name, which would hold it while the next is made.
            file.write(fetch(flat[entry.path], entry, dtype).reshape(-1).view(np.uint8).data)


def fetch(parameter: Any, entry: Entry, dtype: np.dtype) -> np.ndarray:
    """The Hugging Face tensor `entry` of a parameter, without padding, contiguous on the host."""
    if isinstance(parameter, jax.Array):
        sharding = parameter.sharding
        if isinstance(sharding, NamedSharding):
            sharding = NamedSharding(sharding.mesh, PartitionSpec())
        index = 0 if entry.layer is None else entry.layer
        take = _take(entry.layer is not None, entry.transpose, entry.shape, dtype, sharding)
        return np.ascontiguousarray(take(parameter, index))
    array = parameter if entry.layer is None else parameter[entry.layer]
    array = array.T if entry.transpose else array
    return np.array(array[: entry.shape[0]], dtype, order="C")


@functools.lru_cache(maxsize=256)
def _take(stacked: bool, transpose: bool, shape: tuple[int, ...], dtype: np.dtype, sharding: Any):
    def take(parameter: jax.Array, layer: int) -> jax.Array:
        array = parameter[layer] if stacked else parameter
        array = array.T if transpose else array
        return array[: shape[0]].astype(dtype)

    return jax.jit(take, out_shardings=sharding)
