"""The keys of a config.json: each read once, checked, and none passed over in silence."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from mathjax.errors import UserError

ACTIVATIONS = {
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
}
"""Theirs -> ours."""

WITHOUT_EFFECT = re.compile(
    # Names and provenance.
    r"_.*|name_or_path|architectures|model_type|transformers(_version|\.js_config)|unsloth_.*"
    r"|tokenizer_class|is_llama_config|finetuning_task|task_specific_params|prefix|(torch_)?dtype"
    # Training: dropout, initial weights.
    r"|.*dropout.*|.*_pdrop|initializer_(range|factor)|pretraining_tp|gradient_checkpointing"
    r"|use_bfloat16|summary_.*|tf_legacy_loss"
    # What is returned and kept. reorder_and_upcast_attn: softmax in float32, which ours always is.
    r"|use_cache|attn_implementation|return_dict(_in_generate)?|torchscript|chunk_size_feed_forward"
    r"|output_(attentions|hidden_states|past|scores|logits)|reorder_and_upcast_attn"
    r"|keys_to_ignore_at_inference"
    # Classification heads, whose tensors are refused.
    r"|id2label|label2id|num_labels|problem_type"
    # Ids and settings of generation.
    r"|.*_token_ids?|do_sample|temperature|top_[kph]|typical_p|min_p|num_beams|num_beam_groups"
    r"|.*_penalty|early_stopping|(min|max)_(new_tokens|length)|.*no_repeat_ngram_size"
    r"|bad_words_ids|num_return_sequences|remove_invalid_values|.*suppress_tokens"
)


class ConfigFileError(UserError):
    """A config.json that is missing, damaged or asks for what we do not have."""


class Keys:
    """The keys of a config.json, each taken once; what is left at the end must be harmless."""

    def __init__(self, values: dict[str, Any], path: Path):
        self.left, self.path = dict(values), path

    def take(self, *names: str, default: Any = None) -> Any:
        """The value of the first name that is there and not null."""
        found = [self.left.pop(name, None) for name in names]
        return next((value for value in found if value is not None), default)

    def integer(self, *names: str, default: int | None = None, least: int = 1) -> int | None:
        value = self.take(*names, default=default)
        if value is not None and (type(value) is not int or value < least):
            raise self.error(names[0], value, f"expected a whole number from {least}")
        return value

    def size(self, *names: str) -> int:
        """One that must be there."""
        value = self.integer(*names)
        if value is None:
            raise self.error(names[0], value, "expected a whole number from 1")
        return value

    def number(self, *names: str, default: float | None = None) -> float:
        """None for `default`: it must be there."""
        value = self.take(*names, default=default)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self.error(names[0], value, "expected a number")
        return float(value)

    def text(self, *names: str, default: str) -> str:
        value = self.take(*names, default=default)
        if not isinstance(value, str):
            raise self.error(names[0], value, "expected a text")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.take(name, default=default)
        if not isinstance(value, bool):
            raise self.error(name, value, "expected true or false")
        return value

    def activation(self, name: str, default: str) -> str:
        value = self.text(name, default=default)
        if value not in ACTIVATIONS:
            raise self.error(name, value, f"choose from {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[value]

    def only(self, name: str, *allowed: Any) -> None:
        """Refuses all values but `allowed` and null."""
        value = self.take(name)
        if value is not None and value not in allowed:
            raise self.error(name, value, "it would change the output, and is not supported")

    def error(self, name: str, value: Any, why: str) -> ConfigFileError:
        return ConfigFileError(f"{self.path}: {name}={value!r}: {why}")

    def finish(self) -> None:
        self.only("quantization_config")
        self.only("tie_encoder_decoder", False)
        auto = self.left.get("auto_map")
        if isinstance(auto, dict) and not any("Model" in name for name in auto):
            del self.left["auto_map"]  # code of a tokenizer alone
        for name, value in self.left.items():
            off = (
                value is None
                or value is False
                or (not value and isinstance(value, str | list | dict))
            )
            if not off and not WITHOUT_EFFECT.fullmatch(name):
                raise self.error(
                    name,
                    value,
                    "this key is unknown and may change the output. Remove it from the "
                    "file if you know that it does not",
                )
