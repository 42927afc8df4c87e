"""k-means++ on factored gradients: the distances, and the distribution of what is drawn."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from askwise.acquisition import badge
from askwise.acquisition.gradient import GradientRows
from askwise.acquisition.greedy import d2_sampling


def materialised(proba: np.ndarray, embedding: np.ndarray) -> np.ndarray:
    """The gradients themselves, float64."""
    errors = proba.astype(np.float64) - np.eye(proba.shape[1])[proba.argmax(axis=1)]
    features = np.concatenate([embedding.astype(np.float64), np.ones((len(embedding), 1))], axis=1)
    return np.einsum("nc,nd->ncd", errors, features).reshape(len(proba), -1)


def squared(g: np.ndarray) -> np.ndarray:
    return np.sum((g[:, None] - g[None]) ** 2, axis=2)


def pool(n: int, C: int, d: int, seed: int = 0, dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(C, 0.3), n).astype(dtype), rng.normal(size=(n, d)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 30.0, 1e6])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6])
def test_factored_distances_equal_materialised_ones(dtype, offset: float, scale: float) -> None:
    proba, embedding = pool(60, 4, 7, dtype=dtype)
    embedding = ((embedding + offset) * scale).astype(dtype)
    points = GradientRows(proba, embedding)
    exact = squared(materialised(proba, embedding))
    unit = points._rows.scale**2
    for found in (points.between(np.arange(60)), _columns(points, 60)):
        np.testing.assert_allclose(found / unit, exact, rtol=1e-5, atol=1e-9 * exact.max())
    lengths = np.sum(materialised(proba, embedding) ** 2, axis=1)
    np.testing.assert_allclose(points.weights / unit, lengths, rtol=1e-5)


def _columns(points: GradientRows, n: int) -> np.ndarray:
    columns = np.full((n, n), np.inf)
    for pick in range(n):
        points.shrink_to(columns[pick], np.array([pick]))
    return columns


def test_several_centres_at_once_give_the_nearest() -> None:
    proba, embedding = pool(500, 3, 5)
    nearest = np.full(500, np.inf)
    GradientRows(proba, embedding).shrink_to(nearest, np.array([3, 77, 401]))
    expected = squared(materialised(proba, embedding))[[3, 77, 401]].min(axis=0)
    np.testing.assert_allclose(nearest, expected, atol=1e-9)


def test_batches_follow_the_sequential_distribution_exactly() -> None:
    proba, embedding = pool(6, 3, 2, seed=3)
    points = GradientRows(proba, embedding)
    distances = squared(materialised(proba, embedding))
    first = int(np.sum(materialised(proba, embedding) ** 2, axis=1).argmax())
    expected = {}
    for rest in permutations([i for i in range(6) if i != first], 3):
        chance, picked = 1.0, [first]
        for pick in rest:
            nearest = distances[picked].min(axis=0)
            chance *= nearest[pick] / nearest.sum()
            picked.append(pick)
        expected[rest] = chance
    assert sum(expected.values()) == pytest.approx(1)
    draws = 12_000
    rng = np.random.default_rng(0)
    counts = dict.fromkeys(expected, 0)
    for _ in range(draws):
        picks = d2_sampling(points, 4, rng, np.arange(6)).tolist()
        assert picks[0] == first
        counts[tuple(picks[1:])] += 1
    chances = np.array(list(expected.values()))
    common = chances * draws >= 5  # the rare ones are counted together
    observed = np.array(list(counts.values()))
    observed = np.append(observed[common], observed[~common].sum() + 1e-9)
    hoped = np.append(chances[common], chances[~common].sum()) * draws + 1e-9
    assert len(hoped) > 20
    assert stats.chisquare(observed, hoped * observed.sum() / hoped.sum()).pvalue > 0.001


def test_a_batch_longer_than_one_run_of_proposals_follows_the_distribution() -> None:
    """The mean over draws of the last distances equals that of drawing one by one."""
    proba, embedding = pool(300, 3, 3, seed=1)
    points = GradientRows(proba, embedding)
    distances = squared(materialised(proba, embedding))
    weights = np.sum(materialised(proba, embedding) ** 2, axis=1)
    rng = np.random.default_rng(0)

    def one_by_one() -> list[int]:
        picks = [int(weights.argmax())]
        while len(picks) < 60:
            nearest = distances[picks].min(axis=0)
            picks.append(int(rng.choice(300, p=nearest / nearest.sum())))
        return picks

    def radius(picks) -> float:
        return float(distances[picks].min(axis=0).sum())

    ours = [radius(d2_sampling(points, 60, rng, np.arange(300))) for _ in range(150)]
    plain = [radius(one_by_one()) for _ in range(150)]
    assert stats.ks_2samp(ours, plain).pvalue > 0.001


def test_vanished_gradients_leave_a_random_choice() -> None:
    embedding = np.random.default_rng(0).normal(size=(400, 3))
    sure = np.tile([1.0, 0.0], (400, 1))
    picks = [badge(10, np.random.default_rng(seed), sure, embedding) for seed in range(40)]
    assert all(len(set(batch.tolist())) == 10 for batch in picks)
    assert 160 < np.mean(picks) < 240
    sure[[7, 300]] = 0.5  # two that are not sure, and one point in the origin of all gradients
    for seed in range(10):
        batch = badge(5, np.random.default_rng(seed), sure, embedding).tolist()
        assert len(set(batch)) == 5
        assert batch[0] in (7, 300)
        assert {7, 300} <= set(batch[:3])


def test_copies_are_not_drawn_while_others_are_left() -> None:
    for dtype in (np.float32, np.float64):
        proba, embedding = pool(20, 4, 50, dtype=dtype)
        proba, embedding = np.repeat(proba, 40, axis=0), np.repeat(embedding, 40, axis=0) + 5
        picks = badge(30, np.random.default_rng(0), proba, embedding)
        assert len(set((picks[:20] // 40).tolist())) == 20
        assert len(set(picks.tolist())) == 30


def test_memory_stays_far_below_the_gradients() -> None:
    import tracemalloc

    proba, embedding = pool(4000, 60, 120, dtype=np.float32)
    gradients = 4000 * 60 * 121 * 4
    badge(5, np.random.default_rng(0), proba, embedding)
    tracemalloc.start()
    badge(100, np.random.default_rng(0), proba, embedding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < gradients / 4
    assert peak < 24 << 20
