"""Rows of numbers from .npy and .npz files, memory-mapped: a million rows are never in memory at once."""

from __future__ import annotations

import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..records import Item
from .base import Kind, Report, Source, as_label, refuse_column, why

BLOCK_BYTES = 8 * 2**20
NO_PICKLE = (
    "holds Python objects (pickled); Askwise never unpickles: save it with a number dtype such as float32"
)


class ArrayFile(Source):
    """The rows of an array of numbers; more than two dimensions are flattened to (n, d).

    Parameters
    ----------
    path
        A .npy file, or a .npz file with an array ``X`` or only one array.
    id, label
        Names of further arrays of a .npz file, each of length n.
    limit
        Use only the first so many rows.

    Notes
    -----
    A label array of a .npz file is used only when it is named: a pool whose labels are imported without being
    asked for would start out answered.
    """

    kind: Kind = "array"

    def __init__(
        self, path: Path, *, id: str | None = None, label: str | None = None, limit: int | None = None
    ) -> None:
        self.path = path
        self._extra: list[str] = []
        if path.suffix.lower() == ".npz":
            arrays = self._open_npz()
        else:
            for role, name in (("id", id), ("label", label)):
                if name is not None:
                    raise SourceError(
                        f"{path}: a .npy file has no {role} column {name!r}; save X and {name} into one .npz file"
                    )
            arrays = {"X": _load(path, path)}
        name = "X" if "X" in arrays else next(iter(arrays))
        self._array = arrays[name]
        self._extra = [other for other in arrays if other not in (name, id, label)]
        self._where = f"{path} array {name!r}" if path.suffix.lower() == ".npz" else str(path)
        self._check()
        n = self._array.shape[0]
        self._ids = self._column(arrays, "id", id, n)
        self._labels = self._column(arrays, "label", label, n)
        self.count = n if limit is None else min(n, limit)
        self._d = prod(self._array.shape[1:])
        if self._ids is not None:
            self._check_ids(self._ids[: self.count])

    def _open_npz(self) -> dict[str, NDArray[Any]]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                if not names:
                    raise SourceError(f"{self.path}: the archive holds no array")
                if "X" not in names and len(names) > 1:
                    raise SourceError(
                        f"{self.path}: expected an array 'X' or only one array; it holds: {', '.join(names)}"
                    )
                # unpacked to disk, since the arrays inside an archive cannot be memory-mapped
                unpacked = Path(tempfile.mkdtemp(prefix="askwise-"))
                weakref.finalize(self, shutil.rmtree, unpacked, ignore_errors=True)
                arrays = {}
                for number, (name, info) in enumerate(names.items()):
                    target = unpacked / f"{number}.npy"
                    with archive.open(info) as packed, target.open("wb") as plain:
                        shutil.copyfileobj(packed, plain, 2**20)
                    arrays[name] = _load(target, self.path, name)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise SourceError(f"{self.path}: not a readable .npz file: {error}") from error
        except OSError as error:
            raise SourceError(f"{self.path}: {why(error)}") from error
        return arrays

    def _check(self) -> None:
        array = self._array
        if array.dtype.kind not in "fiub":
            raise SourceError(f"{self._where}: expected numbers, got dtype {array.dtype}")
        if array.ndim == 0:
            raise SourceError(f"{self._where}: a single number; expected an array of shape (n, d)")
        if array.size == 0:
            raise SourceError(f"{self._where}: the array is empty, shape {array.shape}")

    def _column(
        self, arrays: dict[str, NDArray[Any]], role: str, name: str | None, n: int
    ) -> NDArray[Any] | None:
        if name is None:
            return None
        if name not in arrays:
            refuse_column(self.path, role, name, arrays)
        column = arrays[name]
        if column.shape != (n,):
            raise SourceError(
                f"{self.path}: the {role} array {name!r} has shape {column.shape}; expected ({n},)"
            )
        if column.dtype.kind not in "fiubUS":
            raise SourceError(f"{self.path}: the {role} array {name!r} has dtype {column.dtype}")
        return column

    def _check_ids(self, ids: NDArray[Any]) -> None:
        _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        twice = np.flatnonzero(first[inverse] != np.arange(len(ids)))
        if len(twice):
            row = int(twice[0])
            raise SourceError(
                f"{self.path}: the id {as_label(ids[row].item())!r} is there twice, in rows {first[inverse[row]]} "
                f"and {row}; ids must be unique"
            )

    def describe(self) -> str:
        """One line: the shape, and arrays of the archive that are not used."""
        shape = " × ".join(f"{size:,}" for size in self._array.shape)
        flat = f", flattened to {self._d:,} numbers a row" if self._array.ndim > 2 else ""
        used = f", the first {self.count:,} rows" if self.count != self._array.shape[0] else ""
        extra = f" (not used: {', '.join(self._extra)})" if self._extra else ""
        return f"{self.path}: array of {shape} {self._array.dtype}{flat}{used}{extra}"

    def items(self, report: Report | None = None) -> Iterator[Item]:
        """One item a row; a NaN or an infinite number anywhere is an error that names its row."""
        assert self.count is not None
        step = max(1, BLOCK_BYTES // max(1, self._d * self._array.itemsize))
        for start in range(0, self.count, step):
            block = self._block(start, min(start + step, self.count))
            if block.dtype.kind == "f" and not np.isfinite(block).all():
                row, column = (int(i) for i in np.argwhere(~np.isfinite(block))[0])
                raise SourceError(
                    f"{self._where}: row {start + row}, column {column} is {block[row, column]}; "
                    "every number must be finite"
                )
            for row, hash in enumerate(_row_hashes(block), start):
                id = str(row) if self._ids is None else as_label(self._ids[row].item())
                if id is None:
                    raise SourceError(f"{self.path}: row {row} has an empty id")
                label = None if self._labels is None else as_label(self._labels[row].item())
                yield Item(id=id, row=row, hash=hash, label=label)

    def numbers(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """The rows of these items, read from the memory map and compared with the items' hashes."""
        rows = np.fromiter((item.row for item in items), dtype=np.intp, count=len(items))
        if len(rows) and int(rows.max()) >= self._array.shape[0]:
            raise SourceError(
                f"{self._where}: row {rows.max()} is gone; the file changed since the project was made"
            )
        if len(rows) and np.all(np.diff(rows) == 1):
            block = self._block(int(rows[0]), int(rows[-1]) + 1)
        else:
            block = self._array[rows].reshape(len(rows), -1)
        for item, hash in zip(items, _row_hashes(block), strict=True):
            if item.hash != hash:
                raise SourceError(f"{self._where}: row {item.row} changed since the project was made")
        with np.errstate(
            over="ignore"
        ):  # too large for float32 becomes infinite, which the caller refuses by row
            return block.astype(np.float32)

    def _block(self, start: int, stop: int) -> NDArray[Any]:
        return np.ascontiguousarray(self._array[start:stop]).reshape(stop - start, -1)


def _row_hashes(block: NDArray[Any]) -> Iterator[str]:
    flat = np.ascontiguousarray(block).data.cast("B")
    width = flat.nbytes // max(1, len(block))
    for start in range(0, flat.nbytes, width):
        yield blake2b(flat[start : start + width], digest_size=16).hexdigest()


def _load(file: Path, path: Path, name: str | None = None) -> NDArray[Any]:
    where = f"{path} array {name!r}" if name else str(path)
    try:
        if file.stat().st_size == 0:
            raise SourceError(f"{where}: the file is empty")
        array: Any = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "object" in str(error).lower() or "pickle" in str(error).lower():
            with file.open("rb") as opened:
                numpy_made_it = opened.read(6) == b"\x93NUMPY"
            reason = NO_PICKLE if numpy_made_it else "not a readable .npy file: numpy.save did not write it"
            raise SourceError(f"{where}: {reason}") from error
        raise SourceError(f"{where}: not a readable .npy file: {error}".splitlines()[0]) from error
    except EOFError as error:
        raise SourceError(f"{where}: not a readable .npy file: {error}") from error
    except OSError as error:
        raise SourceError(f"{where}: {why(error)}") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise SourceError(f"{where}: not a .npy file but an archive; name it .npz")
    return array
