"""A checkpoint is whole, or it is known to be damaged; a run always finds its way back."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mathjax.checkpoints import CheckpointError, Checkpoints, read_metadata


def make_state(step: int) -> dict:
    """Every leaf tells the step; keys and dtypes as a real training state has them."""
    return {
        "params": {
            "layers": {0: jnp.full((4, 8), step, jnp.bfloat16), 1: jnp.full((4, 8), step + 0.5)},
            "empty": {},
            "codes": jnp.full((3,), step % 256, jnp.uint8),
        },
        "opt_state": {"0.mu.layers.0": jnp.full((4, 8), -step, jnp.float32), "none": {}},
        "step": jnp.asarray(step, jnp.int32),
    }


def abstract(state: dict, sharding=None) -> dict:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), state)


TARGET = abstract(make_state(0))


def assert_same(left: dict, right: dict) -> None:
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert a.dtype == b.dtype
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def save_steps(directory: Path, *steps: int, **options) -> None:
    with Checkpoints(directory, **options) as checkpoints:
        for step in steps:
            checkpoints.save(step, make_state(step), {"step": step})


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("two_steps")
    save_steps(directory, 1, 2)
    return directory


def files_of(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_round_trip_is_bit_equal(tmp_path):
    state = make_state(3)
    bits = np.random.default_rng(0).integers(0, 1 << 16, (64,), dtype=np.uint16)  # NaNs included
    state["params"]["bits"] = jax.lax.bitcast_convert_type(jnp.asarray(bits), jnp.bfloat16)
    state["params"]["host"] = np.arange(5, dtype=np.int32)
    with Checkpoints(tmp_path / "new" / "directory") as checkpoints:
        assert checkpoints.restore(abstract(state)) is None
        assert checkpoints.latest_step is None and checkpoints.best_step is None
        assert checkpoints.save(3, state, {"config": {"seed": 1}, "shape": [1, 2]}, score=0.5)
        checkpoints.wait()
        restored = checkpoints.restore(abstract(state))
    assert restored.step == 3
    assert restored.metadata == {"config": {"seed": 1}, "shape": [1, 2]}
    assert_same(restored.state, state)


def test_donated_state_is_saved_as_it_was(tmp_path):
    update = jax.jit(lambda s: jax.tree.map(lambda x: x * 0 - 7, s), donate_argnums=0)
    state = {"params": {"w": jnp.arange(1 << 20, dtype=jnp.float32)}}
    expected = np.asarray(state["params"]["w"]).copy()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, {})
        for _ in range(3):
            state = update(state)
        jax.block_until_ready(state)
        restored = checkpoints.restore(abstract(state))
    np.testing.assert_array_equal(restored.state["params"]["w"], expected)


def test_keeps_newest_and_best(tmp_path):
    scores = {1: 0.1, 2: 0.9, 3: 0.2, 4: None, 5: float("nan"), 6: 0.3}
    with Checkpoints(tmp_path, keep_last=2) as checkpoints:
        for step, score in scores.items():
            checkpoints.save(step, make_state(step), {}, score)
        checkpoints.wait()
        assert checkpoints.steps() == [2, 5, 6]
        assert (checkpoints.latest_step, checkpoints.best_step) == (6, 2)
    with Checkpoints(tmp_path, keep_last=2) as checkpoints:  # the score outlives the process
        assert checkpoints.restore(TARGET).step == 6
        checkpoints.save(7, make_state(7), {}, 0.9)
        checkpoints.wait()
        assert checkpoints.steps() == [6, 7]  # of two equals the newer one stays
        assert checkpoints.restore_params(TARGET["params"], step="best").step == 7


def test_keep_last_only(tmp_path):
    with Checkpoints(tmp_path, keep_last=1, keep_best=False, asynchronous=False) as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, make_state(step), {}, score=-step)
            assert checkpoints.steps() == [step]
    with pytest.raises(CheckpointError, match="keep_last"):
        Checkpoints(tmp_path, keep_last=0)


def test_restores_on_another_mesh(tmp_path):
    devices = jax.devices()
    if len(devices) < 8:
        pytest.skip("needs 8 devices (tests/conftest.py gives virtual ones)")

    def sharding(rows: int, columns: int, *spec):
        mesh = jax.sharding.Mesh(
            np.asarray(devices[: rows * columns]).reshape(rows, columns), ("fsdp", "tensor")
        )
        return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec))

    values = {
        "a": np.arange(64, dtype=np.float32).reshape(8, 8),
        "b": np.ones((16, 4), jnp.bfloat16),
    }
    saved = {"params": jax.device_put(values, sharding(4, 2, "fsdp", "tensor"))}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, saved, {})
    for other in (
        sharding(8, 1, "fsdp", None),
        sharding(2, 2, "tensor", "fsdp"),
        sharding(1, 1),
        sharding(4, 2),
    ):
        restored = Checkpoints(tmp_path, read_only=True).restore(abstract(saved, other))
        assert_same(restored.state, {"params": values})
        assert all(leaf.sharding == other for leaf in jax.tree.leaves(restored.state))


def test_every_flipped_byte_is_noticed_or_harmless(two_steps, tmp_path):
    noticed = 0
    for path in files_of(two_steps / "2"):
        directory = tmp_path / "copy"
        shutil.copytree(two_steps, directory)
        damaged = directory / path.relative_to(two_steps)
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 0x10
        damaged.write_bytes(content)
        restored = Checkpoints(directory, read_only=True).restore(TARGET)
        assert_same(restored.state, make_state(restored.step))
        noticed += restored.step == 1
        if "d" in path.parts[-2:]:
            assert restored.step == 1, path
        if path.name in ("_METADATA", "metadata", "_CHECKPOINT_METADATA", "commit_success.txt"):
            save_steps_over(directory)
        shutil.rmtree(directory)
    assert noticed >= 15


def save_steps_over(directory: Path) -> None:
    """A run goes on over the damage and replaces the damaged step."""
    with Checkpoints(directory) as checkpoints:
        restored = checkpoints.restore(TARGET)
        if restored.step == 1:
            checkpoints.save(2, make_state(2), {})
        checkpoints.wait()
        assert checkpoints.restore(TARGET).step == 2


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_truncated_and_missing_files(two_steps, tmp_path, damage):
    for path in files_of(two_steps / "2"):
        directory = tmp_path / "copy"
        shutil.copytree(two_steps, directory)
        target = directory / path.relative_to(two_steps)
        if damage == "truncate":
            target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
        else:
            target.unlink()
        restored = Checkpoints(directory, read_only=True).restore(TARGET)
        assert_same(restored.state, make_state(restored.step))
        at_item = path.relative_to(two_steps / "2").parts
        if len(at_item) > 1 and path.name != "commit_success.txt":
            assert restored.step == 1, path
        shutil.rmtree(directory)


def test_damage_is_named_and_a_later_save_replaces_it(two_steps, tmp_path, caplog):
    directory = tmp_path / "copy"
    shutil.copytree(two_steps, directory)
    (directory / "2" / "metadata" / "metadata").write_text("{")
    with Checkpoints(directory) as checkpoints:
        with pytest.raises(CheckpointError, match="step 2: metadata cannot be read"):
            checkpoints.restore(TARGET, step=2)
        assert checkpoints.restore(TARGET).step == 1
        assert "damaged checkpoint" in caplog.text and str(directory / "2") in caplog.text
        checkpoints.save(2, make_state(20), {"again": True})
    restored = Checkpoints(directory, read_only=True).restore(TARGET)
    assert restored.step == 2 and restored.metadata == {"again": True}
    assert_same(restored.state, make_state(20))


def test_nothing_good_is_an_error(two_steps, tmp_path):
    directory = tmp_path / "copy"
    shutil.copytree(two_steps, directory)
    for step in ("1", "2"):
        (directory / step / "params" / "checksums.json").unlink()
    with Checkpoints(directory) as checkpoints:
        with pytest.raises(CheckpointError, match=r"no good checkpoint: step 2.*step 1"):
            checkpoints.restore(TARGET)
        with pytest.raises(CheckpointError, match=r"step=5.*Steps on disk: 1, 2"):
            checkpoints.restore(TARGET, step=5)
    assert read_metadata(directory) == {"step": 2}


def test_mismatch_is_not_damage(two_steps):
    checkpoints = Checkpoints(two_steps, read_only=True)
    other = abstract(make_state(0))
    other["params"]["layers"][1] = jax.ShapeDtypeStruct((4, 16), jnp.float32)
    with pytest.raises(CheckpointError, match=r"params/layers/1 is float32\[4,8\] .*\[4,16\]"):
        checkpoints.restore(other)
    other = abstract(make_state(0))
    other["opt_state"]["1.count"] = jax.ShapeDtypeStruct((), jnp.int32)
    with pytest.raises(CheckpointError, match=r"opt_state/1.count is missing in the checkpoint"):
        checkpoints.restore(other)
    del other["opt_state"]
    with pytest.raises(CheckpointError, match=r"opt_state/0.mu.layers.0 is .* missing in the mod"):
        checkpoints.restore(other)
    other = abstract(make_state(0))
    other["params"]["layers"][1] = jax.ShapeDtypeStruct((4, 8), jnp.bfloat16)
    with pytest.raises(CheckpointError, match=r"bfloat16\[4,8\] in the model"):
        checkpoints.restore(other)


def test_params_alone(two_steps, tmp_path):
    directory = tmp_path / "copy"
    shutil.copytree(two_steps, directory)
    shutil.rmtree(directory / "2" / "training")  # proof that it is not read
    checkpoints = Checkpoints(directory, read_only=True)
    restored = checkpoints.restore_params(TARGET["params"])
    assert restored.step == 2
    assert_same(restored.state, make_state(2)["params"])
    cast = abstract(make_state(0)["params"])
    cast["layers"][1] = jax.ShapeDtypeStruct((4, 8), jnp.bfloat16)
    assert checkpoints.restore_params(cast).state["layers"][1].dtype == jnp.bfloat16
    with pytest.raises(CheckpointError, match="has a score"):
        checkpoints.restore_params(TARGET["params"], step="best")
    assert checkpoints.restore(TARGET).step == 1


def test_read_only_changes_nothing(two_steps, tmp_path):
    directory = tmp_path / "copy"
    shutil.copytree(two_steps, directory)
    (directory / "3.orbax-checkpoint-tmp").mkdir()
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    with Checkpoints(directory, read_only=True) as checkpoints:
        assert checkpoints.steps() == [1, 2]
        assert checkpoints.restore(TARGET).step == 2
        with pytest.raises(CheckpointError, match="read_only"):
            checkpoints.save(3, make_state(3), {})
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    nowhere = tmp_path / "nowhere"
    assert Checkpoints(nowhere, read_only=True).restore(TARGET) is None
    assert not nowhere.exists()


def test_leftovers_are_removed_at_start(two_steps, tmp_path):
    directory = tmp_path / "copy"
    shutil.copytree(two_steps, directory)
    leftover = directory / "3.orbax-checkpoint-tmp"
    shutil.copytree(directory / "2", leftover)
    with Checkpoints(directory) as checkpoints:
        assert checkpoints.steps() == [1, 2]
    assert not leftover.exists()


def test_winding_back_and_starting_over(tmp_path):
    save_steps(tmp_path, 1, 2, 3)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError, match="already holds step 3"):
            checkpoints.save(2, make_state(2), {})
        assert checkpoints.restore(TARGET, step=1).step == 1
        assert not checkpoints.save(1, make_state(1), {})  # the run stands there already
        assert checkpoints.save(2, make_state(20), {})
        assert not checkpoints.save(2, make_state(20), {})
        with pytest.raises(CheckpointError, match="cannot save step 1 after step 2"):
            checkpoints.save(1, make_state(1), {})
        assert checkpoints.steps() == [1, 2]
        assert_same(checkpoints.restore(TARGET).state, make_state(20))


def test_bad_input_is_refused_by_name(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        for state, message in (
            ({"params": {"w": 1.0}}, "params/w is a float"),
            ({"params": {"w": [jnp.ones(2)]}}, "params/w is a list"),
            ({"key": jax.random.key(0)}, "key_data"),
            ({"params": {}}, "no array"),
        ):
            with pytest.raises(CheckpointError, match=message):
                checkpoints.save(1, state, {})
        with pytest.raises(CheckpointError, match="not JSON"):
            checkpoints.save(1, make_state(1), {"x": object()})
        checkpoints.save(1, make_state(1), {})
    assert Checkpoints(tmp_path, read_only=True).restore(TARGET).step == 1


def test_metadata_without_arrays(tmp_path):
    save_steps(tmp_path, 1, 2)
    assert read_metadata(tmp_path) == {"step": 2}
    assert read_metadata(tmp_path, step=1) == {"step": 1}
    (tmp_path / "2" / "metadata" / "metadata").write_text(
        (tmp_path / "2" / "metadata" / "metadata").read_text().replace('"step": 2', '"step": 3')
    )
    assert read_metadata(tmp_path) == {"step": 1}
    with pytest.raises(CheckpointError, match="altered"):
        read_metadata(tmp_path, step=2)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        read_metadata(tmp_path / "nowhere")


CHILD = """
import resource, sys
import jax, jax.numpy as jnp
from mathjax.checkpoints import CheckpointError, Checkpoints

