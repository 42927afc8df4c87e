"""The conformance suite of learners: what every learner must do for strategies to mean what they say."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..learner import CAPABILITIES, Learner, Model, capabilities, fit_learner
from ..learner.copies import fresh, learner_name
from ..xp import xlogx
from .report import CheckFailed, NotApplicable, Report, broken, run_check

CLASSES = 3
CLOSE = 1e-5
"""Two computations of the same number in blocks of another size may differ by so much."""
DRIFT = 0.2
"""The greatest mean total variation between predict_proba and the mean of sample_proba."""
SILENT = 1e-6
"""BALD at or below which the members of a learner say the same."""


@dataclass(frozen=True)
class Subject:
    """A learner and data on which any learner can do well: three clouds far apart, and rows between them."""

    learner: Learner
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    between: NDArray[np.float64]

    @classmethod
    def of(cls, learner: Learner) -> Subject:
        rng = np.random.default_rng(7)
        centres = np.array([[4.0, 0, 0, 1], [0, 4.0, 0, -1], [0, 0, 4.0, 0]])
        y = np.arange(60) % CLASSES
        X = centres[y] + 0.6 * rng.standard_normal((60, 4))
        share = rng.dirichlet(np.ones(CLASSES), size=40)
        return cls(learner, X, y, share @ centres + 0.6 * rng.standard_normal((40, 4)))

    def fit(self, rows: Any = slice(None), y: NDArray[np.int64] | None = None, seed: int = 0) -> Model:
        """A fitted copy."""
        return fit_learner(self.learner, self.X[rows], (self.y if y is None else y)[rows], CLASSES, seed=seed)

    def needs(self, *methods: str) -> None:
        """End the check if the learner has none of these methods."""
        if not set(methods) & set(capabilities(self.learner)):
            raise NotApplicable(f"no {' or '.join(methods)}")


def check_learner(learner: Learner) -> Report:
    """Run the whole suite on a learner.

    Parameters
    ----------
    learner
        Any object with fit(X, y). It is copied and never fitted itself.

    Returns
    -------
    Report
        One outcome a check; those that need a method which the learner lacks are not applicable.

    Raises
    ------
    CheckFailed
        If a check failed; the text lists each with its reason.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> print(check_learner(GaussianNB()))
    GaussianNB: 9 checks passed
      samples_are_probabilities: not applicable, no sample_proba
      ...
    """
    subject = Subject.of(learner)
    name = learner_name(learner)
    report = Report(name, tuple(run_check(check.__name__, check, subject) for check in CHECKS))
    if not report.ok:
        raise CheckFailed(report)
    return report


def fits(subject: Subject) -> None:
    """It can be fitted, and then says something."""
    if not capabilities(subject.learner):
        broken(f"beside fit it needs one of {', '.join(CAPABILITIES)}")
    _outputs(subject.fit(), subject.between)
    twin = fresh(subject.learner, 0)
    twin.fit(subject.X.astype(np.float32), subject.y)
    _outputs(subject.fit(), subject.between[:1])


def leaves_itself_alone(subject: Subject) -> None:
    """A copy is a copy: fitting one changes neither the original nor another copy."""
    one = subject.fit()
    before = _outputs(one, subject.between)
    subject.fit(y=(subject.y + 1) % CLASSES)
    for method, values in _outputs(one, subject.between).items():
        if not np.array_equal(values, before[method]):
            broken(f"{method}: fitting one copy changed what another, fitted before, says")


def leaves_inputs_alone(subject: Subject) -> None:
    """X and y are read, not written; they may be read-only."""
    X, y, between = subject.X.copy(), subject.y.copy(), subject.between.copy()
    _outputs(fit_learner(subject.learner, X, y, CLASSES), between)
    for what, now, then in (
        ("X", X, subject.X),
        ("y", y, subject.y),
        ("X to predict", between, subject.between),
    ):
        if not np.array_equal(now, then):
            broken(f"{what} was changed")
        now.flags.writeable = False
    _outputs(fit_learner(subject.learner, X, y, CLASSES), between)


def repeats_itself(subject: Subject) -> None:
    """The same rows and seed give the same outputs, in two fits and in two calls; nobody else's dice are rolled."""
    with _watched_dice() as rolled:
        model = subject.fit()
        first = _outputs(model, subject.between)
        calls, fits = _outputs(model, subject.between), _outputs(subject.fit(), subject.between)
    for what, again in (("calls", calls), ("fits", fits)):
        for method, values in again.items():
            if not np.allclose(values, first[method], atol=1e-9, rtol=1e-7):
                broken(
                    f"{method}: two {what} with the same seed and rows differ; draw from a generator seeded in fit"
                )
    if rolled:
        broken("the global random state was used; draw from numpy.random.default_rng(seed)")


