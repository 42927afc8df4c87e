"""The learner that is used when none is named."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import LearnerError
from ..xp import row_blocks
from . import calibration, laplace
from .ridge import Floats, Frame, Ints, solve
from .threads import single_thread
from .tuning import FIRST, GRID, Tuned, schedule, tune, usual

BLOCK_BYTES = 32 << 20


class LinearHead:
    """Ridge multinomial logistic regression on embeddings, tuned, calibrated, and with a posterior.

    The strength of the ridge is chosen by stratified cross-validation on the first 20, 40, 80 ... rows (0.01 before),
    the probabilities are made honest by a temperature fitted on the same out-of-fold logits, and `sample_proba` draws
    from a Laplace posterior around the optimum. A fit is a function of the rows in their order and of nothing else.

    Parameters
    ----------
    strength : float or "auto"
        Of the ridge, for features that are centred and scaled by one factor to a mean squared norm of 1.
    draws : int
        Number of posterior draws S.
    folds : int
        Of the cross-validation.
    seed : int
        Of the posterior draws. The fit itself draws nothing.

    Attributes
    ----------
    classes_ : (C,)
        The distinct values of y in ascending order: the columns of every output. A class not seen has no column.
    strength_, temperature_, spread_ : float
        What was found: the ridge, the softmax temperature, the share of the Laplace variance that is used.

    Notes
    -----
    Formula: ``min_W sum_i -log softmax(W^T x_i + b)_{y_i} + strength / 2 (|W|^2 + 0.1 |b|^2)``, by L-BFGS to
    convergence, in float64. The intercepts b are penalised by a tenth of the strength: what was labelled is no random
    sample, so its class frequencies are believed only so far. Probabilities are ``softmax(logits / temperature)``.

    Use when the features come from an encoder, or from scaled columns. Avoid when classes are not linearly separable
    in the features and there are thousands of labels: then a forest or a network learns more.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, 2017. MacKay: The evidence framework
    applied to classification networks, 1992. Ridge retuned on a doubling schedule: Munjal et al., Towards robust and
    reproducible active learning using neural networks, 2022.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [0.2, 0.9], [1.0, 0.0], [0.9, 0.2]])
    >>> head = LinearHead().fit(X, [0, 0, 1, 1])
    >>> head.predict_proba(X).argmax(axis=1)
    array([0, 0, 1, 1])
    >>> head.sample_proba(X).shape
    (100, 4, 2)
    """

    def __init__(
        self, strength: float | str = "auto", *, draws: int = 100, folds: int = 5, seed: int = 0
    ) -> None:
        self.strength = strength
        self.draws = draws
        self.folds = folds
        self.seed = seed

    def __repr__(self) -> str:
        given = {"strength": ("auto", self.strength), "draws": (100, self.draws), "folds": (5, self.folds)}
        given["seed"] = (0, self.seed)
        changed = [f"{name}={value!r}" for name, (default, value) in given.items() if value != default]
        return f"LinearHead({', '.join(changed)})"

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LinearHead:
        """Fit on rows X (n, d) with classes y (n,), in the order in which they were labelled.

        Raises
        ------
        LearnerError
            If there are no rows, the lengths differ, a number is NaN or infinite, or a setting is out of range.
        """
        grid = self._grid()
        rows = _matrix(X)
        labels = np.asarray(y)
        weight = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if not len(rows):
            raise LearnerError("LinearHead: nothing to fit on: X has no rows")
        if labels.shape != (len(rows),):
            raise LearnerError(
                f"LinearHead: X has {len(rows)} rows, so y must be ({len(rows)},), not {labels.shape}"
            )
        if (
            weight.shape != labels.shape
            or not np.isfinite(weight).all()
            or weight.min() < 0
            or not weight.any()
        ):
            raise LearnerError(
                f"LinearHead: sample_weight must hold {len(rows)} finite numbers, none negative and not all 0"
            )
        self.classes_, found = np.unique(labels, return_inverse=True)
        positions: Ints = found.astype(np.int64)
        C = len(self.classes_)
        first = schedule(len(rows))
        tuned = Tuned(usual(grid))
        with single_thread():
            if first >= FIRST:
                tuned = tune(rows[:first], positions[:first], C, weight[:first], grid, self.folds)
            self._frame = Frame.of(rows)
            Z = self._frame.apply(rows)
            W = solve(Z, positions, C, tuned.strength, weight)
        self._learned = Z, W, weight
        self._tuned = tuned
        self._drawn: tuple[Floats, Floats] | None = None
        self.strength_, self.temperature_, self.spread_ = tuned.strength, tuned.temperature, tuned.spread
        self.coef_: Floats = self._frame.axes @ W[:-1]
        self.intercept_: Floats = W[-1]
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Calibrated logits, (n, C), also for two classes: their softmax is `predict_proba`."""
        self._check_fitted()
        rows = _matrix(X, self._frame.mean)
        logits = np.empty((len(rows), len(self.classes_)))
        for block in row_blocks(len(rows), 8 * rows.shape[1], BLOCK_BYTES):
            logits[block] = (rows[block] - self._frame.mean) @ self.coef_ + self.intercept_
        logits /= self.temperature_
        return logits

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Class probabilities, (n, C); columns follow `classes_`."""
        return calibration.softmax(self.decision_function(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        predicted: NDArray[Any] = self.classes_[self.decision_function(X).argmax(axis=1)]
        return predicted

    def sample_proba(self, X: ArrayLike, S: int | None = None) -> Floats:
        """Class probabilities under S draws from the posterior, (S, n, C): the same draws for all rows and calls."""
        self._check_fitted()
        S = self.draws if S is None else S
        if S < 1:
            raise LearnerError(f"LinearHead: the number of draws must be 1 or more, not {S}")
        maps, intercepts = self._posterior(S)
        rows = _matrix(X, self._frame.mean)
        C, d = len(self.classes_), rows.shape[1]
        flat = maps.transpose(1, 0, 2).reshape(d, S * C)
        samples = np.empty((S, len(rows), C))
        for block in row_blocks(len(rows), 8 * (d + 2 * S * C), BLOCK_BYTES):
            logits = ((rows[block] - self._frame.mean) @ flat).reshape(-1, S, C) + intercepts
            samples[:, block] = calibration.softmax(logits / self._tuned.draw_temperature).transpose(1, 0, 2)
        return samples

    def embed(self, X: ArrayLike) -> NDArray[Any]:
        """The features themselves: a linear head has no layer before the last."""
        return np.asanyarray(X)

    def _posterior(self, S: int) -> tuple[Floats, Floats]:
        if self._drawn is None or len(self._drawn[0]) < S:
            Z, W, weight = self._learned
            tuned = self._tuned
            with single_thread():
                self._drawn = laplace.draws(
                    self._frame, Z, W, weight, tuned.strength, tuned.spread, S, self.seed
                )
        return self._drawn[0][:S], self._drawn[1][:S]

    def _grid(self) -> tuple[float, ...]:
        if self.folds < 2:
            raise LearnerError(f"LinearHead: folds must be 2 or more, not {self.folds}")
        if self.strength == "auto":
            return GRID
        if isinstance(self.strength, str) or not 0 < self.strength < np.inf:
            raise LearnerError(
                f"LinearHead: strength must be 'auto' or a number above 0, not {self.strength!r}"
            )
        return (float(self.strength),)

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise LearnerError("LinearHead: not fitted yet; call fit(X, y) first")


def _matrix(X: ArrayLike, mean: Floats | None = None) -> NDArray[Any]:
    """Rows to learn from as float64; rows to predict (`mean` given) as they are, converted block by block later."""
    rows: NDArray[Any] = np.asanyarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise LearnerError(f"LinearHead: X must be (n, d) numbers, not {rows.dtype} of shape {rows.shape}")
    if mean is not None:
        if rows.shape[1] != len(mean):
            raise LearnerError(f"LinearHead: fitted on {len(mean)} features, and X has {rows.shape[1]}")
        return rows
    rows = np.array(rows, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(wrong):
        raise LearnerError(f"LinearHead: X row {wrong[0]} holds NaN or an infinite number")
    return rows
