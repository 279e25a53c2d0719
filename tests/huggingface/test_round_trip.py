"""Hugging Face -> ours -> Hugging Face: every tensor bit for bit, loaded by transformers without a
word, tensor by tensor, on one device or eight."""

import collections
import contextlib
import copy
import dataclasses
import functools
import gc
import json
import logging
import shutil
import time
import warnings
import weakref

import huggingface_hub
import jax
import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
import tokenizers
import transformers
from flax import nnx

from mathjax.data.tokenizer import character_tokenizer, load_tokenizer
from mathjax.errors import UserError
from mathjax.huggingface import reader, writer
from mathjax.huggingface.config import read_config
from mathjax.huggingface.mapping import abstract_params, flatten, params_from_state_dict
from mathjax.huggingface.reader import SourceError, load_params, resolve_source
from mathjax.huggingface.weights import Tensor, WeightsError, open_weights
from mathjax.huggingface.writer import write_model
from mathjax.models import factory_of, quantization
from mathjax.models.llama import LlamaConfig
from mathjax.parallel import Rules, make_mesh, parameter_shardings

VOCAB = 43
DECODER = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
GPT2 = {"vocab_size": VOCAB, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
T5 = {
    "vocab_size": VOCAB,
    "d_model": 32,
    "d_kv": 12,
    "d_ff": 48,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 3.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "llama": ("Llama", DECODER | {"initializer_range": 0.3}),
    "llama-tied": ("Llama", DECODER | {"tie_word_embeddings": True, "head_dim": 12}),
    "llama-biases": ("Llama", DECODER | {"attention_bias": True, "mlp_bias": True}),
    "llama-linear": (
        "Llama",
        DECODER | {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    ),
    "llama-3": ("Llama", DECODER | {"rope_parameters": LLAMA3, "num_key_value_heads": 4}),
    "mistral": ("Mistral", DECODER | {"sliding_window": 5}),
    "qwen2": ("Qwen2", DECODER),
    "qwen3": ("Qwen3", DECODER | {"head_dim": 12, "tie_word_embeddings": True}),
    "gpt2": ("GPT2", GPT2),
    "gpt2-inner": ("GPT2", GPT2 | {"n_inner": 96, "activation_function": "relu"}),
    "t5": ("T5", T5),
    "t5-1.1": ("T5", T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
}
CLASSES = {"GPT2": "GPT2LMHeadModel", "T5": "T5ForConditionalGeneration"}


def torch_or_skip():
    return pytest.importorskip("torch")


@functools.cache
def torch_model(name):
    """A random transformers model whose norms and biases matter too."""
    torch = torch_or_skip()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    kind, options = MODELS[name]
    config = getattr(transformers, f"{kind}Config")(**options)
    config.bos_token_id = config.eos_token_id = config.pad_token_id = 1
    model = getattr(transformers, CLASSES.get(kind, f"{kind}ForCausalLM"))(config).eval()
    if options.get("feed_forward_proj"):
        # transformers 5 ties every new T5; those it loads have the head of their checkpoint.
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.1, 0.3)
    model.generation_config.max_new_tokens = 7
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Directory of a model as transformers saves it, to be read only."""

    @functools.cache
    def saved(name, dtype="float32", sharded=False):
        model = torch_model(name)
        if dtype != "float32":
            model = copy.deepcopy(model).to(getattr(torch_or_skip(), dtype))
        directory = tmp_path_factory.mktemp(name)
        options = {"max_shard_size": 10_000} if sharded else {}
        model.save_pretrained(directory, **options)
        assert (directory / "model.safetensors.index.json").exists() == sharded
        return directory

    return saved


def load(directory, **options):
    """(family, config, params)."""
    family, config = read_config(directory)
    return family, config, load_params(directory, family, config, **options)


def raw_tensors(directory):
    """Name -> (dtype, shape, bytes) by the safetensors package."""
    found = {}
    for path in directory.glob("*.safetensors"):
        for name, item in safetensors.deserialize(path.read_bytes()):
            assert name not in found
            found[name] = item["dtype"], item["shape"], bytes(item["data"])
    return found


# transformers 5 says so of every T5 with a head of its own, Google's too.
UNTIED_T5 = "both are present in the checkpoints with different values, so we will NOT tie them"


@contextlib.contextmanager
def silence(allowed=None):
    """Nothing may be logged by transformers or warned of inside, but one text that is `allowed`."""
    said = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    # What is said once only may have been said before.
    transformers.utils.logging.warning_once.cache_clear()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
    finally:
        logger.removeHandler(handler)
    said += [str(w.message) for w in warned]
    assert [text for text in said if allowed is None or allowed not in text] == []


def auto_load(directory):
    config = transformers.AutoConfig.from_pretrained(directory)
    kind = "Seq2SeqLM" if config.is_encoder_decoder else "CausalLM"
    cls = getattr(transformers, f"AutoModelFor{kind}")
    model, info = cls.from_pretrained(directory, output_loading_info=True)
    assert not any(info.values()), info
    return model.eval()


def logits(model):
    torch = torch_or_skip()
    tokens = torch.arange(2 * 13).reshape(2, 13) % VOCAB
    inputs = {"decoder_input_ids": tokens.flip(1)} if model.config.is_encoder_decoder else {}
    with torch.inference_mode():
        return model(input_ids=tokens, **inputs).logits


@pytest.mark.parametrize("sharded", [False, True], ids=["one-file", "shards"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_comes_back_bit_for_bit(saved, tmp_path, name, dtype, sharded):
    source, target = saved(name, dtype, sharded), tmp_path / "target"
    family, config, params = load(source)
    assert config.padded_vocab_size == 128
    assert {x.dtype.name for x in jax.tree.leaves(params)} == {dtype}
    limit = {"max_shard_bytes": 9_000} if sharded else {}
    write_model(target, family, config, params, **limit)
    assert raw_tensors(target) == raw_tensors(source)
    assert len(list(target.glob("*.safetensors"))) > 2 * sharded
    if sharded:
        return
    with silence(UNTIED_T5 if name == "t5-1.1" else None):
        theirs = auto_load(target)
    assert theirs.dtype == getattr(torch_or_skip(), dtype)
    if dtype == "float32":
        assert torch_or_skip().equal(logits(theirs), logits(torch_model(name)))


@pytest.mark.parametrize("name", MODELS)
def test_config_comes_back(saved, tmp_path, name):
    """What decides the output in transformers' config is what it was."""
    family, config, params = load(saved(name))
    write_model(tmp_path / "target", family, config, params)
    assert read_config(tmp_path / "target") == (family, config)
    ours, theirs = (
        transformers.AutoConfig.from_pretrained(path).to_dict()
        for path in (tmp_path / "target", saved(name))
    )
    same = {"transformers_version", "_name_or_path", "initializer_range", "n_inner", "n_ctx"}
    for key in theirs.keys() - same:
        if not key.endswith("_token_id") and key not in ("rope_parameters", "task_specific_params"):
            assert ours[key] == theirs[key], key
    for key, value in (theirs.get("rope_parameters") or {}).items():
        assert ours["rope_parameters"][key] == value


def test_padding_is_zeros_inside_and_cut_on_the_way_out(saved):
    family, config, params = load(saved("llama"))
    embedding, head = params["embedding"], params["head"]["kernel"]
    assert embedding.shape == head.shape[::-1] == (128, 32)
    assert not np.any(embedding[VOCAB:])
    assert not np.any(head[:, VOCAB:])
    assert np.all(np.any(embedding[:VOCAB], axis=1))
    dirty = params | {"embedding": embedding.at[VOCAB:].set(1)}
    for values in (dirty, jax.tree.map(np.asarray, dirty)):  # on the host too
        for entry in writer.entries(family, config):
            array = writer.fetch(flatten(values)[entry.path], entry, np.dtype(np.float32))
            assert array.shape == entry.shape
            assert array.flags["C_CONTIGUOUS"]


CHAT_TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}"
    "{{ eos_token }}{% endfor %}"
)


