"""Whatever the caller has, as floating-point arrays of one library on one device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, is_numpy_array

from ..errors import ContractError
from ..xp import Array, from_numpy
from .vocabulary import INPUTS, Input

EXACT_IN_FLOAT32 = frozenset({"bool", "uint8", "int8", "uint16", "int16"})
HALF = frozenset({"float16", "bfloat16"})


def convert(name: str, row: Input, value: Any) -> Array:
    """`value` as an array of floats (labels keep their integers); arrays of floats are not copied.

    Raises
    ------
    ContractError
        If it is sparse, masked, ragged, complex or not numeric.
    """
    if hasattr(value, "toarray"):
        raise ContractError(
            f"{name}: {row.name} is a sparse matrix; expected a dense array {row.shape}: x.toarray()"
        )
    if getattr(value, "requires_grad", False):
        value = value.detach()
    if not is_array_api_obj(value) or is_numpy_array(value):
        return _numpy(name, row, value)
    kind = str(value.dtype).rpartition(".")[2]
    xp = array_namespace(value)
    if row.content == "labels" and not xp.isdtype(value.dtype, "real floating"):
        return xp.astype(value, xp.int64, copy=False)
    if xp.isdtype(value.dtype, "complex floating"):
        raise _not_numeric(name, row, value.dtype)
    if kind in EXACT_IN_FLOAT32 | HALF:
        return xp.astype(value, xp.float32)
    return value if xp.isdtype(value.dtype, "real floating") else xp.astype(value, xp.float64)


def _numpy(name: str, row: Input, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise ContractError(
                f"{name}: {row.name} has masked values; fill them (x.filled(...)) or drop those rows"
            )
        value = value.data
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ContractError(
            f"{name}: {row.name} is not an array: {error}; expected {row.shape}: {row.hint}"
        ) from None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise _not_numeric(name, row, array.dtype) from None
    if array.dtype.kind not in "fiub":
        raise _not_numeric(name, row, array.dtype)
    if row.content == "labels" and array.dtype.kind != "f":
        return array.astype(np.int64, copy=False)
    if array.dtype.name in EXACT_IN_FLOAT32 | HALF:
        return array.astype(np.float32)
    if array.dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        return array
    # Other integers, long doubles and foreign byte orders.
    return array.astype(np.float32 if array.dtype.kind == "f" and array.dtype.itemsize == 4 else np.float64)


def _not_numeric(name: str, row: Input, dtype: Any) -> ContractError:
    return ContractError(f"{name}: {row.name} has values of type {dtype}; expected real numbers: {row.hint}")


def is_half(value: Any) -> bool:
    """Whether the values came in 16 bits, in which probabilities sum to 1 less exactly."""
    return str(getattr(value, "dtype", "")).rpartition(".")[2] in HALF


def of_one_library(name: str, given: dict[str, Any], words: Iterable[str]) -> dict[str, Array]:
    """The inputs of these words as arrays of one library, on one device; lists follow the arrays beside them.

    Raises
    ------
    ContractError
        If arrays of two libraries or devices meet: which one should be copied is the caller's decision.
    """
    arrays = {word: convert(name, INPUTS[word], given[word]) for word in words}
    owners = [word for word in arrays if is_array_api_obj(given[word])]
    if not owners:
        return arrays
    first = owners[0]
    for word in owners[1:]:
        here, there = _home(arrays[first]), _home(arrays[word])
        if here != there:
            raise ContractError(
                f"{name}: {first} is {here}, {word} is {there}; pass all in one library and on one device"
            )
    for word, array in arrays.items():
        if word not in owners:
            arrays[word] = from_numpy(array, like=arrays[first])
    for word, array in arrays.items():
        model = arrays.get(INPUTS[word].like or "")
        if model is not None and array.dtype != model.dtype:
            arrays[word] = array_namespace(array).astype(array, model.dtype)
    return arrays


def _home(array: Array) -> str:
    if is_numpy_array(array):
        return "NumPy"
    library = array_namespace(array).__name__.rpartition("array_api_compat.")[2]
    return f"{library} on {device(array)}"


def protected(array: Array) -> Array:
    """The same numbers, which the function cannot overwrite in the caller's array (NumPy only)."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view
