"""Committees: every member knows every class, and the members differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import askwise as aw
from askwise.errors import LearnerError
from askwise.learner.committee import bootstrap

X, y = load_iris(return_X_y=True)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 9))
def test_bootstrap_keeps_the_number_of_each_class(labels: list[int], seed: int) -> None:
    positions = np.array(labels)
    drawn = positions[bootstrap(positions, np.random.default_rng(seed))]
    assert np.array_equal(np.bincount(drawn, minlength=5), np.bincount(positions, minlength=5))


def test_members_are_the_samples_and_their_mean_the_probability() -> None:
    committee = aw.Committee([DecisionTreeClassifier(), GaussianNB()], size=6).fit(X[::5], y[::5])
    samples = committee.sample_proba(X)
    assert samples.shape == (6, 150, 3)
    assert np.allclose(committee.predict_proba(X), samples.mean(axis=0))
    assert not np.allclose(samples[0], samples[2])
    kinds = [type(member.learner).__name__ for member in committee.members_]
    assert kinds == ["DecisionTreeClassifier", "GaussianNB"] * 3
    assert (committee.predict(X) == y).mean() > 0.9


def test_a_class_with_one_label_is_in_every_member() -> None:
    rows = [0, 1, 2, 3, 50, 51, 52, 100]
    committee = aw.Committee(DecisionTreeClassifier(), size=20).fit(X[rows], y[rows])
    assert all(member.learner.classes_.tolist() == [0, 1, 2] for member in committee.members_)


def test_names_of_classes_and_seeds() -> None:
    names = np.array(["no", "yes"])[(y > 0).astype(int)]
    one, again = (
        aw.Committee(DecisionTreeClassifier(max_features=1)).fit(X[::9], names[::9]) for _ in range(2)
    )
    other = aw.Committee(DecisionTreeClassifier(max_features=1), seed=1).fit(X[::9], names[::9])
    assert one.classes_.tolist() == ["no", "yes"]
    assert set(one.predict(X)) == {"no", "yes"}
    assert np.array_equal(one.sample_proba(X), again.sample_proba(X))
    assert not np.array_equal(one.sample_proba(X), other.sample_proba(X))


def test_one_class_is_certain() -> None:
    assert (
        aw.Committee(LogisticRegression(), size=2).fit(X[:5], y[:5]).predict_proba(X).tolist()
        == [[1.0]] * 150
    )


@pytest.mark.parametrize(
    ("learners", "size", "said"),
    [
        ([], None, "empty"),
        (LogisticRegression(), 1, "size 1 is too small"),
        ([GaussianNB()] * 3, 2, "size 2 is too small for 3 learners"),
        (LinearSVC(), None, r"LinearSVC has no predict_proba\(\)"),
        (GaussianNB, None, "is a class"),
    ],
)
def test_impossible_committees(learners: object, size: int | None, said: str) -> None:
    with pytest.raises(LearnerError, match=said):
        aw.Committee(learners, size=size)  # type: ignore[arg-type]


def test_not_fitted_and_badly_fitted() -> None:
    committee = aw.Committee(GaussianNB(), size=4)
    assert repr(committee) == "Committee(GaussianNB(), size=4)"
    with pytest.raises(LearnerError, match="not fitted"):
        committee.predict_proba(X)
    with pytest.raises(LearnerError, match="X has 150 rows and y has shape"):
        committee.fit(X, y[:3])
