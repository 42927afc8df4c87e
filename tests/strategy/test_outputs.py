"""What leaves a function is held to the contract: finite scores, or exactly k distinct positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from askwise.errors import ContractError
from askwise.strategy import Strategy

PROBA = np.full((5, 2), 0.5)


def pick(returned, k=3, proba=PROBA):
    strategy = Strategy(lambda k, proba: returned, name="mine")
    return strategy(k, np.random.default_rng(0), proba=proba)


def score(returned, proba=PROBA):
    return Strategy(lambda proba: returned, name="mine")(1, np.random.default_rng(0), proba=proba)


@pytest.mark.parametrize(
    "returned",
    [
        [4, 0, 2],
        (4, 0, 2),
        np.array([4, 0, 2], dtype=np.int8),
        np.array([4, 0, 2], dtype=np.uint64),
        [np.int64(4), np.int32(0), 2],
        torch.tensor([4, 0, 2]),
    ],
)
def test_whole_numbers_are_accepted_as_int64(returned):
    picks = pick(returned)
    assert isinstance(picks, np.ndarray)
    assert picks.dtype == np.int64
    assert picks.tolist() == [4, 0, 2]


@pytest.mark.parametrize("returned", [(3, 1), [3, 1], np.array([3, 1]), (np.int64(3), np.int64(1))])
def test_two_positions_are_a_batch_and_not_a_pair(returned):
    assert pick(returned, k=2).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            None,
            r"mine: returned None; expected 3 distinct whole numbers from 0 to 4, shape \(3,\): is a `return`",
        ),
        (np.array([0.0, 1.0, 2.0]), r"returned values of type float64"),
        ([0, 1.0, 2], r"returned values of type float64"),
        (["a", "b", "c"], r"returned values of type <U1"),
        (np.array([True, True, True, False, False]), r"mask of booleans; .*numpy.flatnonzero\(mask\)"),
        ([0, 1, 1], r"picked candidate 1 2 times"),
        ([0, 1, 5], r"pick 2 is 5; .*not ids or rows of a larger table"),
        ([0, 1, -1], r"pick 2 is -1"),
        ([0, 1], r"returned shape \(2,\) when asked for 3"),
        ([0, 1, 2, 3], r"returned shape \(4,\) when asked for 3"),
        ([], r"returned shape \(0,\) when asked for 3"),
        ([[0], [1], [2]], r"returned shape \(3, 1\)"),
        (([0, 1, 2], [0.5, 0.1, 0.2]), r"returned values of type float64"),
        (([0, 1, 2], [3, 4, 5]), r"returned shape \(2, 3\).*positions alone, without scores"),
        (([0, 1, 2], [3, 4]), r"returned a tuple of unequal parts"),
        ({0, 1, 2}, r"returned set; expected"),
        (np.int64(1), r"returned shape \(\) when asked for 3"),
        (1, r"returned int; expected"),
        (iter([0, 1, 2]), r"returned list_iterator; expected"),
    ],
)
def test_anything_else_for_positions_is_refused(returned, message):
    with pytest.raises(ContractError, match=message):
        pick(returned)


@pytest.mark.parametrize(
    "returned", [[0, 0, 9, 0, 0], np.array([0, 0, 9, 0, 0]), np.array([0, 0, 1, 0, 0], dtype=bool)]
)
def test_numbers_of_any_kind_are_scores(returned):
    assert score(returned).tolist() == [2]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"mine: returned None; expected one score a candidate, shape \(5,\): is a `return` missing"),
        (np.zeros((5, 1)), r"shape \(5, 1\) for 5 candidates; .*drop the last axis, scores\[:, 0\]"),
        (np.zeros(4), r"returned shape \(4,\) for 5 candidates"),
        (0.5, r"returned float; expected one score"),
        (np.float64(0.5), r"returned shape \(\) for 5 candidates"),
        (np.array([0, 0, np.nan, 0, 0]), r"scored candidate 2 nan; expected a finite score"),
        (np.array([0, 0, 0, 0, -np.inf]), r"scored candidate 4 -inf"),
        (np.zeros(5, dtype=complex), r"returned values of type complex128"),
        (["a"] * 5, r"returned values of type <U1"),
        (torch.tensor([0, 0, float("nan"), 0, 0]), r"scored candidate 2 nan"),
    ],
)
def test_anything_else_for_scores_is_refused(returned, message):
    with pytest.raises(ContractError, match=message):
        score(returned)


def test_candidate_of_a_bad_score_is_counted_over_all_blocks():
    strategy = Strategy(lambda proba: np.log(proba[:, 0]), name="mine")
    proba = np.tile([0.5, 0.5], (100, 1))
    proba[77] = [0, 1]
    with pytest.raises(ContractError, match="scored candidate 77 -inf"), np.errstate(divide="ignore"):
        strategy(1, np.random.default_rng(0), proba=proba, block_bytes=160)


def test_answer_to_numpy_is_numpy_whatever_was_returned():
    assert isinstance(score(torch.tensor([0.0, 0, 9, 0, 0])), np.ndarray)
    assert isinstance(pick(torch.tensor([4, 0, 2])), np.ndarray)


def test_answer_is_of_the_library_of_the_inputs():
    proba = torch.full((5, 2), 0.5)
    for returned in ([4, 0, 2], np.array([4, 0, 2]), torch.tensor([4, 0, 2], dtype=torch.int32)):
        picks = pick(returned, proba=proba)
        assert picks.dtype == torch.int64
        assert picks.tolist() == [4, 0, 2]
    for returned in (
        [0, 0, 9, 0, 0],
        torch.tensor([0, 0, 9, 0, 0]),
        torch.tensor([0, 0, 9.0, 0, 0], requires_grad=True),
    ):
        assert score(returned, proba=proba).tolist() == [2]
        assert isinstance(score(returned, proba=proba), torch.Tensor)
    with pytest.raises(ContractError, match="scored candidate 2 inf"):
        score(torch.tensor([0, 0, float("inf"), 0, 0]), proba=proba)
