"""Batches that resemble given items, or differ from what is labelled: submodular information measures.

The kernel is exp(−‖x − q‖² / σ²) on rows of length 1, so that it is never negative, as these measures ask for.
"""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import (
    Array,
    fill,
    floating,
    from_numpy,
    namespace,
    row_blocks,
    row_sums,
    squared_norms,
    surpluses,
    take,
    tie_ranks,
    to_numpy,
)
from .distances import Floats, Positions
from .facility import kernel_width, unit_rows
from .greedy import lazy_greedy

_BLOCK_BYTES = 8 << 20
_TILE = 512, 2048  # candidates and targets of one matrix product
_STEPS = 2.0**40  # of a score in [0, 1]
_TOGETHER = 1024  # candidates evaluated at once: against few exemplars that costs less than choosing fewer
_SMALL = 2**30  # multiplications that float64 makes soon enough


def similar_to_exemplars(embedding: Array, target_embedding: Array) -> Array:
    """Score each candidate by its mean similarity to some exemplars.

    Parameters
    ----------
    embedding
        (n, d) of the candidates; may be a memory map.
    target_embedding
        (t, d) of the exemplars: what you want more of.

    Returns
    -------
    (n,) scores in [0, 1]; a row of zeros scores 1/2.

    Notes
    -----
    Formula: (1/t) Σ_q (1 + cos(x, q)) / 2, the graph-cut mutual information of a batch with the exemplars but for a
    constant factor. It is modular: the k largest scores are its maximum.

    Cost: O((n + t) d) time, O(n) memory.

    Use when you hold a few examples of a rare class, or of the items that the model is meant for, and want more like
    them; as a shortlist for another strategy too.
    Avoid when the exemplars are of several kinds (what lies between them scores highest) or the pool has near-copies:
    cover_exemplars minds both.

    References
    ----------
    S. Kothawade, N. Beck, K. Killamsetty and R. Iyer, "SIMILAR: submodular information measures based active
    learning in realistic scenarios", NeurIPS 2021 (GCMI).

    Examples
    --------
    >>> embedding = np.array([[2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> similar_to_exemplars(embedding, target_embedding=np.array([[1.0, 0.0]]))
    array([1. , 0.5, 0. ])
    """
    xp = namespace(embedding)
    mean = xp.mean(unit_rows(target_embedding, double=True), axis=0)[None, :]
    n, d = (int(size) for size in embedding.shape)
    parts = []
    for rows in row_blocks(n, 8 * d, _BLOCK_BYTES):
        cosines = row_sums(unit_rows(embedding[rows, :], double=True) * mean)
        # The last bits depend on the block that a row is in; without them copies tie wherever they are.
        parts.append(xp.round(xp.clip((1 + cosines) / 2, min=0.0, max=1.0) * _STEPS) / _STEPS)
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def cover_exemplars(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    target_embedding: Array,
    labeled_embedding: Array,
    relevance: float = 1.0,
    strictness: float = 0.0,
    bandwidth: float | None = None,
) -> Array:
    """Pick `k` candidates such that every exemplar has one like it, and each is like some exemplar.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, draws the sample for the width of the kernel, and fills the batch once nothing is left to gain.
    embedding
        (n, d) of the candidates; its rows are used at length 1. May be a memory map.
    target_embedding
        (t, d) of the exemplars: what you want more of.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    relevance
        η, at least 0: the weight of being like some exemplar, beside that of covering all of them. With 0 copies of a
        pick are worth nothing.
    strictness
        ν, at least 0: how much of what labelled items cover of an exemplar no longer counts. 0 forgets them; leave it
        at 0 where the exemplars are labelled items themselves.
    bandwidth
        σ² of the kernel. By default twice the median squared distance to the 20th neighbour, as in u_coverage.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If an option is out of its range.

    Notes
    -----
    Formula: greedy maximum of Σ_q max(max_{s ∈ S} k(q, s) − ν max_{p ∈ labelled} k(q, p), 0) +
    η Σ_{s ∈ S} max_q k(q, s), with q over the exemplars. With ν = 0 this is the facility-location mutual information
    FLQMI; with ν > 0 its first term is a conditional gain. It is monotone and submodular, so the lazy search finds
    what the full greedy search does, at least 1 − 1/e of the best value.

    With the whole pool in place of the exemplars the conditional gain (ν = 1, η = 0) is max_herding.

    Cost: O(n t d) time once and a few rows a pick, O(n) memory.

    Use when you hold a handful of exemplars of one or several rare kinds: they point to them before the learner
    can.
    Avoid when you have no exemplars, or the embedding does not put their likes near them.

    References
    ----------
    S. Kothawade, N. Beck, K. Killamsetty and R. Iyer, "SIMILAR: submodular information measures based active
    learning in realistic scenarios", NeurIPS 2021.

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.1], [1.0, 0.12], [0.1, 1.0], [-1.0, -1.0]])
    >>> exemplars = np.array([[1.0, 0.1], [0.1, 1.0], [0.1, 0.9]])
    >>> cover_exemplars(2, np.random.default_rng(0), embedding, exemplars, np.empty((0, 2)), bandwidth=0.5)
    array([2, 0])
    """
    _refuse("cover_exemplars", relevance=relevance, strictness=strictness, bandwidth=bandwidth)
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    width = kernel_width(embedding, rng) if bandwidth is None else bandwidth
    gains = InformationGains(embedding, target_embedding, width, relevance)
    if strictness:
        gains.cover(labeled_embedding, strictness)
    picks = lazy_greedy(k, gains.evaluate, gains.accept, ranks, gains.rounding, block=_TOGETHER)
    return from_numpy(fill(picks, k, ranks), like=embedding)


