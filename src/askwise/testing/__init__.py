"""Conformance suites for what others write: strategies, learners, storages, encoders.

Each name is imported when it is first used, because each suite loads the room that it tests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "check_strategy": "strategies",
    "CheckFailed": "report",
    "Report": "report",
    "check_learner": "learners",
    "StorageSuite": "storage",
    "check_encoder": "encoders",
}

__all__ = [*sorted(_HOME)]

if TYPE_CHECKING:
    from .encoders import check_encoder as check_encoder
    from .learners import check_learner as check_learner
    from .report import CheckFailed as CheckFailed
    from .report import Report as Report
    from .storage import StorageSuite as StorageSuite
    from .strategies import check_strategy as check_strategy


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
