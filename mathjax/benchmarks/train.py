"""The training step, as the loop compiles it."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mathjax.benchmarks import peers
from mathjax.benchmarks.timing import Row, Scale, one_device_mesh, require, seconds, versus
from mathjax.config import Config
from mathjax.models import FAMILIES, make_factory
from mathjax.models.stack import UNROLL_ALL
from mathjax.training.loop import Trainer


class _Ours:
    """A trainer with its state; a call is one update on the next of a few batches."""

    def __init__(self, config: Config, vocab_size: int, params: Any = None):
        factory = make_factory(config.model, vocab_size)
        self.trainer = Trainer.create(config, one_device_mesh(), factory, config.train.num_steps)
        self.state = self.trainer.initial_state()
        if params is not None:
            params = jax.device_put(params, self.trainer.shardings.params)
            self.state = dataclasses.replace(self.state, params=params)

    def __call__(self, batch: dict[str, np.ndarray]) -> jax.Array:
        with jax.set_mesh(self.trainer.mesh):
            self.state, metrics = self.trainer.step(self.state, self.trainer.put(batch))
        return metrics["loss"]


class _Torch:
    """transformers' model with AdamW as ours: decay on matrices only, clipped, fused."""

    def __init__(self, model: Any, config: Config):
        import torch

        self.model, self.section = model.train(), config.optimizer
        weights = dict(model.named_parameters())
        decayed = [weight for weight in weights.values() if weight.ndim > 1]
        plain = [weight for weight in weights.values() if weight.ndim == 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.section.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=self.section.learning_rate,
            betas=(self.section.beta1, self.section.beta2),
            eps=self.section.epsilon,
            fused=True,
        )

    def __call__(self, batch: dict[str, np.ndarray]) -> float:
        import torch

        device = peers.torch_device()
        inputs = torch.from_numpy(batch["inputs"]).long().to(device)
        targets = torch.from_numpy(batch["targets"]).long().to(device)
        sides = {"input_ids": inputs}
        if "decoder_inputs" in batch:
            decoder_inputs = torch.from_numpy(batch["decoder_inputs"]).long().to(device)
            sides["decoder_input_ids"] = decoder_inputs
        logits = self.model(**sides, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.section.clip_norm)
        self.optimizer.step()
        return loss.item()


def _batches(
    count: int, rows: int, length: int, vocab_size: int, *, encoder_decoder: bool = False
) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    result = []
    for _ in range(count):
        tokens = rng.integers(0, vocab_size, (rows, length + 1)).astype(np.int32)
        positions = np.broadcast_to(np.arange(length, dtype=np.int32), (rows, length))
        result.append(
            {
                "inputs": tokens[:, :-1].copy(),
                "targets": tokens[:, 1:].copy(),
                "positions": positions.copy(),
                "segment_ids": np.ones((rows, length), np.int32),
                "weights": np.ones((rows, length), np.float32),
            }
        )
        if encoder_decoder:
            result[-1] |= {
                "inputs": rng.integers(0, vocab_size, (rows, length)).astype(np.int32),
                "input_segment_ids": np.ones((rows, length), np.int32),
                "decoder_inputs": result[-1]["inputs"],
            }
    return result


def _shape(scale: Scale) -> tuple[int, int]:
    return (2, 16) if scale.tiny else (64, 128)


def train_step(scale: Scale) -> Iterator[Row]:
    """The same weights, batches and optimizer in torch; the losses of three updates agree."""
    rows, length = _shape(scale)
    for family in FAMILIES:
        tokens = rows * length * (2 if family == "t5" else 1)
        sides = "2 x " if family == "t5" else ""
        what = f"training step of a small {family}, {rows} x {sides}{length}, float32"
        if reason := peers.torch_is_here():
            yield Row(what, "tokens/s", None, note=f"left out: {reason}")
            continue
        # No warm-up: a learning rate that hardly changes, so that torch needs no schedule.
        config = peers.model_config(scale, family, optimizer={"warmup_ratio": 0.0})
        model = peers.huggingface_model(config)
        batches = _batches(3, rows, length, peers.VOCAB_SIZE, encoder_decoder=family == "t5")
        ours = _Ours(config, peers.VOCAB_SIZE, peers.our_params(model, config))
        theirs = _Torch(model, config)
        losses = np.array([(float(ours(batch)), theirs(batch)) for batch in batches])
        require(np.allclose(losses[:, 0], losses[:, 1], rtol=2e-3), f"losses differ: {losses}")
        threads = "with as many threads as cores" if _on_cpu() else "in float32"
        yield versus(
            what,
            "tokens/s",
            (partial(ours, batches[0]), tokens),
            {"torch + transformers, sdpa, fused AdamW": (partial(theirs, batches[0]), tokens)},
            scale.repeats,
            f"one device; torch {threads}",
        )


