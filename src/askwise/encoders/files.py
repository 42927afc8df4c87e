"""Writing a file so that it is either there whole or not there at all, also after a power cut or with a full disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError

TEMPORARY = ".tmp"
LOCK = ".lock"
READ_BYTES = 2**20


def write_npy(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]
) -> str:
    """Write an .npy file block by block: temporary name, fsync, rename, fsync of the folder.

    Parameters
    ----------
    path
        The final name; what is there is replaced.
    shape, dtype
        Of the whole array.
    blocks
        Consecutive rows.

    Returns
    -------
    str
        The checksum of the file, as `checksum` computes it.

    Raises
    ------
    EncoderError
        If the disk is full or cannot be written; the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    state = blake2b(digest_size=16)
    try:
        with temporary.open("wb") as file:
            file.write(_header(shape, dtype))
            state.update(_header(shape, dtype))
            written = 0
            for block in blocks:
                content = np.ascontiguousarray(block, dtype=dtype).data.cast("B")
                file.write(content)
                state.update(content)
                written += len(block)
            if written != shape[0]:
                raise EncoderError(f"{path}: {written:,} rows came, {shape[0]:,} were expected")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise EncoderError(
            f"cannot write embeddings to {path.parent}: {(error.strerror or str(error)).lower()}; "
            "nothing was recorded. Make room and try again: finished shards are kept"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return state.hexdigest()


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
