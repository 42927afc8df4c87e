"""What a function may return: one finite score a candidate, or k distinct positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device, is_array_api_obj, is_numpy_array
from numpy.typing import NDArray

from ..errors import ContractError
from ..xp import Array, from_numpy, namespace, to_numpy


def _numbers(name: str, value: Any, expected: str) -> NDArray[Any]:
    """`value` on the host; lists and tuples are read as arrays."""
    if value is None:
        raise ContractError(f"{name}: returned None; expected {expected}: is a `return` missing?")
    if not is_array_api_obj(value) and not isinstance(value, list | tuple | range | np.generic):
        raise ContractError(f"{name}: returned {type(value).__name__}; expected {expected}")
    try:
        array = to_numpy(value) if is_array_api_obj(value) else np.asarray(value)
    except ValueError:
        raise ContractError(
            f"{name}: returned a {type(value).__name__} of unequal parts; expected {expected} alone"
        ) from None
    return array


def _stays(value: Any, like: Array | None) -> bool:
    """Whether the value is where the inputs are, so that nothing has to pass through the host."""
    if like is None or is_numpy_array(like) or type(value) is not type(like):
        return False
    return bool(device(value) == device(like))


def check_scores(name: str, value: Any, n: int, start: int, like: Array | None) -> Array:
    """Scores of candidates `start` to `start + n`, in the library of `like`.

    Raises
    ------
    ContractError
        If they are not n finite real numbers.
    """
    expected = f"one score a candidate, shape ({n},)"
    if _stays(value, like) and tuple(value.shape) == (n,):
        xp = namespace(value)
        if xp.isdtype(value.dtype, "real floating") and bool(xp.all(xp.isfinite(value))):
            return value.detach() if getattr(value, "requires_grad", False) else value
    scores = _numbers(name, value, expected)
    if scores.shape != (n,):
        raise ContractError(
            f"{name}: returned shape {scores.shape} for {n} candidates; expected {expected}"
            + (": drop the last axis, scores[:, 0]" if scores.shape == (n, 1) else "")
        )
    if scores.dtype.kind not in "fiub":
        raise ContractError(
            f"{name}: returned values of type {scores.dtype}; expected real numbers, {expected}"
        )
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise ContractError(
            f"{name}: scored candidate {start + row} {scores[row]}; expected a finite score for each: "
            f"mind zero probabilities (0 * log 0) and division by zero"
        )
    return scores if like is None or is_numpy_array(like) else from_numpy(scores, like=like)


def check_positions(name: str, value: Any, k: int, n: int, like: Array | None) -> Array:
    """k distinct positions in [0, n), int64, in the library of `like`.

    Raises
    ------
    ContractError
        If they are anything else; nothing is rounded, cut, filled up or made distinct.
    """
    expected = f"{k} distinct whole numbers from 0 to {n - 1}, shape ({k},)"
    positions = _numbers(name, value, expected)
    if positions.dtype.kind == "b":
        raise ContractError(
            f"{name}: returned a mask of booleans; expected {expected}: numpy.flatnonzero(mask)"
        )
    if positions.dtype.kind not in "iu" and positions.size:
        raise ContractError(f"{name}: returned values of type {positions.dtype}; expected {expected}")
    if positions.shape != (k,):
        raise ContractError(
            f"{name}: returned shape {positions.shape} when asked for {k}; expected {expected}"
            + (": positions alone, without scores" if isinstance(value, tuple) and positions.ndim > 1 else "")
        )
    outside = np.flatnonzero((positions < 0) | (positions >= n))
    if outside.size:
        raise ContractError(
            f"{name}: pick {int(outside[0])} is {positions[outside[0]]}; expected {expected}: positions among "
            f"the candidates, not ids or rows of a larger table"
        )
    seen, counts = np.unique(positions, return_counts=True)
    if seen.size < k:
        twice = seen[counts > 1]
        raise ContractError(
            f"{name}: picked candidate {int(twice[0])} {int(counts[counts > 1][0])} times; expected {expected}"
        )
    positions = positions.astype(np.int64)
    return positions if like is None or is_numpy_array(like) else from_numpy(positions, like=like)
