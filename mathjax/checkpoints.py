"""Checkpoints that are whole or known to be damaged: Orbax does the writing, this page adds trust.

One step on disk is one directory:

    <directory>/<step>/params/      state["params"]: nested dicts of arrays, and checksums.json
    <directory>/<step>/training/    everything else of the state, likewise
    <directory>/<step>/metadata/    JSON: step, score, shape and dtype of each leaf, your metadata

Parameters lie apart so that evaluation neither reads nor checks optimizer state. Orbax (0.12) loads
a flipped byte without a word, so each array item carries the size and CRC-32 of its files. They are
computed from the files after all processes have written and before Orbax renames the temporary
directory: in the background, independent of the mesh that saves or restores, and inside the same
atomic commit, so that no step is ever complete without them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from etils import epath
from jax.experimental import multihost_utils

from mathjax.checksums import (
    CheckpointError,
    DamageError,
    SealedSave,
    describe,
    first_line,
    item_of,
    read_manifest,
    sealed_manifest,
    verify,
)

_ARRAY_ITEMS = ("params", "training")


@dataclasses.dataclass(frozen=True)
class Restored:
    step: int
    state: dict[Any, Any]  # the tree that was asked for, with its shardings
    metadata: dict[str, Any]  # what was handed to `save`


class Checkpoints:
    """The checkpoints of one run, in one directory that all its processes share.

    Keeps the newest `keep_last` steps and, with `keep_best`, also the one with the highest score.
    With `read_only` nothing in the directory is created, changed or removed, so that a run in
    progress can be read from elsewhere.

    After `restore`, the first `save` removes the steps newer than the restored one: they are
    damaged, or the run has been wound back on purpose. Without `restore`, a `save` that is not
    newer than what is there is refused.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        keep_last: int = 3,
        keep_best: bool = True,
        asynchronous: bool = True,
        read_only: bool = False,
    ):
        if keep_last < 1:
            raise CheckpointError(f"checkpoint.keep_last={keep_last}: keep at least 1")
        self.directory = epath.Path(directory).resolve()
        self._keep_last, self._keep_best = keep_last, keep_best
        self._asynchronous, self._read_only = asynchronous, read_only
        self._manager: ocp.CheckpointManager | None = None
        self._position: int | None = None  # the step this run stands on: last saved or restored
        self._pending: tuple[int, float | None] | None = None  # step and score being saved
        if not read_only:
            self._open()

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self.close()
        except CheckpointError as failure:
            if error is None:
                raise
            logging.error("%s", failure)  # the error that ended the block is the one to show

    def steps(self) -> list[int]:
        """Complete steps on disk, oldest first; a step that was damaged later is among them."""
        return _steps(self.directory)

    @property
    def latest_step(self) -> int | None:
        return max(self.steps(), default=None)

    @property
    def best_step(self) -> int | None:
        """Step with the highest score, the newer of two equals; None if no step has a score."""
        return _best(_scores(self.directory))

    def save(
        self, step: int, state: dict[Any, Any], metadata: dict[str, Any], score: float | None = None
    ) -> bool:
        """Copies `state` off the devices, then writes it in the background.

        `state` is a nested dict of arrays, `metadata` anything JSON can hold; `score` ranks steps,
        higher is better. The caller may donate `state` at once. Waits for the save before, if it is
        still under way. Returns False, having written nothing, if the run already stands on `step`.
        Raises CheckpointError for this save or, late, for the one before; older steps stay intact.
        """
        if self._read_only:
            raise CheckpointError(f"{self.directory} was opened with read_only=True: cannot save")
        leaves = _leaves(state)
        if not leaves:
            raise CheckpointError(f"step {step}: the state holds no array, nothing to save")
        score = float(score) if score is not None and math.isfinite(score) else None
        items = {"metadata": ocp.args.JsonSave(sealed_manifest(step, score, leaves, metadata))}
        items |= {name: SealedSave(tree) for name, tree in _split(state).items() if tree}
        self.wait()
        manager = self._open()
        if step == self._position and step in manager.all_steps():
            logging.info("step %d is saved already", step)
            return False
        self._remove_abandoned(manager, step)
        self._pending = (step, score)
        try:
            manager.save(step, args=ocp.args.Composite(**items), force=True)
        except Exception as error:
            self._fail(error)
        if not self._asynchronous:
            self.wait()
        return True

    def wait(self) -> None:
        """Returns when the save under way is complete; raises CheckpointError if it failed."""
        if self._pending is None:
            return
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            self._fail(error)
        self._position, self._pending = self._pending[0], None

    def close(self) -> None:
        """Finishes the save under way. Closing twice is harmless."""
        self.wait()
        if self._manager is not None:
            self._manager.close()
            self._manager = None

    def restore(self, abstract_state: dict[Any, Any], step: int | None = None) -> Restored | None:
        """The newest good step, or `step`; None if there is no step at all.

        `abstract_state` is a nested dict of jax.ShapeDtypeStruct whose shardings say where the
        arrays go; the mesh need not be the one that saved. A damaged step is named in a warning and
        the next older one is tried. Raises CheckpointError if no step is good, if the given `step`
        is missing or damaged, and, without trying others, if the tree, a shape or a dtype differs.
        """
        restored = self._restore(abstract_state, _ARRAY_ITEMS, step, exact=True)
        if restored is not None:
            self._position = restored.step
        return restored

    def restore_params(
        self,
        abstract_params: dict[Any, Any],
        step: int | Literal["best"] | None = None,
        each: Callable[[str, jax.Array], None] | None = None,
    ) -> Restored | None:
        """Like `restore` for state["params"] alone: optimizer state is neither read nor checked.

        `step` may be "best". Floating-point leaves are cast to the dtype asked for. With `each`
        leaves are read one after another, handed to it with their dotted path and let go; the
        result's state is empty then. It starts again with the first leaf if the step turns out to
        be damaged.
        """
        wanted = {"params": abstract_params}
        restored = self._restore(wanted, ("params",), step, exact=False, each=each)
        return restored and dataclasses.replace(restored, state=restored.state.get("params", {}))

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Called by Orbax: which of `checkpoints`, oldest first and the new one last, to keep."""
        steps = [checkpoint.step for checkpoint in checkpoints]
        kept = set(steps[-self._keep_last :])
        if self._keep_best:
            step, score = self._pending
            kept.add(_best(_scores(self.directory) | ({} if score is None else {step: score})))
        return [step in kept for step in steps]

    def _open(self) -> ocp.CheckpointManager:
        if self._manager is None:
            options = ocp.CheckpointManagerOptions(
                preservation_policy=self,
                cleanup_tmp_directories=True,
                lightweight_initialize=True,  # else one damaged step blocks the whole directory
            )
            try:
                if jax.process_index() == 0 and self.directory.exists():
                    for path in self.directory.iterdir():  # Orbax' own cleaning waits for a save
                        if ".orbax-checkpoint-tmp" in path.name:
                            path.rmtree()
                self._manager = ocp.CheckpointManager(self.directory, options=options)
            except OSError as error:
                raise CheckpointError(f"cannot save in {self.directory}: {error}") from error
        return self._manager

    def _remove_abandoned(self, manager: ocp.CheckpointManager, step: int) -> None:
        present = manager.all_steps()
        if self._position is None:
            if any(other >= step for other in present):
                raise CheckpointError(
                    f"{self.directory} already holds step {max(present)}, step {step} is not newer:"
                    f" restore from it first, or use another directory"
                )
            return
        if step < self._position:
            raise CheckpointError(f"cannot save step {step} after step {self._position}")
        for other in [other for other in present if other > self._position]:
            logging.warning("removing step %d: the run went on from %d", other, self._position)
            manager.delete(other)

    def _fail(self, error: Exception) -> None:
        step, self._pending = self._pending[0], None
        manager, self._manager = self._manager, None  # it believes the step is there: start afresh
        try:
            manager.close()
        except Exception as second:
            logging.debug("closing after a failed save: %s", second)
        raise CheckpointError(
            f"cannot save step {step} in {self.directory}: {first_line(error)}. Is the disk full "
            f"or not writable? Older checkpoints are intact."
        ) from error

    def _restore(
        self,
        abstract: dict[Any, Any],
        names: Sequence[str],
        step: int | str | None,
        exact: bool,
        each: Callable[[str, jax.Array], None] | None = None,
    ) -> Restored | None:
        def attempt(path: epath.Path) -> Restored:
            _on_primary(lambda: verify(path, names))
            manifest = read_manifest(path)
            _check_fit(path, manifest["leaves"], _leaves(abstract), names, exact)
            if each is None:
                return Restored(manifest["step"], _load(path, abstract), manifest["metadata"])
            _load_each(path / "params", abstract["params"], each)
            return Restored(manifest["step"], {}, manifest["metadata"])

        self.wait()
        return _first_good(self.directory, step, attempt)


def read_metadata(
    directory: str | os.PathLike[str], step: int | Literal["best"] | None = None
) -> dict[str, Any]:
    """The metadata handed to `save`, of the newest step or of `step`; no array is read or checked.

    Raises CheckpointError if there is none that can be read.
    """
    return _read_manifest(directory, step)["metadata"]


def read_step(directory: str | os.PathLike[str], step: int | Literal["best"] | None = None) -> int:
    """The step whose metadata `read_metadata` returns."""
    return _read_manifest(directory, step)["step"]


def _read_manifest(directory: str | os.PathLike[str], step: int | str | None) -> dict[str, Any]:
    directory = epath.Path(directory).resolve()
    manifest = _first_good(directory, step, read_manifest)
    if manifest is None:
        raise CheckpointError(f"{directory} holds no checkpoint")
    return manifest


T = TypeVar("T")


def _first_good(
    directory: epath.Path, step: int | str | None, attempt: Callable[[epath.Path], T]
) -> T | None:
    """`attempt` of the newest undamaged step, or of `step`; None if there is no step at all."""
    reasons: list[str] = []
    for candidate in _candidates(directory, step):
        path = directory / str(candidate)
        try:
            return attempt(path)
        except DamageError as damage:
            reasons.append(f"step {candidate}: {damage}")
            logging.warning("damaged checkpoint %s: %s", path, damage)
    if step is None and not reasons:
        return None
    wanted = "no good checkpoint" if step is None else f"no good checkpoint for step={step}"
    raise CheckpointError(
        f"{directory} holds {wanted}: {'; '.join(reasons) or 'it is not there'}. "
        f"Steps on disk: {', '.join(map(str, _steps(directory))) or 'none'}"
    )


def _candidates(directory: epath.Path, step: int | str | None) -> Iterator[int]:
    """Looks again after each failure: a run in progress adds and removes steps."""
    if step == "best":
        step = _best(_scores(directory))
        if step is None:
            raise CheckpointError(f"no checkpoint in {directory} has a score: ask for the newest")
    if step is not None:
        yield from {step} & set(_steps(directory))
        return
    tried: set[int] = set()
    while left := set(_steps(directory)) - tried:
        tried.add(max(left))
        yield max(left)


def _steps(directory: epath.Path) -> list[int]:
    """A step appears by a rename; an object store cannot rename, there a marker is written last."""
    try:
        names = [path.name for path in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    marker = "commit_success.txt" if str(directory).startswith("gs://") else ""
    return sorted(int(n) for n in names if n.isdecimal() and (directory / n / marker).exists())


def _scores(directory: epath.Path) -> dict[int, float]:
    scores = {}
    for step in _steps(directory):
        with contextlib.suppress(DamageError):
            scores[step] = read_manifest(directory / str(step))["score"]
    return {step: score for step, score in scores.items() if score is not None}


def _best(scores: dict[int, float]) -> int | None:
    return max(scores, key=lambda step: (scores[step], step), default=None)


def _on_primary(check: Callable[[], None]) -> None:
    """Runs `check` on process 0 alone; the damage it finds is raised on every process."""
    reason = None
    if jax.process_index() == 0:
        try:
            check()
        except DamageError as damage:
            reason = str(damage)
    damaged = reason is not None
    if jax.process_count() > 1:
        damaged = bool(multihost_utils.broadcast_one_to_all(np.int32(damaged)))
    if damaged:
        raise DamageError(reason or "process 0 found damage")


# ---- trees


def _leaves(tree: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    """{"params/layers/query": array}; raises CheckpointError on all but dicts and plain arrays."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{name}/")
        elif not hasattr(value, "shape") or not hasattr(value, "dtype"):
            kind = type(value).__name__
            raise CheckpointError(f"{name} is a {kind}: a state is nested dicts of arrays")
        elif jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            raise CheckpointError(f"{name} is a random key: save jax.random.key_data of it")
        else:
            leaves[name] = value
    return leaves


