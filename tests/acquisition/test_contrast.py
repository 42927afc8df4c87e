"""Contrastive scores, against neighbours found by sorting and divergences written out."""

from __future__ import annotations

import numpy as np
import pytest

from askwise.acquisition.contrast import contrastive
from askwise.errors import ContractError


def naive(proba, embedding, labeled, labeled_proba, neighbors) -> list[float]:
    scores = []
    for p, x in zip(proba, embedding, strict=True):
        near = np.argsort(np.linalg.norm(labeled - x, axis=1))[:neighbors]
        kl = [sum(q * np.log(q / r) for q, r in zip(labeled_proba[i], p, strict=True) if q > 0) for i in near]
        scores.append(float(np.mean(kl)))
    return scores


@pytest.mark.parametrize("neighbors", [1, 3, 10, 50])
@pytest.mark.parametrize("shift", [0.0, 1e5])
def test_scores_equal_the_definition(neighbors: int, shift: float) -> None:
    rng = np.random.default_rng(0)
    proba, labeled_proba = rng.dirichlet(np.ones(4), 40), rng.dirichlet(np.ones(4), 15)
    embedding, labeled = rng.normal(size=(40, 3)) + shift, rng.normal(size=(15, 3)) + shift
    scores = contrastive(proba, embedding, labeled, labeled_proba, neighbors=neighbors)
    np.testing.assert_allclose(scores, naive(proba, embedding, labeled, labeled_proba, neighbors), atol=1e-10)


def test_the_divergence_runs_from_the_labelled_to_the_candidate() -> None:
    one, other = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    place = np.zeros((1, 1))
    assert contrastive(other, place, place, one)[0] == pytest.approx(np.log(2))
    assert contrastive(one, place, place, other)[0] == pytest.approx(-np.log(2) - 0.5 * np.log(1e-12))


def test_nothing_labelled_scores_zero_and_a_bad_option_is_refused() -> None:
    proba, embedding = np.full((5, 2), 0.5), np.zeros((5, 3))
    assert contrastive(proba, embedding, embedding[:0], proba[:0]).tolist() == [0] * 5
    with pytest.raises(ContractError, match="neighbors is 0"):
        contrastive(proba, embedding, embedding, proba, neighbors=0)
