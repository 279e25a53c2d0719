"""What a person sees at the end of a run: a table, some solved and some failed examples."""

from __future__ import annotations

from typing import Any

from mathjax.evaluation.runner import Score


def score_table(scores: dict[str, Score]) -> str:
    """One line a split: pass@1 with its 95 % interval, size, and the commonest failures."""
    width = max(len("split"), *(len(split) for split in scores))
    lines = [f"{'split':{width}}   pass@1   95 % interval   problems   commonest failures"]
    for split, score in scores.items():
        interval = "       -      " if score.low is None else f"{score.low:.3f} .. {score.high:.3f}"
        failures = [f"{code} {n}" for code, n in score.reasons.items() if code != "right"][:3]
        row = f"{split:{width}}   {score.pass_at_1:6.3f}   {interval}   {score.count:8,}   "
        lines.append(row + (", ".join(failures) or "-"))
        if score.pass_at_k is not None:
            lines[-1] += f"   (pass@{score.num_samples} {score.pass_at_k:.3f})"
        if score.truncated:
            lines[-1] += f"   ({score.truncated} cut by max_new_tokens)"
    return "\n".join(lines)


def examples(rows: list[dict[str, Any]], each: int = 3) -> str:
    """The first solved and the first failed answers of a split."""
    lines = []
    for title, wanted in (("solved", True), ("failed", False)):
        chosen = [row for row in rows if row["correct"] == wanted][:each]
        for row in chosen:
            note = "" if wanted else f"   [{row['reason']}] {row['detail']}"
            lines.append(f"  {title}  {row['prompt']}  ->  {row['response'][:120]!r}{note}")
    return "\n".join(lines)
