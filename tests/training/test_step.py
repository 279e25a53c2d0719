"""One update: accumulation, sharding, masks, schedule."""

import dataclasses

import jax
import numpy as np
import pytest
from flax import nnx

from mathjax import models
from mathjax.config import Config, OptimizerSection, resolve
from mathjax.parallel import make_mesh
from mathjax.training.loop import Trainer
from mathjax.training.optimizer import decay_mask, learning_rate_schedule

VOCAB = 24
MODEL = {
    "num_layers": 2,
    "hidden_size": 32,
    "num_heads": 4,
    "num_kv_heads": 2,
    "intermediate_size": 64,
}


def make_trainer(mesh, num_steps=5, train=None, **sections):
    values = {"model": MODEL, "train": {"num_steps": num_steps, "batch_size": 8} | (train or {})}
    config = resolve(values | sections)
    return Trainer.create(config, mesh, models.make_factory(config.model, VOCAB), num_steps)


def make_batch(seed, rows=8, length=16):
    """Packed rows with unequal numbers of weighted tokens."""
    rng = np.random.default_rng(seed)
    inputs, targets = rng.integers(0, VOCAB, (2, rows, length)).astype(np.int32)
    ends = rng.integers(3, length, (rows, 1))
    columns = np.arange(length)
    return {
        "inputs": inputs,
        "targets": targets,
        "positions": np.where(columns < ends, columns, columns - ends).astype(np.int32),
        "segment_ids": (1 + (columns >= ends)).astype(np.int32),
        "weights": (rng.random((rows, length)) < rng.random((rows, 1))).astype(np.float32),
    }


def run(trainer, steps=5):
    losses = []
    with jax.set_mesh(trainer.mesh):
        state = trainer.initial_state()
        for seed in range(steps):
            state, metrics = trainer.step(state, trainer.put(make_batch(seed)))
            losses.append(float(metrics["loss"]))
    return state, losses, metrics


@pytest.fixture(scope="module")
def single():
    return run(make_trainer(make_mesh(1, 1, 1, devices=jax.devices()[:1])))


@pytest.mark.parametrize("sizes", [(2, 2, 2), (8, 1, 1), (1, 8, 1), (4, 1, 2)])
def test_sharded_equals_one_device(single, sizes):
    trainer = make_trainer(make_mesh(*sizes))
    state, losses, _ = run(trainer)
    np.testing.assert_allclose(losses, single[1], atol=1e-5)
    kernel = state.params["layers"]["attention"]["q_proj"]["kernel"]
    assert (
        kernel.sharding.spec
        == trainer.shardings.params["layers"]["attention"]["q_proj"]["kernel"].spec
    )
    moments = [x for x in jax.tree.leaves(state.opt_state) if x.shape == kernel.shape]
    assert any(x.sharding.is_equivalent_to(kernel.sharding, 3) for x in moments)
    assert trainer.step._cache_size() == 1


def test_accumulation_weighs_micro_batches_by_their_tokens(single, one_device):
    _, losses, metrics = run(make_trainer(one_device, train={"accumulation_steps": 4}))
    np.testing.assert_allclose(losses, single[1], rtol=1e-5)
    np.testing.assert_allclose(metrics["grad_norm"], single[2]["grad_norm"], rtol=1e-4)
    np.testing.assert_allclose(metrics["accuracy"], single[2]["accuracy"], rtol=1e-6)


def test_muon_sharded_equals_one_device(single, one_device):
    muon = {"optimizer": {"name": "muon"}}
    _, expected, _ = run(make_trainer(one_device, **muon))
    state, losses, _ = run(make_trainer(make_mesh(2, 2, 2), **muon))
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    assert not np.allclose(losses, single[1], atol=1e-3)  # it is not AdamW
    kernel = state.params["layers"]["mlp"]["up_proj"]["kernel"]
    moments = [x for x in jax.tree.leaves(state.opt_state) if x.shape == kernel.shape]
    assert moments and all(x.sharding.is_equivalent_to(kernel.sharding, 3) for x in moments)


def test_accumulation_on_a_mesh_keeps_rows_on_their_devices(single):
    _, losses, _ = run(make_trainer(make_mesh(2, 2, 2), train={"accumulation_steps": 2}))
    np.testing.assert_allclose(losses, single[1], atol=1e-5)


@pytest.mark.parametrize("remat", ["full", "dots"])
def test_remat_changes_memory_not_results(single, one_device, remat):
    _, losses, _ = run(make_trainer(one_device, model=MODEL | {"remat": remat}))
    np.testing.assert_allclose(losses, single[1], rtol=1e-5)


def test_a_document_does_not_learn_from_its_neighbour(one_device):
    """The gradient of a packed row is the sum of its documents' gradients alone."""
    trainer = make_trainer(one_device)
    params = trainer.initial_state().params
    graph = nnx.split(nnx.eval_shape(lambda: trainer.make_model(nnx.Rngs(0))))[0]
    from mathjax.training.step import loss_sums

    def loss(params, batch, weights):
        logits = nnx.merge(graph, nnx.State(params))(
            batch["inputs"], batch["positions"], batch["segment_ids"]
        )
        return loss_sums(logits, batch["targets"], weights)["loss"]

    batch = make_batch(3)
    first = batch["weights"] * (batch["segment_ids"] == 1)
    changed = dict(batch, inputs=np.where(batch["segment_ids"] == 1, batch["inputs"], 0))
    gradient = jax.jit(jax.grad(loss))
    for a, b in zip(
        jax.tree.leaves(gradient(params, batch, first)),
        jax.tree.leaves(gradient(params, changed, first)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_rows_must_divide_over_data_and_fsdp():
    with pytest.raises(ValueError, match=r"batch_size=6.*data x fsdp = 2 x 2"):
        make_trainer(make_mesh(2, 2, 2), train={"batch_size": 6})


def test_decay_spares_norms():
    _, params = nnx.split(models.make_factory(Config().model, VOCAB)(nnx.Rngs(0)))
    mask = decay_mask(nnx.to_pure_dict(params))
    assert mask["layers"]["mlp"]["up_proj"]["kernel"] and mask["embedding"]
    assert not mask["norm"]["scale"] and not mask["layers"]["mlp_norm"]["scale"]


def test_schedule_warms_up_and_ends():
    section = OptimizerSection(learning_rate=1.0, warmup_ratio=0.1, final_ratio=0.2)
    schedule = learning_rate_schedule(section, 100)
    assert schedule(0) == 0 and schedule(10) == 1
    assert np.isclose(schedule(100), 0.2) and np.isclose(schedule(55), 0.6, atol=0.01)
    assert learning_rate_schedule(dataclasses.replace(section, warmup_ratio=0.0), 100)(0) == 1
