"""What is simulated on: rows, their classes, and what is held out to measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ContractError

Ints: TypeAlias = NDArray[np.int64]
Test: TypeAlias = "float | tuple[ArrayLike, ArrayLike]"


@dataclass(frozen=True)
class LabeledData:
    """What is simulated on. `held_out` is 0 if the test set was given."""

    X: NDArray[Any]
    y: Ints
    classes: NDArray[Any]
    X_test: NDArray[Any]
    y_test: Ints
    held_out: int

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike, test: Test) -> LabeledData:
        """Check what was given, and turn classes into positions.

        Raises
        ------
        ContractError
            Naming what is wrong and where.
        """
        rows, labels = _matrix(X, "X"), _labels(y, "y", len(np.asarray(X)))
        if not isinstance(test, tuple):
            if not isinstance(test, int | float | np.number) or not 0 < test < 1:
                raise ContractError(f"test must be a share between 0 and 1 or (X_test, y_test), not {test!r}")
            held_out = max(1, round(float(test) * len(rows)))
            test_rows, test_labels = rows[:0], labels[:0]
        else:
            if len(test) != 2:
                raise ContractError(f"test must be (X_test, y_test), got {len(test)} things")
            held_out = 0
            test_rows, test_labels = (
                _matrix(test[0], "X_test"),
                _labels(test[1], "y_test", len(np.asarray(test[0]))),
            )
            if not len(test_rows) or test_rows.shape[1] != rows.shape[1]:
                raise ContractError(f"X_test has shape {test_rows.shape}, X has {rows.shape[1]} columns")
        if len(np.unique(labels)) < 2:
            only = f", only {labels[0]!s}" if len(labels) else ""
            raise ContractError(f"y holds fewer than two classes{only}: there is nothing to tell apart")
        classes, codes = np.unique(np.concatenate([labels, test_labels]), return_inverse=True)
        codes = codes.astype(np.int64)
        return cls(rows, codes[: len(labels)], classes, test_rows, codes[len(labels) :], held_out)

    @property
    def pool_size(self) -> int:
        """The number of items that can be asked."""
        return len(self.y) - self.held_out

    def split(self, rng: np.random.Generator) -> tuple[Ints, NDArray[Any], Ints]:
        """The pool's rows, ascending, and the test set."""
        if not self.held_out:
            return np.arange(len(self.y)), self.X_test, self.y_test
        order = rng.permutation(len(self.y))
        held_out = np.sort(order[: self.held_out])
        return np.sort(order[self.held_out :]), self.X[held_out], self.y[held_out]


def _matrix(X: ArrayLike, name: str) -> NDArray[Any]:
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise ContractError(
            f"{name} must be (n, d) numbers, not {rows.dtype} of shape {rows.shape}; encode texts and images first"
        )
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(wrong):
        raise ContractError(f"{name} row {wrong[0]} holds NaN or an infinite number ({len(wrong)} such rows)")
    return rows


def _labels(y: ArrayLike, name: str, n: int) -> NDArray[Any]:
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ContractError(f"{name} has shape {labels.shape}; there are {n} rows, so it must be ({n},)")
    if labels.dtype.kind == "O":
        missing = [row for row, label in enumerate(labels) if label is None or label != label]
        labels = np.array([str(label) for label in labels])
    else:
        missing = np.flatnonzero(labels != labels).tolist()
    if missing:
        raise ContractError(f"{name}[{missing[0]}] has no label; a simulation needs the label of every item")
    return labels
