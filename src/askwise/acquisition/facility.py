"""Weighted facility location: how much each candidate would add to the coverage of some targets."""

from __future__ import annotations

import numpy as np

from ..xp import (
    Array,
    floating,
    from_numpy,
    namespace,
    row_blocks,
    squared_norms,
    surpluses,
    take,
    to_numpy,
    zeros,
)
from .distances import Floats, Positions

_HELD_BYTES = 512 << 20  # a kernel up to this size is kept
_TILE = 512, 2048  # candidates and targets of one matrix product
_ROWS_BYTES = 4 << 20
_NEIGHBOUR = 20
_SAMPLE = 2_000
_TOLERATED = 1e-3  # error of a float32 kernel value from which on float64 is worth its price
_SMALL = 2**30  # multiplications that float64 makes soon enough


class FacilityLocation:
    """Gains of Σ_t U_t · max_s exp(−‖t − s‖² / σ²) for candidates s, on rows of length 1.

    Parameters
    ----------
    candidates
        (c, d) rows that can be accepted.
    targets
        (t, d) rows to cover.
    weights
        (t,) positive weights U of the targets.
    bandwidth
        σ².

    Attributes
    ----------
    rounding
        Relative error of the gains.

    Notes
    -----
    A copy of an accepted row can seem to add something, by the rounding of its kernel values. So a target counts as
    better covered only from a gain beyond that rounding on. Gains still can only shrink.
    """

    def __init__(self, candidates: Array, targets: Array, weights: Floats, bandwidth: float) -> None:
        digits = 2 * np.sqrt(candidates.shape[1] + 16.0) / bandwidth  # lost in a kernel value
        small = candidates.shape[0] * targets.shape[0] * targets.shape[1] <= _SMALL
        double = small or digits * np.finfo(np.float32).eps > _TOLERATED
        self._candidates = unit_rows(candidates, double=double)
        self._targets = unit_rows(targets, double=self._candidates.dtype == namespace(candidates).float64)
        self._bandwidth = bandwidth
        epsilon = float(namespace(targets).finfo(self._targets.dtype).eps)
        self.rounding = 8 * epsilon
        # U · exp(−z) = exp(log U − z): the weights, and what does not depend on s, are one row that is added.
        lengths = to_numpy(squared_norms(self._targets)).astype(np.float64)
        self._offsets = self._like(np.log(weights) - lengths / bandwidth)
        self._least_gains = self._like(weights * min(digits * epsilon, _TOLERATED))
        self._covered = self._like(np.zeros(len(weights)))
        self._kernel = self._hold()

    def _like(self, host: Floats) -> Array:
        values = from_numpy(host, like=self._targets)
        return namespace(values).astype(values, self._targets.dtype)

    def _hold(self) -> Array | None:
        """The whole kernel (c, t) if it is small, made in blocks of candidates."""
        c, t = int(self._candidates.shape[0]), int(self._targets.shape[0])
        if c * t * self._item_bytes > _HELD_BYTES:
            return None
        kernel = zeros((c, t), like=self._targets)
        for rows in row_blocks(c, 1, _TILE[0]):
            for columns in row_blocks(t, 1, _TILE[1]):
                kernel[rows, columns] = self._weighted(self._candidates[rows, :], columns)
        return kernel

    @property
    def _item_bytes(self) -> int:
        return 8 if self._targets.dtype == namespace(self._targets).float64 else 4

    def _weighted(self, rows: Array, columns: slice) -> Array:
        """U_t · exp(−‖t − s‖² / σ²) for each row s of `rows` (b, d) and the targets t in `columns`."""
        xp = namespace(rows)
        exponents = (rows * (2 / self._bandwidth)) @ self._targets[columns, :].T
        exponents += self._offsets[columns]
        exponents -= (squared_norms(rows) / self._bandwidth)[:, None]
        return xp.exp(exponents)

    def cover(self, labeled: Array) -> None:
        """Count what the rows of `labeled` (m, d) cover already."""
        for part in row_blocks(int(labeled.shape[0]), 1, _TILE[0]):
            self._cover_by(unit_rows(labeled[part, :], double=self._item_bytes == 8))

    def _cover_by(self, rows: Array) -> None:
        xp = namespace(rows)
        for columns in row_blocks(int(self._targets.shape[0]), 1, _TILE[1]):
            coverage = xp.max(self._weighted(rows, columns), axis=0)
            self._covered[columns] = xp.maximum(self._covered[columns], coverage)

    def evaluate(self, positions: Positions) -> Floats:
        """Gains of the candidates at `positions`."""
        thresholds = self._covered + self._least_gains
        if self._kernel is not None:
            size = int(self._targets.shape[0]) * self._item_bytes
            parts = [positions[part] for part in row_blocks(len(positions), size, _ROWS_BYTES)]
            return np.concatenate(
                [to_numpy(surpluses(take(self._kernel, part), thresholds)) for part in parts]
            )
        gains = np.zeros(len(positions))
        for part in row_blocks(len(positions), 1, _TILE[0]):
            rows = take(self._candidates, positions[part])
            for columns in row_blocks(int(self._targets.shape[0]), 1, _TILE[1]):
                gains[part] += to_numpy(surpluses(self._weighted(rows, columns), thresholds[columns]))
        return gains

    def accept(self, position: int) -> None:
        """Count what the candidate at `position` covers."""
        if self._kernel is None:
            self._cover_by(self._candidates[position : position + 1, :])
        else:
            self._covered = namespace(self._covered).maximum(self._covered, self._kernel[position, :])


def unit_rows(rows: Array, *, double: bool) -> Array:
    """`rows` (n, d) at length 1; rows of zeros stay as they are."""
    rows = floating(rows, double=double)
    xp = namespace(rows)
    # First by the largest coordinate, since squares of very small or very large ones leave the range of floats.
    largest = xp.max(xp.abs(rows), axis=-1)[:, None]
    rows = rows / xp.where(largest > 0, largest, xp.ones_like(largest))
    lengths = xp.sqrt(squared_norms(rows))[:, None]
    return rows / xp.where(lengths > 0, lengths, xp.ones_like(lengths))


def kernel_width(embedding: Array, rng: np.random.Generator) -> float:
    """Twice the median squared distance to the 20th neighbour, in a sample of `embedding` at length 1.

    Copies say nothing about the width, so neighbours at distance 0 are left out; 1 where there are no others.
    """
    n = int(embedding.shape[0])
    sample = np.sort(rng.choice(n, size=_SAMPLE, replace=False)) if n > _SAMPLE else np.arange(n)
    rows = to_numpy(unit_rows(take(embedding, sample), double=True))
    lengths = squared_norms(rows)
    distances = lengths[:, None] + lengths[None, :] - 2 * rows @ rows.T
    last = min(_NEIGHBOUR, len(rows) - 1)
    neighbours = np.partition(distances, last, axis=1)[:, last]
    apart = neighbours[neighbours > 1e-12]
    if not len(apart):
        apart = distances[distances > 1e-12]
    return 2 * float(np.median(apart)) if len(apart) else 1.0
