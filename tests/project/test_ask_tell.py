"""Asking and telling: the contract of `Project`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from askwise import AnswersRefused, ContractError, Project
from askwise.errors import ProjectError


def answer(project: Any, questions: list[Any]) -> None:
    project.tell({question.id: project.truth[question.id] for question in questions})


def test_questions_are_distinct_and_never_asked_twice(make_project: Any) -> None:
    project = make_project()
    asked: list[str] = []
    for _ in range(6):
        questions = project.ask(10)
        asked += [question.id for question in questions]
        answer(project, questions)
    assert len(asked) == len(set(asked)) == 60


def test_a_second_ask_without_answers_gives_other_items(make_project: Any) -> None:
    project = make_project()
    first, second = project.ask(10), project.ask(10)
    assert {one.id for one in first}.isdisjoint(one.id for one in second)


def test_the_pool_runs_dry_without_repeating(make_project: Any) -> None:
    project = make_project(n=25)
    seen: list[str] = []
    while questions := project.ask(7):
        seen += [question.id for question in questions]
        answer(project, questions)
    assert sorted(seen, key=int) == [str(row) for row in range(25)]
    assert project.status().remaining == 0


def test_the_budget_is_kept(make_project: Any) -> None:
    project = make_project(budget=12)
    questions = project.ask(100)
    assert len(questions) == 12
    answer(project, questions[:5])
    assert project.ask(3) == []
    assert project.status().budget == 12


def test_k_must_be_at_least_one(make_project: Any) -> None:
    with pytest.raises(ContractError, match="at least one"):
        make_project().ask(0)


@pytest.mark.parametrize("form", ["mapping", "pairs", "dicts", "lists"])
def test_tell_takes_every_form(make_project: Any, form: str) -> None:
    project = make_project()
    answers = {"3": "red", "4": "blue"}
    given: Any = {
        "mapping": answers,
        "pairs": list(answers.items()),
        "dicts": [{"id": item, "label": label} for item, label in answers.items()],
        "lists": [[item, label] for item, label in answers.items()],
    }[form]
    assert project.tell(given).kept == 2
    assert project.status().labels == {"red": 1, "green": 0, "blue": 1}


def test_answers_may_be_partial_late_twice_and_unasked(make_project: Any) -> None:
    project = make_project()
    questions = project.ask(10)
    answer(project, questions[3:5])
    answer(project, questions[:4])
    unasked = next(item for item in project.truth if item not in {question.id for question in questions})
    project.tell({unasked: "red"})
    status = project.status()
    assert (status.labeled, status.out) == (6, 5)


def test_the_last_answer_of_an_annotator_counts_and_most_votes_win(make_project: Any) -> None:
    project = make_project()
    project.tell({"5": "red"})
    project.tell({"5": "green"})
    assert project.status().labels["green"] == 1
    project.tell({"5": "blue"}, annotator="bob")
    project.tell({"5": "blue"}, annotator="eve")
    assert project.status().labels == {"red": 0, "green": 0, "blue": 1}


def test_unknown_ids_and_labels_are_named_and_the_rest_is_kept(make_project: Any) -> None:
    project = make_project()
    with pytest.raises(AnswersRefused) as caught:
        project.tell({"1": "red", "2": "bleu", "nowhere": "red", "3": "blue", "4": True})
    message = str(caught.value)
    assert "3 of 5 answers refused, the other 2 kept" in message
    assert "did you mean 'blue'?" in message
    assert "'nowhere'" in message
    assert caught.value.kept == 2
    assert project.status().labeled == 2


def test_a_key_records_once(make_project: Any) -> None:
    project = make_project()
    assert not project.tell({"1": "red"}, key="form-7").repeated
    assert project.tell({"1": "red"}, key="form-7").repeated
    assert project.tell({"2": "red"}, key="form-8").kept == 1


@pytest.mark.parametrize("given", [[1, 2], ["a"], [{"label": "red"}], [("1", "red", "x")]])
def test_a_form_that_is_none_is_explained(make_project: Any, given: Any) -> None:
    project = make_project()
    with pytest.raises(Exception, match="id") as caught:
        project.tell(given)
    assert "Error" in type(caught.value).__name__
    assert project.status().labeled == 0


def test_skip_and_not_relevant_take_items_out(make_project: Any) -> None:
    project = make_project(n=30)
    project.skip("1", "2")
    project.not_relevant("3")
    asked = {question.id for question in project.ask(30)}
    assert asked == {str(row) for row in range(30)} - {"1", "2", "3"}
    status = project.status()
    assert (status.skipped, status.not_relevant) == (2, 1)


def test_undo_goes_back_step_by_step(make_project: Any) -> None:
    project = make_project(n=30)
    project.tell({"1": "red"})
    project.tell({"1": "green"})
    project.skip("2")
    assert project.undo() == "2"
    assert project.undo() == "1"
    assert project.status().labels["red"] == 1
    assert project.undo() == "1"
    assert project.status().labeled == 0
    assert {"1", "2"} <= {question.id for question in project.ask(30)}
    with pytest.raises(ProjectError, match="nothing to undo"):
        project.undo()


def test_undo_is_per_annotator(make_project: Any) -> None:
    project = make_project()
    project.tell({"1": "red"}, annotator="bob")
    project.tell({"2": "red"}, annotator="eve")
    assert project.undo(annotator="bob") == "1"
    assert project.status().labeled == 1


def test_copies_are_answered_once(tmp_path: Any) -> None:
    X = np.repeat(np.arange(20.0)[:, None], 2, axis=0)
    with Project.create(tmp_path / "twins", X, labels=["low", "high"]) as project:
        asked = [question.id for question in project.ask(40)]
        assert len(asked) == 20
        assert all(int(item) % 2 == 0 for item in asked)
        project.tell({"7": "low"})
        assert project.status().labeled == 1
        project.export(tmp_path / "out.jsonl")
        lines = (tmp_path / "out.jsonl").read_text().splitlines()
        assert [line[:12] for line in lines] == ['{"id": "6", ', '{"id": "7", ']


def test_release_opens_the_questions_to_others(make_project: Any) -> None:
    project = make_project(n=12)
    project.ask(12)
    assert project.ask(1, annotator="bob") == []
    project.release()
    assert len(project.ask(12, annotator="bob")) == 12


def test_every_question_says_why(make_project: Any) -> None:
    project = make_project()
    whys = [question.why for question in project.ask(20)]
    assert whys.count("audit") == whys.count("chosen") == 10


def test_own_learner_and_own_strategy(tmp_path: Any) -> None:
    from sklearn.naive_bayes import GaussianNB

    def first(proba: Any) -> Any:
        return -proba[:, 0]

    X = np.random.default_rng(0).normal(size=(60, 3))
    options: dict[str, Any] = {"learner": GaussianNB(), "strategy": first}
    with Project.create(tmp_path / "own", X, labels=["a", "b"], **options) as project:
        project.tell({str(row): "a" if row % 2 else "b" for row in range(10)})
        assert len(project.predict()) == 60
    with pytest.raises(ProjectError, match="made with the learner GaussianNB"):
        Project.open(tmp_path / "own")
    with pytest.raises(ProjectError, match="made with the strategy first"):
        Project.open(tmp_path / "own", learner=GaussianNB())
    with Project.open(tmp_path / "own", **options) as project:
        assert project.status().learner == "GaussianNB"


def test_a_learner_without_the_need_is_refused_before_any_work(tmp_path: Any) -> None:
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(ContractError, match="bald needs 'samples'"):
        Project.create(
            tmp_path / "p", np.eye(9), labels=["a", "b"], strategy="bald", learner=LogisticRegression()
        )
    assert not (tmp_path / "p").exists()


def test_a_column_with_one_of_our_names_does_not_hide_ours(tmp_path: Any) -> None:
    (tmp_path / "pool.csv").write_text("id,why,x\n" + "".join(f"{n},because,{n}\n" for n in range(50, 70)))
    with Project.create(tmp_path / "p", tmp_path / "pool.csv", labels=["a", "b"]) as project:
        body = project.ask(1)[0].to_json()
        assert body["id"] == str(body["row"])
        assert body["data_id"] == 50 + body["row"] or body["data_id"] == str(50 + body["row"])
        assert body["data_why"] == "because"
        assert body["why"] in ("audit", "chosen")


def test_what_was_drawn_at_random_is_recorded_with_its_probability(make_project: Any, tmp_path: Any) -> None:
    project = make_project(strategy="explore(margin, share=0.25)")
    questions = project.ask(16)
    whys = [question.why for question in questions]
    assert whys.count("explore") == 2
    assert whys.count("audit") == 8
    project.tell({question.id: project.truth[question.id] for question in questions})
    project.export(tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    # 150 items less the 30 that are set aside: each of the 120 was drawn with probability 2 in 120.
    given = {(row["why"], row["probability"]) for row in rows}
    assert given == {("explore", 2 / 120), ("chosen", None), ("audit", None)}


def test_when_only_audit_items_are_left_they_are_asked(make_project: Any) -> None:
    project = make_project(n=30)
    audit = set(project._desk.index.audit)
    project.tell({item: label for item, label in project.truth.items() if item not in audit})
    assert {question.id for question in project.ask(30)} == audit


def test_an_item_that_two_people_undid_can_be_asked_again(make_project: Any) -> None:
    project = make_project(n=12)
    for annotator in ("bob", "eve"):
        project.tell({"3": "red"}, annotator=annotator)
    project.undo(annotator="bob")
    assert "3" not in {question.id for question in project.ask(12)}
    project.release()
    project.undo(annotator="eve")
    assert "3" in {question.id for question in project.ask(12)}
