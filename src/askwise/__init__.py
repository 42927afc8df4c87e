"""Askwise: from a pool and a budget to the questions worth asking.

The names below are imported when they are first used, so that `import askwise` loads little more than NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "select": "strategy",
    "Strategy": "strategy",
    "as_strategy": "strategy",
    "parse": "strategy",
    "mix": "strategy",
    "then": "strategy",
    "power": "strategy",
    "softmax": "strategy",
    "softrank": "strategy",
    "explore": "strategy",
    "per_cost": "strategy",
    "without_duplicates": "strategy",
    "balanced": "strategy",
    "CATALOGUE": "acquisition",
    "Learner": "learner",
    "LinearHead": "learner",
    "Committee": "learner",
    "simulate": "simulation",
    "Simulation": "simulation",
    "Project": "project",
    "check_strategy": "testing",
    "check_learner": "testing",
    "AskwiseError": "errors",
    "ContractError": "errors",
    "AnswersRefused": "errors",
}

__all__ = ["__version__", *sorted(_HOME)]

if TYPE_CHECKING:
    from .acquisition import CATALOGUE as CATALOGUE
    from .errors import AnswersRefused as AnswersRefused
    from .errors import AskwiseError as AskwiseError
    from .errors import ContractError as ContractError
    from .learner import Committee as Committee
    from .learner import Learner as Learner
    from .learner import LinearHead as LinearHead
    from .project import Project as Project
    from .simulation import Simulation as Simulation
    from .simulation import simulate as simulate
    from .strategy import Strategy as Strategy
    from .strategy import as_strategy as as_strategy
    from .strategy import mix as mix
    from .strategy import parse as parse
    from .strategy import select as select
    from .strategy import then as then
    from .testing import check_learner as check_learner
    from .testing import check_strategy as check_strategy


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'askwise' has no attribute {name!r}; it has: {', '.join(__all__)}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
