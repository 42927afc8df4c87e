"""The conformance suite of query strategies: what every strategy of the catalogue passes, and yours can too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ContractError
from ..strategy import AnyStrategy, as_strategy
from .report import CheckFailed, Outcome, Report, run_check
from .strategy_laws import LAW_CHECKS
from .strategy_pools import POOL_CHECKS
from .subject import Subject

CHECKS: dict[str, Callable[[Subject], str | None]] = {
    check.__name__: check for check in (*LAW_CHECKS, *POOL_CHECKS)
}
"""Every check by name. A check takes a `Subject`, and raises if it finds a fault."""


def check_strategy(strategy: AnyStrategy, raises: bool = True, *, libraries: Sequence[str] = ()) -> Report:
    """Check that a strategy keeps its promises on pools that break most strategies.

    Inputs are made up for whatever the function takes; nothing else is needed. All draws are seeded. It takes
    about a second.

    Parameters
    ----------
    strategy
        A function, a catalogue name, a readable line or a composition.
    raises
        Whether to raise if a check fails; otherwise look at the report's `failed`.
    libraries
        Array libraries that it must work with beside NumPy ("torch", "array_api_strict"). With others that are
        installed it may raise, but where it runs it must pick the same.

    Returns
    -------
    Report
        Which checks passed, failed, or do not apply, each with the reason.

    Raises
    ------
    CheckFailed
        Naming every check that failed, with its reason.

    Examples
    --------
    >>> def least_sure(proba):
    ...     return -proba.max(axis=1)
    >>> check_strategy(least_sure).ok
    True
    >>> def first_ones(k, proba):
    ...     return (-proba.max(axis=1)).argsort()[::-1][:k]
    >>> list(check_strategy(first_ones, raises=False).failed)
    ['ties_at_random']
    """
    try:
        made = as_strategy(strategy)
    except ContractError as error:
        report = Report(str(strategy), (Outcome("made", "failed", str(error)),))
    else:
        report = Report(str(made), tuple(_outcomes(Subject(made, tuple(libraries)))))
    if raises and report.failed:
        raise CheckFailed(report)
    return report


def _outcomes(subject: Subject) -> list[Outcome]:
    if "view" in subject.needs:
        why = "needs a view of a project, which cannot be made up"
        return [Outcome(name, "not applicable", why) for name in CHECKS]
    return [run_check(name, check, subject) for name, check in CHECKS.items()]
