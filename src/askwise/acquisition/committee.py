"""How much the members of a committee, or the draws of a posterior, disagree. Larger = asked sooner."""

from __future__ import annotations

from ..xp import Array, floating, map_rows, namespace, row_sums, xlogx


def vote_entropy(samples: Array) -> Array:
    """Score each candidate by the entropy of its committee's votes, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member.

    Returns
    -------
    (n,) scores in [0, log min(S, C)].

    Notes
    -----
    Formula: −Σ_c (V_c / S) log(V_c / S), V_c = votes for class c. A member votes for its most likely class; where
    several are equally likely its vote is shared among them, so that the order of the classes plays no part.

    Cost: O(S n C) time, O(n) memory.

    Use when members give hard or badly calibrated predictions, so that only their votes can be trusted.
    Avoid when the members' probabilities mean something: with few members most scores tie; bald ranks more finely.

    References
    ----------
    I. Dagan and S. P. Engelson, "Committee-based sampling for training probabilistic classifiers", ICML 1995.

    Examples
    --------
    >>> import numpy as np
    >>> vote_entropy(np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.8, 0.2], [0.3, 0.7]]])).round(4)
    array([0.    , 0.6931])
    """
    xp = namespace(samples)
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        proba = floating(samples[:, rows, :], double=True)
        votes = xp.astype(proba == xp.max(proba, axis=-1, keepdims=True), xp.float64)
        votes = xp.sum(votes / xp.sum(votes, axis=-1, keepdims=True), axis=0)
        # Sorted, so that the same votes for other classes add up to exactly the same score.
        return 0 - row_sums(xlogx(xp.sort(votes, axis=-1) / S))

    return map_rows(score, n, bytes_per_row=24 * S * C)


def bald(samples: Array, corrected: bool = False) -> Array:
    """Score each candidate by what its label would tell about the model's parameters, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities under S draws of the parameters.
    corrected
        Multiply by S / (S − 1), which removes most of the downward bias of few draws. The ranking stays the same;
        use it to compare values between different S.

    Returns
    -------
    (n,) scores in [0, log min(S, C)] before the correction; all 0 with a single draw.

    Notes
    -----
    Formula: H(p̄) − (1/S) Σ_s H(p_s), p̄ = (1/S) Σ_s p_s; it equals the mean of KL(p_s ‖ p̄). It is computed as
    Σ_c [(1/S) Σ_s p_sc log p_sc − p̄_c log p̄_c], a sum of terms that are never negative.

    Cost: O(S n C) logarithms, O(n) memory.

    Use when the learner has a posterior or is a committee and labels are noisy: it looks past noise that no label
    can remove.
    Avoid when the batch is large (its picks repeat one another) or S is small beside the differences that matter.

    References
    ----------
    N. Houlsby, F. Huszár, Z. Ghahramani and M. Lengyel, "Bayesian active learning for classification and
    preference learning", 2011.

    Examples
    --------
    >>> import numpy as np
    >>> bald(np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])).round(4)
    array([0.6931, 0.    ])
    """
    xp = namespace(samples)
    S, n, C = samples.shape
    factor = S / (S - 1) if corrected and S > 1 else 1.0

    def score(rows: slice) -> Array:
        proba = floating(samples[:, rows, :])
        gaps = xp.mean(xlogx(proba), axis=0) - xlogx(xp.mean(proba, axis=0))
        return factor * row_sums(xp.clip(gaps, min=0.0))  # by convexity; rounding can give −1e-9

    return map_rows(score, n, bytes_per_row=8 * S * C)
