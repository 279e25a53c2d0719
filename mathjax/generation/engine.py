"""Batched generation: one jitted prefill and token loop a bucket of prompt lengths.

Prompts of a bucket are padded on the left to its power of two, so that every row writes the same
cache slot at each step; positions start at a row's first real token. The whole token loop is one
`while_loop` on the device that ends as soon as every row has ended.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from mathjax.errors import UserError
from mathjax.generation.sampling import Sampling, sample
from mathjax.parallel import Rules, batch_sharding, put_batch

SMALLEST_BUCKET = 16

GROWTHS = 4
"""The cache gets longer in so many steps, since attention reads all of it: answers that end early
never pay for the slots of `max_new_tokens`. Each growth is one more token loop to compile."""


@dataclasses.dataclass(frozen=True)
class Completion:
    """New tokens of one prompt, end-of-sequence left out; `finished` is False where
    `max_new_tokens` cut it."""

    tokens: list[int]
    finished: bool


class Generator:
    """Generates with one model structure; the weights are an argument, so training can call it at
    any step."""

    def __init__(
        self,
        graph: nnx.GraphDef,
        *,
        eos_id: int,
        max_new_tokens: int,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        batch_size: int = 256,
        mesh: Mesh | None = None,
    ):
        self.graph, self.eos_id, self.max_new_tokens = graph, eos_id, max_new_tokens
        self.sampling, self.batch_size, self.mesh = sampling, batch_size, mesh
        shards = 1 if mesh is None else mesh.shape["data"] * mesh.shape["fsdp"]
        if batch_size % shards:
            raise UserError(
                f"eval.batch_size={batch_size} does not divide over mesh axes data x fsdp = "
                f"{shards} devices"
            )
        self.shards = shards
        self.num_steps = 0  # tokens made a row so far, over all batches: early ends show here
        self._generate = jax.jit(
            partial(
                generate_batch,
                graph,
                eos_id=eos_id,
                max_new_tokens=max_new_tokens,
                sampling=sampling,
            )
        )

    @property
    def num_compilations(self) -> int:
        return self._generate._cache_size()

    def generate(
        self,
        params: Any,
        prompts: Sequence[Sequence[int]],
        *,
        seed: int = 0,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> list[Completion]:
        """Completions in the order of `prompts` (token ids, none empty).

        Prompt i draws from (seed, i): neither batch size nor the other prompts change its sample.
        """
        longest = self._longest_prompt(params)
        buckets = defaultdict(list)
        for index, prompt in enumerate(prompts):
            if not len(prompt):
                raise UserError(f"prompt {index} is empty: give at least one token")
            if len(prompt) > longest:
                raise UserError(
                    f"prompt {index} has {len(prompt)} tokens; with generation.max_new_tokens="
                    f"{self.max_new_tokens} the model has positions for {max(longest, 0)}"
                )
            length = max(SMALLEST_BUCKET, _power_of_two(len(prompt)))
            buckets[int(min(length, longest))].append(index)
        batches = [
            (length, indices[start : start + self.batch_size])
            for length, indices in sorted(buckets.items())
            for start in range(0, len(indices), self.batch_size)
        ]
        results: list[Completion | None] = [None] * len(prompts)
        for length, indices in progress(batches):
            rows = min(self.batch_size, max(self.shards, _power_of_two(len(indices))))
            tokens_BP = np.full((rows, length), self.eos_id, np.int32)
            pads_B = np.full(rows, length - 1, np.int32)  # rows without a prompt: one token
            for row, index in enumerate(indices):
                pads_B[row] = length - len(prompts[index])
                tokens_BP[row, pads_B[row] :] = prompts[index]
            example_B = np.zeros(rows, np.int32)
            example_B[: len(indices)] = indices
            real_B = np.arange(rows) < len(indices)
            out_BN = self._call(params, tokens_BP, pads_B, example_B, real_B, seed)
            for row, index in enumerate(indices):
                ends = np.flatnonzero(out_BN[row] == self.eos_id)
                stop = ends[0] if len(ends) else self.max_new_tokens
                results[index] = Completion(out_BN[row, :stop].tolist(), bool(len(ends)))
        return results  # type: ignore[return-value]

    def _longest_prompt(self, params: Any) -> float:
        """Tokens that leave positions for `max_new_tokens`; infinite for most families."""
        limit = getattr(nnx.merge(self.graph, nnx.State(params)), "max_positions", None)
        return np.inf if limit is None else limit - self.max_new_tokens

    def _call(self, params, tokens_BP, pads_B, example_B, real_B, seed) -> np.ndarray:
        arguments = (params, tokens_BP, pads_B, example_B, real_B, np.uint32(seed))
        if self.mesh is None:
            out_BN, steps = self._generate(*arguments)
            self.num_steps += int(steps)
            return np.asarray(out_BN)
        with jax.set_mesh(self.mesh):
            tokens_BP = put_batch({"tokens": tokens_BP}, batch_sharding(self.mesh, Rules()))[
                "tokens"
            ]
            out_BN, steps = self._generate(params, tokens_BP, *arguments[2:])
            self.num_steps += int(steps)
            if not out_BN.is_fully_addressable:
                from jax.experimental import multihost_utils

                return multihost_utils.process_allgather(out_BN, tiled=True)
            return np.asarray(out_BN)


def generate_batch(
    graph: nnx.GraphDef,
    params: Any,
    tokens_BP: jax.Array,
    pads_B: jax.Array,
    example_B: jax.Array,
    real_B: jax.Array,
    seed: jax.Array,
    *,
    eos_id: int,
    max_new_tokens: int,
    sampling: Sampling,
) -> tuple[jax.Array, jax.Array]:
    """New tokens [B, max_new_tokens], filled with `eos_id` after a row's end, and how many columns
    were made before every row had ended. Rows where `real_B` is False end at once.

    The model keeps what is fixed during the token loop in a context of its own (unstacked layers,
    position tables, an encoder's keys and values) and says how many cache slots it needs.
    """
    model = nnx.merge(graph, nnx.State(params))
    B, P = tokens_BP.shape
    context, logits_BV, cache = model.prefill(tokens_BP, pads_B, max_new_tokens)
    row_keys_B = jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(example_B)

    def next_token(logits_BV, n, done_B):
        keys_B = jax.vmap(lambda key: jax.random.fold_in(key, n))(row_keys_B)
        return jnp.where(done_B, eos_id, sample(logits_BV, keys_B, sampling))

    def unfinished(limit, carry):
        n, _, done_B, *_ = carry
        return (n < limit) & ~jnp.all(done_B)

    def body(carry):
        n, token_B, done_B, out_BN, cache = carry
        logits_BV, cache = model.decode(context, token_B, n, cache)
        token_B = next_token(logits_BV, n, done_B)
        out_BN = jax.lax.dynamic_update_slice_in_dim(out_BN, token_B[:, None], n, axis=1)
        return n + 1, token_B, done_B | (token_B == eos_id), out_BN, cache

    first_B = next_token(logits_BV, 0, ~real_B)
    out_BN = jnp.full((B, max_new_tokens), eos_id, jnp.int32).at[:, 0].set(first_B)
    carry = (jnp.int32(1), first_B, first_B == eos_id, out_BN, cache)
    for limit in _limits(max_new_tokens):
        *rest, cache = carry
        slots = model.cache_slots(P, limit)
        cache = jax.tree.map(
            lambda x, slots=slots: jnp.pad(x, ((0, 0), (0, 0), (0, slots - x.shape[2]), (0, 0))),
            cache,
        )
        carry = jax.lax.while_loop(partial(unfinished, limit), body, (*rest, cache))
    return carry[3], carry[0]


def _limits(max_new_tokens: int) -> list[int]:
    """New tokens after which the cache is full, of each token loop."""
    step = max(SMALLEST_BUCKET, -(-max_new_tokens // GROWTHS))
    return [min(n + step, max_new_tokens) for n in range(0, max_new_tokens, step)]


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()
