"""Look-ahead strategies, against every label tried and every matrix inverted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition.lookahead import _expected_loss, expected_error_reduction, variance_reduction
from askwise.errors import ContractError


def data(n: int, m: int, d: int, C: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    proba, labeled_proba = rng.dirichlet(np.ones(C), n), rng.dirichlet(np.ones(C), m).reshape(m, C)
    return proba, rng.normal(size=(n, d)), rng.normal(size=(m, d)), labeled_proba


def rows_of(embedding: np.ndarray, labeled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = 1 / np.sqrt(np.mean(np.sum(np.vstack([embedding, labeled]) ** 2, axis=1)))
    return tuple(np.hstack([x * scale, np.ones((len(x), 1))]) for x in (embedding, labeled))


def weight(p: np.ndarray) -> float:
    return float((p * (1 - p)).max())


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()


def naive_risk(proba, embedding, labeled, labeled_proba, loss: str, strength: float) -> np.ndarray:
    """Each candidate with each label: M with the candidate in it inverted anew, every target predicted again."""
    X, L = rows_of(embedding, labeled)
    M = strength * np.eye(X.shape[1]) + sum(
        weight(p) * np.outer(x, x) for p, x in zip(labeled_proba, L, strict=True)
    )
    risks = []
    for p, x in zip(proba, X, strict=True):
        covariance = np.linalg.inv(M + weight(p) * np.outer(x, x))
        risk = 0.0
        for y in range(len(p)):
            step = np.outer(covariance @ x, np.eye(len(p))[y] - p)
            for q, u in zip(proba, X, strict=True):
                new = softmax(np.log(q) + u @ step)
                own = 1 - new.max() if loss == "zero_one" else -np.sum(new[new > 0] * np.log(new[new > 0]))
                risk += p[y] * own
        risks.append(risk / len(X))
    return np.array(risks)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 20),
    m=st.integers(0, 6),
    d=st.integers(1, 4),
    C=st.integers(2, 5),
    seed=st.integers(0, 10_000),
    loss=st.sampled_from(["log", "zero_one"]),
    strength=st.sampled_from([0.1, 1.0]),
)
def test_picks_have_the_least_expected_loss(n, m, d, C, seed, loss, strength) -> None:
    given_data = data(n, m, d, C, seed)
    picks = expected_error_reduction(n, np.random.default_rng(0), *given_data, loss=loss, strength=strength)
    risks = naive_risk(*given_data, loss=loss, strength=strength)
    np.testing.assert_allclose(risks[picks], np.sort(risks), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("loss", ["log", "zero_one"])
def test_losses_keep_their_digits_when_the_step_is_long(loss: str) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(4) * 0.2, 10), rng.dirichlet(np.ones(4) * 0.05, 12)
    log_p = np.log(np.maximum(q, 1e-12))
    change = rng.uniform(-50, 50, size=(10, 12))
    expected = np.zeros(10)
    for i, y, u in np.ndindex(10, 4, 12):
        new = softmax(log_p[u] + change[i, u] * (np.eye(4)[y] - p[i]))
        own = 1 - new.max() if loss == "zero_one" else -np.sum(new[new > 0] * np.log(new[new > 0]))
        expected[i] += p[i, y] * own / 12
    np.testing.assert_allclose(_expected_loss(change, p, log_p, loss), expected, atol=1e-12)


def test_targets_and_candidates_are_drawn_from_the_seed() -> None:
    given_data = data(200, 10, 4, 3, 0)
    call = {"targets": 20, "candidates": 50}
    first = expected_error_reduction(10, np.random.default_rng(1), *given_data, **call).tolist()
    assert first == expected_error_reduction(10, np.random.default_rng(1), *given_data, **call).tolist()
    others = {
        tuple(expected_error_reduction(10, np.random.default_rng(s), *given_data, **call)) for s in range(9)
    }
    assert len(others) > 5
    everything = expected_error_reduction(200, np.random.default_rng(1), *given_data, **call)
    assert sorted(everything.tolist()) == list(range(200))


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 20),
    m=st.integers(0, 6),
    d=st.integers(1, 4),
    C=st.integers(2, 5),
    seed=st.integers(0, 10_000),
    strength=st.sampled_from([0.01, 1.0]),
)
def test_variance_falls_as_in_direct_inversion(n, m, d, C, seed, strength) -> None:
    proba, embedding, labeled, labeled_proba = data(n, m, d, C, seed)
    X, L = rows_of(embedding, labeled)
    M = strength * np.eye(d + 1) + sum(
        weight(p) * np.outer(x, x) for p, x in zip(labeled_proba, L, strict=True)
    )
    slopes = [np.sum((np.diag(p) - np.outer(p, p)) ** 2) for p in proba]
    target = sum(s * np.outer(x, x) for s, x in zip(slopes, X, strict=True))
    expected: list[int] = []
    for _ in range(max(1, n // 2)):
        free = [i for i in range(n) if i not in expected]
        with_it = {i: M + weight(proba[i]) * np.outer(X[i], X[i]) for i in free}
        expected.append(min(free, key=lambda i: np.trace(np.linalg.inv(with_it[i]) @ target)))
        M = with_it[expected[-1]]
    picks = variance_reduction(
        len(expected), np.random.default_rng(0), proba, embedding, labeled, labeled_proba, strength=strength
    )
    assert picks.tolist() == expected


def test_bad_options_are_refused() -> None:
    given_data = data(5, 2, 3, 2, 0)
    for wrong in ({"loss": "brier"}, {"strength": 0.0}, {"targets": 0}, {"candidates": 0}):
        with pytest.raises(ContractError, match=next(iter(wrong))):
            expected_error_reduction(1, np.random.default_rng(0), *given_data, **wrong)
    with pytest.raises(ContractError, match="strength"):
        variance_reduction(1, np.random.default_rng(0), *given_data, strength=-1.0)
