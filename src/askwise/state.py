"""What a project knows, folded from its log of events: pure, so that a resumed project equals one never stopped.

An annotator's *word* on an item is an answer, a skip or "not relevant". The last word of an annotator that
was not undone is the one that counts; undoing it brings back the one before. That is why every word that was
not undone is kept, and not only the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from .errors import ContractError
from .records import JSON, Answer, Event, Measured, NotRelevant, RoundOpened, Skip, Undo

Words: TypeAlias = Mapping[str, tuple[Event, ...]]


@dataclass(frozen=True, slots=True)
class Opinion:
    """The answer of one annotator that counts now, and the number of the event that gave it."""

    seq: int
    value: JSON
    at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """When and why an item was last put in a batch."""

    round: int
    why: str
    probability: float | None


class Last(NamedTuple):
    """An annotator's latest word that was not undone: what `undo` would take back."""

    seq: int
    item: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that follows from the events up to number `seq`. Never changed: `fold` makes a new one.

    Attributes
    ----------
    seq
        Number of the last event.
    rounds
        How many rounds were opened.
    opinions
        Item to annotator to `Opinion`: the answers that count now.
    skipped, not_relevant
        Item to the event that says so. An answer given later, by anyone, outweighs it.
    asked
        Item to `Asked`, its last time in a batch.
    measured
        All measurements, oldest first.
    words
        Item to annotator to the events not undone, oldest first; the last of them counts.
    history
        Annotator to {event number: item} of the events not undone, oldest first.
    """

    seq: int = 0
    rounds: int = 0
    opinions: Mapping[str, Mapping[str, Opinion]] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    not_relevant: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, Asked] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict, repr=False)
    history: Mapping[str, dict[int, str]] = field(default_factory=dict, repr=False)

    def labeled(self) -> list[tuple[str, Mapping[str, Opinion]]]:
        """The answered items with their opinions, in the order in which their earliest opinion arrived.

        >>> answers = [Answer(item="b", value=1, annotator="ann", at=0.0), Answer("a", 0, "ann", 1.0)]
        >>> state = fold(Event(seq, answer) for seq, answer in enumerate(answers, start=1))
        >>> [(item, opinions["ann"].value) for item, opinions in state.labeled()]
        [('b', 1), ('a', 0)]
        """
        return sorted(self.opinions.items(), key=_arrival)

    def settled(self, item: str) -> bool:
        """Whether the item was answered, skipped or found not relevant, so that nobody need be asked."""
        return item in self.opinions or item in self.skipped or item in self.not_relevant

    def last(self, annotator: str) -> Last | None:
        """The annotator's latest answer, skip or "not relevant" that was not undone; None if there is none."""
        history = self.history.get(annotator)
        if not history:
            return None
        seq = next(reversed(history))
        return Last(seq, history[seq])


def _arrival(labeled: tuple[str, Mapping[str, Opinion]]) -> int:
    return min(opinion.seq for opinion in labeled[1].values())


EMPTY = State()


def fold(events: Iterable[Event], state: State = EMPTY) -> State:
    """Fold events onto a state.

    ``fold(b, fold(a)) == fold(a + b)`` for every way of cutting a log in two: a project that stopped and was
    opened again knows exactly what one knows that never stopped.

    - A later word of the same annotator on the same item replaces the earlier one.
    - An answer takes away the item's skips and "not relevant"s given before it, whoever gave them.
    - `Undo` takes one event out, as if it had never come, and thereby restores what that event had replaced.
      Undoing an event that is unknown, is not a word, or was undone before changes nothing.

    Costs time in proportion to the events, plus one shallow copy of each mapping that changes.

    Parameters
    ----------
    events
        In the order of their numbers.
    state
        What is known so far; it is not changed.

    Raises
    ------
    ContractError
        If an event is not newer than the one before it: folding one twice would quietly count it twice.

    >>> answer = Event(1, Answer(item="a", value="cat", annotator="ann", at=0.0))
    >>> better = Event(2, Answer(item="a", value="dog", annotator="ann", at=5.0))
    >>> fold([better], fold([answer])).opinions["a"]["ann"].value
    'dog'
    >>> undo = Event(3, Undo(target=2, item="a", annotator="ann", at=9.0))
    >>> fold([answer, better, undo]).opinions["a"]["ann"].value
    'cat'
    """
    folding = _Folding(state)
    for event in events:
        folding.take(event)
    return folding.state()


