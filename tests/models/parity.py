"""What every decoder family is compared with transformers in; `theirs` is always one of its models,
`config` ours of the same sizes."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from mathjax.generation.engine import Generator
from mathjax.huggingface.mapping import params_from_state_dict
from mathjax.models import FAMILIES, factory_of
from mathjax.parallel import Rules, make_mesh, parameter_shardings

LENGTHS = (9, 17, 1)  # of the rows that logits and gradients are compared on
NEVER = -1  # an end-of-sequence id that is never drawn


def abstract(config):
    return nnx.split(nnx.eval_shape(lambda: factory_of(config)(nnx.Rngs(0))))


@functools.cache
def build(config):
    """Structure and random parameters, larger than at the start of training, so that attention is
    far from uniform."""
    graph, shapes = abstract(config)
    rng = np.random.default_rng(0)

    def weights(path, x):
        mean = 1 if "scale" in jax.tree_util.keystr(path) else 0
        return rng.normal(mean, 0.2, x.shape).astype(np.float32)

    return graph, nnx.to_pure_dict(jax.tree_util.tree_map_with_path(weights, shapes))


@functools.partial(jax.jit, static_argnums=0)
def apply(graph, params, *inputs):
    return nnx.merge(graph, nnx.State(params))(*inputs)


def logits_of(config, *inputs):
    return np.asarray(apply(*build(config), *inputs))


def tokens_of(shape, vocab_size, seed=0):
    return np.random.default_rng(seed).integers(0, vocab_size, shape).astype(np.int32)


def torch_model(class_name, **config):
    """A random `<class_name>ForCausalLM` whose norms and biases matter too."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
    config_class = getattr(transformers, f"{class_name.removesuffix('LMHead')}Config")
    suffix = "Model" if class_name.endswith("LMHead") else "ForCausalLM"
    model = getattr(transformers, class_name + suffix)(config_class(**config, **ids)).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, 0, 0.2)
        elif "norm" in name or "ln_" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
        else:
            torch.nn.init.normal_(weight, 0, 0.2)
    return model


def our_params(config, theirs, gradients=False):
    (family,) = (name for name, (cls, _) in FAMILIES.items() if isinstance(config, cls))
    arrays = {
        name: (weight.grad if gradients else weight.detach()).numpy()
        for name, weight in theirs.named_parameters()
    }
    return params_from_state_dict(family, config, arrays)


def padded_rows(config, side):
    """Tokens, which of them are real, and their positions, with padding on one side."""
    length = max(LENGTHS)
    tokens = tokens_of((len(LENGTHS), length), config.vocab_size)
    real = np.arange(length) < np.array(LENGTHS)[:, None]
    real = real if side == "right" else real[:, ::-1]
    return tokens, real, np.maximum(np.cumsum(real, axis=1) - 1, 0).astype(np.int32)


def their_logits(theirs, tokens, real, positions):
    import torch

    return theirs(
        torch.tensor(tokens),
        attention_mask=torch.tensor(real.astype(np.int64)),
        position_ids=torch.tensor(positions).long(),
    ).logits


def assert_same_logits(config, theirs):
    import torch

    graph, expected = abstract(config)
    params = our_params(config, theirs)
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, nnx.to_pure_dict(expected))
    for side in ("right", "left"):
        tokens, real, positions = padded_rows(config, side)
        with torch.no_grad():
            expected = their_logits(theirs, tokens, real, positions).numpy()[real]
        ours = np.asarray(apply(graph, params, tokens, positions, real.astype(np.int32)))[real]
        assert ours.shape[-1] == config.padded_vocab_size
        assert (ours[:, config.vocab_size :] < -1e29).all()
        np.testing.assert_allclose(ours[:, : config.vocab_size], expected, atol=1e-4)
        np.testing.assert_array_equal(ours.argmax(axis=-1), expected.argmax(axis=-1))


def loss_of(graph, params, tokens, positions, real):
    """Mean cross-entropy of the next tokens, as a function to differentiate."""
    logits_BTV = nnx.merge(graph, nnx.State(params))(tokens, positions, real.astype(np.int32))
    weights = real[:, 1:] & real[:, :-1]
    losses = optax.softmax_cross_entropy_with_integer_labels(logits_BTV[:, :-1], tokens[:, 1:])
    return jnp.sum(losses * weights) / weights.sum()


def assert_same_gradients(config, theirs):
    import torch

    tokens, real, positions = padded_rows(config, "right")
    labels = torch.tensor(np.where(real, tokens, -100)[:, 1:].reshape(-1)).long()
    theirs.zero_grad()
    logits = their_logits(theirs, tokens, real, positions)[:, :-1].flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    graph, _ = abstract(config)
    value, gradients = jax.jit(
        jax.value_and_grad(lambda params: loss_of(graph, params, tokens, positions, real))
    )(our_params(config, theirs))
    np.testing.assert_allclose(value, loss.item(), rtol=1e-5)

    def compare(path, ours, expected):
        # Rows that pad the vocabulary have none.
        difference = np.abs(np.asarray(ours) - expected).max()
        assert difference <= 1e-4 * np.abs(expected).max(), jax.tree_util.keystr(path)

    jax.tree_util.tree_map_with_path(compare, gradients, our_params(config, theirs, gradients=True))


