"""Which key gives which answer, and reading one key from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from string import ascii_lowercase

COMMANDS = {"s": "skip", "x": "not relevant", "u": "undo", "q": "quit"}


def key_map(labels: Sequence[str]) -> dict[str, str]:
    """A key for every label: its own first letter where all of those differ, else digits, then letters.

    >>> key_map(["cat", "dog"])
    {'c': 'cat', 'd': 'dog'}
    >>> key_map(["spam", "ham"])
    {'1': 'spam', '2': 'ham'}
    """
    digits = all(len(label) == 1 and label.isdigit() for label in labels)
    first = [label[0].lower() for label in labels]
    if digits or (
        len(set(first)) == len(first) and all(key.isalpha() and key not in COMMANDS for key in first)
    ):
        return dict(zip(first, labels, strict=True))
    keys = "1234567890" + "".join(letter for letter in ascii_lowercase if letter not in COMMANDS)
    if len(labels) > len(keys):
        # More labels than keys: numbers that are typed and ended with Enter.
        return {str(number): label for number, label in enumerate(labels, start=1)}
    return dict(zip(keys, labels, strict=False))


def read_key(keys: Sequence[str]) -> str:
    """One key from the keyboard, without Enter; a whole line where input is no terminal or keys are longer."""
    if not sys.stdin.isatty() or any(len(key) > 1 for key in keys):
        line = sys.stdin.readline()
        return line.strip().lower() if line else "q"
    try:
        import termios
        import tty
    except ImportError:
        return _read_key_windows()
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        return sys.stdin.read(1).lower() or "q"
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _read_key_windows() -> str:
    import msvcrt  # the standard library's keyboard, on Windows alone

    return str(msvcrt.getwch()).lower()  # type: ignore[attr-defined,unused-ignore]
