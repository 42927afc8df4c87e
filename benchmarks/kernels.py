"""Time the acquisition functions beside what this machine could do at best.

Every kernel has a floor: the bytes it must read over the read rate, or the multiplications it must make over the
rate of a float32 matrix product. Both rates are measured just before and after each kernel, since they move on a
shared machine. Peak memory is what the kernel allocates beyond its inputs, from one more run under tracemalloc.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from askwise.acquisition import badge, bald, entropy, k_center, margin, u_coverage
from askwise.xp import top_k

EXAMPLE = """example:
  python benchmarks/kernels.py --only k_center --repeat 3 --json kernels.json
"""


@dataclass(frozen=True)
class Kernel:
    """One job: what to call, and the least that it has to read (bytes) or multiply (floating-point operations)."""

    name: str
    inputs: str
    run: Callable[[], Any]
    reads: float = 0.0
    operations: float = 0.0


@dataclass(frozen=True)
class Result:
    """One row of the table; times in seconds, rates in GB/s and GFLOP/s, memory in MB."""

    name: str
    inputs: str
    seconds: float
    floor_seconds: float
    ratio: float
    peak_mb: float
    read_rate: float
    product_rate: float


def clustered(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Rows around 100 centres, float32."""
    centres = rng.standard_normal((100, d), dtype=np.float32)
    rows = rng.standard_normal((n, d), dtype=np.float32)
    rows *= 0.4
    rows += centres[rng.integers(0, 100, n)]
    return rows


def probabilities(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    proba = rng.standard_exponential(shape, dtype=np.float32)
    proba /= proba.sum(axis=-1, keepdims=True)
    return proba


def kernels(small: int, seed: int, folder: Path, large: bool) -> Iterator[Kernel]:
    """The jobs one by one; `small` divides the number of candidates."""
    rng = np.random.default_rng(seed)
    n, C, d = 1_000_000 // small, 10, 384
    proba = probabilities((n, C), rng)
    for score in (margin, entropy):
        yield Kernel(
            f"{score.__name__} top 100",
            f"{n:,} x {C}",
            partial(top_hundred, score, proba, seed),
            reads=proba.nbytes,
        )
    samples = probabilities((20, 200_000 // small, C), rng)
    yield Kernel("bald", f"20 x {samples.shape[1]:,} x {C}", lambda: bald(samples), reads=samples.nbytes)

    n, m, k = 100_000 // small, 1_000 // small, 200
    embedding, labeled = clustered(n, d, rng), clustered(m, d, rng)
    yield Kernel(
        f"k_center {k}",
        f"{n:,} x {d}, {m:,} labelled",
        lambda: k_center(k, np.random.default_rng(seed), embedding, labeled),
        operations=2 * n * d * (m + k),
    )
    proba_of_rows = probabilities((n, C), rng)
    rectangle = min(n, 4_000) * min(n, 20_000)
    for known in (labeled[:0], labeled):
        yield Kernel(
            "u_coverage 100",
            f"{n:,} x {d}, {len(known):,} labelled",
            partial(cover_hundred, proba_of_rows, embedding, known, seed),
            operations=2 * d * (rectangle + len(known) * min(n, 20_000)),
        )
    n, C = 20_000 // small, 100
    vectors, many = clustered(n, d, rng), probabilities((n, C), rng)
    yield Kernel(
        "badge 100",
        f"{n:,} x {C} classes x {d}",
        lambda: badge(100, np.random.default_rng(seed), many, vectors),
        operations=2 * n * (C + d) * 100,
    )
    if large:
        yield from mapped(n=1_000_000 // small, d=d, folder=folder, rng=rng, seed=seed)


def mapped(n: int, d: int, folder: Path, rng: np.random.Generator, seed: int) -> Iterator[Kernel]:
    """Jobs on an embedding that lies in a file."""
    written = np.lib.format.open_memmap(folder / "embedding.npy", "w+", np.float32, (n, d))
    for start in range(0, n, 50_000):
        written[start : start + 50_000] = clustered(min(50_000, n - start), d, rng)
    written.flush()
    embedding, none = np.load(folder / "embedding.npy", mmap_mode="r"), np.empty((0, d), np.float32)
    proba = probabilities((n, 10), rng)
    yield Kernel(
        "k_center 1000, mapped",
        f"{n:,} x {d}",
        lambda: k_center(1_000, np.random.default_rng(seed), embedding, none),
        operations=2 * n * d * 1_000,
    )
    yield Kernel(
        "badge 100, mapped",
        f"{n:,} x 10 classes x {d}",
        lambda: badge(100, np.random.default_rng(seed), proba, embedding),
        operations=2 * n * (d + 10) * 100,
    )
    yield Kernel(
        "u_coverage 100, mapped",
        f"{n:,} x {d}",
        lambda: u_coverage(100, np.random.default_rng(seed), proba, embedding, none),
        operations=2 * d * min(n, 4_000) * min(n, 20_000),
    )


def top_hundred(score: Callable[[Any], Any], proba: np.ndarray, seed: int) -> Any:
    return top_k(score(proba), 100, np.random.default_rng(seed))


def cover_hundred(proba: np.ndarray, embedding: np.ndarray, labeled: np.ndarray, seed: int) -> Any:
    return u_coverage(100, np.random.default_rng(seed), proba, embedding, labeled)


def best_time(run: Callable[[], Any], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


class Machine:
    """Its limits, measured again whenever they are asked for."""

    def __init__(self) -> None:
        self._long = np.ones(50_000_000, np.float32)
        self._rows = np.ones((20_000, 384), np.float32)
        self._columns = np.ones((384, 1_000), np.float32)

    def limits(self) -> tuple[float, float]:
        """Bytes read a second, and floating-point operations a second."""
        read = self._long.nbytes / best_time(lambda: self._long @ self._long, 3)
        operations = 2 * self._rows.size * self._columns.shape[1]
        return read, operations / best_time(lambda: self._rows @ self._columns, 3)


def measure(kernel: Kernel, machine: Machine, repeat: int) -> Result:
    before = machine.limits()
    seconds = best_time(kernel.run, repeat)
    after = machine.limits()
    read, product = (max(pair) for pair in zip(before, after, strict=True))
    floor = kernel.reads / read + kernel.operations / product
    tracemalloc.start()
    kernel.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Result(
        kernel.name, kernel.inputs, seconds, floor, seconds / floor, peak / 1e6, read / 1e9, product / 1e9
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the candidates, one repetition")
    parser.add_argument(
        "--large", action="store_true", help="also 1,000,000 x 384 from a memory map (1.5 GB of disk)"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only kernels whose name contains TEXT")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="best of N runs (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the inputs and the picks (default 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    options = parser.parse_args()
    results = []
    machine = Machine()
    print(
        f"{'kernel':<24}{'inputs':<32}{'seconds':>9}{'floor':>9}{'ratio':>7}{'peak MB':>9}{'GB/s':>7}{'GFLOP/s':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        small, repeat = (10, 1) if options.quick else (1, options.repeat)
        for kernel in kernels(small, options.seed, Path(folder), options.large):
            if options.only not in kernel.name:
                continue
            row = measure(kernel, machine, repeat)
            results.append(asdict(row))
            print(
                f"{row.name:<24}{row.inputs:<32}{row.seconds:>9.4f}{row.floor_seconds:>9.4f}{row.ratio:>7.1f}"
                f"{row.peak_mb:>9.1f}{row.read_rate:>7.1f}{row.product_rate:>9.1f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
