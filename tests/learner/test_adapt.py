"""Any classifier as it is: copied, aligned to all classes, and usable before it can be fitted."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import askwise as aw
from askwise.errors import ContractError, LearnerError
from askwise.learner import fit_learner

X = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.1, 0.0], [0.0, 5.0], [0.0, 5.1]])


@pytest.mark.parametrize(
    "learner",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(10),
        aw.LinearHead(),
        aw.Committee(LogisticRegression(), size=3),
    ],
)
def test_columns_are_those_of_all_classes(learner: object) -> None:
    model = fit_learner(learner, X[:4], [3, 3, 1, 1], C=5)
    proba = model.proba(X)
    assert proba.shape == (6, 5)
    assert np.allclose(proba.sum(axis=1), 1)
    assert (proba[:, [0, 2, 4]] == 0).all()
    assert model.predict(X[:4]).tolist() == [3, 3, 1, 1]


def test_decision_values_of_classes_not_seen_are_the_lowest() -> None:
    two = fit_learner(LinearSVC(), X[:4], [3, 3, 1, 1], C=5).decision(X)
    assert two.shape == (6, 5)
    assert two.argmax(axis=1)[:4].tolist() == [3, 3, 1, 1]
    assert (two[:, [0, 2, 4]] == two.min(axis=1, keepdims=True)).all()
    assert fit_learner(LinearSVC(), X[:4], [0, 0, 1, 1], C=2).decision(X).shape == (6,)
    assert fit_learner(SVC(), X, [0, 0, 1, 1, 3, 3], C=4).decision(X).argmax(axis=1).tolist() == [
        0,
        0,
        1,
        1,
        3,
        3,
    ]


def test_one_against_one_decision_values_are_refused() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(20) % 4
    model = fit_learner(SVC(decision_function_shape="ovo"), rng.normal(size=(20, 2)), y, C=4)
    with pytest.raises(LearnerError, match="decision_function_shape='ovr'"):
        model.decision(X)


def test_learner_without_probabilities_predicts() -> None:
    assert fit_learner(LinearSVC(), X, [0, 0, 1, 1, 2, 2], C=3).predict(X).tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(LearnerError, match=r"LinearSVC has no predict_proba\(\) or sample_proba\(\)"):
        fit_learner(LinearSVC(), X, [0, 0, 1, 1, 2, 2], C=3).proba(X)


@pytest.mark.parametrize(("y", "expected"), [([], [0.25] * 4), ([2, 2], [1 / 6, 1 / 6, 1 / 2, 1 / 6])])
def test_nothing_to_learn_from(y: list[int], expected: list[float]) -> None:
    model = fit_learner(LogisticRegression(), X[: len(y)], y, C=4)
    assert np.allclose(model.proba(X), expected)
    assert np.allclose(model.samples(X), expected)
    assert model.samples(X).shape == (2, 6, 4)
    assert model.decision(X).shape == (6, 4)
    assert model.embed(X) is X
    assert model.predict(X).tolist() == [int(np.argmax(expected))] * 6


def test_the_object_handed_in_stays_untouched() -> None:
    forest = RandomForestClassifier(5)
    before = forest.get_params()
    fit_learner(forest, X, [0, 0, 1, 1, 2, 2], C=3)
    assert forest.get_params() == before
    assert not hasattr(forest, "classes_")
    head = aw.LinearHead()
    fit_learner(head, X, [0, 0, 1, 1, 2, 2], C=3)
    assert not hasattr(head, "classes_")


def test_open_seeds_are_set_and_differ() -> None:
    y = [0, 0, 1, 1, 2, 2]
    rows = np.random.default_rng(0).normal(2, 2, size=(50, 2))
    state = repr((random.getstate(), np.random.get_state()))  # noqa: NPY002
    one, again, other = (
        fit_learner(RandomForestClassifier(5), X, y, C=3, seed=s).proba(rows) for s in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert repr((random.getstate(), np.random.get_state())) == state  # noqa: NPY002
    fixed = [
        fit_learner(RandomForestClassifier(5, random_state=0), X, y, C=3, seed=s).proba(rows) for s in (1, 2)
    ]
    assert np.array_equal(*fixed)
    pipe = make_pipeline(RandomForestClassifier(2).set_params(), memory=None)
    assert (
        fit_learner(pipe, X, y, C=3).learner.get_params()["randomforestclassifier__random_state"] is not None
    )


class Bare:
    """A learner without classes_, as a small network would be: always a column for every class."""

    seed = None

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.centres = np.stack(
            [X[y == c].mean(axis=0) if (y == c).any() else np.full(2, 99.0) for c in range(3)]
        )

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        near = np.exp(-((X[:, None] - self.centres) ** 2).sum(axis=2))
        return near / near.sum(axis=1, keepdims=True)

    def predict_dist(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return X[:, 0], np.abs(X[:, 1])

    def predict_loss(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0]


def test_learner_without_classes() -> None:
    model = fit_learner(Bare(), X[:4], [0, 0, 2, 2], C=3, seed=4)
    assert model.predict(X[:4]).tolist() == [0, 0, 2, 2]
    assert model.learner.seed == 4
    assert model.dist(X)[0].tolist() == X[:, 0].tolist()
    assert model.predicted_loss(X).tolist() == X[:, 0].tolist()


def test_only_samples_are_enough_for_probabilities() -> None:
    class Sampler(Bare):
        predict_proba = None  # type: ignore[assignment]

        def sample_proba(self, X: np.ndarray) -> np.ndarray:
            one = Bare.predict_proba(self, X)
            return np.stack([one, one**2 / (one**2).sum(axis=1, keepdims=True)])

    model = fit_learner(Sampler(), X, [0, 0, 1, 1, 2, 2], C=3)
    assert np.allclose(model.proba(X), model.samples(X).mean(axis=0))


@pytest.mark.parametrize(
    ("learner", "said"),
    [
        (LogisticRegression, r"is a class; pass an object: LogisticRegression\(\)"),
        ("logistic", r"no learner: it has no fit\(X, y\)"),
        (LogisticRegression(C=-1), "LogisticRegression could not be fitted on 6 labels: .*C"),
    ],
)
def test_what_is_no_learner(learner: object, said: str) -> None:
    with pytest.raises(LearnerError, match=said):
        fit_learner(learner, X, [0, 0, 1, 1, 2, 2], C=3)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([0, 1], r"X has 6 rows, so y must be \(6,\)"),
        ([0, 1, 0, 1, 0, 3], r"y\[5\] is 3; y holds class positions 0 to 2"),
    ],
)
def test_wrong_labels(y: list[int], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        fit_learner(LogisticRegression(), X, y, C=3)


def test_labels_are_positions() -> None:
    with pytest.raises(ContractError, match=r"y\[0\] is 'a'; y holds class positions"):
        fit_learner(LogisticRegression(), X, list("aabbcc"), C=3)
    assert fit_learner(LogisticRegression(), X, [0.0, 0, 1, 1, 2, 2], C=3).predict(X).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]


def test_missing_capabilities_are_named() -> None:
    model = fit_learner(GaussianProcessRegressor(), X, [0, 0, 1, 1, 2, 2], C=3)
    for method, said in (
        ("samples", "sample_proba"),
        ("decision", "decision_function"),
        ("dist", "predict_dist"),
    ):
        with pytest.raises(LearnerError, match=rf"GaussianProcessRegressor has no {said}\(\)"):
            getattr(model, method)(X)
