"""Batches over clusters: one candidate from each, quotas, and what happens when clusters are missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from askwise.acquisition import cluster_margin, diverse_mini_batch, diversity, k_means
from askwise.errors import ContractError


def blobs(groups: int, size: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(30 * np.eye(groups), size, axis=0) + rng.normal(size=(groups * size, groups))


def binary(gaps: np.ndarray) -> np.ndarray:
    return np.stack([(1 + gaps) / 2, (1 - gaps) / 2], axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_k_means_picks_the_candidate_nearest_the_mean_of_each_group(dtype) -> None:
    embedding = blobs(5, 40)
    picks = k_means(5, np.random.default_rng(1), embedding.astype(dtype))
    groups = embedding.reshape(5, 40, 5)
    nearest = np.sum((groups - groups.mean(axis=1, keepdims=True)) ** 2, axis=2).argmin(axis=1)
    assert sorted(picks.tolist()) == (nearest + 40 * np.arange(5)).tolist()


def test_k_means_picks_distinct_points_before_copies() -> None:
    embedding = np.repeat(np.random.default_rng(0).normal(size=(6, 3)), 20, axis=0)
    picks = k_means(9, np.random.default_rng(0), embedding)
    assert sorted(picks[:6] // 20) == [0, 1, 2, 3, 4, 5]
    assert len(set(picks.tolist())) == 9


def test_pairs_of_one_cluster_tie_at_random() -> None:
    embedding = np.array([[0.0, 0.1], [1.0, 0.7]])
    assert {int(k_means(1, np.random.default_rng(seed), embedding)[0]) for seed in range(20)} == {0, 1}


def test_diverse_mini_batch_stays_on_the_shortlist_and_spreads_over_it() -> None:
    embedding = blobs(4, 30)
    gaps = np.full(120, 0.9)
    unsure = np.array([0, 1, 2, 30, 31, 32, 60, 61, 62])
    gaps[unsure] = 0.1
    picks = diverse_mini_batch(3, np.random.default_rng(0), binary(gaps), embedding, beta=3)
    assert set(picks.tolist()) <= set(unsure.tolist())
    assert sorted(picks // 30) == [0, 1, 2]


def test_diverse_mini_batch_weighs_by_uncertainty() -> None:
    embedding = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    proba = binary(np.array([0.99, 0.99, 0.99, 0.99, 0.0]))
    assert diverse_mini_batch(1, np.random.default_rng(0), proba, embedding, beta=5).tolist() == [4]
    proba = binary(np.array([0.5, 0.5, 0.5, 0.5, 0.5]))
    assert diverse_mini_batch(1, np.random.default_rng(0), proba, embedding, beta=5).tolist() == [2]


def test_diverse_mini_batch_fills_from_the_shortlist() -> None:
    embedding = np.repeat(np.eye(2), 10, axis=0)
    gaps = np.where(np.arange(20) % 10 < 3, 0.1, 0.9)
    picks = diverse_mini_batch(5, np.random.default_rng(0), binary(gaps), embedding, beta=1.2)
    assert set(picks.tolist()) <= {0, 1, 2, 10, 11, 12}


def plain_cluster_margin(k: int, gaps: np.ndarray, embedding: np.ndarray, beta: int) -> list[int]:
    clusters = fcluster(linkage(embedding, "average"), k, "maxclust")
    groups: dict[int, list[int]] = {}
    for position in np.argsort(gaps)[: beta * k]:
        groups.setdefault(int(clusters[position]), []).append(int(position))
    queues = sorted(groups.values(), key=lambda group: (len(group), gaps[group[0]]))
    picks: list[int] = []
    while len(picks) < k:
        picks += [queue.pop(0) for queue in queues if queue]
    return picks[:k]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 5))
def test_cluster_margin_goes_round_the_clusters(seed: int, k: int, beta: int) -> None:
    rng = np.random.default_rng(seed)
    embedding, gaps = rng.normal(size=(40, 3)), rng.random(40)
    picks = cluster_margin(k, rng, binary(gaps), embedding, beta=beta)
    assert picks.tolist() == plain_cluster_margin(k, gaps, embedding, beta)


def test_cluster_margin_by_distance_and_by_sample(monkeypatch) -> None:
    embedding = blobs(4, 30)
    gaps = np.linspace(0.0, 0.9, 120)
    picks = cluster_margin(4, np.random.default_rng(0), binary(gaps), embedding, beta=30, distance=20.0)
    assert sorted(picks.tolist()) == [0, 30, 60, 90]
    monkeypatch.setattr(diversity, "_LINKED", 50)
    sampled = cluster_margin(4, np.random.default_rng(0), binary(gaps), embedding, beta=30, distance=20.0)
    assert sampled.tolist() == picks.tolist()


def test_settings_that_mean_nothing_are_refused() -> None:
    rng, proba = np.random.default_rng(0), np.full((3, 2), 0.5)
    for pick in (diverse_mini_batch, cluster_margin):
        with pytest.raises(ContractError, match=r"beta is 0\.5"):
            pick(1, rng, proba, np.eye(3), beta=0.5)
    with pytest.raises(ContractError, match="distance is -1"):
        cluster_margin(1, rng, proba, np.eye(3), distance=-1)
