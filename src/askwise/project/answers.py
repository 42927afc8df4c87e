"""The forms in which answers arrive, brought to one."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SourceError

ITEM_COLUMNS = ("id", "item")
VALUE_COLUMNS = ("label", "answer", "value")
ACTIONS = ("skip", "not_relevant")


@dataclass(frozen=True, slots=True)
class Given:
    """One answer as somebody gave it, not yet checked. `value` None: left blank."""

    item: str
    value: Any
    annotator: str | None = None
    action: str | None = None
    seconds: float | None = None
    where: str | None = None


def read_given(answers: Mapping[str, Any] | Iterable[Any]) -> Iterator[Given]:
    """Answers from a mapping {id: value}, from pairs, or from dicts with "id" and "label".

    >>> [given.value for given in read_given({"a": "cat"})]
    ['cat']
    >>> [given.item for given in read_given([("a", "cat"), {"id": "b", "label": "dog"}])]
    ['a', 'b']
    """
    pairs: Iterable[Any] = answers.items() if isinstance(answers, Mapping) else answers
    for number, answer in enumerate(pairs):
        if isinstance(answer, Mapping):
            yield _from_row(answer, where=f"answer {number}")
        elif isinstance(answer, tuple | list) and len(answer) == 2:
            yield Given(str(answer[0]), answer[1])
        else:
            raise SourceError(
                f"answer {number} is {answer!r}: give {{id: label}}, pairs (id, label), "
                'or dicts {"id": ..., "label": ...}'
            )


def read_file(path: Path) -> Iterator[Given]:
    """Answers from a CSV or JSONL file with the columns id and label (optional: annotator, action, seconds)."""
    if not path.exists():
        raise SourceError(
            f"{path}: no such file; expected a .csv or .jsonl file with the columns id and label"
        )
    if path.suffix.lower() == ".csv":
        yield from _read_csv(path)
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _read_jsonl(path)
    else:
        raise SourceError(
            f"{path}: answers come as .csv or .jsonl, not {path.suffix or 'a file without a suffix'}"
        )


def _read_csv(path: Path) -> Iterator[Given]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None:
                raise SourceError(f"{path}: the file is empty; expected the columns id and label")
            _column(reader.fieldnames, ITEM_COLUMNS, path)
            if "action" not in reader.fieldnames:
                _column(reader.fieldnames, VALUE_COLUMNS, path)
            for row in reader:
                yield _from_row(row, where=f"{path.name}, line {reader.line_num}")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8 and tell again"
        ) from error
    except csv.Error as error:
        raise SourceError(f"{path}: not a CSV file: {error}") from error


def _read_jsonl(path: Path) -> Iterator[Given]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path.name}, line {number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise SourceError(f"{where}: not JSON: {error}; nothing of the file was kept") from error
            if not isinstance(row, dict):
                raise SourceError(f'{where}: expected an object like {{"id": "a", "label": "cat"}}')
            yield _from_row(row, where=where)


def _column(names: Iterable[Any], wanted: tuple[str, ...], path: Path) -> None:
    names = list(names)
    if not any(name in names for name in wanted):
        raise SourceError(f"{path}: no column {wanted[0]!r}; the file has: {', '.join(map(str, names))}")


def _from_row(row: Mapping[Any, Any], where: str) -> Given:
    item = next((row[name] for name in ITEM_COLUMNS if row.get(name) not in (None, "")), None)
    if item is None:
        raise SourceError(f"{where}: no id; expected a column id, got: {', '.join(map(str, row))}")
    value = next((row[name] for name in VALUE_COLUMNS if row.get(name) is not None), None)
    if isinstance(value, str) and not value.strip():
        value = None
    action = row.get("action") or None
    if action is not None and action not in ACTIONS:
        raise SourceError(
            f"{where}: unknown action {action!r}; known: {', '.join(ACTIONS)}, or leave it empty"
        )
    seconds = row.get("seconds")
    try:
        taken = float(seconds) if seconds not in (None, "") else None
    except (TypeError, ValueError) as error:
        raise SourceError(f"{where}: seconds is {seconds!r}, not a number") from error
    return Given(str(item), value, row.get("annotator") or None, action, taken, where)