def _plain(tree: dict[Any, Any]) -> dict[str, Any]:
    """String keys and no empty dicts: the same on disk whatever the caller's keys are."""
    plain = {str(k): _plain(v) if isinstance(v, dict) else v for k, v in tree.items()}
    return {key: value for key, value in plain.items() if not isinstance(value, dict) or value}


def _like(abstract: dict[Any, Any], plain: dict[str, Any]) -> dict[Any, Any]:
    """`plain` with the keys and the empty dicts of `abstract`."""
    return {
        key: _like(value, plain.get(str(key), {})) if isinstance(value, dict) else plain[str(key)]
        for key, value in abstract.items()
    }


def _split(state: dict[Any, Any]) -> dict[str, dict[str, Any]]:
    items: dict[str, dict[str, Any]] = {name: {} for name in _ARRAY_ITEMS}
    for key, value in _plain(state).items():
        items[item_of(key)][key] = value
    return items


def _check_fit(
    path: epath.Path,
    saved: dict[str, str],
    abstract: dict[str, Any],
    names: Sequence[str],
    exact: bool,
) -> None:
    saved = {leaf: kind for leaf, kind in saved.items() if item_of(leaf) in names}
    wanted = {leaf: describe(value) for leaf, value in abstract.items()}
    for leaf in wanted | saved:
        have, want = saved.get(leaf, "missing"), wanted.get(leaf, "missing")
        (have_dtype, _, have_shape), (want_dtype, _, want_shape) = (
            kind.partition("[") for kind in (have, want)
        )
        cast = not exact and "float" in have_dtype and "float" in want_dtype
        if have != want and not (cast and have_shape == want_shape):
            raise CheckpointError(
                f"{path} does not fit: {leaf} is {have} in the checkpoint and {want} in the model. "
                f"Use the model, LoRA and optimizer settings that wrote it, or another directory"
            )


