"""The compositions of one strategy, made from whatever a person writes: chance, cost, near-duplicates, quotas."""

from __future__ import annotations

from .composed import Balanced, Explore, PerCost, WithoutDuplicates
from .language import AnyStrategy, as_strategy
from .stochastic import Power, Softmax, Softrank


def power(score: AnyStrategy, beta: float = 1.0) -> Power:
    """Draw each batch at random, in proportion to a power of the scores: `power("bald")` is PowerBALD.

    The best k of many scores repeat one another; a draw spreads out for the price of the scores alone. Candidates
    with score 0 are never drawn: where fewer than k are left, the rest of the batch is random.

    Parameters
    ----------
    score
        A scoring function (anything `as_strategy` takes) whose scores are at least 0: bald, entropy, ratio, …
    beta
        The power, above 0: the larger, the closer to the best k. 1 is the authors' default; in pools of a million
        with few good candidates the many bad ones swamp them at 1, and 4 to 8 serve better.

    Raises
    ------
    ContractError
        If the part gives no scores or `beta` is not above 0; in the call, if a score is negative (margin).

    Notes
    -----
    Formula: each pick has probability s_i^β / Σ_j s_j^β among those that are left; the k largest of
    β log s_i + G_i, G_i standard Gumbel, are such a draw.

    References
    ----------
    A. Kirsch, S. Farquhar, P. Atighehchian, A. Jesson, F. Branchaud-Charron and Y. Gal, "Stochastic batch
    acquisition: a simple baseline for deep active learning", TMLR 2023.

    Examples
    --------
    >>> print(power("bald"))
    power(bald)
    >>> power("margin", beta=0)
    Traceback (most recent call last):
    askwise.errors.ContractError: power: beta is 0; expected a number above 0: 1, or more to follow the scores closer
    """
    return Power(as_strategy(score), beta)


def softmax(score: AnyStrategy, beta: float = 1.0) -> Softmax:
    """Draw each batch at random, with weights that grow exponentially with the scores.

    Parameters
    ----------
    score
        A scoring function (anything `as_strategy` takes), of any sign.
    beta
        Above 0, in units of 1 / score: a score that is larger by 1/beta is e times as likely. It has to fit the
        scale of the scores; where that is not known, take power or softrank.

    Raises
    ------
    ContractError
        If the part gives no scores or `beta` is not above 0.

    Notes
    -----
    Formula: each pick has probability ∝ exp(β s_i) among those that are left (Gumbel-top-k of β s_i).

    References
    ----------
    As for `power`.

    Examples
    --------
    >>> print(softmax("margin", beta=8))
    softmax(margin, beta=8)
    """
    return Softmax(as_strategy(score), beta)


def softrank(score: AnyStrategy, beta: float = 1.0) -> Softrank:
    """Draw each batch at random, with weights that fall with the rank of the scores: any sign, any scale.

    Parameters
    ----------
    score
        A scoring function (anything `as_strategy` takes). Equal scores are ranked at random.
    beta
        Above 0: the larger, the closer to the best k.

    Raises
    ------
    ContractError
        If the part gives no scores or `beta` is not above 0.

    Notes
    -----
    Formula: each pick has probability ∝ rank_i^(−β) among those that are left, rank 1 the largest score.

    References
    ----------
    As for `power`.

    Examples
    --------
    >>> print(softrank("margin"))
    softrank(margin)
    """
    return Softrank(as_strategy(score), beta)


def explore(strategy: AnyStrategy, share: float = 0.1) -> Explore:
    """A share of every batch drawn uniformly at random, the rest by the strategy.

    The draw comes first and from all candidates, so that the probability of each is share · k / n, whatever the
    scores: what the strategy never looks at is still seen, and its answers can be weighted. Of a batch too small
    for a whole pick the share is drawn for: with share 0.1, one of ten batches of one is random.
    `explore(…).drawn_at_random(k, n, rng)` tells which they are.

    Parameters
    ----------
    strategy
        Anything `as_strategy` takes.
    share
        Above 0 and at most 1.

    Raises
    ------
    ContractError
        If `share` is not above 0 and at most 1.

    Examples
    --------
    >>> print(explore("margin", 0.2))
    explore(margin, share=0.2)
    """
    return Explore(as_strategy(strategy), share)


def per_cost(score: AnyStrategy, budget: float | None = None) -> PerCost:
    """The batch of k that gives most score for what it may cost. Needs `cost` (n,) beside what the scores need.

    Two batches of k are made, one by score per cost and one by score, each passing over candidates that would take
    it beyond the budget. The one whose scores have the larger sum is kept. Where the budget does not even
    pay for the k cheapest candidates, these are picked.

    Parameters
    ----------
    score
        A scoring function (anything `as_strategy` takes) whose scores are at least 0, and worth twice as much when
        twice as large: bald, ratio, … A score in arbitrary units favours whatever is cheap.
    budget
        What a batch may cost, in the unit of `cost`; by default what k candidates cost on average.

    Raises
    ------
    ContractError
        If the part gives no scores or the budget is not above 0; in the call, if a score is negative (margin).

    References
    ----------
    J. Leskovec, A. Krause, C. Guestrin, C. Faloutsos, J. VanBriesen and N. Glance, "Cost-effective outbreak
    detection in networks", KDD 2007 (run both greedy rules, keep the better).

    Examples
    --------
    >>> import numpy as np
    >>> from askwise.strategy import select
    >>> proba = np.array([[0.5, 0.5], [0.55, 0.45], [0.9, 0.1]])
    >>> select(per_cost("ratio"), 1, proba=proba, cost=np.array([9.0, 1.0, 1.0]))
    array([1])
    """
    return PerCost(as_strategy(score), budget)


def without_duplicates(strategy: AnyStrategy, threshold: float = 0.95) -> WithoutDuplicates:
    """No two picks of a batch that are nearly the same. Needs `embedding` (n, d) beside what the strategy needs.

    The strategy is asked for a longer batch, which is followed in its own order: a candidate whose embedding has a
    cosine of at least `threshold` with one that was kept is passed over. Where the whole pool has fewer than k
    different candidates, those that were passed over fill the batch in the same order.

    Parameters
    ----------
    strategy
        Anything `as_strategy` takes.
    threshold
        The cosine, above 0 and at most 1; with 1 only the same direction counts as a duplicate.

    Raises
    ------
    ContractError
        If `threshold` is not above 0 and at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.5, 0.5], [0.51, 0.49], [0.9, 0.1]])
    >>> embedding = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> from askwise.strategy import select
    >>> select(without_duplicates("margin"), 2, proba=proba, embedding=embedding)
    array([0, 2])
    """
    return WithoutDuplicates(as_strategy(strategy), threshold)


def balanced(strategy: AnyStrategy) -> Balanced:
    """The same number of picks from every predicted class. Needs `proba` (n, C) beside what the strategy needs.

    The candidates are split by the class that the learner finds most likely, and the strategy picks its quota in
    each class among these alone. Quotas are as equal as the classes' sizes allow; picks that are left over go to
    the rarest predicted classes.

    Parameters
    ----------
    strategy
        Anything `as_strategy` takes that needs no view.

    Raises
    ------
    ContractError
        If the strategy needs a view.

    Notes
    -----
    Memory: a copy of the inputs of one predicted class at a time.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.1, 0.9]])
    >>> from askwise.strategy import select
    >>> sorted(select(balanced("margin"), 2, proba=proba).tolist())
    [1, 3]
    """
    return Balanced(as_strategy(strategy))
