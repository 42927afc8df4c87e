"""The conformance suite of storages: what every back end must do for answers to be safe in it.

The checks use the interface alone, so that they say the same about any database. What needs processes that are
killed, or disks that are full, is tested beside each back end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from . import storage_leases, storage_log, storage_pool
from .report import CheckFailed, Report, run_check
from .storage_subject import Place, Subject

CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__: check for part in (storage_pool, storage_log, storage_leases) for check in part.CHECKS
}


class StorageSuite:
    """All checks, to be run on a storage of yours.

    Parameters
    ----------
    new_place
        Makes a place for a project that does not exist yet. A place, called, gives a new `Storage` object for it;
        called twice, two objects for the same project, as two processes would have. The suite closes them.

    Examples
    --------
    >>> import tempfile, uuid
    >>> from pathlib import Path
    >>> from askwise.storage import connect
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     def new_place():
    ...         path = Path(folder) / f"{uuid.uuid4().hex}.sqlite"
    ...         return lambda: connect(path)
    ...     report = StorageSuite(new_place).run("SQLite")
    >>> report.ok
    True
    """

    def __init__(self, new_place: Callable[[], Place]) -> None:
        self._new_place = new_place

    def __iter__(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The checks by name; each raises when it fails. For test runners that want to run them one by one."""
        for name, check in CHECKS.items():
            yield name, partial(self._fresh, check)

    def run(self, name: str = "storage") -> Report:
        """Run all checks.

        Raises
        ------
        CheckFailed
            If one failed; the text lists each with its reason.
        """
        report = self.report(name)
        if not report.ok:
            raise CheckFailed(report)
        return report

    def report(self, name: str = "storage") -> Report:
        """Run all checks and say what came out, without raising."""
        return Report(name, tuple(run_check(check, self._fresh, CHECKS[check]) for check in CHECKS))

    def _fresh(self, check: Callable[[Subject], None]) -> None:
        subject = Subject(self._new_place())
        try:
            check(subject)
        finally:
            subject.close()
