"""How every command speaks: results on standard output, all else on standard error, errors as one line."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import AnswersRefused, AskwiseError

Command = TypeVar("Command", bound=Callable[..., Any])

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The project's folder.")]
Who = Annotated[
    str | None,
    typer.Option("--annotator", "-a", metavar="WHO", help="Who asks or answers (default: your user name)."),
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show(text: str) -> None:
    """A line of the result."""
    out.print(text, markup=False)


def show_json(body: dict[str, Any]) -> None:
    """The result as one JSON object."""
    sys.stdout.write(json.dumps({"ok": True} | body, ensure_ascii=False, indent=2, default=str) + "\n")


def program() -> str:
    """How the reader can call this program again: by its name, or by its path where the name is not found."""
    found = shutil.which("askwise")
    started = Path(sys.argv[0])
    if started.name != "askwise" or (found is not None and Path(found).resolve() == started.resolve()):
        return "askwise"
    return str(started)


def note(text: str) -> None:
    """Something to know that is not the result."""
    err.print(text, markup=False, style="dim")


def reports_errors(command: Command) -> Command:
    """What can go wrong is said in one line (or one JSON object), and the exit code is 1."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            # The reader (a pager, `head`) has seen enough; Python would complain again when it closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except (AskwiseError, OSError) as error:
            _complain(error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            err.print("stopped; everything told so far is kept")
            raise typer.Exit(130) from None

    return run  # type: ignore[return-value]


def _complain(error: Exception, *, as_json: bool) -> None:
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and not isinstance(error, AskwiseError):
        text = f"{error.filename or 'the system'}: {error.strerror or text}"
    if not as_json:
        err.print(f"error: {text}", markup=False, style="red")
        return
    body: dict[str, Any] = {"ok": False, "error": text, "kind": type(error).__name__}
    if isinstance(error, AnswersRefused):
        body |= {
            "kept": error.kept,
            "refused": [{"id": one.item, "reason": one.reason, "where": one.where} for one in error.refused],
        }
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int | None], None]]:
    """A callback (stage, done, total) that draws a bar a stage on standard error; gone when all is done."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bars:
        stages: dict[str, Any] = {}

        def update(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield update
