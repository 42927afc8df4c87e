"""Time Askwise beside other active-learning packages: same inputs, same machine, one run.

The other packages get a virtual environment of their own, since they pin other versions of our dependencies; it is
made on the first run and used again with --venv. Every job runs in a process of its own, ours and theirs in turn, so
that seconds and the growth of its memory are its own. A job that takes longer than --limit is stopped and shown as
"over"; one that fails shows its error.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

EXAMPLE = """example:
  python benchmarks/rivals.py --venv /tmp/rivals --jobs margin,k_center --json rivals.json
"""
# torch first: the packages would otherwise bring another build of it.
PACKAGES = (("torch==2.13.0",), ("scikit-activeml==1.0.1",), ("small-text==1.4.1",), ("baal==2.1.0",),
            ("batchbald_redux==2.0.5",))  # fmt: skip


def embeddings(n: int, rng: np.random.Generator, d: int = 384) -> np.ndarray:
    """Rows around 100 centres, float32."""
    centres = rng.standard_normal((100, d), dtype=np.float32)
    return centres[rng.integers(100, size=n)] + 0.4 * rng.standard_normal((n, d), dtype=np.float32)


def probabilities(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Softmax of normal numbers, float32."""
    powers = np.exp(2 * rng.standard_normal(shape, dtype=np.float32))
    return powers / powers.sum(axis=-1, keepdims=True)


