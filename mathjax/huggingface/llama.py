"""LLaMA weights between Hugging Face names and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

LAYER_WEIGHTS = {
    "input_layernorm": ("attention_norm", "scale"),
    "self_attn.q_proj": ("attention", "q_proj", "kernel"),
    "self_attn.k_proj": ("attention", "k_proj", "kernel"),
    "self_attn.v_proj": ("attention", "v_proj", "kernel"),
    "self_attn.o_proj": ("attention", "o_proj", "kernel"),
    "post_attention_layernorm": ("mlp_norm", "scale"),
    "mlp.gate_proj": ("mlp", "gate_proj", "kernel"),
    "mlp.up_proj": ("mlp", "up_proj", "kernel"),
    "mlp.down_proj": ("mlp", "down_proj", "kernel"),
}
"""`model.layers.<i>.<key>.weight` -> path below `layers` in our parameters."""


def params_from_state_dict(
    state_dict: Mapping[str, np.ndarray], num_layers: int, *, tie_embeddings: bool = False
) -> dict[str, Any]:
    """Our nested parameters from the arrays of a transformers `LlamaForCausalLM`.

    Their matrices are [out, in], ours [in, out]; ours have a leading axis over layers. Rotary
    pairs are the same, so no row is permuted. Raises KeyError with the missing name.
    """

    def stacked(name: str) -> np.ndarray:
        weights = (state_dict[f"model.layers.{i}.{name}.weight"] for i in range(num_layers))
        return np.stack([np.ascontiguousarray(np.asarray(weight).T) for weight in weights])

    params: dict[str, Any] = {
        "embedding": np.asarray(state_dict["model.embed_tokens.weight"]),
        "layers": {},
        "norm": {"scale": np.asarray(state_dict["model.norm.weight"])},
    }
    if not tie_embeddings:
        params["head"] = {
            "kernel": np.ascontiguousarray(np.asarray(state_dict["lm_head.weight"]).T)
        }
    for name, path in LAYER_WEIGHTS.items():
        node = params["layers"]
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = stacked(name)
    return params
