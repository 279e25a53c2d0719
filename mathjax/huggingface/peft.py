"""Adapters to and from directories of the peft library (adapter_config.json and safetensors)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mathjax.errors import UserError
from mathjax.huggingface.mapping import Entry, entries, flatten, unflatten
from mathjax.huggingface.weights import AGAIN, listing
from mathjax.models.lora import LoraSpec, split

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
TENSOR = re.compile(
    # An adapted head comes with the base's, which training left as it was.
    rf"{re.escape(PREFIX)}(.+)\.(lora_A|lora_B|base_layer)(?:\.default)?\.weight"
)

READ = ("peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "bias", "init_lora_weights")
WITHOUT_EFFECT = re.compile(
    # What is adapted, the tensors say; the rest describes, or is of the adapter's first values.
    r"auto_mapping|peft_version|base_model_name_or_path|revision|task_type|inference_mode"
    r"|target_modules|exclude_modules|layers_(pattern|to_transform)|fan_in_fan_out"
    r"|megatron_(config|core)"
    r"|qalora_group_size|runtime_config|(eva|loftq|corda|lora_ga)_config|ensure_weight_tying"
)
PLAIN_STARTS = (True, False, "gaussian", "eva", "orthogonal")
"""Values of init_lora_weights that leave the base as it was; PiSSA, OLoRA and others change it."""


class AdapterError(UserError):
    """An adapter that is damaged, of another base, or has a part that we do not have."""


def write_adapter(
    directory: str | os.PathLike[str],
    params: dict[str, Any],
    spec: LoraSpec,
    family: str,
    config: Any,
    base_name: str,
) -> None:
    """Writes the adapters in `params` (which may hold the base too) into an empty directory, so
    that `peft.PeftModel.from_pretrained` loads them onto the model `base_name`.

    `config` is the family's. Raises AdapterError, before anything is written, where there are no
    adapters.
    """
    adapters = flatten(split(params)[0])
    modules = _linears(family, config)
    tensors, adapted = {}, []
    for name, entry in modules.items():
        path = entry.path.removesuffix(".kernel")
        if f"{path}.lora_a" not in adapters:
            continue
        adapted.append(name)
        a, b = (_layer(adapters[f"{path}.lora_{x}"], entry) for x in "ab")
        _, outputs = _sizes(entry)  # of the vocabulary less than ours, where that is padded
        tensors[f"{PREFIX}{name}.lora_A.weight"] = np.ascontiguousarray(a.T)
        tensors[f"{PREFIX}{name}.lora_B.weight"] = np.ascontiguousarray(b[:, :outputs].T)
    if not tensors:
        raise AdapterError("there are no adapters in these parameters: train with lora.rank > 0")
    values = {
        "peft_type": "LORA",
        "task_type": "SEQ_2_SEQ_LM" if family == "t5" else "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": spec.rank,
        "lora_alpha": int(spec.alpha) if spec.alpha == int(spec.alpha) else spec.alpha,
        "lora_dropout": spec.dropout,
        "use_rslora": spec.rslora,
        "target_modules": _targets(adapted, list(modules)),
        "bias": "none",
        "fan_in_fan_out": not any(modules[name].transpose for name in adapted),  # GPT-2's Conv1D
        "init_lora_weights": True,
        "inference_mode": True,
    }
    save_file(tensors, Path(directory, WEIGHTS), metadata={"format": "pt"})
    Path(directory, CONFIG).write_text(json.dumps(values, indent=2) + "\n")


def read_adapter(
    directory: str | os.PathLike[str], family: str, config: Any
) -> tuple[LoraSpec, dict[str, Any]]:
    """(spec, adapters in float32, nested and stacked as `lora.with_adapters` makes them).

    Raises AdapterError where the files are missing or damaged, the adapter does not fit the model
    of `config`, or it has a part that is not plain LoRA on linear layers.
    """
    directory = Path(directory)
    values = _read_config(directory / CONFIG)
    modules = _linears(family, config)
    tensors = _read_tensors(directory / WEIGHTS)
    base = f"of another base than this model (its own: {values.get('base_model_name_or_path')})"
    found: dict[str, dict[str, np.ndarray]] = {}
    strange = []
    for name, tensor in tensors.items():
        match = TENSOR.fullmatch(name)
        if match is None or match[1] not in modules:
            strange.append(name)
        elif match[2] != "base_layer":
            found.setdefault(match[1], {})[match[2]] = tensor
        elif tensor.shape != modules[match[1]].shape:
            strange.append(name)
    if strange:
        raise AdapterError(
            f"{directory}: {listing(strange)} are not LoRA matrices of this model's linear layers; "
            f"the adapter is {base}, or adapts what we do not"
        )
    if not found:
        raise AdapterError(f"{directory / WEIGHTS}: no LoRA matrices in it; {AGAIN}")
    rank = values["r"]
    paths: dict[str, list[tuple[str, dict[str, np.ndarray]]]] = {}
    for name, entry in modules.items():
        if name not in found:
            continue
        inputs, outputs = _sizes(entry)
        for key, shape in (("lora_A", (rank, inputs)), ("lora_B", (outputs, rank))):
            have = found[name][key].shape if key in found[name] else "missing"
            if have != shape:
                raise AdapterError(
                    f"{directory}: {key} of {name} is {have}, the model's would be {shape}: "
                    f"the adapter is {base}"
                )
        paths.setdefault(entry.path.removesuffix(".kernel"), []).append((name, found[name]))
    adapters = {}
    for path, layers in paths.items():
        wanted = [n for n, entry in modules.items() if entry.path == f"{path}.kernel"]
        if missing := sorted(set(wanted) - {name for name, _ in layers}):
            raise AdapterError(
                f"{directory}: adapts {layers[0][0]} and not {listing(missing)}: the adapter is "
                f"{base}, or of some layers only, where we adapt all or none"
            )
        stacked = modules[wanted[0]].layer is not None
        for ours, key in (("lora_a", "lora_A"), ("lora_b", "lora_B")):
            arrays = [layer[key].T.astype(np.float32) for _, layer in layers]
            adapters[f"{path}.{ours}"] = (
                np.stack(arrays) if stacked else _padded(arrays[0], ours, config)
            )
    spec = LoraSpec(
        rank=rank,
        alpha=float(values["lora_alpha"]),
        dropout=float(values.get("lora_dropout") or 0.0),
        rslora=bool(values.get("use_rslora")),
        targets=rf"^({'|'.join(re.escape(path) for path in paths)})$",
    )
    return spec, unflatten(adapters)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
        rank, alpha, dropout = values["r"], values["lora_alpha"], values.get("lora_dropout") or 0
    except FileNotFoundError:
        raise AdapterError(
            f"{path}: no such file; give a directory that peft's save_pretrained has written"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterError(f"{path}: not the config of a LoRA adapter ({error!r})") from None
    numbers = isinstance(rank, int) and all(isinstance(x, int | float) for x in (alpha, dropout))
    if not numbers or rank < 1 or not 0 <= dropout < 1:
        raise AdapterError(
            f"{path}: r={rank!r}, lora_alpha={alpha!r}, lora_dropout={dropout!r}: not what LoRA has"
        )
    wrong = {
        key: value
        for key, value in values.items()
        if value and key not in READ and not WITHOUT_EFFECT.fullmatch(key)
    }
    wrong |= {
        key: values[key]
        for key, right in (("peft_type", ("LORA",)), ("bias", ("none",)))
        if values.get(key, right[0]) not in right
    }
    if values.get("init_lora_weights", True) not in PLAIN_STARTS:
        wrong["init_lora_weights"] = values["init_lora_weights"]
    if wrong:
        text = ", ".join(f"{key}={value!r}" for key, value in wrong.items())
        raise AdapterError(f"{path}: not supported: {text}. Merge that adapter with peft first")
    return values


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        old = path.with_suffix(".bin")
        hint = f"; {old.name} is of an old format, load and save it with peft" * old.exists()
        raise AdapterError(f"{path}: no such file{hint}")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise AdapterError(f"{path}: damaged ({error}); {AGAIN}") from None
    except (KeyError, TypeError, AttributeError) as error:  # numbers of 8 bits and the like
        raise AdapterError(f"{path}: of a type that is not supported ({error})") from None


def _linears(family: str, config: Any) -> dict[str, Entry]:
    """Their name of each linear layer -> its matrix, layer by layer."""
    return {
        entry.name.removesuffix(".weight"): entry
        for entry in entries(family, config)
        if entry.path.rpartition(".")[2] == "kernel"
    }


def _sizes(entry: Entry) -> tuple[int, int]:
    """Of inputs and of outputs."""
    return entry.shape[::-1] if entry.transpose else entry.shape


def _layer(stack: Any, entry: Entry) -> np.ndarray:
    return np.asarray(stack if entry.layer is None else stack[entry.layer], np.float32)


def _targets(adapted: list[str], modules: list[str]) -> list[str]:
    """Last names, such as q_proj, where they choose `adapted` and nothing else of `modules`; peft
    takes whole names too."""
    last = {name.rpartition(".")[2] for name in adapted}
    exact = {name for name in modules if name.rpartition(".")[2] in last} == set(adapted)
    return sorted(last if exact else adapted)


def _padded(array: np.ndarray, leaf: str, config: Any) -> np.ndarray:
    """The head's B for the vocabulary with its padding."""
    if leaf == "lora_a":
        return array
    return np.pad(array, [(0, 0), (0, config.padded_vocab_size - array.shape[1])])
