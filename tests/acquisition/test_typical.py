"""TypiClust and information density: plain formulas, and pools on which the former is known to fail elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from askwise.acquisition import information_density, typiclust
from askwise.acquisition.clusters import measured
from askwise.acquisition.typical import _by_typicality
from askwise.errors import ContractError


def blobs(sizes: list[int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = 50 * np.eye(len(sizes))
    return np.concatenate([c + rng.normal(size=(s, len(sizes))) for c, s in zip(centres, sizes, strict=True)])


def typicality(rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Among distinct rows."""
    distances = np.sort(np.linalg.norm(rows[:, None] - rows[None], axis=2), axis=1)
    near = min(neighbours, len(rows) // 2)
    return 1 / (distances[:, 1 : near + 1].mean(axis=1) + 1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_pick_is_the_most_typical_of_the_largest_free_cluster(dtype) -> None:
    sizes = [30, 60, 45]
    embedding = blobs(sizes)
    starts = np.cumsum([0, *sizes])
    expected = [start + typicality(embedding[start : start + size], 20).argmax()
                for start, size in zip(starts[:-1], sizes, strict=True)]  # fmt: skip
    nothing = np.empty((0, 3), dtype)
    picks = typiclust(3, np.random.default_rng(0), embedding.astype(dtype), nothing)
    assert picks.tolist() == [expected[1], expected[2], expected[0]]
    labeled = embedding[starts[1] : starts[1] + 1] + 0.1  # the largest cluster has a label
    picks = typiclust(2, np.random.default_rng(0), embedding.astype(dtype), labeled.astype(dtype), clusters=3)
    assert picks.tolist() == [expected[2], expected[0]]


def test_the_whole_order_within_a_cluster() -> None:
    rows = np.random.default_rng(1).normal(size=(35, 4))
    order = _by_typicality(measured(rows, None, 1), np.arange(35), 20)
    assert order.tolist() == np.argsort(-typicality(rows, 20)).tolist()


def test_copies_count_once_and_come_last() -> None:
    rows = np.random.default_rng(1).normal(size=(20, 4))
    copied = np.concatenate([rows, np.repeat(rows[[3, 7]], 15, axis=0)])
    order = _by_typicality(measured(copied, None, 1), np.arange(50), 20)
    assert order[:20].tolist() == np.argsort(-typicality(rows, 20)).tolist()


def test_small_clusters_are_left_out_unless_all_are_small() -> None:
    embedding = blobs([40, 1, 5, 6])
    picks = typiclust(4, np.random.default_rng(0), embedding, np.empty((0, 4)))
    assert set(picks[:2].tolist()) <= set(range(40)) | set(range(46, 52))
    assert not set(picks.tolist()) & set(range(40, 46))
    few = blobs([2, 1, 3])
    assert sorted(typiclust(3, np.random.default_rng(0), few, np.empty((0, 3)))) == pytest.approx(
        [0, 2, 4], abs=1
    )
    assert len(set(typiclust(6, np.random.default_rng(0), few, np.empty((0, 3))).tolist())) == 6


def test_a_cluster_of_labelled_items_alone_has_nothing_to_pick() -> None:
    embedding = blobs([20, 20, 8])
    picks = typiclust(2, np.random.default_rng(0), embedding[:40], embedding[40:], clusters=3)
    assert sorted(picks // 20) == [0, 1]


def test_large_clusters_are_looked_at_in_part(monkeypatch) -> None:
    monkeypatch.setattr("askwise.acquisition.typical._MEMBERS", 10)
    embedding = blobs([60, 60])
    picks = typiclust(120, np.random.default_rng(0), embedding, np.empty((0, 2)))
    assert sorted(picks.tolist()) == list(range(120))
    assert sorted(picks[:2] // 60) == [0, 1]


@pytest.mark.parametrize("word", ["clusters", "neighbours", "smallest"])
def test_options_below_one_are_refused(word: str) -> None:
    with pytest.raises(ContractError, match=f"{word} is 0"):
        typiclust(1, np.random.default_rng(0), np.eye(3), np.empty((0, 3)), **{word: 0})


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("n", [1, 7, 40])
def test_information_density_is_the_plain_double_sum(n: int, beta: float, monkeypatch) -> None:
    monkeypatch.setattr("askwise.acquisition.typical._BLOCK_BYTES", 500)
    rng = np.random.default_rng(n)
    proba, embedding = rng.dirichlet(np.ones(3), n), rng.normal(size=(n, 5))
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    density = ((1 + unit @ unit.T) / 2).mean(axis=1)
    scores = -(proba * np.log(proba)).sum(axis=1) * density**beta
    picks = information_density(n, rng, proba, embedding, beta=beta)
    assert picks.tolist() == np.argsort(-scores).tolist()


def test_information_density_refuses_a_negative_weight() -> None:
    with pytest.raises(ContractError, match="beta is -1"):
        information_density(1, np.random.default_rng(0), np.ones((2, 1)), np.eye(2), beta=-1)
