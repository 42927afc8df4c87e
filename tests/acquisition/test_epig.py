"""Expected predictive information gain against its three equal forms, written out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from askwise.acquisition.committee import bald
from askwise.acquisition.predictive import epig


def draws(S: int, n: int, C: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(C, 0.7), size=(S, n))


def entropy(p: NDArray[np.float64]) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


@pytest.mark.parametrize("form", ["divergence", "entropies", "conditional"])
def test_the_three_forms(form: str) -> None:
    S, C = 6, 3
    samples, targets = draws(S, 5, C, 0), draws(S, 4, C, 1)
    expected = np.zeros(5)
    for x in range(5):
        for target in range(4):
            joint = np.einsum("sa,sb->ab", samples[:, x], targets[:, target]) / S
            own, other = joint.sum(axis=1), joint.sum(axis=0)
            if form == "divergence":
                value = float((joint * np.log(joint / np.outer(own, other))).sum())
            elif form == "entropies":
                value = entropy(own) + entropy(other) - entropy(joint)
            else:
                value = entropy(other) - sum(own[y] * entropy(joint[y] / own[y]) for y in range(C))
            expected[x] += value / 4
    assert np.allclose(epig(samples, targets), expected, atol=1e-12)


def test_zero_probabilities_and_one_draw() -> None:
    sure = np.eye(3)[np.random.default_rng(0).integers(3, size=(5, 7))]
    assert np.isfinite(epig(sure, sure[:, :2])).all()
    assert np.allclose(epig(sure[:1], sure[:1, :2]), 0)


def test_about_itself_it_is_at_most_what_it_tells_of_the_parameters() -> None:
    samples = draws(8, 20, 4, 3)
    assert (epig(samples, draws(8, 6, 4, 4)) <= bald(samples) + 1e-12).all()


def test_the_correction_removes_most_of_what_few_draws_add() -> None:
    """Candidates and targets share nothing, so the true value is 0."""
    pairs = [(draws(10, 30, 3, seed), draws(10, 30, 3, 1000 + seed)) for seed in range(20)]
    plain = np.mean([epig(samples, targets).mean() for samples, targets in pairs])
    corrected = np.mean([epig(samples, targets, corrected=True).mean() for samples, targets in pairs])
    assert plain > 0.01
    assert abs(corrected) < 0.5 * plain


def test_blocks_do_not_matter() -> None:
    samples, targets = draws(4, 3000, 5, 5), draws(4, 100, 5, 6)
    whole = epig(samples, targets)
    parts = np.concatenate([epig(samples[:, start : start + 700], targets) for start in range(0, 3000, 700)])
    assert np.allclose(whole, parts, atol=1e-12)
