"""From what a person writes to a strategy, and back to the readable line."""

from __future__ import annotations

import string
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import askwise as aw
from askwise.acquisition import CATALOGUE
from askwise.errors import ContractError
from askwise.strategy import Mix, Strategy, Then, as_strategy, mix, parse, select, then
from askwise.testing.pools import example

POOL = example(60, m=6, d=8)
EMBEDDING, LABELED = POOL.arrays["embedding"], POOL.arrays["labeled_embedding"]
PROBA = POOL.arrays["proba"]


def test_ten_positions_and_no_project():
    picks = aw.select("k_center", 10, embedding=EMBEDDING, labeled_embedding=LABELED, seed=0)
    assert isinstance(picks, np.ndarray)
    assert picks.dtype == np.int64
    assert len(set(picks.tolist())) == 10
    assert 0 <= picks.min() <= picks.max() < 60


def test_name_line_function_and_value_are_the_same_strategy():
    expected = select("margin", 5, proba=PROBA)
    for strategy in (
        CATALOGUE["margin"],
        "margin()",
        " margin ",
        as_strategy("margin"),
        Strategy(CATALOGUE["margin"]),
    ):
        np.testing.assert_array_equal(select(strategy, 5, proba=PROBA), expected)


def test_seed_decides_and_may_be_a_generator():
    picks = [select("random", 5, n=1000, seed=seed).tolist() for seed in (0, 0, 1, [3, 1], [3, 2])]
    assert picks[0] == picks[1]
    assert len({tuple(p) for p in picks}) == 4
    generator = np.random.default_rng(0)
    assert select("random", 5, n=1000, seed=generator).tolist() == picks[0]
    assert select("random", 5, n=1000, seed=generator).tolist() != picks[0]


def test_options_come_by_keyword():
    def shifted(proba, column=0):
        return proba[:, column]

    for column in (0, 1):
        assert select(shifted, 1, proba=PROBA, column=column).tolist() == [int(PROBA[:, column].argmax())]
        assert select(partial(shifted, column=column), 1, proba=PROBA).tolist() == [
            int(PROBA[:, column].argmax())
        ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(select, "margn", 5, proba=PROBA),
            r"unknown strategy 'margn'; did you mean 'margin'\?; known: random",
        ),
        (partial(select, "margin", 5), r"margin: needs 'proba' \(n, C\)"),
        (
            partial(select, "margin", 5, prob=PROBA),
            r"margin: unknown option 'prob'; did you mean 'proba'\?.*its inputs",
        ),
        (
            partial(select, "margin", 5, proba=PROBA, power=2),
            r"margin: unknown option 'power'; its options: none",
        ),
        (partial(select, "margin", 5, proba=PROBA, rng=1), r"margin: select makes rng from seed"),
        (partial(select, "margin", 5, proba=PROBA, seed=None), r"margin: seed is None"),
        (partial(select, "margin", 5, proba=PROBA, seed=-1), r"margin: seed is -1"),
        (partial(select, "margin", 5, proba=PROBA, seed="x"), r"margin: seed is 'x'"),
        (partial(select, "margin", 5, proba=PROBA, seed=0.5), r"margin: seed is 0.5"),
        (partial(select, "mix(1 margin)", 5, prob=PROBA), r"did you mean 'proba'\?; it has none itself"),
        (partial(select, "random", 5), r"random: the number of candidates is unknown: pass n="),
        (
            partial(select, "mix(1 margin)", 5, proba=PROBA, a=1),
            r"mix\(1 margin\): unknown option 'a'; it has none itself",
        ),
        (
            partial(select, "then(margin, margin)", 5, proba=PROBA, a=1),
            r"unknown option 'a'; its options: keep",
        ),
        (
            partial(select, 5, 5, proba=PROBA),
            r"is int; expected a function, a catalogue name or a composition",
        ),
    ],
)
def test_select_says_what_is_wrong(call, message):
    with pytest.raises(ContractError, match=message):
        call()


def test_tensors_in_tensors_out():
    picks = select("margin", 3, proba=torch.asarray(PROBA))
    assert isinstance(picks, torch.Tensor)
    assert picks.tolist() == select("margin", 3, proba=PROBA).tolist()


def test_keep_of_a_composition_is_its_option():
    line = "then(margin, random, keep=1)"
    assert select(line, 4, proba=PROBA, keep=1).tolist() == select(line, 4, proba=PROBA).tolist()
    assert str(as_strategy(line).with_options(keep=7)) == "then(margin, random, keep=7)"


NAMES = st.sampled_from(sorted(CATALOGUE))


