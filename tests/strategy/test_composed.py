"""Chance, cost, near-duplicates and quotas around a strategy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from askwise.errors import ContractError
from askwise.strategy import (
    Strategy,
    balanced,
    explore,
    parse,
    per_cost,
    power,
    select,
    without_duplicates,
)
from askwise.strategy.composed import equal_quotas
from askwise.testing import check_strategy
from askwise.testing.pools import example

POOL = example(60, d=8)
GIVEN = {w: POOL.arrays[w] for w in ("proba", "embedding", "labeled_embedding", "samples", "cost")}
FIRST = Strategy(lambda embedding: embedding[:, 0], name="first_column")


def in_column(values):
    return np.asarray(values, float)[:, None]


# explore


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("k", [1, 4, 10])
def test_explore_draws_its_share_uniformly_and_says_which(k, share):
    strategy = explore("margin", share)
    best = select("margin", 60, **GIVEN).tolist()
    often, total, draws = np.zeros(60), 0, 1500
    for seed in range(draws):
        picks = strategy(k, np.random.default_rng(seed), **GIVEN).tolist()
        drawn, probability = strategy.drawn_at_random(k, 60, np.random.default_rng(seed))
        assert probability == pytest.approx(share * k / 60)
        assert set(drawn.tolist()) <= set(picks)
        rest = [position for position in picks if position not in drawn]
        assert rest == [p for p in best if p not in drawn][: len(rest)]
        assert len(drawn) in (np.floor(share * k), np.ceil(share * k))
        often[drawn] += 1
        total += len(drawn)
    assert total / draws == pytest.approx(share * k, abs=0.06)
    assert stats.chisquare(often).pvalue > 0.001


def test_explore_with_a_whole_share_is_random_and_with_a_small_one_nearly_the_strategy():
    assert select(explore("margin", 1), 60, **GIVEN).tolist() != select("margin", 60, **GIVEN).tolist()
    assert sorted(select(explore("margin", 0.5), 60, **GIVEN).tolist()) == list(range(60))


# per_cost


def written_out(order, cost, k, budget):
    """Take what leaves enough for the cheapest that could complete the batch."""
    budget = max(budget, np.sort(cost)[:k].sum()) * (1 + 1e-9)
    taken = []
    for position in order:
        rest = np.sort(np.delete(cost, [*taken, position]))[: k - len(taken) - 1].sum()
        if len(taken) < k and cost[taken].sum() + cost[position] + rest <= budget:
            taken.append(position)
    return taken


@given(st.integers(0, 10_000), st.integers(1, 9), st.sampled_from([None, 0.5, 2.0, 4.0, 100.0]))
def test_per_cost_keeps_the_better_of_both_greedy_batches(seed, k, budget):
    rng = np.random.default_rng(seed)
    scores, cost = rng.random(9), rng.exponential(size=9) + 0.01
    picks = per_cost(FIRST, budget)(k, rng, embedding=in_column(scores), cost=cost).tolist()
    limit = k * cost.mean() if budget is None else budget
    batches = [written_out(np.argsort(-value), cost, k, limit) for value in (scores / cost, scores)]
    assert picks in batches
    assert scores[picks].sum() == pytest.approx(max(scores[batch].sum() for batch in batches))
    assert cost[picks].sum() <= max(limit, np.sort(cost)[:k].sum()) * (1 + 1e-8)
    fitting = [list(b) for b in combinations(range(9), k) if cost[list(b)].sum() <= limit]
    if k == 1 and fitting:
        assert scores[picks].sum() == max(scores[batch].sum() for batch in fitting)


def test_both_greedy_batches_of_per_cost_can_win():
    def picked(scores, cost, k, budget):
        given = {"embedding": in_column(scores), "cost": np.array(cost)}
        return sorted(select(per_cost(FIRST, budget), k, **given).tolist())

    assert picked([10, 9, 9, 0], [10.0, 5.0, 5.0, 0.1], 2, 10.1) == [1, 2]  # by score: 0 and 3, 10 in all
    assert picked([10, 1.1, 1, 0], [10.0, 1.0, 1.0, 0.1], 2, 10.1) == [0, 3]  # per cost: 1 and 2, 2.1 in all
    assert picked([10, 9, 9, 0], [10.0, 5.0, 5.0, 0.1], 2, 1.0) in (
        [1, 3],
        [2, 3],
    )  # nothing fits: the cheapest


def test_per_cost_with_one_cost_is_the_strategy_and_the_unit_does_not_matter():
    plain = select("ratio", 10, **GIVEN).tolist()
    assert select(per_cost("ratio"), 10, **(GIVEN | {"cost": np.full(60, 7.0)})).tolist() == plain
    one = select(per_cost("ratio"), 10, **GIVEN).tolist()
    for unit in (1e-300, 1e-30, 1e6, 1e300):
        assert select(per_cost("ratio"), 10, **(GIVEN | {"cost": GIVEN["cost"] * unit})).tolist() == one


# without_duplicates


@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("k", [1, 7, 20])
def test_without_duplicates_follows_the_order_and_passes_over_what_is_alike(k, threshold):
    embedding = POOL.arrays["embedding"][np.arange(60) % 23] * np.linspace(1, 5, 60)[:, None]
    given = GIVEN | {"embedding": embedding}
    units = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    kept, passed = [], []
    for position in select("margin", 60, **given).tolist():
        alike = any(units[position] @ units[other] >= threshold - 1e-9 for other in kept)
        (passed if alike else kept).append(position)
    expected = (kept + passed)[:k]
    assert select(without_duplicates("margin", threshold), k, **given).tolist() == expected


@pytest.mark.parametrize("scale", [1e-30, 1, 1e30])
def test_vectors_of_zeros_are_alike_and_like_no_other(scale):
    embedding = np.array([[0, 0], [0, 0], [1, 0], [3, 0], [0, 1]], np.float32) * np.float32(scale)
    score = Strategy(lambda cost: cost, name="cost_first")
    cost = np.array([5.0, 4, 3, 2, 1])
    picks = select(without_duplicates(score, 1), 5, embedding=embedding, cost=cost)
    assert picks.tolist() == [0, 2, 4, 1, 3]


def test_without_duplicates_looks_further_than_the_first_longer_batch():
    embedding = np.zeros((3000, 3))
    embedding[:, 0] = 1
    embedding[2990:] = np.eye(3)[[1, 2] * 5]
    score = Strategy(lambda cost: cost, name="cost_first")
    picks = select(without_duplicates(score), 3, embedding=embedding, cost=np.arange(3000.0)[::-1] + 1)
    assert picks.tolist() == [0, 2990, 2991]


# balanced


def test_balanced_gives_every_predicted_class_its_quota_of_the_strategys_best():
    proba = POOL.arrays["proba"]
    predicted = proba.argmax(axis=1)
    picks = select(balanced("margin"), 12, **GIVEN)
    order = select("margin", 60, **GIVEN).tolist()
    for number in range(4):
        own = [position for position in order if predicted[position] == number]
        assert set(picks[predicted[picks] == number].tolist()) == set(own[:3])


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6), st.integers(0, 60))
def test_equal_quotas(available, k):
    k = min(k, sum(available))
    counts = equal_quotas(available, k)
    assert sum(counts) == k
    assert all(0 <= count <= most for count, most in zip(counts, available, strict=True))
    for count, most in zip(counts, available, strict=True):
        assert count == most or count >= max(counts) - 1


def test_leftover_picks_go_to_the_rarest_predicted_class():
    proba = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 3)
    picks = select(balanced("margin"), 5, proba=proba)
    assert (picks >= 10).sum() == 3


def test_before_any_label_balanced_is_the_strategy_on_all():
    given = GIVEN | {"proba": np.full((60, 4), 0.25)}
    picks = select(balanced("k_center"), 5, **given).tolist()
    assert set(picks) == set(select("k_center", 5, **given).tolist())


# lines


@pytest.mark.parametrize(
    "line",
    ["explore(margin, share=0.1)", "explore(k_center, share=1)", "per_cost(ratio)", "balanced(u_coverage)",
     "per_cost(bald, budget=12.5)",
     "without_duplicates(margin, threshold=0.95)", "balanced(power(bald, beta=2))",
     "explore(balanced(without_duplicates(power(entropy), threshold=0.99)), share=0.05)",
     "mix(0.5 per_cost(bald), 0.5 then(balanced(margin), k_center, keep=4))"],
)  # fmt: skip
def test_readable_line_reads_back(line):
    strategy = parse(line)
    assert str(strategy) == line
    assert parse(str(strategy)) == strategy
    assert hash(strategy) == hash(parse(line))
    assert len(set(select(line, 7, **GIVEN).tolist())) == 7


def test_values_and_lines_are_the_same():
    assert explore("margin") == parse("explore(margin)") == parse("explore(margin, share=0.1)")
    assert explore("margin", 0.2) != explore("margin", 0.3)
    assert without_duplicates("margin").with_options(threshold=0.5) == without_duplicates("margin", 0.5)
    assert per_cost("ratio").needs == ("proba", "cost", "k", "rng")
    assert without_duplicates("margin").needs == ("proba", "embedding", "k", "rng")
    assert balanced(FIRST).needs == ("proba", "embedding", "k", "rng")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: explore("margin", 0), r"explore: share is 0; expected a number above 0 and at most 1"),
        (lambda: explore("margin", 1.2), r"explore: share is 1.2"),
        (lambda: explore("margin", True), r"explore: share is True"),
        (lambda: without_duplicates("margin", float("nan")), r"without_duplicates: threshold is nan"),
        (lambda: per_cost("bald", float("inf")), r"per_cost: budget is inf; expected a number above 0$"),
        (lambda: per_cost("k_center"), r"per_cost: k_center picks its candidates together"),
        (lambda: per_cost(power("bald")), r"per_cost: power\(bald\) picks"),
        (
            lambda: parse("per_cost(ratio, share=1)"),
            r"per_cost\(ratio\): unknown option 'share'.*its options: budget",
        ),
        (lambda: parse("explore(margin, shar=1)"), r"unknown option 'shar'; did you mean 'share'\?"),
        (lambda: parse("balanced(0.5 margin)"), r"cannot read the strategy"),
        (lambda: balanced(lambda k, view: ...), r"balanced: lambda needs 'view'"),
        (
            lambda: select("per_cost(margin)", 1, **GIVEN),
            r"per_cost: margin scored candidate \d+ -.*at least 0",
        ),
    ],
)
def test_what_cannot_run_is_refused(make, message):
    with pytest.raises(ContractError, match=message):
        make()


@pytest.mark.parametrize(
    "line",
    ["explore(margin, share=0.3)", "explore(k_center, share=0.3)", "per_cost(ratio)", "balanced(margin)",
     "without_duplicates(margin, threshold=0.95)", "without_duplicates(k_center, threshold=0.9)",
     "balanced(k_center)", "explore(balanced(without_duplicates(power(entropy), threshold=0.99)), share=0.1)"],
)  # fmt: skip
def test_conformance(line):
    assert check_strategy(line, libraries=("torch", "array_api_strict")).ok
