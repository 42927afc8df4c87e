"""`askwise demo`, with fewer questions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from askwise import Project


@pytest.mark.slow
def test_the_demo_does_the_main_job(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "askwise", "demo", "--questions", "60", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["status"]["labeled"] == 60
    assert body["status"]["audited"] == 30
    assert (tmp_path / body["plot"]).read_bytes().startswith(b"\x89PNG")
    with Project.open(tmp_path / body["project"]) as project:
        question = project.ask(1)[0]
        assert question.path is not None
        assert question.path.exists()
    again = subprocess.run([*command[:-1], "--questions", "20"], cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "askwise-demo-2" in again.stdout
