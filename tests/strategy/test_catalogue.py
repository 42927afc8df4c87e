"""Every row of the catalogue passes every check of the public suite, in every array library."""

from __future__ import annotations

import pytest

from askwise.acquisition import CATALOGUE
from askwise.strategy import Strategy, as_strategy
from askwise.testing.report import run_check
from askwise.testing.strategies import CHECKS
from askwise.testing.subject import Subject

LIBRARIES = ("torch", "array_api_strict")


@pytest.mark.filterwarnings("ignore:batch_bald:UserWarning")  # few draws, which it rightly says
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", CATALOGUE)
def test_strategy(name, check):
    outcome = run_check(check, CHECKS[check], Subject(as_strategy(name), LIBRARIES))
    assert outcome.verdict != "failed", str(outcome)


@pytest.mark.parametrize("name", CATALOGUE)
def test_name_is_the_functions_own(name):
    assert CATALOGUE[name].__name__ == name
    assert as_strategy(name).function is CATALOGUE[name]
    assert as_strategy(name) == Strategy(CATALOGUE[name])