class _Folding:
    """One call of `fold`: mappings of the old state are copied when they first change, and only then."""

    def __init__(self, state: State) -> None:
        self._start = state
        self._seq = state.seq
        self._rounds = state.rounds
        self._measured = list(state.measured)
        self._own: dict[str, dict[Any, Any]] = {}
        self._own_history: dict[str, dict[int, str]] = {}
        self._handlers: dict[type, Callable[[Event], None]] = {
            Answer: self._word,
            Skip: self._word,
            NotRelevant: self._word,
            Undo: self._undo,
            RoundOpened: self._round,
            Measured: lambda event: self._measured.append(event.record),  # type: ignore[arg-type]
        }

    def take(self, event: Event) -> None:
        if event.seq <= self._seq:
            raise ContractError(
                f"event {event.seq} came after event {self._seq}: fold takes events in the order of their "
                "numbers, each once; pass only those newer than state.seq"
            )
        self._seq = event.seq
        self._handlers[type(event.record)](event)

    def state(self) -> State:
        return replace(
            self._start, seq=self._seq, rounds=self._rounds, measured=tuple(self._measured), **self._own
        )

    def _seen(self, name: str) -> Mapping[Any, Any]:
        """The mapping as it is now, to be read."""
        own = self._own.get(name)
        return getattr(self._start, name) if own is None else own

    def _mine(self, name: str) -> dict[Any, Any]:
        """The mapping as it is now, to be changed."""
        own = self._own.get(name)
        if own is None:
            own = self._own[name] = dict(getattr(self._start, name))
        return own

    def _history(self, annotator: str) -> dict[int, str]:
        own = self._own_history.get(annotator)
        if own is None:
            histories = self._mine("history")
            own = self._own_history[annotator] = histories[annotator] = dict(histories.get(annotator, {}))
        return own

    def _word(self, event: Event) -> None:
        record = event.record
        assert isinstance(record, Answer | Skip | NotRelevant)
        words = dict(self._seen("words").get(record.item, {}))
        words[record.annotator] = (*words.get(record.annotator, ()), event)
        self._mine("words")[record.item] = words
        self._history(record.annotator)[event.seq] = record.item
        self._settle(record.item, words)

    def _undo(self, event: Event) -> None:
        assert isinstance(event.record, Undo)
        target = event.record.target
        histories = self._seen("history")
        author = next((annotator for annotator, seqs in histories.items() if target in seqs), None)
        if author is None:
            return
        history = self._history(author)
        item = history.pop(target)
        if not history:
            # An annotator without words must look like one who never came, or equal logs give unequal states.
            del self._mine("history")[author]
            del self._own_history[author]
        words = dict(self._seen("words")[item])
        kept = tuple(word for word in words[author] if word.seq != target)
        if kept:
            words[author] = kept
        else:
            del words[author]
        if words:
            self._mine("words")[item] = words
        else:
            del self._mine("words")[item]
        self._settle(item, words)

    def _settle(self, item: str, words: Words) -> None:
        """Work out anew what counts for one item from everybody's last word on it."""
        opinions: dict[str, Opinion] = {}
        latest = {Answer: 0, Skip: 0, NotRelevant: 0}
        for annotator, spoken in words.items():
            seq, record = spoken[-1].seq, spoken[-1].record
            if isinstance(record, Answer):
                opinions[annotator] = Opinion(seq, record.value, record.at)
            kind = type(record)
            latest[kind] = max(latest[kind], seq)
        answered = latest[Answer]
        self._set("opinions", item, opinions or None)
        self._set("skipped", item, latest[Skip] if latest[Skip] > answered else None)
        self._set("not_relevant", item, latest[NotRelevant] if latest[NotRelevant] > answered else None)

    def _set(self, name: str, item: str, value: Any) -> None:
        if value is not None:
            self._mine(name)[item] = value
        elif item in self._seen(name):
            del self._mine(name)[item]

    def _round(self, event: Event) -> None:
        assert isinstance(event.record, RoundOpened)
        self._rounds += 1
        asked = self._mine("asked")
        for pick in event.record.picks:
            asked[pick.item] = Asked(event.record.round, pick.why, pick.probability)
