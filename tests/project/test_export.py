"""What leaves a project."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from askwise import Project
from askwise.errors import ProjectError, SourceError


def answered(make_project: Any) -> Any:
    project = make_project()
    project.tell({question.id: project.truth[question.id] for question in project.ask(20)})
    project.skip("0", annotator="bob")
    return project


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return pyarrow.parquet.read_table(path).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("predictions", [False, True])
def test_every_format_holds_the_same(
    make_project: Any, tmp_path: Path, suffix: str, predictions: bool
) -> None:
    project = answered(make_project)
    path = tmp_path / f"out{suffix}"
    written = project.export(path, predictions=predictions)
    rows = read(path)
    assert len(rows) == written
    labels = {row["id"]: row["label"] for row in rows if row["status"] == "labeled"}
    assert len(labels) == 20
    assert all(project.truth[item] == label for item, label in labels.items())
    assert all(row["annotator"] == "ann" and row["round"] and row["why"] for row in rows if row["label"])
    if predictions:
        assert [row["id"] for row in rows] == list(project.truth)
        guesses = [row["predicted"] == project.truth[row["id"]] for row in rows]
        assert sum(guesses) > 100
        assert all(1 / 3 <= float(row["confidence"]) <= 1 for row in rows)


def test_formulas_are_defused_in_csv_and_numbers_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text("key,x\n=cmd(),1\n-3,2\n+a,3\n@b,4\n")
    with Project.create(tmp_path / "p", tmp_path / "pool.csv", labels=["u", "v"], id="key") as project:
        project.tell(dict.fromkeys(["=cmd()", "-3", "+a", "@b"], "u"))
        project.export(tmp_path / "out.csv")
    assert [row["id"] for row in read(tmp_path / "out.csv")] == ["'=cmd()", "-3", "'+a", "'@b"]


def test_a_failed_export_leaves_the_old_file(make_project: Any, tmp_path: Path) -> None:
    project = answered(make_project)
    with pytest.raises(ProjectError, match=r"\.csv, \.jsonl, \.parquet"):
        project.export(tmp_path / "out.xlsx")
    with pytest.raises(SourceError, match="cannot be written"):
        project.export(tmp_path / "no" / "out.csv")
    assert not list(tmp_path.glob(".*partial"))
