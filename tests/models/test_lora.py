"""Adapters: nothing changes before they are trained, merging loses nothing, only they have
gradients; on every family."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import SingleDeviceSharding

from mathjax.config import LoraSection
from mathjax.errors import UserError
from mathjax.models import factory_of, lora
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import dropout
from mathjax.models.llama import LlamaConfig
from mathjax.models.lora import LoraSpec, with_adapters, with_nf4
from mathjax.models.t5 import T5Config
from mathjax.training.state import abstract_model, place

SIZES = {"vocab_size": 30, "num_layers": 2, "hidden_size": 32, "num_heads": 4}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, num_kv_heads=2, intermediate_size=86),
    "gpt2": GPT2Config(**SIZES, max_positions=16),
    "t5": T5Config(**SIZES, intermediate_size=48),
}
SPEC = LoraSpec(rank=3, alpha=6.0)


@functools.cache
def base_params(name):
    """Plain weights, made by NumPy: nothing to compile."""
    rng = np.random.default_rng(0)
    shapes = nnx.to_pure_dict(abstract_model(factory_of(CONFIGS[name]))[1])
    return jax.tree.map(lambda x: rng.normal(0, 0.1, x.shape).astype(np.float32), shapes)


def build(name, storage="none", spec=SPEC):
    """Structure and parameters on the base of `base_params`; adapters as if they had been trained:
    B is not zero."""
    factory = wrapped(name, storage, spec)
    graph, shapes = abstract_model(factory)
    adapters, base = lora.split(nnx.to_pure_dict(shapes))
    rng = np.random.default_rng(1)
    adapters = jax.tree.map(lambda x: rng.normal(0, 0.1, x.shape).astype(np.float32), adapters)
    where = jax.tree.map(lambda _: SingleDeviceSharding(jax.devices()[0]), base)
    return graph, lora.join(adapters, place(copy(base_params(name)), base, where))


def copy(tree):
    return jax.tree.map(lambda x: x, tree)


@functools.partial(jax.jit, static_argnums=0)
def apply(graph, params, key=None):
    tokens = jnp.arange(24).reshape(2, 12)
    model = nnx.merge(graph, nnx.State(params))
    if key is not None:
        lora.set_dropout(model, key)
    return model(tokens, tokens[:, ::-1]) if model.is_encoder_decoder else model(tokens)


def wrapped(name, storage="none", spec=SPEC):
    factory = factory_of(CONFIGS[name])
    if storage != "none":
        factory = with_nf4(factory, double=storage == "nf4_double")
    return with_adapters(factory, spec)


def plain_graph(name):
    return abstract_model(factory_of(CONFIGS[name]))[0]


@pytest.mark.parametrize("name", CONFIGS)
def test_at_initialisation_it_is_the_base_to_the_bit(name):
    graph, params = build(name)
    untrained = jax.tree_util.tree_map_with_path(
        lambda path, x: np.zeros_like(x) if path[-1].key == "lora_b" else x, params
    )
    with jax.disable_jit():  # an operation at a time, as they stand
        expected = apply(plain_graph(name), base_params(name))
        np.testing.assert_array_equal(apply(graph, untrained), expected)
    # Compiled, GPT-2's GELU falls into two loops once two products read it, and LLVM then rounds
    # some of its values otherwise.
    tolerance = 1e-7 if name == "gpt2" else 0
    expected = apply(plain_graph(name), base_params(name))
    np.testing.assert_allclose(apply(graph, untrained), expected, rtol=0, atol=tolerance)
    assert not np.allclose(apply(graph, params), expected, atol=1e-3)


def test_adapters_start_as_in_peft_on_the_same_base():
    """A is uniform within 1 / sqrt(in), each layer its own; B is zero."""

    def make(factory):
        return jax.jit(lambda: nnx.to_pure_dict(nnx.split(factory(nnx.Rngs(0)))[1]))()

    adapters, base = lora.split(make(wrapped("llama")))
    adapter = adapters["layers"]["mlp"]["down_proj"]
    a = adapter["lora_a"]
    assert a.shape == (2, 86, 3) and not adapter["lora_b"].any()
    assert 0.9 < jnp.abs(a).max() * 86**0.5 <= 1 and abs(a.std() * 258**0.5 - 1) < 0.1
    assert not np.array_equal(a[0], a[1])
    jax.tree.map(np.testing.assert_array_equal, base, make(factory_of(CONFIGS["llama"])))


@pytest.mark.parametrize("storage", ["none", "nf4", "nf4_double"])
@pytest.mark.parametrize("name", CONFIGS)
def test_merged_equals_unmerged(name, storage):
    spec = LoraSpec(rank=3, alpha=6.0, rslora=storage == "none", targets=r"_proj$")
    graph, params = build(name, storage, spec)
    unmerged = apply(graph, params)
    merged = lora.merge_adapters(copied(params), spec)
    assert jax.tree.map(jnp.shape, merged) == jax.tree.map(jnp.shape, base_params(name))
    np.testing.assert_allclose(apply(plain_graph(name), merged), unmerged, atol=1e-5)


def copied(params):
    """Dicts of their own: merging empties them."""
    return jax.tree.map(lambda x: x, params)


def test_merging_keeps_the_kernels_type_or_takes_another():
    _, params = build("llama")
    low = jax.tree.map(lambda x: x.astype(jnp.bfloat16), params)
    types = jax.tree.map(lambda x: x.dtype, lora.merge_adapters(copied(low), SPEC))
    assert set(jax.tree.leaves(types)) == {jnp.dtype(jnp.bfloat16)}
    merged = lora.merge_adapters(low, SPEC, jnp.float32)
    assert merged["layers"]["mlp"]["up_proj"]["kernel"].dtype == jnp.float32


def test_split_and_join_are_inverse():
    _, params = build("t5", "nf4")
    adapters, base = lora.split(params)
    assert jax.tree.structure(lora.join(adapters, base)) == jax.tree.structure(params)
    paths = [path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(adapters)]
    assert set(paths) == {"lora_a", "lora_b"} and not lora.split(base)[0]
    assert lora.split(base)[1].keys() == base.keys()


def test_targets_choose_layers():
    _, params = build("t5", spec=LoraSpec(2, 4.0, targets=r"decoder.*\.[qv]_proj"))
    adapters = lora.split(params)[0]
    assert set(adapters) == {"decoder"} and set(adapters["decoder"]["layers"]) == {
        "attention",
        "cross_attention",
    }
    assert set(adapters["decoder"]["layers"]["attention"]) == {"q_proj", "v_proj"}
    _, params = build("llama", spec=LoraSpec(2, 4.0, targets="head"))
    assert params["head"]["lora_a"].shape == (32, 2)


def test_a_regex_that_matches_nothing_lists_what_there_is():
    message = re.escape("lora.targets='query' matches no layer")
    with pytest.raises(UserError, match=message) as caught:
        abstract_model(wrapped("gpt2", spec=LoraSpec(2, 4.0, targets="query")))
    paths = "layers.attention.o_proj, layers.attention.qkv_proj, layers.mlp.down_proj"
    assert paths in str(caught.value)
    with pytest.raises(UserError, match="not a regular expression"):
        abstract_model(wrapped("gpt2", spec=LoraSpec(2, 4.0, targets="(")))


@pytest.mark.parametrize(
    ("values", "message"), [({"rank": 0}, "rank=0"), ({"dropout": 1.0}, "dropout=1.0")]
)
def test_settings_out_of_range_name_their_key(values, message):
    with pytest.raises(UserError, match=f"lora.{message}"):
        LoraSpec(**{"rank": 2, "alpha": 4.0} | values)


def test_a_config_section_says_it_all():
    factory = factory_of(CONFIGS["llama"])
    assert lora.adapted(factory, LoraSection()) is factory
    section = LoraSection(rank=2, alpha=3.0, rslora=True, targets="q_proj", quantize="nf4_double")
    params = nnx.to_pure_dict(abstract_model(lora.adapted(factory, section))[1])
    layer = params["layers"]
    assert set(layer["attention"]["q_proj"]) == {
        *("codes", "absmax", "absmax_low", "absmax_step", "lora_a", "lora_b")
    }
    assert "codes" in layer["mlp"]["up_proj"] and "kernel" in params["head"]
    assert LoraSpec.from_section(section).scale == 3 / 2**0.5
    assert SPEC.scale == 2.0


@pytest.mark.parametrize("remat", ["none", "full"])
def test_dropout_differs_by_key_and_by_layer_and_is_absent_in_evaluation(remat):
    spec = LoraSpec(rank=3, alpha=6.0, dropout=0.5, targets="(layers|head)")
    config = dataclasses.replace(CONFIGS["llama"], remat=remat)
    graph, _ = abstract_model(with_adapters(factory_of(config), spec))
    without, params = build("llama", spec=dataclasses.replace(spec, dropout=0.0))
    key = jax.random.key(0)
    logits = apply(graph, params, key)
    np.testing.assert_array_equal(apply(graph, params, key), logits)
    assert not np.allclose(apply(graph, params, jax.random.key(1)), logits, atol=1e-3)
    np.testing.assert_allclose(apply(graph, params), apply(without, params, key), atol=1e-6)
    assert not np.allclose(apply(graph, params), logits, atol=1e-3)

    model = nnx.merge(graph, nnx.State(params))
    lora.set_dropout(model, key)
    keys = model.layers.attention.q_proj.dropout_key[...]
    assert keys.shape == (2, 2) and not np.array_equal(keys[0], keys[1])
    assert not np.array_equal(keys, model.layers.attention.k_proj.dropout_key[...])
    assert model.head.dropout_key[...].shape == (2,)


def test_dropout_keeps_the_mean_and_the_rate():
    x = jnp.ones((200, 500))
    y = dropout(x, jax.random.key_data(jax.random.key(0)), 0.25)
    assert abs(float(jnp.mean(y == 0)) - 0.25) < 0.01
    np.testing.assert_allclose(y[y != 0], 1 / 0.75, rtol=1e-6)
    assert dropout(x.astype(jnp.bfloat16), jax.random.key_data(jax.random.key(0)), 0.25).dtype == (
        jnp.bfloat16
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_of_adapters_equal_those_of_the_plain_expression(name):
    """W + scale A B differentiated as it stands, without the layers' own gradients."""
    graph, params = build(name)
    adapters, base = lora.split(params)

    def loss(adapters):
        return jnp.sum(apply(graph, lora.join(adapters, base))[..., :7] ** 2)

    def expected(adapters):
        merged = lora.merge_adapters(lora.join(adapters, base), SPEC)
        return jnp.sum(apply(plain_graph(name), merged)[..., :7] ** 2)

    got, want = jax.jit(jax.grad(loss))(adapters), jax.jit(jax.grad(expected))(adapters)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4 * float(jnp.abs(b).max() + 1e-6))


def products(jaxpr):
    """Matrix products in a jaxpr and all that it calls."""
    count = 0
    for equation in jaxpr.eqns:
        count += equation.primitive.name == "dot_general"
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                count += products(inner) if hasattr(inner, "eqns") else 0
    return count


def test_frozen_weights_cost_no_gradient_product():
    """A Linear has two products for itself and a gradient of x, six for its adapter."""
    graph, params = build("llama")
    adapters, base = lora.split(params)

    def loss(adapters):
        return jnp.sum(apply(graph, lora.join(adapters, base)))

    def plain_loss(params):
        return jnp.sum(apply(plain_graph("llama"), params))

    with_lora = products(jax.make_jaxpr(jax.grad(loss))(adapters).jaxpr)
    full = products(jax.make_jaxpr(jax.grad(plain_loss))(base_params("llama")).jaxpr)
    # Seven layers a block in one scan body: less a weight gradient, more six products; the head
    # has no weight gradient either.
    assert with_lora - full == 7 * (6 - 1) - 1
