"""The commands as a user types them: what they print, how they end, what a kill leaves behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TINY = [
    "--config=configs/puzzle.py",
    "--config.model.num_layers=1",
    "--config.model.hidden_size=16",
    "--config.model.num_heads=2",
    "--config.model.num_kv_heads=2",
    "--config.model.intermediate_size=32",
    "--config.optimizer.name=adamw",
    "--config.train.batch_size=8",
    "--config.train.log_every=1",
    "--config.eval.num_validation=8",
    "--config.eval.limit=16",
    "--config.eval.batch_size=16",
]


def environment():
    names = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    return names | {"JAX_PLATFORMS": "cpu"}


def launch(script, *arguments, text=None):
    return subprocess.run(
        [sys.executable, f"launch/{script}.py", *arguments],
        cwd=ROOT,
        env=environment(),
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
    )


def assert_one_clear_error(result, *words, status=None):
    assert result.returncode == status if status else result.returncode not in (0, None)
    assert "Traceback" not in result.stderr + result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("launch") / "run"
    result = launch(
        "train",
        *TINY,
        f"--workdir={path}",
        "--config.train.num_steps=30",
        "--config.checkpoint.every_steps=10",
        "--config.eval.every_steps=15",
    )
    assert result.returncode == 0, result.stderr
    for words in ("in_domain", "95 % interval", "failed", "Next: python launch/generate.py"):
        assert words in result.stdout
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config=configs/puzzle.py:nope"], ["unknown preset 'nope'", "laptop, scratch"]),
        (["--config=configs/absent.py"], ["no such file", "configs/absent.py"]),
        ([*TINY, "--config.train.num_stepz=3"], ["config.train.num_stepz", "train.num_steps"]),
        ([*TINY, "--config.train.num_steps=many"], ["config.train.num_steps", "many"]),
        ([*TINY, "stray"], ["stray"]),
    ],
)
def test_wrong_flags(arguments, words):
    assert_one_clear_error(launch("train", *arguments), *words, status=2)


def test_a_workdir_of_another_config(workdir):
    result = launch("train", *TINY, f"--workdir={workdir}", "--config.seed=7")
    assert_one_clear_error(result, "another config", "seed: 0 in the workdir", status=1)


def test_evaluate(workdir, tmp_path):
    result = launch(
        "evaluate",
        f"--checkpoint={workdir}",
        "--tasks=in_domain,form_ood",
        "--limit=4",
        "--num_samples=2",
        "--temperature=0.8",
        f"--output={tmp_path}",
    )
    assert result.returncode == 0, result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["splits"]["form_ood"]["num_samples"] == 2
    assert summary["generation"]["temperature"] == 0.8
    assert len((tmp_path / "samples" / "form_ood.jsonl").read_text().splitlines()) == 8


def test_rescore_and_wrong_tasks(workdir, tmp_path):
    samples = workdir / "samples" / "in_domain.jsonl"
    result = launch("evaluate", f"--checkpoint={workdir}", f"--samples={samples}")
    assert result.returncode == 0 and "in_domain" in result.stdout
    result = launch("evaluate", f"--checkpoint={workdir}", "--tasks=nope", f"--output={tmp_path}/o")
    assert_one_clear_error(result, "unknown split 'nope'", "in_domain", status=1)
    assert not (tmp_path / "o").exists()
    result = launch("evaluate", f"--checkpoint={tmp_path}")
    assert_one_clear_error(result, "config.json", status=1)


def test_generate_lines(workdir):
    """A line that cannot be asked does not end the conversation; the exit status remembers it."""
    result = launch("generate", f"--checkpoint={workdir}", text="3,7,14:2\nhello\n3,7\n2,3,4:9\n")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 2 and "'h'" in errors[0] and "3,7" in errors[1]
    assert sum("wrong" in line or "right" in line for line in result.stdout.splitlines()) == 2


def test_generate_refuses_unknown_characters(workdir):
    result = launch("generate", f"--checkpoint={workdir}", "--prompt=3,7,x:2")
    assert_one_clear_error(result, "'x'", status=1)


def test_a_damaged_newest_checkpoint_is_named_and_skipped(workdir):
    newest = workdir / "checkpoints" / "30"
    files = [p for p in (newest / "params").rglob("*") if p.is_file()]
    victim = max(files, key=lambda p: p.stat().st_size)
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    try:
        result = launch("generate", f"--checkpoint={workdir}", "--prompt=3,7,14:2")
        assert result.returncode == 0
        assert "checkpoints/30" in result.stderr and "Traceback" not in result.stderr
    finally:
        victim.write_bytes(whole)


def start(path, *arguments):
    return subprocess.Popen(
        [sys.executable, "launch/train.py", *TINY, f"--workdir={path}", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(path, step, process):
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        metrics = path / "metrics.jsonl"
        lines = metrics.read_text().splitlines() if metrics.exists() else []
        if len(lines) > step:
            return
        time.sleep(0.05)
    raise AssertionError(f"no step {step}: {process.communicate()[1]}")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_signals_save_and_end(tmp_path, number, status):
    path = tmp_path / "run"
    process = start(
        path, "--config.train.num_steps=100000", "--config.checkpoint.every_steps=50000"
    )
    wait_for_step(path, 5, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status and "Traceback" not in err, err
    assert "stopped after step" in out
    steps = [int(p.name) for p in (path / "checkpoints").iterdir() if p.name.isdigit()]
    assert len(steps) == 1 and f"stopped after step {steps[0]:,}" in out


def test_kill_loses_at_most_an_interval(tmp_path):
    path = tmp_path / "run"
    steps, last = ["--config.train.num_steps=100000", "--config.checkpoint.every_steps=300"], 0
    for attempt in range(2):
        process = start(path, *steps)
        wait_for_step(path, last + 650 + random.Random(attempt).randrange(300), process)
        process.kill()
        process.communicate()
        reached = len((path / "metrics.jsonl").read_text().splitlines())
        process = start(path, *steps)
        # The resumed run first drops the rows after the step it goes on from.
        line = process.stdout.readline()
        while line and not line.startswith("resuming after step"):
            line = process.stdout.readline()
        last = int(line.split()[3].replace(",", ""))
        # One interval, and what runs on while the save of its end is being written.
        assert last % 300 == 0 and reached - last < 2 * 300, (reached, last)
        process.kill()
        process.communicate()
