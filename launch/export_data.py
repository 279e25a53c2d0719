"""Writes generated problems to disk, for other tools or to look at.

    python launch/export_data.py --dataset=puzzle --count=1000000 --output=puzzles.jsonl
    python launch/export_data.py --dataset=puzzle --split=form_ood --output=form_ood.parquet
    python launch/export_data.py --dataset=rules --set=task=quadratic --count=1000 --output=q.jsonl
    python launch/export_data.py --dataset=arithmetic,stories --weights=3,1 --count=500000 \\
        --output=mixture
    python launch/export_data.py --dataset=puzzle --set=max_number=20 --set='num_numbers=(3,)' \\
        --count=100000 --output=small.jsonl.gz
    python launch/export_data.py --dataset=rules --set=vocabulary.tokenizer=tokenizer.json \\
        --set=vocabulary.size=1000 --count=100000 --output=named.jsonl
    python launch/export_data.py --dataset=arithmetic --exclude=bigbench_arithmetic.json \\
        --count=1300000 --output=arithmetic

A name without an ending is a directory of shards. A card beside the rows says what they are, with
their hash. The same command goes on where an interrupted one stopped, and the bytes do not depend
on the number of processes.
"""

import dataclasses
import sys
from pathlib import Path

from absl import flags
from tqdm import tqdm

from mathjax import launcher

DATASET = flags.DEFINE_list(
    "dataset",
    None,
    "puzzle, arithmetic, rules, stories or word_problems, or several as a mixture",
    required=True,
)
WEIGHTS = flags.DEFINE_list("weights", None, "of the mixture; default: equal")
SPLIT = flags.DEFINE_string("split", "train", "train, validation or a test split of the data set")
COUNT = flags.DEFINE_integer("count", None, "examples; default: all of a test split", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "of the problems", lower_bound=0)
SET = flags.DEFINE_multi_string("set", [], "FIELD=VALUE or DATASET.FIELD=VALUE of a specification")
EXCLUDE = flags.DEFINE_multi_string(
    "exclude", [], "file with problems that arithmetic must not have: *.json, *.jsonl or text"
)
OUTPUT = flags.DEFINE_string("output", None, "*.jsonl, *.jsonl.gz, *.parquet or DIR", required=True)
FACTS = flags.DEFINE_bool("facts", False, "also write answer and difficulty facts (slower)")
SHARD_SIZE = flags.DEFINE_integer("shard_size", 100_000, "examples a file of DIR", lower_bound=1)
PROCESSES = flags.DEFINE_integer("processes", None, "default: one a core", lower_bound=1)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "replace the output")


def main(_) -> int:
    from mathjax.data.export import Export, ExportError, card_path, export
    from mathjax.problems import registry
    from mathjax.problems.arithmetic_exclusions import read_exclusions

    names = DATASET.value
    for name in names:
        if name not in registry.DATASETS:
            raise ExportError(f"--dataset: no {name!r}; there is {', '.join(registry.DATASETS)}")
    settings = registry.parse_settings(SET.value, names)
    excluded = {}
    if EXCLUDE.value:
        if "arithmetic" not in names:
            raise ExportError("--exclude: problems are left out of arithmetic only")
        settings["arithmetic"]["exclude"] = EXCLUDE.value
        excluded = {"excluded": read_exclusions(EXCLUDE.value).summary()}
    if COUNT.value is None and (SPLIT.value == "train" or len(names) > 1):
        raise ExportError("--count: say how many examples of an endless data set to write")
    if len(names) == 1:
        problems, spec = registry.make_dataset(
            names[0], settings[names[0]], SPLIT.value, SEED.value, COUNT.value
        )
        specs = {names[0]: spec}
    else:
        if SPLIT.value != "train":
            raise ExportError(
                f"--split={SPLIT.value}: a mixture is for training; export them alone"
            )
        weights = [_number(text) for text in WEIGHTS.value or ["1"] * len(names)]
        problems, specs = registry.make_mixture(names, weights, settings, SEED.value, COUNT.value)
    description = {
        "dataset": names if len(names) > 1 else names[0],
        "weights": WEIGHTS.value,
        "split": SPLIT.value,
        "seed": SEED.value,
        "parameters": {name: dataclasses.asdict(spec) for name, spec in specs.items()},
        **excluded,
    }
    what = Export(problems, problems.count, description, FACTS.value, SHARD_SIZE.value)
    output = Path(OUTPUT.value)
    card = export(
        what,
        output,
        num_processes=PROCESSES.value,
        overwrite=OVERWRITE.value,
        progress=lambda items, total: tqdm(
            items, "writing", total, unit="chunk", disable=not sys.stderr.isatty(), leave=False
        ),
    )
    print(f"{card['count']:,} rows in {output}; what they are says {card_path(output)}")
    return 0


def _number(text: str) -> float:
    from mathjax.data.export import ExportError

    try:
        return float(text)
    except ValueError:
        raise ExportError(f"--weights: {text!r} is not a number") from None


if __name__ == "__main__":
    launcher.run(main)
