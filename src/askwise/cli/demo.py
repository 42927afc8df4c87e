"""`askwise demo`: the main job, played through on real images that scikit-learn ships."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..project import Project
from ..simulation import Simulation, simulate
from .output import note, program, progress_bars, show, show_json

BATCH = 10
SEEDS = 5
SIDE = 64


def run(folder: Path, *, questions: int, seed: int, as_json: bool) -> None:
    """Write the images, label some of them through a project, and replay the same pool beside random choice."""
    started = time.perf_counter()
    folder = _unused(folder)
    truth = _write_images(folder / "images")
    say = note if as_json else show
    say(f"1. The pool: {len(truth):,} real images of handwritten digits in {folder / 'images'}, no labels.")
    with (
        progress_bars() as progress,
        Project.create(
            folder / "project", folder / "images", labels=[str(digit) for digit in range(10)], seed=seed,
            annotator="demo", progress=progress,
        ) as project,
    ):  # fmt: skip
        say(
            f"2. A person answers {questions} questions (played here by the true labels). Askwise chooses most of\n"
            "   them; the others are picked at random and only measure, so that the accuracy is honest."
        )
        _answer(project, truth, questions, progress)
        project.fit()
        status = project.status()
        labels = folder / "labels.csv"
        project.export(labels, predictions=True)
        for line in status.lines():
            say(f"     {line}")
        say(
            f"3. Was choosing worth it? The same images once more, {SEEDS} times, chosen by Askwise and at random,\n"
            "   measured on 30 % of them that were held out:"
        )
        result = _compare(project, truth, questions, seed, progress)
    picture = folder / "curve.png"
    result.plot(picture)
    result.save(folder / "curve.json")
    if as_json:
        show_json(
            {
                "project": str(folder / "project"),
                "status": status.to_json(),
                "plot": str(picture),
                "curves": str(folder / "curve.json"),
                "labels": str(labels),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
        return
    show(result.summary())
    show(
        f"\nThe curves as a picture:   {picture}\n"
        f"Labels and predictions:    {labels}\n"
        f"The project:               {folder / 'project'}   ({time.perf_counter() - started:.0f} s)\n\n"
        "Go on by hand:\n"
        f"  {program()} label {folder / 'project'}        one key an answer; u undoes, q quits\n"
        f"  {program()} status {folder / 'project'}\n"
        f"  {program()} init photos ./my-photos --labels cat,dog      your own pool"
    )


def _unused(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3 … that is not there yet."""
    number, candidate = 2, folder
    while candidate.exists():
        candidate = folder.with_name(f"{folder.name}-{number}")
        number += 1
    return candidate


def _write_images(folder: Path) -> dict[str, str]:
    """The digits as PNG files, large enough to look at, and the true label of each file name."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    folder.mkdir(parents=True)
    truth: dict[str, str] = {}
    for number, (pixels, target) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / f"{number:04d}.png"
        ink = np.uint8(255) - (pixels * 255 / 16).astype(np.uint8)
        Image.fromarray(ink).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)
        truth[path.name] = str(target)
    return truth


def _answer(project: Project, truth: dict[str, str], questions: int, progress: object) -> None:
    given = 0
    while given < questions:
        batch = project.ask(min(BATCH, questions - given))
        project.tell({question.id: truth[question.id] for question in batch})
        given += len(batch)
        progress("answering", given, questions)  # type: ignore[operator]


def _compare(
    project: Project, truth: dict[str, str], questions: int, seed: int, progress: object
) -> Simulation:
    ids, X = project.embeddings()
    y: NDArray[np.str_] = np.array([truth[item] for item in ids])
    return simulate(
        X,
        y,
        strategy=[str(project.strategy), "random"],
        budget=questions,
        batch=BATCH,
        test=0.3,
        seed=seed,
        seeds=SEEDS,
        progress=lambda done, total: progress("comparing", done, total),  # type: ignore[operator]
    )
