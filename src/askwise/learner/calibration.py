"""Make probabilities mean what they say: a temperature for one model, a temperature and a spread for its draws."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 20
"""Below this number of labels nothing is fitted: the error of the estimate would exceed what it corrects."""
LOWEST, HIGHEST = 0.3, 10.0
DOUBT = 0.5
"""Standard deviation of the prior on log(temperature), centred on a temperature of 1."""
SPREADS: tuple[float, ...] = tuple(float(value) for value in np.geomspace(1.0, 1e-4, 13))
USUAL_SPREAD = 0.03
"""The spread below `FEWEST` labels; above, the centre of a prior one unit of log(spread) wide."""


def softmax(logits: Floats) -> Floats:
    """Rows of probabilities, safe for logits of any size.

    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    shifted: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shifted /= shifted.sum(axis=-1, keepdims=True)
    return shifted


def log_loss(logits: Floats, y: Ints, weight: Floats) -> float:
    """The weighted mean of -log softmax(logits)[y].

    >>> log_loss(np.zeros((3, 2)), np.array([0, 1, 1]), np.ones(3)) == math.log(2)
    True
    """
    top = logits.max(axis=1)
    total = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return float(weight @ (total - logits[np.arange(len(y)), y]) / weight.sum())


def temperature(logits: Floats, y: Ints, weight: Floats | None = None) -> float:
    """The temperature T that makes softmax(logits / T) fit labels that the logits have not seen.

    Parameters
    ----------
    logits : (n, C)
        Out-of-fold logits: each row from a model that was not fitted on it.
    y : (n,)
        Class positions.
    weight : (n,), optional
        Weights of the rows, 1 each if not given.

    Returns
    -------
    float
        Formula: ``argmin_T  n log_loss(logits / T) + (log T)^2 / (2 * 0.5^2)``, within 0.3 to 10. The second term
        shrinks the estimate of few labels towards 1. Exactly 1 for fewer than 20 labels.

    Notes
    -----
    Labels chosen by active learning are harder than the pool: the temperature errs on the side of caution.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, 2017.

    Examples
    --------
    Logits that are sure, and wrong half of the time, are softened:

    >>> temperature(np.tile([4.0, 0.0], (40, 1)), np.arange(40) % 2) > 3
    True
    """
    if len(y) < FEWEST:
        return 1.0
    return _temperature(logits, y, np.ones(len(y)) if weight is None else weight)[0]


def posterior(logits: Floats, variance: Floats, y: Ints, weight: Floats | None = None) -> tuple[float, float]:
    """The temperature and the spread with which the mean of posterior draws fits labels unseen by the model.

    A Laplace posterior around separable classes is far too wide: its curvature vanishes where the model is sure. Its
    variance is therefore multiplied by one factor, the spread, and the draws get a temperature of their own, so
    that their mean is as well calibrated as the single model's probabilities.

    Parameters
    ----------
    logits : (n, C)
        Out-of-fold logits.
    variance : (n,)
        The variance of these logits under the posterior of the same fold.
    y : (n,)
        Class positions.
    weight : (n,), optional
        Weights of the rows, 1 each if not given.

    Returns
    -------
    temperature, spread
        Formula: ``argmin_{T,s}  n log_loss(logits / (T sqrt(1 + pi s variance / (8 T^2))))`` plus the priors of the
        module, s between 0.0001 and 1. MacKay's approximation stands for the mean of the draws. (1, 0.03) below 20
        labels.

    References
    ----------
    MacKay: The evidence framework applied to classification networks, 1992.
    Daxberger et al.: Laplace redux, 2021.

    Examples
    --------
    Half of the rows carry noise, as much as their variance says:

    >>> rng = np.random.default_rng(0)
    >>> sign, variance = rng.choice([-1, 1], size=400), np.arange(400) % 2 * 9.0
    >>> noise = np.sqrt(variance)[:, None] * rng.normal(size=(400, 2))
    >>> posterior(np.stack([2 * sign, -2 * sign], axis=1) + noise, variance, (sign < 0).astype(int))[1]
    1.0
    """
    if len(y) < FEWEST:
        return 1.0, USUAL_SPREAD
    weight = np.ones(len(y)) if weight is None else weight
    best: tuple[float, float, float] | None = None
    for spread in SPREADS:
        T, loss = _temperature(logits, y, weight, np.pi / 8 * spread * variance)
        loss += math.log(spread / USUAL_SPREAD) ** 2 / 2
        if best is None or loss < best[0]:
            best = loss, T, spread
    assert best is not None
    return best[1], best[2]


def _temperature(logits: Floats, y: Ints, weight: Floats, noise: Floats | None = None) -> tuple[float, float]:
    """The best temperature and its penalised loss; `noise` is variance that softens rows on its own account."""
    total = float(weight.sum())

    def loss(log_T: float) -> float:
        square = math.exp(2 * log_T)
        softened = logits / (math.sqrt(square) if noise is None else np.sqrt(square + noise)[:, None])
        return total * log_loss(softened, y, weight) + log_T**2 / (2 * DOUBT**2)

    log_T, least = _minimise(loss, math.log(LOWEST), math.log(HIGHEST))
    return math.exp(log_T), least


def _minimise(loss: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return float(found.x), float(found.fun)
