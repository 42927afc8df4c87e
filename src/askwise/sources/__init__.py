"""Where items come from: folders of images, tables, texts and arrays, each read as a stream of items."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import SourceError
from .base import Kind, Problem, Report, Source, why

IMAGES = "a folder of images"
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
ARRAYS = (".npy", ".npz")

__all__ = ["Kind", "Problem", "Report", "Source", "open_source", "reopen_source"]


def open_source(
    path: str | os.PathLike[str],
    *,
    text: str | None = None,
    id: str | None = None,
    label: str | None = None,
    limit: int | None = None,
) -> Source:
    """Find out what is at a path, and check it as far as that is possible without hashing every item.

    Parameters
    ----------
    path
        A folder of images (searched recursively), or a .csv, .tsv, .jsonl, .ndjson, .parquet, .npy or .npz file.
    text
        The column to show and to encode. Without it, the only column that reads like prose is taken; without
        one, every column except `id` and `label` is a column of a table.
    id
        The column with the items' ids, which must be unique. Without it an id is the 0-based number of the row
        (images: the path relative to the folder).
    label
        The column with labels that are already there. In a folder of images "folder" takes the name of the folder
        that an image lies in; in a .npz file it is the name of an array.
    limit
        Use only the first so many items.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If nothing there can be used; the text names the file, the line where there is one, and what was expected.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "notes.csv")
    ...     _ = path.write_text("note,topic\\nthe goal came very late,sport\\n")
    ...     source = open_source(path, text="note", label="topic")
    ...     item = next(source.items())
    >>> source.kind, item.id, item.data, item.label
    ('text', '0', {'text': 'the goal came very late'}, 'sport')
    """
    place = _existing(path)
    if limit is not None and limit < 1:
        raise SourceError(f"limit must be at least 1, not {limit}")
    if place.is_dir():
        for role, name in (("text", text), ("id", id)):
            if name is not None:
                raise SourceError(f"{place}: a folder of images has no {role} column {name!r}")
        from .images import ImageFolder

        return ImageFolder(place, label=label, limit=limit)
    suffix = place.suffix.lower()
    if suffix in ARRAYS:
        if text is not None:
            raise SourceError(
                f"{place}: an array has no text column {text!r}; texts come from {_tables()} files"
            )
        from .array import ArrayFile

        return ArrayFile(place, id=id, label=label, limit=limit)
    if suffix in TABLES:
        from .table import Table, open_reader

        return Table(open_reader(place), text=text, id=id, label=label, limit=limit)
    raise SourceError(
        f"{place}: {_unsupported(suffix)}; supported: {IMAGES}, {_tables()}, {', '.join(ARRAYS)}"
    )


def reopen_source(path: str | os.PathLike[str], kind: Kind) -> Source | None:
    """The source of items that are already known, for reading the content of their files and no more.

    Opening it looks at nothing but the path: a folder is not searched, a file is not scanned.

    Returns
    -------
    Source or None
        None for texts and tables, whose items hold all there is.

    Raises
    ------
    SourceError
        If the path is gone.
    """
    if kind in ("text", "table"):
        return None
    place = _existing(path)
    if kind == "images":
        from .images import ImageFolder

        return ImageFolder(place, scan=False)
    from .array import ArrayFile

    return ArrayFile(place)


def _existing(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if text.partition("://")[0] in ("http", "https", "s3", "gs", "ftp"):
        raise SourceError(f"{text}: Askwise reads local files; download it first")
    place = Path(text).expanduser()
    try:
        if place.exists():
            return place
        parent = place.parent
        while not parent.exists():
            parent = parent.parent
    except OSError as error:
        raise SourceError(f"{place}: {why(error)}") from error
    raise SourceError(
        f"{place}: no such file or folder" + (f" (nor {place.parent})" if parent != place.parent else "")
    )


def _tables() -> str:
    return ", ".join(TABLES)


def _unsupported(suffix: str) -> str:
    if suffix in (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"):
        return "a single image is no pool: give the folder it lies in"
    if suffix == ".json":
        return "a .json file is not supported: write one object a line into a .jsonl file"
    if suffix in (".xlsx", ".xls", ".ods"):
        return "spreadsheets are not supported: save it as CSV (UTF-8)"
    return (
        f"files that end in {suffix!r} are not supported"
        if suffix
        else "a file without a suffix is not supported"
    )
