"""Tables in every format: what they mean, whatever the format."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from askwise.errors import SourceError
from askwise.sources import open_source

from .helpers import read, refusal, write

TEXTS = [
    "the first of the notes",
    "another, with a comma",
    'one "quoted" word',
    "two\nlines of text",
    "über schöne Dinge",
]
ROWS: list[dict[str, Any]] = [
    {"key": f"k{n}", "note": text, "topic": "ab"[n % 2], "size": n + 0.5} for n, text in enumerate(TEXTS)
]
FORMATS = ["csv", "tsv", "jsonl", "ndjson", "parquet"]


def table(folder: Path, rows: list[dict[str, Any]], suffix: str, **options: Any) -> Path:
    """Write rows in a format."""
    path = folder / f"table.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, **options)
    elif suffix in ("jsonl", "ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            delimiter = options.get("delimiter", "\t" if suffix == "tsv" else ",")
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_texts(tmp_path: Path, suffix: str) -> None:
    items, problems = read(table(tmp_path, ROWS, suffix), text="note", id="key", label="topic")
    assert problems == []
    assert [item.id for item in items] == ["k0", "k1", "k2", "k3", "k4"]
    assert [item.data["text"] for item in items] == TEXTS
    assert [item.label for item in items] == ["a", "b", "a", "b", "a"]
    assert set(items[0].data) == {"text", "size"}
    json.dumps([item.data for item in items])


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_only_prose_column_is_taken_and_said(tmp_path: Path, suffix: str) -> None:
    source = open_source(table(tmp_path, ROWS, suffix), id="key")
    assert source.kind == "text"
    assert source.count == 5
    assert "'note' (the only column that reads like prose)" in source.describe()


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_of_a_table(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"id": n, "size": n / 2 if n != 3 else None, "colour": "rgb"[n % 3] if n else None, "y": n % 2}
        for n in range(6)
    ]
    source = open_source(table(tmp_path, rows, suffix), id="id", label="y")
    items = list(source.items())
    assert source.kind == "table"
    assert source.columns == ("size", "colour")
    assert "1 numeric column and 1 categorical column" in source.describe()
    assert [item.data["size"] for item in items] == [0, 0.5, 1, None, 2, 2.5]
    assert [item.data["colour"] for item in items] == [None, "g", "b", "r", "g", "b"]
    assert [item.label for item in items] == ["0", "1"] * 3
    assert [item.id for item in items] == list("012345")


@pytest.mark.parametrize("suffix", FORMATS)
def test_equal_rows_share_a_hash_and_ids_count_rows(tmp_path: Path, suffix: str) -> None:
    items, _ = read(table(tmp_path, [{"a": 1.5, "b": 2}, {"a": 2.5, "b": 2}, {"a": 1.5, "b": 2}], suffix))
    assert [item.id for item in items] == ["0", "1", "2"]
    assert items[0].hash == items[2].hash != items[1].hash


def test_texts_are_compared_without_their_spacing(tmp_path: Path) -> None:
    rows = [{"t": "caf\u00e9 au  lait"}, {"t": " cafe\u0301 au\nlait "}, {"t": "cafe au lait"}]
    items, _ = read(table(tmp_path, rows, "jsonl"), text="t")
    assert items[0].hash == items[1].hash != items[2].hash


@pytest.mark.parametrize("suffix", FORMATS)
def test_empty_texts_are_reported_and_left_out(tmp_path: Path, suffix: str) -> None:
    rows = [{"t": text, "n": n} for n, text in enumerate(["one", "", "two", "  ", "three"])]
    items, problems = read(table(tmp_path, rows, suffix), text="t")
    assert [(item.id, item.row) for item in items] == [("0", 0), ("2", 1), ("4", 2)]
    assert len(problems) == 2
    assert "empty" in problems[0].what
    unit = {"csv": "line 3", "tsv": "line 3", "parquet": "row 1"}.get(suffix, "line 2")
    assert problems[0].where.endswith(unit)
    assert "no row has a usable text" in refusal(table(tmp_path, [{"t": " ", "n": 1}], suffix), text="t")


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_columns(tmp_path: Path, suffix: str) -> None:
    path = table(tmp_path, ROWS, suffix)
    text = refusal(path, text="nots")
    assert "no text column 'nots'" in text
    assert "key, note, topic, size" in text
    assert "did you mean 'note'?" in text
    assert "no label column 'zzz'" in refusal(path, label="zzz")
    assert "no id column 'Key'; the columns are: key, note, topic, size; did you mean 'key'?" in refusal(
        path, id="Key"
    )
    assert "cannot be both" in refusal(path, text="note", label="note")


@pytest.mark.parametrize("suffix", FORMATS)
def test_duplicate_and_empty_ids(tmp_path: Path, suffix: str) -> None:
    path = table(tmp_path, [*ROWS, ROWS[1]], suffix)
    text = refusal(path, id="key")
    assert "'k1' is there twice" in text
    lines = {"csv": "3 and 8", "tsv": "3 and 8", "parquet": "1 and 5"}.get(suffix, "2 and 6")
    assert lines in text
    assert len(read(path, id="key", limit=5)[0]) == 5
    assert "is empty" in refusal(table(tmp_path, [ROWS[0] | {"key": ""}], suffix), id="key")


@pytest.mark.parametrize("suffix", FORMATS)
def test_limit(tmp_path: Path, suffix: str) -> None:
    path = table(tmp_path, ROWS, suffix)
    assert open_source(path, limit=3).count == 3
    assert len(read(path, limit=3)[0]) == 3
    assert len(read(path, limit=99)[0]) == 5
    with pytest.raises(SourceError, match="limit"):
        open_source(path, limit=0)


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_but_id_and_label(tmp_path: Path, suffix: str) -> None:
    path = table(tmp_path, [{"id": 1, "y": 2}], suffix)
    assert "no column is left" in refusal(path, id="id", label="y")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_infinite_numbers_name_their_row(tmp_path: Path, suffix: str) -> None:
    rows = [{"a": 1.0, "b": 1}, {"a": float("inf"), "b": 2}, {"a": 2.0, "b": 3}]
    text = refusal(table(tmp_path, rows, suffix))
    assert "column 'a' is infinite" in text
    assert {"csv": "line 3", "jsonl": "line 2", "parquet": "row 1"}[suffix] in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_two_prose_columns_are_not_guessed_between(tmp_path: Path, suffix: str) -> None:
    rows = [row | {"title": f"a title of note {n}"} for n, row in enumerate(ROWS)]
    source = open_source(table(tmp_path, rows, suffix))
    assert source.kind == "table"
    assert "note and title read like texts: name one" in source.describe()


def test_a_second_column_called_text(tmp_path: Path) -> None:
    items, _ = read(table(tmp_path, [{"text": "short", "title": "long title here"}], "csv"), text="title")
    assert items[0].data == {"text": "long title here", "text (other column)": "short"}


def test_numbers_in_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b,c,d\n1,1e3,1_0,NA\n-2.5, 7 ,x,3\n,nan,y,null\n")
    items, _ = read(path)
    assert [list(item.data.values()) for item in items] == [
        [1, 1000.0, "1_0", None],
        [-2.5, 7, "x", 3],
        [None, None, "y", None],
    ]


def test_unusable_columns_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [{"a": 1, "v": [1, 2], "o": {"x": 1}}, {"a": 2, "v": [], "o": {"x": 1}}]
    for suffix in ("jsonl", "parquet"):
        source = open_source(table(tmp_path, rows, suffix))
        assert source.columns == ("a",)
        assert "left out: v, o" in source.describe()
        assert "not text" in refusal(source.path, text="v")


def test_json_lines_with_gaps_and_mixed_types(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"a": 1, "m": 1}\n\n{"b": "x", "m": "one"}\n{"a": NaN, "m": true}\n')
    items, _ = read(path)
    assert [item.data for item in items] == [
        {"a": 1, "m": "1", "b": None},
        {"a": None, "m": "one", "b": "x"},
        {"a": None, "m": "true", "b": None},
    ]


def test_characters_that_databases_refuse(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '{"t": "a\\u0000b"}\n{"t": "half \\ud800"}\n{"t": "fine", "o": "x\\u0000\\ud800"}\n',
    )
    items, problems = read(path, text="t")
    assert [item.data for item in items] == [{"text": "fine", "o": "x?"}]
    assert ["NUL" in problems[0].what, "surrogate" in problems[1].what] == [True, True]


def test_parquet_types(tmp_path: Path) -> None:
    columns = {
        "day": pa.array([datetime.date(2020, 1, 2), None]),
        "kind": pa.array(["x", "y"]).dictionary_encode(),
        "half": pa.array([1.5, None], pa.float16()),
        "exact": pa.array([1, None], pa.decimal128(5, 2)),
        "yes": pa.array([True, None]),
        "nan": pa.array([float("nan"), 2.0], pa.float32()),
        "big": pa.array([2**63, 1], pa.uint64()),
        "raw": pa.array([b"x", b"y"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    items, _ = read(tmp_path / "a.parquet")
    assert list(items[0].data.values()) == ["2020-01-02", "x", 1.5, 1.0, True, None, 2**63]
    assert list(items[1].data.values()) == [None, "y", None, None, None, 2.0, 1]
    json.dumps([item.data for item in items])


def test_parquet_that_is_none(tmp_path: Path) -> None:
    whole = table(tmp_path, ROWS, "parquet").read_bytes()
    assert "the file is empty" in refusal(write(tmp_path / "a.parquet", b""))
    for content in (b"nonsense", whole[: len(whole) // 2], whole[:4] + b"\xff" * 60 + whole[64:]):
        assert "not a readable Parquet file" in refusal(write(tmp_path / "a.parquet", content))
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "b.parquet")
    assert "no rows" in refusal(tmp_path / "b.parquet")


def test_chinese_prose_is_prose(tmp_path: Path) -> None:
    rows = [{"t": "今天的天气非常好我们去公园吧", "n": n} for n in range(3)]
    assert open_source(table(tmp_path, rows, "jsonl")).kind == "text"
