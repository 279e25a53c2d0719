"""The training loop: resume, step, log, validate, checkpoint, stop cleanly."""

from __future__ import annotations

import dataclasses
import math
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import logging
from flax import nnx
from jax.sharding import Mesh
from tqdm import tqdm

from mathjax import config as config_lib
from mathjax.checkpoints import Checkpoints
from mathjax.errors import UserError
from mathjax.models import lora
from mathjax.models.quantization import LEAVES
from mathjax.parallel import Rules, batch_sharding, put_batch
from mathjax.training import state as state_lib
from mathjax.training.metrics import MetricsWriter, device_peak_flops, model_flops_per_token
from mathjax.training.optimizer import learning_rate_schedule, make_optimizer
from mathjax.training.step import make_train_step

Pretrained = Callable[[dict[str, Any]], dict[str, Any]]
"""Nested shardings -> weights, best placed so."""


class TrainingError(UserError):
    """Training cannot go on; the last good checkpoint is intact."""


class Stopped(Exception):
    """SIGTERM or Ctrl-C: the state of this step is saved."""

    def __init__(self, signal_number: int, step: int):
        self.signal_number, self.step = signal_number, step


@dataclasses.dataclass(frozen=True)
class Trainer:
    """Everything that one run compiles and shards, built once from the config and a model
    factory."""

    config: config_lib.Config
    mesh: Mesh
    num_steps: int
    graph: nnx.GraphDef
    abstract: nnx.State
    optimizer: Any
    shardings: state_lib.TrainState
    step: Callable[..., Any]  # jitted
    make_model: Callable[[nnx.Rngs], nnx.Module]
    pretrained: Pretrained | None = None

    @classmethod
    def create(
        cls,
        config: config_lib.Config,
        mesh: Mesh,
        make_model: Callable[[nnx.Rngs], nnx.Module],
        num_steps: int,
        pretrained: Pretrained | None = None,
    ) -> Trainer:
        """`make_model` makes the model with the adapters and the storage it is trained with.

        `pretrained(shardings)` returns the weights to start from, without adapters and nested as
        the model's own: kernels, or NF4 leaves. None: random ones. They are called for once, at
        the start or, if they stay frozen, at each resume.
        """
        rules = Rules()
        shards = math.prod(mesh.shape[axis] for axis in rules.batch)
        micro_batch = config.train.batch_size // config.train.accumulation_steps
        if micro_batch % shards:
            raise config_lib.ConfigError(
                f"train.batch_size={config.train.batch_size} / train.accumulation_steps="
                f"{config.train.accumulation_steps} = {micro_batch} rows do not divide over mesh "
                f"axes data x fsdp = {mesh.shape['data']} x {mesh.shape['fsdp']}"
            )
        graph, abstract = state_lib.abstract_model(make_model)
        optimizer = make_optimizer(config.optimizer, num_steps)
        shardings = state_lib.state_shardings(abstract, optimizer, mesh, rules)
        step = make_train_step(
            graph,
            optimizer,
            learning_rate_schedule(config.optimizer, num_steps),
            config.train.accumulation_steps,
            config.seed,
        )
        step = jax.jit(
            step,
            donate_argnums=0,
            in_shardings=(shardings, batch_sharding(mesh, rules)),
            out_shardings=(shardings, None),
        )
        return cls(
            config,
            mesh,
            num_steps,
            graph,
            abstract,
            optimizer,
            shardings,
            step,
            make_model,
            pretrained,
        )

    def initial_state(self) -> state_lib.TrainState:
        make = (self.make_model, self.optimizer, self.config.seed, self.shardings)
        with jax.set_mesh(self.mesh):
            if self.pretrained is None:
                return state_lib.create_state(*make)
            return state_lib.create_state_from(self._base(), *make)

    def restore(self, checkpoints: Checkpoints) -> state_lib.TrainState | None:
        """Newest good checkpoint on this mesh, whatever mesh wrote it; None where there is none."""
        target = state_lib.abstract_state(self.abstract, self.optimizer, self.shardings)
        restored = checkpoints.restore(state_lib.to_plain(target))
        if restored is None:
            return None
        return state_lib.from_plain(restored.state, target, self._frozen())

    def _frozen(self) -> dict[str, Any]:
        """What a checkpoint does not hold."""
        if not self.shardings.frozen:
            return {}
        with jax.set_mesh(self.mesh):
            if self.pretrained is not None:
                return self._base()
            return state_lib.create_frozen(self.make_model, self.config.seed, self.shardings)

    def _base(self) -> dict[str, Any]:
        _, abstract = lora.split(nnx.to_pure_dict(self.abstract))
        shardings = self.shardings.frozen or self.shardings.params
        return state_lib.place(self.pretrained(shardings), abstract, shardings)

    def put(self, batch: dict[str, np.ndarray]) -> dict[str, jax.Array]:
        return put_batch(batch, batch_sharding(self.mesh, Rules()))

    @property
    def num_parameters(self) -> int:
        """Of the model, adapters included; one in NF4 counts as one."""
        return _count(nnx.to_pure_dict(self.abstract))

    @property
    def num_trainable(self) -> int:
        return _count(state_lib.split_params(nnx.to_pure_dict(self.abstract))[0])

    def flops_per_token(self) -> float:
        """Of training, a mean over full rows, by the formula of `model_flops_per_token`; the
        embedding look-up is not a product, and frozen weights have no gradient of their own (2 of 6
        FLOPs). Of an encoder-decoder, its decoder's weights count for response tokens alone."""
        model = nnx.merge(self.graph, self.abstract)
        config, data = model.config, self.config.data
        params = nnx.to_pure_dict(self.abstract)
        looked_up = 0 if config.tie_embeddings else math.prod(params["embedding"].shape)
        multiplied = self.num_parameters - looked_up
        used = 1 - max(multiplied - self.num_trainable, 0) / 3 / multiplied
        length, size = data.row_length, config.num_heads * config.head_size
        if not model.is_encoder_decoder:
            return model_flops_per_token(used * multiplied, config.num_layers, length, size)
        encoder = used * _count(params["encoder"])
        prompts, responses = length, data.target_row_length or length
        # Without a causal mask a position costs twice as much; the decoder also sees all prompts.
        row = prompts * model_flops_per_token(encoder, config.num_layers, 2 * prompts, size)
        row += responses * model_flops_per_token(
            used * multiplied - encoder,
            config.num_decoder_layers,
            responses + 2 * prompts,
            size,
        )
        return row / (prompts + responses)


