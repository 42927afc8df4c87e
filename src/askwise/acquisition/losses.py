"""Scores that a learner with a head of its own for the loss gives. Larger = asked sooner."""

from __future__ import annotations

from ..xp import Array, floating


def predicted_loss(predicted_loss: Array) -> Array:
    """Score each candidate by the loss that the learner expects to make on it.

    Parameters
    ----------
    predicted_loss
        (n,) from a learner that predicts its own loss, in any unit: only the order counts.

    Returns
    -------
    (n,) scores, the predictions themselves.

    Notes
    -----
    Formula: l̂(x)

    Cost: O(n) time, nothing beyond the inputs.

    Use when the learner has a loss head, or a second model was fitted to out-of-fold losses; it works for any task.
    Avoid when the losses that it learned from were those of the training items, which are all near 0, or labels are
    noisy: the noise is part of the loss.

    References
    ----------
    D. Yoo and I. S. Kweon, "Learning loss for active learning", CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> predicted_loss(np.array([0.1, 2.0]))
    array([0.1, 2. ])
    """
    return floating(predicted_loss)
