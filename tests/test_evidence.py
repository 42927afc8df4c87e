"""Inputs of strategies from a fitted learner: only what is needed, in blocks, and refused in time."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import askwise as aw
from askwise import evidence
from askwise.errors import ContractError
from askwise.evidence import FROM_LEARNER, check, gather, in_blocks
from askwise.learner import CAPABILITIES, fit_learner
from askwise.strategy import INPUTS

rng = np.random.default_rng(0)
y = np.arange(30) % 3
X = 4 * np.eye(3)[y] + rng.normal(size=(30, 3))
POOL = rng.normal(1, 2, size=(50, 3))


@pytest.mark.parametrize(
    ("needs", "learner", "said"),
    [
        (
            ["samples"],
            LogisticRegression(),
            "needs 'samples'; LogisticRegression has no sample_proba(); wrap it in aw.Committee",
        ),
        (["proba"], LinearSVC(), "needs 'proba'; LinearSVC has no predict_proba(); take a learner that has"),
        (
            ["decision"],
            aw.Committee(LogisticRegression()),
            "needs 'decision'; Committee has no decision_function()",
        ),
        (["mean"], aw.LinearHead(), "needs 'mean'; LinearHead has no predict_dist()"),
    ],
)
def test_missing_capability_is_named_before_any_work(needs: list[str], learner: object, said: str) -> None:
    with pytest.raises(ContractError, match=f"^bald {re.escape(said)}"):
        check(needs, learner, name="bald")
    with pytest.raises(ContractError, match=r"^the strategy needs"):
        check(needs, learner)


def test_strategies_name_themselves() -> None:
    with pytest.raises(ContractError, match=r"^bald needs 'samples'"):
        check(aw.as_strategy("bald"), LogisticRegression())
    check(aw.as_strategy("bald"), aw.LinearHead())
    check(aw.as_strategy("random"), LinearSVC())


def test_every_input_has_a_home() -> None:
    assert set(FROM_LEARNER) <= set(INPUTS)
    assert {method for methods in FROM_LEARNER.values() for method in methods} <= set(CAPABILITIES)


def test_only_what_is_needed_is_computed() -> None:
    class Counting(aw.LinearHead):
        calls: list[str] = []  # noqa: RUF012 - shared by the copies, which is what is counted

        def predict_proba(self, X):  # type: ignore[no-untyped-def]
            self.calls.append("predict_proba")
            return super().predict_proba(X)

        def sample_proba(self, X, S=None):  # type: ignore[no-untyped-def]
            self.calls.append("sample_proba")
            return super().sample_proba(X, S)

    model = fit_learner(Counting(), X, y, C=3)
    found = gather(["k", "rng", "n", "embedding", "labels"], model, POOL, X, y)
    assert list(found) == ["embedding", "labels"]
    assert Counting.calls == []
    gather(["proba"], model, POOL, X, y)
    assert Counting.calls == ["predict_proba"]


def test_all_inputs_have_their_shapes() -> None:
    model = fit_learner(aw.LinearHead(draws=5), X, y, C=4)
    needs = [
        "proba", "samples", "decision", "embedding", "labeled_embedding", "labels", "labeled_proba",
        "target_samples", "target_embedding", "cost", "view",
    ]  # fmt: skip
    found = gather(needs, model, POOL, X, y, target=POOL[:7], cost=np.ones(50), view="view")
    shapes = {name: np.shape(value) for name, value in found.items()}
    assert shapes == {
        "proba": (50, 4), "samples": (5, 50, 4), "decision": (50, 4), "embedding": (50, 3),
        "labeled_embedding": (30, 3), "labels": (30,), "labeled_proba": (30, 4), "target_samples": (5, 7, 4),
        "target_embedding": (7, 3), "cost": (50,), "view": (),
    }  # fmt: skip
    assert np.allclose(found["samples"][:, :7], found["target_samples"])
    assert np.allclose(found["proba"], model.proba(POOL))
    assert np.allclose(found["proba"].sum(axis=1), 1)


class Deep(aw.LinearHead):
    """A learner with two numbers before its last layer, and with all the rest."""

    def embed(self, X):  # type: ignore[no-untyped-def]
        return np.asarray(X)[:, :2] * 10

    def predict_dist(self, X):  # type: ignore[no-untyped-def]
        return np.asarray(X)[:, 0], np.ones(len(X))

    def predict_loss(self, X):  # type: ignore[no-untyped-def]
        return np.asarray(X)[:, 1]


def test_learners_own_embedding_comes_first() -> None:
    found = gather(["embedding", "labeled_embedding"], fit_learner(Deep(), X, y, C=3), POOL, X, y)
    assert np.allclose(found["embedding"], POOL[:, :2] * 10)
    assert np.allclose(found["labeled_embedding"], X[:, :2] * 10)
    # Nothing labelled: the model cannot embed yet, and both sides fall back on the features together.
    none = gather(["embedding", "labeled_embedding"], fit_learner(Deep(), X[:0], [], C=3), POOL, X[:0], [])
    assert none["embedding"] is POOL
    assert none["labeled_embedding"].shape == (0, 3)


def test_numbers_and_losses() -> None:
    found = gather(["mean", "std", "predicted_loss"], fit_learner(Deep(), X, y, C=3), POOL, X, y)
    assert np.allclose(found["mean"], POOL[:, 0])
    assert found["std"].tolist() == [1.0] * 50
    assert np.allclose(found["predicted_loss"], POOL[:, 1])


def test_cold_start() -> None:
    cold = fit_learner(aw.LinearHead(), X[:0], [], C=3)
    found = gather(["proba", "samples", "labeled_embedding", "labels"], cold, POOL, X[:0], [])
    assert np.allclose(found["proba"], 1 / 3)
    assert found["samples"].shape == (2, 50, 3)
    assert found["labeled_embedding"].shape == (0, 3)
    assert found["labels"].shape == (0,)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit_learner(aw.LinearHead(draws=4), X, y, C=3)
    whole = gather(["proba", "samples", "decision"], model, POOL, X, y)
    monkeypatch.setattr(evidence, "BLOCK", 7)
    monkeypatch.setattr(evidence, "IN_MEMORY", 100)
    parts = gather(["proba", "samples", "decision"], model, POOL, X, y)
    assert isinstance(parts["samples"], np.memmap)
    assert all(np.array_equal(parts[name], whole[name]) for name in whole)
    assert parts["samples"].dtype == np.float32


def test_duplicates_stay_exact_ties() -> None:
    model = fit_learner(aw.LinearHead(), X, y, C=3)
    twice = np.concatenate([POOL, POOL[:33]])
    proba = gather(["proba"], model, twice, X, y)["proba"]
    assert np.array_equal(proba[:33], proba[50:])


def test_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "pool.npy", POOL.astype(np.float32))
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    found = gather(["embedding", "proba"], fit_learner(aw.LinearHead(), X, y, C=3), mapped, X, y)
    assert found["embedding"] is mapped
    assert found["proba"].shape == (50, 3)


def test_what_was_not_given_is_named() -> None:
    model = fit_learner(aw.LinearHead(), X, y, C=3)
    for name in ("cost", "view", "target_samples", "target_embedding"):
        with pytest.raises(ContractError, match=f"'{name}' is needed and was not given; it comes from"):
            gather([name], model, POOL, X, y)
    with pytest.raises(ContractError, match="unknown input 'probs'"):
        gather(["probs"], model, POOL, X, y)


def test_no_rows_are_one_block() -> None:
    assert in_blocks(lambda part: part * 2, np.zeros((0, 3))).shape == (0, 3)
