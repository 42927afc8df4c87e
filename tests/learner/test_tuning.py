"""The strength: chosen on a schedule, from the rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.learner import tuning
from askwise.learner.tuning import GRID, schedule, stratify, tune


@given(st.integers(0, 10**6))
def test_schedule_is_the_largest_doubling(n: int) -> None:
    m = schedule(n)
    assert m == 0 if n < 20 else m <= n < 2 * m
    assert m == 0 or (m // 20) & (m // 20 - 1) == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(2, 6))
def test_every_training_part_has_every_class(labels: list[int], folds: int) -> None:
    y = np.array(labels)
    fold = stratify(y, folds)
    for label in np.unique(y):
        own = fold[y == label]
        assert (own == -1).all() == (len(own) == 1)
        for number in range(folds):
            assert (own != number).any()
    scored = np.bincount(fold[fold >= 0], minlength=folds)
    assert scored.max() - scored.min() <= 1


def separable(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    y = np.arange(n) % 4
    return 5 * np.eye(4)[y] + rng.normal(size=(n, 4)) * 0.2, y


def test_clean_classes_get_a_weak_ridge_and_noise_a_strong_one() -> None:
    X, y = separable()
    clean = tune(X, y, 4, np.ones(40), GRID, 5)
    noise = tune(np.random.default_rng(0).normal(size=(40, 30)), y, 4, np.ones(40), GRID, 5)
    assert noise.strength >= 1
    assert clean.strength <= 0.1
    assert clean.temperature < 1


def test_equal_losses_go_to_the_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning.calibration, "log_loss", lambda logits, y, weight: 0.5)
    X, y = separable(20)
    assert tuning._search(X, y, 4, np.ones(20), (0.1, 10.0, 1.0), 5).strength == 10.0


def test_memory_saves_time_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = separable()
    tuning._MEMORY.clear()
    first = tune(X, y, 4, np.ones(40), GRID, 5)
    calls: list[int] = []
    search = tuning._search
    monkeypatch.setattr(tuning, "_search", lambda *given: calls.append(1) or search(*given))
    assert tune(X.copy(), y.copy(), 4, np.ones(40), GRID, 5) == first
    assert calls == []
    moved = X.copy()
    moved[7, 2] += 1e-12
    tune(moved, y, 4, np.ones(40), GRID, 5)
    assert calls == [1]
    tuning._MEMORY.clear()
    assert tune(X, y, 4, np.ones(40), GRID, 5) == first


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MEMORY", 2)
    tuning._MEMORY.clear()
    X, y = separable(20)
    for shift in range(4):
        tune(X + shift, y, 4, np.ones(20), (0.1,), 2)
    assert len(tuning._MEMORY) == 2


@pytest.mark.parametrize("labels", [[0] * 19 + [1], list(range(20)), [0] * 20])
def test_too_few_of_a_class_to_validate(labels: list[int]) -> None:
    X = np.random.default_rng(0).normal(size=(20, 3))
    found = tune(X, np.array(labels), max(labels) + 1, np.ones(20), GRID, 5)
    assert found.strength in GRID
    assert np.isfinite([found.temperature, found.draw_temperature, found.spread]).all()