def keeps_row_order(subject: Subject) -> None:
    """Row i of an output belongs to row i of X, whatever the other rows are."""
    model = subject.fit()
    whole = _outputs(model, subject.between)
    rows = np.random.default_rng(1).permutation(len(subject.between))[:17]
    for method, part in _outputs(model, subject.between[rows]).items():
        expected = np.take(whole[method], rows, axis=_axis(method))
        if not np.allclose(part, expected, atol=CLOSE, rtol=1e-4):
            broken(f"{method}: some rows, in another order, are answered differently than among all rows")


def rows_sum_to_one(subject: Subject) -> None:
    """predict_proba returns probabilities, (n, C)."""
    subject.needs("predict_proba")
    _probabilities("predict_proba", subject.fit().proba(subject.between), (len(subject.between), CLASSES))


def columns_follow_classes(subject: Subject) -> None:
    """Column c speaks of class c, also after the classes have changed places."""
    subject.needs("predict_proba", "sample_proba", "decision_function")
    for turn in range(CLASSES):
        y = (subject.y * 2 + turn) % CLASSES
        right = np.mean(subject.fit(y=y).predict(subject.X) == y)
        if right < 0.8:
            broken(
                f"only {right:.0%} of three clouds far apart are told apart: are the columns those of classes_?"
            )


def knows_of_unseen_classes(subject: Subject) -> None:
    """Fitted without class 1 of 3, it tells 0 and 2 apart and gives 1 nothing."""
    subject.needs("predict_proba", "sample_proba", "decision_function")
    rows = np.flatnonzero(subject.y != 1)
    model = subject.fit(rows)
    if {"predict_proba", "sample_proba"} & set(capabilities(subject.learner)):
        proba = model.proba(subject.X)
        _probabilities("predict_proba without class 1", proba, (len(subject.X), CLASSES))
        if proba[:, 1].max() > 0.5:
            broken(f"a class never seen gets probability {proba[:, 1].max():.2f}")
    right = np.mean(model.predict(subject.X[rows]) == subject.y[rows])
    if right < 0.8:
        broken(
            f"without class 1, only {right:.0%} of classes 0 and 2 are told apart: are the columns those of classes_?"
        )


def takes_or_refuses_one_class(subject: Subject) -> None:
    """One class only: probabilities that are probabilities, or an error; nothing in between."""
    subject.needs("predict_proba")
    rows = np.flatnonzero(subject.y == 1)
    twin: Any = fresh(subject.learner, 0)
    try:
        twin.fit(subject.X[rows], subject.y[rows])
        proba = np.asarray(twin.predict_proba(subject.between))
    except Exception as error:
        if not str(error):
            broken(f"{type(error).__name__} without a word; say that there is only one class")
        return
    _probabilities("predict_proba with one class", proba, None)


def samples_are_probabilities(subject: Subject) -> None:
    """sample_proba returns probabilities of two models or more, (S, n, C)."""
    subject.needs("sample_proba")
    samples = subject.fit().samples(subject.between)
    if samples.ndim != 3 or len(samples) < 2:
        broken(f"sample_proba: expected (S, n, C) with S of 2 or more, got shape {samples.shape}")
    _probabilities("sample_proba", samples, (len(samples), len(subject.between), CLASSES))


def samples_differ(subject: Subject) -> None:
    """The members of sample_proba disagree somewhere: BALD is above 0."""
    subject.needs("sample_proba")
    samples = np.asarray(subject.fit().samples(subject.between), dtype=np.float64)
    bald = -xlogx(samples.mean(axis=0)).sum(axis=1) + xlogx(samples).sum(axis=2).mean(axis=0)
    if bald.max() <= SILENT:
        broken(
            "all members say the same (BALD is 0 everywhere): is dropout off, or every member fitted alike?"
        )


def samples_agree_with_proba(subject: Subject) -> None:
    """The mean of sample_proba is close to predict_proba."""
    subject.needs("sample_proba")
    subject.needs("predict_proba")
    model = subject.fit()
    drift = (
        np.abs(model.samples(subject.between).mean(axis=0) - model.proba(subject.between)).sum(axis=1).mean()
        / 2
    )
    if drift > DRIFT:
        broken(
            f"the mean of sample_proba is {drift:.2f} away from predict_proba (total variation; at most {DRIFT})"
        )


