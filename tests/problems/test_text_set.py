"""Sets written in Python: threads and processes may share them."""

import pickle
import random
import threading
import time

import pytest

from mathjax.problems.rules import RuleSet, RuleSpec
from mathjax.problems.stories import StorySet, StorySpec
from mathjax.problems.text_set import Candidate, TextSet


class SlowSet(set):
    """Lets other threads run between a look-up and what is done about it."""

    def __contains__(self, key):
        found = super().__contains__(key)
        time.sleep(random.random() * 1e-3)
        return found


def slow_set(count):
    """Many of its candidates have come before."""

    def draw(draws, _):
        return Candidate(None, str(draws.below(400)))

    made = TextSet("t", "", draw, 0, "test", count)
    made._keys = SlowSet()
    return made


def in_threads(made, count, ask):
    found, errors = {}, []
    barrier = threading.Barrier(4)

    def work(thread):
        try:
            barrier.wait()
            for index in range(thread, count, 2):  # each index is asked for by two threads
                found[thread, index] = ask(made, index)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return found


def test_threads_find_what_one_finds():
    made = slow_set(25)
    found = in_threads(made, 25, lambda one, index: one._stream(index))
    alone = slow_set(25)
    assert found and all(alone._stream(index) == stream for (_, index), stream in found.items())
    assert made._chosen == alone._chosen == sorted(set(alone._chosen))


@pytest.mark.parametrize("split", ["in_domain", "numeric", "symbolic"])
def test_stories_in_threads(split):
    found = in_threads(StorySet(StorySpec(), 2, split, 40), 40, StorySet.problem)
    alone = StorySet(StorySpec(), 2, split, 40)
    assert all(alone.problem(index) == problem for (_, index), problem in found.items())


def test_sets_go_to_other_processes():
    for made in (
        RuleSet(RuleSpec(task="isolate"), 0, "test", 30),
        StorySet(StorySpec(), 0, "numeric", 9),
    ):
        first = made.problem(5)
        copy = pickle.loads(pickle.dumps(made))
        assert copy.problem(5) == first
        assert [copy.problem(i) for i in range(9)] == [made.problem(i) for i in range(9)]
