"""What decoder-only families share: training on packed rows, and generation with a cache.

A family gives `positional` and `embed`, and a layer that is called as in `Decoder.__call__`.
Letters: see `models/layers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mathjax.models.attention import attention, causal_mask, self_attention
from mathjax.models.layers import Linear, finish_logits
from mathjax.models.stack import scan_layers, stack_layers, unstacked

Tables = tuple[jax.Array, ...]


class Decoder(nnx.Module):
    """Embedding, stacked layers, a last norm and, where embeddings are not tied, a head.

    `layer(x_BTD, tables, attend, write)` returns (x_BTD, (k_BKSH, v_BKSH)): `attend(q, k, v)` is
    all it knows of masks, `write(k, v)` puts new keys and values among those of a cache.
    """

    is_encoder_decoder = False

    def __init__(
        self,
        config: Any,
        make_layer: Callable[[nnx.Rngs], nnx.Module],
        norm: nnx.Module,
        *,
        rngs: nnx.Rngs,
    ):
        c = self.config = config
        shape = (c.padded_vocab_size, c.hidden_size)
        self.embedding = nnx.Param(
            0.02 * jax.random.normal(rngs.params(), shape), axes=("vocab", "embed")
        )
        self.layers = stack_layers(make_layer, c.num_layers, rngs)
        self.norm = norm
        if not c.tie_embeddings:
            self.head = Linear(shape[::-1], ("embed", "vocab"), rngs=rngs, dtype=c.dtype)

    @property
    def max_positions(self) -> int | None:
        """Longest document that the model can read at all; None: no limit."""
        return None

    def positional(self, positions_BT: jax.Array) -> Tables:
        """What follows from positions alone, each [B, T, ...]: `embed` and every layer get it."""
        raise NotImplementedError

    def embed(self, tokens_BT: jax.Array, tables: Tables) -> jax.Array:
        """[B, T, D]."""
        raise NotImplementedError

    def __call__(self, tokens_BT, positions_BT=None, segment_ids_BT=None):
        """Logits [B, T, V], float32, of the next token. Documents packed in a row do not see each
        other."""
        B, T = tokens_BT.shape
        if positions_BT is None:
            positions_BT = jnp.broadcast_to(jnp.arange(T), (B, T))
        tables = self.positional(positions_BT)
        attend = partial(
            self_attention, segment_ids_BT=segment_ids_BT, window=self.config.sliding_window
        )
        x_BTD = scan_layers(
            self.layers,
            self.config.num_layers,
            lambda layer, x_BTD: layer(x_BTD, tables, attend)[0],
            self.embed(tokens_BT, tables),
            remat=self.config.remat,
        )
        return self.logits(x_BTD)

    def prefill(self, tokens_BP, pads_B, max_new_tokens):
        """(context, logits [B, V] of the first new token, cache); see `generation.engine`.

        Prompt b lies in slots pads_B[b]..P-1, new token n in slot P + n. Slot s is kept at place s
        modulo the cache's length: a cache is shorter than its slots only where a sliding window
        has left the others behind.
        """
        # Outside the token loop, so that the slices are made once.
        layers = unstacked(self.layers, self.config.num_layers)
        P, window = tokens_BP.shape[1], self.config.sliding_window
        slots_S = jnp.arange(P + max_new_tokens)
        positions_BS = jnp.maximum(slots_S - pads_B[:, None], 0)
        # Looked up: made of the positions themselves, XLA would take rope's cosines again in every
        # layer (8 % of a call).
        tables = tuple(table[0][positions_BS] for table in self.positional(slots_S[None]))
        mask_BPP = causal_mask(None, P, window) & (slots_S[:P] >= pads_B[:, None])[:, None]
        attend = partial(attention, mask_BTS=mask_BPP)
        prompt_tables = tuple(table[:, :P] for table in tables)
        x_BTD, cache, kept = self.embed(tokens_BP, prompt_tables), [], self.cache_slots(P, 0)
        for layer in layers:
            x_BTD, keys_values = layer(x_BTD, prompt_tables, attend)
            cache.append(tuple(_last_slots(x_BKPH, kept) for x_BKPH in keys_values))
        return (layers, tables, pads_B, P), self.logits(x_BTD[:, -1:])[:, 0], cache

    def decode(self, context, tokens_B, n, cache):
        """(logits [B, V] of new token n, cache), where `tokens_B` is new token n - 1."""
        layers, tables, pads_B, P = context
        slot, size = P + n - 1, cache[0][0].shape[2]
        # The slot each place holds; negative where none has been written yet.
        slots_S = slot - (slot - jnp.arange(size)) % size
        attend = partial(attention, mask_BTS=(slots_S >= pads_B[:, None])[:, None])
        tables = tuple(jax.lax.dynamic_slice_in_dim(table, slot, 1, axis=1) for table in tables)
        x_BTD, new_cache = self.embed(tokens_B[:, None], tables), []
        for layer, keys_values in zip(layers, cache, strict=True):
            write = partial(write_slot, keys_values, slot % size)
            x_BTD, keys_values = layer(x_BTD, tables, attend, write)
            new_cache.append(keys_values)
        return self.logits(x_BTD)[:, 0], new_cache

    def cache_slots(self, prompt_length: int, num_new: int) -> int:
        """Places a cache needs when `num_new` tokens follow the prompt."""
        window = self.config.sliding_window
        slots = prompt_length + num_new
        return slots if window is None else min(slots, window)

    @jax.named_scope("head")
    def logits(self, x_BTD):
        c = self.config
        x_BTD = self.norm(x_BTD)
        if c.tie_embeddings:
            logits_BTV = jnp.einsum("BTD,VD->BTV", x_BTD, self.embedding[...].astype(c.dtype))
        else:
            logits_BTV = self.head(x_BTD)
        return finish_logits(logits_BTV, c.vocab_size)


def write_slot(cache, place, k_BK1H, v_BK1H):
    """The keys and values of `cache` [B, K, S, H] with new ones at `place`."""
    return tuple(
        jax.lax.dynamic_update_slice_in_dim(old, new, place, axis=2)
        for old, new in zip(cache, (k_BK1H, v_BK1H), strict=True)
    )


def _last_slots(x_BKPH, count):
    """The last `count` slots of a prompt, slot s at place s modulo `count`."""
    P = x_BKPH.shape[2]
    return x_BKPH if count == P else jnp.roll(x_BKPH[:, :, P - count :], P % count, axis=2)
