"""The README, the guides and the command that CI runs are what they say they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs" / "how_it_works.md"]
SNIPPETS = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    )
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_folder_snippet_runs(tmp_path: Path) -> None:
    """The commands of "A project from a folder", with two colours in place of cats and dogs."""
    from PIL import Image

    text = (ROOT / "README.md").read_text("utf-8")
    block = next(
        block for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL) if "init pets" in block
    )
    commands = [line[2:].split("#")[0].strip() for line in block.splitlines()]
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.new("RGB", (8, 8), (number * 20, 0, 255 - number * 20)).save(
            tmp_path / "photos" / f"{number}.png"
        )
    for command in commands:
        command = re.sub("^askwise", f"{sys.executable} -m askwise", command)
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, input="c\nd\nq\n"
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert (tmp_path / "labels.csv").read_text().count("\n") == 13


def test_ci_runs_the_readmes_test_command() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "scripts/readme_commands.py test" in ci
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "readme_commands.py", "test"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install" in done.stdout
    assert "pytest" in done.stdout


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}[^)]*\.md)\)", (folder / "README.md").read_text("utf-8")))
    assert listed == {page.name for page in folder.glob("0*.md")}


def test_the_floors_of_the_docs_are_the_floors_that_are_enforced() -> None:
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [set(re.split(r"\s*\|\s*", floor)) for floor in contracts[0]["layers"] if floor != "__main__"]
    text = (ROOT / "docs" / "how_it_works.md").read_text("utf-8")
    block = text.split("## The floors")[1].split("```")[1]
    told = [set(re.split(r"\s*\|\s*", re.split(r"\s{2,}", line)[0])) for line in block.strip().splitlines()]
    assert told == floors
