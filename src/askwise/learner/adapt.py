"""Any learner behind one face: fitted on a copy, its columns aligned to all classes, also before it can be fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ContractError, LearnerError
from .copies import fresh, learner_name
from .protocol import Learner, capabilities

Floats = NDArray[np.floating[Any]]


class Model:
    """A fitted learner whose outputs have one column for each of C classes, seen or not.

    Made by `fit_learner`. A class that was not seen has probability 0, and the lowest decision value of its row.

    Attributes
    ----------
    learner
        The fitted copy; None as long as fewer than two classes are labelled.
    C
        The number of classes.
    """

    def __init__(self, learner: Any, name: str, C: int, seen: NDArray[np.int64], prior: Floats) -> None:
        self.learner = learner
        self.C = C
        self._name = name
        self._seen = seen
        self._prior = prior

    def proba(self, X: Any) -> Floats:
        """Class probabilities, (n, C): the learner's own, or else the mean over its samples."""
        if self.learner is None:
            return np.tile(self._prior, (len(X), 1))
        if callable(getattr(self.learner, "predict_proba", None)):
            return self._spread_out(np.asarray(self.learner.predict_proba(X)), "predict_proba", 0.0)
        self._require("sample_proba", "predict_proba() or sample_proba()")
        mean: Floats = self.samples(X).mean(axis=0)
        return mean

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The most probable class position of each row, (n,)."""
        if self.learner is None or {"predict_proba", "sample_proba"} & set(capabilities(self.learner)):
            best: NDArray[np.int64] = self.proba(X).argmax(axis=1)
            return best
        if callable(getattr(self.learner, "predict", None)):
            return np.asarray(self.learner.predict(X)).astype(np.int64)
        best = self._two_sided(self.decision(X)).argmax(axis=1)
        return best

    def samples(self, X: Any) -> Floats:
        """Class probabilities of S models, (S, n, C); two equal ones as long as there is nothing to learn from."""
        if self.learner is None:
            return np.tile(self._prior, (2, len(X), 1))
        self._require("sample_proba")
        return self._spread_out(np.asarray(self.learner.sample_proba(X)), "sample_proba", 0.0)

    def decision(self, X: Any) -> Floats:
        """Decision values, (n, C), or (n,) if there are two classes and the learner gives one value."""
        if self.learner is None:
            return np.zeros((len(X), self.C))
        self._require("decision_function")
        values = np.asarray(self.learner.decision_function(X))
        if values.ndim == 1 and self.C == 2:
            return values
        return self._spread_out(self._two_sided(values), "decision_function", None)

    @property
    def embeds(self) -> bool:
        """Whether the fitted learner has features of its own."""
        return callable(getattr(self.learner, "embed", None))

    def embed(self, X: Any) -> Any:
        """The learner's own features, (n, d); X itself if it has none or cannot be fitted yet."""
        return self.learner.embed(X) if self.embeds else X

    def dist(self, X: Any) -> tuple[Floats, Floats]:
        """Means and standard deviations of the predicted numbers, (n,) and (n,)."""
        self._require("predict_dist")
        mean, std = self.learner.predict_dist(X)
        return np.asarray(mean), np.asarray(std)

    def predicted_loss(self, X: Any) -> Floats:
        """The loss that the learner expects of each row, (n,); the same for all before it can be fitted."""
        if self.learner is None:
            return np.zeros(len(X))
        self._require("predict_loss")
        return np.asarray(self.learner.predict_loss(X))

    def _require(self, method: str, said: str | None = None) -> None:
        if not callable(getattr(self.learner, method, None)):
            raise LearnerError(f"{self._name} has no {said or method + '()'}")

    def _two_sided(self, values: Floats) -> Floats:
        """One decision value a row means the second class against the first."""
        flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        return np.stack([-flat, flat], axis=1) if flat.ndim == 1 else flat

    def _spread_out(self, values: Floats, method: str, missing: float | None) -> Floats:
        """The columns put where their classes are; `missing` for the others (None: the least of the row)."""
        width = values.shape[-1] if values.ndim else 0
        columns = getattr(self.learner, "classes_", None)
        if columns is None:
            # Without classes_ the width tells whether the learner has a column for every class or for those it saw.
            columns = np.arange(self.C) if width == self.C else self._seen
        if width != len(columns):
            raise LearnerError(
                f"{self._name}: {method}() returned {width} columns for {len(columns)} classes; "
                f"it must return one column a class"
                + (
                    " (for a support vector machine: decision_function_shape='ovr')"
                    if missing is None
                    else ""
                )
            )
        if width == self.C:
            return values
        fill = values.min(axis=-1, keepdims=True) if missing is None else missing
        full = np.empty((*values.shape[:-1], self.C), dtype=values.dtype)
        full[...] = fill
        full[..., np.asarray(columns, dtype=np.int64)] = values
        return full


def fit_learner(learner: Learner, X: Any, y: ArrayLike, C: int, *, seed: int = 0) -> Model:
    """Fit a copy of `learner`; the object that is handed in is never touched.

    Parameters
    ----------
    learner
        A `Learner`. Every `random_state` or `seed` that it leaves open (None) is set from `seed` in the copy, so that
        the same rows give the same model and the global random state stays out of it.
    X : (m, d)
        Labelled rows, in the order in which they were labelled. m may be 0.
    y : (m,)
        Class positions, 0 to C - 1.
    C : int
        The number of classes, also those not seen yet.

    Returns
    -------
    Model
        With fewer than two classes in y nothing can be learned: the probabilities are then those of Laplace's rule,
        ``(count_c + 1) / (m + C)``, the same for every row; uniform if m is 0.

    Raises
    ------
    LearnerError
        If `learner` is a class instead of an object, has no fit(), or fails to fit.
    ContractError
        If y does not match X or C.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = fit_learner(LogisticRegression(), np.array([[0.0], [1.0]]), [0, 2], C=3)
    >>> model.proba(np.array([[0.5]])).round(2)
    array([[0.5, 0. , 0.5]])
    """
    name = learner_name(learner)
    labels = np.asarray(y)
    _check(labels, len(X), C)
    labels = labels.astype(np.int64)
    seen = np.unique(labels)
    counts = np.bincount(labels, minlength=C)
    prior = (counts + 1.0) / (len(labels) + C)
    if len(seen) < 2:
        return Model(None, name, C, seen, prior)
    fitted = fresh(learner, seed)
    try:
        fitted.fit(X, labels)
    except LearnerError:
        raise
    except Exception as error:
        raise LearnerError(f"{name} could not be fitted on {len(labels)} labels: {error}") from error
    return Model(fitted, name, C, seen, prior)


def _check(labels: NDArray[Any], rows: int, C: int) -> None:
    if labels.shape != (rows,):
        raise ContractError(f"y has shape {labels.shape}; X has {rows} rows, so y must be ({rows},)")
    if not len(labels):
        return
    whole = (
        np.equal(np.mod(labels, 1), 0)
        if labels.dtype.kind == "f"
        else np.full(rows, labels.dtype.kind in "iu")
    )
    wrong = np.flatnonzero(~whole) if not whole.all() else np.flatnonzero((labels < 0) | (labels >= C))
    if len(wrong):
        raise ContractError(
            f"y[{wrong[0]}] is {labels[wrong[0]].item()!r}; y holds class positions 0 to {C - 1} "
            f"(classes, y = numpy.unique(labels, return_inverse=True))"
        )
