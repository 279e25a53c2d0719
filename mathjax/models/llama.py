"""LLaMA decoder (Touvron et al. 2023): RMSNorm, rotary positions, SwiGLU, grouped-query heads.

Letters: see `models/layers.py`. Layers are stacked and scanned in training, so compile time does
not grow with depth; decoding unrolls them, which is twice as fast (a scan would copy its slice of
the cache at every token).
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.models.attention import attention, causal_mask
from mathjax.models.layers import Linear, RMSNorm, apply_rope, rope_tables
from mathjax.parallel import constrain

UNROLL_ALL, SCAN_UNROLL = 8, 4
"""Up to 8 layers stand in a row, deeper stacks are scanned 4 at a time: compile time stops growing
with depth, and XLA on CPU need not stack what the backward pass keeps (a tenth of a step)."""

REMAT_POLICIES = {
    "none": None,
    "full": jax.checkpoint_policies.nothing_saveable,
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}
"""What the backward pass keeps of a layer: everything, only its input, or its input and the matrix
products."""


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
    norm_epsilon: float = 1e-6
    tie_embeddings: bool = False
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
        if self.remat not in REMAT_POLICIES:
            raise ValueError(f"model.remat={self.remat!r}: choose from {', '.join(REMAT_POLICIES)}")


class Attention(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype)
        query_size, kv_size = c.num_heads * c.head_size, c.num_kv_heads * c.head_size
        self.q_proj = linear((c.hidden_size, query_size), ("embed", "heads"))
        self.k_proj = linear((c.hidden_size, kv_size), ("embed", "kv_heads"))
        self.v_proj = linear((c.hidden_size, kv_size), ("embed", "kv_heads"))
        self.o_proj = linear(
            (query_size, c.hidden_size), ("heads", "embed"), stddev=_output_stddev(c)
        )

    def __call__(self, x_BTD, rope, mask_BTS, cache=None):
        """`cache`: (k_BKSH, v_BKSH, write) where write(old, new) puts new keys in their slots;
        returned updated."""
        c = self.config
        B, T, _ = x_BTD.shape

        def heads(x_BTX):
            return x_BTX.reshape(B, T, -1, c.head_size)

        q_BNTH = apply_rope(heads(self.q_proj(x_BTD)), rope).swapaxes(1, 2)
        k_BKSH = apply_rope(heads(self.k_proj(x_BTD)), rope).swapaxes(1, 2)
        v_BKSH = heads(self.v_proj(x_BTD)).swapaxes(1, 2)
        if cache is not None:
            old_k, old_v, write = cache
            k_BKSH, v_BKSH = write(old_k, k_BKSH), write(old_v, v_BKSH)
        out_BNTH = attention(q_BNTH, k_BKSH, v_BKSH, mask_BTS)
        return self.o_proj(out_BNTH.swapaxes(1, 2).reshape(B, T, -1)), (k_BKSH, v_BKSH)


class MLP(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        c = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype)
        self.gate_proj = linear((c.hidden_size, c.intermediate_size), ("embed", "mlp"))
        self.up_proj = linear((c.hidden_size, c.intermediate_size), ("embed", "mlp"))
        self.down_proj = linear(
            (c.intermediate_size, c.hidden_size), ("mlp", "embed"), stddev=_output_stddev(c)
        )

    @jax.named_scope("mlp")
    def __call__(self, x_BTD):
        return self.down_proj(jax.nn.silu(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))


class Block(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        self.attention_norm = RMSNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.attention = Attention(config, rngs=rngs)
        self.mlp_norm = RMSNorm(config.hidden_size, epsilon=config.norm_epsilon)
        self.mlp = MLP(config, rngs=rngs)

    @jax.named_scope("block")
    def __call__(self, x_BTD, rope, mask_BTS, cache=None):
        attended_BTD, new_cache = self.attention(self.attention_norm(x_BTD), rope, mask_BTS, cache)
        x_BTD = x_BTD + attended_BTD
        return constrain(x_BTD + self.mlp(self.mlp_norm(x_BTD)), "batch", None, None), new_cache


class Llama(nnx.Module):
    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        c = self.config = config
        self.embedding = nnx.Param(
            0.02 * jax.random.normal(rngs.params(), (c.vocab_size, c.hidden_size)),
            axes=("vocab", "embed"),
        )
        self.layers = nnx.vmap(lambda rngs: Block(c, rngs=rngs))(rngs.split(c.num_layers))
        self.norm = RMSNorm(c.hidden_size, epsilon=c.norm_epsilon)
        if not c.tie_embeddings:
            self.head = Linear(
                (c.hidden_size, c.vocab_size), ("embed", "vocab"), rngs=rngs, dtype=c.dtype
            )

    def __call__(self, tokens_BT, positions_BT=None, segment_ids_BT=None):
        """Logits [B, T, V], float32, of the next token. Documents packed in a row do not see each
        other."""
        B, T = tokens_BT.shape
        if positions_BT is None:
            positions_BT = jnp.broadcast_to(jnp.arange(T), (B, T))
        rope = self.rope(positions_BT)
        mask_BTS = causal_mask(segment_ids_BT, T)
        graph, weights = nnx.split(self.layers)

        def layer(x_BTD, layer_weights):
            return nnx.merge(graph, layer_weights)(x_BTD, rope, mask_BTS)[0], None

        if self.config.remat != "none":
            layer = jax.checkpoint(
                layer, policy=REMAT_POLICIES[self.config.remat], prevent_cse=False
            )
        depth = self.config.num_layers
        unroll = depth if depth <= UNROLL_ALL else SCAN_UNROLL
        x_BTD, _ = jax.lax.scan(layer, self.embed(tokens_BT), weights, unroll=unroll)
        return self.logits(x_BTD)

    def prefill(self, tokens_BT, rope, mask_BTS, layers):
        """Logits [B, V] after the last position, and the keys and values [B, K, T, H] of every
        layer.

        `layers` comes from `unstacked_layers`, `rope` from `rope(positions_BT)`.
        """
        x_BTD, cache = self.embed(tokens_BT), []
        for layer in layers:
            x_BTD, keys_values = layer(x_BTD, rope, mask_BTS)
            cache.append(keys_values)
        return self.logits(x_BTD[:, -1:])[:, 0], cache

    def decode(self, tokens_B, rope, mask_BS, layers, cache, slot):
        """Logits [B, V] of the next token; `tokens_B` takes cache slot `slot`. Returns the cache
        updated.

        `rope` is that of every slot [B, S]: made in here, XLA would take its cosines again in
        every layer.
        """

        def write(old_BKSH, new_BKSH):
            return jax.lax.dynamic_update_slice_in_dim(old_BKSH, new_BKSH, slot, axis=2)

        rope = [jax.lax.dynamic_slice_in_dim(table, slot, 1, axis=1) for table in rope]
        x_BTD, new_cache = self.embed(tokens_B[:, None]), []
        for layer, keys_values in zip(layers, cache, strict=True):
            x_BTD, keys_values = layer(x_BTD, rope, mask_BS[:, None], (*keys_values, write))
            new_cache.append(keys_values)
        return self.logits(x_BTD)[:, 0], new_cache

    def rope(self, positions_BT):
        return rope_tables(positions_BT, self.config.head_size, self.config.rope_theta)

    @jax.named_scope("embed")
    def embed(self, tokens_BT):
        # Gathered over 'fsdp' first: looked up in a table split both ways, XLA would replicate the
        # activations.
        table_VD = constrain(self.embedding[...].astype(self.config.dtype), "vocab", None)
        x_BTD = table_VD[tokens_BT]
        return constrain(x_BTD, "batch", None, None)

    @jax.named_scope("head")
    def logits(self, x_BTD):
        x_BTD = self.norm(x_BTD)
        if self.config.tie_embeddings:
            logits_BTV = jnp.einsum(
                "BTD,VD->BTV", x_BTD, self.embedding[...].astype(self.config.dtype)
            )
        else:
            logits_BTV = self.head(x_BTD)
        return constrain(logits_BTV, "batch", None, "vocab").astype(jnp.float32)

    def unstacked_layers(self) -> list[Block]:
        """One Block a layer, for decoding; take it outside the token loop so that the slices are
        made once."""
        graph, weights = nnx.split(self.layers)
        return [
            nnx.merge(graph, jax.tree.map(lambda w, i=i: w[i], weights))
            for i in range(self.config.num_layers)
        ]


def _output_stddev(config: LlamaConfig) -> float:
    """Projections back into the residual stream start smaller by sqrt(2 L), as in GPT-2 (Radford
    et al. 2019)."""
    return 0.02 * (2 * config.num_layers) ** -0.5
