"""Batches drawn by scores, against the exact distribution of drawing one after the other without replacement."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from askwise.errors import ContractError
from askwise.strategy import Strategy, as_strategy, parse, power, select, softmax, softrank
from askwise.testing import check_strategy

SCORES = np.array([0.7, 0.2, 0.05, 0.4, 1.1])
COST = np.ones(5)


def column(scores):
    """A strategy whose scores are these, by way of the one column of an embedding."""
    return Strategy(lambda embedding: embedding[:, 0], name="column"), np.asarray(scores, float)[:, None]


def weights_of(kind, scores, beta):
    if kind is power:
        return scores**beta
    if kind is softmax:
        return np.exp(beta * scores)
    return (1.0 + np.argsort(np.argsort(-scores))) ** -beta


@pytest.mark.parametrize("beta", [1, 2.5])
@pytest.mark.parametrize("kind", [power, softmax, softrank], ids=lambda f: f.__name__)
def test_first_picks_and_ordered_pairs_follow_the_exact_distribution(kind, beta):
    score, embedding = column(SCORES)
    strategy = kind(score, beta)
    weights = weights_of(kind, SCORES, beta)
    draws, counts = 6000, np.zeros((5, 5))
    rng = np.random.default_rng(7)
    for _ in range(draws):
        first, second = strategy(2, rng, embedding=embedding)
        counts[first, second] += 1
    share = weights / weights.sum()
    pairs = list(permutations(range(5), 2))
    expected = np.array([share[a] * weights[b] / (weights.sum() - weights[a]) for a, b in pairs]) * draws
    seen = np.array([counts[pair] for pair in pairs])
    rare = expected < 5  # too rare for the test one by one, so they count together
    if rare.any():
        expected = np.append(expected[~rare], expected[rare].sum())
        seen = np.append(seen[~rare], seen[rare].sum())
    assert counts.trace() == 0
    assert stats.chisquare(counts.sum(axis=1), share * draws).pvalue > 0.001
    assert stats.chisquare(seen, expected).pvalue > 0.001


def test_the_test_above_can_fail():
    """Drawing with the wrong weights is found out with as many draws."""
    score, embedding = column(SCORES)
    rng = np.random.default_rng(7)
    firsts = np.bincount(
        [power(score, 1.2)(1, rng, embedding=embedding)[0] for _ in range(6000)], minlength=5
    )
    assert stats.chisquare(firsts, SCORES / SCORES.sum() * 6000).pvalue < 0.001


def test_candidates_without_weight_come_last_and_in_random_order():
    score, embedding = column([0, 0, 0.3, 0, 0.1, 0, 0, 0])
    rng = np.random.default_rng(0)
    thirds = []
    for _ in range(2000):
        picks = power(score)(3, rng, embedding=embedding).tolist()
        assert set(picks[:2]) == {2, 4}
        thirds.append(picks[2])
    counts = np.bincount(thirds, minlength=8)[[0, 1, 3, 5, 6, 7]]
    assert counts.sum() == 2000
    assert stats.chisquare(counts).pvalue > 0.001


def test_equal_scores_are_ranked_at_random():
    score, embedding = column([1.0, 1.0, 1.0, 1.0])
    rng = np.random.default_rng(0)
    firsts = np.bincount(
        [softrank(score, 3)(1, rng, embedding=embedding)[0] for _ in range(2000)], minlength=4
    )
    assert stats.chisquare(firsts).pvalue > 0.001


def test_a_large_beta_gives_the_best_k():
    scores = np.random.default_rng(3).random(50)
    score, embedding = column(scores)
    best = np.argsort(-scores)[:5].tolist()
    for strategy in (power(score, 1e6), softmax(score, 1e6), softrank(score, 1e6)):
        assert strategy(5, np.random.default_rng(0), embedding=embedding).tolist() == best


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e6, 1e300])
def test_powers_do_not_depend_on_the_unit_of_the_scores(scale):
    score, embedding = column(SCORES)
    one = power(score)(4, np.random.default_rng(5), embedding=embedding)
    assert power(score)(4, np.random.default_rng(5), embedding=embedding * scale).tolist() == one.tolist()
    for strategy in (softmax(score, 1e300), softrank(score)):
        assert len(set(strategy(5, np.random.default_rng(5), embedding=embedding * scale).tolist())) == 5


def test_negative_scores_are_refused_by_power_alone():
    proba = np.array([[0.5, 0.5], [0.8, 0.2], [0.6, 0.4]])
    with pytest.raises(
        ContractError, match=r"power: margin scored candidate 1 -0.6; expected scores of at least 0"
    ):
        select("power(margin)", 1, proba=proba)
    for line in ("softmax(margin)", "softrank(margin)", "power(ratio)"):
        assert len(select(line, 2, proba=proba)) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: power("k_center"), r"power: k_center picks its candidates together and gives no scores"),
        (lambda: softmax("mix(0.5 margin, 0.5 random)"), r"softmax: mix.* gives no scores"),
        (lambda: softrank("power(bald)"), r"softrank: power\(bald\) picks"),
        (lambda: power("bald", 0), r"power: beta is 0; expected a number above 0"),
        (lambda: power("bald", float("inf")), r"power: beta is inf"),
        (lambda: power("bald", True), r"power: beta is True"),
        (lambda: power("bald", "1"), r"power: beta is '1'"),
        (
            lambda: power("bald").with_options(bta=2),
            r"unknown option 'bta'; did you mean 'beta'\?; its options: beta",
        ),
        (lambda: parse("power()"), r"power: expected one strategy: power\(bald\)"),
        (lambda: parse("power(bald, entropy)"), r"power: expected one strategy"),
        (lambda: parse("power(bald, beta=-1)"), r"power: beta is -1"),
        (lambda: parse("powr(bald)"), r"powr: options are given by name"),
    ],
)
def test_what_cannot_run_is_refused_when_made(make, message):
    with pytest.raises(ContractError, match=message):
        make()


@pytest.mark.parametrize(
    "line",
    ["power(bald)", "power(bald, beta=4)", "softmax(entropy, beta=0.5)", "softrank(hyperplane)",
     "power(bald(corrected=True), beta=2)", "mix(0.5 power(bald), 0.5 random)",
     "then(softrank(margin), k_center, keep=5)"],
)  # fmt: skip
def test_readable_line_reads_back(line):
    strategy = parse(line)
    assert str(strategy) == line
    assert parse(str(strategy)) == strategy
    assert strategy != parse("power(entropy)")
    assert hash(strategy) == hash(parse(line))


def test_lines_and_values_are_the_same():
    assert power("bald") == parse("power(bald)") == power("bald", 1.0)
    assert power("bald", 2) != power("bald")
    assert power("entropy") != softmax("entropy")
    assert power("bald").needs == ("samples", "k", "rng")
    assert as_strategy("power(bald)").with_options(beta=3) == power("bald", 3)


@pytest.mark.parametrize(
    "line", ["power(bald)", "power(ratio, beta=4)", "softmax(entropy, beta=2)", "softrank(margin)"]
)
def test_conformance(line):
    assert check_strategy(line, libraries=("torch", "array_api_strict")).ok
