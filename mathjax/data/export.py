"""Problems on disk: JSON lines, gzipped or not, Parquet, or a directory of shards.

Work is cut in chunks of CHUNK examples. Each is written to a file of its own beside the output,
whole or not at all, by any number of processes, and what is there is not made again: an export that
was interrupted goes on. At the end the chunks become the output under its final name. The bytes
depend on what is asked for alone.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import gzip
import hashlib
import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import mathjax
from mathjax.errors import UserError
from mathjax.problems.base import END, SEPARATOR, ProblemSet, RenderedText

CHUNK = 16_384
MOST_VALUES = 40
"""A fact with more different values is not counted in the card."""

_encode = json.encoder.encode_basestring  # in C


class ExportError(UserError):
    """An export that cannot be written; the text names the file or the setting."""


@dataclasses.dataclass(frozen=True)
class Export:
    """What is written. `description` identifies it: two exports with equal descriptions have equal
    rows. Columns are prompt, response and task and, with `facts`, answer and facts."""

    problems: ProblemSet
    count: int
    description: dict[str, Any]
    facts: bool = False
    shard_size: int = 100_000  # examples a file, in a directory of shards

    def __post_init__(self):
        if self.count < 1:
            raise ExportError(f"--count={self.count}: give at least 1")
        if self.shard_size < 1:
            raise ExportError(f"--shard_size={self.shard_size}: give at least 1")


def export(
    what: Export,
    output: Path,
    *,
    num_processes: int | None = None,
    overwrite: bool = False,
    progress: Callable[[Iterable, int], Iterable] = lambda items, total: items,
) -> dict[str, Any]:
    """Writes `output` and its card, which is returned.

    The name says the form: *.jsonl, *.jsonl.gz, *.parquet, else a directory of JSON lines. Raises
    ExportError, with nothing written, where the output exists or the form needs what is not there.
    """
    form = _form(output)
    if output.exists() and not overwrite:
        raise ExportError(f"{output} exists: give another --output, or --overwrite")
    if form == "directory" and output.exists() and not (output / "card.json").exists():
        raise ExportError(f"{output} is no directory of an export: give another --output")
    if form == "parquet" and find_spec("pyarrow") is None:
        raise ExportError("Parquet needs pyarrow: pip install pyarrow, or write *.jsonl")
    size = min(CHUNK, what.shard_size) if form == "directory" else CHUNK
    starts = _starts(what, size, form)
    parts = output.parent / f".{output.name}.parts"
    _prepare(parts, what, form, size)
    todo = [chunk for chunk in starts if not (parts / f"{chunk[0]:012d}").exists()]
    work = partial(_write_chunk, what, parts, form)
    processes = min(num_processes or os.cpu_count() or 1, len(todo))
    with contextlib.ExitStack() as stack:
        if processes > 1:
            # Not forked: whoever calls may have threads, JAX's for one.
            pool = stack.enter_context(
                concurrent.futures.ProcessPoolExecutor(
                    processes, multiprocessing.get_context("spawn")
                )
            )
            finished = pool.map(work, todo)
        else:
            finished = map(work, todo)
        for _ in progress(finished, len(todo)):
            pass
    card = _card(what, parts, [start for start, _ in starts])
    _assemble(what, parts, [start for start, _ in starts], output, form, card)
    shutil.rmtree(parts)
    return card


def card_path(output: Path) -> Path:
    """Where the card of an export lies."""
    if _form(output) == "directory":
        return output / "card.json"
    return output.with_name(f"{output.name}.card.json")


def _form(output: Path) -> str:
    name = output.name
    for suffix in (".jsonl", ".jsonl.gz", ".parquet"):
        if name.endswith(suffix):
            return suffix[1:]
    if "." in name:
        raise ExportError(
            f"--output={output}: name a *.jsonl, *.jsonl.gz or *.parquet file, or a directory"
        )
    return "directory"


def _starts(what: Export, size: int, form: str) -> list[tuple[int, int]]:
    """(first example, end) of each chunk; in a directory no chunk crosses a shard."""
    step = what.shard_size if form == "directory" else what.count
    return [
        (start, min(start + size, first + step, what.count))
        for first in range(0, what.count, step)
        for start in range(first, min(first + step, what.count), size)
    ]


def _prepare(parts: Path, what: Export, form: str, size: int) -> None:
    """An empty directory for chunks, or that of the same export that was interrupted."""
    identity = what.description | {
        "count": what.count,
        "facts": what.facts,
        "form": form,
        "chunk": size,
        "shard_size": what.shard_size if form == "directory" else None,
        "version": mathjax.__version__,
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    try:
        if (parts / "export.json").exists() and (parts / "export.json").read_text() == text:
            return
        if parts.exists():
            shutil.rmtree(parts)
        parts.mkdir(parents=True)
        _write_whole(parts / "export.json", text.encode())
    except OSError as error:
        raise ExportError(f"cannot write beside {parts}: {error.strerror}") from None


def _write_chunk(what: Export, parts: Path, form: str, chunk: tuple[int, int]) -> None:
    """The rows of a chunk as `<start>`, after what its card needs as `<start>.json`."""
    start, end = chunk
    indices = np.arange(start, end, dtype=np.int64)
    rendered = what.problems.render(indices)
    prompts, responses = _texts(rendered)
    columns: dict[str, list[str]] = {"prompt": prompts, "response": responses}
    counts: dict[str, Counter] = {}
    if what.facts:
        problems = [what.problems.problem(index) for index in indices.tolist()]
        columns["task"] = [problem.task for problem in problems]
        columns["answer"] = [problem.answer for problem in problems]
        columns["facts"] = [json.dumps(problem.facts) for problem in problems]
        for problem in problems:
            for name, value in problem.facts.items():
                counts.setdefault(name, Counter())[str(value)] += 1
        counts["task"] = Counter(columns["task"])
    else:
        columns["task"] = _tasks(what.problems, indices)
        counts["task"] = Counter(columns["task"])
    lengths = np.diff(rendered.bounds) - len(END)
    counts["prompt characters"] = _rounded(rendered.prompt_sizes - len(SEPARATOR))
    counts["response characters"] = _rounded(lengths - rendered.prompt_sizes)
    data = _parquet(columns) if form == "parquet" else _json_lines(columns)
    if form == "jsonl.gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    summary = {name: dict(count) for name, count in counts.items()}
    _write_whole(parts / f"{start:012d}.json", json.dumps(summary).encode())
    _write_whole(parts / f"{start:012d}", data)


def _texts(rendered: RenderedText) -> tuple[list[str], list[str]]:
    data = rendered.text.tobytes()
    ends = rendered.bounds.tolist()
    middles = (rendered.bounds[:-1] + rendered.prompt_sizes).tolist()
    triples = list(zip(ends, middles, ends[1:], strict=False))
    cut, stop = len(SEPARATOR), len(END)
    if data.isascii():  # one decoding for all
        text = data.decode("ascii")
        prompts = [text[start : middle - cut] for start, middle, _ in triples]
        return prompts, [text[middle : end - stop] for _, middle, end in triples]
    prompts = [data[start : middle - cut].decode() for start, middle, _ in triples]
    return prompts, [data[middle : end - stop].decode() for _, middle, end in triples]


def _tasks(problems: ProblemSet, indices: np.ndarray) -> list[str]:
    which = getattr(problems, "which", None)
    if which is None:
        return [problems.task] * len(indices)
    return [problems.sets[number].task for number in which(indices).tolist()]


def _rounded(sizes: np.ndarray) -> Counter:
    """How many up to each power of two."""
    powers = np.ceil(np.log2(np.maximum(sizes, 1))).astype(int)
    return Counter({f"<= {2**p}": int(n) for p, n in enumerate(np.bincount(powers)) if n})


def _json_lines(columns: dict[str, list[str]]) -> bytes:
    names = [name for name in columns if name != "facts"]
    form = ", ".join(f'"{name}": %s' for name in names)
    rows = zip(*(map(_encode, columns[name]) for name in names), strict=True)
    if "facts" in columns:
        form = "{" + form + ', "facts": %s}\n'
        rows = ((*row, facts) for row, facts in zip(rows, columns["facts"], strict=True))
    else:
        form = "{" + form + "}\n"
    return "".join([form % row for row in rows]).encode()


def _parquet(columns: dict[str, list[str]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _card(what: Export, parts: Path, starts: list[int]) -> dict[str, Any]:
    histogram: dict[str, Counter] = {}
    for start in starts:
        for name, counts in json.loads((parts / f"{start:012d}.json").read_text()).items():
            histogram.setdefault(name, Counter()).update(counts)
    return what.description | {
        "count": what.count,
        "made_by": f"mathjax {mathjax.__version__}",
        "columns": ["prompt", "response", "task", *(["answer", "facts"] if what.facts else [])],
        "histogram": {
            name: dict(sorted(counts.items(), key=lambda item: _by_number(item[0])))
            for name, counts in sorted(histogram.items())
            if len(counts) <= MOST_VALUES
        },
    }


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text.removeprefix("<= ")), ""
    except ValueError:
        return float("inf"), text


def _assemble(
    what: Export, parts: Path, starts: list[int], output: Path, form: str, card: dict[str, Any]
) -> None:
    """The files under their final names; the card, with their hashes, comes last."""
    output.parent.mkdir(parents=True, exist_ok=True)
    target = parts / "output"
    if form != "directory":
        join = _join_parquet if form == "parquet" else _concatenate
        card["sha256"] = join([parts / f"{start:012d}" for start in starts], target)
        card_path(output).unlink(missing_ok=True)
        os.replace(target, output)
        _write_whole(card_path(output), _pretty(card))
        return
    if target.exists():
        shutil.rmtree(target)
    target.mkdir()
    firsts = range(0, what.count, what.shard_size)
    card["sha256"] = {}
    for number, first in enumerate(firsts):
        name = f"part-{number:05d}-of-{len(firsts):05d}.jsonl"
        own = [start for start in starts if first <= start < first + what.shard_size]
        own_parts = [parts / f"{start:012d}" for start in own]
        card["sha256"][name] = _concatenate(own_parts, target / name)
    _write_whole(target / "card.json", _pretty(card))
    if output.exists():
        shutil.rmtree(output)
    os.replace(target, output)


def _pretty(card: dict[str, Any]) -> bytes:
    return (json.dumps(card, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def _concatenate(parts: list[Path], target: Path) -> str:
    """SHA-256 of the file; gzip members one after another are a gzip file."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for part in parts:
            data = part.read_bytes()
            digest.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _join_parquet(parts: list[Path], target: Path) -> str:
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(parts[0])
    with pyarrow.parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pyarrow.parquet.read_table(part))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)
