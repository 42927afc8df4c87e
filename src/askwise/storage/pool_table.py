"""The items table: written once, grouped by content, read by row or by id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Index, Row, Select, and_, func, insert, select, update

from ..errors import StorageError
from ..records import Item
from .base import Counts, Located
from .life import dump
from .parts import parts
from .schema import Tables

COLUMNS = ("row", "id", "hash", "data", "label", "group")


def as_rows(items: Iterable[Item]) -> list[tuple[Any, ...]]:
    """The items as rows of the table, in the order of COLUMNS."""
    return [
        (
            int(item.row),
            item.id,
            item.hash,
            dump(item.data, f"item {item.id!r}"),
            item.label,
            item.group,
        )
        for item in items
    ]


def add(connection: Connection, tables: Tables, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows that are known to be new."""
    names = [tables.items.c[name].name for name in COLUMNS]
    connection.execute(insert(tables.items), [dict(zip(names, row, strict=True)) for row in rows])


def refuse_repeated(connection: Connection, tables: Tables, rows: Sequence[tuple[Any, ...]]) -> None:
    """Name the first row number or id that is given twice, or that the pool has already."""
    for position, name in ((0, "row"), (1, "id")):
        column = tables.items.c[name]
        seen: set[Any] = set()
        for part in parts(rows):
            values = [row[position] for row in part]
            seen.update(connection.scalars(select(column).where(column.in_(values))))
        for row in rows:
            if row[position] in seen:
                raise StorageError(
                    f"item {row[1]!r}: its {name} {row[position]!r} occurs twice; every item needs its own"
                )
            seen.add(row[position])


def group_duplicates(connection: Connection, tables: Tables) -> int:
    """Point every repetition to the first item with the same hash."""
    items = tables.items
    repeated = (
        select(items.c.hash, func.min(items.c.row).label("first"))
        .group_by(items.c.hash)
        .having(func.count() > 1)
        .subquery("repeated")
    )
    # An index only for this moment: without it SQLite takes a hundred times as long for a million items, and with it
    # from the start the pool would be slower to write.
    index = Index("items_hash", items.c.hash)
    try:
        index.create(connection)
        connection.execute(
            update(items)
            .where(items.c.hash == repeated.c.hash, items.c.row > repeated.c.first)
            .values(duplicate_of=repeated.c.first)
        )
        index.drop(connection)
    finally:
        items.indexes.discard(index)
    return count(connection, tables).duplicates


def count(connection: Connection, tables: Tables) -> Counts:
    """Items and duplicates."""
    total = select(func.count()).select_from(tables.items)
    repeated = total.where(tables.items.c.duplicate_of.is_not(None))
    return Counts(connection.scalar(total) or 0, connection.scalar(repeated) or 0)


def duplicates(connection: Connection, tables: Tables) -> NDArray[np.int64]:
    """Rows and what they repeat."""
    columns = tables.items.c
    found = connection.execute(
        select(columns.row, columns.duplicate_of)
        .where(columns.duplicate_of.is_not(None))
        .order_by(columns.row)
    )
    return np.array([tuple(pair) for pair in found], dtype=np.int64).reshape(-1, 2)


def items(connection: Connection, tables: Tables, rows: Sequence[int]) -> list[Item]:
    """Items in the order of `rows`."""
    return _in_order(connection, _whole(tables), tables, rows, _item)


def ids(connection: Connection, tables: Tables, rows: Sequence[int]) -> list[str]:
    """Ids in the order of `rows`."""
    statement = select(tables.items.c.row, tables.items.c.id)
    return _in_order(connection, statement, tables, rows, lambda row: str(row.id))


def after(connection: Connection, tables: Tables, row: int, limit: int) -> list[Item]:
    """The next items in row order."""
    column = tables.items.c.row
    statement = _whole(tables).where(column > row).order_by(column).limit(limit)
    return [_item(found) for found in connection.execute(statement)]


def find(connection: Connection, tables: Tables, ids: Iterable[str]) -> dict[str, Located]:
    """Rows of ids, with what they repeat."""
    item, first = tables.items, tables.items.alias("first")
    statement = select(item.c.id, item.c.row, first.c.row.label("first_row"), first.c.id.label("first_id"))
    statement = statement.select_from(item.outerjoin(first, and_(first.c.row == item.c.duplicate_of)))
    found: dict[str, Located] = {}
    for part in parts(list(dict.fromkeys(ids))):
        for row in connection.execute(statement.where(item.c.id.in_(part))):
            repeats = row.first_row is not None
            found[row.id] = Located(
                row.row, row.first_row if repeats else row.row, row.first_id if repeats else row.id
            )
    return found


def _whole(tables: Tables) -> Select[Any]:
    return select(*(tables.items.c[name] for name in COLUMNS))


def _item(row: Row[*tuple[Any, ...]]) -> Item:
    number, id, hash, data, label, group = tuple(row)
    return Item(id=id, row=number, hash=hash, data=json.loads(data), label=label, group=group)


def _in_order(
    connection: Connection, statement: Select[Any], tables: Tables, rows: Sequence[int], make: Any
) -> list[Any]:
    column = tables.items.c.row
    wanted = [int(row) for row in rows]
    found: dict[int, Any] = {}
    for part in parts(list(dict.fromkeys(wanted))):
        found |= {row.row: make(row) for row in connection.execute(statement.where(column.in_(part)))}
    for row in wanted:
        if row not in found:
            raise StorageError(f"the pool has no row {row}; its rows are 0 to {_last(connection, tables)}")
    return [found[row] for row in wanted]


def _last(connection: Connection, tables: Tables) -> int:
    return int(connection.scalar(select(func.coalesce(func.max(tables.items.c.row), -1))) or 0)
