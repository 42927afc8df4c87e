"""Scores and intervals against scikit-learn, SciPy and the definition; honest for tiny samples too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from askwise.errors import ContractError
from askwise.evaluation import (
    Estimate,
    accuracy,
    aubc,
    labels_to_reach,
    macro_f1,
    mean_f1,
    mean_interval,
    paired_difference,
    wilson,
)

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=50)


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_the_score_interval(n: int, share: float, level: float) -> None:
    right = round(share * n)
    theirs = binomtest(right, n).proportion_ci(level, method="wilson")
    assert wilson(right, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(pairs)
def test_intervals_hold_their_value(answers: list[tuple[int, int]]) -> None:
    truth, guess = zip(*answers, strict=True)
    for estimate in (accuracy(truth, guess), macro_f1(truth, guess, resamples=50)):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.high - estimate.low > 0.01
        assert estimate.n == len(answers)


@given(pairs)
def test_macro_f1_is_scikit_learns(answers: list[tuple[int, int]]) -> None:
    truth, guess = zip(*answers, strict=True)
    expected = f1_score(truth, guess, average="macro", zero_division=0)
    assert macro_f1(truth, guess, resamples=2).value == pytest.approx(expected)
    assert mean_f1(truth, guess) == pytest.approx(expected)


def test_macro_f1_interval_is_the_bootstrap_over_items() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=80)
    guess = np.where(rng.random(80) < 0.7, truth, rng.integers(3, size=80))
    drawn = [mean_f1(truth[rows], guess[rows]) for rows in rng.integers(80, size=(3000, 80))]
    estimate = macro_f1(truth, guess, resamples=3000)
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.015)
    assert estimate == macro_f1(truth, guess, resamples=3000)
    assert estimate != macro_f1(truth, guess, resamples=3000, seed=1)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_right_answers_prove_little(n: int) -> None:
    assert accuracy(["a"] * n, ["a"] * n).low < 0.6
    assert macro_f1(["a"] * n, ["a"] * n).low < 0.6
    assert macro_f1(["a"] * n, ["b"] * n).high > 0.4


def test_accuracy_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        estimate = accuracy(np.ones(30), rng.random(30) < 0.85)
        inside += estimate.low <= 0.85 <= estimate.high
    assert 0.92 <= inside / 400 <= 0.99


@pytest.mark.parametrize(
    ("truth", "guess", "said"),
    [([], [], "empty"), ([1, 2], [1], r"\(n,\)"), ([[1]], [[1]], r"\(n,\)")],
)
def test_nothing_to_measure(truth: list[object], guess: list[object], said: str) -> None:
    for score in (accuracy, macro_f1, mean_f1):
        with pytest.raises(ContractError, match=said):
            score(truth, guess)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_level_is_a_share(level: float) -> None:
    with pytest.raises(ContractError, match="between 0 and 1"):
        accuracy([1], [1], level=level)


def test_aubc_is_the_mean_height() -> None:
    assert aubc([10, 20, 30], [0.5, 0.5, 0.5]) == 0.5
    assert aubc([0, 10], [0.0, 1.0]) == 0.5
    assert aubc([10, 20, 110], [0, 1, 1]) == pytest.approx(0.95)
    assert aubc([7], [0.3]) == 0.3
    for labels, scores in (([10, 10], [1, 1]), ([2, 1], [1, 1]), ([], []), ([1, 2], [1])):
        with pytest.raises(ContractError):
            aubc(labels, scores)


def test_labels_to_reach_is_a_measured_point() -> None:
    assert labels_to_reach([10, 20, 30], [0.7, 0.9, 0.8], 0.8) == 20
    assert labels_to_reach([10, 20, 30], [0.7, 0.9, 0.8], 0.7) == 10
    assert labels_to_reach([10, 20, 30], [0.7, 0.9, 0.8], 0.91) is None


def test_mean_interval_covers_the_truth_with_ten_seeds() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for values in rng.normal(0.8, 0.05, size=(400, 10)):
        estimate = mean_interval(values, resamples=400)
        inside += estimate.low <= 0.8 <= estimate.high
    assert 0.92 <= inside / 400 <= 0.98


def test_one_seed_has_no_interval() -> None:
    estimate = mean_interval([0.5])
    assert (estimate.value, estimate.n) == (0.5, 1)
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)
    assert str(estimate) == "0.500"
    assert str(Estimate(0.5, 0.4, 0.6, 3)) == "0.500 [0.400, 0.600]"


def test_pairs_are_paired() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.2, size=10)
    difference = paired_difference(0.5 + hard + rng.normal(0.03, 0.01, 10), 0.5 + hard)
    assert difference.low > 0
    assert difference.value == pytest.approx(0.03, abs=0.01)
    assert paired_difference([1.0, 2.0], [1.0, 2.0]) == Estimate(0.0, 0.0, 0.0, 2)
    with pytest.raises(ContractError, match="pairs"):
        paired_difference([1.0], [1.0, 2.0])
    with pytest.raises(ContractError, match="finite"):
        mean_interval([1.0, math.nan])
