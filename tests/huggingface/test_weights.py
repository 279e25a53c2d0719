"""Weights in files: every type and shape bit for bit, and damage named, by file and tensor."""

import gc
import json
import struct
import sys
import weakref

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mathjax.huggingface.weights import (
    TYPE_NAMES,
    WeightsError,
    has_weights,
    listing,
    of_array,
    open_weights,
    same_values,
)

ARRAYS = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "b": np.linspace(-2, 2, 5).astype(np.float16),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.array(2.5),
    "mask": np.array([[True, False]]),
}


def save(path, arrays=ARRAYS):
    safetensors.numpy.save_file(arrays, path, metadata={"format": "pt"})
    return path


def save_shards(directory, arrays=ARRAYS, suffix="safetensors", stem="model", write=save):
    """Two files and their index."""
    names = sorted(arrays)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    files = {}
    for number, half in enumerate(halves, start=1):
        shard = f"{stem}-{number:05d}-of-00002.{suffix}"
        write(directory / shard, {name: arrays[name] for name in half})
        files |= dict.fromkeys(half, shard)
    write_index(directory / f"{stem}.{suffix}.index.json", files)
    return files


def write_index(path, files):
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": files}))


def write_raw(path, header, data=b"", length=None):
    """A safetensors file whose header may say anything."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def assert_same(weights, arrays):
    assert weights.keys() == arrays.keys()
    for name, array in arrays.items():
        found = weights[name].read()
        assert weights[name].shape == found.shape == array.shape, name
        assert weights[name].dtype == found.dtype == array.dtype, name
        assert found.tobytes() == array.tobytes(), name


numeric = [dtype for dtype in TYPE_NAMES if dtype.type.__module__ == "numpy"]


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        hnp.arrays(
            st.sampled_from(numeric),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
        ),
        max_size=6,
    )
)
@settings(max_examples=40)
def test_any_arrays_are_read_bit_for_bit(tmp_path_factory, arrays):
    directory = tmp_path_factory.mktemp("weights")
    save(directory / "model.safetensors", arrays)
    assert_same(open_weights(directory), arrays)


@pytest.mark.parametrize("dtype", TYPE_NAMES, ids=lambda dtype: dtype.name)
def test_every_type_is_read_bit_for_bit(tmp_path, dtype):
    array = np.arange(6 * dtype.itemsize, dtype=np.uint8).view(dtype).reshape(2, 3)
    if dtype == np.bool_:
        array = np.array([[True, False, True], [False, True, False]])
    item = {"dtype": TYPE_NAMES[dtype], "shape": [2, 3], "data_offsets": [0, array.nbytes]}
    write_raw(tmp_path / "model.safetensors", {"x": item}, array.tobytes())
    assert_same(open_weights(tmp_path), {"x": array})


def test_single_files_and_shards_are_found(tmp_path):
    assert not has_weights(tmp_path)
    save_shards(tmp_path)
    assert has_weights(tmp_path)
    assert_same(open_weights(tmp_path), ARRAYS)
    other = {"x": np.ones(3, np.float32)}
    save(tmp_path / "model.safetensors", other)  # comes before an index
    assert_same(open_weights(tmp_path), other)


def test_nothing_is_read_before_it_is_asked_for_nor_kept(tmp_path, monkeypatch):
    path = save(tmp_path / "model.safetensors")
    opened = []
    memmap = np.memmap
    monkeypatch.setattr(np, "memmap", lambda *a, **k: opened.append(a[3]) or memmap(*a, **k))
    weights = open_weights(tmp_path)
    assert opened == []
    array = weights["a.weight"].read()
    assert len(opened) == 1
    assert opened[0] + array.nbytes <= path.stat().st_size
    alive = weakref.ref(array)
    del array
    gc.collect()
    assert alive() is None


def test_directories_without_weights_say_what_they_have(tmp_path):
    with pytest.raises(WeightsError, match="no model.safetensors or pytorch_model.bin in it"):
        open_weights(tmp_path)
    (tmp_path / "tf_model.h5").touch()
    with pytest.raises(WeightsError, match=r"tf_model.h5 cannot be read"):
        open_weights(tmp_path)


@pytest.mark.parametrize("kept", [0, 5, 8, 60, -1])
def test_a_file_cut_short_is_named(tmp_path, kept):
    path = save(tmp_path / "model.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="model.safetensors: .*(cut short|damaged)"):
        open_weights(tmp_path)


def test_bytes_too_many_are_named(tmp_path):
    path = save(tmp_path / "model.safetensors")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="model.safetensors: .* damaged"):
        open_weights(tmp_path)


def item(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"x": item(shape=(3,))}, "the place of x does not fit its shape"),
        ({"x": item(dtype="F64")}, "the place of x does not fit its shape"),
        ({"x": item(offsets=(0, 4), shape=(1,))}, "damaged"),  # four bytes of no tensor
        ({"x": item(offsets=(4, 12))}, "the place of x"),
        ({"x": item(), "y": item()}, "the place of y"),  # the same bytes
        ({"x": item(offsets=(0, 80), shape=(20,))}, "cut short"),
        ({"x": item(shape=(-1, -2))}, "the shape of x is"),
        ({"x": item(shape=(2.0,))}, "the shape of x is"),
        ({"x": item(offsets=(0,))}, "damaged"),
        ({"x": item(dtype="F4")}, "x has type F4: not supported"),
        ({"x": {"dtype": "F32"}}, "damaged"),
        ({"x": 3}, "damaged"),
        ([], "damaged"),
        (b"{", "damaged"),
        (b"\xff\xff", "damaged"),
        (b"[" * 100_000, "damaged"),
    ],
)
def test_a_header_that_lies_is_named(tmp_path, header, text):
    write_raw(tmp_path / "model.safetensors", header, bytes(8))
    with pytest.raises(WeightsError, match=f"model.safetensors: .*{text}"):
        open_weights(tmp_path)


def test_a_header_longer_than_the_file_is_not_read(tmp_path):
    write_raw(tmp_path / "model.safetensors", {"x": item()}, bytes(8), length=2**60)
    with pytest.raises(WeightsError, match="the header goes past the end"):
        open_weights(tmp_path)


@given(
    position=st.integers(0, 200),
    byte=st.integers(0, 255),
)
@settings(max_examples=100)
def test_a_changed_byte_is_named_or_harmless(tmp_path_factory, position, byte):
    """No error but ours, and nothing of another size than the header said."""
    directory = tmp_path_factory.mktemp("changed")
    path = save(directory / "model.safetensors", {"a": np.ones((2, 3), np.float32)})
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    try:
        weights = open_weights(directory)
    except WeightsError as error:
        assert "model.safetensors" in str(error)
    else:
        for tensor in weights.values():
            assert tensor.read().shape == tensor.shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not an index of shards"),
        ("[]", "not an index of shards"),
        ('{"weight_map": ["a"]}', "not an index of shards"),
        ('{"weight_map": {"a": 3}}', "not an index of shards"),
        ('{"metadata": {}}', "not an index of shards"),
    ],
)
def test_an_index_that_is_none_is_named(tmp_path, text, words):
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(WeightsError, match=f"model.safetensors.index.json: {words}"):
        open_weights(tmp_path)


def test_a_missing_shard_is_named(tmp_path):
    save_shards(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match="model-00002-of-00002.safetensors is missing"):
        open_weights(tmp_path)


def test_an_index_that_disagrees_is_named(tmp_path):
    files = save_shards(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    write_index(index, files | {"b": files["scalar"]})  # in the other file
    with pytest.raises(WeightsError, match="model-00001-of-00002.* disagree on b;"):
        open_weights(tmp_path)
    del files["scalar"]
    write_index(index, files)  # left out
    with pytest.raises(WeightsError, match="model-00002-of-00002.* disagree on scalar;"):
        open_weights(tmp_path)


def test_an_index_does_not_lead_out_of_the_directory(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    save(tmp_path / "model.safetensors")
    write_index(
        inside / "model.safetensors.index.json", dict.fromkeys(ARRAYS, "../model.safetensors")
    )
    with pytest.raises(WeightsError, match="model.safetensors is missing"):
        open_weights(inside)


def torch_state():
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(array) for name, array in ARRAYS.items()}
    tensors["half"] = torch.randn(3, 4).to(torch.bfloat16)
    tensors["transposed"] = torch.randn(3, 4).T
    tensors["gradient"] = torch.nn.Parameter(torch.randn(3))
    return tensors


def arrays_of(tensors):
    import torch

    arrays = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        if tensor.dtype == torch.bfloat16:
            arrays[name] = tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        else:
            arrays[name] = tensor.numpy()
    return arrays


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before-torch-1.6"])
def test_bin_files_are_read_bit_for_bit(tmp_path, old):
    tensors = torch_state()
    import torch

    path = tmp_path / "pytorch_model.bin"
    torch.save(tensors, path, _use_new_zipfile_serialization=not old)
    assert has_weights(tmp_path)
    assert_same(open_weights(tmp_path), arrays_of(tensors))


def test_shards_of_bin_are_read_bit_for_bit(tmp_path):
    tensors = torch_state()
    import torch

    save_shards(
        tmp_path, tensors, "bin", "pytorch_model", lambda path, part: torch.save(part, path)
    )
    assert_same(open_weights(tmp_path), arrays_of(tensors))


def test_safetensors_come_before_bin(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"not read")
    save(tmp_path / "model.safetensors")
    assert_same(open_weights(tmp_path), ARRAYS)


def test_bin_without_torch_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)  # import raises ImportError
    with pytest.raises(WeightsError, match="pytorch_model.bin: .*needs torch.*pip install torch"):
        open_weights(tmp_path)


class Harmful:
    """A pickle of it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_bin_that_holds_more_than_tensors_is_refused_and_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.ones(2), "x": Harmful(tmp_path / "made")}, path)
    with pytest.raises(WeightsError, match="pytorch_model.bin: .*not a file of tensors alone"):
        open_weights(tmp_path)
    assert not (tmp_path / "made").exists()
    for state in ({"a": torch.ones(2), "step": 3}, [torch.ones(2)], torch.ones(2)):
        torch.save(state, path)
        with pytest.raises(WeightsError, match="pytorch_model.bin: not a dictionary of tensors"):
            open_weights(tmp_path)


