"""One thread for the many small matrix products of a fit.

Handing a product of a few thousand numbers to several threads costs more than it saves, ten times as much where other
processes want the same cores; and sums that are split differently round differently, so the number of threads would
show in the fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_LOCK = Lock()
_inside = 0
_limits: Any = None


@contextmanager
def single_thread() -> Iterator[None]:
    """Matrix products inside use one thread; may be nested, and entered by several threads at once.

    >>> with single_thread():
    ...     pass
    """
    global _inside, _limits
    with _LOCK:
        # The limit holds for the process: the first to come sets it, the last to leave lifts it.
        if _inside == 0:
            _limits = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if _inside == 0:
                _limits.restore_original_limits()
                _limits = None


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401 - the controller sees the libraries that are loaded when it is made
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
