"""Checks of storages: the log is complete, in order, durable, and each request is in it once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..records import Answer, Event, Measured, NotRelevant, Pick, Record, RoundOpened, Skip, Undo
from ..storage import Storage
from .storage_subject import NOW, SOON, THREADS, Subject, answer, in_threads, refused, same


def every_record_comes_back(subject: Subject) -> None:
    """Each kind, with all its fields."""
    records: list[Record] = [
        Answer("i0", {"box": [1, 2.5], "tags": ["ä", None, True]}, "ann", NOW, 3.25),
        Answer("i1", "\x00\ud800 'quoted' \"twice\"", "bob", NOW),
        Skip("i2", "ann", NOW),
        NotRelevant("i3", "ann", 0.1 + 0.2),
        Undo(1, "i0", "ann", NOW),
        RoundOpened(1, "margin", (Pick("i4", "chosen", 0.125), Pick("i5", "audit")), "ann", 4, NOW),
        Measured(1, 20, 10, {"accuracy": [0.5, 0.25, 0.75]}, NOW),
    ]
    storage = subject.project()
    same("numbers", storage.append(records).seqs, tuple(range(1, 8)))
    expected = [Event(seq, record) for seq, record in enumerate(records, start=1)]
    same("events", subject.again().read(), expected)
    same("events after 5", storage.read(after=5), expected[5:])
    same("events after the last", storage.read(after=7), [])


def appending_is_all_or_nothing(subject: Subject) -> None:
    """A record that cannot be kept takes the whole request with it, holds included; the next one works."""
    storage = subject.project()
    storage.append([answer("i0")])
    bad = [answer("i1"), answer("i2", value=float("nan"))]
    refused("a record that is not JSON", lambda: storage.append(bad, key="k", hold=["i1", "i2"]))
    refused("an object in a record", lambda: storage.append([answer("i1", object())], hold=["i1"]))
    same("events", len(subject.again().read()), 1)
    same("items free", storage.claim(["i1", "i2"], 2, "ann", "s", NOW, SOON), ["i1", "i2"])
    same("the key afterwards", storage.append([answer("i1")], key="k").duplicate, False)


def acknowledged_is_there(subject: Subject) -> None:
    """What `append` returned from, another process sees at once, and so does who opens the project later."""
    storage, other = subject.project(), subject.again()
    for number in range(20):
        appended = storage.append([answer("i0", number)])
        events = other.read(after=number)
        same(f"events after number {number}", [event.seq for event in events], list(appended.seqs))
    storage.close()
    other.close()
    expected = [answer("i0", number) for number in range(20)]
    same("records", [event.record for event in subject.again().read()], expected)


def a_key_counts_once(subject: Subject) -> None:
    """The same request again appends nothing, holds nothing, and gets the first answer, also elsewhere."""
    storage = subject.project()
    first = storage.append([answer("i0"), answer("i1")], key="k1", hold=["i0"])
    same("first", (first.seqs, first.duplicate), ((1, 2), False))
    storage.append([Undo(1, "i0", "ann", NOW)], free=["i0"])
    for again in (storage, subject.again()):
        second = again.append([answer("i0"), answer("i1")], key="k1", hold=["i0", "i5"])
        same("again", (second.seqs, second.duplicate), ((1, 2), True))
    same("events", len(storage.read()), 3)
    same("items free", storage.claim(["i0", "i5"], 2, "ann", "s", NOW, SOON), ["i0", "i5"])
    same("another key", storage.append([answer("i0")], key="k2").duplicate, False)
    same("no key", [storage.append([answer("i0")]).duplicate for _ in range(2)], [False, False])


def a_key_counts_once_at_the_same_time(subject: Subject) -> None:
    """Of many equal requests at once, one is appended."""
    storage, other = subject.project(), subject.again()
    works = [partial(use.append, [answer("i0")], key="k") for use in [storage, other] * THREADS]
    same("requests appended", sum(not appended.duplicate for appended in in_threads(works)), 1)
    same("events", len(storage.read()), 1)


def no_event_is_missed(subject: Subject) -> None:
    """Who reads on from the last number seen, while others append, sees every event once and in order."""
    storage, other, reader = subject.project(), subject.again(), subject.again()
    ended = threading.Event()

    def write(use: Storage, name: str) -> list[int]:
        seqs: list[int] = []
        for number in range(15):
            seqs += use.append([answer("i0", number, name)] * (1 + number % 3)).seqs
        return seqs

    def follow() -> list[int]:
        seen = [0]
        while True:
            last = ended.is_set()
            seen += [event.seq for event in reader.read(after=seen[-1])]
            if last:
                return seen[1:]

    follower: list[int] = []
    thread = threading.Thread(target=lambda: follower.extend(follow()))
    thread.start()
    try:
        users = enumerate([storage, other] * (THREADS // 2))
        told = in_threads([partial(write, use, f"writer {number}") for number, use in users])
    finally:
        ended.set()
        thread.join()
    same("events read by the follower", follower, [event.seq for event in storage.read()])
    same("numbers told to the writers", sorted(seq for seqs in told for seq in seqs), follower)
    authors = {e.seq: e.record.annotator for e in storage.read() if isinstance(e.record, Answer)}
    for number, seqs in enumerate(told):
        same(f"authors of {seqs}", {authors[seq] for seq in seqs}, {f"writer {number}"})


CHECKS: tuple[Callable[[Subject], None], ...] = (
    every_record_comes_back,
    appending_is_all_or_nothing,
    acknowledged_is_there,
    a_key_counts_once,
    a_key_counts_once_at_the_same_time,
    no_event_is_missed,
)
