"""How unsure one model is: scores from its probabilities or its decision values. Larger = asked sooner."""

from __future__ import annotations

from typing import Literal

from ..errors import ContractError
from ..xp import Array, floating, largest_two, map_rows, namespace, row_sums, xlogx


def least_confident(proba: Array) -> Array:
    """Score each candidate by the probability that its most likely class is wrong.

    Parameters
    ----------
    proba
        (n, C) class probabilities.

    Returns
    -------
    (n,) scores in [0, 1 − 1/C].

    Notes
    -----
    Formula: 1 − max_c p_c

    Cost: O(n C) time, O(n) memory.

    Use when the learner's top probability is calibrated and only the predicted class matters.
    Avoid when batches are large or the pool has near-duplicates: the picks will resemble one another.

    References
    ----------
    D. D. Lewis and W. A. Gale, "A sequential algorithm for training text classifiers", SIGIR 1994.

    Examples
    --------
    >>> import numpy as np
    >>> least_confident(np.array([[1.0, 0.0], [0.5, 0.5]]))
    array([0. , 0.5])
    """
    return 1 - largest_two(floating(proba))[0]


def margin(proba: Array) -> Array:
    """Score each candidate by how close its two most likely classes are.

    Parameters
    ----------
    proba
        (n, C) class probabilities.

    Returns
    -------
    (n,) scores in [−1, 0]; 0 where the two best classes tie. One class only: the second counts as 0.

    Notes
    -----
    Formula: −(p_(1) − p_(2)), with p_(1) >= p_(2) the two largest probabilities. Adding 1 would give a score in
    [0, 1] but round small margins together in float32.

    Cost: O(n C) time, O(n) memory.

    Use when you want one uncertainty score without a setting: the strongest of its kind in published comparisons.
    Avoid when there are few labels yet, batches are large or the pool has near-duplicates: add coverage.

    References
    ----------
    T. Scheffer, C. Decomain and S. Wrobel, "Active hidden Markov models for information extraction", IDA 2001.

    Examples
    --------
    >>> import numpy as np
    >>> margin(np.array([[0.75, 0.25, 0.0], [0.5, 0.5, 0.0]]))
    array([-0.5,  0. ])
    """
    first, second = largest_two(floating(proba))
    return second - first


def ratio(proba: Array) -> Array:
    """Score each candidate by the second most likely class's share of the most likely one.

    Parameters
    ----------
    proba
        (n, C) class probabilities.

    Returns
    -------
    (n,) scores in [0, 1]; 1 where the two best classes tie. One class only: 0.

    Notes
    -----
    Formula: p_(2) / p_(1), with p_(1) >= p_(2) the two largest probabilities

    Cost: O(n C) time, O(n) memory.

    Use when you want margin's idea on a scale from 0 to 1, whatever the tail of other classes takes away: for
    weights, as in power(ratio), or beside other scores.
    Avoid when there are few labels yet, batches are large or the pool has near-duplicates: add coverage.

    References
    ----------
    B. Settles, "Active learning literature survey", 2009, section 3.1; as odds between two classes it ranks like
    the difference of log-probabilities, the "best versus second best" of A. J. Joshi, F. Porikli and
    N. Papanikolopoulos, "Multi-class active learning for image classification", CVPR 2009.

    Examples
    --------
    >>> import numpy as np
    >>> ratio(np.array([[0.75, 0.25, 0.0], [0.4, 0.4, 0.2]])).round(4)
    array([0.3333, 1.    ])
    """
    first, second = largest_two(floating(proba))
    return second / first


def entropy(proba: Array) -> Array:
    """Score each candidate by the entropy of its class probabilities, in nats.

    Parameters
    ----------
    proba
        (n, C) class probabilities.

    Returns
    -------
    (n,) scores in [0, log C].

    Notes
    -----
    Formula: −Σ_c p_c log p_c, with 0 log 0 = 0

    Cost: O(n C) logarithms, O(n) memory.

    Use when the whole distribution matters, not only the two best classes, and C is small.
    Avoid when C is large (the tail of unlikely classes drives it) or the pool has duplicates: it can lose to random.

    References
    ----------
    C. E. Shannon, "A mathematical theory of communication", 1948; for active learning I. Dagan and
    S. P. Engelson, "Committee-based sampling for training probabilistic classifiers", ICML 1995.

    Examples
    --------
    >>> import numpy as np
    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(4)
    array([0.    , 0.6931])
    """
    n, C = proba.shape
    return map_rows(lambda rows: 0 - row_sums(xlogx(floating(proba[rows, :]))), n, bytes_per_row=16 * C)


def hyperplane(decision: Array, multiclass: Literal["margin", "minimum"] = "margin") -> Array:
    """Score each candidate by how near it lies to a decision boundary.

    Parameters
    ----------
    decision
        (n,) or (n, 1) signed decision values of a binary learner, or (n, C) with one column a class.
    multiclass
        How several columns become one score: "margin" compares the two largest values, "minimum" takes the
        boundary that is nearest in any one-against-rest problem. Without effect on a binary learner.

    Returns
    -------
    (n,) scores, at most 0; 0 on the boundary.

    Raises
    ------
    ContractError
        If `multiclass` is neither "margin" nor "minimum".

    Notes
    -----
    Formula: −|f| (binary); −(f_(1) − f_(2)) ("margin"); −min_c |f_c| ("minimum").

    Cost: O(n C) time, O(n) memory.

    Use when the learner gives decision values but no probabilities, as support vector machines do.
    Avoid when calibrated probabilities are at hand, or the columns are on different scales (one-against-one votes).

    References
    ----------
    S. Tong and D. Koller, "Support vector machine active learning with applications to text
    classification", JMLR 2, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> hyperplane(np.array([-2.0, 0.5]))
    array([-2. , -0.5])
    >>> hyperplane(np.array([[3.0, 1.0, -0.5]]), multiclass="minimum")
    array([-0.5])
    """
    if multiclass not in ("margin", "minimum"):
        raise ContractError(f'hyperplane: multiclass is {multiclass!r}; choose "margin" or "minimum"')
    decision = floating(decision)
    xp = namespace(decision)
    if decision.ndim == 1 or decision.shape[1] == 1:
        return -xp.abs(xp.reshape(decision, (-1,)))
    if multiclass == "minimum":
        return -xp.min(xp.abs(decision), axis=-1)
    first, second = largest_two(decision)
    return second - first