def decision_agrees_with_proba(subject: Subject) -> None:
    """The highest decision value is (nearly always) the highest probability."""
    subject.needs("decision_function")
    model = subject.fit()
    decision = model.decision(subject.X)
    if decision.shape != (len(subject.X), CLASSES):
        broken(f"decision_function: expected {(len(subject.X), CLASSES)}, got shape {decision.shape}")
    if not np.isfinite(decision).all():
        broken("decision_function: not finite")
    if "predict_proba" in capabilities(subject.learner):
        agree = np.mean(decision.argmax(axis=1) == model.proba(subject.X).argmax(axis=1))
        if agree < 0.8:
            broken(f"decision_function and predict_proba name the same class in only {agree:.0%} of rows")


def embeds_rows(subject: Subject) -> None:
    """embed returns one finite vector a row."""
    subject.needs("embed")
    embedding = np.asarray(subject.fit().embed(subject.between))
    if embedding.ndim != 2 or len(embedding) != len(subject.between):
        broken(f"embed: expected ({len(subject.between)}, d), got shape {embedding.shape}")
    if not np.isfinite(embedding).all():
        broken("embed: not finite")


def spreads_are_spreads(subject: Subject) -> None:
    """predict_dist returns finite means and standard deviations, none negative."""
    subject.needs("predict_dist")
    mean, std = subject.fit().dist(subject.between)
    for what, values in (("means", mean), ("standard deviations", std)):
        if values.shape != (len(subject.between),) or not np.isfinite(values).all():
            broken(
                f"predict_dist: {what} must be ({len(subject.between)},) finite numbers, got shape {values.shape}"
            )
    if std.min() < 0:
        broken("predict_dist: a standard deviation is negative")


CHECKS: tuple[Callable[[Subject], None], ...] = (
    fits,
    leaves_itself_alone,
    leaves_inputs_alone,
    repeats_itself,
    keeps_row_order,
    rows_sum_to_one,
    columns_follow_classes,
    knows_of_unseen_classes,
    takes_or_refuses_one_class,
    samples_are_probabilities,
    samples_differ,
    samples_agree_with_proba,
    decision_agrees_with_proba,
    embeds_rows,
    spreads_are_spreads,
)
"""Every check, in the order in which they run; a check's name is its function's."""


def _outputs(model: Model, X: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What the fitted learner says about X, by method."""
    say: dict[str, Callable[[], Any]] = {
        "predict_proba": lambda: model.proba(X),
        "sample_proba": lambda: model.samples(X),
        "decision_function": lambda: model.decision(X),
        "predict_dist": lambda: np.stack(model.dist(X), axis=1),
        "predict_loss": lambda: model.predicted_loss(X),
        "embed": lambda: model.embed(X),
    }
    return {method: np.array(say[method]()) for method in capabilities(model.learner)}


@contextmanager
def _watched_dice() -> Iterator[list[str]]:
    """The global random states of Python and NumPy, put back in the end; the list then names those that moved."""
    mine, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    # A state that no learner sets itself: else one that seeds with 0 every time would look as if it did not.
    random.seed(20_090_703)
    np.random.seed(20_090_703)  # noqa: NPY002
    before = pickle.dumps(random.getstate()), pickle.dumps(np.random.get_state())  # noqa: NPY002
    rolled: list[str] = []
    try:
        yield rolled
        after = pickle.dumps(random.getstate()), pickle.dumps(np.random.get_state())  # noqa: NPY002
        rolled += [
            name for name, a, b in zip(("random", "numpy.random"), before, after, strict=True) if a != b
        ]
    finally:
        random.setstate(mine)
        np.random.set_state(numpys)  # noqa: NPY002


def _axis(method: str) -> int:
    return 1 if method == "sample_proba" else 0


def _probabilities(what: str, values: NDArray[Any], shape: tuple[int, ...] | None) -> None:
    if shape is not None and values.shape != shape:
        broken(f"{what}: expected shape {shape}, got {values.shape}")
    if not np.isfinite(values).all():
        broken(f"{what}: NaN or infinite")
    if values.min() < 0 or values.max() > 1 + CLOSE:
        broken(f"{what}: {values.min():.3g} to {values.max():.3g} are no probabilities")
    off = np.abs(values.sum(axis=-1) - 1).max()
    if off > 1e-4:
        broken(f"{what}: a row sums to 1 ± {off:.2g}; pass probabilities, not logits")


__all__ = ["CHECKS", "Subject", "check_learner"]
