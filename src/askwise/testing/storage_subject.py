"""What the checks of storages share: a place under test, and ways to compare, to expect an error, to run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from ..records import Answer, Item
from ..storage import Storage
from .report import broken

T = TypeVar("T")
Place: TypeAlias = Callable[[], Storage]

NOW = 1_000.0
SOON = 1_060.0
LATER = 2_000.0
THREADS = 4


class Subject:
    """One place under test."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: list[Storage] = []

    def storage(self) -> Storage:
        """A storage object for the place, neither created nor opened."""
        self._made.append(self._place())
        return self._made[-1]

    def project(self, n: int = 6) -> Storage:
        """A finished project of n items "i0", "i1", ..."""
        storage = self.storage()
        storage.create({"seed": 7})
        storage.add_items(pool(n))
        storage.group_duplicates()
        storage.finish()
        return storage

    def again(self) -> Storage:
        """The same project as another process sees it."""
        storage = self.storage()
        storage.open()
        return storage

    def close(self) -> None:
        """Close everything that was made."""
        for storage in self._made:
            storage.close()


def pool(n: int) -> list[Item]:
    """Items without duplicates."""
    return [Item(f"i{row}", row, f"hash{row}", {"text": f"text {row}"}) for row in range(n)]


def answer(item: str, value: Any = "cat", annotator: str = "ann") -> Answer:
    """An answer."""
    return Answer(item, value, annotator, NOW)


def same(what: str, found: object, expected: object) -> None:
    """End the check unless both are equal."""
    if found != expected:
        broken(f"{what}: expected {expected!r}, got {found!r}")


def refused(what: str, call: Callable[[], object], kind: type[Exception] = Exception) -> str:
    """The text of the error that the call must raise."""
    try:
        call()
    except kind as error:
        text = str(error)
        if "\n" in text or not text:
            broken(f"{what}: the error is not one line: {text!r}")
        return text
    return broken(f"{what} was not refused")


def in_threads(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all at once; results in order. An error in one is raised here."""
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(number: int, work: Callable[[], T]) -> None:
        try:
            start.wait()
            results[number] = work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(works))]
