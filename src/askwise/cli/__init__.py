"""The command line: `askwise --help`."""

from __future__ import annotations

from .app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    app()
