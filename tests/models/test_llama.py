"""LLaMA: logits as of transformers, packed documents apart, one program size at any depth."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.huggingface.llama import params_from_state_dict
from mathjax.models.attention import causal_mask
from mathjax.models.llama import REMAT_POLICIES, Llama, LlamaConfig

CONFIG = LlamaConfig(
    vocab_size=40,
    num_layers=3,
    hidden_size=32,
    num_heads=4,
    num_kv_heads=2,
    intermediate_size=48,
)


def abstract(config):
    return nnx.split(nnx.eval_shape(lambda: Llama(config, rngs=nnx.Rngs(0))))


@functools.cache
def build(config):
    graph, shapes = abstract(config)
    rng = np.random.default_rng(0)

    def weights(path, x):
        # Larger than at the start of training, so that attention is far from uniform.
        mean, stddev = (1, 0.2) if "scale" in jax.tree_util.keystr(path) else (0, 0.2)
        return rng.normal(mean, stddev, x.shape).astype(np.float32)

    return graph, jax.tree_util.tree_map_with_path(weights, shapes)


@functools.partial(jax.jit, static_argnums=0)
def apply(graph, params, *inputs):
    return nnx.merge(graph, params)(*inputs)


def logits_of(config, *inputs):
    return np.asarray(apply(*build(config), *inputs))


def tokens_of(shape, vocab_size=CONFIG.vocab_size, seed=0):
    return np.random.default_rng(seed).integers(0, vocab_size, shape).astype(np.int32)


def huggingface_model(config):
    """A random transformers model of the same sizes, and its weights as ours."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_kv_heads,
            head_dim=config.head_size,
            intermediate_size=config.intermediate_size,
            rms_norm_eps=config.norm_epsilon,
            rope_parameters={"rope_theta": config.rope_theta, "rope_type": "default"},
            tie_word_embeddings=config.tie_embeddings,
            initializer_range=0.15,
            max_position_embeddings=256,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=0,
        )
    ).eval()
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    arrays = {name: weight.detach().numpy() for name, weight in model.state_dict().items()}
    params = params_from_state_dict(arrays, config.num_layers, tie_embeddings=config.tie_embeddings)
    return model, params


def assert_same_logits(config):
    import torch

    model, params = huggingface_model(config)
    graph, expected = abstract(config)
    shapes = jax.tree.map(lambda x: x.shape, nnx.to_pure_dict(expected))
    assert jax.tree.map(np.shape, params) == shapes

    lengths, length = [9, 17, 1], 17
    tokens = tokens_of((3, length), config.vocab_size)
    real = np.arange(length) < np.array(lengths)[:, None]
    with torch.no_grad():
        theirs = model(
            torch.tensor(tokens), attention_mask=torch.tensor(real.astype(np.int64))
        ).logits.numpy()
    ours = np.asarray(apply(graph, nnx.State(params), tokens, None, real.astype(np.int32)))
    np.testing.assert_allclose(ours[real], theirs[real], atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="grouped-heads"),
        pytest.param({"num_kv_heads": 4, "tie_embeddings": True}, id="tied"),
        pytest.param({"head_size": 12, "rope_theta": 5e5, "norm_epsilon": 1e-5}, id="head-size"),
    ],
)
def test_logits_equal_transformers(changes):
    pytest.importorskip("torch")
    # head_size was filled in from the other sizes; None lets it be filled in anew.
    assert_same_logits(dataclasses.replace(CONFIG, **({"head_size": None} | changes)))


@given(
    num_layers=st.integers(1, 2),
    num_kv_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    half_head=st.integers(1, 8),
    times=st.integers(1, 5),
    intermediate_size=st.integers(1, 60),
    vocab_size=st.integers(2, 70),
    tie_embeddings=st.booleans(),
)
@settings(max_examples=4)
def test_logits_equal_transformers_at_any_size(num_kv_heads, group, half_head, times, **sizes):
    pytest.importorskip("torch")
    sizes["num_heads"] = heads = num_kv_heads * group
    # transformers wants a hidden size that the heads divide, whatever head_dim is.
    sizes |= {"num_kv_heads": num_kv_heads, "hidden_size": heads * times}
    assert_same_logits(LlamaConfig(head_size=2 * half_head, **sizes))


def pack_documents(documents, length):
    """One row of documents, padded; positions and segment ids as the loader makes them."""
    row, positions, segments = np.zeros((3, 1, length), np.int32)
    at = 0
    for number, document in enumerate(documents, start=1):
        place = slice(at, at + len(document))
        row[0, place], segments[0, place] = document, number
        positions[0, place] = np.arange(len(document))
        at += len(document)
    return row, positions, segments


