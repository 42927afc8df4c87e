"""The pool's dense columns: one embedding a row, spread over immutable shards, read without loading them all.

Nothing here knows of labels, encoders or storage. A shard is any array with rows; in a project it is a memory map,
so that a million embeddings cost no memory until somebody asks for them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ContractError, EncoderError

Scratch: TypeAlias = Callable[[tuple[int, int]], NDArray[np.float32]]

MEMORY_LIMIT = 512 * 2**20
GATHER_BYTES = 32 * 2**20


def scratch_map(shape: tuple[int, int], folder: str | os.PathLike[str] | None = None) -> NDArray[np.float32]:
    """A writable float32 memory map of that shape, backed by a file that has no name.

    Parameters
    ----------
    shape : (rows, columns)
    folder
        Where the file lies while it lives; the system's temporary folder if None (which may itself be memory).

    Raises
    ------
    EncoderError
        If the disk has no room: the space is claimed at once, since a full disk discovered while writing to a
        memory map would end the process.

    Examples
    --------
    >>> scratch = scratch_map((3, 2))
    >>> scratch[1] = 5.0
    >>> scratch.shape, float(scratch.sum())
    ((3, 2), 10.0)
    """
    size = max(1, shape[0] * shape[1] * 4)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            flat = np.memmap(file, dtype=np.float32, mode="r+", shape=(shape[0] * shape[1] or 1,))
    except OSError as error:
        place = folder if folder is not None else tempfile.gettempdir()
        raise EncoderError(
            f"no room for {size / 2**30:.1f} GB of temporary embeddings in {place}: {error.strerror or error}"
        ) from error
    return flat[: shape[0] * shape[1]].reshape(shape)


@dataclass(frozen=True, eq=False)
class Features:
    """The embeddings of a pool: row i of the pool is row ``offset[i]`` of ``shards[partition[i]]``.

    Parameters
    ----------
    shards
        Arrays of shape (rows, d), float32; usually memory maps.
    partition, offset : (n,) integers
        Where each row of the pool lies.
    encoder
        The key under which the manifest knows these shards ("" if they come from nowhere).
    memory_limit
        `rows` returns larger results as a memory map made by `scratch` instead of memory.
    scratch
        Makes a writable float32 array of a given shape.

    Raises
    ------
    ContractError
        If shards disagree in width, or a row points outside its shard.

    Examples
    --------
    >>> import numpy as np
    >>> even, odd = np.float32([[0, 0], [2, 2]]), np.float32([[1, 1]])
    >>> features = Features([even, odd], np.array([0, 1, 0]), np.array([0, 0, 1]))
    >>> features.n, features.d
    (3, 2)
    >>> features.rows([2, 1])
    array([[2., 2.],
           [1., 1.]], dtype=float32)
    """

    shards: Sequence[NDArray[np.float32]]
    partition: NDArray[np.integer[Any]]
    offset: NDArray[np.integer[Any]]
    encoder: str = ""
    memory_limit: int = MEMORY_LIMIT
    scratch: Scratch = scratch_map

    def __post_init__(self) -> None:
        if len(self.shards) == 0:
            raise ContractError("features need at least one shard")
        widths = {shard.shape[1] if shard.ndim == 2 else None for shard in self.shards}
        if len(widths) != 1 or None in widths:
            raise ContractError(
                f"shards must all be (rows, d) with one d; got {[s.shape for s in self.shards]}"
            )
        if self.partition.ndim != 1 or self.partition.shape != self.offset.shape:
            raise ContractError(
                f"partition {self.partition.shape} and offset {self.offset.shape} must both be (n,)"
            )
        if self.n and not 0 <= int(self.partition.min()) <= int(self.partition.max()) < len(self.shards):
            raise ContractError(f"partition names shards outside 0..{len(self.shards) - 1}")
        sizes = np.array([len(shard) for shard in self.shards])
        if self.n and (int(self.offset.min()) < 0 or bool(np.any(self.offset >= sizes[self.partition]))):
            raise ContractError("offset points outside its shard")

    @classmethod
    def from_array(cls, embedding: ArrayLike, **settings: Any) -> Features:
        """Features over one array in the pool's own order.

        Parameters
        ----------
        embedding : (n, d)

        Examples
        --------
        >>> Features.from_array([[1.0], [2.0]]).rows([1])
        array([[2.]], dtype=float32)
        """
        values = np.asarray(embedding, dtype=np.float32)
        n = len(values)
        return cls([values], np.zeros(n, dtype=np.int32), np.arange(n), **settings)

    @property
    def n(self) -> int:
        """How many rows the pool has."""
        return len(self.partition)

    @property
    def d(self) -> int:
        """How many numbers an embedding has."""
        return int(self.shards[0].shape[1])

    def rows(self, index: ArrayLike | None = None) -> NDArray[np.float32]:
        """The embeddings of these rows of the pool, in the order given.

        Parameters
        ----------
        index : (b,) integers in [0, n), optional
            All rows if left out.

        Returns
        -------
        (b, d) float32
            A copy in memory; above `memory_limit` bytes a temporary memory map, or, where the rows already lie in
            this order on the disk, a read-only view of the shard.

        Raises
        ------
        ContractError
            If an index is not an integer or lies outside the pool.
        """
        positions = self._positions(index)
        size = len(positions) * self.d * 4
        if size <= self.memory_limit:
            out = np.empty((len(positions), self.d), dtype=np.float32)
        else:
            view = self._in_place(positions)
            if view is not None:
                return view
            out = self.scratch((len(positions), self.d))
        step = max(1, GATHER_BYTES // max(1, 4 * self.d))
        for start in range(0, len(positions), step):
            self._gather(positions[start : start + step], out[start : start + step])
        return out

    def blocks(self, index: ArrayLike | None = None, size: int = 65_536) -> Iterator[NDArray[np.float32]]:
        """The same rows in blocks of at most `size`, one after another, so that few are in memory at a time.

        Examples
        --------
        >>> [len(block) for block in Features.from_array([[1.0], [2.0], [3.0]]).blocks(size=2)]
        [2, 1]
        """
        if size < 1:
            raise ContractError(f"size must be at least 1, not {size}")
        positions = self._positions(index)
        for start in range(0, len(positions), size):
            part = positions[start : start + size]
            out = np.empty((len(part), self.d), dtype=np.float32)
            self._gather(part, out)
            yield out

    def _positions(self, index: ArrayLike | None) -> NDArray[np.intp]:
        if index is None:
            return np.arange(self.n)
        positions = np.asarray(index)
        if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
            raise ContractError(
                f"index must be (b,) integers, not {positions.dtype} of shape {positions.shape}"
            )
        if positions.size and not 0 <= int(positions.min()) <= int(positions.max()) < self.n:
            wrong = positions[(positions < 0) | (positions >= self.n)][0]
            raise ContractError(f"row {wrong} is outside the pool of {self.n} rows")
        return positions.astype(np.intp, copy=False)

    def _gather(self, positions: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        if len(self.shards) == 1:
            np.take(self.shards[0], self.offset[positions], axis=0, out=out)
            return
        partition = self.partition[positions]
        for number in np.unique(partition):
            mine = np.flatnonzero(partition == number)
            out[mine] = self.shards[number][self.offset[positions[mine]]]

    def _in_place(self, positions: NDArray[np.intp]) -> NDArray[np.float32] | None:
        if len(self.shards) > 1:
            return None
        offset = self.offset[positions]
        if np.any(np.diff(offset) != 1):
            return None
        view = self.shards[0][offset[0] : offset[0] + len(offset)]
        view.flags.writeable = False
        return view


def scratch_in(folder: Path) -> Scratch:
    """A `scratch_map` that keeps its files in `folder` instead of the system's temporary folder.

    Examples
    --------
    >>> import pathlib
    >>> scratch_in(pathlib.Path("."))((1, 2)).shape
    (1, 2)
    """
    return partial(scratch_map, folder=folder)