@st.composite
def shares(draw, parts):
    pairs = draw(st.lists(st.tuples(parts, st.integers(1, 20)), min_size=1, max_size=4))
    total = sum(weight for _, weight in pairs)
    return mix([(part, weight / total) for part, weight in pairs])


STRATEGIES = st.recursive(
    NAMES.map(as_strategy),
    lambda parts: shares(parts) | st.builds(then, parts, parts, keep=st.integers(1, 50)),
    max_leaves=6,
)


@given(STRATEGIES)
def test_readable_line_reads_back(strategy):
    again = parse(str(strategy))
    assert again == strategy
    assert hash(again) == hash(strategy)
    assert str(again) == str(strategy)


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(string.printable + "é≥", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=4,
)


@given(LITERALS, st.booleans())
def test_options_of_any_literal_read_back(value, nested):
    def configured(proba, setting=()):
        return proba[:, 0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUE, "configured", configured)
        strategy = Strategy(configured, setting=value)
        if nested:
            strategy = mix([(strategy, 0.25), (then(strategy, "margin", keep=2), 0.75)])
        assert parse(str(strategy)) == strategy


def test_lines_of_the_documentation():
    assert isinstance(parse("mix(0.8 u_coverage, 0.2 random)"), Mix)
    assert isinstance(parse("then(margin, k_center, keep=10)"), Then)
    assert parse("mix(0.8 margin, 0.2 random)") == mix({"margin": 0.8, "random": 0.2})
    assert parse("  mix( 0.8*margin , 0.2   random )") == mix({"margin": 0.8, "random": 0.2})
    assert parse("then(margin, k_center)") == then("margin", "k_center", keep=10)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", r"cannot read the strategy ''; expected for example margin"),
        ("margin margin", r"cannot read the strategy"),
        ("margin; random", r"cannot read the strategy"),
        ("(margin", r"cannot read the strategy"),
        ("0.5 margin", r"cannot read the strategy"),
        ("margin\n", None),
        ("'margin'", r"cannot read the strategy"),
        ("margin(**{})", r"cannot read the strategy"),
        ("margin()()", r"cannot read the strategy"),
        ("lambda proba: proba", r"cannot read the strategy"),
        ("\x00", r"cannot read the strategy"),
        ("(" * 5000, r"cannot read the strategy"),
        ("K_Center", r"unknown strategy 'K_Center'; did you mean 'k_center'"),
        ("mine.margin", r"unknown strategy 'mine.margin'.*given as the function itself"),
        ("__import__('os').system('true')", r"cannot read the strategy"),
        ("__import__('os')", r"options are given by name"),
        (
            "margin(x=__import__('os'))",
            r"margin: cannot read the option x=__import__\('os'\); expected a number",
        ),
        ("margin(3)", r"margin: options are given by name, margin\(3\) does not say which"),
        ("margin(power=2)", r"margin: unknown option 'power'"),
        ("margin(proba=2)", r"'proba' is an input; give it in the call"),
        ("mix", r"unknown strategy 'mix'"),
        ("mix()", r"mix: has no parts"),
        ("mix(margin, random)", r"mix: margin has no share"),
        ("mix(-0.5 margin, 1.5 random)", r"has no share"),
        ("mix(True margin)", r"cannot read"),
        ("mix(0.8 margin, 0.1 random)", r"mix: the shares sum to 0.9; expected 1"),
        ("mix(0 margin, 1 random)", r"mix: the share of margin is 0"),
        ("mix(1 margin, keep=3)", r"mix: takes no options, got keep"),
        ("then(margin)", r"then: expected two strategies and keep"),
        ("then(margin, random, size=3)", r"then: expected two strategies and keep"),
        ("then(margin, random, keep=0)", r"then: keep is 0; expected a whole number of at least 1"),
        ("then(margin, random, keep=2.5)", r"then: keep is 2.5; expected a whole number of at least 1"),
        ("then(margin, wrong)", r"unknown strategy 'wrong'"),
    ],
)
def test_lines_that_cannot_be_read(line, message):
    if message is None:
        assert parse(line) == as_strategy("margin")
        return
    with pytest.raises(ContractError, match=message):
        parse(line)


@given(st.text(max_size=30) | st.text("mixthen(),=0.5 argk_cer'[]", max_size=30))
def test_no_text_raises_anything_else(text):
    try:
        strategy = parse(text)
    except ContractError:
        return
    assert parse(str(strategy)) == strategy


def test_as_strategy_returns_strategies_as_they_are():
    strategy = then("margin", "random")
    assert as_strategy(strategy) is strategy
