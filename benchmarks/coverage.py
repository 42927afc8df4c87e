"""Time the strategies that cover or cluster the pool beside the matrix product that the plain method would make.

The floor of a search is one product of all candidates with all that they are compared with: n × n for coverage,
n × centres for clusters. The machine's rate is measured just before and after each job, as in kernels.py.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from kernels import Kernel, Machine, clustered, measure, probabilities

from askwise.acquisition import CATALOGUE

EXAMPLE = """example:
  python benchmarks/coverage.py --only prob_cover --repeat 3 --json coverage.json
"""


def jobs(n: int, d: int, k: int, seed: int) -> Iterator[Kernel]:
    """The jobs one by one, on n candidates around 100 centres."""
    rng = np.random.default_rng(seed)
    embedding, labeled, proba = clustered(n, d, rng), clustered(100, d, rng), probabilities((n, 10), rng)
    none, labels = embedding[:0], rng.integers(0, 10, 100)

    def job(name: str, against: int, what: str = "", **inputs: Any) -> Kernel:
        pick: Callable[..., Any] = CATALOGUE[name]
        return Kernel(
            f"{name} {k}",
            f"{n:,} x {d}{what}",
            partial(_picks, pick, k, seed, embedding=embedding, **inputs),
            operations=2 * n * d * against,
        )

    every = {"targets": None, "candidates": None}
    yield job("max_herding", n, ", all as targets", labeled_embedding=none, **every)
    yield job("max_herding", min(n, 4_000), ", default", labeled_embedding=none)
    yield job("prob_cover", min(n, 20_000), labeled_embedding=none)
    yield job("prob_cover", min(n, 20_000), ", 100 labelled", labeled_embedding=labeled)
    yield job("typiclust", k, labeled_embedding=none)
    yield job("typiclust", k + 100, ", 100 labelled", labeled_embedding=labeled)
    yield job("k_means", k)
    yield job("diverse_mini_batch", k, proba=proba)
    yield job("cluster_margin", min(n, 2_000), proba=proba)
    yield job("information_density", 2, proba=proba)
    yield job("robust_k_center", 300, labeled_embedding=none)
    yield job("hierarchical", min(n, 2_000), labeled_embedding=labeled, labels=labels)


def _picks(pick: Callable[..., Any], k: int, seed: int, **inputs: Any) -> Any:
    return pick(k=k, rng=np.random.default_rng(seed), **inputs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the candidates, one repetition")
    parser.add_argument("--n", type=int, default=20_000, help="candidates (default 20,000)")
    parser.add_argument("--d", type=int, default=384, help="columns (default 384)")
    parser.add_argument("--k", type=int, default=50, help="picks (default 50)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only jobs whose name contains TEXT")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="best of N runs (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the inputs and the picks (default 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    options = parser.parse_args()
    n, repeat = (options.n // 10, 1) if options.quick else (options.n, options.repeat)
    results, machine = [], Machine()
    print(f"{'strategy':<24}{'inputs':<34}{'seconds':>9}{'floor':>9}{'ratio':>7}{'peak MB':>9}{'GFLOP/s':>9}")
    for kernel in jobs(n, options.d, options.k, options.seed):
        if options.only not in kernel.name:
            continue
        row = measure(kernel, machine, repeat)
        results.append(asdict(row))
        print(
            f"{row.name:<24}{row.inputs:<34}{row.seconds:>9.3f}{row.floor_seconds:>9.3f}{row.ratio:>7.1f}"
            f"{row.peak_mb:>9.1f}{row.product_rate:>9.1f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
