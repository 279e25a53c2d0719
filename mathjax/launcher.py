"""What every entry point shares: flags, one clear message for a user's mistake, settings for the
host."""

from __future__ import annotations

import ctypes
import difflib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from ml_collections import config_flags

from mathjax import config as config_lib
from mathjax.errors import UserError

CONFIG_HELP = (
    "configs/NAME.py[:preset]; override any key with --config.section.key=value. The keys and "
    "their defaults, which a config file changes: "
    + ", ".join(f"{key}={value}" for key, value in config_lib.flatten(config_lib.Config()).items())
)


def run(main: Callable[[Sequence[str]], int | None]) -> None:
    """`app.run` without tracebacks for what a user can mend. Exit status 1: an error; 2: wrong
    flags; 130: Ctrl-C."""
    configure_host()
    _quieten()

    def guarded(argv: Sequence[str]) -> int | None:
        if len(argv) > 1:
            return _fail(
                f"unexpected argument {argv[1]!r}: flags are written --name=value (see --help)", 2
            )
        try:
            return main(argv)
        except UserError as error:
            status = _fail(str(error))
            if "mathjax.checksums" in sys.modules:
                sys.stdout.flush()
                os._exit(status)  # Python's shutdown would print tensorstore's broken callbacks
            return status
        except KeyboardInterrupt:
            return _fail("interrupted; everything saved so far stays readable", 130)
        except OSError as error:
            if error.errno not in (
                errno.ENOSPC,
                errno.EDQUOT,
                errno.EACCES,
                errno.EROFS,
                errno.EFBIG,
            ):
                raise
            where = error.filename or "the disk"
            return _fail(f"cannot use {where}: {error.strerror}; what was saved stays readable")
        except BrokenPipeError:
            return 1

    app.run(guarded, flags_parser=_parse_flags)


flags.disclaim_key_flags()  # what is defined here belongs to the entry point: --help shows it


def define_config(default: str | None = None) -> config_flags.FlagHolder:
    return config_flags.DEFINE_config_file("config", default, CONFIG_HELP, lock_config=True)


def define_checkpoint() -> flags.FlagHolder:
    return flags.DEFINE_string(
        "checkpoint",
        None,
        "workdir of launch/train.py, Hugging Face directory or hub id, or adapter of peft",
        required=True,
    )


def define_step() -> Callable[[], int | str | None]:
    """Returns what reads the flag: a number, "best" or None."""
    flag = flags.DEFINE_string(
        "step", None, "step of a workdir, or 'best'; default: the newest good one"
    )

    def value() -> int | str | None:
        if flag.value is None or flag.value == "best":
            return flag.value
        if not flag.value.isdecimal():
            raise UserError(f"--step={flag.value!r}: give the number of a step, or 'best'")
        return int(flag.value)

    return value


def define_sampling() -> Callable[[config_lib.GenerationSection], Any]:
    """Returns what makes a `Sampling` of the flags and, where they are left out, of a config's
    section."""
    sampling = {
        "temperature": flags.DEFINE_float("temperature", None, "0: greedy", lower_bound=0.0),
        "top_k": flags.DEFINE_integer("top_k", None, "0: off", lower_bound=0),
        "top_p": flags.DEFINE_float("top_p", None, "1: off", lower_bound=0.0, upper_bound=1.0),
    }

    def value(section: config_lib.GenerationSection) -> Any:
        from mathjax.generation.sampling import Sampling

        return Sampling(
            **{
                name: getattr(section, name) if flag.value is None else flag.value
                for name, flag in sampling.items()
            }
        )

    return value


def configure_host() -> None:
    """Keeps freed memory in the process instead of giving it back after every step.

    XLA on CPU allocates its work space anew each step; with glibc's defaults the kernel then
    clears the same pages again and again (measured: 190 ms against 143 ms a step, 0.86 M
    parameters, two cores, 2026-11-23).
    """
    trim_threshold, mmap_max, arena_max = -1, -4, -8  # mallopt(3)
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(arena_max, 1)
    except (AttributeError, OSError):  # not glibc
        pass
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # that torch is not there


def _quieten() -> None:
    """A failed save is one message of ours, not also Orbax' log of it."""
    logging.set_verbosity(logging.WARNING)
    logging.get_absl_logger().addFilter(lambda record: "orbax" not in record.pathname)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    try:
        _check_overrides(argv)
        return flags.FLAGS(list(argv))
    except (flags.Error, UserError) as error:
        # A config file that raises arrives as the text of a traceback: its last line says what is
        # wrong.
        text = str(error).strip()
        if "Traceback" in text:
            text = text.splitlines()[-1].partition(": ")[2]
        sys.exit(_fail(text, 2))


def _check_overrides(argv: Sequence[str]) -> None:
    """Names an unknown key or config file before ml_collections meets it with a bare KeyError."""
    known = config_lib.flatten(config_lib.Config())
    for argument, following in zip(argv[1:], [*argv[2:], ""], strict=True):
        name, equals, value = argument.lstrip("-").partition("=")
        if name == "config":
            path = (value if equals else following).partition(":")[0]
            if not Path(path).is_file():
                raise UserError(f"--config: no such file: {path!r}; configs lie in configs/")
        elif name.startswith("config.") and name[7:] not in known:
            near = difflib.get_close_matches(name[7:], known, n=3)
            near = near or [key for key in known if key.startswith(name[7:] + ".")]
            near = near or ["model.*, data.*, train.*, optimizer.* ..."]
            raise UserError(f"--{name}: unknown key; there is {', '.join(near)} (see --help)")


def _fail(message: str, status: int = 1) -> int:
    print(f"error: {message}", file=sys.stderr)
    return status


def config_name(path: str) -> str:
    """'configs/puzzle.py:scratch' -> 'puzzle-scratch': the default workdir below runs/."""
    file, _, preset = path.partition(":")
    return Path(file).stem + (f"-{preset}" if preset else "")
