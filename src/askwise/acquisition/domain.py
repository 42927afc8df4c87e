"""Candidates that a classifier can tell from what is labelled."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, floating, from_numpy, row_blocks, take, tie_ranks, to_numpy
from .distances import Floats
from .greedy import largest

_BLOCK_BYTES = 4 << 20


def discriminative(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    batches: int = 10,
    strength: float = 0.01,
    sample: int = 10_000,
) -> Array:
    """Pick the `k` candidates that a classifier is surest to be unlabelled.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and draws the candidates that the classifier learns from where there are many.
    embedding
        (n, d) of the candidates; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any: then the first part of the batch is random.
    batches
        In how many parts the batch is picked; after each the picks count as labelled and the classifier is fitted
        again, so that they do not all come from one place.
    strength
        Ridge of the classifier, for rows that are centred and scaled to a mean squared length of 1.
    sample
        How many candidates, drawn at random, the classifier learns from; all where there are fewer.

    Returns
    -------
    (k,) distinct positions, part by part.

    Raises
    ------
    ContractError
        If `batches` or `sample` is below 1, or `strength` is not above 0.

    Notes
    -----
    Formula: argmax_x P(unlabelled | x), P logistic in x, fitted to candidates against labelled items with equal
    total weight on both sides. The ridge keeps it from telling every item apart.

    Cost: `batches` fits of O(sample · d) a step and as many passes over the rows; O(n + (sample + m) d) memory.

    Use when the labelled items are not like the pool: it is a detector of that shift, and closes the gap.
    Avoid when the pool has foreign items, which are the easiest to tell from what is labelled.

    References
    ----------
    D. Gissin and S. Shalev-Shwartz, "Discriminative active learning", 2019.

    Examples
    --------
    >>> embedding = np.array([[0.0], [0.2], [5.0], [5.2]])
    >>> sorted(discriminative(2, np.random.default_rng(0), embedding, np.array([[0.1]]), batches=1).tolist())
    [2, 3]
    """
    for word, value, least in (("batches", batches, 1), ("sample", sample, 1)):
        if value < least:
            raise ContractError(f"discriminative: {word} is {value!r}; expected at least {least}")
    if not strength > 0:
        raise ContractError(f"discriminative: strength is {strength!r}; expected a number above 0")
    n, d = (int(size) for size in embedding.shape)
    ranks = tie_ranks(n, rng)
    shown = np.sort(rng.choice(n, size=sample, replace=False)) if sample < n else np.arange(n)
    rows = to_numpy(floating(take(embedding, shown), double=True))
    labeled = to_numpy(floating(labeled_embedding, double=True))
    origin, scale = _frame(np.concatenate([rows, labeled]))
    rows, labeled = (rows - origin) * scale, (labeled - origin) * scale
    picks = np.empty(0, np.int64)
    weights: Floats = np.zeros(d + 1)
    for part in np.array_split(np.arange(k), min(batches, k)):
        values: Floats = np.zeros(n)
        free = ~np.isin(shown, picks)
        if len(labeled) and free.any():
            weights = fit_logistic(rows[free], labeled, strength, weights)
            values = _values(embedding, origin, weights[:-1] * scale)
            values = np.round(values / (np.abs(values).max() or 1.0), 9)  # copies tie whatever the last bits
        values -= values.min()
        values[picks] = -1
        new = largest(values, len(part), ranks)[0]
        picks = np.concatenate([picks, new])
        joined = (to_numpy(floating(take(embedding, new), double=True)) - origin) * scale
        labeled = np.concatenate([labeled, joined])
    return from_numpy(picks, like=embedding)


def fit_logistic(ones: Floats, zeros: Floats, strength: float, start: Floats) -> Floats:
    """Weights (d + 1,), the bias last, of a ridge logistic regression of `ones` (a, d) against `zeros` (b, d).

    Both sides have a total weight of one half. Newton's method, each step by conjugate gradients, so that nothing
    has size d × d; `start` changes the number of steps, not the optimum.

    Examples
    --------
    >>> fit_logistic(np.array([[1.0]]), np.array([[-1.0]]), 0.01, np.zeros(2))[0].round(2)
    np.float64(3.36)
    """
    a, b = len(ones), len(zeros)
    X = np.ones((a + b, ones.shape[1] + 1))
    X[:a, :-1], X[a:, :-1] = ones, zeros
    signs = np.concatenate([np.full(a, 1.0), np.full(b, -1.0)])
    mass = np.concatenate([np.full(a, 0.5 / a), np.full(b, 0.5 / b)])
    weights = start

    def objective(candidate: Floats) -> float:
        return float(
            mass @ np.logaddexp(0, -signs * (X @ candidate)) + strength / 2 * (candidate @ candidate)
        )

    value = objective(weights)
    for _ in range(100):
        p = 0.5 * (1 + np.tanh(X @ weights / 2))
        gradient = X.T @ (mass * (p - (signs > 0))) + strength * weights
        if np.linalg.norm(gradient) < 1e-11:
            break
        step = _solve(X, mass * p * (1 - p), strength, gradient)
        length, slope = 1.0, float(gradient @ step)
        while (new := objective(weights - length * step)) > value - 1e-4 * length * slope and length > 1e-6:
            length /= 2
        if length <= 1e-6:
            break  # no lower value within the precision of the objective
        weights, value = weights - length * step, new
    return weights


def _solve(X: Floats, curvature: Floats, strength: float, target: Floats) -> Floats:
    """(Xᵀ diag(curvature) X + strength I)⁻¹ target, by conjugate gradients."""
    found = np.zeros_like(target)
    residual = target.copy()
    direction, size = residual.copy(), float(residual @ residual)
    enough = 1e-20 * size
    for _ in range(2 * len(target)):
        moved = X.T @ (curvature * (X @ direction)) + strength * direction
        length = size / float(direction @ moved)
        found += length * direction
        residual -= length * moved
        previous, size = size, float(residual @ residual)
        if size <= enough:
            break
        direction = residual + size / previous * direction
    return found


def _frame(rows: Floats) -> tuple[Floats, float]:
    """The mean row, and the factor that brings the others to a mean squared length of 1 about it; 0 if all are one."""
    largest_value = float(np.abs(rows).max(initial=0.0)) or 1.0
    origin = (rows / largest_value).mean(axis=0)
    spread = float(np.sqrt(np.mean(np.sum((rows / largest_value - origin) ** 2, axis=1))))
    if spread <= 1e-12 * float(np.sqrt(origin @ origin)):
        return origin * largest_value, 0.0
    return origin * largest_value, 1 / (spread * largest_value)


def _values(embedding: Array, origin: Floats, weights: Floats) -> Floats:
    """(embedding − origin) · weights, (n,), float64, on the host."""
    centre, towards = from_numpy(origin, like=embedding), from_numpy(weights, like=embedding)
    parts = [
        to_numpy((floating(embedding[part, :], double=True) - centre) @ towards)
        for part in row_blocks(int(embedding.shape[0]), 16 * len(origin), _BLOCK_BYTES)
    ]
    return np.concatenate(parts)
