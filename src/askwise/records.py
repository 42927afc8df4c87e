"""The facts that a project remembers, as frozen records; to and from plain JSON.

Nothing here does anything: records lie below both the storage that keeps them and the state that is folded
from them, so that neither has to know the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, TypeAlias

from .errors import ContractError

JSON: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to label. `row` is its position in the pool, `hash` the digest of its content."""

    id: str
    row: int
    hash: str
    data: dict[str, JSON] = field(default_factory=dict)
    label: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An annotator's answer. `value` is JSON; only the project's task knows what it means."""

    kind: ClassVar[str] = "answer"
    item: str
    value: JSON
    annotator: str
    at: float
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """An annotator declined to answer."""

    kind: ClassVar[str] = "skip"
    item: str
    annotator: str
    at: float


@dataclass(frozen=True, slots=True)
class NotRelevant:
    """An annotator said that the item does not belong in the pool."""

    kind: ClassVar[str] = "not_relevant"
    item: str
    annotator: str
    at: float


@dataclass(frozen=True, slots=True)
class Undo:
    """The event numbered `target` is withdrawn."""

    kind: ClassVar[str] = "undo"
    target: int
    item: str
    annotator: str
    at: float


@dataclass(frozen=True, slots=True)
class Pick:
    """One item of a batch and why it was put there ("chosen", "audit" or "explore")."""

    item: str
    why: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class RoundOpened:
    """A batch was handed out. `seen` is the last event that the choice knew of."""

    kind: ClassVar[str] = "round_opened"
    round: int
    strategy: str
    picks: tuple[Pick, ...]
    annotator: str
    seen: int
    at: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model fitted on `labels` answers scored on the first `audited` items of the audit set."""

    kind: ClassVar[str] = "measured"
    round: int
    labels: int
    audited: int
    scores: dict[str, JSON]
    at: float


Record: TypeAlias = Answer | Skip | NotRelevant | Undo | RoundOpened | Measured


@dataclass(frozen=True, slots=True)
class Event:
    """A record and its number in the log."""

    seq: int
    record: Record


@dataclass(frozen=True, slots=True)
class Lease:
    """`annotator` holds `item` until `until` (seconds since 1970); `session` names the process that asked."""

    item: str
    slot: int
    annotator: str
    session: str
    until: float


@dataclass(frozen=True, slots=True)
class Shard:
    """One immutable file of a dense column: which encoder made it, which partition it holds, its checksum."""

    encoder: str
    part: str
    file: str
    rows: int
    dim: int
    checksum: str


KINDS: dict[str, type[Record]] = {
    record.kind: record for record in (Answer, Skip, NotRelevant, Undo, RoundOpened, Measured)
}


def to_json(record: Record) -> dict[str, JSON]:
    """The body of a record as plain JSON (its kind is stored beside it).

    >>> to_json(Skip(item="a", annotator="ann", at=1.0))
    {'item': 'a', 'annotator': 'ann', 'at': 1.0}
    """
    return asdict(record)


def from_json(kind: str, body: dict[str, JSON]) -> Record:
    """The record of that kind.

    Raises
    ------
    ContractError
        If the kind is unknown: the log was written by a newer Askwise.

    >>> from_json("skip", {"item": "a", "annotator": "ann", "at": 1.0})
    Skip(item='a', annotator='ann', at=1.0)
    """
    if kind not in KINDS:
        raise ContractError(
            f"unknown kind of event {kind!r}; known: {', '.join(KINDS)}. A newer Askwise wrote it?"
        )
    if kind == RoundOpened.kind:
        body = body | {"picks": tuple(Pick(**pick) for pick in body["picks"])}
    return KINDS[kind](**body)
