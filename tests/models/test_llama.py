"""LLaMA, Mistral and Qwen: logits, tokens and gradients as of transformers, packed documents apart,
one program size at any depth."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import parity
import pytest
from flax import nnx
from parity import abstract, apply, build, logits_of

from mathjax.generation.engine import Generator
from mathjax.models.layers import RopeScaling, rope_frequencies
from mathjax.models.llama import LlamaConfig
from mathjax.models.stack import REMAT_POLICIES, unstacked

CONFIG = LlamaConfig(
    vocab_size=40,
    num_layers=3,
    hidden_size=32,
    num_heads=4,
    num_kv_heads=2,
    intermediate_size=48,
)
# Within the lengths of these tests some pairs of a head are kept, some blended, some divided.
LLAMA3 = RopeScaling(
    "llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=3.0, original_max_positions=16
)
QKV_BIAS = {"attention_bias": True}
VARIANTS = {
    "grouped-heads": {},
    "one-kv-head": {"num_kv_heads": 1, "vocab_multiple": 128},
    "tied": {"num_kv_heads": 4, "tie_embeddings": True, "vocab_multiple": 16},
    "head-size": {"head_size": 12, "rope_theta": 5e5, "norm_epsilon": 1e-5},
    "biases": {"attention_bias": True, "output_bias": True, "mlp_bias": True},
    "gelu": {"activation": "gelu"},
    "linear-rope": {"rope_scaling": RopeScaling("linear", 4.0)},
    "llama3-rope": {"rope_scaling": LLAMA3, "rope_theta": 100.0},
    "mistral": {"sliding_window": 6},
    "qwen2": {"attention_bias": True},
    "qwen3": {"qk_norm": True, "head_size": 10, "tie_embeddings": True},
}


def variant(name):
    # head_size was filled in from the other sizes; None lets it be filled in anew.
    return dataclasses.replace(CONFIG, **({"head_size": None} | VARIANTS[name]))


def tokens_of(shape, seed=0):
    return parity.tokens_of(shape, CONFIG.vocab_size, seed)


def huggingface_model(c):
    """transformers' model of the family that has what `c` asks for."""
    rope = {"rope_theta": c.rope_theta, "rope_type": "default"}
    if c.rope_scaling is not None:
        rope |= {"rope_type": c.rope_scaling.kind, "factor": c.rope_scaling.factor}
    if c.rope_scaling is not None and c.rope_scaling.kind == "llama3":
        rope |= {
            "low_freq_factor": c.rope_scaling.low_freq_factor,
            "high_freq_factor": c.rope_scaling.high_freq_factor,
            "original_max_position_embeddings": c.rope_scaling.original_max_positions,
        }
    window = {"sliding_window": c.sliding_window, "max_window_layers": 0}
    window = {"use_sliding_window": True} | window if c.sliding_window else {}
    if c.qk_norm:
        name, own = "Qwen3", window | {"attention_bias": c.attention_bias}
    elif c.attention_bias and not c.output_bias:
        name, own = "Qwen2", window
    elif c.sliding_window:
        name, own = "Mistral", {"sliding_window": c.sliding_window}
    else:
        name, own = "Llama", {"attention_bias": c.attention_bias, "mlp_bias": c.mlp_bias}
    return parity.torch_model(
        name,
        vocab_size=c.vocab_size,
        hidden_size=c.hidden_size,
        num_hidden_layers=c.num_layers,
        num_attention_heads=c.num_heads,
        num_key_value_heads=c.num_kv_heads,
        head_dim=c.head_size,
        intermediate_size=c.intermediate_size,
        hidden_act=c.activation,
        rms_norm_eps=c.norm_epsilon,
        rope_parameters=rope,
        tie_word_embeddings=c.tie_embeddings,
        max_position_embeddings=64,
        **own,
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_logits_and_gradients_equal_transformers(name):
    theirs = huggingface_model(variant(name))
    parity.assert_same_logits(variant(name), theirs)
    parity.assert_same_gradients(variant(name), theirs)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("one-kv-head", {}),
        ("biases", {}),
        ("linear-rope", {}),
        ("llama3-rope", {}),
        ("mistral", {"sliding_window": 7}),  # shorter than the prompts
        ("mistral", {"sliding_window": 40}),  # the cache grows to it and then turns round
        ("qwen2", {"vocab_multiple": 64}),
        ("qwen3", {}),
    ],
)
def test_greedy_tokens_equal_transformers(name, changes):
    config = dataclasses.replace(variant(name), num_layers=2, **changes)
    parity.assert_same_greedy_tokens(config, huggingface_model(config))


