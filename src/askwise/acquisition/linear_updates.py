"""What one more label does to a linear head, in closed form: no refit.

The head sees rows [h, 1]. Its information about candidate x is V Vᵀ with V = F ⊗ [h, 1] and a small factor F (C, r):
C = r = 1 where one curvature stands for all classes. M is the information of what is labelled plus the ridge.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..xp import Array, floating, from_numpy, namespace, row_blocks, squared_norms, take, to_numpy, zeros
from .distances import Floats, Positions

_BLOCK_BYTES = 4 << 20
_EQUAL = 1e-9  # gains that differ by less, relatively, count as equal: copies tie whatever the last bits


class BiasedRows:
    """Rows [h, 1] in float64, made block by block; one factor gives h a mean squared length of 1.

    The factor is that of the candidates and the labelled items together, so that the ridge means the same for
    pixels in 0..255 and for unit vectors.
    """

    def __init__(self, embedding: Array, given: Array) -> None:
        self._embedding, self._given = embedding, given
        self.n, self.m = int(embedding.shape[0]), int(given.shape[0])
        self.width = int(embedding.shape[1]) + 1
        total = sum(
            float(to_numpy(squared_norms(part)).sum())
            for rows in (embedding, given)
            for _, part in _double(rows)
        )
        self._scale = 1 / (float(np.sqrt(total / (self.n + self.m))) or 1.0)

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Slices of the candidates and their rows (b, d + 1), on their device."""
        for part, block in _double(self._embedding):
            yield part, self._with_bias(block)

    def labeled_blocks(self) -> Iterator[tuple[slice, Array]]:
        """Slices of the labelled items and their rows."""
        for part, block in _double(self._given):
            yield part, self._with_bias(block)

    def at(self, positions: Positions) -> Floats:
        """Rows of the candidates at `positions`, on the host."""
        rows = to_numpy(floating(take(self._embedding, positions), double=True)) * self._scale
        return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)

    def _with_bias(self, block: Array) -> Array:
        ones = zeros((int(block.shape[0]), 1), like=block) + 1
        return namespace(block).concat([block * self._scale, ones], axis=1)


class FewRows(BiasedRows):
    """Some rows that are made already, on the host."""

    def __init__(self, rows: Floats) -> None:
        self._rows = rows
        self.n, self.width = rows.shape

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """All of them at once."""
        yield slice(0, self.n), self._rows

    def at(self, positions: Positions) -> Floats:
        """Those at `positions`."""
        return np.asarray(self._rows[positions])


def _double(rows: Array) -> Iterator[tuple[slice, Array]]:
    for part in row_blocks(int(rows.shape[0]), 24 * int(rows.shape[1]), _BLOCK_BYTES):
        yield part, floating(rows[part, :], double=True)


def curvature(proba: Array) -> Floats:
    """max_c p_c (1 − p_c) of each row of `proba` (n, C), (n,), float64, on the host.

    Examples
    --------
    >>> curvature(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([0.25, 0.  ])
    """
    p = to_numpy(floating(proba, double=True))
    return np.maximum((p * (1 - p)).max(axis=1), 0.0) if len(p) else np.empty(0)


def information(blocks: Iterator[tuple[slice, Array]], factors: Floats, width: int) -> Floats:
    """Σ_x (F_x F_xᵀ) ⊗ (x xᵀ) over the rows of `blocks`, (C · width, C · width), for factors (n, C, r).

    Examples
    --------
    >>> rows = np.array([[1.0, 2.0]])
    >>> information(iter([(slice(0, 1), rows)]), np.full((1, 1, 1), 3.0), 2)
    array([[ 9., 18.],
           [18., 36.]])
    """
    C = factors.shape[1]
    total = np.zeros((C, width, C, width))
    for part, block in blocks:
        weights = np.einsum("bcr,bkr->bck", factors[part], factors[part])
        for c in range(C):
            for other in range(c, C):
                weighted = block * from_numpy(weights[:, c, other], like=block)[:, None]
                total[c, :, other, :] += to_numpy(weighted.T @ block)
    for c in range(C):
        for other in range(c):
            total[c, :, other, :] = total[other, :, c, :].T
    return total.reshape(C * width, C * width)


