"""The tables of a project, the same on every database, and the versions of their format."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

FORMAT = 1
"""Raised when a change to the tables makes them unreadable to the code before it."""


class Tables:
    """The tables, in a schema of their own where the database has such.

    JSON is kept as text: the databases' own JSON types reorder keys, or change numbers.
    """

    def __init__(self, schema: str | None = None) -> None:
        self.schema = schema
        self.metadata = MetaData(schema=schema)
        self.meta = Table(
            "meta",
            self.metadata,
            Column("key", Text, primary_key=True),
            Column("value", Text, nullable=False),
        )
        self.items = Table(
            "items",
            self.metadata,
            Column("row", Integer, primary_key=True, autoincrement=False),
            Column("id", Text, nullable=False, unique=True),
            Column("hash", Text, nullable=False),
            Column("data", Text, nullable=False),
            Column("label", Text),
            Column("group", Text),
            Column("duplicate_of", Integer),
        )
        Index(
            "items_duplicate",
            self.items.c.row,
            sqlite_where=self.items.c.duplicate_of.is_not(None),
            postgresql_where=self.items.c.duplicate_of.is_not(None),
        )
        # Numbers are given out by the statement that appends, under the one lock of all writers: a database's own
        # counters leave gaps, and may show number 8 before number 7.
        self.events = Table(
            "events",
            self.metadata,
            Column("seq", Integer, primary_key=True, autoincrement=False),
            Column("kind", Text, nullable=False),
            Column("body", Text, nullable=False),
            Column("key", Text),
            Column("part", Integer, nullable=False),
        )
        Index(
            "events_key",
            self.events.c.key,
            self.events.c.part,
            unique=True,
            sqlite_where=self.events.c.key.is_not(None),
            postgresql_where=self.events.c.key.is_not(None),
        )
        self.leases = Table(
            "leases",
            self.metadata,
            Column("item", Text, nullable=False),
            Column("slot", Integer, nullable=False),
            Column("annotator", Text, nullable=False),
            Column("session", Text, nullable=False),
            Column("until", Double, nullable=False),
            PrimaryKeyConstraint("item", "slot"),
        )
        Index("leases_session", self.leases.c.session)
        self.manifest = Table(
            "manifest",
            self.metadata,
            Column("encoder", Text, nullable=False),
            Column("part", Text, nullable=False),
            Column("file", Text, nullable=False),
            Column("rows", BigInteger, nullable=False),
            Column("dim", BigInteger, nullable=False),
            Column("checksum", Text, nullable=False),
            PrimaryKeyConstraint("encoder", "part"),
        )

    def name(self, table: Table) -> str:
        """The table's name as it stands in SQL text."""
        return f"{self.schema}.{table.name}" if self.schema else table.name
