"""The suite of learners: good ones pass, and every planted fault turns its check red."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import askwise as aw
from askwise.testing import CheckFailed, check_learner
from askwise.testing.learners import CHECKS


@pytest.mark.parametrize(
    "learner",
    [
        aw.LinearHead(),
        LogisticRegression(),
        make_pipeline(StandardScaler(), SVC()),
        KNeighborsClassifier(),
        aw.Committee(LogisticRegression(), size=5),
    ],
)
def test_good_learners_pass(learner: Any) -> None:
    report = check_learner(learner)
    assert report.ok
    assert len(report.outcomes) == len(CHECKS)


class Good:
    """Nearest centre with members that are shaken, and every capability there is."""

    def fit(self, X: Any, y: Any) -> None:
        self.classes_ = np.unique(y)
        self.centres = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        shake = np.random.default_rng(0).normal(size=(12, *self.centres.shape))
        self.members = self.centres + 0.3 * shake

    def _proba(self, X: Any, centres: Any) -> Any:
        near = self.decision_function(X, centres)
        near = np.exp(near - near.max(axis=1, keepdims=True))
        return near / near.sum(axis=1, keepdims=True)

    def decision_function(self, X: Any, centres: Any = None) -> Any:
        centres = self.centres if centres is None else centres
        return -0.3 * ((np.asarray(X)[:, None] - centres) ** 2).sum(axis=2)

    def predict_proba(self, X: Any) -> Any:
        return self._proba(X, self.centres)

    def sample_proba(self, X: Any) -> Any:
        return np.stack([self._proba(X, centres) for centres in self.members])

    def embed(self, X: Any) -> Any:
        return np.asarray(X) * 2

    def predict_dist(self, X: Any) -> Any:
        return np.asarray(X).mean(axis=1), np.ones(len(X))

    def predict_loss(self, X: Any) -> Any:
        return 1 - self.predict_proba(X).max(axis=1)


def test_a_learner_with_everything_passes_everything() -> None:
    report = check_learner(Good())
    assert report.passed == tuple(check.__name__ for check in CHECKS)


class OnlyFit:
    def fit(self, X: Any, y: Any) -> None: ...


class SharedState(Good):
    kept: dict[str, Any] = {}  # noqa: RUF012 - the fault

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        self.kept.update(centres=self.centres)

    def predict_proba(self, X: Any) -> Any:
        return self._proba(X, self.kept["centres"])


class SortsInput(Good):
    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        X -= X.mean(axis=0)


class ScalesCandidates(Good):
    def predict_proba(self, X: Any) -> Any:
        proba = super().predict_proba(X)
        X *= 2
        return proba


class RollsDice(Good):
    def sample_proba(self, X: Any) -> Any:
        return super().sample_proba(X)[np.random.default_rng().permutation(12)]


class GlobalDice(Good):
    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        np.random.seed(0)  # noqa: NPY002 - the fault


class SortedRows(Good):
    def predict_proba(self, X: Any) -> Any:
        proba = super().predict_proba(X)
        return proba[np.lexsort(proba.T)]


class BatchStatistics(Good):
    def embed(self, X: Any) -> Any:
        return X - np.asarray(X).mean(axis=0)


class NewDrawsForEveryRow(Good):
    def sample_proba(self, X: Any) -> Any:
        samples = super().sample_proba(X)
        for row in range(len(X)):
            samples[:, row] = np.roll(samples[:, row], row, axis=0)
        return samples


class Logits(Good):
    def predict_proba(self, X: Any) -> Any:
        return np.abs(self.decision_function(X))


class SampleLogits(Good):
    def sample_proba(self, X: Any) -> Any:
        return np.log(super().sample_proba(X))


class SwappedColumns(Good):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X)[:, ::-1]


class OrderOfArrival(Good):
    """Columns in the order in which classes first came, and classes_ that says otherwise."""

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        _, first = np.unique(y, return_index=True)
        self.arrived = np.argsort(first)

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X)[:, self.arrived]


class FirstColumns(Good):
    """Classes not seen: pads the end instead of the place."""

    def predict_proba(self, X: Any) -> Any:
        proba = super().predict_proba(X)
        return np.pad(proba, ((0, 0), (0, 3 - proba.shape[1])))

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        del self.classes_
        self.classes_ = np.arange(3)


class NotANumberForOneClass(Good):
    def predict_proba(self, X: Any) -> Any:
        proba = super().predict_proba(X)
        return proba / 0 * 0 if proba.shape[1] == 1 else proba


class WordlessForOneClass(Good):
    def fit(self, X: Any, y: Any) -> None:
        if len(np.unique(y)) < 2:
            raise ValueError
        super().fit(X, y)


class OneMember(Good):
    def sample_proba(self, X: Any) -> Any:
        return super().sample_proba(X)[:1]


class DropoutOff(Good):
    def sample_proba(self, X: Any) -> Any:
        return np.stack([self.predict_proba(X)] * 5)


class OtherModel(Good):
    def sample_proba(self, X: Any) -> Any:
        return np.full((2, len(X), len(self.classes_)), 1 / len(self.classes_)) + [
            [[0.01]],
            [[-0.01]],
        ] * np.sign(np.arange(len(self.classes_)) - (len(self.classes_) - 1) / 2)


class NegatedDecision(Good):
    def decision_function(self, X: Any, centres: Any = None) -> Any:
        values = super().decision_function(X, centres)
        return -values if centres is None else values


class FlatDecision(Good):
    def decision_function(self, X: Any, centres: Any = None) -> Any:
        values = super().decision_function(X, centres)
        return values[..., None] if centres is None else values


class OneEmbedding(Good):
    def embed(self, X: Any) -> Any:
        return np.asarray(X).mean(axis=0)


class EndlessEmbedding(Good):
    def embed(self, X: Any) -> Any:
        return np.asarray(X) * np.inf


class NegativeSpread(Good):
    def predict_dist(self, X: Any) -> Any:
        return np.zeros(len(X)), -np.ones(len(X))


FAULTS: list[tuple[type, str]] = [
    (OnlyFit, "fits"),
    (SharedState, "leaves_itself_alone"),
    (SortsInput, "leaves_inputs_alone"),
    (ScalesCandidates, "leaves_inputs_alone"),
    (RollsDice, "repeats_itself"),
    (GlobalDice, "repeats_itself"),
    (SortedRows, "keeps_row_order"),
    (BatchStatistics, "keeps_row_order"),
    (NewDrawsForEveryRow, "keeps_row_order"),
    (Logits, "rows_sum_to_one"),
    (SwappedColumns, "columns_follow_classes"),
    (OrderOfArrival, "columns_follow_classes"),
    (FirstColumns, "knows_of_unseen_classes"),
    (NotANumberForOneClass, "takes_or_refuses_one_class"),
    (WordlessForOneClass, "takes_or_refuses_one_class"),
    (SampleLogits, "samples_are_probabilities"),
    (OneMember, "samples_are_probabilities"),
    (DropoutOff, "samples_differ"),
    (OtherModel, "samples_agree_with_proba"),
    (NegatedDecision, "decision_agrees_with_proba"),
    (FlatDecision, "decision_agrees_with_proba"),
    (OneEmbedding, "embeds_rows"),
    (EndlessEmbedding, "embeds_rows"),
    (NegativeSpread, "spreads_are_spreads"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=lambda part: getattr(part, "__name__", part))
def test_planted_faults_turn_their_check_red(fault: type, check: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        check_learner(fault())
    assert check in caught.value.report.failed, str(caught.value)


def test_every_check_has_a_planted_fault() -> None:
    assert {check for _, check in FAULTS} == {check.__name__ for check in CHECKS}
