"""Every error that Askwise raises on purpose. One root, so that a caller can catch them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class AskwiseError(Exception):
    """The root of all errors that Askwise raises on purpose; its text says what to do."""


class ContractError(AskwiseError, ValueError):
    """A function, a strategy or an array does not keep the contract it was used under."""


class LearnerError(AskwiseError):
    """A learner could not be fitted, or lacks what a strategy needs of it."""


class SourceError(AskwiseError):
    """The data to label cannot be read: names the file, the line, and what was expected."""


class EncoderError(AskwiseError):
    """An encoder cannot be made or cannot turn these items into embeddings."""


class StorageError(AskwiseError):
    """The project's storage refused: nothing of the request was written."""


class ProjectError(AskwiseError):
    """A project was asked for something that it cannot do in its present state."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that was not kept, and why."""

    item: str
    value: Any
    reason: str
    where: str | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}item {self.item!r}: {self.reason}"


class AnswersRefused(AskwiseError):
    """Some answers were refused; the others are kept, durably.

    Attributes
    ----------
    refused
        The refused answers, each with its reason.
    kept
        How many answers of the same call were kept.
    """

    def __init__(self, refused: Sequence[Refusal], kept: int, *, limit: int = 5) -> None:
        self.refused = tuple(refused)
        self.kept = kept
        shown = "; ".join(str(refusal) for refusal in self.refused[:limit])
        more = f"; and {len(self.refused) - limit} more" if len(self.refused) > limit else ""
        total = len(self.refused) + kept
        super().__init__(
            f"{len(self.refused)} of {total} answers refused, the other {kept} kept: {shown}{more}"
        )
