"""How much a candidate's label would move the last layer. Larger = asked sooner."""

from __future__ import annotations

from ..xp import Array, floating, map_rows, namespace, row_sums, squared_norms


def expected_gradient_length(proba: Array, embedding: Array, normalized: bool = False) -> Array:
    """Score each candidate by the expected length of the gradient that its label would cause in the last layer.

    Parameters
    ----------
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) what the last layer sees; may be a memory map.
    normalized
        Leave the length of the embedding out, so that items with a long vector are not asked for their length alone.

    Returns
    -------
    (n,) scores, at least 0; 0 where the learner is certain.

    Notes
    -----
    Formula: Σ_y p_y ‖p − e_y‖ · ‖[h, 1]‖, the bias included; without the second factor if `normalized`. The
    expectation is over the learner's own p, since the label is not known.

    Cost: O(n (C + d)) time, O(n) memory.

    Use when the learner ends in a softmax layer on this embedding and labels are few, so that large changes matter.
    Avoid when the lengths of the embedding mean nothing (set `normalized`), or batches are large: picks repeat.

    References
    ----------
    B. Settles, M. Craven and S. Ray, "Multiple-instance active learning", NeurIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])
    >>> embedding = np.array([[9.0], [0.0], [3.0]])
    >>> expected_gradient_length(proba, embedding).round(4)
    array([0.    , 0.7071, 2.2361])
    """
    n, C = (int(size) for size in proba.shape)

    def score(rows: slice) -> Array:
        p = floating(proba[rows, :], double=True)
        xp = namespace(p)
        top = xp.max(p, axis=-1, keepdims=True)
        is_top = xp.astype(p == top, p.dtype)
        # Σ_{c ≠ y} p_c² with the largest p kept apart: ‖p‖² − p_y² has no digits left where p_y is nearly 1
        small = squared_norms(p * (1 - is_top))[:, None]
        others = small + (row_sums(is_top)[:, None] - 1) * top * top + (top * top - p * p)
        lengths = row_sums(p * xp.sqrt(others + (1 - p) ** 2))
        if normalized:
            return lengths
        return lengths * xp.sqrt(1 + squared_norms(floating(embedding[rows, :], double=True)))

    return map_rows(score, n, bytes_per_row=8 * (6 * C + 2 * int(embedding.shape[1])))
