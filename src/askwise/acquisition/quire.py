"""Candidates whose answer, even the least welcome one, fits what is labelled."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, from_numpy, tie_ranks, to_numpy
from .clusters import host_rows, squared_gaps
from .distances import Floats, Positions

_MOST_LABELED = 5000
_EQUAL = 1e-9


def quire(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    labels: Array,
    strength: float = 1.0,
    candidates: int = 5000,
) -> Array:
    """Pick the `k` candidates of the smallest regularised loss under the worse of their possible answers.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws the candidates that are looked at from a large pool, and decides ties.
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labels
        (m,) their class positions. Each class against the rest is one problem, and the losses are added up.
    strength
        λ, the weight of the regulariser beside the squared loss.
    candidates
        How many candidates, drawn at random, are looked at; never fewer than `k`.

    Returns
    -------
    (k,) distinct positions in the order of picking. A pick counts as answered with what is predicted for it.

    Raises
    ------
    ContractError
        If an option is out of range, or m + k is above 5,000: the kernel of labelled items and picks is held.

    Notes
    -----
    Formula: argmin_s max_{y_s = ±1} min_{y_a ∈ ℝ} yᵀ (K + λ I)⁻¹ y, a the other unlabelled items, K the Gaussian
    kernel exp(−‖x − x'‖² / mean squared distance to the mean). Minimising over y_a leaves the Schur complement of
    the block of a, which is the inverse of the block of labelled items and s alone. So the inverse over the whole
    pool that published code makes is not needed, and the value is a constant + Σ_c (1 + |f_c(s)|)² / v(s), f the
    kernel ridge prediction and v = λ + the variance that is left at s. The usual short form drops the terms y_lᵀ · y_l,
    which depend on s as well; they are kept here. A pick changes v by one step of a Cholesky decomposition.

    Cost: O(m³ + candidates · (m + k) (d + m + k)) time, O(candidates · (m + k) + m²) memory on the host.

    Use when labels are few and classes form clusters under a Gaussian kernel.
    Avoid when labels are plenty: in published comparisons it lost to random on average.

    References
    ----------
    S.-J. Huang, R. Jin and Z.-H. Zhou, "Active learning by querying informative and representative examples", NeurIPS
    2010.

    Examples
    --------
    >>> embedding = np.array([[0.1], [0.5], [0.9]])
    >>> quire(1, np.random.default_rng(0), embedding, np.array([[0.0], [1.0]]), np.array([0, 1]))
    array([1])
    """
    if not strength > 0:
        raise ContractError(f"quire: strength is {strength!r}; expected a number above 0")
    if candidates < 1:
        raise ContractError(f"quire: candidates is {candidates!r}; expected at least 1")
    n, m = int(embedding.shape[0]), int(labeled_embedding.shape[0])
    if m + k > _MOST_LABELED:
        raise ContractError(
            f"quire: {m:,} labelled items and a batch of {k:,} are more than {_MOST_LABELED:,} together, and their "
            f"kernel does not fit: take fewer, or u_coverage"
        )
    ranks = tie_ranks(n, rng)
    count = max(k, candidates)
    shown = np.sort(rng.choice(n, size=count, replace=False)) if count < n else np.arange(n)
    X, L = host_rows(embedding, shown), host_rows(labeled_embedding, np.arange(m))
    origin, width = _frame(np.concatenate([X, L]))
    problem = _Problem((X - origin) / width, (L - origin) / width, to_numpy(labels), strength, k)
    return from_numpy(shown[problem.pick(k, ranks[shown])], like=embedding)


class _Problem:
    """Kernel ridge predictions of some candidates, and the variance that is left at each."""

    def __init__(self, X: Floats, L: Floats, labels: Positions, strength: float, k: int) -> None:
        self._X, self._strength = X, strength
        m = len(L)
        self._width = m
        self._factor = np.zeros((len(X), m + k))
        self._variances = np.ones(len(X))
        self._reach = np.ones(len(X))
        if m:
            root = np.linalg.cholesky(np.exp(-squared_gaps(L, L)) + strength * np.eye(m))
            self._factor[:, :m] = np.linalg.solve(root, np.exp(-squared_gaps(L, X))).T
            self._variances -= np.sum(self._factor[:, :m] ** 2, axis=1)
            sides = np.where(labels[:, None] == np.unique(labels), 1.0, -1.0)
            predictions = self._factor[:, :m] @ np.linalg.solve(root, sides)
            self._reach = np.sum((1 + np.abs(predictions)) ** 2, axis=1)

    def values(self) -> Floats:
        """Σ_c (1 + |f_c|)² / v of each candidate, to be made small."""
        return np.asarray(self._reach / (self._strength + np.maximum(self._variances, 0)))

    def pick(self, k: int, ranks: Positions) -> Positions:
        """`k` positions of least value, each counting as answered with its prediction."""
        picks: list[int] = []
        while len(picks) < k:
            values = self.values()
            values[picks] = np.inf
            tied = np.flatnonzero(values <= values.min() * (1 + _EQUAL))
            picks.append(int(tied[ranks[tied].argmin()]))
            self._accept(picks[-1])
        return np.array(picks, np.int64)

    def _accept(self, pick: int) -> None:
        done = self._factor[:, : self._width]
        column = np.exp(-squared_gaps(self._X, self._X[pick][None])[:, 0]) - done @ done[pick]
        column /= np.sqrt(self._strength + max(float(self._variances[pick]), 0.0))
        self._factor[:, self._width] = column
        self._width += 1
        self._variances -= column**2


def _frame(rows: Floats) -> tuple[Floats, float]:
    """The mean row, and the root of the mean squared distance to it; 1 if all rows are the same."""
    largest = float(np.abs(rows).max(initial=0.0)) or 1.0
    mean = (rows / largest).mean(axis=0)
    spread = float(np.sqrt(np.mean(np.sum((rows / largest - mean) ** 2, axis=1))))
    return mean * largest, spread * largest if spread > 1e-12 else largest
