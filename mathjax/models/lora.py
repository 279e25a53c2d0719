"""Low-rank adapters (LoRA, Hu et al. 2021) and NF4 bases (QLoRA, Dettmers et al. 2023).

Both change the `Linear` layers of a model that exists, so the families know nothing of them:

    factory = with_adapters(with_nf4(factory), spec)

Parameters stay nested dicts; `split` and `join` part the adapters, which are trained and saved,
from the base, which is neither.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.config import LoraSection
from mathjax.errors import UserError
from mathjax.models import quantization
from mathjax.models.layers import Linear

Factory = Callable[[nnx.Rngs], nnx.Module]
Params = dict[str, Any]

ADAPTER = ("lora_a", "lora_b")
QUANTIZED = r"layers\..*"
"""Paths of the kernels in NF4: all but the head, as in QLoRA."""


@dataclasses.dataclass(frozen=True)
class LoraSpec:
    """Which layers get an adapter, and its settings. `targets` is searched for in dotted paths
    such as 'layers.attention.q_proj'."""

    rank: int
    alpha: float
    dropout: float = 0.0
    rslora: bool = False
    targets: str = r"layers\..*"

    def __post_init__(self):
        if self.rank < 1:
            raise UserError(f"lora.rank={self.rank}: an adapter needs at least 1")
        if not 0 <= self.dropout < 1:
            raise UserError(f"lora.dropout={self.dropout}: must be at least 0 and less than 1")

    @classmethod
    def from_section(cls, section: LoraSection) -> LoraSpec:
        fields = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: getattr(section, name) for name in fields})

    @property
    def scale(self) -> float:
        """alpha / rank, or alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023)."""
        return self.alpha / (self.rank**0.5 if self.rslora else self.rank)


def adapted(factory: Factory, section: LoraSection) -> Factory:
    """`factory` as the `lora` section of a config wants it; rank 0 changes nothing."""
    if not section.rank:
        return factory
    if section.quantize != "none":
        factory = with_nf4(factory, double=section.quantize == "nf4_double")
    return with_adapters(factory, LoraSpec.from_section(section))


def linears(model: nnx.Module) -> Iterator[tuple[str, Linear]]:
    """Dotted path and layer of every Linear; stacked layers count once."""
    for path, module in nnx.iter_modules(model):
        if isinstance(module, Linear):
            yield ".".join(map(str, path)), module


def matching(
    model: nnx.Module, targets: str, key: str = "lora.targets"
) -> list[tuple[str, Linear]]:
    """The Linears whose path `targets` finds; raises UserError, with the paths that exist, where
    there is none."""
    try:
        pattern = re.compile(targets)
    except re.error as error:
        raise UserError(f"{key}={targets!r} is not a regular expression: {error}") from None
    everything = sorted(linears(model))
    found = [(path, linear) for path, linear in everything if pattern.search(path)]
    if not found:
        paths = ", ".join(path for path, _ in everything)
        raise UserError(f"{key}={targets!r} matches no layer; there are {paths}")
    return found


def with_adapters(factory: Factory, spec: LoraSpec) -> Factory:
    """`factory` whose models carry adapters and, until they are trained, give the same results.

    A is uniform within 1/sqrt(in), B zero, as in LoRA's own code and in peft.
    """

    def make(rngs: nnx.Rngs) -> nnx.Module:
        model = factory(rngs)
        for _, linear in linears(model):
            linear.frozen = True
        for _, linear in matching(model, spec.targets):
            (inputs, outputs), (axis_in, axis_out) = linear.shape, linear.axes
            stack = _stack(linear)
            bound = inputs**-0.5
            a = jax.random.uniform(
                rngs.params(), (*stack, inputs, spec.rank), minval=-bound, maxval=bound
            )
            linear.lora_a = nnx.Param(a, axes=(axis_in, "lora"))
            linear.lora_b = nnx.Param(
                jnp.zeros((*stack, spec.rank, outputs)), axes=("lora", axis_out)
            )
            linear.lora = spec
        return model

    return make


def with_nf4(factory: Factory, targets: str = QUANTIZED, double: bool = False) -> Factory:
    """`factory` whose models hold the matching kernels in NF4; `double` quantises the scales
    too."""

    def make(rngs: nnx.Rngs) -> nnx.Module:
        model = factory(rngs)
        for path, linear in matching(model, targets):
            leaves = quantization.quantize(linear.kernel[...], double, path)
            del linear.kernel
            linear.frozen = True
            for key, axes in quantization.leaf_axes(linear.axes, double).items():
                # Scales are few: where their rows do not divide over the mesh they are replicated.
                setattr(linear, key, nnx.Param(leaves[key], axes=axes, divides=key == "codes"))
        return model

    return make


def quantizer(section: LoraSection) -> Callable[[str, jax.Array], Params | None] | None:
    """What `huggingface.reader.load_params` calls with each kernel, so that it holds the leaves of
    `with_nf4`; None where nothing is quantised."""
    if section.quantize == "none":
        return None
    double = section.quantize == "nf4_double"

    def quantize(path: str, kernel: jax.Array) -> Params | None:
        if not re.search(QUANTIZED, path):
            return None
        return quantization.quantize(kernel, double, path)

    return quantize


def _stack(linear: Linear) -> tuple[int, ...]:
    """(L,) of stacked layers, () of one."""
    weight = linear.codes if hasattr(linear, "codes") else linear.kernel
    return weight.get_value().shape[:-2]


def set_dropout(model: nnx.Module, key: jax.Array) -> None:
    """Gives the adapters of `model` the keys of one forward pass; without them nothing is dropped.

    The keys are variables beside the weights, [L, 2] in stacked layers, so that a scan hands every
    layer its own.
    """
    for index, (_, linear) in enumerate(sorted(linears(model))):
        if hasattr(linear, "lora_a") and linear.lora.dropout:
            keys = jax.random.split(jax.random.fold_in(key, index), _stack(linear))
            linear.dropout_key = nnx.Variable(jax.random.key_data(keys))


def trainable(path: tuple[str, ...]) -> bool:
    """Whether the parameter at `path` is one of an adapter."""
    return path[-1] in ADAPTER


def split(params: Params, path: tuple[str, ...] = ()) -> tuple[Params, Params]:
    """(adapters, base), without empty dicts; leaves may be anything."""
    adapters, base = {}, {}
    for key, value in params.items():
        if isinstance(value, dict):
            parts = split(value, (*path, key))
            adapters |= {key: parts[0]} if parts[0] else {}
            base |= {key: parts[1]} if parts[1] else {}
        else:
            (adapters if trainable((*path, key)) else base)[key] = value
    return adapters, base


def join(adapters: Params, base: Params) -> Params:
    """Inverse of `split`."""
    joined = dict(base)
    for key, value in adapters.items():
        joined[key] = join(value, base.get(key, {})) if isinstance(value, dict) else value
    return joined


def merge_adapters(
    params: Params,
    spec: LoraSpec | None,
    dtype: jnp.dtype | None = None,
    shardings: Params | None = None,
) -> Params:
    """Plain parameters that give the same results: kernel + scale A B, NF4 unpacked.

    Consumes `params` a matrix at a time and adds up one layer at a time in float32, so that memory
    holds little more than the result. Kernels come in `dtype`, or in their own (float32 for NF4).
    `spec` None: no adapters. `shardings`: where to put kernels, nested as the result.
    """
    if quantization.is_quantized(params) or "lora_a" in params or "kernel" in params:
        return _merge_linear(params, spec, dtype, (shardings or {}).get("kernel"))
    merged = {}
    for key in list(params):
        value = params.pop(key)
        if isinstance(value, dict):
            value = merge_adapters(value, spec, dtype, (shardings or {}).get(key))
        merged[key] = value
    return merged


def _merge_linear(
    node: Params, spec: LoraSpec | None, dtype: jnp.dtype | None, sharding: Any
) -> Params:
    gone = (*quantization.LEAVES, *ADAPTER, "kernel")
    weights = {key: node.pop(key) for key in list(node) if key in gone}
    if set(weights) == {"kernel"} and dtype in (None, weights["kernel"].dtype):
        return node | weights
    if "kernel" in weights and dtype is None:
        dtype = weights["kernel"].dtype
    scale = spec.scale if spec else 1.0
    merge = _merging(scale, jnp.dtype(dtype or jnp.float32), sharding)
    return node | {"kernel": merge(weights)}


@functools.lru_cache
def _merging(scale: float, dtype: jnp.dtype, sharding: Any) -> Callable[[Params], jax.Array]:
    def merge_one(weights: Params) -> jax.Array:
        kernel = quantization.unpack(weights)
        if "lora_a" in weights:
            a, b = (weights[key].astype(jnp.float32) for key in ADAPTER)
            kernel += scale * jnp.matmul(a, b, precision="highest")
        return kernel.astype(dtype)

    def merge(weights: Params) -> jax.Array:
        stacked = jax.tree.leaves(weights)[0].ndim == 3
        return jax.lax.map(merge_one, weights) if stacked else merge_one(weights)

    return jax.jit(merge, out_shardings=sharding)
