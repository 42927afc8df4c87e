"""The audit set measures and does nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from askwise import Project
from askwise.project.audit import AT_LEAST, due, interleave, reserve_size, settled_prefix


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(0, 400))
def test_the_share_grows_to_fifteen_percent_and_never_shrinks(batches: list[int], reserve: int) -> None:
    asked = audited = 0
    for k in batches:
        extra = due(k, audited, asked, reserve)
        assert 0 <= extra <= k
        asked, audited = asked + k, audited + extra
        assert audited <= reserve
        assert audited >= min(reserve, AT_LEAST, asked // 2)
    assert audited <= max(AT_LEAST, round(0.15 * asked))


@given(st.integers(3, 10**6), st.none() | st.integers(1, 10**5))
def test_the_reserve_leaves_two_thirds_of_the_pool(n: int, budget: int | None) -> None:
    assert 1 <= reserve_size(n, budget) <= n // 3


@given(st.lists(st.text(max_size=2), unique=True), st.sets(st.text(max_size=2)))
def test_the_prefix_has_no_gap(order: list[str], settled: set[str]) -> None:
    length = settled_prefix(order, settled)
    assert set(order[:length]) <= settled
    assert length == len(order) or order[length] not in settled


@given(st.integers(0, 20), st.integers(0, 20))
def test_interleaving_keeps_both_orders(chosen: int, audit: int) -> None:
    mixed = interleave([f"c{i}" for i in range(chosen)], [f"a{i}" for i in range(audit)])
    assert [item for item in mixed if item[0] == "c"] == [f"c{i}" for i in range(chosen)]
    assert [item for item in mixed if item[0] == "a"] == [f"a{i}" for i in range(audit)]


def test_audit_answers_neither_train_nor_steer(make_project: Any) -> None:
    """Two projects that differ in their audit answers alone choose alike and predict alike."""
    one, other = make_project("one"), make_project("other")
    for _ in range(4):
        mine, theirs = one.ask(10), other.ask(10)
        assert mine == theirs
        one.tell({question.id: one.truth[question.id] for question in mine})
        other.tell({q.id: one.truth[q.id] if q.why == "chosen" else "red" for q in theirs})
    assert np.array_equal(one.predict().proba, other.predict().proba)
    assert one.status().scores != other.status().scores


def test_the_score_is_the_share_of_right_predictions_on_the_audit_set(make_project: Any) -> None:
    project = make_project()
    audit: list[str] = []
    for _ in range(8):
        questions = project.ask(10)
        audit += [question.id for question in questions if question.why == "audit"]
        project.tell({question.id: project.truth[question.id] for question in questions})
    predictions = project.predict()
    guessed = dict(zip(predictions.ids, predictions.values, strict=True))
    right = np.mean([guessed[item] == project.truth[item] for item in audit])
    accuracy = project.fit()[0]
    assert accuracy.name == "accuracy"
    assert accuracy.value == right
    assert accuracy.n == len(audit) == 30
    assert 0 < accuracy.low < accuracy.value <= accuracy.high <= 1


def test_an_answer_that_is_late_keeps_the_later_ones_from_counting(make_project: Any) -> None:
    project = make_project()
    audit = [question.id for question in project.ask(20) if question.why == "audit"]
    project.tell({item: project.truth[item] for item in audit[:3] + audit[4:]})
    assert project.status().audited == 3
    project.tell({audit[3]: project.truth[audit[3]]})
    assert project.status().audited == 10


def test_labels_that_came_with_the_source_do_not_bias_the_measure(tmp_path: Any) -> None:
    """All imported labels are of one class; only the gapless beginning of the audit order may count."""
    rows = [f"{x},{'low' if x < 50 else ''}" for x in range(100)]
    (tmp_path / "pool.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    with Project.create(tmp_path / "p", tmp_path / "pool.csv", labels=["low", "high"], label="y") as project:
        before = project.status()
        assert before.labeled == 50
        assert before.audited < 8
        while True:
            questions = project.ask(10)
            if not any(question.why == "audit" for question in questions):
                break
            project.tell({question.id: "high" for question in questions})
        labels = project.status()
        assert labels.audited >= 30


def test_the_history_is_kept(make_project: Any) -> None:
    project = make_project()
    for _ in range(5):
        project.tell({question.id: project.truth[question.id] for question in project.ask(10)})
    history = project.status().history
    assert [entry["labels"] for entry in history] == sorted(entry["labels"] for entry in history)
    assert len(history) >= 3
