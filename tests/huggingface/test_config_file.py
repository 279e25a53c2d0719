"""config.json: of published models, by old and new names, what is refused, and what we write read
again."""

import json

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.huggingface.config import read_config, write_config
from mathjax.huggingface.keys import ConfigFileError
from mathjax.models import family_of
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.layers import ACTIVATIONS, RopeScaling
from mathjax.models.llama import LlamaConfig
from mathjax.models.presets import PRESETS
from mathjax.models.t5 import T5Config

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "model_type": "llama",
    "rms_norm_eps": 1e-05,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "transformers_version": "4.31.0",
    "use_cache": True,
    "vocab_size": 32000,
}
LLAMA_3 = LLAMA | {
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "pretraining_tp": 1,
    "rope_scaling": None,
    "rope_theta": 500000.0,
    "torch_dtype": "bfloat16",
    "vocab_size": 128256,
}
DEEPSEEK = LLAMA | {
    "bos_token_id": 32013,
    "eos_token_id": 32014,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "max_position_embeddings": 16384,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 32,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-06,
    "rope_scaling": {"factor": 4.0, "type": "linear"},
    "rope_theta": 100000,
    "torch_dtype": "bfloat16",
    "vocab_size": 32256,
}
MISTRAL = LLAMA | {
    "architectures": ["MistralForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 32768,
    "model_type": "mistral",
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "rope_theta": 10000.0,
    "sliding_window": 4096,
    "torch_dtype": "bfloat16",
}
TINYLLAMA = LLAMA | {
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "max_position_embeddings": 2048,
    "num_attention_heads": 32,
    "num_hidden_layers": 22,
    "num_key_value_heads": 4,
    "pretraining_tp": 1,
    "rope_scaling": None,
}
GPT2 = {
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1,
    "bos_token_id": 50256,
    "embd_pdrop": 0.1,
    "eos_token_id": 50256,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2",
    "n_ctx": 1024,
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 1024,
    "resid_pdrop": 0.1,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
    "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
    "vocab_size": 50257,
}
T5_SMALL = {
    "architectures": ["T5ForConditionalGeneration"],
    "d_ff": 2048,
    "d_kv": 64,
    "d_model": 512,
    "decoder_start_token_id": 0,
    "dropout_rate": 0.1,
    "eos_token_id": 1,
    "initializer_factor": 1.0,
    "is_encoder_decoder": True,
    "layer_norm_epsilon": 1e-06,
    "model_type": "t5",
    "n_positions": 512,
    "num_heads": 8,
    "num_layers": 6,
    "output_past": True,
    "pad_token_id": 0,
    "relative_attention_num_buckets": 32,
    "task_specific_params": {"summarization": {"early_stopping": True, "num_beams": 4}},
    "vocab_size": 32128,
}
PUBLISHED = {
    "open_llama_3b": LLAMA
    | {
        "hidden_size": 3200,
        "intermediate_size": 8640,
        "max_position_embeddings": 2048,
        "num_attention_heads": 32,
        "num_hidden_layers": 26,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-06,
    },
    "llama-2-7b": LLAMA
    | {
        "_name_or_path": "meta-llama/Llama-2-7b-hf",
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "max_position_embeddings": 4096,
        "num_attention_heads": 32,
        "num_hidden_layers": 32,
        "num_key_value_heads": 32,
        "pretraining_tp": 1,
        "rope_scaling": None,
    },
    "llama-3-8b": LLAMA_3,
    "llama-3.2-1b": LLAMA_3
    | {
        "head_dim": 64,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "max_position_embeddings": 131072,
        "num_hidden_layers": 16,
        "rope_scaling": {
            "factor": 32.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192,
            "rope_type": "llama3",
        },
        "tie_word_embeddings": True,
    },
    "deepseek-math-7b": DEEPSEEK
    | {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "max_position_embeddings": 4096,
        "num_hidden_layers": 30,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "vocab_size": 102400,
    },
    "deepseek-coder-6.7b": DEEPSEEK,
    "mistral-7b": MISTRAL,
    "mammoth2-7b": MISTRAL
    | {"attention_dropout": 0.0, "rope_theta": 1000000.0, "sliding_window": None},
    "rho-math-1b": TINYLLAMA | {"attention_bias": False, "rope_theta": 10000.0},
    "tinyllama-1.1b": TINYLLAMA,
    "qwen2-0.5b": {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "eos_token_id": 151643,
        "hidden_act": "silu",
        "hidden_size": 896,
        "initializer_range": 0.02,
        "intermediate_size": 4864,
        "max_position_embeddings": 131072,
        "max_window_layers": 24,
        "model_type": "qwen2",
        "num_attention_heads": 14,
        "num_hidden_layers": 24,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 131072,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.40.1",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": 151936,
    },
    "qwen3-0.6b": {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "head_dim": 128,
        "hidden_act": "silu",
        "hidden_size": 1024,
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "max_position_embeddings": 40960,
        "max_window_layers": 28,
        "model_type": "qwen3",
        "num_attention_heads": 16,
        "num_hidden_layers": 28,
        "num_key_value_heads": 8,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 1000000,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.51.0",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": 151936,
    },
    "smollm2-135m": LLAMA
    | {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "hidden_size": 576,
        "initializer_range": 0.041666666666666664,
        "intermediate_size": 1536,
        "is_llama_config": True,
        "max_position_embeddings": 8192,
        "mlp_bias": False,
        "num_attention_heads": 9,
        "num_hidden_layers": 30,
        "num_key_value_heads": 3,
        "pretraining_tp": 1,
        "rope_interleaved": False,
        "rope_scaling": None,
        "rope_theta": 100000,
        "tie_word_embeddings": True,
        "vocab_size": 49152,
    },
    "gpt2": GPT2,
    "gpt2-large": GPT2 | {"n_embd": 1280, "n_head": 20, "n_layer": 36},
    "flan-t5-base": T5_SMALL
    | {
        "d_model": 768,
        "feed_forward_proj": "gated-gelu",
        "num_decoder_layers": 12,
        "num_heads": 12,
        "num_layers": 12,
        "relative_attention_max_distance": 128,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_cache": True,
    },
    "t5-small": T5_SMALL,
}
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 11,
}
SMALL_LLAMA, SMALL_MISTRAL, SMALL_QWEN2, SMALL_QWEN3 = (
    SMALL | {"model_type": kind, "num_key_value_heads": 2}
    for kind in ("llama", "mistral", "qwen2", "qwen3")
)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    directory = tmp_path_factory.mktemp("config")

    def read(values, **options):
        (directory / "config.json").write_text(json.dumps(values))
        return read_config(directory, **options)

    return read


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_config_is_the_preset(read, name):
    preset = PRESETS[name]
    assert read(PUBLISHED[name], vocab_multiple=1) == (family_of(preset), preset)


