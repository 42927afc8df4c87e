"""A whole program: first ask whether active learning would pay, then label with a script that plays the person.

Run it: python examples/replay_then_label.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from sklearn.datasets import load_wine

import askwise as aw


def main() -> None:
    """Replay the wines with two strategies, then label them through a project and export what came out."""
    wines = load_wine()
    X = (wines.data - wines.data.mean(axis=0)) / wines.data.std(axis=0)
    names = [str(name) for name in wines.target_names]

    replay = aw.simulate(X, wines.target, strategy=["u_coverage", "random"], budget=40, batch=5, seeds=3)
    print(replay.summary())

    with (
        tempfile.TemporaryDirectory() as folder,
        aw.Project.create(Path(folder) / "wines", X, labels=names, budget=40, annotator="script") as project,
    ):
        while questions := project.ask(5):
            project.tell({question.id: names[wines.target[question.row]] for question in questions})
        print(*project.status().lines(), sep="\n")
        rows = project.export(Path(folder) / "labels.csv", predictions=True)
        print(f"{rows} rows exported")


if __name__ == "__main__":
    main()