def _count(params: dict[str, Any]) -> int:
    """Weights; a byte of NF4 codes holds two, its scales none."""
    sizes = {"codes": 2} | dict.fromkeys(LEAVES[1:], 0)
    return sum(
        sizes.get(path[-1].key, 1) * math.prod(x.shape)
        for path, x in jax.tree_util.tree_leaves_with_path(params)
    )


class _Signals:
    """Remembers the first SIGTERM or SIGINT, so that it is acted on between two steps; a second
    Ctrl-C kills."""

    def __init__(self):
        self.number: int | None = None
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            self.previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: object) -> None:
        if self.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
        print(f"\n{signal.Signals(number).name}: saving after this step ...", file=sys.stderr)


def train(
    trainer: Trainer,
    workdir: Path,
    loader: Callable[[int], Iterable[dict[str, np.ndarray]]],
    validate: Callable[[Any, int], dict[str, float]] | None = None,
) -> state_lib.TrainState:
    """Trains to `trainer.num_steps` in `workdir`, going on from its newest good checkpoint.

    `loader(step)` yields the batches from that step on. `validate(params, step)`, given all of the
    model's parameters, returns scores to log, of which 'validation/pass_at_1' ranks checkpoints.
    Raises Stopped after a signal, with that step saved, and TrainingError on a non-finite loss,
    with nothing newer saved than the last good step.
    """
    config = trainer.config
    section = config.checkpoint
    with (
        Checkpoints(
            workdir / "checkpoints", keep_last=section.keep_last, keep_best=section.keep_best
        ) as checkpoints,
        _Signals() as signals,
        jax.set_mesh(trainer.mesh),
    ):
        state = trainer.restore(checkpoints)
        if state is None:
            state = trainer.initial_state()
        start = int(state.step)
        if start:
            print(f"resuming after step {start:,} of {trainer.num_steps:,}")
        if start >= trainer.num_steps:
            return state
        with (
            closing(MetricsWriter(workdir, resume_step=start)) as writer,
            _Progress(trainer.num_steps, start) as progress,
            closing(loader(start)) as batches,
        ):
            logger = _Logger(trainer, writer, progress)
            saved = start
            for step, batch in zip(range(start + 1, trainer.num_steps + 1), batches, strict=False):
                state, metrics = trainer.step(state, trainer.put(batch))
                logger.add(step, metrics)
                scores: dict[str, float] = {}
                if logger.validates(step):
                    logger.collect()
                    if validate and signals.number is None:
                        with logger.paused():
                            scores = validate(state.model_params, step)
                        progress.note(f"pass@1 {scores['validation/pass_at_1']:.2f}")
                    logger.write(step, scores)
                stopping = signals.number
                if stopping or _due(step, section.every_steps, step == trainer.num_steps):
                    logger.collect()  # raises on a non-finite loss, before the state is saved
                    with logger.paused():
                        checkpoints.save(
                            step,
                            state_lib.to_plain(state),
                            {"config": config_lib.to_dict(config)},
                            scores.get("validation/pass_at_1"),
                        )
                    saved = step
                if stopping:
                    checkpoints.wait()
                    raise Stopped(stopping, step)
            if saved < trainer.num_steps:
                raise TrainingError(
                    f"the data ended after step {int(state.step)} of {trainer.num_steps}: "
                    "lower train.num_steps"
                )
    return state


