"""Project: where the pure floors, a learner and a storage meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError, ProjectError
from ..learner import Learner
from ..records import Pick
from ..sources import Problem
from ..strategy import AnyStrategy, QueryStrategy
from ..tasks import Score, Task
from . import asking, export, telling
from .answers import Given, read_file, read_given
from .create import Pool, Progress, create
from .desk import Desk
from .questions import Question, Told
from .session import default_annotator, end_session
from .status import Status, take


def _quiet(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody looks at."""


def _ignore(problem: Problem) -> None:
    """Problems that nobody reads."""


class Project:
    """A pool, its records, a strategy and a learner, in one storage.

    Use `Project.create` to make one and `Project.open` to come back to it. Any number of processes may have the
    same project open.

    Examples
    --------
    >>> import tempfile, numpy as np, askwise as aw
    >>> folder = tempfile.mkdtemp() + "/shapes"
    >>> X = np.random.default_rng(0).normal(size=(200, 4)) + np.repeat([[0], [3]], 100, axis=0)
    >>> with aw.Project.create(folder, X, labels=["low", "high"]) as project:
    ...     answers = {question.id: "low" if question.row < 100 else "high" for question in project.ask(8)}
    ...     told = project.tell(answers)
    ...     print(told.kept, project.status().labeled)
    8 8
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        learner: Learner | None = None,
        strategy: AnyStrategy | None = None,
        annotator: str | None = None,
    ) -> None:
        self._desk = Desk(Path(folder), learner, strategy)
        self.annotator = annotator or default_annotator()

    @classmethod
    def create(
        cls,
        folder: str | Path,
        source: Pool,
        *,
        labels: Sequence[str] | None = None,
        text: str | None = None,
        id: str | None = None,
        label: str | None = None,
        encoder: str | None = None,
        strategy: AnyStrategy | None = None,
        learner: Learner | None = None,
        storage: str | None = None,
        seed: int = 0,
        budget: int | None = None,
        annotator: str | None = None,
        progress: Progress = _quiet,
        report: Callable[[Problem], None] = _ignore,
    ) -> Project:
        """Make a project.

        Parameters
        ----------
        folder
            Where the project lives; made if it is not there.
        source
            A folder of images; a CSV, TSV, JSONL, Parquet, .npy or .npz file; an array `(n, d)`; or a list of texts.
        labels
            The answers there are. May be left out if `label` names a column that holds some of each.
        text, id, label
            Columns of a table: the text to label, the items' ids, labels that are already there.
        encoder
            `tfidf`, `pixels`, `table`, `raw` or `onnx:PATH`; by default the one that suits the source.
        strategy
            A strategy as one line, for example `margin` or `mix(0.9 u_coverage, 0.1 random)`; a composition; or your
            own function, which is then given to `Project.open` too.
        learner
            Anything with `fit` and `predict_proba`; by default a linear head on the embeddings.
        storage
            A PostgreSQL URL; by default an SQLite file in the folder.
        seed
            Of the audit set and of every choice.
        budget
            How many labels are to be given in all; sizes the audit set.
        annotator
            Who asks and answers when a call names nobody.
        progress
            Called with (stage, done, total or None).
        report
            Called with each problem that was left out and not fatal, such as a corrupt image.

        Raises
        ------
        SourceError, EncoderError, StorageError, ContractError, ProjectError
            With one line that says what to do; no half-made project is left behind.
        """
        folder = Path(folder)
        create(
            folder,
            source,
            labels=labels,
            text=text,
            id=id,
            label=label,
            encoder=encoder,
            strategy=strategy,
            learner=learner,
            storage=storage,
            seed=seed,
            budget=budget,
            progress=progress,
            report=report,
        )
        return cls(folder, learner=learner, strategy=strategy, annotator=annotator)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        learner: Learner | None = None,
        strategy: AnyStrategy | None = None,
        annotator: str | None = None,
    ) -> Project:
        """Come back to a project.

        A learner or a strategy of your own is given again, since code is never kept in a project: the one it was
        made with, or the call is refused.
        """
        return cls(folder, learner=learner, strategy=strategy, annotator=annotator)

    def close(self) -> None:
        """Let go of the storage. Questions still out come back to the same annotator's next `ask`."""
        self._desk.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A project that is dropped without close() holds its questions no longer.
        if hasattr(self, "_desk"):
            end_session(self._desk.session)

    @property
    def name(self) -> str:
        """The project's name."""
        return self._desk.name

    @property
    def folder(self) -> Path:
        """Where it lives."""
        return self._desk.folder

    @property
    def task(self) -> Task:
        """What an answer is."""
        return self._desk.task

    @property
    def strategy(self) -> QueryStrategy:
        """What chooses."""
        return self._desk.strategy

    # ---- asking ----

    def ask(self, k: int = 10, *, annotator: str | None = None) -> list[Question]:
        """The next k questions for an annotator, leased to this process.

        What is left of a batch that the same annotator was asked by a process that is gone comes first, alone and in
        its old order. Otherwise fewer than k come back only when the pool or the budget has no more; an empty list
        means that everything is answered or being answered.
        Questions that nobody answers come up again when their lease (an hour) has run out.

        Raises
        ------
        ContractError
            If k is less than 1, or the learner lacks what the strategy needs.
        """
        if k < 1:
            raise ContractError(f"ask({k}): at least one question")
        return self._desk.questions(asking.ask(self._desk, k, annotator or self.annotator))

    def question(self, item: str) -> Question:
        """The question about one item, whether it was asked or not.

        Raises
        ------
        ProjectError
            If there is no such item.
        """
        found = self._desk.storage.find([item])
        if item not in found:
            raise ProjectError(f"no such item in {self.name!r}: {item!r}")
        why = "audit" if self._desk.index.is_audit(found[item].representative_id) else "chosen"
        return self._desk.questions([Pick(item, why)])[0]

    def release(self) -> None:
        """Give back the questions that this process holds, so that anybody may be asked them."""
        self._desk.storage.release(self._desk.session)

    # ---- telling ----

    def tell(
        self,
        answers: Mapping[str, Any] | Iterable[Any],
        *,
        annotator: str | None = None,
        key: str | None = None,
    ) -> Told:
        """Record answers. Once this returns, they survive a power cut.

        Parameters
        ----------
        answers
            {id: label}, pairs (id, label), or dicts with "id" and "label" (and optionally "annotator", "seconds", or
            "action": "skip" | "not_relevant"). Any subset, in any order, late, twice, or never asked for.
        annotator
            Who answered, where the answers do not say.
        key
            An idempotency key: a second call with the same key records nothing.

        Raises
        ------
        AnswersRefused
            If an id or a label is unknown. All other answers of the call are kept.
        """
        return telling.tell(self._desk, list(read_given(answers)), annotator or self.annotator, key)

    def tell_file(self, path: str | Path, *, annotator: str | None = None, key: str | None = None) -> Told:
        """`tell` with the rows of a CSV or JSONL file (columns id and label)."""
        return telling.tell(self._desk, list(read_file(Path(path))), annotator or self.annotator, key)

    def skip(self, *items: str, annotator: str | None = None) -> Told:
        """Set items aside: nobody is asked them again until it is undone."""
        given = [Given(str(item), None, action="skip") for item in items]
        return telling.tell(self._desk, given, annotator or self.annotator, None)

    def not_relevant(self, *items: str, annotator: str | None = None) -> Told:
        """Say that items do not belong in the pool."""
        given = [Given(str(item), None, action="not_relevant") for item in items]
        return telling.tell(self._desk, given, annotator or self.annotator, None)

    def undo(self, *, annotator: str | None = None) -> str:
        """Withdraw an annotator's last answer, skip or "not relevant"; returns the item, which may be asked again.

        Raises
        ------
        ProjectError
            If that annotator has nothing to undo.
        """
        return telling.undo(self._desk, annotator or self.annotator)

    # ---- learning ----

    def fit(self) -> tuple[Score, ...]:
        """Fit the learner on all training answers and measure it on the audit set."""
        self._desk.refresh()
        self._desk.fit()
        return self.status().scores

    def predict(self) -> export.Predictions:
        """The model's answer for every item of the pool, in row order."""
        self._desk.refresh()
        model, _ = self._desk.fit()
        proba = np.concatenate([model.proba(block) for block in self._desk.features.blocks()])
        return export.Predictions(self._desk.index.ids(np.arange(len(proba))), proba, self.task)

    def status(self) -> Status:
        """Where the project stands."""
        return take(self._desk)

    def embeddings(self) -> tuple[list[str], NDArray[np.float32]]:
        """The ids `(n,)` of the pool and their embeddings `(n, d)`, in row order."""
        rows = np.arange(self._desk.index.n)
        return self._desk.index.ids(rows), self._desk.features.rows(rows)

    def export(self, path: str | Path, *, predictions: bool = False) -> int:
        """Write the labels to a .csv, .jsonl or .parquet file; returns the number of rows.

        With predictions, every item of the pool is written, with the model's label and its probability.
        """
        desk = self._desk
        predictions_made = self.predict() if predictions else None
        return export.write(Path(path), desk.storage, desk.refresh(), desk.task, desk.index, predictions_made)
