"""Shards: whole or not there, resumed after a kill, and refused when they are not what was written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from askwise.encoders.files import NpyFile, checksum
from askwise.encoders.shards import encode_pool, open_features
from askwise.errors import EncoderError
from askwise.records import Item

from .helpers import Counting, Lines, Memory, Numbers


def test_every_row_is_where_the_pool_says(tmp_path: Path) -> None:
    source, manifest, encoder = Numbers(5000), Memory(), Counting()
    told: list[tuple[int, int]] = []
    features = encode_pool(
        manifest, source, encoder, tmp_path, lambda done, n: told.append((done, n)), shard_rows=500
    )
    np.testing.assert_array_equal(features.rows(), source.X)
    assert features.encoder == encoder.version
    shards = manifest.shards(encoder.version)
    assert len(shards) == 11
    assert sum(shard.rows for shard in shards if shard.part != "index") == 5000
    assert all(400 < shard.rows < 600 for shard in shards if shard.part != "index")
    assert all(checksum(tmp_path / shard.file) == shard.checksum for shard in shards)
    assert told[0] == (0, 5000)
    assert told[-1] == (5000, 5000)
    assert told == sorted(told)
    np.testing.assert_array_equal(open_features(shards, tmp_path, verify=True).rows(), source.X)


def test_a_partition_is_a_random_sample(tmp_path: Path) -> None:
    features = encode_pool(Memory(), Numbers(4000), Counting(), tmp_path, shard_rows=1000)
    means = [float(shard[:, 0].mean()) for shard in features.shards]
    assert all(abs(mean - 2000) < 200 for mean in means)


def test_partitions_do_not_depend_on_order_of_work(tmp_path: Path) -> None:
    class Together(Counting):
        shards_at_once = 4

    one = encode_pool(Memory(), Numbers(3000), Counting(), tmp_path / "a", shard_rows=500)
    two = encode_pool(Memory(), Numbers(3000), Together(), tmp_path / "b", shard_rows=500)
    np.testing.assert_array_equal(one.partition, two.partition)
    np.testing.assert_array_equal(one.rows(), two.rows())


def test_what_is_there_is_not_encoded_again(tmp_path: Path) -> None:
    source, manifest = Numbers(300), Memory()
    encode_pool(manifest, source, Counting(), tmp_path)
    again = Counting()
    encode_pool(manifest, source, again, tmp_path)
    assert (again.fits, again.encoded) == (0, [])


def test_another_pool_seed_or_setting_is_another_folder(tmp_path: Path) -> None:
    manifest, versions = Memory(), set()
    for source, encoder, seed in (
        (Numbers(30), Counting(), 0),
        (Numbers(31), Counting(), 0),
        (Numbers(30), Counting(scale=2), 0),
        (Numbers(30), Counting(), 1),
    ):
        features = encode_pool(manifest, source, encoder, tmp_path, seed=seed)
        np.testing.assert_array_equal(features.rows(), source.X * encoder.settings["scale"])
        versions.add(encoder.version)
    assert len(versions) == 4
    assert len({path.name for path in tmp_path.iterdir()}) == 4


def test_a_lost_or_short_shard_is_named_and_made_again(tmp_path: Path) -> None:
    source, manifest, encoder = Numbers(3000), Memory(), Counting()
    encode_pool(manifest, source, encoder, tmp_path, shard_rows=500)
    shards = manifest.shards(encoder.version)
    one, two = tmp_path / shards[0].file, tmp_path / shards[3].file
    two.write_bytes(two.read_bytes()[:-4])
    with pytest.raises(EncoderError, match=rf"{two.name}: damaged .* encode the pool again"):
        open_features(shards, tmp_path)
    one.unlink()
    with pytest.raises(EncoderError, match=rf"{one.name}: the shard is gone"):
        open_features(shards, tmp_path)
    again = Counting()
    features = encode_pool(manifest, source, again, tmp_path, shard_rows=500)
    np.testing.assert_array_equal(features.rows(), source.X)
    assert len(again.encoded) == shards[0].rows + shards[3].rows


def test_changed_bytes_are_found_on_demand(tmp_path: Path) -> None:
    manifest, encoder = Memory(), Counting()
    encode_pool(manifest, Numbers(100), encoder, tmp_path)
    shards = manifest.shards(encoder.version)
    path = tmp_path / next(shard.file for shard in shards if shard.part == "0000")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    open_features(shards, tmp_path)
    with pytest.raises(EncoderError, match="differs from its checksum"):
        open_features(shards, tmp_path, verify=True)


def test_a_file_without_a_manifest_row_does_not_exist(tmp_path: Path) -> None:
    source, manifest, encoder = Numbers(3000), Memory(), Counting()
    encode_pool(manifest, source, encoder, tmp_path, shard_rows=500)
    lost = manifest.rows.pop((encoder.version, "0002"))
    with pytest.raises(EncoderError, match=r"shard 0002 .* is not recorded"):
        open_features(manifest.shards(encoder.version), tmp_path)
    with pytest.raises(EncoderError, match="not complete"):
        open_features([], tmp_path)
    again = Counting()
    encode_pool(manifest, source, again, tmp_path, shard_rows=500)
    assert len(again.encoded) == lost.rows


class Broken(Counting):
    """An encoder that does what an encoder must not."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def transform(self, items: Sequence[Item]) -> NDArray[np.float32]:
        out: Any = super().transform(items)
        if self.fault == "dtype":
            out = out.astype(np.float64)
        if self.fault == "shape":
            out = out[:-1]
        if self.fault == "nan":
            out[3] = np.nan
        if self.fault == "list":
            out = out.tolist()
        return out  # type: ignore[no-any-return]


