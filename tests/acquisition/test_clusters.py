"""What the clustering strategies share: seeding, Lloyd's steps, linkage, the member nearest a centre."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster.hierarchy import linkage

from askwise.acquisition import clusters
from askwise.acquisition.clusters import (
    assign,
    fit,
    fit_rows,
    host_rows,
    measured,
    most_central,
    moved_given,
    nearest_centre,
    squared_gaps,
    tree,
)


def test_seeds_follow_the_distribution_of_k_means_plus_plus() -> None:
    points, mass = np.array([[0.0], [1.0], [3.0], [3.0]]), np.array([1.0, 2.0, 1.0, 0.5])
    expected = np.zeros((4, 4))
    for first in range(4):
        weights = mass * ((points - points[first]) ** 2)[:, 0]
        expected[first] = mass[first] / mass.sum() * weights / weights.sum()
    rng, draws = np.random.default_rng(0), 20_000
    counts = np.zeros((4, 4))
    for _ in range(draws):
        first, second = clusters._seeds(points, 2, mass, rng)
        counts[first, second] += 1
    possible = expected > 0
    assert counts[~possible].sum() == 0
    assert stats.chisquare(counts[possible], draws * expected[possible]).pvalue > 0.001


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 12))
def test_every_centre_is_the_weighted_mean_of_its_points(seed: int, n: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points, weights = rng.integers(0, 4, size=(n, 2)) + 0.0, rng.random(n) + 0.1
    centres = fit(points, count, rng, weights)
    labels = nearest_centre(points, centres)[0]
    assert len(centres) <= min(count, len(np.unique(points, axis=0)))
    assert set(labels.tolist()) == set(range(len(centres)))
    for cluster, centre in enumerate(centres):
        inside = labels == cluster
        assert np.average(points[inside], axis=0, weights=weights[inside]) == pytest.approx(centre, abs=1e-9)


def test_there_are_as_many_clusters_as_distinct_points() -> None:
    points = np.repeat(np.arange(5.0)[:, None], 7, axis=0)
    assert sorted(fit(points, 20, np.random.default_rng(0))[:, 0]) == [0, 1, 2, 3, 4]


def test_the_seed_alone_decides_also_when_points_are_drawn(monkeypatch) -> None:
    monkeypatch.setattr(clusters, "_TRAINING_ROWS", 100)
    monkeypatch.setattr(clusters, "_SEEDING_ROWS", 30)
    embedding = np.repeat(20 * np.eye(3), 100, axis=0) + np.random.default_rng(0).normal(size=(300, 3))
    rows = measured(embedding, embedding[:2], 3)
    centres = fit_rows(rows, 3, np.random.default_rng(1))
    assert np.array_equal(centres, fit_rows(rows, 3, np.random.default_rng(1)))
    labels = assign(rows, centres)[0].reshape(3, 100)
    assert all(len(set(group.tolist())) == 1 for group in labels)
    assert len(set(labels[:, 0].tolist())) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6])
def test_nearest_centres_at_every_scale(dtype, scale: float) -> None:
    rng = np.random.default_rng(0)
    embedding = ((rng.normal(size=(90, 4)) + 5) * scale).astype(dtype)
    rows = measured(embedding, embedding[:7], 90)
    labels, distances = assign(rows, moved_given(rows))
    double = embedding.astype(np.float64) / scale
    plain = np.sum((double[:, None] - double[None, :7]) ** 2, axis=2)
    assert labels.tolist() == plain.argmin(axis=1).tolist()
    assert distances / (rows.scale * scale) ** 2 == pytest.approx(plain.min(axis=1), rel=1e-6, abs=1e-9)


def test_copies_are_at_distance_zero() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 50)) + 100
    gaps = squared_gaps(np.concatenate([rows, rows]), rows)
    assert np.all(np.diag(gaps[:20]) == 0)
    assert np.all(np.diag(gaps[20:]) == 0)
    assert np.count_nonzero(gaps == 0) == 40


def test_one_position_a_cluster_the_largest_first() -> None:
    labels = np.array([2, 0, 0, 2, 2, 5])
    distances = np.array([1.0, 3.0, 2.0, 1.0 + 1e-12, 4.0, 0.0])
    ranks = np.array([5, 0, 1, 2, 3, 4])
    assert most_central(labels, distances, np.full(6, 1e-9), ranks).tolist() == [3, 2, 5]
    assert most_central(labels, distances, np.zeros(6), ranks).tolist() == [0, 2, 5]


@pytest.mark.parametrize("method", ["average", "ward"])
def test_the_tree_is_that_of_the_points_themselves(method: str) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    assert tree(points, method) == pytest.approx(linkage(points, method))
    assert tree(points[:1], method).shape == (0, 4)


def test_rows_come_to_the_host_in_float64() -> None:
    rows = host_rows(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([2, 0]))
    assert rows.dtype == np.float64
    assert rows.tolist() == [[4, 5], [0, 1]]