def test_packed_documents_equal_each_alone():
    documents = [tokens_of(n, seed=n) for n in (7, 12, 5)]
    packed = logits_of(CONFIG, *pack_documents(documents, 32))[0]
    at = 0
    for document in documents:
        alone = logits_of(CONFIG, document[None])[0]
        np.testing.assert_allclose(packed[at : at + len(document)], alone, atol=1e-5)
        at += len(document)


def test_no_gradient_crosses_documents():
    """A loss on the second document does not move the embeddings of the others' tokens."""
    documents = [np.arange(10, 16), np.arange(20, 25), np.arange(30, 36)]
    inputs = pack_documents(documents, 20)
    graph, params = build(CONFIG)

    def loss(params):
        return jnp.sum(apply(graph, params, *inputs)[0, 6:11, 3] ** 2)

    gradient = nnx.to_pure_dict(jax.jit(jax.grad(loss))(params))
    touched = np.abs(gradient["embedding"]).sum(axis=1)
    assert set(np.flatnonzero(touched)) == set(documents[1])


def test_causal():
    tokens = tokens_of((1, 10))
    changed = tokens.copy()
    changed[0, 6] = (changed[0, 6] + 1) % CONFIG.vocab_size
    before, after = logits_of(CONFIG, tokens)[0], logits_of(CONFIG, changed)[0]
    np.testing.assert_array_equal(before[:6], after[:6])
    assert np.abs(before[6:] - after[6:]).max(axis=1).min() > 1e-3


def test_cached_logits_equal_uncached():
    graph, params = build(CONFIG)
    tokens, prompt, length = tokens_of((2, 12)), 5, 12
    expected = logits_of(CONFIG, tokens)

    @jax.jit
    def decode_all(params):
        model = nnx.merge(graph, params)
        layers = model.unstacked_layers()
        rope = model.rope(jnp.broadcast_to(jnp.arange(length), tokens.shape))
        start = [x[:, :prompt] for x in rope]
        mask = causal_mask(None, prompt)
        logits_BV, cache = model.prefill(tokens[:, :prompt], start, mask, layers)
        room = ((0, 0), (0, 0), (0, length - prompt), (0, 0))
        cache = jax.tree.map(lambda x: jnp.pad(x, room), cache)

        def step(cache, slot):
            seen = jnp.broadcast_to(jnp.arange(length) <= slot, tokens.shape)
            token_B = jnp.asarray(tokens)[:, slot]
            logits_BV, cache = model.decode(token_B, rope, seen, layers, cache, slot)
            return cache, logits_BV

        rest = jax.lax.scan(step, cache, jnp.arange(prompt, length))[1]
        return jnp.concatenate([logits_BV[:, None], rest.swapaxes(0, 1)], axis=1)

    scale = np.abs(expected).max()
    np.testing.assert_allclose(decode_all(params), expected[:, prompt - 1 :], atol=1e-5 * scale)


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
    graph, params = build(CONFIG)
    tokens = tokens_of((2, 9))

    @jax.jit
    def unrolled(params):
        model = nnx.merge(graph, params)
        x_BTD = model.embed(tokens)
        rope = model.rope(jnp.broadcast_to(jnp.arange(9), (2, 9)))
        for layer in model.unstacked_layers():
            x_BTD, _ = layer(x_BTD, rope, causal_mask(None, 9))
        return model.logits(x_BTD)

    expected = logits_of(CONFIG, tokens)
    np.testing.assert_allclose(unrolled(params), expected, atol=1e-5 * np.abs(expected).max())


def test_program_size_does_not_grow_with_depth():
    def lines(num_layers):
        config = dataclasses.replace(CONFIG, num_layers=num_layers)
        graph, params = abstract(config)
        loss = jax.grad(lambda params, tokens: apply(graph, params, tokens).sum())
        text = jax.jit(loss).lower(params, jax.ShapeDtypeStruct((2, 9), jnp.int32)).as_text()
        return len(text.splitlines())

    assert lines(24) == lines(12)
    assert lines(6) <= 1.6 * lines(24)  # few layers may be written out


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
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, key):
    with pytest.raises(ValueError, match=key):
        dataclasses.replace(CONFIG, **changes)


def test_a_missing_weight_is_named():
    with pytest.raises(KeyError, match="embed_tokens"):
        params_from_state_dict({}, 1)
