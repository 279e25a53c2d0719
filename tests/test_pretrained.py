"""Runs that start from a Hugging Face checkpoint: trained, stopped, resumed, scored and given
back."""

import dataclasses
import os
import shutil
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from test_experiment import assert_equal_states, tiny

from mathjax import config as config_lib
from mathjax import experiment, models
from mathjax.config import ConfigError
from mathjax.data.tokenizer import character_tokenizer
from mathjax.errors import UserError
from mathjax.huggingface import convert as convert_lib
from mathjax.huggingface import reader
from mathjax.huggingface.convert import convert
from mathjax.huggingface.mapping import flatten
from mathjax.huggingface.writer import write_model
from mathjax.models import lora, quantization
from mathjax.models.gpt2 import GPT2Config
from mathjax.models.llama import LlamaConfig
from mathjax.models.t5 import T5Config
from mathjax.parallel import Rules, make_mesh, parameter_shardings
from mathjax.problems.puzzle import ALPHABET
from mathjax.sources import open_source
from mathjax.training.state import abstract_model, split_params

VOCAB = 24
SIZES = {"vocab_size": VOCAB, "num_layers": 2, "hidden_size": 32, "num_heads": 4}
ARCHITECTURES = {
    "llama": LlamaConfig(**SIZES, num_kv_heads=2, intermediate_size=64, max_positions=128),
    "gpt2": GPT2Config(**SIZES, max_positions=96),
    "t5": T5Config(**SIZES, intermediate_size=64),
}
METHODS = {
    "full": {},
    "lora": {"rank": 2, "alpha": 4.0},
    "qlora": {"rank": 2, "alpha": 4.0, "quantize": "nf4_double"},
}
SHORT = {
    "train": {"num_steps": 4},
    "checkpoint": {"every_steps": 2},
    "eval": {"every_steps": 2, "num_validation": 4, "limit": 4},
}

