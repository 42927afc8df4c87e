"""Scores of committees, and the ratio of one model, against their formulas written out one candidate at a time."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from askwise import xp
from askwise.acquisition import (
    bald,
    consensus_entropy,
    kl_to_mean,
    margin,
    mean_std,
    pairwise_kl,
    ratio,
    variation_ratio,
    vote_entropy,
    vote_margin,
)
from askwise.errors import ContractError

COMMITTEE = [vote_margin, variation_ratio, consensus_entropy, kl_to_mean, pairwise_kl, mean_std]
VOTES = [vote_margin, variation_ratio]
ids = pytest.mark.parametrize("score", COMMITTEE, ids=lambda f: f.__name__)


def probabilities(*shape: int, seed: int = 0, sparse: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(shape[-1], 0.5), size=shape[:-1])
    if sparse:
        proba = np.where(proba < 0.2, 0, proba)
        proba[proba.sum(axis=-1) == 0] = np.eye(shape[-1])[0]
        proba /= proba.sum(axis=-1, keepdims=True)
    return proba


def kl(p: np.ndarray, q: np.ndarray) -> float:
    return sum(float(a) * np.log(float(a) / float(b)) for a, b in zip(p, q, strict=True) if a > 0)


def shannon(p: np.ndarray) -> float:
    return -sum(float(value) * np.log(value) for value in p if value > 0)


def written_out(samples: np.ndarray, clip: float) -> dict[str, list[float]]:
    S, n, C = samples.shape
    found: dict[str, list[float]] = {score.__name__: [] for score in COMMITTEE}
    for i in range(n):
        members = samples[:, i]
        mean = members.mean(axis=0)
        votes = np.sort(np.bincount(members.argmax(axis=1), minlength=max(C, 2)))
        found["vote_margin"].append(1 - (votes[-1] - votes[-2]) / S)
        found["variation_ratio"].append(1 - votes[-1] / S)
        found["consensus_entropy"].append(shannon(mean))
        found["kl_to_mean"].append(float(np.mean([kl(p, mean) for p in members])))
        found["mean_std"].append(float(np.mean(members.std(axis=0))))
        pairs = [
            sum(p[c] * (np.log(max(p[c], clip)) - np.log(max(q[c], clip))) for c in range(C))
            for a, p in enumerate(members)
            for b, q in enumerate(members)
            if a != b
        ]
        found["pairwise_kl"].append(float(np.mean(pairs)) if pairs else 0.0)
    return found


@pytest.mark.parametrize("shape", [(7, 40, 4), (2, 10, 2), (1, 10, 3), (3, 10, 1), (4, 10, 40)])
@pytest.mark.parametrize("sparse", [False, True])
def test_scores_equal_their_formulas(shape: tuple[int, int, int], sparse: bool) -> None:
    samples = probabilities(*shape, sparse=sparse)
    for name, expected in written_out(samples, clip=1e-6).items():
        score = next(function for function in COMMITTEE if function.__name__ == name)
        np.testing.assert_allclose(score(samples), expected, atol=1e-12, err_msg=name)


def test_pairwise_kl_without_zeros_needs_no_clip_and_is_bounded_by_it_otherwise() -> None:
    samples = probabilities(5, 30, 3)
    expected = [
        np.mean([kl(p, q) for a, p in enumerate(m) for b, q in enumerate(m) if a != b])
        for m in samples.transpose(1, 0, 2)
    ]
    np.testing.assert_allclose(pairwise_kl(samples, clip=1e-300), expected, atol=1e-12)
    certain = np.eye(2)[[[0], [1]]]
    assert pairwise_kl(certain)[0] == pytest.approx(-np.log(1e-6))
    assert pairwise_kl(certain, clip=1e-3)[0] == pytest.approx(-np.log(1e-3))
    for clip in (0, 1, -1.0, float("nan")):
        with pytest.raises(ContractError, match="pairwise_kl: clip is"):
            pairwise_kl(samples, clip=clip)


@given(seed=st.integers(0, 1000), S=st.integers(1, 6), C=st.integers(1, 6), single=st.booleans())
def test_bounds_and_identities(seed: int, S: int, C: int, single: bool) -> None:
    samples = probabilities(S, 20, C, seed=seed, sparse=True).astype(np.float32 if single else np.float64)
    assert np.array_equal(kl_to_mean(samples), bald(samples))
    most = {"consensus_entropy": np.log(C), "kl_to_mean": np.log(min(S, C)), "mean_std": 0.5}
    most |= {"pairwise_kl": -np.log(1e-6), "vote_margin": 1, "variation_ratio": 1 - 1 / min(S, C)}
    for score in COMMITTEE:
        scores = score(samples)
        assert scores.min() >= -1e-7
        assert scores.max() <= most[score.__name__] + 1e-5
    inner = np.mean([[shannon(p) for p in member] for member in samples], axis=0)
    np.testing.assert_allclose(consensus_entropy(samples), kl_to_mean(samples) + inner, atol=1e-5)


def test_equal_members_disagree_in_nothing() -> None:
    samples = np.stack([probabilities(30, 3)] * 5)
    for score in (vote_margin, variation_ratio, pairwise_kl, mean_std):
        assert np.array_equal(score(samples), np.zeros(30)), score.__name__
    assert np.abs(kl_to_mean(samples)).max() < 1e-15


@pytest.mark.parametrize("C", [1, 2, 5, 40])
@pytest.mark.parametrize("sparse", [False, True])
def test_ratio_equals_its_formula(C: int, sparse: bool) -> None:
    proba = probabilities(40, C, sparse=sparse)
    ordered = np.sort(np.concatenate([proba, np.zeros((40, 1))], axis=1), axis=1)
    np.testing.assert_allclose(ratio(proba), ordered[:, -2] / ordered[:, -1], atol=1e-12)
    if C == 2:
        assert np.argsort(ratio(proba)).tolist() == np.argsort(margin(proba)).tolist() or sparse


def test_a_vote_is_shared_among_equally_likely_classes() -> None:
    samples = np.array([[[0.5, 0.5, 0.0]], [[0.6, 0.4, 0.0]]])
    assert vote_margin(samples).tolist() == [0.5]
    assert variation_ratio(samples).tolist() == [0.25]
    assert vote_entropy(samples)[0] == pytest.approx(shannon(np.array([0.75, 0.25])))


@ids
def test_equal_rows_score_exactly_alike_whatever_their_neighbours(score) -> None:
    for dtype in (np.float32, np.float64):
        samples = probabilities(3, 1001, 7).astype(dtype)
        whole = score(samples)
        for rows in (slice(0, 1), slice(13, 14), slice(500, 777), slice(1000, 1001)):
            assert np.array_equal(score(samples[:, rows, :]), whole[rows])


@ids
def test_libraries_and_precisions_agree(score) -> None:
    samples = probabilities(3, 50, 5)
    expected = score(samples)
    for make in (np.asarray, torch.asarray, array_api_strict.asarray):
        for dtype in (np.float32, np.float64):
            scores = score(make(samples.astype(dtype)))
            assert type(scores) is type(make(samples))
            np.testing.assert_allclose(
                xp.to_numpy(scores), expected, atol=1e-5 if dtype == np.float32 else 1e-12
            )
            if score not in VOTES:  # their handful of values are ties
                same = xp.to_numpy(xp.top_k(scores, 50, np.random.default_rng(0)))
                assert same.tolist() == np.argsort(-expected).tolist()


@ids
def test_inputs_may_be_read_only_and_stay_as_they_are(score) -> None:
    samples = probabilities(3, 50, 5)
    before = samples.copy()
    samples.setflags(write=False)
    score(samples)
    assert np.array_equal(samples, before)
