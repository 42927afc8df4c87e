"""A project: a pool, its records, a strategy and a learner, in one storage."""

from __future__ import annotations

from .core import Project
from .questions import Question, Told
from .status import Status

__all__ = ["Project", "Question", "Status", "Told"]