ONE_STEP = {"train": {"num_steps": 1}, "eval": {"every_steps": 0, "limit": 4}}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A Hugging Face directory of each family, with random weights."""
    directory = tmp_path_factory.mktemp("checkpoints")
    for name, architecture in ARCHITECTURES.items():
        _, shapes = abstract_model(models.factory_of(architecture))
        rng = np.random.default_rng(0)
        params = jax.tree.map(
            lambda x, rng=rng: jnp.asarray(rng.normal(0, 0.1, x.shape), jnp.float32),
            nnx.to_pure_dict(shapes),
        )
        tokenizer = character_tokenizer(ALPHABET, encoder_decoder=name == "t5")
        write_model(directory / name, name, architecture, params, tokenizer=tokenizer)
    return directory


def one_device():
    return make_mesh(1, 1, 1, devices=jax.devices()[:1])


def from_checkpoint(path, **sections):
    common = {"mesh": {"data": 2, "fsdp": 2, "tensor": 2}, "model": {"pretrained": str(path)}}
    return tiny(**(SHORT | common | sections))


@pytest.fixture(scope="session")
def runs(checkpoints, tmp_path_factory):
    """A finished run for (family, method), made when it is first asked for."""
    made = {}

    def run(family, method):
        if (family, method) not in made:
            workdir = tmp_path_factory.mktemp(f"{family}-{method}")
            config = from_checkpoint(checkpoints / family, lora=METHODS[method])
            assert experiment.run_training(config, workdir) == 0
            made[family, method] = workdir
        return made[family, method]

    return run


@pytest.mark.parametrize(
    ("family", "method"),
    [("llama", "full"), ("llama", "lora"), ("llama", "qlora"), ("gpt2", "lora"), ("t5", "full")],
)
def test_a_run_starts_from_the_checkpoint_and_scores_as_it_is_loaded(
    checkpoints, runs, family, method
):
    workdir = runs(family, method)
    source = open_source(workdir)
    assert dataclasses.replace(source.architecture, dtype=jnp.float32) == dataclasses.replace(
        open_source(checkpoints / family).architecture
    )
    section = config_lib.load(workdir / "config.json").model
    assert (section.family, section.num_layers, section.hidden_size) == (family, 2, 32)
    model = experiment.load_model(workdir, mesh=one_device())
    assert model.step == 4
    again, _ = experiment.evaluate(model, ("in_domain",), workdir / "again", limit=4)
    samples = [x / "samples" / "in_domain.jsonl" for x in (workdir, workdir / "again")]
    assert samples[0].read_text() == samples[1].read_text()
    assert again["in_domain"].count == 4
    start = flatten(open_source(checkpoints / family).load())
    params = flatten(model.params)
    if method == "full":
        moved = [path for path in start if not np.array_equal(start[path], params[path])]
        assert len(moved) > 0.9 * len(start)
    else:
        kernels = [path for path in start if path in params]
        assert kernels
        for path in kernels:
            np.testing.assert_array_equal(start[path], params[path])
    if method == "qlora":
        leaves = quantization.quantize(start["layers.mlp.up_proj.kernel"], True)
        for key, leaf in leaves.items():
            np.testing.assert_array_equal(leaf, params[f"layers.mlp.up_proj.{key}"])


def test_a_workdir_of_adapters_holds_no_base(runs):
    step = runs("llama", "lora") / "checkpoints" / "4" / "params"
    size = sum(path.stat().st_size for path in step.rglob("*") if path.is_file())
    full = runs("llama", "full") / "checkpoints" / "4" / "params"
    assert size < 0.8 * sum(path.stat().st_size for path in full.rglob("*") if path.is_file())


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_resume_reads_the_base_again_and_is_bit_identical(checkpoints, tmp_path, method):
    config = from_checkpoint(
        checkpoints / "llama",
        lora=METHODS[method] | {"dropout": 0.1},
        mesh={"data": -1},
        eval={"every_steps": 0, "limit": 4},
    )
    experiment.run_training(config, tmp_path / "whole")
    short = dataclasses.replace(config.checkpoint, every_steps=1)
    interrupted = dataclasses.replace(config, checkpoint=short)
    experiment.run_training(interrupted, tmp_path / "parts")
    shutil.rmtree(tmp_path / "parts" / "checkpoints" / "4")
    experiment.run_training(interrupted, tmp_path / "parts")
    whole, parts = (open_source(tmp_path / name).load_adapters() for name in ("whole", "parts"))
    assert_equal_states(whole, parts)


@pytest.mark.parametrize("family", ["llama", "gpt2", "t5"])
def test_back_to_hugging_face(runs, tmp_path, family):
    pytest.importorskip("torch")
    workdir = runs(family, "full" if family == "t5" else "lora")
    text = convert(str(workdir), tmp_path / "export", "hf", check=True)
    assert "largest difference to the logits of transformers" in text
    merged, exported = open_source(workdir).load(), open_source(tmp_path / "export").load()
    for path, x in flatten(merged).items():
        rows = tuple(slice(n) for n in flatten(exported)[path].shape)
        np.testing.assert_array_equal(np.asarray(x)[rows], flatten(exported)[path][...])


def test_adapters_to_peft_and_from_there_to_a_run(runs, tmp_path):
    workdir = runs("llama", "lora")
    assert "parameters in float32, for " in convert(str(workdir), tmp_path / "adapter", "peft")
    adapter = open_source(tmp_path / "adapter")
    assert_equal_states(adapter.load_adapters(), open_source(workdir).load_adapters())
    assert_equal_states(adapter.load(), open_source(workdir).load())
    mesh = one_device()
    params = [experiment.load_model(x, mesh=mesh).params for x in (tmp_path / "adapter", workdir)]
    assert_equal_states(*params)


@pytest.mark.parametrize("base", ["theirs", "ours"])
def test_a_quantised_base_is_merged_as_it_was_trained_on(checkpoints, runs, tmp_path, base):
    """What is exported gives the logits that were trained, not those of a base in full."""
    run = runs("llama", "qlora")
    if base == "ours":
        convert(str(checkpoints / "llama"), tmp_path / "ours", "mathjax")
        run = tmp_path / "run"
        config = from_checkpoint(tmp_path / "ours", lora=METHODS["qlora"], **ONE_STEP)
        experiment.run_training(config, run)
        quantised = [
            open_source(x).load_model(one_device())[1] for x in (run, runs("llama", "qlora"))
        ]
        codes = [flatten(x)["layers.mlp.up_proj.codes"] for x in quantised]
        np.testing.assert_array_equal(*codes)
    source = open_source(run)
    tokens = np.random.default_rng(0).integers(0, VOCAB, (2, 20))
    graph, params = source.load_model(one_device())
    trained = nnx.merge(graph, nnx.State(params))(tokens)
    graph, _ = abstract_model(models.factory_of(source.architecture))
    exported = nnx.merge(graph, nnx.State(source.load()))(tokens)
    in_full = nnx.merge(graph, nnx.State(source.base.load()))(tokens)
    np.testing.assert_allclose(exported[..., :VOCAB], trained[..., :VOCAB], atol=1e-5)
    assert np.abs(in_full - trained)[..., :VOCAB].max() > 1e-3


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_adapters_are_merged_on_the_mesh_they_start_a_run_on(runs, tmp_path, method):
    source = open_source(runs("llama", method))
    mesh = make_mesh(2, 2, 2)
    _, abstract = abstract_model(models.factory_of(source.architecture))
    shardings = nnx.to_pure_dict(parameter_shardings(abstract, mesh, Rules()))
    params = flatten(source.load(shardings, dtype="float32"))
    for path, x in flatten(source.load()).items():
        assert params[path].sharding.is_equivalent_to(flatten(shardings)[path], x.ndim)
        np.testing.assert_allclose(params[path], x, atol=1e-6)
    config = from_checkpoint(runs("llama", method), **ONE_STEP)
    assert experiment.run_training(config, tmp_path / "run") == 0


def test_a_conversion_is_a_start_like_its_source(checkpoints, tmp_path):
    convert(str(checkpoints / "t5"), tmp_path / "ours", "mathjax", dtype="bfloat16")
    source = open_source(tmp_path / "ours")
    theirs = open_source(checkpoints / "t5").load(dtype=jnp.bfloat16)
    assert_equal_states(source.load(), theirs)
    assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(source.load()))
    assert source.architecture == open_source(checkpoints / "t5").architecture
    config = from_checkpoint(tmp_path / "ours", **ONE_STEP)
    assert experiment.run_training(config, tmp_path / "run") == 0


def test_the_base_lies_sharded_and_quantised_as_it_arrives(checkpoints, monkeypatch):
    """A kernel comes one layer at a time, onto all devices."""
    seen = []

    def spy(tensor, entry, shape, sharding):
        raw = to_devices(tensor, entry, shape, sharding)
        seen.append((entry.path, raw.shape, raw.sharding.num_devices))
        return raw

    to_devices = reader._to_devices
    monkeypatch.setattr(reader, "_to_devices", spy)
    source = open_source(checkpoints / "llama")
    mesh = make_mesh(2, 2, 2)
    section = config_lib.LoraSection(rank=2, quantize="nf4")
    _, abstract = abstract_model(lora.adapted(models.factory_of(source.architecture), section))
    shardings = split_params(nnx.to_pure_dict(parameter_shardings(abstract, mesh, Rules())))[1]
    params = source.load(shardings, quantize=lora.quantizer(section))
    kernels = [item for item in seen if item[0].startswith("layers") and "kernel" in item[0]]
    assert len(kernels) == 2 * 7
    assert all(len(shape) == 2 and devices == 8 for _, shape, devices in kernels)
    for path, x in flatten(params).items():
        assert x.sharding.is_equivalent_to(flatten(shardings)[path], x.ndim), path


def test_adapters_need_a_checkpoint(tmp_path):
    with pytest.raises(ConfigError, match="lora.rank=5 without model.pretrained"):
        experiment.run_training(tiny(lora={"rank": 5}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"pretrained": "/nowhere"}}, "no such directory"),
        ({"lora": {"rank": 2, "targets": "query"}}, "lora.targets='query' matches no layer"),
        ({"data": {"row_length": 64, "target_row_length": 8}}, "target_row_length"),
        ({"data": {"row_length": 100}}, "data.row_length=100: .*gpt2 has learned 96 positions"),
        ({"generation": {"max_new_tokens": 90}}, "generation.max_new_tokens=90"),
    ],
)
def test_wrong_settings_write_nothing(checkpoints, tmp_path, sections, message):
    family = "gpt2" if "positions" in message or "max_new" in message else "llama"
    values = {"model": {"pretrained": str(checkpoints / family)}} | sections
    with pytest.raises(UserError, match=message):
        experiment.run_training(tiny(**(SHORT | values)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_larger_than_the_model_is_refused(checkpoints, tmp_path):
    character_tokenizer(ALPHABET + "abcdef").save(tmp_path / "tokenizer")
    config = from_checkpoint(
        checkpoints / "llama", data={"row_length": 64, "tokenizer": str(tmp_path / "tokenizer")}
    )
    with pytest.raises(UserError, match="has 29 tokens and the model an embedding of 24"):
        experiment.run_training(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_base_that_has_changed_or_is_gone_is_named(checkpoints, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(checkpoints / "llama", base)
    config = from_checkpoint(base, lora=METHODS["lora"], **ONE_STEP)
    experiment.run_training(config, tmp_path / "run")
    assert open_source(tmp_path / "run").base.version.endswith("bytes")
    convert(str(checkpoints / "llama"), base, "hf", dtype="bfloat16", overwrite=True)
    for action in (partial(open_source), partial(experiment.run_training, config)):
        with pytest.raises(UserError, match="was trained on another version of .*base"):
            action(tmp_path / "run")
    shutil.rmtree(base)
    with pytest.raises(UserError, match="adapters to a model that cannot be opened.*base"):
        open_source(tmp_path / "run")


def test_adapters_keep_to_the_step_of_a_run_that_goes_on(checkpoints, tmp_path):
    first = from_checkpoint(checkpoints / "llama", **SHORT)
    experiment.run_training(first, tmp_path / "first")
    shutil.rmtree(tmp_path / "first" / "checkpoints" / "4")
    config = from_checkpoint(tmp_path / "first", lora=METHODS["lora"], **ONE_STEP)
    experiment.run_training(config, tmp_path / "second")
    before = open_source(tmp_path / "second").load()
    experiment.run_training(first, tmp_path / "first")
    assert open_source(tmp_path / "first").version == "step 4"
    assert open_source(tmp_path / "second").base.version == "step 2"
    assert_equal_states(open_source(tmp_path / "second").load(), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "{llama}", "format": "peft"}, "llama has no adapters"),
        ({"source": "{llama}", "format": "hf", "step": 3}, "--step=3: .* is no workdir"),
        ({"source": "{run}", "format": "mathjax", "check": True}, "--check compares"),
        ({"source": "{run}", "format": "hf", "step": 77}, "step=77"),
        ({"source": "{run}", "format": "hf", "target": "{run}/export"}, "lie in one another"),
        ({"source": "{run}", "format": "hf", "target": "{llama}/x"}, "lie in one another"),
        ({"source": "{run}", "format": "peft", "dtype": "bfloat16"}, "--dtype with --format=peft"),
        ({"source": "{run}", "format": "hf", "target": "{llama}"}, "exists"),
        ({"source": "{empty}", "format": "hf"}, "no config.json in it"),
    ],
)
def test_wrong_conversions_write_nothing(checkpoints, runs, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    names = {"llama": checkpoints / "llama", "run": runs("llama", "lora")}
    names |= {"empty": tmp_path / "empty"}
    values = {"target": "target"} | arguments
    values |= {key: values[key].format(**names) for key in ("source", "target")}
    values["target"] = tmp_path / values["target"]
    before = sorted(os.listdir(tmp_path)), sorted(os.listdir(names["run"]))
    with pytest.raises(UserError, match=message):
        convert(**values)
    assert (sorted(os.listdir(tmp_path)), sorted(os.listdir(names["run"]))) == before


def test_adapters_on_a_run_cannot_go_to_peft(runs, tmp_path):
    config = from_checkpoint(runs("llama", "full"), lora=METHODS["lora"], **ONE_STEP)
    experiment.run_training(config, tmp_path / "run")
    with pytest.raises(UserError, match="which transformers cannot load; take --format=hf"):
        convert(str(tmp_path / "run"), tmp_path / "adapter", "peft")
    assert not (tmp_path / "adapter").exists()


def test_sizes_that_give_way_are_named(checkpoints, tmp_path, capsys):
    config = from_checkpoint(
        checkpoints / "llama",
        model={"pretrained": str(checkpoints / "llama"), "num_layers": 3, "hidden_size": 32},
        **ONE_STEP,
    )
    experiment.run_training(config, tmp_path / "run")
    lines = [x for x in capsys.readouterr().out.splitlines() if "is not used" in x]
    assert any("model.num_layers=3 is not used: " in x and x.endswith("has 2") for x in lines)
    assert not any("hidden_size" in x for x in lines)


def test_check_without_torch(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(convert_lib, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="--check needs torch"):
        convert(str(runs("llama", "lora")), tmp_path / "export", "hf", check=True)
    assert not (tmp_path / "export").exists()


def test_check_finds_a_wrong_conversion(runs, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    write_files = convert_lib.write_files

    def wrong(directory, family, architecture, params, **options):
        params = dict(params) | {"embedding": params["embedding"] * 1.1}
        write_files(directory, family, architecture, params, **options)

    monkeypatch.setattr(convert_lib, "write_files", wrong)
    with pytest.raises(UserError, match="the conversion is wrong; nothing was written"):
        convert(str(runs("llama", "lora")), tmp_path / "export", "hf", check=True)
    assert not (tmp_path / "export").exists() and not os.listdir(tmp_path)
