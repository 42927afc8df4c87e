"""Random choice: the strategy that every other one has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random(k: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pick `k` of `n` candidates, every subset equally likely.

    Parameters
    ----------
    k
        How many to pick, 1 <= k <= n.
    n
        How many candidates there are.
    rng
        Source of the randomness.

    Returns
    -------
    (k,) distinct positions, int64, in random order.

    Notes
    -----
    Formula: P(S) = 1 / binomial(n, k) for every S of k candidates.

    Cost: O(n) at most, O(k) when k is small beside n.

    Use when you need a baseline, an unbiased sample, or nothing is known about the pool or the learner.
    Avoid when an embedding or a fitted learner is at hand: informed picks need fewer labels for the same accuracy.

    References
    ----------
    R. W. Floyd, in J. Bentley, "Programming pearls: a sample of brilliance", CACM 30(9), 1987.

    Examples
    --------
    >>> sorted(random(4, 4, np.random.default_rng(0)).tolist())
    [0, 1, 2, 3]
    """
    return rng.choice(n, size=k, replace=False).astype(np.int64, copy=False)
