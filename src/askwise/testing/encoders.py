"""The conformance suite of encoders: what shards, caches and exact resume rely on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders import Encoder
from ..records import Item
from .report import CheckFailed, NotApplicable, Report, broken, run_check

SEED = 7
CLOSE = 1e-4
"""Two computations of one embedding in batches of another size may differ by so much of its length."""


@dataclass(frozen=True)
class Subject:
    """A way to make encoders, and items to encode with them."""

    make: Callable[[], Encoder]
    items: list[Item]
    source: Any
    variant: Callable[[], Encoder] | None

    def fitted(self, items: Sequence[Item] | None = None, batch: int = 5) -> Encoder:
        """A new encoder, fitted."""
        pool = self.items if items is None else list(items)

        def batches() -> Iterator[list[Item]]:
            for start in range(0, len(pool), batch):
                yield pool[start : start + batch]

        encoder = self.make()
        encoder.bind(self.source, pool="pool", seed=SEED)
        encoder.fit(batches, len(pool), SEED)
        return encoder

    def version(self, make: Callable[[], Encoder], pool: str = "pool", seed: int = SEED) -> str:
        """The version of a new encoder that is bound to a pool."""
        encoder = make()
        encoder.bind(self.source, pool=pool, seed=seed)
        return encoder.version


def check_encoder(
    make_encoder: Callable[[], Encoder],
    items: Sequence[Item],
    *,
    source: Any = None,
    variant: Callable[[], Encoder] | None = None,
) -> Report:
    """Run the whole suite on an encoder.

    Parameters
    ----------
    make_encoder
        Makes a new encoder that is not fitted, equal ones each time.
    items
        A dozen or more different items that it can encode.
    source
        What the encoder is bound to: the items' source, for encoders that read from it.
    variant
        Makes an encoder with another setting, whose version must differ.

    Returns
    -------
    Report
        One outcome a check.

    Raises
    ------
    CheckFailed
        If a check failed; the text lists each with its reason.

    Examples
    --------
    >>> from askwise.encoders import make_encoder
    >>> words = ["red", "green", "blue", "cat", "dog", "rain"]
    >>> items = [Item(str(row), row, "", {"text": f"{a} {b}"}) for row, (a, b) in enumerate(zip(words, words[1:]))]
    >>> print(check_encoder(lambda: make_encoder("tfidf", "text"), items))
    tfidf: 11 checks passed
      version_follows_settings: not applicable, no variant was given
    """
    subject = Subject(make_encoder, list(items), source, variant)
    outcomes = tuple(run_check(name, check, subject) for name, check in CHECKS.items())
    report = Report(getattr(make_encoder(), "spec", "encoder"), outcomes)
    if not report.ok:
        raise CheckFailed(report)
    return report


def shape_and_dim(subject: Subject) -> None:
    """transform gives float32 of shape (b, dim), also for no item."""
    encoder = subject.fitted()
    for count in (len(subject.items), 1, 0):
        out = encoder.transform(subject.items[:count])
        if not isinstance(out, np.ndarray) or out.dtype != np.float32:
            broken(
                f"gave {getattr(out, 'dtype', type(out).__name__)} for {count} items; expected a float32 array"
            )
        if out.shape != (count, encoder.dim):
            broken(f"gave shape {out.shape} for {count} items and dim {encoder.dim}")


def finite(subject: Subject) -> None:
    """No NaN, no infinite number."""
    wrong = np.argwhere(~np.isfinite(subject.fitted().transform(subject.items)))
    if len(wrong):
        broken(f"the embedding of item {subject.items[int(wrong[0][0])].id!r} is not finite")


def row_order(subject: Subject) -> None:
    """Embeddings come in the order of the items."""
    encoder = subject.fitted()
    forth, back = encoder.transform(subject.items), encoder.transform(subject.items[::-1])
    _same(forth, back[::-1], "items in reverse order gave embeddings in another order")


def batch_size(subject: Subject) -> None:
    """An embedding does not depend on the items that come along."""
    encoder = subject.fitted()
    whole = encoder.transform(subject.items)
    for size in (1, 3):
        starts = range(0, len(subject.items), size)
        parts = np.concatenate([encoder.transform(subject.items[start : start + size]) for start in starts])
        _same(whole, parts, f"batches of {size} gave other embeddings than one batch")


def fit_batches(subject: Subject) -> None:
    """What is learnt does not depend on how the pool is cut into batches."""
    one, other = (subject.fitted(batch=size).transform(subject.items) for size in (1, len(subject.items)))
    _same(one, other, "fitting in batches of another size gave other embeddings")


def deterministic(subject: Subject) -> None:
    """Fitted again, it gives the same numbers to the last bit: resumed work relies on it."""
    one, other = (subject.fitted().transform(subject.items) for _ in range(2))
    if not np.array_equal(one, other):
        broken("two encoders fitted alike gave different embeddings")


def random_state(subject: Subject) -> None:
    """The global random generators stay as they were."""
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - what is checked
    try:
        # a state that no encoder sets by itself: one that always sets the same would go unnoticed the second time
        random.seed(20_231)
        np.random.seed(20_231)  # noqa: NPY002
        before = _global_state()
        subject.fitted().transform(subject.items)
        if _global_state() != before:
            broken("used the global random state")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002


def _global_state() -> tuple[Any, Any, Any]:
    name, keys, position, *_ = np.random.get_state()  # noqa: NPY002
    return random.getstate(), np.asarray(keys).tolist(), (name, position)


def duplicates(subject: Subject) -> None:
    """Equal content has equal embeddings."""
    item = subject.items[0]
    out = subject.fitted().transform([item, *subject.items[1:], replace(item, id=f"{item.id} again")])
    _same(out[:1], out[-1:], "the same content twice gave two embeddings")


def one_item(subject: Subject) -> None:
    """A pool of one item can be encoded."""
    out = subject.fitted(subject.items[:1]).transform(subject.items[:1])
    if len(out) != 1 or out.ndim != 2 or not np.isfinite(out).all():
        broken("a pool of one item has no finite embedding")


def empty_text(subject: Subject) -> None:
    """A text without words is no error and has finite numbers."""
    if "text" not in subject.items[0].data:
        raise NotApplicable("the items are not texts")
    encoder = subject.fitted()
    for text in ("", " \n", "§§§ ?!"):
        item = replace(subject.items[0], data={"text": text})
        if not np.isfinite(encoder.transform([item])).all():
            broken(f"the embedding of the text {text!r} is not finite")


def version_follows_pool(subject: Subject) -> None:
    """The version names the shards: equal for equal encoders, another for another pool."""
    version = subject.version(subject.make)
    if not isinstance(version, str) or not version or "/" in version:
        broken(f"the version {version!r} is not fit for the name of a folder")
    if subject.version(subject.make) != version:
        broken("two equal encoders have different versions")
    if subject.version(subject.make, pool="another") == version:
        broken("the version is the same for another pool, whose shards would be taken for these")


def version_follows_settings(subject: Subject) -> None:
    """Another setting, another version."""
    if subject.variant is None:
        raise NotApplicable("no variant was given")
    if subject.version(subject.variant) == subject.version(subject.make):
        broken("another setting has the same version, so that stale embeddings would be taken for fresh ones")


CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__: check
    for check in (
        shape_and_dim,
        finite,
        row_order,
        batch_size,
        fit_batches,
        deterministic,
        random_state,
        duplicates,
        one_item,
        empty_text,
        version_follows_pool,
        version_follows_settings,
    )
}


def _same(one: NDArray[Any], other: NDArray[Any], reason: str) -> None:
    if one.shape != other.shape:
        broken(f"{reason} ({one.shape} and {other.shape})")
    length = max(float(np.linalg.norm(one, axis=1).max(initial=0.0)), 1e-30)
    apart = float(np.abs(one - other).max(initial=0.0))
    if not apart <= CLOSE * length:
        broken(f"{reason} (by {apart:.2g})")
