"""The strategy under test, and the few things that every check does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..strategy import QueryStrategy, Strategy
from ..strategy.inputs import check_inputs
from ..strategy.wall import BLOCK_BYTES
from ..xp import to_numpy
from .pools import Pool, example
from .report import NotApplicable, broken

Arrays: TypeAlias = Mapping[str, Any]

# 37 is no multiple of a block of any usual size: whoever drops the rest of a division is found out.
N = 37
K = 5


@dataclass(frozen=True)
class Subject:
    """A strategy, and the array libraries that it must work with."""

    strategy: QueryStrategy
    libraries: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The words of the vocabulary that the strategy needs."""
        return self.strategy.needs

    @property
    def scores_alone(self) -> bool:
        """Whether it is a scoring function."""
        return not self.strategy.picks

    def call(
        self,
        pool: Pool,
        k: int = K,
        seed: int = 0,
        block_bytes: int = BLOCK_BYTES,
        inputs: Arrays | None = None,
    ) -> Any:
        """What the strategy returns, as it is."""
        given = pool.of(self.needs) | dict(inputs or {})
        return self.strategy(k, np.random.default_rng(seed), n=pool.n, block_bytes=block_bytes, **given)

    def pick(
        self,
        pool: Pool,
        k: int = K,
        seed: int = 0,
        block_bytes: int = BLOCK_BYTES,
        inputs: Arrays | None = None,
    ) -> NDArray[np.int64]:
        """The picks, after a look at whether they are k distinct positions of the pool."""
        picks = self.call(pool, k, seed, block_bytes, inputs)
        if type(picks) is list or not hasattr(picks, "dtype"):
            broken(f"returned {type(picks).__name__} for k={k}; expected an array of k positions")
        host = to_numpy(picks)
        if host.shape != (k,):
            broken(f"returned shape {host.shape} for k={k}; expected ({k},)")
        if host.dtype != np.int64:
            broken(f"returned values of type {host.dtype}; expected int64 positions")
        if len(set(host.tolist())) != k:
            broken(f"returned a position twice for k={k} of {pool.n}: {host.tolist()}")
        if host.min() < 0 or host.max() >= pool.n:
            broken(f"returned a position outside [0, {pool.n}): {host.tolist()}")
        return host

    def scores(self, pool: Pool) -> NDArray[Any]:
        """The scores of a scoring function."""
        assert isinstance(self.strategy, Strategy)
        evidence = check_inputs(self.strategy.name, self.needs, pool.of(self.needs), pool.n)
        return to_numpy(self.strategy.scores(evidence))

    def applies_to(self, words: tuple[str, ...], what: str) -> None:
        """End the check unless the strategy needs one of these words."""
        if not set(words) & set(self.needs):
            raise NotApplicable(f"needs no {what}")

    def draws_at_random(self) -> bool:
        """Whether the seed changes what is picked of a pool without ties."""
        pool = example(N)
        first = set(self.pick(pool).tolist())
        return any(set(self.pick(pool, seed=seed).tolist()) != first for seed in range(1, 4))


def close(one: NDArray[Any], other: NDArray[Any], tolerance: float) -> bool:
    """Whether two arrays of scores are the same but for rounding."""
    scale = float(np.abs(other).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * scale))
