"""What a function asks for is read from its signature, and refused at once where no call could serve it."""

from __future__ import annotations

from functools import partial, wraps

import numpy as np
import pytest

from askwise.acquisition import CATALOGUE
from askwise.errors import ContractError
from askwise.strategy import INPUTS, Strategy


def power(proba, exponent=2, *, scale=1.0):
    return -(proba.max(axis=1) ** exponent) * scale


class Scorer:
    def __init__(self, column):
        self.column = column

    def __call__(self, proba):
        return proba[:, self.column]

    def method(self, proba):
        return proba[:, 0]


def test_needs_options_and_kind():
    strategy = Strategy(power)
    assert (strategy.name, strategy.needs, strategy.picks) == ("power", ("proba",), False)
    assert strategy.options == {"exponent": 2, "scale": 1.0}
    picker = Strategy(lambda embedding, k, rng: np.arange(k))
    assert picker.needs == ("embedding", "k", "rng")
    assert picker.picks
    assert picker.name == "lambda"


def test_options_are_kept_apart_from_the_strategy():
    strategy = Strategy(power, exponent=3)
    strategy.options["exponent"] = 99
    assert strategy.options["exponent"] == 3
    assert strategy.with_options(scale=2.0).options == {"exponent": 3, "scale": 2.0}
    assert strategy.options["scale"] == 1.0


@pytest.mark.parametrize(
    ("function", "name", "options"),
    [
        (partial(power, exponent=3), "power", {"exponent": 3, "scale": 1.0}),
        (partial(partial(power, exponent=3), exponent=4, scale=0.5), "power", {"exponent": 4, "scale": 0.5}),
        (Scorer(1), "Scorer", {}),
        (Scorer(1).method, "method", {}),
        (lambda proba: proba[:, 0], "lambda", {}),
    ],
)
def test_any_callable_will_do(function, name, options):
    strategy = Strategy(function)
    assert (strategy.name, strategy.needs, strategy.options) == (name, ("proba",), options)
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert strategy(2, np.random.default_rng(0), proba=proba).shape == (2,)


def test_partial_runs_with_its_arguments():
    proba = np.array([[0.9, 0.1], [0.6, 0.4]])
    best_first = Strategy(partial(power, scale=-1.0))(1, np.random.default_rng(0), proba=proba)
    assert best_first.tolist() == [0]
    assert Strategy(partial(power, scale=1.0))(1, np.random.default_rng(0), proba=proba).tolist() == [1]


def test_wrapped_function_keeps_its_signature():
    @wraps(power)
    def logged(*args, **kwargs):
        return power(*args, **kwargs)

    assert Strategy(logged).needs == ("proba",)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda probs: probs,
            r"lambda: unknown input 'probs'; known: proba, samples, .*; did you mean 'proba'\?",
        ),
        (lambda proba, *rest: proba, r"takes \*rest; name every input"),
        (lambda proba, **rest: proba, r"takes \*\*rest; name every input"),
        (lambda proba, /: proba, r"'proba' is positional-only"),
        (lambda proba, rng: proba, r"takes 'rng' but not 'k'.*remove 'rng', or take 'k'"),
        (lambda proba, n: proba, r"takes 'n' but not 'k'"),
        (lambda n: n, r"takes 'n' but not 'k'"),
        (lambda k, rng: np.arange(k), r"takes nothing about the candidates"),
        (lambda labels: labels, r"takes nothing about the candidates"),
        (lambda k, proba, rng=None: proba, r"'rng' is an input, and inputs have no default"),
        (lambda proba, cost=1.0: proba, r"'cost' is an input, and inputs have no default"),
        (partial(lambda k, embedding: k, embedding=1), r"'embedding' is an input.*"),
        (lambda k, proba, seed=0: proba, r"'seed' cannot be an option, .*; take rng, which is made from it"),
        (lambda proba, name="x": proba, r"'name' cannot be an option, .*; rename it"),
        (partial(power, exponents=3), r"functools.partial that cannot be called: .*'exponents'"),
        (Scorer, r"Scorer: is a class; pass an instance"),
        (len, r"'obj' is positional-only"),
        (min, r"its parameters cannot be read; wrap it"),
        (3, r"is int; expected a function"),
        (None, r"is NoneType; expected a function"),
    ],
)
def test_refused_when_made(function, message):
    with pytest.raises(ContractError, match=message):
        Strategy(function)


def test_generators_and_coroutines_are_refused_when_made():
    def generator(proba):
        yield 1

    async def coroutine(proba):
        return proba

    class Lazy:
        def __call__(self, proba):
            yield 1

    for function in (generator, coroutine, Lazy()):
        with pytest.raises(ContractError, match="is a generator or coroutine"):
            Strategy(function)


def test_unknown_options_name_what_there_is():
    with pytest.raises(
        ContractError, match=r"unknown option 'exponant'; did you mean 'exponent'\?; its options: expo"
    ):
        Strategy(power, exponant=3)
    with pytest.raises(ContractError, match="'proba' is an input; give it in the call"):
        Strategy(power, proba=3)


def test_name_of_the_catalogue_belongs_to_its_function():
    def margin(proba):
        return proba[:, 0]

    own = Strategy(margin)
    assert own.name == f"{margin.__module__}.margin"
    with pytest.raises(ContractError, match="badge: is the catalogue's name of another function"):
        Strategy(CATALOGUE["margin"], name="badge")
    assert Strategy(CATALOGUE["margin"]).name == "margin"
    assert Strategy(margin, name="mine").name == "mine"


def test_equality_is_of_function_name_and_options():
    assert Strategy(power) == Strategy(power, exponent=2)
    assert hash(Strategy(power)) == hash(Strategy(power, exponent=3))
    assert Strategy(power) != Strategy(power, exponent=3)
    assert Strategy(power) != Strategy(power, exponent=2.0)
    assert Strategy(power) != Strategy(power, name="other")
    assert Strategy(power) != power
    assert str(Strategy(power, exponent=2)) == "power"
    assert str(Strategy(power, exponent=3)) == "power(exponent=3)"
    assert repr(Strategy(power)) == "<strategy power>"


def test_options_that_are_arrays_or_hold_nan_compare():
    def weighted(proba, weights=(1.0, 2.0)):
        return proba[:, 0]

    one, two = np.arange(3.0), np.arange(4.0)
    assert Strategy(weighted, weights=one) == Strategy(weighted, weights=one.copy())
    assert Strategy(weighted, weights=one) != Strategy(weighted, weights=two)
    assert Strategy(weighted, weights=one) != Strategy(weighted)
    assert Strategy(weighted, weights=[1, float("nan")]) == Strategy(weighted, weights=[1, float("nan")])
    assert Strategy(weighted, weights=[1]) != Strategy(weighted, weights=[True])


def test_vocabulary_rows_say_where_the_candidates_are():
    for word, row in INPUTS.items():
        assert row.name == word
        assert row.source
        assert row.hint
        if row.axis is not None:
            assert all(letters[row.axis] == "n" for letters in row.letters)
        else:
            assert all("n" not in letters for letters in row.letters)
        assert row.is_array == bool(row.letters)
