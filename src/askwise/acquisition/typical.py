"""Candidates that are typical of the pool: in the middle of a cluster, or close to much else."""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace

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
    tie_ranks,
    to_numpy,
    top_k,
    xlogx,
)
from .clusters import assign, fit_rows, measured, moved_given, moved_rows, nearest_centre, squared_gaps
from .distances import EuclideanRows, Floats, Positions
from .facility import unit_rows

_MEMBERS = 2_000
_BLOCK_BYTES = 8 << 20


def typiclust(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    clusters: int = 500,
    neighbours: int = 20,
    smallest: int = 6,
) -> Array:
    """Pick `k` candidates, each the most typical one of a large cluster that nothing was picked from yet.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Seeds the clusters, decides ties, and fills the batch once the large clusters are used up.
    embedding
        (n, d); may be a memory map. The clusters are made on the host.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    clusters
        At most how many clusters to make of candidates and labelled items: m + k, if that is less.
    neighbours
        How many nearest neighbours within the cluster tell what is typical, but at most half of its members.
    smallest
        Clusters of fewer items are left out, unless all are.

    Returns
    -------
    (k,) distinct positions in the order of picking. Copies of another candidate come after all else in a cluster.

    Raises
    ------
    ContractError
        If an option is below 1.

    Notes
    -----
    Formula: typicality = 1 / (mean distance to the nearest neighbours in the cluster + 1e-5). Each pick comes from
    the cluster with the fewest labelled items and picks, the larger one among equals. Copies count once, so that
    no candidate is typical of nothing but itself.

    Cost: k-means fitted on at most max(10,000, 40 clusters) items, one product of all with the centres, and the
    distances within each cluster that is used, among at most 2,000 of its candidates drawn at random.

    Use when there are hardly any labels and the embedding groups what belongs together.
    Avoid when there are more than some labels a class: it keeps asking for what is easy, and then falls behind.

    References
    ----------
    G. Hacohen, A. Dekel and D. Weinshall, "Active learning on a budget: opposite strategies suit high and low
    budgets", ICML 2022.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.5]])
    >>> np.sort(typiclust(2, np.random.default_rng(0), embedding, np.empty((0, 1)), neighbours=2, smallest=1))
    array([1, 4])
    """
    for word, value in (("clusters", clusters), ("neighbours", neighbours), ("smallest", smallest)):
        if value < 1:
            raise ContractError(f"typiclust: {word} is {value}; expected at least 1")
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    count = min(int(labeled_embedding.shape[0]) + k, clusters)
    rows = measured(embedding, labeled_embedding, count)
    centres = fit_rows(rows, count, rng)
    labels = assign(rows, centres)[0]
    known = np.bincount(nearest_centre(moved_given(rows), centres)[0], minlength=len(centres))
    open_to_pick = np.bincount(labels, minlength=len(centres))
    large = (open_to_pick > 0) & (open_to_pick + known >= smallest)
    used = np.flatnonzero(large if large.any() else open_to_pick > 0)
    order = np.lexsort((ranks, labels))
    members = np.split(order, np.cumsum(open_to_pick)[:-1])
    queue = [(int(known[c]), -int(open_to_pick[c] + known[c]), int(c)) for c in used]
    heapify(queue)
    lists: dict[int, list[int]] = {}
    picks: list[int] = []
    while queue and len(picks) < k:
        spent, size, cluster = queue[0]
        if cluster not in lists:
            lists[cluster] = _by_typicality(rows, members[cluster], neighbours).tolist()[::-1]
        if lists[cluster]:
            picks.append(lists[cluster].pop())
            heapreplace(queue, (spent + 1, size, cluster))
        else:
            heappop(queue)
    return from_numpy(fill(np.array(picks, np.int64), k, ranks), like=embedding)


