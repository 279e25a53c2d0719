"""Settings: every preset resolves, every key has a reader, every mistake names its key."""

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import pytest

from mathjax import config as config_lib
from mathjax.config import Config, ConfigError
from mathjax.errors import UserError

ROOT = Path(__file__).parent.parent


def load_config(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "configs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_default_config_is_the_dataclass_default():
    assert config_lib.resolve(
        {**config_lib.default_config().to_dict(), "train": {"num_steps": 5}}
    ) == (dataclasses.replace(Config(), train=config_lib.TrainSection(num_steps=5)))


@pytest.mark.parametrize("preset", ["laptop", "scratch", "open_llama_3b"])
def test_presets_resolve(preset):
    config = config_lib.resolve(load_config("puzzle").get_config(preset))
    assert config.task == "puzzle"


def test_paper_settings_of_open_llama_3b():
    config = config_lib.resolve(load_config("puzzle").get_config("open_llama_3b"))
    assert (config.lora.rank, config.lora.alpha, config.lora.dropout) == (5, 32.0, 0.05)
    o = config.optimizer
    assert (o.learning_rate, o.beta1, o.beta2, o.epsilon) == (1e-4, 0.9, 0.95, 1e-9)
    assert (config.train.batch_size, config.data.num_epochs, config.data.num_train) == (
        50,
        5,
        1_000_000,
    )
    assert (config.puzzle.num_numbers, config.puzzle.max_number) == ((5, 6, 7), 60)


def test_unknown_preset_names_the_choices():
    with pytest.raises(UserError, match="unknown preset 'nope'.*laptop, scratch, open_llama_3b"):
        load_config("puzzle").get_config("nope")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modle": {}}, "unknown key modle; the keys here are seed, task"),
        ({"train": {"batchsize": 3}}, "unknown key train.batchsize"),
        ({"train": {"batch_size": "many"}}, "train.batch_size='many': expected int, got str"),
        ({"train": {"batch_size": True}}, "train.batch_size=True: expected int, got bool"),
        (
            {"train": {"num_steps": 1, "batch_size": 0}},
            "train.batch_size=0: must be greater than 0",
        ),
        (
            {"train": {"num_steps": 1, "batch_size": 9, "accumulation_steps": 2}},
            "does not divide by",
        ),
        ({"train": 3}, "train: expected a section"),
        ({"train": {}}, "set train.num_steps or data.num_train"),
        (
            {"model": {"dtype": "float16"}, "train": {"num_steps": 1}},
            "model.dtype='float16': choose from",
        ),
        ({"eval": {"splits": (3,)}}, "eval.splits=3: expected str"),
    ],
)
def test_mistakes_name_their_key(values, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        config_lib.resolve(values)


def test_saved_config_loads_equal(tmp_path):
    config = config_lib.resolve(load_config("puzzle").get_config("laptop"))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config_lib.to_dict(config)))
    assert config_lib.load(path) == config
    path.write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        config_lib.load(path)
    with pytest.raises(ConfigError, match="no such file"):
        config_lib.load(tmp_path / "absent" / "config.json")


def test_first_difference_ignores_what_does_not_change_learning():
    base = config_lib.resolve({"train": {"num_steps": 5}})
    other = config_lib.resolve({"train": {"num_steps": 5, "log_every": 3}, "mesh": {"fsdp": 2}})
    assert config_lib.first_difference(base, other) is None
    other = config_lib.resolve({"train": {"num_steps": 5, "batch_size": 32}})
    assert (
        config_lib.first_difference(base, other)
        == "train.batch_size: 64 in the workdir, 32 asked for"
    )


def test_every_key_has_a_reader():
    """A key that no code reads is a lie to the user."""
    sources = "\n".join(
        path.read_text() for path in (ROOT / "mathjax").rglob("*.py") if path.name != "config.py"
    )
    keys = config_lib.flatten(Config())
    whole = {"puzzle", "lora"}  # passed on as **asdict(section); refused as a whole
    unread = [
        key
        for key in keys
        if key.split(".")[0] not in whole and not re.search(rf"\.{key.split('.')[-1]}\b", sources)
    ]
    assert not unread
    assert len(keys) <= 68
