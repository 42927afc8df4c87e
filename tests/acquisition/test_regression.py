"""Batches for regression, against their rules applied one pick at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from askwise.acquisition import k_center
from askwise.acquisition.regression import gsx, gsy, predictive_std
from askwise.strategy import Strategy


def farthest(k: int, distances: np.ndarray, nearest: np.ndarray) -> list[int]:
    """Farthest-first on a table of distances."""
    picks: list[int] = []
    for _ in range(k):
        nearest[picks] = -1
        picks.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distances[picks[-1]])
    return picks


def test_the_largest_deviation_is_asked_for() -> None:
    std = np.array([0.1, 3.0, 0.0], np.float32)
    assert np.array_equal(predictive_std(std), std)
    assert isinstance(predictive_std(torch.asarray(std)), torch.Tensor)
    assert Strategy(predictive_std)(1, np.random.default_rng(0), std=std).tolist() == [1]


def test_gsx_is_the_farthest_first_rule() -> None:
    rng = np.random.default_rng(0)
    X, labeled = rng.normal(size=(40, 3)), rng.normal(size=(4, 3))
    distances = np.linalg.norm(X[:, None] - X, axis=2)
    nearest = np.linalg.norm(X[:, None] - labeled, axis=2).min(axis=1)
    picks = gsx(10, np.random.default_rng(0), X, labeled).tolist()
    assert picks == farthest(10, distances, nearest)
    assert picks == k_center(10, np.random.default_rng(0), X, labeled).tolist()


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-30])
@pytest.mark.parametrize("make", [np.asarray, torch.asarray])
def test_gsy_is_the_rule_on_outputs(scale: float, make) -> None:
    rng = np.random.default_rng(0)
    mean, labels = rng.normal(size=40) * scale, rng.normal(size=6) * scale
    distances = np.abs(mean[:, None] - mean)
    expected = farthest(12, distances, np.abs(mean[:, None] - labels).min(axis=1))
    picks = gsy(12, np.random.default_rng(0), make(mean), make(labels))
    assert picks.tolist() == expected


def test_gsy_takes_whole_numbers_as_labels_and_starts_at_the_mean() -> None:
    mean = np.array([0.0, 1.0, 9.0, 4.0])
    assert gsy(2, np.random.default_rng(0), mean, np.array([0, 8])).tolist() == [3, 1]
    assert gsy(1, np.random.default_rng(0), mean, np.empty(0)).tolist() == [3]


def test_the_wall_lets_numbers_through_as_labels() -> None:
    mean = np.array([0.0, 1.5, 9.0, 4.0])
    picks = Strategy(gsy)(1, np.random.default_rng(0), mean=mean, labels=[0.25, 8.75])
    assert picks.tolist() == [3]
