"""Layers stacked on a leading axis [L, ...]: scanned in training, taken apart for decoding.

Scanned, so that compile time does not grow with depth. Decoding unrolls them, which is twice as
fast (a scan would copy its slice of the cache at every token).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx

UNROLL_ALL = 8
"""Up to so many layers stand in a row, so that XLA on CPU need not stack what the backward pass
keeps (a tenth of a step). Deeper stacks are scanned one by one: several at a time take longer to
compile than 8 in a row, and were no faster."""

REMAT_POLICIES = {
    "none": None,
    "full": jax.checkpoint_policies.nothing_saveable,
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}
"""What the backward pass keeps of a layer: everything, only its input, or its input and the matrix
products."""

Layer = TypeVar("Layer", bound=nnx.Module)
X = TypeVar("X")


def check_remat(remat: str) -> None:
    """Raises ValueError where there is no such policy."""
    if remat not in REMAT_POLICIES:
        raise ValueError(f"model.remat={remat!r}: choose from {', '.join(REMAT_POLICIES)}")


def stack_layers(make_layer: Callable[[nnx.Rngs], Layer], num_layers: int, rngs: nnx.Rngs) -> Layer:
    """One module whose parameters are those of `num_layers` layers, stacked."""
    return nnx.vmap(make_layer)(rngs.split(num_layers))


def scan_layers(
    layers: Layer, num_layers: int, call: Callable[[Layer, X], X], x: X, *, remat: str = "none"
) -> X:
    """`x = call(layer, x)` for each of the stacked `layers`; `x` is any pytree.

    What every layer needs (masks, position tables, an encoder's output) `call` closes over: it is
    made once, outside the scan.
    """
    graph, weights = nnx.split(layers)

    def body(x, layer_weights):
        return call(nnx.merge(graph, layer_weights), x), None

    if remat != "none":
        body = jax.checkpoint(body, policy=REMAT_POLICIES[remat], prevent_cse=False)
    unroll = num_layers if num_layers <= UNROLL_ALL else 1
    if any(x.dtype == jnp.uint8 for x in jax.tree.leaves(weights)):
        unroll = 1  # NF4: what stands in a row may be unpacked at once, so one layer at a time
    return jax.lax.scan(body, x, weights, unroll=unroll)[0]


def unstacked(layers: Layer, num_layers: int) -> list[Layer]:
    """The layers one by one, for decoding; take them apart outside the token loop, so that the
    slices are made once. They are a second copy of the layers for as long as the call lasts."""
    graph, weights = nnx.split(layers)
    return [_take(graph, weights, i) for i in range(num_layers)]


def _take(graph: nnx.GraphDef, weights: Any, index: int) -> Any:
    return nnx.merge(graph, jax.tree.map(lambda w: w[index], weights))


def output_stddev(num_layers: int) -> float:
    """Projections back into the residual stream start smaller by sqrt(2 L), as in GPT-2 (Radford
    et al. 2019)."""
    return 0.02 * (2 * num_layers) ** -0.5
