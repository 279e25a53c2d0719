"""T5: logits, tokens and gradients as of transformers, packed documents apart, one program size at
any depth."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.config import resolve
from mathjax.generation.engine import Generator
from mathjax.huggingface.mapping import params_from_state_dict
from mathjax.models import lora, make_factory
from mathjax.models.layers import IMPOSSIBLE
from mathjax.models.stack import REMAT_POLICIES
from mathjax.models.t5 import T5, T5Config, relative_buckets
from mathjax.parallel import make_mesh
from mathjax.training.loop import Trainer
from mathjax.training.step import apply_model, loss_sums

V1_1 = T5Config(
    vocab_size=40,
    num_layers=2,
    hidden_size=32,
    num_heads=4,
    head_size=6,
    intermediate_size=48,
    relative_buckets=16,
    relative_max_distance=64,
)
V1_0 = dataclasses.replace(
    V1_1, activation="relu", gated=False, tie_embeddings=True, scale_output=True
)
EOS = 1


def abstract(config):
    return nnx.split(nnx.eval_shape(lambda: T5(config, rngs=nnx.Rngs(0))))


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


def tokens_of(shape, vocab_size=V1_1.vocab_size, seed=0):
    return np.random.default_rng(seed).integers(0, vocab_size, shape).astype(np.int32)


def huggingface_model(config, seed=0):
    """A random transformers model of the same sizes."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    activation = {"gelu_new": "gelu"}.get(config.activation, config.activation)
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=config.vocab_size,
            d_model=config.hidden_size,
            d_kv=config.head_size,
            d_ff=config.intermediate_size,
            num_layers=config.num_layers,
            num_decoder_layers=config.num_decoder_layers,
            num_heads=config.num_heads,
            relative_attention_num_buckets=config.relative_buckets,
            relative_attention_max_distance=config.relative_max_distance,
            layer_norm_epsilon=config.norm_epsilon,
            feed_forward_proj=f"gated-{activation}" if config.gated else config.activation,
            tie_word_embeddings=config.scale_output,
            dropout_rate=0.0,
            pad_token_id=0,
            eos_token_id=EOS,
            decoder_start_token_id=config.decoder_start_id,
        )
    ).eval()
    assert model.config.scale_decoder_outputs == config.scale_output
    if not config.tie_embeddings:
        # transformers 5 ties every new T5; those it loads have the head of their checkpoint.
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
        elif "relative" in name:
            torch.nn.init.normal_(weight, 0, 1.0)
        else:
            torch.nn.init.normal_(weight, 0, 0.2)
    return model


def weights_of(config, model):
    arrays = {name: x.detach().numpy() for name, x in model.state_dict().items()}
    params = params_from_state_dict("t5", config, arrays)
    _, expected = abstract(config)
    shapes = jax.tree.map(lambda x: x.shape, nnx.to_pure_dict(expected))
    assert jax.tree.map(np.shape, params) == shapes
    return params


def assert_same_logits(config, lengths=(9, 17, 1), left=False):
    import torch

    model = huggingface_model(config)
    graph, _ = abstract(config)
    rows, length = len(lengths), max(lengths)
    tokens = tokens_of((rows, length), config.vocab_size)
    targets = tokens_of((rows, 14), config.vocab_size, seed=1)
    real = np.arange(length) < np.array(lengths)[:, None]
    real = real[:, ::-1].copy() if left else real
    with torch.no_grad():
        theirs = model(
            input_ids=torch.tensor(tokens),
            attention_mask=torch.tensor(real.astype(np.int64)),
            decoder_input_ids=torch.tensor(targets),
        ).logits.numpy()
    params = nnx.State(weights_of(config, model))
    ours = np.asarray(apply(graph, params, tokens, targets, real.astype(np.int32)))
    np.testing.assert_allclose(ours[..., : config.vocab_size], theirs, atol=1e-4)
    assert np.array_equal(ours.argmax(-1), theirs.argmax(-1))


VARIANTS = [
    pytest.param(V1_0, id="v1.0"),
    pytest.param(V1_1, id="v1.1"),
    pytest.param(
        dataclasses.replace(V1_1, tie_embeddings=True, scale_output=True), id="tied-gated"
    ),
    pytest.param(
        dataclasses.replace(V1_1, tie_embeddings=True, scale_output=False), id="tied-unscaled"
    ),
    pytest.param(dataclasses.replace(V1_0, activation="silu", gated=True), id="gated-silu"),
]


