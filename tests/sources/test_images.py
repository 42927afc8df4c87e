"""A folder of images as a person keeps it: nested, mixed, partly damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from askwise.errors import SourceError
from askwise.sources import open_source, reopen_source

from .helpers import picture, read, refusal, write

SUFFIXES = ["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "PNG", "JPG"]


def test_all_formats_recursively_in_sorted_order(tmp_path: Path) -> None:
    for number, suffix in enumerate(SUFFIXES):
        picture(tmp_path / f"{number % 3}" / "deep" / f"{number}.{suffix}", seed=number)
    picture(tmp_path / "top.png", seed=99)
    picture(tmp_path / ".hidden.png")
    picture(tmp_path / ".cache" / "thumb.png")
    write(tmp_path / "readme.txt", "notes")
    items, problems = read(tmp_path)
    assert problems == []
    assert [item.id for item in items] == sorted(item.id for item in items)
    assert len(items) == len(SUFFIXES) + 1
    assert items[0].data == {"path": items[0].id}
    assert len({item.hash for item in items}) == len(items)
    assert all(item.label is None for item in items)
    source = open_source(tmp_path)
    assert source.kind == "images"
    assert source.count == len(items)
    assert "11 images" in source.describe()
    assert "1 other file ignored" in source.describe()


def test_one_image_is_enough_and_copies_share_a_hash(tmp_path: Path) -> None:
    picture(tmp_path / "one" / "a.png")
    assert len(read(tmp_path / "one")[0]) == 1
    picture(tmp_path / "two" / "a.png")
    picture(tmp_path / "two" / "b.png")
    (one, two), _ = read(tmp_path / "two")
    assert one.hash == two.hash


def test_limit_takes_the_first(tmp_path: Path) -> None:
    for name in "cab":
        picture(tmp_path / f"{name}.png")
    assert [item.id for item in read(tmp_path, limit=2)[0]] == ["a.png", "b.png"]


def test_labels_from_folders(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/old/2.png", "3.png"):
        picture(tmp_path / name)
    items, _ = read(tmp_path, label="folder")
    assert {item.id: item.label for item in items} == {
        "cat/1.png": "cat",
        "dog/old/2.png": "old",
        "3.png": None,
    }
    assert "'folder'" in refusal(tmp_path, label="species")


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif", "webp"])
def test_a_cut_off_file_is_reported_and_left_out(tmp_path: Path, suffix: str) -> None:
    picture(tmp_path / "whole.png")
    content = picture(tmp_path / f"cut.{suffix}", size=(80, 60)).read_bytes()
    write(tmp_path / f"cut.{suffix}", content[: len(content) // 2])
    items, problems = read(tmp_path)
    assert [item.id for item in items] == ["whole.png"]
    assert [problem.where for problem in problems] == [f"cut.{suffix}"]


def test_a_jpeg_with_bytes_after_its_end_is_fine(tmp_path: Path) -> None:
    path = picture(tmp_path / "motion.jpg")
    write(path, path.read_bytes() + b"\x00" * 10_000)
    items, problems = read(tmp_path)
    assert (len(items), problems) == (1, [])


def test_damage_of_every_kind_is_reported(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    write(tmp_path / "empty.png", b"")
    write(tmp_path / "text.jpg", "this is no image")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    items, problems = read(tmp_path)
    assert [item.id for item in items] == ["good.png"]
    said = {problem.where: problem.what for problem in problems}
    assert said == {
        "empty.png": "the file is empty",
        "text.jpg": "not an image, or damaged",
        "gone.png": "no such file or directory",
    }


def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    bad = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        with open(bad, "wb") as file:  # noqa: PTH123 - a path of bytes
            file.write((tmp_path / "good.png").read_bytes())
    except OSError:
        pytest.skip("this file system only knows UTF-8 names")
    items, problems = read(tmp_path)
    assert len(items) == 1
    assert problems[0].where.encode()
    assert "UTF-8" in problems[0].what


def test_all_damaged_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.png", "x")
    write(tmp_path / "b.png", "y")
    text = refusal(tmp_path)
    assert "none of the 2 images" in text
    assert "a.png: not an image" in text


def test_folders_without_images(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "the folder is empty" in refusal(tmp_path / "empty")
    (tmp_path / "tables").mkdir()
    write(tmp_path / "tables" / "a.csv", "x\n1\n")
    text = refusal(tmp_path / "tables")
    assert "1 .csv" in text
    assert "give the file itself" in text


def test_a_forbidden_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "b" / "2.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    locked = tmp_path / "a"
    items, problems = read(tmp_path)
    assert [item.id for item in items] == ["b/2.png"]
    assert problems[0].what == "permission denied"
    locked = tmp_path
    assert "permission denied" in refusal(tmp_path)


def test_columns_are_for_tables(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    assert "no text column 'body'" in refusal(tmp_path, text="body")
    assert "no id column 'key'" in refusal(tmp_path, id="key")


def test_content_is_what_was_hashed(tmp_path: Path) -> None:
    path = picture(tmp_path / "1.png")
    (item,), _ = read(tmp_path)
    source = reopen_source(tmp_path, "images")
    assert source is not None
    assert source.content(item) == path.read_bytes()
    picture(path, seed=5)
    with pytest.raises(SourceError, match="changed since"):
        source.content(item)
    path.unlink()
    with pytest.raises(SourceError, match="must stay where they were"):
        source.content(item)
