"""Query strategies: from arrays about candidates to positions of candidates."""

from __future__ import annotations

from .around import balanced, explore, per_cost, power, softmax, softrank, without_duplicates
from .compose import Composition, Mix, Then
from .composed import Balanced, Explore, PerCost, WithoutDuplicates
from .describe import Description, describe
from .inputs import Evidence
from .language import AnyStrategy, as_strategy, mix, parse, select, then
from .stochastic import Drawn, Power, Softmax, Softrank
from .vocabulary import INPUTS, Input
from .wall import QueryStrategy, Strategy

__all__ = [
    "INPUTS",
    "AnyStrategy",
    "Balanced",
    "Composition",
    "Description",
    "Drawn",
    "Evidence",
    "Explore",
    "Input",
    "Mix",
    "PerCost",
    "Power",
    "QueryStrategy",
    "Softmax",
    "Softrank",
    "Strategy",
    "Then",
    "WithoutDuplicates",
    "as_strategy",
    "balanced",
    "describe",
    "explore",
    "mix",
    "parse",
    "per_cost",
    "power",
    "select",
    "softmax",
    "softrank",
    "then",
    "without_duplicates",
]
