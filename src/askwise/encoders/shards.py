"""A pool's embeddings as immutable shards: encoded once, written so that a kill at any moment loses one at most."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..pool import Features, scratch_in
from ..records import Item, Shard
from .files import NpyFile, checksum, only_writer
from .protocol import Batches, Contents, Encoder

Progress: TypeAlias = Callable[[int, int], None]

SHARD_ROWS = 250_000
BATCH_ROWS = 2048
INDEX = "index"
FLOAT = np.dtype("<f4")
WHOLE = np.dtype("<i4")


class Manifest(Protocol):
    """The storage, as far as shards are concerned. One that has `iter_items()` also gives the items."""

    def add_shard(self, shard: Shard) -> None:
        """Record a finished shard, durably."""

    def shards(self, encoder: str) -> Sequence[Shard]:
        """The shards recorded under an encoder's version."""


class Origin(Contents, Protocol):
    """The source, as far as shards are concerned."""

    def items(self, report: Any = None) -> Iterator[Item]:
        """The items in row order."""


def encode_pool(
    manifest: Manifest,
    source: Origin,
    encoder: Encoder,
    folder: Path,
    progress: Progress | None = None,
    *,
    seed: int = 0,
    items: Batches | None = None,
    shard_rows: int = SHARD_ROWS,
) -> Features:
    """Encode every item of the pool that is not encoded yet, and open the result.

    A partition is a random sample of the pool, by a hash of the ids. Each becomes one file, written under a
    temporary name, synced, renamed, and only then recorded in the manifest: a shard without a manifest row does not
    exist. A run that was killed is repeated; what is in the manifest is kept.

    Parameters
    ----------
    manifest
        Keeps the records of finished shards.
    source
        Where the contents of the items are.
    encoder
        Bound to the source and the pool's content here; its `version` afterwards is the key of the shards.
    folder
        Gets a folder named by the encoder's version.
    progress
        Called with (rows done, rows in all).
    seed
        Of whatever the encoder draws.
    items
        Gives the pool's items in batches in row order. By default the manifest's ``iter_items()`` if it has one,
        which is right also when files were added to the source since; else the source's items.
    shard_rows
        About how many rows a shard has.

    Returns
    -------
    Features

    Raises
    ------
    EncoderError
        If an item cannot be encoded, the encoder breaks its contract, or the disk is full.
    """
    if items is None:
        items = getattr(manifest, "iter_items", None) or (lambda: _in_batches(source.items()))
    pool = _survey(items, shard_rows)
    encoder.bind(source, pool=f"{pool.digest}/{shard_rows}", seed=seed)
    key = encoder.version
    place = Path(folder) / key
    with only_writer(place):
        recorded = {shard.part: shard for shard in manifest.shards(key)}
        missing = [part for part in pool.sizes if not _is_whole(recorded.get(part), Path(folder))]
        told = _Told(progress, 0, pool.n)
        told.add(pool.n - sum(pool.sizes[part] for part in missing))
        if missing:
            encoder.fit(items, pool.n, seed)
        step = max(1, getattr(encoder, "shards_at_once", 1))
        for start in range(0, len(missing), step):
            for shard in _encode(encoder, items, pool, missing[start : start + step], place, told):
                _record(manifest, recorded, shard)
        if not _is_whole(recorded.get(INDEX), Path(folder)):
            with NpyFile(place / f"{INDEX}.npy", (pool.n,), WHOLE) as file:
                file.write(pool.partition)
                shard = Shard(key, INDEX, f"{key}/{file.path.name}", pool.n, 1, file.finish())
            _record(manifest, recorded, shard)
    return open_features(manifest.shards(key), folder)


def open_features(shards: Sequence[Shard], folder: Path, *, verify: bool = False) -> Features:
    """Memory-map the shards of one encoder.

    Parameters
    ----------
    shards
        All manifest rows of the encoder.
    folder
        The folder given to `encode_pool`.
    verify
        Also read every byte and compare the checksums.

    Raises
    ------
    EncoderError
        If shards are missing, or a file is gone or damaged: names it and says what to do.
    """
    found = {shard.part: shard for shard in shards}
    if INDEX not in found:
        raise EncoderError(
            f"the embeddings in {folder} are not complete: their index is not recorded; encode the pool again "
            "(finished shards are kept)"
        )
    index = found.pop(INDEX)
    partition: NDArray[np.int32] = np.asarray(_map(index, folder, WHOLE, (index.rows,), verify))
    sizes = np.bincount(partition, minlength=1)
    maps = []
    for number, size in enumerate(sizes):
        shard = found.get(_name(number))
        if shard is None or shard.rows != size:
            what = (
                "is not recorded" if shard is None else f"holds {shard.rows:,} rows, its index names {size:,}"
            )
            raise EncoderError(
                f"shard {_name(number)} of the embeddings in {folder} {what}; encode the pool again"
            )
        maps.append(_map(shard, folder, FLOAT, (shard.rows, shard.dim), verify))
    offset = np.empty(len(partition), dtype=np.int32)
    for number, size in enumerate(sizes):
        offset[partition == number] = np.arange(size, dtype=np.int32)
    return Features(maps, partition, offset, encoder=index.encoder, scratch=scratch_in(Path(folder)))


