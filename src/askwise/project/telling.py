"""Answers come in: each is checked, the good ones are recorded in one step, the others are named."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..errors import AnswersRefused, ContractError, ProjectError, Refusal
from ..records import Answer, NotRelevant, Skip, Undo
from .answers import Given
from .desk import Desk
from .questions import Told


def tell(desk: Desk, given: Sequence[Given], annotator: str, key: str | None) -> Told:
    """Record what is valid; raises AnswersRefused afterwards if something was not."""
    located = desk.storage.find(sorted({one.item for one in given}))
    now = time.time()
    records: list[Answer | Skip | NotRelevant] = []
    refused: list[Refusal] = []
    blank = 0
    for one in given:
        if one.item not in located:
            refused.append(Refusal(one.item, one.value, f"no such item in {desk.name!r}", one.where))
            continue
        item, who = located[one.item].representative_id, one.annotator or annotator
        if one.action == "skip":
            records.append(Skip(item, who, now))
        elif one.action == "not_relevant":
            records.append(NotRelevant(item, who, now))
        elif one.value is None:
            blank += 1
        else:
            try:
                records.append(Answer(item, desk.task.check(one.value), who, now, one.seconds))
            except ContractError as error:
                refused.append(Refusal(one.item, one.value, str(error), one.where))
    repeated = False
    if records:
        settled = list(dict.fromkeys(record.item for record in records))
        repeated = desk.storage.append(records, key=key, hold=settled).duplicate
    if refused:
        raise AnswersRefused(refused, len(records))
    return Told(0 if repeated else len(records), blank, repeated)


def undo(desk: Desk, annotator: str) -> str:
    """Withdraw the annotator's last answer, skip or "not relevant"; returns the item."""
    state = desk.refresh()
    last = state.last(annotator)
    if last is None:
        raise ProjectError(f"nothing to undo: {annotator!r} has given no answer in {desk.name!r}")
    record = Undo(target=last.seq, item=last.item, annotator=annotator, at=time.time())
    # Opened again even where another annotator's answer stands: two undos at once could each see the other's answer,
    # and the item would be closed for ever. A settled item is no candidate, whatever its lease says.
    desk.storage.append([record], free=[last.item])
    return last.item
