"""Copies of learners: the object that is handed in is never fitted, and nothing random is left open."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..errors import LearnerError
from .protocol import Learner


def learner_name(learner: object) -> str:
    """What a learner is called in messages.

    >>> learner_name("logistic")
    Traceback (most recent call last):
    ...
    askwise.errors.LearnerError: 'logistic' is no learner: it has no fit(X, y)
    """
    if isinstance(learner, type):
        raise LearnerError(f"{learner.__name__} is a class; pass an object: {learner.__name__}()")
    if not callable(getattr(learner, "fit", None)):
        raise LearnerError(f"{learner!r} is no learner: it has no fit(X, y)")
    return type(learner).__name__


def fresh(learner: Learner, seed: int) -> Any:
    """An unfitted copy of `learner` in which nothing random is left open."""
    if not callable(getattr(learner, "get_params", None)):
        twin = copy.deepcopy(learner)
        for option in ("random_state", "seed"):
            if getattr(twin, option, 0) is None:
                setattr(twin, option, seed)
        return twin
    from sklearn.base import clone

    twin = clone(learner)
    options = twin.get_params(deep=True)
    # Sorted, and a number for each: two parts of a pipeline must not draw the same numbers.
    open_options = sorted(
        option
        for option, value in options.items()
        if value is None and option.split("__")[-1] in ("random_state", "seed")
    )
    if open_options:
        states = np.random.SeedSequence(seed).generate_state(len(open_options)) % 2**31
        twin.set_params(**dict(zip(open_options, states.tolist(), strict=True)))
    return twin
