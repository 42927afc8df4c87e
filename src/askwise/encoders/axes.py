"""The directions along which rows vary most: what both tfidf and pixels reduce to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_SIZE = 1000
NOTHING = 1e-5


def principal_axes(X: Any, k: int, seed: int) -> NDArray[np.float32]:
    """The at most k right singular vectors of X, largest first, with fixed signs.

    Small matrices are solved exactly through the smaller of their two Gram matrices; larger ones by randomised
    subspace iteration (Halko, Martinsson and Tropp, 2011) from a seeded start.

    Parameters
    ----------
    X : (n, d) array or SciPy sparse matrix, finite
    k
        How many are wanted; directions in which X does not extend are left out.
    seed
        Of the random start.

    Returns
    -------
    (d, r) float32, 1 <= r <= k

    Examples
    --------
    >>> principal_axes(np.array([[3.0, 0.0], [-3.0, 0.0]]), 2, seed=0)
    array([[1.],
           [0.]], dtype=float32)
    """
    n, d = X.shape
    if min(n, d) <= EXACT_SIZE:
        values, axes = _exact(X)
    else:
        from sklearn.utils.extmath import randomized_svd

        _, values, rows = randomized_svd(X, min(k, n, d), n_iter=4, random_state=seed % 2**32)
        axes = np.asarray(rows, dtype=np.float64).T
    r = max(1, min(k, int(np.sum(values > NOTHING * max(values[0], np.finfo(np.float32).tiny)))))
    axes = axes[:, :r]
    # a singular vector is known up to its sign; the largest entry decides
    largest = axes[np.argmax(np.abs(axes), axis=0), np.arange(r)]
    return np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0) + 0.0, dtype=np.float32)


def _exact(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, d = X.shape
    gram = X @ X.T if n <= d else X.T @ X
    gram = np.asarray(gram.todense() if hasattr(gram, "todense") else gram, dtype=np.float64)
    squares, vectors = np.linalg.eigh(gram)
    order = np.argsort(-squares, kind="stable")
    values = np.sqrt(np.maximum(squares[order], 0.0))
    vectors = vectors[:, order]
    if n > d:
        return values, vectors
    keep = max(1, int(np.sum(values > NOTHING * max(values[0], np.finfo(np.float32).tiny))))
    scale = np.where(values[:keep] > 0, values[:keep], 1.0)
    return values[:keep], np.asarray(X.T @ vectors[:, :keep], dtype=np.float64) / scale
