"""JSON Lines: one object a line. Its columns are all the keys that occur."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .base import why
from .reader import Type, locate_bad_byte


class JsonLines:
    """A table whose cells keep their JSON types; a key that a line lacks is an empty cell.

    Raises
    ------
    SourceError
        While reading: a line that is no JSON object, by its number.
    """

    unit = "line"
    strings = False
    types: dict[str, Type] | None = None
    columns: list[str] | None = None
    length: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, columns: list[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each object and its line; empty lines are passed over, NaN counts as empty."""
        line = 0
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                for line, text in enumerate(file, 1):
                    if not text.strip():
                        continue
                    value = json.loads(text, parse_constant=_constant)
                    if not isinstance(value, dict):
                        raise SourceError(
                            f'{self.path} line {line}: expected a JSON object such as {{"text": "..."}}, got '
                            f"{_kind(value)}"
                        )
                    yield line, value
        except UnicodeDecodeError as error:
            raise locate_bad_byte(self.path) from error
        except json.JSONDecodeError as error:
            raise SourceError(
                f"{self.path} line {line}: not valid JSON at character {error.pos + 1}: {error.msg}"
            ) from error
        except RecursionError as error:
            raise SourceError(f"{self.path} line {line}: nested too deeply") from error
        except OSError as error:
            raise SourceError(f"{self.path}: {why(error)}") from error


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a string", bool: "true or false"}.get(type(value), "a number")
