"""Where a project stands, in numbers that can be trusted."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from ..learner.copies import learner_name
from ..tasks import Score
from .desk import Desk
from .model import merged_answers, settled_items


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of a project.

    Attributes
    ----------
    labeled
        Distinct items with an answer, `trained_on` and `audited` among them.
    audited
        Items of the audit set that count: the answered ones of its gapless beginning.
    scores
        Measured on the audit set alone; empty while nothing is measured.
    """

    name: str
    items: int
    duplicates: int
    labeled: int
    trained_on: int
    audited: int
    audit_reserve: int
    skipped: int
    not_relevant: int
    out: int
    remaining: int
    rounds: int
    budget: int | None
    labels: dict[str, int]
    scores: tuple[Score, ...]
    history: tuple[dict[str, Any], ...]
    task: str
    strategy: str
    learner: str
    encoder: str
    storage: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """The status as a person reads it."""
        pool = f"{self.items:,} items" + (f" ({self.duplicates:,} are copies)" if self.duplicates else "")
        budget = f" of a budget of {self.budget:,}" if self.budget is not None else ""
        balance = ", ".join(f"{label} {count:,}" for label, count in self.labels.items())
        return [
            f"{self.name}: {self.task}",
            f"pool        {pool}; {self.remaining:,} left to choose from, {self.out:,} being answered",
            f"labeled     {self.labeled:,}{budget} in {self.rounds:,} rounds: "
            f"{self.trained_on:,} to learn from, {self.labeled - self.trained_on:,} to measure",
            f"answers     {balance}" + self._declined(),
            *self.measured(),
            f"choosing    {self.strategy}; learner {self.learner}; encoder {self.encoder}",
        ]

    def _declined(self) -> str:
        return (
            f"; skipped {self.skipped:,}, not relevant {self.not_relevant:,}"
            if self.skipped + self.not_relevant
            else ""
        )

    def measured(self) -> list[str]:
        if not self.scores:
            return [
                f"measured    nothing yet: {self.audited} of the {self.audit_reserve} audit items are answered"
            ]
        first, *others = (f"{score.name} {score}" for score in self.scores)
        basis = f"on {self.audited} items picked at random, never learned from (95 % interval)"
        return [f"measured    {first} {basis}", *(f"            {line}" for line in others)]


def take(desk: Desk) -> Status:
    """The status of a project at this moment."""
    state, index = desk.refresh(), desk.index
    answers = merged_answers(state, desk.task)
    training = desk.model.training(answers)
    audited, scores = desk.model.measure(state, answers, desk.model.fit(training))
    out = [lease for lease in desk.storage.leases(time.time()) if not state.settled(lease.item)]
    return Status(
        name=desk.name,
        items=index.n,
        duplicates=len(index.copies),
        labeled=len(answers),
        trained_on=len(training.rows),
        audited=audited,
        audit_reserve=len(index.audit),
        skipped=len(state.skipped),
        not_relevant=len(state.not_relevant),
        out=len(out),
        remaining=index.distinct - len(settled_items(state)) - len(out),
        rounds=state.rounds,
        budget=desk.config.budget,
        labels=desk.task.summary(list(answers.values())),
        scores=scores,
        history=tuple(
            {"labels": one.labels, "audited": one.audited, "scores": one.scores} for one in state.measured
        ),
        task=desk.task.describe(),
        strategy=str(desk.strategy),
        learner=learner_name(desk.learner),
        encoder=desk.config.encoder,
        storage=desk.storage.url,
    )
