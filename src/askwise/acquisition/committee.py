"""How much the members of a committee, or the draws of a posterior, disagree. Larger = asked sooner."""

from __future__ import annotations

from ..errors import ContractError
from ..xp import Array, floating, largest_two, map_rows, namespace, row_sums, xlogx


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
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        votes = _votes(samples[:, rows, :])
        # Sorted, so that the same votes for other classes add up to exactly the same score.
        return 0 - row_sums(xlogx(namespace(votes).sort(votes, axis=-1) / S))

    return map_rows(score, n, bytes_per_row=24 * S * C)


def vote_margin(samples: Array) -> Array:
    """Score each candidate by how close the two classes are that have most of the committee's votes.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member.

    Returns
    -------
    (n,) scores in [0, 1]: 0 where all members agree, 1 where two classes tie for the first place.

    Notes
    -----
    Formula: 1 − (V_(1) − V_(2)) / S, with V_(1) >= V_(2) the two largest numbers of votes. A member votes for its
    most likely class and shares its vote among equally likely ones.

    Cost: O(S n C) time, O(n) memory.

    Use when members give only votes, there are many classes, and the two leading ones matter.
    Avoid when the members' probabilities mean something: with few members most scores tie; bald ranks more finely.

    References
    ----------
    P. Melville and R. J. Mooney, "Diverse ensembles for active learning", ICML 2004 (margins of a committee).

    Examples
    --------
    >>> import numpy as np
    >>> vote_margin(np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.8, 0.2], [0.3, 0.7]]]))
    array([0., 1.])
    """
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        first, second = largest_two(_votes(samples[:, rows, :]))
        return 1 - (first - second) / S

    return map_rows(score, n, bytes_per_row=24 * S * C)


def variation_ratio(samples: Array) -> Array:
    """Score each candidate by the share of its committee's votes that the leading class did not get.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member or a draw of the parameters.

    Returns
    -------
    (n,) scores in [0, 1 − 1/min(S, C)].

    Notes
    -----
    Formula: 1 − max_c V_c / S, V_c = votes for class c. A member votes for its most likely class and shares its
    vote among equally likely ones.

    Cost: O(S n C) time, O(n) memory.

    Use when members or dropout passes are many, so that the votes are a fine enough scale, but badly calibrated.
    Avoid when S is small: the scores take at most S values and ties are broken at random.

    References
    ----------
    L. C. Freeman, "Elementary applied statistics", 1965; for active learning Y. Gal, R. Islam and Z. Ghahramani,
    "Deep Bayesian active learning with image data", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> variation_ratio(np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.8, 0.2], [0.3, 0.7]]]))
    array([0. , 0.5])
    """
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        return 1 - largest_two(_votes(samples[:, rows, :]))[0] / S

    return map_rows(score, n, bytes_per_row=24 * S * C)


def consensus_entropy(samples: Array) -> Array:
    """Score each candidate by the entropy of its committee's mean prediction, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member.

    Returns
    -------
    (n,) scores in [0, log C].

    Notes
    -----
    Formula: H(p̄) = −Σ_c p̄_c log p̄_c, p̄ = (1/S) Σ_s p_s. It is the members' disagreement (bald) plus the mean
    entropy of each, so that it counts noise that no label can remove.

    Cost: O(S n C) time, O(n C) logarithms, O(n) memory.

    Use when labels are clean and the committee's mean is better calibrated than a single learner.
    Avoid when labels are noisy or classes overlap (use bald), or C is large (the tail of unlikely classes drives it).

    References
    ----------
    A. McCallum and K. Nigam, "Employing EM and pool-based active learning for text classification", ICML 1998.

    Examples
    --------
    >>> import numpy as np
    >>> consensus_entropy(np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])).round(4)
    array([0.6931, 0.    ])
    """
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        proba = floating(samples[:, rows, :])
        return 0 - row_sums(xlogx(namespace(proba).mean(proba, axis=0)))

    return map_rows(score, n, bytes_per_row=8 * S * C)


def kl_to_mean(samples: Array) -> Array:
    """Score each candidate by how far its committee's members are from their mean, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member.

    Returns
    -------
    (n,) scores in [0, log min(S, C)].

    Notes
    -----
    Formula: (1/S) Σ_s KL(p_s ‖ p̄), p̄ = (1/S) Σ_s p_s. This is the same number as bald's mutual information, the
    Jensen–Shannon divergence of the members, and it is computed there.

    Cost: O(S n C) logarithms, O(n) memory.

    Use when the members are models of different kinds rather than draws of one posterior; the word is the
    committee's, the ranking is bald's.
    Avoid when the batch is large: its picks repeat one another.

    References
    ----------
    A. McCallum and K. Nigam, "Employing EM and pool-based active learning for text classification", ICML 1998.

    Examples
    --------
    >>> import numpy as np
    >>> kl_to_mean(np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])).round(4)
    array([0.6931, 0.    ])
    """
    return bald(samples)