def make_state(step):
    return {"params": {str(i): jnp.full((256, 256), step, jnp.float32) for i in range(4)},
            "opt_state": {str(i): jnp.full((256, 256), step, jnp.float32) for i in range(4)},
            "step": jnp.asarray(step, jnp.int32)}
target = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), make_state(0))
"""

LOOP = """
checkpoints = Checkpoints(sys.argv[1], keep_last=2)
restored = checkpoints.restore(target)
step = restored.step if restored else 0
print("start", flush=True)
while True:
    step += 1
    checkpoints.save(step, make_state(step), {"step": step})
"""

FULL_DISK = """
noise = {"params": {"w": jax.random.bits(jax.random.key(0), (1 << 18,))}}
target = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), noise)
checkpoints = Checkpoints(sys.argv[1])
checkpoints.save(1, noise, {})
checkpoints.wait()
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
for act in (checkpoints.wait, checkpoints.close):
    try:
        checkpoints.save(2, noise, {})
        act()
    except CheckpointError as error:
        assert sys.argv[1] in str(error) and "step 2" in str(error), error
        print("refused:", error)
    else:
        raise SystemExit("the failed save went unnoticed")
assert checkpoints.restore(target).step == 1
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
checkpoints.save(3, noise, {})
checkpoints.close()
assert checkpoints.restore(target).step == 3
assert checkpoints.steps() == [1, 3], checkpoints.steps()
"""


def start(code: str, directory: Path) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, str(directory)],
        env=environment | {"JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_at_any_moment(tmp_path):
    shape = jax.ShapeDtypeStruct((256, 256), jnp.float32)
    target = {
        "params": {str(i): shape for i in range(4)},
        "opt_state": {str(i): shape for i in range(4)},
        "step": jax.ShapeDtypeStruct((), jnp.int32),
    }
    random_seconds = random.Random(0)
    seen = 0
    for _ in range(3):
        child = start(LOOP, tmp_path)
        assert child.stdout.readline().strip() == "start", child.stderr.read()
        deadline = time.monotonic() + 60
        while (Checkpoints(tmp_path, read_only=True).latest_step or 0) < seen + 2:
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(random_seconds.uniform(0.05, 0.3))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        restored = Checkpoints(tmp_path, read_only=True).restore(target)
        assert restored.step > seen
        seen = restored.step
        assert restored.metadata == {"step": seen}
        assert {float(leaf.ravel()[0]) for leaf in jax.tree.leaves(restored.state)} == {seen}
        assert all((np.asarray(leaf) == seen).all() for leaf in jax.tree.leaves(restored.state))


def test_a_failed_write_surfaces_and_older_steps_stay(tmp_path):
    child = start(FULL_DISK, tmp_path)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert output.count("refused:") == 2, output


def test_a_failed_save_does_not_hide_the_error_of_the_block(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mathjax.checksums._digests", full)
    with pytest.raises(ZeroDivisionError), Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), {})
        raise ZeroDivisionError
    with (
        pytest.raises(CheckpointError, match="No space left"),
        Checkpoints(tmp_path) as checkpoints,
    ):
        checkpoints.save(1, make_state(1), {})
    assert Checkpoints(tmp_path, read_only=True).steps() == []


def test_files_are_plain_json_and_arrays(two_steps):
    step = two_steps / "2"
    content = json.loads((step / "metadata" / "metadata").read_text())["content"]
    assert content["leaves"]["params/layers/0"] == "bfloat16[4,8]"
    assert content["leaves"]["step"] == "int32[]"
    for item in ("params", "training"):
        sums = json.loads((step / item / "checksums.json").read_text())
        data = [name for name in sums if "/d/" in f"/{name}"]
        assert data and all(sums[name][0] == (step / item / name).stat().st_size for name in sums)
