"""Batches that cover the pool: no candidate, or no uncertain one, is left far from everything labelled."""

from __future__ import annotations

import numpy as np

from ..xp import Array, fill, from_numpy, take, tie_ranks, to_numpy
from .distances import EuclideanRows, Floats, Positions
from .facility import FacilityLocation, kernel_width
from .greedy import farthest_first, largest, lazy_greedy
from .uncertainty import margin

_RANDOM_CANDIDATES = 2_000
_LEAST_CANDIDATES, _MOST_CANDIDATES = 2_000, 4_000
_CANDIDATES_PER_PICK = 20


def k_center(k: int, rng: np.random.Generator, embedding: Array, labeled_embedding: Array) -> Array:
    """Pick `k` candidates, each the farthest from everything labelled or picked so far.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides among equally distant candidates, and fills the batch once only copies of picks are left.
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.

    Returns
    -------
    (k,) distinct positions in the order of picking. With nothing labelled the first is the candidate nearest the
    mean.

    Notes
    -----
    Formula: argmax_x min_{s ∈ labelled ∪ picked} ‖x − s‖, k times; its covering radius is at most twice the best.

    Cost: O(n d (m + k)) as matrix products, O(n) memory beyond the inputs.

    Use when rare classes must be found: it goes where nothing was labelled, which pays under strong imbalance.
    Avoid when the pool has outliers or foreign items, which it asks for first; on clean, balanced pools it can be
    no better than random.

    References
    ----------
    O. Sener and S. Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018;
    T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [9.0], [4.0]])
    >>> k_center(2, np.random.default_rng(0), embedding, labeled_embedding=np.array([[0.0]]))
    array([2, 3])
    """
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    picks = farthest_first(EuclideanRows(embedding, labeled_embedding), k, ranks)
    return from_numpy(picks, like=embedding)


def u_coverage(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    targets: int = 20_000,
    candidates: int | None = None,
    bandwidth: float | None = None,
    cold_start: int | None = None,
) -> Array:
    """Pick the `k` candidates that, with the labelled items, best cover the uncertain part of the pool.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws targets and candidates from a large pool, decides ties, and fills the batch once nothing is left to
        gain.
    proba
        (n, C) class probabilities; calibrated ones serve best.
    embedding
        (n, d); its rows are used at length 1. May be a memory map: only targets and candidates are read.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    targets
        How many candidates, drawn at random, stand for the pool that is to be covered; all where there are fewer.
    candidates
        How many candidates may be picked: 2,000 drawn at random (half, where `candidates` is below 4,000) and
        otherwise those of largest weight. By default 20 k of the latter, but from 2,000 to 4,000, or k if that is
        more. Never fewer than `k`.
    bandwidth
        σ² of the kernel. By default twice the median squared distance to the 20th neighbour, among at most 2,000
        candidates drawn at random; copies at distance 0 are left out of the median.
    cold_start
        With fewer labelled items than this all weights are 1, since the learner knows nothing yet; 0 for never. By
        default max(2 C, 20).

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Notes
    -----
    Formula: greedy maximum of Σ_x U(x) · max_{s ∈ labelled ∪ picked} exp(−‖x − s‖² / σ²), x over the targets,
    U = 1 − (p_(1) − p_(2)). The gains only shrink, so they are evaluated lazily; the picks are those of the full
    greedy on the same candidates and targets, and of the whole problem where n is small enough for both.

    Cost: one kernel of candidates × targets, held if it takes at most 512 MB and made again in blocks otherwise;
    O(n C) for the weights.

    Use when in doubt: it spreads out at the start, turns to uncertain regions as the learner becomes able to tell
    them, and does not ask for near-duplicates.
    Avoid when the embedding says nothing about the classes, or labels are plenty and batches tiny: margin is then
    as good and cheaper.

    References
    ----------
    W. Bae, J. Noh and D. J. Sutherland, "Generalized coverage for more robust low-budget active learning", ECCV
    2024 (U = 1); W. Bae, D. J. Sutherland and G. L. Oliveira, "Uncertainty herding: one active learning method for
    all label budgets", ICLR 2025 (U from the margin).

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.5, 0.5]])
    >>> u_coverage(1, np.random.default_rng(0), proba, embedding, np.empty((0, 2)), cold_start=0)
    array([3])
    """
    n, C = (int(size) for size in proba.shape)
    cold = int(labeled_embedding.shape[0]) < (max(2 * C, 20) if cold_start is None else cold_start)
    weights = np.ones(n) if cold else np.maximum(1 + to_numpy(margin(proba)).astype(np.float64), 0)
    ranks = tie_ranks(n, rng)
    rows = _candidates(weights, max(k, _default_candidates(k) if candidates is None else candidates), ranks)
    covered = np.sort(rng.choice(n, size=targets, replace=False)) if targets < n else np.arange(n)
    covered = covered[weights[covered] > 0]
    if bandwidth is None:
        bandwidth = kernel_width(embedding, rng)
    if not len(covered):
        return from_numpy(fill(np.empty(0, np.int64), k, ranks), like=embedding)
    gains = FacilityLocation(take(embedding, rows), take(embedding, covered), weights[covered], bandwidth)
    gains.cover(labeled_embedding)
    picks = rows[lazy_greedy(k, gains.evaluate, gains.accept, ranks[rows], gains.rounding)]
    return from_numpy(fill(picks, k, ranks), like=embedding)


def _default_candidates(k: int) -> int:
    heaviest = min(max(_LEAST_CANDIDATES, _CANDIDATES_PER_PICK * k), _MOST_CANDIDATES)
    return _RANDOM_CANDIDATES + max(heaviest, k)


def _candidates(weights: Floats, count: int, ranks: Positions) -> Positions:
    """At most `count` positions in ascending order: those of largest weight, and a random rest."""
    n = len(weights)
    if count >= n:
        return np.arange(n)
    heaviest = count - min(_RANDOM_CANDIDATES, count // 2)
    return np.sort(fill(largest(weights, heaviest, ranks)[0], count, ranks))
