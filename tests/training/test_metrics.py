"""metrics.jsonl stays valid JSON, line by line, whatever happens to the run."""

import json
import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mathjax.training.metrics import (
    MetricsError,
    MetricsWriter,
    device_peak_flops,
    model_flops_per_token,
    peak_flops,
    read_metrics,
)


def write(workdir, *steps, resume_step=None):
    with MetricsWriter(workdir, resume_step) as writer:
        for step in steps:
            writer.write(step, {"loss": 1 / step})


def steps_in(workdir):
    return [row["step"] for row in read_metrics(workdir / "metrics.jsonl")]


def test_one_json_object_a_line_and_on_disk_at_once(tmp_path):
    values = {
        "loss": jnp.float32(0.25),
        "grad_norm": float("nan"),
        "mfu": np.float32("inf"),
        "validation/count": 64,
    }
    writer = MetricsWriter(tmp_path / "run")
    writer.write(10, values)
    (line,) = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    row = json.loads(line, parse_constant=pytest.fail)
    expected = {"loss": 0.25, "grad_norm": None, "mfu": None, "validation/count": 64}
    assert row == {"step": 10} | expected
    writer.close()
    writer.close()
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))


def test_appends_and_resumes(tmp_path):
    write(tmp_path, 1, 2, 3, 4)
    write(tmp_path, 5)
    assert steps_in(tmp_path) == [1, 2, 3, 4, 5]
    write(tmp_path, 3, 4, resume_step=2)
    assert steps_in(tmp_path) == [1, 2, 3, 4]
    write(tmp_path, 1, resume_step=0)
    assert steps_in(tmp_path) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.jsonl", "tensorboard"]


def test_torn_last_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(tmp_path, 1, 2)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        complete = read_metrics(path)
        assert complete == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}][: len(complete)]
        assert len(complete) >= whole[:cut].count(b"\n")
        if cut % 7 == 0:
            write(tmp_path, 9)
            assert read_metrics(path) == [*complete, {"step": 9, "loss": 1 / 9}]
    path.write_bytes(b'{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(MetricsError, match=r"metrics.jsonl, line 2"):
        read_metrics(path)


def test_tensorboard_holds_the_same_numbers(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write(tmp_path, 1, 2, 3)
    write(tmp_path, 2, resume_step=1)
    accumulator = events.EventAccumulator(str(tmp_path / "tensorboard"))
    accumulator.Reload()
    assert [(e.step, e.value) for e in accumulator.Scalars("loss")] == [(1, 1.0), (2, 0.5)]


@pytest.mark.parametrize(
    ("kind", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("TPU v4", 275e12),
        ("TPU v5 lite", 197e12),
        ("TPU v5", 459e12),
        ("TPU v5p", 459e12),
        ("TPU v6 lite", 918e12),
        ("Some Card", None),
    ],
)
def test_peak_flops(kind, peak):
    assert peak_flops(SimpleNamespace(platform="gpu", device_kind=kind)) == peak


def test_peak_flops_of_a_cpu_is_unknown_and_so_measured():
    assert peak_flops(jax.devices("cpu")[0]) is None
    assert 0 < device_peak_flops(size=64) < math.inf


def test_model_flops_per_token_counts_the_products():
    """Against a count by hand of one layer: forward products, times three for the backward pass."""
    hidden, mlp, vocab, seq_len, layers = 16, 64, 32, 8, 3
    weights = layers * (4 * hidden * hidden + 2 * hidden * mlp) + hidden * vocab
    causal_pairs = seq_len / 2  # keys that an average token looks at
    attention = layers * causal_pairs * hidden * (2 + 2)
    expected = 3 * (2 * weights + attention)
    assert model_flops_per_token(weights, layers, seq_len, hidden) == expected
