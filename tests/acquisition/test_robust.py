"""Robust k-center against all sets of k, and under limits that allow nothing."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition import k_center, robust_k_center
from askwise.errors import ContractError


def radius(picks, embedding: np.ndarray, labeled: np.ndarray, allowed: int) -> float:
    """The smallest radius that leaves at most `allowed` candidates out."""
    centres = np.concatenate([embedding[list(picks)], labeled])
    nearest = np.sort(np.linalg.norm(embedding[:, None] - centres[None], axis=2).min(axis=1))
    return float(nearest[len(nearest) - 1 - allowed])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(4, 14),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([0, 1, 2]),
)
def test_no_set_of_k_has_a_smaller_radius(seed: int, n: int, k: int, m: int, allowed: int) -> None:
    rng = np.random.default_rng(seed)
    k = min(k, n - 1)
    embedding, labeled = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    picks = robust_k_center(k, rng, embedding, labeled, outliers=allowed / n)
    best = min(radius(chosen, embedding, labeled, allowed) for chosen in combinations(range(n), k))
    assert radius(picks.tolist(), embedding, labeled, allowed) == pytest.approx(best, rel=1e-9)


def test_at_forty_candidates() -> None:
    rng = np.random.default_rng(0)
    embedding = np.concatenate([rng.normal(size=(38, 2)), [[90.0, 0.0], [0.0, -70.0]]])
    picks = robust_k_center(3, rng, embedding, embedding[:0], outliers=0.05)
    best = min(radius(chosen, embedding, embedding[:0], 2) for chosen in combinations(range(40), 3))
    assert radius(picks.tolist(), embedding, embedding[:0], 2) == pytest.approx(best)
    assert not {38, 39} & set(picks.tolist())
    assert {38, 39} <= set(k_center(3, rng, embedding, embedding[:0]).tolist())


def test_out_of_time_the_answer_is_that_of_k_center() -> None:
    embedding = np.random.default_rng(0).normal(size=(150, 5))
    labeled = embedding[:2] + 3
    greedy = k_center(8, np.random.default_rng(1), embedding, labeled)
    picks = robust_k_center(8, np.random.default_rng(1), embedding, labeled, time_limit=0)
    assert picks.tolist() == greedy.tolist()
    better = robust_k_center(8, np.random.default_rng(1), embedding, labeled)
    assert radius(better, embedding, labeled, 0) < radius(greedy, embedding, labeled, 0)


def test_points_stand_for_the_candidates_near_them() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]), 100, axis=0) + 0.1 * rng.normal(
        size=(300, 2)
    )
    embedding = np.concatenate([groups, [[200.0, 0.0], [0.0, -200.0], [-200.0, 0.0]]])
    picks = robust_k_center(3, rng, embedding, embedding[:0], outliers=0.01, points=30)
    assert sorted(picks // 100) == [0, 1, 2]


def test_fewer_points_than_asked_for_are_filled_up() -> None:
    embedding = np.repeat(np.eye(3), 5, axis=0)
    picks = robust_k_center(7, np.random.default_rng(0), embedding, embedding[:1])
    assert len(set(picks.tolist())) == 7
    assert sorted(set(picks[:3] // 5)) == [0, 1, 2] or set(picks[:2] // 5) == {1, 2}


def test_settings_that_mean_nothing_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ContractError, match="outliers is 1"):
        robust_k_center(1, rng, np.eye(3), np.empty((0, 3)), outliers=1)
    for word in ("points", "nodes", "time_limit"):
        with pytest.raises(ContractError, match=f"{word} is -1"):
            robust_k_center(1, rng, np.eye(3), np.empty((0, 3)), **{word: -1})
