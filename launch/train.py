"""Trains a model on mathematics and scores it on problems it has not seen.

    python launch/train.py --config=configs/puzzle.py
    python launch/train.py --config=configs/puzzle.py:scratch --workdir=/data/p --config.mesh.fsdp=8

The same command goes on where an interrupted run stopped.
"""

from pathlib import Path

from absl import flags

from mathjax import launcher

CONFIG = launcher.define_config("configs/puzzle.py")
WORKDIR = flags.DEFINE_string("workdir", None, "where the run writes; default: runs/NAME[-preset]")


def main(_) -> int:
    from mathjax import config, experiment

    resolved = config.resolve(CONFIG.value)
    name = launcher.config_name(flags.FLAGS["config"].config_filename)
    return experiment.run_training(resolved, Path(WORKDIR.value or f"runs/{name}"))


if __name__ == "__main__":
    launcher.run(main)
