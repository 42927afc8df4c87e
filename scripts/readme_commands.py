"""Print one of the two commands that open the README: `python scripts/readme_commands.py demo|test`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

WHICH = ("demo", "test")


def commands() -> dict[str, str]:
    """The first two `sh` blocks of the README."""
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return dict(zip(WHICH, (block.strip() for block in blocks), strict=False))


if __name__ == "__main__":
    print(commands()[sys.argv[1]])
