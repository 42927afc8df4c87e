"""What goes out to people and what comes back from `tell`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..records import Item


@dataclass(frozen=True, slots=True)
class Question:
    """One item to be answered.

    Attributes
    ----------
    id
        Give it back to `tell` with the answer.
    row
        The item's position in the pool.
    why
        "chosen" by the strategy; "explore": drawn at random by it; or "audit": picked at random to measure.
    data
        What the source says of the item: its text, its columns, or its path below the source.
    path
        Where an image is, absolute; None for other items.
    """

    id: str
    row: int
    why: str
    data: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @property
    def text(self) -> str | None:
        """The text of a text item."""
        return self.data.get("text")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; a column of the source that has one of our own names is called data_NAME."""
        body: dict[str, Any] = {"id": self.id, "row": self.row, "why": self.why}
        if self.path is not None:
            body["path"] = str(self.path)
        own = {*body, "label"}
        return body | {f"data_{name}" if name in own else name: value for name, value in self.data.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """What `tell` kept.

    Attributes
    ----------
    kept
        Answers, skips and "not relevant"s that are now recorded, durably.
    blank
        Rows without an answer, left for later.
    repeated
        True if the idempotency key was known: nothing was recorded again.
    """

    kept: int
    blank: int = 0
    repeated: bool = False


def make_question(item: Item, why: str, kind: str, source: Path) -> Question:
    """The question about an item of the pool."""
    if kind != "images":
        return Question(item.id, item.row, why, item.data)
    path = source / item.data["path"] if source.is_dir() else source
    return Question(item.id, item.row, why, {}, path.resolve())
