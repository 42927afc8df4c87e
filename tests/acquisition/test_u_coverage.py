"""Weighted facility location: the objective, the lazy search, and the options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition import facility, u_coverage
from askwise.acquisition.facility import FacilityLocation, kernel_width
from askwise.acquisition.greedy import lazy_greedy


def unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def kernel(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    gaps = np.sum((unit(x)[:, None] - unit(y)[None]) ** 2, axis=2)
    return np.exp(-gaps / width)


def plain_width(embedding: np.ndarray) -> float:
    gaps = np.sort(np.sum((unit(embedding)[:, None] - unit(embedding)[None]) ** 2, axis=2), axis=1)
    return float(2 * np.median(gaps[:, min(20, len(gaps) - 1)]))


def weights_of(proba: np.ndarray) -> np.ndarray:
    ordered = np.sort(proba, axis=1)
    return 1 - (ordered[:, -1] - ordered[:, -2])


def eager(k: int, similar: np.ndarray, weights: np.ndarray, covered: np.ndarray, seed: int = 0) -> list[int]:
    """All gains at every pick; similar is candidates × targets. Two points that cover each other alone tie."""
    ranks = np.random.default_rng(seed).permutation(len(similar))
    picks: list[int] = []
    covered = covered.copy()
    for _ in range(k):
        gains = np.maximum(similar - covered, 0) @ weights
        gains[picks] = -1
        tied = np.flatnonzero(gains >= gains.max() * (1 - 1e-10))
        picks.append(int(tied[ranks[tied].argmin()]))
        covered = np.maximum(covered, similar[picks[-1]])
    return picks


def pool(n: int, d: int = 6, C: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(C), n), rng.normal(size=(n, d))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [0, 30])
@pytest.mark.parametrize("n", [40, 600])
def test_picks_are_those_of_the_eager_search(n: int, m: int, dtype) -> None:
    proba, embedding = pool(n + m)
    labeled, embedding, proba = embedding[n:], embedding[:n], proba[:n]
    width = plain_width(embedding)
    weights = weights_of(proba) if m else np.ones(n)
    covered = kernel(labeled, embedding, width).max(axis=0) if m else np.zeros(n)
    expected = eager(25, kernel(embedding, embedding, width), weights, covered)
    picks = u_coverage(25, np.random.default_rng(0), proba, embedding.astype(dtype), labeled.astype(dtype))
    assert picks.tolist() == expected


def test_the_first_picks_are_optimal_by_enumeration() -> None:
    proba, embedding = pool(40)
    width = plain_width(embedding)
    picks = u_coverage(1, np.random.default_rng(0), proba, embedding, embedding[:0], cold_start=0)
    totals = kernel(embedding, embedding, width) @ weights_of(proba)
    assert picks.tolist() == [int(totals.argmax())]


def test_cold_start_ignores_the_learner_and_ends_as_documented() -> None:
    proba, embedding = pool(300, C=3)
    uniform = np.full_like(proba, 1 / 3)

    def picks(p: np.ndarray, m: int, **options) -> list[int]:
        labeled = pool(m, seed=9)[1]
        return u_coverage(10, np.random.default_rng(0), p, embedding, labeled, **options).tolist()

    assert picks(proba, 19) == picks(uniform, 19)
    assert picks(proba, 20) != picks(uniform, 20)
    assert picks(proba, 19, cold_start=19) == picks(proba, 19, cold_start=0)
    assert picks(proba, 40, cold_start=41) == picks(uniform, 40)
    many = np.tile(proba, (1, 8)) / 8  # 24 classes: cold below 48
    assert picks(many, 47) == picks(uniform, 47)


def test_what_is_labelled_is_not_covered_again() -> None:
    rng = np.random.default_rng(0)
    centres = 5 * np.eye(6)
    embedding = np.repeat(centres, 20, axis=0) + 0.1 * rng.normal(size=(120, 6))
    proba = np.full((120, 2), 0.5)
    picks = u_coverage(2, rng, proba, embedding, centres[:4])
    assert sorted(picks // 20) == [4, 5]


def test_uncertain_regions_come_first_once_the_learner_knows_something() -> None:
    rng = np.random.default_rng(0)
    embedding = np.repeat(np.eye(4), 30, axis=0) + 0.05 * rng.normal(size=(120, 4))
    proba = np.where(np.repeat([0, 0, 0, 1], 30)[:, None] == 1, [[0.5, 0.5]], [[0.99, 0.01]])
    labeled = np.tile(-np.eye(4), (10, 1))
    assert u_coverage(1, rng, proba, embedding, labeled)[0] // 30 == 3


def test_a_learner_that_is_sure_of_everything_leaves_a_random_choice() -> None:
    proba = np.tile([1.0, 0.0], (500, 1))
    embedding = pool(500)[1]
    batches = [
        u_coverage(9, np.random.default_rng(seed), proba, embedding, embedding[:0], cold_start=0)
        for seed in range(40)
    ]
    assert all(len(set(batch.tolist())) == 9 for batch in batches)
    assert 200 < np.mean(batches) < 300


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_and_rows_of_zeros(dtype) -> None:
    rows = np.random.default_rng(0).normal(size=(5, 384))
    rows[2] = 0
    embedding = np.repeat(rows, 60, axis=0).astype(dtype)
    proba = np.full((300, 4), 0.25)
    later = []
    for seed in range(20):
        picks = u_coverage(12, np.random.default_rng(seed), proba, embedding, embedding[:0])
        assert len(set(picks.tolist())) == 12
        assert sorted(picks[:5] // 60) == [0, 1, 2, 3, 4]
        later.extend(picks[5:].tolist())
    assert 110 < np.mean(later) < 190  # the rest is random, not 0, 1, 2 …


def test_the_width_of_the_kernel() -> None:
    embedding = pool(300)[1]
    assert kernel_width(embedding, np.random.default_rng(0)) == pytest.approx(plain_width(embedding))
    repeated = np.concatenate([embedding, np.repeat(embedding[:1], 900, axis=0)])
    assert kernel_width(repeated, np.random.default_rng(0)) > 0.1
    assert kernel_width(np.ones((30, 3)), np.random.default_rng(0)) == 1.0
    assert kernel_width(np.zeros((1, 3)), np.random.default_rng(0)) == 1.0
    large = pool(9000, seed=2)[1]
    near = kernel_width(large, np.random.default_rng(0))
    assert near == kernel_width(large, np.random.default_rng(0))
    assert near == pytest.approx(kernel_width(large, np.random.default_rng(1)), rel=0.1)


def test_options_reach_the_search() -> None:
    proba, embedding = pool(900)
    arguments = (proba, embedding, embedding[:25])
    usual = u_coverage(20, np.random.default_rng(0), *arguments).tolist()
    assert usual == u_coverage(20, np.random.default_rng(0), *arguments, targets=900, candidates=900).tolist()
    assert usual != u_coverage(20, np.random.default_rng(0), *arguments, bandwidth=0.01).tolist()
    few = u_coverage(20, np.random.default_rng(0), *arguments, candidates=20).tolist()
    heaviest = set(np.argsort(-weights_of(proba))[:10].tolist())
    assert heaviest <= set(few)  # 20 candidates for 20 picks: half of them the most uncertain
    assert (
        len(set(u_coverage(30, np.random.default_rng(0), *arguments, candidates=5, targets=3).tolist())) == 30
    )


def test_a_sampled_rectangle_covers_nearly_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = pool(4000, d=8)[1]
    proba = np.full((4000, 2), 0.5)
    width = plain_width(embedding[:1500])

    def coverage(**options) -> float:
        picks = u_coverage(
            20, np.random.default_rng(0), proba, embedding, embedding[:0], bandwidth=width, **options
        )
        return float(kernel(embedding[picks], embedding, width).max(axis=0).sum())

    assert coverage(targets=2000, candidates=800) > 0.98 * coverage(candidates=4000)


@pytest.mark.parametrize("held", [0, 1 << 30])
@pytest.mark.parametrize("tile", [(7, 30), (512, 2048)])
def test_picks_do_not_depend_on_blocks_or_a_held_kernel(
    held: int, tile: tuple[int, int], monkeypatch
) -> None:
    proba, embedding = pool(500)
    expected = u_coverage(40, np.random.default_rng(0), proba, embedding, embedding[:30]).tolist()
    monkeypatch.setattr(facility, "_HELD_BYTES", held)
    monkeypatch.setattr(facility, "_TILE", tile)
    monkeypatch.setattr(facility, "_ROWS_BYTES", 5000)
    assert u_coverage(40, np.random.default_rng(0), proba, embedding, embedding[:30]).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 10_000), values=st.sampled_from([2, 3, 100]))
def test_gains_are_those_of_a_monotone_submodular_function(n: int, seed: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, values, (n, 3)).astype(np.float64)
    weights = rng.random(n) + 0.01
    gains = FacilityLocation(rows, rows, weights, bandwidth=0.5)
    similar, covered = kernel(rows, rows, 0.5), np.zeros(n)
    before = np.full(n, np.inf)
    for pick in rng.permutation(n)[:10]:
        now = gains.evaluate(np.arange(n))
        np.testing.assert_allclose(now, np.maximum(similar - covered, 0) @ weights, atol=1e-9)
        assert now.min() >= 0
        assert np.all(now <= before)
        before = now
        gains.accept(int(pick))
        covered = np.maximum(covered, similar[pick])
        assert gains.evaluate(np.array([pick]))[0] == 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    t=st.integers(1, 8),
    block=st.integers(1, 9),
    data=st.data(),
)
def test_lazy_search_equals_eager_search_ties_included(seed: int, n: int, t: int, block: int, data) -> None:
    """Maximum coverage with small whole weights, which is full of ties."""
    rng = np.random.default_rng(seed)
    member = rng.random((n, t)) < 0.4
    weights = rng.integers(1, 3, t)
    ranks = rng.permutation(n)
    k = data.draw(st.integers(1, n))
    covered = np.zeros(t, dtype=bool)
    evaluated = []

    def evaluate(which: np.ndarray) -> np.ndarray:
        evaluated.extend(which.tolist())
        return (member[which] & ~covered) @ weights

    picks = lazy_greedy(
        k, evaluate, lambda pick: np.logical_or(covered, member[pick], out=covered), ranks, block=block
    )
    expected: list[int] = []
    seen = np.zeros(t, dtype=bool)
    while len(expected) < k:
        gains = (member & ~seen) @ weights
        gains[expected] = -1
        if gains.max() <= 0:
            break
        expected.append(int(np.lexsort((ranks, -gains))[0]))
        seen |= member[expected[-1]]
    assert picks.tolist() == expected
    assert len(evaluated) <= n * (k + 1)


def test_lazy_search_evaluates_few() -> None:
    embedding = pool(1500, d=4)[1]
    gains = FacilityLocation(embedding, embedding, np.ones(1500), 0.3)
    count = []

    def evaluate(which: np.ndarray) -> np.ndarray:
        count.append(len(which))
        return gains.evaluate(which)

    lazy_greedy(40, evaluate, gains.accept, np.arange(1500))
    assert sum(count) < 0.25 * 40 * 1500
