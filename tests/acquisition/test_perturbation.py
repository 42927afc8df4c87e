"""Perturbed predictions, against heads that are known and mixtures that are made."""

from __future__ import annotations

import numpy as np
import pytest

from askwise.acquisition import perturbation
from askwise.acquisition.perturbation import _caps, alfa_mix, drop_query, linear_head
from askwise.errors import ContractError


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def linear(n: int, d: int, C: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, W = rng.normal(size=(n, d)), rng.normal(size=(d + 1, C))
    return X, W, softmax(X @ W[:-1] + W[-1])


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-30])
def test_the_head_of_a_linear_learner_is_found(scale: float) -> None:
    X, W, proba = linear(60, 4, 3)
    head = linear_head(proba, X * scale)
    logits = (X * scale) @ head[:-1] + head[-1]
    np.testing.assert_allclose(softmax(logits), proba, atol=1e-9)
    head[:-1] *= scale
    np.testing.assert_allclose(head, W - W.mean(axis=1, keepdims=True), atol=1e-7)


@pytest.mark.parametrize("C", [2, 4])
def test_caps_are_those_of_mixtures_that_are_made(C: int) -> None:
    X, W, proba = linear(40, 5, C)
    means = np.random.default_rng(1).normal(size=(C, 5)) * 2
    caps = _caps(X, means, W)
    for h, p, cap in zip(X, proba, caps, strict=True):
        gradient = W[:-1] @ (p - np.eye(C)[p.argmax()])
        gradient /= np.linalg.norm(gradient)
        for grid in np.linspace(0.02, 8, 60):
            flips = False
            for mean in means:
                alpha = grid / np.sqrt(5) * np.linalg.norm(mean - h) * gradient / (mean - h)
                mixed = alpha * mean + (1 - alpha) * h
                flips |= (mixed @ W[:-1] + W[-1]).argmax() != p.argmax()
            if abs(grid - cap) > 1e-6:
                assert flips == (grid > cap)


def test_alfa_mix_picks_among_the_candidates_that_change_first() -> None:
    X, W, proba = linear(300, 5, 3)
    rng = np.random.default_rng(1)
    labeled, labels = rng.normal(size=(9, 5)), np.arange(9) % 3
    means = np.stack([labeled[labels == c].mean(axis=0) for c in range(3)])
    caps = _caps(X, means, W)
    cap = next(step / 32 for step in range(1, 33) if np.sum(caps <= step / 32) >= 10)
    picks = alfa_mix(10, np.random.default_rng(0), proba, X, labeled, labels)
    assert np.all(caps[picks] <= cap)
    assert len(set(picks.tolist())) == 10


def test_drop_query_picks_among_the_candidates_that_most_passes_change() -> None:
    X, W, proba = linear(2000, 6, 3)
    votes = np.zeros(2000, int)
    rng = np.random.default_rng(0)
    rng.permutation(2000)  # the ranks are drawn first
    for _ in range(3):
        thinned = np.where(rng.random(X.shape) < 0.5, 0, X / 0.5)
        votes += (thinned @ W[:-1] + W[-1]).argmax(axis=1) != proba.argmax(axis=1)
    assert np.sum(votes >= 2) >= 25 * 8
    picks = drop_query(8, np.random.default_rng(0), proba, X, drop=0.5)
    assert np.all(votes[picks] >= 2)


def test_a_learner_that_knows_nothing_spreads_over_all_candidates() -> None:
    X = np.concatenate([np.full((50, 2), 1.0), -np.full((50, 2), 1.0)])
    X += 0.01 * np.random.default_rng(0).normal(size=X.shape)
    uniform = np.full((100, 3), 1 / 3)
    assert not linear_head(uniform, X).any()
    for seed in range(5):
        picks = drop_query(2, np.random.default_rng(seed), uniform, X)
        assert sorted(picks // 50) == [0, 1]
        picks = alfa_mix(2, np.random.default_rng(seed), uniform, X, X[:4] + 3, np.array([0, 1, 2, 2]))
        assert sorted(picks // 50) == [0, 1]


def test_long_shortlists_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    X, _, proba = linear(500, 4, 3)
    monkeypatch.setattr(perturbation, "_SHORTLIST", 30)
    assert len(set(drop_query(40, np.random.default_rng(0), proba, X).tolist())) == 40


def test_bad_options_are_refused() -> None:
    X, _, proba = linear(20, 4, 3)
    for wrong in ({"passes": 0}, {"drop": 0.0}, {"drop": 1.0}):
        with pytest.raises(ContractError, match=next(iter(wrong))):
            drop_query(1, np.random.default_rng(0), proba, X, **wrong)