def assert_same_greedy_tokens(config, theirs, lengths=(3, 14, 16, 1, 23), new=64):
    import torch

    rng = np.random.default_rng(1)
    prompts = [rng.integers(0, config.vocab_size, n).tolist() for n in lengths]
    padded = torch.zeros(len(prompts), max(lengths), dtype=torch.long)
    real = torch.zeros_like(padded)
    for row, prompt in enumerate(prompts):
        padded[row, -len(prompt) :], real[row, -len(prompt) :] = torch.tensor(prompt), 1
    with torch.inference_mode():
        expected = theirs.generate(
            padded, attention_mask=real, max_new_tokens=new, do_sample=False, pad_token_id=0
        ).numpy()[:, max(lengths) :]
    generator = Generator(abstract(config)[0], eos_id=NEVER, max_new_tokens=new)
    ours = generator.generate(our_params(config, theirs), prompts)
    np.testing.assert_array_equal([completion.tokens for completion in ours], expected)
    # Rows that all repeat one token would show little.
    assert np.mean([len(set(row)) for row in expected.tolist()]) > 4


def assert_cached_equals_uncached(config, pads=(0, 3), prompt=5, new=12, growths=((), (4, 6))):
    """Logits after every new token, the cache as long as needed at once or, after some numbers of
    new tokens, growing."""
    graph, params = build(config)
    pads_B, length = np.array(pads), prompt + new
    tokens = tokens_of((len(pads), length), config.vocab_size)
    slots_S = np.arange(length)
    real = slots_S >= pads_B[:, None]
    positions = np.maximum(slots_S - pads_B[:, None], 0).astype(np.int32)
    expected = logits_of(config, tokens, positions, real.astype(np.int32))[:, prompt - 1 :]

    @functools.partial(jax.jit, static_argnums=1)
    def decode_all(params, limits):
        model = nnx.merge(graph, nnx.State(params))
        context, logits_BV, cache = model.prefill(tokens[:, :prompt], pads_B, new)

        def step(cache, n):
            token_B = jax.lax.dynamic_index_in_dim(tokens, prompt + n - 1, axis=1, keepdims=False)
            logits_BV, cache = model.decode(context, token_B, n, cache)
            return cache, logits_BV

        made = [logits_BV[None]]
        for first, last in itertools.pairwise((0, *limits)):
            room = model.cache_slots(prompt, last) - cache[0][0].shape[2]
            cache = jax.tree.map(
                lambda x, r=room: jnp.pad(x, ((0, 0), (0, 0), (0, r), (0, 0))), cache
            )
            cache, logits_NBV = jax.lax.scan(step, cache, jnp.arange(first, last) + 1)
            made.append(logits_NBV)
        return jnp.concatenate(made).swapaxes(0, 1)

    seen = slice(None, config.vocab_size)
    scale = np.abs(expected[..., seen]).max()
    for growth in growths:
        ours = np.asarray(decode_all(params, (*growth, new)))
        np.testing.assert_allclose(ours[..., seen], expected[..., seen], atol=1e-5 * scale)


def assert_packed_equals_alone(config, lengths=(7, 12, 5), row_length=32):
    """Logits of documents that share a row."""
    documents = [tokens_of(n, config.vocab_size, seed=n) for n in lengths]
    packed = logits_of(config, *pack_documents(documents, row_length))[0]
    at = 0
    for document in documents:
        alone = logits_of(config, document[None])[0]
        np.testing.assert_allclose(packed[at : at + len(document)], alone, atol=1e-5)
        at += len(document)


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


def assert_mesh_equals_one_device(config):
    """Loss and gradients on 8 devices."""
    graph, params = build(config)
    tokens = tokens_of((8, 12), config.vocab_size)
    positions = np.broadcast_to(np.arange(12, dtype=np.int32), (8, 12))
    real = np.arange(12) < np.arange(5, 13)[:, None]

    def loss(params):
        return loss_of(graph, params, tokens, positions, real)

    expected = jax.jit(jax.value_and_grad(loss))(params)
    mesh = make_mesh(2, 2, 2)
    shardings = nnx.to_pure_dict(parameter_shardings(abstract(config)[1], mesh, Rules()))
    sharded = jax.device_put(params, shardings)
    assert not sharded["layers"]["mlp"]["up_proj"]["kernel"].sharding.is_fully_replicated
    with jax.set_mesh(mesh):
        ours = jax.jit(jax.value_and_grad(loss))(sharded)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(b).max()))


def program_lines(config):
    """Lines of the lowered program of a gradient."""
    graph, params = abstract(config)
    loss = jax.grad(lambda params, tokens: apply(graph, params, tokens).sum())
    tokens = jax.ShapeDtypeStruct((2, 9), jnp.int32)
    text = jax.jit(loss).lower(nnx.to_pure_dict(params), tokens).as_text()
    return len(text.splitlines())
