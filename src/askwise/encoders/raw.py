"""Numbers as they are: for arrays that are embeddings already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .protocol import Base, Batches


class Raw(Base):
    """The rows of an array, or of a table in which every column is numeric, as float32 and otherwise unchanged.

    Arrays are read from their file (memory-mapped) and compared with the hashes of the items, so that a file that
    changed under a project is noticed.

    Examples
    --------
    >>> items = [Item("a", 0, "", {"x": 1, "y": 2.5})]
    >>> encoder = Raw()
    >>> encoder.fit(lambda: iter([items]), 1)
    >>> encoder.transform(items)
    array([[1. , 2.5]], dtype=float32)
    """

    name: ClassVar[str] = "raw"
    kinds: ClassVar[tuple[str, ...]] = ("array", "table")

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[str] = []

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Look at the first items: which columns there are, or how many numbers a row has."""
        first = next((batch for batch in batches() if len(batch)), None)
        if first is None:
            raise EncoderError("raw: there is no item to fit to")
        self._columns = list(first[0].data)
        self._dim = self.transform(first[:1]).shape[1]

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim)."""
        if not items:
            return np.empty((0, self.dim), dtype=np.float32)
        out = self._from_columns(items) if self._columns else self._contents().numbers(items)
        wrong = np.argwhere(~np.isfinite(out))
        if len(wrong):
            row = items[int(wrong[0][0])].row
            raise EncoderError(f"raw: column {wrong[0][1]} of row {row} is not a finite float32 number")
        return out

    def _from_columns(self, items: Sequence[Item]) -> NDArray[np.float32]:
        try:
            rows = [[float(item.data[name]) for name in self._columns] for item in items]
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            for item in items:
                for name in self._columns:
                    cell = item.data.get(name)
                    if not isinstance(cell, int | float):
                        what = "has no value" if cell is None else f"holds {cell!r}"
                        raise EncoderError(
                            f"raw: row {item.row} {what} in column {name!r}, and raw takes numbers only; "
                            "the encoder 'table' handles missing values and categories"
                        ) from error
            raise EncoderError(f"raw: not numbers: {error}") from error
        with np.errstate(over="ignore"):
            return np.array(rows, dtype=np.float64).astype(np.float32)
