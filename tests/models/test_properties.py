"""Every family at any size and with any options it has: logits as of transformers on the same
weights, and the same token by token from a cache."""

import parity
import pytest
import test_gpt2
import test_llama
import test_t5
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import ACTIVATIONS, RopeScaling
from mathjax.models.llama import LlamaConfig
from mathjax.models.t5 import T5Config

ROW = max(parity.LENGTHS)  # tokens: with as many, both comparisons share a program
SIZES = {
    "vocab_size": st.integers(2, 70),
    "num_layers": st.integers(1, 2),
    "vocab_multiple": st.sampled_from([1, 7, 128]),
    "norm_epsilon": st.sampled_from([1e-6, 1e-5, 1e-3]),
}
ROPE_SCALINGS = st.builds(
    RopeScaling,
    kind=st.sampled_from(["linear", "llama3"]),
    factor=st.floats(1, 8),
    low_freq_factor=st.floats(0.5, 2),
    high_freq_factor=st.floats(2.5, 5),
    original_max_positions=st.integers(4, 32),
)
WINDOWS = st.integers(1, ROW + 3)
LLAMA_KINDS = {
    "llama": st.fixed_dictionaries({"mlp_bias": st.booleans()}),
    "biased": st.fixed_dictionaries(
        {"attention_bias": st.just(True), "output_bias": st.just(True), "mlp_bias": st.booleans()}
    ),
    "mistral": st.fixed_dictionaries({"sliding_window": WINDOWS}),
    "qwen2": st.fixed_dictionaries(
        {"attention_bias": st.just(True), "sliding_window": st.none() | WINDOWS}
    ),
    "qwen3": st.booleans().flatmap(
        lambda bias: st.fixed_dictionaries(
            {
                "qk_norm": st.just(True),
                "attention_bias": st.just(bias),
                "output_bias": st.just(bias),
                "sliding_window": st.none() | WINDOWS,
            }
        )
    ),
}


@st.composite
def llama_configs(draw):
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    own = draw(st.sampled_from(sorted(LLAMA_KINDS)).flatmap(LLAMA_KINDS.get))
    return LlamaConfig(
        # transformers wants a hidden size that the heads divide, whatever head_dim is.
        hidden_size=kv_heads * group * draw(st.integers(1, 5)),
        num_heads=kv_heads * group,
        num_kv_heads=kv_heads,
        head_size=2 * draw(st.integers(1, 8)),
        intermediate_size=draw(st.integers(1, 60)),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        rope_theta=draw(st.sampled_from([100.0, 10_000.0, 1e6])),
        rope_scaling=draw(st.none() | ROPE_SCALINGS),
        tie_embeddings=draw(st.booleans()),
        **draw(st.fixed_dictionaries(SIZES)),
        **own,
    )


@st.composite
def gpt2_configs(draw):
    num_heads = draw(st.integers(1, 5))
    return GPT2Config(
        hidden_size=num_heads * draw(st.integers(1, 9)),
        num_heads=num_heads,
        intermediate_size=draw(st.none() | st.integers(1, 60)),
        max_positions=draw(st.integers(ROW, 40)),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        **draw(st.fixed_dictionaries(SIZES)),
    )


@st.composite
def t5_configs(draw):
    gated, half = draw(st.booleans()), draw(st.integers(2, 8))
    # transformers has no name for a gate of the exact GELU.
    activations = sorted(ACTIVATIONS.keys() - ({"gelu"} if gated else set()))
    return T5Config(
        num_decoder_layers=draw(st.integers(1, 2)),
        hidden_size=draw(st.integers(1, 40)),
        num_heads=draw(st.integers(1, 4)),
        head_size=draw(st.integers(1, 9)),
        intermediate_size=draw(st.integers(1, 60)),
        relative_buckets=2 * half,
        relative_max_distance=half + draw(st.integers(1, 30)),
        activation=draw(st.sampled_from(activations)),
        gated=gated,
        tie_embeddings=draw(st.booleans()),
        scale_output=draw(st.none() | st.booleans()),
        decoder_start_id=draw(st.integers(0, 1)),
        **draw(st.fixed_dictionaries(SIZES)),
    )


@pytest.mark.parametrize(
    ("module", "configs", "examples"),
    [
        pytest.param(test_llama, llama_configs(), 10, id="llama"),
        pytest.param(test_gpt2, gpt2_configs(), 6, id="gpt2"),
    ],
)
def test_decoders_at_any_size(module, configs, examples):
    pytest.importorskip("torch")

    @given(configs, st.integers(1, ROW), st.data())
    @settings(max_examples=examples)
    def compare(config, prompt, data):
        parity.assert_same_logits(config, module.huggingface_model(config))
        pads = data.draw(st.lists(st.integers(0, prompt - 1), min_size=3, max_size=3))
        new = ROW - prompt
        parity.assert_cached_equals_uncached(config, pads, prompt, new, growths=((),))

    compare()


@given(t5_configs(), st.lists(st.integers(0, ROW - 1), min_size=3, max_size=3))
@settings(max_examples=6)
def test_encoder_decoder_at_any_size(config, pads):
    pytest.importorskip("torch")
    for left in (False, True):
        test_t5.assert_same_logits(config, left=left)
    test_t5.assert_cached_equals_uncached(config, pads, prompt=ROW, new=13)
