"""Batches drawn at random in proportion to scores, rather than the best k: cheap diversity for any scoring function."""

from __future__ import annotations

from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..xp import Array, from_numpy, tie_ranks, to_numpy
from .compose import Composition
from .inputs import Evidence
from .vocabulary import INPUTS, did_you_mean
from .wall import QueryStrategy, Strategy


class Drawn(Composition):
    """k candidates drawn one after the other without replacement, with weights made of a part's scores.

    The k largest of `log weight + Gumbel noise` are such a draw, in the order of drawing: one pass, whatever k.
    """

    kind: ClassVar[str]

    def __init__(self, score: QueryStrategy, beta: float = 1.0) -> None:
        scores_alone(self.kind, score)
        if isinstance(beta, bool) or not isinstance(beta, int | float) or not (isfinite(beta) and beta > 0):
            raise ContractError(
                f"{self.kind}: beta is {beta!r}; expected a number above 0: 1, or more to follow the scores closer"
            )
        self.beta = float(beta)
        self._settle(self.kind, [score])

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return {"beta": self.beta}

    def with_options(self, **options: Any) -> Drawn:
        """The same scores with another `beta`.

        Raises
        ------
        ContractError
            If it has no option of that name.
        """
        only_options(self, options, ["beta"])
        return type(self)(self.parts[0], **(self.options | options))

    def log_weights(self, scores: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """The logarithm of each candidate's weight; minus infinity for those that are never drawn."""
        raise NotImplementedError

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        score = self.parts[0]
        assert isinstance(score, Strategy)
        scores = to_numpy(score.scores(evidence, block_bytes)).astype(np.float64)
        ranks = tie_ranks(evidence.n, rng)
        noise = rng.gumbel(size=evidence.n)
        # Candidates that cannot be drawn follow the others, in the random order of their ranks.
        keys = self.log_weights(scores, ranks) + noise
        contenders = np.arange(evidence.n)
        if k < evidence.n:
            contenders = np.flatnonzero(keys >= np.partition(keys, -k)[-k])
        batch = contenders[np.lexsort((ranks[contenders], -keys[contenders]))][:k]
        return batch if evidence.like is None else from_numpy(batch, like=evidence.like)

    def __str__(self) -> str:
        beta = "" if self.beta == 1 else f", beta={repr(self.beta).removesuffix('.0')}"
        return f"{self.kind}({self.parts[0]}{beta})"


class Power(Drawn):
    """Weights score^beta; see `power`."""

    kind = "power"

    def log_weights(self, scores: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """β log s."""
        negative = np.flatnonzero(scores < 0)
        if negative.size:
            row = int(negative[0])
            raise ContractError(
                f"power: {self.parts[0]} scored candidate {row} {scores[row]:.4g}; expected scores of at least 0, "
                f"whose ratios mean something: softrank({self.parts[0]}) takes any scores, power(ratio) is close to "
                f"margin"
            )
        with np.errstate(divide="ignore"):
            return np.asarray(self.beta * np.log(scores))


class Softmax(Drawn):
    """Weights exp(beta · score); see `softmax`."""

    kind = "softmax"

    def log_weights(self, scores: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """β (s − max s)."""
        with np.errstate(over="ignore"):
            return np.asarray(self.beta * (scores - scores.max()))


class Softrank(Drawn):
    """Weights rank^(−beta); see `softrank`."""

    kind = "softrank"

    def log_weights(self, scores: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """−β log rank; equal scores are ranked at random."""
        order = np.lexsort((ranks, -scores))
        weights = np.empty(len(scores))
        weights[order] = -self.beta * np.log(np.arange(1.0, len(scores) + 1))
        return weights


def scores_alone(name: str, part: QueryStrategy) -> None:
    """Refuse a part that picks its k together.

    Raises
    ------
    ContractError
        If the part gives no scores.
    """
    if not isinstance(part, Strategy) or part.picks:
        raise ContractError(
            f"{name}: {part} picks its candidates together and gives no scores; expected a scoring function, as in "
            f"{name}(bald)"
        )


def only_options(strategy: QueryStrategy, given: dict[str, Any], known: list[str]) -> None:
    """Refuse options that a composition does not have.

    Raises
    ------
    ContractError
        Naming the option and those that there are.
    """
    for word in given:
        if word not in known:
            raise ContractError(
                f"{strategy}: unknown option {word!r}{did_you_mean(word, [*known, *INPUTS])}; its options: "
                f"{', '.join(known) or 'none'}; its inputs: {', '.join(strategy.needs)}"
            )
