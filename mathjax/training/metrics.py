"""What a run reports: metrics.jsonl (the truth), TensorBoard events (a view), FLOPs for MFU."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from mathjax.errors import UserError

_PEAK_BF16_FLOPS = (  # first match wins: the narrower name stands first
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H100", 989e12),
    ("H200", 989e12),
    ("A100", 312e12),
    ("TPU v6", 918e12),  # "TPU v6 lite" is v6e
    ("TPU v5 lite", 197e12),  # v5e
    ("TPU v5e", 197e12),
    ("TPU v5", 459e12),  # v5p
    ("TPU v4 lite", 138e12),  # v4i
    ("TPU v4", 275e12),
)


class MetricsError(UserError):
    """metrics.jsonl cannot be read; the text names the file and the line."""


class MetricsWriter:
    """Appends to <workdir>/metrics.jsonl and to TensorBoard events in <workdir>/tensorboard.

    Each line is on disk when `write` returns. A run resumed from `resume_step` first drops the
    lines of the steps after it, which it will write again, and a torn last line; TensorBoard hides
    the same steps. Only process 0 writes.
    """

    def __init__(self, workdir: str | os.PathLike[str], resume_step: int | None = None):
        self._file = self._events = None
        if jax.process_index() != 0:
            return
        from tensorboardX import SummaryWriter  # protobuf: slow to import, and only needed here

        path = Path(workdir) / "metrics.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        _trim(path, resume_step)
        self._file = path.open("a", encoding="utf-8")
        self._events = SummaryWriter(
            str(path.parent / "tensorboard"),
            purge_step=None if resume_step is None else resume_step + 1,
            flush_secs=10,
            filename_suffix=f".{time.time_ns()}",  # else two starts in one second share a file
        )

    def write(self, step: int, values: dict[str, float]) -> None:
        """One line {"step": step, **values}; a value that is not finite becomes null."""
        if self._file is None:
            return
        row = {"step": int(step)} | {key: _number(value) for key, value in values.items()}
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self._file.flush()
        for key, value in row.items():
            if key != "step" and value is not None:
                self._events.add_scalar(key, value, step)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._events.close()
            self._file = self._events = None

    def __enter__(self) -> MetricsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl in file order; null for values that were not finite.

    A last line that a killed run left unfinished is left out. Raises MetricsError elsewhere.
    """
    lines = Path(path).read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                raise ValueError("not an object with an integer step")
        except ValueError as error:
            if number == len(lines):  # no newline after it: torn
                break
            raise MetricsError(f"{path}, line {number}: {error}. Repair or delete it") from error
        rows.append(row)
    return rows


def peak_flops(device: jax.Device) -> float | None:
    """Peak dense bf16 FLOP/s of a device, without sparsity; None on CPU or where unknown.

    Sources: NVIDIA's data sheets of A100, H100 (SXM, PCIe, NVL) and H200, tensor core bf16 figures
    halved where given with sparsity; Google Cloud's TPU pages (v4, v5e, v5p, v6e: peak compute per
    chip; one JAX device is one chip there) and, for v4i, Jouppi et al. 2021, "Ten Lessons From
    Three Generations Shaped Google's TPUv4i". Names are those of `device.device_kind`.
    """
    if device.platform == "cpu":
        return None
    kind = device.device_kind.lower()
    return next((peak for name, peak in _PEAK_BF16_FLOPS if name.lower() in kind), None)


def device_peak_flops(size: int = 1024, repeats: int = 5) -> float:
    """`peak_flops` of the first device; where unknown (CPU), measured on float32 products."""
    known = peak_flops(jax.devices()[0])
    if known is not None:
        return known
    matrix = jnp.ones((size, size), jnp.float32)
    product = jax.jit(jnp.matmul)
    best = math.inf
    for _ in range(repeats + 1):  # the first one compiles
        started = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def model_flops_per_token(
    num_matmul_params: float, num_layers: int, seq_len: int, attention_size: int
) -> float:
    """FLOPs that training spends on one token: 6 P + 6 L S d_attn.

    P counts the weights that are multiplied (an embedding table that is only looked up is not);
    forward 2 P, backward 4 P. Attention adds, per layer and token, 2 S d for the scores and 2 S d
    for the mix, three times that with the backward pass, 12 S d, halved by the causal mask. Counted
    as in Chowdhery et al. 2022 (PaLM), appendix B, with that halving; `attention_size` is heads
    times head size. Recomputed activations do not count.
    """
    return 6.0 * num_matmul_params + 6.0 * num_layers * seq_len * attention_size


def _number(value: Any) -> float | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    value = float(value)
    return value if math.isfinite(value) else None


def _trim(path: Path, resume_step: int | None) -> None:
    """Drops a torn last line and the rows after `resume_step`, by an atomic replacement."""
    if not path.exists():
        return
    rows = read_metrics(path)
    if resume_step is not None:
        rows = [row for row in rows if row["step"] <= resume_step]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if text.encode() == path.read_bytes():
        return
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