def _target(leaf: Any) -> jax.ShapeDtypeStruct:
    sharding = getattr(leaf, "sharding", None)
    sharding = sharding or jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def _load(path: epath.Path, abstract: dict[Any, Any]) -> dict[Any, Any]:
    state: dict[str, Any] = {}
    for name, wanted in _split(abstract).items():
        if not wanted:
            continue
        with _reading(path / name), ocp.Checkpointer(ocp.StandardCheckpointHandler()) as reader:
            arguments = ocp.args.StandardRestore(jax.tree.map(_target, wanted))
            state |= reader.restore(path / name, args=arguments)
    return _like(abstract, state)


def _load_each(
    path: epath.Path, abstract: dict[Any, Any], each: Callable[[str, jax.Array], None]
) -> None:
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
        for keys, leaf in jax.tree_util.tree_leaves_with_path(abstract):
            item: Any = _target(leaf)
            for key in reversed(keys):
                item = {key.key: item}
            with _reading(path):
                arguments = ocp.args.PyTreeRestore(
                    item={"params": item},
                    restore_args=ocp.checkpoint_utils.construct_restore_args({"params": item}),
                    partial_restore=True,
                )
                (value,) = jax.tree.leaves(reader.restore(path, args=arguments))
            each(".".join(key.key for key in keys), value)
            del value


@contextlib.contextmanager
def _reading(path: epath.Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not path.exists():
            raise DamageError("was removed while it was being read") from error
        raise CheckpointError(f"cannot load {path}: {first_line(error)}") from error