def chat_tokenizer():
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    backend.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=40, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    backend.train_from_iterator(["one and one is two", "two and two is four"], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        chat_template=CHAT_TEMPLATE,
    )


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5-1.1"])
@pytest.mark.parametrize("kind", ["characters", "chat"])
def test_a_directory_with_its_tokenizer_is_loaded_in_silence(saved, tmp_path, name, kind):
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(saved(name), source)
    encoder_decoder = name.startswith("t5")
    if kind == "characters":
        character_tokenizer("0123456789+-", encoder_decoder=encoder_decoder).save(source)
    else:
        chat_tokenizer().save_pretrained(source)
    family, config, params = load(source)
    generation = json.loads((source / "generation_config.json").read_text())
    write_model(
        target,
        family,
        config,
        params,
        tokenizer=load_tokenizer(source, encoder_decoder=encoder_decoder),
        generation=generation,
        max_shard_bytes=20_000,
    )
    assert raw_tensors(target) == raw_tensors(source)
    with silence(UNTIED_T5 if name == "t5-1.1" else None):
        model = auto_load(target)
        tokenizer = transformers.AutoTokenizer.from_pretrained(target)
        loaded = transformers.GenerationConfig.from_pretrained(target)
    assert torch_or_skip().equal(logits(model), logits(torch_model(name)))
    original = transformers.AutoTokenizer.from_pretrained(source)
    text = "one and two" if kind == "chat" else "12+3"
    assert tokenizer.get_vocab() == original.get_vocab()
    assert tokenizer(text)["input_ids"] == original(text)["input_ids"]
    assert tokenizer.decode(original(text)["input_ids"]) == text
    assert loaded.max_new_tokens == 7
    assert loaded.to_dict() == torch_model(name).generation_config.to_dict() | {
        "transformers_version": transformers.__version__
    }
    assert model.config.eos_token_id == original.eos_token_id
    if kind == "chat":
        assert (target / "chat_template.jinja").read_text() == CHAT_TEMPLATE
        chat = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
        made = tokenizer.apply_chat_template(chat, tokenize=False)
        assert made == "[user] one</s>[assistant] two</s>"


