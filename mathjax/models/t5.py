"""T5 encoder-decoder: v1.0 (Raffel et al. 2020) and v1.1 / Flan (Shazeer 2020, Chung et al. 2022).

Letters: see `models/layers.py`. RMSNorm before every sublayer, no biases, no 1/sqrt(H) in
attention, positions only as a learned bias of the distance between two tokens. v1.0 has relu and
one embedding for everything, v1.1 a gated GELU and a head of its own.
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mathjax.models.attention import attention, cross_attention, self_attention
from mathjax.models.decoder import write_slot
from mathjax.models.layers import ACTIVATIONS, Linear, RMSNorm, embed, finish_logits, padded_size
from mathjax.models.stack import check_remat, scan_layers, stack_layers, unstacked
from mathjax.parallel import constrain


@dataclasses.dataclass(frozen=True)
class T5Config:
    """Defaults are those of v1.1."""

    vocab_size: int
    num_layers: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    num_decoder_layers: int | None = None  # None: num_layers
    head_size: int | None = None  # None: hidden_size // num_heads
    relative_buckets: int = 32
    relative_max_distance: int = 128
    norm_epsilon: float = 1e-6
    activation: str = "gelu_new"
    gated: bool = True
    tie_embeddings: bool = False
    scale_output: bool | None = None  # by D**-0.5 before the head. None: where tied, as in v1.0
    decoder_start_id: int = 0
    vocab_multiple: int = 1  # embedding and head have rows up to a multiple of it
    dtype: jnp.dtype = jnp.float32  # of activations: float16 overflows in T5's residual stream
    remat: str = "none"

    def __post_init__(self):
        if self.head_size is None:
            if self.hidden_size % self.num_heads:
                raise ValueError(
                    f"model.hidden_size={self.hidden_size} does not divide by "
                    f"model.num_heads={self.num_heads}"
                )
            object.__setattr__(self, "head_size", self.hidden_size // self.num_heads)
        if self.num_decoder_layers is None:
            object.__setattr__(self, "num_decoder_layers", self.num_layers)
        if self.scale_output is None:
            object.__setattr__(self, "scale_output", self.tie_embeddings)
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"model.activation={self.activation!r}: choose from {', '.join(ACTIVATIONS)}"
            )
        # Half of the buckets are for distances one by one; an encoder has half for each direction.
        if self.relative_buckets < 4 or self.relative_buckets % 2:
            raise ValueError(
                f"model.relative_buckets={self.relative_buckets}: must be even, and at least 4"
            )
        if self.relative_max_distance <= self.relative_buckets // 2:
            raise ValueError(
                f"model.relative_max_distance={self.relative_max_distance}: must be greater than "
                f"half of model.relative_buckets={self.relative_buckets}"
            )
        check_remat(self.remat)

    @property
    def padded_vocab_size(self) -> int:
        return padded_size(self.vocab_size, self.vocab_multiple)


class Attention(nnx.Module):
    """Self-attention calls it whole; cross-attention makes keys and values apart, of the encoder's
    output."""

    def __init__(self, config: T5Config, *, rngs: nnx.Rngs):
        c = self.config = config
        size = c.num_heads * c.head_size
        linear = partial(Linear, rngs=rngs, dtype=c.dtype)
        # As small as 1/sqrt(H) would make the scores (Mesh TensorFlow's initialisation).
        stddev = (c.hidden_size * c.head_size) ** -0.5
        self.q_proj = linear((c.hidden_size, size), ("embed", "heads"), stddev=stddev)
        stddev = c.hidden_size**-0.5
        self.k_proj = linear((c.hidden_size, size), ("embed", "kv_heads"), stddev=stddev)
        self.v_proj = linear((c.hidden_size, size), ("embed", "kv_heads"), stddev=stddev)
        self.o_proj = linear((size, c.hidden_size), ("heads", "embed"), stddev=size**-0.5)

    def __call__(self, x_BTD, keys_values, attend):
        """`attend(q_BNTH, k_BNSH, v_BNSH)` -> [B, N, T, H]."""
        out_BNTH = attend(self._heads(self.q_proj(x_BTD)), *keys_values)
        B, N, T, H = out_BNTH.shape
        return self.o_proj(out_BNTH.swapaxes(1, 2).reshape(B, T, N * H))

    def keys_values(self, x_BSD):
        """[B, N, S, H] each."""
        return self._heads(self.k_proj(x_BSD)), self._heads(self.v_proj(x_BSD))

    def _heads(self, x_BTX):
        return x_BTX.reshape(*x_BTX.shape[:2], -1, self.config.head_size).swapaxes(1, 2)


class MLP(nnx.Module):
    def __init__(self, config: T5Config, *, rngs: nnx.Rngs):
        c = self.config = config
        linear = partial(Linear, rngs=rngs, dtype=c.dtype)
        stddev, shape = c.hidden_size**-0.5, (c.hidden_size, c.intermediate_size)
        if c.gated:
            self.gate_proj = linear(shape, ("embed", "mlp"), stddev=stddev)
        self.up_proj = linear(shape, ("embed", "mlp"), stddev=stddev)
        self.down_proj = linear(shape[::-1], ("mlp", "embed"), stddev=c.intermediate_size**-0.5)

    @jax.named_scope("mlp")
    def __call__(self, x_BTD):
        activation = ACTIVATIONS[self.config.activation]
        if self.config.gated:
            return self.down_proj(activation(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))
        return self.down_proj(activation(self.up_proj(x_BTD)))


class Block(nnx.Module):
    """A layer of the encoder or, with cross-attention, of the decoder."""

    def __init__(self, config: T5Config, *, is_decoder: bool, rngs: nnx.Rngs):
        norm = partial(RMSNorm, config.hidden_size, epsilon=config.norm_epsilon)
        self.attention_norm, self.attention = norm(), Attention(config, rngs=rngs)
        if is_decoder:
            self.cross_attention_norm = norm()
            self.cross_attention = Attention(config, rngs=rngs)
        self.mlp_norm, self.mlp = norm(), MLP(config, rngs=rngs)

    @jax.named_scope("block")
    def __call__(self, x_BTD, attend, cross=None, write=None):
        """(x, its keys and values). `cross` of a decoder: the encoder's keys and values, and how to
        attend to them; `write(new keys, new values)` puts them among those of a cache."""
        h_BTD = self.attention_norm(x_BTD)
        keys_values = self.attention.keys_values(h_BTD)
        if write is not None:
            keys_values = write(*keys_values)
        x_BTD = x_BTD + self.attention(h_BTD, keys_values, attend)
        if cross is not None:
            x_BTD = x_BTD + self.cross_attention(self.cross_attention_norm(x_BTD), *cross)
        x_BTD = x_BTD + self.mlp(self.mlp_norm(x_BTD))
        return constrain(x_BTD, "batch", None, None), keys_values


class Stack(nnx.Module):
    """The encoder or the decoder: its layers share one bias of relative positions."""

    def __init__(self, config: T5Config, *, is_decoder: bool, rngs: nnx.Rngs):
        c = self.config = config
        self.is_decoder = is_decoder
        self.num_layers = c.num_decoder_layers if is_decoder else c.num_layers
        self.layers = stack_layers(
            lambda rngs: Block(c, is_decoder=is_decoder, rngs=rngs), self.num_layers, rngs
        )
        # Small: replicated, so that a mesh needs to divide the heads' sizes only.
        shape = (c.relative_buckets, c.num_heads)
        bias = c.hidden_size**-0.5 * jax.random.normal(rngs.params(), shape)
        self.relative_bias = nnx.Param(bias, axes=(None, None))
        self.norm = RMSNorm(c.hidden_size, epsilon=c.norm_epsilon)

    def scan(self, call, x_BTD):
        """`x = call(layer, x)` through all layers, then the last norm."""
        return self.norm(
            scan_layers(self.layers, self.num_layers, call, x_BTD, remat=self.config.remat)
        )

    def bias_of(self, distances):
        """[N, X], float32, of integer distances [X] (source minus target position), a NumPy
        array."""
        c = self.config
        buckets = relative_buckets(
            distances, not self.is_decoder, c.relative_buckets, c.relative_max_distance
        )
        return self.relative_bias[...].astype(jnp.float32)[buckets].T

    def bias(self, T):
        """[1, N, T, T] of whole rows.

        Entry (t, s) depends on s - t alone: 2 T values are looked up, and a row of them, repeated
        and cut one shorter, moves on by one place a row. Neither this nor its gradient gathers or
        scatters T * T entries.
        """
        values_NX = self.bias_of(np.concatenate([np.arange(T), np.arange(-T, 0)]))
        rows_NX = jnp.tile(values_NX, (1, T))[:, : T * (2 * T - 1)]
        return rows_NX.reshape(-1, T, 2 * T - 1)[None, :, :, :T]


class T5(nnx.Module):
    is_encoder_decoder = True

    def __init__(self, config: T5Config, *, rngs: nnx.Rngs):
        c = self.config = config
        # Of v1.0: the tied head is scaled by D**-0.5, an untied one starts as small as that.
        self.embedding = nnx.Param(
            jax.random.normal(rngs.params(), (c.padded_vocab_size, c.hidden_size)),
            axes=("vocab", "embed"),
        )
        self.encoder = Stack(c, is_decoder=False, rngs=rngs)
        self.decoder = Stack(c, is_decoder=True, rngs=rngs)
        if not c.tie_embeddings:
            self.head = Linear(
                (c.hidden_size, c.padded_vocab_size),
                ("embed", "vocab"),
                rngs=rngs,
                dtype=c.dtype,
                stddev=c.hidden_size**-0.5,
            )

    def __call__(
        self, tokens_BS, decoder_tokens_BT, segment_ids_BS=None, decoder_segment_ids_BT=None
    ):
        """Logits [B, T, V], float32, of the token after each of `decoder_tokens_BT`, which start
        with `decoder_start_id`.

        Documents packed in a row do not see each other: a decoder segment sees the encoder segment
        of the same id. One side's ids left out are all 1, so that 1 and 0 on the other mean token
        and padding.
        """
        ids_BS, ids_BT = segment_ids_BS, decoder_segment_ids_BT
        if ids_BS is None and ids_BT is not None:
            ids_BS = jnp.ones_like(tokens_BS)
        if ids_BT is None and ids_BS is not None:
            ids_BT = jnp.ones_like(decoder_tokens_BT)
        encoded_BSD = self.encode(tokens_BS, ids_BS)
        attend = partial(
            self_attention,
            segment_ids_BT=ids_BT,
            bias_BNTS=self.decoder.bias(decoder_tokens_BT.shape[1]),
            scale=1.0,
        )
        attend_cross = partial(
            cross_attention, segment_ids_BT=ids_BT, segment_ids_BS=ids_BS, scale=1.0
        )

        def layer(block, x_BTD):
            return block(
                x_BTD, attend, (block.cross_attention.keys_values(encoded_BSD), attend_cross)
            )[0]

        return self.logits(self.decoder.scan(layer, self.embed(decoder_tokens_BT)))

    @jax.named_scope("encode")
    def encode(self, tokens_BS, segment_ids_BS=None):
        """[B, S, D]. Each token sees all of its segment."""
        attend = partial(
            self_attention,
            segment_ids_BT=segment_ids_BS,
            causal=False,
            bias_BNTS=self.encoder.bias(tokens_BS.shape[1]),
            scale=1.0,
        )
        return self.encoder.scan(lambda block, x: block(x, attend)[0], self.embed(tokens_BS))

    def prefill(self, tokens_BP, pads_B, max_new_tokens):
        """(context, logits [B, V] of the first new token, cache); see `generation.engine`.

        The prompt is encoded and every layer's keys and values of it are made, once. Cache slot 0
        holds the start token, slot n + 1 new token n.
        """
        B, P = tokens_BP.shape
        seen_BP = jnp.arange(P) >= pads_B[:, None]
        encoded_BPD = self.encode(tokens_BP, seen_BP.astype(jnp.int32))
        # Outside the token loop, so that slices and look-ups are made once.
        layers = unstacked(self.decoder.layers, self.decoder.num_layers)
        cross = [layer.cross_attention.keys_values(encoded_BPD) for layer in layers]
        last = max_new_tokens
        bias_NX = self.decoder.bias_of(np.arange(-last, last + 1))
        start_B = jnp.full(B, self.config.decoder_start_id, tokens_BP.dtype)
        slot = jax.eval_shape(layers[0].attention.keys_values, encoded_BPD[:, :1])
        cache = [jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), slot) for _ in layers]
        context = (layers, cross, seen_BP, bias_NX)
        return context, *self.decode(context, start_B, 0, cache)

    def decode(self, context, tokens_B, n, cache):
        """(logits [B, V] of new token n, cache), where `tokens_B` is new token n - 1."""
        layers, cross, seen_BP, bias_NX = context
        slots = cache[0][0].shape[2]
        mask = jnp.arange(slots)[None, None] <= n
        # Distance s - n of slot s; the table's middle is distance 0.
        bias_NS = jax.lax.dynamic_slice_in_dim(bias_NX, bias_NX.shape[1] // 2 - n, slots, axis=1)
        attend = partial(attention, mask_BTS=mask, bias_BNTS=bias_NS[None, :, None], scale=1.0)
        attend_cross = partial(attention, mask_BTS=seen_BP[:, None], scale=1.0)
        x_BTD, new_cache = self.embed(tokens_B[:, None]), []
        for layer, cross_BNPH, cached in zip(layers, cross, cache, strict=True):
            write = partial(write_slot, cached, n)
            x_BTD, keys_values = layer(x_BTD, attend, (cross_BNPH, attend_cross), write)
            new_cache.append(keys_values)
        return self.logits(self.decoder.norm(x_BTD))[:, 0], new_cache

    def cache_slots(self, prompt_length: int, num_new: int) -> int:
        return num_new + 1

    @jax.named_scope("embed")
    def embed(self, tokens_BT):
        return embed(self.embedding[...], tokens_BT, self.config.dtype)

    @jax.named_scope("head")
    def logits(self, x_BTD):
        c = self.config
        if c.scale_output:
            x_BTD = x_BTD * c.hidden_size**-0.5
        if c.tie_embeddings:
            logits_BTV = jnp.einsum("BTD,VD->BTV", x_BTD, self.embedding[...].astype(c.dtype))
        else:
            logits_BTV = self.head(x_BTD)
        return finish_logits(logits_BTV, c.vocab_size)


def relative_buckets(
    distances: np.ndarray, bidirectional: bool, num_buckets: int, max_distance: int
) -> np.ndarray:
    """Bucket of each distance (source minus target position), int32.

    Half of the buckets are for near distances one by one, half for ranges that grow by a constant
    factor up to `max_distance`, from where on all share the last one (Raffel et al. 2020, section
    2.1). An encoder has a set of them for either direction; to a decoder, what lies ahead is at
    distance 0. In float32 like the original: its rounding decides some bounds.
    """
    base = np.zeros_like(distances)
    if bidirectional:
        num_buckets //= 2
        base = np.where(distances > 0, num_buckets, 0)
        far = np.abs(distances)
    else:
        far = np.maximum(-distances, 0)
    exact = num_buckets // 2
    ratio = np.maximum(far, 1).astype(np.float32) / np.float32(exact)
    steps = np.log(ratio.astype(np.float64)).astype(np.float32)
    steps = steps / np.float32(math.log(max_distance / exact)) * np.float32(num_buckets - exact)
    ranged = np.minimum(exact + steps.astype(np.int64), num_buckets - 1)
    return (base + np.where(far < exact, far, ranged)).astype(np.int32)
