"""`python -m mathjax.answers`: the verdict, its reason, and how the texts were understood."""

import io
import subprocess
import sys

import pytest

from mathjax.answers.__main__ import main


def run(capsys, *arguments):
    status = main(list(arguments))
    return status, capsys.readouterr().out


def test_both_readings_are_shown(capsys):
    status, out = run(capsys, "1/2x", "\\frac{1}{2x}")
    assert status == 1
    assert out.splitlines() == [
        "wrong: value (not equal)",
        "reference: (1/2)*x",
        "candidate: 1/(2*x)",
    ]


@pytest.mark.parametrize(
    "arguments, status, start",
    [
        (["x=1 or x=2", "{2, 1}", "--kind=solution_set"], 0, "right: right"),
        (["--form=expanded", "(x+1)^2", "(1+x)^2"], 1, "wrong: form"),
        (["--variables=E,price", "E*price", "price*E"], 0, "right: right"),
        (["x", "os.system('ls')"], 2, "undecided: parse"),
        (["x", "1/0"], 1, "wrong: undefined"),
        (["--kind=puzzle", "3,6:9", "3+6=9"], 0, "right: right"),
        (["--benchmark=gsm8k", "#### 18", "so it is 19. The answer is 18."], 0, "right: right"),
        (["--benchmark=aqua", "--options=A)21|B)24", "B", "The answer is 24"], 0, "right"),
        (["--kind=matrix", "--", "-[[1,2],[3,4]]", "[[1,2],[3,4]]"], 2, "undecided: parse"),
    ],
)
def test_status(capsys, arguments, status, start):
    found, out = run(capsys, *arguments)
    assert (found, out[: len(start)]) == (status, start)


def test_a_rationale_step_by_step(capsys):
    status, out = run(capsys, "--kind=trace", "18", "16 - 7 = 9. 9 * 2 = 19. #### 19")
    assert status == 1
    assert out.splitlines()[0] == "wrong: step (first wrong step: 9 * 2 = 19)"
    assert "final answer: 19, wrong; with the arithmetic mended 18, right" in out


def test_texts_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("x^2\nx*x\n"))
    assert run(capsys, "-", "-")[0] == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--kind=poem", "1", "1"], "invalid choice: 'poem'"),
        (["--form=pretty", "1", "1"], "form must be one of expanded"),
        (["--kind=puzzle", "a:1", "x"], "not a puzzle"),
        (["--benchmark=gsm9k", "1", "1"], "gsm8k"),
        (["1"], "required: candidate"),
    ],
)
def test_a_command_that_cannot_be_run_is_not_undecided(arguments, message):
    command = [sys.executable, "-m", "mathjax.answers", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and message in done.stderr and "Traceback" not in done.stderr
