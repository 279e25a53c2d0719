"""GPT-2 decoder (Radford et al. 2019): learned positions, LayerNorm, biases, a tied head.

Letters: see `models/layers.py`; training on rows and generation: `models/decoder.py`.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.errors import UserError
from mathjax.models.decoder import Decoder
from mathjax.models.layers import ACTIVATIONS, LayerNorm, Linear, embed, padded_size
from mathjax.models.stack import check_remat, output_stddev
from mathjax.parallel import constrain


@dataclasses.dataclass(frozen=True)
class GPT2Config:
    vocab_size: int
    num_layers: int
    hidden_size: int
    num_heads: int
    intermediate_size: int | None = None  # None: 4 hidden_size
    max_positions: int = 1024
    norm_epsilon: float = 1e-5
    activation: str = "gelu_new"
    vocab_multiple: int = 1  # the embedding has rows up to a multiple of it
    dtype: jnp.dtype = jnp.float32  # of activations; parameters and their updates stay float32
    remat: str = "none"

    tie_embeddings: ClassVar[bool] = True
    sliding_window: ClassVar[None] = None

    def __post_init__(self):
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"model.hidden_size={self.hidden_size} does not divide by "
                f"model.num_heads={self.num_heads}"
            )
        if self.intermediate_size is None:
            object.__setattr__(self, "intermediate_size", 4 * self.hidden_size)
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"model.activation={self.activation!r}: choose from {', '.join(ACTIVATIONS)}"
            )
        check_remat(self.remat)

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def padded_vocab_size(self) -> int:
        return padded_size(self.vocab_size, self.vocab_multiple)


class Attention(nnx.Module):
    def __init__(self, config: GPT2Config, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype, use_bias=True)
        self.qkv_proj = linear((c.hidden_size, 3 * c.hidden_size), ("embed", "heads"))
        self.o_proj = linear(
            (c.hidden_size, c.hidden_size), ("heads", "embed"), stddev=output_stddev(c.num_layers)
        )

    def __call__(self, x_BTD, attend, write=None):
        B, T, D = x_BTD.shape
        q_BNTH, k_BNSH, v_BNSH = (
            x_BTD.reshape(B, T, self.config.num_heads, -1).swapaxes(1, 2)
            for x_BTD in jnp.split(self.qkv_proj(x_BTD), 3, axis=-1)
        )
        if write is not None:
            k_BNSH, v_BNSH = write(k_BNSH, v_BNSH)
        out_BNTH = attend(q_BNTH, k_BNSH, v_BNSH)
        return self.o_proj(out_BNTH.swapaxes(1, 2).reshape(B, T, D)), (k_BNSH, v_BNSH)


class MLP(nnx.Module):
    def __init__(self, config: GPT2Config, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype, use_bias=True)
        self.up_proj = linear((c.hidden_size, c.intermediate_size), ("embed", "mlp"))
        self.down_proj = linear(
            (c.intermediate_size, c.hidden_size),
            ("mlp", "embed"),
            stddev=output_stddev(c.num_layers),
        )

    @jax.named_scope("mlp")
    def __call__(self, x_BTD):
        return self.down_proj(ACTIVATIONS[self.config.activation](self.up_proj(x_BTD)))


class Block(nnx.Module):
    def __init__(self, config: GPT2Config, *, rngs: nnx.Rngs):
        self.attention_norm = LayerNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.attention = Attention(config, rngs=rngs)
        self.mlp_norm = LayerNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.mlp = MLP(config, rngs=rngs)

    @jax.named_scope("block")
    def __call__(self, x_BTD, tables, attend, write=None):
        attended_BTD, keys_values = self.attention(self.attention_norm(x_BTD), attend, write)
        x_BTD = x_BTD + attended_BTD
        return constrain(x_BTD + self.mlp(self.mlp_norm(x_BTD)), "batch", None, None), keys_values


class GPT2(Decoder):
    def __init__(self, config: GPT2Config, *, rngs: nnx.Rngs):
        c = config
        norm = LayerNorm(c.hidden_size, epsilon=c.norm_epsilon)
        super().__init__(c, lambda rngs: Block(c, rngs=rngs), norm, rngs=rngs)
        self.position_embedding = nnx.Param(
            0.01 * jax.random.normal(rngs.params(), (c.max_positions, c.hidden_size)),
            axes=(None, "embed"),
        )

    @property
    def max_positions(self) -> int:
        return self.config.max_positions

    def positional(self, positions_BT):
        """Raises UserError where a row may hold positions that were never learned."""
        P, T = self.max_positions, positions_BT.shape[1]
        if T > P:
            raise UserError(
                f"{T} positions, and this GPT-2 has learned {P} (model.max_positions): make rows "
                "(data.row_length), or prompts and generation.max_new_tokens, shorter"
            )
        table_PD = constrain(self.position_embedding[...].astype(self.config.dtype), None, None)
        return (constrain(table_PD[positions_BT], "batch", None, None),)

    @jax.named_scope("embed")
    def embed(self, tokens_BT, tables):
        return embed(self.embedding[...], tokens_BT, self.config.dtype) + tables[0]
