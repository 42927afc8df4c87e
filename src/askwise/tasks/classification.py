"""One class out of a fixed list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import evaluation
from ..errors import ContractError
from ..learner import Learner, LinearHead
from .protocol import Score


@dataclass(frozen=True)
class Classification:
    """Every item gets exactly one of `labels`.

    Raises
    ------
    ContractError
        If there are fewer than two labels, or one is empty or named twice.

    >>> Classification(("cat", "dog")).check("cat")
    'cat'
    """

    labels: tuple[str, ...]

    kind: ClassVar[str] = "classification"
    strategy: ClassVar[str] = "u_coverage"

    def __post_init__(self) -> None:
        if any(not label.strip() for label in self.labels):
            raise ContractError(f"a label is empty: {', '.join(map(repr, self.labels))}")
        twice = [label for label, count in Counter(self.labels).items() if count > 1]
        if twice:
            raise ContractError(f"label {twice[0]!r} is named twice; every label once")
        if len(self.labels) < 2:
            given = f"only {self.labels[0]!r}" if self.labels else "none"
            raise ContractError(f"classification needs at least two labels, got {given}: for example cat,dog")

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Classification:
        return cls(tuple(spec["labels"]))

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind, "labels": list(self.labels)}

    def describe(self) -> str:
        return f"{self.kind}: {', '.join(self.labels)}"

    @staticmethod
    def learner() -> Learner:
        return LinearHead()

    def check(self, value: Any) -> str:
        # A column of whole numbers arrives as 3, "3" or numpy's 3: all three mean the label "3".
        if isinstance(value, bool | np.bool_) or not isinstance(value, str | int | np.integer):
            raise ContractError(f"{value!r} is no label; labels: {', '.join(self.labels)}")
        label = str(value).strip()
        if label not in self.labels:
            lowered = {known.lower(): known for known in self.labels}
            near = get_close_matches(label.lower(), list(lowered), n=1)
            hint = f" (did you mean {lowered[near[0]]!r}?)" if near else ""
            raise ContractError(f"unknown label {label!r}{hint}; labels: {', '.join(self.labels)}")
        return label

    def merge(self, values: Sequence[str]) -> str:
        """The most frequent label; among equally frequent ones the one given last."""
        counts = Counter(values)
        return max(reversed(values), key=lambda value: counts[value])

    def targets(self, values: Sequence[str]) -> NDArray[np.int64]:
        position = {label: index for index, label in enumerate(self.labels)}
        return np.array([position[value] for value in values], dtype=np.int64)

    def predict(self, proba: NDArray[np.floating[Any]]) -> list[str]:
        return [self.labels[index] for index in proba.argmax(axis=1)]

    def score(
        self, values: Sequence[str], proba: NDArray[np.floating[Any]], *, seed: int
    ) -> tuple[Score, ...]:
        truth, guess = self.targets(values), proba.argmax(axis=1)
        accuracy = evaluation.accuracy(truth, guess)
        macro_f1 = evaluation.macro_f1(truth, guess, seed=seed)
        return (
            Score("accuracy", accuracy.value, accuracy.low, accuracy.high, len(truth)),
            Score("macro F1", macro_f1.value, macro_f1.low, macro_f1.high, len(truth)),
        )

    def summary(self, values: Sequence[str]) -> dict[str, int]:
        counts = Counter(values)
        return {label: counts[label] for label in self.labels}

    def choices(self) -> tuple[str, ...]:
        return self.labels
