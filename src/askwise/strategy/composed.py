"""More strategies made of one strategy: chance, cost, near-duplicates and quotas around whatever picks."""

from __future__ import annotations

from math import floor, inf
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..xp import Array, from_numpy, row_blocks, take, tie_ranks, to_numpy
from .compose import Composition, interleave, only
from .inputs import Evidence
from .stochastic import only_options, scores_alone
from .vocabulary import INPUTS
from .wall import QueryStrategy, Strategy

_ROUNDING = 1e-9


class Around(Composition):
    """A composition of one part, with at most one option, which is a number."""

    kind: ClassVar[str]
    option: ClassVar[str | None] = None

    def __init__(self, part: QueryStrategy, value: float | None = None) -> None:
        self.value = value
        self._settle(self.kind, [part])

    def _settle_with(self, part: QueryStrategy, *words: str) -> None:
        """The part's needs, and these words beside them."""
        self._settle(self.kind, [part])
        self.needs = tuple(word for word in INPUTS if word in {*self.needs, *words})

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return {self.option: self.value} if self.option else {}

    def with_options(self, **options: Any) -> Around:
        """The same part with other options.

        Raises
        ------
        ContractError
            If it has no option of that name.
        """
        only_options(self, options, list(self.options))
        return type(self)(self.parts[0], **(self.options | options))

    def __str__(self) -> str:
        options = [f"{word}={repr(value).removesuffix('.0')}" for word, value in self.options.items()]
        return f"{self.kind}({', '.join([str(self.parts[0]), *options])})"


class Explore(Around):
    """A share of every batch drawn uniformly at random; see `explore`."""

    kind = "explore"
    option = "share"

    def __init__(self, part: QueryStrategy, share: float = 0.1) -> None:
        super().__init__(part, number(self.kind, "share", share, most=1.0))

    def drawn_at_random(self, k: int, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], float]:
        """Which of n candidates a call with an equal `rng` draws at random, and with what probability.

        Parameters
        ----------
        k
            The size of the batch.
        n
            How many candidates there are.
        rng
            A generator in the state that the call of the strategy was, or will be, given.

        Returns
        -------
        positions, probability
            The positions that were drawn, and the probability, the same for every candidate and known before any
            score, that the draw takes it. (A candidate may also be picked by the part; that is not counted.)

        Examples
        --------
        >>> from askwise.strategy import explore
        >>> positions, probability = explore("margin", 0.5).drawn_at_random(4, 100, np.random.default_rng(0))
        >>> len(positions), probability
        (2, 0.02)
        """
        return self._draw(k, n, self._streams(rng)[0])

    def _streams(self, rng: np.random.Generator) -> list[np.random.Generator]:
        return [np.random.default_rng(seed.tolist()) for seed in rng.integers(2**63, size=(2, 2))]

    def _draw(self, k: int, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], float]:
        wanted = float(self.options["share"]) * k
        # What is left of a whole pick is drawn for, so that batches of one explore as well.
        count = floor(wanted + _ROUNDING)
        count += int(rng.random() < wanted - count)
        return rng.choice(n, size=count, replace=False).astype(np.int64, copy=False), wanted / n

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        chance, stream = self._streams(rng)
        drawn, _ = self._draw(k, evidence.n, chance)
        rest: list[int] = []
        if len(drawn) < k:
            taken = set(drawn.tolist())
            ranked = to_numpy(self.parts[0].choose(k, stream, evidence, block_bytes)).tolist()
            rest = [position for position in ranked if position not in taken][: k - len(drawn)]
        return _placed(interleave([rest, drawn.tolist()]), evidence)


class PerCost(Around):
    """The largest scores that a batch can pay for; see `per_cost`."""

    kind = "per_cost"

    def __init__(self, part: QueryStrategy, budget: float | None = None) -> None:
        scores_alone(self.kind, part)
        self.budget = None if budget is None else number(self.kind, "budget", budget)
        self._settle_with(part, "cost")

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return {"budget": self.budget}

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        part = self.parts[0]
        assert isinstance(part, Strategy)
        scores = to_numpy(part.scores(evidence, block_bytes)).astype(np.float64)
        negative = np.flatnonzero(scores < 0)
        if negative.size:
            row = int(negative[0])
            raise ContractError(
                f"per_cost: {part} scored candidate {row} {scores[row]:.4g}; expected scores of at least 0, which a "
                f"cost can divide: per_cost(ratio) is close to margin"
            )
        ranks = tie_ranks(evidence.n, rng)
        given = to_numpy(evidence.arrays["cost"]).astype(np.float64)
        largest = given.max()
        cost = np.maximum(given / largest, 1e-300)  # in a unit in which nothing overflows
        budget = k * cost.mean() if self.budget is None else self.budget / largest
        with np.errstate(over="ignore"):  # what costs nothing beside the others comes first
            orders = [np.lexsort((ranks, -value)) for value in (scores / cost, scores)]
        batches = [affordable(order, cost, k, float(budget)) for order in orders]
        per_cost, plain = (float(scores[batch].sum()) for batch in batches)
        return _placed(batches[0] if per_cost >= plain else batches[1], evidence)

    def __str__(self) -> str:
        return f"{self.kind}({self.parts[0]})" if self.budget is None else super().__str__()


