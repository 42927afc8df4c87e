"""Information about predictions that matter, instead of information about parameters."""

from __future__ import annotations

from ..xp import Array, floating, map_rows, namespace, row_sums, xlogx
from .committee import bald


def epig(samples: Array, target_samples: Array, corrected: bool = False) -> Array:
    """Score each candidate by what its label would tell about the labels of the target items, in nats.

    Parameters
    ----------
    samples
        (S, n, C) class probabilities of the candidates under S draws of the parameters.
    target_samples
        (S, t, C) of items that stand for where the model will be used, under the same draws.
    corrected
        Subtract 2 · BALD(x) · BALD(x*) / S, about what few draws add even where nothing is shared. It is that part
        which would bring back BALD's taste for obscure items; with S of 100 and more it hardly matters.

    Returns
    -------
    (n,) scores in [0, log C] before the correction; all 0 with a single draw.

    Notes
    -----
    Formula: mean over x* of I(y; y*) = H(y) + H(y*) − H(y, y*), with P(y, y*) = (1/S) Σ_s p_s(y|x) p_s(y*|x*).

    Cost: O(n t S C²) as one matrix product, in blocks of candidates; O(n) memory beyond a block.

    Use when the pool is not what the model will be used on, or holds much that nobody will ask about: targets drawn
    from the real traffic steer the batch there.
    Avoid when there are no such targets, or fewer than about 100 draws without the correction.

    References
    ----------
    F. Bickford Smith, A. Kirsch, S. Farquhar, Y. Gal, A. Foster and T. Rainforth, "Prediction-oriented Bayesian
    active learning", AISTATS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> sure = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])
    >>> epig(sure, sure[:, :1, :]).round(4)
    array([0.6931, 0.    ])
    """
    xp = namespace(samples, target_samples)
    S, n, C = samples.shape
    t = target_samples.shape[1]
    targets = floating(target_samples, double=True)
    flat = xp.reshape(targets, (S, t * C))
    known = xp.sum(xlogx(xp.mean(targets, axis=0))) / t
    bias = 2 * float(xp.mean(bald(targets))) / S if corrected else 0.0

    def score(rows: slice) -> Array:
        proba = floating(samples[:, rows, :], double=True)
        b = proba.shape[1]
        joint = xp.reshape(proba, (S, b * C)).T @ flat / S
        shared = row_sums(xp.reshape(xlogx(joint), (b, C * t * C))) / t
        information = xp.clip(shared - row_sums(xlogx(xp.mean(proba, axis=0))) - known, min=0.0)
        return information - bias * bald(proba) if corrected else information

    return map_rows(score, n, bytes_per_row=24 * C * t * C)
