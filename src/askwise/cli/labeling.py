"""Answering in the terminal: the item is shown, one key answers, every answer is safe at once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from ..errors import ProjectError
from .keys import COMMANDS, key_map, read_key
from .output import err
from .pictures import draw, open_viewer

if TYPE_CHECKING:
    from ..project import Project, Question

AT_ONCE = 5


def run(project: Project, screen: Console) -> None:
    """Ask until the annotator quits or nothing is left; unanswered questions go back to the pool."""
    keys = key_map(project.task.choices())
    waiting: deque[Question] = deque()
    answered: list[bool] = []  # of this sitting, for undo: was it an answer?
    _say(screen, _legend(keys))
    try:
        while True:
            if not waiting:
                with err.status("choosing …"):
                    waiting.extend(project.ask(AT_ONCE))
            if not waiting:
                _say(
                    screen,
                    "nothing left to ask: the pool (or the budget) is used up, or others are answering the rest",
                )
                break
            question = waiting[0]
            _show(screen, question, sum(answered) + 1)
            key = _key(screen, keys)
            if key == "q":
                break
            if key == "u":
                waiting = _undo(project, screen, waiting)
                del answered[-1:]
                continue
            waiting.popleft()
            answered.append(key in keys)
            if key == "s":
                project.skip(question.id)
            elif key == "x":
                project.not_relevant(question.id)
            else:
                project.tell({question.id: keys[key]})
                _say(screen, f"  → {keys[key]}")
    finally:
        project.release()


def _say(screen: Console, text: str) -> None:
    screen.print(text, markup=False)


def _legend(keys: dict[str, str]) -> str:
    answers = "  ".join(f"[{key}] {label}" for key, label in keys.items())
    commands = "  ".join(f"[{key}] {meaning}" for key, meaning in COMMANDS.items())
    return f"{answers}\n{commands}"


def _show(screen: Console, question: Question, number: int) -> None:
    why = " (picked at random, to measure)" if question.why == "audit" else ""
    title = f"{number}. {question.id}{why}"
    if question.path is not None:
        screen.print(title, markup=False, style="bold")
        if not open_viewer(question.path):
            screen.print(draw(question.path))
            screen.print(str(question.path), markup=False, style="dim")
    elif question.text is not None:
        panel = Panel(Text(question.text), title=Text(title), title_align="left")
        screen.print(panel, soft_wrap=False)
    else:
        screen.print(title, markup=False, style="bold")
        for column, value in question.data.items():
            screen.print(f"  {column}: {value}", markup=False)


def _key(screen: Console, keys: dict[str, str]) -> str:
    while True:
        key = read_key(list(keys))
        if key in keys or key in COMMANDS:
            return key
        _say(screen, f"  no answer has the key {key!r}\n{_legend(keys)}")


def _undo(project: Project, screen: Console, waiting: deque[Question]) -> deque[Question]:
    """The last answer is withdrawn and its item shown again at once."""
    try:
        item = project.undo()
    except ProjectError as error:
        _say(screen, f"  {error}")
        return waiting
    return deque([project.question(item), *(question for question in waiting if question.id != item)])
