"""Directories that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from mathjax.errors import UserError

MARKS = ("config.json", "model.json", "adapter_config.json")
"""One of these is in every directory that may be replaced."""


@contextlib.contextmanager
def new_directory(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A new empty directory beside `target`, which takes its place when the block ends well.

    After an error nothing is left; after a kill, a directory with a dot and `.partial` in its name,
    which the next call for this target removes. Raises UserError, before anything is written, where
    `target` exists, unless it is empty or `overwrite` is set and it is a model's; and at the end
    where it has come into being meanwhile.
    """
    target = Path(os.path.abspath(target))
    try:
        if target.parent.is_dir():
            _clean_up(target)  # first: it may put a directory back
        check_target(target, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".{target.name}.partial-{socket.gethostname()}-{os.getpid()}"
        partial.mkdir()
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None
    try:
        yield partial
        for path in partial.rglob("*"):
            if path.is_file():
                _sync(path)
        check_target(target, overwrite)  # another process may have made it meanwhile
        _replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_target(target: Path, overwrite: bool) -> None:
    """Raises UserError where `target` must not be written."""
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir():
        raise UserError(f"{target} is a file: give a directory that does not exist yet")
    if target.is_symlink() or target.is_mount():
        raise UserError(
            f"{target} is a link or a mount, which cannot be replaced: name a directory in it"
        )
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise UserError(f"{target} exists: give another target, or --overwrite to replace it")
    if not any((target / mark).is_file() for mark in MARKS):
        raise UserError(
            f"{target} does not look like a model's directory, so it is not replaced: give another "
            "target"
        )


def _replace(partial: Path, target: Path) -> None:
    old = _old(target)
    try:
        if target.exists():
            os.rename(target, old)
        try:
            os.rename(partial, target)
        except OSError:
            if old.exists():
                os.rename(old, target)
            raise
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None
    shutil.rmtree(old, ignore_errors=True)


def _old(target: Path) -> Path:
    return target.parent / f".{target.name}.replaced"


def _clean_up(target: Path) -> None:
    """What killed processes left: the old directory goes back where the new one never came."""
    if _old(target).exists():
        if target.exists():
            shutil.rmtree(_old(target), ignore_errors=True)
        else:
            os.rename(_old(target), target)
    prefix = f".{target.name}.partial-{socket.gethostname()}-"
    for path in target.parent.glob(f"{_escaped(prefix)}*"):
        process = path.name.removeprefix(prefix)
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _escaped(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return False  # ours, of a container before this one
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
