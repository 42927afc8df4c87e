"""Small files of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from askwise.errors import SourceError
from askwise.records import Item
from askwise.sources import Problem, open_source


def read(path: Path, **options: Any) -> tuple[list[Item], list[Problem]]:
    """All items and problems of a source."""
    problems: list[Problem] = []
    items = list(open_source(path, **options).items(problems.append))
    assert [item.row for item in items] == list(range(len(items)))
    return items, problems


def refusal(path: Path, **options: Any) -> str:
    """The one line with which a source is refused, on opening or while reading."""
    with pytest.raises(SourceError) as caught:
        read(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def write(path: Path, content: str | bytes) -> Path:
    """Write a file and give its path."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def picture(
    path: Path, seed: int = 0, size: tuple[int, int] = (12, 9), mode: str = "RGB", **options: Any
) -> Path:
    """Write a small noisy image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path, **options)
    return path
