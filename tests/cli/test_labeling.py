"""Answering in the terminal: through a pipe, and through a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from askwise import Project
from askwise.cli.keys import COMMANDS, key_map


@pytest.mark.parametrize("count", [2, 9, 30, 80])
def test_every_label_has_a_key_of_its_own(count: int) -> None:
    labels = [f"label {number}" for number in range(count)]
    keys = key_map(labels)
    assert list(keys.values()) == labels
    assert not set(keys) & set(COMMANDS)


def test_digits_answer_digits() -> None:
    assert key_map([str(digit) for digit in range(10)])["7"] == "7"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(20):
        Image.new("RGB", (16, 12), (number * 12, 0, 255 - number * 12)).save(
            tmp_path / f"photos/{number:02d}.png"
        )
    Project.create(tmp_path / "p", tmp_path / "photos", labels=["cat", "dog"]).close()
    return tmp_path / "p"


def label(folder: Path, keys: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "askwise", "label", str(folder)],
        input="\n".join(keys) + "\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(folder: Path) -> Any:
    with Project.open(folder) as project:
        return project.status()


def test_keys_through_a_pipe(photos: Path) -> None:
    text = label(photos, "cdzsxcuq")
    assert "no answer has the key 'z'" in text
    now = status(photos)
    assert (now.labeled, now.skipped, now.not_relevant, now.out) == (2, 1, 1, 0)
    assert now.labels == {"cat": 1, "dog": 1}


def test_json_is_all_there_is_on_standard_output(photos: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "askwise", "label", str(photos), "--json"],
        input="c\nq\n",
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout)["status"]["labels"] == {"cat": 1, "dog": 0}
    assert "→ cat" in done.stderr


def test_input_that_ends_is_a_quit(photos: Path) -> None:
    label(photos, "c")
    assert status(photos).labeled == 1


def test_undo_with_nothing_to_undo_goes_on(photos: Path) -> None:
    assert "nothing to undo" in label(photos, "uq")


def test_the_whole_pool(photos: Path) -> None:
    assert "nothing left to ask" in label(photos, "c" * 25)
    assert status(photos).labeled == 20


def test_one_key_without_enter_in_a_terminal(photos: Path) -> None:
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "askwise", "label", str(photos)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")},
    )
    os.close(terminal)
    try:
        for key, expected in [("c", "1."), ("u", "→ cat"), ("d", "1."), ("q", "→ dog")]:
            _read_until(keyboard, expected)
            time.sleep(0.1)
            os.write(keyboard, key.encode())
        _read_until(keyboard, "labeled")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)
    assert status(photos).labels == {"cat": 0, "dog": 1}


def _read_until(terminal: int, expected: str) -> None:
    text, end = "", time.monotonic() + 30
    while expected not in text:
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 0.2)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")


def test_a_long_text_is_shown_whole_and_as_it_is(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(200)]
    texts = [" ".join(words) + f" [b]{number}[/b] [red" for number in range(9)]
    Project.create(tmp_path / "p", texts, labels=["cat", "dog"]).close()
    shown = label(tmp_path / "p", "q")
    assert all(word in shown for word in words)
    assert "[/b] [red" in shown