class InformationGains:
    """Gains of Σ_t max(max_{s ∈ S} k(t, s) − c_t, 0) + η Σ_{s ∈ S} max_t k(t, s) for candidates s.

    Parameters
    ----------
    candidates
        (n, d) rows that can be accepted; read in blocks, never copied whole.
    targets
        (t, d) rows to cover.
    bandwidth
        σ² of the kernel.
    relevance
        η.

    Attributes
    ----------
    rounding
        Relative error of the gains.
    """

    def __init__(self, candidates: Array, targets: Array, bandwidth: float, relevance: float = 0.0) -> None:
        (n, d), t = (int(size) for size in candidates.shape), int(targets.shape[0])
        xp = namespace(targets)
        self._double = n * t * d <= _SMALL or candidates.dtype == xp.float64
        self._candidates = candidates
        self._targets = unit_rows(targets, double=self._double)
        self._norms = squared_norms(self._targets)
        self._bandwidth, self._relevance = bandwidth, relevance
        epsilon = float(xp.finfo(self._targets.dtype).eps)
        self.rounding = 8 * epsilon
        # A copy of an accepted row can seem to add what rounding alone has changed of its kernel values.
        self._least = min(2 * float(np.sqrt(d + 16.0)) / bandwidth * epsilon, 1e-3)
        self._covered = xp.zeros_like(self._norms)

    def _kernel(self, rows: Array, columns: slice) -> Array:
        """Similarities (b, …) of rows of length 1 and the targets in `columns`."""
        xp = namespace(rows)
        squares = (
            squared_norms(rows)[:, None] + self._norms[columns] - 2 * (rows @ self._targets[columns, :].T)
        )
        return xp.exp(-xp.clip(squares, min=0.0) / self._bandwidth)

    def cover(self, labeled: Array, strictness: float = 1.0) -> None:
        """Count `strictness` times what the rows of `labeled` (m, d) cover already."""
        for part in row_blocks(int(labeled.shape[0]), 1, _TILE[0]):
            self._cover_by(unit_rows(labeled[part, :], double=self._double), strictness)

    def _cover_by(self, rows: Array, strictness: float = 1.0) -> None:
        xp = namespace(rows)
        for columns in row_blocks(int(self._targets.shape[0]), 1, _TILE[1]):
            found = strictness * xp.max(self._kernel(rows, columns), axis=0)
            self._covered[columns] = xp.maximum(self._covered[columns], found)

    def evaluate(self, positions: Positions) -> Floats:
        """Gains of the candidates at `positions`."""
        gains = np.zeros(len(positions))
        for part in row_blocks(len(positions), 1, _TILE[0]):
            rows = unit_rows(take(self._candidates, positions[part]), double=self._double)
            xp = namespace(rows)
            closest = np.zeros(part.stop - part.start)
            for columns in row_blocks(int(self._targets.shape[0]), 1, _TILE[1]):
                similar = self._kernel(rows, columns)
                np.maximum(closest, to_numpy(xp.max(similar, axis=1)), out=closest)
                gains[part] += to_numpy(surpluses(similar, self._covered[columns] + self._least))
            gains[part] += self._relevance * closest
        return gains

    def accept(self, position: int) -> None:
        """Count what the candidate at `position` covers."""
        row = floating(take(self._candidates, np.array([position])))
        self._cover_by(unit_rows(row, double=self._double))


def _refuse(name: str, *, bandwidth: float | None, **weights: float) -> None:
    for word, value in weights.items():
        if not 0 <= value < float("inf"):
            raise ContractError(f"{name}: {word} is {value!r}; expected a number of at least 0")
    if bandwidth is not None and not 0 < bandwidth < float("inf"):
        raise ContractError(f"{name}: bandwidth is {bandwidth!r}; expected a number above 0, or None")
