"""QUIRE against the min-max problem solved with the inverse over the whole pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from askwise.acquisition.quire import quire
from askwise.errors import ContractError


def kernel(rows: np.ndarray) -> np.ndarray:
    width = np.mean(np.sum((rows - rows.mean(axis=0)) ** 2, axis=1))
    return np.exp(-np.sum((rows[:, None] - rows) ** 2, axis=2) / width)


def worst_case(X: np.ndarray, L: np.ndarray, y: np.ndarray, s: int, strength: float) -> float:
    """max over y_s of the minimum over the labels of all others, from the inverse over the whole pool."""
    inverse = np.linalg.inv(kernel(np.vstack([L, X])) + strength * np.eye(len(L) + len(X)))
    known = [*range(len(L)), len(L) + s]
    others = [i for i in range(len(L) + len(X)) if i not in known]
    values = []
    for answer in (-1.0, 1.0):
        z = np.append(y, answer)
        right = inverse[np.ix_(others, known)] @ z
        best = -np.linalg.solve(inverse[np.ix_(others, others)], right) if others else np.empty(0)
        whole = np.empty(len(inverse))
        whole[known], whole[others] = z, best
        values.append(float(whole @ inverse @ whole))
    return max(values)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 20),
    m=st.integers(1, 8),
    C=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    strength=st.sampled_from([0.1, 1.0]),
)
def test_the_first_pick_solves_the_min_max_problem(
    n: int, m: int, C: int, seed: int, strength: float
) -> None:
    rng = np.random.default_rng(seed)
    X, L, labels = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), rng.integers(0, C, m)
    values = [
        sum(worst_case(X, L, np.where(labels == c, 1.0, -1.0), s, strength) for c in np.unique(labels))
        for s in range(n)
    ]
    pick = int(quire(1, np.random.default_rng(0), X, L, labels, strength=strength)[0])
    assert values[pick] == pytest.approx(min(values), rel=1e-8)


def test_the_inner_minimum_is_one() -> None:
    rng = np.random.default_rng(0)
    X, L, y = rng.normal(size=(6, 2)), rng.normal(size=(3, 2)), np.array([1.0, -1.0, 1.0])
    inverse = np.linalg.inv(kernel(np.vstack([L, X])) + np.eye(9))
    found = [
        minimize(lambda a, e=e: np.array([*y, e, *a]) @ inverse @ np.array([*y, e, *a]), np.zeros(5)).fun
        for e in (-1.0, 1.0)
    ]
    assert worst_case(X, L, y, 0, 1.0) == pytest.approx(max(found), rel=1e-6)


def test_a_pick_counts_as_answered_with_its_prediction() -> None:
    rng = np.random.default_rng(1)
    X, L, labels = rng.normal(size=(15, 2)), rng.normal(size=(4, 2)), np.array([0, 1, 0, 1])
    rows = np.vstack([L, X])
    K = kernel(rows)
    known, y, expected = [0, 1, 2, 3], list(np.where(labels == 1, 1.0, -1.0)), []
    for _ in range(6):
        values = np.full(15, np.inf)
        inverse = np.linalg.inv(K[np.ix_(known, known)] + np.eye(len(known)))
        for s in set(range(15)) - set(expected):
            row = K[4 + s, known]
            values[s] = (1 + abs(row @ inverse @ np.array(y))) ** 2 / (2 - row @ inverse @ row)
        expected.append(int(values.argmin()))
        y.append(float(K[4 + expected[-1], known] @ inverse @ np.array(y)))
        known.append(4 + expected[-1])
    for scale in (1.0, 1e6, 1e-30):
        picks = quire(6, np.random.default_rng(0), X * scale, L * scale, labels)
        assert picks.tolist() == expected


def test_large_problems_are_sampled_or_refused() -> None:
    X = np.random.default_rng(0).normal(size=(300, 2))
    picks = quire(5, np.random.default_rng(0), X, X[:4], np.array([0, 1, 0, 1]), candidates=20)
    assert len(set(picks.tolist())) == 5
    with pytest.raises(ContractError, match="5,000"):
        quire(1, np.random.default_rng(0), X, np.zeros((5000, 2)), np.zeros(5000, dtype=int))
    for wrong in ({"strength": 0.0}, {"candidates": 0}):
        with pytest.raises(ContractError, match=next(iter(wrong))):
            quire(1, np.random.default_rng(0), X, X[:2], np.array([0, 1]), **wrong)
