"""Rows of .npy and .npz files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from askwise.errors import SourceError
from askwise.sources import open_source

from .helpers import read, refusal, write

X = np.random.default_rng(0).normal(size=(20, 3))


def save(path: Path, array: object) -> Path:
    np.save(path, array, allow_pickle=True)  # type: ignore[arg-type]
    return path


def test_rows_become_items(tmp_path: Path) -> None:
    source = open_source(save(tmp_path / "x.npy", X))
    items = list(source.items())
    assert (source.kind, source.count) == ("array", 20)
    assert [item.id for item in items[:3]] == ["0", "1", "2"]
    assert items[0].data == {}
    np.testing.assert_array_equal(source.numbers([items[4], items[2]]), X[[4, 2]].astype(np.float32))
    np.testing.assert_array_equal(source.numbers(items[3:7]), X[3:7].astype(np.float32))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "i8", "u2", "?"])
def test_all_kinds_of_numbers(tmp_path: Path, dtype: str) -> None:
    values = np.arange(12).reshape(4, 3).astype(dtype)
    source = open_source(save(tmp_path / "x.npy", values))
    assert source.numbers(list(source.items())).tolist() == values.astype(float).tolist()


def test_equal_rows_share_a_hash(tmp_path: Path) -> None:
    items, _ = read(save(tmp_path / "x.npy", np.array([[1.0, 2], [3, 4], [1, 2]])))
    assert items[0].hash == items[2].hash != items[1].hash


@pytest.mark.parametrize("order", ["C", "F"])
def test_more_dimensions_are_flattened(tmp_path: Path, order: str) -> None:
    values = np.asarray(np.arange(24.0).reshape(4, 3, 2), order=order)  # type: ignore[call-overload]
    source = open_source(save(tmp_path / "x.npy", values))
    np.testing.assert_array_equal(source.numbers(list(source.items())), values.reshape(4, 6))
    assert "flattened to 6" in source.describe()


def test_one_dimension_is_one_number_a_row(tmp_path: Path) -> None:
    source = open_source(save(tmp_path / "x.npy", np.arange(5.0)))
    assert source.numbers(list(source.items())).tolist() == [[0], [1], [2], [3], [4]]


def test_npz_with_labels_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, X=X, y=np.arange(20) % 3, key=[f"k{row}" for row in range(20)], z=np.zeros(2))
    items, _ = read(path)
    assert items[5].label is None
    items, _ = read(path, label="y", id="key", limit=7)
    assert [(item.id, item.label) for item in items[4:]] == [("k4", "1"), ("k5", "2"), ("k6", "0")]
    assert "not used: z" in open_source(path, label="y", id="key").describe()
    assert "no label array 'Y'" in refusal(path, label="Y").replace("column", "array")
    assert "did you mean 'y'" in refusal(path, label="Y")
    assert "shape (2,); expected (20,)" in refusal(path, label="z")


def test_npz_with_one_array_of_any_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", features=X)
    assert len(read(tmp_path / "x.npz")[0]) == 20
    np.savez(tmp_path / "two.npz", a=X, b=X)
    assert "it holds: a, b" in refusal(tmp_path / "two.npz")


def test_duplicate_ids(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=X[:4], id=np.array([7, 8, 9, 8]))
    text = refusal(tmp_path / "x.npz", id="id")
    assert "'8'" in text
    assert "rows 1 and 3" in text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_name_their_row(tmp_path: Path, value: float) -> None:
    wrong = X.copy()
    wrong[17, 1] = value
    assert f"row 17, column 1 is {value}" in refusal(save(tmp_path / "x.npy", wrong))


def test_unusable_arrays(tmp_path: Path) -> None:
    for array, expected in (
        (np.array([[1, "a"]], dtype=object), "never unpickles"),
        (np.array(["a", "b"]), "expected numbers, got dtype <U1"),
        (np.zeros((0, 3)), "empty, shape (0, 3)"),
        (np.zeros((3, 0)), "empty, shape (3, 0)"),
        (np.float64(1), "a single number"),
        (np.zeros(3, dtype=complex), "complex"),
    ):
        assert expected in refusal(save(tmp_path / "x.npy", array))
    np.savez(tmp_path / "x.npz", X=np.array([{}], dtype=object), allow_pickle=True)
    assert "never unpickles" in refusal(tmp_path / "x.npz")


def test_broken_files(tmp_path: Path) -> None:
    whole = save(tmp_path / "x.npy", X).read_bytes()
    for content, expected in (
        (b"", "empty"),
        (whole[:8], "not a readable .npy"),
        (whole[:-8], "not a readable .npy"),
        (b"nonsense, all of it", "not a readable .npy"),
    ):
        assert expected in refusal(write(tmp_path / "broken.npy", content))
    np.savez(tmp_path / "x.npz", X=X)
    archive = (tmp_path / "x.npz").read_bytes()
    for content in (b"", b"nonsense", archive[: len(archive) // 2]):
        assert "not a readable .npz" in refusal(write(tmp_path / "broken.npz", content))
    with zipfile.ZipFile(tmp_path / "none.npz", "w"):
        pass
    assert "holds no array" in refusal(tmp_path / "none.npz")
    write(tmp_path / "archive.npy", archive)
    assert "name it .npz" in refusal(tmp_path / "archive.npy")


def test_columns_of_a_npy(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", X)
    assert ".npz" in refusal(path, label="y")
    assert "no text column" in refusal(path, text="body")


def test_a_file_that_changed_is_noticed(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", X)
    items = list(open_source(path).items())
    save(path, np.where(np.arange(20)[:, None] == 6, 0.0, X))
    changed = open_source(path)
    changed.numbers(items[:5])
    with pytest.raises(SourceError, match="row 6 changed"):
        changed.numbers(items)
    save(path, X[:3])
    with pytest.raises(SourceError, match="row 19 is gone"):
        open_source(path).numbers(items)
