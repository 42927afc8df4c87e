"""The commands, each a thin face of one method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from .output import AsJson, Name, Who, err, note, out, program, progress_bars, reports_errors, show, show_json

app = typer.Typer(
    name="askwise",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "From a pool and a budget to the questions worth asking.\n\n"
        "[b]Try it:[/b] askwise demo\n\n"
        "[b]A project:[/b]\n\n"
        "  askwise init tickets tickets.csv --text body --labels bug,wish,praise\n\n"
        "  askwise label tickets          answer in the terminal, one key each\n\n"
        "  askwise status tickets         how good the model honestly is\n\n"
        "  askwise export tickets labels.csv --predictions"
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        show(f"askwise {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    pass


def split_names(text: str | None) -> list[str] | None:
    """`a, b` as a list."""
    return None if text is None else [part.strip() for part in text.split(",")]


@app.command(
    epilog="Example: askwise init pets ./photos --labels cat,dog --seed 7\n\n"
    "Example: askwise init tickets tickets.csv --text body --label team"
)
@reports_errors
def init(
    name: Name,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of images, or a .csv .tsv .jsonl .parquet .npy .npz file."
        ),
    ],
    labels: Annotated[str | None, typer.Option(help="The answers there are: cat,dog")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column with the text to label.")
    ] = None,
    id: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The column with the items' ids.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Labels that are already there: a column (for images: 'folder')."
        ),
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="tfidf, pixels, table, raw or onnx:PATH.")] = None,
    strategy: Annotated[str | None, typer.Option(help="See: askwise strategies")] = None,
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="postgresql://… (default: SQLite in the folder).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the audit set and of every choice.")] = 0,
    budget: Annotated[
        int | None, typer.Option(help="How many labels you can afford; ask stops there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project from a pool of unlabelled items."""
    from ..project import Project

    problems: list[Any] = []
    with (
        progress_bars() as progress,
        Project.create(
            name,
            source,
            labels=split_names(labels),
            text=text,
            id=id,
            label=label,
            encoder=encoder,
            strategy=strategy,
            storage=storage,
            seed=seed,
            budget=budget,
            progress=progress,
            report=problems.append,
        ) as project,
    ):
        status = project.status()
    for problem in problems[:10]:
        note(f"left out: {problem.where}: {problem.what}")
    if len(problems) > 10:
        note(f"left out: {len(problems) - 10} more")
    if as_json:
        left_out = [{"where": str(problem.where), "what": problem.what} for problem in problems]
        show_json({"status": status.to_json(), "left_out": left_out})
        return
    for line in status.lines():
        show(line)
    show(f"\nNext: {program()} label {name}   or   {program()} ask {name} -k 10 > questions.csv")


@app.command(
    epilog="Example: askwise ask pets -k 20 > questions.csv   (fill in the column label, then: "
    "askwise tell pets questions.csv)"
)
@reports_errors
def ask(
    name: Name,
    k: Annotated[int, typer.Option("-k", "--count", min=1, help="How many questions.")] = 10,
    annotator: Who = None,
    as_json: AsJson = False,
) -> None:
    """The next questions, as CSV with an empty column to fill in.

    Asking again before answering gives the same person the same questions.
    """
    from ..project import Project

    with Project.open(name, annotator=annotator) as project:
        questions = project.ask(k)
    if as_json:
        show_json({"questions": [question.to_json() for question in questions]})
        return
    if not questions:
        note("nothing to ask: the pool (or the budget) is used up, or all is being answered by others")
        return
    _write_questions(questions)


def _write_questions(questions: list[Any]) -> None:
    import csv
    import sys

    from ..project.export import harmless

    columns = list(dict.fromkeys(column for question in questions for column in question.to_json()))
    columns = ["id", "label", *(column for column in columns if column not in ("id", "label"))]
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for question in questions:
        writer.writerow(
            {column: harmless(value) for column, value in question.to_json().items()} | {"label": ""}
        )


