"""A strategy runs its function as it is named: in blocks where it scores, once where it picks, seeded either way."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from askwise.errors import ContractError
from askwise.strategy import QueryStrategy, Strategy
from askwise.testing.pools import example


def rng(seed=0):
    return np.random.default_rng(seed)


def least_sure(proba):
    return -proba.max(axis=1)


def test_scores_are_computed_in_blocks_and_give_the_same_picks():
    sizes = []

    def spy(samples, embedding, target_embedding):
        assert len(target_embedding) == 6  # not about the candidates: whole in every block
        assert samples.shape[1] == len(embedding)
        sizes.append(len(embedding))
        return samples[0, :, 0] + embedding[:, 0]

    pool = example(50)
    strategy = Strategy(spy)
    inputs = pool.of(strategy.needs)
    whole = strategy(7, rng(), **inputs)
    assert sizes == [50]
    sizes.clear()
    row = inputs["samples"][:, 0].nbytes + inputs["embedding"][0].nbytes
    blocks = strategy(7, rng(), block_bytes=row * 20, **inputs)
    assert sizes == [20, 20, 10]
    np.testing.assert_array_equal(whole, blocks)


@given(st.integers(1, 40), st.integers(1, 3000), st.integers(0, 5))
def test_picks_are_the_largest_scores_for_any_block(k, block_bytes, seed):
    pool = example(40, seed=seed)
    picks = Strategy(least_sure)(k, rng(seed), block_bytes=block_bytes, proba=pool.arrays["proba"])
    np.testing.assert_array_equal(picks, np.argsort(-least_sure(pool.arrays["proba"]), kind="stable")[:k])


def test_picking_function_runs_once_and_gets_what_it_named():
    calls = []

    def spy(rng, n, k, proba, weight=3):
        calls.append((rng, n, k, len(proba), weight))
        return np.arange(k)

    generator = rng()
    Strategy(spy)(4, generator, block_bytes=1, proba=np.full((9, 2), 0.5))
    assert calls == [(generator, 9, 4, 9, 3)]


def test_ties_are_broken_by_the_seed():
    proba = np.full((100, 2), 0.5)
    picks = [Strategy(least_sure)(5, rng(seed), proba=proba).tolist() for seed in (0, 0, 1)]
    assert picks[0] == picks[1] != picks[2]
    assert picks[0] != [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (0, r"least_sure: k is 0; expected at least 1: say how many candidates to pick"),
        (-3, r"k is -3; expected at least 1"),
        (2.0, r"k is 2.0; expected a whole number of at least 1"),
        (True, r"k is True; expected a whole number"),
        ("3", r"k is '3'; expected a whole number"),
        (None, r"k is None; expected a whole number"),
        (10, r"least_sure: asked for 10 of 4 candidates"),
    ],
)
def test_k_is_a_whole_number_up_to_n(k, message):
    with pytest.raises(ContractError, match=message):
        Strategy(least_sure)(k, rng(), proba=np.full((4, 2), 0.5))


def test_k_may_be_numpys():
    assert Strategy(least_sure)(np.int32(2), rng(), proba=np.full((4, 2), 0.5)).shape == (2,)


def test_no_candidates_is_an_error():
    with pytest.raises(ContractError, match=r"asked for 1 of 0 candidates"):
        Strategy(least_sure)(1, rng(), proba=np.empty((0, 2)))


@pytest.mark.parametrize("generator", [0, None, np.random.RandomState(0)])
def test_rng_is_a_generator(generator):
    with pytest.raises(ContractError, match=r"rng is .*; expected a numpy Generator"):
        Strategy(least_sure)(1, generator, proba=np.full((4, 2), 0.5))


def test_view_is_handed_on_and_never_cut_into_blocks():
    view = object()

    def by_view(view, embedding):
        assert len(embedding) == 6
        return embedding[:, 0] * (view is not None)

    def pick_by_view(k, n, view):
        assert view is not None
        return np.arange(n)[::-1][:k]

    embedding = np.arange(12.0).reshape(6, 2)
    assert Strategy(by_view)(1, rng(), view=view, embedding=embedding, block_bytes=1).tolist() == [5]
    assert Strategy(pick_by_view)(2, rng(), n=6, view=view).tolist() == [5, 4]
    with pytest.raises(ContractError, match=r"needs 'view'.*aw.simulate or a project"):
        Strategy(pick_by_view)(2, rng(), n=6)


def test_tensors_stay_tensors():
    proba = torch.softmax(torch.arange(20.0).reshape(10, 2) % 7, 1)
    picks = Strategy(lambda proba: -proba.amax(dim=1))(3, rng(), proba=proba, block_bytes=64)
    assert isinstance(picks, torch.Tensor)
    assert picks.dtype == torch.int64
    here = Strategy(least_sure)(3, rng(), proba=proba.numpy())
    assert picks.tolist() == here.tolist()


def test_scoring_a_million_rows_needs_little_beside_them():
    proba = rng().dirichlet(np.ones(10), size=300_000).astype(np.float32)
    strategy = Strategy(lambda proba: -proba.max(axis=1) * np.ones_like(proba)[:, 0])
    strategy(10, rng(), proba=proba)
    tracemalloc.start()
    strategy(10, rng(), proba=proba, block_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < proba.nbytes  # the scores, the seeded order of ties, and one block


def test_mistakes_of_the_function_are_its_own():
    def wrong(proba):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        Strategy(wrong)(1, rng(), proba=np.full((4, 2), 0.5))


def test_base_picks_nothing():
    with pytest.raises(NotImplementedError):
        QueryStrategy().choose(1, rng(), None, 1)
