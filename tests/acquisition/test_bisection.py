"""GALAXY's bisection: against a plain search that looks at every stretch of every order for every pick."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwise.acquisition.bisection import galaxy
from askwise.acquisition.uncertainty import margin


def leads(proba: np.ndarray, c: int) -> np.ndarray:
    return proba[:, c] - np.delete(proba, c, axis=1).max(axis=1, initial=0)


def plain(k: int, proba: np.ndarray, labels: np.ndarray, labeled_proba: np.ndarray, seed: int) -> list[int]:
    """The stated rule for the picks that bisect, no two values of an order being equal."""
    n, C = proba.shape
    ranks = np.random.default_rng(seed).permutation(n)
    everything = np.concatenate([proba, labeled_proba])
    known = {n + i: int(y) for i, y in enumerate(labels)}
    orders = [np.argsort(leads(everything, c), kind="stable").tolist() for c in range(C)]
    picks: list[int] = []
    while len(picks) < k:
        found = []
        for c, order in enumerate(orders):
            own = leads(everything, c)
            marked = [place for place, item in enumerate(order) if item in known]
            for left, right in pairwise(marked):
                between = order[left + 1 : right]
                if between and (known[order[left]] == c) != (known[order[right]] == c):
                    half = len(between) // 2
                    middle = between[half : half + 1] if len(between) % 2 else between[half - 1 : half + 1]
                    near = min(middle, key=lambda i: (abs(own[i]), ranks[i]))
                    found.append((len(between), abs(own[near]), ranks[near], near))
        if not found:
            return picks
        pick = min(found)[-1]
        picks.append(pick)
        known[pick] = int(proba[pick].argmax())
    return picks


@settings(max_examples=80, deadline=None)
@given(n=st.integers(1, 40), C=st.integers(1, 5), m=st.integers(0, 12), seed=st.integers(0, 9999))
def test_picks_bisect_the_shortest_stretch(n: int, C: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    proba, labeled_proba = rng.dirichlet(np.ones(C), n), rng.dirichlet(np.ones(C), m)
    labels = rng.integers(0, C, m)
    k = 1 + seed % n
    found = galaxy(k, np.random.default_rng(seed), proba, labels, labeled_proba).tolist()
    expected = plain(k, proba, labels, labeled_proba, seed)
    assert found[: len(expected)] == expected
    assert len(set(found)) == k


def two_classes(positive: list[float]) -> np.ndarray:
    return np.column_stack([1 - np.array(positive), positive])


def test_the_boundary_is_followed_outwards_on_both_sides() -> None:
    proba = two_classes([0.02, 0.1, 0.2, 0.3, 0.4, 0.61, 0.72, 0.83, 0.94])
    given = two_classes([0.41, 0.6])
    picks = galaxy(6, np.random.default_rng(0), proba, np.array([0, 1]), given)
    assert picks.tolist() == [4, 5, 3, 6, 2, 7]


def test_both_sides_get_as_many_questions_where_margin_stays_on_one() -> None:
    rng = np.random.default_rng(0)
    positive = np.concatenate([rng.uniform(0.3, 0.5, 970), rng.uniform(0.5, 1.0, 30)])
    proba = two_classes(positive.tolist())
    picks = galaxy(40, rng, proba, np.array([0, 0, 1]), two_classes([0.1, 0.31, 0.99]))
    usual = np.argsort(-margin(proba))[:40]
    assert np.mean(picks >= 970) > 0.3
    assert np.mean(usual >= 970) < 0.1


@pytest.mark.parametrize("m", [0, 5])
def test_without_two_kinds_of_labels_it_is_random_choice(m: int) -> None:
    proba = two_classes(np.linspace(0.1, 0.9, 200).tolist())
    labels, given = np.zeros(m, dtype=int), two_classes([0.2] * m)
    batches = [galaxy(9, np.random.default_rng(seed), proba, labels, given) for seed in range(40)]
    assert len({tuple(batch) for batch in batches}) == 40
    assert 80 < np.mean(batches) < 120


def test_all_candidates_are_reached() -> None:
    rng = np.random.default_rng(3)
    proba, given = rng.dirichlet(np.ones(3), 60), rng.dirichlet(np.ones(3), 6)
    picks = galaxy(60, rng, proba, np.array([0, 1, 2, 0, 1, 2]), given)
    assert sorted(picks.tolist()) == list(range(60))
