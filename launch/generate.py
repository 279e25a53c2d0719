"""Asks a model, and says whether its answer is right.

python launch/generate.py --checkpoint=runs/puzzle --prompt='2,7,12:13'
python launch/generate.py --checkpoint=runs/puzzle          reads one problem a line

A model that was not trained here is asked what --config says.
"""

import sys

from absl import flags

from mathjax import launcher
from mathjax.errors import UserError

CHECKPOINT = launcher.define_checkpoint()
CONFIG = launcher.define_config()
PROMPT = flags.DEFINE_string(
    "prompt", None, "one problem; without it, problems are read line by line"
)
STEP = launcher.define_step()
SAMPLING = launcher.define_sampling()
MAX_NEW_TOKENS = flags.DEFINE_integer("max_new_tokens", None, "default: the run's", lower_bound=1)
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 1, "answers a problem", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "of sampling", lower_bound=0, upper_bound=2**32 - 1)


def main(_) -> int:
    from mathjax import config, experiment

    asked = config.resolve(CONFIG.value) if CONFIG.value is not None else None
    model = experiment.load_model(CHECKPOINT.value, STEP(), config=asked)
    overrides = {
        "sampling": SAMPLING(model.config.generation),
        "batch_size": NUM_SAMPLES.value,
    }
    overrides["batch_size"] *= model.mesh.shape["data"] * model.mesh.shape["fsdp"]
    if MAX_NEW_TOKENS.value:
        overrides["max_new_tokens"] = MAX_NEW_TOKENS.value
    generator = model.generator(**overrides)

    def answer(prompt: str) -> None:
        tokens = model.tokenizer.encode_prompt(prompt)
        prompts = [tokens] * NUM_SAMPLES.value
        for completion in generator.generate(model.params, prompts, seed=SEED.value):
            response = model.tokenizer.decode(completion.tokens)
            print(response, flush=True)
            if not model.task.needs_reference:
                verdict = model.task.check(prompt, response, "")
                note = f"{verdict.status} ({verdict.reason}): {verdict.detail}"
                print("  right" if verdict.correct else f"  {note}", flush=True)

    if PROMPT.value is not None:
        answer(PROMPT.value.strip())
        return 0
    terminal = sys.stdin.isatty()
    if terminal:
        print(f"One problem a line, like {model.task.example}; an empty line or Ctrl-D ends.")
    failed = False
    while True:
        if terminal:
            print("> ", end="", flush=True)
        line = sys.stdin.readline().rstrip("\n")
        if not line:
            return int(failed and not terminal)
        try:
            answer(line.strip())
        except UserError as error:  # one bad line does not end the conversation
            failed = True
            print(f"error: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    launcher.run(main)
