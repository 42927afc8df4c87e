"""A folder of images: searched recursively, in sorted order, damaged files reported and left out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from ..errors import SourceError
from ..records import Item
from .base import Kind, Problem, Report, Source, digest, why

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
JPEG_END = b"\xff\xd9"
JPEG_TAIL = 4096


class ImageFolder(Source):
    """The images below a folder. An item's id and ``data["path"]`` are its path relative to the folder.

    Parameters
    ----------
    path
        The folder.
    label
        "folder": an image's label is the name of the folder it lies in (None at the top).
    limit
        Use only the first so many images.
    scan
        False leaves the folder unsearched: enough to read the contents of items that are already known.
    """

    kind: Kind = "images"

    def __init__(
        self, path: Path, *, label: str | None = None, limit: int | None = None, scan: bool = True
    ) -> None:
        if label not in (None, "folder"):
            raise SourceError(
                f"{path}: a folder of images has no column {label!r}; use the label 'folder' to take the name of "
                "the folder that each image lies in"
            )
        self.path = path
        self.count: int | None = None
        self._label = label
        self._problems: list[Problem] = []
        self._paths: list[str] = []
        self._others = 0
        if scan:
            self._scan(limit)

    def _scan(self, limit: int | None) -> None:
        unreadable: list[OSError] = []
        others: dict[str, int] = {}
        for folder, folders, files in os.walk(self.path, onerror=unreadable.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                if name.startswith("."):
                    continue
                suffix = Path(name).suffix.lower()
                if suffix not in SUFFIXES:
                    others[suffix or "no suffix"] = others.get(suffix or "no suffix", 0) + 1
                    continue
                self._paths.append(Path(folder, name).relative_to(self.path).as_posix())
        for error in unreadable:
            if Path(error.filename) == self.path:
                raise SourceError(f"{self.path}: {why(error)}")
            self._problems.append(Problem(str(error.filename), why(error)))
        self._others = sum(others.values())
        if not self._paths:
            if not others and not unreadable:
                raise SourceError(
                    f"{self.path}: the folder is empty; expected images ({', '.join(SUFFIXES)})"
                )
            seen = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items())[:5])
            found = f"only {seen}" if seen else "nothing that can be read"
            raise SourceError(
                f"{self.path}: no images in this folder, {found}; expected {', '.join(SUFFIXES)} "
                "(for a table or an array give the file itself)"
            )
        self._paths = sorted(self._paths)[:limit]
        self.count = len(self._paths)

    def describe(self) -> str:
        """One line: how many images, and how many other files were passed over."""
        count = (
            f"{self.count:,} image{'s' if self.count != 1 else ''}" if self.count is not None else "images"
        )
        others = (
            f" ({self._others:,} other file{'s' if self._others != 1 else ''} ignored)"
            if self._others
            else ""
        )
        labels = ", labels from the names of the folders" if self._label else ""
        return f"{count} in {self.path}{others}{labels}"

    def items(self, report: Report | None = None) -> Iterator[Item]:
        """The images that can be read, in order of their paths."""
        row = 0
        first: Problem | None = None
        for problem in self._problems:
            if report:
                report(problem)
        for path in self._paths:
            try:
                content = (self.path / path).read_bytes()
                what = _damage(content, path)
            except OSError as error:
                what, content = why(error), b""
            if what is not None:
                problem = Problem(path.encode("utf-8", "backslashreplace").decode(), what)
                first = first or problem
                if report:
                    report(problem)
                continue
            parent = path.rpartition("/")[0].rpartition("/")[2]
            label = (parent or None) if self._label else None
            yield Item(id=path, row=row, hash=digest(content), data={"path": path}, label=label)
            row += 1
        if row == 0:
            raise SourceError(
                f"{self.path}: none of the {len(self._paths):,} images can be read; the first: {first}"
            )

    def content(self, item: Item) -> bytes:
        """The bytes of the image, which must be the ones that were hashed."""
        path = self.path / str(item.data["path"])
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(
                f"{path}: {why(error)}; the project's images must stay where they were"
            ) from error
        if digest(content) != item.hash:
            raise SourceError(f"{path}: changed since the project was made; put the old file back")
        return content


def _damage(content: bytes, path: str) -> str | None:
    """What is wrong with an image, or None. Decodes the pixels only where nothing cheaper can tell."""
    from PIL import Image, UnidentifiedImageError

    try:
        path.encode()
    except UnicodeEncodeError:
        return "the file's name is not valid UTF-8; rename it"
    if not content:
        return "the file is empty"
    try:
        with warnings.catch_warnings():
            # a very large picture is unusual, not wrong; what Pillow refuses outright still raises
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content)) as image:
                kind = image.format
                image.verify()
            # verify() checks the checksums of a PNG but no pixels of the other formats, so that a cut-off file
            # passes; a JPEG shows it by its missing end mark
            if kind != "PNG" and not (kind == "JPEG" and JPEG_END in content[-JPEG_TAIL:]):
                with Image.open(BytesIO(content)) as image:
                    image.draft("RGB", (32, 32))
                    image.load()
    except UnidentifiedImageError:
        return "not an image, or damaged"
    except Exception as error:  # Pillow's readers raise almost anything on damaged input
        return f"damaged: {error}".replace("\n", " ")
    return None
