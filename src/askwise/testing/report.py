"""What a conformance suite found, check by check, readable by the person whose code was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from ..errors import AskwiseError

Verdict: TypeAlias = Literal["passed", "failed", "not applicable"]


class NotApplicable(Exception):
    """The check has nothing to check here; its text says why."""


class Broken(Exception):
    """The check found a fault; its text says which."""


def broken(reason: str) -> NoReturn:
    """End a check: the fault is found."""
    raise Broken(reason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check's name, its verdict and the reason for it."""

    check: str
    verdict: Verdict
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.verdict}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Report:
    """All outcomes of one suite run on one subject.

    >>> report = Report("mine", (Outcome("whole_pool", "passed"), Outcome("memory", "failed", "n x n")))
    >>> report.ok, report.failed
    (False, {'memory': 'n x n'})
    >>> print(report)
    mine: 1 of 2 checks failed
      memory: n x n
    """

    subject: str
    outcomes: tuple[Outcome, ...]

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def passed(self) -> tuple[str, ...]:
        """The names of the checks that passed."""
        return tuple(outcome.check for outcome in self.outcomes if outcome.verdict == "passed")

    @property
    def failed(self) -> dict[str, str]:
        """The checks that failed, with reasons."""
        return {outcome.check: outcome.reason for outcome in self.outcomes if outcome.verdict == "failed"}

    @property
    def not_applicable(self) -> dict[str, str]:
        """The checks that have nothing to check here, with reasons."""
        return {o.check: o.reason for o in self.outcomes if o.verdict == "not applicable"}

    def __str__(self) -> str:
        if self.failed:
            lines = [f"{self.subject}: {len(self.failed)} of {len(self.outcomes)} checks failed"]
            return "\n".join([*lines, *(f"  {check}: {reason}" for check, reason in self.failed.items())])
        lines = [f"{self.subject}: {len(self.passed)} checks passed"]
        return "\n".join(
            [*lines, *(f"  {check}: not applicable, {why}" for check, why in self.not_applicable.items())]
        )


class CheckFailed(AskwiseError, AssertionError):
    """Some checks of a conformance suite failed; the text lists each with its reason.

    Attributes
    ----------
    report
        All outcomes, also of the checks that passed.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(str(report))


def run_check(name: str, check: Callable[[Any], str | None], subject: Any) -> Outcome:
    """Run one check: whatever the subject raises is its own fault, and named as such."""
    try:
        return Outcome(name, "passed", check(subject) or "")
    except NotApplicable as why:
        return Outcome(name, "not applicable", str(why))
    except Broken as fault:
        return Outcome(name, "failed", str(fault))
    except Exception as error:
        return Outcome(name, "failed", f"raised {type(error).__name__}: {error}")
