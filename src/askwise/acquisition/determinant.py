"""Batches that tell most about a Bayesian linear model, by the determinant of what they have in common."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, floating, from_numpy, row_blocks, squared_norms, take, tie_ranks, to_numpy
from .distances import Floats, Positions
from .greedy import lazy_greedy

_BLOCK_BYTES = 4 << 20


def max_det(
    k: int, rng: np.random.Generator, embedding: Array, labeled_embedding: Array, noise: float = 0.01
) -> Array:
    """Pick the `k` candidates whose answers would tell most about a Bayesian linear model, as a set.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and fills the batch once nothing is left to learn.
    embedding
        (n, d) of the candidates; may be a memory map. One factor brings all rows to a mean squared length of 1.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    noise
        Variance σ² of an answer, when the prior variance of a candidate is 1 on average.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If `noise` is not above 0.

    Notes
    -----
    Formula: greedy maximum of ½ log det(I + K / σ²) over labelled ∪ picked, K the linear kernel. The gain of one
    more is ½ log(1 + v(x) / σ²), v the variance given all before. With K = X Xᵀ the factor of a partial Cholesky
    decomposition is kept in the space of the features, v(x) = ‖x‖² − ‖Wᵀx‖², so that nothing has size n × k. The
    set function is monotone and submodular: gains are evaluated lazily, the picks are those of the full greedy.

    Cost: O(n d (d or m)) once and O(d (m + k)) a gain; O(n + d (d + k)) memory beyond the inputs.

    Use when a linear model on this embedding predicts well, in regression or at the start of classification.
    Avoid when the pool has outliers, whose long rows promise most, or the embedding is far from linear.

    References
    ----------
    M. Seeger, "Greedy forward selection in the informative vector machine", 2004; D. Holzmüller, V. Zaverkin,
    J. Kästner and I. Steinwart, "A framework and benchmark for deep batch active learning for regression", JMLR
    24, 2023 (MaxDet).

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [0.9, 0.0], [0.0, 0.8]])
    >>> max_det(2, np.random.default_rng(0), embedding, np.empty((0, 2)))
    array([0, 2])
    """
    if not noise > 0:
        raise ContractError(f"max_det: noise is {noise!r}; expected a number above 0")
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    gains = Determinant(embedding, labeled_embedding, noise, k)
    picks = lazy_greedy(k, gains.evaluate, gains.accept, ranks, rounding=1e-9, block=256)
    return from_numpy(fill(picks, k, ranks), like=embedding)


class Determinant:
    """Gains of log det(I + K / σ²) for the linear kernel, given labelled rows and what was accepted.

    The posterior covariance of the weights is I − W Wᵀ; each accepted row adds a column to W.
    """

    def __init__(self, embedding: Array, given: Array, noise: float, k: int) -> None:
        self._embedding, self._noise = embedding, noise
        self._scale = 1.0
        squares = np.concatenate([self._lengths(embedding), self._lengths(given)])
        self._scale = 1 / (float(np.sqrt(squares.mean())) or 1.0)
        d = int(embedding.shape[1])
        start = self._of_labeled(to_numpy(floating(given, double=True)) * self._scale)
        self._width = start.shape[1]
        self._factor = np.zeros((d, self._width + k))
        self._factor[:, : self._width] = start

    def _lengths(self, rows: Array) -> Floats:
        parts = [
            to_numpy(squared_norms(floating(rows[part, :], double=True) * self._scale))
            for part in row_blocks(int(rows.shape[0]), 16 * int(rows.shape[1]), _BLOCK_BYTES)
        ]
        return np.concatenate([np.empty(0), *parts])

    def _of_labeled(self, rows: Floats) -> Floats:
        """W (d, r) after the labelled rows, from the smaller of their two Gram matrices."""
        m, d = rows.shape
        if not m:
            return np.empty((d, 0))
        values, vectors = np.linalg.eigh(rows @ rows.T if m < d else rows.T @ rows)
        kept = values > 1e-14 * max(values[-1], 0)
        values, vectors = values[kept], vectors[:, kept]
        axes = rows.T @ (vectors / np.sqrt(values)) if m < d else vectors
        found: Floats = axes * np.sqrt(values / (values + self._noise))
        return found

    def evaluate(self, positions: Positions) -> Floats:
        """½ log(1 + v / σ²) at `positions`."""
        d, n = len(self._factor), int(self._embedding.shape[0])
        factor = from_numpy(self._factor[:, : self._width], like=self._embedding)
        found = np.empty(len(positions))
        for part in row_blocks(len(positions), 8 * (2 * d + self._width), _BLOCK_BYTES):
            everything = len(positions) == n
            block = self._embedding[part, :] if everything else take(self._embedding, positions[part])
            block = floating(block, double=True) * self._scale
            lengths = to_numpy(squared_norms(block))
            variances = lengths - to_numpy(squared_norms(block @ factor))
            found[part] = np.where(variances > 1e-12 * lengths, variances, 0.0)
        return 0.5 * np.log1p(found / self._noise)

    def accept(self, pick: int) -> None:
        """Condition on the row at `pick`."""
        row = to_numpy(floating(take(self._embedding, np.array([pick])), double=True))[0] * self._scale
        factor = self._factor[:, : self._width]
        moved = row - factor @ (factor.T @ row)
        self._factor[:, self._width] = moved / np.sqrt(self._noise + max(float(row @ moved), 0.0))
        self._width += 1
