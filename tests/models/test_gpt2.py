"""GPT-2: logits, tokens and gradients as of transformers, packed documents apart, positions that
end."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import parity
import pytest
from flax import nnx

from mathjax.config import ConfigError, ModelSection
from mathjax.errors import UserError
from mathjax.generation.engine import Generator
from mathjax.models import make_factory
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import LayerNorm

CONFIG = GPT2Config(vocab_size=40, num_layers=3, hidden_size=32, num_heads=4, max_positions=96)


def huggingface_model(c):
    return parity.torch_model(
        "GPT2LMHead",
        vocab_size=c.vocab_size,
        n_layer=c.num_layers,
        n_embd=c.hidden_size,
        n_head=c.num_heads,
        n_inner=c.intermediate_size,
        n_positions=c.max_positions,
        layer_norm_epsilon=c.norm_epsilon,
        activation_function=c.activation,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="gelu-new"),
        pytest.param({"activation": "relu", "intermediate_size": 48}, id="relu"),
        pytest.param({"vocab_multiple": 128, "norm_epsilon": 1e-3}, id="padded-vocabulary"),
    ],
)
def test_logits_and_gradients_equal_transformers(changes):
    config = dataclasses.replace(CONFIG, **changes)
    theirs = huggingface_model(config)
    parity.assert_same_logits(config, theirs)
    parity.assert_same_gradients(config, theirs)


def test_greedy_tokens_equal_transformers():
    parity.assert_same_greedy_tokens(CONFIG, huggingface_model(CONFIG))


def test_layer_norm_equals_its_definition():
    norm = LayerNorm(8, epsilon=1e-5)
    norm.scale[...] = jnp.arange(8.0)
    norm.bias[...] = jnp.ones(8)
    x = np.random.default_rng(0).normal(100, 3, (2, 8)).astype(np.float32)
    x64 = x.astype(np.float64)
    expected = (x64 - x64.mean(-1, keepdims=True)) / np.sqrt(x64.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(norm(jnp.asarray(x)), expected * np.arange(8) + 1, rtol=1e-4)
    assert norm(jnp.asarray(x, jnp.bfloat16)).dtype == jnp.bfloat16


def test_packed_documents_equal_each_alone():
    parity.assert_packed_equals_alone(CONFIG)


def test_cached_logits_equal_uncached():
    parity.assert_cached_equals_uncached(CONFIG)


def test_eight_devices_equal_one():
    parity.assert_mesh_equals_one_device(CONFIG)


def test_program_size_does_not_grow_with_depth():
    lines = {
        n: parity.program_lines(dataclasses.replace(CONFIG, num_layers=n)) for n in (6, 12, 24)
    }
    assert lines[24] == lines[12] <= lines[6]  # few layers may be written out


def test_rows_with_more_positions_than_learned_are_refused():
    tokens = jnp.zeros((1, 97), jnp.int32)
    graph, params = parity.build(CONFIG)
    with pytest.raises(UserError, match=r"97 positions.*learned 96 \(model.max_positions\)"):
        parity.apply(graph, params, tokens)
    model = nnx.merge(graph, nnx.State(params))
    with pytest.raises(UserError, match=r"generation.max_new_tokens"):
        jax.eval_shape(lambda: model.prefill(tokens[:, :64], jnp.zeros(1, int), 33))


def test_prompts_use_every_position_and_compile_once_a_bucket():
    """A bucket may not be longer than the positions that new tokens leave."""
    graph, params = parity.build(CONFIG)
    generator = Generator(graph, eos_id=parity.NEVER, max_new_tokens=20)
    prompts = [parity.tokens_of(n, 40, seed=n).tolist() for n in (70, 76)]
    together = generator.generate(params, prompts)
    assert generator.num_compilations == 1
    row = np.array([prompts[1] + together[1].tokens])
    logits = parity.apply(graph, params, row.astype(np.int32))
    np.testing.assert_array_equal(np.argmax(logits, -1)[0, 75:-1], together[1].tokens)
    with pytest.raises(UserError, match="prompt 1 has 77 tokens.*positions for 76"):
        generator.generate(params, [prompts[0], [1] * 77])


def test_bfloat16_is_near_float32_and_logits_are_float32():
    tokens = parity.tokens_of((2, 9), 40)
    half = parity.logits_of(dataclasses.replace(CONFIG, dtype=jnp.bfloat16), tokens)
    full = parity.logits_of(CONFIG, tokens)
    assert half.dtype == np.float32
    assert np.abs(half - full).max() < 0.1 * np.abs(full).max()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hidden_size": 30}, "model.hidden_size"),
        ({"activation": "tanh"}, "model.activation"),
        ({"remat": "some"}, "model.remat"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, key):
    with pytest.raises(ValueError, match=key):
        dataclasses.replace(CONFIG, **changes)


def test_the_model_section_makes_it():
    section = ModelSection(
        family="gpt2", num_layers=1, hidden_size=16, num_heads=2, max_positions=50
    )
    model = make_factory(section, 23)(nnx.Rngs(0))
    assert model.position_embedding.shape == (50, 16)
    assert model.embedding.shape == (23, 16)
    with pytest.raises(ConfigError, match="tie_embeddings"):
        make_factory(dataclasses.replace(section, tie_embeddings=False), 23)
