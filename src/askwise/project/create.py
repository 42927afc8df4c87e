"""Making a project: the pool is read, its audit set drawn, its embeddings computed, and only then is it there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .. import evidence
from ..encoders import default_encoder, make_encoder
from ..encoders.shards import encode_pool
from ..errors import ContractError, ProjectError, SourceError
from ..learner import Learner
from ..learner.copies import learner_name
from ..records import Answer, Item
from ..sources import Problem, Source, open_source
from ..storage import Storage, connect
from ..strategy import AnyStrategy, QueryStrategy, as_strategy
from ..tasks import Classification, Task
from .audit import reserve_size
from .config import DATABASE, SHARDS, Config, new_folder, write_pointer

Progress: TypeAlias = Callable[[str, int, int | None], None]
Pool: TypeAlias = "str | Path | np.ndarray[Any, Any] | Sequence[str]"


IMPORTER = "import"
SMALLEST_POOL = 3
NOT_SUPPLIED = ("target_samples", "target_embedding", "cost", "view")


def create(
    folder: Path,
    source: Pool,
    *,
    labels: Sequence[str] | None,
    text: str | None,
    id: str | None,
    label: str | None,
    encoder: str | None,
    strategy: AnyStrategy | None,
    learner: Learner | None,
    storage: str | None,
    seed: int,
    budget: int | None,
    progress: Progress,
    report: Callable[[Problem], None],
) -> None:
    """Write everything that `Project.open` needs into `folder` (and the storage).

    A request that is wrong leaves nothing behind. A process that dies leaves a folder that is marked as unfinished,
    and the same `init` begins anew.
    """
    if budget is not None and budget < 1:
        raise ContractError(f"budget is {budget}; it counts labels, so at least 1")
    if labels is None and label is None:
        raise ProjectError(
            "which answers are there? Name them: --labels cat,dog (or --label COLUMN to read them)"
        )
    task: Task | None = Classification(tuple(labels)) if labels is not None else None
    chosen = as_strategy(strategy or (task or Classification).strategy)
    learner = learner if learner is not None else (task or Classification).learner()
    _check_supplied(chosen)
    evidence.check(chosen, learner)
    with (
        new_folder(folder, storage),
        closing(connect(storage or folder / DATABASE, project=folder.name)) as records,
    ):
        records.create({"made_at": time.time()})
        write_pointer(folder, storage, folder.name)
        origin = open_source(_on_disk(source, folder), text=text, id=id, label=label)
        writer = default_encoder(origin.kind) if encoder is None else make_encoder(encoder, origin.kind)
        found = _ingest(records, origin, progress, report)
        if task is None:
            task = _labels_found(found, label)
        distinct = _distinct(records, origin)
        _import_labels(records, task, origin)
        encode_pool(
            records,
            origin,
            writer,
            folder / SHARDS,
            seed=seed,
            progress=lambda done, total: progress(f"encoding ({writer.spec})", done, total),
        )
        config = Config(
            task=task.spec(),
            strategy=str(chosen),
            learner=learner_name(learner),
            encoder=writer.spec,
            encoder_version=writer.version,
            kind=origin.kind,
            source=str(_remembered(origin.path, folder)),
            seed=seed,
            budget=budget,
            reserve=reserve_size(distinct, budget),
            source_options={"text": text, "id": id, "label": label},
        )
        records.set_meta("config", config.to_json())
        records.finish()


def _check_supplied(strategy: QueryStrategy) -> None:
    """Refuse a strategy that needs what a project cannot give, before any work."""
    missing = [word for word in strategy.needs if word in NOT_SUPPLIED]
    if missing:
        raise ContractError(
            f"{strategy.name} needs {missing[0]!r}, which a project cannot give: use it with aw.select, "
            "or choose another strategy (askwise strategies)"
        )


def _distinct(records: Storage, origin: Source) -> int:
    """How many items there are to choose from, copies left out; too few are refused."""
    counts = records.count()
    distinct = counts.items - counts.duplicates
    if distinct < SMALLEST_POOL:
        raise SourceError(
            f"{origin.path}: {distinct} different item{'s' * (distinct != 1)}; there is nothing to choose from. "
            f"Active learning starts at {SMALLEST_POOL} items (and pays from some hundred on)"
        )
    return distinct


def _on_disk(source: Pool, folder: Path) -> Path:
    """The pool as a file: arrays and lists of texts given from Python are kept in the project's folder."""
    if isinstance(source, str | Path):
        return Path(source)
    if isinstance(source, np.ndarray):
        if source.dtype.kind not in "fiub":
            raise ContractError(f"the pool is an array of {source.dtype}; expected numbers, (n, d)")
        path = folder / "pool.npy"
        np.save(path, source, allow_pickle=False)
        return path
    path = folder / "pool.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for text in source:
            if not isinstance(text, str):
                raise ContractError(f"a pool is a path, an array or a list of texts; the list holds {text!r}")
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return path


def _remembered(path: Path, folder: Path) -> Path:
    """Absolute, so that the project can be opened from anywhere; what lies in its own folder moves with it."""
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _ingest(
    records: Storage, origin: Source, progress: Progress, report: Callable[[Problem], None]
) -> list[str]:
    """Stream the items into the storage; returns the labels that came with them, in order of first appearance."""
    found: dict[str, None] = {}

    def items() -> Iterator[Item]:
        for item in origin.items(report):
            if item.label is not None:
                found.setdefault(item.label)
            yield item

    records.add_items(items(), progress=lambda done: progress("reading", done, origin.count))
    records.group_duplicates()
    return list(found)


def _labels_found(found: Iterable[str], column: str | None) -> Task:
    labels = sorted(found)
    if not labels:
        raise SourceError(f"column {column!r} holds no label at all; name the labels: --labels cat,dog")
    return Classification(tuple(labels))


def _import_labels(records: Storage, task: Task, origin: Source) -> None:
    """Labels that the source already has become answers by the annotator "import"."""
    now = time.time()
    for chunk in records.iter_items():
        labeled = [item for item in chunk if item.label is not None]
        if not labeled:
            continue
        located = records.find([item.id for item in labeled])
        answers = []
        for item in labeled:
            try:
                value = task.check(item.label)
            except ContractError as error:
                raise SourceError(f"{origin.path}: item {item.id!r} (row {item.row}): {error}") from error
            answers.append(Answer(located[item.id].representative_id, value, IMPORTER, now))
        records.append(answers, hold=[answer.item for answer in answers])
