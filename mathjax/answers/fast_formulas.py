"""Ordinary formulas compared by compiled code, some hundred times faster than by trees.

What it answers is what `symbolic.check` would; where it is not sure of that it says nothing. The
code is made, or read from Numba's cache, in a thread of its own once several formulas have been
compared, so that no verdict waits for a compiler.
"""

from __future__ import annotations

import re
import secrets
import threading
import warnings
from collections.abc import Callable
from functools import lru_cache

from numpy import frombuffer, uint8

from mathjax.answers import formula_symbols
from mathjax.answers.verdict import Verdict

WORDS = frozenset(
    {"pi", "oo", "inf", "infinity", *formula_symbols.FUNCTIONS, *formula_symbols.SPELLINGS}
    | {*formula_symbols.CODE, *formula_symbols.WORDS}
)
"""Runs of letters that are no names in plain text; `e` aside."""

_PATIENCE = 32
"""So many comparisons come before the compiled code is asked for."""
_WAIT = 0.5
"""Seconds that the next one waits for it: enough to read it from the cache, not to compile."""

_KINDS, _EULER = {"expression": 0, "number": 1, "equation": 2}, 4
_VERDICTS = (Verdict.wrong("value", "not equal"), Verdict.right())
_VARIABLE = re.compile(r"([A-Za-z]++)(?:_?[0-9]++)?")
_SECRET = secrets.randbits(63)

_loading = threading.Lock()
_kernel: Callable[..., int] | None = None
_memory: _Memory | None = None


def check(
    reference: str, candidate: str, kind: str, variables: tuple[str, ...] = ()
) -> Verdict | None:
    """What `symbolic.check` answers where no form is asked; None where that must be asked.

    Takes strings of any content; what the arguments are is the caller's to check.
    """
    code = _KINDS.get(kind)
    if code is None or not (reference.isascii() and candidate.isascii()):
        return None
    if variables:
        odd, euler = _declared(variables)
        if odd:
            return None
        code |= euler
    kernel = _kernel or _loader.kernel()
    if kernel is None:
        return None
    texts = frombuffer(f"{reference}\n{candidate}\n".encode(), uint8)
    # Secret, and the same whichever text comes first.
    seed = hash(reference) ^ hash(candidate) ^ _SECRET
    answer = kernel(texts, len(reference) + 1, code, seed, _memory.address)
    return _VERDICTS[answer] if answer >= 0 else None


def load() -> None:
    """Makes the compiled code ready; without this it comes by itself in the course of checks.

    Takes some ten seconds, or a few tenths of one where Numba has it in its cache.
    """
    global _kernel, _memory
    with _loading:
        if _kernel is not None:
            return  # another thread may be working in the memory there is
        from mathjax.answers.fast_formula_kernels import compare

        memory = _Memory()
        compare(frombuffer(b"x\nx\n", uint8), 2, 0, 0, memory.address)
        _memory = memory
        _kernel = compare


@lru_cache(maxsize=1024)
def _declared(variables: tuple[str, ...]) -> tuple[bool, int]:
    """(whether a name is read in a way of its own once it is declared, _EULER if `e` is one)."""
    matches = [_VARIABLE.fullmatch(name) for name in variables]
    odd = any(match is None or match[1] in WORDS for match in matches)
    return odd, _EULER if "e" in variables else 0


class _Memory(threading.local):
    """Where the compiled code works, in this thread."""

    def __init__(self):
        from mathjax.answers.fast_formula_kernels import scratch

        self._array = scratch({word.rstrip("0123456789") for word in WORDS})
        self.address = self._array.ctypes.data


class _Loader:
    """Loads the compiled code in a thread, once it is worth it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._asked, self._thread = 0, None

    def kernel(self) -> Callable[..., int] | None:
        """The code if it is ready, or ready within _WAIT of the call that starts the thread."""
        if self._thread is not None:
            return None
        with self._lock:
            self._asked += 1
            if self._asked <= _PATIENCE or self._thread is not None:
                return None
            self._thread = threading.Thread(target=self._run, name="compiled formulas")
            self._thread.start()
        self._thread.join(_WAIT)
        return _kernel

    def _run(self) -> None:
        try:
            load()
        except Exception as error:
            warnings.warn(f"no compiled comparison of formulas: {error}", stacklevel=2)


_loader = _Loader()
