"""The model of a project: fitted on the training answers, measured on the audit set, never kept on disk.

A fit is a function of the answers in the order they came, so a reopened project gets the model that a project
never closed has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import gather
from ..learner import Learner, Model, fit_learner
from ..pool import Features
from ..state import State
from ..strategy import QueryStrategy
from ..tasks import Score, Task
from .audit import settled_prefix
from .pool_index import PoolIndex


@dataclass(frozen=True)
class Training:
    """What the model learns from: rows and their answers, in order of arrival."""

    rows: NDArray[np.int64]
    targets: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Training)
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.targets, other.targets)
        )

    __hash__ = None  # type: ignore[assignment]


def merged_answers(state: State, task: Task) -> dict[str, Any]:
    """One answer an item, in order of arrival."""
    return {
        item: task.merge([opinion.value for opinion in sorted(opinions.values(), key=lambda one: one.seq)])
        for item, opinions in state.labeled()
    }


def settled_items(state: State) -> set[str]:
    """All items that nobody need be asked."""
    return {*state.opinions, *state.skipped, *state.not_relevant}


class ProjectModel:
    """Fits when the training answers have changed, and remembers the last fit."""

    def __init__(self, learner: Learner, task: Task, features: Features, index: PoolIndex, seed: int) -> None:
        self._learner, self._task, self._features, self._index, self._seed = (
            learner,
            task,
            features,
            index,
            seed,
        )
        self._training: Training | None = None
        self._model: Model | None = None

    def training(self, answers: Mapping[str, Any]) -> Training:
        """The answers that may be learned from: all but the audit set's."""
        kept = {item: value for item, value in answers.items() if not self._index.is_audit(item)}
        return Training(self._index.rows(kept), self._task.targets(list(kept.values())))

    def fit(self, training: Training) -> Model:
        """The model fitted on exactly these answers."""
        if self._model is None or training != self._training:
            X = self._features.rows(training.rows)
            self._model = fit_learner(self._learner, X, training.targets, self._task.outputs, seed=self._seed)
            self._training = training
        return self._model

    def measure(
        self, state: State, answers: Mapping[str, Any], model: Model
    ) -> tuple[int, tuple[Score, ...]]:
        """How many audit answers count, and the scores on them (none before the second answer)."""
        settled = settled_prefix(self._index.audit, settled_items(state))
        audited = [item for item in self._index.audit[:settled] if item in answers]
        if len(audited) < 2:
            return len(audited), ()
        proba = model.proba(self._features.rows(self._index.rows(audited)))
        values = [answers[item] for item in audited]
        return len(audited), self._task.score(values, proba, seed=self._seed)

    def evidence(
        self, strategy: QueryStrategy, model: Model, candidates: NDArray[np.int64], training: Training
    ) -> dict[str, Any]:
        """The arrays that a strategy needs about the candidates."""
        return gather(
            strategy,
            model,
            self._features.rows(candidates),
            self._features.rows(training.rows),
            training.targets,
        )