@pytest.mark.parametrize("fault", ["dtype", "shape", "nan", "list"])
def test_an_encoder_that_breaks_its_contract_leaves_nothing(tmp_path: Path, fault: str) -> None:
    manifest = Memory()
    with pytest.raises(
        EncoderError, match=r"item 'item 3'" if fault == "nan" else r"expected float32 \(20, 2\)"
    ):
        encode_pool(manifest, Numbers(20), Broken(fault), tmp_path)
    assert manifest.rows == {}
    assert list(tmp_path.rglob("*.npy")) == list(tmp_path.rglob("*.tmp")) == []


def test_an_empty_or_shuffled_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="empty"):
        encode_pool(Memory(), Numbers(0), Counting(), tmp_path)
    items = list(Numbers(3).items())[::-1]
    with pytest.raises(EncoderError, match="row 2 where row 0"):
        encode_pool(Memory(), Numbers(3), Counting(), tmp_path, items=lambda: iter([items]))


def test_the_items_of_the_storage_are_taken_where_it_has_them(tmp_path: Path) -> None:
    class Storage(Memory):
        def iter_items(self, chunk: int = 10) -> Any:
            items = list(Numbers(25).items())
            return (items[start : start + chunk] for start in range(0, 25, chunk))

    features = encode_pool(Storage(), Numbers(99), Counting(), tmp_path)
    assert features.n == 25


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    with (
        pytest.raises(EncoderError, match="1 rows came, 2 were expected"),
        NpyFile(path, (2, 1), np.dtype("<f4")) as file,
    ):
        file.write(np.zeros((1, 1)))
        file.finish()
    with pytest.raises(KeyboardInterrupt), NpyFile(path, (2, 1), np.dtype("<f4")) as file:
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


CHILD = """
import resource, signal, sys
from pathlib import Path
from askwise.encoders.shards import encode_pool
from askwise.errors import EncoderError
from tests_helpers import Counting, Lines, Numbers
import time

folder = Path(sys.argv[1])

class Slow(Counting):
    def transform(self, items):
        time.sleep(0.05)
        return super().transform(items)

if sys.argv[2] == "full":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    encode_pool(Lines(folder / "manifest"), Numbers(9000), Slow(), folder / "shards", shard_rows=3000)
except EncoderError as error:
    print(error)
"""


def child(folder: Path, mode: str) -> subprocess.Popen[str]:
    """A process that encodes 9,000 rows in three shards."""
    (folder / "tests_helpers.py").write_text((Path(__file__).parent / "helpers.py").read_text())
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), mode], env=environment, stdout=subprocess.PIPE, text=True
    )


def resumed(folder: Path) -> tuple[Counting, int]:
    """Finish the work, and check every row."""
    encoder = Counting()
    features = encode_pool(
        Lines(folder / "manifest"), Numbers(9000), encoder, folder / "shards", shard_rows=3000
    )
    np.testing.assert_array_equal(features.rows(), Numbers(9000).X)
    shards = Lines(folder / "manifest").shards(encoder.version)
    open_features(shards, folder / "shards", verify=True)
    assert list((folder / "shards").rglob("*.tmp")) == []
    return encoder, len(shards)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_in_the_middle_keeps_the_finished_shards(tmp_path: Path) -> None:
    process = child(tmp_path, "run")
    deadline = time.monotonic() + 60
    kept: list[Path] = []
    # a shard is finished and the temporary file of the next is there: the middle
    while not (kept and list((tmp_path / "shards").rglob(".*.tmp"))):
        assert time.monotonic() < deadline
        assert process.poll() is None, "the child finished before it was killed"
        manifest = tmp_path / "manifest"
        kept = [path for path in (tmp_path / "shards").rglob("0*.npy") if manifest.read_text()]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert list((tmp_path / "shards").rglob(".*.tmp")), "killed too late to leave anything behind"
    recorded = Lines(tmp_path / "manifest").path.read_text().count("\n")
    assert 1 <= recorded < 4
    before = {path: path.stat().st_mtime_ns for path in kept[:recorded]}
    encoder, shards = resumed(tmp_path)
    assert shards == 4
    assert 0 < len(encoder.encoded) < 9000
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes")
def test_a_full_disk_names_the_folder_and_removes_the_temporary_file(tmp_path: Path) -> None:
    process = child(tmp_path, "full")
    said, _ = process.communicate(timeout=60)
    assert said.startswith(f"cannot write embeddings to {tmp_path / 'shards'}")
    assert "Make room" in said
    assert said.count("\n") == 1
    assert list((tmp_path / "shards").rglob("*.tmp")) == []
    assert resumed(tmp_path)[1] == 4
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_two_processes_at_once_share_the_work(tmp_path: Path) -> None:
    processes = [child(tmp_path, "run") for _ in range(2)]
    for process in processes:
        said, _ = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    assert len((tmp_path / "manifest").read_text().splitlines()) == 4
    assert resumed(tmp_path)[0].encoded == []


def test_a_read_only_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(EncoderError, match=f"cannot write embeddings to {tmp_path}.*: read-only file system"):
        encode_pool(Memory(), Numbers(3), Counting(), tmp_path)
