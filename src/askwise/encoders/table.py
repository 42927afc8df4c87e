"""Rows of a table as numbers: numeric columns standardised, categories one column each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item
from .protocol import Base, Batches, sample

FIT_ITEMS = 50_000
MOST_DIMENSIONS = 4096


class Table(Base):
    """Standardised numbers and one-hot categories; what is missing is said so in a column of its own.

    Parameters
    ----------
    categories
        How many categories of a column get their own number, the most frequent first; the others share one.

    Notes
    -----
    Formula: (x - mean) / standard deviation for numbers, the mean where missing; 1 for the category that a row has.
    Fitted on at most 50,000 rows. A category that was not seen then counts as one of the others where there are
    any, and otherwise as none.

    Examples
    --------
    >>> rows = [{"size": 1, "colour": "red"}, {"size": 3, "colour": "blue"}, {"size": None, "colour": "red"}]
    >>> items = [Item(str(number), number, "", row) for number, row in enumerate(rows)]
    >>> encoder = Table()
    >>> encoder.fit(lambda: iter([items]), 3)
    >>> encoder.transform(items)
    array([[-1.,  0.,  1.,  0.],
           [ 1.,  0.,  0.,  1.],
           [ 0.,  1.,  1.,  0.]], dtype=float32)
    """

    name: ClassVar[str] = "table"
    kinds: ClassVar[tuple[str, ...]] = ("table",)

    def __init__(self, categories: int = 50) -> None:
        super().__init__(categories=categories)
        if categories < 1:
            raise EncoderError(f"table: categories must be at least 1, not {categories}")
        self._columns: list[Numeric | Categorical] = []

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Learn means, deviations and the most frequent categories from at most 50,000 rows."""
        rows = [item.data for item in sample(batches, n, FIT_ITEMS, seed)]
        if not rows:
            raise EncoderError("table: there is no row to fit to")
        names = list(dict.fromkeys(name for row in rows for name in row))
        self._columns = []
        for name in names:
            cells = [row.get(name) for row in rows]
            made: Numeric | Categorical
            if all(cell is None or isinstance(cell, int | float) for cell in cells) and set(cells) != {None}:
                made = Numeric(name, cells)
            else:
                made = Categorical(name, cells, self.settings["categories"])
            self._columns.append(made)
        self._dim = sum(column.width for column in self._columns)
        if not 0 < self._dim <= MOST_DIMENSIONS:
            raise EncoderError(
                f"table: {len(names)} columns would become {self._dim:,} numbers a row (at most {MOST_DIMENSIONS:,}); "
                f"leave columns out, or use table(categories={max(1, self.settings['categories'] // 5)})"
            )

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim)."""
        out = np.zeros((len(items), self.dim), dtype=np.float32)
        start = 0
        for column in self._columns:
            column.write([item.data.get(column.name) for item in items], out[:, start : start + column.width])
            start += column.width
        wrong = np.argwhere(~np.isfinite(out))
        if len(wrong):
            raise EncoderError(f"table: row {items[int(wrong[0][0])].row} holds a number that is too large")
        return out


class Numeric:
    """One column of numbers, and one that says where they are missing if some were."""

    def __init__(self, name: str, cells: list[Any]) -> None:
        self.name = name
        values = _numbers(name, cells)
        there = values[~np.isnan(values)]
        with np.errstate(over="ignore", invalid="ignore"):
            self.mean = float(there.mean())
            deviation = float(there.std())
        if not np.isfinite(deviation):
            raise EncoderError(f"table: the numbers in column {name!r} are too large to standardise")
        # rounding leaves a constant column with a tiny deviation, which must not be blown up into noise
        self.scale = deviation if deviation > 1e-9 * abs(self.mean) else 0.0
        self.flag = len(there) < len(values)
        self.width = 2 if self.flag else 1

    def write(self, cells: list[Any], out: NDArray[np.float32]) -> None:
        """Fill this column's part of the embeddings."""
        values = _numbers(self.name, cells)
        missing = np.isnan(values)
        if self.scale:
            with np.errstate(over="ignore"):
                out[:, 0] = np.where(missing, 0.0, (values - self.mean) / self.scale)
        if self.flag:
            out[:, 1] = missing


class Categorical:
    """One column for each frequent category, then the others, then the missing ones, where there are any."""

    def __init__(self, name: str, cells: list[Any], most: int) -> None:
        self.name = name
        counts = Counter(str(cell) for cell in cells if cell is not None)
        ranked = sorted(counts, key=lambda category: (-counts[category], category))
        self.place = {category: place for place, category in enumerate(ranked[:most])}
        self.width = len(self.place)
        self.others = self.missing = -1
        if len(ranked) > most:
            self.others, self.width = self.width, self.width + 1
        if sum(counts.values()) < len(cells):
            self.missing, self.width = self.width, self.width + 1

    def write(self, cells: list[Any], out: NDArray[np.float32]) -> None:
        """Fill this column's part of the embeddings."""
        places = np.fromiter(
            (self.missing if cell is None else self.place.get(str(cell), self.others) for cell in cells),
            dtype=np.intp,
            count=len(cells),
        )
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1.0


def _numbers(name: str, cells: list[Any]) -> NDArray[np.float64]:
    try:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        wrong = next(
            cell for cell in cells if not isinstance(cell, int | float | None) or abs(cell or 0) > 1e300
        )
        raise EncoderError(f"table: column {name!r} is numeric, but one row holds {wrong!r}") from error
