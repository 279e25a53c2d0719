"""What training changes: parameters, optimizer state, step; how it is created sharded and how it
lies on disk."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mathjax.parallel import Rules, parameter_shardings


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    params: dict[str, Any]  # nested dict of arrays
    opt_state: optax.OptState
    step: jax.Array  # int32 scalar: updates made


def abstract_model(make_model: Any) -> tuple[nnx.GraphDef, nnx.State]:
    """Structure and parameter shapes of `make_model(rngs)`, without making a weight."""
    return nnx.split(nnx.eval_shape(lambda: make_model(nnx.Rngs(0))))


def state_shardings(
    abstract: nnx.State, optimizer: optax.GradientTransformation, mesh: Mesh, rules: Rules
) -> TrainState:
    """A TrainState of NamedShardings: moments lie where their parameter lies, scalars
    everywhere."""
    params = nnx.to_pure_dict(parameter_shardings(abstract, mesh, rules))
    of_parameter = {
        _trailing_keys(path): s for path, s in jax.tree_util.tree_leaves_with_path(params)
    }
    everywhere = NamedSharding(mesh, PartitionSpec())
    opt_state = jax.tree_util.tree_map_with_path(
        lambda path, x: (
            of_parameter.get(_trailing_keys(path), everywhere) if x.ndim else everywhere
        ),
        jax.eval_shape(optimizer.init, nnx.to_pure_dict(abstract)),
    )
    return TrainState(params=params, opt_state=opt_state, step=everywhere)


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
        params = nnx.to_pure_dict(nnx.split(make_model(nnx.Rngs(params=key)))[1])
        return TrainState(params, optimizer.init(params), jnp.zeros((), jnp.int32))

    return jax.jit(create, out_shardings=shardings)(jax.random.key(seed))


def abstract_state(
    abstract: nnx.State, optimizer: optax.GradientTransformation, shardings: TrainState
) -> TrainState:
    """ShapeDtypeStructs with shardings: the target of a restore."""
    params = nnx.to_pure_dict(abstract)
    shapes = TrainState(
        params=params,
        opt_state=jax.eval_shape(optimizer.init, params),
        step=jax.ShapeDtypeStruct((), jnp.int32),
    )
    return jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), shapes, shardings
    )


def to_plain(state: TrainState) -> dict[str, Any]:
    """Nested dicts of arrays for disk: optimizer leaves under their path, so files do not depend
    on optax classes."""
    leaves = jax.tree_util.tree_leaves_with_path(state.opt_state)
    return {
        "params": state.params,
        "opt_state": {jax.tree_util.keystr(p, simple=True, separator="."): x for p, x in leaves},
        "step": state.step,
    }


def from_plain(plain: dict[str, Any], like: TrainState) -> TrainState:
    """Inverse of `to_plain`; `like` gives the structure of the optimizer state."""
    leaves, treedef = jax.tree_util.tree_flatten_with_path(like.opt_state)
    values = [
        plain["opt_state"][jax.tree_util.keystr(p, simple=True, separator=".")] for p, _ in leaves
    ]
    return TrainState(plain["params"], jax.tree.unflatten(treedef, values), plain["step"])
