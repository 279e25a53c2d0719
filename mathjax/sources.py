"""Whatever names a model: a workdir, a converted checkpoint, a Hugging Face directory or hub id, an
adapter of peft.

`open_source` reads sizes and names only; `Source.load` puts the weights where they belong. A
directory in our format is a workdir of training (`experiment`) or of a conversion:

    model.json               family and sizes (`models.save_architecture`)
    config.json              the run's settings, where it was trained here
    tokenizer/               in Hugging Face format, where the model has one
    generation_config.json   of the Hugging Face directory that was converted
    checkpoints/<step>/      {"params": ...}, of a run with LoRA its adapters alone
    base.json                what a run started from, and which version of it
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh, NamedSharding
from tqdm import tqdm

from mathjax import config as config_lib
from mathjax import models
from mathjax.checkpoints import Checkpoints, read_metadata, read_step
from mathjax.config import Config, LoraSection
from mathjax.data.tokenizer import Tokenizer, load_tokenizer
from mathjax.errors import UserError
from mathjax.huggingface import peft, reader
from mathjax.huggingface.config import read_config
from mathjax.huggingface.mapping import abstract_params, flatten, unflatten
from mathjax.huggingface.weights import weight_bytes
from mathjax.huggingface.writer import check_tokenizer
from mathjax.models import lora
from mathjax.parallel import Rules, make_mesh, parameter_shardings
from mathjax.training.state import abstract_model, place, split_params

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json")

Params = dict[str, Any]


@dataclasses.dataclass
class Source:
    """A model that can be loaded."""

    name: str  # as it was given
    path: Path
    architecture: Any  # its family's config
    tokenizer: Tokenizer | None = None
    generation: dict[str, Any] = dataclasses.field(default_factory=dict)
    config: Config | None = None  # of a training run
    lora: LoraSection = dataclasses.field(default_factory=LoraSection)
    base: Source | None = None  # of adapters
    step: int | str | None = None  # wanted of a workdir; None: the newest good one
    loaded_step: int = 0  # of the checkpoint that was loaded last

    @property
    def family(self) -> str:
        return models.family_of(self.architecture)

    @property
    def version(self) -> str:
        """What tells the weights from others of the same name, as far as can be seen from outside:
        a step, a commit of the hub, or the files' size."""
        raise NotImplementedError

    @property
    def adapters(self) -> lora.LoraSpec | None:
        return lora.LoraSpec.from_section(self.lora) if self.lora.rank else None

    def load(
        self,
        shardings: Params | None = None,
        *,
        dtype: Any = None,
        quantize: reader.Quantize | None = None,
    ) -> Params:
        """Plain parameters. Adapters are merged into the base as they were trained on it: what NF4
        has left of it.

        Arguments as of `reader.load_params`. Adapted kernels are not quantised on the way;
        `training.state.place` does that.
        """
        if self.base is None:
            return self._read(shardings, dtype, quantize)
        _, params = self._load_adapted(self.architecture, _mesh_of(shardings), dtype)
        dtype = dtype and jnp.dtype(dtype)
        return lora.merge_adapters(params, self.adapters, dtype, shardings)

    def load_adapters(self, shardings: Params | None = None) -> Params:
        """The adapters alone, float32, nested as in the model."""
        raise NotImplementedError

    def load_model(self, mesh: Mesh, **changes: Any) -> tuple[nnx.GraphDef, Params]:
        """(structure, parameters) on `mesh`, adapters beside their base, and that stored as it was
        in training. `changes`: to the architecture, such as dtype."""
        architecture = dataclasses.replace(self.architecture, **changes)
        if self.base is not None:
            return self._load_adapted(architecture, mesh, architecture.dtype)
        graph, abstract = abstract_model(models.factory_of(architecture))
        return graph, self.load(_plain(parameter_shardings(abstract, mesh, Rules())))

    def _load_adapted(
        self, architecture: Any, mesh: Mesh, dtype: Any
    ) -> tuple[nnx.GraphDef, Params]:
        graph, abstract = abstract_model(lora.adapted(models.factory_of(architecture), self.lora))
        adapters, base = split_params(_plain(parameter_shardings(abstract, mesh, Rules())))
        params = self.base.load(base, dtype=dtype, quantize=lora.quantizer(self.lora))
        params = place(params, split_params(_plain(abstract))[1], base)
        return graph, lora.join(self.load_adapters(adapters), params)

    def _read(
        self, shardings: Params | None, dtype: Any, quantize: reader.Quantize | None
    ) -> Params:
        raise NotImplementedError


