"""Which numbers to ask for: the learner's own spread, distances in features and outputs, and determinants."""

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
    squared_norms,
    take,
    tie_ranks,
    to_numpy,
)
from .distances import EuclideanRows, Floats, Positions
from .greedy import farthest_first, lazy_greedy

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
