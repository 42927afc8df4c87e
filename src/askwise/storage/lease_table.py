"""The leases table: who has which item, the only rows that change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, delete, select, text, update
from sqlalchemy.sql.elements import TextClause

from ..records import Lease
from .base import FOREVER
from .parts import MOST, parts
from .schema import Tables

SLOT = 0
"""Of several opinions on one item, each will have a slot of its own; so far there is one."""

# This statement alone decides who gets an item. Ids are sorted so that two transactions which want the same items
# wait for each other in the same order, and never in a circle.
CLAIM = """
INSERT INTO {leases} (item, slot, annotator, session, until) VALUES {rows}
ON CONFLICT (item, slot) DO UPDATE
SET annotator = excluded.annotator, session = excluded.session, until = excluded.until
WHERE leases.until < :now RETURNING item
"""

HOLD = """
INSERT INTO {leases} (item, slot, annotator, session, until) VALUES {rows}
ON CONFLICT (item, slot) DO UPDATE SET until = excluded.until
"""


def claim(
    connection: Connection,
    tables: Tables,
    ranked: Sequence[str],
    k: int,
    annotator: str,
    session: str,
    now: float,
    until: float,
) -> list[str]:
    """Win the first k that are free, in ranked order."""
    values: dict[str, str | float] = {"annotator": annotator, "session": session, "until": until, "now": now}
    won: list[str] = []
    for window in parts(list(dict.fromkeys(ranked)), MOST):
        missing = k - len(won)
        if missing <= 0:
            break
        # Only a guess that keeps the statement short: what is taken in between, the statement itself leaves out.
        taken = _taken(connection, tables, window, now)
        free = [item for item in window if item not in taken]
        while free and missing > 0:
            wanted, free = free[:missing], free[missing:]
            got = set(connection.scalars(*_upsert(CLAIM, tables, wanted, values)))
            won += [item for item in wanted if item in got]
            missing = k - len(won)
    return won


def hold(connection: Connection, tables: Tables, items: Iterable[str]) -> None:
    """Lease items for ever. On a lease that somebody has, only the end changes."""
    values: dict[str, str | float] = {"annotator": "", "session": "", "until": FOREVER}
    for part in parts(sorted(set(items))):
        connection.execute(*_upsert(HOLD, tables, part, values))


def free(connection: Connection, tables: Tables, items: Iterable[str]) -> None:
    """Forget all leases on items, also those for ever."""
    for part in parts(sorted(set(items))):
        connection.execute(delete(tables.leases).where(tables.leases.c.item.in_(part)))


def live(connection: Connection, tables: Tables, now: float) -> list[Lease]:
    """Leases that end, but have not."""
    columns = tables.leases.c
    statement = select(columns.item, columns.slot, columns.annotator, columns.session, columns.until).where(
        columns.until >= now, columns.until < FOREVER
    )
    found = [Lease(*row) for row in connection.execute(statement)]
    # Sorted here, since databases differ in how they order text.
    return sorted(found, key=lambda lease: (lease.item, lease.slot))


def adopt(
    connection: Connection,
    tables: Tables,
    items: Iterable[str],
    annotator: str,
    dead_sessions: Iterable[str],
    session: str,
    until: float,
) -> list[str]:
    """Move leases from dead sessions to a living one."""
    columns = tables.leases.c
    wanted, dead = list(dict.fromkeys(items)), sorted(set(dead_sessions))
    moved: set[str] = set()
    for part in parts(sorted(wanted)):
        for sessions in parts(dead):
            theirs = and_(
                columns.annotator == annotator, columns.session.in_(sessions), columns.until < FOREVER
            )
            statement = update(tables.leases).where(columns.item.in_(part), theirs)
            change = statement.values(session=session, until=until).returning(columns.item)
            moved.update(connection.scalars(change))
    return [item for item in wanted if item in moved]


def release(connection: Connection, tables: Tables, session: str) -> None:
    """Forget the leases of a session."""
    columns = tables.leases.c
    connection.execute(delete(tables.leases).where(columns.session == session, columns.until < FOREVER))


def _taken(connection: Connection, tables: Tables, items: Sequence[str], now: float) -> set[str]:
    columns = tables.leases.c
    held = select(columns.item).where(columns.item.in_(items), columns.slot == SLOT, columns.until >= now)
    return set(connection.scalars(held))


def _upsert(
    template: str, tables: Tables, items: Sequence[str], values: dict[str, str | float]
) -> tuple[TextClause, dict[str, str | float]]:
    """The statement for so many items, and its values."""
    ordered = sorted(items)
    rows = ", ".join(f"(:item{i}, {SLOT}, :annotator, :session, :until)" for i in range(len(ordered)))
    statement = text(template.format(leases=tables.name(tables.leases), rows=rows))
    return statement, values | {f"item{i}": item for i, item in enumerate(ordered)}