def test_ids_come_from_the_tokenizer_where_the_source_has_no_generation(saved, tmp_path):
    family, config, params = load(saved("t5"))
    tokenizer = character_tokenizer("0123", encoder_decoder=True)
    write_model(tmp_path / "target", family, config, params, tokenizer=tokenizer)
    with silence():
        loaded = transformers.GenerationConfig.from_pretrained(tmp_path / "target")
    assert loaded.eos_token_id == tokenizer.eos_id
    assert loaded.pad_token_id == tokenizer.pad_id
    assert loaded.decoder_start_token_id == 0


@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16", "float16"])
def test_types_that_are_read_and_written(saved, tmp_path, dtype):
    """Rounded once, on the device, as numpy rounds."""
    family, config, params = load(saved("llama-biases"), dtype=dtype)
    plain = load(saved("llama-biases"))[2]
    expected = jax.tree.map(lambda x: np.asarray(x).astype(dtype or np.float32), plain)
    jax.tree.map(np.testing.assert_array_equal, params, expected)
    assert {x.dtype.name for x in jax.tree.leaves(params)} == {dtype or "float32"}
    write_model(tmp_path / "a", family, config, plain, dtype=dtype)
    write_model(tmp_path / "b", family, config, jax.tree.map(np.asarray, params))
    assert raw_tensors(tmp_path / "a") == raw_tensors(tmp_path / "b")
    values = json.loads((tmp_path / "a" / "config.json").read_text())
    assert values["dtype"] == values["torch_dtype"] == (dtype or "float32")


def rewrite(directory, target, change):
    """A copy with the arrays `change(arrays)`, in float32."""
    shutil.copytree(directory, target)
    arrays = safetensors.numpy.load_file(target / "model.safetensors")
    arrays = change(arrays) or arrays
    safetensors.numpy.save_file(arrays, target / "model.safetensors")
    return target


