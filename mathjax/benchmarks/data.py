"""Problems to packed batches, on the host."""

from __future__ import annotations

import dataclasses
import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mathjax.benchmarks.timing import Row, Scale, cpu_count, median_seconds, require, versus
from mathjax.data.documents import DocumentSource, stream
from mathjax.data.export import Export, export
from mathjax.data.loader import PackedBatches
from mathjax.data.packing import pack, reference_assign
from mathjax.data.tokenizer import character_tokenizer
from mathjax.problems.arithmetic import TRAIN_COUNT, ArithmeticSet, ArithmeticSpec
from mathjax.problems.arithmetic_reference import draw_problem, write_problem
from mathjax.problems.expression_parser import parse
from mathjax.problems.expressions import Add, Expression, Mul, Neg, Num, Pow, Var
from mathjax.problems.puzzle import ALPHABET, PuzzleSet, PuzzleSpec, reference_problem
from mathjax.problems.rules import RuleSet, RuleSpec


def puzzles(scale: Scale) -> Iterator[Row]:
    """Numbers, steps, target and text, of the training distribution: 5, 6 and 7 numbers."""
    problems = PuzzleSet(PuzzleSpec(), 0, "train")
    many, few = (300, 30) if scale.tiny else (60_000, 300)

    def reference():
        made = (reference_problem(problems.spec, 0, "train", i) for i in range(few))
        return [f"{problem.prompt}\n{problem.response}\0" for problem in made]

    rendered = problems.render(np.arange(few)).text.tobytes().decode()
    require(rendered == "".join(reference()), "puzzles differ from the reference")
    yield versus(
        "puzzles with their text, one core",
        "puzzles/s",
        (lambda: problems.render(np.arange(many)), many),
        {"plain Python": (reference, few)},
        scale.repeats,
    )