def pairwise_kl(samples: Array, clip: float = 1e-6) -> Array:
    """Score each candidate by the mean divergence between two members of its committee, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member.
    clip
        Probabilities below this count as this much inside the logarithm; without it one zero makes the score
        infinite. With the default a class that one member is sure of and another rules out counts 13.8 nats.

    Returns
    -------
    (n,) scores in [0, −log clip]; all 0 with a single member.

    Raises
    ------
    ContractError
        If `clip` is not between 0 and 1.

    Notes
    -----
    Formula: (1 / S(S−1)) Σ_{j≠s} Σ_c p_jc (l_jc − l_sc), l = log max(p, clip). It is computed without the S² pairs as
    Σ_c Σ_s (p_sc − p̄_c)(l_sc − l̄_c) / (S − 1): the covariance of the probabilities and their logarithms.

    Cost: O(S n C) logarithms, O(n) memory.

    Use when a member that rules out what another believes should count much more than members that merely waver.
    Avoid when members are over-confident: their zeros, and the clip, then decide the ranking; use bald.

    References
    ----------
    H. Jeffreys, "An invariant form for the prior probability in estimation problems", 1946 (the symmetric
    divergence); as disagreement of a committee A. McCallum and K. Nigam, ICML 1998.

    Examples
    --------
    >>> import numpy as np
    >>> pairwise_kl(np.array([[[0.75, 0.25], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]])).round(4)
    array([0.5493, 0.    ])
    """
    if not 0 < clip < 1:
        raise ContractError(
            f"pairwise_kl: clip is {clip}; expected a probability above 0 and below 1, as 1e-6"
        )
    xp = namespace(samples)
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        proba = floating(samples[:, rows, :])
        logs = xp.log(xp.clip(proba, min=clip))
        products = _centred(proba) * _centred(logs)
        return row_sums(xp.sum(products, axis=0) / max(1, S - 1))

    return map_rows(lambda rows: xp.clip(score(rows), min=0.0), n, bytes_per_row=32 * S * C)


def mean_std(samples: Array) -> Array:
    """Score each candidate by how much its class probabilities vary over the members, on average over the classes.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities, one layer a member or a draw of the parameters.

    Returns
    -------
    (n,) scores in [0, 1/2].

    Notes
    -----
    Formula: (1/C) Σ_c sqrt((1/S) Σ_s (p_sc − p̄_c)²), p̄ = (1/S) Σ_s p_s: the population's deviation, not the sample's.

    Cost: O(S n C) time without a logarithm, O(n) memory.

    Use when bald is too slow, or changes of large probabilities should count more than those of small ones.
    Avoid when there are many classes (the mean over them is small for all) or values must mean information.

    References
    ----------
    A. Kendall, V. Badrinarayanan and R. Cipolla, "Bayesian SegNet", 2015; for active learning Y. Gal, R. Islam and
    Z. Ghahramani, "Deep Bayesian active learning with image data", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> mean_std(np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]))
    array([0.5, 0. ])
    """
    xp = namespace(samples)
    S, n, C = samples.shape

    def score(rows: slice) -> Array:
        gaps = _centred(floating(samples[:, rows, :]))
        return row_sums(xp.sqrt(xp.mean(gaps * gaps, axis=0))) / C

    return map_rows(score, n, bytes_per_row=16 * S * C)


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


def _votes(samples: Array) -> Array:
    """(n, C) votes of the S members, float64; a member shares its vote among the classes it finds most likely."""
    proba = floating(samples, double=True)
    xp = namespace(proba)
    votes = xp.astype(proba == xp.max(proba, axis=-1, keepdims=True), xp.float64)
    return xp.sum(votes / xp.sum(votes, axis=-1, keepdims=True), axis=0)


def _centred(values: Array) -> Array:
    """`values` (S, n, C) less their mean over the members; exactly 0 where all members are equal."""
    gaps = values - values[:1, ...]  # equal members leave zeros, whose mean is exact
    return gaps - namespace(gaps).mean(gaps, axis=0, keepdims=True)
