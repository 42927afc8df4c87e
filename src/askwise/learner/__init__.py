"""Learners: what is asked of one, the default, committees, and the adapter through which all are used."""

from __future__ import annotations

from .adapt import Model, fit_learner
from .committee import Committee
from .linear import LinearHead
from .protocol import CAPABILITIES, Learner, capabilities

__all__ = ["CAPABILITIES", "Committee", "Learner", "LinearHead", "Model", "capabilities", "fit_learner"]
