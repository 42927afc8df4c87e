"""The life of a project's tables: begun, complete, and readable by this version or not."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, select

from .. import __version__
from ..errors import ContractError, StorageError
from ..records import JSON
from .base import describe
from .schema import FORMAT, Tables

BEGUN = "begun"
_ENCODER = json.JSONEncoder(allow_nan=False)
RESERVED = ("format", "askwise", BEGUN)


def create(connection: Connection, tables: Tables, place: str, meta: dict[str, JSON]) -> str:
    """Make empty tables; returns a token that only this making knows."""
    refuse_reserved(meta)
    names = set(inspect(connection).get_table_names(schema=tables.schema))
    if tables.meta.name in names:
        facts = _read(connection, tables)
        if "format" not in facts:
            raise StorageError(f"{place} holds tables of another program; choose another place")
        if BEGUN not in facts:
            raise StorageError(f"{place} already exists: open it, or choose another name")
        tables.metadata.drop_all(connection)
    elif names:
        raise StorageError(f"{place} holds tables of another program; choose another place")
    tables.metadata.create_all(connection)
    token = uuid.uuid4().hex
    write(connection, tables, meta | {"format": FORMAT, "askwise": __version__, BEGUN: token})
    return token


def check_begun(connection: Connection, tables: Tables, place: str, token: str | None) -> None:
    """Refuse to write to a pool that is complete, or that another `create` has begun anew."""
    begun = connection.scalar(select(tables.meta.c.value).where(tables.meta.c.key == BEGUN))
    if begun is None:
        raise StorageError(f"{place} is complete: its pool is written once, when it is made")
    if token is not None and json.loads(begun) != token:
        raise StorageError(f"{place} was begun anew by another process while this one was making it")


def finish(connection: Connection, tables: Tables, place: str, token: str | None) -> None:
    """Take the mark of an unfinished project away."""
    check_begun(connection, tables, place, token)
    connection.execute(delete(tables.meta).where(tables.meta.c.key == BEGUN))


def check(connection: Connection, tables: Tables, place: str) -> None:
    """Raise unless a complete project in our own format is there."""
    if not inspect(connection).has_table(tables.meta.name, schema=tables.schema):
        raise missing(place)
    facts = _read(connection, tables)
    if "format" not in facts:
        raise StorageError(f"{place} holds no Askwise project, but tables of another program")
    written, version = facts["format"], facts.get("askwise", "an unknown version")
    if written > FORMAT:
        raise StorageError(
            f"{place} was written by askwise {version}, format {written}; this is askwise {__version__}, which reads "
            f"format {FORMAT}: pip install -U askwise"
        )
    if written < FORMAT:
        raise StorageError(
            f"{place} was written by askwise {version}, format {written}; this is askwise {__version__}, which reads "
            f"format {FORMAT}: run `askwise upgrade NAME` with the project's name"
        )
    if BEGUN in facts:
        raise StorageError(
            f"{place} is unfinished: its making was interrupted; run the same `askwise init` again"
        )


def missing(place: str) -> StorageError:
    """The error for a place where nothing is."""
    return StorageError(f"{place}: there is no project; make one with `askwise init`")


def read(connection: Connection, tables: Tables) -> dict[str, JSON]:
    """The facts that are of interest outside."""
    return {key: value for key, value in _read(connection, tables).items() if key != BEGUN}


def refuse_reserved(meta: dict[str, JSON]) -> None:
    """The facts that say who can read the rest are not for others to set."""
    for key in RESERVED:
        if key in meta:
            raise ContractError(f"meta key {key!r} is the storage's own; choose another name")


def write(connection: Connection, tables: Tables, meta: dict[str, JSON]) -> None:
    """Set facts."""
    connection.execute(delete(tables.meta).where(tables.meta.c.key.in_(meta)))
    connection.execute(insert(tables.meta), [{"key": key, "value": dump(meta[key], key)} for key in meta])


def dump(value: Any, what: str) -> str:
    """The value as JSON text, or an error that names it."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what}: {describe(value)} is not plain JSON: {error}") from error


def _read(connection: Connection, tables: Tables) -> dict[str, JSON]:
    names = {column["name"] for column in inspect(connection).get_columns("meta", schema=tables.schema)}
    if not {"key", "value"} <= names:
        return {}
    rows = connection.execute(select(tables.meta.c.key, tables.meta.c.value)).all()
    try:
        return {key: json.loads(value) for key, value in rows}
    except (TypeError, ValueError):
        return {}
