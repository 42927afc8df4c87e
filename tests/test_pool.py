"""Rows of the pool out of shards: in the order asked for, within bounds, within memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askwise.errors import ContractError, EncoderError
from askwise.pool import Features, scratch_in, scratch_map


def spread(n: int, d: int, parts: int, seed: int = 0, **options: object) -> tuple[np.ndarray, Features]:
    """An array, and the same rows spread over shards."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    partition = rng.integers(0, parts, n)
    partition[:parts] = np.arange(parts)
    offset = np.zeros(n, dtype=np.int64)
    for part in range(parts):
        offset[partition == part] = np.arange((partition == part).sum())
    shards = [X[partition == part] for part in range(parts)]
    return X, Features(shards, partition, offset, **options)  # type: ignore[arg-type]


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 5), st.data())
def test_rows_are_the_rows_asked_for(n: int, d: int, parts: int, data: st.DataObject) -> None:
    X, features = spread(max(n, parts), d, parts)
    index = data.draw(st.lists(st.integers(0, len(X) - 1), max_size=60))
    np.testing.assert_array_equal(features.rows(index), X[np.array(index, dtype=int)])
    blocks = list(features.blocks(index, size=7))
    assert all(len(block) <= 7 for block in blocks)
    np.testing.assert_array_equal(np.concatenate([X[:0], *blocks]), X[np.array(index, dtype=int)])


def test_everything_in_pool_order() -> None:
    X, features = spread(50, 3, 4)
    np.testing.assert_array_equal(features.rows(), X)
    np.testing.assert_array_equal(np.concatenate(list(features.blocks(size=8))), X)
    assert (features.n, features.d) == (50, 3)


def test_above_the_limit_the_scratch_is_used() -> None:
    made: list[tuple[int, int]] = []

    def scratch(shape: tuple[int, int]) -> np.ndarray:
        made.append(shape)
        return np.empty(shape, dtype=np.float32)

    X, features = spread(50, 3, 2, memory_limit=100, scratch=scratch)
    np.testing.assert_array_equal(features.rows([1, 2]), X[1:3])
    assert made == []
    np.testing.assert_array_equal(features.rows(np.arange(49, -1, -1)), X[::-1])
    assert made == [(50, 3)]


def test_above_the_limit_rows_in_order_are_a_read_only_view() -> None:
    X, features = spread(50, 3, 1, memory_limit=100)
    rows = features.rows(np.arange(10, 40))
    assert np.shares_memory(rows, features.shards[0])
    assert not rows.flags.writeable
    np.testing.assert_array_equal(rows, X[10:40])
    assert features.rows([3]).flags.writeable


@pytest.mark.parametrize("index", [[-1], [50], [0, 99], [[1]], [0.5], np.array([True] * 50)])
def test_wrong_rows_are_refused(index: object) -> None:
    with pytest.raises(ContractError, match=r"row|index"):
        spread(50, 3, 2)[1].rows(index)  # type: ignore[arg-type]


def test_shards_that_do_not_fit_are_refused() -> None:
    one, two = np.zeros((2, 1), np.float32), np.zeros((2, 2), np.float32)
    zero = np.array([0])
    for shards, partition, offset in (
        ([], zero, zero),
        ([one, two], zero, zero),
        ([one], zero + 1, zero),
        ([one], zero, zero + 2),
        ([one], zero, np.array([0, 1])),
    ):
        with pytest.raises(ContractError):
            Features(shards, partition, offset)


def test_scratch_leaves_no_name_behind(tmp_path: Path) -> None:
    scratch = scratch_in(tmp_path)((100, 4))
    scratch[:] = 1.0
    assert list(tmp_path.iterdir()) == []
    assert float(scratch.sum()) == 400.0
    assert scratch_map((0, 4)).shape == (0, 4)


def test_scratch_without_room_is_an_error_and_no_crash(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"no room for .* GB"):
        scratch_map((2**50, 2**10), tmp_path)
    with pytest.raises(EncoderError, match="nowhere"):
        scratch_map((1, 1), tmp_path / "nowhere")
