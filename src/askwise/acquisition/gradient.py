"""Batches spread over the gradients that the candidates' labels would cause in the last layer."""

from __future__ import annotations

import numpy as np

from ..xp import Array, floating, from_numpy, namespace, row_blocks, squared_norms, take, tie_ranks, to_numpy
from .distances import EuclideanRows, Floats, Positions
from .greedy import d2_sampling


def badge(k: int, rng: np.random.Generator, proba: Array, embedding: Array) -> Array:
    """Pick `k` candidates by k-means++ seeding on the gradients of the last layer.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Source of the randomness.
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) what the last layer sees; may be a memory map.

    Returns
    -------
    (k,) distinct positions. The first has the largest gradient, as in the authors' code; each further one is drawn
    with probability ∝ D², the squared distance to the nearest gradient picked so far. Once all distances are 0
    (a confident learner, duplicates) the rest is random.

    Notes
    -----
    Formula: g = (p − e_ŷ) ⊗ [h, 1], ŷ = argmax_c p_c, the gradient of the loss if ŷ were the label, the bias
    included. With a = p − e_ŷ and h standing for [h, 1], ‖g − g'‖² = ‖a‖²‖h‖² + ‖a'‖²‖h'‖² − 2 (a·a')(h·h'), so
    that no gradient is ever built.

    Cost: O(k n (C + d)) time in about k / 50 passes, O(n) memory beyond the inputs.

    Use when batches hold tens to hundreds of candidates and the embedding is the learner's own: large gradients
    are uncertain, far apart they are diverse.
    Avoid when hardly anything is labelled, since the gradients then say little, or picks must not be random.

    References
    ----------
    J. T. Ash, C. Zhang, A. Krishnamurthy, J. Langford and A. Agarwal, "Deep batch active learning by diverse,
    uncertain gradient lower bounds", ICLR 2020.

    Examples
    --------
    >>> proba = np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    >>> embedding = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> badge(1, np.random.default_rng(0), proba, embedding)
    array([1])
    """
    ranks = tie_ranks(int(proba.shape[0]), rng)
    return from_numpy(d2_sampling(GradientRows(proba, embedding), k, rng, ranks), like=embedding)


class GradientRows:
    """Gradients (p − e_ŷ) ⊗ [h, 1] of n candidates, measured in factored form.

    With Δ the difference and ā, h̄ the middle of two factors, ‖Δg‖² = ‖Δa‖² ‖h̄‖² + ‖ā‖² ‖Δh‖² + ½ Δ‖a‖² Δ‖h‖²:
    the same value as the formula in `badge`, but Δh may be taken about any origin, so that an embedding far from 0
    keeps its digits.

    Attributes
    ----------
    weights
        (n,) squared lengths ‖a‖² ‖[h, 1]‖².
    """

    def __init__(self, proba: Array, embedding: Array) -> None:
        self._proba = proba
        self._rows = EuclideanRows(embedding)
        one = self._rows.scale  # the constant 1 of [h, 1], scaled with the rest
        self._a_norms = np.empty(self._rows.n)
        self._h_norms = np.empty(self._rows.n)
        for part in row_blocks(self._rows.n, 16 * (int(proba.shape[1]) + self._rows.d), 8 << 20):
            self._a_norms[part] = to_numpy(squared_norms(_loss_gradient(proba[part, :])))
            h = floating(embedding[part, :]) * one
            self._h_norms[part] = to_numpy(squared_norms(h)).astype(np.float64) + one**2
        self.weights = self._a_norms * self._h_norms

    def shrink_to(self, nearest: Floats, picks: Positions) -> None:
        """Lower `nearest` (n,), in place, to the squared distance to the nearest of `picks`."""
        rows = self._rows
        centres = rows.moved(rows.exactly(picks))
        a_centres = _loss_gradient(take(self._proba, picks))
        h_centres = from_numpy(centres.astype(rows.precision), like=rows.embedding)
        for outer, block in rows.blocks():
            a_block = _loss_gradient(self._proba[outer, :])
            for inner in row_blocks(outer.stop - outer.start, 64 * len(picks), 4 << 20):
                part = slice(outer.start + inner.start, outer.start + inner.stop)
                found = self._combine(
                    to_numpy(a_centres @ a_block[inner, :].T),
                    to_numpy(h_centres @ block[inner, :].T),
                    (picks[:, None], np.sum(centres**2, axis=1)[:, None], float(rows.epsilon)),
                    (part, rows.norms[part]),
                )
                np.minimum(nearest[part], found.min(axis=0), out=nearest[part])

    def between(self, positions: Positions) -> Floats:
        """(p, p) squared distances between `positions`, in float64."""
        h = self._rows.moved(self._rows.exactly(positions))
        a = to_numpy(_loss_gradient(take(self._proba, positions)))
        norms = np.sum(h**2, axis=1)
        exact = float(np.finfo(np.float64).eps)
        return self._combine(
            a @ a.T, h @ h.T, (positions[:, None], norms[:, None], exact), (positions, norms)
        )

    def _combine(
        self,
        a_products: Floats,
        h_products: Floats,
        centres: tuple[Positions, Floats, float],
        others: tuple[Positions | slice, Floats],
    ) -> Floats:
        """Squared distances from the products of both factors; what rounding alone can produce counts as 0."""
        (i, h_moved_i, epsilon), (j, h_moved_j) = centres, others
        a_i, a_j, h_i, h_j = self._a_norms[i], self._a_norms[j], self._h_norms[i], self._h_norms[j]
        a_gap = np.maximum(a_i + a_j - 2 * a_products, 0)
        h_gap = np.maximum(h_moved_i + h_moved_j - 2 * h_products.astype(np.float64, copy=False), 0)
        a_middle = (2 * (a_i + a_j) - a_gap) / 4
        h_middle = np.maximum(2 * (h_i + h_j) - h_gap, 0) / 4
        distances = a_gap * h_middle + a_middle * h_gap + (a_i - a_j) * (h_i - h_j) / 2
        digits = 4 * np.sqrt(self._rows.d + 16.0)
        noise = digits * epsilon * a_middle * (h_moved_i + h_moved_j)
        noise += digits * np.finfo(np.float64).eps * (a_i * h_i + a_j * h_j)
        return np.where(distances > noise, distances, 0.0)


def _loss_gradient(proba: Array) -> Array:
    """p − e_ŷ for each row of `proba`, float64."""
    proba = floating(proba, double=True)
    xp = namespace(proba)
    classes = from_numpy(np.arange(proba.shape[1]), like=proba)
    predicted = xp.argmax(proba, axis=-1)[:, None]
    return proba - xp.astype(classes[None, :] == predicted, xp.float64)
