"""Strategies made of strategies: shares, shortlists, nesting, and streams that do not disturb each other."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from askwise.errors import ContractError
from askwise.strategy import INPUTS, Strategy, as_strategy, mix, select, then
from askwise.strategy.compose import interleave, largest_remainder, only
from askwise.strategy.inputs import check_inputs
from askwise.testing.pools import example

POOL = example(80, d=8)
INPUTS_OF_POOL = {w: POOL.arrays[w] for w in ("proba", "embedding", "labeled_embedding", "samples")}


def by_column(column):
    return Strategy(lambda embedding: embedding[:, column], name=f"column_{column}")


def top(column, k):
    return np.argsort(-POOL.arrays["embedding"][:, column])[:k].tolist()


def test_needs_are_those_of_the_parts_in_the_vocabularys_order():
    strategy = mix({"k_center": 0.5, "margin": 0.5})
    assert strategy.needs == ("proba", "embedding", "labeled_embedding", "k", "rng")
    assert strategy.needs == tuple(word for word in INPUTS if word in strategy.needs)
    assert strategy.picks
    assert strategy.name == "mix"
    assert "n" in then("random", "margin").needs


@pytest.mark.parametrize("k", [1, 2, 5, 10, 33, 80])
def test_each_part_has_its_share(k):
    first, second = by_column(0), by_column(1)
    picks = select(mix([(first, 0.7), (second, 0.3)]), k, **INPUTS_OF_POOL).tolist()
    counts = largest_remainder([0.7, 0.3], k)
    assert len(set(picks)) == k
    leaders = top(0, counts[0])
    rest = [position for position in top(1, 80) if position not in leaders][: counts[1]]
    assert set(picks) == set(leaders) | set(rest)
    assert [p for p in picks if p in leaders] == leaders
    assert [p for p in picks if p in rest] == rest


def test_parts_that_want_the_same_share_nothing():
    picks = select(mix([(by_column(0), 0.5), (by_column(0), 0.5)]), 10, **INPUTS_OF_POOL).tolist()
    assert sorted(picks) == sorted(top(0, 10))


@given(st.lists(st.integers(1, 100), min_size=1, max_size=6), st.integers(1, 500))
def test_largest_remainder(weights, k):
    shares = [weight / sum(weights) for weight in weights]
    counts = largest_remainder(shares, k)
    assert sum(counts) == k
    assert all(abs(count - share * k) < 1 for count, share in zip(counts, shares, strict=True))


def test_equal_remainders_go_to_the_first():
    assert largest_remainder([0.5, 0.5], 3) == [2, 1]
    assert largest_remainder([0.29, 0.71], 100) == [29, 71]
    assert largest_remainder([1 / 3, 1 / 3, 1 / 3], 4) == [2, 1, 1]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_beginning_of_a_batch_has_the_shares_of_the_whole(counts):
    parts = [[(number, place) for place in range(count)] for number, count in enumerate(counts)]
    order = interleave(parts)
    assert sorted(order) == sorted(chain.from_iterable(parts))
    for end in range(1, len(order)):
        seen = Counter(number for number, _ in order[:end])
        for number, count in enumerate(counts):
            assert abs(seen[number] - end * count / len(order)) < len(counts)


def test_shortlist_then_pick():
    strategy = then(by_column(0), by_column(1), keep=3)
    shortlist = top(0, 15)
    expected = [position for position in top(1, 80) if position in shortlist][:5]
    assert select(strategy, 5, **INPUTS_OF_POOL).tolist() == expected
    assert select(strategy, 80, **INPUTS_OF_POOL).tolist() == top(1, 80)  # a short pool is kept whole


def test_second_part_sees_the_shortlist_alone():
    seen = {}

    def spy(k, n, embedding, samples, labeled_embedding):
        seen.update(n=n, embedding=embedding, samples=samples, labeled=labeled_embedding)
        return np.arange(k)

    picks = select(then(by_column(0), spy, keep=4), 5, **INPUTS_OF_POOL)
    shortlist = np.sort(top(0, 20))
    assert picks.tolist() == shortlist[:5].tolist()
    assert seen["n"] == 20
    np.testing.assert_array_equal(seen["embedding"], POOL.arrays["embedding"][shortlist])
    np.testing.assert_array_equal(seen["samples"], POOL.arrays["samples"][:, shortlist])
    np.testing.assert_array_equal(seen["labeled"], POOL.arrays["labeled_embedding"])


def test_part_of_the_evidence_in_any_library():
    positions = np.array([3, 1])
    for library in (np, torch):
        given = {word: library.asarray(array) for word, array in POOL.arrays.items()}
        part = only(check_inputs("mine", tuple(given), given), positions)
        assert part.n == 2
        for word, row in INPUTS.items():
            if row.is_array:
                whole = POOL.arrays[word]
                expected = whole if row.axis is None else np.take(whole, positions, axis=row.axis)
                np.testing.assert_array_equal(np.asarray(part.arrays[word]), expected)


def test_first_part_may_be_random_for_pools_too_large_for_the_second():
    picks = select(then("random", by_column(0), keep=2), 5, seed=1, **INPUTS_OF_POOL)
    other = select(then("random", by_column(0), keep=2), 5, seed=2, **INPUTS_OF_POOL)
    assert picks.tolist() != other.tolist()


@pytest.mark.parametrize(
    "line",
    [
        "mix(0.5 margin, 0.5 random)",
        "then(margin, k_center, keep=3)",
        "mix(0.6 then(margin, k_center, keep=2), 0.3 mix(0.5 random, 0.5 entropy), 0.1 random)",
        "then(mix(0.5 margin, 0.5 random), then(random, k_center, keep=2), keep=3)",
    ],
)
def test_they_nest_and_stay_reproducible(line):
    strategy = as_strategy(line)
    for k in (1, 2, 10, 80):
        picks = select(strategy, k, seed=4, **INPUTS_OF_POOL)
        assert picks.dtype == np.int64
        assert len(set(picks.tolist())) == k
        np.testing.assert_array_equal(picks, select(line, k, seed=4, **INPUTS_OF_POOL))
        np.testing.assert_array_equal(picks, select(line, k, seed=4, block_bytes=1, **INPUTS_OF_POOL))


def test_what_one_part_draws_leaves_the_next_one_alone():
    def greedy_for_numbers(k, rng, embedding):
        rng.random(1000)
        return np.arange(k)

    def modest(k, rng, embedding):
        return np.arange(k)

    one, other = (
        select(mix([(part, 0.5), ("random", 0.5)]), 10, n=80, **INPUTS_OF_POOL)
        for part in (greedy_for_numbers, modest)
    )
    np.testing.assert_array_equal(one, other)


def test_errors_name_the_composition():
    strategy = mix({"margin": 0.5, "entropy": 0.5})
    with pytest.raises(ContractError, match=r"^mix: proba row 3, column 0, is nan"):
        spoilt = POOL.arrays["proba"].copy()
        spoilt[3] = np.nan
        select(strategy, 4, proba=spoilt)
    with pytest.raises(ContractError, match=r"^mix: needs 'proba'"):
        select(strategy, 4, embedding=POOL.arrays["embedding"])
    with pytest.raises(ContractError, match=r"^mix: asked for 81 of 80 candidates"):
        select(strategy, 81, proba=POOL.arrays["proba"])


def test_tensors_stay_tensors():
    given = {word: torch.asarray(array) for word, array in INPUTS_OF_POOL.items()}
    for line in ("mix(0.5 margin, 0.5 random)", "then(margin, entropy, keep=3)"):
        picks = select(line, 6, **given)
        assert isinstance(picks, torch.Tensor)
        assert picks.tolist() == select(line, 6, **INPUTS_OF_POOL).tolist()
    assert isinstance(select("mix(0.5 random, 0.5 random)", 3, n=9), np.ndarray)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "mix: has no parts"),
        ({"margin": 0.5, "random": 0.6}, r"the shares sum to 1.1; expected 1"),
        ({"margin": 1.5, "random": -0.5}, r"the share of random is -0.5"),
        ({"margin": float("nan")}, r"the share of margin is nan"),
        ({"margin": "half"}, r"expected strategies with shares"),
        (["margin", "random"], r"expected strategies with shares"),
        ({"margn": 1}, r"unknown strategy 'margn'"),
    ],
)
def test_shares_that_make_no_sense(shares, message):
    with pytest.raises(ContractError, match=message):
        mix(shares)


def test_view_of_the_whole_pool_is_no_view_of_a_shortlist():
    by_view = Strategy(lambda k, n, view: np.arange(k), name="by_view")
    assert then(by_view, "margin").needs[-1] == "view"
    with pytest.raises(ContractError, match=r"then: mix\(1 by_view\) needs 'view'.*let it come first"):
        then("margin", mix([(by_view, 1)]))


def test_equality_is_of_parts_and_settings():
    assert mix({"margin": 0.5, "random": 0.5}) == mix([("margin", 0.5), ("random", 0.5)])
    assert mix({"margin": 0.5, "random": 0.5}) != mix({"margin": 0.4, "random": 0.6})
    assert then("margin", "random", keep=3) != then("margin", "random", keep=4)
    assert then("margin", "random") != as_strategy("margin")
    assert mix([(by_column(0), 1)]) != mix([(by_column(0), 1)])  # two functions of one name
    assert repr(then("margin", "random")) == "<strategy then(margin, random, keep=10)>"
