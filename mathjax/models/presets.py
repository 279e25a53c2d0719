"""The architectures of the models that the studies use, by name, with random weights.

Sizes and options are those of the published checkpoints' config.json. A checkpoint that is loaded
brings its own, which rules; these are for runs from scratch, for estimates and for tests.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from mathjax.errors import UserError
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import RopeScaling
from mathjax.models.llama import LlamaConfig
from mathjax.models.t5 import T5Config


def _llama3_scaling(factor: float) -> RopeScaling:
    return RopeScaling("llama3", factor, 1.0, 4.0, 8192)


def _gpt2(num_layers: int, hidden_size: int, num_heads: int) -> GPT2Config:
    return GPT2Config(
        vocab_size=50_257, num_layers=num_layers, hidden_size=hidden_size, num_heads=num_heads
    )


def _t5(
    num_layers: int, hidden_size: int, num_heads: int, intermediate_size: int, **options: Any
) -> T5Config:
    return T5Config(
        vocab_size=32_128,
        num_layers=num_layers,
        hidden_size=hidden_size,
        num_heads=num_heads,
        head_size=64,
        intermediate_size=intermediate_size,
        **options,
    )


_V1_0 = {"activation": "relu", "gated": False, "tie_embeddings": True}

_LLAMA_2_7B = LlamaConfig(
    vocab_size=32_000,
    num_layers=32,
    hidden_size=4096,
    num_heads=32,
    num_kv_heads=32,
    intermediate_size=11_008,
    norm_epsilon=1e-5,
    max_positions=4096,
)
_LLAMA_3_8B = LlamaConfig(
    vocab_size=128_256,
    num_layers=32,
    hidden_size=4096,
    num_heads=32,
    num_kv_heads=8,
    intermediate_size=14_336,
    norm_epsilon=1e-5,
    rope_theta=500_000.0,
    max_positions=8192,
)
_LLAMA_3_2_1B = dataclasses.replace(
    _LLAMA_3_8B,
    num_layers=16,
    hidden_size=2048,
    head_size=64,
    intermediate_size=8192,
    tie_embeddings=True,
    rope_scaling=_llama3_scaling(32.0),
    max_positions=131_072,
)
_MISTRAL_7B = LlamaConfig(
    vocab_size=32_000,
    num_layers=32,
    hidden_size=4096,
    num_heads=32,
    num_kv_heads=8,
    intermediate_size=14_336,
    norm_epsilon=1e-5,
    sliding_window=4096,
    max_positions=32_768,
)
# What its authors started from, by their model card.
_MISTRAL_7B_V0_2 = dataclasses.replace(_MISTRAL_7B, sliding_window=None, rope_theta=1_000_000.0)
_TINYLLAMA = LlamaConfig(
    vocab_size=32_000,
    num_layers=22,
    hidden_size=2048,
    num_heads=32,
    num_kv_heads=4,
    intermediate_size=5632,
    norm_epsilon=1e-5,
    max_positions=2048,
)
_DEEPSEEK_CODER_6_7B = LlamaConfig(
    vocab_size=32_256,
    num_layers=32,
    hidden_size=4096,
    num_heads=32,
    num_kv_heads=32,
    intermediate_size=11_008,
    rope_theta=100_000.0,
    rope_scaling=RopeScaling("linear", 4.0),
    max_positions=16_384,
)
_SMOLLM2_135M = LlamaConfig(
    vocab_size=49_152,
    num_layers=30,
    hidden_size=576,
    num_heads=9,
    num_kv_heads=3,
    intermediate_size=1536,
    norm_epsilon=1e-5,
    rope_theta=100_000.0,
    tie_embeddings=True,
    max_positions=8192,
)
_QWEN2_0_5B = LlamaConfig(
    vocab_size=151_936,
    num_layers=24,
    hidden_size=896,
    num_heads=14,
    num_kv_heads=2,
    intermediate_size=4864,
    rope_theta=1_000_000.0,
    tie_embeddings=True,
    attention_bias=True,
    max_positions=131_072,
)

PRESETS: dict[str, GPT2Config | T5Config | LlamaConfig] = {
    "gpt2": _gpt2(12, 768, 12),
    "gpt2-medium": _gpt2(24, 1024, 16),
    "gpt2-large": _gpt2(36, 1280, 20),
    "gpt2-xl": _gpt2(48, 1600, 25),
    "t5-small": _t5(6, 512, 8, 2048, **_V1_0),
    "t5-base": _t5(12, 768, 12, 3072, **_V1_0),
    "t5-large": _t5(24, 1024, 16, 4096, **_V1_0),
    "flan-t5-small": _t5(8, 512, 6, 1024),
    "flan-t5-base": _t5(12, 768, 12, 2048),
    "flan-t5-large": _t5(24, 1024, 16, 2816),
    "flan-t5-xl": _t5(24, 2048, 32, 5120),
    "open_llama_3b": LlamaConfig(
        vocab_size=32_000,
        num_layers=26,
        hidden_size=3200,
        num_heads=32,
        num_kv_heads=32,
        intermediate_size=8640,
        max_positions=2048,
    ),
    "llama-2-7b": _LLAMA_2_7B,
    "llama-3-8b": _LLAMA_3_8B,
    "llama-3.1-8b": dataclasses.replace(
        _LLAMA_3_8B, rope_scaling=_llama3_scaling(8.0), max_positions=131_072
    ),
    "llama-3.2-1b": _LLAMA_3_2_1B,
    "llama-3.2-3b": dataclasses.replace(
        _LLAMA_3_2_1B, num_layers=28, hidden_size=3072, num_heads=24, head_size=128
    ),
    "mistral-7b": _MISTRAL_7B,
    "rho-math-1b": _TINYLLAMA,
    "rho-math-7b": _MISTRAL_7B,
    "mammoth2-7b": _MISTRAL_7B_V0_2,
    "tinyllama-1.1b": _TINYLLAMA,
    "deepseek-coder-1.3b": dataclasses.replace(
        _DEEPSEEK_CODER_6_7B,
        num_layers=24,
        hidden_size=2048,
        num_heads=16,
        num_kv_heads=16,
        intermediate_size=5504,
    ),
    "deepseek-coder-6.7b": _DEEPSEEK_CODER_6_7B,
    "deepseek-math-7b": dataclasses.replace(
        _DEEPSEEK_CODER_6_7B,
        vocab_size=102_400,
        num_layers=30,
        rope_theta=10_000.0,
        rope_scaling=None,
        max_positions=4096,
    ),
    "qwen2-0.5b": _QWEN2_0_5B,
    "qwen2-1.5b": dataclasses.replace(
        _QWEN2_0_5B,
        num_layers=28,
        hidden_size=1536,
        num_heads=12,
        head_size=128,
        intermediate_size=8960,
    ),
    "qwen2-7b": dataclasses.replace(
        _QWEN2_0_5B,
        vocab_size=152_064,
        num_layers=28,
        hidden_size=3584,
        num_heads=28,
        num_kv_heads=4,
        head_size=128,
        intermediate_size=18_944,
        tie_embeddings=False,
    ),
    "qwen3-0.6b": LlamaConfig(
        vocab_size=151_936,
        num_layers=28,
        hidden_size=1024,
        num_heads=16,
        num_kv_heads=8,
        head_size=128,
        intermediate_size=3072,
        rope_theta=1_000_000.0,
        tie_embeddings=True,
        qk_norm=True,
        max_positions=40_960,
    ),
    "smollm2-135m": _SMOLLM2_135M,
    "smollm2-360m": dataclasses.replace(
        _SMOLLM2_135M,
        num_layers=32,
        hidden_size=960,
        num_heads=15,
        num_kv_heads=5,
        intermediate_size=2560,
    ),
    "smollm2-1.7b": dataclasses.replace(
        _SMOLLM2_135M,
        num_layers=24,
        hidden_size=2048,
        num_heads=32,
        num_kv_heads=32,
        intermediate_size=8192,
        rope_theta=130_000.0,
    ),
}


def get_preset(name: str) -> GPT2Config | T5Config | LlamaConfig:
    """Raises UserError, with names that are near, where there is none."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=4, cutoff=0.3) or list(PRESETS)
        raise UserError(f"model.preset={name!r}: no such preset; there is {', '.join(near)}")
    return PRESETS[name]
