"""Replay a labelled pool: what would asking well have saved here?"""

from __future__ import annotations

from .replay import simulate
from .result import Curve, Run, Simulation

__all__ = ["Curve", "Run", "Simulation", "simulate"]
