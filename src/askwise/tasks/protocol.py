"""What the project asks of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..learner import Learner


@dataclass(frozen=True, slots=True)
class Score:
    """A number measured on the audit set, with the interval that it deserves."""

    name: str
    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


class Task(Protocol):
    """Says what a valid answer is, how opinions merge, and which score judges the predictions."""

    @property
    def outputs(self) -> int:
        """The number of columns C of the learner's probabilities."""
        ...

    @property
    def strategy(self) -> str:
        """The query strategy used when none is named."""
        ...

    def spec(self) -> dict[str, Any]:
        """Plain JSON from which `task_from_spec` makes the same task."""
        ...

    def describe(self) -> str:
        """One readable line."""
        ...

    def learner(self) -> Learner:
        """The learner used when none is given."""
        ...

    def check(self, value: Any) -> Any:
        """The answer in its stored form; raises ContractError with the reason if it is not valid."""
        ...

    def merge(self, values: Sequence[Any]) -> Any:
        """One answer from several people's, oldest first."""
        ...

    def targets(self, values: Sequence[Any]) -> NDArray[np.int64]:
        """What the learner is fitted on."""
        ...

    def predict(self, proba: NDArray[np.floating[Any]]) -> list[Any]:
        """The answers that the probabilities speak for, one a row."""
        ...

    def score(
        self, values: Sequence[Any], proba: NDArray[np.floating[Any]], *, seed: int
    ) -> tuple[Score, ...]:
        """How well the probabilities agree with the answers; the first score is the headline."""
        ...

    def summary(self, values: Sequence[Any]) -> dict[str, int]:
        """How often each answer was given."""
        ...

    def choices(self) -> tuple[str, ...]:
        """The answers that one key can give."""
        ...
