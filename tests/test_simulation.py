"""Simulations: honest, paired, counted exactly, and written so that they can be read again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import askwise as aw
from askwise.errors import ContractError
from askwise.simulation import Run, Simulation, simulate

rng = np.random.default_rng(0)
Y = np.arange(120) % 3
X = np.array([[0, 0], [4, 0], [0, 4]])[Y] + rng.normal(size=(120, 2))


def small(strategy: object = ("random", "margin"), **options: object) -> Simulation:
    return simulate(X, Y, strategy=strategy, **{"budget": 25, "batch": 10, "seeds": 2, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("budget", "batch", "start", "labels"),
    [
        (25, 10, 0, (10, 20, 25)),
        (20, 10, 0, (10, 20)),
        (25, 10, 7, (7, 17, 25)),
        (5, 10, 5, (5,)),
        (3, 1, 0, (1, 2, 3)),
    ],
)
def test_budget_is_counted_exactly(budget: int, batch: int, start: int, labels: tuple[int, ...]) -> None:
    ticks: list[tuple[int, int]] = []
    result = small(budget=budget, batch=batch, start=start, progress=lambda *tick: ticks.append(tick))
    assert result.labels == labels
    for run in result.runs:
        assert run.labels == labels
        assert len(run.picked) == len(set(run.picked)) == budget
    assert ticks == [(done, 4 * len(labels)) for done in range(1, 4 * len(labels) + 1)]


def test_the_whole_pool_may_be_labelled() -> None:
    result = small(budget=84)
    assert result.settings["pool"] == 84
    assert result.settings["test"] == 36
    by_seed = {run.seed: set(run.picked) for run in result.runs}
    assert all(set(run.picked) == by_seed[run.seed] for run in result.runs)
    assert by_seed[0] != by_seed[1]
    # Nothing is left to choose: both strategies end at the same labels, learned in another order.
    finals = [run.accuracy[-1] for run in result.runs if run.seed == 0]
    assert max(finals) - min(finals) < 0.06


def test_seeds_pair_strategies() -> None:
    together = small(start=6)
    alone = small("margin", start=6, seed=1, seeds=1)
    assert [run.picked for run in together.runs if run.strategy == "margin" and run.seed == 1] == [
        alone.runs[0].picked
    ]
    starts = {run.seed: run.picked[:6] for run in together.runs}
    assert all(run.picked[:6] == starts[run.seed] for run in together.runs)
    assert starts[0] != starts[1]
    again = small(start=6)
    assert [run.picked for run in again.runs] == [run.picked for run in together.runs]
    assert np.array_equal(again.scores("margin"), together.scores("margin"))


class Spy(aw.LinearHead):
    """Remembers every row that it is fitted on or asked about."""

    fitted: list[np.ndarray] = []  # noqa: RUF012 - shared by the copies
    asked: list[np.ndarray] = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):  # type: ignore[no-untyped-def]
        self.fitted.append(X)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):  # type: ignore[no-untyped-def]
        self.asked.append(X)
        return super().predict_proba(X)


def test_the_test_set_only_measures() -> None:
    Spy.fitted.clear()
    Spy.asked.clear()
    result = small("margin", learner=Spy(), seeds=1, budget=30)
    order = np.random.default_rng([0, 0]).permutation(120)
    held_out = {tuple(row) for row in X[order[:36]]}
    assert not held_out & {tuple(row) for rows in Spy.fitted for row in rows}
    pool_asked = [rows for rows in Spy.asked if len(rows) != 36]
    assert len(pool_asked) == 2
    assert not held_out & {tuple(row) for rows in pool_asked for row in rows}
    assert not held_out & {tuple(X[row]) for row in result.runs[0].picked}


def test_a_test_set_of_ones_own() -> None:
    result = simulate(X[:90], Y[:90], strategy="random", budget=20, test=(X[90:], Y[90:]))
    assert result.settings["pool"] == 90
    assert result.settings["test"] == 30
    assert result.runs[0].accuracy[-1] > 0.6


def test_zero_labels_are_uniform() -> None:
    seen: list[np.ndarray] = []

    def spying(k, rng, proba):  # type: ignore[no-untyped-def]
        seen.append(proba.copy())
        return rng.permutation(len(proba))[:k]

    small(spying, seeds=1)
    assert np.allclose(seen[0], 1 / 3)
    assert not np.allclose(seen[1], 1 / 3)


def test_random_choice_is_even_over_the_pool() -> None:
    result = simulate(X, Y, strategy="random", budget=20, batch=20, seeds=40)
    picked = np.bincount([row for run in result.runs for row in run.picked], minlength=120)
    assert picked.sum() == 800
    assert picked.max() <= 20


def test_names_of_classes_and_learners_as_they_are() -> None:
    names = np.array(["ant", "bee", "cat"])[Y]
    result = simulate(X, names, LogisticRegression(), ["margin"], budget=20, seeds=1)
    assert result.settings["classes"] == ["ant", "bee", "cat"]
    assert result.settings["learner"] == "LogisticRegression"
    assert result.runs[0].accuracy[-1] > 0.7
    hyperplane = simulate(X, names, LinearSVC(), "hyperplane", budget=20)
    assert hyperplane.runs[0].accuracy[-1] > 0.7


def test_choosing_pays_on_digits() -> None:
    digits, labels = load_digits(return_X_y=True)
    result = simulate(digits, labels, strategy=["u_coverage", "random"], budget=60, batch=10, seeds=3)
    gains = result.aubc("u_coverage") - result.aubc("random")
    assert (gains > 0.02).all(), result.summary()
    assert result.difference("u_coverage").value == pytest.approx(gains.mean())
    target = result.curves["random"].mean[-1]
    assert (result.labels_to_reach("u_coverage", target) or 999) < 60


def handmade() -> Simulation:
    runs = tuple(
        Run(name, seed, (10, 20), (0.5 + gain, 0.7 + gain + 0.1 * seed), (0.4, 0.6), (1, 2), 0.1, 0.2)
        for seed in (0, 1)
        for name, gain in (("random", 0.0), ("margin", 0.1))
    )
    return Simulation(runs, {"learner": "LinearHead", "pool": 70, "test": 30, "batch": 10})


def test_numbers_of_a_result() -> None:
    result = handmade()
    assert result.strategies == ("random", "margin")
    assert result.seeds == (0, 1)
    assert result.curves["random"].mean == pytest.approx((0.5, 0.75))
    assert result.curve("margin", "macro_f1").mean == pytest.approx((0.4, 0.6))
    assert result.aubc("margin") == pytest.approx([0.7, 0.75])
    assert result.difference("margin").value == pytest.approx(0.1)
    assert result.labels_to_reach("margin", 0.7) == 20
    with pytest.raises(ContractError, match="no strategy 'badge' here; there are random, margin"):
        result.scores("badge")
    with pytest.raises(ContractError, match="unknown metric 'f2'"):
        result.scores("margin", "f2")


def test_summary_is_a_table() -> None:
    lines = handmade().summary().splitlines()
    assert lines[0] == (
        "accuracy on 30 held-out items; LinearHead, 70 in the pool, batches of 10; 2 paired seeds, 95 % intervals"
    )
    assert "over random" in lines[2]
    assert lines[4].startswith("margin")
    assert "+10.0 [+10.0, +10.0]" in lines[4]
    assert lines[4].rstrip().endswith("20")
    assert lines[5].startswith("random")
    assert re.fullmatch(r"random +▁\S  50\.0% → 75\.0%", lines[-1])
    one = Simulation(handmade().runs[:1], {})
    assert "one seed, so no intervals" in one.summary()
    assert "nan" not in one.summary()


def test_json_is_complete_and_read_again(tmp_path: Path) -> None:
    result = small(seeds=1)
    result.save(tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert set(found) == {"askwise", "settings", "curves", "aubc", "over_random", "runs"}
    assert found["curves"]["margin"]["low"] == [None, None, None]
    assert list(found["over_random"]) == ["margin"]
    again = Simulation.from_json(text)
    assert again == result
    assert again.to_json() == result.to_json()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_picture_is_drawn(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"curves.{ending}"
    handmade().plot(path)
    start = path.read_bytes()[:100]
    assert start.startswith(b"\x89PNG") if ending == "png" else b"<?xml" in start
    assert path.stat().st_size > 10_000


def test_picture_of_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"must end in one of \.png"):
        handmade().plot(tmp_path / "curves.txt")


BAD = X.copy()
BAD[7, 1] = np.nan


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"X": BAD}, "X row 7 holds NaN"),
        ({"X": np.array([["a"], ["b"]])}, "encode texts and images first"),
        ({"X": X[:, 0]}, r"X must be \(n, d\) numbers"),
        ({"y": Y[:5]}, r"y has shape \(5,\); there are 120 rows"),
        ({"y": np.zeros(120)}, "fewer than two classes, only 0.0"),
        ({"y": np.where(Y == 0, np.nan, Y)}, r"y\[0\] has no label"),
        ({"y": np.array([None, *Y[1:]], dtype=object)}, r"y\[0\] has no label"),
        ({"budget": 85}, r"the budget is 85 labels, and the pool has 84 items \(of 120, 36 are held out"),
        ({"budget": 0}, "budget must be a whole number of 1 or more, not 0"),
        ({"batch": 2.5}, "batch must be a whole number of 1 or more, not 2.5"),
        ({"seeds": 0}, "seeds must be"),
        ({"start": 30}, "start is 30, more than the whole budget of 25"),
        ({"test": 0}, "test must be a share between 0 and 1"),
        ({"test": 1.0}, "test must be a share between 0 and 1"),
        ({"test": (X, Y, Y)}, "test must be"),
        ({"test": (X[:, :1], Y)}, r"X_test has shape \(120, 1\), X has 2 columns"),
        ({"test": (BAD, Y)}, "X_test row 7 holds NaN"),
        ({"strategy": []}, "no strategy given"),
        ({"strategy": ["margin", "margin"]}, "margin is given twice"),
        ({"strategy": "margni"}, "margni"),
        ({"strategy": "bald", "learner": LogisticRegression()}, "bald needs 'samples'; .* wrap it in aw.Committee"),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated(given: dict[str, object], said: str) -> None:
    arguments = {"X": X, "y": Y, "budget": 25, "strategy": "margin", **given}
    with pytest.raises(ContractError, match=said):
        simulate(**arguments)  # type: ignore[arg-type]


def test_one_item_a_round_and_two_items_in_all() -> None:
    result = simulate(np.array([[0.0], [1.0]]), ["a", "b"], strategy="margin", budget=1, batch=1, test=0.5)
    assert result.labels == (1,)
