"""What makes damage to a checkpoint visible: sizes and CRC-32 of files, a manifest with its own.

Used by `mathjax.checkpoints`, whose first lines say where these lie and when they are made.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from mathjax.errors import UserError

_FORMAT = 1
_CHECKSUMS = "checksums.json"
_BLOCK = 1 << 22  # bytes read at a time


class CheckpointError(UserError):
    """A checkpoint cannot be saved, found or loaded; the text names the place and what to do."""


class DamageError(Exception):
    """One step is unusable; the text is the reason. Callers fall back to an older step."""


class SealedHandler(ocp.StandardCheckpointHandler):
    """Adds checksums.json. Orbax calls `finalize` on process 0 once all have written."""

    def finalize(self, directory: epath.Path) -> None:
        super().finalize(directory)
        names = sorted(_files(directory))
        sums = dict(zip(names, _digests(directory, names), strict=True))
        (directory / _CHECKSUMS).write_text(json.dumps(sums))


@ocp.args.register_with_handler(SealedHandler, for_save=True)
@dataclasses.dataclass
class SealedSave(ocp.args.StandardSave):
    pass


@ocp.args.register_with_handler(SealedHandler, for_restore=True)
@dataclasses.dataclass
class SealedRestore(ocp.args.StandardRestore):
    pass


def _files(directory: epath.Path, prefix: str = "") -> Iterator[str]:
    for path in directory.iterdir():
        if path.is_dir():
            yield from _files(path, f"{prefix}{path.name}/")
        else:
            yield f"{prefix}{path.name}"


def _digests(directory: epath.Path, names: Sequence[str]) -> list[list[int]]:
    """[size, CRC-32] of each file. zlib releases the interpreter lock: files go side by side."""

    def digest(name: str) -> list[int]:
        size = crc = 0
        with (directory / name).open("rb") as file:
            while block := file.read(_BLOCK):
                size, crc = size + len(block), zlib.crc32(block, crc)
        return [size, crc]

    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(digest, names))


def verify(path: epath.Path, names: Sequence[str]) -> None:
    for name in {item_of(leaf) for leaf in read_manifest(path)["leaves"]} & set(names):
        try:
            sums = json.loads((path / name / _CHECKSUMS).read_text())
            found = _digests(path / name, list(sums))
        except (OSError, ValueError, TypeError) as error:
            raise DamageError(f"{name} cannot be read: {first_line(error)}") from error
        for file, digest in zip(sums, found, strict=True):
            if sums[file] != digest:
                raise DamageError(f"{name}/{file} has been altered (size or checksum)")


def sealed_manifest(
    step: int, score: float | None, leaves: dict[str, Any], metadata: dict[str, Any]
) -> dict[str, Any]:
    try:
        metadata = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"metadata of step {step} is not JSON: {error}") from error
    content = {
        "format": _FORMAT,
        "step": step,
        "score": score,
        "leaves": {name: describe(leaf) for name, leaf in leaves.items()},
        "metadata": metadata,
    }
    return {"content": content, "crc32": _json_crc(content)}


def _json_crc(content: Any) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def read_manifest(path: epath.Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / "metadata" / "metadata").read_text())
        intact = manifest["crc32"] == _json_crc(manifest["content"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamageError(f"metadata cannot be read: {first_line(error)}") from error
    if not intact:
        raise DamageError("metadata have been altered (checksum)")
    content = manifest["content"]
    if content["format"] != _FORMAT:
        raise CheckpointError(f"{path} has format {content['format']}, we read {_FORMAT}")
    return content


def first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


def item_of(leaf: str) -> str:
    return "params" if leaf.partition("/")[0] == "params" else "training"


def describe(leaf: Any) -> str:
    return f"{np.dtype(leaf.dtype).name}[{','.join(map(str, leaf.shape))}]"
