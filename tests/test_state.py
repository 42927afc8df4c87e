"""fold: the prefix law, an independent oracle, and what a state promises to those who hold it."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.errors import ContractError
from askwise.records import (
    KINDS,
    Answer,
    Event,
    Measured,
    NotRelevant,
    Pick,
    Record,
    RoundOpened,
    Skip,
    Undo,
    from_json,
    to_json,
)
from askwise.state import EMPTY, Asked, Last, Opinion, State, fold

ITEMS = st.sampled_from(["a", "b", "c"])
PEOPLE = st.sampled_from(["ann", "bob"])
TIMES = st.floats(0, 1e9)
VALUES: st.SearchStrategy[Any] = st.sampled_from(["cat", "dog", None, 3, [1, 2], {"box": [0.5]}])
WHYS = st.sampled_from(["chosen", "audit", "explore"])
PICKS = st.builds(Pick, ITEMS, WHYS, st.none() | st.floats(0, 1))

RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(Answer, ITEMS, VALUES, PEOPLE, TIMES, st.none() | st.floats(0, 99)),
    st.builds(Answer, ITEMS, VALUES, PEOPLE, TIMES),
    st.builds(Skip, ITEMS, PEOPLE, TIMES),
    st.builds(NotRelevant, ITEMS, PEOPLE, TIMES),
    # Any number: of words, of rounds, of undos, of what was undone before, of what is yet to come, of nothing.
    st.builds(Undo, st.integers(-1, 45), ITEMS, PEOPLE, TIMES),
    st.builds(Undo, st.integers(1, 12), ITEMS, PEOPLE, TIMES),
    st.builds(
        RoundOpened,
        st.integers(0, 9),
        st.text(max_size=3),
        st.lists(PICKS, max_size=3).map(tuple),
        PEOPLE,
        st.integers(0, 40),
        TIMES,
    ),
    st.builds(
        Measured, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.just({"accuracy": 0.5}), TIMES
    ),
)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Events with growing numbers; some numbers are left out, as on a database that counts so."""
    records = draw(st.lists(RECORDS, max_size=30))
    seq, events = 0, []
    for record in records:
        seq += draw(st.sampled_from([1, 1, 1, 2]))
        events.append(Event(seq, record))
    return events


WORDS = (Answer, Skip, NotRelevant)


def oracle(events: list[Event]) -> dict[str, Any]:
    """What the docstring of `fold` says, worked out anew from the whole log, one question at a time."""
    gone: set[int] = set()
    for position, event in enumerate(events):
        if isinstance(event.record, Undo):
            target = event.record.target
            if any(e.seq == target and isinstance(e.record, WORDS) for e in events[:position]):
                gone.add(target)
    words = [event for event in events if isinstance(event.record, WORDS) and event.seq not in gone]

    def is_last(word: Event) -> bool:
        """Whether nothing later came from the same annotator on the same item."""
        return not any(
            (later.record.item, later.record.annotator) == (word.record.item, word.record.annotator)  # type: ignore[union-attr]
            for later in words
            if later.seq > word.seq
        )

    counting = [word for word in words if is_last(word)]
    answers = [word for word in counting if isinstance(word.record, Answer)]

    def standing(kind: type) -> dict[str, int]:
        found: dict[str, int] = {}
        for word in counting:
            item = word.record.item  # type: ignore[union-attr]
            outweighed = any(a.record.item == item and a.seq > word.seq for a in answers)  # type: ignore[union-attr]
            if isinstance(word.record, kind) and not outweighed:
                found[item] = word.seq
        return found

    opinions: dict[str, dict[str, Opinion]] = {}
    for word in answers:
        record = word.record
        assert isinstance(record, Answer)
        opinions.setdefault(record.item, {})[record.annotator] = Opinion(word.seq, record.value, record.at)
    rounds = [event.record for event in events if isinstance(event.record, RoundOpened)]
    lasts = {who: [w for w in words if w.record.annotator == who] for who in ("ann", "bob")}  # type: ignore[union-attr]
    return {
        "seq": events[-1].seq if events else 0,
        "rounds": len(rounds),
        "opinions": opinions,
        "skipped": standing(Skip),
        "not_relevant": standing(NotRelevant),
        "asked": {p.item: Asked(r.round, p.why, p.probability) for r in rounds for p in r.picks},
        "measured": tuple(event.record for event in events if isinstance(event.record, Measured)),
        # `setdefault` above makes an item's place that of its earliest counting answer: the order of arrival.
        "labeled": list(opinions.items()),
        "last": {who: Last(w[-1].seq, w[-1].record.item) if w else None for who, w in lasts.items()},  # type: ignore[union-attr]
    }


def seen(state: State) -> dict[str, Any]:
    names = ("seq", "rounds", "opinions", "skipped", "not_relevant", "asked", "measured")
    facts = {name: getattr(state, name) for name in names}
    people = {who: state.last(who) for who in ("ann", "bob")}
    return facts | {"labeled": state.labeled(), "last": people}