@pytest.mark.parametrize("left", [False, True], ids=["right-padded", "left-padded"])
@pytest.mark.parametrize("config", VARIANTS)
def test_logits_equal_transformers(config, left):
    pytest.importorskip("torch")
    assert_same_logits(config, left=left)


@given(half=st.integers(2, 40), further=st.integers(1, 300), bidirectional=st.booleans())
@settings(max_examples=50)
def test_buckets_equal_transformers(half, further, bidirectional):
    torch = pytest.importorskip("torch")
    from transformers.models.t5.modeling_t5 import T5Attention

    distances = np.arange(-1100, 1100)
    arguments = (bidirectional, 2 * half, half + further)
    theirs = T5Attention._relative_position_bucket(torch.tensor(distances), *arguments)
    assert np.array_equal(relative_buckets(distances, *arguments), theirs.numpy())


@pytest.mark.parametrize("config", [V1_0, V1_1], ids=["v1.0", "v1.1"])
def test_greedy_tokens_equal_transformers(config):
    torch = pytest.importorskip("torch")
    model = huggingface_model(config, seed=2)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("o.weight"):
                weight *= 6  # else a token's embedding decides the next, and one repeats
        model.lm_head.weight[EOS] = 0  # ends late
    prompts = [[*tokens_of(n, seed=n).tolist(), EOS] for n in (3, 24, 11, 17)]
    length = max(map(len, prompts))
    padded = np.array([[0] * (length - len(p)) + p for p in prompts])
    mask = np.array([[0] * (length - len(p)) + [1] * len(p) for p in prompts])
    theirs = model.generate(
        input_ids=torch.tensor(padded),
        attention_mask=torch.tensor(mask),
        max_new_tokens=64,
        do_sample=False,
    ).numpy()[:, 1:]  # without the start token
    generator = Generator(abstract(config)[0], eos_id=EOS, max_new_tokens=64)
    found = generator.generate(weights_of(config, model), prompts)
    assert max(len(completion.tokens) for completion in found) > 40
    assert max(len(set(completion.tokens)) for completion in found) > 8, found
    for row, completion in zip(theirs, found, strict=True):
        assert completion.tokens == row[: len(completion.tokens)].tolist()
        assert len(completion.tokens) == 64 or row[len(completion.tokens)] == EOS


@pytest.mark.parametrize("config", [V1_0, V1_1], ids=["v1.0", "v1.1"])
def test_gradients_equal_torch(config):
    torch = pytest.importorskip("torch")
    model = huggingface_model(config)
    batch = pack_pairs([(9, 8)], 9, 8)
    loss = torch.nn.functional.cross_entropy(
        model(
            input_ids=torch.tensor(batch["inputs"]).long(),
            decoder_input_ids=torch.tensor(batch["decoder_inputs"]).long(),
        ).logits[0],
        torch.tensor(batch["targets"][0]).long(),
        reduction="sum",
    )
    loss.backward()
    theirs = {name: weight.grad.numpy() for name, weight in model.named_parameters()}
    theirs = params_from_state_dict("t5", config, theirs)
    graph, _ = abstract(config)

    def ours(params):
        logits = apply_model(nnx.merge(graph, nnx.State(params)), batch)
        return loss_sums(logits, batch["targets"], batch["weights"])["loss"]

    value, gradients = jax.jit(jax.value_and_grad(ours))(weights_of(config, model))
    np.testing.assert_allclose(value, loss.item(), rtol=1e-5)

    def same(path, a, b):
        assert np.linalg.norm(a - b) <= 1e-4 * np.linalg.norm(b), path
        assert np.linalg.norm(b) > 0, path

    jax.tree_util.tree_map_with_path(same, gradients, theirs)


