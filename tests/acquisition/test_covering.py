"""MaxHerding and ProbCover against plain searches that hold every distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition import covering, max_herding, prob_cover
from askwise.acquisition.clusters import fit, measured, nearest_centre
from askwise.acquisition.covering import Balls
from askwise.acquisition.distances import EuclideanRows
from askwise.acquisition.facility import FacilityLocation, kernel_width
from askwise.errors import ContractError


def gaps(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sum((x[:, None] - y[None]).astype(np.float64) ** 2, axis=2)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def eager_herding(k, embedding, labeled, width, ranks) -> list[int]:
    similar = np.exp(-gaps(unit(embedding), unit(embedding)) / width)
    covered = np.zeros(len(embedding))
    if len(labeled):
        covered = np.exp(-gaps(unit(labeled), unit(embedding)) / width).max(axis=0)
    picks: list[int] = []
    for _ in range(k):
        gains = np.maximum(similar - covered, 0).sum(axis=1)
        gains[picks] = -1
        tied = np.flatnonzero(gains >= gains.max() * (1 - 1e-10))
        picks.append(int(tied[ranks[tied].argmin()]))
        covered = np.maximum(covered, similar[picks[-1]])
    return picks


def eager_cover(k, embedding, labeled, radius, ranks) -> list[int]:
    """Greedy maximum coverage with every ball in a table; the radius is halved while nothing is uncovered."""
    picks: list[int] = []
    apart = gaps(embedding, embedding)
    while len(picks) < k:
        inside = apart <= radius**2
        known = np.concatenate([gaps(labeled, embedding), apart[picks]])
        covered = (known <= radius**2).any(axis=0)
        if covered.all():
            if known.min(axis=0).max() == 0:
                rest = np.setdiff1d(np.arange(len(embedding)), picks)
                return picks + rest[np.argsort(ranks[rest])][: k - len(picks)].tolist()
            radius /= 2
            continue
        counts = (inside & ~covered).sum(axis=1)
        tied = np.flatnonzero(counts == counts.max())
        picks.append(int(tied[ranks[tied].argmin()]))
    return picks


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [0, 7])
@pytest.mark.parametrize("n", [40, 500])
def test_max_herding_picks_as_the_eager_search(n: int, m: int, dtype) -> None:
    rows = np.random.default_rng(n).normal(size=(n + m, 6))
    embedding, labeled = rows[:n], rows[n:]
    width = kernel_width(embedding, np.random.default_rng(0))
    ranks = np.random.default_rng(5).permutation(n)
    picks = max_herding(20, np.random.default_rng(5), embedding.astype(dtype), labeled.astype(dtype))
    assert picks.tolist() == eager_herding(20, embedding, labeled, width, ranks)


def test_max_herding_in_blocks_picks_as_with_the_kernel_held(monkeypatch) -> None:
    embedding = np.random.default_rng(0).normal(size=(700, 5)).astype(np.float32)
    held = max_herding(30, np.random.default_rng(0), embedding, embedding[:3], targets=None, candidates=None)
    monkeypatch.setattr("askwise.acquisition.facility._HELD_BYTES", 0)
    monkeypatch.setattr("askwise.acquisition.facility._TILE", (64, 100))
    blocks = max_herding(
        30, np.random.default_rng(0), embedding, embedding[:3], targets=None, candidates=None
    )
    assert blocks.tolist() == held.tolist()


def test_max_herding_of_a_sample_covers_nearly_as_much() -> None:
    rng = np.random.default_rng(0)
    embedding = np.repeat(4 * np.eye(8), 200, axis=0) + rng.normal(size=(1600, 8))
    width = kernel_width(embedding, rng)
    similar = np.exp(-gaps(unit(embedding), unit(embedding)) / width)

    def share(**options: int | None) -> float:
        picks = max_herding(
            20, np.random.default_rng(1), embedding, embedding[:0], bandwidth=width, **options
        )
        return float(similar[picks].max(axis=0).mean())

    assert share(targets=800, candidates=600) > 0.98 * share(targets=None, candidates=None)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_coverage_gains_are_never_negative_and_only_shrink(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    embedding = rng.integers(-2, 3, size=(n, 2)).astype(float)
    herding = FacilityLocation(embedding, embedding, np.ones(n), 0.5)
    balls = Balls(EuclideanRows(embedding, embedding[:0]), 1.0, np.empty(0, np.int64))
    for search in (herding, balls):
        before = np.full(n, np.inf)
        for pick in rng.permutation(n)[:6]:
            now = search.evaluate(np.arange(n))
            assert np.all(now >= 0)
            assert np.all(now <= before + 1e-12)
            before = now
            search.accept(int(pick))
            assert search.evaluate(np.array([pick]))[0] == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(0, 5), st.sampled_from([0.5, 1.0, 1.5, 4.0]))
def test_prob_cover_is_greedy_maximum_coverage(seed: int, n: int, m: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    embedding = rng.integers(-3, 4, size=(n, 2)).astype(float)  # copies, and distances that are the radius
    labeled = rng.integers(-3, 4, size=(m, 2)).astype(float)
    k = int(rng.integers(1, n + 1))
    ranks = np.random.default_rng(seed).permutation(n)
    picks = prob_cover(k, np.random.default_rng(seed), embedding, labeled, radius=radius)
    assert picks.tolist() == eager_cover(k, embedding, labeled, radius, ranks)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("n", [499, 500, 1237])
def test_prob_cover_of_pools_that_fill_no_block(n: int, double: bool, monkeypatch) -> None:
    monkeypatch.setattr(covering, "_TILE", (128, 256))
    if not double:
        monkeypatch.setattr("askwise.acquisition.clusters._SMALL", 0)
    rng = np.random.default_rng(n)
    embedding = rng.normal(size=(n, 3)).astype(np.float32) + 3
    embedding[-1] = 400  # only its own ball holds it
    embedding[-2] = 300
    ranks = np.random.default_rng(0).permutation(n)
    for labeled in (embedding[:0], embedding[5:9] + 0.1):
        picks = prob_cover(150, np.random.default_rng(0), embedding, labeled, radius=0.7)
        assert picks.tolist() == eager_cover(150, embedding, labeled, 0.7, ranks)
        assert {n - 1, n - 2} <= set(picks.tolist())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]))
def test_the_radius_is_the_largest_of_the_purity_asked_for(seed: int, purity: float) -> None:
    points = np.random.default_rng(seed).normal(size=(60, 3))
    rows = measured(points, points[:0], 60)
    squared = covering._pure_radius(rows, 4, purity, np.random.default_rng(seed))
    labels = nearest_centre(points, fit(points, 4, np.random.default_rng(seed)))[0]
    apart = gaps(points, points)
    mixed = labels[:, None] != labels

    def pure(limit: float) -> float:
        return float(np.mean(~((apart <= limit) & mixed).any(axis=1)))

    larger = apart[apart > squared].min(initial=np.inf)
    assert pure(squared) >= purity
    assert purity == 0 or pure(larger) < purity


def test_a_sample_is_chosen_from_and_covered() -> None:
    embedding = np.random.default_rng(0).normal(size=(900, 4))
    picks = prob_cover(60, np.random.default_rng(0), embedding, embedding[:0], sample=50)
    assert len(set(picks.tolist())) == 60


def test_settings_that_mean_nothing_are_refused() -> None:
    embedding, rng = np.eye(4), np.random.default_rng(0)
    with pytest.raises(ContractError, match="radius is 0"):
        prob_cover(1, rng, embedding, embedding[:0], radius=0)
    with pytest.raises(ContractError, match="purity is 95"):
        prob_cover(1, rng, embedding, embedding[:0], purity=95)
    with pytest.raises(ContractError, match="bandwidth is -1"):
        max_herding(1, rng, embedding, embedding[:0], bandwidth=-1)
