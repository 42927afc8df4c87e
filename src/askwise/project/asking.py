"""One batch: what is still out comes back, the audit set gets its share, and the strategy chooses the rest."""

from __future__ import annotations

import time
from math import inf

import numpy as np

from ..records import Pick, RoundOpened
from ..state import State
from ..strategy import Explore
from ..xp import to_numpy
from . import audit
from .create import IMPORTER
from .desk import Desk
from .model import settled_items
from .session import is_alive

# Where other processes take the same picks first, we look further down our own list the next time.
WIDEN = 4
MOST_ATTEMPTS = 50


def ask(desk: Desk, k: int, annotator: str) -> list[Pick]:
    """At most k picks, leased to the annotator in this process.

    The rest of a batch that was interrupted comes alone, without new questions to fill it up: new ones are chosen
    when it is answered, as they would have been without the interruption.
    """
    if left := _taken_over(desk, k, annotator):
        return left
    k = int(min(k, _affordable(desk)))
    picks: list[Pick] = []
    for attempt in range(MOST_ATTEMPTS):
        won = _open_round(desk, k - len(picks), annotator, attempt) if len(picks) < k else None
        if won is None:
            break
        picks += won
    return picks


def _affordable(desk: Desk) -> float:
    """How many more questions the budget allows; labels that came with the source cost nothing."""
    if desk.config.budget is None:
        return inf
    state = desk.refresh()
    bought = sum(any(who != IMPORTER for who in opinions) for opinions in state.opinions.values())
    return max(0, desk.config.budget - bought - len(_out(desk, state)))


def _out(desk: Desk, state: State) -> set[str]:
    """Items that somebody is being asked at this moment."""
    return {lease.item for lease in desk.storage.leases(time.time()) if not state.settled(lease.item)}


def _taken_over(desk: Desk, k: int, annotator: str) -> list[Pick]:
    """Questions that a vanished process of the same annotator left unanswered, in the order they were asked."""
    now = time.time()
    leases = desk.storage.leases(now)
    state = desk.refresh()  # after the leases were read: every one of them is in the log by now
    left = [
        lease
        for lease in leases
        if lease.annotator == annotator and not state.settled(lease.item) and not is_alive(lease.session)
    ]
    if not left:
        return []
    place = {item: position for position, item in enumerate(state.asked)}
    items = sorted((one.item for one in left), key=lambda item: (state.asked[item].round, place[item]))[:k]
    sessions = sorted({lease.session for lease in left})
    ours = set(desk.storage.adopt(items, annotator, sessions, desk.session, now + desk.config.lease))
    return [
        Pick(item, state.asked[item].why, state.asked[item].probability) for item in items if item in ours
    ]


def _open_round(desk: Desk, k: int, annotator: str, attempt: int) -> list[Pick] | None:
    """Choose k items and claim them; None if there is nothing left to choose.

    The list may come back short (or empty) when another process was faster: the caller looks again.
    """
    index, config = desk.index, desk.config
    state = desk.refresh()
    now = time.time()
    taken = _out(desk, state) | settled_items(state)
    waiting = [item for item in index.audit if item not in taken]
    candidates = index.candidates(taken)
    if not waiting and not len(candidates):
        return None
    audited = audit.settled_prefix(index.audit, taken)
    measures = audit.due(k, audited=audited, asked=len(taken), reserve=len(index.audit))
    measures = max(min(measures, len(waiting)), min(len(waiting), k - len(candidates)))
    wanted, reach = k - measures, WIDEN**attempt
    chosen = _choose(desk, candidates, min(len(candidates), wanted * reach))
    ranked = list(chosen)
    first = audit.interleave(ranked[:wanted], waiting[:measures])
    spare = audit.interleave(ranked[wanted:], waiting[measures : measures * reach])
    opened: list[RoundOpened] = []

    def record(won: list[str]) -> RoundOpened:
        picks = tuple(chosen.get(item) or Pick(item, "audit") for item in won)
        now = time.time()
        opened.append(RoundOpened(state.rounds + 1, str(desk.strategy), picks, annotator, state.seq, now))
        return opened[-1]

    desk.storage.claim(first + spare, k, annotator, desk.session, now, now + config.lease, record=record)
    return list(opened[-1].picks) if opened else []


def _choose(desk: Desk, candidates: np.ndarray[tuple[int], np.dtype[np.int64]], k: int) -> dict[str, Pick]:
    """The strategy's picks among the candidates, in the strategy's order, by item."""
    if not k:
        return {}
    model, training = desk.fit()
    inputs = desk.model.evidence(desk.strategy, model, candidates, training)
    seed = [desk.config.seed, desk.state.rounds + 1]
    n = len(candidates)
    positions = to_numpy(desk.strategy(k, np.random.default_rng(seed), n=n, **inputs))
    picks = {item: Pick(item, "chosen") for item in desk.index.ids(candidates[positions])}
    if isinstance(desk.strategy, Explore):
        drawn, probability = desk.strategy.drawn_at_random(k, n, np.random.default_rng(seed))
        explored = desk.index.ids(candidates[drawn])
        picks |= {item: Pick(item, "explore", probability) for item in explored}
    return picks
