"""BAIT against direct inversion of the whole Fisher matrix at every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition.fisher import bait, bait_regression
from askwise.acquisition.linear_updates import BiasedRows, Trace, information
from askwise.errors import ContractError


def data(n: int, m: int, d: int, C: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    proba, labeled_proba = rng.dirichlet(np.ones(C), n), rng.dirichlet(np.ones(C), m).reshape(m, C)
    return proba, rng.normal(size=(n, d)), rng.normal(size=(m, d)), labeled_proba


def informations(proba: np.ndarray, rows: np.ndarray, form: str) -> list[np.ndarray]:
    """I(x), each as its definition says."""
    found = []
    for p, h in zip(proba, rows, strict=True):
        inner = np.diag(p) - np.outer(p, p) if form == "exact" else np.array([[p.max() * (1 - p.max())]])
        inner = np.ones((1, 1)) if form == "regression" else inner
        found.append(np.kron(inner, np.outer(np.append(h, 1), np.append(h, 1))))
    return found


def naive(k, proba, embedding, labeled, labeled_proba, form, strength, oversampling) -> list[int]:
    scale = 1 / np.sqrt(np.mean(np.sum(np.vstack([embedding, labeled]) ** 2, axis=1)))
    here, there = (
        informations(proba, embedding * scale, form),
        informations(labeled_proba, labeled * scale, form),
    )
    target = np.mean([*here, *there], axis=0)
    M = strength * np.eye(len(target)) + sum(there, np.zeros_like(target))
    picks: list[int] = []
    while len(picks) < min(len(here), oversampling * k):
        free = [i for i in range(len(here)) if i not in picks]
        best = min(free, key=lambda i: np.trace(np.linalg.inv(M + here[i]) @ target))
        picks.append(best)
        M = M + here[best]
    while len(picks) > k:
        worst = min(picks, key=lambda i: np.trace(np.linalg.inv(M - here[i]) @ target))
        picks.remove(worst)
        M = M - here[worst]
    return picks


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(2, 25),
    m=st.integers(0, 6),
    d=st.integers(1, 4),
    C=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    form=st.sampled_from(["binary", "exact"]),
    strength=st.sampled_from([0.01, 1.0]),
    oversampling=st.sampled_from([1, 2, 3]),
)
def test_picks_are_those_of_direct_inversion(n, m, d, C, seed, form, strength, oversampling) -> None:
    given_data = data(n, m, d, C, seed)
    k = max(1, n // 4)
    options = {"form": form, "strength": strength, "oversampling": oversampling}
    picks = bait(k, np.random.default_rng(0), *given_data, **options)
    assert picks.tolist() == naive(k, *given_data, **options)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 25), m=st.integers(0, 6), d=st.integers(1, 4), seed=st.integers(0, 10_000))
def test_the_form_for_regression_is_that_of_direct_inversion(n: int, m: int, d: int, seed: int) -> None:
    given_data = data(n, m, d, 2, seed)
    k = max(1, n // 4)
    expected = naive(k, *given_data, form="regression", strength=0.1, oversampling=2)
    picks = bait_regression(k, np.random.default_rng(0), *given_data[1:3], strength=0.1)
    assert picks.tolist() == expected
    with pytest.raises(ContractError, match="bait_regression: strength"):
        bait_regression(k, np.random.default_rng(0), *given_data[1:3], strength=0.0)


@pytest.mark.parametrize("form", ["binary", "exact"])
def test_gains_stay_those_of_direct_inversion_while_candidates_come_and_go(form: str) -> None:
    proba, embedding, labeled, _ = data(30, 5, 4, 3, 0)
    rows = BiasedRows(embedding, labeled)
    scaled = rows.at(np.arange(30))[:, :-1]
    here = informations(proba, scaled, form)
    if form == "binary":
        top = proba.max(axis=1)
        factors = np.sqrt(top * (1 - top))[:, None, None]
    else:
        factors = (np.eye(3) - proba[:, :, None]) * np.sqrt(proba)[:, None, :]
    np.testing.assert_allclose(information(rows.blocks(), factors, 5), sum(here), atol=1e-12)
    target, M = sum(here) / 30, 0.01 * np.eye(len(here[0]))
    trace = Trace(rows, factors, np.linalg.inv(M), target)
    for step, change in enumerate([3, 8, 8, 3, 11, 20, 11]):
        added = [3, 8, 8, 3, 11, 20, 11][:step].count(change) % 2 == 0
        (trace.add if added else trace.remove)(change)
        M = M + here[change] if added else M - here[change]
        present = np.trace(np.linalg.inv(M) @ target)
        expected = [present - np.trace(np.linalg.inv(M + one) @ target) for one in here]
        np.testing.assert_allclose(trace.gains(), expected, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(trace.inverse, np.linalg.inv(M), rtol=1e-6, atol=1e-8)


def test_forward_gains_never_raise_the_trace_and_backward_keeps_what_matters() -> None:
    proba, embedding, labeled, labeled_proba = data(40, 4, 3, 3, 1)
    # A copy of an item that was picked adds little: of two copies one is enough.
    doubled = [np.vstack([proba, proba]), np.vstack([embedding, embedding]), labeled, labeled_proba]
    picks = bait(6, np.random.default_rng(0), *doubled, strength=1e-4)
    assert len({int(p) % 40 for p in picks}) >= 4


@pytest.mark.parametrize("form", ["binary", "exact"])
@pytest.mark.parametrize("scale", [1e6, 1e-30])
def test_scale_and_library_make_no_difference(form: str, scale: float) -> None:
    proba, embedding, labeled, labeled_proba = data(40, 4, 3, 3, 2)
    usual = bait(5, np.random.default_rng(0), proba, embedding, labeled, labeled_proba, form=form).tolist()
    scaled = bait(
        5, np.random.default_rng(0), proba, embedding * scale, labeled * scale, labeled_proba, form=form
    )
    assert scaled.tolist() == usual
    tensors = [torch.asarray(x) for x in (proba, embedding, labeled, labeled_proba)]
    assert bait(5, np.random.default_rng(0), *tensors, form=form).tolist() == usual


def test_a_matrix_that_is_too_large_and_bad_options_are_refused() -> None:
    given_data = data(5, 2, 100, 10, 0)
    with pytest.raises(ContractError, match="1,010"):
        bait(1, np.random.default_rng(0), *given_data, form="exact")
    for wrong in ({"form": "full"}, {"strength": 0.0}, {"oversampling": 0.5}):
        with pytest.raises(ContractError, match=next(iter(wrong))):
            bait(1, np.random.default_rng(0), *given_data, **wrong)
