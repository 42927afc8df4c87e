"""What every picking function owes: k distinct positions, from the seed alone, in the caller's library."""

from __future__ import annotations

import inspect

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import stats

from askwise.acquisition import CATALOGUE, random

LIBRARIES = {"numpy": np.asarray, "torch": torch.asarray, "strict": array_api_strict.asarray}
GIVEN = {"k", "rng", "n", "proba", "embedding", "labeled_embedding"}


def inputs_of(function) -> set[str]:
    """The parameters without a default."""
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is parameter.empty}


PICKING = {name: f for name, f in CATALOGUE.items() if "k" in inputs_of(f) <= GIVEN}


def inputs(embedding: np.ndarray, proba: np.ndarray, labeled: np.ndarray) -> dict[str, object]:
    return {"embedding": embedding, "proba": proba, "labeled_embedding": labeled, "n": len(embedding)}


def pick(name: str, k: int, seed: int, given: dict[str, object]) -> np.ndarray:
    function = PICKING[name]
    wanted = {key: given[key] for key in inspect.signature(function).parameters if key in given}
    return function(k=k, rng=np.random.default_rng(seed), **wanted)


def pools(dtype) -> dict[str, dict[str, object]]:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(60, 5))
    proba = rng.dirichlet(np.ones(3), 60)
    sure = np.tile(np.eye(3)[0], (60, 1))
    empty = normal[:0]

    def made(embedding, proba, labeled=empty):
        return inputs(*(np.asarray(array).astype(dtype) for array in (embedding, proba, labeled)))

    return {
        "usual": made(normal, proba, normal[:7]),
        "no_labels": made(normal, np.full((60, 3), 1 / 3)),
        "copies": made(np.repeat(normal[:4], 15, axis=0), np.repeat(proba[:4], 15, axis=0), normal[:2]),
        "constant": made(np.full((60, 5), 3.7), np.tile(proba[:1], (60, 1))),
        "constant_and_labelled": made(np.full((60, 5), 3.7), proba, np.full((2, 5), 3.7)),
        "zeros": made(np.zeros((60, 5)), sure, np.zeros((1, 5))),
        "large": made(normal * 1e6, proba, normal[:7] * 1e6),
        "tiny": made(normal * 1e-30, proba, normal[:7] * 1e-30),
        "far": made(normal + 1e6, proba, normal[:7] + 1e6),
        "huge_beside_zero": made(np.vstack([normal[:59] * 0, np.full((1, 5), 1e25)]), proba),
        "one_class": made(normal, np.ones((60, 1)), normal[:30]),
        "one_candidate": made(normal[:1], proba[:1]),
        "two_candidates": made(normal[:2], proba[:2], normal),
        "one_column": made(normal[:, :1], proba, normal[:3, :1]),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", pools(np.float64))
@pytest.mark.parametrize("name", PICKING)
def test_exactly_k_distinct_positions_from_the_seed_alone(name: str, case: str, dtype) -> None:
    given = pools(dtype)[case]
    n = int(given["n"])
    before = {key: np.array(value) for key, value in given.items()}
    for value in given.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    for k in sorted({1, min(2, n), min(17, n), n}):
        picks = pick(name, k, 3, given)
        assert type(picks) is np.ndarray
        assert picks.dtype == np.int64
        assert picks.shape == (k,)
        assert len(set(picks.tolist())) == k
        assert picks.min() >= 0
        assert picks.max() < n
        assert pick(name, k, 3, given).tolist() == picks.tolist()
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert all(np.array_equal(before[key], value) for key, value in given.items())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", ["usual", "no_labels", "large"])
@pytest.mark.parametrize("name", sorted(set(PICKING) - {"random"}))
def test_every_library_and_precision_picks_alike(name: str, case: str, dtype, library: str) -> None:
    expected = pick(name, 20, 4, pools(np.float64)[case])
    make = LIBRARIES[library]
    given = {k: make(v) if isinstance(v, np.ndarray) else v for k, v in pools(dtype)[case].items()}
    picks = pick(name, 20, 4, given)
    assert type(picks) is type(given["embedding"])
    assert np.asarray(picks).dtype == np.int64
    assert np.asarray(picks).tolist() == expected.tolist()


@pytest.mark.parametrize("name", PICKING)
def test_constant_pools_are_not_picked_from_the_start(name: str) -> None:
    picks = [pick(name, 5, seed, pools(np.float32)["constant"]) for seed in range(100)]
    assert 24 < np.mean(picks) < 35
    assert len({tuple(batch) for batch in map(np.ndarray.tolist, picks)}) > 90


@pytest.mark.parametrize("name", ["k_center", "u_coverage"])
def test_the_order_of_the_rows_does_not_matter(name: str) -> None:
    given = pools(np.float64)["usual"]
    given["labeled_embedding"] = np.random.default_rng(2).normal(
        size=(25, 5)
    )  # enough for weights, so no ties
    order = np.random.default_rng(1).permutation(60)
    shuffled = dict(given, embedding=given["embedding"][order], proba=given["proba"][order])
    assert order[pick(name, 20, 0, shuffled)].tolist() == pick(name, 20, 0, given).tolist()


@pytest.mark.parametrize("name", ["badge", "u_coverage"])
def test_renaming_the_classes_changes_nothing(name: str) -> None:
    given = pools(np.float64)["usual"]
    renamed = dict(given, proba=given["proba"][:, [2, 0, 1]])
    assert pick(name, 20, 0, renamed).tolist() == pick(name, 20, 0, given).tolist()


def test_random_is_uniform_over_positions_and_orders() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros((5, 5))
    for _ in range(10_000):
        first, second = random(2, 5, rng)
        counts[first, second] += 1
    pairs = counts[~np.eye(5, dtype=bool)]
    assert counts.trace() == 0
    assert stats.chisquare(pairs).pvalue > 0.001


def test_catalogue_rows_are_documented_and_named_after_their_functions() -> None:
    assert next(iter(CATALOGUE)) == "random"
    for name, function in CATALOGUE.items():
        assert function.__name__ == name
        lines = [line.strip() for line in inspect.getdoc(function).splitlines()]
        for start in ("Formula:", "Cost:", "Use when", "Avoid when", "References", ">>>"):
            assert any(line.startswith(start) for line in lines), (name, start)
