"""Clusters of rows: weighted k-means, average and Ward linkage, the nearest of some centres.

The work is done on the host: rows of any array library are read in blocks, and no n × n array is made.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..xp import Array, floating, row_blocks, squared_norms, take, to_numpy
from .distances import EuclideanRows, Floats, Positions

_TRAINING_ROWS, _TRAINING_ROWS_PER_CLUSTER = 10_000, 40
_SEEDING_ROWS, _SEEDING_ROWS_PER_CLUSTER = 1_000, 10
_PASSES = 25
_BLOCK_BYTES = 8 << 20
_SMALL = 2**30  # multiplications that float64 makes soon enough


def measured(embedding: Array, given: Array | None, centres: int) -> EuclideanRows:
    """Rows to be compared with about `centres` others; in float64 where that takes no time worth saving."""
    n, d = (int(size) for size in embedding.shape)
    return EuclideanRows(embedding, given, double=n * d * centres <= _SMALL)


def moved_rows(rows: EuclideanRows, positions: Positions) -> Floats:
    """Candidates at `positions`, float64, about the origin that `rows` uses."""
    return rows.moved(rows.exactly(positions))


def moved_given(rows: EuclideanRows) -> Floats:
    """The given rows, float64, about the same origin."""
    if rows.given is None:
        return np.empty((0, rows.d))
    return rows.moved(to_numpy(floating(rows.given, double=True)) * rows.scale)


def squared_gaps(x: Floats, y: Floats) -> Floats:
    """(a, b) squared distances between the rows of `x` and `y`; what rounding alone can produce counts as 0.

    Examples
    --------
    >>> squared_gaps(np.array([[0.0], [3.0]]), np.array([[1.0]]))
    array([[1.],
           [4.]])
    """
    lengths = squared_norms(x)[:, None] + squared_norms(y)[None, :]
    gaps = lengths - 2 * (x @ y.T)
    gaps[gaps <= 8 * np.sqrt(x.shape[1] + 16.0) * np.finfo(np.float64).eps * lengths] = 0
    return np.asarray(gaps)


def fit_rows(rows: EuclideanRows, count: int, rng: np.random.Generator) -> Floats:
    """Centres of at most `count` clusters of the candidates and the given rows; many rows are drawn from first."""
    given = moved_given(rows)
    total = rows.n + len(given)
    size = max(_TRAINING_ROWS, _TRAINING_ROWS_PER_CLUSTER * count)
    sample = np.sort(rng.choice(total, size=size, replace=False)) if total > size else np.arange(total)
    points = np.concatenate(
        [moved_rows(rows, sample[sample < rows.n]), given[sample[sample >= rows.n] - rows.n]]
    )
    return fit(points, count, rng)


def fit(points: Floats, count: int, rng: np.random.Generator, weights: Floats | None = None) -> Floats:
    """Centres of at most `count` clusters of `points` (n, d) by weighted k-means; none of them is empty.

    Seeds are drawn by k-means++ (with probability ∝ weight · squared distance to the nearest seed) from at most
    max(1,000, 10 `count`) points, then moved to the weighted means of their points until no point changes cluster,
    25 times at most. There are fewer centres than `count` only where points coincide or a cluster runs empty.

    Parameters
    ----------
    points
        (n, d), float64, on the host.
    count
        How many clusters, at least 1.
    rng
        Draws the seeds.
    weights
        (n,) positive; by default all 1.

    References
    ----------
    S. P. Lloyd, "Least squares quantization in PCM", 1982; D. Arthur and S. Vassilvitskii, "k-means++: the advantages
    of careful seeding", SODA 2007.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [10.0], [12.0]])
    >>> np.sort(fit(points, 2, np.random.default_rng(0), weights=np.array([1.0, 1.0, 1.0, 3.0])), axis=0)
    array([[ 0.5],
           [11.5]])
    """
    mass = np.ones(len(points)) if weights is None else np.asarray(weights, np.float64)
    size = max(_SEEDING_ROWS, _SEEDING_ROWS_PER_CLUSTER * count)
    sample = np.arange(len(points))
    if len(points) > size:
        sample = np.sort(rng.choice(len(points), size=size, replace=False))
    centres = points[sample[_seeds(points[sample], count, mass[sample], rng)]]
    labels = np.full(len(points), -1)
    for _ in range(_PASSES):
        previous, labels = labels, nearest_centre(points, centres)[0]
        if np.array_equal(labels, previous):
            break
        order = np.argsort(labels, kind="stable")
        present, starts = np.unique(labels[order], return_index=True)
        totals = np.add.reduceat(points[order] * mass[order, None], starts, axis=0)
        centres = totals / np.add.reduceat(mass[order], starts)[:, None]
        labels = np.searchsorted(present, labels)
    return np.asarray(centres)


def _seeds(points: Floats, count: int, mass: Floats, rng: np.random.Generator) -> list[int]:
    """Positions of up to `count` distinct points, drawn by k-means++."""
    seeds: list[int] = []
    weights = mass
    nearest = np.full(len(points), np.inf)
    while len(seeds) < min(count, len(points)):
        cumulative = np.cumsum(weights)
        if cumulative[-1] <= 0:
            break
        drawn = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
        seeds.append(int(min(drawn, np.searchsorted(cumulative, cumulative[-1]))))
        np.minimum(nearest, squared_gaps(points[seeds[-1]][None, :], points)[0], out=nearest)
        weights = mass * nearest
    return seeds


def nearest_centre(points: Floats, centres: Floats) -> tuple[Positions, Floats]:
    """Of each of `points` (n, d) its nearest centre, and half the squared distance short of ‖point‖² / 2."""
    labels, closest = np.empty(len(points), np.int64), np.empty(len(points), points.dtype)
    half_norms = squared_norms(centres) / 2
    for part in row_blocks(len(points), centres.itemsize * len(centres), _BLOCK_BYTES):
        closeness = points[part] @ centres.T
        closeness -= half_norms
        labels[part] = closeness.argmax(axis=1)
        closest[part] = np.take_along_axis(closeness, labels[part][:, None], axis=1)[:, 0]
    return labels, closest


def assign(rows: EuclideanRows, centres: Floats) -> tuple[Positions, Floats]:
    """Of every candidate the nearest of `centres` (as from `fit_rows`), and its squared distance."""
    labels, distances = np.empty(rows.n, np.int64), np.empty(rows.n, rows.precision)
    centres = centres.astype(rows.precision)
    for part, block in rows.blocks():
        labels[part], closest = nearest_centre(to_numpy(block), centres)
        distances[part] = np.maximum(rows.norms[part] - 2 * closest, 0)
    return labels, distances


def most_central(labels: Positions, distances: Floats, slack: Floats, ranks: Positions) -> Positions:
    """One position a cluster: the least distance, or of those within `slack` of it the smallest rank.

    The clusters come with the most members first, and among equals by the rank of what stands for them.

    Examples
    --------
    >>> labels, distances = np.array([0, 1, 1, 1]), np.array([0.0, 2.0, 1.0, 1.0])
    >>> most_central(labels, distances, np.zeros(4), ranks=np.array([0, 1, 3, 2]))
    array([3, 0])
    """
    least = np.full(int(labels.max()) + 1, np.inf)
    np.minimum.at(least, labels, distances)
    tied = np.flatnonzero(distances <= least[labels] + slack)
    tied = tied[np.argsort(ranks[tied])]
    present, first = np.unique(labels[tied], return_index=True)
    central = tied[first]
    sizes = np.bincount(labels)[present]
    return np.asarray(central[np.lexsort((ranks[central], -sizes))])


def tree(points: Floats, method: Literal["average", "ward"]) -> NDArray[Any]:
    """The merges of agglomerative clustering of `points` (n, d), as SciPy's linkage matrix (n − 1, 4).

    It holds all n (n − 1) / 2 distances: the callers pass at most 2,000 points.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    if len(points) < 2:
        return np.empty((0, 4))
    distances = np.sqrt(squared_gaps(points, points))
    np.fill_diagonal(distances, 0)
    distances = (distances + distances.T) / 2  # a matrix product need not be symmetric to the last digit
    return np.asarray(linkage(squareform(distances, checks=False), method=method))


def host_rows(rows: Array, positions: Positions) -> Floats:
    """Rows at `positions`, float64, on the host."""
    return np.asarray(to_numpy(floating(take(rows, positions), double=True)))
