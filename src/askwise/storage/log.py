"""The events table: only ever appended, by one writer at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, insert, select

from ..records import Event, Record, from_json, to_json
from . import lease_table
from .base import Appended
from .life import dump
from .schema import Tables


def append(
    connection: Connection,
    tables: Tables,
    records: Sequence[Record],
    key: str | None = None,
    hold: Iterable[str] = (),
    free: Iterable[str] = (),
) -> Appended:
    """Append, within a transaction that holds the lock of all writers."""
    events = tables.events
    if key is not None:
        before = select(events.c.seq).where(events.c.key == key).order_by(events.c.part)
        seqs = tuple(connection.scalars(before))
        if seqs:
            return Appended(seqs, duplicate=True)
    # Freed first: an item named in both lists is not to be handed out.
    lease_table.free(connection, tables, free)
    lease_table.hold(connection, tables, hold)
    last = connection.scalar(select(func.max(events.c.seq))) or 0
    rows = [
        {
            "seq": last + 1 + part,
            "kind": record.kind,
            "body": dump(to_json(record), record.kind),
            "key": key,
            "part": part,
        }
        for part, record in enumerate(records)
    ]
    if rows:
        connection.execute(insert(events), rows)
    return Appended(tuple(range(last + 1, last + 1 + len(rows))))


def read(connection: Connection, tables: Tables, after: int) -> list[Event]:
    """Events above a number, in order."""
    columns = tables.events.c
    statement = (
        select(columns.seq, columns.kind, columns.body).where(columns.seq > after).order_by(columns.seq)
    )
    return [
        Event(seq, from_json(kind, json.loads(body))) for seq, kind, body in connection.execute(statement)
    ]
