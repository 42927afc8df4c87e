"""What Askwise asks of a learner: `fit`, and at least one way of saying what it knows."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

CAPABILITIES: dict[str, str] = {
    "predict_proba": "class probabilities, (n, C)",
    "sample_proba": "class probabilities of S models drawn from what is plausible, (S, n, C)",
    "decision_function": "decision values, (n, C), or (n,) for two classes",
    "predict_dist": "means and standard deviations of numbers, (n,) and (n,)",
    "predict_loss": "the loss that the learner expects of each row, (n,)",
    "embed": "the features that the last layer sees, (n, d)",
}
"""The methods that a learner may have beside `fit`, and what each returns for X of n rows."""


@runtime_checkable
class Learner(Protocol):
    """Anything with `fit(X, y)` and at least one of the methods below.

    Every scikit-learn classifier is a learner as it is. Askwise never fits the object that it is handed: it fits a
    copy, after every batch, from nothing.

    ==================  ==========================================================================
    method              returns, for X of n rows
    ==================  ==========================================================================
    predict_proba       (n, C) class probabilities; columns follow `classes_` if there is one
    sample_proba        (S, n, C) the same from S models, the same S models for every row
    decision_function   (n, C), or (n,) for two classes
    predict_dist        ((n,), (n,)) means and standard deviations, for regression
    predict_loss        (n,) the loss it expects
    embed               (n, d) the features that its last layer sees
    ==================  ==========================================================================

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> isinstance(LogisticRegression(), Learner)
    True
    """

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows X (m, d) and class positions y (m,); what it returns is ignored."""
        ...


def capabilities(learner: object) -> tuple[str, ...]:
    """The names of the methods of `CAPABILITIES` that `learner` has.

    >>> from sklearn.svm import LinearSVC
    >>> capabilities(LinearSVC())
    ('decision_function',)
    """
    return tuple(name for name in CAPABILITIES if callable(getattr(learner, name, None)))
