"""Training adapters: on any mesh the same, the base untouched, only adapters saved, dropout by
step."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from mathjax.checkpoints import Checkpoints
from mathjax.config import resolve
from mathjax.errors import UserError
from mathjax.models import factory_of, lora
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.llama import LlamaConfig
from mathjax.models.t5 import T5Config
from mathjax.parallel import make_mesh
from mathjax.training import state as state_lib
from mathjax.training.loop import Trainer
from mathjax.training.optimizer import decay_mask, muon_dimensions

VOCAB = 24
SIZES = {"vocab_size": VOCAB, "num_layers": 2, "hidden_size": 32, "num_heads": 4}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, num_kv_heads=2, intermediate_size=64),
    "gpt2": GPT2Config(**SIZES, max_positions=32),
    "t5": T5Config(**SIZES, intermediate_size=64),
}
METHODS = {
    "full": {},
    "lora": {"rank": 2, "alpha": 4.0, "dropout": 0.2},
    "qlora": {"rank": 2, "alpha": 4.0, "quantize": "nf4_double"},
}


def make_trainer(mesh, name="llama", section=None, pretrained=None, **sections):
    values = {"train": {"num_steps": 3, "batch_size": 8}, "lora": section or {}} | sections
    values["optimizer"] = {"learning_rate": 1e-2, "warmup_ratio": 0.0} | values.get("optimizer", {})
    config = resolve(values)
    factory = lora.adapted(factory_of(CONFIGS[name]), config.lora)
    return Trainer.create(config, mesh, factory, 3, pretrained)


def make_batch(seed, rows=8, length=16):
    rng = np.random.default_rng(seed)
    inputs, targets, decoder_inputs = rng.integers(0, VOCAB, (3, rows, length)).astype(np.int32)
    ends = rng.integers(3, length, (rows, 1))
    columns = np.arange(length)
    segment_ids = (1 + (columns >= ends)).astype(np.int32)
    return {
        "inputs": inputs,
        "targets": targets,
        "decoder_inputs": decoder_inputs,
        "positions": np.where(columns < ends, columns, columns - ends).astype(np.int32),
        "segment_ids": segment_ids,
        "input_segment_ids": segment_ids,
        "weights": (rng.random((rows, length)) < rng.random((rows, 1))).astype(np.float32),
    }


def run(trainer, state=None, steps=range(3)):
    losses = []
    with jax.set_mesh(trainer.mesh):
        state = trainer.initial_state() if state is None else state
        for seed in steps:
            state, metrics = trainer.step(state, trainer.put(make_batch(seed)))
            losses.append(float(metrics["loss"]))
    return state, losses


def one_device_mesh():
    return make_mesh(1, 1, 1, devices=jax.devices()[:1])


def assert_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a, b)


def host(tree):
    """Copies: the arrays themselves are donated to the next step."""
    return jax.tree.map(np.array, tree)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CONFIGS)
def test_sharded_equals_one_device(name, method):
    _, expected = run(make_trainer(one_device_mesh(), name, METHODS[method]))
    trainer = make_trainer(make_mesh(2, 2, 2), name, METHODS[method])
    state, losses = run(trainer)
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    assert len(set(losses)) == 3 and trainer.step._cache_size() == 1
    for tree, wanted in (
        (state.params, trainer.shardings.params),
        (state.frozen, trainer.shardings.frozen),
    ):
        for x, sharding in zip(jax.tree.leaves(tree), jax.tree.leaves(wanted), strict=True):
            assert x.sharding.is_equivalent_to(sharding, x.ndim)
    moments = [x for x in jax.tree.leaves(state.opt_state) if x.ndim]
    assert len(moments) == 2 * len(jax.tree.leaves(state.params))


@pytest.fixture(scope="module")
def with_dropout():
    return make_trainer(one_device_mesh(), section=METHODS["lora"])


@pytest.fixture(scope="module")
def quantized():
    return make_trainer(one_device_mesh(), section=METHODS["qlora"] | {"dropout": 0.5})


def test_only_adapters_move_and_have_moments(quantized):
    start = quantized.initial_state()
    base, adapters = host(start.frozen), host(start.params)
    state, _ = run(quantized, start)
    assert_equal(host(state.frozen), base)
    for a, b in zip(jax.tree.leaves(state.params), jax.tree.leaves(adapters), strict=True):
        assert not np.array_equal(a, b)
    assert {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(adapters)} == {
        "lora_a",
        "lora_b",
    }
    assert quantized.num_trainable == sum(x.size for x in jax.tree.leaves(adapters))
    full = make_trainer(one_device_mesh())
    assert quantized.num_parameters == full.num_parameters + quantized.num_trainable
    assert 0.6 < quantized.flops_per_token() / full.flops_per_token() < 0.9


def test_a_checkpoint_holds_adapters_alone_and_resume_is_bit_identical(quantized, tmp_path):
    expected, _ = run(quantized)
    state, _ = run(quantized, steps=range(2))
    with Checkpoints(tmp_path) as checkpoints:
        plain = state_lib.to_plain(state)
        assert plain.keys() == {"params", "opt_state", "step"}
        checkpoints.save(2, plain, {})
    with Checkpoints(tmp_path) as checkpoints:
        restored = quantized.restore(checkpoints)
    assert_equal(host(restored.frozen), host(state.frozen))
    state, _ = run(quantized, restored, steps=[2])
    assert_equal(host(state), host(expected))
    saved = sum(path.stat().st_size for path in (tmp_path / "2" / "params").rglob("*"))
    assert saved < 4 * quantized.num_parameters


def test_dropout_follows_the_step_and_the_seed(with_dropout):
    def loss(step, trainer=with_dropout):
        state = dataclasses.replace(trainer.initial_state(), step=jnp.int32(step))
        params = jax.tree.map(lambda x: x + 0.1, state.params)  # B is not zero
        return run(trainer, dataclasses.replace(state, params=params), [0])[1][0]

    assert loss(0) == loss(0) != loss(1)
    none = make_trainer(one_device_mesh(), section=METHODS["lora"] | {"dropout": 0.0})
    assert loss(0, none) == loss(1, none) != loss(0)


def test_micro_batches_drop_differently():
    section = {"rank": 2, "dropout": 0.5}
    train = {"num_steps": 3, "batch_size": 8, "accumulation_steps": 2}
    trainer = make_trainer(one_device_mesh(), section=section, train=train)
    batch = make_batch(0)
    twice = {key: np.repeat(x[:4], 2, axis=0) for key, x in batch.items()}
    with jax.set_mesh(trainer.mesh):
        state = trainer.initial_state()
        params = host(jax.tree.map(lambda x: x + 0.1, state.params))
        state = dataclasses.replace(state, params=jax.tree.map(jnp.asarray, params))
        graph = nnx.split(nnx.eval_shape(lambda: trainer.make_model(nnx.Rngs(0))))[0]
        plain = loss_without_dropout(graph, host(state.model_params), batch)
        _, metrics = trainer.step(state, trainer.put(twice))
    assert abs(float(metrics["loss"]) - plain) > 1e-4  # it did drop
    with jax.set_mesh(trainer.mesh):
        state = dataclasses.replace(
            trainer.initial_state(), params=jax.tree.map(jnp.asarray, params)
        )
        keys = jax.random.split(jax.random.fold_in(jax.random.key(0), 0), 2)
        halves = [
            loss_without_dropout(graph, host(state.model_params), twice, slice(i, None, 2), key)
            for i, key in enumerate(keys)
        ]
    assert halves[0] != halves[1]
    np.testing.assert_allclose(float(metrics["loss"]), np.mean(halves), rtol=1e-5)


def loss_without_dropout(graph, params, batch, rows=slice(0, 4), key=None):
    """Of some rows; with a key, that of the dropout it gives."""
    from mathjax.training.step import apply_model, loss_sums

    @jax.jit
    def loss(params, batch):
        model = nnx.merge(graph, nnx.State(params))
        if key is not None:
            lora.set_dropout(model, key)
        sums = loss_sums(apply_model(model, batch), batch["targets"], batch["weights"])
        return sums["loss"] / sums["weight"]

    return float(loss(params, {name: x[rows] for name, x in batch.items()}))


def base_of(trainer, dtype=jnp.float32):
    """Weights as a loader would hand them over."""
    shapes = nnx.to_pure_dict(state_lib.abstract_model(factory_of(CONFIGS["llama"]))[1])
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.1, x.shape), dtype), shapes)


@pytest.mark.parametrize("method", METHODS)
def test_training_starts_from_pretrained_weights(method, tmp_path):
    calls = []

    def pretrained(_):
        calls.append(1)
        return base_of(None, jnp.bfloat16)

    trainer = make_trainer(make_mesh(2, 2, 2), section=METHODS[method], pretrained=pretrained)
    start = trainer.initial_state()
    expected = base_of(None, jnp.bfloat16)
    if method == "qlora":
        kernel = expected["layers"]["mlp"]["up_proj"].pop("kernel")
        leaves = start.frozen["layers"]["mlp"]["up_proj"]
        assert_equal(host(leaves), host(lora.quantization.quantize(kernel, double=True)))
        assert leaves["codes"].sharding.spec == jax.sharding.PartitionSpec(None, "fsdp", "tensor")
        assert start.frozen["head"]["kernel"].dtype == jnp.bfloat16
    elif method == "lora":
        assert_equal(host(start.frozen), host(expected))
    else:
        assert_equal(host(start.params), host(jax.tree.map(jnp.float32, expected)))
        assert not start.frozen
    state, losses = run(trainer, start)
    assert np.isfinite(losses).all() and trainer.step._cache_size() == 1
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(3, state_lib.to_plain(state), {})
        restored = trainer.restore(checkpoints)
    assert_equal(host(restored), host(state))
    assert len(calls) == (1 if method == "full" else 2)


def drop(tree):
    del tree["norm"]["scale"]


def add(tree):
    tree["layers"]["mlp"]["extra"] = jnp.ones(3)


def misshape(tree):
    tree["head"]["kernel"] = jnp.ones((32, 7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, "norm.scale is missing"),
        (add, "layers.mlp.extra is not one of the model's"),
        (misshape, r"head.kernel has shape \(32, 7\), the model's is \(32, 24\)"),
    ],
)
def test_pretrained_weights_of_another_model_are_refused(change, message):
    def pretrained(_):
        tree = base_of(None)
        change(tree)
        return tree

    trainer = make_trainer(one_device_mesh(), section=METHODS["lora"], pretrained=pretrained)
    with pytest.raises(UserError, match=message):
        trainer.initial_state()


@pytest.mark.parametrize("name", CONFIGS)
def test_optimizer_knows_every_familys_parameters(name):
    section = partial(dataclasses.replace, resolve({"train": {"num_steps": 1}}).lora)
    factory = lora.adapted(factory_of(CONFIGS[name]), section(rank=2))
    params = nnx.to_pure_dict(state_lib.abstract_model(factory)[1])
    decayed = {
        jax.tree_util.keystr(path, simple=True, separator=".").split(".")[-1]
        for path, decays in jax.tree_util.tree_leaves_with_path(decay_mask(params))
        if decays
    }
    matrices = {"kernel", "embedding", "lora_a", "lora_b"}
    assert decayed == matrices | ({"position_embedding"} if name == "gpt2" else set())
    dimensions = muon_dimensions(params)
    stack = dimensions["decoder" if name == "t5" else "layers"]
    stack = stack.get("layers", stack)
    assert stack["mlp"]["up_proj"]["kernel"].reduction_axis == 1
    assert stack["mlp"]["up_proj"]["lora_a"] is None and dimensions["embedding"] is None


def test_muon_leaves_adapters_to_adamw(monkeypatch):
    """Optax' Muon has Nesterov momentum in its AdamW too."""
    muon = make_trainer(one_device_mesh(), section=METHODS["qlora"], optimizer={"name": "muon"})
    monkeypatch.setattr(optax, "adamw", partial(optax.adamw, nesterov=True))
    adamw = make_trainer(one_device_mesh(), section=METHODS["qlora"])
    np.testing.assert_allclose(run(muon)[1], run(adamw)[1], rtol=1e-5)


def test_the_step_never_holds_the_base_unpacked(one_device):
    """Memory that a step needs beside its arguments, for 12 layers: less than half of a bfloat16
    copy of their kernels."""
    config = dataclasses.replace(
        CONFIGS["llama"],
        num_layers=12,
        hidden_size=256,
        intermediate_size=1024,
        dtype=jnp.bfloat16,
        remat="full",
    )
    sections = {"rank": 2, "quantize": "nf4"}
    values = {"train": {"num_steps": 3, "batch_size": 2}, "lora": sections}
    resolved = resolve(values)
    factory = lora.adapted(factory_of(config), resolved.lora)
    trainer = Trainer.create(resolved, one_device, factory, 3)
    state = jax.eval_shape(
        lambda: state_lib.create_state(factory, trainer.optimizer, 0, trainer.shardings)
    )
    with jax.set_mesh(one_device):
        compiled = trainer.step.lower(state, make_batch(0, rows=2)).compile()
    memory = compiled.memory_analysis()
    kernels = 12 * (3 * 256 * 256 - 128 * 256 * 0 + 3 * 256 * 1024)
    assert memory.temp_size_in_bytes < kernels
    assert memory.alias_size_in_bytes > 0.99 * memory.output_size_in_bytes  # updated in place
