"""The array helpers: the same answers for every library, and ties decided by the seed alone."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from askwise import xp

LIBRARIES = {"numpy": np.asarray, "torch": torch.asarray, "strict": array_api_strict.asarray}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest):
    return LIBRARIES[request.param]


@given(
    scores=hnp.arrays(np.float64, st.integers(1, 40), elements=st.integers(-2, 2)),
    seed=st.integers(0, 10),
    data=st.data(),
)
def test_top_k_is_a_full_sort_with_the_same_order_of_ties(scores, seed, data) -> None:
    k = data.draw(st.integers(1, len(scores)))
    ranks = np.random.default_rng(seed).permutation(len(scores))
    expected = np.lexsort((ranks, -scores))[:k]
    for make in LIBRARIES.values():
        picked = xp.top_k(make(scores), k, np.random.default_rng(seed))
        assert xp.to_numpy(picked).tolist() == expected.tolist()


def test_top_k_takes_whole_numbers_and_stays_in_its_library(library) -> None:
    picked = xp.top_k(library(np.array([3, 1, 2], np.uint8)), 2, np.random.default_rng(0))
    assert type(picked) is type(library(np.zeros(1)))
    assert xp.to_numpy(picked).dtype == np.int64
    assert xp.to_numpy(picked).tolist() == [0, 2]


def test_ties_do_not_prefer_the_start_of_the_file() -> None:
    first = [xp.top_k(np.zeros(50), 5, np.random.default_rng(seed)).mean() for seed in range(200)]
    assert abs(np.mean(first) - 24.5) < 2


def test_crossing_to_the_host_and_back(library) -> None:
    values = np.arange(6.0).reshape(3, 2)
    there = xp.from_numpy(values, like=library(values))
    values[:] = -1
    assert xp.to_numpy(there).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert xp.to_numpy(xp.take(there, np.array([2, 0]))).tolist() == [[4, 5], [0, 1]]


def test_half_precision_tensors_reach_the_host() -> None:
    assert xp.to_numpy(torch.ones(2, dtype=torch.bfloat16)).tolist() == [1, 1]
    assert xp.floating(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32
    assert xp.to_numpy(torch.ones(2, requires_grad=True)).tolist() == [1, 1]


@pytest.mark.parametrize(("n", "size", "limit"), [(10, 3, 9), (10, 100, 9), (1, 1, 1), (7, 0, 4)])
def test_row_blocks_cut_all_rows_once(n: int, size: int, limit: int) -> None:
    blocks = list(xp.row_blocks(n, size, limit))
    assert np.concatenate([np.arange(n)[block] for block in blocks]).tolist() == list(range(n))
    assert all(
        (block.stop - block.start) * size <= limit or block.stop - block.start == 1 for block in blocks
    )


@pytest.mark.parametrize("C", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_two(library, C: int, dtype) -> None:
    values = np.random.default_rng(C).integers(-9, 9, (500, C)).astype(dtype)
    first, second = (xp.to_numpy(part) for part in xp.largest_two(library(values)))
    ordered = np.sort(values, axis=1)
    assert np.array_equal(first, ordered[:, -1])
    assert np.array_equal(second, ordered[:, -2] if C > 1 else np.zeros(500))


def test_xlogx_is_zero_at_zero_and_right_elsewhere(library) -> None:
    values = np.array([0.0, 1e-300, 0.25, 1.0])
    expected = [0.0, 1e-300 * np.log(1e-300), 0.25 * np.log(0.25), 0.0]
    np.testing.assert_allclose(xp.to_numpy(xp.xlogx(library(values))), expected, rtol=1e-12)


@pytest.mark.parametrize("C", [3, 50])
def test_row_sums_do_not_depend_on_place_or_order(library, C: int) -> None:
    rng = np.random.default_rng(0)
    row = rng.random(C).astype(np.float32)
    rows = np.stack([rng.permutation(row) for _ in range(1001)])
    sums = xp.to_numpy(xp.row_sums(library(rows)))
    assert sums.dtype == np.float32
    assert len(np.unique(sums)) == 1
    np.testing.assert_allclose(sums[0], row.astype(np.float64).sum(), rtol=1e-7)


def test_surpluses(library) -> None:
    rows, thresholds = np.random.default_rng(0).random((5, 7)), np.full(7, 0.5)
    expected = np.maximum(rows - thresholds, 0).sum(axis=1)
    np.testing.assert_allclose(xp.to_numpy(xp.surpluses(library(rows.copy()), library(thresholds))), expected)


def test_map_rows_puts_the_blocks_in_order(library) -> None:
    values = library(np.arange(3000.0))
    doubled = xp.map_rows(lambda rows: values[rows] * 2, 3000, bytes_per_row=xp.CACHE_BYTES // 700)
    assert xp.to_numpy(doubled).tolist() == (np.arange(3000.0) * 2).tolist()


def test_fill_completes_by_rank() -> None:
    ranks = np.array([4, 0, 3, 1, 2])
    assert xp.fill(np.array([1]), 3, ranks).tolist() == [1, 3, 4]
    assert xp.fill(np.empty(0, np.int64), 5, ranks).tolist() == [1, 3, 4, 2, 0]
