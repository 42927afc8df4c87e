"""Acquisition functions: pure functions from arrays about candidates to scores or picks.

`CATALOGUE` is the only registry: a row's key is the name on the command line, in the documentation and in tests.
The parameters of a function that have no default are its inputs; those with a default are its options.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .baseline import random
from .batch_bald import batch_bald
from .bisection import galaxy
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
from .contrast import contrastive
from .coverage import k_center, u_coverage
from .covering import max_herding, prob_cover
from .determinant import max_det
from .diversity import cluster_margin, diverse_mini_batch, k_means
from .domain import discriminative
from .errors_region import error_region
from .exemplars import cover_exemplars, similar_to_exemplars
from .fisher import bait, bait_regression
from .foreign import familiar_margin, knn_distance, mahalanobis
from .gradient import badge
from .gradient_length import expected_gradient_length
from .hierarchy import hierarchical
from .imbalance import balanced_margin, base
from .lookahead import expected_error_reduction, variance_reduction
from .losses import predicted_loss
from .perturbation import alfa_mix, drop_query
from .predictive import epig
from .quire import quire
from .regression import gsx, gsy, igs, lcmd, predictive_std
from .robust import robust_k_center
from .typical import information_density, typiclust
from .uncertainty import entropy, hyperplane, least_confident, margin, ratio

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    # nothing known
    random,
    # uncertainty of one model
    least_confident,
    margin,
    ratio,
    entropy,
    hyperplane,
    # disagreement of several models
    vote_entropy,
    vote_margin,
    variation_ratio,
    consensus_entropy,
    kl_to_mean,
    pairwise_kl,
    mean_std,
    bald,
    batch_bald,
    epig,
    # coverage and diversity
    u_coverage,
    max_herding,
    prob_cover,
    k_center,
    robust_k_center,
    typiclust,
    k_means,
    diverse_mini_batch,
    cluster_margin,
    information_density,
    hierarchical,
    # gradients and what they would change
    badge,
    bait,
    expected_gradient_length,
    drop_query,
    alfa_mix,
    contrastive,
    # looking ahead, and models of the pool
    expected_error_reduction,
    variance_reduction,
    quire,
    discriminative,
    predicted_loss,
    # rare classes, exemplars, errors and foreign items
    balanced_margin,
    base,
    galaxy,
    similar_to_exemplars,
    cover_exemplars,
    error_region,
    familiar_margin,
    knn_distance,
    mahalanobis,
    # numbers to predict instead of classes
    predictive_std,
    gsx,
    gsy,
    igs,
    lcmd,
    max_det,
    bait_regression,
)

CATALOGUE: dict[str, Callable[..., Any]] = {function.__name__: function for function in _FUNCTIONS}

__all__ = [
    "CATALOGUE",
    "alfa_mix",
    "badge",
    "bait",
    "bait_regression",
    "balanced_margin",
    "bald",
    "base",
    "batch_bald",
    "cluster_margin",
    "consensus_entropy",
    "contrastive",
    "cover_exemplars",
    "discriminative",
    "diverse_mini_batch",
    "drop_query",
    "entropy",
    "epig",
    "error_region",
    "expected_error_reduction",
    "expected_gradient_length",
    "familiar_margin",
    "galaxy",
    "gsx",
    "gsy",
    "hierarchical",
    "hyperplane",
    "igs",
    "information_density",
    "k_center",
    "k_means",
    "kl_to_mean",
    "knn_distance",
    "lcmd",
    "least_confident",
    "mahalanobis",
    "margin",
    "max_det",
    "max_herding",
    "mean_std",
    "pairwise_kl",
    "predicted_loss",
    "predictive_std",
    "prob_cover",
    "quire",
    "random",
    "ratio",
    "robust_k_center",
    "similar_to_exemplars",
    "typiclust",
    "u_coverage",
    "variance_reduction",
    "variation_ratio",
    "vote_entropy",
    "vote_margin",
]
