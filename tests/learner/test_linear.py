"""LinearHead as a whole: a function of its rows, calibrated, with a posterior, for any number of classes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

import askwise as aw
from askwise.errors import LearnerError
from askwise.learner import tuning
from askwise.learner.tuning import GRID, USUAL


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], y[order]


def test_learns_digits_and_knows_how_well(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    head = aw.LinearHead().fit(X[:200], y[:200])
    proba = head.predict_proba(X[1000:])
    right = head.predict(X[1000:]) == y[1000:]
    assert right.mean() > 0.9
    assert abs(proba.max(axis=1).mean() - right.mean()) < 0.05
    assert head.strength_ in GRID
    assert head.temperature_ != 1.0


def test_fit_depends_on_the_rows_alone(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    used = aw.LinearHead()
    for n in (30, 90, 45, 60):
        used.fit(X[:n], y[:n])
    tuning._MEMORY.clear()
    new = aw.LinearHead().fit(X[:60].astype(np.float32), y[:60])
    assert np.array_equal(used.coef_, new.coef_)
    assert np.array_equal(used.sample_proba(X[:9]), new.sample_proba(X[:9]))


def test_strength_stays_between_the_steps_of_the_schedule(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    assert aw.LinearHead().fit(X[:19], y[:19]).strength_ == pytest.approx(USUAL)
    at_40 = aw.LinearHead().fit(X[:40], y[:40])
    at_79 = aw.LinearHead().fit(X[:79], y[:79])
    assert (at_40.strength_, at_40.temperature_) == (at_79.strength_, at_79.temperature_)


def test_scale_and_place_of_the_features_do_not_matter(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    plain = aw.LinearHead().fit(X[:50], y[:50]).predict_proba(X[100:120])
    moved = aw.LinearHead().fit(1e-3 * X[:50] - 40, y[:50]).predict_proba(1e-3 * X[100:120] - 40)
    assert np.allclose(plain, moved, atol=1e-4)


def test_probabilities_are_the_softmax_of_the_decision(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    head = aw.LinearHead().fit(X[:60], y[:60])
    logits = head.decision_function(X[:5])
    assert np.allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), head.predict_proba(X[:5]))
    assert head.decision_function(X[:5]).shape == (5, 10)
    two = y < 2
    assert aw.LinearHead().fit(X[two][:30], y[two][:30]).decision_function(X[:5]).shape == (5, 2)


def test_draws_are_shared_by_all_rows_and_calls(
    digits: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = digits
    head = aw.LinearHead(draws=30).fit(X[:60], y[:60])
    whole = head.sample_proba(X[:50])
    monkeypatch.setattr("askwise.learner.linear.BLOCK_BYTES", 1)
    assert np.allclose(head.sample_proba(X[:50]), whole)
    assert np.allclose(head.sample_proba(X[20:30], S=7), whole[:7, 20:30])
    assert not np.allclose(aw.LinearHead(draws=30, seed=1).fit(X[:60], y[:60]).sample_proba(X[:50]), whole)


def test_draws_disagree_least_where_there_are_labels(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    head = aw.LinearHead().fit(X[:100], y[:100])
    deviation = head.sample_proba(X).std(axis=0).mean(axis=1)
    assert deviation[:100].mean() < 0.7 * deviation[100:].mean()


def test_sample_weights_count_rows(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    twice = np.arange(15).repeat(2)
    weighted = aw.LinearHead(0.1).fit(X[:15], y[:15], sample_weight=np.full(15, 2.0))
    repeated = aw.LinearHead(0.1).fit(X[twice], y[twice])
    weighted.temperature_ = repeated.temperature_ = 1.0
    assert np.allclose(weighted.predict_proba(X[:9]), repeated.predict_proba(X[:9]), atol=1e-5)


def test_late_class_and_single_class() -> None:
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    late = aw.LinearHead().fit(X, [5, 5, 5, 9])
    assert late.classes_.tolist() == [5, 9]
    assert late.predict([[3.0]]).tolist() == [9]
    single = aw.LinearHead().fit(X, [4, 4, 4, 4])
    assert single.predict_proba(X).tolist() == [[1.0]] * 4
    assert np.allclose(single.sample_proba(X), 1.0)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_equal_rows_are_no_trouble(n: int) -> None:
    X = np.ones((n, 3))
    proba = aw.LinearHead().fit(X, np.arange(n) % 2).predict_proba(np.array([[1.0, 1, 1], [1e6, -1e6, 0]]))
    assert np.isfinite(proba).all()


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (np.zeros((0, 3)), [], "no rows"),
        (np.zeros((2, 3)), [0], r"so y must be \(2,\)"),
        (np.array([[0.0], [np.nan]]), [0, 1], "X row 1 holds NaN"),
        (np.zeros(3), [0, 1, 1], r"must be \(n, d\)"),
        (np.array([["a"]]), [0], "must be .* numbers"),
    ],
)
def test_bad_rows_are_named(X: np.ndarray, y: list[int], said: str) -> None:
    with pytest.raises(LearnerError, match=said):
        aw.LinearHead().fit(X, y)


def test_bad_settings_are_named() -> None:
    X, y = np.eye(2), [0, 1]
    for head, said in (
        (aw.LinearHead("strong"), "strength must be"),
        (aw.LinearHead(-1.0), "strength must be"),
        (aw.LinearHead(folds=1), "folds must be"),
    ):
        with pytest.raises(LearnerError, match=said):
            head.fit(X, y)
    with pytest.raises(LearnerError, match="not fitted"):
        aw.LinearHead().predict_proba(X)
    with pytest.raises(LearnerError, match="fitted on 2 features, and X has 3"):
        aw.LinearHead().fit(X, y).predict_proba(np.zeros((1, 3)))
    with pytest.raises(LearnerError, match="number of draws"):
        aw.LinearHead().fit(X, y).sample_proba(X, S=0)
    with pytest.raises(LearnerError, match="sample_weight"):
        aw.LinearHead().fit(X, y, sample_weight=[-1, 1])


def test_repr_shows_what_was_changed() -> None:
    assert repr(aw.LinearHead()) == "LinearHead()"
    assert repr(aw.LinearHead(0.5, seed=3)) == "LinearHead(strength=0.5, seed=3)"


@pytest.mark.slow
def test_number_of_threads_does_not_show() -> None:
    program = (
        "import numpy as np, hashlib, askwise as aw\n"
        "rng = np.random.default_rng(0); X = rng.normal(size=(700, 200))\n"
        "y = (X[:, :5] @ rng.normal(size=(5, 6))).argmax(1)\n"
        "head = aw.LinearHead().fit(X, y)\n"
        "print(hashlib.sha256(head.coef_.tobytes()).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(prints) == 1
