"""Which Hugging Face tensor is which of our parameters: one table a family.

A row reads `their name: our path, how`. `#` is a layer's number, whose tensors ours stack on a
leading axis; {a,b} stands for a row of each, in step on both sides. Their matrices are [out, in],
ours [in, out], so most are transposed; GPT-2's are [in, out] already. No row of a matrix is
permuted: rotary pairs and head order are theirs.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
from flax import nnx

from mathjax.huggingface.weights import Tensor, WeightsError, listing, of_array, same_values
from mathjax.models import factory_of

SAME, TRANSPOSE = False, True
Row = tuple[str, str, bool]


def _expand(rows: list[Row]) -> list[Row]:
    """Braces written out."""
    expanded = []
    for theirs, ours, transpose in rows:
        choices = re.search(r"\{(.*?)\}", theirs), re.search(r"\{(.*?)\}", ours)
        if choices[0] is None:
            expanded.append((theirs, ours, transpose))
            continue
        pairs = zip(*(match[1].split(",") for match in choices), strict=True)
        expanded += _expand(
            [
                (theirs.replace(choices[0][0], a, 1), ours.replace(choices[1][0], b, 1), transpose)
                for a, b in pairs
            ]
        )
    return expanded


def _t5_stack(side: str, cross: bool) -> list[Row]:
    block, ours, last = f"{side}.block.#.layer", f"{side}.layers", 2 if cross else 1
    rows = [
        (f"{block}.0.layer_norm.weight", f"{ours}.attention_norm.scale", SAME),
        (
            f"{block}.0.SelfAttention.{{q,k,v,o}}.weight",
            f"{ours}.attention.{{q_proj,k_proj,v_proj,o_proj}}.kernel",
            TRANSPOSE,
        ),
        (f"{block}.{last}.layer_norm.weight", f"{ours}.mlp_norm.scale", SAME),
        (
            # wi where there is no gate, else wi_0, which is activated, and wi_1.
            f"{block}.{last}.DenseReluDense.{{wi,wi_0,wi_1,wo}}.weight",
            f"{ours}.mlp.{{up_proj,gate_proj,up_proj,down_proj}}.kernel",
            TRANSPOSE,
        ),
    ]
    if cross:
        rows[2:2] = [
            (f"{block}.1.layer_norm.weight", f"{ours}.cross_attention_norm.scale", SAME),
            (
                f"{block}.1.EncDecAttention.{{q,k,v,o}}.weight",
                f"{ours}.cross_attention.{{q_proj,k_proj,v_proj,o_proj}}.kernel",
                TRANSPOSE,
            ),
        ]
    first = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    return [
        *rows,
        (first, f"{side}.relative_bias", SAME),
        (f"{side}.final_layer_norm.weight", f"{side}.norm.scale", SAME),
    ]


@dataclasses.dataclass(frozen=True)
class Family:
    """`ignored`: tensors that hold nothing to learn. `copies`: names under which files repeat the
    embedding. `prefix`: that files of the bare network leave out."""

    rows: list[Row]
    embedding: str
    head: str = "lm_head.weight"
    prefix: str = ""
    ignored: str = r"$^"
    copies: tuple[str, ...] = ()


TABLES = {
    "llama": Family(
        _expand(
            [
                ("model.embed_tokens.weight", "embedding", SAME),
                ("model.layers.#.input_layernorm.weight", "layers.attention_norm.scale", SAME),
                (
                    "model.layers.#.self_attn.{q,k,v,o}_proj.weight",
                    "layers.attention.{q,k,v,o}_proj.kernel",
                    TRANSPOSE,
                ),
                (
                    "model.layers.#.self_attn.{q,k,v,o}_proj.bias",
                    "layers.attention.{q,k,v,o}_proj.bias",
                    SAME,
                ),
                (
                    "model.layers.#.self_attn.{q,k}_norm.weight",
                    "layers.attention.{q,k}_norm.scale",
                    SAME,
                ),
                ("model.layers.#.post_attention_layernorm.weight", "layers.mlp_norm.scale", SAME),
                (
                    "model.layers.#.mlp.{gate,up,down}_proj.weight",
                    "layers.mlp.{gate,up,down}_proj.kernel",
                    TRANSPOSE,
                ),
                (
                    "model.layers.#.mlp.{gate,up,down}_proj.bias",
                    "layers.mlp.{gate,up,down}_proj.bias",
                    SAME,
                ),
                ("model.norm.weight", "norm.scale", SAME),
                ("lm_head.weight", "head.kernel", TRANSPOSE),
            ]
        ),
        embedding="model.embed_tokens.weight",
        prefix="model.",
        ignored=r".*\.rotary_emb\.inv_freq",
    ),
    "gpt2": Family(
        _expand(
            [
                ("transformer.wte.weight", "embedding", SAME),
                ("transformer.wpe.weight", "position_embedding", SAME),
                (
                    "transformer.h.#.ln_1.{weight,bias}",
                    "layers.attention_norm.{scale,bias}",
                    SAME,
                ),
                (
                    "transformer.h.#.attn.c_{attn,proj}.{weight,bias}",
                    "layers.attention.{qkv,o}_proj.{kernel,bias}",
                    SAME,
                ),
                ("transformer.h.#.ln_2.{weight,bias}", "layers.mlp_norm.{scale,bias}", SAME),
                (
                    "transformer.h.#.mlp.c_{fc,proj}.{weight,bias}",
                    "layers.mlp.{up,down}_proj.{kernel,bias}",
                    SAME,
                ),
                ("transformer.ln_f.{weight,bias}", "norm.{scale,bias}", SAME),
            ]
        ),
        embedding="transformer.wte.weight",
        prefix="transformer.",
        ignored=r".*\.attn\.(bias|masked_bias)",  # the causal mask
    ),
    "t5": Family(
        _expand(
            [
                ("shared.weight", "embedding", SAME),
                *_t5_stack("encoder", cross=False),
                *_t5_stack("decoder", cross=True),
                ("lm_head.weight", "head.kernel", TRANSPOSE),
            ]
        ),
        embedding="shared.weight",
        # Of old files: cross-attention has no positions.
        ignored=r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",
        copies=("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
    ),
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One Hugging Face tensor and its place in our parameters."""

    name: str
    shape: tuple[int, ...]  # theirs: the vocabulary without padding
    path: str
    layer: int | None  # index on our leading axis; None: there is no such axis
    transpose: bool

    @property
    def has_vocabulary(self) -> bool:
        """Whether its first dimension (theirs) is the vocabulary."""
        return self.path in ("embedding", "head.kernel")