def compile_time(scale: Scale) -> Iterator[Row]:
    """Seconds to trace and compile the step of 24 scanned layers, over those of 9, scanned too, and
    of 6, which stand in a row (`stack.UNROLL_ALL`)."""
    rows, length = _shape(scale)
    batch = _batches(1, rows, length, peers.VOCAB_SIZE)[0]

    def compiled(num_layers: int) -> float:
        config = peers.model_config(scale)
        section = dataclasses.replace(config.model, num_layers=num_layers)
        ours = _Ours(dataclasses.replace(config, model=section), peers.VOCAB_SIZE)
        with jax.set_mesh(ours.trainer.mesh), _no_compilation_cache():
            arguments = ours.state, ours.trainer.put(batch)
            return seconds(lambda: ours.trainer.step.lower(*arguments).compile())

    many = UNROLL_ALL + 2 if scale.tiny else 24
    for few, how in ((UNROLL_ALL + 1, "scanned"), (6, "in a row")):
        pairs = [(compiled(many), compiled(few)) for _ in range(scale.repeats)]
        deep, shallow = (statistics.median(column) for column in zip(*pairs, strict=True))
        yield Row(
            f"compile time of the step, {many} scanned layers over {few} {how}",
            "s",
            deep,
            f"{few} layers",
            shallow,
            statistics.median(a / b for a, b in pairs),
            "without the persistent cache; lower is better",
        )


@contextlib.contextmanager
def _no_compilation_cache() -> Iterator[None]:
    enabled = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", enabled)


def roofline(scale: Scale) -> Iterator[Row]:
    """Floating point operations of the step over those of large matrix products in the same run."""
    rows, length = _shape(scale)
    dtype = jnp.float32 if _on_cpu() else jnp.bfloat16
    config, vocab_size = peers.model_config(scale, data={"row_length": length}), peers.VOCAB_SIZE
    if not _on_cpu() and not scale.tiny:
        rows, length, vocab_size = 64, 512, 4096
        model = {"num_layers": 12, "hidden_size": 768, "num_heads": 12, "num_kv_heads": 12}
        model |= {"intermediate_size": 2048, "dtype": "bfloat16"}
        config = peers.model_config(scale, model=model, data={"row_length": length})
    ours = _Ours(config, vocab_size)
    batch = _batches(1, rows, length, vocab_size)[0]
    first = float(ours(batch))
    for _ in range(3):
        last = float(ours(batch))
    require(last < first, f"the loss of a repeated batch does not fall: {first} to {last}")
    flops = ours.trainer.flops_per_token() * rows * length

    size = 64 if scale.tiny else 1024 if _on_cpu() else 8192
    matrix = jax.random.normal(jax.random.key(0), (size, size), dtype)
    chain = 10 if _on_cpu() else 50

    @jax.jit
    def probe(matrix):
        scaled = (matrix / size**0.5).astype(dtype)
        return jax.lax.fori_loop(0, chain, lambda _, x: x @ scaled, matrix)

    jax.block_until_ready(probe(matrix))
    pairs = []
    for _ in range(scale.repeats):
        step = flops / seconds(lambda: ours(batch))
        pairs.append((step, chain * 2 * size**3 / seconds(lambda: probe(matrix))))
    achieved, peak = (statistics.median(column) / 1e9 for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    size_of_model = f"{ours.trainer.num_parameters / 1e6:.1f} M parameters"
    yield Row(
        f"share of the roofline, {size_of_model}, {rows} x {length}, {dtype.__name__}",
        "GFLOP/s",
        achieved,
        f"matrix products of {size} x {size}",
        peak,
        ratio,
        "a step counted as 6 a weight in products plus 6 x layers x length x heads' size, a token",
    )


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


ROWS = (train_step, roofline, compile_time)
