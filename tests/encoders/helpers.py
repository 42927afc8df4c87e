"""Pools, a manifest in memory and one in a file, and encoders that count or break."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askwise.encoders import Base, Batches
from askwise.records import Item, Shard


class Memory:
    """A manifest that forgets at the end."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Shard] = {}

    def add_shard(self, shard: Shard) -> None:
        self.rows[shard.encoder, shard.part] = shard

    def shards(self, encoder: str) -> list[Shard]:
        return [shard for (key, _), shard in self.rows.items() if key == encoder]


class Lines:
    """A manifest in a file, one line a shard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def add_shard(self, shard: Shard) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(shard)) + "\n")

    def shards(self, encoder: str) -> list[Shard]:
        found = [Shard(**json.loads(line)) for line in self.path.read_text().splitlines()]
        return [shard for shard in found if shard.encoder == encoder]


class Numbers:
    """A source whose items hold two numbers each."""

    def __init__(self, n: int) -> None:
        self.n = n

    def items(self, report: Any = None) -> Iterator[Item]:
        for row in range(self.n):
            yield Item(f"item {row}", row, f"{row:032x}", {"a": row, "b": row / 7})

    def content(self, item: Item) -> bytes:
        raise NotImplementedError

    def numbers(self, items: Sequence[Item]) -> NDArray[np.float32]:
        raise NotImplementedError

    @property
    def X(self) -> NDArray[np.float32]:  # noqa: N802
        return np.array([[item.data["a"], item.data["b"]] for item in self.items()], dtype=np.float32)


class Counting(Base):
    """Gives the numbers of an item, and counts what it was asked to do."""

    name = "counting"
    kinds = ("table",)
    shards_at_once = 1

    def __init__(self, scale: int = 1) -> None:
        super().__init__(scale=scale)
        self.fits = 0
        self.encoded: list[int] = []

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        self.fits += 1
        assert sum(len(batch) for batch in batches()) == n
        self._dim = 2

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        self.encoded += [item.row for item in items]
        out = np.array([[item.data["a"], item.data["b"]] for item in items], dtype=np.float32)
        return out * np.float32(self.settings["scale"])


def text_items(texts: Sequence[str]) -> list[Item]:
    """Texts as the items of a source."""
    return [Item(str(row), row, "", {"text": text}) for row, text in enumerate(texts)]


def fitted(encoder: Any, items: Sequence[Item], seed: int = 0) -> NDArray[np.float32]:
    """Fit and transform at once."""
    encoder.fit(lambda: iter([items]), len(items), seed)
    out = encoder.transform(items)
    assert out.dtype == np.float32
    assert out.shape == (len(items), encoder.dim)
    return out  # type: ignore[no-any-return]
