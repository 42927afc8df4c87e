"""The posterior of the linear head: a Gaussian around its optimum, and weights drawn from it."""

from __future__ import annotations

import numpy as np

from .calibration import softmax
from .ridge import Floats, Frame, penalties

FULL = 3000
"""Up to so many weights the full curvature is used; above, one covariance is shared by the classes."""


def shared_factor(Z: Floats, proba: Floats, weight: Floats, strength: float) -> Floats:
    """A factor F of the covariance that all classes share: ``F F^T = (ridge + sum_i w_i z_i z_i^T)^-1``.

    Here ``w_i = weight_i max_c p_ic (1 - p_ic)``. Shape (r + 1, r + 1).
    """
    steepness = weight * np.max(proba * (1 - proba), axis=1)
    precision = (Z * steepness[:, None]).T @ Z
    precision[np.diag_indices_from(precision)] += penalties(Z.shape[1] - 1, strength)
    return _inverse_factor(precision)


def full_factor(Z: Floats, proba: Floats, weight: Floats, strength: float) -> Floats:
    """A factor F of the covariance of all weights, class by class: ``F F^T = H^-1``.

    ``H = ridge + sum_i weight_i (diag(p_i) - p_i p_i^T) (x) z_i z_i^T``, the generalised Gauss-Newton matrix, which
    for a softmax of a linear map is the Hessian. Shape (C (r + 1), C (r + 1)).
    """
    C, width = proba.shape[1], Z.shape[1]
    H = np.empty((C, width, C, width))
    for a in range(C):
        for b in range(a, C):
            steepness = weight * proba[:, a] * ((a == b) - proba[:, b])
            H[a, :, b, :] = H[b, :, a, :] = (Z * steepness[:, None]).T @ Z
    precision = H.reshape(C * width, C * width)
    precision[np.diag_indices_from(precision)] += np.tile(penalties(width - 1, strength), C)
    return _inverse_factor(precision)


def draws(
    frame: Frame, Z: Floats, W: Floats, weight: Floats, strength: float, spread: float, S: int, seed: int
) -> tuple[Floats, Floats]:
    """Weights of S linear maps on centred features, (S, d, C), and their intercepts, (S, C).

    Along the axes of the labelled rows the posterior comes from the curvature; across them nothing was learned and
    it is the prior, with variance 1 / strength. Both are multiplied by `spread`. The first draws do not depend on S.

    References
    ----------
    Mackay 1992 (Laplace approximation); Huseljic et al.: Efficient Bayesian updates for deep active learning, 2022.
    """
    inside, outside = (np.random.default_rng([seed, part]) for part in (0, 1))
    width, C = W.shape
    proba = softmax(Z @ W)
    noise = inside.standard_normal((S, C, width))
    if C * width <= FULL:
        factor = full_factor(Z, proba, weight, strength)
        noise = (noise.reshape(S, -1) @ factor.T).reshape(S, C, width)
    else:
        noise = noise @ shared_factor(Z, proba, weight, strength).T
    rotated = W + np.sqrt(spread) * noise.transpose(0, 2, 1)
    maps = frame.axes @ rotated[:, :-1, :]
    d, r = frame.axes.shape
    if r < d:
        loose = outside.standard_normal((S, d, C))
        along = frame.axes * frame.scale
        loose -= along @ (along.T @ loose)
        maps += np.sqrt(spread / strength) / frame.scale * loose
    return maps, rotated[:, -1, :]


def _inverse_factor(precision: Floats) -> Floats:
    from scipy.linalg import solve_triangular

    lower = np.linalg.cholesky(precision)
    factor: Floats = solve_triangular(lower, np.eye(len(lower)), lower=True).T
    return factor
