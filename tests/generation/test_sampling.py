"""Temperature, top-k and top-p: which tokens may be drawn, with which mass."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathjax.errors import UserError
from mathjax.generation.sampling import Sampling, filter_logits, sample

filtered = partial(jax.jit, static_argnums=(1, 2))(filter_logits)


def logits_of(seed, vocab_size=16, rows=5):
    rng = np.random.default_rng(seed)
    return jnp.asarray(3 * rng.normal(size=(rows, vocab_size)), jnp.float32)


def support(logits_BV):
    return np.isfinite(np.asarray(logits_BV))


@given(seed=st.integers(0, 99), top_k=st.sampled_from([1, 2, 7, 16, 40]))
def test_top_k_keeps_the_k_best(seed, top_k):
    logits = logits_of(seed)
    kept = support(filtered(logits, top_k, 1.0))
    assert (kept.sum(axis=1) == min(top_k, 16)).all()
    lowest_kept = np.where(kept, logits, np.inf).min(axis=1)
    assert (np.where(kept, -np.inf, logits).max(axis=1) < lowest_kept).all()


@given(seed=st.integers(0, 99), top_p=st.sampled_from([1e-6, 0.3, 0.9, 0.999]))
def test_top_p_keeps_the_smallest_set_of_that_mass(seed, top_p):
    logits = logits_of(seed)
    kept = support(filtered(logits, 0, top_p))
    mass = np.asarray(jax.nn.softmax(logits))
    kept_mass = np.where(kept, mass, 0).sum(axis=1)
    assert (kept_mass >= top_p - 1e-6).all()
    without_least = kept_mass - np.where(kept, mass, np.inf).min(axis=1)
    assert (without_least < top_p + 1e-6).all()
    assert kept[np.arange(5), mass.argmax(axis=1)].all()


def test_top_p_is_of_what_top_k_left():
    logits = jnp.log(jnp.asarray([[0.4, 0.3, 0.2, 0.1]]))
    # Of the two best, the first has 0.57.
    np.testing.assert_array_equal(support(filtered(logits, 2, 0.5)), [[True, False, False, False]])
    np.testing.assert_array_equal(support(filtered(logits, 0, 0.5)), [[True, True, False, False]])


def draws(logits_V, sampling, count=4000):
    keys = jax.random.split(jax.random.key(0), count)
    logits = jnp.broadcast_to(logits_V, (count, len(logits_V)))
    tokens = jax.jit(sample, static_argnums=2)(logits, keys, sampling)
    return np.bincount(np.asarray(tokens), minlength=len(logits_V)) / count


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_tempered_distribution(temperature):
    logits = jnp.asarray([1.0, 0.0, -1.0, 0.5])
    expected = np.asarray(jax.nn.softmax(logits / temperature))
    frequencies = draws(logits, Sampling(temperature=temperature))
    assert np.abs(frequencies - expected).max() < 4 * 0.5 / np.sqrt(4000)


def test_only_kept_tokens_are_drawn():
    logits = jnp.asarray([1.0, 0.9, 0.8, 0.7])
    frequencies = draws(logits, Sampling(temperature=1.0, top_k=2))
    assert (frequencies > 0).tolist() == [True, True, False, False]


def test_greedy_takes_the_best_and_the_first_of_equals():
    logits = jnp.asarray([[0.0, 2.0, 2.0], [1.0, 0.0, -1.0]])
    tokens = sample(logits, jax.random.split(jax.random.key(0), 2), Sampling())
    np.testing.assert_array_equal(tokens, [1, 0])


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ({"temperature": -0.1}, "generation.temperature"),
        ({"temperature": float("nan")}, "generation.temperature"),
        ({"top_k": -1}, "generation.top_k"),
        ({"top_p": 0.0}, "generation.top_p"),
        ({"top_p": 1.1}, "generation.top_p"),
    ],
)
def test_impossible_settings_are_named(setting, key):
    with pytest.raises(UserError, match=key):
        Sampling(**setting)
