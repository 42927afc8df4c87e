"""What can go wrong with a file: each is one line that says what to do, and the project is unharmed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from askwise.errors import ContractError, StorageError
from askwise.records import Answer, Item
from askwise.storage import Storage, connect
from askwise.storage.sqlite import SqliteStorage


def answers(n: int, size: int = 3) -> list[Answer]:
    return [Answer(f"i{number}", "x" * size, "ann", 1.0) for number in range(n)]


def project(path: Path, items: int = 5, **options: Any) -> SqliteStorage:
    storage = connect(path, **options)
    assert isinstance(storage, SqliteStorage)
    storage.create({})
    storage.add_items(Item(f"i{row}", row, f"h{row}") for row in range(items))
    storage.finish()
    return storage


def complaint(call: Callable[[], object]) -> str:
    with pytest.raises(StorageError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def intact(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_the_file_is_durable_and_shared(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite")
    raw = storage._process._connect()
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert raw.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"
    raw.close()
    storage.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.sqlite", "p.sqlite-turn"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://p.sqlite", "names no file"),
        ("", "empty"),
        ("mysql://u:secret@h/d", "mysql://...'"),
    ],
)
def test_a_wrong_url(url: str, expected: str) -> None:
    text = complaint(lambda: connect(url))
    assert expected in text
    assert "secret" not in text


def test_the_same_file_by_path_and_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    odd = "a b%20?#ä.sqlite"
    storage = project(Path(odd))
    storage.append(answers(1))
    for url in (odd, f"sqlite:///{odd}", f"sqlite:///{tmp_path}/{odd}", storage.url):
        other = connect(url)
        other.open()
        assert len(other.read()) == 1
        other.close()
    storage.close()
    assert (tmp_path / odd).exists()


def test_nothing_there(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.sqlite"
    assert "askwise init" in complaint(connect(path).open)
    assert "askwise init" in complaint(connect(path).read)
    assert not path.exists(), "a mistyped name made a file"
    assert "not a folder" in complaint(lambda: connect(tmp_path / "no" / "p.sqlite").create({}))
    assert "is a folder" in complaint(connect(tmp_path).open)
    assert "cannot be written" in complaint(lambda: connect(tmp_path).create({}))


def test_other_peoples_files_are_not_touched(tmp_path: Path) -> None:
    text = tmp_path / "thesis.txt"
    text.write_text("all my work " * 1000)
    foreign = tmp_path / "photos.sqlite"
    connection = sqlite3.connect(foreign)
    connection.executescript(
        "CREATE TABLE photos (id); CREATE TABLE meta (key, value); INSERT INTO meta VALUES (1, 2)"
    )
    connection.close()
    for path in (text, foreign):
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        for call in (connect(path).open, lambda path=path: connect(path).create({})):
            storage_complaint = complaint(call)
            assert "not an Askwise project" in storage_complaint or "another program" in storage_complaint
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "p.sqlite"
    project(path, items=2000).close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)
    storage = connect(path)
    assert "damaged" in complaint(lambda: [storage.open(), list(storage.iter_items())])
    storage.close()


@pytest.mark.parametrize(
    ("written", "expected"), [(9, "pip install -U askwise"), (0, "askwise upgrade")], ids=["newer", "older"]
)
def test_another_format(tmp_path: Path, written: int, expected: str) -> None:
    path = tmp_path / "p.sqlite"
    project(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'format'", [str(written)])
    connection.execute("""UPDATE meta SET value = '"7.7.7"' WHERE key = 'askwise'""")
    connection.commit()
    connection.close()
    text = complaint(connect(path).open)
    assert expected in text
    assert "written by askwise 7.7.7" in text
    assert f"format {written}" in text


def test_locked_by_another_program(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite", timeout=0.2)
    storage.append(answers(1))
    other = sqlite3.connect(tmp_path / "p.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked by another program for 0.2 s" in complaint(lambda: storage.append(answers(1)))
    assert len(storage.read()) == 1, "reading does not wait"
    other.execute("ROLLBACK")
    other.close()
    assert storage.append(answers(1)).seqs == (2,)
    storage.close()


def test_a_process_that_stopped_in_its_turn(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    storage = project(tmp_path / "p.sqlite", timeout=0.2)
    with (tmp_path / "p.sqlite-turn").open("r+b") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        assert "locked by another program" in complaint(lambda: storage.append(answers(1), key="k"))
    assert storage.append(answers(1), key="k").duplicate is False
    assert len(storage.read()) == 1, "what was said to be not written was written later"
    storage.close()


def test_a_full_database(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite")
    storage.append(answers(1))
    storage.close()
    full = connect(tmp_path / "p.sqlite")
    assert isinstance(full, SqliteStorage)
    engine = full._process._writing
    limits: Iterator[int] = iter([20, 1_000_000, 1_000_000])

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={next(limits)}").close()

    text = complaint(lambda: full.append(answers(300, size=1000), key="k", hold=["i1"]))
    assert "disk is full; nothing was written" in text
    assert len(full.read()) == 1
    assert full.append(answers(300, size=1000), key="k").duplicate is False
    assert full.claim(["i1"], 1, "ann", "s", 1.0, 2.0) == ["i1"]
    full.close()
    intact(tmp_path / "p.sqlite")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


def test_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "p.sqlite"
    storage = project(path)
    storage.append(answers(2))
    filler = fill(small_disk)
    for _ in range(3):
        assert "full" in complaint(lambda: storage.append(answers(200, size=1000), key="k", hold=["i1"]))
    assert len(storage.read()) == 2
    filler.unlink()
    assert storage.append(answers(200, size=1000), key="k").duplicate is False
    storage.close()
    intact(path)


def test_a_disk_that_fills_up_while_a_pool_is_written(small_disk: Path) -> None:
    path = small_disk / "p.sqlite"
    (small_disk / "filler").write_bytes(b"x" * 1_000_000)
    storage = connect(path)
    storage.create({})
    many = (Item(f"i{row}", row, "h" * 32, {"text": "x" * 100}) for row in range(50_000))
    assert "full" in complaint(lambda: storage.add_items(many))
    storage.close()
    unfinished = connect(path)
    assert "unfinished" in complaint(unfinished.open)
    unfinished.close()
    (small_disk / "filler").unlink()
    again = project(path)
    assert again.count().items == 5
    again.close()
    intact(path)


@pytest.fixture
def read_only(small_disk: Path) -> Iterator[Callable[[bool], None]]:
    """Make the disk read-only and writable again. Permissions would not do: the superuser passes them by."""

    def remount(readonly: bool) -> None:
        mode = "ro" if readonly else "rw"
        subprocess.run(["mount", "-o", f"remount,{mode}", str(small_disk)], check=True)

    yield remount
    remount(False)


def test_a_read_only_disk(small_disk: Path, read_only: Callable[[bool], None]) -> None:
    path = small_disk / "p.sqlite"
    project(path).close()
    read_only(True)
    for call in ("read", "append"):
        storage = connect(path)
        work: Callable[[], object] = (
            storage.read if call == "read" else lambda s=storage: s.append(answers(1))
        )  # type: ignore[misc]
        assert "cannot be written" in complaint(work)
        storage.close()
    assert "cannot be written" in complaint(lambda: connect(small_disk / "new.sqlite").create({}))
    read_only(False)
    storage = connect(path)
    storage.open()
    assert storage.append(answers(1)).seqs == (1,)
    storage.close()


def test_one_bad_request_does_not_harm_those_beside_it(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite")
    entered, leave = threading.Event(), threading.Event()

    def holding_up(won: list[str]) -> None:
        entered.set()
        leave.wait()

    outcomes: dict[int, object] = {}

    def send(number: int) -> None:
        record = Answer("i0", float("nan") if number == 3 else number, "ann", 1.0)
        try:
            outcomes[number] = storage.append([record])
        except ContractError as error:
            outcomes[number] = error

    first = threading.Thread(target=storage.claim, args=(["i1"], 1, "ann", "s", 1.0, 2.0, holding_up))
    first.start()
    entered.wait()
    # All of these wait now, and so will share one transaction.
    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    while len(storage._process.writer()._waiting) < 6:
        pass
    leave.set()
    for thread in [first, *threads]:
        thread.join()
    assert isinstance(outcomes.pop(3), ContractError)
    assert len(outcomes) == 5
    assert sorted(one.record.value for one in storage.read()) == [0, 1, 2, 4, 5]  # type: ignore[union-attr]
    storage.close()


def test_a_record_function_that_writes_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite")

    def record(won: list[str]) -> Any:
        return storage.append(answers(1))

    text = complaint(lambda: storage.claim(["i0"], 1, "ann", "s", 1.0, 2.0, record))
    assert "return the record instead" in text
    assert storage.leases(1.0) == []
    storage.close()


def test_an_id_that_is_no_unicode(tmp_path: Path) -> None:
    storage = connect(tmp_path / "p.sqlite")
    storage.create({})
    name = os.fsdecode(b"caf\xe9.png")
    assert "not valid Unicode" in complaint(lambda: storage.add_items([Item(name, 0, "h")]))
    assert storage.count().items == 0
    storage.close()


def test_the_pool_is_streamed(tmp_path: Path) -> None:
    storage = connect(tmp_path / "p.sqlite")
    storage.create({})
    written = 0

    def items() -> Iterator[Item]:
        for row in range(35_000):
            assert row - written <= 10_000, "more than a chunk was asked for before it was written"
            yield Item(f"i{row}", row, f"h{row}")

    def progress(done: int) -> None:
        nonlocal written
        written = done

    assert storage.add_items(items(), progress) == 35_000 == written
    storage.close()


def test_readers_do_not_pile_up_connections(tmp_path: Path) -> None:
    storage = project(tmp_path / "p.sqlite")
    for _ in range(30):
        thread = threading.Thread(target=storage.read)
        thread.start()
        thread.join()
    assert "Connections in pool: 1 " in storage._process._reading.pool.status()
    storage.close()


def test_type_is_the_protocol(tmp_path: Path) -> None:
    storage: Storage = SqliteStorage(tmp_path / "p.sqlite")
    names = [name for name in dir(Storage) if not name.startswith("_")]
    assert all(hasattr(storage, name) for name in names)
    storage.close()


def test_clean_at_the_end(tmp_path: Path) -> None:
    """Neither closing nor forgetting to close hangs, warns, or leaves the log beside the file."""
    for ending in ("storage.close(); del storage; gc.collect()", "del storage; gc.collect()", ""):
        code = (
            "import gc, sys; from askwise.storage import connect; from askwise.records import Skip\n"
            f"storage = connect({str(tmp_path / 'p.sqlite')!r}); storage.open()\n"
            "storage.append([Skip('i0', 'ann', 1.0)]); storage.read()\n" + ending
        )
        if not (tmp_path / "p.sqlite").exists():
            project(tmp_path / "p.sqlite").close()
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert not (tmp_path / "p.sqlite-wal").exists()
