"""Ridge multinomial logistic regression: the convex problem under `LinearHead`, and nothing else.

The rows arrive rotated to their principal axes (see `Frame`). The ridge penalty does not notice a rotation, and in
these axes a diagonal preconditioner makes the problem nearly round, so that L-BFGS needs tens of steps, not hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERCEPT_SHARE = 0.1
"""The intercept is penalised by this share of the strength: enough to make the posterior proper and to pull the
classes towards equal frequencies (what was labelled is not a random sample), too little to hide a real imbalance."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Coordinates in which rows are centred, have a mean squared norm of one, and lie along principal axes.

    One factor for all features keeps their relative sizes (an encoder's axes carry meaning) and makes the strength of
    the ridge mean the same for pixels in 0..255 and for unit vectors.
    """

    mean: Floats
    axes: Floats
    scale: float

    @classmethod
    def of(cls, X: Floats) -> Frame:
        mean = X.mean(axis=0)
        centred = X - mean
        scale = float(np.sqrt(np.mean(np.sum(centred**2, axis=1)))) or 1.0
        n, d = X.shape
        if n <= d:
            values, vectors = np.linalg.eigh(centred @ centred.T)
        else:
            values, vectors = np.linalg.eigh(centred.T @ centred)
        kept = values > max(n, d) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        vectors = vectors[:, kept]
        if n <= d:
            vectors = centred.T @ (vectors / np.sqrt(values[kept]))
        return cls(mean, vectors / scale, scale)

    def apply(self, X: Floats) -> Floats:
        """Coordinates along the axes and, last, the constant 1 that carries the intercept: (n, r + 1)."""
        inside = (X - self.mean) @ self.axes
        return np.concatenate([inside, np.ones((len(inside), 1))], axis=1)


def penalties(r: int, strength: float) -> Floats:
    """The ridge on each of r + 1 coordinates, the intercept last."""
    ridge = np.full(r + 1, strength)
    ridge[-1] *= INTERCEPT_SHARE
    return ridge


def solve(
    Z: Floats,
    y: Ints,
    C: int,
    strength: float,
    weight: Floats,
    *,
    start: Floats | None = None,
    tolerance: float = 1e-7,
) -> Floats:
    """The weights (r + 1, C) that minimise the penalised negative log likelihood.

    Minimises ``sum_i weight_i (logsumexp(z_i W) - z_i W_{y_i}) + 1/2 sum_j ridge_j |W_j|^2``, a strictly convex
    function. `start` changes the number of steps, not the optimum.
    """
    from scipy.optimize import minimize

    n = len(Z)
    ridge = penalties(Z.shape[1] - 1, strength)
    # p (1 - p) at the middle of its run from 1/C (start) to certainty (end): any positive number is correct.
    curvature = 0.5 * (1 - 1 / C) / C if C > 1 else 0.0
    size = np.sqrt(curvature * (weight @ Z**2) + ridge)[:, None]
    A = Z / size.T
    pull = ridge[:, None] / size**2
    rows = np.arange(n)
    column = weight[:, None]

    def objective(flat: Floats) -> tuple[float, Floats]:
        V = flat.reshape(-1, C)
        logits = A @ V
        top = logits.max(axis=1, keepdims=True)
        error = np.exp(logits - top)
        total = error.sum(axis=1, keepdims=True)
        loss = weight @ (np.log(total[:, 0]) + top[:, 0] - logits[rows, y])
        error /= total
        error[rows, y] -= 1.0
        error *= column
        pulled = pull * V
        return float(loss + 0.5 * np.sum(pulled * V)), (A.T @ error + pulled).ravel()

    first = np.zeros((Z.shape[1], C)) if start is None else start * size
    options: Any = {"maxiter": 5000, "maxfun": 20000, "gtol": tolerance, "ftol": 0.0, "maxcor": 20}
    found = minimize(objective, first.ravel(), (), jac=True, method="L-BFGS-B", options=options)
    result: Floats = found.x.reshape(-1, C) / size
    return result
