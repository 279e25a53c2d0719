"""Every hot path against a peer timed in the same run; `launch/benchmark.py` prints the rows.

A row first asserts that both sides give the same result. Both are then timed in turn, and the ratio
is the median of the ratios of the pairs, so that other load on the machine falls on both alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from mathjax.benchmarks import check, data, generate, train
from mathjax.benchmarks.timing import Row, Scale

SUITES = {
    "data": data.ROWS,
    "train": train.ROWS,
    "generate": generate.ROWS,
    "check": check.ROWS,
}


def run(suite: str, scale: Scale, only: str | None = None) -> Iterator[tuple[str, str, Row]]:
    """(suite, name of the function, row) of one suite or of "all", as they are measured."""
    for name, rows in SUITES.items():
        for function in rows if suite in (name, "all") else ():
            if only is None or only == function.__name__:
                for row in function(scale):
                    yield name, function.__name__, row


def format_row(row: Row) -> str:
    """Two or three lines of text."""
    if row.ours is None:
        return f"{row.what}\n    {row.note}"
    text = f"{row.what}\n    {_figure(row.ours)} {row.unit}"
    if row.peer is not None:
        text += f"; {row.peer_name}: {_figure(row.peer)}; ratio {_figure(row.ratio)}"
    return text + (f"\n    {row.note}" if row.note else "")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
