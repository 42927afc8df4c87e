"""The convex problem against scikit-learn's solver, and the coordinates it is solved in."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from askwise.learner.calibration import softmax
from askwise.learner.ridge import INTERCEPT_SHARE, Frame, penalties, solve


def cloud(n: int, d: int, C: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % C
    return rng.normal(size=(C, d))[y] + rng.normal(size=(n, d)), y


@pytest.mark.parametrize(("n", "d"), [(40, 5), (12, 30), (6, 6)])
def test_frame_is_a_rotation_with_one_factor(n: int, d: int) -> None:
    X, _ = cloud(n, d, 3)
    X = 100 * X + 7
    Z = Frame.of(X).apply(X)
    assert np.allclose(Z[:, -1], 1)
    inner = Z[:, :-1]
    assert np.isclose(np.mean(np.sum(inner**2, axis=1)), 1)
    centred = X - X.mean(axis=0)
    gram = centred @ centred.T
    assert np.allclose(inner @ inner.T, gram / np.trace(gram) * n)
    assert np.allclose(inner.T @ inner, np.diag(np.diag(inner.T @ inner)))


@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e6])
def test_frame_does_not_depend_on_the_scale(factor: float) -> None:
    X, _ = cloud(20, 4, 2)
    one, other = Frame.of(X).apply(X), Frame.of(X * factor).apply(X * factor)
    assert np.allclose(np.abs(one), np.abs(other))


def test_frame_of_equal_rows_has_no_axes() -> None:
    X = np.full((5, 3), 2.0)
    assert Frame.of(X).apply(X).tolist() == [[1.0]] * 5


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("C", [2, 5])
def test_optimum_agrees_with_scikit_learn(strength: float, C: int) -> None:
    # scikit-learn leaves intercepts free; a column of sqrt(1 / share) makes its ridge the same as ours.
    X, y = cloud(60, 4, C)
    Z = Frame.of(X).apply(X)
    weight = np.random.default_rng(1).uniform(0.5, 2, size=60)
    W = solve(Z, y, C, strength, weight)
    theirs = np.concatenate([Z[:, :-1], np.full((60, 1), INTERCEPT_SHARE**-0.5)], axis=1)
    # Two classes are one column there: the same model with both columns ours, and half the penalty.
    reference = LogisticRegression(
        C=1 / strength if C > 2 else 2 / strength, fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(theirs, y, sample_weight=weight)
    assert np.allclose(softmax(Z @ W), reference.predict_proba(theirs), atol=1e-4)


def test_gradient_vanishes_and_the_start_does_not_show() -> None:
    X, y = cloud(80, 6, 4)
    Z = Frame.of(X).apply(X)
    weight = np.ones(80)
    W = solve(Z, y, 4, 0.01, weight)
    error = softmax(Z @ W)
    error[np.arange(80), y] -= 1
    gradient = Z.T @ error + penalties(Z.shape[1] - 1, 0.01)[:, None] * W
    assert np.abs(gradient).max() < 1e-5
    elsewhere = solve(Z, y, 4, 0.01, weight, start=np.random.default_rng(0).normal(size=W.shape))
    assert np.allclose(W, elsewhere, atol=1e-4)
