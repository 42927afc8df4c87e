"""The audit set: which items measure the model, when they are asked, and which of them count.

One random order of the whole pool is drawn from the project's seed. Its prefix is set aside at `init` and never
trains or steers anything. It is labelled progressively, in its own order, mixed into the batches. Only the part of
it without gaps counts, since an item that is left out because its answer is late (or early, by import) would make
the sample a biased one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

AT_LEAST = 30
SHARE = 0.15
UNKNOWN_BUDGET = 10_000


def reserve_size(n: int, budget: int | None) -> int:
    """How many of n items to set aside: 15 % of the budget, at least 30, at most a third of the pool.

    >>> reserve_size(200_000, 500), reserve_size(1_797, None), reserve_size(60, None)
    (75, 270, 20)
    """
    spend = min(n, UNKNOWN_BUDGET) if budget is None else min(n, budget)
    return min(max(AT_LEAST, round(SHARE * spend)), n // 3)


def draw_order(representatives: NDArray[np.int64], reserve: int, seed: int) -> NDArray[np.int64]:
    """The audit set's rows in their random order; round 0 of the project's random numbers is theirs."""
    rng = np.random.default_rng([seed, 0])
    return rng.permutation(representatives)[:reserve]


def due(k: int, audited: int, asked: int, reserve: int) -> int:
    """How many of the next k questions measure.

    Every second question until 30 measure, then 15 % of all. `audited` and `asked` count what is answered or
    out on a lease.

    >>> due(10, audited=0, asked=0, reserve=270), due(10, audited=30, asked=60, reserve=270)
    (5, 0)
    >>> due(100, audited=30, asked=200, reserve=270)
    15
    """
    total = asked + k
    target = min(reserve, max(round(SHARE * total), min(AT_LEAST, total // 2)))
    return min(max(target - audited, 0), k)


def settled_prefix(order: Sequence[str], settled: Container[str]) -> int:
    """The length of the gapless part.

    >>> settled_prefix(["d", "a", "c"], {"d", "a", "x"})
    2
    """
    for length, item in enumerate(order):
        if item not in settled:
            return length
    return len(order)


def interleave(chosen: Sequence[str], audit: Sequence[str]) -> list[str]:
    """The audit questions spread evenly among the chosen ones.

    >>> interleave(["c1", "c2", "c3", "c4"], ["a1", "a2"])
    ['a1', 'c1', 'c2', 'a2', 'c3', 'c4']
    """
    place = {item: (index + 0.5) / len(chosen) for index, item in enumerate(chosen)}
    place |= {item: index / len(audit) for index, item in enumerate(audit)}
    return sorted(place, key=lambda item: place[item])
