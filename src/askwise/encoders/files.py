"""Writing a file so that it is either there whole or not there at all, also after a power cut or with a full disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError

TEMPORARY = ".tmp"
LOCK = ".lock"
READ_BYTES = 2**20


class NpyFile:
    """An .npy file that grows block by block under a temporary name and appears whole: fsync, rename, fsync.

    As a context manager it removes the temporary file on the way out, so that only `finish` leaves anything behind.

    Parameters
    ----------
    path
        The final name; what is there is replaced.
    shape, dtype
        Of the whole array.

    Raises
    ------
    EncoderError
        If the disk is full or cannot be written; in `write` and `finish` too.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, NpyFile(Path(folder, "x.npy"), (2,), np.dtype("<i4")) as file:
    ...     file.write(np.array([1, 2]))
    ...     digest = file.finish()
    ...     print(np.load(file.path), digest == checksum(file.path))
    [1 2] True
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path
        self.shape = shape
        self._dtype = dtype
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        self._state = blake2b(digest_size=16)
        self._rows = 0
        with self._told():
            self._file = self._temporary.open("wb")
            self._put(_header(shape, dtype))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def write(self, block: NDArray[Any]) -> None:
        """Append rows."""
        with self._told():
            self._put(np.ascontiguousarray(block, dtype=self._dtype).data.cast("B"))
        self._rows += len(block)

    def finish(self) -> str:
        """Give the file its name, durably; returns its `checksum`."""
        if self._rows != self.shape[0]:
            raise EncoderError(f"{self.path}: {self._rows:,} rows came, {self.shape[0]:,} were expected")
        with self._told():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self.path)
            sync_folder(self.path.parent)
        return self._state.hexdigest()

    def _put(self, content: bytes | memoryview) -> None:
        self._file.write(content)
        self._state.update(content)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.__exit__()
            raise EncoderError(
                f"cannot write embeddings to {self.path.parent}: {(error.strerror or str(error)).lower()}; "
                "nothing of this shard was recorded. Make room and try again: finished shards are kept"
            ) from error


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    from io import BytesIO

    out = BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return out.getvalue()


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder last through a power cut (where the system can)."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(path: Path) -> str:
    """128 bits of BLAKE2b over the whole file, in hex."""
    return _digest(path, blake2b(digest_size=16))


def file_sha256(path: Path) -> str:
    """The checksum that publishers of models give."""
    return _digest(path, sha256())


def _digest(path: Path, state: Any) -> str:
    with path.open("rb") as file:
        while content := file.read(READ_BYTES):
            state.update(content)
    return str(state.hexdigest())


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, waiting for another process that writes there, and clear away what a killed one left.

    The operating system lets go of the lock when its holder dies, however it dies.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("ab") as file:
            _lock(file.fileno())
            for leftover in folder.glob(f".*{TEMPORARY}"):
                leftover.unlink(missing_ok=True)
            yield
    except OSError as error:
        raise EncoderError(
            f"cannot write embeddings to {folder}: {(error.strerror or str(error)).lower()}"
        ) from error


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