@settings(max_examples=400, deadline=None)
@given(logs())
def test_fold_is_what_the_oracle_says(events: list[Event]) -> None:
    state = fold(events)
    assert seen(state) == oracle(events)
    for item in "abc":
        known = (state.opinions, state.skipped, state.not_relevant)
        assert state.settled(item) == any(item in facts for facts in known)


@settings(max_examples=400, deadline=None)
@given(logs(), st.data())
def test_the_prefix_law(events: list[Event], data: st.DataObject) -> None:
    whole = fold(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    state, start = EMPTY, 0
    for cut in [*cuts, len(events)]:
        state = fold(events[start:cut], state)
        start = cut
    assert state == whole
    assert seen(state) == seen(whole)


@settings(max_examples=200, deadline=None)
@given(logs(), st.data())
def test_a_state_handed_out_never_changes(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    early = fold(events[:cut])
    before = copy.deepcopy(early)
    order = early.labeled()
    fold(events[cut:], early)
    fold(events[cut:], early)
    assert early == before
    assert early.labeled() == order
    assert State() == EMPTY


@settings(max_examples=200, deadline=None)
@given(logs())
def test_undoing_everything_leaves_nothing(events: list[Event]) -> None:
    words = [event.seq for event in events if isinstance(event.record, WORDS)]
    state = fold(events)
    for number, target in enumerate(words, start=state.seq + 1):
        state = fold([Event(number, Undo(target, "?", "ann", 0.0))], state)
    assert (state.opinions, state.skipped, state.not_relevant) == ({}, {}, {})
    assert (state.words, state.history) == ({}, {})
    assert state.last("ann") is state.last("bob") is None


@given(RECORDS)
def test_every_record_survives_json(record: Record) -> None:
    assert from_json(record.kind, json.loads(json.dumps(to_json(record)))) == record


def test_every_kind_is_generated() -> None:
    kinds: set[str] = set()

    @settings(max_examples=200, deadline=None, database=None)
    @given(RECORDS)
    def collect(record: Record) -> None:
        kinds.add(record.kind)

    collect()
    assert kinds == set(KINDS)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ContractError, match="'spoken'"):
        from_json("spoken", {})


def ann(seq: int, item: str = "a", value: Any = "cat", who: str = "ann") -> Event:
    return Event(seq, Answer(item, value, who, float(seq)))


def test_undo_restores_what_was_replaced() -> None:
    log = [ann(1), ann(2, value="dog"), Event(3, Skip("a", "ann", 3.0))]
    assert "a" not in fold(log).opinions
    assert fold(log).skipped == {"a": 3}
    log.append(Event(4, Undo(3, "a", "ann", 4.0)))
    assert fold(log).opinions["a"]["ann"].value == "dog"
    # The first answer is taken out from under the second: nothing to see.
    log.append(Event(5, Undo(1, "a", "ann", 5.0)))
    assert fold(log).opinions["a"]["ann"].value == "dog"
    log.append(Event(6, Undo(2, "a", "ann", 6.0)))
    assert not fold(log).settled("a")


def test_an_answer_outweighs_a_skip_of_anybody_until_it_is_undone() -> None:
    log = [Event(1, Skip("a", "bob", 1.0)), Event(2, NotRelevant("a", "bo", 2.0)), ann(3)]
    assert fold(log).skipped == fold(log).not_relevant == {}
    log.append(Event(4, Undo(3, "a", "ann", 4.0)))
    assert fold(log).skipped == {"a": 1}
    assert fold(log).not_relevant == {"a": 2}


def test_a_changed_answer_arrives_anew() -> None:
    state = fold([ann(1, "a"), ann(2, "b"), ann(3, "a", "dog"), ann(4, "b", who="bob")])
    assert [item for item, _ in state.labeled()] == ["b", "a"]


@pytest.mark.parametrize("seqs", [(1, 1), (2, 1)])
def test_events_out_of_order_are_refused(seqs: tuple[int, int]) -> None:
    with pytest.raises(ContractError, match="order of their numbers"):
        fold([ann(seq) for seq in seqs])
    with pytest.raises(ContractError, match="pass only those newer"):
        fold([ann(seqs[1])], fold([ann(seqs[0])]))


def test_a_state_can_be_shown() -> None:
    assert "cat" in repr(fold([ann(1)]))
    assert asdict(fold([ann(1)]))["opinions"]["a"]["ann"]["value"] == "cat"


def test_fold_is_fast() -> None:
    """Generous limits, so that a busy machine passes and a quadratic or deeply copying fold does not."""
    events = [ann(seq, f"i{seq}", who=f"ann{seq % 8}") for seq in range(1, 100_001)]
    start = time.perf_counter()
    state = fold(events)
    assert time.perf_counter() - start < 5
    more = [ann(100_001 + number, f"j{number}") for number in range(10)]
    start = time.perf_counter()
    for _ in range(5):
        fold(more, state)
    assert (time.perf_counter() - start) / 5 < 0.2
