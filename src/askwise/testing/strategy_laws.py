"""Checks of what must not change a strategy's picks, and of what a strategy must not change. Each is one demand."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import array_api_compat
import numpy as np

from ..errors import ContractError
from ..strategy import Strategy, parse
from ..xp import to_numpy
from .pools import CLASSES, Pool, example
from .report import NotApplicable, broken
from .subject import K, N, Subject, close

LIBRARIES = ("torch", "array_api_strict")
# At 8,000 candidates of 128 dimensions and 64 classes, n x n and n x (C d) take 256 MB in float32. What a function
# holds whatever the pool, blocks and small tables, has to be less; the inputs themselves are 6 MB.
MEMORY_MULTIPLE = 8
MEMORY_BLOCKS = 160 << 20


def return_type(subject: Subject) -> None:
    """Always an int64 array of shape (k,), in the library of the inputs."""
    pool = example(N)
    for k in (1, 2, K, N):
        picks = subject.call(pool, k)
        if not isinstance(picks, np.ndarray) or picks.dtype != np.int64 or picks.shape != (k,):
            shape, dtype = getattr(picks, "shape", None), getattr(picks, "dtype", None)
            broken(
                f"for k={k} it returned {type(picks).__name__} of shape {shape} and type {dtype}; "
                f"expected numpy.ndarray of shape ({k},) and type int64"
            )


def distinct_positions(subject: Subject) -> None:
    """k distinct positions in [0, n), for several k and seeds."""
    for n, k in ((N, 7), (N, N - 1), (6, 3)):
        for seed in range(4):
            subject.pick(example(n, seed=seed), k, seed)


def scores_vary(subject: Subject) -> None:
    """A scoring function tells candidates apart."""
    if not subject.scores_alone:
        raise NotApplicable("picks all k together, gives no scores")
    scores = subject.scores(example(N))
    if np.ptp(scores) == 0:
        broken(f"scored {N} different candidates all {scores[0]}")


def same_seed(subject: Subject) -> None:
    """The same seed and inputs give the same picks."""
    pool = example(N)
    first = subject.pick(pool, seed=3)
    for _ in range(3):
        again = subject.pick(pool, seed=3)
        if not np.array_equal(first, again):
            broken(f"with one seed it picked {first.tolist()}, then {again.tolist()}: draw from rng alone")


def ties_at_random(subject: Subject) -> None:
    """Among candidates that are all the same, the order of the file does not decide."""
    n = 60
    pool = example(n).rows(np.zeros(n, dtype=int))
    batches = [frozenset(subject.pick(pool, seed=seed).tolist()) for seed in range(6)]
    if len(set(batches)) == 1:
        broken(
            f"picked {sorted(batches[0])} of {n} equal candidates whatever the seed: take rng and break ties with "
            f"it, or return scores and let the library do so"
        )


def block_size(subject: Subject) -> None:
    """The picks do not depend on how many rows are scored at once."""
    if isinstance(subject.strategy, Strategy) and not subject.scores_alone:
        raise NotApplicable("picks all k together, is not run in blocks")
    pool = example(N)
    whole = subject.pick(pool)
    for block_bytes in (1, 1000, 1 << 40):
        blocks = subject.pick(pool, block_bytes=block_bytes)
        if not np.array_equal(whole, blocks):
            broken(f"picked {whole.tolist()}, but {blocks.tolist()} in blocks of {block_bytes} bytes")


def part_of_pool(subject: Subject) -> None:
    """The scores of a part of the pool are that part of the scores."""
    if not subject.scores_alone:
        raise NotApplicable("picks all k together, gives no scores")
    pool = example(N)
    scores = subject.scores(pool)
    for part in (np.arange(0, N, 2), np.arange(N // 2), np.array([N - 1])):
        if not close(subject.scores(pool.rows(part)), scores[part], 1e-9):
            broken("a candidate's score depends on which other candidates are scored with it")


def row_order(subject: Subject) -> None:
    """Candidates in another order: the same are picked, or as often if the picks are drawn at random."""
    if subject.draws_at_random():
        _same_frequencies(subject)
        return
    pool = example(N)
    picks = set(subject.pick(pool).tolist())
    for order in (np.arange(N)[::-1], np.random.default_rng(0).permutation(N)):
        moved = set(order[subject.pick(pool.rows(order))].tolist())
        if picks != moved:
            broken(f"picked {sorted(picks)}, but {sorted(moved)} when the rows came in another order")


def _same_frequencies(subject: Subject) -> None:
    """Over many seeds, the order of the rows does not decide how often a candidate is picked."""
    n, k, draws, far = 12, 3, 60, 0.4  # five standard deviations of a difference of two frequencies
    pool = example(n)
    often = _frequencies(subject, pool, k, draws)
    for order in (np.arange(n)[::-1], np.random.default_rng(0).permutation(n)):
        moved = np.empty(n)
        moved[order] = _frequencies(subject, pool.rows(order), k, draws)
        worst = int(np.abs(often - moved).argmax())
        if abs(often[worst] - moved[worst]) > far:
            broken(
                f"picked candidate {worst} in {often[worst]:.0%} of {draws} draws, but in {moved[worst]:.0%} when "
                f"the rows came in another order"
            )


def _frequencies(subject: Subject, pool: Pool, k: int, draws: int) -> Any:
    picks = np.concatenate([subject.pick(pool, k, seed) for seed in range(draws)])
    return np.bincount(picks, minlength=pool.n) / draws


def class_names(subject: Subject) -> None:
    """Numbering the classes differently changes nothing."""
    subject.applies_to((*CLASSES, "labels"), "input about classes")
    if "mean" in subject.needs:
        raise NotApplicable("its labels are numbers to be predicted, not classes")
    pool = example(N)
    for order in (np.array([3, 2, 1, 0]), np.array([1, 2, 3, 0])):
        one, other = subject.pick(pool), subject.pick(pool.renamed(order))
        if not np.array_equal(one, other):
            broken(f"picked {one.tolist()}, but {other.tolist()} with the classes numbered {order.tolist()}")


def number_types(subject: Subject) -> None:
    """float32 and float64 inputs of the same values give the same picks."""
    double, single = (subject.pick(example(N, dtype=dtype)) for dtype in ("float64", "float32"))
    if set(double.tolist()) != set(single.tolist()):
        broken(f"picked {double.tolist()} in float64, {single.tolist()} in float32")


def read_only_inputs(subject: Subject) -> None:
    """Works on arrays that cannot be written to, as memory maps are."""
    pool = example(N)
    inputs = pool.of(subject.needs)
    for array in inputs.values():
        array.flags.writeable = False
    subject.pick(pool, inputs=inputs)


def inputs_unchanged(subject: Subject) -> None:
    """The caller's arrays are the same afterwards."""
    pool = example(N)
    for library in ("numpy", *filter(find_spec, LIBRARIES)):
        inputs = _in_library(library, pool.of(subject.needs))
        try:
            subject.call(pool, inputs=inputs)
        except Exception:
            if library == "numpy":
                raise
            continue  # whether it must work there is the question of another check
        for word, array in inputs.items():
            if not np.array_equal(to_numpy(array), pool.arrays[word]):
                broken(f"changed its input {word} ({library}); work on a copy")


