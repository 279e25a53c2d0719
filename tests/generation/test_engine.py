"""Batched generation: the same tokens as transformers, whatever shares the batch."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mathjax.errors import UserError
from mathjax.generation.engine import GROWTHS, Generator, _limits
from mathjax.generation.sampling import Sampling
from mathjax.huggingface.mapping import params_from_state_dict
from mathjax.models.llama import Llama, LlamaConfig
from mathjax.parallel import Rules, make_mesh, parameter_shardings

CONFIG = LlamaConfig(
    vocab_size=24,
    num_layers=2,
    hidden_size=32,
    num_heads=4,
    num_kv_heads=2,
    intermediate_size=48,
)
NEVER = -1  # an end-of-sequence id that is never drawn
SAMPLED = Sampling(temperature=1.0)


def abstract(config=CONFIG):
    return nnx.split(nnx.eval_shape(lambda: Llama(config, rngs=nnx.Rngs(0))))


def make_params(seed=0):
    rng = np.random.default_rng(seed)

    def weights(path, x):
        mean = 1.0 if "scale" in jax.tree_util.keystr(path) else 0.0
        return jnp.asarray(rng.normal(mean, 0.3, x.shape), jnp.float32)

    shapes = nnx.to_pure_dict(abstract()[1])
    return jax.tree_util.tree_map_with_path(weights, shapes)


def make_prompts(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(2, CONFIG.vocab_size, n).tolist() for n in lengths]


def make_generator(config=CONFIG, **settings):
    defaults = {"eos_id": NEVER, "max_new_tokens": 8, "batch_size": 8}
    return Generator(abstract(config)[0], **(defaults | settings))


@pytest.fixture(scope="module")
def params():
    return make_params()


@pytest.fixture(scope="module")
def sampler():
    return make_generator(sampling=SAMPLED)


def test_greedy_tokens_equal_transformers():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    torch.set_num_threads(1)
    lengths, new, eos = [3, 14, 16, 1, 9], 40, 1
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=CONFIG.vocab_size,
            hidden_size=CONFIG.hidden_size,
            num_hidden_layers=CONFIG.num_layers,
            num_attention_heads=CONFIG.num_heads,
            num_key_value_heads=CONFIG.num_kv_heads,
            intermediate_size=CONFIG.intermediate_size,
            rms_norm_eps=CONFIG.norm_epsilon,
            initializer_range=0.3,
            bos_token_id=None,
            eos_token_id=eos,
            pad_token_id=eos,
        )
    ).eval()
    prompts = make_prompts(lengths)
    padded = torch.full((len(prompts), max(lengths)), eos)
    real = torch.zeros_like(padded)
    for row, prompt in enumerate(prompts):
        padded[row, -len(prompt) :], real[row, -len(prompt) :] = torch.tensor(prompt), 1
    with torch.inference_mode():
        theirs = model.generate(
            padded, attention_mask=real, max_new_tokens=new, do_sample=False
        ).numpy()[:, max(lengths) :]
    arrays = {name: weight.detach().numpy() for name, weight in model.state_dict().items()}
    params = params_from_state_dict("llama", CONFIG, arrays)
    ours = make_generator(eos_id=eos, max_new_tokens=new).generate(params, prompts)
    for completion, expected in zip(ours, theirs, strict=True):
        ends = np.flatnonzero(expected == eos)
        stop = ends[0] if len(ends) else new
        assert completion.tokens == expected[:stop].tolist()
        assert completion.finished == bool(len(ends))
    # Some end and some do not, or this would test little.
    assert {completion.finished for completion in ours} == {True, False}


def test_tokens_are_those_of_the_whole_model_step_by_step(params):
    graph, _ = abstract()
    (completion,) = make_generator().generate(params, make_prompts([6]))
    tokens = np.zeros((1, 14), np.int32)
    tokens[0, :6] = make_prompts([6])[0]
    logits = jax.jit(lambda tokens: nnx.merge(graph, nnx.State(params))(tokens))
    for n in range(6, 14):
        tokens[0, n] = np.argmax(logits(tokens)[0, n - 1])
    assert completion.tokens == tokens[0, 6:].tolist()


def test_neither_neighbours_nor_batch_size_change_a_sample(params, sampler):
    prompts = make_prompts([3, 12, 7, 20, 5, 9, 16, 2, 30, 11])
    together = sampler.generate(params, prompts, seed=5)
    small = make_generator(sampling=SAMPLED, batch_size=2).generate(params, prompts, seed=5)
    assert together == small
    others = [prompts[0], *make_prompts([4, 8, 15], seed=9)]
    assert sampler.generate(params, others, seed=5)[0] == together[0]


def test_samples_depend_on_seed_and_prompt_index_only(params, sampler):
    prompts = make_prompts([5]) * 4
    first = sampler.generate(params, prompts, seed=1)
    assert first == sampler.generate(params, prompts, seed=1)
    assert first != sampler.generate(params, prompts, seed=2)
    assert len({tuple(completion.tokens) for completion in first}) == 4


def test_one_compilation_a_bucket(params):
    generator = make_generator(max_new_tokens=3)
    for lengths in ([1] * 8, [16] * 8, [2, 9, 5, 11, 7, 4, 3, 13], [10] * 16):
        generator.generate(params, make_prompts(lengths))
    assert generator.num_compilations == 1
    generator.generate(params, make_prompts([17] * 8))
    generator.generate(make_params(1), make_prompts([32] * 8))
    assert generator.num_compilations == 2


def test_ends_as_soon_as_every_row_has_ended(params):
    prompts = make_prompts([4, 9, 6])
    endless = make_generator(max_new_tokens=24)
    tokens = [completion.tokens for completion in endless.generate(params, prompts)]
    assert endless.num_steps == 24
    eos = tokens[0][2]
    expected = [row[: row.index(eos)] if eos in row else row for row in tokens]
    generator = make_generator(max_new_tokens=24, eos_id=eos)
    completions = generator.generate(params, prompts)
    assert [completion.tokens for completion in completions] == expected
    assert [completion.finished for completion in completions] == [eos in row for row in tokens]
    # The longest answer and its end; alone, the first prompt ends after 2 tokens and needs 3 steps.
    assert generator.num_steps == min(24, max(map(len, expected)) + 1)
    generator = make_generator(max_new_tokens=24, eos_id=eos)
    generator.generate(params, prompts[:1])
    assert generator.num_steps == len(expected[0]) + 1 <= 3


@pytest.mark.parametrize("max_new_tokens", [1, 15, 16, 17, 64, 65, 200])
def test_the_cache_grows_to_its_full_length(max_new_tokens):
    limits = _limits(max_new_tokens)
    assert len(limits) <= GROWTHS
    assert limits[-1] == max_new_tokens
    assert limits == sorted(set(limits))


def test_growing_does_not_change_tokens(params, monkeypatch):
    prompts = make_prompts([4, 9])
    grown = make_generator(max_new_tokens=40).generate(params, prompts)
    monkeypatch.setattr("mathjax.generation.engine.GROWTHS", 1)
    assert make_generator(max_new_tokens=40).generate(params, prompts) == grown


def test_bfloat16_runs(params):
    config = dataclasses.replace(CONFIG, dtype=jnp.bfloat16)
    completions = make_generator(config).generate(params, make_prompts([3, 9]))
    assert [len(completion.tokens) for completion in completions] == [8, 8]


@pytest.mark.parametrize("sampling", [Sampling(), SAMPLED])
def test_a_mesh_gives_the_same_tokens(params, sampling):
    mesh = make_mesh(2, 2, 2)
    prompts = make_prompts([3, 12, 7, 16, 5])
    expected = make_generator(sampling=sampling).generate(params, prompts, seed=3)
    shardings = nnx.to_pure_dict(parameter_shardings(abstract()[1], mesh, Rules()))
    sharded = jax.device_put(params, shardings)
    assert not sharded["layers"]["mlp"]["up_proj"]["kernel"].sharding.is_fully_replicated
    generator = make_generator(sampling=sampling, mesh=mesh)
    assert generator.generate(sharded, prompts, seed=3) == expected


def test_mistakes_are_named(params):
    with pytest.raises(UserError, match="prompt 1 is empty"):
        make_generator().generate(params, [[1], []])
    with pytest.raises(UserError, match=r"eval\.batch_size=6"):
        make_generator(batch_size=6, mesh=make_mesh(2, 2, 2))
    assert make_generator().generate(params, []) == []
