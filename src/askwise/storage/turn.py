"""Whose turn it is to write to a file, when several processes want to.

SQLite lets in whoever happens to look when the lock is free, and those who wait look ever more rarely: with eight
busy processes one waits for seconds. A lock of the operating system wakes who waits, in order. It only makes
the waiting fair. That no two write at once is SQLite's own affair, so where there is no such lock, or no place for
its file, nothing but the order is lost.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Turn:
    """A lock file; the kernel lets go of it when its process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for the turn, and pass it on at the end."""
        if sys.platform == "win32":
            yield
            return
        import fcntl

        with suppress(OSError):
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if self._file is not None:
                with suppress(OSError):
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file. The file itself stays: whoever waits for it would wait for another than who comes later."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