def assert_same_params(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_float16_stays_and_goes_back_bit_by_bit(saved, tmp_path):
    def halve(arrays):
        return {name: array.astype(np.float16) for name, array in arrays.items()}

    source = rewrite(saved("llama"), tmp_path / "half", halve)
    family, config, params = load(source)
    assert {x.dtype.name for x in jax.tree.leaves(params)} == {"float16"}
    write_model(tmp_path / "back", family, config, params)
    theirs, ours = (
        safetensors.numpy.load_file(path / "model.safetensors")
        for path in (source, tmp_path / "back")
    )
    assert theirs.keys() == ours.keys()
    assert all(theirs[name].tobytes() == ours[name].tobytes() for name in theirs)


@pytest.mark.parametrize("dtype", [np.float64])
def test_other_types_become_float32(saved, tmp_path, dtype):
    source = rewrite(
        saved("llama"),
        tmp_path / "a",
        lambda arrays: {k: v.astype(dtype) for k, v in arrays.items()},
    )
    rounded = rewrite(
        saved("llama"),
        tmp_path / "b",
        lambda arrays: {k: v.astype(dtype).astype(np.float32) for k, v in arrays.items()},
    )
    assert_same_params(load(source)[2], load(rounded)[2])


def test_a_stack_of_mixed_types_is_float32(saved, tmp_path):
    def change(arrays):
        for name in arrays:
            if "layers.1" in name or name == "lm_head.weight":
                arrays[name] = arrays[name].astype(ml_dtypes.bfloat16)
        return arrays

    family, config, params = load(rewrite(saved("llama"), tmp_path / "mixed", change))
    dtypes = {path: x.dtype.name for path, x in flatten(params).items()}
    assert dtypes.pop("head.kernel") == "bfloat16"
    assert set(dtypes.values()) == {"float32"}
    write_model(tmp_path / "target", family, config, params)
    assert {dtype for dtype, _, _ in raw_tensors(tmp_path / "target").values()} == {"F32"}


@pytest.mark.parametrize("name", MODELS)
def test_state_dict_gives_the_same_parameters(saved, name):
    family, config, params = load(saved(name))
    arrays = {key: x.detach().numpy() for key, x in torch_model(name).state_dict().items()}
    assert_same_params(params_from_state_dict(family, config, arrays), params)


def test_old_files_have_other_names_and_more_tensors(saved, tmp_path):
    """GPT-2's on the hub have no prefix, but masks; LLaMA's had rotary frequencies; T5's repeat
    the embedding."""

    def gpt2(arrays):
        masks = {f"h.{n}.attn.bias": np.ones((1, 1, 64, 64), np.uint8) for n in range(2)}
        masks |= {f"h.{n}.attn.masked_bias": np.array(-1e4, np.float32) for n in range(2)}
        return {k.removeprefix("transformer."): v for k, v in arrays.items()} | masks

    def llama(arrays):
        frequencies = "model.layers.0.self_attn.rotary_emb.inv_freq"
        embedding = arrays["model.embed_tokens.weight"]
        return arrays | {frequencies: np.ones(4, np.float32), "lm_head.weight": embedding}

    def t5(arrays):
        shared = arrays["shared.weight"]
        cross = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
        copies = {f"{side}.embed_tokens.weight": shared for side in ("encoder", "decoder")}
        return arrays | copies | {cross: np.ones((32, 4), np.float32)}

    def t5_by_a_copy(arrays):
        arrays["encoder.embed_tokens.weight"] = arrays.pop("shared.weight")

    changes = {"gpt2": gpt2, "llama-tied": llama, "t5": t5, "t5-1.1": t5}
    for name, change in changes.items():
        source = rewrite(saved(name), tmp_path / name, change)
        assert_same_params(load(source)[2], load(saved(name))[2])
    source = rewrite(saved("t5"), tmp_path / "copy", t5_by_a_copy)
    assert_same_params(load(source)[2], load(saved("t5"))[2])


def test_whether_a_t5_is_tied_is_told_by_its_weights(saved, tmp_path):
    def with_head(arrays):
        return arrays | {"lm_head.weight": arrays["shared.weight"].copy()}

    assert read_config(saved("t5"))[1].tie_embeddings
    assert not read_config(saved("t5-1.1"))[1].tie_embeddings
    values = json.loads((saved("t5-1.1") / "config.json").read_text())
    assert values["tie_word_embeddings"]  # whatever it is
    source = rewrite(saved("t5"), tmp_path / "head", with_head)
    assert read_config(source)[1].tie_embeddings
    assert_same_params(load(source)[2], load(saved("t5"))[2])


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("qwen2", "float32"), ("qwen2", "bfloat16"), ("gpt2", "float32"), ("t5-1.1", "float32")],
)
def test_eight_devices_hold_what_one_does(saved, tmp_path, name, dtype):
    family, config, expected = load(saved(name, dtype))
    shapes = nnx.split(nnx.eval_shape(lambda: factory_of(config)(nnx.Rngs(0))))[1]
    shardings = nnx.to_pure_dict(parameter_shardings(shapes, make_mesh(2, 2, 2), Rules()))
    params = load(saved(name, dtype), shardings=shardings)[2]
    assert_same_params(params, expected)
    for path, x in flatten(params).items():
        assert x.sharding == flatten(shardings)[path], path
    assert not params["embedding"].sharding.is_fully_replicated
    write_model(tmp_path / "target", family, config, params)
    assert raw_tensors(tmp_path / "target") == raw_tensors(saved(name, dtype))


