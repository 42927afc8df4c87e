"""How strong the ridge should be, from the labelled rows alone, as a pure function of the rows in their order.

A live loop refits after every batch, and a project that was closed and opened again must get the same model. So the
strength is tuned on the first m rows, where m doubles (20, 40, 80 ...): it costs nothing most of the time, and it
depends on nothing but the rows.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from . import calibration, laplace
from .ridge import Floats, Frame, Ints, solve

FIRST = 20
GRID: tuple[float, ...] = tuple(float(value) for value in 10.0 ** np.arange(1, -3.1, -0.5))
"""From strong to weak; features have a mean squared norm of 1 (see `Frame`)."""
USUAL = 0.01
"""The strength below 20 labels."""
ROUGH = 1e-3
"""Gradient at which a cross-validation fit stops: its loss is then exact to far more digits than its noise."""
PATIENCE = 2
"""Weaker strengths that are tried after the best before the search ends."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What cross-validation found.

    Attributes
    ----------
    strength
        Of the ridge.
    temperature
        Of the probabilities.
    draw_temperature, spread
        Of the posterior draws (see `calibration.posterior`).
    """

    strength: float
    temperature: float = 1.0
    draw_temperature: float = 1.0
    spread: float = calibration.USUAL_SPREAD


def schedule(n: int) -> int:
    """The number of first rows that tuning sees: the largest of 20, 40, 80 ... up to n, else 0.

    >>> [schedule(n) for n in (19, 20, 39, 40, 150, 2000)]
    [0, 20, 20, 40, 80, 1280]
    """
    return 0 if n < FIRST else FIRST * 2 ** ((n // FIRST).bit_length() - 1)


def stratify(y: Ints, folds: int) -> Ints:
    """The fold of each row; -1 for the only row of its class, which is always learned from and never scored.

    Each class is dealt out in turn, so a class with two rows or more is in every training part.

    >>> stratify(np.array([0, 0, 1, 0, 1, 2]), 3).tolist()
    [0, 1, 0, 2, 1, -1]
    """
    fold = np.full(len(y), -1, dtype=np.int64)
    dealt = 0
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if len(rows) > 1:
            fold[rows] = (dealt + np.arange(len(rows))) % folds
            dealt += len(rows)
    return fold


def tune(X: Floats, y: Ints, C: int, weight: Floats, grid: Sequence[float], folds: int) -> Tuned:
    """Choose the strength with the least out-of-fold log loss (ties: the stronger), and calibrate.

    The loss is taken after the temperature: else a ridge would be preferred for its confidence, which the temperature
    repairs, and not for what it gets right. A content-keyed memory makes the second call with the same rows free; it
    cannot change what is returned.
    """
    key = _fingerprint(X, y, C, weight, grid, folds)
    with _LOCK:
        if key in _MEMORY:
            _MEMORY.move_to_end(key)
            return _MEMORY[key]
    tuned = _search(X, y, C, weight, grid, folds)
    with _LOCK:
        _MEMORY[key] = tuned
        while len(_MEMORY) > MEMORY:
            _MEMORY.popitem(last=False)
    return tuned


MEMORY = 256
_MEMORY: OrderedDict[bytes, Tuned] = OrderedDict()
_LOCK = Lock()


def _fingerprint(X: Floats, y: Ints, C: int, weight: Floats, grid: Sequence[float], folds: int) -> bytes:
    digest = hashlib.blake2b(repr((X.shape, C, tuple(grid), folds)).encode(), digest_size=16)
    for part in (X, y, weight):
        digest.update(np.ascontiguousarray(part).data)
    return digest.digest()


@dataclass(slots=True)
class _Fold:
    """One training part, the rows it is scored on, and the latest solution as the start of the next."""

    train: NDArray[np.bool_]
    scored: Ints
    weights: Floats | None = None


def _search(X: Floats, y: Ints, C: int, weight: Floats, grid: Sequence[float], folds: int) -> Tuned:
    fold = stratify(y, folds)
    scored = np.flatnonzero(fold >= 0)
    if C < 2 or len(scored) < FIRST // 2 or not weight[scored].sum() > 0:
        return Tuned(usual(grid))
    Z = Frame.of(X).apply(X)
    parts = [_Fold(fold != number, np.flatnonzero(fold == number)) for number in np.unique(fold[scored])]
    best: tuple[float, float, float, Floats] | None = None
    worse = 0
    for strength in sorted(grid, reverse=True):
        logits = _out_of_fold(Z, y, C, weight, strength, parts)[scored]
        T = calibration.temperature(logits, y[scored], weight[scored])
        loss = calibration.log_loss(logits / T, y[scored], weight[scored])
        if best is None or loss < best[0]:
            best, worse = (loss, strength, T, logits), 0
        else:
            worse += 1
            if worse == PATIENCE:
                break
    assert best is not None, "the grid of strengths is empty"
    _, strength, T, logits = best
    variance = _variance(Z, y, C, weight, strength, parts)[scored]
    return Tuned(strength, T, *calibration.posterior(logits, variance, y[scored], weight[scored]))


def usual(grid: Sequence[float]) -> float:
    """The strength of the grid that is nearest to the usual one."""
    return min(grid, key=lambda strength: abs(float(np.log(strength / USUAL))))


def _out_of_fold(Z: Floats, y: Ints, C: int, weight: Floats, strength: float, parts: list[_Fold]) -> Floats:
    logits = np.zeros((len(Z), C))
    for part in parts:
        train = part.train
        part.weights = solve(
            Z[train], y[train], C, strength, weight[train], start=part.weights, tolerance=ROUGH
        )
        logits[part.scored] = Z[part.scored] @ part.weights
    return logits


def _variance(Z: Floats, y: Ints, C: int, weight: Floats, strength: float, parts: list[_Fold]) -> Floats:
    """The variance of each row's logits under the posterior of the model that was not fitted on it."""
    variance = np.zeros(len(Z))
    for part in parts:
        train = part.train
        W = solve(Z[train], y[train], C, strength, weight[train], start=part.weights, tolerance=ROUGH)
        factor = laplace.shared_factor(Z[train], calibration.softmax(Z[train] @ W), weight[train], strength)
        variance[part.scored] = np.sum((Z[part.scored] @ factor) ** 2, axis=1)
    return variance
