"""Presets: as many parameters as the published checkpoints have, and names that are near."""

import dataclasses
import math

import jax.numpy as jnp
import pytest

from mathjax.config import ConfigError, ModelSection, resolve
from mathjax.errors import UserError
from mathjax.huggingface.mapping import abstract_params
from mathjax.models import is_encoder_decoder, make_architecture, section_of
from mathjax.models.presets import PRESETS, get_preset

COUNTS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "t5-large": 737_668_096,
    "flan-t5-small": 76_961_152,
    "flan-t5-base": 247_577_856,
    "flan-t5-large": 783_150_080,
    "flan-t5-xl": 2_849_757_184,
    "open_llama_3b": 3_426_473_600,
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "mistral-7b": 7_241_732_096,
    "rho-math-1b": 1_100_048_384,
    "rho-math-7b": 7_241_732_096,
    "mammoth2-7b": 7_241_732_096,
    "tinyllama-1.1b": 1_100_048_384,
    "deepseek-coder-1.3b": 1_346_471_936,
    "deepseek-coder-6.7b": 6_740_512_768,
    "deepseek-math-7b": 6_910_365_696,
    "qwen2-0.5b": 494_032_768,
    "qwen2-1.5b": 1_543_714_304,
    "qwen2-7b": 7_615_616_512,
    "qwen3-0.6b": 596_049_920,
    "smollm2-135m": 134_515_008,
    "smollm2-360m": 361_821_120,
    "smollm2-1.7b": 1_711_376_384,
}


@pytest.mark.parametrize("name", PRESETS)
def test_counts_are_those_of_the_published_checkpoints(name):
    shapes = abstract_params(PRESETS[name])
    assert sum(math.prod(x.shape) for x in shapes.values()) == COUNTS[name]


def test_an_unknown_name_is_answered_with_names_that_are_near():
    assert get_preset("gpt2") == PRESETS["gpt2"]
    message = "model.preset='llama2-7b': no such preset; there is llama-2-7b"
    with pytest.raises(UserError, match=message):
        get_preset("llama2-7b")


def test_a_run_from_scratch_takes_its_sizes():
    section = ModelSection(preset="flan-t5-small", dtype="bfloat16", remat="full")
    architecture = make_architecture(section, 24)
    expected = dataclasses.replace(
        PRESETS["flan-t5-small"], vocab_size=24, dtype=jnp.dtype("bfloat16"), remat="full"
    )
    assert architecture == expected
    assert is_encoder_decoder(section) and not is_encoder_decoder(ModelSection(preset="gpt2"))
    saved = section_of(section, architecture)
    assert (saved.family, saved.num_layers, saved.head_size) == ("t5", 8, 64)
    assert (saved.preset, saved.dtype) == ("flan-t5-small", "bfloat16")


def test_a_preset_beside_a_checkpoint_is_refused():
    values = {"model": {"preset": "gpt2", "pretrained": "there"}, "train": {"num_steps": 1}}
    with pytest.raises(ConfigError, match="model.preset='gpt2' with model.pretrained='there'"):
        resolve(values)