@pytest.mark.parametrize("name", PUBLISHED)
def test_config_as_transformers_5_saves_it_reads_the_same(read, name, tmp_path):
    """New names (dtype, rope_parameters, layer_types) in place of the old."""
    values = PUBLISHED[name]
    transformers.AutoConfig.for_model(**values).save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert "torch_dtype" not in saved
    assert "rope_theta" not in saved
    if name == "flan-t5-base":  # which has no weights here that would tell
        saved["tie_word_embeddings"] = False
    assert read(saved) == read(values)


LLAMA3_FACTORS = {"low_freq_factor": 1.0, "high_freq_factor": 3.0}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 4.0,
    "original_max_position_embeddings": 16,
    **LLAMA3_FACTORS,
}


@pytest.mark.parametrize(
    ("values", "theta", "scaling"),
    [
        ({}, 1e4, None),
        ({"rope_theta": 500, "rope_scaling": None}, 500.0, None),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 500}}, 500.0, None),
        ({"rope_theta": 7.0, "rope_parameters": {"rope_theta": 500.0}}, 500.0, None),
        ({"rope_scaling": {}, "rope_parameters": {"rope_theta": 500.0}}, 500.0, None),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, 1e4, RopeScaling("linear", 2.0)),
        (
            {"rope_theta": 500.0, "rope_parameters": {"rope_type": "linear", "factor": 2.0}},
            500.0,
            RopeScaling("linear", 2.0),
        ),
        ({"rope_scaling": LLAMA3_ROPE}, 1e4, RopeScaling("llama3", 4.0, 1.0, 3.0, 16)),
        (
            {
                "max_position_embeddings": 48,
                "rope_scaling": {"type": "llama3", "factor": 4.0, **LLAMA3_FACTORS},
            },
            1e4,
            RopeScaling("llama3", 4.0, 1.0, 3.0, 48),
        ),
    ],
)
def test_rope_by_all_its_names(read, values, theta, scaling):
    _, config = read(SMALL_LLAMA | values)
    assert (config.rope_theta, config.rope_scaling) == (theta, scaling)
    _check_transformers_agrees(SMALL_LLAMA | values, theta, scaling)


