"""How good a model is and how sure we are of that: scores with intervals, learning curves, paired comparisons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ContractError

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, the interval that holds it with the stated confidence, and how many observations it rests on.

    `low` and `high` are NaN where n observations say nothing about their own spread (one seed, for example).
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion; honest also for 0 or n out of n.

    Formula: ``(p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``.

    References
    ----------
    Wilson: Probable inference, the law of succession, and statistical inference, 1927.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(10, 10)]
    [0.722, 1.0]
    """
    if not 0 <= right <= n or n < 1:
        raise ContractError(f"{right} right of {n}: expected 1 or more in all, and 0 to all of them right")
    z = NormalDist().inv_cdf(0.5 + _level(level) / 2)
    share = right / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends the formula is exactly 0 and 1; rounding would leave a value outside its own interval.
    low = 0.0 if right == 0 else (middle - half) / scale
    high = 1.0 if right == n else (middle + half) / scale
    return low, high


def accuracy(truth: ArrayLike, predicted: ArrayLike, *, level: float = 0.95) -> Estimate:
    """The share of predictions that are right, with the Wilson interval.

    Parameters
    ----------
    truth, predicted : (n,)
        Classes, of any one type.
    level : float
        Confidence of the interval.

    Raises
    ------
    ContractError
        If the lengths differ or n is 0.

    Examples
    --------
    >>> print(accuracy([0, 1, 1, 0], [0, 1, 1, 1]))
    0.750 [0.301, 0.954]
    """
    true, guess = _pair(truth, predicted)
    right, n = int(np.count_nonzero(true == guess)), len(true)
    return Estimate(right / n, *wilson(right, n, level), n)


def mean_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Macro F1 alone, without an interval (see `macro_f1`).

    >>> round(mean_f1([0, 0, 1], [0, 1, 1]), 3)
    0.667
    """
    return float(_mean_f1(_table(*_pair(truth, predicted))[None])[0])


def macro_f1(
    truth: ArrayLike, predicted: ArrayLike, *, seed: int = 0, level: float = 0.95, resamples: int = RESAMPLES
) -> Estimate:
    """The mean over classes of the F1 score, with a percentile-bootstrap interval.

    Parameters
    ----------
    truth, predicted : (n,)
        Classes, of any one type. The mean is over the classes that occur in either.
    seed : int
        Of the bootstrap.
    level : float
        Confidence of the interval.
    resamples : int
        Number of bootstrap samples.

    Returns
    -------
    Estimate
        Formula: ``F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c)``. Where every answer is right, or every one is wrong, the
        bootstrap sees no variation; the interval is then the Wilson interval of the accuracy.

    Raises
    ------
    ContractError
        If the lengths differ or n is 0.

    References
    ----------
    Efron: Bootstrap methods: another look at the jackknife, 1979.

    Examples
    --------
    >>> print(macro_f1(["cat", "dog", "dog"], ["cat", "dog", "dog"]))
    1.000 [0.439, 1.000]
    """
    table = _table(*_pair(truth, predicted))
    n, C = int(table.sum()), len(table)
    value = float(_mean_f1(table[None])[0])
    right = int(np.trace(table))
    if right in (0, n):
        return Estimate(value, *wilson(right, n, level), n)
    # Drawing n rows with replacement is one multinomial draw of the table of counts; only its full cells matter.
    counts = table.ravel()
    cells = np.flatnonzero(counts)
    tables = np.zeros((resamples, C * C), dtype=np.int64)
    tables[:, cells] = np.random.default_rng(seed).multinomial(n, counts[cells] / n, size=resamples)
    low, high = _percentiles(_mean_f1(tables.reshape(resamples, C, C)), level)
    return Estimate(value, min(low, value), max(high, value), n)


def aubc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The area under the budget curve: the mean height of a learning curve over its range of labels.

    Parameters
    ----------
    labels : (R,)
        Numbers of labels, ascending.
    scores : (R,)
        The score at each.

    Returns
    -------
    float
        Formula: ``sum_r (l_{r+1} - l_r) (s_r + s_{r+1}) / 2 / (l_R - l_1)``; the score itself if R is 1.

    References
    ----------
    Zhan et al.: A comparative survey, benchmarking pool-based active learning, 2021.

    Examples
    --------
    >>> aubc([10, 20, 40], [0.5, 0.7, 0.9])
    0.733...
    """
    x, height = _curve(labels, scores)
    if len(x) == 1:
        return float(height[0])
    return float(np.sum(np.diff(x) * (height[1:] + height[:-1])) / 2 / (x[-1] - x[0]))


