"""Example inputs for any part of the vocabulary: seeded, and telling one story.

The probabilities are the mean of the samples, the labelled items come from the same classes as the candidates, and
every value is exact in float32, so that the float32 and the float64 pool are the same pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..strategy import INPUTS

Values: TypeAlias = Any  # arithmetic of NumPy arrays is Any to the type checker
AXIS = {word: row.axis for word, row in INPUTS.items() if row.axis is not None}
CLASSES = ("proba", "samples", "decision", "labeled_proba", "target_samples")
PROBABILITIES = ("proba", "samples", "labeled_proba", "target_samples")
ARRAYS = tuple(word for word, row in INPUTS.items() if row.is_array)
NUMBERS = tuple(w for w, row in INPUTS.items() if row.content in ("numbers", "positive", "not negative"))


@dataclass(frozen=True)
class Pool:
    """n candidates, and every input of the vocabulary about them."""

    n: int
    arrays: dict[str, Values]

    def of(self, needs: tuple[str, ...]) -> dict[str, Values]:
        """Fresh copies of the arrays that are needed."""
        return {word: self.arrays[word].copy() for word in needs if word in self.arrays}

    def map(self, change: Callable[[str, Values], Values], words: tuple[str, ...] | None = None) -> Pool:
        """The pool with the arrays of these words (or all) changed; n follows."""
        arrays = {w: change(w, a) if words is None or w in words else a for w, a in self.arrays.items()}
        return Pool(len(arrays["embedding"]), arrays)

    def rows(self, positions: Any) -> Pool:
        """The candidates at these positions, in that order."""
        chosen = np.asarray(positions)
        return self.map(lambda word, array: np.take(array, chosen, axis=AXIS[word]), tuple(AXIS))

    def cast(self, dtype: str) -> Pool:
        """The same pool in another floating-point type."""
        return self.map(lambda word, array: array if word == "labels" else array.astype(dtype))

    def scaled(self, factor: float) -> Pool:
        """Everything that is not a probability, multiplied."""
        return self.map(lambda _, array: array * np.asarray(factor, array.dtype), NUMBERS)

    def unlabelled(self) -> Pool:
        """Before the first answer: nothing labelled, and a model that knows nothing."""

        def forget(word: str, array: Values) -> Values:
            if INPUTS[word].letters[0][0] == "m":
                return array[:0]
            if word == "decision":
                return np.zeros_like(array)
            return np.full_like(array, 1 / array.shape[-1]) if word in CLASSES else array

        return self.map(forget)

    def one_class(self, C: int) -> Pool:
        """C classes, of which the first is certain everywhere and the only one answered."""

        def sure(word: str, array: Values) -> Values:
            if word == "labels":
                return np.zeros_like(array)
            shaped = np.zeros((*array.shape[:-1], C), array.dtype)
            shaped[..., 0] = 1
            return shaped

        return self.map(sure, (*CLASSES, "labels"))

    def certain(self) -> Pool:
        """Probabilities of exactly 0 and 1, as an over-confident model gives them."""

        def harden(word: str, array: Values) -> Values:
            return np.eye(array.shape[-1], dtype=array.dtype)[array.argmax(axis=-1)]

        return self.map(harden, PROBABILITIES)

    def without_last_class(self) -> Pool:
        """The last class never answered and impossible to the model: as if not seen yet."""

        def drop(word: str, array: Values) -> Values:
            if word == "labels":
                return np.minimum(array, self.arrays["proba"].shape[-1] - 2)
            if word == "decision":
                return np.concatenate([array[:, :-1], array.min(axis=1, keepdims=True) - 1], axis=1)
            rest = array[..., :-1] / array[..., :-1].sum(axis=-1, keepdims=True)
            return np.concatenate([rest, np.zeros_like(array[..., -1:])], axis=-1)

        return self.map(drop, (*CLASSES, "labels"))

    def renamed(self, order: Values) -> Pool:
        """The same pool with its classes numbered in another order."""
        number = np.argsort(order)

        def rename(word: str, array: Values) -> Values:
            return number[array] if word == "labels" else array[..., order]

        return self.map(rename, (*CLASSES, "labels"))


def example(
    n: int = 40,
    *,
    m: int = 8,
    t: int = 6,
    C: int = 4,
    S: int = 5,
    d: int = 6,
    seed: int = 0,
    dtype: str = "float64",
) -> Pool:
    """A pool of C overlapping clusters seen by S linear models.

    >>> pool = example(n=10, C=3, S=2)
    >>> pool.arrays["samples"].shape, pool.arrays["proba"].shape
    ((2, 10, 3), (10, 3))
    """
    rng = np.random.default_rng([seed, n])
    centres = rng.normal(size=(C, d)) * 1.5
    weights = centres.T + rng.normal(size=(S, d, C)) * 0.5

    def items(count: int) -> tuple[Values, Values]:
        classes = np.resize(np.arange(C), count)
        return classes, centres[classes] + rng.normal(size=(count, d))

    def logits(x: Values) -> Values:
        return (x @ weights - 0.5 * (centres**2).sum(axis=1)) / np.sqrt(d)

    def probabilities(x: Values) -> Values:
        raised = np.exp(logits(x) - logits(x).max(axis=-1, keepdims=True))
        return raised / raised.sum(axis=-1, keepdims=True)

    _, embedding = items(n)
    labels, labeled_embedding = items(m)
    _, target_embedding = items(t)
    samples = probabilities(embedding)
    arrays = {
        "proba": samples.mean(axis=0),
        "samples": samples,
        "decision": logits(embedding).mean(axis=0),
        "mean": embedding @ weights[0, :, 0],
        "std": 0.1 + rng.random(n),
        "embedding": embedding,
        "labeled_embedding": labeled_embedding,
        "labels": labels,
        "labeled_proba": probabilities(labeled_embedding).mean(axis=0),
        "predicted_loss": rng.exponential(size=n),
        "target_samples": probabilities(target_embedding),
        "target_embedding": target_embedding,
        "cost": 0.5 + rng.exponential(size=n),
    }
    return Pool(n, {w: a if w == "labels" else a.astype("float32").astype(dtype) for w, a in arrays.items()})
