"""Error regions: the kernel rate by a plain loop, its width, and where it leads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise import select
from askwise.acquisition import errors_region
from askwise.acquisition.errors_region import LabeledRows, error_region, errors
from askwise.errors import ContractError


def plain(
    embedding: np.ndarray, labeled: np.ndarray, labels: np.ndarray, proba: np.ndarray, width: float
) -> np.ndarray:
    wrong = [float(row[y] < max(row)) for row, y in zip(proba, labels, strict=True)]
    rate = (sum(wrong) + 1) / (len(labels) + 2)
    scores = []
    for x in embedding:
        similar = [np.exp(-np.sum((x - v) ** 2) / width) for v in labeled]
        near = sum(e * s for e, s in zip(wrong, similar, strict=True))
        scores.append((near + 2 * rate) / (sum(similar) + 2))
    return np.array(scores)


def pool(n: int, m: int, seed: int = 0, d: int = 3, C: int = 3) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(n, d)),
        rng.normal(size=(m, d)),
        rng.integers(0, C, m),
        rng.dirichlet(np.ones(C), m),
    )


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(0, 12),
    seed=st.integers(0, 9999),
    shift=st.sampled_from([0.0, 1.0, 1e4]),
    single=st.booleans(),
)
def test_scores_are_the_stated_rate(n: int, m: int, seed: int, shift: float, single: bool) -> None:
    embedding, labeled, labels, proba = pool(n, m, seed)
    dtype = np.float32 if single else np.float64
    embedding, labeled = (embedding + shift).astype(dtype), (labeled + shift).astype(dtype)
    found = error_region(embedding, labeled, labels, proba, bandwidth=0.7)
    wide = embedding.astype(np.float64), labeled.astype(np.float64)
    np.testing.assert_allclose(found, plain(*wide, labels, proba, 0.7), rtol=2e-5 if single else 1e-10)
    assert found.min() > 0
    assert found.max() < 1


def test_the_default_width_is_the_stated_one() -> None:
    embedding, labeled, labels, proba = pool(30, 25)
    gaps = np.sort(np.sum((labeled[:, None] - labeled[None]) ** 2, axis=2), axis=1)[:, 5]
    expected = error_region(embedding, labeled, labels, proba, bandwidth=2 * float(np.median(gaps)))
    np.testing.assert_allclose(error_region(embedding, labeled, labels, proba), expected, rtol=1e-9)
    repeated = np.concatenate([labeled, np.repeat(labeled[:1], 90, axis=0)])
    assert LabeledRows(repeated).width() > 0.01
    assert LabeledRows(np.ones((4, 3))).width() == 1.0


@pytest.mark.parametrize("scale", [1e-30, 1e6, 1e25])
def test_the_unit_of_the_embedding_does_not_matter(scale: float) -> None:
    embedding, labeled, labels, proba = pool(30, 20)
    expected = error_region(embedding, labeled, labels, proba)
    np.testing.assert_allclose(
        error_region(embedding * scale, labeled * scale, labels, proba), expected, rtol=1e-9
    )


def test_it_leads_to_the_errors() -> None:
    rng = np.random.default_rng(0)
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    embedding = np.repeat(corners, 40, axis=0) + rng.normal(size=(120, 2))
    labeled = np.repeat(corners, 10, axis=0) + rng.normal(size=(30, 2))
    labels = np.repeat([0, 1, 1], 10)
    proba = np.tile([0.2, 0.8], (30, 1))
    picks = select(
        error_region, 20, embedding=embedding, labeled_embedding=labeled, labels=labels, labeled_proba=proba
    )
    assert np.all(picks < 40)


def test_without_an_error_what_is_far_comes_first() -> None:
    labeled, labels, proba = np.zeros((5, 1)), np.zeros(5, dtype=int), np.tile([0.9, 0.1], (5, 1))
    labeled[:, 0] = np.arange(5)
    scores = error_region(np.array([[2.0], [6.0], [50.0]]), labeled, labels, proba)
    assert scores[0] < scores[1] < scores[2] == pytest.approx(1 / 7)


def test_far_candidates_and_labels_in_one_place_are_no_trouble() -> None:
    labeled = np.full((6, 2), 3.0, np.float32)
    embedding = np.array([[3, 3], [3e30, -3e30], [0, 0]], np.float32)
    proba = np.tile([0.9, 0.1], (6, 1)).astype(np.float32)
    scores = error_region(embedding, labeled, np.ones(6, dtype=int), proba)
    assert np.all(np.isfinite(scores))
    assert scores.argmax() == 0
    assert np.all(error_region(embedding, labeled[:0], np.empty(0, int), proba[:0]) == 0.5)


def test_a_tie_is_no_error() -> None:
    assert errors(np.array([1]), np.array([[0.5, 0.5]])).tolist() == [False]


def test_copies_tie_whatever_block_they_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding, labeled, labels, proba = pool(7, 30)
    embedding = np.tile(embedding, (50, 1))
    expected = error_region(embedding, labeled, labels, proba)
    assert len(np.unique(expected)) == 7
    monkeypatch.setattr(errors_region, "_BLOCK_BYTES", 3000)
    np.testing.assert_array_equal(error_region(embedding, labeled, labels, proba), expected)


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ContractError, match="error_region: bandwidth is 0"):
        error_region(*pool(3, 3), bandwidth=0)