@app.command(epilog='Example: askwise tell pets answers.csv\n\nExample row: {"id": "a.jpg", "label": "cat"}')
@reports_errors
def tell(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file with the columns id and label.")],
    annotator: Who = None,
    key: Annotated[str | None, typer.Option(help="Telling again with the same key records nothing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record answers. Unknown ids and labels are named and refused (exit code 1), the rest is kept."""
    from ..project import Project

    with Project.open(name, annotator=annotator) as project:
        told = project.tell_file(file, key=key)
    if as_json:
        show_json({"kept": told.kept, "blank": told.blank, "repeated": told.repeated})
    elif told.repeated:
        show("already told: that key is known, nothing was recorded again")
    else:
        show(
            f"kept {told.kept:,} answers"
            + (f"; {told.blank:,} rows are blank, left for later" * bool(told.blank))
        )


@app.command(epilog="Example: askwise undo pets")
@reports_errors
def undo(name: Name, annotator: Who = None, as_json: AsJson = False) -> None:
    """Withdraw your last answer."""
    from ..project import Project

    with Project.open(name, annotator=annotator) as project:
        item = project.undo()
    if as_json:
        show_json({"item": item})
    else:
        show(f"withdrew the answer to {item}")


@app.command(epilog="Example: askwise label pets")
@reports_errors
def label(name: Name, annotator: Who = None, as_json: AsJson = False) -> None:
    """Answer in the terminal, one key an answer.

    s skips, x says "not relevant", u undoes, q quits. With --json the questions go to standard error and the
    project's status, at the end, to standard output.
    """
    from ..project import Project
    from .labeling import run

    with Project.open(name, annotator=annotator) as project:
        run(project, err if as_json else out)
        status = project.status()
    if as_json:
        show_json({"status": status.to_json()})
        return
    for line in ["", *status.lines()]:
        show(line)


@app.command(epilog="Example: askwise fit pets")
@reports_errors
def fit(name: Name, as_json: AsJson = False) -> None:
    """Fit the model and measure it on the audit set."""
    from ..project import Project

    with Project.open(name) as project:
        project.fit()
        status = project.status()
    if as_json:
        show_json({"status": status.to_json()})
        return
    show(f"fitted {status.learner} on {status.trained_on:,} labels")
    for line in status.measured():
        show(line)


@app.command(epilog="Example: askwise status pets --json")
@reports_errors
def status(name: Name, as_json: AsJson = False) -> None:
    """Where a project stands: labels, accuracy on the audit set, what is left."""
    from ..project import Project
    from .curve import audit_curve

    with Project.open(name) as project:
        state = project.status()
    if as_json:
        show_json({"status": state.to_json()})
        return
    for line in state.lines():
        show(line)
    for line in audit_curve(state.history):
        show(line)


@app.command(epilog="Example: askwise export pets labels.parquet --predictions")
@reports_errors
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="OUT", help="A .csv, .jsonl or .parquet file.")],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Every item, with the model's answer and its probability.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the labels: who gave them, when, and why they were asked for."""
    from ..project import Project

    with Project.open(name) as project:
        rows = project.export(file, predictions=predictions)
    if as_json:
        show_json({"rows": rows, "file": str(file)})
    else:
        show(f"wrote {rows:,} rows to {file}")


@app.command(epilog="Example: askwise strategies margin")
@reports_errors
def strategies(
    name: Annotated[str | None, typer.Argument(help="Show one in full.")] = None, as_json: AsJson = False
) -> None:
    """The catalogue: what each strategy needs, when to use it and when not."""
    from .strategies import show_catalogue

    show_catalogue(name, as_json=as_json)


@app.command(
    epilog="Example: askwise simulate digits.csv --label digit --strategy random,margin,u_coverage "
    "--budget 150 --batch 10 --seeds 10 --plot curves.png"
)
@reports_errors
def simulate(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="A labelled pool: a folder of images or a table, .npy, .npz."),
    ],
    label: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column with the true labels (images: 'folder').")
    ],
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column with the text.")] = None,
    strategy: Annotated[str, typer.Option(help="One or more, by commas.")] = "u_coverage,random",
    encoder: Annotated[str | None, typer.Option(help="tfidf, pixels, table, raw or onnx:PATH.")] = None,
    budget: Annotated[int, typer.Option(min=1, help="Labels in all.")] = 150,
    batch: Annotated[int, typer.Option(min=1, help="Labels a round.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Paired repetitions.")] = 5,
    test: Annotated[float, typer.Option(help="The share held out to measure.")] = 0.3,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="OUT", help="Write everything as JSON ('-': standard output)."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.png", help="Draw the learning curves.")] = None,
) -> None:
    """Would active learning pay here? Replay a labelled pool with several strategies."""
    from .simulating import run

    run(
        source,
        label=label,
        text=text,
        strategies=strategy,
        encoder=encoder,
        budget=budget,
        batch=batch,
        seeds=seeds,
        test=test,
        seed=seed,
        json_file=json_file,
        plot=plot,
    )


@app.command(epilog="Example: askwise demo\n\nExample: askwise demo --folder /tmp/digits")
@reports_errors
def demo(
    folder: Annotated[Path, typer.Option(help="Where to put the project.")] = Path("askwise-demo"),
    questions: Annotated[int, typer.Option(min=20, help="How many are answered.")] = 150,
    seed: Annotated[int, typer.Option(help="Of every choice.")] = 0,
    as_json: AsJson = False,
) -> None:
    """The main job on real images, with nothing to prepare: under a minute, no network."""
    from .demo import run

    run(folder, questions=questions, seed=seed, as_json=as_json)


__all__ = ["app"]