def watch(monkeypatch, wrap):
    """Has `load_params` read through `wrap(name, read)`."""

    def open_watched(directory):
        return {
            name: Tensor(tensor.shape, tensor.dtype, wrap(name, tensor.read))
            for name, tensor in open_weights(directory).items()
        }

    monkeypatch.setattr(reader, "open_weights", open_watched)


def aligned_copy(array):
    """(owner of the memory, array); JAX borrows memory that is aligned so, and copies other."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copied = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copied[...] = array
    return memory, copied


def assert_let_go(alive, but=None):
    """Views of a tensor keep it alive, and so does a device array that borrows its memory. JAX lets
    go of what it borrowed soon after, on a thread of its own."""
    deadline = time.monotonic() + 10
    while others := [x for x, array in alive if array() is not None and x != but]:
        assert time.monotonic() < deadline, f"still on the host: {others}"
        gc.collect(0)
        time.sleep(0.001)


@pytest.mark.parametrize("devices", [1, 8])
def test_one_tensor_at_a_time_is_on_the_host(saved, monkeypatch, devices):
    alive, read = [], []

    def wrap(name, read_tensor):
        def read_watched():
            assert_let_go(alive, but=name)
            memory, array = aligned_copy(read_tensor())
            alive.append((name, weakref.ref(memory)))
            read.append(name)
            return array

        return read_watched

    watch(monkeypatch, wrap)
    family, config = read_config(saved("llama"))
    shardings = None
    if devices == 8:
        shapes = nnx.split(nnx.eval_shape(lambda: factory_of(config)(nnx.Rngs(0))))[1]
        shardings = nnx.to_pure_dict(parameter_shardings(shapes, make_mesh(2, 2, 2), Rules()))
    params = load_params(saved("llama"), family, config, shardings)
    assert set(read) == raw_tensors(saved("llama")).keys()
    assert_same_params(params, load(saved("llama"))[2])
    assert_let_go(alive)


def test_each_device_reads_its_part_alone(saved, monkeypatch):
    """And devices that hold the same part, one between them."""
    parts = collections.defaultdict(list)

    class Recorder:
        def __init__(self, name, array):
            self.name, self.array = name, array

        def __getitem__(self, index):
            part = self.array[index]
            parts[self.name].append((str(index), part.shape))
            return part

    watch(monkeypatch, lambda name, read: lambda: Recorder(name, read()))
    family, config = read_config(saved("llama"))
    shapes = nnx.split(nnx.eval_shape(lambda: factory_of(config)(nnx.Rngs(0))))[1]
    shardings = nnx.to_pure_dict(parameter_shardings(shapes, make_mesh(2, 2, 2), Rules()))
    load_params(saved("llama"), family, config, shardings)
    assert parts.keys() == raw_tensors(saved("llama")).keys()
    for name, found in parts.items():
        assert len(set(found)) == len(found)
        quarter = 1 if name.endswith("norm.weight") else 4  # norms are on every device
        assert len(found) == quarter, name
    assert {shape for _, shape in parts["model.layers.0.mlp.up_proj.weight"]} == {(24, 16)}
    # Of the 128 rows inside, the file has those of the first half only.
    assert {shape for _, shape in parts["lm_head.weight"]} == {(43, 16), (0, 16)}


def test_one_tensor_at_a_time_is_written(saved, tmp_path, monkeypatch):
    alive, fetch = [], writer.fetch

    def watched(*arguments):
        assert all(array() is None for array in alive)
        array = np.array(fetch(*arguments))
        alive.append(weakref.ref(array))
        return array

    monkeypatch.setattr(writer, "fetch", watched)
    family, config, params = load(saved("llama"))
    write_model(tmp_path / "target", family, config, params)
    assert len(alive) == len(raw_tensors(saved("llama")))
    assert raw_tensors(tmp_path / "target") == raw_tensors(saved("llama"))


@pytest.mark.parametrize("name", ["llama-biases", "gpt2", "t5-1.1"])
def test_quantize_sees_each_kernel_of_each_layer_once(saved, name):
    seen = collections.Counter()

    def keep(path, kernel):
        assert kernel.ndim == 2
        seen[path] += 1

    _, config, params = load(saved(name), quantize=keep)
    assert_same_params(params, load(saved(name))[2])
    expected = {
        path.removesuffix(".kernel"): x.shape[0] if "layers" in path else 1
        for path, x in abstract_params(config).items()
        if path.endswith(".kernel")
    }
    assert seen == expected


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_quantized_on_the_way_is_as_quantized_after(saved, dtype):
    def only_mlp(path, kernel):
        assert kernel.dtype.name == dtype
        return quantization.quantize(kernel) if ".mlp." in path else None

    params = load(saved("llama", dtype), quantize=only_mlp)[2]
    expected = load(saved("llama", dtype))[2]
    for name, node in expected["layers"]["mlp"].items():
        expected["layers"]["mlp"][name] = quantization.quantize(node["kernel"])
    assert_same_params(params, expected)


def test_quantized_leaves_go_where_they_are_told(saved):
    """Shardings nested like a quantised model's, in which kernels have none."""
    mesh = make_mesh(2, 2, 2)
    matrix = jax.NamedSharding(mesh, jax.P(None, "fsdp", "tensor"))
    shardings = {"layers": {"mlp": {"up_proj": dict.fromkeys(("codes", "absmax"), matrix)}}}
    shardings["layers"]["mlp"]["up_proj"]["absmax"] = jax.NamedSharding(
        mesh, jax.P(None, None, "tensor")
    )

    def only_up(path, kernel):
        if path != "layers.mlp.up_proj":
            return None
        assert kernel.sharding.mesh == mesh
        return quantization.quantize(kernel)

    params = load(saved("llama"), shardings=shardings, quantize=only_up)[2]
    leaves = params["layers"]["mlp"]["up_proj"]
    for name, sharding in shardings["layers"]["mlp"]["up_proj"].items():
        assert leaves[name].sharding == sharding
    expected = load(saved("llama"))[2]["layers"]["mlp"]["up_proj"]["kernel"]
    assert_same_params(leaves, quantization.quantize(expected))


