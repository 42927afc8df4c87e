"""The conformance suite finds what is wrong with a storage: each of these is broken in one way."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from askwise.errors import StorageError
from askwise.records import Event, Item, Lease, Record
from askwise.storage import Appended, Located
from askwise.storage.sqlite import SqliteStorage
from askwise.testing import CheckFailed
from askwise.testing.report import Broken
from askwise.testing.storage import StorageSuite


class HandsOutTwice(SqliteStorage):
    """Looks who is free, and takes it later: in between another does the same."""

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        held = {lease.item for lease in self.leases(now=who[2])}
        mine = [item for item in ranked if item not in held][:k]
        time.sleep(0.005)
        super().claim(mine, k, *who, **more)
        return mine


class TakesTooMany(SqliteStorage):
    """Leases all that are ranked and hands out k of them."""

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        return super().claim(ranked, len(ranked), *who, **more)[:k]


class LosesAnAcknowledgedAppend(SqliteStorage):
    """Acknowledges first; every fifth request is lost on the way."""

    requests = 0

    def append(self, records: Sequence[Record], *more: Any, **options: Any) -> Appended:
        self.requests += 1
        if self.requests % 5:
            return super().append(records, *more, **options)
        last = max((event.seq for event in self.read()), default=0)
        return Appended(tuple(range(last + 1, last + 1 + len(records))))


class WritesHalf(SqliteStorage):
    """A transaction a record: when one fails, those before it stay."""

    def append(self, records: Sequence[Record], key: str | None = None, **options: Any) -> Appended:
        parts = [
            super(WritesHalf, self).append([record], key=key and f"{key}/{n}", **(options if n == 0 else {}))
            for n, record in enumerate(records)
        ]
        return Appended(tuple(seq for part in parts for seq in part.seqs), any(p.duplicate for p in parts))


class MissesEvents(SqliteStorage):
    """Shows the last event before the one before it, as counters that run ahead of commits do."""

    reads = 0

    def read(self, after: int = 0) -> list[Event]:
        self.reads += 1
        events = super().read(after)
        return events if self.reads % 2 or len(events) < 2 else events[:-2] + events[-1:]


class ForgetsTheKey(SqliteStorage):
    """Remembers the keys of its own requests alone."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.keys: dict[str, Appended] = {}

    def append(
        self,
        records: Sequence[Record],
        key: str | None = None,
        hold: Iterable[str] = (),
        free: Iterable[str] = (),
    ) -> Appended:
        if key is not None and key in self.keys:
            return replace(self.keys[key], duplicate=True)
        appended = super().append(records, None, hold, free)
        if key is not None:
            self.keys[key] = appended
        return appended


class HoldsAgain(SqliteStorage):
    """A repeated request takes its items away once more."""

    def append(
        self,
        records: Sequence[Record],
        key: str | None = None,
        hold: Iterable[str] = (),
        free: Iterable[str] = (),
    ) -> Appended:
        appended = super().append(records, key, hold, free)
        if appended.duplicate:
            super().append([], None, hold, ())
        return appended


class ForgetsToHold(SqliteStorage):
    """Trusts that callers know what was answered."""

    def append(self, records: Sequence[Record], key: str | None = None, **_: Any) -> Appended:
        return super().append(records, key)


class NeverRunsOut(SqliteStorage):
    """A lease is kept until it is released."""

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        annotator, session, _, until = who[:4]
        return super().claim(ranked, k, annotator, session, 0.0, until, *who[4:], **more)


class RunsOutEarly(SqliteStorage):
    """Looks at a clock that is ahead."""

    def leases(self, now: float) -> list[Lease]:
        return super().leases(now + 1)

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        annotator, session, now, until = who[:4]
        return super().claim(ranked, k, annotator, session, now + 1, until, *who[4:], **more)


class RecordsSeparately(SqliteStorage):
    """The round and its leases are two transactions."""

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        record: Callable[[list[str]], Record | None] | None = more.get("record") or (who[4:] or (None,))[0]
        won = super().claim(ranked, k, *who[:4])
        made = record(won) if record and won else None
        if made:
            self.append([made])
        return won


class SortsWhatItWon(SqliteStorage):
    """The order of the statement, not that of the ranking."""

    def claim(self, ranked: Sequence[str], k: int, *who: Any, **more: Any) -> list[str]:
        return sorted(super().claim(ranked, k, *who, **more))


