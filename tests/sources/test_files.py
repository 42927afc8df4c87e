"""Files that cannot be read, and the layout of CSV and JSON lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from askwise.errors import SourceError
from askwise.sources import open_source, reopen_source

from .helpers import picture, read, refusal, write


def test_missing_paths(tmp_path: Path) -> None:
    assert "no such file or folder" in refusal(tmp_path / "a.csv")
    assert f"nor {tmp_path / 'x'}" in refusal(tmp_path / "x" / "a.csv")
    with pytest.raises(SourceError, match="download it first"):
        open_source("https://example.org/a.csv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.xlsx", "save it as CSV"),
        ("a.json", ".jsonl"),
        ("a.png", "the folder it lies in"),
        ("a.txt", "'.txt' are not supported; supported: a folder of images, .csv"),
        ("a", "without a suffix"),
    ],
)
def test_unsupported_files_list_the_supported_ones(tmp_path: Path, name: str, expected: str) -> None:
    text = refusal(write(tmp_path / name, "x"))
    assert expected in text
    assert ".parquet, .npy, .npz" in text


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.npy"])
def test_a_forbidden_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / name, "x\n1\n")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    monkeypatch.setattr("numpy.load", forbidden)
    assert refusal(path) == f"{path}: permission denied"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["name", "note"],
        ["a", '"one, two; three"'],
        ["b", '"four\tfive, six; and"'],
        ["c", '"x,y;z\t"'],
    ]
    path = write(tmp_path / "a.csv", "\n".join(delimiter.join(cells) for cells in lines))
    items, _ = read(path, text="note", id="name")
    assert [item.data["text"] for item in items] == ["one, two; three", "four\tfive, six; and", "x,y;z\t"]


def test_byte_order_mark_line_ends_and_empty_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'\xef\xbb\xbfid,note\r\n1,first\r\n\r\n2,"second\r\nline"\r\n')
    items, _ = read(path, text="note", id="id")
    assert [item.data["text"] for item in items] == ["first", "second\r\nline"]
    items, _ = read(write(tmp_path / "mac.csv", b"id,note\r1,first\r2,second\r"), text="note", id="id")
    assert [item.id for item in items] == ["1", "2"]
    items, _ = read(write(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"t": "x"}\r\n'), text="t")
    assert items[0].data == {"text": "x"}


def test_header_names(tmp_path: Path) -> None:
    items, _ = read(write(tmp_path / "a.csv", ", size \n5,1\n6,2\n"))
    assert items[0].data == {"column 1": 5, "size": 1}
    assert "'a' is there twice" in refusal(write(tmp_path / "b.csv", "a,b,a\n1,2,3\n"))
    assert "add a header line" in refusal(write(tmp_path / "c.csv", "1.5,2.5\n3,4\n"))
    items, _ = read(write(tmp_path / "d.csv", "0,1,2\n5,6,7\n"))
    assert items[0].data == {"0": 5, "1": 6, "2": 7}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ": the file is empty"),
        ("a,b\n", ": a header but no rows"),
        ("a,b\n1,2\n3\n", "line 3: 1 cell where the header names 2"),
        ('a,b\n"x\ny",2\n3,4,5\n', "line 4: 3 cells where the header names 2"),
        ('a,b\n1,2\n"x,4\n5,6\n', "line 3: a double quote is opened here or later and never closed"),
        ('a,b\n"x"y,4\n', "line 2: a quoted cell goes on after its closing quote"),
        (b"a,b\nx,1\ncaf\xe9,2\n", "line 3: byte 0xe9 (the 4th of the line) is not valid UTF-8"),
        (b"\xff\xfea\x00,\x00b\x00", "UTF-16"),
    ],
)
def test_broken_csv(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in refusal(write(tmp_path / "a.csv", content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ": no rows"),
        ("\n\n", ": no rows"),
        ('{"a": 1}\n{"a": }\n', "line 2: not valid JSON at character 7"),
        ('{"a": 1}\n[1]\n', "line 2: expected a JSON object"),
        ("3\n", "got a number"),
        (b'{"a": "x"}\n{"a": "\xe9"}\n', "line 2: byte 0xe9"),
        ('{"a": ' + "[" * 100_000 + "\n", "nested too deeply"),
    ],
)
def test_broken_json_lines(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in refusal(write(tmp_path / "a.jsonl", content))


def test_long_cells(tmp_path: Path) -> None:
    items, _ = read(write(tmp_path / "a.csv", f"t,n\n{'word ' * 60_000},1\n"), text="t")
    assert len(items[0].data["text"]) == 300_000


def test_reopening_looks_at_no_content(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    assert reopen_source(write(tmp_path / "a.csv", b"\xff"), "text") is None
    reopened = reopen_source(tmp_path / "images", "images")
    assert reopened is not None
    assert reopened.count is None
    with pytest.raises(SourceError, match="no such"):
        reopen_source(tmp_path / "gone", "images")
