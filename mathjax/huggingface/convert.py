"""Checkpoints from one format to another; `launch/convert.py` is its command."""

from __future__ import annotations

import dataclasses
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mathjax import models
from mathjax.checkpoints import Checkpoints
from mathjax.errors import UserError
from mathjax.huggingface import peft
from mathjax.huggingface.directories import check_target, new_directory
from mathjax.huggingface.mapping import flatten
from mathjax.huggingface.writer import write_files
from mathjax.sources import HuggingFaceSource, Source, WorkdirSource, open_source, progress_bar

FORMATS = ("mathjax", "hf", "peft")
MAX_DIFFERENCE = 1e-4
"""Of logits, computed in float32 on both sides, where the largest is about 1."""


def convert(
    source: str,
    target: Path,
    format: str,
    *,
    step: int | str | None = None,
    dtype: str | None = None,
    check: bool = False,
    overwrite: bool = False,
) -> str:
    """Writes `target`, whole or not at all; returns what was done, for people.

    `source`: as of `sources.open_source`, with its `step`. `dtype`: of the weights; None keeps
    theirs. Adapters are merged, but for format "peft", which writes them alone. `check` compares
    logits with transformers' and raises UserError, with nothing written, where they differ.
    """
    target = Path(target)
    check_target(target, overwrite)
    model = open_source(source, step)
    _check_apart(model, target)
    if check:
        _check_possible(model, format)
    if format == "peft" and dtype:
        raise UserError("--dtype with --format=peft: adapters stay in float32; leave it out")
    with new_directory(target, overwrite=overwrite) as directory:
        if format == "peft":
            text = _write_peft(directory, model)
        else:
            text = _write_model(directory, model, format, dtype, check)
    return f"{text}\n{target}"


def _check_apart(model: Source, target: Path) -> None:
    """Refuses a target that would write over what is read, bases of adapters included."""
    target = target.resolve()
    read: Source | None = model
    while read is not None:
        path = read.path.resolve()
        if path in (target, *target.parents) or target in path.parents:
            raise UserError(
                f"--target={target} and {read.name}, which is read, lie in one another: give "
                "another target"
            )
        read = read.base


def _check_possible(model: Source, format: str) -> None:
    if format == "peft" or (format == "mathjax" and not isinstance(model, HuggingFaceSource)):
        raise UserError(
            "--check compares with transformers: it wants --format=hf, or a Hugging Face source"
        )
    if find_spec("torch") is None:
        raise UserError("--check needs torch: pip install torch, or leave it out")


def _write_model(
    directory: Path, model: Source, format: str, dtype: str | None, check: bool
) -> str:
    params = model.load(dtype=dtype and jnp.dtype(dtype))
    note = ""
    if format == "hf":
        write_files(
            directory,
            model.family,
            model.architecture,
            params,
            tokenizer=model.tokenizer,
            generation=model.generation,
            progress=progress_bar("writing"),
        )
        if check:
            note = compare(model.family, model.architecture, params, directory)
    else:
        _write_workdir(directory, model, params)
        if check:
            params = open_source(directory).load()
            note = compare(model.family, model.architecture, params, model.path)
    return f"{_summary(params)}{note}"


def _write_workdir(directory: Path, model: Source, params: dict[str, Any]) -> None:
    """Our format (see `sources`), into an empty directory."""
    models.save_architecture(directory / "model.json", model.architecture)
    if model.tokenizer is not None:
        model.tokenizer.save(directory / "tokenizer")
    if model.generation:
        text = json.dumps(model.generation, indent=2) + "\n"
        (directory / "generation_config.json").write_text(text)
    with Checkpoints(directory / "checkpoints", keep_last=1, asynchronous=False) as checkpoints:
        dtypes = {path: x.dtype.name for path, x in flatten(params).items()}
        metadata = {"source": _origin(model), "dtypes": dtypes}  # source: None if it is ours
        checkpoints.save(model.loaded_step, {"params": params}, metadata)


def _write_peft(directory: Path, model: Source) -> str:
    if model.adapters is None:
        raise UserError(
            f"--format=peft: {model.name} has no adapters; train with lora.rank > 0, or take "
            "--format=hf"
        )
    base = _origin(model.base)
    if base is None:
        raise UserError(
            f"--format=peft: {model.name} has adapters to {model.base.name}, which transformers "
            "cannot load; take --format=hf, which merges them"
        )
    adapters = model.load_adapters()
    peft.write_adapter(directory, adapters, model.adapters, model.family, model.architecture, base)
    if model.tokenizer is not None:
        model.tokenizer.save(directory)
    return f"{_summary(adapters)}, for {base}"


def _origin(model: Source) -> str | None:
    """What transformers would load: of a conversion its Hugging Face source."""
    if isinstance(model, HuggingFaceSource):
        return model.name
    if isinstance(model, WorkdirSource) and model.config is None:
        return model.metadata.get("source")
    return None


def compare(family: str, config: Any, params: dict[str, Any], directory: Path) -> str:
    """Text that says how far our logits are from transformers' with the weights in `directory` (in
    the type of ours), on random tokens, computed in float32 on both sides.

    Raises UserError where they are further apart than rounding explains.
    """
    rng = np.random.default_rng(0)
    length = min(24, getattr(config, "max_positions", None) or 24)
    names = ["input_ids", "decoder_input_ids"] if family == "t5" else ["input_ids"]
    inputs = [rng.integers(0, config.vocab_size, (2, length)).astype(np.int32) for _ in names]
    theirs = _their_logits(directory, family, dict(zip(names, inputs, strict=True)), params)
    config = dataclasses.replace(config, dtype=jnp.dtype(jnp.float32))
    graph = nnx.split(nnx.eval_shape(lambda: models.factory_of(config)(nnx.Rngs(0))))[0]

    @jax.jit
    def logits(params, *inputs):
        params = jax.tree.map(lambda x: x.astype(jnp.float32), params)
        return nnx.merge(graph, nnx.State(params))(*inputs)

    with jax.default_matmul_precision("highest"):
        ours = np.asarray(logits(params, *inputs))[..., : config.vocab_size]
    difference, largest = float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())
    note = f"largest difference to the logits of transformers {difference:.2g}, of {largest:.2g}"
    if not difference <= MAX_DIFFERENCE * max(1.0, largest):
        raise UserError(f"--check: {note}: the conversion is wrong; nothing was written")
    return f"\n{note}"


def _their_logits(
    directory: Path, family: str, inputs: dict[str, np.ndarray], params: dict[str, Any]
) -> np.ndarray:
    import torch
    import transformers

    dtypes = {x.dtype.name for x in jax.tree.leaves(params)}
    kind = "AutoModelForSeq2SeqLM" if family == "t5" else "AutoModelForCausalLM"
    transformers.utils.logging.disable_progress_bar()
    model = getattr(transformers, kind).from_pretrained(
        directory,
        dtype=getattr(torch, dtypes.pop() if len(dtypes) == 1 else "float32"),
        trust_remote_code=False,
    )
    model = model.float().eval()
    tokens = {name: torch.tensor(x.astype(np.int64)) for name, x in inputs.items()}
    with torch.no_grad():
        mask = torch.ones_like(tokens["input_ids"])
        return model(attention_mask=mask, use_cache=False, **tokens).logits.numpy()


def _summary(params: dict[str, Any]) -> str:
    leaves = jax.tree.leaves(params)
    dtypes = " and ".join(sorted({x.dtype.name for x in leaves}))
    return f"{sum(x.size for x in leaves):,} parameters in {dtypes}"
