"""Adapters of peft: it loads what we write and we what it writes, to the same logits; what we do
not have is refused by name."""

import copy
import dataclasses
import functools
import json
import re
import shutil
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mathjax.errors import UserError
from mathjax.huggingface.mapping import flatten, params_from_state_dict
from mathjax.huggingface.peft import CONFIG, WEIGHTS, read_adapter, write_adapter
from mathjax.models import factory_of, lora
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.llama import LlamaConfig
from mathjax.models.lora import LoraSpec, with_adapters
from mathjax.models.t5 import T5Config
from mathjax.training.state import abstract_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
safetensors_torch = pytest.importorskip("safetensors.torch")

SIZES = {"vocab_size": 40, "num_layers": 2, "hidden_size": 32, "num_heads": 4}
SIZES |= {"vocab_multiple": 128}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, num_kv_heads=2, intermediate_size=48),
    "gpt2": GPT2Config(**SIZES, max_positions=16),
    "t5": T5Config(**SIZES, num_decoder_layers=3, head_size=6, intermediate_size=48),
}
TOKENS = np.random.default_rng(0).integers(0, 40, (2, 2, 12)).astype(np.int32)


@functools.cache
def random_model(name):
    """A transformers model of the sizes in CONFIGS."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    c = CONFIGS[name]
    if name == "llama":
        config = transformers.LlamaConfig(
            vocab_size=c.vocab_size,
            hidden_size=c.hidden_size,
            num_hidden_layers=c.num_layers,
            num_attention_heads=c.num_heads,
            num_key_value_heads=c.num_kv_heads,
            intermediate_size=c.intermediate_size,
            tie_word_embeddings=False,
        )
        model = transformers.LlamaForCausalLM(config)
    elif name == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=c.vocab_size,
            n_layer=c.num_layers,
            n_embd=c.hidden_size,
            n_head=c.num_heads,
            n_positions=c.max_positions,
        )
        model = transformers.GPT2LMHeadModel(config)
    else:
        config = transformers.T5Config(
            vocab_size=c.vocab_size,
            d_model=c.hidden_size,
            d_kv=c.head_size,
            d_ff=c.intermediate_size,
            num_layers=c.num_layers,
            num_decoder_layers=c.num_decoder_layers,
            num_heads=c.num_heads,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
        )
        model = transformers.T5ForConditionalGeneration(config)
        # transformers 5 ties every new T5; those it loads have the head of their checkpoint.
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.5 if weight.ndim == 1 else 0, 0.1)
    return model.eval()


@functools.cache
def base_params(name):
    weights = {key: x.detach().numpy() for key, x in random_model(name).named_parameters()}
    return params_from_state_dict(name, CONFIGS[name], weights)


def random_adapters(name, spec):
    _, shapes = abstract_model(with_adapters(factory_of(CONFIGS[name]), spec))
    rng = np.random.default_rng(1)
    adapters, _ = lora.split(nnx.to_pure_dict(shapes))
    adapters = jax.tree.map(lambda x: rng.normal(0, 0.3, x.shape).astype(np.float32), adapters)
    if "head" in adapters:
        adapters["head"]["lora_b"][:, CONFIGS[name].vocab_size :] = 0
    return adapters


def our_logits(name, spec, adapters):
    graph, _ = abstract_model(with_adapters(factory_of(CONFIGS[name]), spec))
    params = lora.join(adapters, base_params(name))
    tokens = TOKENS if name == "t5" else TOKENS[:1]
    logits = jax.jit(lambda params: nnx.merge(graph, nnx.State(params))(*tokens))(params)
    return np.asarray(logits)[..., : CONFIGS[name].vocab_size]


def their_logits(name, model):
    inputs = dict(zip(("input_ids", "decoder_input_ids"), torch.tensor(TOKENS), strict=True))
    if name != "t5":
        del inputs["decoder_input_ids"]
    with torch.no_grad():
        return model.eval()(**inputs).logits.numpy()


def peft_model(name, **values):
    """Random adapters, as if they had been trained."""
    values = {"r": 4, "lora_alpha": 6, "target_modules": "all-linear"} | values
    values["fan_in_fan_out"] = name == "gpt2"
    config = peft.LoraConfig(task_type="SEQ_2_SEQ_LM" if name == "t5" else "CAUSAL_LM", **values)
    model = peft.get_peft_model(copy.deepcopy(random_model(name)), config)
    torch.manual_seed(1)
    for key, weight in model.named_parameters():
        if "lora_" in key:
            torch.nn.init.normal_(weight, 0, 0.3)
    return model


def assert_differs_from_base(name, logits):
    assert np.abs(logits - their_logits(name, random_model(name))).max() > 0.1


@pytest.mark.parametrize(
    ("name", "changes", "targets"),
    [
        ("llama", {}, "down_proj gate_proj k_proj o_proj q_proj up_proj v_proj"),
        ("llama", {"targets": "head|[qv]_proj", "rslora": True}, "lm_head q_proj v_proj"),
        ("gpt2", {"alpha": 4.5}, "c_attn c_fc c_proj"),
        # mlp.c_proj is not to be adapted with it, so the names are whole.
        (
            "gpt2",
            {"targets": "attention.o_proj"},
            "transformer.h.0.attn.c_proj transformer.h.1.attn.c_proj",
        ),
        ("t5", {}, "k o q v wi_0 wi_1 wo"),
        ("t5", {"targets": "head|up_proj"}, "lm_head wi_1"),
        ("t5", {"targets": r"encoder.*gate_proj"}, None),
    ],
)
def test_peft_loads_ours(name, changes, targets, tmp_path):
    spec = LoraSpec(**{"rank": 3, "alpha": 6.0} | changes)
    adapters = random_adapters(name, spec)
    params = lora.join(adapters, base_params(name))
    write_adapter(tmp_path, params, spec, name, CONFIGS[name], "some/base")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", FutureWarning)  # of transformers about its own attributes
        if name == "t5":  # transformers says of every T5 that its head is tied
            warnings.filterwarnings("ignore", "Model has `tie_word_embeddings=True`")
        theirs = peft.PeftModel.from_pretrained(copy.deepcopy(random_model(name)), tmp_path)
    expected = their_logits(name, theirs)
    np.testing.assert_allclose(our_logits(name, spec, adapters), expected, atol=1e-5)
    assert_differs_from_base(name, expected)
    values = json.loads((tmp_path / CONFIG).read_text())
    assert values["base_model_name_or_path"] == "some/base"
    if targets:
        assert values["target_modules"] == targets.split()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("llama", {}),
        ("llama", {"target_modules": ["q_proj", "v_proj"], "use_rslora": True}),
        ("llama", {"target_modules": ["up_proj", "lm_head"], "lora_alpha": 2.5}),
        ("llama", {"target_modules": r".*\.self_attn\.[ko]_proj", "lora_dropout": 0.1}),
        (
            "llama",
            {
                "target_modules": ["q_proj", "down_proj"],
                "layers_to_transform": [0, 1],
                "init_lora_weights": "gaussian",
            },
        ),
        ("gpt2", {}),
        ("gpt2", {"target_modules": ["attn.c_proj"]}),
        ("t5", {}),
        ("t5", {"target_modules": ["q", "v"]}),
        ("t5", {"target_modules": ["wo", "lm_head"]}),
    ],
)
def test_ours_loads_what_peft_writes(name, values, tmp_path):
    theirs = peft_model(name, **values)
    theirs.save_pretrained(tmp_path)
    spec, adapters = read_adapter(tmp_path, name, CONFIGS[name])
    assert spec.dropout == values.get("lora_dropout", 0)
    expected = their_logits(name, theirs)
    np.testing.assert_allclose(our_logits(name, spec, adapters), expected, atol=1e-5)
    assert_differs_from_base(name, expected)


@pytest.mark.parametrize("targets", [r"layers\..*", "head|o_proj"])
@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_written_is_read_bit_for_bit(name, targets, tmp_path):
    spec = LoraSpec(rank=3, alpha=4.5, dropout=0.25, rslora=True, targets=targets)
    adapters = random_adapters(name, spec)
    write_adapter(tmp_path, adapters, spec, name, CONFIGS[name], "some/base")
    found, read = read_adapter(tmp_path, name, CONFIGS[name])
    assert jax.tree.structure(read) == jax.tree.structure(adapters)
    jax.tree.map(np.testing.assert_array_equal, read, adapters)
    assert dataclasses.replace(found, targets=targets) == spec
    # Its targets choose the same layers.
    again = random_adapters(name, found)
    assert jax.tree.map(np.shape, again) == jax.tree.map(np.shape, adapters)


def test_half_precision_is_written_and_read_as_float32(tmp_path):
    half = jax.tree.map(
        lambda x: jnp.asarray(x, jnp.bfloat16), random_adapters("llama", LoraSpec(2, 4.0))
    )
    write_adapter(tmp_path, half, LoraSpec(2, 4.0), "llama", CONFIGS["llama"], "some/base")
    _, read = read_adapter(tmp_path, "llama", CONFIGS["llama"])
    jax.tree.map(np.testing.assert_array_equal, read, half)
    theirs = peft_model("llama").to(torch.bfloat16)
    theirs.save_pretrained(tmp_path)
    _, read = read_adapter(tmp_path, "llama", CONFIGS["llama"])
    assert {x.dtype for x in jax.tree.leaves(read)} == {np.dtype(np.float32)}
    expected = theirs.base_model.model.model.layers[1].mlp.up_proj.lora_A.default.weight
    found = read["layers"]["mlp"]["up_proj"]["lora_a"][1]
    np.testing.assert_array_equal(found.T, expected.detach().float().numpy())


def test_without_adapters_nothing_is_written(tmp_path):
    params = base_params("llama")
    with pytest.raises(UserError, match="no adapters"):
        write_adapter(tmp_path, params, LoraSpec(2, 4.0), "llama", CONFIGS["llama"], "some/base")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"use_dora": True}, "use_dora=True"),
        ({"bias": "all"}, "bias='all'"),
        ({"lora_bias": True}, "lora_bias=True"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save=['lm_head']"),
        (
            {"target_modules": ["q_proj"], "layers_to_transform": [1]},
            "adapts model.layers.1.self_attn.q_proj and not model.layers.0.self_attn.q_proj",
        ),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern={'q_proj': 2}"),
        ({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern={'q_proj': 2}"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights='pissa'"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"target_modules": ["embed_tokens", "q_proj"]}, "lora_embedding_A"),
    ],
)
def test_what_we_do_not_have_is_refused_by_name(values, message, tmp_path):
    peft_model("llama", **values).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=re.escape(message)):
        read_adapter(tmp_path, "llama", CONFIGS["llama"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("adapter")
    spec = LoraSpec(rank=3, alpha=6.0)
    adapters = random_adapters("llama", spec)
    write_adapter(directory, adapters, spec, "llama", CONFIGS["llama"], "some/base")
    return directory


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("llama", {"intermediate_size": 50}, "gate_proj is (48, 3), the model's would be (50, 3)"),
        ("llama", {"num_kv_heads": 4}, "k_proj is (16, 3), the model's would be (32, 3)"),
        ("llama", {"num_layers": 1}, "model.layers.1"),
        ("llama", {"num_layers": 3}, "not model.layers.2"),
        ("gpt2", {}, "model.layers.0"),
        ("t5", {}, "model.layers.0"),
    ],
)
def test_an_adapter_of_another_base_is_refused(name, changes, message, written):
    config = dataclasses.replace(CONFIGS[name], **changes)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        read_adapter(written, name, config)
    assert "another base" in str(error.value) and "some/base" in str(error.value)


def test_files_that_are_missing_or_damaged_are_named(written, tmp_path):
    def read():
        return read_adapter(directory, "llama", CONFIGS["llama"])

    directory = tmp_path / "adapter"
    with pytest.raises(UserError, match=rf"{CONFIG}: no such file"):
        read()
    shutil.copytree(written, directory)
    whole = (directory / WEIGHTS).read_bytes()
    for size in (0, 4, 100, len(whole) - 1):
        (directory / WEIGHTS).write_bytes(whole[:size])
        with pytest.raises(UserError, match=rf"{WEIGHTS}: damaged"):
            read()
    tiny = {"base_model.model.x.lora_A.weight": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    safetensors_torch.save_file(tiny, directory / WEIGHTS)
    with pytest.raises(UserError, match=rf"{WEIGHTS}: of a type that is not supported"):
        read()
    safetensors_torch.save_file({}, directory / WEIGHTS)
    with pytest.raises(UserError, match=rf"{WEIGHTS}: no LoRA matrices"):
        read()
    (directory / WEIGHTS).unlink()
    with pytest.raises(UserError, match=rf"{WEIGHTS}: no such file$"):
        read()
    (directory / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match=rf"{WEIGHTS}: no such file; adapter_model.bin"):
        read()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"r": 4}',
        '{"r": "4", "lora_alpha": 8}',
        '{"r": 0, "lora_alpha": 8}',
        '{"r": 4, "lora_alpha": null}',
        '{"r": 4, "lora_alpha": 8, "lora_dropout": "none"}',
        '{"r": 4, "lora_alpha": 8, "lora_dropout": 1}',
        '{"r": 4, "lora_alpha": 8, "a_key_of_tomorrow": 1}',
        '{"r": 4, "lora_alpha": 8, "peft_type": "ADALORA"}',
        '{"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 20}',
        '{"model_type": "llama", "hidden_size": 32}',
        "\xff",
    ],
)
def test_a_file_that_is_no_config_of_lora_is_named(text, written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    (tmp_path / CONFIG).write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=CONFIG):
        read_adapter(tmp_path, "llama", CONFIGS["llama"])


def test_every_kernel_of_ours_has_a_name_of_theirs(tmp_path):
    """All that `lora.targets` can choose can be written."""
    for name, config in CONFIGS.items():
        spec = LoraSpec(rank=1, alpha=1.0, targets=".")
        adapters = random_adapters(name, spec)
        directory = tmp_path / name
        directory.mkdir()
        write_adapter(directory, adapters, spec, name, config, "some/base")
        _, read = read_adapter(directory, name, config)
        assert flatten(read).keys() == flatten(adapters).keys()