def make_inputs(job: str, seed: int, small: int) -> dict[str, np.ndarray]:
    """What both sides are given."""
    rng = np.random.default_rng(seed)
    if job in ("margin", "entropy"):
        return {"proba": probabilities((1_000_000 // small, 10), rng)}
    if job == "bald":
        return {"samples": probabilities((20, 200_000 // small, 10), rng)}
    if job == "batch_bald":
        return {"samples": probabilities((50, 5_000 // small, 10), rng)}
    if job == "k_center":
        return {"embedding": embeddings(100_000 // small, rng), "labeled": embeddings(1_000, rng)}
    if job == "badge":
        n = 20_000 // small
        return {"proba": probabilities((n, 100), rng), "embedding": embeddings(n, rng)}
    return {"embedding": embeddings(20_000 // small, rng)}


def ours(job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    """Through `aw.select`, with all its checks."""
    import askwise as aw

    none = X["embedding"][:0] if "embedding" in X else None
    if job in ("margin", "entropy"):
        return lambda: aw.select(job, 100, proba=X["proba"])
    if job == "bald":
        return lambda: aw.select("bald", 100, samples=X["samples"])
    if job == "batch_bald":
        return lambda: aw.select("batch_bald", 20, samples=X["samples"])
    if job == "k_center":
        return lambda: aw.select("k_center", 200, embedding=X["embedding"], labeled_embedding=X["labeled"])
    if job == "badge":
        return lambda: aw.select("badge", 100, proba=X["proba"], embedding=X["embedding"])
    if job == "max_herding":
        n = len(X["embedding"])
        inputs: dict[str, Any] = {"embedding": X["embedding"], "labeled_embedding": none}
        return lambda: aw.select("max_herding", 50, targets=n, candidates=n, **inputs)
    if job == "prob_cover":
        proba = np.full((len(X["embedding"]), 10), 0.1, np.float32)
        return lambda: aw.select(
            "prob_cover", 50, embedding=X["embedding"], labeled_embedding=none, **_extra("prob_cover", proba)
        )
    proba = np.full((len(X["embedding"]), 10), 0.1, np.float32)
    return lambda: aw.select(job, 50, embedding=X["embedding"], labeled_embedding=none, **_extra(job, proba))


def _extra(job: str, proba: np.ndarray) -> dict[str, Any]:
    """Inputs beyond the embeddings, where the function asks for them."""
    import askwise as aw

    needs = aw.as_strategy(job).needs
    return {
        name: value
        for name, value in {"proba": proba, "labels": np.empty(0, np.int64)}.items()
        if name in needs
    }


def theirs(rival: str, job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    """The same task in a rival's own terms."""
    return {
        "scikit-activeml": _activeml,
        "baal": _baal,
        "batchbald_redux": _redux,
        "small-text": _small_text,
    }[rival](job, X)


def _activeml(job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    from skactiveml import pool
    from skactiveml.base import SkactivemlClassifier

    if job in ("margin", "entropy"):
        method = "margin_sampling" if job == "margin" else "entropy"
        return lambda: np.argpartition(-pool.uncertainty_scores(X["proba"], method=method), 100)[:100]
    if job == "batch_bald":
        return lambda: pool.batch_bald(
            X["samples"].astype(np.float64), 20, n_MC_samples=10_000, random_state=0
        )
    if job == "k_center":
        rows = np.concatenate([X["embedding"], X["labeled"]])
        y = np.full(len(rows), np.nan)
        y[-len(X["labeled"]) :] = 0
        return lambda: pool.CoreSet(random_state=0).query(rows, y, batch_size=200)
    y = np.full(len(X["embedding"]), np.nan)
    if job == "badge":

        class Given(SkactivemlClassifier):
            """A classifier that returns the probabilities at hand."""

            def fit(self, rows: Any, y: Any, sample_weight: Any = None) -> Given:
                return self

            def predict_proba(self, rows: Any) -> np.ndarray:
                return X["proba"][: len(rows)]

        given = Given(classes=list(range(100)))
        given.classes_ = np.arange(100)
        query = pool.Badge(random_state=0).query
        return lambda: query(X["embedding"], y, given, fit_clf=False, batch_size=100)
    made = {
        "max_herding": lambda: pool.MaxHerding(random_state=0),
        "typiclust": lambda: pool.TypiClust(random_state=0),
        "prob_cover": lambda: pool.ProbCover(n_classes=10, random_state=0),
    }[job]()
    return lambda: made.query(X["embedding"], y, batch_size=50)


def _baal(job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    from baal.active import heuristics

    if job == "bald":
        predictions = np.ascontiguousarray(X["samples"].transpose(1, 2, 0))
        return lambda: heuristics.BALD()(predictions)[:100]
    heuristic = heuristics.Margin() if job == "margin" else heuristics.Entropy()
    return lambda: heuristic(X["proba"])[:100]


def _redux(job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    import torch
    from batchbald_redux import batchbald

    logs = torch.log(torch.from_numpy(np.ascontiguousarray(X["samples"].transpose(1, 0, 2))))
    if job == "bald":
        return lambda: batchbald.get_bald_batch(logs, 100)
    return lambda: batchbald.get_batchbald_batch(logs, 20, 10_000)


def _small_text(job: str, X: dict[str, np.ndarray]) -> Callable[[], Any]:
    from small_text.query_strategies.coresets import greedy_coreset

    n, m = len(X["embedding"]), len(X["labeled"])
    rows = np.concatenate([X["embedding"], X["labeled"]])
    return lambda: greedy_coreset(rows, np.arange(n), np.arange(n, n + m), 200, distance_metric="euclidean")


JOBS: dict[str, tuple[str, ...]] = {
    "margin": ("baal", "scikit-activeml"),
    "entropy": ("baal", "scikit-activeml"),
    "bald": ("baal", "batchbald_redux"),
    "batch_bald": ("scikit-activeml", "batchbald_redux"),
    "k_center": ("scikit-activeml", "small-text"),
    "badge": ("scikit-activeml",),
    "max_herding": ("scikit-activeml",),
    "prob_cover": ("scikit-activeml",),
    "typiclust": ("scikit-activeml",),
}


def work(side: str, job: str, folder: Path, repeat: int) -> None:
    """One job in this process; prints its seconds (the best of `repeat`) and how much its memory grew."""
    X = {path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))}
    run = ours(job, X) if side == "askwise" else theirs(side, job, X)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > 20:
            break
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": min(seconds), "mb": grown / 1024}))


def timed(python: str, side: str, job: str, folder: Path, limit: float, repeat: int) -> dict[str, Any]:
    """The result of `work` in another process."""
    command = [
        python,
        __file__,
        "--work",
        side,
        "--jobs",
        job,
        "--folder",
        str(folder),
        "--repeat",
        str(repeat),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"seconds": None, "mb": None, "error": f"over {limit:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip() or f"killed by signal {-done.returncode}").splitlines()[-1]
        return {"seconds": None, "mb": None, "error": last[:80]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def environment(folder: Path) -> str:
    """The Python of the rivals' environment, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making the rivals' environment in {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True)
        for packages in PACKAGES:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def main() -> None:
    """Run the jobs and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venv", type=Path, help="the rivals' environment (default: a new temporary one)")
    parser.add_argument("--jobs", default=",".join(JOBS), help="which, by commas (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3, help="best of so many, for jobs below 20 s")
    parser.add_argument("--limit", type=float, default=240, help="seconds after which a job is stopped")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.jobs, options.folder, options.repeat)
        return
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        python = environment(options.venv or Path(scratch) / "venv")
        print(f"{'job':<12} {'package':<16} {'seconds':>9} {'MB':>7}   ours / theirs")
        for job in options.jobs.split(","):
            folder = Path(scratch) / job
            folder.mkdir()
            for name, array in make_inputs(job, options.seed, 10 if options.quick else 1).items():
                np.save(folder / f"{name}.npy", array)
            mine = timed(sys.executable, "askwise", job, folder, options.limit, options.repeat)
            rows.append({"job": job, "package": "askwise", **mine})
            _show(rows[-1], mine)
            for rival in JOBS[job]:
                rows.append(
                    {
                        "job": job,
                        "package": rival,
                        **timed(python, rival, job, folder, options.limit, options.repeat),
                    }
                )
                _show(rows[-1], mine)
            for path in folder.iterdir():
                path.unlink()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def _show(row: dict[str, Any], mine: dict[str, Any]) -> None:
    if row["seconds"] is None:
        print(f"{row['job']:<12} {row['package']:<16} {row['error']}", flush=True)
        return
    ratio = (
        f"1/{row['seconds'] / mine['seconds']:.1f}" if mine["seconds"] and row["package"] != "askwise" else ""
    )
    print(
        f"{row['job']:<12} {row['package']:<16} {row['seconds']:>9.3f} {row['mb']:>7.0f}   {ratio}",
        flush=True,
    )


if __name__ == "__main__":
    main()