def _by_typicality(rows: EuclideanRows, members: Positions, neighbours: int) -> Positions:
    """`members`, which come by rank, the most typical first, then copies, then those that were not looked at."""
    looked, rest = members[:_MEMBERS], members[_MEMBERS:]
    points = moved_rows(rows, looked)
    gaps = squared_gaps(points, points)
    np.fill_diagonal(gaps, 0)
    first = (gaps == 0).argmax(axis=1)
    single = np.flatnonzero(first == np.arange(len(first)))
    copies = np.flatnonzero(first != np.arange(len(first)))
    near = max(1, min(neighbours, len(single) // 2))
    if len(single) < 2:
        return np.concatenate([looked[single], looked[copies], rest])
    mean = np.empty(len(single))
    for part in row_blocks(len(single), 8 * len(single), _BLOCK_BYTES):
        closest = np.partition(gaps[np.ix_(single[part], single)], near, axis=1)[:, : near + 1]
        mean[part] = np.sqrt(np.sort(closest, axis=1)[:, 1:]).mean(axis=1)  # the least is the member itself
    # The order of 1 / (mean + 1e-5) is that of the means; two neighbours of one another may differ by rounding alone.
    order = np.argsort(_rounded(mean), kind="stable")
    return np.concatenate([looked[single[order]], looked[copies], rest])


def _rounded(values: Floats) -> Floats:
    """`values` to ten digits of the largest: what only rounding tells apart is equal."""
    unit = float(values.max(initial=0.0)) or 1.0
    return np.asarray(np.round(values / unit, 10))


def information_density(
    k: int, rng: np.random.Generator, proba: Array, embedding: Array, beta: float = 1.0
) -> Array:
    """Pick the `k` candidates that are uncertain and resemble many others.

    It takes `k`, although it ranks candidates one by one: what a candidate resembles depends on the whole pool.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties.
    proba
        (n, C) class probabilities.
    embedding
        (n, d); may be a memory map, which is read twice.
    beta
        Weight of the density; 0 for entropy alone.

    Returns
    -------
    (k,) distinct positions, best first.

    Raises
    ------
    ContractError
        If `beta` is negative.

    Notes
    -----
    Formula: H(p) · [ (1/n) Σ_x' (1 + cos(x, x')) / 2 ]^β, H(p) = −Σ_c p_c log p_c. The mean of the cosines is the
    product with one vector, the mean of all rows at length 1, so that no pair is ever formed. A row of zeros has
    cosine 0 with all others.

    Cost: O(n (C + d)) time, O(n) memory.

    Use when the pool has outliers that a purely uncertain choice would fall for.
    Avoid when batches are large: the picks are next to each other where the pool is densest. u_coverage is not.

    References
    ----------
    B. Settles and M. Craven, "An analysis of active learning strategies for sequence labeling tasks", EMNLP 2008.

    Examples
    --------
    >>> proba = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    >>> embedding = np.array([[1.0, 0.0], [-1.0, 0.1], [0.8, 0.2], [1.0, 0.1]])
    >>> information_density(2, np.random.default_rng(0), proba, embedding)
    array([2, 0])
    """
    if not beta >= 0:
        raise ContractError(f"information_density: beta is {beta}; expected at least 0")
    n, d = (int(size) for size in embedding.shape)
    blocks = list(row_blocks(n, 8 * (d + int(proba.shape[1])), _BLOCK_BYTES))
    total = np.zeros(d)
    for rows in blocks:
        unit = unit_rows(embedding[rows, :], double=True)
        total += to_numpy(namespace(unit).sum(unit, axis=0))
    mean = from_numpy(total / n, like=embedding)
    scores = np.empty(n)
    for rows in blocks:
        similar = to_numpy(row_sums(unit_rows(embedding[rows, :], double=True) * mean))
        unsure = np.maximum(to_numpy(-row_sums(xlogx(floating(proba[rows, :], double=True)))), 0)
        scores[rows] = unsure * np.clip((1 + similar) / 2, 0, 1) ** beta
    return from_numpy(top_k(_rounded(scores), k, rng), like=embedding)