def remove(arrays):
    del arrays["model.norm.weight"], arrays["model.layers.1.mlp.up_proj.weight"]


def add(arrays):
    arrays["model.layers.2.mlp.up_proj.weight"] = np.ones((48, 32), np.float32)
    arrays["score.weight"] = np.ones((2, 32), np.float32)


def reshape(arrays):
    arrays["model.embed_tokens.weight"] = np.ones((44, 32), np.float32)


def transpose(arrays):
    name = "model.layers.0.self_attn.k_proj.weight"
    arrays[name] = np.ascontiguousarray(arrays[name].T)


def retype(arrays):
    arrays["lm_head.weight"] = arrays["lm_head.weight"].astype(np.int8)


def remove_add_and_reshape(arrays):
    for change in (remove, add, reshape):
        change(arrays)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove, ["2 missing", "model.norm.weight", "model.layers.1.mlp.up_proj.weight"]),
        (add, ["2 not of this model", "layers.2.mlp.up_proj.weight", "score.weight"]),
        (reshape, ["1 of another shape", "embed_tokens.weight is [44, 32]", "[43, 32]"]),
        (transpose, ["k_proj.weight is [32, 16], the model's [16, 32]"]),
        (retype, ["1 of a type that is not supported", "lm_head.weight (int8)"]),
        (remove_add_and_reshape, ["2 missing", "2 not of this model", "1 of another shape"]),
    ],
)
def test_tensors_that_do_not_fit_are_listed(saved, tmp_path, monkeypatch, change, words):
    source = rewrite(saved("llama"), tmp_path / "source", change)
    watch(monkeypatch, lambda name, read: lambda: pytest.fail("read"))
    with pytest.raises(WeightsError) as error:
        load(source)
    for word in [str(source), *words]:
        assert word in str(error.value)


