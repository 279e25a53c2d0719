"""Meshes and shardings: what fits, and what is said when it does not."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from mathjax.models.llama import Llama, LlamaConfig
from mathjax.parallel import Rules, ShardingError, constrain, make_mesh, parameter_shardings
from mathjax.training.state import abstract_model


def test_minus_one_takes_what_is_left():
    assert dict(make_mesh(-1, 2, 2).shape) == {"data": 2, "fsdp": 2, "tensor": 2}
    assert dict(make_mesh().shape) == {"data": 8, "fsdp": 1, "tensor": 1}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((3, 1, 1), "needs 3 devices and 8 are there"),
        ((-1, 3, 1), "mesh.data=-1: 8 devices do not divide"),
        ((-1, -1, 1), "mesh.data and mesh.fsdp are both -1"),
        ((0, 1, 1), "mesh.data=0"),
    ],
)
def test_meshes_that_do_not_fit(sizes, message):
    with pytest.raises(ShardingError, match=message):
        make_mesh(*sizes)


def shardings(mesh, **sizes):
    sizes = {"hidden_size": 32, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 64} | sizes
    config = LlamaConfig(vocab_size=23, num_layers=2, **sizes)
    _, abstract = abstract_model(lambda rngs: Llama(config, rngs=rngs))
    return nnx.to_pure_dict(parameter_shardings(abstract, mesh, Rules()))


def test_parameters_lie_where_the_rules_say():
    tree = shardings(make_mesh(2, 2, 2))
    spec = jax.sharding.PartitionSpec
    assert tree["layers"]["attention"]["q_proj"]["kernel"].spec == spec(None, "fsdp", "tensor")
    assert tree["layers"]["mlp"]["down_proj"]["kernel"].spec == spec(None, "tensor", "fsdp")
    assert tree["embedding"].spec == spec(None, "fsdp")  # 23 does not divide by 2: replicated


def test_a_size_that_does_not_divide_names_axis_and_parameter():
    with pytest.raises(
        ShardingError, match=r"mesh.tensor=8.*'kv_heads'=36.*layers\.attention\.\w+_proj"
    ):
        shardings(make_mesh(1, 1, 8), hidden_size=36, num_heads=2, num_kv_heads=2)


def test_a_logical_axis_with_a_typo_is_an_error():
    with pytest.raises(AttributeError):
        Rules().spec("head")


def test_constrain_replicates_what_does_not_divide():
    with jax.set_mesh(make_mesh(2, 2, 2)):
        y = jax.jit(lambda x: constrain(x, "batch", "vocab"))(jnp.ones((4, 23)))
        assert y.sharding.spec[0] == ("data", "fsdp")
        jax.jit(lambda x: constrain(x, "batch", "vocab"))(jnp.ones((1, 24)))