def entries(family: str, config: Any) -> list[Entry]:
    """All tensors of the model, layer by layer."""
    shapes = {path: x.shape for path, x in abstract_params(config).items()}
    rows = [row for row in TABLES[family].rows if row[1] in shapes]
    if family == "t5":  # two rows are for `up_proj`
        absent = ".wi.weight" if config.gated else ".wi_1.weight"
        rows = [row for row in rows if not row[0].endswith(absent)]
    found: list[Entry] = []
    for block in _blocks(rows):
        stacked = "#" in block[0][0]
        for layer in range(shapes[block[0][1]][0]) if stacked else [None]:
            for theirs, ours, transpose in block:
                shape = shapes[ours][1:] if stacked else shapes[ours]
                shape = shape[::-1] if transpose else shape
                if ours in ("embedding", "head.kernel"):
                    shape = (config.vocab_size, *shape[1:])
                name = theirs.replace("#", str(layer))
                found.append(Entry(name, shape, ours, layer, transpose))
    unknown = shapes.keys() - {entry.path for entry in found}
    assert not unknown, f"no row of the table for {sorted(unknown)}"
    return found


def _blocks(rows: list[Row]) -> Iterator[list[Row]]:
    """Runs of rows with the same stack of layers, the others by themselves."""
    for _, run in itertools.groupby(rows, lambda r: r[0].partition("#")[0] if "#" in r[0] else r):
        yield list(run)


