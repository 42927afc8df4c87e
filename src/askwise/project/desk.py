"""Everything that one opened project has at hand: the parts, and the two things that all verbs need of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..encoders.shards import open_features
from ..errors import ContractError, ProjectError
from ..learner import Learner, Model
from ..learner.copies import learner_name
from ..records import Measured, Pick
from ..state import EMPTY, State, fold
from ..storage import connect
from ..strategy import AnyStrategy, QueryStrategy, as_strategy, parse
from ..tasks import task_from_spec
from .config import DATABASE, SHARDS, Config, read_pointer
from .model import ProjectModel, Training, merged_answers
from .pool_index import PoolIndex
from .questions import Question, make_question
from .session import end_session, new_session


class Desk:
    """The parts of an opened project, and its state as last looked at."""

    def __init__(self, folder: Path, learner: Learner | None, strategy: AnyStrategy | None) -> None:
        self.folder = folder
        url, self.name = read_pointer(folder)
        self.storage = connect(url or folder / DATABASE, project=self.name)
        try:
            self.storage.open()
            self.config = Config.from_json(self.storage.meta()["config"])
            self.task = task_from_spec(self.config.task)
            self.learner = self._same_learner(learner if learner is not None else self.task.learner())
            self.strategy = self._same_strategy(strategy)
            self.features = open_features(self.storage.shards(self.config.encoder_version), folder / SHARDS)
            self.index = PoolIndex(self.storage, reserve=self.config.reserve, seed=self.config.seed)
        except BaseException:
            self.storage.close()
            raise
        self.model = ProjectModel(self.learner, self.task, self.features, self.index, self.config.seed)
        self.state = EMPTY
        self.session = new_session()

    def close(self) -> None:
        """Let go of the storage and of the questions of this session."""
        end_session(self.session)
        self.storage.close()

    def refresh(self) -> State:
        """Fold what happened since the last look, here or in any other process."""
        self.state = fold(self.storage.read(self.state.seq), self.state)
        return self.state

    def fit(self) -> tuple[Model, Training]:
        """The model of the state last looked at; what it scores goes on record when that is new."""
        answers = merged_answers(self.state, self.task)
        training = self.model.training(answers)
        model = self.model.fit(training)
        audited, scores = self.model.measure(self.state, answers, model)
        last = self.state.measured[-1] if self.state.measured else None
        if scores and (last is None or (last.labels, last.audited) != (len(training.rows), audited)):
            body = {score.name: [score.value, score.low, score.high] for score in scores}
            measured = Measured(self.state.rounds, len(training.rows), audited, body, time.time())
            self.storage.append([measured])
        return model, training

    def questions(self, picks: Sequence[Pick]) -> list[Question]:
        """The picks as questions, with what the source says of their items."""
        items = self.storage.items(self.index.rows([pick.item for pick in picks]).tolist())
        source = self.folder / self.config.source
        return [
            make_question(item, pick.why, self.config.kind, source)
            for item, pick in zip(items, picks, strict=True)
        ]

    def _same_learner(self, learner: Learner) -> Learner:
        made_with, given = self.config.learner, learner_name(learner)
        if given != made_with:
            raise ProjectError(
                f"{self.folder} was made with the learner {made_with}, and this is {given}: open it from Python with "
                f"aw.Project.open({str(self.folder)!r}, learner={made_with}(...))"
            )
        return learner

    def _same_strategy(self, strategy: AnyStrategy | None) -> QueryStrategy:
        made_with = self.config.strategy
        hint = f"open it from Python with aw.Project.open({str(self.folder)!r}, strategy=...)"
        if strategy is None:
            try:
                return parse(made_with)
            except ContractError as error:
                raise ProjectError(
                    f"{self.folder} was made with the strategy {made_with}, which is no name of the catalogue: {hint}"
                ) from error
        given = as_strategy(strategy)
        if str(given) != made_with:
            raise ProjectError(
                f"{self.folder} was made with the strategy {made_with}, and this is {given}: {hint}"
            )
        return given
