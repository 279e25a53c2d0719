"""Scores a model, or recomputes a score from a samples file.

    python launch/evaluate.py --checkpoint=runs/puzzle --tasks=in_domain,form_ood --limit=200
    python launch/evaluate.py --checkpoint=openlm-research/open_llama_3b --config=configs/puzzle.py
    python launch/evaluate.py --checkpoint=runs/puzzle --num_samples=8 --temperature=0.7
    python launch/evaluate.py --checkpoint=runs/puzzle --samples=runs/puzzle/samples/in_domain.jsonl

A model that was not trained here (a Hugging Face directory or hub id, a peft adapter, a converted
checkpoint) is asked what --config says. Writes samples/, summary.json and plots/ below --output.
"""

import json
from pathlib import Path

from absl import flags

from mathjax import launcher
from mathjax.errors import UserError

CHECKPOINT = launcher.define_checkpoint()
CONFIG = launcher.define_config()
TASKS = flags.DEFINE_list("tasks", None, "test splits; default: those of the run's config")
OUTPUT = flags.DEFINE_string(
    "output", None, "default: <workdir>/evaluation or runs/NAME-evaluation"
)
LIMIT = flags.DEFINE_integer("limit", None, "problems a split; default: all", lower_bound=1)
STEP = launcher.define_step()
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 1, "answers a problem", lower_bound=1)
SAMPLING = launcher.define_sampling()
MAX_NEW_TOKENS = flags.DEFINE_integer("max_new_tokens", None, "default: the run's", lower_bound=1)
BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "default: the run's", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "of sampling", lower_bound=0, upper_bound=2**32 - 1)
SAMPLES = flags.DEFINE_string(
    "samples", None, "recompute the score of this samples file; no model is run"
)


def main(_) -> int:
    from mathjax import config, experiment
    from mathjax.evaluation import report, runner, tasks

    checkpoint = CHECKPOINT.value
    asked = config.resolve(CONFIG.value) if CONFIG.value is not None else None
    if SAMPLES.value:
        path = Path(SAMPLES.value)
        if not path.is_file():
            raise UserError(f"{path}: no such file")
        if asked is None and not (Path(checkpoint) / "model.json").exists():
            raise UserError(f"{checkpoint} is no workdir: say with --config what it was asked")
        task = tasks.make_task(asked or config.load(Path(checkpoint) / "config.json"))
        print(report.score_table({path.stem: runner.rescore(task, path)}))
        return 0
    model = experiment.load_model(checkpoint, STEP(), config=asked)
    generation = {"sampling": SAMPLING(model.config.generation)}
    if NUM_SAMPLES.value > 1 and generation["sampling"].temperature == 0:
        raise UserError(
            "--num_samples above 1 needs --temperature above 0: greedy answers are all the same"
        )
    for name, flag in (("max_new_tokens", MAX_NEW_TOKENS), ("batch_size", BATCH_SIZE)):
        if flag.value:
            generation[name] = flag.value
    output = Path(OUTPUT.value or experiment.default_output(checkpoint))
    scores, _ = experiment.evaluate(
        model,
        TASKS.value or model.config.eval.splits,
        output,
        limit=LIMIT.value,
        num_samples=NUM_SAMPLES.value,
        seed=SEED.value,
        **generation,
    )
    print(f"{checkpoint}, step {model.step:,}; settings {json.dumps(generation, default=str)}\n")
    print(report.score_table(scores))
    print(f"\nsamples and summary: {output}")
    return 0


if __name__ == "__main__":
    launcher.run(main)
