"""What an answer is: the only floor that knows whether people give a class, a number or a box.

A new kind of question is a new module here and a row in `KINDS`, and nothing else in the house changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ContractError
from .classification import Classification
from .protocol import Score, Task

__all__ = ["KINDS", "Classification", "Score", "Task", "task_from_spec"]

KINDS: dict[str, Callable[[Mapping[str, Any]], Task]] = {Classification.kind: Classification.from_spec}


def task_from_spec(spec: Mapping[str, Any]) -> Task:
    """The task that `task.spec()` described.

    >>> task_from_spec({"kind": "classification", "labels": ["cat", "dog"]}).describe()
    'classification: cat, dog'
    """
    kind = spec.get("kind")
    if kind not in KINDS:
        raise ContractError(f"unknown task {kind!r}; known: {', '.join(KINDS)}")
    return KINDS[kind](spec)
