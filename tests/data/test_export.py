"""Exports: the same bytes from any number of processes, whole or not at all, and a card that is
true."""

import gzip
import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mathjax.answers.puzzle import verify
from mathjax.data import export as export_lib
from mathjax.data.export import Export, ExportError, card_path, export
from mathjax.problems.arithmetic_exclusions import read_problem
from mathjax.problems.base import ProblemError
from mathjax.problems.mixture import MixtureSet
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec, parse_puzzle
from mathjax.problems.registry import make_dataset, make_mixture, parse_settings

COUNT = 2500
SPEC = PuzzleSpec(num_numbers=(3, 4), max_number=20)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(export_lib, "CHUNK", 1000)


def what(count=COUNT, **options):
    return Export(PuzzleSet(SPEC, 3, "train", count), count, {"dataset": "puzzle"}, **options)


def rows_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        return [json.loads(line) for line in file]


def test_rows_are_the_problems_and_the_card_is_true(tmp_path):
    card = export(what(), tmp_path / "a.jsonl", num_processes=1)
    rows = rows_of(tmp_path / "a.jsonl")
    problems = PuzzleSet(SPEC, 3, "train", COUNT)
    assert len(rows) == card["count"] == COUNT
    for index in (0, 1, 999, 1000, COUNT - 1):
        problem = problems.problem(index)
        expected = {"prompt": problem.prompt, "response": problem.response, "task": "puzzle"}
        assert rows[index] == expected
    assert all(verify(*parse_puzzle(row["prompt"]), row["response"]).correct for row in rows)
    data = (tmp_path / "a.jsonl").read_bytes()
    assert card["sha256"] == hashlib.sha256(data).hexdigest()
    assert json.loads((tmp_path / "a.jsonl.card.json").read_text()) == card
    assert sum(card["histogram"]["prompt characters"].values()) == COUNT
    longest = max(len(row["response"]) for row in rows)
    last = list(card["histogram"]["response characters"])[-1]
    assert longest <= int(last.removeprefix("<= ")) < 2 * longest
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "a.jsonl.card.json"]


def test_any_number_of_processes_writes_the_same_bytes(tmp_path):
    for processes in (1, 2, 4):
        directory = tmp_path / str(processes)
        directory.mkdir()
        export(what(shard_size=600), directory / "rows", num_processes=processes)

    def digest(directory):
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        return [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]

    assert digest(tmp_path / "1") == digest(tmp_path / "2") == digest(tmp_path / "4")


def test_shards_and_compression_hold_the_same_rows(tmp_path):
    for name in ("a.jsonl", "b.jsonl.gz", "c"):
        export(what(shard_size=900), tmp_path / name, num_processes=1)
    names = [f"part-{i:05d}-of-00003.jsonl" for i in range(3)]
    assert sorted(os.listdir(tmp_path / "c")) == ["card.json", *names]
    shards = [rows_of(tmp_path / "c" / name) for name in names]
    assert [len(shard) for shard in shards] == [900, 900, 700]
    rows = [row for shard in shards for row in shard]
    assert rows == rows_of(tmp_path / "a.jsonl") == rows_of(tmp_path / "b.jsonl.gz")
    card = json.loads(card_path(tmp_path / "c").read_text())
    digests = [hashlib.sha256((tmp_path / "c" / name).read_bytes()).hexdigest() for name in names]
    assert list(card["sha256"].values()) == digests


