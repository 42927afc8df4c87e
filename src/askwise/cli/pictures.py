"""An image in the terminal: two pixels a character, by the upper half block."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rich.color import Color
from rich.style import Style
from rich.text import Text


def draw(path: Path, width: int = 32) -> Text:
    """The image, `width` characters wide at most."""
    from PIL import Image

    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = min(width / image.width, width / image.height)
    size = (max(1, round(image.width * scale)), max(2, round(image.height * scale) // 2 * 2))
    small = image.resize(size)
    text = Text()
    for y in range(0, size[1], 2):
        for x in range(size[0]):
            upper, lower = (Color.from_rgb(*small.getpixel((x, row))) for row in (y, y + 1))  # type: ignore[misc]
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text


def open_viewer(path: Path) -> bool:
    """Show the image in the system's viewer; False where there is no screen or no viewer."""
    if sys.platform == "darwin":
        viewer = shutil.which("open")
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        viewer = shutil.which("xdg-open")
    else:
        viewer = None
    if viewer is None:
        return False
    subprocess.Popen([viewer, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return True
