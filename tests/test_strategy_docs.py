"""docs/strategies/ is what the docstrings say: one page a row of the catalogue, each with its picture, all listed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from askwise.acquisition import CATALOGUE

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "strategies"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("strategy_docs_script", str(ROOT / "scripts" / "docs"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # its dataclass looks itself up there
    path, writes = list(sys.path), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        loader.exec_module(module)
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writes
    return module


@pytest.fixture
def copied(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as it should be, for tests that spoil it."""
    for name, text in script.expected().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in CATALOGUE:
        (tmp_path / f"{name}.png").write_bytes(b"")
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    assert script.stale() == []
    return tmp_path


def test_committed_pages_are_what_the_docstrings_say() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_changed_page_is_found(script: ModuleType, copied: Path) -> None:
    with (copied / "margin.md").open("a", encoding="utf-8") as page:
        page.write("more\n")
    assert script.stale() == ["margin.md: is not what the docstrings say"]


def test_a_changed_docstring_is_found(
    script: ModuleType, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = CATALOGUE["margin"]
    monkeypatch.setattr(function, "__doc__", function.__doc__.replace("p_(1)", "p_1"))
    assert script.stale() == ["margin.md: is not what the docstrings say"]


def test_missing_and_foreign_files_are_found(script: ModuleType, copied: Path) -> None:
    (copied / "entropy.md").unlink()
    (copied / "k_center.png").unlink()
    (copied / "vaal.md").write_text("never")
    assert script.stale() == [
        "entropy.md: is missing",
        "k_center.png: is missing",
        "vaal.md: belongs to no strategy",
    ]


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_row_has_a_full_page_and_is_listed(name: str) -> None:
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert f"# {name}\n" in page
    for part in (
        "## What it needs",
        "## Formula\n\n```text\n",
        "## Example\n\n```python\n>>> ",
        "## Source\n\n- ",
    ):
        assert part in page
    for part in ("Cost:", "Use when", "Avoid when"):
        assert re.search(rf"^\*\*{part}\*\* \S", page, re.MULTILINE), part
    assert f"[`{name}`]({name}.md)" in (FOLDER / "README.md").read_text(encoding="utf-8")
    if "`view`" not in page:
        assert f"({name}.png)" in page
        picture = (FOLDER / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 30_000


def test_links_lead_somewhere() -> None:
    for page in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (FOLDER / target).exists(), f"{page.name}: {target}"


def test_the_table_offers_the_catalogue_alone(script: ModuleType) -> None:
    table = script.when_text(
        "| situation | take | why |\n| x | `margin`; `no_such`; `then(bald, k_center)` | y |"
    )
    assert table.splitlines()[1] == "| x | [`margin`](margin.md); `then(bald, k_center)` | y |"
    assert script.when_text("| x | `no_such` | y |") == ""
    assert len(script.when_text(script.WHEN.read_text("utf-8")).splitlines()) > 15


def test_signs_of_markdown_are_kept_as_they_are(script: ModuleType) -> None:
    assert script.prose("p_c * q_c,\n  see `a_b`") == r"p\_c \* q\_c, see `a_b`"