def _due(step: int, every: int, last: bool) -> bool:
    return every > 0 and (last or step % every == 0)


class _Logger:
    """Collects step metrics one step late, so that fetching them never waits for the device to go
    idle."""

    def __init__(self, trainer: Trainer, writer: MetricsWriter, progress: _Progress):
        self.trainer, self.writer, self.progress = trainer, writer, progress
        self.every = trainer.config.train.log_every
        self.pending: tuple[int, dict[str, jax.Array]] | None = None
        self.window: list[dict[str, float]] = []
        self.flops_per_token = trainer.flops_per_token()
        self.peak = device_peak_flops() * trainer.mesh.size
        self.first = True
        self.started = time.perf_counter()

    def add(self, step: int, metrics: dict[str, jax.Array]) -> None:
        self.collect()
        self.pending = (step, metrics)
        if self.first:  # neither its tokens nor its time, which is compilation, count as speed
            self.first = False
            metrics["loss"].block_until_ready()
            self.pending = (step, metrics | {"tokens": np.zeros(())})
            self.started = time.perf_counter()

    def collect(self) -> None:
        """Fetches what is pending; raises TrainingError where it is not finite. Writes a row where
        one is due."""
        if self.pending is None:
            return
        step, metrics = self.pending
        self.pending = None
        values = {key: float(value) for key, value in jax.device_get(metrics).items()}
        if not math.isfinite(values["loss"]) or not math.isfinite(values["grad_norm"]):
            self.writer.write(step, values)
            raise TrainingError(
                f"step {step}: loss is {values['loss']}, gradient norm {values['grad_norm']}. The "
                "checkpoints up to here are intact. Lower optimizer.learning_rate or "
                "optimizer.clip_norm and start a new workdir."
            )
        self.window.append(values)
        self.progress.update(step, values["loss"])
        if _due(step, self.every, step == self.trainer.num_steps) and not self.validates(step):
            self.write(step)

    def validates(self, step: int) -> bool:
        return _due(step, self.trainer.config.eval.every_steps, step == self.trainer.num_steps)

    def write(self, step: int, scores: dict[str, float] | None = None) -> None:
        """One row: means over the steps since the last one, and validation scores where there are
        some."""
        if not self.window:
            return
        row = {key: float(np.mean([w[key] for w in self.window])) for key in self.window[0]}
        seconds = time.perf_counter() - self.started
        row["learning_rate"] = self.window[-1]["learning_rate"]
        rate = sum(w["tokens"] for w in self.window) / seconds
        del row["tokens"]
        row["tokens_per_second"] = rate
        row["mfu"] = rate * self.flops_per_token / self.peak
        self.writer.write(step, row | (scores or {}))
        self.window.clear()
        self.started = time.perf_counter()

    def paused(self) -> _Pause:
        return _Pause(self)


class _Pause:
    """Keeps validation and saving out of tokens/s."""

    def __init__(self, logger: _Logger):
        self.logger = logger

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.logger.started += time.perf_counter() - self.began


class _Progress:
    """A bar on a terminal, one line a minute elsewhere."""

    def __init__(self, total: int, start: int):
        self.total, self.text, self.last_line = total, "", time.monotonic()
        self.bar = (
            tqdm(total=total, initial=start, unit="step", desc="training", dynamic_ncols=True)
            if sys.stderr.isatty() and jax.process_index() == 0
            else None
        )

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def note(self, text: str) -> None:
        self.text = text
        if self.bar is None:
            print(f"  {text}", flush=True)

    def update(self, step: int, loss: float) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.3f}" + (f", {self.text}" if self.text else ""))
            self.bar.update(step - self.bar.n)
        elif time.monotonic() - self.last_line >= 60 or step == self.total:
            self.last_line = time.monotonic()
            if jax.process_index() == 0:
                print(f"step {step:,}/{self.total:,}  loss {loss:.4f}", flush=True)
        logging.debug("step %d loss %g", step, loss)
