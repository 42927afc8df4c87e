"""Candidates that the learner treats otherwise than their neighbours among the labelled items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..xp import (
    Array,
    floating,
    from_numpy,
    map_rows,
    namespace,
    row_sums,
    squared_norms,
    take,
    to_numpy,
    xlogx,
)

_LEAST = 1e-12  # a probability of 0 would make the divergence infinite


def contrastive(
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    labeled_proba: Array,
    neighbors: int = 10,
) -> Array:
    """Score each candidate by how much its prediction differs from those of its nearest labelled items.

    Parameters
    ----------
    proba
        (n, C) class probabilities of the candidates.
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labeled_proba
        (m, C) what the learner now predicts for the labelled items.
    neighbors
        How many labelled items to compare with; all m where there are fewer.

    Returns
    -------
    (n,) scores in nats, at least 0; all 0 with nothing labelled.

    Raises
    ------
    ContractError
        If `neighbors` is below 1.

    Notes
    -----
    Formula: mean of KL(p(·|x_l) ‖ p(·|x)) over the nearest labelled x_l by Euclidean distance; probabilities of the
    candidate below 1e-12 count as 1e-12, so that the score is finite.

    Cost: O(n m d) as matrix products, O(n C) logarithms; blocks of (rows, m) distances in memory.

    Use when the embedding is good: items that look alike but are predicted differently show the boundary.
    Avoid when hardly anything is labelled, since the neighbours are then far away, or the pool has mislabelled
    copies, which always contrast.

    References
    ----------
    K. Margatina, G. Vernikos, L. Barrault and N. Aletras, "Active learning by acquiring contrastive examples",
    EMNLP 2021.

    Examples
    --------
    >>> proba, labeled_proba = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> embedding, labeled = np.array([[0.0], [1.0]]), np.array([[0.0], [9.0]])
    >>> contrastive(proba, embedding, labeled, labeled_proba, neighbors=1).round(3)
    array([0.   , 1.146])
    """
    if neighbors < 1:
        raise ContractError(f"contrastive: neighbors is {neighbors!r}; expected at least 1")
    n, C = (int(size) for size in proba.shape)
    m = int(labeled_embedding.shape[0])
    count = min(neighbors, m)
    if not m:
        return from_numpy(np.zeros(n), like=proba)
    theirs = floating(labeled_proba, double=True)
    centres = floating(labeled_embedding, double=True)
    xp = namespace(theirs)
    origin = xp.mean(centres, axis=0)
    centres = centres - origin  # distances keep their digits where the data lie far from 0
    half_norms = squared_norms(centres) / 2
    gains = row_sums(xlogx(theirs))

    def score(rows: slice) -> Array:
        closeness = (floating(embedding[rows, :], double=True) - origin) @ centres.T - half_norms
        nearest = _largest(to_numpy(closeness), count)
        size = nearest.shape[0]
        met = xp.mean(xp.reshape(take(theirs, nearest.ravel()), (size, count, C)), axis=1)
        gained = xp.mean(xp.reshape(take(gains, nearest.ravel()), (size, count)), axis=1)
        own = xp.log(xp.clip(floating(proba[rows, :], double=True), min=_LEAST))
        return xp.clip(gained - row_sums(met * own), min=0.0)

    return map_rows(score, n, bytes_per_row=8 * (2 * int(embedding.shape[1]) + 3 * m + (count + 3) * C))


def _largest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """(b, count) columns of the largest values of each row, in ascending order of the column."""
    if count == values.shape[1]:
        return np.broadcast_to(np.arange(count), values.shape).copy()
    return np.sort(np.argpartition(-values, count - 1, axis=1)[:, :count], axis=1)
