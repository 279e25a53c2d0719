"""The same model in transformers, with the same weights."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import jax
from flax import nnx

from mathjax.benchmarks.timing import Scale, cpu_count
from mathjax.config import Config, resolve
from mathjax.huggingface.config import write_config
from mathjax.huggingface.mapping import params_from_state_dict
from mathjax.models import make_architecture, make_factory
from mathjax.training.state import abstract_model

VOCAB_SIZE = 512


def model_config(scale: Scale, family: str = "llama", **sections: Any) -> Config:
    """5 M parameters: the size that two CPU cores train in about a second a step."""
    layers = 3 if family == "t5" else 6  # of a T5 so many on either side
    model = {
        "family": family,
        "num_layers": 1 if scale.tiny else layers,
        "hidden_size": 32 if scale.tiny else 256,
        "num_heads": 8,
        "num_kv_heads": 8,
        "intermediate_size": 48 if scale.tiny else 1024 if family == "gpt2" else 688,
        "tie_embeddings": family == "gpt2",
    }
    return resolve({"model": model, "train": {"num_steps": 1_000_000}} | sections)


def torch_is_here() -> str:
    """Empty, or why the rows against torch are left out."""
    if find_spec("torch") is None:
        return "torch is not installed"
    import torch

    if jax.default_backend() != "cpu" and not torch.cuda.is_available():
        return f"torch has no device to match {jax.devices()[0].device_kind}"
    torch.set_num_threads(cpu_count())
    return ""


def torch_device() -> str:
    return "cpu" if jax.default_backend() == "cpu" else "cuda"


def huggingface_model(config: Config, vocab_size: int = VOCAB_SIZE) -> Any:
    """transformers' model of that family and size, random weights of seed 0, on the device."""
    import torch
    import transformers

    torch.manual_seed(0)
    values = write_config(config.model.family, make_architecture(config.model, vocab_size))
    # Wide enough that the best token stands clear of the second.
    values |= {"initializer_range": 0.1, "pad_token_id": 0, "dropout_rate": 0.0}
    values |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    kind = "Seq2SeqLM" if config.model.family == "t5" else "CausalLM"
    model_class = getattr(transformers, f"AutoModelFor{kind}")
    huggingface = transformers.AutoConfig.for_model(**values)
    return model_class.from_config(huggingface, attn_implementation="sdpa").to(torch_device())


def our_params(model: Any, config: Config) -> Any:
    """Its weights, copied."""
    arrays = {name: weight.cpu().numpy().copy() for name, weight in model.state_dict().items()}
    architecture = make_architecture(config.model, VOCAB_SIZE)
    params = params_from_state_dict(config.model.family, architecture, arrays)
    return jax.device_put(params, jax.devices()[0])


def random_params(config: Config, vocab_size: int = VOCAB_SIZE) -> Any:
    factory = make_factory(config.model, vocab_size)
    make = jax.jit(lambda key: nnx.to_pure_dict(nnx.state(factory(nnx.Rngs(params=key)))))
    return make(jax.random.key(0))


def graph_of(config: Config, vocab_size: int = VOCAB_SIZE) -> nnx.GraphDef:
    return abstract_model(make_factory(config.model, vocab_size))[0]