def pack_pairs(sizes, source_length, target_length, seed=0):
    """One row of documents of (prompt, response) sizes, as the loader makes it."""
    rng = np.random.default_rng(seed)
    batch = {
        name: np.zeros((1, source_length if name.startswith("input") else target_length), np.int32)
        for name in ("inputs", "input_segment_ids", "decoder_inputs", "targets", "segment_ids")
    }
    source = target = 0
    for number, (m, n) in enumerate(sizes, start=1):
        prompt, response = (rng.integers(2, V1_1.vocab_size, k) for k in (m, n))
        batch["inputs"][0, source : source + m] = prompt
        batch["input_segment_ids"][0, source : source + m] = number
        here = slice(target, target + n)
        batch["targets"][0, here], batch["segment_ids"][0, here] = response, number
        batch["decoder_inputs"][0, here] = [V1_1.decoder_start_id, *response[:-1]]
        source, target = source + m, target + n
    return batch | {"weights": (batch["segment_ids"] > 0).astype(np.float32)}


def test_packed_documents_equal_each_alone():
    sizes = [(7, 5), (12, 3), (4, 9)]
    graph, params = build(V1_1)
    packed = pack_pairs(sizes, 32, 20)
    run = jax.jit(lambda params, batch: apply_model(nnx.merge(graph, params), batch))
    logits, target = run(params, packed)[0], 0
    for number, (_, n) in enumerate(sizes, start=1):
        source = packed["inputs"][packed["input_segment_ids"] == number][None]
        decoder = packed["decoder_inputs"][packed["segment_ids"] == number][None]
        alone = logits_of(V1_1, source, decoder)[0]
        np.testing.assert_allclose(logits[target : target + n], alone, atol=1e-5)
        target += n


def test_no_gradient_crosses_documents():
    """A loss on the second document does not move the embeddings of the others' tokens."""
    batch = pack_pairs([(4, 3), (5, 4), (3, 3)], 14, 12)
    for name, first in (("inputs", 0), ("decoder_inputs", 20)):
        batch[name][0] = first + np.arange(batch[name].shape[1])
    graph, params = build(dataclasses.replace(V1_1, scale_output=False))

    def loss(params):
        return jnp.sum(apply_model(nnx.merge(graph, params), batch)[0, 3:7, 3] ** 2)

    gradient = nnx.to_pure_dict(jax.jit(jax.grad(loss))(params))
    touched = np.abs(gradient["embedding"]).sum(axis=1)
    assert set(np.flatnonzero(touched)) == {4, 5, 6, 7, 8, 23, 24, 25, 26}


@pytest.mark.parametrize("config", [V1_0, V1_1], ids=["v1.0", "v1.1"])
def test_cached_logits_equal_uncached(config):
    assert_cached_equals_uncached(config)


def assert_cached_equals_uncached(config, pads=(3, 0), prompt=7, new=20):
    graph, params = build(config)
    pads, rows = np.array(pads), len(pads)
    prompts = tokens_of((rows, prompt), config.vocab_size)
    start = np.full((rows, 1), config.decoder_start_id, np.int32)
    targets = np.concatenate([start, tokens_of((rows, new), config.vocab_size, seed=1)], axis=1)
    segments = (np.arange(prompt) >= pads[:, None]).astype(np.int32)
    params = nnx.State(nnx.to_pure_dict(params))
    expected = np.asarray(apply(graph, params, prompts, targets, segments))

    @jax.jit
    def decode_all(params):
        model = nnx.merge(graph, params)
        context, logits_BV, cache = model.prefill(prompts, pads, new)
        assert {x.shape[2] for x in jax.tree.leaves(cache)} == {model.cache_slots(prompt, 0)}
        room = ((0, 0), (0, 0), (0, model.cache_slots(prompt, new) - 1), (0, 0))
        cache = jax.tree.map(lambda x: jnp.pad(x, room), cache)

        def step(cache, n):
            logits_BV, cache = model.decode(context, jnp.asarray(targets)[:, n], n, cache)
            return cache, logits_BV

        rest = jax.lax.scan(step, cache, jnp.arange(1, new + 1))[1]
        return jnp.concatenate([logits_BV[:, None], rest.swapaxes(0, 1)], axis=1)

    ours, expected = (x[..., : config.vocab_size] for x in (decode_all(params), expected))
    np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max())