class WithoutDuplicates(Around):
    """No two picks that are nearly the same; see `without_duplicates`."""

    kind = "without_duplicates"
    option = "threshold"

    def __init__(self, part: QueryStrategy, threshold: float = 0.95) -> None:
        self.value = number(self.kind, "threshold", threshold, most=1.0)
        self._settle_with(part, "embedding")

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        seed = rng.integers(2**63, size=2).tolist()
        length = min(evidence.n, 2 * k)
        while True:
            stream = np.random.default_rng(seed)
            order = to_numpy(self.parts[0].choose(length, stream, evidence, block_bytes))
            kept = self._kept(order, k, evidence.arrays["embedding"])
            if len(kept) == k or length == evidence.n:
                break
            length = min(evidence.n, 4 * length)
        passed = np.setdiff1d(np.arange(len(order)), kept, assume_unique=True)
        return _placed(order[np.concatenate([kept, passed])][:k], evidence)

    def _kept(self, order: NDArray[np.int64], k: int, embedding: Array) -> NDArray[np.int64]:
        """Places in `order`, at most k, of those that are like none before them."""
        places: list[int] = []
        accepted = np.empty((0, int(embedding.shape[1]) + 1))
        limit = float(self.options["threshold"]) - _ROUNDING
        for rows in row_blocks(len(order), bytes_per_row=1, limit=max(64, min(k, 1024))):
            units = _units(to_numpy(take(embedding, order[rows])))
            fresh = np.flatnonzero(~(units @ accepted.T >= limit).any(axis=1))
            alike = units[fresh] @ units[fresh].T >= limit
            new: list[int] = []
            for place in range(len(fresh)):
                if len(places) + len(new) < k and not alike[place, new].any():
                    new.append(place)
            places += (rows.start + fresh[new]).tolist()
            accepted = np.concatenate([accepted, units[fresh[new]]])
            if len(places) == k:
                break
        return np.array(places, dtype=np.int64)


class Balanced(Around):
    """The same number of picks from every predicted class; see `balanced`."""

    kind = "balanced"

    def __init__(self, part: QueryStrategy) -> None:
        if "view" in part.needs:
            raise ContractError(
                f"balanced: {part} needs 'view', which shows the whole pool and not one class of it; expected a "
                f"strategy that sees nothing but its inputs"
            )
        self._settle_with(part, "proba")

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        ranks = tie_ranks(evidence.n, rng)
        proba = evidence.arrays["proba"]
        predicted = np.concatenate(
            [
                to_numpy(proba[rows, :]).argmax(axis=1)
                for rows in row_blocks(evidence.n, 8 * int(proba.shape[1]), block_bytes)
            ]
        )
        members = [np.flatnonzero(predicted == number) for number in np.unique(predicted)]
        # In an order that the numbering of the classes has no part in.
        members.sort(key=lambda positions: (len(positions), int(ranks[positions].min())))
        picked = []
        for positions, count in zip(members, equal_quotas([len(m) for m in members], k), strict=True):
            stream = np.random.default_rng(rng.integers(2**63, size=2).tolist())
            if count:
                own = evidence if len(positions) == evidence.n else only(evidence, positions)
                inner = to_numpy(self.parts[0].choose(count, stream, own, block_bytes))
                picked.append(positions[inner].tolist())
        return _placed(interleave(picked), evidence)


def affordable(
    order: NDArray[np.int64], cost: NDArray[np.float64], k: int, budget: float
) -> NDArray[np.int64]:
    """The first k in `order`, passing over each that would leave too little for the rest of the batch.

    Enough for the cheapest others is always held back, so that k candidates are found if the k cheapest can be paid
    for; if not even they can, they are the answer.

    >>> affordable(np.array([0, 1, 2, 3]), np.array([5.0, 2.0, 2.0, 1.0]), 2, budget=4.0)
    array([1, 2])
    """
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    reserve = np.lexsort((places, cost))[:k].tolist()  # the dearest of them last
    held, spare = set(reserve), budget - float(cost[reserve].sum())
    spare += _ROUNDING * budget
    taken: list[int] = []
    for position in order.tolist():
        while reserve and reserve[-1] not in held:
            reserve.pop()
        if position in held:
            held.remove(position)
            taken.append(position)
        elif held and (more := float(cost[position] - cost[reserve[-1]])) <= spare:
            held.remove(reserve.pop())
            spare -= more
            taken.append(position)
        if len(taken) == k:
            break
    return np.array(taken, dtype=np.int64)


def equal_quotas(available: list[int], k: int) -> list[int]:
    """Whole numbers that sum to k, as equal as what is available allows; what is left over goes to the first.

    >>> equal_quotas([1, 10, 10], 8), equal_quotas([5, 5], 3)
    ([1, 4, 3], [2, 1])
    """
    counts = [0] * len(available)
    while (missing := k - sum(counts)) > 0:
        places = [place for place, most in enumerate(available) if counts[place] < most]
        extra = missing // len(places)  # the places that are open all have the same number so far
        for place in places if extra else places[:missing]:
            counts[place] = min(available[place], counts[place] + max(extra, 1))
    return counts


def number(name: str, word: str, value: Any, most: float = inf) -> float:
    """An option as a finite number above 0 and at most `most`.

    Raises
    ------
    ContractError
        If it is anything else.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (0 < value <= most and value < inf)
    ):
        limit = f" and at most {most:g}" if most < inf else ""
        raise ContractError(f"{name}: {word} is {value!r}; expected a number above 0{limit}")
    return float(value)


def _units(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Rows of length 1; rows of zeros get a direction of their own, so that they are like one another alone."""
    rows = rows.astype(np.float64)
    scale = np.abs(rows).max(axis=1, keepdims=True)
    zero = scale[:, 0] == 0
    units = rows / np.where(scale > 0, scale, 1)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1)  # at least 1, since one value is ±1
    return np.concatenate([units, zero[:, None].astype(np.float64)], axis=1)


def _placed(batch: Any, evidence: Evidence) -> Array:
    """Positions where the inputs are."""
    positions = np.asarray(batch, dtype=np.int64)
    return positions if evidence.like is None else from_numpy(positions, like=evidence.like)
