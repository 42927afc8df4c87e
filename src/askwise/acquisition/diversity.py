"""Batches spread over clusters: of the whole pool, or of its most uncertain part."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, from_numpy, take, tie_ranks, to_numpy
from .clusters import assign, fit, fit_rows, host_rows, measured, most_central, moved_rows, squared_gaps, tree
from .distances import Floats, Positions
from .greedy import largest
from .uncertainty import margin

_LINKED = 2_000


def k_means(k: int, rng: np.random.Generator, embedding: Array) -> Array:
    """Pick the candidates nearest the centres of `k` clusters.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Seeds the clusters, decides ties, and fills the batch where there are fewer than `k` clusters.
    embedding
        (n, d); may be a memory map. The clusters are made on the host.

    Returns
    -------
    (k,) distinct positions, one from each cluster, the largest cluster first.

    Notes
    -----
    Formula: k-means++ and Lloyd's steps towards the minimum of Σ_x min_c ‖x − c‖²; of the members of each cluster
    the one nearest its centre.

    Cost: fitted on at most max(10,000, 40 k) candidates, drawn at random from more; one product of all n rows with
    the k centres; O(n) memory beyond that.

    Use when nothing is labelled and the batch should mirror the pool, the large groups as the small.
    Avoid when there are labels already: it does not know them, and asks for what they cover again.

    References
    ----------
    Z. Xu, K. Yu, V. Tresp, X. Xu and J. Wang, "Representative sampling for text classification using support vector
    machines", ECIR 2003.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [2.0], [10.0], [11.5]])
    >>> k_means(1, np.random.default_rng(0), embedding)
    array([2])
    """
    ranks = tie_ranks(int(embedding.shape[0]), rng)
    rows = measured(embedding, None, k)
    labels, distances = assign(rows, fit_rows(rows, k, rng))
    picks = most_central(labels, distances, rows.slack(distances), ranks)
    return from_numpy(fill(picks[:k], k, ranks), like=embedding)


def diverse_mini_batch(
    k: int, rng: np.random.Generator, proba: Array, embedding: Array, beta: float = 10.0
) -> Array:
    """Pick the candidates nearest the centres of `k` weighted clusters of the uncertain ones.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Seeds the clusters, decides ties, and fills the batch where there are fewer than `k` clusters.
    proba
        (n, C) class probabilities.
    embedding
        (n, d); may be a memory map: only the shortlist is read. The clusters are made on the host.
    beta
        The shortlist is the β k candidates of smallest margin (all, if there are fewer).

    Returns
    -------
    (k,) distinct positions, one from each cluster, the largest cluster first.

    Raises
    ------
    ContractError
        If `beta` is below 1.

    Notes
    -----
    Formula: k-means++ and Lloyd's steps towards the minimum of Σ_x U(x) min_c ‖x − c‖² over the shortlist,
    U = 1 − (p_(1) − p_(2)), at least 1e-6; of the members of each cluster the one nearest its centre.

    Cost: O(n C) for the margins; the rest depends on k alone, O(β k² d) multiplications a step.

    Use when batches are large and a shortlist by margin alone would repeat itself: nearly as cheap as margin.
    Avoid when the learner cannot yet tell where it is unsure: the shortlist then is any part of the pool.

    References
    ----------
    F. Zhdanov, "Diverse mini-batch active learning", 2019.

    Examples
    --------
    >>> proba = np.array([[0.5, 0.5], [0.6, 0.4], [0.5, 0.5], [1.0, 0.0]])
    >>> embedding = np.array([[0.0], [0.1], [5.0], [9.0]])
    >>> diverse_mini_batch(2, np.random.default_rng(0), proba, embedding, beta=1.5)
    array([0, 2])
    """
    if not beta >= 1:
        raise ContractError(f"diverse_mini_batch: beta is {beta}; expected at least 1")
    ranks = tie_ranks(int(proba.shape[0]), rng)
    shortlist, unsure = _most_uncertain(proba, int(beta * k), ranks)
    rows = measured(take(embedding, shortlist), None, k)
    points = moved_rows(rows, np.arange(rows.n))
    labels, distances = assign(rows, fit(points, k, rng, np.maximum(unsure, 1e-6)))
    picks = shortlist[most_central(labels, distances, rows.slack(distances), ranks[shortlist])]
    return from_numpy(_filled(picks, k, shortlist, ranks), like=embedding)


def cluster_margin(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    beta: float = 10.0,
    distance: float | None = None,
) -> Array:
    """Pick `k` candidates of small margin, in turn from the clusters that they fall into, the smallest first.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws what is clustered of a large pool, and decides ties.
    proba
        (n, C) class probabilities.
    embedding
        (n, d); may be a memory map. The clusters are made on the host.
    beta
        The shortlist is the β k candidates of smallest margin (all, if there are fewer).
    distance
        Clusters are merged up to this average distance between their members. By default until `k` are left.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If `beta` is below 1 or `distance` is negative.

    Notes
    -----
    Formula: clusters by average linkage, sorted by how many of the shortlist they hold; round after round one
    candidate from each that has any left, the one of smallest margin.

    Cost: average linkage of at most 2,000 candidates, drawn at random from more (32 MB of distances); each other
    candidate of the shortlist joins the cluster of the nearest of them, O(β k d) multiplications for each of 2,000.

    Use when batches hold thousands of candidates: small groups are asked about before large ones repeat themselves.
    Avoid when batches are small, where weighted clusters of the shortlist (diverse_mini_batch) serve better.

    References
    ----------
    G. Citovsky et al., "Batch active learning at scale", NeurIPS 2021.

    Examples
    --------
    >>> proba = np.array([[0.5, 0.5], [0.51, 0.49], [0.52, 0.48], [0.6, 0.4], [1.0, 0.0]])
    >>> embedding = np.array([[0.0], [0.1], [0.2], [5.0], [5.1]])
    >>> cluster_margin(2, np.random.default_rng(0), proba, embedding, beta=2)
    array([3, 0])
    """
    if not beta >= 1:
        raise ContractError(f"cluster_margin: beta is {beta}; expected at least 1")
    if distance is not None and not distance >= 0:
        raise ContractError(f"cluster_margin: distance is {distance}; expected at least 0, or None")
    n = int(proba.shape[0])
    ranks = tie_ranks(n, rng)
    shortlist, _ = _most_uncertain(proba, int(beta * k), ranks)
    linked = np.sort(rng.choice(n, size=_LINKED, replace=False)) if n > _LINKED else np.arange(n)
    labels = _linked_clusters(shortlist, linked, embedding, k, distance)
    sizes = np.bincount(labels)[labels]
    turn = np.empty(len(labels), np.int64)  # the shortlist comes with the smallest margin first
    first = np.full(len(labels), len(labels))
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        turn[members] = np.arange(len(members))
        first[members] = members[0]
    order = np.lexsort((first, sizes, turn))
    return from_numpy(shortlist[order[:k]], like=embedding)


def _most_uncertain(proba: Array, count: int, ranks: Positions) -> tuple[Positions, Floats]:
    """The `count` candidates of smallest margin, the smallest first, and 1 − margin of each."""
    unsure = np.maximum(1 + to_numpy(margin(proba)).astype(np.float64), 0)
    shortlist = largest(unsure, min(count, len(unsure)), ranks)[0]
    return shortlist, unsure[shortlist]


def _filled(picks: Positions, k: int, shortlist: Positions, ranks: Positions) -> Positions:
    """`picks`, then other candidates of the shortlist, by rank."""
    missing = np.setdiff1d(shortlist, picks)
    return np.concatenate([picks, missing[np.argsort(ranks[missing])]])[:k].astype(np.int64)


def _linked_clusters(
    shortlist: Positions, linked: Positions, embedding: Array, k: int, distance: float | None
) -> Positions:
    """The cluster of each candidate of the shortlist, as numbers from 0."""
    from scipy.cluster.hierarchy import fcluster

    rows = measured(take(embedding, linked), None, len(linked))
    points = moved_rows(rows, np.arange(rows.n))
    merges = tree(points, "average")
    if not len(merges):
        return np.zeros(len(shortlist), np.int64)
    if distance is None:
        clusters = fcluster(merges, k, criterion="maxclust")
    else:
        clusters = fcluster(merges, distance * rows.scale, criterion="distance")
    nearest = np.minimum(np.searchsorted(linked, shortlist), len(linked) - 1)
    others = np.flatnonzero(linked[nearest] != shortlist)
    for start in range(0, len(others), _LINKED):
        part = others[start : start + _LINKED]
        nearest[part] = squared_gaps(
            rows.moved(host_rows(embedding, shortlist[part]) * rows.scale), points
        ).argmin(axis=1)
    return np.unique(clusters[nearest], return_inverse=True)[1].astype(np.int64)
