"""What a simulation found: every run, the curves over the seeds, and the comparison with random choice."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import ContractError
from ..evaluation import Estimate, aubc, labels_to_reach, mean_interval, paired_difference

SHARES = (0.0, 1.0)
"""The range of an accuracy."""
BASELINE = "random"
METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True, slots=True)
class Run:
    """One strategy under one seed.

    Attributes
    ----------
    labels
        Numbers of labels at which was measured.
    accuracy, macro_f1
        On the test set, at each.
    picked
        The rows of X in the order in which they were labelled; as many as the budget.
    choosing, fitting
        Seconds spent in all.
    """

    strategy: str
    seed: int
    labels: tuple[int, ...]
    accuracy: tuple[float, ...]
    macro_f1: tuple[float, ...]
    picked: tuple[int, ...]
    choosing: float
    fitting: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean over seeds at each number of labels, and the ends of its 95 % interval (NaN for one seed)."""

    labels: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Simulation:
    """The outcome of `simulate`.

    Attributes
    ----------
    runs
        One a strategy and seed.
    settings
        What was simulated, as plain JSON.

    Examples
    --------
    >>> run = Run("random", 0, (10, 20), (0.5, 0.7), (0.5, 0.7), (), 0.0, 0.0)
    >>> Simulation((run,), {}).curves["random"].mean
    (0.5, 0.7)
    """

    runs: tuple[Run, ...]
    settings: dict[str, Any]

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies, in the order given."""
        return tuple(dict.fromkeys(run.strategy for run in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, ascending."""
        return tuple(dict.fromkeys(run.seed for run in self.runs))

    @property
    def labels(self) -> tuple[int, ...]:
        """The numbers of labels at which was measured."""
        return self.runs[0].labels

    def scores(self, strategy: str, metric: str = "accuracy") -> NDArray[np.float64]:
        """The metric of every seed at every number of labels, (seeds, R)."""
        if strategy not in self.strategies:
            raise ContractError(f"no strategy {strategy!r} here; there are {', '.join(self.strategies)}")
        if metric not in METRICS:
            raise ContractError(f"unknown metric {metric!r}; known: {', '.join(METRICS)}")
        return np.array([getattr(run, metric) for run in self.runs if run.strategy == strategy])

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """The accuracy of each strategy, over the seeds."""
        return {strategy: self.curve(strategy) for strategy in self.strategies}

    def curve(self, strategy: str, metric: str = "accuracy") -> Curve:
        """The metric of one strategy, over the seeds."""
        points = [mean_interval(column, within=SHARES) for column in self.scores(strategy, metric).T]
        return Curve(
            self.labels,
            tuple(point.value for point in points),
            tuple(point.low for point in points),
            tuple(point.high for point in points),
        )

    def aubc(self, strategy: str, metric: str = "accuracy") -> NDArray[np.float64]:
        """The area under the budget curve of every seed, (seeds,)."""
        return np.array([aubc(self.labels, row) for row in self.scores(strategy, metric)])

    def difference(self, strategy: str, other: str = BASELINE, metric: str = "accuracy") -> Estimate:
        """The mean difference of the areas under the budget curves, over pairs of the same seed."""
        return paired_difference(self.aubc(strategy, metric), self.aubc(other, metric))

    def labels_to_reach(self, strategy: str, target: float, metric: str = "accuracy") -> int | None:
        """The first number of labels at which the mean curve is at `target`; None if it never is."""
        return labels_to_reach(self.labels, self.curve(strategy, metric).mean, target)

    def summary(self) -> str:
        """A table and small curves, as text."""
        from .text import summary

        return summary(self)

    def plot(self, path: str | Path) -> None:
        """Draw the curves with their intervals; the ending of `path` decides the format (.png, .svg, .pdf)."""
        from .plot import draw

        draw(self, Path(path))

    def to_json(self) -> str:
        """Everything, as JSON: settings, runs, curves, and the paired differences from random."""
        compared = [name for name in self.strategies if BASELINE in self.strategies and name != BASELINE]
        return json.dumps(
            _plain(
                {
                    "askwise": __version__,
                    "settings": self.settings,
                    "curves": {name: asdict(curve) for name, curve in self.curves.items()},
                    "aubc": {name: asdict(mean_interval(self.aubc(name))) for name in self.strategies},
                    "over_random": {name: asdict(self.difference(name)) for name in compared},
                    "runs": [asdict(run) for run in self.runs],
                }
            ),
            indent=1,
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Simulation:
        """The simulation that `to_json` wrote."""
        found = json.loads(text)
        return cls(tuple(Run(**_tuples(run)) for run in found["runs"]), found["settings"])

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")


def _tuples(run: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in run.items()}


def _plain(value: Any) -> Any:
    """JSON knows no NaN: an interval that is not there is null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
