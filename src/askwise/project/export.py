"""What leaves a project: labels with who, when and why, and predictions beside them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ProjectError, SourceError
from ..state import State
from ..storage import Storage
from ..tasks import Task
from .model import merged_answers
from .pool_index import PoolIndex

SUFFIXES = (".csv", ".jsonl", ".parquet")
COLUMNS = ("id", "label", "status", "annotator", "at", "why", "probability", "round", "audit", "copy_of")
PREDICTED = ("predicted", "confidence")


@dataclass(frozen=True)
class Predictions:
    """The model's answers for the whole pool, in row order.

    Attributes
    ----------
    ids
        `(n,)` item ids.
    proba
        `(n, C)` probabilities.
    """

    ids: list[str]
    proba: NDArray[np.floating[Any]]
    task: Task

    @property
    def values(self) -> list[Any]:
        """The most probable answer of each item."""
        return self.task.predict(self.proba)

    @property
    def confidence(self) -> NDArray[np.floating[Any]]:
        """`(n,)` the probability of that answer."""
        return np.asarray(self.proba.max(axis=1))

    def __len__(self) -> int:
        return len(self.ids)


def write(
    path: Path, storage: Storage, state: State, task: Task, index: PoolIndex, predictions: Predictions | None
) -> int:
    """Write the rows to a temporary file beside `path` and put it in place when it is complete."""
    if path.suffix.lower() not in SUFFIXES:
        raise ProjectError(
            f"{path}: export writes {', '.join(SUFFIXES)}, not {path.suffix or 'a file without a suffix'}"
        )
    columns = COLUMNS + (PREDICTED if predictions is not None else ())
    rows = _rows(storage, state, task, index, predictions)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    writer = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[path.suffix.lower()]
    try:
        written = writer(partial, columns, rows)
        partial.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}; nothing was exported") from error
    finally:
        partial.unlink(missing_ok=True)
    return written


def _rows(
    storage: Storage, state: State, task: Task, index: PoolIndex, predictions: Predictions | None
) -> Iterator[dict[str, Any]]:
    answers = merged_answers(state, task)
    original = dict(zip(index.copies[:, 0].tolist(), index.ids(index.copies[:, 1]), strict=True))
    values = predictions.values if predictions is not None else []
    for chunk in storage.iter_items():
        for item in chunk:
            copied = original.get(item.row)
            row = _row(copied or item.id, state, answers, index) | {"id": item.id, "copy_of": copied}
            if predictions is None and row["status"] is None:
                continue
            if predictions is not None:
                confidence = round(float(predictions.proba[item.row].max()), 6)
                row |= {"predicted": values[item.row], "confidence": confidence}
            yield row


def _row(item: str, state: State, answers: dict[str, Any], index: PoolIndex) -> dict[str, Any]:
    opinions = state.opinions.get(item, {})
    status = (
        "labeled" if item in answers
        else "not_relevant" if item in state.not_relevant
        else "skipped" if item in state.skipped
        else None
    )  # fmt: skip
    asked = state.asked.get(item)
    last = max((opinion.at for opinion in opinions.values()), default=None)
    return {
        "label": answers.get(item),
        "status": status,
        "annotator": ";".join(sorted(opinions)) or None,
        "at": datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds") if last is not None else None,
        "why": asked.why if asked is not None else None,
        "probability": asked.probability if asked is not None else None,
        "round": asked.round if asked is not None else None,
        "audit": index.is_audit(item),
    }


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> int:
    written = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: harmless(row[name]) for name in columns})
            written += 1
        _to_disk(file)
    return written


def harmless(value: Any) -> Any:
    """A cell that a spreadsheet would run as a formula gets a quotation mark in front; numbers stay numbers."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _write_jsonl(path: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> int:
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({name: row[name] for name in columns}, ensure_ascii=False) + "\n")
            written += 1
        _to_disk(file)
    return written


def _write_parquet(path: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> int:
    import pyarrow
    import pyarrow.parquet

    kinds = {
        "round": pyarrow.int64(),
        "audit": pyarrow.bool_(),
        "confidence": pyarrow.float64(),
        "probability": pyarrow.float64(),
    }
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in columns])
    written = 0
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(rows, 10_000):
            writer.write_table(pyarrow.Table.from_pylist(chunk, schema))
            written += len(chunk)
    return written


def _chunks(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _to_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
