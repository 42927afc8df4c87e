"""Acquisition functions: pure functions from arrays about candidates to scores or picks.

`CATALOGUE` is the only registry: a row's key is the name on the command line, in the documentation and in tests.
The parameters of a function that have no default are its inputs; those with a default are its options.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .baseline import random
from .committee import (
    bald,
    consensus_entropy,
    kl_to_mean,
    mean_std,
    pairwise_kl,
    variation_ratio,
    vote_entropy,
    vote_margin,
)
from .coverage import k_center, u_coverage
from .gradient import badge
from .uncertainty import entropy, hyperplane, least_confident, margin, ratio

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    random,
    least_confident,
    margin,
    ratio,
    entropy,
    hyperplane,
    vote_entropy,
    vote_margin,
    variation_ratio,
    consensus_entropy,
    kl_to_mean,
    pairwise_kl,
    mean_std,
    bald,
    k_center,
    badge,
    u_coverage,
)

CATALOGUE: dict[str, Callable[..., Any]] = {function.__name__: function for function in _FUNCTIONS}

__all__ = [
    "CATALOGUE",
    "badge",
    "bald",
    "consensus_entropy",
    "entropy",
    "hyperplane",
    "k_center",
    "kl_to_mean",
    "least_confident",
    "margin",
    "mean_std",
    "pairwise_kl",
    "random",
    "ratio",
    "u_coverage",
    "variation_ratio",
    "vote_entropy",
    "vote_margin",
]
