"""config.json of Hugging Face <-> our model configs.

An option that would change the output and that we do not have is refused by name; so is a key that
nobody here has heard of, unless it is off. Old key names (`torch_dtype`, `rope_theta`,
`rope_scaling`) and those of transformers 5 (`dtype`, `rope_parameters`) are read and written.
Where a key is left out, the default is that of transformers' class for the model type; only
`max_position_embeddings` of rotary models, which changes nothing, stays unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mathjax.errors import UserError
from mathjax.huggingface.keys import ConfigFileError, Keys
from mathjax.huggingface.weights import Tensor, has_weights, open_weights, same_values
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import RopeScaling
from mathjax.models.llama import LlamaConfig
from mathjax.models.t5 import T5Config

VOCAB_MULTIPLE = 128
"""Embeddings are padded to it inside, so that they divide over devices and fill matrix units."""


def read_config(
    directory: Path, *, vocab_multiple: int = VOCAB_MULTIPLE
) -> tuple[str, LlamaConfig | GPT2Config | T5Config]:
    """(family, config) of the checkpoint in `directory`; activations are float32.

    Raises ConfigFileError, naming the key, where there is no config.json or it asks for something
    that is not supported.
    """
    directory = Path(directory)
    path = directory / "config.json"
    if not path.is_file():
        adapter = (directory / "adapter_config.json").exists()
        raise ConfigFileError(
            f"{directory}: no config.json in it, so it is not a Hugging Face model"
            + (" but an adapter: give the directory of its base" if adapter else "")
        )
    try:
        values = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigFileError(f"{path}: not JSON ({error}); download or copy it again") from None
    if not isinstance(values, dict):
        raise ConfigFileError(f"{path}: not a JSON object")
    kind = values.get("model_type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise ConfigFileError(
            f"{path}: model_type={kind!r} is not supported; {', '.join(_READERS)} are"
        )
    family, read = _READERS[kind]
    keys = Keys(values, path)
    try:
        arguments = read(keys, kind) | {"vocab_multiple": vocab_multiple}
        keys.finish()
        if family == "t5" and has_weights(directory):
            arguments["tie_embeddings"] = _t5_is_tied(open_weights(directory))
        return family, _CONFIGS[family](**arguments)
    except UserError:
        raise
    except ValueError as error:  # sizes that do not fit each other
        raise ConfigFileError(f"{path}: {error}") from None


def _read_llama(keys: Keys, kind: str) -> dict[str, Any]:
    num_heads = keys.size("num_attention_heads")
    num_layers = keys.size("num_hidden_layers")
    # Null is as many as heads; what a missing key is depends on the class.
    kv_default = {"mistral": 8, "qwen2": 32, "qwen3": 32}.get(kind, num_heads)
    kv_default = num_heads if "num_key_value_heads" in keys.left else kv_default
    max_positions = keys.integer("max_position_embeddings")
    # Qwen2 has biases of queries, keys and values, and no key for it.
    bias = keys.flag("attention_bias") if kind in ("llama", "qwen3") else kind == "qwen2"
    theta, scaling = _read_rope(keys, max_positions or _POSITIONS[kind])
    keys.only("is_encoder_decoder", False)
    keys.only("add_cross_attention", False)
    return {
        "vocab_size": keys.size("vocab_size"),
        "num_layers": num_layers,
        "hidden_size": keys.size("hidden_size"),
        "num_heads": num_heads,
        "num_kv_heads": keys.integer("num_key_value_heads", default=kv_default),
        "intermediate_size": keys.size("intermediate_size"),
        "head_size": keys.integer("head_dim", default=128 if kind == "qwen3" else None),
        "rope_theta": theta,
        "rope_scaling": scaling,
        "norm_epsilon": keys.number("rms_norm_eps", default=1e-6),
        "tie_embeddings": keys.flag("tie_word_embeddings"),
        "attention_bias": bias,
        "output_bias": bias and kind != "qwen2",
        "mlp_bias": keys.flag("mlp_bias") if kind == "llama" else False,
        "qk_norm": kind == "qwen3",
        "sliding_window": _read_window(keys, kind, num_layers),
        "activation": keys.activation("hidden_act", "silu"),
        "max_positions": max_positions,
    }


_POSITIONS = {"llama": 2048, "mistral": 131_072, "qwen2": 32_768, "qwen3": 32_768}


def _read_window(keys: Keys, kind: str, num_layers: int) -> int | None:
    """Its size if every layer has it, None if no layer has; a mixture is refused."""
    layer_types = keys.take("layer_types", default=[])
    if not isinstance(layer_types, list) or any(x != layer_types[0] for x in layer_types):
        raise keys.error("layer_types", layer_types, "layers that differ are not supported")
    # Null means none, a missing key the default.
    default = None if kind == "llama" or "sliding_window" in keys.left else 4096
    size = None if kind == "llama" else keys.integer("sliding_window", default=default)
    windowed = size is not None
    if kind in ("qwen2", "qwen3"):
        windowed = keys.flag("use_sliding_window") and windowed
        first = keys.integer("max_window_layers", default=28, least=0)
        if windowed and not layer_types:
            if 0 < first < num_layers:
                raise keys.error(
                    "max_window_layers", first, "a window in some layers only is not supported"
                )
            windowed = first <= 0
        elif layer_types:
            windowed = windowed and layer_types[0] == "sliding_attention"
    if layer_types and layer_types[0] != ("sliding_attention" if windowed else "full_attention"):
        raise keys.error("layer_types", layer_types[0], "does not fit the other keys")
    return size if windowed else None


def _read_rope(keys: Keys, max_positions: int) -> tuple[float, RopeScaling | None]:
    theta = keys.number("rope_theta", default=10_000.0)
    found = {
        name: _read_rope_dict(keys, name, values, theta, max_positions)
        for name in ("rope_scaling", "rope_parameters")
        if (values := keys.take(name))
    }
    if len(found) == 2 and found["rope_scaling"] != found["rope_parameters"]:
        raise keys.error("rope_scaling", found["rope_scaling"], "rope_parameters says otherwise")
    keys.only("partial_rotary_factor", 1.0)
    keys.only("rope_interleaved", False)
    return next(iter(found.values()), (theta, None))


def _read_rope_dict(
    keys: Keys, where: str, values: Any, theta: float, max_positions: int
) -> tuple[float, RopeScaling | None]:
    if not isinstance(values, dict) or any(isinstance(value, dict) for value in values.values()):
        raise keys.error(where, values, "one setting for all layers is supported")
    rope = Keys({f"{where}.{name}": value for name, value in values.items()}, keys.path)
    kind = rope.take(f"{where}.rope_type", f"{where}.type", default="default")
    theta = rope.number(f"{where}.rope_theta", default=theta)
    scaling = None
    if kind == "linear":
        scaling = RopeScaling("linear", rope.number(f"{where}.factor"))
    elif kind == "llama3":
        factors = ("factor", "low_freq_factor", "high_freq_factor")
        original = f"{where}.original_max_position_embeddings"
        scaling = RopeScaling(
            "llama3",
            *(rope.number(f"{where}.{name}") for name in factors),
            rope.integer(original, default=max_positions),
        )
    elif kind != "default":
        raise keys.error(f"{where}.rope_type", kind, "choose from default, linear, llama3")
    rope.only(f"{where}.partial_rotary_factor", 1.0)
    for name, value in rope.left.items():
        if value is not None:
            raise keys.error(name, value, f"not a key of rope type {kind!r}")
    return theta, scaling


def _read_gpt2(keys: Keys, kind: str) -> dict[str, Any]:
    for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention", "is_encoder_decoder"):
        keys.only(name, False)
    keys.only("scale_attn_weights", True)
    keys.only("tie_word_embeddings", True)
    return {
        "vocab_size": keys.size("vocab_size"),
        "num_layers": keys.size("n_layer", "num_hidden_layers"),
        "hidden_size": keys.size("n_embd", "hidden_size"),
        "num_heads": keys.size("n_head", "num_attention_heads"),
        "intermediate_size": keys.integer("n_inner"),
        "max_positions": keys.integer(
            "n_positions", "n_ctx", "max_position_embeddings", default=1024
        ),
        "norm_epsilon": keys.number("layer_norm_epsilon", default=1e-5),
        "activation": keys.activation("activation_function", "gelu_new"),
    }


def _read_t5(keys: Keys, kind: str) -> dict[str, Any]:
    keys.only("is_encoder_decoder", True)
    keys.only("is_decoder", False)
    keys.take("n_positions", "max_position_embeddings")  # positions are relative
    projection = keys.text("feed_forward_proj", default="relu")
    gate, _, name = projection.rpartition("-")
    if gate not in ("", "gated"):
        raise keys.error("feed_forward_proj", projection, "expected relu, gated-gelu or the like")
    # transformers takes the derived keys where the file has them.
    name = "gelu_new" if projection == "gated-gelu" else name
    gated = keys.flag("is_gated_act", default=gate == "gated")
    pad = keys.integer("pad_token_id", default=0, least=0)
    tied = keys.flag("tie_word_embeddings", default=True)
    num_layers = keys.size("num_layers", "num_hidden_layers")
    return {
        "vocab_size": keys.size("vocab_size"),
        "num_layers": num_layers,
        "num_decoder_layers": keys.integer("num_decoder_layers", default=num_layers),
        "hidden_size": keys.size("d_model", "hidden_size"),
        "num_heads": keys.size("num_heads", "num_attention_heads"),
        "head_size": keys.integer("d_kv", "head_dim", default=64),
        "intermediate_size": keys.size("d_ff"),
        "relative_buckets": keys.integer("relative_attention_num_buckets", default=32),
        "relative_max_distance": keys.integer("relative_attention_max_distance", default=128),
        "norm_epsilon": keys.number("layer_norm_epsilon", default=1e-6),
        "activation": keys.activation("dense_act_fn", name),
        "gated": gated,
        "tie_embeddings": tied,
        "scale_output": keys.flag("scale_decoder_outputs", default=tied),
        "decoder_start_id": keys.integer("decoder_start_token_id", default=pad, least=0),
    }


def _t5_is_tied(tensors: dict[str, Tensor]) -> bool:
    """transformers 5 writes `tie_word_embeddings: true` for every T5; the weights tell."""
    head, embedding = tensors.get("lm_head.weight"), tensors.get("shared.weight")
    return head is None or embedding is None or same_values(head, embedding)


_READERS: dict[str, tuple[str, Callable[[Keys, str], dict[str, Any]]]] = {
    "gpt2": ("gpt2", _read_gpt2),
    "t5": ("t5", _read_t5),
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3"), ("llama", _read_llama)),
}
_CONFIGS: dict[str, type] = {"gpt2": GPT2Config, "t5": T5Config, "llama": LlamaConfig}


def write_config(
    family: str,
    config: Any,
    *,
    dtype: str = "float32",
    bos_id: int | None = None,
    eos_id: int | None = None,
    pad_id: int | None = None,
) -> dict[str, Any]:
    """The values of config.json: `read_config` gives `config` again, but for the vocabulary's
    padding and what is of a run (dtype, remat).

    `dtype` is that of the weights. Raises ConfigFileError where no model type of Hugging Face has
    this combination.
    """
    ids = {"bos_token_id": bos_id, "eos_token_id": eos_id, "pad_token_id": pad_id}
    common = {
        "dtype": dtype,
        "torch_dtype": dtype,  # of transformers before 4.56
        "vocab_size": config.vocab_size,
        **{name: None if x is None or x >= config.vocab_size else x for name, x in ids.items()},
    }
    return _WRITERS[family](config) | common


def _write_llama(c: LlamaConfig) -> dict[str, Any]:
    kind, options = _llama_kind(c)
    rope: dict[str, Any] = {"rope_type": "default"}
    if s := c.rope_scaling:
        rope = {"rope_type": s.kind, "factor": s.factor}
        if s.kind == "llama3":
            rope |= {
                "low_freq_factor": s.low_freq_factor,
                "high_freq_factor": s.high_freq_factor,
                "original_max_position_embeddings": s.original_max_positions,
            }
    if c.max_positions is not None:
        options["max_position_embeddings"] = c.max_positions
    if kind != "qwen2" or c.head_size * c.num_heads != c.hidden_size:
        options["head_dim"] = c.head_size
    return {
        "model_type": kind,
        "architectures": [f"{kind.capitalize()}ForCausalLM"],
        "hidden_size": c.hidden_size,
        "intermediate_size": c.intermediate_size,
        "num_hidden_layers": c.num_layers,
        "num_attention_heads": c.num_heads,
        "num_key_value_heads": c.num_kv_heads,
        "hidden_act": c.activation,
        "rms_norm_eps": c.norm_epsilon,
        "rope_theta": c.rope_theta,
        # With the old name first: transformers 5 takes it, and before it nothing else is known.
        "rope_scaling": {**rope, "type": rope["rope_type"]} if s else None,
        "rope_parameters": {**rope, "rope_theta": c.rope_theta},
        "tie_word_embeddings": c.tie_embeddings,
        **options,
    }


def _llama_kind(c: LlamaConfig) -> tuple[str, dict[str, Any]]:
    """The model type that has the config's options, and its own keys for them."""
    window: dict[str, Any] = {"use_sliding_window": c.sliding_window is not None}
    if c.sliding_window is not None:
        window |= {"sliding_window": c.sliding_window, "max_window_layers": 0}
    if c.qk_norm and c.attention_bias == c.output_bias and not c.mlp_bias:
        return "qwen3", window | {"attention_bias": c.attention_bias}
    if c.attention_bias and not (c.qk_norm or c.output_bias or c.mlp_bias):
        return "qwen2", window
    # transformers' Llama wants a hidden size that the heads divide; its Mistral does not.
    plain = not (c.qk_norm or c.attention_bias or c.output_bias or c.mlp_bias)
    if plain and (c.sliding_window is not None or c.hidden_size % c.num_heads):
        return "mistral", {"sliding_window": c.sliding_window}
    if (
        not c.qk_norm
        and c.attention_bias == c.output_bias
        and c.sliding_window is None
        and not c.hidden_size % c.num_heads
    ):
        return "llama", {"attention_bias": c.attention_bias, "mlp_bias": c.mlp_bias}
    names = ["qk_norm", "attention_bias", "output_bias", "mlp_bias", "sliding_window"]
    if c.hidden_size % c.num_heads:
        names += ["hidden_size", "num_heads"]
    on = ", ".join(f"{name}={getattr(c, name)}" for name in names if getattr(c, name))
    raise ConfigFileError(
        f"no Hugging Face model type combines {on}: such a model stays in mathjax"
    )


