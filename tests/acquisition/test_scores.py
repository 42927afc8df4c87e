"""Scores of single candidates, against their formulas written out."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from askwise import xp
from askwise.acquisition import bald, entropy, hyperplane, least_confident, margin, vote_entropy
from askwise.errors import ContractError

LIBRARIES = [np.asarray, torch.asarray, array_api_strict.asarray]
SINGLE = [least_confident, margin, entropy]
COMMITTEE = [vote_entropy, bald]


def probabilities(*shape: int, seed: int = 0, sparse: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(shape[-1], 0.5), size=shape[:-1])
    if sparse:
        proba = np.where(proba < 0.2, 0, proba)
        proba[proba.sum(axis=-1) == 0] = np.eye(shape[-1])[0]
        proba /= proba.sum(axis=-1, keepdims=True)
    return proba


def shannon(p: np.ndarray) -> float:
    return -sum(float(value) * np.log(value) for value in p if value > 0)


@pytest.mark.parametrize("C", [1, 2, 5, 40])
@pytest.mark.parametrize("sparse", [False, True])
def test_single_scores_equal_their_formulas(C: int, sparse: bool) -> None:
    proba = probabilities(40, C, sparse=sparse)
    ordered = np.sort(np.concatenate([proba, np.zeros((40, 1))], axis=1), axis=1)
    np.testing.assert_allclose(least_confident(proba), 1 - ordered[:, -1], atol=1e-12)
    np.testing.assert_allclose(margin(proba), ordered[:, -2] - ordered[:, -1], atol=1e-12)
    np.testing.assert_allclose(entropy(proba), [shannon(p) for p in proba], atol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
def test_committee_scores_equal_their_formulas(sparse: bool) -> None:
    samples = probabilities(7, 40, 4, sparse=sparse)
    mean = samples.mean(axis=0)
    votes = np.stack([np.bincount(samples[:, i].argmax(axis=1), minlength=4) for i in range(40)]) / 7
    np.testing.assert_allclose(vote_entropy(samples), [shannon(v) for v in votes], atol=1e-12)
    inner = np.mean([[shannon(p) for p in member] for member in samples], axis=0)
    expected = np.array([shannon(p) for p in mean]) - inner
    np.testing.assert_allclose(bald(samples), expected, atol=1e-12)
    np.testing.assert_allclose(bald(samples, corrected=True), expected * 7 / 6, atol=1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        kl = np.nansum(np.where(samples > 0, samples * np.log(samples / mean), 0), axis=2).mean(axis=0)
    np.testing.assert_allclose(bald(samples), kl, atol=1e-12)


@given(seed=st.integers(0, 1000), S=st.integers(1, 6), C=st.integers(1, 6), single=st.booleans())
def test_bald_is_bounded(seed: int, S: int, C: int, single: bool) -> None:
    samples = probabilities(S, 20, C, seed=seed, sparse=True).astype(np.float32 if single else np.float64)
    scores = bald(samples)
    assert scores.min() >= 0
    assert scores.max() <= np.log(min(S, C)) + 1e-5


def test_bald_of_equal_members_and_of_one_member_is_zero() -> None:
    proba = probabilities(30, 3)
    assert np.abs(bald(np.stack([proba] * 4))).max() < 1e-15
    assert np.array_equal(bald(proba[None], corrected=True), np.zeros(30))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=40, unique=True))
def test_with_two_classes_all_three_rank_alike(thousandths: list[int]) -> None:
    p = np.array([value / 1000 for value in thousandths if abs(value - 500) > 0])
    distance = np.abs(np.round((p - 0.5) * 1000))
    for score in SINGLE:
        values = score(np.stack([p, 1 - p], axis=1))
        order = np.argsort(distance, kind="stable")
        assert np.all(np.diff(values[order]) <= 1e-12)
        nearer = distance[order][1:] > distance[order][:-1]
        assert np.all(np.diff(values[order])[nearer] < 0)


def test_hyperplane_binary_and_both_readings_of_several_columns() -> None:
    assert hyperplane(np.array([-2.0, 0.5])).tolist() == [-2, -0.5]
    assert hyperplane(np.array([[-2.0], [0.5]])).tolist() == [-2, -0.5]
    decision = np.array([[3.0, -0.2, 1.0], [-5.0, -4.0, -4.5]])
    assert hyperplane(decision).tolist() == [-2, -0.5]
    assert hyperplane(decision, multiclass="minimum").tolist() == [-0.2, -4]
    with pytest.raises(ContractError, match="'least'"):
        hyperplane(decision, multiclass="least")  # type: ignore[arg-type]


def test_shared_votes_do_not_depend_on_the_order_of_the_classes() -> None:
    samples = probabilities(5, 200, 4)
    samples[0] = 0.25  # a member that has not seen anything yet
    scores = vote_entropy(samples)
    assert np.array_equal(scores, vote_entropy(samples[:, :, ::-1]))
    assert scores.max() <= np.log(4) + 1e-12


@pytest.mark.parametrize("score", SINGLE + COMMITTEE, ids=lambda f: f.__name__)
def test_equal_rows_score_exactly_alike_whatever_their_neighbours(score) -> None:
    shape = (1001, 7) if score in SINGLE else (3, 1001, 7)
    for dtype in (np.float32, np.float64):
        proba = probabilities(*shape).astype(dtype)
        whole = score(proba)
        for rows in (slice(0, 1), slice(13, 14), slice(500, 777), slice(1000, 1001)):
            assert np.array_equal(score(proba[..., rows, :]), whole[rows])


@pytest.mark.parametrize("score", SINGLE + COMMITTEE + [hyperplane], ids=lambda f: f.__name__)
def test_libraries_and_precisions_agree(score) -> None:
    proba = probabilities(*((3, 50, 5) if score in COMMITTEE else (50, 5)))
    expected = score(proba)
    for make in LIBRARIES:
        for dtype in (np.float32, np.float64):
            given = make(proba.astype(dtype))
            scores = score(given)
            assert type(scores) is type(given)
            tolerance = 2e-6 if dtype == np.float32 else 1e-12
            np.testing.assert_allclose(xp.to_numpy(scores), expected, atol=tolerance)
            same = xp.to_numpy(xp.top_k(scores, 50, np.random.default_rng(0)))
            if score is not vote_entropy:  # its handful of values are ties, up to rounding
                assert same.tolist() == np.argsort(-expected).tolist()


@pytest.mark.parametrize("score", SINGLE + COMMITTEE + [hyperplane], ids=lambda f: f.__name__)
def test_inputs_may_be_read_only_and_stay_as_they_are(score) -> None:
    proba = probabilities(*((3, 50, 5) if score in COMMITTEE else (50, 5)))
    before = proba.copy()
    proba.setflags(write=False)
    score(proba)
    assert np.array_equal(proba, before)
