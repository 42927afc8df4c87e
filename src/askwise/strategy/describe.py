"""What there is to choose from, in words, read from the functions' own documentation."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from ..acquisition import CATALOGUE
from .wall import Strategy

_NEXT_ENTRY = re.compile(r"^(use when|avoid when|formula|cost|source|[A-Z][\w ]*\n-{3,})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Description:
    """One strategy of the catalogue, as `askwise strategies` shows it."""

    name: str
    needs: tuple[str, ...]
    options: dict[str, Any]
    picks: bool
    summary: str
    use_when: str
    avoid_when: str
    source: str


def describe() -> list[Description]:
    """The catalogue, one description a strategy, in its own order.

    `needs` leaves out what every call gives: k, rng and the number of candidates.

    >>> [row.needs for row in describe() if row.name == "margin"]
    [('proba',)]
    """
    rows = []
    for name, function in CATALOGUE.items():
        strategy = Strategy(function, name=name)
        text = inspect.getdoc(function) or ""
        rows.append(
            Description(
                name=name,
                needs=tuple(word for word in strategy.needs if word not in ("k", "rng", "n")),
                options=strategy.options,
                picks=strategy.picks,
                summary=" ".join(text.split("\n\n")[0].split()),
                use_when=entry(text, "Use when"),
                avoid_when=entry(text, "Avoid when"),
                source=section(text, "References"),
            )
        )
    return rows


def entry(text: str, start: str) -> str:
    """The entry of a docstring that begins with `start`, on one line, without that beginning.

    >>> entry("Use when in doubt,\\n  or late.\\nCost: none.", "Use when")
    'in doubt, or late.'
    """
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip().lower().startswith(start.lower()):
            words = [line.strip()[len(start) :].lstrip(":* ")]
            for following in lines[number + 1 :]:
                if not following.strip() or _NEXT_ENTRY.match(following.strip()):
                    break
                words.append(following.strip())
            return " ".join(words)
    return ""


def section(text: str, title: str) -> str:
    """A numpydoc section of a docstring, on one line.

    >>> section("Sum.\\n\\nReferences\\n----------\\n.. [1] A paper,\\n   2020.\\n", "References")
    'A paper, 2020.'
    """
    found = re.search(rf"^{title}\n-+\n(.*?)(?=\n\n?[A-Z][\w ]*\n-{{3,}}|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        return ""
    return " ".join(re.sub(r"^\.\. \[\w+\] ", "", line.strip()) for line in found[1].splitlines()).strip()
