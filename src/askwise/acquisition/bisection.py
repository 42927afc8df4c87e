"""Bisection between labelled items of different classes, along the order in which the learner ranks the pool."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ..xp import Array, fill, from_numpy, tie_ranks, to_numpy
from .distances import Floats, Positions
from .imbalance import class_leads, predicted_classes

_Entry: TypeAlias = tuple[
    int, float, int, int, int, int
]  # length, |lead|, rank; what is compared comes first


def galaxy(k: int, rng: np.random.Generator, proba: Array, labels: Array, labeled_proba: Array) -> Array:
    """Pick `k` candidates by bisecting, in every class, between labelled items inside and outside of it.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and picks at random where nothing is labelled or all labels are of one class.
    proba
        (n, C) class probabilities.
    labels
        (m,) class positions of the labelled items; (0,) without any.
    labeled_proba
        (m, C) class probabilities of the labelled items.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Notes
    -----
    Formula: class c orders candidates and labelled items by p_c − max_{j ≠ c} p_j. Two items of the order, one of
    class c and one not, with only candidates between them, leave the boundary of c open. k times: of all open
    stretches of all classes the one with the fewest candidates; of those the middle one. A pick counts in every order
    as labelled with its predicted class, since its answer comes with the batch. Once no stretch is open, the
    candidates next to the boundaries follow, outwards, from both sides alike.

    The short stretches are those of rare classes, and both sides of a boundary get as many questions: so the labels
    come out more even than by margin, which stays on the side where most of the pool lies.

    Cost: O(n C log n + k C (log n + m + k)) time, O((n + m) C) memory.

    Use when some classes are very rare and every class has a label or two.
    Avoid when probabilities of the labelled items are not at hand, nothing is labelled (it is random choice then), or
    classes are even: margin does as well.

    References
    ----------
    J. Zhang, J. Katz-Samuels and R. Nowak, "GALAXY: graph-based active learning at the extreme", ICML 2022; there the
    answers are known one by one within a batch.

    Examples
    --------
    >>> positive = np.array([0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95])
    >>> labeled_positive = np.array([0.05, 0.75])
    >>> proba, labeled_proba = (np.column_stack([1 - p, p]) for p in (positive, labeled_positive))
    >>> galaxy(3, np.random.default_rng(0), proba, np.array([0, 1]), labeled_proba)
    array([3, 4, 5])
    """
    n, C = (int(size) for size in proba.shape)
    ranks = tie_ranks(n, rng)
    answers = to_numpy(labels).astype(np.int64)
    predicted = predicted_classes(proba, np.bincount(answers, minlength=C))
    orders = [
        Order(np.concatenate([own, given]), ranks, answers == c)
        for c, (own, given) in enumerate(_leads(proba, labeled_proba, len(answers)))
    ]
    heap = [
        order.entry(c, left, right) for c, order in enumerate(orders) for left, right in order.stretches()
    ]
    heapify(heap)
    picks: list[int] = []
    while heap and len(picks) < k:
        *_, c, left, right = heappop(heap)
        if not orders[c].is_open(left, right):
            continue
        pick = orders[c].middle(left, right)
        picks.append(pick)
        for other, order in enumerate(orders):
            for stretch in order.insert(pick, inside=bool(predicted[pick] == other)):
                heappush(heap, order.entry(other, *stretch))
    picks = _outwards(orders, picks, k, n)
    return from_numpy(fill(np.array(picks, dtype=np.int64), k, ranks), like=proba)


class Order:
    """Candidates and labelled items in the order of one class's lead, and which of them have a label.

    Parameters
    ----------
    leads
        (n + m,) the leads of the candidates, then those of the labelled items.
    ranks
        (n,) a random permutation, for candidates with equal leads.
    inside
        (m,) whether each labelled item is of the class.
    """

    def __init__(self, leads: Floats, ranks: Positions, inside: Floats) -> None:
        n, self._leads, self._ranks = len(ranks), leads, ranks
        shuffled = np.concatenate([np.argsort(ranks), np.arange(n, len(leads))])
        self.items = shuffled[np.argsort(leads[shuffled], kind="stable")].astype(np.int32)
        self._places = np.empty(len(leads), np.int32)
        self._places[self.items] = np.arange(len(leads), dtype=np.int32)
        given = self._places[n:]
        self._inside = dict(zip(given.tolist(), inside.tolist(), strict=True))
        self._labeled = sorted(self._inside)

    def stretches(self) -> list[tuple[int, int]]:
        """Places of neighbouring labelled items, one of the class and one not, with candidates between them."""
        return self._open(self._labeled)

    def boundaries(self) -> list[tuple[int, int]]:
        """Places of labelled items side by side, one of the class and one not."""
        return [(left, right) for left, right in self._opposed(self._labeled) if right - left == 1]

    def _open(self, places: list[int]) -> list[tuple[int, int]]:
        return [(left, right) for left, right in self._opposed(places) if right - left > 1]

    def _opposed(self, places: list[int]) -> list[tuple[int, int]]:
        """Neighbours in `places`, all labelled, that lie on two sides."""
        return [pair for pair in pairwise(places) if self._inside[pair[0]] != self._inside[pair[1]]]

    def is_open(self, left: int, right: int) -> bool:
        """Whether nothing between the two has a label."""
        return bool(self._labeled[bisect_left(self._labeled, left) + 1] == right)

    def key(self, place: int) -> tuple[float, int]:
        """The distance of the candidate at `place` from the class's boundary, and its rank."""
        item = int(self.items[place])
        return abs(float(self._leads[item])), int(self._ranks[item])

    def _middle(self, left: int, right: int) -> int:
        return min((left + right) // 2, (left + right + 1) // 2, key=self.key)

    def middle(self, left: int, right: int) -> int:
        """The candidate half-way; of two the one nearer the boundary."""
        return int(self.items[self._middle(left, right)])

    def entry(self, c: int, left: int, right: int) -> _Entry:
        """How soon a stretch is bisected: shorter first."""
        return (right - left - 1, *self.key(self._middle(left, right)), c, left, right)

    def insert(self, item: int, *, inside: bool) -> list[tuple[int, int]]:
        """Give a candidate a label; the stretches that this opens."""
        place = int(self._places[item])
        at = bisect_left(self._labeled, place)
        self._labeled.insert(at, place)
        self._inside[place] = inside
        return self._open(self._labeled[max(at - 1, 0) : at + 2])


def _leads(proba: Array, labeled_proba: Array, m: int) -> list[tuple[Floats, Floats]]:
    """For each class the leads of the candidates and of the labelled items."""
    own = class_leads(proba)
    given = class_leads(labeled_proba) if m else (np.empty(0) for _ in range(int(proba.shape[1])))
    return list(zip(own, given, strict=True))


def _outwards(orders: list[Order], picks: list[int], k: int, n: int) -> list[int]:
    """`picks` and then the candidates nearest to a boundary, in places of its order, nearest first."""
    taken = set(picks)
    picks = list(picks)
    heap: list[_Entry] = []

    def push(steps: int, c: int, place: int, direction: int) -> None:
        items = orders[c].items
        while 0 <= place < len(items) and (items[place] >= n or int(items[place]) in taken):
            place, steps = place + direction, steps + 1
        if 0 <= place < len(items):
            heappush(heap, (steps, *orders[c].key(place), c, place, direction))

    if len(picks) < k:
        for c, order in enumerate(orders):
            for left, right in order.boundaries():
                push(1, c, left - 1, -1)
                push(1, c, right + 1, 1)
    while heap and len(picks) < k:
        steps, _, _, c, place, direction = heappop(heap)
        item = int(orders[c].items[place])
        if item not in taken:
            taken.add(item)
            picks.append(item)
        push(steps, c, place, direction)
    return picks
