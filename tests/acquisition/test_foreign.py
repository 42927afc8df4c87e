"""Distances to what is labelled: against plain formulas and scikit-learn, and foreign items kept out of the batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from askwise import select
from askwise.acquisition import foreign
from askwise.acquisition.foreign import ShrunkSpread, familiar_margin, knn_distance, mahalanobis
from askwise.errors import ContractError


def unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(unit(x)[:, None] - unit(y)[None], axis=2)


def pool(n: int, m: int, seed: int = 0, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 15),
    neighbours=st.integers(1, 12),
    seed=st.integers(0, 9999),
    shift=st.sampled_from([0.0, 100.0]),
)
def test_the_distance_to_a_neighbour(n: int, m: int, neighbours: int, seed: int, shift: float) -> None:
    embedding, labeled = (rows + shift for rows in pool(n, m, seed))
    expected = np.sort(distances(embedding, labeled), axis=1)[:, min(neighbours, m) - 1]
    np.testing.assert_allclose(knn_distance(embedding, labeled, neighbours), expected, rtol=1e-7, atol=1e-7)


def test_a_labelled_item_is_at_distance_0_and_a_tight_cluster_keeps_others_far() -> None:
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        labeled = (np.array([1.0, 2.0, 3.0]) + 1e-5 * rng.normal(size=(5, 3))).astype(dtype)
        embedding = np.concatenate([labeled[:1], -labeled[:1]])
        assert knn_distance(embedding, labeled, 1).tolist() == pytest.approx([0.0, 2.0], abs=1e-3)
        assert knn_distance(embedding, labeled, 1)[0] == 0
    assert knn_distance(embedding, labeled[:0]).tolist() == [0.0, 0.0]


@settings(max_examples=40, deadline=None)
@given(m=st.integers(6, 40), d=st.integers(1, 12), seed=st.integers(0, 9999), relative=st.booleans())
def test_the_mahalanobis_distance_with_scikit_learns_shrinkage(
    m: int, d: int, seed: int, relative: bool
) -> None:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) + 0.5 * np.eye(d)
    labels = np.resize(np.arange(3), m)
    labeled = (rng.normal(size=(m, d)) + 3 * rng.normal(size=(3, d))[labels]) @ mixing
    embedding = 4 * rng.normal(size=(20, d)) @ mixing

    def spread(rows: np.ndarray) -> np.ndarray:
        fitted = LedoitWolf(assume_centered=True).fit(rows)
        share = max(fitted.shrinkage_, 1e-3)
        plain = rows.T @ rows / len(rows)
        return (1 - share) * plain + share * np.trace(plain) / d * np.eye(d)

    def nearest(centres: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        gaps = embedding[:, None] - centres[None]
        return np.einsum("nci,ij,ncj->nc", gaps, np.linalg.inv(covariance), gaps).min(axis=1)

    means = np.array([labeled[labels == c].mean(axis=0) for c in range(3)])
    expected = nearest(means, spread(labeled - means[labels]))
    tolerance = 1e-7 * np.abs(expected).max()
    if relative:
        middle = labeled.mean(axis=0)
        expected = expected - nearest(middle[None], spread(labeled - middle))
    found = mahalanobis(embedding, labeled, labels, relative=relative)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=tolerance)


def test_more_dimensions_than_items() -> None:
    rows = np.random.default_rng(0).normal(size=(8, 200))
    spread = ShrunkSpread(rows - rows.mean(axis=0))
    fitted = LedoitWolf(assume_centered=True).fit(rows - rows.mean(axis=0))
    assert spread.shrinkage == pytest.approx(fitted.shrinkage_)
    points = np.random.default_rng(1).normal(size=(5, 200))
    expected = [fitted.mahalanobis(points - centre) for centre in points[:2]]
    np.testing.assert_allclose(
        spread.squared(points, points[:2]), np.transpose(expected), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 0]])
@pytest.mark.parametrize("rows", [np.zeros((3, 2)), np.eye(3)[:, :2], np.full((3, 2), 7.0)])
def test_too_few_items_for_a_spread_are_no_trouble(rows: np.ndarray, labels: list[int]) -> None:
    embedding = np.array([[0.0, 0.0], [50.0, -50.0]])
    scores = mahalanobis(embedding, rows, np.array(labels))
    assert np.all(np.isfinite(scores))
    assert scores[1] > scores[0]
    assert mahalanobis(embedding, rows[:0], np.empty(0, int)).tolist() == [0.0, 0.0]
    if len(set(labels)) == 1:
        assert np.allclose(mahalanobis(embedding, rows, np.array(labels), relative=True), 0)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), m=st.integers(0, 30), neighbours=st.integers(1, 6), seed=st.integers(0, 9999))
def test_familiar_margin_is_the_stated_product(n: int, m: int, neighbours: int, seed: int) -> None:
    embedding, labeled = pool(n, m, seed)
    proba = np.random.default_rng(seed).dirichlet(np.ones(3), n)
    ordered = np.sort(proba, axis=1)
    expected = 1 - (ordered[:, -1] - ordered[:, -2])
    if m >= 2 * neighbours:
        own = np.sort(distances(labeled, labeled), axis=1)[:, neighbours]
        far = np.sort(distances(embedding, labeled), axis=1)[:, neighbours - 1]
        expected = expected * np.minimum(1, np.exp(2 - 2 * far / np.quantile(own, 0.95)))
    found = familiar_margin(proba, embedding, labeled, neighbours)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def messy_pool() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """950 items of two classes and 50 foreign ones, of which the learner is least sure; 40 labelled."""
    rng = np.random.default_rng(0)
    centres = np.array([[4.0, 1, 0, 0], [4.0, -1, 0, 0]])
    classes = rng.integers(0, 2, 950)
    clean = centres[classes] + 0.5 * rng.normal(size=(950, 4))
    dirt = np.array([0.0, 0, 4, 0]) + 0.3 * rng.normal(size=(50, 4))
    embedding = np.concatenate([clean, dirt])
    positive = 1 / (1 + np.exp(-4 * embedding[:, 1]))
    labels = np.resize([0, 1], 40)
    return (
        embedding,
        np.column_stack([positive, 1 - positive]),
        centres[labels] + 0.5 * rng.normal(size=(40, 4)),
        labels,
    )


def test_foreign_items_are_kept_out_of_the_batch() -> None:
    embedding, proba, labeled, _ = messy_pool()
    given = {"embedding": embedding, "proba": proba, "labeled_embedding": labeled}
    usual = select("margin", 40, **given) >= 950
    familiar = select(familiar_margin, 40, **given) >= 950
    assert usual.mean() > 0.2
    assert familiar.mean() <= 0.05


def test_foreign_items_are_found_where_they_are_sought() -> None:
    embedding, _, labeled, labels = messy_pool()
    given = {"embedding": embedding, "labeled_embedding": labeled, "labels": labels}
    for strategy in (knn_distance, mahalanobis):
        assert np.mean(select(strategy, 40, **given) >= 950) > 0.95


def test_labels_that_are_all_copies_leave_only_copies_familiar() -> None:
    labeled = np.tile([[1.0, 2.0]], (6, 1))
    embedding = np.array([[1.0, 2.0], [2.0, 4.0], [2.0, 1.0]])
    scores = familiar_margin(np.full((3, 2), 0.5), embedding, labeled, neighbours=2)
    assert scores.tolist() == [1.0, 1.0, 0.0]


def test_copies_tie_whatever_block_they_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding, labeled = pool(7, 30, d=5)
    embedding, labels = np.tile(embedding, (40, 1)), np.resize([0, 1], 30)
    before = knn_distance(embedding, labeled), mahalanobis(embedding, labeled, labels)
    assert [len(np.unique(scores)) for scores in before] == [7, 7]
    monkeypatch.setattr(foreign, "_BLOCK_BYTES", 3000)
    after = knn_distance(embedding, labeled), mahalanobis(embedding, labeled, labels)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("neighbours", [0, -1, 2.5, True])
def test_neighbours_out_of_range_are_refused(neighbours: object) -> None:
    embedding, labeled = pool(4, 4)
    with pytest.raises(ContractError, match="knn_distance: neighbours is "):
        knn_distance(embedding, labeled, neighbours)
    with pytest.raises(ContractError, match="familiar_margin: neighbours is "):
        familiar_margin(np.full((4, 2), 0.5), embedding, labeled, neighbours)
