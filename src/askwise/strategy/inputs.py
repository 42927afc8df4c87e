"""The inputs of a strategy, checked once: names, shapes, agreement among them, and every value."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from ..errors import ContractError
from ..xp import Array
from .arrays import is_half, of_one_library
from .values import check_labels, check_values
from .vocabulary import INPUTS, did_you_mean

MEANING = {
    "n": "one row a candidate",
    "m": "one row a labelled item",
    "t": "one row a target item",
    "C": "one column a class",
    "S": "one sample of the model a slice",
    "d": "one column a dimension of the embedding",
}
MAY_BE_EMPTY = frozenset({"n", "m"})
FROM_THE_CALL = frozenset({"k", "rng", "n"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about n candidates: arrays by name, and the view if there is one."""

    n: int
    arrays: dict[str, Array]
    view: Any = None

    @property
    def like(self) -> Array | None:
        """An array whose library and device the answer takes; None means NumPy."""
        return next(iter(self.arrays.values()), None)


def check_inputs(name: str, needs: tuple[str, ...], given: dict[str, Any], n: int | None = None) -> Evidence:
    """Check everything that was given against the vocabulary and the needs of one strategy.

    An input that the strategy does not need counts only for the number of candidates, so that one call can
    serve several strategies.

    Raises
    ------
    ContractError
        Naming the strategy, the input, what came, what was expected and what to do.
    """
    for word in given:
        if word not in INPUTS or word in FROM_THE_CALL:
            raise ContractError(
                f"{name}: unknown input {word!r}{did_you_mean(word, INPUTS)}; known: {', '.join(INPUTS)}"
            )
    for word in needs:
        if word not in FROM_THE_CALL and given.get(word) is None:
            row = INPUTS[word]
            raise ContractError(f"{name}: needs {word!r} {row.shape} from {row.source}: {row.hint}")

    words = [word for word in needs if INPUTS[word].is_array]
    arrays = of_one_library(name, given, words)
    sizes = _sizes(name, arrays)
    count = _count(name, given, sizes, n)

    C = next((array.shape[-1] for word, array in arrays.items() if word in ("proba", "samples")), None)
    for word, array in arrays.items():
        check_values(name, word, array, tolerance=1e-2 if is_half(given[word]) else 1e-3)
    if "labels" in arrays and C is not None:
        arrays["labels"] = check_labels(name, arrays["labels"], C)
    return Evidence(count, arrays, given.get("view"))


def whole(name: str, word: str, value: Any, least: int) -> int:
    """`value` as an int, or an error that names it.

    Raises
    ------
    ContractError
        If it is not a whole number of at least `least` (True is not a number here).
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = index(value)
    except TypeError:
        raise ContractError(
            f"{name}: {word} is {value!r}; expected a whole number of at least {least}: {INPUTS[word].hint}"
        ) from None
    if number < least:
        raise ContractError(f"{name}: {word} is {number}; expected at least {least}: {INPUTS[word].hint}")
    return number


def _sizes(name: str, arrays: dict[str, Array]) -> dict[str, tuple[int, str]]:
    """The size of each letter, and the input that settled it."""
    sizes: dict[str, tuple[int, str]] = {}
    for word, array in arrays.items():
        row = INPUTS[word]
        letters = next((option for option in row.letters if len(option) == array.ndim), None)
        if letters is None:
            raise ContractError(
                f"{name}: {word} has shape {tuple(array.shape)}; expected {row.shape}: {row.hint}"
            )
        for letter, size in zip(letters, array.shape, strict=True):
            if size == 0 and letter not in MAY_BE_EMPTY:
                raise ContractError(
                    f"{name}: {word} has shape {tuple(array.shape)}; expected {row.shape} with {letter} at "
                    f"least 1: {row.hint}"
                )
            if word == "decision" and letter == "C" and size == 1:
                continue  # one column stands for two classes, as scikit-learn's binary classifiers give it
            expected, source = sizes.setdefault(letter, (size, word))
            if size != expected:
                raise ContractError(
                    f"{name}: {source} has shape {tuple(arrays[source].shape)}, {word} has shape "
                    f"{tuple(array.shape)}; {letter} is {expected} in one and {size} in the other: both need "
                    f"{MEANING[letter]}"
                )
    return sizes


def _count(name: str, given: dict[str, Any], sizes: dict[str, tuple[int, str]], n: int | None) -> int:
    """The number of candidates, on which everything that was given must agree."""
    known: dict[str, int] = {}
    if n is not None:
        known["n"] = whole(name, "n", n, 0)
    if "n" in sizes:
        known[sizes["n"][1]] = sizes["n"][0]
    for word, value in given.items():
        axis = INPUTS[word].axis
        shape = getattr(value, "shape", None)
        if axis is not None and shape is not None and len(shape) > axis:
            known[word] = int(shape[axis])
    if not known:
        raise ContractError(f"{name}: the number of candidates is unknown: {INPUTS['n'].hint}")
    first, count = next(iter(known.items()))
    for word, other in known.items():
        if other != count:
            raise ContractError(
                f"{name}: {first} says {count} candidates, {word} says {other}: give all the same"
            )
    return count