def _write_gpt2(c: GPT2Config) -> dict[str, Any]:
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": c.hidden_size,
        "n_layer": c.num_layers,
        "n_head": c.num_heads,
        "n_inner": None if c.intermediate_size == 4 * c.hidden_size else c.intermediate_size,
        "n_positions": c.max_positions,
        "n_ctx": c.max_positions,
        "activation_function": c.activation,
        "layer_norm_epsilon": c.norm_epsilon,
        "tie_word_embeddings": True,
    }


def _write_t5(c: T5Config) -> dict[str, Any]:
    name = "gelu" if c.gated and c.activation == "gelu_new" else c.activation
    return {
        "model_type": "t5",
        "architectures": ["T5ForConditionalGeneration"],
        "is_encoder_decoder": True,
        "d_model": c.hidden_size,
        "d_kv": c.head_size,
        "d_ff": c.intermediate_size,
        "num_layers": c.num_layers,
        "num_decoder_layers": c.num_decoder_layers,
        "num_heads": c.num_heads,
        "relative_attention_num_buckets": c.relative_buckets,
        "relative_attention_max_distance": c.relative_max_distance,
        "layer_norm_epsilon": c.norm_epsilon,
        "feed_forward_proj": f"gated-{name}" if c.gated else name,
        "dense_act_fn": c.activation,
        "is_gated_act": c.gated,
        "tie_word_embeddings": c.tie_embeddings,
        "scale_decoder_outputs": c.scale_output,
        "decoder_start_token_id": c.decoder_start_id,
    }


_WRITERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "llama": _write_llama,
    "gpt2": _write_gpt2,
    "t5": _write_t5,
}
