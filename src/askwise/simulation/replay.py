"""The loop of a simulation: fit, measure, choose, look the answers up, again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ContractError
from ..evaluation import accuracy, mean_f1
from ..evidence import check, gather
from ..learner import Learner, LinearHead, fit_learner
from ..learner.copies import learner_name
from ..strategy import AnyStrategy, QueryStrategy, as_strategy
from ..xp import to_numpy
from .data import LabeledData, Test
from .result import Run, Simulation


def simulate(
    X: ArrayLike,
    y: ArrayLike,
    learner: Learner | None = None,
    strategy: AnyStrategy | Sequence[AnyStrategy] = "u_coverage",
    *,
    budget: int = 100,
    batch: int = 10,
    test: Test = 0.3,
    seed: int = 0,
    seeds: int = 1,
    start: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Play active learning on data whose labels are known, and measure what each strategy would have given.

    For every seed the items are split into a test set and a pool, and every strategy then starts from the same state
    with the same learner: differences between strategies are differences of pairs. The test set only measures; it is
    never chosen from, never learned from, and nothing is tuned on it.

    Parameters
    ----------
    X : (n, d)
        Features of all items, finite numbers.
    y : (n,)
        Their classes: numbers or strings.
    learner
        Fitted anew after every batch, on a copy; LinearHead() if not given.
    strategy
        One or several: catalogue names, functions, compositions.
    budget : int
        Labels in all, the first `start` among them.
    batch : int
        Labels a round; the last round takes what is left of the budget.
    test : float or (X_test, y_test)
        The share held out at random for each seed, or a test set of its own (the pool is then all of X).
    seed, seeds : int
        The first seed, and how many: seed, seed + 1, ... Round r draws from [seed, r], and the split from [seed, 0].
    start : int
        How many items are labelled at random before the first question. With 0, the first question is asked of a
        model that knows nothing (all classes equally probable).
    progress
        Called as progress(done, total) after every fit.

    Returns
    -------
    Simulation
        One curve a strategy, measured after each round (and on the first `start` labels).

    Raises
    ------
    ContractError
        If the data, the sizes or a strategy's needs do not fit together; before anything is fitted.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 2)) + np.repeat([[0, 0], [4, 0], [0, 4]], 30, axis=0)
    >>> result = simulate(X, np.repeat(["a", "b", "c"], 30), strategy=["margin", "random"], budget=20, seeds=2)
    >>> result.labels
    (10, 20)
    >>> sorted(result.curves)
    ['margin', 'random']
    """
    data = LabeledData.of(X, y, test)
    strategies = _strategies(strategy)
    learner = LinearHead() if learner is None else learner
    for one in strategies:
        check(one, learner, name=str(one))
    for what, number, least in (
        ("budget", budget, 1),
        ("batch", batch, 1),
        ("seeds", seeds, 1),
        ("start", start, 0),
    ):
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < least:
            raise ContractError(f"{what} must be a whole number of {least} or more, not {number!r}")
    if start > budget:
        raise ContractError(f"start is {start}, more than the whole budget of {budget} labels")
    if budget > data.pool_size:
        raise ContractError(
            f"the budget is {budget} labels, and the pool has {data.pool_size} items"
            + (f" (of {len(data.y)}, {data.held_out} are held out to measure)" if data.held_out else "")
        )
    rounds = -(-(budget - start) // batch)
    total, done = seeds * len(strategies) * (rounds + (start > 0)), 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    runs = [
        _run(data, learner, one, budget=budget, batch=batch, start=start, seed=number, tick=tick)
        for number in range(seed, seed + seeds)
        for one in strategies
    ]
    settings = {
        "learner": learner_name(learner),
        "budget": int(budget),
        "batch": int(batch),
        "start": int(start),
        "items": len(data.y),
        "features": int(data.X.shape[1]),
        "classes": [str(label) for label in data.classes],
        "pool": data.pool_size,
        "test": data.held_out or len(data.y_test),
    }
    return Simulation(tuple(runs), settings)


def _run(
    data: LabeledData,
    learner: Learner,
    strategy: QueryStrategy,
    *,
    budget: int,
    batch: int,
    start: int,
    seed: int,
    tick: Callable[[], None],
) -> Run:
    """One strategy on one split; the split and the start depend on the seed alone."""
    rng = np.random.default_rng([seed, 0])
    pool, X_test, y_test = data.split(rng)
    C = len(data.classes)
    labeled = list(rng.permutation(pool)[:start])
    waiting = np.ones(len(data.y), dtype=np.bool_)
    waiting[labeled] = False
    points: list[tuple[int, float, float]] = []
    fitting = choosing = 0.0
    number = 0
    while True:
        began = time.perf_counter()
        X, y = data.X[labeled], data.y[labeled]
        model = fit_learner(learner, X, y, C, seed=seed)
        fitting += time.perf_counter() - began
        if labeled:
            predicted = model.predict(X_test)
            points.append((len(labeled), accuracy(y_test, predicted).value, mean_f1(y_test, predicted)))
            tick()
        if len(labeled) >= budget:
            break
        number += 1
        began = time.perf_counter()
        candidates = pool[waiting[pool]]
        inputs = gather(strategy, model, data.X[candidates], X, y)
        k = min(batch, budget - len(labeled))
        picks = candidates[
            to_numpy(strategy(k, np.random.default_rng([seed, number]), n=len(candidates), **inputs))
        ]
        choosing += time.perf_counter() - began
        waiting[picks] = False
        labeled.extend(picks)
    labels, right, f1 = zip(*points, strict=True)
    return Run(
        str(strategy),
        seed,
        labels,
        right,
        f1,
        tuple(int(row) for row in labeled),
        round(choosing, 4),
        round(fitting, 4),
    )


def _strategies(given: AnyStrategy | Sequence[AnyStrategy]) -> list[QueryStrategy]:
    several: list[Any] = list(given) if isinstance(given, list | tuple) else [given]
    if not several:
        raise ContractError("no strategy given: name one or more, for example ['u_coverage', 'random']")
    strategies = [as_strategy(one) for one in several]
    names = [str(one) for one in strategies]
    for name in names:
        if names.count(name) > 1:
            raise ContractError(f"strategy {name} is given twice; every strategy once")
    return strategies