class HuggingFaceSource(Source):
    """A directory that transformers could load."""

    @property
    def version(self):
        if self.path.parent.name == "snapshots":
            return f"commit {self.path.name}"
        return f"{weight_bytes(self.path)} bytes"

    def _read(self, shardings, dtype, quantize):
        return reader.load_params(
            self.path,
            self.family,
            self.architecture,
            shardings,
            dtype=dtype,
            quantize=quantize,
            progress=progress_bar(f"reading {self.name}"),
        )


class PeftSource(Source):
    """An adapter of peft on a base that its config names."""

    @property
    def version(self):
        return f"{self.base.version} + {weight_bytes(self.path)} bytes"

    def load_adapters(self, shardings=None):
        _, adapters = peft.read_adapter(self.path, self.family, self.architecture)
        return jax.device_put(adapters, shardings)


class WorkdirSource(Source):
    """A directory in our format."""

    @property
    def version(self):
        return f"step {self.loaded_step or read_step(self.path / 'checkpoints', self.step)}"

    def load_adapters(self, shardings=None):
        factory = lora.adapted(models.factory_of(self.architecture), self.lora)
        shapes = flatten(split_params(_plain(abstract_model(factory)[1]))[0])
        return self._restore(shapes, shardings, dict.fromkeys(shapes, "float32"), None, None)

    def _read(self, shardings, dtype, quantize):
        shapes = abstract_params(self.architecture)
        saved = dict.fromkeys(shapes, "float32") | self.metadata.get("dtypes", {})
        return self._restore(shapes, shardings, saved, dtype, quantize)

    @property
    def metadata(self) -> dict[str, Any]:
        """Of the checkpoint."""
        return read_metadata(self.path / "checkpoints", self.step)

    def _restore(self, shapes, shardings, saved, dtype, quantize):
        """One parameter after another, each in the type it was saved in until it is quantised,
        layer by layer, or cast."""
        target = reader.Assembly(shardings)

        def take(path: str, value: jax.Array) -> None:
            module, _, leaf = path.rpartition(".")
            layers = value if value.ndim == 3 else [value]
            for layer, kernel in enumerate(layers):
                leaves = quantize(module, kernel) if quantize and leaf == "kernel" else None
                if leaves is None:
                    target.put(path, value if dtype is None else value.astype(dtype))
                    return
                stack = (layer, len(layers)) if value.ndim == 3 else None
                for key, x in leaves.items():
                    target.put(f"{module}.{key}", x, stack)

        wanted = {
            path: jax.ShapeDtypeStruct(x.shape, jnp.dtype(saved[path]), sharding=target.place(path))
            for path, x in shapes.items()
        }
        with Checkpoints(self.path / "checkpoints", read_only=True) as checkpoints:
            restored = checkpoints.restore_params(unflatten(wanted), step=self.step, each=take)
        if restored is None:
            raise UserError(f"{self.path}: no checkpoint yet; train it with launch/train.py")
        self.loaded_step = restored.step
        return unflatten(target.params)


def _plain(state: nnx.State) -> Params:
    return nnx.to_pure_dict(state)


def _mesh_of(shardings: Params | None) -> Mesh:
    """That the shardings are on; without any, one device."""
    for sharding in jax.tree.leaves(shardings):
        if isinstance(sharding, NamedSharding):
            return sharding.mesh
    return make_mesh(1, 1, 1, devices=jax.local_devices()[:1])