@dataclass
class _Pool:
    """What one look through all items gives: how many, the digest of their content, who lies in which partition."""

    n: int
    digest: str
    partition: NDArray[np.int32]
    sizes: dict[str, int]


def _survey(items: Batches, shard_rows: int) -> _Pool:
    digest = blake2b(digest_size=16)
    hashes = array("Q")
    for batch in items():
        for item in batch:
            if item.row != len(hashes):
                raise EncoderError(f"item {item.id!r} is row {item.row} where row {len(hashes)} was expected")
            id = item.id.encode("utf-8", "surrogatepass")
            hashes.append(int.from_bytes(blake2b(id, digest_size=8).digest(), "little"))
            digest.update(b"%d:%b%b" % (len(id), id, item.hash.encode()))
    n = len(hashes)
    if n == 0:
        raise EncoderError("the pool is empty; there is nothing to encode")
    parts = max(1, round(n / shard_rows))
    partition = (np.frombuffer(hashes, dtype=np.uint64) % np.uint64(parts)).astype(np.int32)
    # a tiny pool may leave a partition without rows: those that have some are counted through
    partition = np.unique(partition, return_inverse=True)[1].astype(np.int32)
    sizes = {_name(number): int(size) for number, size in enumerate(np.bincount(partition))}
    return _Pool(n, digest.hexdigest(), partition, sizes)


def _name(number: int) -> str:
    return f"{number:04d}"


@dataclass
class _Told:
    """How far the work has come, told after every batch."""

    progress: Progress | None
    done: int
    n: int

    def add(self, rows: int) -> None:
        self.done += rows
        if self.progress:
            self.progress(self.done, self.n)


def _encode(
    encoder: Encoder, items: Batches, pool: _Pool, parts: list[str], place: Path, told: _Told
) -> Iterator[Shard]:
    """Write some shards in one pass over the items. A shard's batches have borders that nothing else moves."""
    with ExitStack() as stack:
        files = {
            int(part): stack.enter_context(
                NpyFile(place / f"{part}.npy", (pool.sizes[part], encoder.dim), FLOAT)
            )
            for part in parts
        }
        waiting: dict[int, list[Item]] = {number: [] for number in files}
        partition = pool.partition.tolist()
        for batch in items():
            for item in batch:
                mine = waiting.get(number := partition[item.row])
                if mine is None:
                    continue
                mine.append(item)
                if len(mine) == BATCH_ROWS:
                    files[number].write(_transform(encoder, mine))
                    told.add(len(mine))
                    mine.clear()
        for number, file in files.items():
            if waiting[number]:
                file.write(_transform(encoder, waiting[number]))
                told.add(len(waiting[number]))
            rows, d = pool.sizes[_name(number)], encoder.dim
            yield Shard(place.name, _name(number), f"{place.name}/{file.path.name}", rows, d, file.finish())


def _transform(encoder: Encoder, batch: list[Item]) -> NDArray[np.float32]:
    block = encoder.transform(batch)
    shape = (len(batch), encoder.dim)
    if not isinstance(block, np.ndarray) or block.dtype != np.float32 or block.shape != shape:
        got = f"{block.dtype} {block.shape}" if isinstance(block, np.ndarray) else type(block).__name__
        raise EncoderError(f"encoder {encoder.spec}: expected float32 {shape}, got {got}")
    finite = np.isfinite(block).all(axis=1)
    if not finite.all():
        item = batch[int(np.argmin(finite))]
        raise EncoderError(f"encoder {encoder.spec}: the embedding of item {item.id!r} is not finite")
    return block


def _record(manifest: Manifest, recorded: dict[str, Shard], shard: Shard) -> None:
    if (
        recorded.get(shard.part) != shard
    ):  # a lost file that was written anew, byte for byte, has its row already
        manifest.add_shard(shard)
        recorded[shard.part] = shard


def _is_whole(shard: Shard | None, folder: Path) -> bool:
    if shard is None:
        return False
    kind, shape = (WHOLE, (shard.rows,)) if shard.part == INDEX else (FLOAT, (shard.rows, shard.dim))
    try:
        _map(shard, folder, kind, shape, verify=False)
    except EncoderError:
        return False
    return True


def _map(
    shard: Shard, folder: Path, dtype: np.dtype[Any], shape: tuple[int, ...], verify: bool
) -> NDArray[Any]:
    path = Path(folder) / shard.file
    again = "restore it from a backup, or encode the pool again"
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.shape != shape or mapped.dtype != dtype:
            raise EncoderError(
                f"{path}: {mapped.dtype} {mapped.shape}, the manifest says {dtype} {shape}; {again}"
            )
        if verify and checksum(path) != shard.checksum:
            raise EncoderError(f"{path}: its content differs from its checksum; {again}")
    except FileNotFoundError as error:
        raise EncoderError(f"{path}: the shard is gone; {again}") from error
    except OSError as error:
        raise EncoderError(f"{path}: {(error.strerror or str(error)).lower()}; {again}") from error
    except (ValueError, EOFError) as error:
        raise EncoderError(f"{path}: damaged ({str(error).splitlines()[0]}); {again}") from error
    return mapped


def _in_batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, BATCH_ROWS)):
        yield batch
