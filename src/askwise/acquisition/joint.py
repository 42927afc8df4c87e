"""The joint distribution of several candidates' labels under draws of a model's parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..xp import Array, from_numpy, namespace, row_blocks, to_numpy, xlogx

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_COLUMNS = (
    2048  # candidates times classes, and below label configurations, in one product: it stays near the core
)
_ROWS = 512


class JointLabels:
    """What the labels of the candidates added so far can be, and what each such configuration says of the draws.

    Given the parameters, labels are independent. A configuration of labels therefore matters only through the
    posterior weights that it gives the S draws; these are kept normalised, so that nothing underflows however many
    candidates are added. While there are at most `most` configurations all are kept, each with its probability.
    Beyond that, `most` of them are drawn from their joint distribution, and every further candidate adds one drawn
    label to each: they stay draws from the joint distribution, all with the same mass, also when `most` < S.

    Attributes
    ----------
    weights
        (r, S) posterior weights of the draws under each configuration; rows sum to 1.
    masses
        (r,) probabilities of the configurations; they sum to 1.
    exact
        Whether the configurations are all there are.

    Examples
    --------
    >>> joint = JointLabels(2, most=100, rng=np.random.default_rng(0))
    >>> joint.add(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> joint.weights.tolist(), joint.masses.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.5])
    """

    def __init__(self, S: int, most: int, rng: np.random.Generator) -> None:
        self.weights: Floats = np.full((1, S), 1 / S)
        self.masses: Floats = np.ones(1)
        self.exact = True
        self._most = most
        self._rng = rng

    def add(self, proba: Floats) -> None:
        """Add a candidate with class probabilities `proba` (S, C) under each draw."""
        proba = proba[:, np.lexsort(proba[::-1])]  # the numbering of the classes has no part in the drawing
        masses = self.masses[:, None] * (self.weights @ proba)
        possible = np.flatnonzero(masses)  # labels of probability 0 would only take up room
        if self.exact and len(possible) <= self._most:
            chosen, self.masses = possible, masses.ravel()[possible]
        else:
            # One uniform number in each of equally wide strata: every configuration that was drawn before fills
            # exactly one of them, and so gets one label.
            self.exact = False
            places = (np.arange(self._most) + self._rng.random(self._most)) / self._most
            cumulative = np.cumsum(masses.ravel()[possible])
            found = np.searchsorted(cumulative, places * cumulative[-1], side="right")
            chosen, self.masses = possible[np.minimum(found, len(possible) - 1)], np.ones(self._most)
        rows, classes = np.divmod(chosen, proba.shape[1])
        self.weights = self.weights[rows] * proba.T[classes]
        self.weights /= self.weights.sum(axis=1, keepdims=True)
        self.masses = self.masses / self.masses.sum()

    def merged(self, count: int) -> tuple[Floats, Floats]:
        """At most `count` mean configurations in place of all, with their weights and masses.

        Entropy is concave, so that a conditional entropy taken over them is never below that over all; it is close,
        because configurations of similar weights come together: those that trust the same draw about equally, and
        then, in one step of k-means, each with the nearest mean.
        """
        if len(self.weights) <= count:
            return self.weights, self.masses
        trusted = self.weights.argmax(axis=1)
        order = np.lexsort((self.weights[np.arange(len(trusted)), trusted], trusted))
        starts = np.linspace(0, len(order), count, endpoint=False).astype(np.int64)
        means = self._means(order, starts)[0].astype(np.float32)
        weights, lengths = self.weights.astype(np.float32), np.sum(means**2, axis=1) / 2
        nearest = np.concatenate(
            [
                np.argmax(weights[rows] @ means.T - lengths, axis=1)
                for rows in row_blocks(len(weights), 4 * count, 4 << 20)
            ]
        )
        order = np.argsort(nearest, kind="stable")
        starts = np.unique(nearest[order], return_index=True)[1]
        return self._means(order, starts)

    def _means(self, order: Positions, starts: Positions) -> tuple[Floats, Floats]:
        """Means and masses of the runs of `order` that begin at `starts`."""
        masses = np.add.reduceat(self.masses[order], starts)
        weights = np.add.reduceat(self.weights[order] * self.masses[order, None], starts, axis=0)
        return weights / masses[:, None], masses


def conditional_entropies(
    samples: Array, positions: Positions | slice, weights: Floats, masses: Floats, *, double: bool = True
) -> Floats:
    """Mean entropy of candidates' labels given configurations of other labels: Σ_r mass_r H(Σ_s weight_rs p_s).

    Parameters
    ----------
    samples
        (S, n, C) class probabilities under S draws.
    positions
        Which p candidates.
    weights, masses
        (r, S) and (r,), of the configurations.
    double
        In float64; else in float32, which is several times as fast.

    Returns
    -------
    (p,) entropies in nats, on the host. Memory: blocks of a few MB.
    """
    xp = namespace(samples)
    S, n, C = samples.shape
    dtype = xp.float64 if double else xp.float32
    host = np.float64 if double else np.float32
    given = from_numpy(weights.astype(host), like=samples)
    probabilities = from_numpy(masses.astype(host), like=samples)
    count = len(range(*positions.indices(n))) if isinstance(positions, slice) else len(positions)
    entropies = np.empty(count)
    for block in row_blocks(count, C, _COLUMNS):
        proba = xp.reshape(xp.astype(_candidates(samples, positions, block), dtype), (S, -1))
        total = np.zeros(proba.shape[1])
        for rows in row_blocks(len(masses), 1, _ROWS):
            terms = _xlogx(given[rows, :] @ proba)
            total -= to_numpy(probabilities[rows] @ terms)
        entropies[block] = total.reshape(-1, C).sum(axis=1)
    return entropies


def _candidates(samples: Array, positions: Positions | slice, block: slice) -> Array:
    """(S, b, C) of the block of positions."""
    if isinstance(positions, slice):
        return samples[:, slice((positions.start or 0) + block.start, (positions.start or 0) + block.stop), :]
    if isinstance(samples, np.ndarray):
        return samples[:, positions[block], :]
    return namespace(samples).take(samples, from_numpy(positions[block], like=samples), axis=1)


def _xlogx(p: Array) -> Any:
    """As `xlogx`, without a second temporary where the library allows."""
    if not isinstance(p, np.ndarray):
        return xlogx(p)
    logs = np.maximum(p, np.finfo(p.dtype).smallest_normal)
    np.log(logs, out=logs)
    logs *= p
    return logs
