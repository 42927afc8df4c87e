"""Rows of the pool: which stand for themselves, which are set aside, and what their ids are.

At a million items ids are strings that nobody wants in memory; the index works on rows and asks the storage for the
ids of the few items that matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..storage import Storage
from .audit import draw_order


class PoolIndex:
    """Maps ids to rows and knows the audit set."""

    def __init__(self, storage: Storage, *, reserve: int, seed: int) -> None:
        self._storage = storage
        counts = storage.count()
        self.n = counts.items
        self.copies = storage.duplicates()
        stands_for_itself = np.ones(self.n, dtype=bool)
        stands_for_itself[self.copies[:, 0]] = False
        self.audit_rows = draw_order(np.flatnonzero(stands_for_itself), reserve, seed)
        self.audit = storage.ids(self.audit_rows.tolist())
        self._audit_set = frozenset(self.audit)
        self._choosable = stands_for_itself
        self._choosable[self.audit_rows] = False
        self._rows: dict[str, int] = {}

    @property
    def distinct(self) -> int:
        """Items less copies."""
        return self.n - len(self.copies)

    def is_audit(self, item: str) -> bool:
        """Whether the item is set aside for measuring."""
        return item in self._audit_set

    def rows(self, items: Iterable[str]) -> NDArray[np.int64]:
        """The rows of items known to be in the pool."""
        items = list(items)
        missing = [item for item in items if item not in self._rows]
        if missing:
            self._rows |= {id: found.row for id, found in self._storage.find(missing).items()}
        return np.array([self._rows[item] for item in items], dtype=np.int64)

    def candidates(self, taken: Iterable[str]) -> NDArray[np.int64]:
        """The rows that may be chosen, in row order, without those of `taken`."""
        free = self._choosable.copy()
        free[self.rows(taken)] = False
        return np.flatnonzero(free)

    def ids(self, rows: Sequence[int] | NDArray[np.int64]) -> list[str]:
        """The ids of rows."""
        return self._storage.ids([int(row) for row in rows])
