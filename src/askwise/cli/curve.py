"""Learning curves drawn with characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float = 0.0, high: float = 1.0) -> str:
    """One character a value.

    >>> sparkline([0.0, 0.5, 1.0])
    ' ▄█'
    """
    steps = len(BARS) - 1
    scaled = (min(max((value - low) / (high - low), 0.0), 1.0) for value in values)
    return "".join(BARS[round(value * steps)] for value in scaled)


def audit_curve(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The project's own curve: the headline score of the audit set after every round."""
    if len(history) < 2:
        return []
    name = next(iter(history[0]["scores"]))
    values = [entry["scores"][name][0] for entry in history]
    first, last = history[0], history[-1]
    return [
        f"curve       {sparkline(values)}  {name} on the audit set, "
        f"{first['labels']} to {last['labels']} labels learned from: {values[0]:.0%} to {values[-1]:.0%}"
    ]
