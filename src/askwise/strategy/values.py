"""Every value of an input looked at in one pass of small blocks; the exact culprit only once there is one."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from array_api_compat import device

from ..errors import ContractError
from ..xp import Array, namespace, row_blocks, to_numpy
from .vocabulary import INPUTS

# A block that stays in the processor's cache: the row sums and the minimum then cost one pass over memory.
BLOCK_BYTES = 2 << 20
ROUNDING = 1e-6


def check_values(name: str, word: str, array: Array, *, tolerance: float = 1e-3) -> None:
    """Refuse NaN, infinities, and what the input's row in the vocabulary forbids.

    A sum of a row is NaN or infinite if one of its values is, so that row sums (one matrix-vector product)
    find every such row and tell probabilities from logits, without a temporary as large as the input.

    Raises
    ------
    ContractError
        Naming the first row at fault.
    """
    content = INPUTS[word].content
    for start, block in _blocks(array, word):
        with np.errstate(all="ignore"):
            good = _looks_good(block, content, tolerance)
        if not good:
            _diagnose(name, word, to_numpy(block), start, tolerance)


def _blocks(array: Array, word: str) -> Iterator[tuple[int, Array]]:
    axis = _row_axis(word)
    rows = array.shape[axis]
    if not rows:
        return
    bytes_per_row = 8 * prod(array.shape) // rows
    before = (slice(None),) * axis
    for part in row_blocks(rows, bytes_per_row, limit=BLOCK_BYTES):
        yield part.start, array[(*before, part, ...)]


def _row_axis(word: str) -> int:
    return 1 if INPUTS[word].letters[0][0] == "S" else 0


def _looks_good(block: Array, content: str, tolerance: float) -> bool:
    xp = namespace(block)
    if content == "labels" and not xp.isdtype(block.dtype, "real floating"):
        return True
    sums = block
    if block.ndim > 1:
        sums = xp.matmul(block, xp.ones(block.shape[-1], dtype=block.dtype, device=device(block)))
    if content == "probabilities":
        return bool(xp.all(xp.abs(sums - 1) <= tolerance)) and bool(xp.min(block) >= -ROUNDING)
    if not bool(xp.all(xp.isfinite(sums))):
        return False
    if content == "positive":
        return bool(xp.min(block) > 0)
    return content != "not negative" or bool(xp.min(block) >= 0)


def _diagnose(name: str, word: str, block: np.ndarray[Any, Any], start: int, tolerance: float) -> None:
    """Raise for the first row at fault; return if the row sums only overflowed."""
    row_input = INPUTS[word]
    axis = _row_axis(word)
    values = np.moveaxis(block, axis, 0)
    each_row = tuple(range(1, values.ndim))

    def first(bad: np.ndarray[Any, Any]) -> tuple[int, tuple[int, ...]] | None:
        rows = np.flatnonzero(bad.any(axis=each_row) if each_row else bad)
        if not rows.size:
            return None
        row = int(rows[0])
        return row, tuple(int(i[0]) for i in np.nonzero(bad[row])) if each_row else ()

    def place(row: int, rest: tuple[int, ...]) -> str:
        sample = f" of sample {rest[0]}" if axis == 1 else ""
        column = f", column {rest[-1]}," if values.ndim > 1 else ""
        return f"{word} row {start + row}{column}{sample}"

    if found := first(~np.isfinite(values)):
        row, rest = found
        raise ContractError(
            f"{name}: {place(row, rest)} is {values[(row, *rest)]}; expected finite {row_input.shape}: "
            f"replace NaN and infinities, or leave those rows out"
        )
    if row_input.content == "probabilities":
        if found := first(values < -ROUNDING):
            row, rest = found
            raise ContractError(
                f"{name}: {place(row, rest)} is {values[(row, *rest)]:.4g}; expected {row_input.shape} in "
                f"[0, 1]: pass probabilities, not logits"
            )
        sums = values.sum(axis=-1)
        wrong = np.abs(sums - 1) > tolerance
        rows = np.flatnonzero(wrong.any(axis=1) if axis == 1 else wrong)
        if rows.size:
            row = int(rows[0])
            sample = int(np.flatnonzero(wrong[row])[0]) if axis == 1 else None
            where = f"{word} row {start + row}" + ("" if sample is None else f" of sample {sample}")
            total = float(sums[row] if sample is None else sums[row, sample])
            raise ContractError(
                f"{name}: {where} sums to {total:.4g}; expected {row_input.shape} with rows summing to 1: "
                f"pass probabilities, not logits"
            )
    bound = {"positive": values <= 0, "not negative": values < 0}.get(row_input.content)
    if bound is not None and (found := first(bound)):
        row, rest = found
        raise ContractError(
            f"{name}: {place(row, rest)} is {values[(row, *rest)]:.4g}; expected {row_input.content} values: "
            f"{row_input.hint}"
        )


def check_labels(name: str, labels: Array, C: int) -> Array:
    """Class positions as integers in [0, C).

    Raises
    ------
    ContractError
        If a label is not one of the C classes of the probabilities beside it.
    """
    values = to_numpy(labels)
    wrong = np.flatnonzero((values != np.floor(values)) | (values < 0) | (values >= C))
    if wrong.size:
        raise ContractError(
            f"{name}: labels row {int(wrong[0])} is {values[wrong[0]]}; expected one of the {C} classes of "
            f"the probabilities: {INPUTS['labels'].hint}"
        )
    xp = namespace(labels)
    return labels if labels.dtype == xp.int64 else xp.astype(labels, xp.int64)
