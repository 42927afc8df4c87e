"""Query strategies: from arrays about candidates to positions of candidates."""

from __future__ import annotations

from .compose import Composition, Mix, Then
from .describe import Description, describe
from .inputs import Evidence
from .language import AnyStrategy, as_strategy, mix, parse, select, then
from .vocabulary import INPUTS, Input
from .wall import QueryStrategy, Strategy

__all__ = [
    "INPUTS",
    "AnyStrategy",
    "Composition",
    "Description",
    "Evidence",
    "Input",
    "Mix",
    "QueryStrategy",
    "Strategy",
    "Then",
    "as_strategy",
    "describe",
    "mix",
    "parse",
    "select",
    "then",
]