def test_a_head_of_its_own_where_the_config_says_tied_is_refused(saved, tmp_path):
    def change(arrays):
        arrays["lm_head.weight"] = arrays["model.embed_tokens.weight"] + 1

    source = rewrite(saved("llama-tied"), tmp_path / "source", change)
    with pytest.raises(WeightsError, match=r"lm_head.weight differs from model.embed_tokens.weigh"):
        load(source)


def test_damage_is_named_wherever_it_is(saved, tmp_path):
    """`weights` has its own tests; this is the way from a directory to parameters."""
    source = tmp_path / "source"
    shutil.copytree(saved("t5", sharded=True), source)
    victim = sorted(source.glob("*.safetensors"))[1]
    data = victim.read_bytes()
    victim.write_bytes(data[:-1])
    with pytest.raises(WeightsError, match=f"{victim.name}: .*cut short"):
        load(source)
    victim.unlink()
    with pytest.raises(WeightsError, match=f"{victim.name} is missing"):
        load(source)


SMALL = LlamaConfig(
    vocab_size=30,
    num_layers=2,
    hidden_size=8,
    num_heads=2,
    num_kv_heads=2,
    intermediate_size=12,
    vocab_multiple=16,
)


def small_params(config=SMALL):
    return nnx.to_pure_dict(nnx.split(factory_of(config)(nnx.Rngs(0)))[1])


