"""The suite for query strategies is itself tested: every check has a planted fault that turns it red.

Each fault names all the checks that it turns red, so that a check which fires on everything is found out too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import askwise as aw
from askwise.acquisition import CATALOGUE
from askwise.errors import AskwiseError
from askwise.strategy import Strategy
from askwise.strategy.inputs import Evidence
from askwise.testing import CheckFailed
from askwise.testing.pools import example
from askwise.testing.strategies import CHECKS, check_strategy


def spread(embedding):
    """A sound score to start from: far from the origin first."""
    return (embedding.astype(np.float64) ** 2).sum(axis=1)


def best(scores, k, rng):
    """A sound pick to start from: the largest, ties at random."""
    return np.lexsort((rng.permutation(len(scores)), -scores))[:k]


def nearest_of(centres, embedding):
    """Squared distance to the nearest centre; there must be one."""
    return np.min([((embedding - centre) ** 2).sum(axis=1) for centre in centres], axis=0)


class Bare(Strategy):
    """A strategy whose call does none of the checks, as a rewritten one might."""

    def __call__(self, k, rng, *, n=None, block_bytes=0, **inputs):
        return np.asarray(self.choose(k, rng, Evidence(n, inputs), 1 << 40))


# --- what the pool breaks ---------------------------------------------------------------------------------------


def repeats_on_duplicates(k, rng, embedding):
    distinct = np.unique(embedding, axis=0, return_index=True)[1]
    if 1 < len(distinct) < len(embedding):
        return np.resize(distinct, k)
    return best(spread(embedding), k, rng)


def too_few_on_constant(k, rng, embedding):
    picks = best(spread(embedding), k, rng)
    return picks[:-1] if len(embedding) > 1 and np.ptp(embedding, axis=0).max() == 0 else picks


def overflows(embedding):
    with np.errstate(over="ignore"):
        return np.exp(embedding[:, 0])


def divides_by_vanishing_squares(embedding):
    with np.errstate(divide="ignore", under="ignore"):
        return 1 / (embedding**2).sum(axis=1)


def normalised_entropy(proba):
    with np.errstate(all="ignore"):
        return -(proba * np.log(proba + 1e-12)).sum(axis=1) / np.log(np.float64(proba.shape[1]))


def unsafe_entropy(proba):
    with np.errstate(all="ignore"):
        return -(proba * np.log(proba)).sum(axis=1)


def needs_labels(embedding, labeled_embedding):
    return nearest_of(labeled_embedding, embedding)


def needs_every_class(k, rng, proba, labels):
    seen = np.bincount(labels)
    weights = 1 / (1 + seen) if len(seen) else np.ones(proba.shape[1])
    return best(-np.sort(proba * weights, axis=1)[:, -1], k, rng)


def needs_two_candidates(k, rng, embedding):
    if len(embedding) < 2:
        raise ValueError("covariance of one point")
    return best(spread(embedding), k, rng)


def squeezes(k, rng, embedding):
    return np.squeeze(best(spread(embedding), k, rng))


def unpacks_a_pair(k, rng, embedding):
    picks = best(spread(embedding), k, rng)
    if len(picks) == 2:
        picks, _scores = picks
        return np.array([picks])
    return picks


def ignores_the_last_rows(k, rng, embedding):
    whole = len(embedding) - len(embedding) % 8
    return best(spread(embedding)[:whole], k, rng)


class FewerThanAsked(Strategy):
    def __call__(self, k, rng, *, n=None, **inputs):
        return super().__call__(min(k, n), rng, n=n, **inputs)


class SwallowsNaN(Strategy):
    def __call__(self, k, rng, **inputs):
        if isinstance(inputs.get("embedding"), np.ndarray):
            inputs["embedding"] = np.nan_to_num(inputs["embedding"])
        return super().__call__(k, rng, **inputs)


class SwallowsErrors(Strategy):
    """An error is caught and the order is left as it was."""

    def __call__(self, k, rng, **inputs):
        try:
            return super().__call__(k, rng, **inputs)
        except aw.ContractError as error:
            if "asked for" in str(error):
                raise
            return np.arange(k)


# --- what must not change ---------------------------------------------------------------------------------------


class ReturnsList(Strategy):
    def __call__(self, k, rng, **inputs):
        return super().__call__(k, rng, **inputs).tolist()


class ReturnsInt32(Strategy):
    def __call__(self, k, rng, **inputs):
        return super().__call__(k, rng, **inputs).astype(np.int32)


def returns_a_column(embedding):
    return spread(embedding)[:, None]


def returns_scores_too(k, rng, embedding):
    scores = spread(embedding)
    return best(scores, k, rng), scores


def draws_with_replacement(k, rng, n):
    return rng.integers(n, size=k)


def positions_among_all_items(k, rng, embedding, labeled_embedding):
    return best(spread(embedding), k, rng) + len(labeled_embedding)


def all_the_same(proba):
    return 0 * proba[:, 0]


def unseeded(k, embedding):
    return np.random.default_rng().choice(len(embedding), k, replace=False)


def file_order_on_ties(k, embedding):
    return np.argsort(-spread(embedding), kind="stable")[:k]


def file_order_in_scores(embedding):
    return np.round(spread(embedding), 2) - 1e-5 * np.arange(len(embedding))


def minds_single_rows(embedding):
    return -spread(embedding) if len(embedding) == 1 else spread(embedding)


def relative_to_the_block(embedding):
    return np.abs(spread(embedding) - spread(embedding).mean())


def relative_to_few(embedding):
    return spread(embedding) - (spread(embedding).mean() if len(embedding) < 30 else 0)


SCRATCH: dict[str, Any] = {}


def keeps_state(k, rng, embedding):
    SCRATCH["embedding"] = embedding
    time.sleep(0.02)
    return best(spread(SCRATCH["embedding"]), k, rng)


def mixes_positions_with_ids(k, rng, embedding, labeled_embedding):
    """k-center whose distances after the first pick are those of a row of another table."""
    table = np.concatenate([labeled_embedding, embedding])
    nearest = np.full(len(embedding), np.inf)
    if len(labeled_embedding):
        nearest = nearest_of(labeled_embedding, embedding)
    free = np.ones(len(embedding), dtype=bool)
    tie, picks = rng.random(len(embedding)), []
    for _ in range(k):
        pick = int(np.lexsort((tie, nearest, free))[-1])
        picks.append(pick)
        free[pick] = False
        nearest = np.minimum(nearest, ((embedding - table[pick]) ** 2).sum(axis=1))
    return np.array(picks)


def favours_early_rows(k, rng, embedding):
    return rng.permutation(max(k, len(embedding) // 2))[:k]


def first_class_first(proba):
    return proba[:, 0]


def backwards_in_float32(embedding):
    return -spread(embedding) if embedding.dtype == np.float32 else spread(embedding)


def backwards_in_torch(proba):
    top = proba.max(axis=1) if isinstance(proba, np.ndarray) else -proba.amax(dim=1)
    return -top


def writes_into_inputs(k, rng, embedding):
    embedding *= 2
    return best(spread(embedding), k, rng)


def unlocks_and_writes(k, rng, embedding):
    embedding.flags.writeable = True
    embedding *= 2
    return best(spread(embedding), k, rng)


def writes_into_tensors(embedding):
    if isinstance(embedding, np.ndarray):
        return spread(embedding)
    embedding += 1
    return ((embedding - 1) ** 2).sum(axis=1)


def wants_writeable(k, rng, embedding):
    embedding.flags.writeable = True
    return best(spread(embedding), k, rng)


def uses_global_state(k, embedding):
    return np.random.permutation(len(embedding))[:k]  # noqa: NPY002


def touches_global_state(embedding):
    np.random.random()  # noqa: NPY002
    return spread(embedding)


def reseeds_global_state(k, embedding):
    np.random.seed(0)  # noqa: NPY002
    return np.random.permutation(len(embedding))[:k]  # noqa: NPY002


def all_pairs(embedding):
    return (embedding @ embedding.T).mean(axis=1)


def pairs_of_all(k, rng, embedding):
    return best(all_pairs(embedding), k, rng)


def materialised_gradients(proba, embedding):
    gradients = proba[:, :, None] * embedding[:, None, :]
    return np.linalg.norm(gradients[:, :, 0], axis=1)


def margin_in_name(proba):
    return proba.max(axis=1)


class Misnamed(Strategy):
    def __init__(self, function, name):
        super().__init__(function)
        self.name = name


@dataclass(frozen=True)
class Fault:
    """A faulty strategy and the checks that it turns red; None: too many to list."""

    strategy: Any
    red: set[str] | None

    @property
    def name(self) -> str:
        function = getattr(self.strategy, "function", self.strategy)
        kind = (
            ""
            if callable(self.strategy) and not isinstance(self.strategy, Strategy)
            else type(self.strategy).__name__
        )
        return f"{kind}-{function.__name__}".strip("-")


PLANTED: dict[str, list[Fault]] = {
    "duplicated_pool": [Fault(repeats_on_duplicates, {"duplicated_pool"})],
    "constant_pool": [Fault(too_few_on_constant, {"constant_pool", "ties_at_random"})],
    "huge_values": [Fault(overflows, {"huge_values"})],
    "tiny_values": [Fault(divides_by_vanishing_squares, {"tiny_values"})],
    "one_class": [Fault(normalised_entropy, {"one_class"})],
    "zero_probabilities": [Fault(unsafe_entropy, {"zero_probabilities", "one_class", "late_class"})],
    "no_labels": [Fault(needs_labels, {"no_labels"})],
    "late_class": [Fault(needs_every_class, {"late_class"})],
    "one_candidate": [Fault(needs_two_candidates, {"one_candidate"})],
    "batch_of_one": [Fault(squeezes, {"batch_of_one", "one_candidate", "return_type"})],
    "batch_of_two": [Fault(unpacks_a_pair, {"batch_of_two", "return_type"})],
    "whole_pool": [Fault(ignores_the_last_rows, None)],
    "pool_smaller_than_batch": [Fault(FewerThanAsked(spread), {"pool_smaller_than_batch"})],
    "nan_and_inf_refused": [
        Fault(SwallowsNaN(spread), {"nan_and_inf_refused"}),
        Fault(SwallowsErrors(spread), {"nan_and_inf_refused"}),
        Fault(Bare(spread), None),
    ],
    "return_type": [
        Fault(ReturnsInt32(spread), None),
        Fault(ReturnsList(spread), None),
        Fault(returns_a_column, None),
        Fault(returns_scores_too, None),
    ],
    "distinct_positions": [
        Fault(draws_with_replacement, None),
        Fault(positions_among_all_items, None),
    ],
    "named_function": [
        Fault(Misnamed(margin_in_name, "margin"), {"named_function"}),
        Fault(Misnamed(CATALOGUE["least_confident"], "badge"), {"named_function"}),
    ],
    "scores_vary": [Fault(all_the_same, None)],
    "same_seed": [Fault(unseeded, None)],
    "ties_at_random": [
        Fault(file_order_on_ties, {"ties_at_random"}),
        Fault(file_order_in_scores, None),
    ],
    "global_random_state": [
        Fault(touches_global_state, {"global_random_state"}),
        Fault(uses_global_state, None),
        Fault(reseeds_global_state, None),
    ],
    "read_only_inputs": [
        Fault(wants_writeable, {"read_only_inputs"}),
        Fault(writes_into_inputs, None),
    ],
    "inputs_unchanged": [
        Fault(unlocks_and_writes, {"inputs_unchanged", "read_only_inputs"}),
        Fault(writes_into_tensors, {"inputs_unchanged"}),
    ],
    "block_size": [Fault(minds_single_rows, {"block_size", "part_of_pool"})],
    "part_of_pool": [Fault(relative_to_the_block, {"block_size", "part_of_pool"})],
    "row_order": [
        Fault(mixes_positions_with_ids, {"row_order"}),
        Fault(favours_early_rows, {"row_order"}),
        Fault(ignores_the_last_rows, None),
    ],
    "class_names": [Fault(first_class_first, {"class_names"})],
    "number_types": [Fault(backwards_in_float32, {"number_types"})],
    "threads": [Fault(keeps_state, {"threads"})],
    "libraries": [Fault(backwards_in_torch, {"libraries"})],
    "memory": [
        Fault(pairs_of_all, {"memory"}),
        Fault(materialised_gradients, {"memory"}),
    ],
}


def test_every_check_has_a_planted_fault():
    assert set(PLANTED) == set(CHECKS)


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        pytest.param(check, fault, id=f"{check}-{fault.name}")
        for check, faults in PLANTED.items()
        for fault in faults
    ],
)
def test_planted_fault_turns_its_check_red(check, fault):
    with pytest.raises(CheckFailed, match=rf"(?m)^  {check}: \S") as caught:
        check_strategy(fault.strategy)
    failed = set(caught.value.report.failed)
    assert check in failed
    if fault.red is not None:
        assert failed == fault.red


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_passes_for_something_sound(check):
    """A check that is red or silent for all would say nothing."""

    def sound(k, rng, proba, embedding, labeled_embedding, labels):
        return best(spread(embedding) * (1.1 - proba.max(axis=1)), k, rng)

    def sound_score(proba, embedding):
        return (embedding**2).sum(axis=1) * (1.1 - (proba**2).sum(axis=1))

    verdicts = {o.verdict for f in (sound, sound_score) for o in check_strategy(f) if o.check == check}
    assert "passed" in verdicts


def test_failure_is_readable_and_complete():
    with pytest.raises(AssertionError) as caught:
        aw.check_strategy(unsafe_entropy)
    text = str(caught.value)
    assert isinstance(caught.value, AskwiseError)
    assert text.startswith("unsafe_entropy: 3 of ")
    assert "zero_probabilities: raised ContractError: unsafe_entropy: scored candidate" in text


def test_function_that_cannot_be_made_is_one_failure():
    report = check_strategy(lambda probs: probs, raises=False)
    assert list(report.failed) == ["made"]
    assert "unknown input 'probs'" in report.failed["made"]
    with pytest.raises(CheckFailed, match="did you mean 'proba'"):
        check_strategy(lambda probs: probs)


def test_report_says_why_checks_do_not_apply():
    report = check_strategy(CATALOGUE["random"], libraries=("torch", "array_api_strict"))
    assert report.ok
    assert "is not run in blocks" in report.not_applicable["block_size"]
    assert {o.check for o in report} == set(CHECKS)
    assert len(report.passed) + len(report.not_applicable) == len(CHECKS)


def test_function_for_numpy_alone_passes_unless_more_is_promised():
    def numpy_alone(proba):
        assert isinstance(proba, np.ndarray)
        return -proba.max(axis=1)

    report = check_strategy(numpy_alone)
    assert "torch: raised AssertionError" in report.not_applicable["libraries"]
    with pytest.raises(CheckFailed, match="libraries: torch: raised AssertionError"):
        check_strategy(numpy_alone, libraries=("torch",))


def test_strategy_that_needs_a_view_is_not_applicable():
    report = check_strategy(lambda k, view: np.arange(k))
    assert set(report.not_applicable) == set(CHECKS)


def test_suite_leaves_the_global_random_state_as_it_was():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    check_strategy(uses_global_state, raises=False)
    check_strategy(spread)
    np.random.set_state(("MT19937", before, *np.random.get_state()[2:]))  # noqa: NPY002
    state = np.random.get_state()[1]  # noqa: NPY002
    assert np.array_equal(before, state)


@pytest.mark.parametrize(
    "line",
    [
        "mix(0.8 margin, 0.2 random)",
        "then(margin, k_center, keep=3)",
        "mix(0.5 then(margin, badge, keep=2), 0.5 k_center)",
    ],
)
def test_compositions_pass(line):
    assert check_strategy(line).ok


def test_example_pool_is_consistent_and_deterministic():
    pool = example(12, m=5, t=3, C=3, S=4, d=2)
    arrays = pool.arrays
    assert {w: a.shape for w, a in arrays.items()} == {
        "proba": (12, 3), "samples": (4, 12, 3), "decision": (12, 3), "mean": (12,), "std": (12,),
        "embedding": (12, 2), "labeled_embedding": (5, 2), "labels": (5,), "labeled_proba": (5, 3),
        "predicted_loss": (12,), "target_samples": (4, 3, 3), "target_embedding": (3, 2), "cost": (12,),
    }  # fmt: skip
    np.testing.assert_allclose(arrays["samples"].mean(axis=0), arrays["proba"], atol=1e-7)
    again = example(12, m=5, t=3, C=3, S=4, d=2)
    assert all(np.array_equal(arrays[word], again.arrays[word]) for word in arrays)
    single = example(12, m=5, t=3, C=3, S=4, d=2, dtype="float32")
    assert all(np.array_equal(arrays[word], single.arrays[word]) for word in arrays)
    renamed = pool.renamed(np.array([2, 0, 1]))
    assert np.array_equal(
        renamed.arrays["proba"][:, renamed.arrays["labels"][0]], arrays["proba"][:, arrays["labels"][0]]
    )