class AdoptsFromAnybody(SqliteStorage):
    """Does not ask whose lease it was."""

    def adopt(
        self, items: Iterable[str], annotator: str, dead_sessions: Iterable[str], session: str, until: float
    ) -> list[str]:
        items, dead = list(items), list(dead_sessions)
        moved = set(super().adopt(items, annotator, dead, session, until))
        for other in ("bob",):
            moved |= set(super().adopt(items, other, dead, session, until))
        return [item for item in items if item in moved]


class OpensTheUnfinished(SqliteStorage):
    """Whatever has tables will do."""

    def open(self) -> None:
        try:
            super().open()
        except StorageError as error:
            if "unfinished" not in str(error):
                raise


class OverwritesTheFinished(SqliteStorage):
    """Begins anew whatever was there."""

    def create(self, meta: dict[str, Any]) -> None:
        if self.path.exists():
            self.path.unlink()
        super().create(meta)


class LastDuplicateStands(SqliteStorage):
    """The representative is the last of its kind."""

    def duplicates(self) -> NDArray[np.int64]:
        found = super().duplicates()
        return found[:, ::-1] if len(found) else found


class FlatDuplicates(SqliteStorage):
    """No duplicates, no columns."""

    def duplicates(self) -> NDArray[np.int64]:
        found = super().duplicates()
        return found if len(found) else np.array([], dtype=np.int64)


class ItemsInItsOwnOrder(SqliteStorage):
    """Rows in the order of the table."""

    def items(self, rows: Sequence[int]) -> list[Item]:
        return sorted(super().items(rows), key=lambda item: item.row)


class FindsNoRepresentative(SqliteStorage):
    """Every item stands for itself."""

    def find(self, ids: Iterable[str]) -> dict[str, Located]:
        return {id: Located(found.row, found.row, id) for id, found in super().find(ids).items()}


class WorksWhenClosed(SqliteStorage):
    """Opens itself again."""

    def read(self, after: int = 0) -> list[Event]:
        if not self._closed:
            return super().read(after)
        other = SqliteStorage(self.path)
        try:
            return other.read(after)
        finally:
            other.close()


class KeepsOldShards(SqliteStorage):
    """The first file of a part stays."""

    def add_shard(self, shard: Any) -> None:
        if all(known.part != shard.part for known in self.shards(shard.encoder)):
            super().add_shard(shard)


FAULTS: dict[type[SqliteStorage], str] = {
    HandsOutTwice: "nobody_gets_what_another_has",
    TakesTooMany: "a_claim_takes_the_first_free",
    LosesAnAcknowledgedAppend: "acknowledged_is_there",
    WritesHalf: "appending_is_all_or_nothing",
    MissesEvents: "no_event_is_missed",
    ForgetsTheKey: "a_key_counts_once_at_the_same_time",
    HoldsAgain: "a_key_counts_once",
    ForgetsToHold: "held_is_never_handed_out",
    NeverRunsOut: "leases_run_out",
    RunsOutEarly: "leases_run_out",
    RecordsSeparately: "a_claim_records_its_round",
    SortsWhatItWon: "a_claim_takes_the_first_free",
    AdoptsFromAnybody: "sessions_are_released_and_adopted",
    OpensTheUnfinished: "missing_and_unfinished_are_refused",
    OverwritesTheFinished: "finished_is_not_overwritten",
    LastDuplicateStands: "duplicates_are_grouped",
    FlatDuplicates: "no_duplicates_is_an_empty_table",
    ItemsInItsOwnOrder: "items_come_back",
    FindsNoRepresentative: "duplicates_are_grouped",
    WorksWhenClosed: "closed_is_closed",
    KeepsOldShards: "shards_are_recorded",
}


@pytest.fixture
def places(tmp_path: Path) -> Callable[[type[SqliteStorage]], Callable[[], Any]]:
    def new_place(kind: type[SqliteStorage]) -> Callable[[], Any]:
        numbers = itertools.count()
        return lambda: partial(kind, tmp_path / f"{next(numbers)}.sqlite")

    return new_place


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_the_suite_finds(places: Any, kind: type[SqliteStorage]) -> None:
    suite = dict(StorageSuite(places(kind)))
    with pytest.raises(Broken):
        suite[FAULTS[kind]]()


def test_a_broken_storage_fails_the_run_by_name(places: Any) -> None:
    with pytest.raises(CheckFailed, match="held_is_never_handed_out"):
        StorageSuite(places(ForgetsToHold)).run("mine")
