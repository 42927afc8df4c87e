"""Farthest-first picks, against the rule applied one pick at a time in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition import distances, greedy, k_center


def naive(k: int, embedding: np.ndarray, labeled: np.ndarray, ranks: np.ndarray) -> list[int]:
    """The rule itself, on differences."""
    embedding, labeled = embedding.astype(np.float64), labeled.astype(np.float64)
    picks: list[int] = []
    if len(labeled):
        nearest = np.min([np.sum((embedding - row) ** 2, axis=1) for row in labeled], axis=0)
    else:
        central = np.sum((embedding - embedding.mean(axis=0)) ** 2, axis=1)
        picks = [int(np.lexsort((ranks, central))[0])]
        nearest = np.sum((embedding - embedding[picks[0]]) ** 2, axis=1)
    while len(picks) < k:
        nearest[picks] = -1
        picks.append(int(np.lexsort((ranks, -nearest))[0]))
        nearest = np.minimum(nearest, np.sum((embedding - embedding[picks[-1]]) ** 2, axis=1))
    return picks


def pools() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(1500, 12))
    clusters = 0.01 * normal + rng.normal(size=(20, 12))[rng.integers(0, 20, 1500)]
    return {
        "normal": normal,
        "clusters": clusters,
        "far_clusters": 1e-3 * normal + 1e3 * rng.normal(size=(2, 12))[rng.integers(0, 2, 1500)],
        "far_from_zero": np.round(100 * normal) + 1e6,
        "large": normal * 1e6,
        "tiny": normal * 1e-30,
        "line": rng.permutation(1500)[:, None] ** 1.5,
        "outlier": np.vstack([normal, np.full(12, 1e5)]),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [0, 1, 60])
@pytest.mark.parametrize("name", pools())
def test_picks_are_those_of_the_naive_rule(name: str, m: int, dtype) -> None:
    embedding = pools()[name].astype(dtype)
    labeled, embedding = embedding[:m], embedding[m:]
    ranks = np.random.default_rng(5).permutation(len(embedding))
    picks = k_center(120, np.random.default_rng(5), embedding, labeled)
    assert picks.tolist() == naive(120, embedding, labeled, ranks)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    d=st.integers(1, 4),
    m=st.integers(0, 3),
    seed=st.integers(0, 10_000),
    values=st.sampled_from([1, 2, 5]),
    data=st.data(),
)
def test_ties_and_copies_on_small_grids(n: int, d: int, m: int, seed: int, values: int, data) -> None:
    rng = np.random.default_rng(seed)
    embedding = rng.integers(0, values, (n, d)).astype(np.float32)
    labeled = rng.integers(0, values, (m, d)).astype(np.float32)
    k = data.draw(st.integers(1, n))
    picks = k_center(k, np.random.default_rng(seed), embedding, labeled)
    assert sorted(set(picks.tolist())) == sorted(picks.tolist())
    ranks = np.random.default_rng(seed).permutation(n)
    expected = naive(k, embedding, labeled, ranks)
    if m:
        assert picks.tolist() == expected
    else:  # equally central points may differ by the rounding of the mean
        central = np.sum((embedding - embedding.mean(axis=0, dtype=np.float64)) ** 2, axis=1)
        assert central[picks[0]] <= central.min() + 1e-9


def test_without_labels_the_first_pick_is_the_most_central() -> None:
    embedding = np.array([[0.0, 0.0], [10.0, 0.0], [4.0, 1.0], [0.0, 10.0], [900.0, 900.0], [200.0, 190.0]])
    assert k_center(1, np.random.default_rng(0), embedding, np.empty((0, 2))).tolist() == [5]


def test_only_copies_left_are_filled_at_random_and_not_from_the_start() -> None:
    embedding = np.repeat(np.random.default_rng(0).normal(size=(4, 300)), 250, axis=0).astype(np.float32) + 7
    seen = []
    for seed in range(30):
        picks = k_center(12, np.random.default_rng(seed), embedding, embedding[:1])
        assert len(set(picks.tolist())) == 12
        assert sorted(picks[:3] // 250) == [1, 2, 3]
        seen.extend(picks[3:].tolist())
    assert 350 < np.mean(seen) < 650


def test_the_picks_do_not_depend_on_blocks_shortlists_or_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
    labeled, embedding = embedding[:300], embedding[300:]
    usual = k_center(150, np.random.default_rng(1), embedding, labeled).tolist()
    assert k_center(150, np.random.default_rng(1), embedding.astype(np.float64), labeled).tolist() == usual
    monkeypatch.setattr(distances, "_BLOCK_BYTES", 7000)
    monkeypatch.setattr(distances, "_CENTRES", 7)
    monkeypatch.setattr(greedy, "_SHORTLIST", 20)
    assert k_center(150, np.random.default_rng(1), embedding, labeled).tolist() == usual


def test_a_search_needs_few_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
    passes = []
    shrink = distances.EuclideanRows.shrink
    monkeypatch.setattr(
        distances.EuclideanRows, "shrink", lambda self, *rest: (passes.append(1), shrink(self, *rest))[1]
    )
    k_center(200, np.random.default_rng(0), embedding, embedding[:50])
    assert len(passes) <= 12


def test_a_memory_map_is_read_in_blocks_and_a_strided_view_works(tmp_path: Path) -> None:
    embedding = np.random.default_rng(0).normal(size=(2000, 20)).astype(np.float32)
    np.save(tmp_path / "e.npy", embedding)
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    picks = k_center(30, np.random.default_rng(0), mapped, mapped[:5])
    assert type(picks) is np.ndarray
    assert picks.tolist() == k_center(30, np.random.default_rng(0), embedding, embedding[:5]).tolist()
    wide = np.repeat(embedding, 2, axis=1)[:, ::2]
    assert picks.tolist() == k_center(30, np.random.default_rng(0), wide, embedding[:5]).tolist()
