"""The manifest table: which files of embeddings exist."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from ..records import Shard
from .schema import Tables


def add(connection: Connection, tables: Tables, shard: Shard) -> None:
    """Record a file, in the place of an earlier one of the same part."""
    columns = tables.manifest.c
    connection.execute(
        delete(tables.manifest).where(columns.encoder == shard.encoder, columns.part == shard.part)
    )
    connection.execute(insert(tables.manifest), [asdict(shard)])


def shards(connection: Connection, tables: Tables, encoder: str) -> list[Shard]:
    """The files of an encoder version."""
    columns = tables.manifest.c
    found = connection.execute(select(*columns).where(columns.encoder == encoder)).mappings()
    # Sorted here, since databases differ in how they order text.
    return sorted((Shard(**row) for row in found), key=lambda shard: shard.part)