def test_bin_of_types_that_numpy_has_not_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    for tensor in (torch.ones(2).to(torch.float8_e4m3fn), torch.eye(3).to_sparse()):
        torch.save({"x": tensor}, tmp_path / "pytorch_model.bin")
        with pytest.raises(WeightsError, match="pytorch_model.bin: x cannot be read"):
            open_weights(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 100, -40])
def test_bin_cut_short_is_named(tmp_path, kept):
    torch = pytest.importorskip("torch")
    path = tmp_path / "pytorch_model.bin"
    torch.save({"x": torch.ones(50)}, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="pytorch_model.bin: damaged"):
        open_weights(tmp_path)


def test_same_values_is_of_bits_and_a_few_rows_at_a_time():
    a = np.zeros((9, 2), np.float32)
    assert same_values(of_array(a), of_array(a.copy()), rows=4)
    for row in range(9):
        other = a.copy()
        other[row, 1] = -0.0
        assert not same_values(of_array(a), of_array(other), rows=4)
    nan = np.full((9, 2), np.nan, np.float32)
    assert same_values(of_array(nan), of_array(nan.copy()), rows=4)
    assert not same_values(of_array(a), of_array(a[:8]))
    assert not same_values(of_array(a), of_array(a.view(np.int32)))
    assert same_values(of_array(a.T), of_array(np.ascontiguousarray(a.T)))


def test_listing():
    assert listing(["a", "b"]) == "a, b"
    assert listing(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
