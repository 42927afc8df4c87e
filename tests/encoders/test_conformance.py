"""All encoders pass the public suite, and each planted fault turns its check red."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from askwise.encoders import Base, Batches, make_encoder
from askwise.records import Item
from askwise.sources import open_source
from askwise.testing import CheckFailed, check_encoder
from askwise.testing.encoders import CHECKS

from .helpers import text_items
from .models import image_model, text_model, tokenizer
from .test_onnx import pictures
from .test_simple import texts

TEXTS = text_items(texts(14))


def test_tfidf() -> None:
    report = check_encoder(
        lambda: make_encoder("tfidf", "text"), TEXTS, variant=lambda: make_encoder("tfidf(dim=9)", "text")
    )
    assert report.passed == tuple(CHECKS)


def test_pixels(tmp_path: Path) -> None:
    source = pictures(tmp_path, n=12)
    report = check_encoder(
        lambda: make_encoder("pixels", "images"),
        list(source.items()),
        source=source,
        variant=lambda: make_encoder("pixels(size=8)", "images"),
    )
    assert set(CHECKS) - set(report.passed) == {"empty_text"}


def test_table_and_raw(tmp_path: Path) -> None:
    rows = [Item(str(row), row, "", {"a": row * 1.5, "b": row % 3}) for row in range(12)]
    mixed = [Item(str(row), row, "", {"a": row or None, "b": "xyz"[row % 3]}) for row in range(12)]
    check_encoder(lambda: make_encoder("raw", "table"), rows)
    check_encoder(lambda: make_encoder("table", "table"), rows)
    check_encoder(
        lambda: make_encoder("table", "table"),
        mixed,
        variant=lambda: make_encoder("table(categories=2)", "table"),
    )
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(12, 3)))
    source = open_source(tmp_path / "x.npy")
    check_encoder(lambda: make_encoder("raw", "array"), list(source.items()), source=source)


def test_onnx(tmp_path: Path) -> None:
    text_model(tmp_path / "text" / "model.onnx")
    tokenizer(tmp_path / "text" / "tokenizer.json")
    words = text_items(
        ["red cat", "dog", "rain green", "", "blue", "red", "cat dog", "green green rain dog cat"]
    )
    check_encoder(lambda: make_encoder(f"onnx:{tmp_path / 'text'}", "text"), words)
    path = image_model(tmp_path / "image.onnx", ["b", 3, 6, 8])
    source = pictures(tmp_path / "images", n=12)
    check_encoder(lambda: make_encoder(f"onnx:{path}", "images"), list(source.items()), source=source)


class Sound(Base):
    """Counts letters: keeps every rule. The faults below break one each."""

    name = "sound"
    kinds = ("text",)

    def __init__(self, letters: int = 4) -> None:
        super().__init__(letters=letters)

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        self._dim = self.settings["letters"]

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        counts = [[item.data["text"].count(letter) for letter in "aeior"[: self.dim]] for item in items]
        return np.array(counts, dtype=np.float32).reshape(len(items), self.dim) + np.float32(0.5)


class WrongDim(Sound):
    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        self._dim = 4

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return super().transform(items)[:, :3]


class Doubles(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return super().transform(items).astype(np.float64)  # type: ignore[return-value]


class NothingFails(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return np.stack([super(NothingFails, self).transform([item])[0] for item in items])


class NotFinite(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        out = super().transform(items)
        out[np.array([item.row == 3 for item in items], dtype=bool)] = np.nan
        return out


class Sorted(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return super().transform(sorted(items, key=lambda item: str(item.data["text"])))


class Centred(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        out = super().transform(items)
        return out - out.mean(axis=0) if len(out) else out


class FirstBatchOnly(Sound):
    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        super().fit(batches, n, seed)
        self.mean = super().transform(next(batches())).mean(axis=0)

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return super().transform(items) - self.mean


class Unseeded(Sound):
    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        super().fit(batches, n, seed)
        self.noise = np.random.default_rng().normal(size=self.dim).astype(np.float32)

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        return super().transform(items) * self.noise


class GlobalState(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        random.seed(0)
        return super().transform(items) * np.float32(random.random())


class GlobalNumpyState(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        np.random.seed(0)  # noqa: NPY002 - the fault
        return super().transform(items)


class ByName(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        lengths = np.array([[len(item.id)] for item in items], dtype=np.float32).reshape(len(items), 1)
        return super().transform(items) * lengths


class NeedsTwo(Sound):
    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        if n < 2:
            raise ValueError("too few")
        super().fit(batches, n, seed)


class NoLetters(Sound):
    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        out = super().transform(items)
        with np.errstate(invalid="ignore"):
            return out * np.array(
                [[float(len(item.data["text"].split()) or "nan")] for item in items], np.float32
            ).reshape(-1, 1)


class ManyPools(Sound):
    def bind(self, source: Any, *, pool: str = "", seed: int = 0) -> None:
        super().bind(source, pool="", seed=seed)


class NewEachTime(Sound):
    @property
    def version(self) -> str:
        return f"{super().version}-{id(self)}-{random.Random().random()}"


class NoFolder(Sound):
    @property
    def version(self) -> str:
        return f"a/{super().version}"


class Forgetful(Sound):
    @property
    def version(self) -> str:
        return f"forgetful-{self._bound[0]}"


FAULTS: list[tuple[Callable[..., Base], str]] = [
    (WrongDim, "shape_and_dim"),
    (Doubles, "shape_and_dim"),
    (NothingFails, "shape_and_dim"),
    (NotFinite, "finite"),
    (Sorted, "row_order"),
    (Centred, "batch_size"),
    (FirstBatchOnly, "fit_batches"),
    (Unseeded, "deterministic"),
    (GlobalState, "random_state"),
    (GlobalNumpyState, "random_state"),
    (ByName, "duplicates"),
    (NeedsTwo, "one_item"),
    (NoLetters, "empty_text"),
    (ManyPools, "version_follows_pool"),
    (NewEachTime, "version_follows_pool"),
    (NoFolder, "version_follows_pool"),
    (Forgetful, "version_follows_settings"),
]


def test_the_sound_one_passes() -> None:
    assert check_encoder(Sound, TEXTS, variant=lambda: Sound(5)).passed == tuple(CHECKS)


@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_fault_turns_its_check_red(fault: Callable[..., Base], check: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        check_encoder(fault, TEXTS, variant=lambda: fault(5))
    assert check in caught.value.report.failed


def test_every_check_has_a_fault() -> None:
    assert {check for _, check in FAULTS} == set(CHECKS)
