"""The command line, as a person and as a script use it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from askwise.acquisition import CATALOGUE
from askwise.cli import app

COMMANDS = [
    "init",
    "ask",
    "tell",
    "undo",
    "label",
    "fit",
    "status",
    "export",
    "strategies",
    "simulate",
    "demo",
]


def run(*arguments: Any, code: int = 0, **options: Any) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def as_json(*arguments: Any, code: int = 0) -> dict[str, Any]:
    body = json.loads(run(*arguments, "--json", code=code).stdout)
    assert body["ok"] == (code == 0)
    return body  # type: ignore[no-any-return]


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """Sixty texts of two kinds."""
    rng = np.random.default_rng(0)
    kinds = {
        "bug": ["crash", "error", "broken", "fails", "trace"],
        "wish": ["please", "add", "nice", "would", "like"],
    }
    path = tmp_path / "tickets.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "body", "kind"])
        for number in range(60):
            kind = "bug" if number % 3 else "wish"
            writer.writerow([f"T-{number}", " ".join(rng.choice(kinds[kind], 8)) + f" item {number}", kind])
    return path


@pytest.fixture
def project(tickets: Path, tmp_path: Path) -> Path:
    run(
        "init", tmp_path / "p", tickets, "--text", "body", "--id", "key", "--labels", "bug, wish", "--seed", 3
    )
    return tmp_path / "p"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    text = run(command, "--help").stdout
    assert "Example: askwise" in text
    assert "--json" in text


def test_the_list_of_commands_is_the_help() -> None:
    text = run("--help").stdout
    assert all(f" {command} " in text for command in COMMANDS)
    assert run("--version").stdout.startswith("askwise 0.")
    assert run(code=2).exit_code == 2


def test_ask_fill_in_tell_export(project: Path, tmp_path: Path) -> None:
    asked = run("ask", project, "-k", 12).stdout
    assert run("ask", project, "-k", 12).stdout == asked
    rows = list(csv.DictReader(io.StringIO(asked)))
    assert len(rows) == 12
    for row in rows[:10]:
        row["label"] = "bug" if ["crash", "error", "broken", "fails", "trace"][0] in row["text"] else "wish"
    sheet = tmp_path / "answers.csv"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert "kept 10 answers; 2 rows are blank" in run("tell", project, sheet).stdout
    assert as_json("status", project)["status"]["labeled"] == 10
    assert "wrote 10 rows" in run("export", project, tmp_path / "out.csv").stdout
    assert as_json("export", project, tmp_path / "all.jsonl", "--predictions")["rows"] == 60
    assert "fitted LinearHead" in run("fit", project).stdout


def test_tell_refuses_by_line_and_keeps_the_rest(project: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "answers.jsonl"
    sheet.write_text(
        '{"id": "T-1", "label": "bug"}\n{"id": "T-2", "label": "bgu"}\n{"id": "X", "label": "bug"}\n'
    )
    result = run("tell", project, sheet, code=1)
    assert "answers.jsonl, line 2" in result.stderr
    assert "did you mean 'bug'?" in result.stderr
    assert "answers.jsonl, line 3: item 'X'" in result.stderr
    body = as_json("tell", project, sheet, code=1)
    assert body["kept"] == 1
    assert [one["id"] for one in body["refused"]] == ["T-2", "X"]
    assert as_json("status", project)["status"]["labels"] == {"bug": 1, "wish": 0}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "key,label\nT-1,bug\n", "no column 'id'"),
        ("a.csv", "id,lable\nT-1,bug\n", "no column 'label'"),
        ("a.jsonl", '{"id": "T-1", "label": "bug"}\n{oops\n', "line 2: not JSON"),
        ("a.jsonl", "[1]\n", "expected an object"),
        ("a.csv", "id,label,action\nT-1,,skp\n", "unknown action 'skp'"),
        ("a.csv", "id,label,seconds\nT-1,bug,fast\n", "seconds is 'fast'"),
        ("a.txt", "T-1 bug", ".csv or .jsonl"),
        ("missing.csv", None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_read_keeps_nothing(
    project: Path, tmp_path: Path, name: str, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    error = run("tell", project, tmp_path / name, code=1).stderr
    assert expected in error
    assert error.count("\n") == 1
    assert as_json("status", project)["status"]["labeled"] == 0


def test_bytes_that_are_no_text(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,label\nT-1,b\xffg\n")
    assert "UTF-8" in run("tell", project, tmp_path / "a.csv", code=1).stderr


def test_actions_in_a_file(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,label,action\nT-1,,skip\nT-2,,not_relevant\nT-3,wish,\n")
    run("tell", project, tmp_path / "a.csv")
    status = as_json("status", project)["status"]
    assert (status["skipped"], status["not_relevant"], status["labeled"]) == (1, 1, 1)
    assert "T-3" in run("undo", project).stdout


def test_init_reads_labels_that_are_there(tickets: Path, tmp_path: Path) -> None:
    body = as_json("init", tmp_path / "p", tickets, "--text", "body", "--label", "kind")
    assert body["status"]["labels"] == {"bug": 40, "wish": 20}
    assert body["status"]["audited"] == 20


def test_init_names_what_it_left_out(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for number in range(8):
        Image.new("L", (9, 9), number * 30).save(tmp_path / "photos" / "deep" / f"{number}.png")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    result = run("init", tmp_path / "p", tmp_path / "photos", "--labels", "a,b")
    assert "broken.jpg" in result.stderr
    assert "8 items" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere.csv", "--labels", "a,b"], "nowhere.csv"),
        (["tickets.csv", "--labels", "a"], "at least two labels"),
        (["tickets.csv", "--labels", "a,b", "--text", "boddy"], "body"),
        (["tickets.csv", "--labels", "a,b", "--strategy", "nosuch"], "nosuch"),
        (["tickets.csv", "--labels", "a,b", "--storage", "mysql://x/y"], "mysql"),
    ],
)
def test_bad_requests_are_one_line(
    tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    error = run("init", "p", *arguments, code=1).stderr
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert expected in error
    assert not Path("p").exists()
    assert expected in as_json("init", "p", *arguments, code=1)["error"]


def test_no_project(tmp_path: Path) -> None:
    for command in (["status"], ["ask"], ["fit"], ["label"], ["undo"]):
        assert "askwise init" in run(*command, tmp_path / "none", code=1).stderr


def test_the_catalogue_is_what_there_is() -> None:
    body = as_json("strategies")
    assert [row["name"] for row in body["strategies"]] == list(CATALOGUE)
    assert all(row["use_when"] and row["avoid_when"] and row["source"] for row in body["strategies"])
    assert "use when" in run("strategies").stdout
    assert "margin" in run("strategies", "margin").stdout
    assert "did you mean margin" in run("strategies", "margn", code=1).stderr


def test_simulate_writes_curves(tickets: Path, tmp_path: Path) -> None:
    result = run(
        "simulate", tickets, "--text", "body", "--label", "kind", "--strategy", "margin,random", "--budget", 20,
        "--batch", 5, "--seeds", 2, "--json", tmp_path / "out.json", "--plot", tmp_path / "out.png",
    )  # fmt: skip
    assert "margin" in result.stdout
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "margin" in (tmp_path / "out.json").read_text()
    printed = run(
        "simulate", tickets, "--text", "body", "--label", "kind", "--budget", 10, "--seeds", 1, "--json", "-"
    )
    json.loads(printed.stdout)


def test_simulate_takes_every_kind_of_source(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(40):
        kind = "dark" if number % 2 else "light"
        (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
        shade = number if kind == "dark" else 255 - number
        Image.new("L", (9, 9), shade).save(tmp_path / "photos" / kind / f"{number}.png")
    X = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "pool.npz", X=X, y=np.arange(40) % 2)
    options = ["--budget", 10, "--batch", 5, "--seeds", 1, "--strategy", "margin"]
    assert "margin" in run("simulate", tmp_path / "photos", "--label", "folder", *options).stdout
    assert "margin" in run("simulate", tmp_path / "pool.npz", "--label", "y", *options).stdout


def test_simulate_without_labels(tickets: Path) -> None:
    assert "kindd" in run("simulate", tickets, "--text", "body", "--label", "kindd", code=1).stderr
