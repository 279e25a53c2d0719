"""Converts a checkpoint: Hugging Face to ours, a run to Hugging Face, its adapters to PEFT.

    python launch/convert.py --source=openlm-research/open_llama_3b --target=runs/ol3b \\
        --format=mathjax
    python launch/convert.py --source=runs/puzzle --target=export --format=hf --check
    python launch/convert.py --source=runs/puzzle --target=adapter --format=peft

The target appears whole or not at all. Weights stay in their type unless --dtype is given.
"""

import os
from pathlib import Path

from absl import flags

from mathjax import launcher

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # nothing to compute, and a host has more memory

SOURCE = flags.DEFINE_string(
    "source", None, "workdir, Hugging Face directory or hub id, peft adapter", required=True
)
TARGET = flags.DEFINE_string("target", None, "directory to be written", required=True)
FORMAT = flags.DEFINE_enum(
    "format", None, ("mathjax", "hf", "peft"), "of the target", required=True
)
CHECK = flags.DEFINE_bool("check", False, "compare logits with transformers'; needs torch")
OVERWRITE = flags.DEFINE_bool("overwrite", False, "replace a target that is a model's directory")
DTYPE = flags.DEFINE_enum("dtype", None, ("float32", "bfloat16"), "of the weights; default: theirs")
STEP = launcher.define_step()


def main(_) -> int:
    from mathjax.huggingface.convert import convert

    print(
        convert(
            SOURCE.value,
            Path(TARGET.value),
            FORMAT.value,
            step=STEP(),
            dtype=DTYPE.value,
            check=CHECK.value,
            overwrite=OVERWRITE.value,
        )
    )
    return 0


if __name__ == "__main__":
    launcher.run(main)
