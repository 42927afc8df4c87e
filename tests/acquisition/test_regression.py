"""Batches for regression, against their rules applied one pick at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition import k_center
from askwise.acquisition.determinant import max_det
from askwise.acquisition.regression import gsx, gsy, igs, lcmd, predictive_std
from askwise.errors import ContractError
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


def data(m: int, seed: int = 0, n: int = 40, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


@pytest.mark.parametrize("m", [1, 6])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_igs_is_the_rule_with_the_product_inside_the_minimum(m: int, shift: float) -> None:
    X, labeled = data(m)
    rng = np.random.default_rng(1)
    mean, labels = rng.normal(size=40), rng.normal(size=m)
    known = [(x, y) for x, y in zip(labeled, labels, strict=True)]
    expected: list[int] = []
    for _ in range(12):
        scores = [
            min(np.linalg.norm(x - a) * abs(f - y) for a, y in known) for x, f in zip(X, mean, strict=True)
        ]
        expected.append(int(np.argmax(scores)))
        known.append((X[expected[-1]], mean[expected[-1]]))
    picks = igs(12, np.random.default_rng(0), mean, X + shift, labeled + shift, labels)
    assert picks.tolist() == expected


def test_igs_without_labels_starts_at_the_centre_and_with_one_output_fills_at_random() -> None:
    X = np.array([[0.0], [1.0], [2.1], [9.0]])
    empty = np.empty((0, 1))
    assert igs(1, np.random.default_rng(0), np.arange(4.0), X, empty, empty[:, 0]).tolist() == [2]
    batches = {
        tuple(igs(3, np.random.default_rng(seed), np.ones(4), X, X[:1], np.ones(1)).tolist())
        for seed in range(20)
    }
    assert len(batches) > 5


def naive_lcmd(k: int, X: np.ndarray, labeled: np.ndarray) -> list[int]:
    centres, picks = list(labeled), []
    for _ in range(k):
        if centres:
            squares = np.array([[np.sum((x - c) ** 2) for c in centres] for x in X])
            owner, nearest = squares.argmin(axis=1), squares.min(axis=1)
            weights = [nearest[owner == c].sum() for c in range(len(centres))]
            picks.append(int(np.where(owner == np.argmax(weights), nearest, -1).argmax()))
        else:
            picks.append(int(np.linalg.norm(X, axis=1).argmax()))
        centres.append(X[picks[-1]])
    return picks


@settings(max_examples=40, deadline=None)
@given(m=st.integers(0, 5), seed=st.integers(0, 1000), scale=st.sampled_from([1.0, 1e6, 1e-30]))
def test_lcmd_is_the_rule(m: int, seed: int, scale: float) -> None:
    X, labeled = data(m, seed)
    picks = lcmd(15, np.random.default_rng(0), X * scale, labeled * scale)
    assert picks.tolist() == naive_lcmd(15, X, labeled)


def log_det(rows: np.ndarray, noise: float) -> float:
    return float(np.linalg.slogdet(np.eye(len(rows)) + rows @ rows.T / noise)[1]) / 2


@settings(max_examples=40, deadline=None)
@given(m=st.integers(0, 6), seed=st.integers(0, 1000), noise=st.sampled_from([1e-3, 0.01, 1.0]))
def test_max_det_is_the_greedy_maximum_of_the_determinant(m: int, seed: int, noise: float) -> None:
    X, labeled = data(m, seed, d=4)
    scale = np.sqrt(np.mean(np.sum(np.vstack([X, labeled]) ** 2, axis=1)))
    chosen, expected = list(labeled / scale), []
    for _ in range(10):
        values = [
            log_det(np.array([*chosen, x]), noise) if i not in expected else -1.0
            for i, x in enumerate(X / scale)
        ]
        expected.append(int(np.argmax(values)))
        chosen.append(X[expected[-1]] / scale)
    assert max_det(10, np.random.default_rng(0), X, labeled, noise=noise).tolist() == expected
    assert max_det(10, np.random.default_rng(0), X * 1e6, labeled * 1e6, noise=noise).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), noise=st.floats(1e-3, 10))
def test_the_determinant_is_monotone_and_submodular(seed: int, noise: float) -> None:
    X, _ = data(0, seed, n=12, d=5)
    rng = np.random.default_rng(seed)
    order = rng.permutation(12)
    small, large, extra = order[:3], order[:8], order[8]

    def gain(rows: np.ndarray) -> float:
        return log_det(X[[*rows, extra]], noise) - log_det(X[rows], noise)

    assert gain(small) >= gain(large) - 1e-9
    assert gain(large) >= -1e-9


def test_max_det_refuses_noise_that_is_not_positive() -> None:
    X, labeled = data(2)
    for noise in (0.0, -1.0, float("nan")):
        with pytest.raises(ContractError, match="noise"):
            max_det(1, np.random.default_rng(0), X, labeled, noise=noise)


@pytest.mark.parametrize("pick", [gsx, lcmd, max_det], ids=lambda f: f.__name__)
def test_once_only_copies_are_left_the_rest_is_drawn_at_random(pick) -> None:
    X = np.repeat(data(0, n=4, d=7)[0], 25, axis=0)
    seen = []
    for seed in range(30):
        picks = pick(12, np.random.default_rng(seed), X, X[:1]).tolist()
        assert len(set(picks)) == 12
        assert sorted(p // 25 for p in picks[:3]) == [1, 2, 3]
        seen.append(tuple(sorted(picks)))
    assert len(set(seen)) > 25
