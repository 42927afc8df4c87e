"""Squared distances from all candidates to a few of them, by matrix products over row blocks.

Nothing here holds a copy of the embedding or an n × n array. A matrix product gives ‖x‖² + ‖c‖² − 2 x·c, which loses
digits where x and c are close to each other but far from the origin. So rows are moved to their mean where that
helps, and every distance comes with the bound `slack` on its error; a search settles what the bound leaves open by
subtracting the rows themselves in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..xp import Array, floating, from_numpy, namespace, row_blocks, squared_norms, take, to_numpy

Floats = NDArray[np.floating[Any]]
Positions = NDArray[np.int64]

_BLOCK_BYTES = 3 << 20  # rows of one matrix product
_CENTRES = 512  # columns of one matrix product
_SAMPLE = 1000  # rows that show where the data lie


class EuclideanRows:
    """The rows of `embedding` (n, d), to be measured against chosen rows and the `given` rows (m, d).

    Attributes
    ----------
    norms
        (n,) squared lengths of the moved and scaled rows, on the host, in the precision of the products.
    double
        Whether the products are made in float64.
    """

    def __init__(self, embedding: Array, given: Array | None = None, *, double: bool = False) -> None:
        self.embedding, self.given = embedding, given
        self.n, self.d = (int(size) for size in embedding.shape)
        probe = floating(take(embedding, np.unique(np.linspace(0, self.n - 1, _SAMPLE).astype(np.int64))))
        self.double = double or probe.dtype == namespace(probe).float64
        limits = np.finfo(np.float64 if self.double else np.float32)
        self.precision = limits.dtype
        self.epsilon, self._smallest = float(limits.eps), float(limits.smallest_normal) ** 0.5
        self.scale = 1.0
        self.origin = self._origin(to_numpy(floating(probe, double=True)))
        self.norms = self._measure()

    def _origin(self, probe: Floats) -> Floats | None:
        """The point to move to 0, or None where moving would gain less than the copy of every block costs."""
        largest = float(np.abs(probe).max(initial=0.0)) or 1.0
        mean = (probe / largest).mean(axis=0)
        spread = float(np.mean(np.sum((probe / largest - mean) ** 2, axis=1)))
        return (
            None if mean @ mean <= 4 * spread else (mean * largest).astype(self.precision).astype(np.float64)
        )

    def _measure(self) -> Floats:
        """Squared lengths; rows so long or short that squares leave the range of floats get a scale (a power of 2)."""
        with np.errstate(over="ignore", under="ignore"):
            norms = self._norms()
            longest = max(float(norms.max()), self._longest_given())
            if self._smallest < longest < 1 / self._smallest:
                return norms
            largest = max(
                self._largest(rows)
                for rows in (self.embedding, self.given)
                if rows is not None and rows.shape[0]
            )
        if largest == 0:
            return norms
        self.scale = float(2.0 ** -np.round(np.log2(largest)))
        return self._norms()

    def _norms(self) -> Floats:
        return np.concatenate([to_numpy(squared_norms(block)) for _, block in self.blocks()])

    def _longest_given(self) -> float:
        if self.given is None:
            return 0.0
        return max((float(np.max(squared_norms(self.moved(c)))) for c in self._given_exactly()), default=0.0)

    def _largest(self, rows: Array) -> float:
        """The largest absolute coordinate of `rows` about the origin."""
        origin = 0.0 if self.origin is None else self.origin
        return max(
            float(np.abs(to_numpy(floating(rows[part, :], double=True)) - origin).max())
            for part in row_blocks(int(rows.shape[0]), 8 * self.d, _BLOCK_BYTES)
        )

    def in_double(self) -> EuclideanRows:
        """The same rows with products in float64."""
        return EuclideanRows(self.embedding, self.given, double=True)

    def blocks(self) -> Any:
        """Pairs of a slice and its moved and scaled rows, in the precision of the products, on their device."""
        shift = None if self.origin is None else self._like(self.origin)
        for rows in row_blocks(self.n, self.precision.itemsize * self.d, _BLOCK_BYTES):
            block = floating(self.embedding[rows, :], double=self.double)
            block = block if shift is None else block - shift
            yield rows, block if self.scale == 1 else block * self.scale

    def _like(self, host: Floats) -> Array:
        return from_numpy(host.astype(self.precision), like=self.embedding)

    def exactly(self, positions: Positions) -> Floats:
        """The scaled rows at `positions`, float64, on the host: differences of equal rows are exactly 0."""
        return to_numpy(floating(take(self.embedding, positions), double=True)) * self.scale

    def _given_exactly(self) -> Any:
        if self.given is not None:
            for part in row_blocks(int(self.given.shape[0]), 8 * self.d, _BLOCK_BYTES):
                yield to_numpy(floating(self.given[part, :], double=True)) * self.scale

    def moved(self, exact: Floats) -> Floats:
        """`exact` rows about the origin that the products use."""
        return exact if self.origin is None else exact - self.origin * self.scale

    def mean(self) -> Floats:
        """The mean row, in the coordinates of `exactly`."""
        total = np.zeros(self.d)
        for _, block in self.blocks():
            total += to_numpy(namespace(block).sum(floating(block, double=True), axis=0))
        return total / self.n + (0.0 if self.origin is None else self.origin * self.scale)

    def slack(self, distances: Floats) -> Floats:
        """Bound on the error of `distances` (n,) from their rows to the nearest of some centres."""
        return np.asarray(
            8 * np.sqrt(self.d + 16.0) * self.epsilon * (self.norms + distances), self.precision
        )

    def to_given(self) -> Floats:
        """(n,) distances to the nearest given row; infinite without any."""
        nearest = np.full(self.n, np.inf, self.precision)
        for centres in self._given_exactly():
            self.shrink(nearest, centres)
        return nearest

    def shrink(self, nearest: Floats, centres: Floats) -> None:
        """Lower `nearest` (n,), in place, to the distance to the nearest of `centres` (as from `exactly`)."""
        moved = self.moved(centres)
        parts = [
            (self._like(moved[part]), self._like(squared_norms(moved[part])[:, None] / 2))
            for part in row_blocks(len(moved), 1, _CENTRES)
        ]
        for rows, block in self.blocks():
            xp = namespace(block)
            for part, half_norms in parts:
                product = part @ block.T
                product -= half_norms
                closest = to_numpy(xp.max(product, axis=0))
                found = np.maximum(self.norms[rows] - 2 * closest, 0)
                np.minimum(nearest[rows], found, out=nearest[rows])

    def nearest_exactly(self, positions: Positions, picks: Positions) -> Floats:
        """Distances from `positions` to the nearest given row or pick, by differences in float64."""
        rows = self.exactly(positions)
        nearest = np.full(len(rows), np.inf)
        for centres in (*self._given_exactly(), self.exactly(picks)):
            if len(centres):
                moved = self.moved(centres)
                closest = (squared_norms(moved)[:, None] / 2 - moved @ self.moved(rows).T).argmin(axis=0)
                np.minimum(nearest, np.sum((rows - centres[closest]) ** 2, axis=1), out=nearest)
        return nearest
