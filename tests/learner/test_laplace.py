"""The curvature against differences, the draws against the covariance they should have."""

from __future__ import annotations

import numpy as np
import pytest

from askwise.learner import laplace
from askwise.learner.calibration import log_loss, softmax
from askwise.learner.ridge import Frame, penalties, solve


def fitted(n: int = 30, d: int = 2, C: int = 3) -> tuple[Frame, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % C
    X = rng.normal(size=(C, d))[y] + rng.normal(size=(n, d))
    frame = Frame.of(X)
    Z = frame.apply(X)
    return frame, Z, y, solve(Z, y, C, 0.3, np.ones(n))


def test_full_factor_is_the_inverse_hessian() -> None:
    _, Z, y, W = fitted()
    weight = np.linspace(0.5, 2, len(y))

    def objective(flat: np.ndarray) -> float:
        columns = flat.reshape(3, -1).T
        ridge = penalties(Z.shape[1] - 1, 0.3)[:, None]
        return weight.sum() * log_loss(Z @ columns, y, weight) + 0.5 * np.sum(ridge * columns**2)

    flat, step = W.T.ravel(), 1e-4
    units = step * np.eye(len(flat))
    hessian = [
        [
            (
                objective(flat + a + b)
                - objective(flat + a - b)
                - objective(flat - a + b)
                + objective(flat - a - b)
            )
            / (4 * step**2)
            for b in units
        ]
        for a in units
    ]
    factor = laplace.full_factor(Z, softmax(Z @ W), weight, 0.3)
    assert np.allclose(factor @ factor.T, np.linalg.inv(hessian), atol=1e-4)


def test_shared_factor_is_the_inverse_of_the_summed_curvature() -> None:
    _, Z, _, W = fitted()
    proba = softmax(Z @ W)
    factor = laplace.shared_factor(Z, proba, np.ones(len(Z)), 0.3)
    precision = (Z * (proba * (1 - proba)).max(axis=1)[:, None]).T @ Z + np.diag(
        penalties(Z.shape[1] - 1, 0.3)
    )
    assert np.allclose(factor @ factor.T @ precision, np.eye(Z.shape[1]))


@pytest.mark.parametrize("full", [True, False])
def test_draws_have_the_posterior_mean_and_variance(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, Z, y, W = fitted()
    if not full:
        monkeypatch.setattr(laplace, "FULL", 0)
    maps, intercepts = laplace.draws(frame, Z, W, np.ones(len(y)), 0.3, 0.5, 20_000, 0)
    X = np.array([[0.4, -0.2], [3.0, 3.0]])
    logits = (X - frame.mean) @ maps + intercepts[:, None, :]
    z = frame.apply(X)
    assert np.allclose(logits.mean(axis=0), z @ W, atol=0.1)
    proba = softmax(Z @ W)
    if full:
        factor = laplace.full_factor(Z, proba, np.ones(len(y)), 0.3)
        blocks = (factor @ factor.T).reshape(3, 3, 3, 3)
        variance = np.stack([np.einsum("na,ab,nb->n", z, blocks[c, :, c, :], z) for c in range(3)], axis=1)
    else:
        factor = laplace.shared_factor(Z, proba, np.ones(len(y)), 0.3)
        variance = np.repeat(np.sum((z @ factor) ** 2, axis=1)[:, None], 3, axis=1)
    assert np.allclose(logits.var(axis=0) / (0.5 * variance), 1, atol=0.06)


def test_directions_never_seen_keep_the_variance_of_the_prior() -> None:
    rng = np.random.default_rng(1)
    X = np.concatenate([rng.normal(size=(10, 3)), np.zeros((10, 2))], axis=1)
    y = np.arange(10) % 2
    frame = Frame.of(X)
    Z = frame.apply(X)
    W = solve(Z, y, 2, 0.2, np.ones(10))
    maps, _ = laplace.draws(frame, Z, W, np.ones(10), 0.2, 1.0, 20_000, 0)
    # A step of one scale along an axis without data: variance 1 / strength.
    assert np.allclose((frame.scale * maps[:, 3:]).var(axis=0), 5.0, rtol=0.05)
    assert np.all(maps[:, :3].var(axis=0) * frame.scale**2 < 5.1)


def test_first_draws_do_not_depend_on_their_number() -> None:
    frame, Z, y, W = fitted(n=6, d=20)
    few = laplace.draws(frame, Z, W, np.ones(len(y)), 0.3, 0.5, 3, 0)
    many = laplace.draws(frame, Z, W, np.ones(len(y)), 0.3, 0.5, 8, 0)
    assert all(np.allclose(one, other[:3]) for one, other in zip(few, many, strict=True))
