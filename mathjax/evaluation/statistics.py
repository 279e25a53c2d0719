"""How far a score can be trusted."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval (low, high) of a proportion, Wilson 1927.

    Unlike estimate +- 1.96 standard errors it stays within [0, 1] and is not empty when all or none
    succeed, which is where small evaluations of a good or a bad model end up.
    """
    if trials < 1:
        raise ValueError(f"trials={trials}: an interval needs at least one trial")
    if not 0 <= successes <= trials:
        raise ValueError(f"successes={successes} is not between 0 and trials={trials}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence} is not between 0 and 1")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate, z2_n = successes / trials, z * z / trials
    center = (rate + z2_n / 2) / (1 + z2_n)
    half = z * math.sqrt(rate * (1 - rate) / trials + z2_n / (4 * trials)) / (1 + z2_n)
    # The two ends that are exact must not suffer from rounding.
    low = 0.0 if successes == 0 else max(0.0, center - half)
    high = 1.0 if successes == trials else min(1.0, center + half)
    return low, high


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """Chance that at least one of k samples is right, from `num_samples` samples of one problem.

    The unbiased estimator of Chen et al. 2021 (Codex), equation 1: 1 - C(n - c, k) / C(n, k).
    """
    if not 0 <= num_correct <= num_samples:
        raise ValueError(f"num_correct={num_correct} is not between 0 and {num_samples}")
    if not 1 <= k <= num_samples:
        raise ValueError(f"k={k} is not between 1 and num_samples={num_samples}")
    return 1.0 - math.comb(num_samples - num_correct, k) / math.comb(num_samples, k)
