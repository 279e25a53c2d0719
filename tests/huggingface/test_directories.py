"""A new directory is there whole or not at all, whatever happens meanwhile, and takes the place of
a model's only."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mathjax.errors import UserError
from mathjax.huggingface import directories
from mathjax.huggingface.directories import check_target, new_directory


def write(directory, text="new"):
    (directory / "config.json").write_text(text)
    (directory / "part").mkdir()
    (directory / "part" / "weights").write_text(text)


def files(directory):
    """Every file and empty directory below it, hidden ones too."""
    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if not path.is_dir() or not any(path.iterdir())
    )


@pytest.fixture
def model(tmp_path):
    """An old model's directory."""
    target = tmp_path / "model"
    target.mkdir()
    (target / "config.json").write_text("old")
    (target / "more").write_text("old")
    return target


def test_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "some" / "where" / "model"
    with new_directory(target) as directory:
        write(directory)
        assert not target.exists()
        assert directory.parent == target.parent  # a rename, not a copy
    assert files(tmp_path) == [
        "some/where/model/config.json",
        "some/where/model/part/weights",
    ]


def test_an_empty_directory_is_filled(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    with new_directory(target) as directory:
        write(directory)
    assert files(tmp_path) == ["model/config.json", "model/part/weights"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_error_leaves_what_was_there(tmp_path, request, error, overwrite):
    target = request.getfixturevalue("model") if overwrite else tmp_path / "model"
    before = files(tmp_path)
    with pytest.raises(error), new_directory(target, overwrite=overwrite) as directory:
        write(directory)
        raise error
    assert files(tmp_path) == before
    assert not overwrite or (target / "config.json").read_text() == "old"


def test_replaces_a_model_when_asked_to(tmp_path, model):
    with new_directory(model, overwrite=True) as directory:
        write(directory)
        assert (model / "config.json").read_text() == "old"
    assert files(tmp_path) == ["model/config.json", "model/part/weights"]
    assert (model / "config.json").read_text() == "new"


def test_does_not_replace_a_model_unasked(tmp_path, model):
    with pytest.raises(UserError, match="model exists: .*--overwrite"), new_directory(model):
        pytest.fail("entered")
    assert files(tmp_path) == ["model/config.json", "model/more"]


def test_what_is_no_model_is_never_replaced(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.tex").touch()
    (work / "config.json").mkdir()
    with pytest.raises(UserError, match="does not look like a model's directory"):
        check_target(work, overwrite=True)
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(work)
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    before = files(tmp_path)
    for name, why in {
        "work": "does not look like a model's",
        "file": "is a file",
        "nowhere": "is a file",
        "link": "is a link or a mount",
        "file/model": "cannot write",
    }.items():
        for overwrite in (False, True):
            if name == "work" and not overwrite:
                continue
            with (
                pytest.raises(UserError, match=why),
                new_directory(tmp_path / name, overwrite=overwrite),
            ):
                pytest.fail("entered")
    assert files(tmp_path) == before
    with pytest.raises(UserError, match="is a link or a mount"):
        check_target(Path("/"), overwrite=True)


@pytest.mark.parametrize("mark", directories.MARKS)
def test_every_kind_of_model_may_be_replaced(tmp_path, mark):
    target = tmp_path / "model"
    target.mkdir()
    (target / mark).touch()
    check_target(target, overwrite=True)


def test_a_target_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "model"
    with pytest.raises(UserError, match="model exists"), new_directory(target) as directory:
        write(directory)
        target.mkdir()
        (target / "config.json").write_text("another's")
    assert files(tmp_path) == ["model/config.json"]
    assert (target / "config.json").read_text() == "another's"


def test_the_old_comes_back_where_the_new_cannot_be_moved(tmp_path, model, monkeypatch):
    rename = os.rename

    def fail(source, target):
        if ".partial-" in str(source):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with (
        pytest.raises(UserError, match="cannot write .*model: No space left on device"),
        new_directory(model, overwrite=True) as directory,
    ):
        write(directory)
    assert files(tmp_path) == ["model/config.json", "model/more"]


def test_names_with_dots_and_wildcards(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    for target, name in {"../a[b]*?": "a[b]*?", "x/../y": "inside/y", "./z": "inside/z"}.items():
        with new_directory(Path(target)) as directory:
            write(directory)
        assert (tmp_path / name / "config.json").exists()
        leave_partial(tmp_path / name, dead_process())
        with new_directory(tmp_path / name, overwrite=True) as directory:
            write(directory)
        assert not list((tmp_path / name).parent.glob(".*"))


def dead_process():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def leave_partial(target, process, host=None):
    host = host or socket.gethostname()
    partial = target.parent / f".{target.name}.partial-{host}-{process}"
    partial.mkdir()
    write(partial)
    return partial


def test_what_runs_elsewhere_is_left_alone(tmp_path):
    target = tmp_path / "model"
    running = leave_partial(target, os.getppid())
    other_host = leave_partial(target, 1, host="another-host")
    other_target = leave_partial(tmp_path / "model-2", dead_process())
    dead = leave_partial(target, dead_process())
    own = leave_partial(target, os.getpid())  # of a container before this one
    with new_directory(target) as directory:
        write(directory)
    assert running.exists()
    assert other_host.exists()
    assert other_target.exists()
    assert not dead.exists()
    assert not own.exists()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from mathjax.huggingface import directories

    target, moment = Path(sys.argv[1]), sys.argv[2]
    rename, renames = os.rename, []

    def counted(source, to):
        renames.append(to)
        if moment == f"rename-{len(renames)}":
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, to)

    os.rename = counted
    if moment == "removal":
        directories.shutil.rmtree = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
    with directories.new_directory(target, overwrite=True) as directory:
        (directory / "config.json").write_text("new")
        if moment == "block":
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        ("block", "old"),
        ("rename-1", "old"),  # old -> aside
        ("rename-2", None),  # new -> its place
        ("removal", "new"),  # of the old
    ],
)
def test_killed_at_any_moment(tmp_path, model, moment, left):
    """The directory is the old, the new, or not there; the next call brings it back and cleans
    up."""
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), model, moment])
    assert killed.returncode == -signal.SIGKILL
    visible = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert visible == ([] if left is None else ["model"])
    if left is not None:
        assert (model / "config.json").read_text() == left
    with pytest.raises(UserError, match="model exists"), new_directory(model):
        pytest.fail("entered")
    assert os.listdir(tmp_path) == ["model"]
    assert (model / "config.json").read_text() == (left or "old")
    with new_directory(model, overwrite=True) as directory:
        write(directory, "newer")
    assert files(tmp_path) == ["model/config.json", "model/part/weights"]


def test_a_kill_before_there_was_a_directory_leaves_none(tmp_path):
    target = tmp_path / "model"
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), target, "rename-1"])
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    (partial,) = tmp_path.iterdir()
    assert partial.name.startswith(".model.partial-")
    with new_directory(target) as directory:
        assert not partial.exists()
        write(directory)
    assert files(tmp_path) == ["model/config.json", "model/part/weights"]
