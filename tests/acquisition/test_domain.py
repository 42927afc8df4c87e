"""Picks of the discriminative strategy, and its classifier against another solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from askwise.acquisition.domain import discriminative, fit_logistic
from askwise.errors import ContractError


@settings(max_examples=25, deadline=None)
@given(
    a=st.integers(1, 30),
    b=st.integers(1, 30),
    d=st.integers(1, 5),
    seed=st.integers(0, 1000),
    strength=st.sampled_from([1e-4, 1e-2, 1.0]),
    gap=st.sampled_from([0.0, 1.0, 30.0]),
)
def test_the_classifier_is_the_optimum(
    a: int, b: int, d: int, seed: int, strength: float, gap: float
) -> None:
    rng = np.random.default_rng(seed)
    ones, zeros = rng.normal(size=(a, d)) + gap, rng.normal(size=(b, d))

    def objective(w: np.ndarray) -> float:
        loss = (
            np.logaddexp(0, -(ones @ w[:-1] + w[-1])).mean() + np.logaddexp(0, zeros @ w[:-1] + w[-1]).mean()
        )
        return float(loss / 2 + strength / 2 * (w @ w))

    found = fit_logistic(ones, zeros, strength, np.zeros(d + 1))
    other = minimize(objective, np.zeros(d + 1), method="BFGS", options={"gtol": 1e-9})
    assert objective(found) <= other.fun + 1e-10
    np.testing.assert_allclose(found, fit_logistic(ones, zeros, strength, rng.normal(size=d + 1)), atol=1e-6)


def test_one_part_picks_what_the_classifier_is_surest_of() -> None:
    rng = np.random.default_rng(0)
    X, labeled = rng.normal(size=(40, 3)), rng.normal(size=(9, 3)) + np.eye(3)[0]
    both = np.vstack([X, labeled])
    origin = both.mean(axis=0)
    scale = np.sqrt(np.mean(np.sum((both - origin) ** 2, axis=1)))
    w = fit_logistic((X - origin) / scale, (labeled - origin) / scale, 0.01, np.zeros(4))
    expected = np.argsort(-(X - origin) @ w[:-1])[:7]
    for factor in (1.0, 1e6, 1e-30):
        picks = discriminative(7, np.random.default_rng(0), X * factor, labeled * factor, batches=1)
        assert picks.tolist() == expected.tolist()


def test_parts_go_to_several_places() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate(
        [rng.normal(size=(20, 2)) * 0.1 + centre for centre in ([0, 0], [9, 0], [0, 8], [-8, 0])]
    )
    picks = discriminative(8, np.random.default_rng(0), X, X[:5], batches=8)
    assert set(picks // 20) >= {1, 2, 3}
    together = discriminative(8, np.random.default_rng(0), X, X[:5], batches=1)
    assert len(set(together // 20)) < len(set(picks // 20))


def test_a_sample_of_the_candidates_is_enough_to_learn_from() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) + 6])
    picks = discriminative(20, np.random.default_rng(0), X, rng.normal(size=(30, 2)), sample=100)
    assert picks.min() >= 500


def test_without_labels_it_starts_at_random_and_settings_are_checked() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    first = {int(discriminative(1, np.random.default_rng(s), X, X[:0])[0]) for s in range(40)}
    assert len(first) > 15
    for wrong in ({"batches": 0}, {"sample": 0}, {"strength": 0.0}):
        with pytest.raises(ContractError, match=next(iter(wrong))):
            discriminative(1, np.random.default_rng(0), X, X, **wrong)
