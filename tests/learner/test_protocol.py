"""What counts as a learner."""

from __future__ import annotations

import subprocess
import sys

from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

import askwise as aw
from askwise.learner import CAPABILITIES, capabilities


def test_capabilities_are_those_that_can_be_called() -> None:
    assert capabilities(LogisticRegression()) == ("predict_proba", "decision_function")
    assert capabilities(SVC()) == ("decision_function",)
    assert set(capabilities(aw.LinearHead())) == {
        "predict_proba",
        "sample_proba",
        "decision_function",
        "embed",
    }
    assert capabilities(object()) == ()
    assert set(CAPABILITIES) >= set(capabilities(aw.LinearHead()))


def test_protocol_is_fit() -> None:
    assert isinstance(aw.LinearHead(), aw.Learner)
    assert not isinstance(object(), aw.Learner)


def test_learners_load_no_framework_before_they_fit() -> None:
    program = (
        "import sys, askwise.learner, askwise.evaluation, askwise.evidence\n"
        "print([name for name in ('scipy', 'sklearn', 'torch', 'matplotlib') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
