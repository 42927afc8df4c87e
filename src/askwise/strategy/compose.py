"""Strategies made of strategies: values like any other, which nest and print as one readable line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from math import floor, isclose, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..xp import Array, from_numpy, namespace, to_numpy
from .inputs import Evidence, whole
from .vocabulary import INPUTS, did_you_mean
from .wall import QueryStrategy


class Composition(QueryStrategy):
    """A strategy whose picks are made by other strategies, its `parts`."""

    picks = True
    parts: tuple[QueryStrategy, ...]

    def _settle(self, name: str, parts: Sequence[QueryStrategy]) -> None:
        self.name = name
        self.parts = tuple(parts)
        asked = {"k", "rng", *chain.from_iterable(part.needs for part in parts)}
        self.needs = tuple(word for word in INPUTS if word in asked)

    def _streams(self, rng: np.random.Generator) -> list[np.random.Generator]:
        """One generator a part, so that what one part draws does not change what the next one draws."""
        seeds = rng.integers(2**63, size=(len(self.parts), 2))
        return [np.random.default_rng(seed.tolist()) for seed in seeds]

    def __repr__(self) -> str:
        return f"<strategy {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Composition):
            return NotImplemented
        return type(self) is type(other) and self.parts == other.parts and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((type(self), self.parts))


class Mix(Composition):
    """Each part picks its share of the batch; see `mix`."""

    def __init__(self, shares: Sequence[tuple[float, QueryStrategy]]) -> None:
        if not shares:
            raise ContractError("mix: has no parts; expected at least one strategy with its share")
        self.shares = tuple(float(share) for share, _ in shares)
        for share, part in shares:
            if not (isfinite(share) and share > 0):
                raise ContractError(
                    f"mix: the share of {part} is {share}; expected more than 0 and at most 1"
                )
        if not isclose(sum(self.shares), 1.0, abs_tol=1e-6):
            raise ContractError(f"mix: the shares sum to {sum(self.shares):.6g}; expected 1")
        self._settle("mix", [part for _, part in shares])

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        taken: set[int] = set()
        picked: list[list[int]] = []
        for part, count, stream in zip(
            self.parts, largest_remainder(self.shares, k), self._streams(rng), strict=True
        ):
            # A part is asked for as many more as are taken already, and those are left out of its answer:
            # its own order among what is left, without a copy of what may be a memory map of the pool.
            mine: list[int] = []
            if count:
                ranked = to_numpy(part.choose(count + len(taken), stream, evidence, block_bytes))
                mine = [position for position in ranked.tolist() if position not in taken][:count]
            taken.update(mine)
            picked.append(mine)
        batch = np.array(interleave(picked), dtype=np.int64)
        return batch if evidence.like is None else from_numpy(batch, like=evidence.like)

    def __str__(self) -> str:
        return f"mix({', '.join(f'{_plain(s)} {p}' for s, p in zip(self.shares, self.parts, strict=True))})"


class Then(Composition):
    """One strategy draws up a shortlist, another picks from it; see `then`."""

    def __init__(self, first: QueryStrategy, second: QueryStrategy, keep: int = 10) -> None:
        try:
            self.keep = whole("then", "k", keep, 1)
        except ContractError:
            raise ContractError(
                f"then: keep is {keep!r}; expected a whole number of at least 1: the shortlist has keep * k"
            ) from None
        if "view" in second.needs:
            raise ContractError(
                f"then: {second} needs 'view', which shows the whole pool and not the shortlist; let it come first"
            )
        self._settle("then", [first, second])

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return {"keep": self.keep}

    def with_options(self, **options: Any) -> Then:
        """The same parts with another `keep`.

        Raises
        ------
        ContractError
            If it has no option of that name.
        """
        for word in sorted(set(options) - {"keep"}):
            raise ContractError(
                f"{self}: unknown option {word!r}{did_you_mean(word, ['keep', *INPUTS])}; its options: keep; "
                f"its inputs: {', '.join(self.needs)}"
            )
        first, second = self.parts
        return Then(first, second, **(self.options | options))

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        first, second = self.parts
        streams = self._streams(rng)
        length = min(evidence.n, k * self.keep)
        shortlist = np.sort(to_numpy(first.choose(length, streams[0], evidence, block_bytes)))
        inner = second.choose(k, streams[1], only(evidence, shortlist), block_bytes)
        batch = shortlist[to_numpy(inner)]
        return batch if evidence.like is None else from_numpy(batch, like=evidence.like)

    def __str__(self) -> str:
        return f"then({', '.join(map(str, self.parts))}, keep={self.keep})"


def only(evidence: Evidence, positions: NDArray[np.int64]) -> Evidence:
    """The same evidence about these candidates alone."""
    arrays = dict(evidence.arrays)
    for word, array in arrays.items():
        axis = INPUTS[word].axis
        if axis is None:
            continue
        if isinstance(array, np.ndarray):  # only these rows of a memory map are read
            arrays[word] = np.asarray(array[positions] if axis == 0 else array[:, positions])
        else:
            arrays[word] = namespace(array).take(array, from_numpy(positions, like=array), axis=axis)
    return replace(evidence, n=len(positions), arrays=arrays)


def largest_remainder(shares: Sequence[float], k: int) -> list[int]:
    """Whole numbers that sum to k, each within one of its share; what is left goes to the largest remainders.

    >>> largest_remainder([0.8, 0.2], 10), largest_remainder([0.5, 0.3, 0.2], 4)
    ([8, 2], [2, 1, 1])
    """
    exact = [round(share / sum(shares) * k, 9) for share in shares]  # 0.29 * 100 is not quite 29
    counts = [floor(number) for number in exact]
    order = sorted(range(len(shares)), key=lambda part: (counts[part] - exact[part], part))
    for part in order[: k - sum(counts)]:
        counts[part] += 1
    return counts


def interleave(parts: Sequence[Sequence[int]]) -> list[int]:
    """The parts in turn, so that the beginning of a batch holds about the same shares as the whole.

    >>> interleave([[1, 2, 3, 4], [5, 6]])
    [1, 5, 2, 3, 6, 4]
    """
    places = [
        ((place + 0.5) / len(part), number, position)
        for number, part in enumerate(parts)
        for place, position in enumerate(part)
    ]
    return [position for _, _, position in sorted(places, key=lambda entry: entry[:2])]


def _plain(number: float) -> str:
    return repr(number).removesuffix(".0")