def test_remat_keeps_loss_and_gradient():
    config = dataclasses.replace(V1_1, num_layers=1, num_decoder_layers=1)
    _, params = build(config)
    tokens, targets = tokens_of((2, 9)), tokens_of((2, 6), seed=1)
    results = {}
    for remat in REMAT_POLICIES:
        graph, _ = abstract(dataclasses.replace(config, remat=remat))

        def loss(params, graph=graph):
            return jnp.mean(jax.nn.logsumexp(apply(graph, params, tokens, targets), axis=-1))

        results[remat] = jax.jit(jax.value_and_grad(loss))(params)
    for remat in ("full", "dots"):
        for a, b in zip(*map(jax.tree.leaves, (results[remat], results["none"])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("adapters", [{}, {"rank": 4, "quantize": "nf4"}], ids=["full", "qlora"])
def test_sharded_equals_one_device(adapters, one_device):
    model = {"family": "t5", "num_layers": 1, "hidden_size": 32, "num_heads": 4}
    model |= {"intermediate_size": 64, "tie_embeddings": False}
    values = {"model": model, "train": {"num_steps": 3, "batch_size": 8}, "lora": adapters}
    config = resolve(values)
    rows = [pack_pairs([(m, 9 - m), (10 - m, m)], 12, 12, seed=m) for m in (2, 3, 4, 5, 6, 7, 3, 4)]
    batch = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    losses = []
    for mesh in (one_device, make_mesh(2, 2, 2)):
        factory = lora.adapted(make_factory(config.model, V1_1.vocab_size), config.lora)
        trainer = Trainer.create(config, mesh, factory, 3)
        with jax.set_mesh(mesh):
            state = trainer.initial_state()
            for _ in range(3):
                state, metrics = trainer.step(state, trainer.put(batch))
                losses.append(float(metrics["loss"]))
    assert losses[2] < losses[0]
    np.testing.assert_allclose(losses[:3], losses[3:], atol=1e-5)
    kernel = trainer.shardings.model_params["decoder"]["layers"]["cross_attention"]["q_proj"]
    leaf = kernel["codes" if adapters else "kernel"]
    assert leaf.spec == jax.P(None, "fsdp", "tensor")


def test_program_size_does_not_grow_with_depth():
    def lines(num_layers):
        config = dataclasses.replace(V1_1, num_layers=num_layers, num_decoder_layers=num_layers)
        graph, params = abstract(config)
        loss = jax.grad(lambda params, *tokens: apply(graph, params, *tokens).sum())
        shape = jax.ShapeDtypeStruct((2, 9), jnp.int32)
        return len(jax.jit(loss).lower(params, shape, shape).as_text().splitlines())

    assert lines(24) == lines(12)
    assert lines(24) <= lines(6)  # few layers are written out


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_padded_vocabulary_changes_nothing(tie_embeddings):
    config = dataclasses.replace(V1_0, tie_embeddings=tie_embeddings)
    padded = dataclasses.replace(config, vocab_multiple=128)
    _, params = build(padded)
    plain = nnx.to_pure_dict(params)
    plain["embedding"] = plain["embedding"][:40]
    if not tie_embeddings:
        plain["head"] = {"kernel": plain["head"]["kernel"][:, :40]}
    tokens, targets = tokens_of((2, 9)), tokens_of((2, 6), seed=1)
    wide = logits_of(padded, tokens, targets)
    narrow = np.asarray(apply(abstract(config)[0], nnx.State(plain), tokens, targets))
    assert wide.shape == (2, 6, 128)
    np.testing.assert_allclose(wide[..., :40], narrow, atol=1e-5)
    assert np.all(wide[..., 40:] == np.float32(IMPOSSIBLE))


def test_bfloat16_is_near_float32_and_logits_are_float32():
    inputs = tokens_of((2, 9)), tokens_of((2, 6), seed=1)
    half = logits_of(dataclasses.replace(V1_1, dtype=jnp.bfloat16), *inputs)
    full = logits_of(V1_1, *inputs)
    assert half.dtype == np.float32
    assert 0 < np.linalg.norm(half - full) < 0.1 * np.linalg.norm(full)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hidden_size": 30, "head_size": None}, "model.hidden_size"),
        ({"activation": "tanh"}, "model.activation"),
        ({"relative_buckets": 7}, "model.relative_buckets"),
        ({"relative_max_distance": 4}, "model.relative_max_distance"),
        ({"remat": "some"}, "model.remat"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, key):
    with pytest.raises(ValueError, match=key):
        dataclasses.replace(V1_1, **changes)