def test_an_interrupted_export_goes_on(tmp_path, monkeypatch):
    export(what(), tmp_path / "whole.jsonl", num_processes=1)
    made = []
    write_chunk = export_lib._write_chunk

    def stop_at_the_third(what, parts, form, chunk):
        made.append(chunk)
        if len(made) == 3:
            raise KeyboardInterrupt
        write_chunk(what, parts, form, chunk)

    monkeypatch.setattr(export_lib, "_write_chunk", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        export(what(), tmp_path / "parts.jsonl", num_processes=1)
    assert not (tmp_path / "parts.jsonl").exists()
    export(what(), tmp_path / "parts.jsonl", num_processes=1)
    assert made == [(0, 1000), (1000, 2000), (2000, 2500), (2000, 2500)]
    whole, parts = (tmp_path / f"{name}.jsonl" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_chunks_of_another_export_are_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(export_lib, "_assemble", lambda *_: (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(OSError):
        export(what(), tmp_path / "a.jsonl", num_processes=1)
    monkeypatch.undo()
    monkeypatch.setattr(export_lib, "CHUNK", 1000)
    other = Export(PuzzleSet(SPEC, 4, "train", COUNT), COUNT, {"dataset": "another"})
    export(other, tmp_path / "a.jsonl", num_processes=1)
    assert rows_of(tmp_path / "a.jsonl")[0]["prompt"] == other.problems.problem(0).prompt


def test_facts(tmp_path):
    card = export(what(count=50, facts=True), tmp_path / "a.jsonl", num_processes=1)
    row = rows_of(tmp_path / "a.jsonl")[1]
    problem = PuzzleSet(SPEC, 3, "train", 50).problem(1)
    assert (row["answer"], row["facts"]) == (problem.answer, problem.facts)
    assert card["histogram"]["num_numbers"] == {"3": 25, "4": 25}


def test_parquet_holds_the_same_rows(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("a.parquet", "b.parquet", "a.jsonl"):
        export(what(), tmp_path / name, num_processes=1)
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == rows_of(tmp_path / "a.jsonl")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_files_load_in_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    names = {"a.jsonl": "json", "b.jsonl.gz": "json", "c.parquet": "parquet", "d": "json"}
    for name in names:
        export(what(shard_size=900, facts=True), tmp_path / name, num_processes=1)
    rows = rows_of(tmp_path / "a.jsonl")
    for name, form in names.items():
        shards = sorted(map(str, (tmp_path / "d").glob("part-*.jsonl")))
        files = shards if name == "d" else [str(tmp_path / name)]
        loaded = datasets.load_dataset(
            form, data_files=files, split="train", cache_dir=str(tmp_path / "cache" / name)
        )
        assert len(loaded) == COUNT and loaded.column_names[:3] == ["prompt", "response", "task"]
        if form == "parquet":  # facts are a column of text there
            loaded = loaded.map(lambda row: {"facts": json.loads(row["facts"])})
        for index in (0, 899, 900, COUNT - 1):
            row = loaded[index]
            row["facts"] = {key: value for key, value in row["facts"].items() if value is not None}
            assert row == rows[index]
    # A directory by its name alone: the card is no part of the rows.
    whole = datasets.load_dataset(
        "json", data_dir=str(tmp_path / "d"), data_files="part-*.jsonl", split="train",
        cache_dir=str(tmp_path / "cache" / "whole"),
    )  # fmt: skip
    assert whole["prompt"] == [row["prompt"] for row in rows]


def test_the_command_leaves_problems_out_and_says_so(tmp_path):
    bench = {"examples": [{"input": f"What is {n} plus {n + 1}?"} for n in range(1, 60)]}
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    (tmp_path / "vocab.json").write_text(json.dumps({a + b: 0 for a in "abcde" for b in "fghij"}))

    root = Path(__file__).parents[2]

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "launch/export_data.py", "--processes=1", *arguments],
            env={**os.environ, "PYTHONPATH": str(root)},
            cwd=root,
            capture_output=True,
            text=True,
        )

    output = tmp_path / "a.jsonl"
    made = command(
        "--dataset=arithmetic", "--set=max_digits=2", '--set=operations={"add": 1}',
        f"--exclude={tmp_path / 'bench.json'}", "--count=3000", f"--output={output}",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    excluded = {frozenset(read_problem(row["input"])[1]) for row in bench["examples"]}
    found = {frozenset(read_problem(row["prompt"])[1]) for row in rows_of(output)}
    assert len(found) > 500 and not found & excluded
    card = json.loads(card_path(output).read_text())
    assert card["excluded"]["questions_read"] == card["excluded"]["different_problems"] == 59
    refused = command("--dataset=puzzle", "--exclude=x", "--count=1", f"--output={output}")
    assert refused.returncode and "--exclude" in refused.stderr
    names = [
        f"--set=vocabulary.tokenizer={tmp_path / 'vocab.json'}",
        "--dataset=rules",
        "--count=9",
    ]
    made = command(*names, "--set=vocabulary.size=20", f"--output={tmp_path / 'b.jsonl'}")
    assert made.returncode == 0, made.stderr
    assert set(re.findall("[a-e][f-j]", rows_of(tmp_path / "b.jsonl")[0]["prompt"]))
    refused = command(*names, "--set=vocabulary.size=2", f"--output={tmp_path / 'c.jsonl'}")
    assert refused.returncode and "vocabulary.size: " in refused.stderr


def test_text_that_json_must_escape():
    columns = {"prompt": ['a "quote"\n', "\\ ü \x01"], "response": ["1", "2"]}
    lines = export_lib._json_lines(columns).decode().splitlines()
    assert [json.loads(line)["prompt"] for line in lines] == columns["prompt"]


def test_what_cannot_be_written_is_refused_and_nothing_is_lost(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text("mine")
    (tmp_path / "thesis").mkdir()
    for name, options, message in (
        ("a.jsonl", {}, "exists"),
        ("thesis", {"overwrite": True}, "no directory of an export"),
        ("a.csv", {}, r"name a \*.jsonl"),
    ):
        with pytest.raises(ExportError, match=message):
            export(what(count=5), tmp_path / name, **options)
    monkeypatch.setattr(export_lib, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match="Parquet needs pyarrow"):
        export(what(count=5), tmp_path / "a.parquet")
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "thesis"]
    assert (tmp_path / "a.jsonl").read_text() == "mine"
    export(what(count=5), tmp_path / "a.jsonl", overwrite=True)
    assert len(rows_of(tmp_path / "a.jsonl")) == 5
    shutil.rmtree(tmp_path / "thesis")
    export(what(count=5), tmp_path / "rows")
    export(what(count=6), tmp_path / "rows", overwrite=True)
    assert len(rows_of(tmp_path / "rows" / "part-00000-of-00001.jsonl")) == 6


def test_a_mixture_is_its_sets_by_weight():
    sets = [PuzzleSet(PuzzleSpec(num_numbers=(n,), max_number=30), 0, "train") for n in (3, 5)]
    mixture = MixtureSet(sets, [3, 1], seed=1)
    indices = np.arange(8000)
    which = mixture.which(indices)
    assert 0.22 < which.mean() < 0.28
    rendered = mixture.render(indices[:300])
    data = rendered.text.tobytes()
    for i in range(300):
        problem = sets[which[i]].problem(i)
        expected = f"{problem.prompt}\n{problem.response}\0".encode()
        assert data[rendered.bounds[i] : rendered.bounds[i + 1]] == expected
        assert rendered.prompt_sizes[i] == len(problem.prompt) + 1
    assert mixture.problem(7) == sets[which[7]].problem(7)
    order = np.random.default_rng(0).permutation(300)
    again = mixture.render(order)
    assert [
        again.text[a:b].tobytes() for a, b in zip(again.bounds, again.bounds[1:], strict=False)
    ] == [data[rendered.bounds[i] : rendered.bounds[i + 1]] for i in order]
    for weights in ([1], [-1, 2], [0, 0]):
        with pytest.raises(ProblemError, match="weights"):
            MixtureSet(sets, weights, seed=1)


@pytest.mark.parametrize(
    ("name", "settings", "split"),
    [
        ("puzzle", {}, "train"),
        ("arithmetic", {}, "train"),
        ("rules", {"task": "expand"}, "train"),
        ("rules", {"task": "quadratic"}, "in_domain"),
        ("rules", {"task": "linear_system_gauss"}, "more_variables"),
        ("stories", {}, "paraphrase"),
        ("word_problems", {"kind": "baskets"}, "test"),
    ],
)
def test_every_data_set_by_name(tmp_path, name, settings, split):
    """It is written, reaches other processes whole, and keeps to its alphabet."""
    made, _ = make_dataset(name, settings, split, 1, 8)
    export(Export(made, 8, {"dataset": name}), tmp_path / "a.jsonl", num_processes=1)
    rows = rows_of(tmp_path / "a.jsonl")
    copy = pickle.loads(pickle.dumps(made))
    problems = [copy.problem(i) for i in range(8)]
    assert [(row["prompt"], row["response"]) for row in rows] == [
        (problem.prompt, problem.response) for problem in problems
    ]
    allowed = set(made.alphabet) | {"\n"}
    assert all(set(problem.prompt + problem.response) <= allowed for problem in problems)


def test_sets_by_name():
    made, spec = make_dataset("puzzle", {"max_number": 30}, "form_ood", 0, 20)
    assert (len(made), spec.num_numbers, spec.max_number) == (20, (8,), 30)
    mixture, specs = make_mixture(["puzzle"], [1], {"puzzle": {"max_number": 30}}, 0, 10)
    assert mixture.count == 10 and specs["puzzle"].max_number == 30
    assert parse_settings(["max_number=30", "puzzle.division=integer"], ["puzzle"]) == {
        "puzzle": {"max_number": 30, "division": "integer"}
    }
    for call, message in (
        (lambda: make_dataset("riddle", {}, "train", 0, 1), "no 'riddle'; there is puzzle"),
        (lambda: make_dataset("puzzle", {"size": 1}, "train", 0, 1), "puzzle.size: unknown"),
        (lambda: make_dataset("puzzle", {}, "hard", 0, 1), "has no 'hard'; there is train"),
        (lambda: make_dataset("puzzle", {"max_number": 2}, "train", 0, 1), "max_number"),
        (lambda: parse_settings(["max_number"], ["puzzle"]), "write puzzle.FIELD=VALUE"),
        (lambda: parse_settings(["max_number=3"], ["puzzle", "b"]), "one of puzzle, b"),
    ):
        with pytest.raises(ProblemError, match=message):
            call()
