"""What can go wrong with a server: each is one line, without the password, and the project is unharmed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from askwise.errors import StorageError
from askwise.records import Answer, Item
from askwise.storage import connect
from askwise.storage.postgresql import LONGEST, PostgresqlStorage, schema_name


def answers(n: int = 1) -> list[Answer]:
    return [Answer(f"i{number}", "cat", "ann", 1.0) for number in range(n)]


@pytest.fixture
def make(postgresql: str, new_project: Callable[[], str]) -> Iterator[Callable[..., PostgresqlStorage]]:
    made: list[PostgresqlStorage] = []

    def make(project: str | None = None, **options: Any) -> PostgresqlStorage:
        storage = connect(postgresql, project=project or new_project(), **options)
        assert isinstance(storage, PostgresqlStorage)
        made.append(storage)
        if project is None:
            storage.create({})
            storage.add_items(Item(f"i{row}", row, f"h{row}") for row in range(5))
            storage.finish()
        return storage

    yield make
    for storage in made:
        storage.close()


def complaint(call: Callable[[], object]) -> str:
    with pytest.raises(StorageError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def end_connections(url: str) -> int:
    """End all connections of Askwise to the server, as a restart of it would."""
    with psycopg.connect(url) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'askwise'"
        ).fetchall()
    return len(ended)


def test_a_server_that_is_not_there() -> None:
    storage = connect("postgresql://bob:hunter2@127.0.0.1:1/scratch", project="animals")
    text = complaint(storage.open)
    assert "no connection to the server" in text
    assert "127.0.0.1" in text
    assert "hunter2" not in text + storage.url + repr(storage)
    storage.close()


def test_wrong_urls(postgresql: str) -> None:
    assert "needs a name" in complaint(lambda: connect(postgresql))
    text = complaint(lambda: connect("postgresql://bob:hunter2@host:port/x", project="p"))
    assert "postgresql://user:password@host:port/database" in text
    assert "hunter2" not in text


def test_schemas_of_different_names_differ() -> None:
    names = ["a-b", "a_b", "A_b", "a b", "ä", "x" * 80, "x" * 81, "", '"; DROP SCHEMA public; --']
    schemas = [schema_name(name) for name in names]
    assert len(set(schemas)) == len(names)
    assert all(len(schema) <= LONGEST and schema.isascii() and schema.isidentifier() for schema in schemas)


def test_tables_lie_in_the_projects_own_schema(make: Any, postgresql: str) -> None:
    storage = make()
    with psycopg.connect(postgresql) as connection:
        rows = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name IN ('events', 'leases', 'items')"
        ).fetchall()
    assert (storage._schema,) in rows
    assert ("public",) not in rows


def test_tables_of_another_program_are_not_touched(
    make: Any, postgresql: str, new_project: Callable[[], str]
) -> None:
    name = new_project()
    schema = schema_name(name)
    with psycopg.connect(postgresql) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.photos (id int)")
    assert "another program" in complaint(lambda: make(name).create({}))
    assert "no project" in complaint(make(name).open)
    with psycopg.connect(postgresql) as connection:
        assert connection.execute(f"SELECT count(*) FROM {schema}.photos").fetchone() == (0,)


def test_a_dropped_connection_is_made_again(make: Any, postgresql: str) -> None:
    storage = make()
    storage.append(answers())
    assert end_connections(postgresql) >= 1
    assert len(storage.read()) == 1
    assert end_connections(postgresql) >= 1
    assert storage.append(answers()).seqs == (2,)


def test_a_connection_lost_in_the_middle_writes_nothing(make: Any, postgresql: str) -> None:
    storage = make()

    def record(won: list[str]) -> Answer:
        end_connections(postgresql)
        return answers()[0]

    text = complaint(lambda: storage.claim(["i0"], 1, "ann", "s", 1.0, 2.0, record))
    assert "connection was lost" in text
    assert "same key" in text
    assert storage.read() == []
    assert storage.claim(["i0"], 1, "ann", "s", 1.0, 2.0) == ["i0"]


def test_locked_by_another_process(make: Any, postgresql: str) -> None:
    storage = make(timeout=0.2)
    with psycopg.connect(postgresql) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [storage._lock_number])
        assert "locked by another process for 0.2 s" in complaint(lambda: storage.append(answers()))
        assert storage.read() == [], "reading does not wait"
    assert storage.append(answers()).seqs == (1,)


def test_numbers_appear_in_order(make: Any) -> None:
    """A slow writer began first: nothing of a later one can be seen before it."""
    storage = make()
    inside, leave = threading.Event(), threading.Event()

    def slow(won: list[str]) -> Answer:
        inside.set()
        leave.wait()
        return Answer("i0", "slow", "ann", 1.0)

    first = threading.Thread(target=storage.claim, args=(["i0"], 1, "ann", "s", 1.0, 2.0, slow))
    second = threading.Thread(target=storage.append, args=(answers(),))
    first.start()
    inside.wait()
    second.start()
    time.sleep(0.2)
    assert storage.read() == []
    leave.set()
    first.join()
    second.join()
    assert [event.record.value for event in storage.read()] == ["slow", "cat"]


def test_text_that_the_database_cannot_hold(make: Any, new_project: Callable[[], str]) -> None:
    storage = make(new_project())
    storage.create({})
    complaint(lambda: storage.add_items([Item("a\x00b", 0, "h")]))
    assert "not valid Unicode" in complaint(lambda: storage.add_items([Item("\udce9", 0, "h")]))
    assert storage.add_items([Item("a", 0, "h")]) == 1


def test_commits_are_confirmed_when_they_are_on_the_disk(make: Any, postgresql: str) -> None:
    from sqlalchemy import text

    shown = make()._read(lambda connection: connection.scalar(text("SHOW synchronous_commit")))
    assert shown == "on"


@pytest.mark.parametrize(
    ("written", "expected"), [(9, "pip install -U askwise"), (0, "askwise upgrade")], ids=["newer", "older"]
)
def test_another_format(make: Any, postgresql: str, written: int, expected: str) -> None:
    storage = make()
    with psycopg.connect(postgresql) as connection:
        connection.execute(f"UPDATE {storage._schema}.meta SET value = '{written}' WHERE key = 'format'")
    assert expected in complaint(storage.open)
