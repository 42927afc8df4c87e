"""Batches by joint information, against enumerating every configuration of labels."""

from __future__ import annotations

import sys
import warnings
from itertools import product

import numpy as np
import pytest

from askwise.acquisition import bald
from askwise.acquisition.batch_bald import batch_bald
from askwise.acquisition.joint import JointLabels, conditional_entropies
from askwise.errors import ContractError

pytestmark = pytest.mark.filterwarnings("ignore:batch_bald:UserWarning")


def draws(S, n, C, seed=0, sparse=False):
    samples = np.random.default_rng(seed).dirichlet(np.full(C, 0.6), size=(S, n))
    if sparse:
        samples = np.where(samples < 0.25, 0, samples)
        samples[samples.sum(axis=-1) == 0] = np.eye(C)[0]
        samples /= samples.sum(axis=-1, keepdims=True)
    return samples


def entropy(p):
    p = np.asarray(p)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def information(samples, batch):
    """I(y_B; ω) by enumeration."""
    S, _, C = samples.shape
    joint = [
        np.mean(np.prod([samples[:, i, c] for i, c in zip(batch, labels, strict=True)], axis=0))
        for labels in product(range(C), repeat=len(batch))
    ]
    return entropy(joint) - sum(np.mean([entropy(samples[s, i]) for s in range(S)]) for i in batch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("S", "n", "C", "sparse"), [(20, 12, 4, False), (6, 15, 2, True), (30, 8, 3, True)])
def test_exact_picks_are_the_greedy_ones_of_enumeration(S, n, C, sparse, dtype):
    samples = draws(S, n, C, sparse=sparse).astype(dtype)
    picks = batch_bald(4, np.random.default_rng(0), samples).tolist()
    samples = samples.astype(float)
    for end in range(1, 5):
        best = max(
            information(samples, [*picks[: end - 1], x]) for x in range(n) if x not in picks[: end - 1]
        )
        assert information(samples, picks[:end]) == pytest.approx(best, abs=1e-7)
    assert information(samples, picks) <= bald(samples)[picks].sum() + 1e-9
    assert information(samples, picks) <= np.log(S) + 1e-9


def chained(samples, batch, most, seed=0):
    """H(y_B) by the chain rule."""
    joint, total = JointLabels(len(samples), most, np.random.default_rng(seed)), 0.0
    for x in batch:
        total += float(conditional_entropies(samples, np.array([x]), joint.weights, joint.masses)[0])
        joint.add(samples[:, x, :])
    return total, joint


@pytest.mark.parametrize("sparse", [False, True])
def test_sampled_joint_entropies_are_close_to_exact_ones(sparse):
    samples = draws(20, 6, 4, sparse=sparse)
    exact, joint = chained(samples, range(6), 5000)
    assert joint.exact
    sampled, other = chained(samples, range(6), 1000, seed=1)
    assert sparse or not other.exact
    assert sampled == pytest.approx(exact, abs=0.05)
    joint_of_all = np.einsum("sa,sb,sc,sd,se,sf->abcdef", *samples.transpose(1, 0, 2)) / 20
    assert exact == pytest.approx(entropy(joint_of_all.ravel()), abs=1e-9)


def test_merged_configurations_bound_the_gains_from_above():
    samples = draws(20, 40, 4)
    _, joint = chained(samples, range(8), 2000)
    every = conditional_entropies(samples, slice(0, 40), joint.weights, joint.masses)
    for count in (1, 10, 200):
        weights, masses = joint.merged(count)
        assert len(masses) <= count
        assert np.all(conditional_entropies(samples, slice(0, 40), weights, masses) >= every - 1e-9)


def test_bounds_find_what_looking_at_all_candidates_finds(monkeypatch):
    home = sys.modules[batch_bald.__module__]  # the package's name of it is the function
    samples = draws(20, 300, 4)
    quick = batch_bald(10, np.random.default_rng(0), samples, configurations=2000)
    monkeypatch.setattr(home, "_SMALL", 1 << 40)
    assert batch_bald(10, np.random.default_rng(0), samples, configurations=2000).tolist() == quick.tolist()


def test_beyond_48_picks_in_float32_and_fewer_configurations_than_draws():
    for most in (3, 500):
        samples = draws(40, 80, 5, sparse=True).astype(np.float32)
        picks = batch_bald(70, np.random.default_rng(0), samples, configurations=most)
        assert len(set(picks.tolist())) == 70


def test_duplicates_are_passed_over_while_there_is_something_else():
    sure = np.eye(2)[np.arange(8)[:, None] >> np.arange(3) & 1]  # three independent bits of eight draws
    picks = batch_bald(3, np.random.default_rng(0), np.concatenate([sure, sure], axis=1))
    assert sorted((picks % 3).tolist()) == [0, 1, 2]


def test_warns_once_when_the_draws_hold_no_more():
    samples = draws(3, 30, 4, sparse=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        batch_bald(20, np.random.default_rng(0), samples)
        batch_bald(2, np.random.default_rng(0), draws(500, 30, 2))
    assert len(caught) == 1
    assert "of the 1.10 nats that 3 draws can hold" in str(caught[0].message)


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "many"])
def test_configurations_are_a_whole_number(value):
    with pytest.raises(ContractError, match="batch_bald: configurations is"):
        batch_bald(1, np.random.default_rng(0), draws(2, 3, 2), configurations=value)
