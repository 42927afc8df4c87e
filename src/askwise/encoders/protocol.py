"""What an encoder is, and what the ones that come with Askwise share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..records import Item

Batches: TypeAlias = Callable[[], Iterator[Sequence[Item]]]
"""Gives all items in batches, in the same order each time it is called."""


class Contents(Protocol):
    """What an encoder needs of the source whose items it encodes."""

    def content(self, item: Item) -> bytes:
        """The bytes of the item's file."""

    def numbers(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """The rows of the array, (b, d)."""


@runtime_checkable
class Encoder(Protocol):
    """Turns items into embeddings. What it has learnt is never stored: it is fitted again, to the same result.

    Attributes
    ----------
    spec
        A readable string from which `make_encoder` makes an equal encoder.
    version
        Changes whenever the embeddings would: with the settings, the code, and the pool bound to. It names the
        shards, so that stale embeddings are never taken for fresh ones.
    dim
        Length of an embedding; known once the encoder is fitted.
    """

    @property
    def spec(self) -> str:
        """A readable string."""

    @property
    def version(self) -> str:
        """Changes whenever the embeddings would."""

    @property
    def dim(self) -> int:
        """Length of an embedding."""

    def bind(self, source: Contents | None, *, pool: str = "", seed: int = 0) -> None:
        """Say where items lie and which pool (by the digest of its content) will be fitted to."""

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Learn what must be learnt from the n items of the pool; deterministic given the seed."""

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim) of items, in order, the same whatever other items come along."""


class Base:
    """Settings, version and binding, the same for all encoders that come with Askwise.

    Parameters
    ----------
    settings
        Become attributes; part of the version.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    code: ClassVar[int] = 1
    """Counted up by hand whenever the same settings begin to give other embeddings."""
    shards_at_once: ClassVar[int] = 16
    """How many shards are written in one pass over the items; 1 where a pass costs little beside the encoding, so
    that a kill loses little."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.source: Contents | None = None
        self._bound = ("", 0)
        self._dim: int | None = None

    @property
    def spec(self) -> str:
        """The name, and the settings that are not the defaults."""
        import inspect

        defaults = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        changed = [
            f"{name}={value!r}" for name, value in self.settings.items() if value != defaults.get(name)
        ]
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    @property
    def version(self) -> str:
        """The name and a digest of the settings, the code's version, the seed and the pool's content."""
        return versioned(self.name, [self.settings, self.code, *self._bound])

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        if self._dim is None:
            raise EncoderError(f"{self.name}: not fitted yet; its embeddings have no length")
        return self._dim

    def bind(self, source: Contents | None, *, pool: str = "", seed: int = 0) -> None:
        """Say where items lie and which pool will be fitted to."""
        self.source = source
        self._bound = (pool, seed)

    def _contents(self) -> Contents:
        if self.source is None:
            raise EncoderError(
                f"{self.name} reads from the source of the items: call encoder.bind(open_source(PATH)) first"
            )
        return self.source

    def fit(self, batches: Batches, n: int, seed: int = 0) -> None:
        """Learn what must be learnt from the pool."""
        raise NotImplementedError

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Embeddings (b, dim)."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.spec


def versioned(name: str, facts: Any) -> str:
    """A name fit for a folder, made unique by a digest of facts.

    >>> versioned("onnx:/a/b.onnx", [1, 2]).startswith("onnx-a-b.onnx-")
    True
    """
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:40]
    facts = json.dumps([name, facts], sort_keys=True, default=str)
    return f"{plain}-{blake2b(facts.encode(), digest_size=8).hexdigest()}"


def sample(batches: Batches, n: int, size: int, seed: int) -> list[Item]:
    """At most `size` of the n items, in order: all of them, or a random sample that depends on the seed alone.

    >>> items = [Item(str(row), row, "") for row in range(100)]
    >>> [item.id for item in sample(lambda: iter([items[:60], items[60:]]), 100, 4, seed=0)]
    ['...', '...', '...', '...']
    """
    if n <= size:
        return [item for batch in batches() for item in batch]
    chosen = np.sort(np.random.default_rng(seed).choice(n, size, replace=False))
    found: list[Item] = []
    start = 0
    for batch in batches():
        low, high = np.searchsorted(chosen, [start, start + len(batch)])
        found.extend(batch[int(position) - start] for position in chosen[low:high])
        start += len(batch)
        if len(found) == size:
            break
    return found
