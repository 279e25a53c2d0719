"""Times every hot path against a peer in the same run.

    python launch/benchmark.py --suite=all
    python launch/benchmark.py --suite=generate --only=decoding

Both sides must give the same result before either is timed. Rows against transformers need torch.
Figures of a machine that is busy with something else mean little: see its load average.
"""

from absl import flags

from mathjax import launcher

SUITES = ("data", "train", "generate", "check", "all")
SUITE = flags.DEFINE_enum("suite", "all", SUITES, "which rows")
ONLY = flags.DEFINE_string("only", None, "the one row of this name")
COUNT = flags.DEFINE_integer("count", 2_000_000, "puzzles made into token ids", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 5, "pairs timed a row", lower_bound=1)
TINY = flags.DEFINE_bool("tiny", False, "the smallest sizes: tries the rows out, times nothing")


def main(_) -> int:
    from mathjax import benchmarks
    from mathjax.benchmarks import timing
    from mathjax.errors import UserError

    names = [row.__name__ for rows in benchmarks.SUITES.values() for row in rows]
    if ONLY.value and ONLY.value not in names:
        raise UserError(f"--only={ONLY.value}: choose from {', '.join(names)}")
    print(f"{timing.machine()}\nload average at the start {timing.load_average():.2f}\n")
    scale = timing.Scale(repeats=REPEATS.value, documents=COUNT.value, tiny=TINY.value)
    for suite, name, row in benchmarks.run(SUITE.value, scale, ONLY.value):
        print(benchmarks.format_row(row))
        print(f"    python launch/benchmark.py --suite={suite} --only={name}", flush=True)
    return 0


if __name__ == "__main__":
    launcher.run(main)
