"""Batches that cover as much of the pool as possible, whatever the learner thinks of it."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, from_numpy, row_blocks, squared_norms, take, tie_ranks, to_numpy
from .clusters import fit, measured, moved_given, moved_rows, nearest_centre, squared_gaps
from .distances import EuclideanRows, Floats, Positions
from .facility import FacilityLocation, kernel_width
from .greedy import lazy_greedy

_PURITY_SAMPLE = 2_000
_TILE = 1024, 2048  # rows and columns of one matrix product
_EXACT_ROWS = 4096


def max_herding(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    targets: int | None = 20_000,
    candidates: int | None = 4_000,
    bandwidth: float | None = None,
) -> Array:
    """Pick the `k` candidates that, with the labelled items, best cover the pool.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws targets and candidates from a large pool, decides ties, and fills the batch once nothing is left to
        gain.
    embedding
        (n, d); its rows are used at length 1. May be a memory map: only targets and candidates are read.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    targets
        How many candidates, drawn at random, stand for the pool that is to be covered; all where there are fewer,
        or with None.
    candidates
        How many candidates, drawn at random, may be picked, but never fewer than `k`; all where there are fewer, or
        with None.
    bandwidth
        σ² of the kernel. By default twice the median squared distance to the 20th neighbour, among at most 2,000
        candidates drawn at random; copies at distance 0 are left out of the median.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If `bandwidth` is not positive.

    Notes
    -----
    Formula: greedy maximum of Σ_x max_{s ∈ labelled ∪ picked} exp(−‖x − s‖² / σ²), x over the targets. The gains
    only shrink, so they are evaluated lazily: the picks are those of the full greedy, at least 1 − 1/e of the best
    possible coverage of the targets by these candidates. With `targets=None, candidates=None` that holds of the
    whole pool, in time quadratic in n.

    Cost: one kernel of candidates × targets, held if it takes at most 512 MB and made again in blocks otherwise.

    Use when there are few labels or none: it starts with what is typical, and spreads out without asking for
    outliers.
    Avoid when the learner can already tell where it is unsure: u_coverage then covers only that.

    References
    ----------
    W. Bae, J. Noh and D. J. Sutherland, "Generalized coverage for more robust low-budget active learning", ECCV
    2024.

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [0.9, 0.1], [0.8, 0.2], [0.0, 1.0]])
    >>> max_herding(2, np.random.default_rng(0), embedding, np.empty((0, 2)))
    array([2, 3])
    """
    if bandwidth is not None and not bandwidth > 0:
        raise ContractError(f"max_herding: bandwidth is {bandwidth}; expected a number above 0, or None")
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    rows = _drawn(n, None if candidates is None else max(candidates, k), rng)
    covered = _drawn(n, targets, rng)
    width = kernel_width(embedding, rng) if bandwidth is None else bandwidth
    gains = FacilityLocation(take(embedding, rows), take(embedding, covered), np.ones(len(covered)), width)
    gains.cover(labeled_embedding)
    picks = rows[lazy_greedy(k, gains.evaluate, gains.accept, ranks[rows], gains.rounding)]
    return from_numpy(fill(picks, k, ranks), like=embedding)


def _drawn(n: int, size: int | None, rng: np.random.Generator) -> Positions:
    """`size` of n positions at random, in ascending order; all where there are fewer."""
    return np.arange(n) if size is None or size >= n else np.sort(rng.choice(n, size=size, replace=False))


def prob_cover(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    radius: float | None = None,
    purity: float = 0.95,
    classes: int = 10,
    sample: int | None = 20_000,
) -> Array:
    """Pick the `k` candidates whose balls, with those of the labelled items, hold the most candidates.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws from a large pool, seeds the pseudo-labels, decides ties, and fills the batch once only copies are left.
    embedding
        (n, d); may be a memory map. The search itself is made on the host.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    radius
        Of the balls, in the units of the embedding. By default as large as purity allows.
    purity
        Share of the candidates whose ball must hold no other pseudo-label; sets the default radius.
    classes
        How many pseudo-labels k-means gives: the number of classes, where it is known.
    sample
        From how many candidates, drawn at random, to choose and to cover, but never fewer than `k`; all where there
        are fewer, or with None.

    Returns
    -------
    (k,) distinct positions in the order of picking. Once every candidate is covered, the radius is halved until one
    is not.

    Raises
    ------
    ContractError
        If `radius` is not positive or `purity` not in [0, 1].

    Notes
    -----
    Formula: greedy maximum of |{x : min_{s ∈ labelled ∪ picked} ‖x − s‖ <= radius}|. The gains only shrink, so they
    are evaluated lazily; the picks are those of the full greedy, at least 1 − 1/e of the best possible coverage. The
    radius is the largest r with |{x : no x' of another pseudo-label has ‖x − x'‖ <= r}| >= purity · n, on at most
    2,000 candidates drawn at random.

    Cost: O(d · sample²) time as matrix products in blocks, O(sample · d) memory: no graph of neighbours is held.

    Use when there are few labels and the embedding separates the classes.
    Avoid when it does not, or no radius suits all of the pool: max_herding has no edge to fall off.

    References
    ----------
    O. Yehuda, A. Dekel, G. Hacohen and D. Weinshall, "Active learning through a covering lens", NeurIPS 2022.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [20.0]])
    >>> prob_cover(3, np.random.default_rng(0), embedding, np.array([[9.0]]), radius=1.0)
    array([1, 5, 4])
    """
    if radius is not None and not radius > 0:
        raise ContractError(f"prob_cover: radius is {radius}; expected a number above 0, or None")
    if not 0 <= purity <= 1:
        raise ContractError(f"prob_cover: purity is {purity}; expected a share between 0 and 1")
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    chosen = _drawn(n, None if sample is None else max(sample, k), rng)
    rows = measured(take(embedding, chosen), labeled_embedding, len(chosen))
    squared = _pure_radius(rows, classes, purity, rng) if radius is None else (radius * rows.scale) ** 2
    picks = np.empty(0, np.int64)
    while len(picks) < k and squared > 0:
        balls = Balls(rows, squared, picks)
        new = lazy_greedy(k - len(picks), balls.evaluate, balls.accept, ranks[chosen], rounding=0.0)
        picks = np.concatenate([picks, new])
        if len(picks) < k:
            squared = _smaller(squared, _farthest(rows, picks))
    return from_numpy(fill(chosen[picks], k, ranks), like=embedding)


def _farthest(rows: EuclideanRows, picks: Positions) -> float:
    """The largest squared distance from any row to the nearest given row or pick."""
    parts = row_blocks(rows.n, 1, _EXACT_ROWS)
    return max(float(rows.nearest_exactly(np.arange(rows.n)[part], picks).max()) for part in parts)


def _smaller(squared: float, farthest: float) -> float:
    """The square of the radius, halved until it is below `farthest`; 0 where that is 0."""
    while squared >= farthest > 0:
        squared /= 4
    return squared if farthest > 0 else 0.0


def _pure_radius(rows: EuclideanRows, classes: int, purity: float, rng: np.random.Generator) -> float:
    """The square of the largest radius at which a share `purity` of the balls hold one pseudo-label only.

    It is put halfway to the next larger distance in the sample, so that it does not fall on one.
    """
    points = moved_rows(rows, _drawn(rows.n, _PURITY_SAMPLE, rng))
    labels = nearest_centre(points, fit(points, classes, rng))[0]
    gaps = squared_gaps(points, points)
    other = np.where(labels[:, None] != labels[None, :], gaps, np.inf).min(axis=1)
    apart = gaps[gaps > 0]
    if not len(apart):
        return 1.0
    # The balls of at most this many points may reach another pseudo-label.
    limit = float(np.sort(other)[min(int((1 - purity) * len(points) + 1e-9), len(points) - 1)])
    if limit == 0:
        return float(apart.min())
    if np.isinf(limit):
        return float(apart.max())
    within = float(gaps[gaps < limit * (1 - 1e-9)].max(initial=0.0))
    return (within + limit) / 2


class Balls:
    """How many rows not covered yet lie within a radius of each row.

    A matrix product gives half the squared distances up to a known rounding; pairs that this leaves open are settled
    by subtracting the rows themselves. So the counts are exact, in float32 as well.

    Parameters
    ----------
    rows
        The candidates, and the given rows, whose balls count as covered.
    squared
        The square of the radius, in the scale of `rows`.
    picks
        Positions whose balls count as covered, too.
    """

    def __init__(self, rows: EuclideanRows, squared: float, picks: Positions) -> None:
        self._rows, self._squared = rows, squared
        self._n = rows.n
        given = moved_given(rows)
        self._given = given if rows.origin is None else given + rows.origin * rows.scale
        moved = np.empty((rows.n + len(given), rows.d), rows.precision)
        for part, block in rows.blocks():
            moved[part] = to_numpy(block)
        moved[rows.n :] = given
        norms = squared_norms(moved)
        # Bounds from above of −½ ‖x − y‖² come out of one product: [x, 1, a] · [y, b, 1] with a, b = error − ½ norm.
        self._errors = np.asarray(8 * np.sqrt(rows.d + 16.0) * rows.epsilon * norms, rows.precision)
        raised = (self._errors - norms / 2)[:, None]
        ones = np.ones_like(raised)
        self._left = np.concatenate([moved, ones, raised], axis=1)
        self._right = np.concatenate([moved[: rows.n], raised[: rows.n], ones[: rows.n]], axis=1)
        self._open = np.ones(rows.n, np.float32)
        self._columns = np.arange(rows.n)
        for part in row_blocks(len(given), 1, _TILE[0]):
            self._cover(rows.n + np.arange(len(given))[part])
        self._cover(picks)

    def _exactly(self, indices: Positions) -> Floats:
        if len(indices) and indices[0] >= self._n:
            return np.asarray(self._given[indices - self._n])
        return self._rows.exactly(indices)

    def _inside(self, lines: Positions, part: slice) -> Floats:
        """(l, c) 1 where a row of this part of the columns lies in the ball of one of `lines`, all given or none."""
        half = -self._squared / 2
        columns = self._columns[part]
        upper = self._left[lines] @ self._right[part].T
        inside = upper >= half
        doubt = 2 * (self._errors[lines].max(initial=0) + self._errors[columns].max(initial=0))
        i, j = np.nonzero(inside & (upper < half + doubt))
        vague = upper[i, j] < half + 2 * (self._errors[lines[i]] + self._errors[columns[j]])
        i, j = i[vague], j[vague]
        for some in row_blocks(len(i), 1, _EXACT_ROWS):
            gaps = self._exactly(lines[i[some]]) - self._exactly(columns[j[some]])
            inside[i[some], j[some]] = squared_norms(gaps) <= self._squared
        return np.asarray(inside.astype(np.float32))

    def evaluate(self, positions: Positions) -> Floats:
        """How many rows would be newly covered by each of `positions`."""
        counts = np.zeros(len(positions))
        whole = len(positions) == len(self._columns) == self._n
        for lines in row_blocks(len(positions), 1, _TILE[0]):
            for columns in row_blocks(len(self._columns), 1, _TILE[0] if whole else _TILE[1]):
                if whole and columns.start < lines.start:
                    continue  # the mirror image of a tile that was made already
                inside = self._inside(positions[lines], columns)
                counts[lines] += inside @ self._open[self._columns[columns]]
                if whole and columns.start > lines.start:
                    counts[columns] += self._open[positions[lines]] @ inside
        return counts

    def accept(self, position: int) -> None:
        """Count the ball of the row at `position` as covered."""
        self._cover(np.array([position]))

    def _cover(self, lines: Positions) -> None:
        for columns in row_blocks(len(self._columns) if len(lines) else 0, 1, _TILE[1]):
            covered = self._inside(lines, columns).any(axis=0)
            self._open[self._columns[columns][covered]] = 0
        still = self._open[self._columns] > 0
        if 2 * np.count_nonzero(still) < len(still):
            self._columns, self._right = self._columns[still], self._right[still]