BIASED = dataclasses.replace(SMALL, output_bias=True)


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        (SMALL, {"adapter": np.ones(2)}, "do not fit the config: adapter; merge adapters first"),
        (SMALL, {"norm": {}}, "do not fit the config: norm.scale;"),
        (
            SMALL,
            {"embedding": np.ones((30, 8), np.float32)},
            r"parameter embedding is \(30, 8\), the config's is \(32, 8\)",
        ),
        (BIASED, {}, "no Hugging Face model type combines output_bias=True"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, config, change, words):
    with pytest.raises(UserError, match=words):
        write_model(tmp_path / "target", "llama", config, small_params(config) | change)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    tokenizer = character_tokenizer("0123456789abcdefghijklmnopqrstuvwxyz")
    with pytest.raises(UserError, match="has 40 tokens and the model an embedding of 30"):
        write_model(tmp_path / "target", "llama", SMALL, small_params(), tokenizer=tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_in_the_middle_leaves_nothing(tmp_path):
    def progress(tensors):
        for number, tensor in enumerate(tensors):
            if number == 5:
                raise RuntimeError("disk")
            yield tensor

    with pytest.raises(RuntimeError, match="disk"):
        write_model(tmp_path / "target", "llama", SMALL, small_params(), progress=progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [1, 300, 1000, 10**6])
def test_shards_are_as_large_as_allowed(tmp_path, limit):
    write_model(tmp_path / "target", "llama", SMALL, small_params(), max_shard_bytes=limit)
    files = sorted(path.name for path in (tmp_path / "target").glob("*.safetensors*"))
    if limit == 10**6:
        assert files == ["model.safetensors"]
        return
    index = json.loads((tmp_path / "target" / files.pop()).read_text())
    assert files == [
        f"model-{n + 1:05d}-of-{len(files):05d}.safetensors" for n in range(len(files))
    ]
    total = 0
    for file in files:
        arrays = safetensors.numpy.load_file(tmp_path / "target" / file)
        size = sum(x.nbytes for x in arrays.values())
        assert size <= limit or len(arrays) == 1
        assert {index["weight_map"][name] for name in arrays} == {file}
        total += size
    assert index["metadata"]["total_size"] == total
    assert len(index["weight_map"]) == 21


def test_progress_sees_every_tensor(tmp_path):
    counts = []

    def progress(tensors):
        counts.append(len(tensors))
        yield from tensors
        counts.append("end")

    write_model(tmp_path / "target", "llama", SMALL, small_params(), progress=progress)
    load_params(tmp_path / "target", "llama", SMALL, progress=progress)
    assert counts == [21, "end", 21, "end"]


def test_bin_files_are_read(saved, tmp_path):
    torch = torch_or_skip()
    for dtype in ("float32", "bfloat16"):
        source = tmp_path / dtype
        source.mkdir()
        shutil.copy(saved("gpt2", dtype) / "config.json", source)
        state = {
            k: v.to(getattr(torch, dtype)) for k, v in torch_model("gpt2").state_dict().items()
        }
        torch.save(state, source / "pytorch_model.bin")
        assert_same_params(load(source)[2], load(saved("gpt2", dtype))[2])


class Hub:
    """Stands in for huggingface_hub."""

    def __init__(self, monkeypatch, files=(), error=None, cached=None):
        self.files, self.error, self.cached, self.patterns = files, error, cached, None
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: self)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self.download)

    def list_repo_files(self, name):
        if self.error:
            raise self.error
        return self.files

    def download(self, name, allow_patterns=None, local_files_only=False):
        if local_files_only and self.cached is None:
            raise FileNotFoundError("not cached")
        self.patterns = allow_patterns
        return str(self.cached or "/snapshot")


def test_directories_and_hub_ids_are_resolved(tmp_path, monkeypatch):
    assert resolve_source(str(tmp_path)) == tmp_path
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is a file: give the directory"):
        resolve_source(str(tmp_path / "file"))
    for name in (str(tmp_path / "absent"), "./absent", "a/b/c", " "):
        with pytest.raises(SourceError, match="there is no such directory; check its spelling"):
            resolve_source(name)
    hub = Hub(monkeypatch, ["config.json", "model.safetensors", "pytorch_model.bin"])
    assert str(resolve_source("owner/name")) == "/snapshot"
    assert "model.safetensors" in hub.patterns
    assert not any("bin" in pattern for pattern in hub.patterns)
    hub = Hub(monkeypatch, ["config.json", "adapter.safetensors", "pytorch_model.bin"])
    resolve_source("owner/name")
    assert "pytorch_model*.bin" in hub.patterns
    assert "*.json" in hub.patterns
    Hub(monkeypatch, error=OSError("offline"), cached="/cached")
    assert str(resolve_source("owner/name")) == "/cached"
    Hub(monkeypatch, error=OSError("offline\nmore"))
    with pytest.raises(SourceError, match=r"hub cannot be asked.*\(OSError: offline\)$"):
        resolve_source("owner/name")