@pytest.mark.parametrize("name", ["grouped-heads", "mistral", "qwen3", "biases"])
def test_packed_documents_equal_each_alone(name):
    parity.assert_packed_equals_alone(variant(name))


def test_no_gradient_crosses_documents():
    """A loss on the second document does not move the embeddings of the others' tokens."""
    documents = [np.arange(10, 16), np.arange(20, 25), np.arange(30, 36)]
    inputs = parity.pack_documents(documents, 20)
    graph, params = build(CONFIG)

    def loss(params):
        return jnp.sum(apply(graph, params, *inputs)[0, 6:11, 3] ** 2)

    gradient = jax.jit(jax.grad(loss))(params)
    touched = np.abs(gradient["embedding"]).sum(axis=1)
    assert set(np.flatnonzero(touched)) == set(documents[1])


def changes_of_one_token(config, at, length):
    """Largest change of each position's logits when the token at `at` changes."""
    tokens = tokens_of((1, length))
    changed = tokens.copy()
    changed[0, at] = (changed[0, at] + 1) % CONFIG.vocab_size
    before, after = logits_of(config, tokens)[0], logits_of(config, changed)[0]
    return np.abs(before - after).max(axis=1)


def test_causal():
    changes = changes_of_one_token(CONFIG, 6, 10)
    assert (changes[:6] == 0).all()
    assert changes[6:].min() > 1e-3


def test_a_window_hides_what_is_far():
    config = dataclasses.replace(CONFIG, num_layers=2, sliding_window=3)
    changes = changes_of_one_token(config, 2, 12)
    # Two layers see 2 (window - 1) back.
    np.testing.assert_array_equal(changes > 0, (np.arange(12) >= 2) & (np.arange(12) <= 6))


@pytest.mark.parametrize("window", [None, 1, 4, 8, 17, 30])
def test_cached_logits_equal_uncached(window):
    """Windows shorter than the prompt, than prompt and new tokens, as long, and longer."""
    config = dataclasses.replace(CONFIG, num_layers=2, sliding_window=window)
    parity.assert_cached_equals_uncached(config)


def test_a_window_bounds_the_cache_and_compiles_once_a_bucket():
    config = dataclasses.replace(CONFIG, sliding_window=24, vocab_multiple=64)
    graph, params = build(config)
    model = nnx.merge(graph, nnx.State(params))
    assert [model.cache_slots(16, n) for n in (0, 4, 8, 9, 64)] == [16, 20, 24, 24, 24]
    prompts = jnp.ones((2, 32), jnp.int32)
    _, _, cache = jax.eval_shape(lambda: model.prefill(prompts, jnp.zeros(2, int), 64))
    assert {x.shape for x in jax.tree.leaves(cache)} == {(2, 2, 24, 8)}
    generator = Generator(graph, eos_id=parity.NEVER, max_new_tokens=20)
    for lengths in ([3, 16], [5, 7], [17, 30]):
        for completion in generator.generate(params, [[1] * n for n in lengths]):
            assert max(completion.tokens) < CONFIG.vocab_size
    assert generator.num_compilations == 2


def test_padding_of_the_vocabulary_changes_no_probability():
    padded = dataclasses.replace(CONFIG, vocab_multiple=64)
    graph, params = build(padded)
    cut = params | {
        "embedding": params["embedding"][:40],
        "head": {"kernel": params["head"]["kernel"][:, :40]},
    }
    tokens = tokens_of((2, 9))
    ours = jax.nn.log_softmax(apply(graph, params, tokens))
    expected = jax.nn.log_softmax(apply(abstract(CONFIG)[0], cut, tokens))
    assert ours.shape[-1] == 64
    np.testing.assert_allclose(ours[..., :40], expected, atol=1e-5)
    assert np.exp(ours[..., 40:]).max() == 0