class Trace:
    """tr(M⁻¹ A), and by how much each candidate would lower it, kept while candidates are added and removed.

    With Q = Vᵀ M⁻¹ V and R = Vᵀ M⁻¹ A M⁻¹ V, adding V lowers the trace by tr((I + Q)⁻¹ R), and removing it raises
    the trace by tr((I − Q)⁻¹ R) (Woodbury). Q and R of all candidates follow each change by one product.
    """

    def __init__(self, rows: BiasedRows, factors: Floats, inverse: Floats, target: Floats) -> None:
        self._rows, self._factors, self._target = rows, factors, target
        self.inverse = inverse.copy()
        middle = inverse @ target @ inverse
        self._q, self._r = self._quadratic(self.inverse), self._quadratic(middle)

    def gains(self) -> Floats:
        """(n,) by how much adding each would lower the trace."""
        return self._traces(1.0)

    def losses(self) -> Floats:
        """(n,) by how much removing each would raise it."""
        return self._traces(-1.0)

    def add(self, position: int) -> None:
        """Add one candidate to M."""
        self._change(position, 1.0)

    def remove(self, position: int) -> None:
        """Take one that was added out of M."""
        self._change(position, -1.0)

    def _traces(self, sign: float) -> Floats:
        r = self._q.shape[1]
        if r == 1:
            found = self._r[:, 0, 0] / (1 + sign * self._q[:, 0, 0])
        else:
            found = np.trace(np.linalg.solve(np.eye(r) + sign * self._q, self._r), axis1=1, axis2=2)
        return np.maximum(found, 0.0)

    def _quadratic(self, matrix: Floats) -> Floats:
        n, C, r = self._factors.shape
        width = self._rows.width
        table = matrix.reshape(C, width, C * width)
        found = np.empty((n, r, r))
        for part, block in self._rows.blocks():
            host = to_numpy(block)
            inner = np.empty((len(host), C, C))
            for c in range(C):
                moved = to_numpy(block @ from_numpy(table[c], like=block)).reshape(len(host), C, width)
                inner[:, c] = np.einsum("bke,be->bk", moved, host)
            F = self._factors[part]
            found[part] = np.matmul(np.matmul(F.transpose(0, 2, 1), inner), F)
        return found

    def _change(self, position: int, sign: float) -> None:
        _, C, r = self._factors.shape
        width = self._rows.width
        V = np.einsum("cr,d->cdr", self._factors[position], self._rows.at(np.array([position]))[0])
        V = V.reshape(C * width, r)
        U = self.inverse @ V
        middle = np.linalg.inv(np.eye(r) + sign * (V.T @ U))
        moved = self._target @ U
        both = np.concatenate([U, self.inverse @ moved], axis=1)
        table = both.reshape(C, width, 2 * r).transpose(1, 0, 2).reshape(width, C * 2 * r)
        centre = middle @ (U.T @ moved) @ middle
        for part, block in self._rows.blocks():
            seen = to_numpy(block @ from_numpy(table, like=block)).reshape(-1, C, 2 * r)
            seen = np.matmul(self._factors[part].transpose(0, 2, 1), seen)
            S, T = seen[:, :, :r], seen[:, :, r:]
            Sk = np.matmul(S, middle)
            cross = np.matmul(Sk, T.transpose(0, 2, 1))
            self._q[part] -= sign * np.matmul(Sk, S.transpose(0, 2, 1))
            self._r[part] -= sign * (cross + cross.transpose(0, 2, 1))
            self._r[part] += np.matmul(np.matmul(S, centre), S.transpose(0, 2, 1))
        self.inverse -= sign * (U @ middle @ U.T)


def greedy_trace(trace: Trace, k: int, ranks: Positions) -> Positions:
    """Up to `k` positions, each lowering the trace most; fewer where nothing lowers it any more."""
    picks: list[int] = []
    taken = np.zeros(len(ranks), dtype=bool)
    while len(picks) < k:
        gains = np.where(taken, 0.0, trace.gains())
        if gains.max() <= 0:
            break
        tied = np.flatnonzero(gains >= gains.max() * (1 - _EQUAL))
        pick = int(tied[ranks[tied].argmin()])
        trace.add(pick)
        picks.append(pick)
        taken[pick] = True
    return np.array(picks, dtype=np.int64)


def prune_trace(trace: Trace, k: int, ranks: Positions) -> Positions:
    """The `k` of the added candidates that are left when those whose removal raises the trace least are removed."""
    kept = np.ones(len(ranks), dtype=bool)
    while kept.sum() > k:
        losses = np.where(kept, trace.losses(), np.inf)
        tied = np.flatnonzero(losses <= losses.min() * (1 + _EQUAL))
        worst = int(tied[ranks[tied].argmax()])
        trace.remove(worst)
        kept[worst] = False
    return np.flatnonzero(kept)
