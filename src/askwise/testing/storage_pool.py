"""Checks of storages: the life of a project, its pool, its files of embeddings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import StorageError
from ..records import Item, Shard
from .report import broken
from .storage_subject import Subject, answer, pool, refused, same


def missing_and_unfinished_are_refused(subject: Subject) -> None:
    """There is nothing to open before `create`, and not before `finish` either."""
    refused("opening what is not there", lambda: subject.storage().open(), StorageError)
    subject.storage().create({})
    refused("opening what is unfinished", lambda: subject.storage().open(), StorageError)


def unfinished_is_begun_anew(subject: Subject) -> None:
    """The first making was interrupted: the second starts from nothing, and the first can write no more."""
    first = subject.storage()
    first.create({"old": True})
    first.add_items(pool(3))
    second = subject.storage()
    second.create({"seed": 1})
    same("items of the project begun anew", second.count().items, 0)
    refused("the first maker's writing", lambda: first.add_items(pool(9)), StorageError)
    second.add_items(pool(2))
    second.finish()
    same("items", subject.again().count().items, 2)
    same("'old' in meta", "old" in second.meta(), False)


def finished_is_not_overwritten(subject: Subject) -> None:
    """`create` over a finished project changes nothing."""
    storage = subject.project(4)
    storage.append([answer("i0")])
    refused("making it again", lambda: subject.storage().create({}), StorageError)
    refused("adding items when it is finished", lambda: storage.add_items(pool(1)), StorageError)
    same("items", storage.count().items, 4)
    same("events", len(subject.again().read()), 1)


def meta_is_kept(subject: Subject) -> None:
    """Facts come back as they were, and the format cannot be overwritten."""
    storage = subject.project()
    same("format", storage.meta()["format"], 1)
    storage.set_meta("config", {"labels": ["ä", "b"], "n": None, "rate": 0.1})
    storage.set_meta("seed", 8)
    other = subject.again().meta()
    same("config", other["config"], {"labels": ["ä", "b"], "n": None, "rate": 0.1})
    same("seed", other["seed"], 8)
    refused("setting the format", lambda: storage.set_meta("format", 2))


def items_come_back(subject: Subject) -> None:
    """Every field, every order, any number."""
    storage = subject.storage()
    storage.create({})
    items = [
        Item("ä/1.png", 0, "h0", {"n": [1, 2.5, None], "t": "zeile\nzwei\t\\N \U0001f600\x00"}, "cat", "g"),
        Item("b", 1, "h1"),
        *(Item(f"i{row}", row, f"h{row}", {"x": row}) for row in range(2, 2_600)),
    ]
    seen: list[int] = []
    same("items added", storage.add_items(iter(items), progress=seen.append), len(items))
    same("last progress", seen[-1:], [len(items)])
    storage.finish()
    other = subject.again()
    rows = [1, 0, 2_599, 1, *range(1_500, 0, -1)]
    same("items by row", other.items(rows), [items[row] for row in rows])
    same("ids by row", other.ids(rows), [items[row].id for row in rows])
    chunks = list(other.iter_items(chunk=1_000))
    same("chunks", [len(chunk) for chunk in chunks], [1_000, 1_000, 600])
    same("all items", [item for chunk in chunks for item in chunk], items)
    refused("an unknown row", lambda: other.items([2_600]), StorageError)


def repeated_ids_are_named(subject: Subject) -> None:
    """An id that comes twice is refused by name, and the pool can be begun anew."""
    storage = subject.storage()
    storage.create({})
    storage.add_items(pool(3))
    text = refused("an id twice", lambda: storage.add_items([Item("i1", 3, "h")]), StorageError)
    if "i1" not in text:
        broken(f"the error does not name the id: {text!r}")
    refused("a row twice", lambda: storage.add_items([Item("new", 2, "h")]), StorageError)
    twice = [Item("same", 4, "h"), Item("same", 5, "h")]
    refused("an id twice in one chunk", lambda: storage.add_items(twice), StorageError)
    same("items", storage.count().items, 3)


def duplicates_are_grouped(subject: Subject) -> None:
    """Equal content points to its lowest row, whatever the order of writing."""
    storage = subject.storage()
    storage.create({})
    hashes = ["a", "b", "a", "c", "b", "a", "d"]
    items = [Item(f"i{row}", row, hash) for row, hash in enumerate(hashes)]
    storage.add_items(reversed(items))
    same("duplicates", storage.group_duplicates(), 3)
    storage.finish()
    found = storage.duplicates()
    same("type of duplicates()", (found.dtype, found.shape), (np.dtype(np.int64), (3, 2)))
    same("duplicates()", found.tolist(), [[2, 0], [4, 1], [5, 0]])
    counts = storage.count()
    same("count()", (counts.items, counts.duplicates), (7, 3))
    located = subject.again().find(["i5", "i0", "nowhere", "i5"])
    same("ids found", sorted(located), ["i0", "i5"])
    five = located["i5"]
    same("i5", (five.row, five.representative_row, five.representative_id), (5, 0, "i0"))
    zero = located["i0"]
    same("i0", (zero.row, zero.representative_row, zero.representative_id), (0, 0, "i0"))


def no_duplicates_is_an_empty_table(subject: Subject) -> None:
    """(0, 2), not (0,)."""
    same("shape of duplicates()", subject.project().duplicates().shape, (0, 2))


def shards_are_recorded(subject: Subject) -> None:
    """By encoder version, by part; the same part again replaces it."""
    storage = subject.project()
    shards = [Shard("tfidf-1", f"{n:04d}", f"{n:04d}.npy", 10, 8, "aa") for n in range(3)]
    for shard in reversed(shards):
        storage.add_shard(shard)
    storage.add_shard(Shard("tfidf-2", "0000", "x.npy", 10, 8, "bb"))
    newer = Shard("tfidf-1", "0001", "0001b.npy", 11, 8, "cc")
    storage.add_shard(newer)
    same("shards", subject.again().shards("tfidf-1"), [shards[0], newer, shards[2]])
    same("shards of no encoder", storage.shards("raw"), [])


def closed_is_closed(subject: Subject) -> None:
    """After `close` calls are refused, and nothing hangs."""
    storage = subject.project()
    storage.append([answer("i0")])
    storage.close()
    storage.close()
    refused("reading", storage.read, StorageError)
    refused("appending", lambda: storage.append([answer("i0")]), StorageError)
    same("events", len(subject.again().read()), 1)


CHECKS: tuple[Callable[[Subject], None], ...] = (
    missing_and_unfinished_are_refused,
    unfinished_is_begun_anew,
    finished_is_not_overwritten,
    meta_is_kept,
    items_come_back,
    repeated_ids_are_named,
    duplicates_are_grouped,
    no_duplicates_is_an_empty_table,
    shards_are_recorded,
    closed_is_closed,
)