def global_random_state(subject: Subject) -> None:
    """The global random states are neither used nor changed."""
    pool = example(N)
    with _restored_random_state():
        batches = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - the state that must be left alone
            before = _random_state()
            batches.append(subject.pick(pool).tolist())
            if _random_state() != before:
                broken("changed the global random state of numpy or random; draw from rng alone")
        if batches[0] != batches[1]:
            broken(
                f"the global random state decides: picked {batches[0]}, then {batches[1]}; draw from rng alone"
            )


def threads(subject: Subject) -> None:
    """Called from several threads at once, with one thread of linear algebra or many: the same picks."""
    pools = [example(N, seed=seed) for seed in range(4)]
    alone = [subject.pick(pool, seed=seed).tolist() for seed, pool in enumerate(pools)]
    with ThreadPoolExecutor(len(pools)) as executor:
        together = list(
            executor.map(lambda seed: subject.pick(pools[seed], seed=seed).tolist(), range(len(pools)))
        )
    if alone != together:
        broken(
            f"picked {alone} one call after the other, {together} at the same time: keep no state between calls"
        )
    if find_spec("threadpoolctl") is not None:
        larger = example(1500)
        many = subject.pick(larger)
        with import_module("threadpoolctl").threadpool_limits(1):
            one = subject.pick(larger)
        if not np.array_equal(many, one):
            broken(f"picked {many.tolist()} with many threads of linear algebra, {one.tolist()} with one")


