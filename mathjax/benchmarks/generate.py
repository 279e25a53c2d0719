"""Generated tokens a second."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mathjax.benchmarks import peers
from mathjax.benchmarks.timing import Row, Scale, require, versus
from mathjax.generation.engine import Generator
from mathjax.models import FAMILIES

NEVER = -1
"""An end-of-sequence id that no token has: every answer takes its full length."""


def cached_decoding(scale: Scale) -> Iterator[Row]:
    """Greedy answers with the cache, and by the whole model over the whole row at every token."""
    rows, prompt, new = (2, 4, 6) if scale.tiny else (8, 32, 128)
    config = peers.model_config(scale)
    graph, params = peers.graph_of(config), peers.random_params(config)
    prompts = np.random.default_rng(0).integers(0, peers.VOCAB_SIZE, (rows, prompt), np.int32)
    generator = Generator(graph, eos_id=NEVER, max_new_tokens=new, batch_size=rows)

    @jax.jit
    def uncached(params, prompts_BP):
        model = nnx.merge(graph, nnx.State(params))

        def body(n, tokens_BT):
            logits_BTV = model(tokens_BT)
            best_B = jnp.argmax(jnp.take(logits_BTV, n - 1, axis=1), axis=-1)
            return tokens_BT.at[:, n].set(best_B)

        tokens_BT = jnp.pad(prompts_BP, ((0, 0), (0, new)))
        return jax.lax.fori_loop(prompt, prompt + new, body, tokens_BT)[:, prompt:]

    def cached():
        return [c.tokens for c in generator.generate(params, prompts)]

    require(
        cached() == np.asarray(uncached(params, prompts)).tolist(),
        "tokens with and without the cache differ",
    )
    yield versus(
        f"decoding with a cache, batch {rows}, prompts of {prompt}, {new} new tokens",
        "tokens/s",
        (cached, rows * new),
        {
            "without: our model over the row at every token": (
                lambda: uncached(params, prompts),
                rows * new,
            )
        },
        min(scale.repeats, 3),
        f"without the cache: one jitted loop over rows of fixed length {prompt + new}, float32",
    )


def decoding(scale: Scale) -> Iterator[Row]:
    """Greedy, the same weights and tokens, against `generate` of transformers."""
    rows, prompt, new = (2, 4, 6) if scale.tiny else (64, 32, 64)
    for family in FAMILIES:
        what = f"decoding, {family}, batch {rows}, prompts of {prompt}, {new} new tokens, float32"
        if reason := peers.torch_is_here():
            yield Row(what, "tokens/s", None, note=f"left out: {reason}")
            continue
        config = peers.model_config(scale, family)
        model = peers.huggingface_model(config).eval()
        prompts = np.random.default_rng(0).integers(1, peers.VOCAB_SIZE, (rows, prompt), np.int32)
        generator = Generator(
            peers.graph_of(config), eos_id=NEVER, max_new_tokens=new, batch_size=rows
        )
        ours = partial(_ours, generator, peers.our_params(model, config), prompts)
        theirs = partial(_theirs, model, prompts, new)
        static = partial(theirs, cache_implementation="static")
        require(ours() == theirs(), f"{family}: tokens differ from those of transformers")
        require(static() == theirs(), "transformers' caches differ")
        work = rows * new
        yield versus(
            what,
            "tokens/s",
            (ours, work),
            {
                "transformers generate, dynamic cache": (theirs, work),
                "transformers generate, static cache": (static, work),
            },
            scale.repeats,
            "the faster of transformers' two caches; all tokens identical",
        )


def _ours(generator: Generator, params: Any, prompts: np.ndarray) -> list[list[int]]:
    return [completion.tokens for completion in generator.generate(params, prompts)]


def _theirs(model: Any, prompts: np.ndarray, new: int, **settings: Any) -> list[list[int]]:
    import torch

    tokens = torch.tensor(prompts, dtype=torch.long, device=peers.torch_device())
    with torch.inference_mode():
        out = model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=new,
            do_sample=False,
            **settings,
        )
    return out[:, -new:].cpu().tolist()


ROWS = (cached_decoding, decoding)
