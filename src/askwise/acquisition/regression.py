"""Which numbers to ask for: the learner's own spread, and distances in features and outputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..xp import (
    Array,
    fill,
    floating,
    from_numpy,
    namespace,
    row_blocks,
    squared_norms,
    take,
    tie_ranks,
    to_numpy,
)
from .distances import EuclideanRows, Floats, Positions
from .greedy import farthest_first

_BLOCK_BYTES = 4 << 20
_CENTRES = 256


def predictive_std(std: Array) -> Array:
    """Score each candidate by the standard deviation of the learner's prediction.

    Parameters
    ----------
    std
        (n,) predicted standard deviations: of a Gaussian process, a Bayesian ridge, or the members of a committee.

    Returns
    -------
    (n,) scores, the deviations themselves.

    Notes
    -----
    Formula: σ(x). The members of a committee of regressors have σ² = Var_s f_s(x), so that this is also query by
    committee for regression.

    Cost: O(n) time, nothing beyond the inputs.

    Use when the learner gives honest deviations and one or few candidates are asked at a time.
    Avoid when the noise differs from place to place and is part of σ: it asks where answers tell least; for
    batches take max_det or lcmd.

    References
    ----------
    D. A. Cohn, Z. Ghahramani and M. I. Jordan, "Active learning with statistical models", JAIR 4, 1996;
    R. Burbidge, J. J. Rowland and R. D. King, "Active learning for regression based on query by committee", 2007.

    Examples
    --------
    >>> predictive_std(np.array([0.5, 2.0]))
    array([0.5, 2. ])
    """
    return floating(std)


def gsx(k: int, rng: np.random.Generator, embedding: Array, labeled_embedding: Array) -> Array:
    """Pick `k` candidates, each the farthest, in the features, from everything labelled or picked so far.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides among equally distant candidates, and fills the batch once only copies of picks are left.
    embedding
        (n, d) of the candidates; may be a memory map. Scale the features first: distances count all alike.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.

    Returns
    -------
    (k,) distinct positions in the order of picking. With nothing labelled the first is the candidate nearest the
    mean.

    Notes
    -----
    Formula: argmax_x min_{s ∈ labelled ∪ picked} ‖x − s‖, k times: the rule of k_center, which the literature on
    regression found again under this name.

    Cost: O(n d (m + k)) as matrix products, O(n) memory beyond the inputs.

    Use when nothing is known about the outputs yet, or a design must be fixed in advance.
    Avoid when features that do not matter for the output dominate the distances, or the pool has outliers.

    References
    ----------
    H. Yu and S. Kim, "Passive sampling for regression", ICDM 2010; D. Wu, C.-T. Lin and J. Huang, "Active learning
    for regression using greedy sampling", Information Sciences 474, 2019.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [9.0], [4.0]])
    >>> gsx(2, np.random.default_rng(0), embedding, labeled_embedding=np.array([[0.0]]))
    array([2, 3])
    """
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    return from_numpy(farthest_first(EuclideanRows(embedding, labeled_embedding), k, ranks), like=embedding)


def gsy(k: int, rng: np.random.Generator, mean: Array, labels: Array) -> Array:
    """Pick `k` candidates, each with a predicted output far from every output known or picked so far.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties.
    mean
        (n,) predicted outputs of the candidates.
    labels
        (m,) the numbers answered so far; (0,) without any.

    Returns
    -------
    (k,) distinct positions in the order of picking. With nothing labelled the first is the candidate whose
    prediction is nearest the mean prediction.

    Notes
    -----
    Formula: argmax_x min_l |f(x) − y_l|, k times; a pick counts as answered with its own prediction.

    Cost: O(n (m + k)) time, O(n) memory.

    Use when the range of the outputs must be covered, rare high and low values included.
    Avoid when the learner cannot predict yet: its outputs then say nothing; start with gsx.

    References
    ----------
    D. Wu, C.-T. Lin and J. Huang, "Active learning for regression using greedy sampling", Information Sciences 474,
    2019.

    Examples
    --------
    >>> gsy(2, np.random.default_rng(0), np.array([0.0, 1.0, 9.0, 4.0]), labels=np.array([0.0]))
    array([2, 3])
    """
    xp = namespace(mean)
    outputs = EuclideanRows(
        floating(mean, double=True)[:, None], xp.astype(labels, xp.float64)[:, None], double=True
    )
    ranks = tie_ranks(int(mean.shape[0]), rng)
    return from_numpy(farthest_first(outputs, k, ranks), like=mean)


def igs(
    k: int,
    rng: np.random.Generator,
    mean: Array,
    embedding: Array,
    labeled_embedding: Array,
    labels: Array,
) -> Array:
    """Pick `k` candidates that are far from everything answered or picked, in the features times in the output.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and fills the batch once every product is 0.
    mean
        (n,) predicted outputs of the candidates.
    embedding
        (n, d) of the candidates; may be a memory map. Scale the features first: distances count all alike.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labels
        (m,) the numbers answered for them.

    Returns
    -------
    (k,) distinct positions in the order of picking. With nothing labelled the first is the candidate nearest the
    mean of the features.

    Notes
    -----
    Formula: argmax_x min_l ‖x − x_l‖ · |f(x) − y_l|, the product inside the minimum, k times; a pick counts as
    answered with its own prediction.

    Cost: O(n d (m + k)) time, one pass over the rows a pick, O(n) memory beyond the inputs.

    Use when the learner predicts the output passably: new places and new values are asked for together.
    Avoid when the output hardly depends on the features yet (use gsx), or batches are large and rows many (lcmd).

    References
    ----------
    D. Wu, C.-T. Lin and J. Huang, "Active learning for regression using greedy sampling", Information Sciences 474,
    2019.

    Examples
    --------
    >>> embedding, mean = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 5.0, 0.5])
    >>> igs(1, np.random.default_rng(0), mean, embedding, np.array([[0.0]]), np.array([0.0]))
    array([1])
    """
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    outputs = to_numpy(mean).astype(np.float64)
    known = to_numpy(labels).astype(np.float64)
    nearest = np.full(n, np.inf)
    for rows, part, squares in _to_labeled(embedding, labeled_embedding):
        products = np.sqrt(squares) * np.abs(outputs[rows, None] - known[part])
        np.minimum(nearest[rows], products.min(axis=1), out=nearest[rows])
    picks: list[int] = []
    if not len(known):
        picks = farthest_first(EuclideanRows(embedding), 1, ranks).tolist()
    while len(picks) < k:
        if picks:
            pick = picks[-1]
            distances = np.sqrt(_to_row(embedding, np.arange(n), _exactly(embedding, pick)))
            np.minimum(nearest, distances * np.abs(outputs - outputs[pick]), out=nearest)
            nearest[picks] = 0
        if nearest.max() <= 0:
            break
        picks.append(_first_of_largest(nearest, ranks))
    return from_numpy(fill(np.array(picks, np.int64), k, ranks), like=embedding)


def lcmd(k: int, rng: np.random.Generator, embedding: Array, labeled_embedding: Array) -> Array:
    """Pick `k` candidates, each the farthest of the cluster that is worst represented so far.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and fills the batch once only copies of picks are left.
    embedding
        (n, d) of the candidates: the learner's own, or sketched gradients; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.

    Returns
    -------
    (k,) distinct positions in the order of picking. With nothing labelled the first is the longest row.

    Notes
    -----
    Formula: each candidate belongs to its nearest labelled or picked item; of the cluster with the largest Σ ‖x −
    centre‖² the candidate with the largest distance is picked, k times. Candidates that the triangle inequality
    keeps where they are are not looked at: the picks are those of the full rule.

    Cost: O(n d (m + k)) time at most, O(n + (m + k) d) memory beyond the inputs.

    Use when batches are large and the task is regression: the best all-rounder of its benchmark, between
    farthest-first, which asks for outliers, and k-means, which asks where the pool is dense.
    Avoid when the embedding is not the learner's own and says little about the output.

    References
    ----------
    D. Holzmüller, V. Zaverkin, J. Kästner and I. Steinwart, "A framework and benchmark for deep batch active
    learning for regression", JMLR 24, 2023 (LCMD-TP).

    Examples
    --------
    >>> embedding = np.array([[0.5], [-0.5], [0.7], [9.0]])  # the last is the farthest, but alone
    >>> lcmd(1, np.random.default_rng(0), embedding, labeled_embedding=np.array([[0.0], [8.2]]))
    array([2])
    """
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    m, d = (int(size) for size in labeled_embedding.shape)
    centres = np.empty((m + k, d))
    centres[:m] = to_numpy(floating(labeled_embedding, double=True))
    nearest, owner = np.full(n, np.inf), np.zeros(n, np.int64)
    for rows, part, squares in _to_labeled(embedding, labeled_embedding):
        column = squares.argmin(axis=1)
        found = squares[np.arange(len(column)), column]
        closer = np.flatnonzero(found < nearest[rows])
        nearest[rows][closer] = found[closer]
        owner[rows][closer] = part.start + column[closer]
    picks: list[int] = []
    for count in range(m, m + k):
        if count:
            weights = np.bincount(owner, nearest, minlength=count)
            if weights.max() <= 0:
                break
            heaviest = weights >= weights.max() * (1 - 1e-12)
            pick = _first_of_largest(np.where(heaviest[owner], nearest, -1.0), ranks)
        else:
            pick = _first_of_largest(_to_row(embedding, np.arange(n), np.zeros(d)), ranks)
        centre = _exactly(embedding, pick)
        movable: Positions = np.arange(n)
        if count:
            # ‖x − centre‖ >= ‖owner − centre‖ − ‖x − owner‖: nearer only where the first is below twice the second.
            apart = squared_norms(centres[:count] - centre)
            movable = np.flatnonzero(4 * nearest * (1 + 1e-9) >= apart[owner])
        found = _to_row(embedding, movable, centre)
        moves = found < nearest[movable]
        nearest[movable[moves]] = found[moves]
        owner[movable[moves]] = count
        picks.append(pick)
        centres[count] = centre
        nearest[picks] = 0
    return from_numpy(fill(np.array(picks, np.int64), k, ranks), like=embedding)


def _exactly(embedding: Array, position: int) -> Floats:
    """One row in float64, on the host."""
    return np.asarray(to_numpy(floating(take(embedding, np.array([position])), double=True))[0])


def _first_of_largest(values: Floats, ranks: Positions) -> int:
    """Position of the largest of `values`, none negative at the top; among equals the smallest rank."""
    tied = np.flatnonzero(values >= values.max() * (1 - 1e-12))
    return int(tied[ranks[tied].argmin()])


def _to_row(embedding: Array, positions: Positions, row: Floats) -> Floats:
    """Squared distances from the rows at `positions` to `row`, by differences: 0 for copies."""
    everything = len(positions) == int(embedding.shape[0])
    centre = from_numpy(row, like=embedding)
    found = np.empty(len(positions))
    for part in row_blocks(len(positions), 16 * len(row), _BLOCK_BYTES):
        block = embedding[part, :] if everything else take(embedding, positions[part])
        found[part] = to_numpy(squared_norms(floating(block, double=True) - centre))
    return found


def _to_labeled(embedding: Array, given: Array) -> Iterator[tuple[slice, slice, Floats]]:
    """Triples of a slice of rows, a slice of labelled items, and the squared distances between them, float64."""
    n, d = (int(size) for size in embedding.shape)
    m = int(given.shape[0])
    if not m:
        return
    origin = namespace(given).mean(floating(given, double=True), axis=0)
    noise = 8 * np.sqrt(d + 16.0) * np.finfo(np.float64).eps
    for rows in row_blocks(n, 8 * (2 * d + 2 * min(m, _CENTRES)), _BLOCK_BYTES):
        block = floating(embedding[rows, :], double=True) - origin
        lengths = to_numpy(squared_norms(block))[:, None]
        for part in row_blocks(m, 1, _CENTRES):
            centres = floating(given[part, :], double=True) - origin
            total = lengths + to_numpy(squared_norms(centres))
            squares = total - 2 * to_numpy(block @ centres.T)
            yield rows, part, np.where(squares > noise * total, squares, 0.0)
