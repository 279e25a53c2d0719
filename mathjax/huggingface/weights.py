"""The arrays in a Hugging Face directory: found and checked at once, read one by one.

safetensors (https://github.com/huggingface/safetensors#format) is 8 bytes of header length, a JSON
header of name -> dtype, shape and offsets, then the bytes. Each array is mapped into memory for as
long as it is read, so nothing stays behind. `pytorch_model.bin` is read where torch is installed.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from mathjax.errors import UserError

SINGLE, BIN = "model.safetensors", "pytorch_model.bin"
AGAIN = "download or copy it again"

_TYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
TYPE_NAMES = {np.dtype(dtype): name for name, dtype in _TYPES.items()}


class WeightsError(UserError):
    """Weights that are missing, damaged or not the model's; the text names file or tensor."""


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An array that can be read; `read` may return a view of a file, so copy what is kept."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]


def of_array(array: np.ndarray) -> Tensor:
    return Tensor(array.shape, array.dtype, lambda: array)


def has_weights(directory: Path) -> bool:
    names = (SINGLE, f"{SINGLE}.index.json", BIN, f"{BIN}.index.json")
    return any((directory / name).exists() for name in names)


def weight_bytes(directory: Path) -> int:
    """Size of its files of weights, adapters' too."""
    files = [path for path in directory.iterdir() if path.suffix in (".safetensors", ".bin")]
    return sum(path.stat().st_size for path in files)


def open_weights(directory: Path) -> dict[str, Tensor]:
    """Every array by its name in the file; only headers are read.

    Takes safetensors before `.bin`. Raises WeightsError where there are none, a file is missing,
    cut short or not what it says it is, or the index disagrees with the files.
    """
    for name, open_file in ((SINGLE, _open_safetensors), (BIN, _open_bin)):
        if (directory / name).exists():
            return dict(open_file(directory / name))
        index = directory / f"{name}.index.json"
        if index.exists():
            return _open_shards(index, open_file)
    others = sorted(path.name for path in directory.glob("*") if path.suffix in (".h5", ".gguf"))
    raise WeightsError(
        f"{directory}: no {SINGLE} or {BIN} in it, nor an index of shards"
        + (f" ({', '.join(others)} cannot be read)" if others else "")
    )


def _open_shards(
    index: Path, open_file: Callable[[Path], Iterator[tuple[str, Tensor]]]
) -> dict[str, Tensor]:
    try:
        files = json.loads(index.read_text())["weight_map"]
        shards = sorted(set(files.values()))
        paths = [index.parent / Path(shard).name for shard in shards]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{index}: not an index of shards ({error!r}); {AGAIN}") from None
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        raise WeightsError(
            f"{index.parent}: {', '.join(missing)} is missing, which {index.name} names; {AGAIN}"
        )
    weights = {}
    for shard, path in zip(shards, paths, strict=True):
        found = dict(open_file(path))
        named = {name for name, file in files.items() if file == shard}
        if odd := sorted(named ^ set(found)):
            raise WeightsError(f"{path} and {index.name} disagree on {listing(odd)}; {AGAIN}")
        weights |= found
    return weights


def _open_safetensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > size - 8:
                raise ValueError("the header goes past the end of the file")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        items = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
        start, position = 8 + length, 0
        for name, item in items:
            if item["dtype"] not in _TYPES:
                raise WeightsError(f"{path}: {name} has type {item['dtype']}: not supported")
            dtype, shape = np.dtype(_TYPES[item["dtype"]]), tuple(item["shape"])
            begin, end = item["data_offsets"]
            if any(type(n) is not int or n < 0 for n in shape):
                raise ValueError(f"the shape of {name} is {list(shape)}")
            if begin != position or end - begin != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"the place of {name} does not fit its shape")
            position = end
            yield name, Tensor(shape, dtype, _mapped(path, dtype, shape, start + begin))
    except WeightsError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path}: damaged ({error!r}); {AGAIN}") from None
    if start + position != size:
        raise WeightsError(
            f"{path}: {size:,} bytes, and its header says {start + position:,}: "
            f"{'cut short' if size < start + position else 'damaged'}; {AGAIN}"
        )


def _mapped(
    path: Path, dtype: np.dtype, shape: tuple[int, ...], offset: int
) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        if not math.prod(shape):
            return np.zeros(shape, dtype)  # cannot be mapped
        return np.memmap(path, dtype, "r", offset, shape or (1,)).reshape(shape)

    return read


def _open_bin(path: Path) -> Iterator[tuple[str, Tensor]]:
    try:
        import torch
    except ImportError:
        raise WeightsError(
            f"{path}: this old format needs torch to be read. Install it (pip install torch), or "
            "take a checkpoint with safetensors"
        ) from None
    try:
        state = _torch_load(torch, path)
    except Exception as error:  # of a pickle's parts, any
        text = (str(error).strip().splitlines() or [""])[0][:200]
        raise WeightsError(
            f"{path}: damaged, or not a file of tensors alone ({type(error).__name__}: {text}); "
            f"{AGAIN}"
        ) from None
    if not isinstance(state, dict) or not all(torch.is_tensor(x) for x in state.values()):
        raise WeightsError(f"{path}: not a dictionary of tensors")
    for name, tensor in state.items():
        try:
            yield name, of_array(_as_numpy(torch, tensor))
        except (TypeError, RuntimeError) as error:  # sparse, quantised or of a type of torch's own
            raise WeightsError(f"{path}: {name} cannot be read ({error})") from None


def _torch_load(torch: Any, path: Path) -> Any:
    arguments = {"map_location": "cpu", "weights_only": True}
    try:
        return torch.load(path, mmap=True, **arguments)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        return torch.load(path, **arguments)  # files of torch before 1.6 cannot be mapped


def _as_numpy(torch: Any, tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def same_values(a: Tensor, b: Tensor, rows: int = 4096) -> bool:
    """Bit for bit, some rows at a time."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    left, right = a.read(), b.read()
    bits = f"u{a.dtype.itemsize}"
    return all(
        np.array_equal(
            np.ascontiguousarray(left[i : i + rows]).view(bits),
            np.ascontiguousarray(right[i : i + rows]).view(bits),
        )
        for i in range(0, len(left), rows)
    )


def listing(names: list[str], most: int = 8) -> str:
    """'a, b and 7 more'."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
