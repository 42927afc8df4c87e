"""Batches for pools in which some classes are rare: every class is given its share of the questions."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heapreplace

import numpy as np

from ..xp import Array, floating, from_numpy, largest_two, namespace, row_blocks, tie_ranks, to_numpy
from .distances import Floats, Positions
from .uncertainty import margin

_BLOCK_BYTES = 8 << 20
_COLUMNS = 16  # classes read at once: a whole cache line of each row


def balanced_margin(k: int, rng: np.random.Generator, proba: Array, labels: Array) -> Array:
    """Pick the `k` least certain candidates such that labels and picks are as even over the classes as can be.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties.
    proba
        (n, C) class probabilities.
    labels
        (m,) class positions of the labelled items; (0,) without any.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Notes
    -----
    Formula: k times, of the classes that some free candidate is predicted to be, the class c with the least
    labelled_c + picked_c; of its candidates the one with the smallest margin p_(1) − p_(2). Several classes that are
    equally short are served by smallest margin. A candidate whose best classes tie belongs to the one with fewer
    labels.

    A class counts by what was answered so far and by what is predicted within the batch, so a batch first fills up
    the classes that are behind, then serves all alike.

    Cost: O(n C + k log C) time, O(n) memory.

    Use when one class is ten times rarer than another and the learner already recognises some of each.
    Avoid when classes are balanced (margin is simpler), or a class was never seen: the learner predicts it nowhere, so
    search for it by coverage or by exemplars first.

    References
    ----------
    U. Aggarwal, A. Popescu and C. Hudelot, "Active learning for imbalanced datasets", WACV 2020 (balancing by
    predicted classes); the even filling is the greedy form of quotas ∝ max(goal − labelled_c, 0).

    Examples
    --------
    >>> proba = np.array([[0.6, 0.4], [0.7, 0.3], [0.55, 0.45], [0.1, 0.9], [0.2, 0.8]])
    >>> balanced_margin(2, np.random.default_rng(0), proba, labels=np.array([0, 0, 0]))
    array([4, 3])
    """
    n, C = (int(size) for size in proba.shape)
    ranks = tie_ranks(n, rng)
    counts = np.bincount(to_numpy(labels).astype(np.int64), minlength=C)
    scores = to_numpy(margin(proba))
    predicted = predicted_classes(proba, counts)
    queues = {
        c: iter(members[_best(scores[members], k, ranks[members])]) for c, members in _by_class(predicted)
    }
    heap: list[tuple[int, float, int, int, int]] = []
    for c, queue in queues.items():
        first = next(queue)
        heap.append((int(counts[c]), -float(scores[first]), int(ranks[first]), int(first), c))
    heapify(heap)
    picks: list[int] = []
    while len(picks) < k:
        count, _, _, pick, c = heap[0]
        picks.append(pick)
        following = next(queues[c], None)
        if following is None:
            heappop(heap)
        else:
            heapreplace(
                heap, (count + 1, -float(scores[following]), int(ranks[following]), int(following), c)
            )
    return from_numpy(np.array(picks, dtype=np.int64), like=proba)


def base(k: int, rng: np.random.Generator, proba: Array) -> Array:
    """Pick `k` candidates near the boundaries of all classes, the classes choosing in turn.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties.
    proba
        (n, C) class probabilities.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Notes
    -----
    Formula: d_c(x) = |p_c − max_{j ≠ c} p_j|, the gap to the boundary of class c, from either side. In each turn every
    class takes the free candidate of smallest d_c, the class with the smallest gap first. The paper measures the gap
    in the last layer; here it is taken in probabilities, so that any classifier will do.

    With two classes this is margin.

    Cost: O(n C) time, O(n + C k) memory.

    Use when classes are many and uneven, and margin keeps asking about the frequent ones.
    Avoid when most classes are nearly impossible everywhere: their boundaries still get equal shares.

    References
    ----------
    Z. A. S. Emam, H.-M. Chu, P.-Y. Chiang, W. Czaja, R. Leapman, M. Goldblum and T. Goldstein, "Active learning at
    the ImageNet scale", 2021.

    Examples
    --------
    >>> proba = np.array([[0.5, 0.5, 0.0], [0.45, 0.55, 0.0], [0.6, 0.1, 0.3], [0.9, 0.1, 0.0]])
    >>> base(3, np.random.default_rng(0), proba)
    array([0, 1, 2])
    """
    n, C = (int(size) for size in proba.shape)
    ranks = tie_ranks(n, rng)
    queues = list(_boundaries(proba, k, ranks))
    at = [0] * C
    heap = [(0, float(gaps[0]), int(ranks[nearest[0]]), c) for c, (nearest, gaps) in enumerate(queues)]
    heapify(heap)
    taken = np.zeros(n, dtype=bool)
    picks: list[int] = []
    while len(picks) < k:
        turn, _, _, c = heap[0]
        nearest, gaps = queues[c]
        pick = int(nearest[at[c]])
        free = not taken[pick]
        if free:
            taken[pick] = True
            picks.append(pick)
        at[c] += 1
        if at[c] == len(nearest):
            heappop(heap)
        else:
            following = int(nearest[at[c]])
            heapreplace(heap, (turn + free, float(gaps[at[c]]), int(ranks[following]), c))
    return from_numpy(np.array(picks, dtype=np.int64), like=proba)


def predicted_classes(proba: Array, counts: Positions) -> Positions:
    """(n,) the most likely class of each row; of several the one that `counts` (C,) has least of."""
    n, C = (int(size) for size in proba.shape)
    order = np.argsort(counts, kind="stable")
    xp = namespace(proba)
    columns = from_numpy(order, like=proba)
    found = np.empty(n, np.int64)
    for rows in row_blocks(n, 8 * C, _BLOCK_BYTES):
        found[rows] = to_numpy(xp.argmax(xp.take(proba[rows, :], columns, axis=1), axis=-1))
    return np.asarray(order[found], np.int64)


def _by_class(predicted: Positions) -> Iterator[tuple[int, Positions]]:
    """Each class that occurs, with the positions of its candidates."""
    order = np.argsort(predicted, kind="stable")
    classes, starts = np.unique(predicted[order], return_index=True)
    return zip(classes.tolist(), np.split(order, starts[1:]), strict=True)


def _best(scores: Floats, count: int, ranks: Positions) -> Positions:
    """Positions of the `count` largest `scores` (all where there are fewer), best first, ties by rank."""
    contenders = np.arange(len(scores))
    if count < len(scores):
        contenders = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    return contenders[np.lexsort((ranks[contenders], -scores[contenders]))][:count]


def _boundaries(proba: Array, k: int, ranks: Positions) -> Iterator[tuple[Positions, Floats]]:
    """For each class the `k` candidates nearest its boundary, nearest first, and their gaps."""
    for leads in class_leads(proba):
        gaps = np.abs(leads)
        nearest = _best(-gaps, min(k, len(gaps)), ranks)
        yield nearest, gaps[nearest]


def class_leads(proba: Array) -> Iterator[Floats]:
    """For each class c in turn p_c − max_{j ≠ c} p_j, (n,); with one class the others count as 0.

    Examples
    --------
    >>> [leads.round(1).tolist() for leads in class_leads(np.array([[0.5, 0.3, 0.2]]))]
    [[0.2], [-0.2], [-0.3]]
    """
    C = int(proba.shape[1])
    first, second = (to_numpy(values) for values in largest_two(floating(proba)))
    for start in range(0, C, _COLUMNS):
        columns = to_numpy(floating(proba[:, start : min(C, start + _COLUMNS)])).T
        for column in columns:
            # The class's own probability is the largest, or as large: then its rival is the second.
            yield column - np.where(column >= first, second, first)