def labels_to_reach(labels: ArrayLike, scores: ArrayLike, target: float) -> int | None:
    """The first number of labels at which the curve is at `target` or above; None if it never is.

    Only measured points count: nothing is read between them.

    Examples
    --------
    >>> labels_to_reach([10, 20, 30], [0.5, 0.8, 0.9], 0.75)
    20
    >>> labels_to_reach([10, 20, 30], [0.5, 0.8, 0.9], 0.95) is None
    True
    """
    x, height = _curve(labels, scores)
    reached = np.flatnonzero(height >= target)
    return int(x[reached[0]]) if len(reached) else None


def mean_interval(
    values: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """The mean of a few independent values with a bootstrap interval; without an interval for one value.

    The percentile interval of n values is too narrow by ``sqrt((n - 1) / n)``, and knows nothing of how badly n values
    show their own spread: both ends are moved out by ``sqrt(n / (n - 1)) t_{n-1} / z`` (t and z: the quantiles of
    Student's and of the normal distribution). Neither end leaves `within`, the range that the values can have.

    References
    ----------
    Hesterberg: What teachers should know about the bootstrap, 2015.

    Examples
    --------
    >>> print(mean_interval([0.80, 0.82, 0.84, 0.86]))
    0.830 [0.793, 0.867]
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not len(given) or not np.isfinite(given).all():
        raise ContractError(f"expected one or more finite numbers in a row, got shape {given.shape}")
    mean, n = float(given.mean()), len(given)
    if n == 1:
        return Estimate(mean, math.nan, math.nan, 1)
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    low, high = _percentiles(given[drawn].mean(axis=1), level)
    from scipy.special import stdtrit

    upper = 0.5 + level / 2
    wider = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, upper)) / NormalDist().inv_cdf(upper)
    low, high = mean - wider * (mean - low), mean + wider * (high - mean)
    return Estimate(mean, max(low, within[0]), min(high, within[1]), n)


def paired_difference(
    first: ArrayLike, second: ArrayLike, *, seed: int = 0, level: float = 0.95, resamples: int = RESAMPLES
) -> Estimate:
    """The mean of first - second over pairs (the same seeds) with a bootstrap interval over the pairs.

    Parameters
    ----------
    first, second : (n,)
        One value a seed, in the same order of seeds.

    Examples
    --------
    Pairs share what makes a seed easy or hard, so that their difference is known better than either:

    >>> print(paired_difference([0.71, 0.92, 0.83], [0.70, 0.90, 0.80]))
    0.020 [-0.007, 0.047]
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != two.shape:
        raise ContractError(f"pairs expected, got shapes {one.shape} and {two.shape}")
    return mean_interval(one - two, seed=seed, level=level, resamples=resamples)


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    true, guess = np.asarray(truth), np.asarray(predicted)
    if true.ndim != 1 or true.shape != guess.shape:
        raise ContractError(f"truth has shape {true.shape} and predicted {guess.shape}; both must be (n,)")
    if not len(true):
        raise ContractError("nothing to measure: truth and predicted are empty")
    return true, guess


def _curve(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, height = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if x.ndim != 1 or x.shape != height.shape or not len(x):
        raise ContractError(f"labels {x.shape} and scores {height.shape} must be (R,) with R of 1 or more")
    if (np.diff(x) <= 0).any():
        raise ContractError("labels must ascend")
    return x, height


def _table(true: NDArray[Any], guess: NDArray[Any]) -> NDArray[np.int64]:
    """Counts of (true class, predicted class), (C, C), over the classes that occur in either."""
    classes, codes = np.unique(np.concatenate([true, guess]), return_inverse=True)
    n, C = len(true), len(classes)
    counts: NDArray[np.int64] = np.bincount(codes[:n] * C + codes[n:], minlength=C * C).astype(np.int64)
    return counts.reshape(C, C)


def _mean_f1(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Macro F1 of each table of counts (R, C, C), over the classes that occur in that table."""
    hits = tables.diagonal(axis1=1, axis2=2)
    spoken_of = tables.sum(axis=1) + tables.sum(axis=2)
    f1 = 2 * hits / np.maximum(spoken_of, 1)
    mean: NDArray[np.float64] = f1.sum(axis=1) / np.count_nonzero(spoken_of, axis=1)
    return mean


def _percentiles(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    tail = (1 - _level(level)) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ContractError(f"level must lie between 0 and 1, not {level}")
    return level
