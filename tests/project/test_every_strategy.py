"""Every strategy that a project can feed asks through a project, before the first label and after some."""

from __future__ import annotations

from typing import Any

import pytest

from askwise import ContractError
from askwise.acquisition import CATALOGUE
from askwise.learner import LinearHead, capabilities
from askwise.project.create import NOT_SUPPLIED
from askwise.strategy import as_strategy

COMPOSED = [
    "mix(0.9 u_coverage, 0.1 random)",
    "then(margin, k_center, keep=3)",
    "power(bald, beta=4)",
    "softrank(margin)",
    "explore(u_coverage, share=0.2)",
    "without_duplicates(margin)",
    "balanced(margin)",
]


def can_feed(name: str) -> bool:
    needs = as_strategy(name).needs
    from askwise.evidence import check

    try:
        check(as_strategy(name), LinearHead())
    except ContractError:
        return False
    return not set(needs) & set(NOT_SUPPLIED)


def test_most_of_the_catalogue_can_be_fed() -> None:
    assert {"predict_proba", "sample_proba", "decision_function", "embed"} <= set(capabilities(LinearHead()))
    assert sum(map(can_feed, CATALOGUE)) >= 40


@pytest.mark.filterwarnings("ignore:batch_bald")
@pytest.mark.parametrize("strategy", [*filter(can_feed, CATALOGUE), *COMPOSED])
def test_it_asks(make_project: Any, strategy: str) -> None:
    project = make_project(n=60, strategy=strategy)
    for _ in range(3):
        questions = project.ask(6)
        assert len({question.id for question in questions}) == 6
        project.tell({question.id: project.truth[question.id] for question in questions})
    assert project.status().labeled == 18
