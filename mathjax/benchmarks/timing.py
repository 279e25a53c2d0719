"""Timing two things in turn, and what a row of the table holds."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import jax


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much work a benchmark does; `tiny` is for tests, its figures mean nothing."""

    repeats: int = 5
    documents: int = 2_000_000  # of the row that streams puzzles to token ids
    tiny: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """`ours` and `peer` are rates in `unit`, or None where that side does not run here.

    `ratio` is above 1 where we are faster. `note` says what was compared, and what could not be.
    """

    what: str
    unit: str
    ours: float | None
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    note: str = ""


def seconds(function: Callable[[], Any]) -> float:
    """Wall time of one call, with the device's work."""
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start


def median_seconds(function: Callable[[], Any], repeats: int) -> float:
    function()
    return statistics.median(seconds(function) for _ in range(repeats))


def versus(
    what: str,
    unit: str,
    ours: tuple[Callable[[], Any], float],
    peers: dict[str, tuple[Callable[[], Any], float]],
    repeats: int,
    note: str = "",
) -> Row:
    """The row of `ours` against the fastest of `peers`; each is (function, units of work in it).

    All are called once before, then in turn `repeats` times.
    """
    sides = {"": ours, **peers}
    for function, _ in sides.values():
        jax.block_until_ready(function())
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, (function, work) in sides.items():
            rates[name].append(work / seconds(function))
    median = {name: statistics.median(values) for name, values in rates.items()}
    best = max(peers, key=median.__getitem__)
    ratio = statistics.median(a / b for a, b in zip(rates[""], rates[best], strict=True))
    return Row(what, unit, median[""], best, median[best], ratio, note)


def require(condition: Any, what: str) -> None:
    """A wrong result has no speed: ends the benchmark."""
    if not condition:
        raise AssertionError(f"benchmark: {what}")


def one_device_mesh() -> jax.sharding.Mesh:
    from mathjax.parallel import make_mesh

    return make_mesh(1, 1, 1, devices=jax.devices()[:1])


def machine() -> str:
    """One line a result is worthless without."""
    names = ["jax", "flax", "numpy", "numba", "tokenizers", "transformers", "torch"]
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    device = jax.devices()[0]
    devices = f"{jax.device_count()} x {device.device_kind} ({device.platform})"
    return (
        f"{date.today()}; {cpu_count()} CPU cores ({_cpu_model()}), {devices}; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def cpu_count() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def load_average() -> float:
    """Running processes over the last minute; well above 0 before a benchmark means others run."""
    return os.getloadavg()[0]


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