def arithmetic(scale: Scale) -> Iterator[Row]:
    """Problems, worked steps and phrasings of the default set."""
    problems = ArithmeticSet(ArithmeticSpec(), 0, "train")
    many, few = (300, 30) if scale.tiny else (TRAIN_COUNT // 10, 3000)

    def reference():
        drawn = (draw_problem(problems.spec, 0, "train", i) for i in range(few))
        texts = (write_problem(problems.spec, 0, "train", i, one) for i, one in enumerate(drawn))
        return [f"{text.prompt}\n{text.response}\0" for text in texts]

    rendered = problems.render(np.arange(few)).text.tobytes().decode()
    require(rendered == "".join(reference()), "problems differ from the reference")
    row = versus(
        "arithmetic problems with their steps, one core",
        "problems/s",
        (lambda: problems.render(np.arange(many)), many),
        {"plain Python": (reference, few)},
        scale.repeats,
    )
    note = f"{TRAIN_COUNT / row.ours:.1f} s for the default {TRAIN_COUNT:,}"
    yield dataclasses.replace(row, note=note)


def rules(scale: Scale) -> Iterator[Row]:
    """Products of sums in three variables with every step of their expansion, over SymPy's `expand`
    and `str` of the same products, which show no steps."""
    import sympy

    exercises = RuleSet(RuleSpec(num_variables=(3, 3)), 0, "train")
    many, few = (200, 20) if scale.tiny else (50_000, 500)
    problems = [exercises.problem(i) for i in range(few)]
    products = [_sympy(parse(problem.prompt.partition(": ")[2])) for problem in problems]

    def theirs():
        sympy.core.cache.clear_cache()  # else they would be remembered from call to call
        return [str(sympy.expand(product)) for product in products]

    answers = [_sympy(parse(problem.answer)) for problem in problems]
    require(answers == [sympy.expand(product) for product in products], "expansions differ")
    indices = np.arange(few)
    require(
        np.array_equal(exercises.render(indices).text, exercises.render_trees(indices).text),
        "compiled text differs from that of the trees",
    )
    yield versus(
        "rule exercises with every step (expand), one core",
        "exercises/s",
        (lambda: exercises.render(np.arange(many)), many),
        {"SymPy expand and str, no steps": (theirs, few)},
        scale.repeats,
    )


def _sympy(tree: Expression) -> Any:
    """SymPy's object for a polynomial, made by constructors only."""
    import sympy

    match tree:
        case Num(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Var(name):
            return sympy.Symbol(name)
        case Add(terms):
            return sympy.Add(*map(_sympy, terms))
        case Mul(factors):
            return sympy.Mul(*map(_sympy, factors))
        case Neg(inner):
            return -_sympy(inner)
        case Pow(base, exponent):
            return _sympy(base) ** _sympy(exponent)
    raise TypeError(f"{tree!r} is no polynomial")


def export_rows(scale: Scale) -> Iterator[Row]:
    """Puzzles to JSON lines, over `json.dumps` of every row in one process."""
    count = 2000 if scale.tiny else 1_000_000
    problems = PuzzleSet(PuzzleSpec(), 0, "train", count)
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "puzzles.jsonl")

        few = min(count, 50_000)

        def ours(count=count):
            export(Export(problems, count, {}), output, overwrite=True)

        def theirs():
            rendered = problems.render(np.arange(few))
            data, ends = rendered.text.tobytes().decode(), rendered.bounds.tolist()
            middles = (rendered.bounds[:-1] + rendered.prompt_sizes).tolist()
            with Path(directory, "theirs.jsonl").open("w") as file:
                for start, middle, end in zip(ends, middles, ends[1:], strict=False):
                    prompt, response = data[start : middle - 1], data[middle : end - 1]
                    row = {"prompt": prompt, "response": response, "task": "puzzle"}
                    file.write(json.dumps(row) + "\n")

        theirs()
        ours(few)
        require(
            output.read_bytes() == Path(directory, "theirs.jsonl").read_bytes(),
            "exported rows differ from those of json.dumps",
        )
        yield versus(
            f"{count:,} puzzles to JSON lines",
            "rows/s",
            (ours, count),
            {"json.dumps a row": (theirs, few)},
            min(scale.repeats, 3),
            "with the start of as many processes as cores, and the card",
        )


def puzzles_to_tokens(scale: Scale) -> Iterator[Row]:
    """Streams documents as training does; nothing is kept, memory stays bounded."""
    source = DocumentSource(PuzzleSet(PuzzleSpec(), 0, "train"), character_tokenizer(ALPHABET))
    count, cores = (2000 if scale.tiny else scale.documents), cpu_count()
    chunk = min(16_384, count)
    first = next(stream(source, 0, count, cores, chunk))
    require(
        np.array_equal(first.tokens, source.documents(np.arange(chunk)).tokens),
        "streamed documents differ from those made at once",
    )

    def rate(num_threads: int, count: int) -> tuple[float, int]:
        start, tokens = time.perf_counter(), 0
        for documents in stream(source, 0, count, num_threads, chunk):
            tokens += len(documents.tokens)
        return count / (time.perf_counter() - start), tokens

    ours, tokens = rate(cores, count)
    peer, _ = rate(1, max(chunk, count // 8))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    yield Row(
        f"{count:,} puzzles to token ids, {cores} cores",
        "puzzles/s",
        ours,
        "one thread of ours",
        peer,
        ours / peer,
        f"{tokens:,} tokens; the process's peak memory so far {peak / 2**20:,.0f} MiB",
    )


def encoding(scale: Scale) -> Iterator[Row]:
    """Characters to ids, and the same strings through the Rust tokenizer of the same file."""
    tokenizer = character_tokenizer(ALPHABET)
    count = 200 if scale.tiny else 20_000
    rendered = PuzzleSet(PuzzleSpec(), 0, "train").render(np.arange(count))
    texts = [text + "\0" for text in rendered.text.tobytes().decode().split("\0")[:-1]]
    strings = [text[:-1] for text in texts]
    backend = tokenizer.huggingface.backend_tokenizer

    def peer():
        return backend.encode_batch_fast(strings, add_special_tokens=False)

    ours = tokenizer.encode_documents(rendered)
    same = all(
        ids.tolist() == [*encoded.ids, tokenizer.eos_id]
        for ids, encoded in zip(ours, peer(), strict=True)
    )
    require(same, "ids differ from those of `tokenizers`")
    yield versus(
        "characters to ids, one core",
        "characters/s",
        (lambda: tokenizer.encode_documents(rendered), len(rendered.text)),
        {"tokenizers encode_batch_fast, one thread": (peer, len(rendered.text))},
        scale.repeats,
        "ours from the buffer that the generator writes, theirs from a list of str",
    )


def packing(scale: Scale) -> Iterator[Row]:
    """Share of positions that hold a token, and documents packed a second."""
    source = DocumentSource(PuzzleSet(PuzzleSpec(), 0, "train"), character_tokenizer(ALPHABET))
    lengths = source.lengths(np.arange(256 if scale.tiny else 4096)) - 1
    few = lengths[: 64 if scale.tiny else 256]
    for row_length in (256, 512, 1024):
        packed = pack(few, row_length)
        either = [reference_assign(few.tolist(), row_length, longest) for longest in (False, True)]
        require(packed.rows.tolist() in either, "packing differs from the reference")
        whole = pack(lengths, row_length)
        used = np.zeros(whole.num_rows, int)
        np.add.at(used, whole.rows, lengths)
        require(used.max() <= row_length and whole.count == len(lengths), "a row overflows")
        yield versus(
            f"packing into rows of {row_length}: fill {whole.fill:.4f}",
            "documents/s",
            (lambda r=row_length: pack(lengths, r), len(lengths)),
            {
                "plain Python": (
                    lambda r=row_length: reference_assign(few.tolist(), r, False),
                    len(few),
                )
            },
            min(scale.repeats, 3),
            f"{len(lengths):,} puzzles of {lengths.mean():.0f} tokens on average",
        )


def loader(scale: Scale) -> Iterator[Row]:
    """Packed batches ready for the device: puzzles, ids, packing and layout, in one thread."""
    source = DocumentSource(PuzzleSet(PuzzleSpec(), 0, "train"), character_tokenizer(ALPHABET))
    rows, row_length = (4, 256) if scale.tiny else (64, 512)
    batches = PackedBatches(source, batch_size=rows, row_length=row_length)
    again = PackedBatches(source, batch_size=rows, row_length=row_length)
    for ours, other in zip(batches[3].values(), again[3].values(), strict=True):
        require(np.array_equal(ours, other), "a batch is not a function of its number")
    numbers = itertools.count()
    rate = 1 / median_seconds(lambda: batches[next(numbers)], 2 if scale.tiny else 20)
    yield Row(
        f"loader batches of {rows} x {row_length}, endless puzzles, one thread",
        "batches/s",
        rate,
        note=f"{rate * rows * row_length:,.0f} positions/s, fill {batches.fill:.4f}",
    )


ROWS = (puzzles, arithmetic, rules, puzzles_to_tokens, encoding, packing, loader, export_rows)
