"""What training changes (parameters, optimizer state, step) and what it does not (the base of
adapters); how it is created sharded and how it lies on disk."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mathjax.errors import UserError
from mathjax.models import lora, quantization
from mathjax.parallel import Rules, parameter_shardings


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    params: dict[str, Any]  # nested dict of arrays: those that are trained and saved
    opt_state: optax.OptState
    step: jax.Array  # int32 scalar: updates made
    frozen: dict[str, Any] = dataclasses.field(default_factory=dict)  # the base of adapters

    @property
    def model_params(self) -> dict[str, Any]:
        """All that the model needs."""
        return lora.join(self.params, self.frozen)


def split_params(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(trained, frozen): the adapters and their base, or, where there is no adapter, everything and
    nothing."""
    adapters, base = lora.split(params)
    return (adapters, base) if adapters else (params, {})


def abstract_model(make_model: Any) -> tuple[nnx.GraphDef, nnx.State]:
    """Structure and parameter shapes of `make_model(rngs)`, without making a weight."""
    return nnx.split(nnx.eval_shape(lambda: make_model(nnx.Rngs(0))))


def state_shardings(
    abstract: nnx.State, optimizer: optax.GradientTransformation, mesh: Mesh, rules: Rules
) -> TrainState:
    """A TrainState of NamedShardings: moments lie where their parameter lies, scalars
    everywhere."""
    params, frozen = split_params(nnx.to_pure_dict(parameter_shardings(abstract, mesh, rules)))
    of_parameter = {
        _trailing_keys(path): s for path, s in jax.tree_util.tree_leaves_with_path(params)
    }
    everywhere = NamedSharding(mesh, PartitionSpec())
    opt_state = jax.tree_util.tree_map_with_path(
        lambda path, x: (
            of_parameter.get(_trailing_keys(path), everywhere) if x.ndim else everywhere
        ),
        jax.eval_shape(optimizer.init, split_params(nnx.to_pure_dict(abstract))[0]),
    )
    return TrainState(params=params, opt_state=opt_state, step=everywhere, frozen=frozen)


def _trailing_keys(path: tuple[Any, ...]) -> tuple[str, ...]:
    """('layers', 'mlp', ...) at the end of '.inner_state[0].mu['layers']['mlp']...': whose moment
    a leaf is."""
    keys: list[str] = []
    for entry in reversed(path):
        if not isinstance(entry, jax.tree_util.DictKey):
            break
        keys.append(entry.key)
    return tuple(reversed(keys))


def create_state(
    make_model: Any, optimizer: optax.GradientTransformation, seed: int, shardings: TrainState
) -> TrainState:
    """Random weights, made inside one jit so that no array ever exists unsharded.

    The same seed gives the same weights on any mesh.
    """

    def create(key):
        params, frozen = split_params(_parameters(make_model, key))
        return TrainState(params, optimizer.init(params), jnp.zeros((), jnp.int32), frozen)

    return jax.jit(create, out_shardings=shardings)(jax.random.key(seed))


def create_frozen(make_model: Any, seed: int, shardings: TrainState) -> dict[str, Any]:
    """The frozen part of what `create_state` makes."""

    def create(key):
        return split_params(_parameters(make_model, key))[1]

    return jax.jit(create, out_shardings=shardings.frozen)(jax.random.key(seed))


def create_state_from(
    base: dict[str, Any],
    make_model: Any,
    optimizer: optax.GradientTransformation,
    seed: int,
    shardings: TrainState,
) -> TrainState:
    """A state that starts from the weights `base`, which have been through `place`: they stay
    frozen under new adapters or, where the model has none, become the parameters, in float32."""
    params = base
    if shardings.frozen:
        make = jax.jit(
            lambda key: split_params(_parameters(make_model, key))[0],
            out_shardings=shardings.params,
        )
        params = make(jax.random.key(seed))
    else:
        params = jax.tree.map(lambda x: x.astype(jnp.float32), base)
    opt_state = jax.jit(optimizer.init, out_shardings=shardings.opt_state)(params)
    step = jax.device_put(jnp.zeros((), jnp.int32), shardings.step)
    return TrainState(params, opt_state, step, base if shardings.frozen else {})


def _parameters(make_model: Any, key: jax.Array) -> dict[str, Any]:
    return nnx.to_pure_dict(nnx.split(make_model(nnx.Rngs(params=key)))[1])


def place(
    base: dict[str, Any], abstract: dict[str, Any], shardings: dict[str, Any], path: str = ""
) -> dict[str, Any]:
    """`base` on its shardings, its kernels in NF4 where the model has them so. Consumes `base`, one
    parameter at a time, so that no second copy of it exists.

    Raises UserError where a parameter is missing, is not the model's or has another shape.
    """
    if quantization.is_quantized(abstract) and "kernel" in base:
        double = "absmax_low" in abstract
        where = {key: s for key, s in shardings.items() if key in quantization.LEAVES}
        quantize = jax.jit(
            lambda kernel: quantization.quantize(kernel, double), out_shardings=where
        )
        base |= quantize(base.pop("kernel"))
    for key in sorted(abstract.keys() ^ base.keys()):
        fault = "is not one of the model's" if key in base else "is missing"
        raise UserError(f"pretrained weights: {path}{key} {fault}")
    placed = {}
    for key in sorted(abstract):
        name, value = f"{path}{key}", base.pop(key)
        if isinstance(value, dict):
            placed[key] = place(value, abstract[key], shardings[key], f"{name}.")
            continue
        if value.shape != abstract[key].shape:
            raise UserError(
                f"pretrained weights: {name} has shape {value.shape}, the model's is "
                f"{abstract[key].shape}"
            )
        placed[key] = jax.device_put(value, shardings[key])
    return placed


def abstract_state(
    abstract: nnx.State, optimizer: optax.GradientTransformation, shardings: TrainState
) -> TrainState:
    """ShapeDtypeStructs with shardings, without what is frozen: the target of a restore."""
    params, _ = split_params(nnx.to_pure_dict(abstract))
    shapes = TrainState(
        params=params,
        opt_state=jax.eval_shape(optimizer.init, params),
        step=jax.ShapeDtypeStruct((), jnp.int32),
    )
    return jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
        shapes,
        dataclasses.replace(shardings, frozen={}),
    )


def to_plain(state: TrainState) -> dict[str, Any]:
    """Nested dicts of arrays for disk, without what is frozen: optimizer leaves under their path,
    so files do not depend on optax classes."""
    leaves = jax.tree_util.tree_leaves_with_path(state.opt_state)
    return {
        "params": state.params,
        "opt_state": {jax.tree_util.keystr(p, simple=True, separator="."): x for p, x in leaves},
        "step": state.step,
    }


def from_plain(
    plain: dict[str, Any], like: TrainState, frozen: dict[str, Any] | None = None
) -> TrainState:
    """Inverse of `to_plain`; `like` gives the structure of the optimizer state."""
    leaves, treedef = jax.tree_util.tree_flatten_with_path(like.opt_state)
    values = [
        plain["opt_state"][jax.tree_util.keystr(p, simple=True, separator=".")] for p, _ in leaves
    ]
    opt_state = jax.tree.unflatten(treedef, values)
    return TrainState(plain["params"], opt_state, plain["step"], frozen or {})
