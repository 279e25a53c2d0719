"""The device mesh and the one table that says which dimension of an array lies on which mesh
axis."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
from flax import nnx
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from mathjax.errors import UserError

MESH_AXES = ("data", "fsdp", "tensor")


class ShardingError(UserError):
    """A mesh that does not fit the devices, or an array dimension that does not divide over its
    mesh axis."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """Logical axis -> mesh axes; None replicates. The fields are the names, so a typo is an
    AttributeError."""

    batch: tuple[str, ...] = ("data", "fsdp")
    embed: str | None = "fsdp"
    heads: str | None = "tensor"
    kv_heads: str | None = "tensor"
    mlp: str | None = "tensor"
    vocab: str | None = "tensor"
    norm: None = None
    lora: None = None
    layers: None = None

    def spec(self, *names: str | None) -> PartitionSpec:
        return PartitionSpec(*(getattr(self, name) if name else None for name in names))


def make_mesh(data: int = -1, fsdp: int = 1, tensor: int = 1, devices: Any = None) -> Mesh:
    """Mesh of all devices with axes ('data', 'fsdp', 'tensor'); at most one size may be -1
    (whatever is left).

    Auto axis types: the compiler places the collectives. (JAX's own default, Explicit, refuses an
    embedding look-up of a sharded table.)
    """
    devices = list(jax.devices() if devices is None else devices)
    sizes = {"data": data, "fsdp": fsdp, "tensor": tensor}
    unknown = [name for name, size in sizes.items() if size == -1]
    if len(unknown) > 1:
        raise ShardingError(f"mesh.{unknown[0]} and mesh.{unknown[1]} are both -1: fix one of them")
    for name, size in sizes.items():
        if size < 1 and size != -1:
            raise ShardingError(f"mesh.{name}={size}: give a positive size, or -1 for what is left")
    known = math.prod(size for size in sizes.values() if size != -1)
    if unknown:
        if len(devices) % known:
            raise ShardingError(
                f"mesh.{unknown[0]}=-1: {len(devices)} devices do not divide by the product of the "
                f"other axes, {known}"
            )
        sizes[unknown[0]] = len(devices) // known
    elif known != len(devices):
        shape = " x ".join(f"{name}={size}" for name, size in sizes.items())
        raise ShardingError(
            f"mesh {shape} needs {known} devices and {len(devices)} are there: set one axis to -1"
        )
    shape = tuple(sizes[name] for name in MESH_AXES)
    return jax.make_mesh(shape, MESH_AXES, axis_types=(AxisType.Auto,) * 3, devices=devices)


def parameter_shardings(abstract: nnx.State, mesh: Mesh, rules: Rules) -> nnx.State:
    """NamedSharding for every parameter, from the `axes` it declares; a stacked layer axis comes
    first.

    Raises ShardingError, naming the parameter and the mesh axis, where a dimension does not divide;
    a dimension of a variable with `divides=False` is replicated then.
    """

    def sharding(path, variable):
        axes = variable.get_metadata("axes")
        shape = variable.get_value().shape
        names = ("layers",) * (len(shape) - len(axes)) + tuple(axes)
        spec = rules.spec(*names)
        if "vocab" in names and shape[names.index("vocab")] % mesh.shape[rules.vocab]:
            # Vocabulary sizes are what they are (a character tokenizer's 23): such a table is
            # replicated.
            return NamedSharding(mesh, rules.spec(*(n if n != "vocab" else None for n in names)))
        if not variable.get_metadata().get("divides", True):
            names = [
                n if a is None or size % mesh.shape[a] == 0 else None
                for n, a, size in zip(names, spec, shape, strict=True)
            ]
            return NamedSharding(mesh, rules.spec(*names))
        for size, name, axis in zip(shape, names, spec, strict=True):
            if axis is not None and size % mesh.shape[axis]:
                raise ShardingError(
                    f"mesh.{axis}={mesh.shape[axis]} does not divide dimension '{name}'={size} of "
                    "parameter "
                    f"{jax.tree_util.keystr(path, simple=True, separator='.')}"
                )
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(
        sharding, abstract, is_leaf=lambda x: isinstance(x, nnx.Variable)
    )


def batch_sharding(mesh: Mesh, rules: Rules) -> NamedSharding:
    """Rows over 'data' and 'fsdp', columns whole."""
    return NamedSharding(mesh, rules.spec("batch", None))


def constrain(x: jax.Array, *names: str | None) -> jax.Array:
    """Pins an activation to the default rules on the mesh set by `jax.set_mesh`; no mesh, no
    effect.

    A dimension that does not divide over its axes (one row, an odd vocabulary) is replicated.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty:
        return x
    spec = []
    for size, axes in zip(x.shape, Rules().spec(*names), strict=True):
        shards = math.prod(
            mesh.shape[a] for a in ((axes,) if isinstance(axes, str) else axes or ())
        )
        spec.append(None if size % shards else axes)
    return jax.lax.with_sharding_constraint(x, PartitionSpec(*spec))


def put_batch(batch: dict[str, Any], sharding: NamedSharding) -> dict[str, jax.Array]:
    """Global batch (the same on every process) -> device arrays; each process copies only its own
    rows."""
    if sharding.is_fully_addressable:
        return jax.device_put(batch, sharding)
    return {
        key: jax.make_array_from_callback(
            rows.shape, sharding, lambda index, rows=rows: rows[index]
        )
        for key, rows in batch.items()
    }
