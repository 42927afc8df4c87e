"""Checks of storages: an item goes to one annotator, and in the end to each that is free."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..records import Pick, Record, RoundOpened, Undo
from ..storage import Storage
from .report import broken
from .storage_subject import LATER, NOW, SOON, THREADS, Subject, answer, in_threads, refused, same


def a_claim_takes_the_first_free(subject: Subject) -> None:
    """In ranked order, at most k, each once, none that somebody holds."""
    storage, other = subject.project(), subject.again()
    same("first", storage.claim(["i3", "i1", "i3", "i2"], 2, "ann", "s", NOW, SOON), ["i3", "i1"])
    same("second", other.claim(["i1", "i0", "i3", "i2", "i4"], 2, "bob", "t", NOW, SOON), ["i0", "i2"])
    same("the same session again", storage.claim(["i3"], 1, "ann", "s", NOW, SOON), [])
    same("the rest", storage.claim([f"i{n}" for n in range(6)], 9, "ann", "s", NOW, SOON), ["i4", "i5"])
    same("nothing left", other.claim(["i0", "i5"], 1, "bob", "t", NOW, SOON), [])
    same("nothing wanted", other.claim([], 3, "bob", "t", NOW, SOON), [])


def a_claim_goes_down_a_long_list(subject: Subject) -> None:
    """Thousands are taken, and the free ones come at the end."""
    storage = subject.project(3_500)
    ranked = [f"i{n}" for n in range(3_500)]
    same("taken at once", len(storage.claim(ranked, 3_400, "ann", "s", NOW, SOON)), 3_400)
    same("the free ones", storage.claim(ranked, 7, "bob", "t", NOW, SOON), ranked[3_400:3_407])


def leases_run_out(subject: Subject) -> None:
    """By the caller's clock: not at the last moment, but after it."""
    storage, other = subject.project(), subject.again()
    storage.claim(["i0", "i1"], 2, "ann", "s", NOW, SOON)
    same("leases", [(lease.item, lease.annotator, lease.session, lease.until) for lease in other.leases(NOW)],
         [("i0", "ann", "s", SOON), ("i1", "ann", "s", SOON)])  # fmt: skip
    same("claim at the last moment", other.claim(["i0"], 1, "bob", "t", SOON, LATER), [])
    same("claim afterwards", other.claim(["i0"], 1, "bob", "t", SOON + 1, LATER), ["i0"])
    same("holders", [(lease.item, lease.annotator) for lease in storage.leases(SOON + 1)], [("i0", "bob")])


def held_is_never_handed_out(subject: Subject) -> None:
    """Answered items stay away from whoever asks, at any time, and are no leases."""
    storage, other = subject.project(), subject.again()
    storage.claim(["i0"], 1, "ann", "s", NOW, SOON)
    storage.append([answer("i0"), answer("i1")], hold=["i0", "i1"])
    same("claim of held items", other.claim(["i0", "i1", "i2"], 3, "bob", "t", 1e12, 1e13), ["i2"])
    same("leases", [lease.item for lease in storage.leases(NOW)], ["i2"])
    storage.release("s")
    same("adopted", other.adopt(["i0"], "ann", ["s"], "t", LATER), [])
    same("claim after release", other.claim(["i0"], 1, "bob", "t", 1e12, 1e13), [])
    storage.append([Undo(1, "i0", "ann", NOW)], free=["i0"])
    same("claim after undo", other.claim(["i0", "i1"], 2, "bob", "t", NOW, SOON), ["i0"])


def nobody_gets_what_another_has(subject: Subject) -> None:
    """Many ask at once for the same items: each item goes to one, and none is left over."""
    storage, other = subject.project(300), subject.again()
    ranked = [f"i{n}" for n in range(300)]

    def ask(use: Storage, session: str) -> list[str]:
        won: list[str] = []
        while more := use.claim(ranked, 7, session, session, NOW, SOON):
            if len(more) > 7:
                broken(f"asked for 7, got {len(more)}")
            won += more
        return won

    users = enumerate([storage, other] * (THREADS // 2))
    works = [partial(ask, use, f"s{number}") for number, use in users]
    won = [item for items in in_threads(works) for item in items]
    same("items handed out twice", sorted(item for item in set(won) if won.count(item) > 1), [])
    same("items handed out", len(won), 300)
    same("live leases", len(storage.leases(NOW)), 300)


def a_claim_records_its_round(subject: Subject) -> None:
    """The round and its leases come together, or neither comes."""
    storage = subject.project()

    def opened(won: list[str]) -> Record:
        return RoundOpened(1, "margin", tuple(Pick(item, "chosen") for item in won), "ann", 0, NOW)

    def fails(won: list[str]) -> Record:
        raise ValueError("no round today")

    refused("a failing record", lambda: storage.claim(["i0"], 1, "ann", "s", NOW, SOON, fails), ValueError)
    same("leases after the failure", storage.leases(NOW), [])
    same("won", storage.claim(["i0", "i1"], 2, "ann", "s", NOW, SOON, opened), ["i0", "i1"])
    same("won without a record", storage.claim(["i2"], 1, "ann", "s", NOW, SOON, lambda won: None), ["i2"])
    same("nothing won", storage.claim(["i0"], 1, "ann", "s", NOW, SOON, fails), [])
    same("events", [event.record for event in subject.again().read()], [opened(["i0", "i1"])])


def sessions_are_released_and_adopted(subject: Subject) -> None:
    """A session gives up its own leases; those of the dead pass to the same annotator alone."""
    storage, other = subject.project(), subject.again()
    storage.claim(["i0", "i1"], 2, "ann", "dead", NOW, SOON)
    storage.claim(["i2"], 1, "bob", "dead", NOW, SOON)
    storage.claim(["i3"], 1, "ann", "alive", NOW, SOON)
    wanted = ["i3", "i2", "i1", "i0", "i5"]
    same("adopted", other.adopt(wanted, "ann", ["dead", "gone"], "new", LATER), ["i1", "i0"])
    same("adopted twice", other.adopt(wanted, "ann", ["dead"], "newer", LATER), [])
    leases = {lease.item: (lease.session, lease.until) for lease in storage.leases(NOW)}
    same("i0", leases["i0"], ("new", LATER))
    same("i2", leases["i2"], ("dead", SOON))
    storage.release("new")
    same("leases after release", [lease.item for lease in other.leases(NOW)], ["i2", "i3"])


CHECKS: tuple[Callable[[Subject], None], ...] = (
    a_claim_takes_the_first_free,
    a_claim_goes_down_a_long_list,
    leases_run_out,
    held_is_never_handed_out,
    nobody_gets_what_another_has,
    a_claim_records_its_round,
    sessions_are_released_and_adopted,
)
