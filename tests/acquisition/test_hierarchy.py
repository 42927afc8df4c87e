"""Hierarchical sampling: bounds and prunings by enumeration, and where the questions go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from askwise.acquisition import hierarchical, hierarchy
from askwise.acquisition.clusters import tree
from askwise.acquisition.hierarchy import Tree, bounds
from askwise.errors import ContractError


def plain_bounds(counts: np.ndarray, confidence: float) -> tuple[float, float]:
    total = counts.sum()
    if total == 0:
        return 1.0, 0.0
    shares = counts / total
    widths = [1 / total + np.sqrt(p * (1 - p) / total) for p in shares]
    low = [max(p - w, 0) for p, w in zip(shares, widths, strict=True)]
    high = [min(p + w, 1) for p, w in zip(shares, widths, strict=True)]
    errors = [1.0]
    for c, p in enumerate(shares):
        rivals = [1 - h for other, h in enumerate(high) if other != c]
        if 1 - low[c] < confidence * min(rivals):
            errors.append(1 - p)
    return min(errors), max(low)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=5), st.sampled_from([1.0, 2.0, 3.0]))
def test_bounds_are_those_of_the_formula(counts: list[int], confidence: float) -> None:
    row = np.array(counts, float)
    errors, lower = bounds(row[None, :], confidence)
    assert (errors[0], lower[0]) == pytest.approx(plain_bounds(row, confidence))


def prunings(node: int, children: np.ndarray, leaves: int) -> list[list[int]]:
    if node < leaves:
        return [[node]]
    one, other = (prunings(int(child), children, leaves) for child in children[node - leaves])
    return [[node], *([*a, *b] for a in one for b in other)]


def members(node: int, children: np.ndarray, leaves: int) -> list[int]:
    if node < leaves:
        return [node]
    return [leaf for child in children[node - leaves] for leaf in members(int(child), children, leaves)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_no_pruning_has_a_smaller_error(seed: int, leaves: int) -> None:
    rng = np.random.default_rng(seed)
    merges = tree(rng.normal(size=(leaves, 2)), "ward")
    children = merges[:, :2].astype(int)
    counts = np.zeros((leaves, 3))
    counts[:, :2] = rng.integers(0, 12, size=(leaves, 2)) * rng.integers(0, 2, size=(leaves, 2))
    sizes = rng.integers(0, 9, leaves)

    def cost(pruning: list[int]) -> float:
        total = 0.0
        for node in pruning:
            inside = members(node, children, leaves)
            total += plain_bounds(counts[inside].sum(axis=0), 2.0)[0] * sizes[inside].sum()
        return total

    above, chances = Tree(merges, counts, sizes).pruning(2.0)
    found = sorted(set(above.tolist()))
    assert sorted(leaf for node in found for leaf in members(node, children, leaves)) == list(range(leaves))
    assert cost(found) == pytest.approx(min(map(cost, prunings(2 * leaves - 2, children, leaves))))
    for node in found:
        inside = members(node, children, leaves)
        low = plain_bounds(counts[inside].sum(axis=0), 2.0)[1]
        assert chances[node] == pytest.approx(sizes[inside].sum() * (1 - low))


def groups(size: int) -> np.ndarray:
    return np.repeat([[0.0, 0.0], [20.0, 0.0]], size, axis=0) + np.random.default_rng(0).normal(
        size=(2 * size, 2)
    )


@pytest.mark.parametrize("leaves", [2000, 60])
def test_questions_go_where_the_classes_mix(leaves: int) -> None:
    embedding = groups(200)
    known = np.concatenate([np.arange(40), 200 + np.arange(40)])
    labels = np.concatenate([np.zeros(40, int), np.arange(40) % 2])
    rest = np.setdiff1d(np.arange(400), known)
    shares = [
        np.mean(hierarchical(40, np.random.default_rng(seed), embedding[rest], embedding[known], labels,
                             leaves=leaves) >= 160)
        for seed in range(10)
    ]  # fmt: skip
    assert np.mean(shares) > 0.8


def test_without_labels_it_is_random_sampling() -> None:
    embedding = groups(6)
    nothing, none = np.empty((0, 2)), np.empty(0, int)
    picks = [hierarchical(3, np.random.default_rng(s), embedding, nothing, none) for s in range(2000)]
    assert stats.chisquare(np.bincount(np.concatenate(picks), minlength=12)).pvalue > 0.001


def test_candidates_and_labelled_items_share_the_leaves(monkeypatch) -> None:
    embedding = groups(30)
    leaf, known, merges = hierarchy._leaves(embedding[:50], embedding[50:], 20, np.random.default_rng(0))
    assert merges.shape == (19, 4)
    assert set(leaf.tolist()) | set(known.tolist()) == set(range(20))


def test_settings_that_mean_nothing_are_refused() -> None:
    rng, nothing, none = np.random.default_rng(0), np.empty((0, 3)), np.empty(0, int)
    with pytest.raises(ContractError, match=r"confidence is 0\.5"):
        hierarchical(1, rng, np.eye(3), nothing, none, confidence=0.5)
    with pytest.raises(ContractError, match="leaves is 6000"):
        hierarchical(1, rng, np.eye(3), nothing, none, leaves=6000)
