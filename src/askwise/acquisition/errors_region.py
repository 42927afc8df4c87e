"""Candidates near labelled items that the learner gets wrong."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, floating, from_numpy, namespace, row_blocks, squared_norms, take, to_numpy
from .distances import Floats

_BLOCK_BYTES = 8 << 20
_NEIGHBOUR = 5
_SAMPLE = 2_000
_FARTHEST = 1e4  # in units of the largest labelled coordinate; beyond it all is equally far
_PRIOR = 2.0  # labelled items that the overall error rate counts for


def error_region(
    embedding: Array,
    labeled_embedding: Array,
    labels: Array,
    labeled_proba: Array,
    bandwidth: float | None = None,
) -> Array:
    """Score each candidate by the error rate of the learner on the labelled items around it.

    Parameters
    ----------
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labels
        (m,) their class positions.
    labeled_proba
        (m, C) class probabilities of the labelled items. Out-of-fold probabilities serve best: a learner that has
        seen an item is seldom wrong about it.
    bandwidth
        σ² of the kernel. By default twice the median squared distance from a labelled item to its 5th neighbour among
        the labelled; copies at distance 0 are left out of the median.

    Returns
    -------
    (n,) scores in (0, 1); the overall error rate far from everything labelled, 1/2 without labels.

    Raises
    ------
    ContractError
        If `bandwidth` is not above 0.

    Notes
    -----
    Formula: (Σ_{e ∈ errors} k(x, e) + 2 r) / (Σ_{v ∈ labelled} k(x, v) + 2), k(x, v) = exp(−‖x − v‖² / σ²), with an
    error where some class is more probable than the label, and r = (errors + 1) / (m + 2) the overall rate. Without
    an error it prefers what is far from the labelled items, where least is known.

    Cost: O(n m d) as matrix products, O(n + m d) memory beyond the inputs.

    Use when the learner fails in some region and you want it mended: part of a batch, as in
    mix(0.8 u_coverage, 0.2 error_region).
    Avoid when hardly anything is labelled or answers are noisy: wrong answers look like errors, and should be looked
    at again instead. Keep the audit set out of it.

    References
    ----------
    R. Monarch, "Human-in-the-loop machine learning", Manning 2021 (sampling where errors are predicted); E. A.
    Nadaraya, "On estimating regression", 1964, and G. S. Watson, "Smooth regression analysis", 1964 (the kernel rate).

    Examples
    --------
    >>> labeled = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    >>> candidates = np.array([[0.05], [5.05], [99.0]])
    >>> error_region(candidates, labeled, np.array([0, 0, 1, 1]), proba, bandwidth=1.0).round(2)
    array([0.25, 0.75, 0.5 ])
    """
    if bandwidth is not None and not 0 < bandwidth < float("inf"):
        raise ContractError(
            f"error_region: bandwidth is {bandwidth!r}; expected a number above 0, or None for one from the data"
        )
    n, m = int(embedding.shape[0]), int(labeled_embedding.shape[0])
    wrong = errors(to_numpy(labels), to_numpy(labeled_proba))
    rate = (wrong.sum() + 1) / (m + 2)
    if m == 0:
        return from_numpy(np.full(n, 0.5), like=embedding)
    labeled = LabeledRows(labeled_embedding)
    width = labeled.width() if bandwidth is None else bandwidth * labeled.scale**2
    weights = from_numpy(wrong.astype(np.float64), like=embedding)
    scores = np.empty(n)
    for rows in row_blocks(n, 8 * max(m, int(embedding.shape[1])), _BLOCK_BYTES):
        distances = labeled.squared_distances(embedding[rows, :])
        xp = namespace(distances)
        similar = xp.astype(xp.exp(distances / -width), xp.float64)
        near = to_numpy(xp.sum(similar * weights, axis=1))
        scores[rows] = (near + _PRIOR * rate) / (to_numpy(xp.sum(similar, axis=1)) + _PRIOR)
    return from_numpy(settled(scores, labeled.epsilon), like=embedding)


class LabeledRows:
    """The labelled rows (m, d), m >= 1, moved to their mean and scaled, to be compared with many candidates.

    Parameters
    ----------
    labeled
        (m, d) the rows.
    scale
        What to multiply coordinates by; by default such that the largest of the moved labelled rows is 1.

    Attributes
    ----------
    scale
        What coordinates are multiplied by; distances are in these units.
    epsilon
        Precision of the products.
    rows
        (m, d) the moved and scaled rows.
    """

    def __init__(self, labeled: Array, scale: float | None = None) -> None:
        host = to_numpy(floating(labeled, double=True))
        largest = float(np.abs(host).max()) or 1.0
        mean = (host / largest).mean(axis=0) * largest
        spread = float(np.abs(host - mean).max())
        self.scale = scale or (1 / spread if spread > 1e-12 * largest else 1 / largest)
        self._mean = from_numpy(mean, like=labeled)
        self._double = floating(labeled).dtype == namespace(labeled).float64
        self.rows = self.moved(labeled)
        self._norms = squared_norms(self.rows)
        self.epsilon = float(namespace(labeled).finfo(self.rows.dtype).eps)

    def moved(self, rows: Array) -> Array:
        """`rows` (b, d) in the units and the precision that are worked in."""
        xp = namespace(rows)
        units = (floating(rows, double=True) - self._mean) * self.scale
        units = xp.clip(units, min=-_FARTHEST, max=_FARTHEST)
        return units if self._double else xp.astype(units, xp.float32)

    def squared_distances(self, rows: Array) -> Array:
        """(b, m) from `rows` (b, d), never negative."""
        rows = self.moved(rows)
        xp = namespace(rows)
        found = squared_norms(rows)[:, None] + self._norms[None, :] - 2 * (rows @ self.rows.T)
        return xp.clip(found, min=0.0)

    def width(self) -> float:
        """Twice the median squared distance to the 5th neighbour, of at most 2,000 labelled items; 1 if all are one."""
        m = int(self.rows.shape[0])
        sample = np.unique(np.linspace(0, m - 1, _SAMPLE).astype(np.int64))
        rows = to_numpy(take(self.rows, sample)).astype(np.float64)
        norms = squared_norms(rows)
        distances = np.maximum(norms[:, None] + norms - 2 * rows @ rows.T, 0)
        neighbour = min(_NEIGHBOUR, len(rows) - 1)
        near = np.partition(distances, neighbour, axis=1)[:, neighbour]
        apart = near[near > 1e-9]
        if not len(apart):
            apart = distances[distances > 1e-9]
        return 2 * float(np.median(apart)) if len(apart) else 1.0


def errors(labels: Floats, proba: Floats) -> Floats:
    """(m,) whether some class is more probable than the label.

    Examples
    --------
    >>> errors(np.array([0, 0]), np.array([[0.5, 0.5], [0.4, 0.6]]))
    array([False,  True])
    """
    if not len(labels):
        return np.zeros(0, dtype=bool)
    return np.asarray(proba[np.arange(len(labels)), labels.astype(np.int64)] < proba.max(axis=1))


def settled(scores: Floats, epsilon: float) -> Floats:
    """`scores` without the last bits, which depend on the block that a row is in: copies tie wherever they are.

    Examples
    --------
    >>> float(settled(np.array([0.1 + 0.2]), 2.0**-52)[0]) == float(settled(np.array([0.3]), 2.0**-52)[0])
    True
    """
    mantissa, exponent = np.frexp(scores)
    steps = 2.0 ** -np.round(np.log2(epsilon) * 0.8)
    return np.asarray(np.ldexp(np.round(mantissa * steps) / steps, exponent))
