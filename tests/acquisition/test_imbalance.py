"""Every class gets its share: against plain loops that follow the stated rules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition.imbalance import balanced_margin, base
from askwise.acquisition.uncertainty import margin


def pool(n: int, C: int, seed: int = 0, m: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(C, 0.7), n), rng.integers(0, C, m)


def ranks_of(n: int, seed: int) -> list[int]:
    return np.random.default_rng(seed).permutation(n).tolist()


def plain_balanced_margin(k: int, proba: np.ndarray, labels: np.ndarray, seed: int) -> list[int]:
    n = len(proba)
    ranks = ranks_of(n, seed)
    labelled = Counter(labels.tolist())
    count = Counter(labelled)
    predicted = [
        min(np.flatnonzero(row == row.max()).tolist(), key=lambda c: (labelled[c], c)) for row in proba
    ]
    scores = margin(proba)
    picks: list[int] = []
    while len(picks) < k:
        free = set(range(n)) - set(picks)
        best = min(free, key=lambda i: (count[predicted[i]], -scores[i], ranks[i]))
        picks.append(best)
        count[predicted[best]] += 1
    return picks


def plain_base(k: int, proba: np.ndarray, seed: int) -> list[int]:
    n, C = proba.shape
    ranks = ranks_of(n, seed)
    rest = [np.delete(proba, c, axis=1).max(axis=1, initial=0) for c in range(C)]
    gaps = [np.abs(proba[:, c] - rest[c]) for c in range(C)]
    picks: list[int] = []
    while len(picks) < k:
        waiting = set(range(C))
        while waiting and len(picks) < k:
            free = set(range(n)) - set(picks)
            _, _, pick, c = min((gaps[c][i], ranks[i], i, c) for c in waiting for i in free)
            picks.append(pick)
            waiting.remove(c)
    return picks


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(1, 40),
    C=st.integers(1, 6),
    m=st.integers(0, 20),
    seed=st.integers(0, 9999),
    coarse=st.booleans(),
)
def test_picks_follow_the_stated_rules_ties_included(n: int, C: int, m: int, seed: int, coarse: bool) -> None:
    proba, labels = pool(n, C, seed, m)
    if coarse:  # eighths are exact, and tie all the time
        proba = np.random.default_rng(seed).multinomial(8, np.full(C, 1 / C), n) / 8
    k = 1 + seed % n
    found = balanced_margin(k, np.random.default_rng(seed), proba, labels)
    assert found.tolist() == plain_balanced_margin(k, proba, labels, seed)
    assert base(k, np.random.default_rng(seed), proba).tolist() == plain_base(k, proba, seed)


def test_the_classes_that_are_behind_catch_up_first() -> None:
    proba = np.repeat(np.eye(4) * 0.6 + 0.1, 50, axis=0)
    labels = np.repeat([0, 1, 2], [30, 10, 5])
    picks = balanced_margin(25, np.random.default_rng(0), proba, labels)
    share = np.bincount(picks // 50, minlength=4)
    assert sum(share) == 25
    assert np.ptp((np.bincount(labels, minlength=4) + share)[1:]) <= 1
    assert share[0] == 0


def test_a_class_without_candidates_takes_nothing() -> None:
    proba = np.tile([0.7, 0.2, 0.1], (20, 1))
    picks = balanced_margin(20, np.random.default_rng(0), proba, np.array([0, 0, 0]))
    assert sorted(picks.tolist()) == list(range(20))


def test_a_rare_class_is_asked_about_as_often_as_a_frequent_one() -> None:
    rng = np.random.default_rng(0)
    proba = np.concatenate([rng.dirichlet([9, 6, 1], 970), rng.dirichlet([1, 1, 40], 30)])
    labels = np.array([0, 1, 2])
    predicted = proba.argmax(axis=1)
    asked = np.bincount(predicted[balanced_margin(30, rng, proba, labels)], minlength=3)
    usual = np.bincount(predicted[np.argsort(-margin(proba))[:30]], minlength=3)
    assert asked.tolist() == [10, 10, 10]
    assert usual[2] < 5


def test_base_with_two_classes_is_margin() -> None:
    proba, _ = pool(300, 2)
    picks = base(40, np.random.default_rng(0), proba)
    assert picks.tolist() == np.argsort(-margin(proba))[:40].tolist()


def test_base_serves_every_class_once_a_turn() -> None:
    proba, _ = pool(500, 5)
    picks = base(10, np.random.default_rng(0), proba)
    gaps = np.column_stack([np.abs(proba[:, c] - np.delete(proba, c, axis=1).max(axis=1)) for c in range(5)])
    for c in range(5):
        assert int(gaps[:, c].argmin()) in picks.tolist()


@pytest.mark.parametrize("C", [3, 40])
def test_one_block_or_many(C: int, monkeypatch: pytest.MonkeyPatch) -> None:
    proba, labels = pool(400, C, m=50)
    seed = np.random.default_rng
    before = balanced_margin(90, seed(1), proba, labels), base(90, seed(1), proba)
    monkeypatch.setattr("askwise.acquisition.imbalance._BLOCK_BYTES", 100)
    monkeypatch.setattr("askwise.acquisition.imbalance._COLUMNS", 3)
    after = balanced_margin(90, seed(1), proba, labels), base(90, seed(1), proba)
    for one, other in zip(before, after, strict=True):
        assert one.tolist() == other.tolist()
