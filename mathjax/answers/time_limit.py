"""A limit on the time of one verdict, kept by the code that takes it: works in any thread.

Counted is the processor time of the thread, so that a verdict does not depend on what else runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mathjax.answers.formulas import FormulaError

SECONDS = 1.0
"""Of one verdict; what is not decided by then stays undecided."""

_clock = threading.local()


@contextmanager
def deadline(seconds: float = SECONDS) -> Iterator[None]:
    """What is decided inside, in this thread, ends with FormulaError "time" after so long."""
    _clock.end = time.thread_time() + seconds
    try:
        yield
    finally:
        _clock.end = None


def check_time() -> None:
    end = getattr(_clock, "end", None)
    if end is not None and time.thread_time() > end:
        raise FormulaError("time", f"not decided in {SECONDS} seconds")
