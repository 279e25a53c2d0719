"""No text hangs, fills the memory, ends the process or leaves a trace, from any thread.

All of `hostile_texts` is judged in one process with 1 GB above what it has at the start, in its
main thread and in another. Seconds are of the thread's CPU, so that a busy machine fails nothing.
The limit of time is set lower than it is, so that all this takes seconds: what counts is how far a
verdict runs over it, for within one call of FLINT nothing can be stopped.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_texts import CASES

from mathjax.answers.time_limit import SECONDS

LIMIT, OVER = 0.25, 1.0
MEGABYTES = 1024

SCRIPT = f"""
import functools, json, resource, sys, threading, time
from hostile_texts import CASES
from mathjax.answers import fast_formulas, symbolic
from mathjax.answers.symbolic import check
from mathjax.answers.verdict import Verdict

symbolic.deadline = functools.partial(symbolic.deadline, {LIMIT})
fast_formulas.load()
check("abs(x) + floor(sqrt(2)*x)", "1")
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
resource.setrlimit(resource.RLIMIT_AS, (size + {MEGABYTES} * 2**20,) * 2)
events = []
sys.addaudithook(
    lambda event, _: events.append(event)
    if event in ("open", "exec", "compile", "import", "marshal.loads")
    or event.startswith(("os.", "subprocess.", "socket.", "shutil."))
    else None
)

def judge(case):
    start = time.thread_time()
    try:
        verdict = check(case.reference, case.candidate, case.kind, case.variables, case.form)
    except BaseException as error:
        return dict(status=type(error).__name__, reason=str(error)[:200], seconds=0)
    seconds = round(time.thread_time() - start, 3)
    assert type(verdict) is Verdict
    return dict(status=verdict.status, reason=verdict.reason, seconds=seconds)

for name in json.loads(sys.argv[1]):
    print(json.dumps(dict(name=name, thread="begun")), flush=True)
    for thread in ("main", "worker"):
        found = []
        if thread == "main":
            found.append(judge(CASES[name]))
        else:
            worker = threading.Thread(target=lambda: found.append(judge(CASES[name])))
            worker.start()
            worker.join()
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before
        line = dict(found[0], name=name, thread=thread, megabytes=rss, events=sorted(set(events)))
        print(json.dumps(line), flush=True)
"""


def judge_all(names):
    """(results, what went wrong in the process)."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(names)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        timeout=600,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    last = results[-1]["name"] if results else "the start"
    return results, f"at {last}: {done.stderr[-1000:]}" if done.returncode else ""


@pytest.fixture(scope="module")
def judged():
    results, fault = judge_all(list(CASES))
    assert not fault, fault
    return {(result["name"], result["thread"]): result for result in results}


def test_there_are_many():
    assert len(CASES) >= 60
    assert SECONDS + OVER <= 2
    assert {case.kind for case in CASES.values()} >= {
        "expression", "number", "equation", "solution_set", "interval", "tuple", "matrix",
    }  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bounded_in_both_threads(judged, name):
    main, worker = judged[name, "main"], judged[name, "worker"]
    for result in (main, worker):
        assert result["status"] in ("right", "wrong", "undecided"), result
        assert result["seconds"] < LIMIT + OVER, result
        assert result["megabytes"] < MEGABYTES, result
        assert result["events"] == [], result
        if not CASES[name].equal:
            assert result["status"] != "right", result
    if "time" not in (main["reason"], worker["reason"]):
        assert (main["status"], main["reason"]) == (worker["status"], worker["reason"])


def test_a_death_of_the_process_would_be_seen():
    """The harness itself: a script that is killed names the case it was at."""
    script = 'print(\'{"name": "x"}\', flush=True)\nimport os\nos.abort()'
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode != 0 and json.loads(done.stdout)["name"] == "x"
