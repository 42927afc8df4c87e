"""Expected gradient lengths, against gradients that are built."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from askwise.acquisition.gradient_length import expected_gradient_length


@pytest.mark.parametrize("C", [1, 2, 5])
def test_score_is_the_expected_norm_of_materialised_gradients(C: int) -> None:
    rng = np.random.default_rng(0)
    proba, embedding = rng.dirichlet(np.ones(C), 30), rng.normal(size=(30, 4))
    expected = []
    for p, h in zip(proba, embedding, strict=True):
        gradients = [np.outer(p - np.eye(C)[y], np.append(h, 1)) for y in range(C)]
        expected.append(sum(p[y] * np.linalg.norm(g) for y, g in enumerate(gradients)))
    np.testing.assert_allclose(expected_gradient_length(proba, embedding), expected, atol=1e-12)


def test_score_equals_what_automatic_differentiation_gives() -> None:
    rng = np.random.default_rng(1)
    W = torch.tensor(rng.normal(size=(5, 3)), requires_grad=True)
    h = torch.tensor(np.append(rng.normal(size=4), 1.0))
    p = torch.softmax(h @ W, 0).detach()
    total = 0.0
    for y in range(3):
        (gradient,) = torch.autograd.grad(-torch.log_softmax(h @ W, 0)[y], W)
        total += float(p[y]) * float(gradient.norm())
    score = expected_gradient_length(p.numpy()[None], h.numpy()[None, :4])
    assert float(score[0]) == pytest.approx(total, rel=1e-12)


def test_normalized_scores_forget_the_length_and_certainty_scores_zero() -> None:
    proba = np.array([[0.3, 0.7], [0.3, 0.7], [0.0, 1.0]])
    embedding = np.array([[1.0, 2.0], [100.0, 0.0], [5.0, 5.0]])
    scores = expected_gradient_length(proba, embedding, normalized=True)
    assert scores[0] == scores[1] > scores[2] == 0
    assert expected_gradient_length(proba, embedding)[1] > 40 * scores[1]


def test_a_nearly_certain_learner_keeps_its_digits() -> None:
    small = np.array([1e-9, 1e-8])
    scores = expected_gradient_length(np.stack([1 - small, small], axis=1), np.zeros((2, 1)))
    np.testing.assert_allclose(scores, 2 * np.sqrt(2) * small, rtol=1e-6)
