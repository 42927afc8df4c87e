"""Batches that make a linear head sure of the whole pool, by Fisher information."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, floating, from_numpy, largest_two, tie_ranks, to_numpy
from .distances import Floats, Positions
from .linear_updates import BiasedRows, FewRows, Trace, greedy_trace, information, prune_trace

_LARGEST = 1000  # rows of the Fisher matrix of the exact form


def bait(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    labeled_proba: Array,
    form: Literal["binary", "exact"] = "binary",
    strength: float = 0.01,
    oversampling: float = 2.0,
) -> Array:
    """Pick the `k` candidates whose labels would make the last layer most certain about the whole pool.

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
    form
        "binary" takes the largest probability p̂ against the rest, so that a candidate has rank one (Fast-BAIT);
        "exact" takes all classes, for C · (d + 1) of at most 1,000.
    strength
        Ridge λ of the head, in the scale described above.
    oversampling
        The greedy search picks this many times k, and then takes out again what is missed least; 1 for none.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If an option is out of range, or the exact form would need too large a matrix.

    Notes
    -----
    Formula: minimise tr[(λ I + Σ_{x ∈ labelled ∪ picked} I(x))⁻¹ Σ_{x ∈ pool} I(x)], forward greedy, then backward;
    I(x) = (diag p − p pᵀ) ⊗ h hᵀ (exact) or p̂ (1 − p̂) h hᵀ (binary), h standing for [h, 1]. Inverses are never made
    again: each pick changes what is kept about every candidate by one product (Woodbury). The objective is not
    submodular, so that every pick looks at all candidates. All in float64.

    Cost: binary O(n d²) once and O(n d + d²) a pick, O(n + d²) memory; exact O(n C² d²) once and O(n C² (d + C) +
    C³ d²) a pick, O(n C² + C² d²) memory.

    Use when the learner ends in a linear layer on this embedding: uncertain and representative at once.
    Avoid when the probabilities are those of a learner that knows nothing yet, or k times n is very large.

    References
    ----------
    J. T. Ash, S. Goel, A. Krishnamurthy and S. Kakade, "Gone fishing: neural active learning with Fisher embeddings",
    NeurIPS 2021; D. Huseljic, P. Hahn, M. Herde, L. Rauch and B. Sick, "Fast Fishing: approximating BAIT for efficient
    and scalable deep active image classification", 2024.

    Examples
    --------
    >>> embedding = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> proba = np.array([[0.5, 0.5], [0.6, 0.4], [1.0, 0.0]])
    >>> bait(1, np.random.default_rng(0), proba, embedding, np.empty((0, 2)), np.empty((0, 2)))
    array([0])
    """
    if form not in ("binary", "exact"):
        raise ContractError(f'bait: form is {form!r}; choose "binary" or "exact"')
    _check("bait", strength, oversampling)
    n, C = (int(size) for size in proba.shape)
    rows = BiasedRows(embedding, labeled_embedding)
    if form == "exact" and C * rows.width > _LARGEST:
        raise ContractError(
            f'bait: form "exact" needs C (d + 1) of at most {_LARGEST:,}, here it is {C * rows.width:,}: take '
            f'form="binary", or an embedding of fewer dimensions'
        )
    factors = (_factors(proba, form), _factors(labeled_proba, form))
    picks = _search(k, tie_ranks(n, rng), rows, factors, strength, oversampling)
    return from_numpy(picks, like=embedding)


def bait_regression(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    strength: float = 0.01,
    oversampling: float = 2.0,
) -> Array:
    """Pick the `k` candidates whose answers would make a linear regression most certain about the whole pool.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties.
    embedding
        (n, d) what the last layer sees; may be a memory map. One factor brings candidates and labelled items to a
        mean squared length of 1, and a constant 1 carries the bias.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    strength
        Ridge λ of the regression, in the scale described above.
    oversampling
        The greedy search picks this many times k, and then takes out again what is missed least; 1 for none.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Raises
    ------
    ContractError
        If an option is out of range.

    Notes
    -----
    Formula: minimise tr[(λ I + Σ_{x ∈ labelled ∪ picked} h hᵀ)⁻¹ Σ_{x ∈ pool} h hᵀ], h standing for [h, 1], forward
    greedy, then backward: the mean variance of the predictions. No answer plays a part, so that a whole design can
    be planned at once. Each pick changes what is kept about every candidate by one product (Woodbury), in float64.

    Cost: O(n d²) once and O(n d + d²) a pick, O(n + d²) memory beyond the inputs.

    Use when a linear regression on this embedding predicts well, and the mean error over the pool counts.
    Avoid when the noise differs from place to place or the embedding is far from linear: lcmd asks no model.

    References
    ----------
    J. T. Ash, S. Goel, A. Krishnamurthy and S. Kakade, "Gone fishing: neural active learning with Fisher embeddings",
    NeurIPS 2021.

    Examples
    --------
    >>> embedding = np.array([[-1.0], [0.0], [0.1], [1.0]])
    >>> sorted(bait_regression(2, np.random.default_rng(0), embedding, np.empty((0, 1))).tolist())
    [0, 3]
    """
    _check("bait_regression", strength, oversampling)
    rows = BiasedRows(embedding, labeled_embedding)
    factors = (np.ones((rows.n, 1, 1)), np.ones((rows.m, 1, 1)))
    picks = _search(k, tie_ranks(rows.n, rng), rows, factors, strength, oversampling)
    return from_numpy(picks, like=embedding)


def _check(name: str, strength: float, oversampling: float) -> None:
    if not strength > 0:
        raise ContractError(f"{name}: strength is {strength!r}; expected a number above 0")
    if not 1 <= oversampling < np.inf:
        raise ContractError(f"{name}: oversampling is {oversampling!r}; expected a number of at least 1")


def _search(
    k: int,
    ranks: Positions,
    rows: BiasedRows,
    factors: tuple[Floats, Floats],
    strength: float,
    oversampling: float,
) -> Positions:
    """`k` positions by forward and backward greedy search, for the factors of candidates and labelled items."""
    labeled = information(rows.labeled_blocks(), factors[1], rows.width)
    target = (labeled + information(rows.blocks(), factors[0], rows.width)) / (rows.n + rows.m)
    inverse = np.linalg.inv(labeled + strength * np.eye(len(labeled)))
    trace = Trace(rows, factors[0], (inverse + inverse.T) / 2, target)
    picks = greedy_trace(trace, min(rows.n, int(np.ceil(oversampling * k))), ranks)
    if len(picks) > k:
        chosen = Trace(FewRows(rows.at(picks)), factors[0][picks], trace.inverse, target)
        picks = picks[prune_trace(chosen, k, ranks[picks])]
    return fill(picks, k, ranks)


def _factors(proba: Array, form: str) -> Floats:
    """F (n, C, r) with F Fᵀ the curvature of the loss in the logits; (n, 1, 1) for the binary form."""
    if not int(proba.shape[0]):
        size = 1 if form == "binary" else int(proba.shape[1])
        return np.empty((0, size, size))
    if form == "binary":
        largest = np.clip(to_numpy(largest_two(floating(proba, double=True))[0]), 0, 1)
        return np.asarray(np.sqrt(largest * (1 - largest))[:, None, None])
    p = np.maximum(to_numpy(floating(proba, double=True)), 0)
    p = p / p.sum(axis=1, keepdims=True)
    return np.asarray((np.eye(p.shape[1]) - p[:, :, None]) * np.sqrt(p)[:, None, :])
