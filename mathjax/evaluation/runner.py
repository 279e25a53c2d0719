"""Scores a model on problems: generate, check, count; every prompt and answer goes to a samples
file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mathjax.data.tokenizer import Tokenizer
from mathjax.errors import UserError
from mathjax.evaluation.statistics import pass_at_k, wilson_interval
from mathjax.evaluation.tasks import Task, reference_problems
from mathjax.generation.engine import Generator


@dataclasses.dataclass(frozen=True)
class Score:
    """Of one split. `low` and `high` bound pass@1 at 95 % (Wilson; over problems, at one sample
    each).

    With several samples a problem, `pass_at_1` is the mean over all of them and the interval is
    left out (None), since samples of one problem are not independent.
    """

    pass_at_1: float
    low: float | None
    high: float | None
    count: int  # problems
    num_samples: int  # a problem
    pass_at_k: float | None  # k = num_samples, where above 1
    truncated: int  # answers cut by max_new_tokens
    undecided: int
    reasons: dict[str, int]  # verdicts by reason code, most frequent first


def evaluate_split(
    task: Task,
    split: str,
    generator: Generator,
    params: Any,
    tokenizer: Tokenizer,
    samples_path: Path | None,
    *,
    limit: int | None = None,
    num_samples: int = 1,
    seed: int = 0,
    progress: Callable[[Iterable], Iterable] = iter,
) -> tuple[Score, list[dict[str, Any]]]:
    """Score and sample rows of the first `limit` problems. The file appears whole or not at all."""
    problems = reference_problems(task.make_split(split, limit))
    prompts = [tokenizer.encode_prompt(p.prompt) for p in problems for _ in range(num_samples)]
    completions = generator.generate(params, prompts, seed=seed, progress=progress)
    rows = []
    for i, completion in enumerate(completions):
        problem = problems[i // num_samples]
        response = tokenizer.decode(completion.tokens)
        verdict = task.check(problem.prompt, response, problem.response)
        rows.append(
            {
                "split": split,
                "index": i // num_samples,
                "prompt": problem.prompt,
                "response": response,
                "correct": verdict.correct,
                "status": verdict.status,
                "reason": verdict.reason,
                "detail": verdict.detail,
                "finished": completion.finished,
                "reference": problem.response,
                **problem.facts,
            }
        )
    if samples_path is not None:
        write_rows(samples_path, rows)
    return score_rows(rows), rows


def score_rows(rows: list[dict[str, Any]]) -> Score:
    if not rows:
        raise UserError("no samples to score")
    counts: dict[int, list[int]] = {}
    for row in rows:
        counts.setdefault(row["index"], []).append(bool(row["correct"]))
    num_samples = len(rows) // len(counts)
    right = sum(row["correct"] for row in rows)
    low, high = wilson_interval(right, len(rows)) if num_samples == 1 else (None, None)
    return Score(
        pass_at_1=right / len(rows),
        low=low,
        high=high,
        count=len(counts),
        num_samples=num_samples,
        pass_at_k=None
        if num_samples == 1
        else sum(pass_at_k(len(c), sum(c), num_samples) for c in counts.values()) / len(counts),
        truncated=sum(not row["finished"] for row in rows),
        undecided=sum(row["status"] == "undecided" for row in rows),
        reasons=dict(Counter(row["reason"] for row in rows).most_common()),
    )


def rescore(task: Task, path: Path) -> Score:
    """The score of a samples file, each answer checked again; needs no model."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            row = json.loads(line)
            verdict = task.check(row["prompt"], row["response"], row["reference"])
            row.update(correct=verdict.correct, status=verdict.status, reason=verdict.reason)
            rows.append(
                {key: row[key] for key in ("index", "correct", "status", "reason", "finished")}
            )
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a sample row ({error!r})") from None
    return score_rows(rows)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    os.replace(temporary, path)