def open_source(name: str | os.PathLike[str], step: int | str | None = None) -> Source:
    """Reads what it takes to know the model `name`; its weights are not touched.

    `step` of a workdir: a number, "best" or None for the newest good one. Raises UserError, naming
    file and key, where there is no such model or it asks for what we do not have.
    """
    name = absolute(os.fspath(name))
    path = Path(name)
    if (path / "model.json").is_file():
        return _open_workdir(name, path, step)
    if step is not None:
        raise UserError(f"--step={step}: {name} is no workdir, and has no steps")
    if (path / "checkpoints").is_dir():
        raise UserError(f"{name}: no model.json in it, so it is not a workdir that is whole")
    path = reader.resolve_source(name)
    if (path / peft.CONFIG).is_file():
        return _open_adapter(name, path)
    _, architecture = read_config(path)
    return HuggingFaceSource(
        name,
        path,
        architecture,
        _tokenizer(path, architecture),
        _generation(path),
    )


def absolute(name: str) -> str:
    """A directory's full path, which holds in any working directory; a hub id as it is."""
    path = Path(name).expanduser()
    return str(path.absolute()) if path.exists() else name


def _open_workdir(name: str, path: Path, step: int | str | None) -> Source:
    architecture = models.load_architecture(path / "model.json")
    config = config_lib.load(path / "config.json") if (path / "config.json").exists() else None
    adapted = config is not None and config.lora.rank
    return WorkdirSource(
        name,
        path,
        architecture,
        _tokenizer(path / "tokenizer", architecture),
        _generation(path),
        config=config,
        lora=config.lora if adapted else LoraSection(),
        base=_open_base_of_run(config.model.pretrained, path) if adapted else None,
        step=step,
    )


def _open_base_of_run(name: str, workdir: Path) -> Source:
    """At the step of it that the run started from, if it has steps."""
    version = _base_version(workdir) or ""
    step = int(version.removeprefix("step ")) if version.startswith("step ") else None
    base = open_base(name, str(workdir), step)
    check_base(workdir, base)
    return base


def check_base(workdir: Path, base: Source) -> None:
    """Raises UserError where `base` is not what the run in `workdir` started from."""
    version = _base_version(workdir)
    if version not in (None, base.version):
        raise UserError(
            f"{workdir} was trained on another version of {base.name} ({version}, and now it is "
            f"{base.version}): put that back, or start a new workdir"
        )


def _base_version(workdir: Path) -> str | None:
    try:
        return json.loads((workdir / "base.json").read_text())["version"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{workdir / 'base.json'}: damaged ({error!r}); restore it") from None


def _open_adapter(name: str, path: Path) -> Source:
    base = open_base(_base_name(path / peft.CONFIG), name)
    spec, _ = peft.read_adapter(path, base.family, base.architecture)
    values = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    return PeftSource(
        name,
        path,
        base.architecture,
        _tokenizer(path, base.architecture) or base.tokenizer,
        base.generation,
        lora=LoraSection(**values),
        base=base,
    )


def _base_name(path: Path) -> str:
    try:
        name = json.loads(path.read_text())["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not the config of an adapter ({error!r})") from None
    if not isinstance(name, str) or not name:
        raise UserError(f"{path}: base_model_name_or_path is {name!r}: put the base's name there")
    return name


def open_base(name: str, adapters: str, step: int | None = None) -> Source:
    """The model that the adapters at `adapters` were trained on."""
    try:
        return open_source(name, step)
    except UserError as error:
        raise UserError(
            f"{adapters} has adapters to a model that cannot be opened: {error}"
        ) from None


def _tokenizer(path: Path, architecture: Any) -> Tokenizer | None:
    if not any((path / name).exists() for name in TOKENIZER_FILES):
        return None
    tokenizer = load_tokenizer(path, encoder_decoder=models.is_encoder_decoder(architecture))
    check_tokenizer(tokenizer, architecture.vocab_size)
    return tokenizer


def _generation(path: Path) -> dict[str, Any]:
    try:
        values = json.loads((path / "generation_config.json").read_text())
        return {k: v for k, v in values.items() if k != "transformers_version"}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def progress_bar(title: str) -> Callable[[Iterable], Iterable]:
    """On a terminal a bar, else a line a minute at most."""
    interval = 0.1 if sys.stderr.isatty() else 60
    return partial(
        tqdm, desc=title, unit="tensor", mininterval=interval, delay=interval, leave=False
    )