def _check_transformers_agrees(values, theta, scaling):
    rope = transformers.AutoConfig.for_model(**json.loads(json.dumps(values))).rope_parameters
    assert rope["rope_theta"] == theta
    assert rope["rope_type"] == ("default" if scaling is None else scaling.kind)
    if scaling is not None:
        assert rope["factor"] == scaling.factor


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        (SMALL_LLAMA, {"num_kv_heads": 2, "max_positions": None, "sliding_window": None}),
        (SMALL | {"model_type": "llama"}, {"num_kv_heads": 4}),
        (SMALL_LLAMA | {"num_key_value_heads": None}, {"num_kv_heads": 4}),
        (SMALL_LLAMA | {"attention_bias": True}, {"attention_bias": True, "output_bias": True}),
        (SMALL_MISTRAL, {"sliding_window": 4096}),
        (SMALL_MISTRAL | {"sliding_window": None}, {"sliding_window": None}),
        (SMALL_QWEN2 | {"num_key_value_heads": None}, {"num_kv_heads": 4}),
        (
            SMALL | {"model_type": "mistral", "num_attention_heads": 8},
            {"num_kv_heads": 8, "head_size": 2},
        ),
        (SMALL_QWEN2, {"attention_bias": True, "output_bias": False, "sliding_window": None}),
        (SMALL_QWEN2 | {"sliding_window": 8}, {"sliding_window": None}),
        (SMALL_QWEN2 | {"use_sliding_window": True}, {"sliding_window": None}),
        (
            SMALL_QWEN2 | {"use_sliding_window": True, "max_window_layers": 0},
            {"sliding_window": 4096},
        ),
        (
            SMALL_QWEN2
            | {"use_sliding_window": True, "max_window_layers": 0, "sliding_window": None},
            {"sliding_window": None},
        ),
        (
            SMALL_QWEN2
            | {
                "use_sliding_window": True,
                "sliding_window": 8,
                "layer_types": ["sliding_attention"] * 2,
            },
            {"sliding_window": 8},
        ),
        (SMALL_QWEN3, {"qk_norm": True, "head_size": 128}),
    ],
)
def test_options_of_the_model_types(read, values, changes):
    """Missing keys are what they are in transformers, null is what it is there."""
    _, config = read(values)
    assert {name: getattr(config, name) for name in changes} == changes
    theirs = transformers.AutoConfig.for_model(**values)
    assert theirs.num_key_value_heads == config.num_kv_heads
    kinds = set(getattr(theirs, "layer_types", None) or ["full_attention"])
    if values["model_type"] == "mistral":
        assert theirs.sliding_window == config.sliding_window
    else:
        assert kinds == {"sliding_attention" if config.sliding_window else "full_attention"}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (SMALL_LLAMA | {"rope_scaling": {"type": "yarn", "factor": 2.0}}, "rope_type='yarn'"),
        (SMALL_LLAMA | {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic"),
        (SMALL_LLAMA | {"rope_scaling": {"type": "linear"}}, r"rope_scaling\.factor=None"),
        (SMALL_LLAMA | {"rope_scaling": {"type": "linear", "factor": 0.5}}, "factor=0.5"),
        (
            SMALL_LLAMA | {"rope_scaling": {"type": "linear", "factor": 2.0, "beta_fast": 32}},
            r"rope_scaling\.beta_fast=32",
        ),
        (
            SMALL_LLAMA | {"rope_parameters": {"full_attention": {"rope_type": "default"}}},
            "rope_parameters=.*one setting for all layers",
        ),
        (
            SMALL_LLAMA
            | {
                "rope_scaling": {"type": "linear", "factor": 2.0},
                "rope_parameters": {"rope_type": "linear", "factor": 4.0},
            },
            "rope_parameters says otherwise",
        ),
        (SMALL_LLAMA | {"partial_rotary_factor": 0.5}, "partial_rotary_factor=0.5"),
        (
            SMALL_LLAMA | {"rope_parameters": {"partial_rotary_factor": 0.5}},
            r"rope_parameters\.partial_rotary_factor=0.5",
        ),
        (SMALL_LLAMA | {"rope_interleaved": True}, "rope_interleaved=True"),
        (SMALL_LLAMA | {"quantization_config": {"bits": 4}}, "quantization_config="),
        (SMALL_LLAMA | {"auto_map": {"AutoModelForCausalLM": "m.M"}}, "auto_map="),
        (SMALL_LLAMA | {"hidden_act": "quick_gelu"}, "hidden_act='quick_gelu'"),
        (SMALL_LLAMA | {"hidden_act": ["silu"]}, "hidden_act="),
        (SMALL_LLAMA | {"sliding_window": 4096}, "sliding_window=4096.*unknown"),
        (SMALL_LLAMA | {"logit_scale": 0.5}, "logit_scale=0.5.*unknown"),
        (SMALL_LLAMA | {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping=50.0"),
        (SMALL_LLAMA | {"num_key_value_heads": 0}, "num_key_value_heads=0"),
        (SMALL_LLAMA | {"num_key_value_heads": 3}, "num_kv_heads=3"),
        (SMALL_LLAMA | {"head_dim": -4}, "head_dim=-4"),
        (SMALL_LLAMA | {"head_dim": 7}, "head_size=7"),
        (SMALL_LLAMA | {"num_attention_heads": 3}, "num_heads=3"),
        (SMALL_LLAMA | {"vocab_size": None}, "vocab_size=None"),
        (SMALL_LLAMA | {"vocab_size": 2.0}, "vocab_size=2.0"),
        (SMALL_LLAMA | {"rms_norm_eps": "1e-5"}, "rms_norm_eps='1e-5'"),
        (SMALL_LLAMA | {"tie_word_embeddings": 1}, "tie_word_embeddings=1"),
        (SMALL_LLAMA | {"layer_types": "full_attention"}, "layer_types="),
        (SMALL_LLAMA | {"layer_types": ["sliding_attention"] * 2}, "layer_types="),
        (SMALL_MISTRAL | {"sliding_window": "4096"}, "sliding_window='4096'"),
        (SMALL_MISTRAL | {"sliding_window": 0}, "sliding_window=0"),
        (SMALL_MISTRAL | {"attention_bias": True}, "attention_bias=True"),
        (
            SMALL_QWEN2 | {"use_sliding_window": True, "max_window_layers": 1},
            "max_window_layers=1",
        ),
        (
            SMALL_QWEN3 | {"layer_types": ["full_attention", "sliding_attention"]},
            "layer_types=.*layers that differ",
        ),
        (SMALL_QWEN3 | {"mlp_bias": True}, "mlp_bias=True"),
        (
            GPT2 | {"scale_attn_by_inverse_layer_idx": True},
            "scale_attn_by_inverse_layer_idx=True",
        ),
        (GPT2 | {"scale_attn_weights": False}, "scale_attn_weights=False"),
        (GPT2 | {"add_cross_attention": True}, "add_cross_attention=True"),
        (GPT2 | {"tie_word_embeddings": False}, "tie_word_embeddings=False"),
        (GPT2 | {"n_inner": 0}, "n_inner=0"),
        (T5_SMALL | {"feed_forward_proj": "glu-gelu"}, "feed_forward_proj='glu-gelu'"),
        (T5_SMALL | {"feed_forward_proj": 3}, "feed_forward_proj=3"),
        (T5_SMALL | {"is_encoder_decoder": False}, "is_encoder_decoder=False"),
        (T5_SMALL | {"tie_encoder_decoder": True}, "tie_encoder_decoder=True"),
        (T5_SMALL | {"relative_attention_num_buckets": 7}, "relative_buckets=7"),
        (LLAMA | {"model_type": "gemma2"}, "model_type='gemma2' is not supported; gpt2, t5, llama"),
        (LLAMA | {"model_type": ["llama"]}, "is not supported"),
        ({"vocab_size": 3}, "model_type=None is not supported"),
        ([1], "not a JSON object"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(read, values, names):
    with pytest.raises(ConfigFileError, match=f"config.json: .*{names}|config.json: {names}"):
        read(values)


def test_keys_that_are_off_or_without_effect_pass(read):
    assert read(
        SMALL_LLAMA
        | {
            "unheard_of": False,
            "other": None,
            "text": "",
            "list": [],
            "auto_map": {"AutoTokenizer": ["t.T", None]},
            "unsloth_version": "2024.9",
            "pad_token_id": -1,
            "id2label": {"0": "a"},
        }
    ) == read(SMALL_LLAMA)


def test_directories_without_a_config_are_named(tmp_path):
    with pytest.raises(ConfigFileError, match="no config.json in it"):
        read_config(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ConfigFileError, match="give the directory of its base"):
        read_config(tmp_path)
    for text in (b"{", b"\xff\xfe{}"):
        (tmp_path / "config.json").write_bytes(text)
        with pytest.raises(ConfigFileError, match="config.json: not JSON"):
            read_config(tmp_path)


scalings = st.builds(
    RopeScaling,
    kind=st.just("llama3"),
    factor=st.floats(1, 64),
    low_freq_factor=st.floats(0.5, 2),
    high_freq_factor=st.floats(2.5, 5),
    original_max_positions=st.integers(1, 9000),
) | st.builds(RopeScaling, kind=st.just("linear"), factor=st.floats(1, 64))


@st.composite
def llama_configs(draw):
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    num_heads = kv_heads * group
    kind = draw(st.sampled_from(["llama", "mistral", "qwen2", "qwen3"]))
    own = {"sliding_window": draw(st.none() | st.integers(1, 50))}
    hidden_size = draw(st.integers(1, 40))
    if kind == "llama":
        own = {"mlp_bias": draw(st.booleans()), "attention_bias": draw(st.booleans())}
        own["output_bias"] = own["attention_bias"]
        hidden_size *= num_heads
    elif kind == "qwen2":
        own |= {"attention_bias": True}
    elif kind == "qwen3":
        own |= {"qk_norm": True, "attention_bias": draw(st.booleans())}
        own["output_bias"] = own["attention_bias"]
    return LlamaConfig(
        vocab_size=draw(st.integers(1, 300)),
        num_layers=draw(st.integers(1, 4)),
        hidden_size=hidden_size,
        num_heads=num_heads,
        num_kv_heads=kv_heads,
        head_size=2 * draw(st.integers(1, 8)),
        intermediate_size=draw(st.integers(1, 60)),
        rope_theta=draw(st.floats(1, 1e7)),
        rope_scaling=draw(st.none() | scalings),
        norm_epsilon=draw(st.sampled_from([1e-6, 1e-5])),
        tie_embeddings=draw(st.booleans()),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        max_positions=draw(st.none() | st.integers(1, 10_000)),
        **own,
    )


@st.composite
def gpt2_configs(draw):
    num_heads = draw(st.integers(1, 4))
    return GPT2Config(
        vocab_size=draw(st.integers(1, 300)),
        num_layers=draw(st.integers(1, 4)),
        hidden_size=num_heads * draw(st.integers(1, 9)),
        num_heads=num_heads,
        intermediate_size=draw(st.none() | st.integers(1, 60)),
        max_positions=draw(st.integers(1, 3000)),
        norm_epsilon=draw(st.sampled_from([1e-6, 1e-5])),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
    )


t5_configs = st.builds(
    T5Config,
    vocab_size=st.integers(1, 300),
    num_layers=st.integers(1, 4),
    num_decoder_layers=st.none() | st.integers(1, 4),
    hidden_size=st.integers(1, 40),
    num_heads=st.integers(1, 4),
    head_size=st.integers(1, 9),
    intermediate_size=st.integers(1, 60),
    relative_buckets=st.integers(2, 16).map(lambda n: 2 * n),
    relative_max_distance=st.integers(17, 200),
    norm_epsilon=st.sampled_from([1e-6, 1e-5]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    gated=st.booleans(),
    tie_embeddings=st.booleans(),
    scale_output=st.none() | st.booleans(),
    decoder_start_id=st.integers(0, 3),
)


@given(
    config=llama_configs() | gpt2_configs() | t5_configs,
    ids=st.fixed_dictionaries({name: st.none() | st.just(1) for name in ("bos_id", "eos_id")}),
)
@settings(max_examples=200)
def test_what_is_written_is_read_again(read, config, ids):
    values = write_config(family_of(config), config, dtype="bfloat16", **ids)
    assert read(values, vocab_multiple=1) == (family_of(config), config)
    theirs = transformers.AutoConfig.for_model(**json.loads(json.dumps(values)))
    assert theirs.vocab_size == config.vocab_size
    assert "bfloat16" in str(theirs.dtype)


def test_vocabulary_is_padded_inside_only(read):
    values = write_config("llama", PRESETS["llama-2-7b"]) | {"vocab_size": 32_001}
    _, config = read(values)
    assert (config.vocab_size, config.padded_vocab_size) == (32_001, 32_128)
    assert write_config("llama", config)["vocab_size"] == 32_001


def test_ids_beyond_the_vocabulary_are_not_written():
    config = PRESETS["t5-small"]
    values = write_config("t5", config, bos_id=None, eos_id=1, pad_id=32_128)
    assert values["eos_token_id"] == 1
    assert values["bos_token_id"] is values["pad_token_id"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"qk_norm": True, "attention_bias": True},
        {"qk_norm": True, "mlp_bias": True},
        {"attention_bias": True, "mlp_bias": True},
        {"output_bias": True},
        {"attention_bias": True, "output_bias": True, "sliding_window": 8},
        {"mlp_bias": True, "hidden_size": 10},
    ],
)
def test_options_that_no_model_type_has_are_named(changes):
    sizes = {"vocab_size": 9, "num_layers": 1, "num_heads": 4, "num_kv_heads": 2}
    sizes |= {"hidden_size": 8, "head_size": 2, "intermediate_size": 9}
    with pytest.raises(ConfigFileError) as error:
        write_config("llama", LlamaConfig(**sizes | changes))
    assert all(f"{name}={value}" in str(error.value) for name, value in changes.items())
