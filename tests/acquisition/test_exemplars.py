"""Similarity to exemplars: the measures by enumeration, the greedy search by brute force, and what they are for."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise import select
from askwise.acquisition import exemplars
from askwise.acquisition.exemplars import InformationGains, cover_exemplars, similar_to_exemplars
from askwise.errors import ContractError


def unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def kernel(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-np.sum((unit(x)[:, None] - unit(y)[None]) ** 2, axis=2) / width)


def value(picks: list[int], similar: np.ndarray, known: np.ndarray, relevance: float) -> float:
    """The formula of the documentation; similar is exemplars × candidates, known is exemplars × labelled."""
    if not picks:
        return 0.0
    labelled = known.max(axis=1, initial=0)
    covered = np.maximum(similar[:, picks].max(axis=1) - labelled, 0).sum()
    return float(covered + relevance * similar[:, picks].max(axis=0).sum())


def pool(n: int, t: int, m: int, seed: int, d: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(t, d)), rng.normal(size=(m, d))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40), t=st.integers(1, 6), m=st.integers(0, 5), seed=st.integers(0, 9999),
    relevance=st.sampled_from([0.0, 0.3, 1.0]), strictness=st.sampled_from([0.0, 0.5, 1.0]),
)  # fmt: skip
def test_picks_are_those_of_the_full_greedy_search(
    n: int, t: int, m: int, seed: int, relevance: float, strictness: float
) -> None:
    embedding, targets, labeled = pool(n, t, m, seed)
    similar, known = kernel(targets, embedding, 0.4), strictness * kernel(targets, labeled, 0.4)
    k = min(n, 6)
    ranks = np.random.default_rng(seed).permutation(n)
    options = {"relevance": relevance, "strictness": strictness, "bandwidth": 0.4}
    found = cover_exemplars(k, np.random.default_rng(seed), embedding, targets, labeled, **options).tolist()
    chosen: list[int] = []
    for pick in found:
        now = value(chosen, similar, known, relevance)
        gains = np.array([value([*chosen, i], similar, known, relevance) - now for i in range(n)])
        gains[chosen] = -1
        if gains.max() > 1e-9:
            assert gains[pick] >= gains.max() - 1e-9
        else:  # nothing is left to gain: filled at random
            rest = [i for i in np.argsort(ranks).tolist() if i not in chosen]
            assert found[len(chosen) :] == rest[: k - len(chosen)]
            break
        chosen.append(pick)


@pytest.mark.parametrize("seed", range(5))
def test_the_greedy_value_against_all_batches(seed: int) -> None:
    embedding, targets, labeled = pool(12, 4, 2, seed)
    similar, known = kernel(targets, embedding, 0.4), kernel(targets, labeled, 0.4)
    picks = cover_exemplars(
        3, np.random.default_rng(0), embedding, targets, labeled, strictness=1.0, bandwidth=0.4
    )
    best = max(value(list(batch), similar, known, 1.0) for batch in combinations(range(12), 3))
    assert value(picks.tolist(), similar, known, 1.0) >= (1 - 1 / np.e) * best


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 40), seed=st.integers(0, 9999), values=st.sampled_from([2, 3, 100]),
    relevance=st.sampled_from([0, 1]),
)  # fmt: skip
def test_gains_are_those_of_a_monotone_submodular_function(
    n: int, seed: int, values: int, relevance: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, values, (n, 3)).astype(np.float64)
    targets, labeled = rows[:5], rng.normal(size=(2, 3))
    gains = InformationGains(rows, targets, 0.5, relevance)
    gains.cover(labeled, 0.7)
    similar, known = kernel(targets, rows, 0.5), 0.7 * kernel(targets, labeled, 0.5)
    chosen: list[int] = []
    before = np.full(n, np.inf)
    for pick in rng.permutation(n)[:8].tolist():
        now = gains.evaluate(np.arange(n))
        if len(set(chosen)) == len(chosen):
            base = value(chosen, similar, known, relevance)
            plain = [value([*chosen, i], similar, known, relevance) - base for i in range(n)]
            np.testing.assert_allclose(now, plain, atol=1e-9)
        assert now.min() >= 0
        assert np.all(now <= before + 1e-12)
        before = now
        gains.accept(pick)
        chosen.append(pick)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_the_mean_similarity(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding, targets, _ = pool(200, 5, 0, 0, d=8)
    embedding[3] = 0
    expected = ((1 + unit(embedding) @ unit(targets).T) / 2).mean(axis=1)
    found = similar_to_exemplars(embedding.astype(dtype), targets.astype(dtype))
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype is np.float32 else 1e-11)
    assert found[3] == 0.5
    monkeypatch.setattr(exemplars, "_BLOCK_BYTES", 100)
    np.testing.assert_array_equal(similar_to_exemplars(embedding.astype(dtype), targets.astype(dtype)), found)


def test_the_best_batch_by_scores_is_the_top() -> None:
    """The graph-cut measure is modular: no batch beats the k largest scores."""
    embedding, targets, _ = pool(12, 3, 0, 1)
    scores = similar_to_exemplars(embedding, targets)
    similar = (1 + unit(embedding) @ unit(targets).T) / 2
    best = max(combinations(range(12), 3), key=lambda batch: similar[list(batch)].sum())
    assert set(
        select(similar_to_exemplars, 3, embedding=embedding, target_embedding=targets).tolist()
    ) == set(best)
    assert set(np.argsort(-scores)[:3].tolist()) == set(best)


def test_every_kind_of_exemplar_is_served() -> None:
    rng = np.random.default_rng(0)
    embedding = np.repeat(np.eye(6), 30, axis=0) + 0.1 * rng.normal(size=(180, 6))
    targets = np.eye(6)[[0, 0, 0, 1, 5]]
    none = np.empty((0, 6))
    picks = cover_exemplars(3, rng, embedding, targets, none, bandwidth=0.2)
    assert sorted(picks // 30) == [0, 1, 5]
    later = cover_exemplars(
        2, rng, embedding, targets, np.eye(6)[:1], relevance=0.0, strictness=1.0, bandwidth=0.2
    )
    assert sorted(later // 30) == [1, 5]


def test_a_rare_class_is_found_from_three_exemplars() -> None:
    rng = np.random.default_rng(0)
    centre = np.array([3.0, 0, 0, 0, 0, 0, 0, 0])
    embedding = np.concatenate([rng.normal(size=(980, 8)), centre + 0.4 * rng.normal(size=(20, 8))])
    targets = centre + 0.4 * rng.normal(size=(3, 8))
    none = np.empty((0, 8))
    assert np.mean(cover_exemplars(10, rng, embedding, targets, none) >= 980) >= 0.8
    assert np.mean(np.argsort(-similar_to_exemplars(embedding, targets))[:10] >= 980) >= 0.8


@pytest.mark.parametrize("option", [{"relevance": -1.0}, {"strictness": float("nan")}, {"bandwidth": 0.0}])
def test_options_out_of_range_are_refused(option: dict[str, float]) -> None:
    embedding, targets, labeled = pool(9, 2, 1, 0)
    with pytest.raises(ContractError, match=f"cover_exemplars: {next(iter(option))} is "):
        cover_exemplars(2, np.random.default_rng(0), embedding, targets, labeled, **option)


def test_one_block_or_many(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding, targets, labeled = pool(300, 40, 20, 0)
    expected = cover_exemplars(30, np.random.default_rng(0), embedding, targets, labeled, strictness=0.5)
    monkeypatch.setattr(exemplars, "_TILE", (7, 11))
    found = cover_exemplars(30, np.random.default_rng(0), embedding, targets, labeled, strictness=0.5)
    assert found.tolist() == expected.tolist()
