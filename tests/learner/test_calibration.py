"""Temperatures and spreads recover what made the data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from askwise.learner.calibration import (
    HIGHEST,
    LOWEST,
    USUAL_SPREAD,
    log_loss,
    posterior,
    softmax,
    temperature,
)


def drawn(T: float, n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that follow softmax(logits / T)."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, 4))
    proba = softmax(logits / T)
    return logits, (proba.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("T", [0.5, 1.0, 3.0])
def test_temperature_is_found(T: float) -> None:
    assert temperature(*drawn(T)) == pytest.approx(T, rel=0.08)


def test_few_labels_are_doubted() -> None:
    logits, y = drawn(4.0)
    assert temperature(logits[:19], y[:19]) == 1.0
    by_hand = min(
        np.geomspace(LOWEST, HIGHEST, 4000),
        key=lambda T: 25 * log_loss(logits[:25] / T, y[:25], np.ones(25)) + math.log(T) ** 2 / 0.5,
    )
    assert temperature(logits[:25], y[:25]) == pytest.approx(by_hand, rel=1e-2)
    bare = min(
        np.geomspace(LOWEST, HIGHEST, 4000), key=lambda T: log_loss(logits[:25] / T, y[:25], np.ones(25))
    )
    assert abs(math.log(by_hand)) < abs(math.log(bare))


def test_temperature_stays_in_bounds() -> None:
    y = np.zeros(10_000, dtype=np.int64)
    assert temperature(np.tile([3.0, 0.0], (10_000, 1)), y) == pytest.approx(LOWEST, rel=1e-2)
    assert temperature(np.tile([0.0, 900.0], (10_000, 1)), y) == pytest.approx(HIGHEST, rel=1e-2)


def test_weights_count_rows() -> None:
    logits, y = drawn(2.0, n=60)
    twice = np.arange(60).repeat(2)
    assert temperature(logits, y, np.full(60, 2.0)) == pytest.approx(
        temperature(logits[twice], y[twice]), rel=1e-3
    )


def test_spread_is_what_the_noise_bears_out() -> None:
    rng = np.random.default_rng(0)
    truth = 3 * rng.normal(size=(6000, 3))
    y = (softmax(truth).cumsum(axis=1) < rng.random((6000, 1))).sum(axis=1)
    variance = rng.choice([0.0, 8.0], size=6000)
    noisy = truth + np.sqrt(variance)[:, None] * rng.normal(size=truth.shape)
    assert posterior(noisy, variance, y)[1] >= 0.3
    assert posterior(truth, variance, y)[1] <= 0.05
    assert posterior(noisy[:19], variance[:19], y[:19]) == (1.0, USUAL_SPREAD)