def memory(subject: Subject) -> str:
    """Peak memory stays under a multiple of the inputs: no n x n, no n x (C d)."""
    pool = _large_pool()
    inputs = pool.of(subject.needs)
    size = sum(array.nbytes for array in inputs.values())
    limit = MEMORY_MULTIPLE * size + MEMORY_BLOCKS
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        subject.pick(pool, inputs=inputs)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
    text = f"{peak >> 20} MB beside {size / 2**20:.1f} MB of inputs, n = {pool.n}"
    if peak > limit:
        broken(
            f"{text}; at most {limit >> 20} MB ({MEMORY_MULTIPLE} x the inputs + {MEMORY_BLOCKS >> 20} MB)"
        )
    return text


def libraries(subject: Subject) -> str:
    """Arrays of other installed libraries give the same picks, in that library."""
    notes = []
    for library in LIBRARIES:
        if find_spec(library) is None:
            notes.append(f"{library} is not installed")
            continue
        for dtype in ("float64", "float32"):
            pool = example(N, dtype=dtype)
            inputs = _in_library(library, pool.of(subject.needs))
            try:
                picks = subject.call(pool, inputs=inputs)
            except Exception as error:
                if library in subject.libraries:
                    broken(f"{library}: raised {type(error).__name__}: {error}")
                notes.append(f"{library}: raised {type(error).__name__}")
                break
            if inputs and not _same_library(picks, next(iter(inputs.values()))):
                broken(f"{library}: given {library} arrays, it returned {type(picks).__name__}")
            here, there = subject.pick(pool).tolist(), to_numpy(picks).tolist()
            if here != there:
                broken(f"picked {here} in numpy, {there} in {library} ({dtype})")
        else:
            notes.append(f"{library} agrees")
    if not any(note.endswith("agrees") for note in notes):
        raise NotApplicable("; ".join(notes))
    return "; ".join(notes)


def named_function(subject: Subject) -> None:
    """The function that is named is the function that runs."""
    strategy = subject.strategy
    try:
        promised = parse(str(strategy))
    except ContractError:
        if not isinstance(strategy, Strategy):
            raise NotApplicable(f"{strategy} has parts outside the catalogue") from None
        promised = Strategy(strategy.function, **strategy.options)
    pool = example(N)
    for seed in range(3):
        ran, named = subject.pick(pool, seed=seed), Subject(promised).pick(pool, seed=seed)
        if not np.array_equal(ran, named):
            broken(f"is called {strategy}, which picks {named.tolist()}; this picked {ran.tolist()}")


@lru_cache(maxsize=1)
def _large_pool() -> Pool:
    return example(8000, m=100, t=50, C=64, S=2, d=128, dtype="float32")


def _in_library(library: str, arrays: dict[str, Any]) -> dict[str, Any]:
    if library == "numpy":
        return arrays
    module = import_module(library)
    return {word: module.asarray(array) for word, array in arrays.items()}


def _same_library(one: Any, other: Any) -> bool:
    if not array_api_compat.is_array_api_obj(one):
        return False
    return bool(array_api_compat.array_namespace(one) is array_api_compat.array_namespace(other))


def _random_state() -> tuple[Any, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the state that must be left alone
    return (random.getstate(), kind, np.asarray(keys).tobytes(), *rest)


@contextmanager
def _restored_random_state() -> Iterator[None]:
    own, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(numpys)  # noqa: NPY002


LAW_CHECKS = (
    return_type,
    distinct_positions,
    named_function,
    scores_vary,
    same_seed,
    ties_at_random,
    global_random_state,
    read_only_inputs,
    inputs_unchanged,
    block_size,
    part_of_pool,
    row_order,
    class_names,
    number_types,
    threads,
    libraries,
    memory,
)
