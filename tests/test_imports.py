"""`import askwise` is light, and what it exports is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import askwise

HEAVY = (
    "array_api_strict",
    "fastapi",
    "matplotlib",
    "onnxruntime",
    "pandas",
    "PIL",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tokenizers",
    "torch",
    "typer",
)


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.split(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "code",
    [
        "import askwise",
        "import askwise, numpy; askwise.select('margin', 1, proba=numpy.array([[0.2, 0.8], [0.5, 0.5]]))",
        "from askwise.state import fold; fold([])",
    ],
)
def test_no_framework_is_loaded(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_the_check_above_can_fail() -> None:
    assert "sqlalchemy" in loaded_after("import askwise.storage.sqlite")


def test_the_help_loads_no_learner() -> None:
    code = (
        "import sys; sys.argv = ['askwise', '--help']\n"
        "try:\n    from askwise.cli import main; main()\nexcept SystemExit: pass"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nassert not {{'sklearn', 'matplotlib', 'pyarrow'}} & set(sys.modules)",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", askwise.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(askwise, name) is not None
    assert name in dir(askwise)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'selct'"):
        askwise.selct  # noqa: B018


def test_no_exported_name_is_a_rooms_name() -> None:
    """Importing a room sets its name on the package, and would put the module in the function's place."""
    rooms = {path.stem for path in Path(askwise.__file__).parent.iterdir()}
    assert rooms.isdisjoint(askwise.__all__)
