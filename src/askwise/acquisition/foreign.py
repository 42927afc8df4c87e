"""Candidates unlike anything labelled: to be asked for, where new kinds are sought, or to be kept out of a batch."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, floating, from_numpy, namespace, row_blocks, to_numpy
from .distances import Floats
from .errors_region import LabeledRows, settled
from .facility import unit_rows
from .uncertainty import margin

_BLOCK_BYTES = 8 << 20
_USUAL = 0.95  # share of the labelled items that count as no farther than usual
_LEAST_SHRINKAGE = 1e-3


def knn_distance(embedding: Array, labeled_embedding: Array, neighbours: int = 10) -> Array:
    """Score each candidate by its distance to the labelled items around it.

    Parameters
    ----------
    embedding
        (n, d) of the candidates; its rows are used at length 1. May be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    neighbours
        Which nearest labelled item to measure to, at least 1; the farthest where there are fewer.

    Returns
    -------
    (n,) scores in [0, 2]; all 0 without labels.

    Raises
    ------
    ContractError
        If `neighbours` is below 1.

    Notes
    -----
    Formula: ‖x − v_(j)‖, v_(j) the j-th nearest labelled item, j = min(neighbours, m), on rows of length 1.

    Cost: O(n m d) as matrix products, O(n + m d) memory beyond the inputs.

    Use when you look for kinds of items that nobody has labelled yet, or want to see what is foreign and mark it "not
    relevant" in one go.
    Avoid when the pool is known to hold junk that you do not want to see: this asks for it first; familiar_margin
    keeps away from it. Its picks resemble one another; k_center spreads them.

    References
    ----------
    Y. Sun, Y. Ming, X. Zhu and Y. Li, "Out-of-distribution detection with deep nearest neighbors", ICML 2022.

    Examples
    --------
    >>> labeled = np.array([[1.0, 0.0], [2.0, 0.0]])
    >>> knn_distance(np.array([[5.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), labeled).round(3)
    array([0.   , 1.414, 2.   ])
    """
    _refuse_neighbours("knn_distance", neighbours)
    n, m = int(embedding.shape[0]), int(labeled_embedding.shape[0])
    if m == 0:
        return from_numpy(np.zeros(n), like=embedding)
    labeled = _unit_labeled(labeled_embedding)
    return from_numpy(_distances(labeled, embedding, min(neighbours, m) - 1), like=embedding)


def mahalanobis(embedding: Array, labeled_embedding: Array, labels: Array, relative: bool = False) -> Array:
    """Score each candidate by its distance to the nearest class, in units of the spread within classes.

    Parameters
    ----------
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labels
        (m,) their class positions.
    relative
        Subtract the distance to all labelled items taken as one class, so that directions in which everything varies
        count less. With one class every score is then 0.

    Returns
    -------
    (n,) scores, at least 0 unless `relative`; all 0 without labels.

    Notes
    -----
    Formula: min_c (x − μ_c)ᵀ Σ⁻¹ (x − μ_c), minus (x − μ)ᵀ Σ_all⁻¹ (x − μ) if `relative`. Σ is the covariance within
    classes, shrunk towards a multiple of the identity by the rule of Ledoit and Wolf, so that it can be inverted with
    fewer items than dimensions. With one item a class, Σ_all stands in for Σ.

    Cost: O(n d min(m, d)) time after O(m d min(m, d)) once, O(n + d min(m, d)) memory.

    Use when classes are compact clouds in the embedding and you look for what belongs to none of them.
    Avoid when there are few labels for the dimension (the spread is then a guess), or the foreign items are junk that
    you do not want to see.

    References
    ----------
    K. Lee, K. Lee, H. Lee and J. Shin, "A simple unified framework for detecting out-of-distribution samples and
    adversarial attacks", NeurIPS 2018; J. Ren, S. Fort, J. Liu, A. Guha Roy, S. Padhy and B. Lakshminarayanan, "A
    simple fix to Mahalanobis distance for improving near-OOD detection", 2021 (`relative`); O. Ledoit and M. Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", 2004.

    Examples
    --------
    >>> labeled = np.array([[0.0, 0.0], [2.0, 0.1], [0.0, 9.0], [2.0, 9.1]])
    >>> candidates = np.array([[1.0, 0.0], [1.0, 3.0], [3.0, 0.0]])
    >>> mahalanobis(candidates, labeled, np.array([0, 0, 1, 1])).argmax()
    np.int64(1)
    """
    n, m = int(embedding.shape[0]), int(labeled_embedding.shape[0])
    if m == 0:
        return from_numpy(np.zeros(n), like=embedding)
    labeled = LabeledRows(labeled_embedding)
    rows = to_numpy(floating(labeled.rows, double=True))
    classes, members = np.unique(to_numpy(labels), return_inverse=True)
    counts = np.bincount(members)
    sums = np.zeros((len(classes), rows.shape[1]))
    np.add.at(sums, members, rows)
    means = sums / counts[:, None]
    middle = rows.mean(axis=0)[None, :]
    within, around = rows - means[members], rows - middle
    spread = ShrunkSpread(within if counts.max() > 1 and np.any(within) else around)
    overall = ShrunkSpread(around)
    scores = np.empty(n)
    for part in row_blocks(n, 8 * (rows.shape[1] + len(classes)), _BLOCK_BYTES):
        block = to_numpy(floating(labeled.moved(embedding[part, :]), double=True))
        scores[part] = spread.squared(block, means).min(axis=1)
        if relative:
            scores[part] -= overall.squared(block, middle)[:, 0]
    return from_numpy(settled(scores, labeled.epsilon), like=embedding)


def familiar_margin(proba: Array, embedding: Array, labeled_embedding: Array, neighbours: int = 10) -> Array:
    """Score each candidate by its uncertainty, less where it is farther from the labelled items than they usually are.

    Parameters
    ----------
    proba
        (n, C) class probabilities.
    embedding
        (n, d) of the candidates; its rows are used at length 1. May be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    neighbours
        Which nearest labelled item to measure to, at least 1. With fewer than twice as many labelled items nothing is
        known to be foreign, and the scores are those of margin, plus 1.

    Returns
    -------
    (n,) scores in [0, 1].

    Raises
    ------
    ContractError
        If `neighbours` is below 1.

    Notes
    -----
    Formula: (1 − p_(1) + p_(2)) · min(1, exp(2 − 2 u / u₀)), u the distance to the j-th nearest labelled item and u₀
    its 95 % quantile among the labelled items themselves, each left out in turn; j = `neighbours`, rows of length 1.

    Cost: O(n (C + m d)) as matrix products, O(n + m d) memory beyond the inputs.

    Use when the pool has foreign items (another language, broken pictures) that a learner is unsure about, and the
    labelled items are of the right kind.
    Avoid when new classes are to be found: what is new is far as well. Give random or k_center a share of the batch.

    References
    ----------
    Y. Sun, Y. Ming, X. Zhu and Y. Li, "Out-of-distribution detection with deep nearest neighbors", ICML 2022 (the
    distance); T. Scheffer, C. Decomain and S. Wrobel, "Active hidden Markov models for information extraction", IDA
    2001 (the margin). The weight is ours.

    Examples
    --------
    >>> turn = np.linspace(0, 0.5, 20)
    >>> labeled = np.column_stack([np.cos(turn), np.sin(turn)])
    >>> candidates = np.array([[1.0, 0.2], [-1.0, 0.0]])
    >>> familiar_margin(np.array([[0.6, 0.4], [0.5, 0.5]]), candidates, labeled, neighbours=3).round(2)
    array([0.8, 0. ])
    """
    _refuse_neighbours("familiar_margin", neighbours)
    m = int(labeled_embedding.shape[0])
    doubts = 1 + to_numpy(margin(proba)).astype(np.float64)
    if m < 2 * neighbours:
        return from_numpy(doubts, like=proba)
    labeled = _unit_labeled(labeled_embedding)
    usual = float(np.quantile(_distances(labeled, labeled_embedding, neighbours), _USUAL))
    distances = _distances(labeled, embedding, neighbours - 1)
    # All labelled items are copies of one: whatever is not is foreign.
    beyond = distances / usual - 1 if usual > 0 else np.where(distances > 0, np.inf, 0.0)
    return from_numpy(doubts * np.exp(-2 * np.maximum(beyond, 0)), like=proba)


class ShrunkSpread:
    """The covariance of centred `rows` (m, d), shrunk towards a multiple of the identity; never a d × d array.

    Attributes
    ----------
    shrinkage
        Share of the identity, by the rule of Ledoit and Wolf; at least 0.001.
    """

    def __init__(self, rows: Floats) -> None:
        m, d = rows.shape
        _, lengths, self._axes = np.linalg.svd(rows, full_matrices=False)
        values = lengths**2 / m
        total, squares = float(values.sum()), float(np.sum(values**2))
        gap = squares - total**2 / d
        noise = (float(np.sum(np.sum(rows**2, axis=1) ** 2)) / m - squares) / m
        share = 1.0 if gap <= 1e-12 * squares else min(1.0, noise / gap)
        self.shrinkage = max(share, _LEAST_SHRINKAGE)
        self._rest = self.shrinkage * total / d or 1.0  # the variance in directions that no row has
        self._values = (1 - self.shrinkage) * values + self._rest

    def squared(self, rows: Floats, centres: Floats) -> Floats:
        """(b, c) squared Mahalanobis distances from `rows` (b, d) to `centres` (c, d)."""
        inside = rows @ self._axes.T
        outside = rows - inside @ self._axes
        inner = centres @ self._axes.T
        outer = centres - inner @ self._axes
        scale = np.sqrt(self._values)
        return _gaps(inside / scale, inner / scale) + _gaps(outside, outer) / self._rest


def _gaps(rows: Floats, centres: Floats) -> Floats:
    """(b, c) squared distances."""
    norms = np.einsum("ij,ij->i", rows, rows)[:, None] + np.einsum("ij,ij->i", centres, centres)[None, :]
    return np.asarray(np.maximum(norms - 2 * rows @ centres.T, 0))


def _unit_labeled(labeled: Array) -> LabeledRows:
    return LabeledRows(_unit(labeled), scale=1.0)


def _unit(rows: Array) -> Array:
    """`rows` at length 1, in their own precision."""
    return unit_rows(rows, double=floating(rows).dtype == namespace(rows).float64)


def _distances(labeled: LabeledRows, rows: Array, which: int) -> Floats:
    """(b,) distances at length 1 from `rows` (b, d) to the labelled row that is nearest after `which` others."""
    n, d = (int(size) for size in rows.shape)
    found = np.empty(n)
    for part in row_blocks(n, 8 * max(d, int(labeled.rows.shape[0])), _BLOCK_BYTES):
        squares = to_numpy(labeled.squared_distances(_unit(rows[part, :])))
        found[part] = np.partition(squares, which, axis=1)[:, which]
    noise = 16 * np.sqrt(d + 16.0) * labeled.epsilon  # what rounding alone makes of a distance of 0
    return np.where(found > noise, np.sqrt(settled(found, labeled.epsilon)), 0.0)


def _refuse_neighbours(name: str, neighbours: int) -> None:
    if isinstance(neighbours, bool) or not isinstance(neighbours, int | np.integer) or neighbours < 1:
        raise ContractError(f"{name}: neighbours is {neighbours!r}; expected a whole number of at least 1")