def test_frequencies_of_llama_3():
    """Turns that fit often are kept, those that hardly fit divided, the rest in between."""
    plain = rope_frequencies(16, 100.0)
    scaled = rope_frequencies(16, 100.0, LLAMA3)
    turns = np.asarray(plain) * 16 / (2 * np.pi)
    ratio = np.asarray(scaled / plain)
    np.testing.assert_allclose(ratio[turns <= 1], 1 / 4, rtol=1e-6)
    assert (np.diff(ratio) <= 1e-6).all()
    between = (turns > 1) & (turns < 3)
    assert between.any()
    assert ((ratio[between] > 1 / 4) & (ratio[between] < 1)).all()
    np.testing.assert_allclose(rope_frequencies(16, 100.0, RopeScaling("linear", 4.0)), plain / 4)


def test_remat_keeps_loss_and_gradient():
    _, params = build(CONFIG)
    tokens = tokens_of((2, 9))
    results = {}
    for remat in REMAT_POLICIES:
        graph, _ = abstract(dataclasses.replace(CONFIG, remat=remat))

        def loss(params, graph=graph):
            return jnp.mean(jax.nn.logsumexp(apply(graph, params, tokens), axis=-1))

        results[remat] = jax.jit(jax.value_and_grad(loss))(params)
    for remat in ("full", "dots"):
        for a, b in zip(*map(jax.tree.leaves, (results[remat], results["none"])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_scanned_layers_equal_unrolled():
    config = dataclasses.replace(CONFIG, num_layers=9)
    graph, params = build(config)
    tokens = tokens_of((2, 9))

    @jax.jit
    def unrolled(params):
        model = nnx.merge(graph, nnx.State(params))
        context, logits_BV, _ = model.prefill(tokens, jnp.zeros(2, int), 1)
        assert len(context[0]) == len(unstacked(model.layers, 9)) == 9
        return logits_BV

    expected = logits_of(config, tokens)[:, -1]
    np.testing.assert_allclose(unrolled(params), expected, atol=1e-5 * np.abs(expected).max())


def test_program_size_does_not_grow_with_depth():
    lines = {
        n: parity.program_lines(dataclasses.replace(CONFIG, num_layers=n)) for n in (6, 12, 24)
    }
    assert lines[24] == lines[12] <= lines[6]  # few layers may be written out


def test_eight_devices_equal_one():
    parity.assert_mesh_equals_one_device(
        dataclasses.replace(CONFIG, qk_norm=True, sliding_window=4, **QKV_BIAS)
    )


def test_bfloat16_is_near_float32_and_logits_are_float32():
    tokens = tokens_of((2, 9))
    half = logits_of(dataclasses.replace(CONFIG, dtype=jnp.bfloat16), tokens)
    full = logits_of(CONFIG, tokens)
    assert half.dtype == np.float32
    assert np.abs(half - full).max() < 0.1 * np.abs(full).max()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hidden_size": 30, "head_size": None}, "model.hidden_size"),
        ({"head_size": 7}, "model.head_size"),
        ({"num_kv_heads": 3}, "model.num_heads"),
        ({"remat": "some"}, "model.remat"),
        ({"sliding_window": 0}, "model.sliding_window"),
        ({"activation": "swish2"}, "model.activation"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, key):
    with pytest.raises(ValueError, match=key):
        dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("yarn", 2.0), "rope_scaling.kind='yarn'"),
        (("linear", 0.5), "rope_scaling.factor=0.5"),
        (("llama3", 2.0, 4.0, 4.0), "rope_scaling.low_freq_factor=4.0"),
    ],
)
def test_rope_scaling_that_makes_no_sense_is_named(arguments, key):
    with pytest.raises(ValueError, match=key):
        RopeScaling(*arguments)
