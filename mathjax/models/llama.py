"""LLaMA decoder (Touvron et al. 2023): RMSNorm, rotary positions, SwiGLU, grouped-query heads.

Also what differs from it in a few places only: Llama 3 (rope scaling), Mistral (sliding window,
Jiang et al. 2023), Qwen2 (biases of queries, keys and values) and Qwen3 (their heads normalised).
Letters: see `models/layers.py`; training on rows and generation: `models/decoder.py`.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.models.decoder import Decoder
from mathjax.models.layers import (
    ACTIVATIONS,
    Linear,
    RMSNorm,
    RopeScaling,
    apply_rope,
    embed,
    padded_size,
    rope_frequencies,
    rope_tables,
)
from mathjax.models.stack import check_remat, output_stddev
from mathjax.parallel import constrain


@dataclasses.dataclass(frozen=True)
class LlamaConfig:
    vocab_size: int
    num_layers: int
    hidden_size: int
    num_heads: int
    num_kv_heads: int
    intermediate_size: int
    head_size: int | None = None  # None: hidden_size // num_heads
    rope_theta: float = 10_000.0
    rope_scaling: RopeScaling | None = None
    norm_epsilon: float = 1e-6
    tie_embeddings: bool = False
    attention_bias: bool = False  # of queries, keys and values
    output_bias: bool = False  # of attention's output
    mlp_bias: bool = False
    qk_norm: bool = False  # RMSNorm of each query and key head before rope
    sliding_window: int | None = None  # position t sees s with t - s < window
    activation: str = "silu"
    max_positions: int | None = None  # context length of pretraining; nothing is refused for it
    vocab_multiple: int = 1  # embedding and head have rows up to a multiple of it
    dtype: jnp.dtype = jnp.float32  # of activations; parameters and their updates stay float32
    remat: str = "none"

    def __post_init__(self):
        if self.head_size is None:
            if self.hidden_size % self.num_heads:
                raise ValueError(
                    f"model.hidden_size={self.hidden_size} does not divide by "
                    f"model.num_heads={self.num_heads}"
                )
            object.__setattr__(self, "head_size", self.hidden_size // self.num_heads)
        if self.head_size % 2:
            raise ValueError(
                f"model.head_size={self.head_size}: rotary positions need an even size"
            )
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"model.num_heads={self.num_heads} does not divide by "
                f"model.num_kv_heads={self.num_kv_heads}"
            )
        if self.sliding_window is not None and self.sliding_window < 1:
            raise ValueError(f"model.sliding_window={self.sliding_window}: must be at least 1")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"model.activation={self.activation!r}: choose from {', '.join(ACTIVATIONS)}"
            )
        check_remat(self.remat)

    @property
    def padded_vocab_size(self) -> int:
        return padded_size(self.vocab_size, self.vocab_multiple)


class Attention(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype)
        query_size, kv_size = c.num_heads * c.head_size, c.num_kv_heads * c.head_size
        bias = {"use_bias": c.attention_bias}
        self.q_proj = linear((c.hidden_size, query_size), ("embed", "heads"), **bias)
        self.k_proj = linear((c.hidden_size, kv_size), ("embed", "kv_heads"), **bias)
        self.v_proj = linear((c.hidden_size, kv_size), ("embed", "kv_heads"), **bias)
        self.o_proj = linear(
            (query_size, c.hidden_size),
            ("heads", "embed"),
            use_bias=c.output_bias,
            stddev=output_stddev(c.num_layers),
        )
        if c.qk_norm:
            self.q_norm = RMSNorm(c.head_size, epsilon=c.norm_epsilon)
            self.k_norm = RMSNorm(c.head_size, epsilon=c.norm_epsilon)

    def __call__(self, x_BTD, rope, attend, write=None):
        c = self.config
        B, T, _ = x_BTD.shape

        def heads(x_BTX):
            return x_BTX.reshape(B, T, -1, c.head_size)

        q_BTNH, k_BTKH = heads(self.q_proj(x_BTD)), heads(self.k_proj(x_BTD))
        if c.qk_norm:
            q_BTNH, k_BTKH = self.q_norm(q_BTNH), self.k_norm(k_BTKH)
        q_BNTH = apply_rope(q_BTNH, rope).swapaxes(1, 2)
        k_BKSH = apply_rope(k_BTKH, rope).swapaxes(1, 2)
        v_BKSH = heads(self.v_proj(x_BTD)).swapaxes(1, 2)
        if write is not None:
            k_BKSH, v_BKSH = write(k_BKSH, v_BKSH)
        out_BNTH = attend(q_BNTH, k_BKSH, v_BKSH)
        return self.o_proj(out_BNTH.swapaxes(1, 2).reshape(B, T, -1)), (k_BKSH, v_BKSH)


class MLP(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype, use_bias=c.mlp_bias)
        self.gate_proj = linear((c.hidden_size, c.intermediate_size), ("embed", "mlp"))
        self.up_proj = linear((c.hidden_size, c.intermediate_size), ("embed", "mlp"))
        self.down_proj = linear(
            (c.intermediate_size, c.hidden_size),
            ("mlp", "embed"),
            stddev=output_stddev(c.num_layers),
        )

    @jax.named_scope("mlp")
    def __call__(self, x_BTD):
        activation = ACTIVATIONS[self.config.activation]
        return self.down_proj(activation(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))


class Block(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        self.attention_norm = RMSNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.attention = Attention(config, rngs=rngs)
        self.mlp_norm = RMSNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.mlp = MLP(config, rngs=rngs)

    @jax.named_scope("block")
    def __call__(self, x_BTD, rope, attend, write=None):
        attended_BTD, keys_values = self.attention(self.attention_norm(x_BTD), rope, attend, write)
        x_BTD = x_BTD + attended_BTD
        return constrain(x_BTD + self.mlp(self.mlp_norm(x_BTD)), "batch", None, None), keys_values


class Llama(Decoder):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        norm = RMSNorm(config.hidden_size, epsilon=config.norm_epsilon)
        super().__init__(config, lambda rngs: Block(config, rngs=rngs), norm, rngs=rngs)

    def positional(self, positions_BT):
        c = self.config
        return rope_tables(
            positions_BT, rope_frequencies(c.head_size, c.rope_theta, c.rope_scaling)
        )

    @jax.named_scope("embed")
    def embed(self, tokens_BT, tables):
        return embed(self.embedding[...], tokens_BT, self.config.dtype)
