"""Candidates by what the learner would be after their label, from one closed-form step of a linear head."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, floating, from_numpy, row_blocks, take, tie_ranks, to_numpy
from .distances import Floats, Positions
from .greedy import largest
from .linear_updates import BiasedRows, Trace, curvature, greedy_trace, information

_BLOCK_BYTES = 4 << 20
_LEAST = 1e-12  # probabilities below it count as it
_MOST = 50.0  # no logit is changed by more: nothing is left to change


def expected_error_reduction(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    labeled_proba: Array,
    loss: Literal["log", "zero_one"] = "log",
    targets: int = 300,
    candidates: int = 10_000,
    strength: float = 0.01,
) -> Array:
    """Pick the `k` candidates after whose label the learner should err least on the rest of the pool.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws targets and candidates from a large pool, and decides ties.
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) what its last layer sees; may be a memory map. One factor brings candidates and labelled items to a
        mean squared length of 1, and a constant 1 carries the bias.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labeled_proba
        (m, C) what the learner predicts for them.
    loss
        "log" expects the entropy of the new probabilities, "zero_one" one minus their largest.
    targets
        How many candidates, drawn at random, stand for the pool on which the learner should err less.
    candidates
        How many candidates, drawn at random, are looked at; never fewer than `k`.
    strength
        Ridge of the head, in the scale described above.

    Returns
    -------
    (k,) distinct positions, best first.

    Raises
    ------
    ContractError
        If an option is out of range.

    Notes
    -----
    Formula: argmin_x Σ_y p_y(x) Σ_u loss(p'_u), p'_u = softmax(log p_u + g (e_y − p(x))) after one Newton step,
    g = φ_uᵀ Σ φ_x / (1 + w_x φ_xᵀ Σ φ_x), Σ = (strength · I + Σ_labelled w φ φᵀ)⁻¹, φ = [h, 1] and one curvature
    w = max_c p_c (1 − p_c) for all classes. The candidates are scored one by one; the best k are picked.

    Cost: O(candidates · targets · (C + d)) and C exponentials a pair, whatever the number of labels y: they change
    one term of each sum. Blocks of (rows, targets, C) and O(n + d² + targets · d) memory.

    Use when few are asked at a time and the learner's probabilities can be trusted.
    Avoid when hardly anything is labelled: the learner then expects what it believes already, and confirms it; or
    when batches are large, since the picks resemble one another.

    References
    ----------
    N. Roy and A. McCallum, "Toward optimal active learning through sampling estimation of error reduction", ICML
    2001.

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0]])
    >>> proba = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    >>> expected_error_reduction(1, np.random.default_rng(0), proba, embedding, np.empty((0, 2)), np.empty((0, 2)))
    array([0])
    """
    if loss not in ("log", "zero_one"):
        raise ContractError(f'expected_error_reduction: loss is {loss!r}; choose "log" or "zero_one"')
    _check("expected_error_reduction", strength, targets=targets, candidates=candidates)
    n = int(proba.shape[0])
    ranks = tie_ranks(n, rng)
    shown, aims = _draw(n, max(k, candidates), rng), _draw(n, targets, rng)
    rows = BiasedRows(embedding, labeled_embedding)
    inverse = _posterior(rows, labeled_proba, strength)
    towards = inverse @ rows.at(aims).T
    log_p = np.log(np.maximum(_host(proba, aims), _LEAST))
    C = log_p.shape[1]
    scores: Floats = np.empty(len(shown))
    for part in row_blocks(len(shown), 8 * (len(aims) * (5 * C + 8) + 3 * rows.width), _BLOCK_BYTES):
        x, p = rows.at(shown[part]), _host(proba, shown[part])
        own = np.einsum("ij,ij->i", x @ inverse, x)
        change = (x @ towards) / (1 + curvature(p) * own)[:, None]
        scores[part] = -_expected_loss(np.clip(change, -_MOST, _MOST), p, log_p, loss)
    scores = np.round(scores / (np.abs(scores).max() or 1.0), 10)  # copies tie whatever the last bits
    picks = shown[largest(scores - scores.min(), k, ranks[shown])[0]]
    return from_numpy(picks, like=embedding)


def variance_reduction(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    labeled_proba: Array,
    strength: float = 0.01,
) -> Array:
    """Pick the `k` candidates whose labels, one after the other, most reduce the variance of the pool's predictions.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and fills the batch where the learner is certain of everything that is left.
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) what its last layer sees; may be a memory map. One factor brings candidates and labelled items to a
        mean squared length of 1, and a constant 1 carries the bias.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labeled_proba
        (m, C) what the learner predicts for them.
    strength
        Ridge of the head, in the scale described above.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If `strength` is not above 0.

    Notes
    -----
    Formula: greedy minimum of Σ_u ‖diag p_u − p_u p_uᵀ‖² φ_uᵀ Σ φ_u, u over the candidates: the variance of p_u by
    the delta method, Σ = (strength · I + Σ_{labelled ∪ picked} w φ φᵀ)⁻¹, φ = [h, 1] and one curvature
    w = max_c p_c (1 − p_c) for all classes. What no label can remove, the noise of the labels, is not counted.

    Cost: O(n d²) once and O(n d + d²) a pick, O(n + d²) memory, in float64.

    Use when the learner ends in a linear layer and honest probabilities everywhere matter more than the boundary.
    Avoid when outliers are many: their variance is largest. Then bait, which weighs by information, is steadier.

    References
    ----------
    D. A. Cohn, Z. Ghahramani and M. I. Jordan, "Active learning with statistical models", JAIR 4, 1996; A. I. Schein
    and L. H. Ungar, "Active learning for logistic regression: an evaluation", Machine Learning 68, 2007.

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> proba = np.array([[0.5, 0.5], [0.6, 0.4], [1.0, 0.0]])
    >>> variance_reduction(1, np.random.default_rng(0), proba, embedding, np.empty((0, 2)), np.empty((0, 2)))
    array([0])
    """
    _check("variance_reduction", strength)
    n = int(proba.shape[0])
    ranks = tie_ranks(n, rng)
    rows = BiasedRows(embedding, labeled_embedding)
    slopes = np.empty(n)
    curved = np.empty(n)
    for part in row_blocks(n, 40 * int(proba.shape[1]), _BLOCK_BYTES):
        p = to_numpy(floating(proba[part, :], double=True))
        # ‖diag p − p pᵀ‖² = Σ_c p_c² (1 − p_c)² + Σ_{c ≠ c'} p_c² p_c'²
        squares = p * p
        others = np.maximum(squares.sum(axis=1, keepdims=True) - squares, 0)
        slopes[part] = (squares * ((1 - p) ** 2 + others)).sum(axis=1)
        curved[part] = curvature(p)
    inverse = _posterior(rows, labeled_proba, strength)
    target = information(rows.blocks(), np.sqrt(slopes)[:, None, None], rows.width) / n
    trace = Trace(rows, np.sqrt(curved)[:, None, None], inverse, target)
    return from_numpy(fill(greedy_trace(trace, k, ranks), k, ranks), like=embedding)


def _check(name: str, strength: float, **counts: int) -> None:
    if not strength > 0:
        raise ContractError(f"{name}: strength is {strength!r}; expected a number above 0")
    for word, value in counts.items():
        if value < 1:
            raise ContractError(f"{name}: {word} is {value!r}; expected at least 1")


def _draw(n: int, count: int, rng: np.random.Generator) -> Positions:
    return np.sort(rng.choice(n, size=count, replace=False)) if count < n else np.arange(n)


def _host(proba: Array, positions: Positions) -> Floats:
    return to_numpy(floating(take(proba, positions), double=True))


def _posterior(rows: BiasedRows, labeled_proba: Array, strength: float) -> Floats:
    """(strength · I + Σ_labelled w φ φᵀ)⁻¹."""
    factors = np.sqrt(curvature(labeled_proba))[:, None, None]
    inverse = np.linalg.inv(
        information(rows.labeled_blocks(), factors, rows.width) + strength * np.eye(rows.width)
    )
    return np.asarray((inverse + inverse.T) / 2)


def _expected_loss(change: Floats, p: Floats, log_p: Floats, loss: str) -> Floats:
    """(b,) Σ_y p_y mean_u loss(softmax(log p_u + change (e_y − p))) for changes (b, t), p (b, C) and log p_u (t, C).

    Without the label's own term the sums are the same for all labels. They are kept without the largest term as
    well, so that leaving a term out never subtracts nearly equal numbers.
    """
    logs = log_p[None] - change[:, :, None] * p[:, None, :]
    top = logs.argmax(axis=2)[:, :, None]
    logs -= np.take_along_axis(logs, top, axis=2)
    terms = np.exp(logs)
    is_top = np.arange(logs.shape[2]) == top
    small = np.where(is_top, 0.0, terms)
    lifted = np.exp(change)[:, :, None] * terms
    if loss == "zero_one":
        rest = np.where(
            is_top, small.sum(axis=2, keepdims=True), small.sum(axis=2, keepdims=True) - small + 1
        )
        second = small.max(axis=2, keepdims=True)
        found = 1 - np.maximum(lifted, np.where(is_top, second, 1.0)) / (rest + lifted)
    else:
        rest = small.sum(axis=2, keepdims=True) - small + ~is_top
        total = rest + lifted
        small *= logs
        weighted = small.sum(axis=2, keepdims=True) - small  # the largest term has log 1 = 0
        found = np.log(total) - (weighted + lifted * (logs + change[:, :, None])) / total
    return np.asarray(np.einsum("bc,btc->b", p, np.maximum(found, 0.0)) / change.shape[1])