@functools.lru_cache(maxsize=8)
def abstract_params(config: Any) -> dict[str, jax.ShapeDtypeStruct]:
    """Dotted path -> shape of every parameter, without making one."""
    model = nnx.eval_shape(lambda: factory_of(config)(nnx.Rngs(0)))
    return flatten(nnx.to_pure_dict(nnx.split(model)[1]))


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{'layers.mlp.up_proj.kernel': leaf, ...}."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        node = nested
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return nested


def match(
    family: str, config: Any, weights: Mapping[str, Tensor], where: str
) -> dict[str, list[tuple[Entry, Tensor]]]:
    """Our path -> its tensors, layer by layer.

    Raises WeightsError, listing them, where tensors are missing, left over or of another shape.
    `where` names the checkpoint in the text.
    """
    table, wanted = TABLES[family], {e.name: e for e in entries(family, config)}
    copies = {*table.copies, *(() if table.head in wanted else (table.head,))}
    known = wanted.keys() | copies
    have = {}
    for name, tensor in weights.items():
        full = name if name in known or table.prefix + name not in known else table.prefix + name
        if not re.fullmatch(table.ignored, full):
            have[full] = tensor
    repeated = {name: have.pop(name) for name in sorted(copies & have.keys())}
    if repeated and table.embedding not in have:
        have[table.embedding] = next(iter(repeated.values()))
    faults = []
    if missing := [name for name in wanted if name not in have]:
        faults.append(f"{len(missing)} missing: {listing(missing)}")
    if extra := [name for name in have if name not in wanted]:
        faults.append(f"{len(extra)} not of this model: {listing(extra)}")
    if misshapen := [
        f"{name} is {list(have[name].shape)}, the model's {list(entry.shape)}"
        for name, entry in wanted.items()
        if name in have and have[name].shape != entry.shape
    ]:
        faults.append(f"{len(misshapen)} of another shape: {listing(misshapen)}")
    if strange := [
        f"{name} ({have[name].dtype})"
        for name in wanted
        if name in have and have[name].dtype.name not in FLOATS
    ]:
        faults.append(f"{len(strange)} of a type that is not supported: {listing(strange)}")
    if faults:
        raise WeightsError(f"{where}: tensors do not fit its config.json. {'; '.join(faults)}")
    for name, tensor in repeated.items():
        if not same_values(tensor, have[table.embedding]):
            raise WeightsError(
                f"{where}: {name} differs from {table.embedding}, which it should repeat: set "
                "tie_word_embeddings to false in config.json if the head is one of its own"
            )
    matched: dict[str, list[tuple[Entry, Tensor]]] = {}
    for name, entry in wanted.items():
        matched.setdefault(entry.path, []).append((entry, have[name]))
    return matched


FLOATS = ("float64", "float32", "float16", "bfloat16")


def params_from_state_dict(
    family: str, config: Any, state_dict: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Our nested parameters from the arrays of a transformers model, in their types.

    Raises WeightsError as `match` does.
    """
    weights = {name: of_array(np.asarray(array)) for name, array in state_dict.items()}
    shapes = {path: x.shape for path, x in abstract_params(config).items()}
    params = {}
    for path, tensors in match(family, config, weights, "state dict").items():
        arrays = [_ours(entry, tensor.read()) for entry, tensor in tensors]
        stacked = arrays[0] if tensors[0][0].layer is None else np.stack(arrays)
        added = [
            (0, ours - theirs) for ours, theirs in zip(shapes[path], stacked.shape, strict=True)
        ]
        params[path] = np.pad(stacked, added)
    return unflatten(params)


def _ours(entry: Entry, array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.T if entry.transpose else array)
