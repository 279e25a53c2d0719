"""Pictures of a run, for a README or a report: how training went, and how well it answers."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathjax.evaluation.statistics import wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008: distinguishable with every common kind of colour blindness.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C8C8C",
)  # fmt: skip
_LINES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
_REASONS = (RED, ORANGE, PURPLE, SKY, GREEN)
_STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
}


def plot_training(metrics: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """PNG of loss, learning rate (or accuracy), and pass@1 over steps; `metrics` as `read_metrics`.

    Draws the panels that there are numbers for. A key 'validation/pass_at_1' becomes a line named
    'validation', with a 95 % Wilson band if the row also has 'validation/count'. A value that is
    missing or null leaves a gap.
    """
    import matplotlib

    scored = sorted({key for row in metrics for key in row if key.endswith("/pass_at_1")})
    panels = ["loss"] if _series(metrics, "loss")[0] else []
    panels += [key for key in ("accuracy", "learning_rate") if _series(metrics, key)[0]][:1]
    panels += ["pass_at_1"] if scored else []
    with matplotlib.rc_context(_STYLE):
        figure = _figure(4.6 * max(1, len(panels)), 3.5)
        axes = figure.subplots(1, max(1, len(panels)), squeeze=False, sharex=True)[0]
        if not panels:
            axes[0].set_title("nothing logged yet")
        for axis, panel in zip(axes, panels, strict=False):
            if panel == "pass_at_1":
                _draw_scores(axis, metrics, scored)
            else:
                _draw_line(axis, panel, *_series(metrics, panel))
            axis.set_xlabel("step")
            axis.xaxis.set_major_formatter(_short_number)
            axis.margins(x=0.02)
        _save(figure, path)


def plot_scores(summary: Mapping[str, Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """PNG of pass@1 for each split with its interval, and of what the wrong answers died of.

    `summary` maps a split to 'pass_at_1', 'low', 'high' (None: no whisker), 'count' and 'reasons'
    (reason code -> number; the code 'right' is not an error). Splits are drawn from top to bottom,
    reasons beyond the five most frequent as 'other'.
    """
    import matplotlib

    splits = list(summary)
    errors = {split: Counter(summary[split].get("reasons") or {}) for split in splits}
    for counts in errors.values():
        counts.pop("right", None)
    total = sum(errors.values(), Counter())
    shown = [code for code, _ in total.most_common(len(_REASONS))]
    panels = 2 if shown else 1
    rows = range(len(splits))
    with matplotlib.rc_context(_STYLE):
        figure = _figure(5.2 * panels, 1.55 + 0.46 * max(2, len(splits)))
        axes = figure.subplots(1, panels, squeeze=False, sharey=True)[0]
        axis = axes[0]
        for row, split in zip(rows, splits, strict=True):
            _draw_score(axis, row, summary[split])
        axis.set_yticks(list(rows), [split.replace("_", " ") for split in splits])
        room = 0.6 if len(splits) > 1 else 0.9
        axis.set_ylim(len(splits) - 1 + room, -room)
        axis.set_xlim(0, 1)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        interval = any(summary[split].get("low") is not None for split in splits)
        axis.set_title("pass@1, with 95 % interval" if interval else "pass@1")
        axis.grid(False, axis="y")
        if shown:
            _draw_reasons(axes[1], [(errors[s], summary[s]["count"]) for s in splits], shown)
        for axis in axes:
            axis.tick_params(axis="y", length=0)
        _save(figure, path)


def _draw_line(axis: Axes, name: str, steps: list[int], values: list[float]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_title(name.replace("_", " "))
    noisy = len(values) > 60 and name != "learning_rate"
    axis.plot(steps, values, color=BLUE, linewidth=1 if noisy else 2, alpha=0.3 if noisy else 1)
    if noisy:
        axis.plot(steps, _smooth(values), color=BLUE, linewidth=2)
    finite = [value for value in values if math.isfinite(value)]
    if name == "loss" and min(finite) > 0 and max(finite) > 3 * min(finite):
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_minor_formatter(NullFormatter())
    elif name == "accuracy":
        axis.set_ylim(0, 1)
    elif name == "learning_rate":
        axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _draw_scores(axis: Axes, metrics: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    axis.set_title("pass@1")
    for key, color in zip(keys, _LINES * len(keys), strict=False):
        name = key.removesuffix("/pass_at_1")
        steps, values = _series(metrics, key)
        axis.plot(steps, values, color=color, linewidth=2, marker="o", markersize=3.5, label=name)
        bands = [
            (row["step"], *wilson_interval(round(row[key] * count), count))
            for row in metrics
            if row.get(key) is not None and (count := int(row.get(f"{name}/count") or 0))
        ]
        if bands:
            axis.fill_between(*zip(*bands, strict=True), color=color, alpha=0.18, linewidth=0)
    axis.set_ylim(0, 1)
    axis.legend(loc="lower right" if _ends_high(metrics, keys) else "upper left")


def _ends_high(metrics: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> bool:
    return any(values and values[-1] > 0.5 for _, values in (_series(metrics, k) for k in keys))


def _draw_score(axis: Axes, row: int, score: Mapping[str, Any]) -> None:
    value, low, high = score["pass_at_1"], score.get("low"), score.get("high")
    axis.barh(row, value, height=0.62, color=BLUE)
    end = value
    if low is not None and high is not None:
        spread = [[max(0.0, value - low)], [max(0.0, high - value)]]
        axis.errorbar(value, row, xerr=spread, color="black", capsize=4, linewidth=1.4)
        end = high
    text = f"{value:.3f}  (n={score['count']:,})"
    if end < 0.6:
        axis.text(end + 0.02, row, text, va="center", fontsize=10)
    else:
        start = min(value, low if low is not None else value)
        axis.text(start - 0.02, row, text, va="center", ha="right", color="white", fontsize=10)


def _draw_reasons(axis: Axes, errors: Sequence[tuple[Counter, int]], shown: Sequence[str]) -> None:
    """Stacked bars; the whole bar is what the score on the left lacks to 1."""
    from matplotlib.ticker import MaxNLocator

    ends = [0.0] * len(errors)
    rest = [counts.total() - sum(counts[code] for code in shown) for counts, _ in errors]
    stacks = [([counts[code] for counts, _ in errors], code) for code in shown]
    stacks += [(rest, "other")] if any(rest) else []
    for (numbers, code), color in zip(stacks, [*_REASONS[: len(shown)], GREY], strict=False):
        shares = [number / count for number, (_, count) in zip(numbers, errors, strict=True)]
        label = code.replace("_", " ")
        axis.barh(range(len(errors)), shares, left=ends, height=0.62, color=color, label=label)
        ends = [end + share for end, share in zip(ends, shares, strict=True)]
    axis.set_title("wrong answers, share of all")
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axis.grid(False, axis="y")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10, handlelength=1)


def _series(metrics: Sequence[Mapping[str, Any]], key: str) -> tuple[list[int], list[float]]:
    rows = [row for row in metrics if key in row]
    if all(row[key] is None for row in rows):
        return [], []
    values = [math.nan if row[key] is None else float(row[key]) for row in rows]
    return [row["step"] for row in rows], values


def _smooth(values: Sequence[float]) -> list[float]:
    """Mean over neighbours on both sides, a fortieth of the run wide: smooth and without lag."""
    reach = max(2, len(values) // 80)
    smooth = []
    for i in range(len(values)):
        near = min(reach, i, len(values) - 1 - i)
        window = [v for v in values[i - near : i + near + 1] if math.isfinite(v)]
        smooth.append(sum(window) / len(window) if window else math.nan)
    return smooth


def _short_number(value: float, _: Any = None) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")
