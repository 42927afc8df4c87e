"""A query strategy: a function from arrays about candidates to positions, held to its signature.

Nothing unchecked enters the function and nothing unchecked leaves it, so that the functions themselves need
no checks and their callers no doubts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..acquisition import CATALOGUE
from ..errors import ContractError
from ..xp import Array, namespace, row_blocks, top_k
from .arrays import protected
from .inputs import Evidence, check_inputs, whole
from .outputs import check_positions, check_scores
from .signature import default_name, read, unwrap
from .vocabulary import INPUTS, did_you_mean

BLOCK_BYTES = 32 << 20


class QueryStrategy:
    """What every strategy is: a `name`, the inputs that it `needs`, and a call that picks.

    Only the library derives from it (functions and compositions); a strategy of one's own is a function.

    Attributes
    ----------
    name
        What it is called in messages.
    needs
        The words of the vocabulary that it must be given.
    picks
        Whether it chooses the k together (True), or scores each candidate on its own (False).
    options
        Its options with their values.
    """

    name: str
    needs: tuple[str, ...]
    picks: bool

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return {}

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        raise NotImplementedError

    def with_options(self, **options: Any) -> QueryStrategy:
        """The same strategy with other options.

        Raises
        ------
        ContractError
            If it has no option of that name.
        """
        for word in options:
            raise ContractError(
                f"{self}: unknown option {word!r}{did_you_mean(word, INPUTS)}; it has none itself, give options to "
                f"its parts; its inputs: {', '.join(self.needs)}"
            )
        return self

    def __call__(
        self,
        k: int,
        rng: np.random.Generator,
        *,
        n: int | None = None,
        block_bytes: int = BLOCK_BYTES,
        **inputs: Any,
    ) -> Array:
        """Pick k of the candidates.

        Parameters
        ----------
        k
            How many, 1 to n.
        rng
            Decides ties and everything drawn at random.
        n
            The number of candidates; needed only where no input tells it.
        block_bytes
            Scoring functions see at most about this much of the inputs at once; the picks are the same.
        **inputs
            Words of the vocabulary, `proba`, `embedding`, …; those that it does not need are ignored.

        Returns
        -------
        array of int64, shape (k,)
            Distinct positions in [0, n), in the library and on the device of the inputs (NumPy without any).

        Raises
        ------
        ContractError
            If an input is unknown, missing, of the wrong shape, not finite or not what its name says; if k is
            not between 1 and n; or if the function returned anything but scores or k distinct positions.
        """
        if not isinstance(rng, np.random.Generator):
            raise ContractError(
                f"{self.name}: rng is {type(rng).__name__}; expected a numpy Generator: {INPUTS['rng'].hint}"
            )
        k = whole(self.name, "k", k, 1)
        evidence = check_inputs(self.name, self.needs, inputs, n)
        if k > evidence.n:
            raise ContractError(
                f"{self.name}: asked for {k} of {evidence.n} candidates; ask for {evidence.n} at most"
            )
        return self.choose(k, rng, evidence, block_bytes)


class Strategy(QueryStrategy):
    """A function, with its inputs and options read from its signature.

    Parameters
    ----------
    function
        Any callable. Its parameters without a default are inputs, from one closed vocabulary; those with a
        default are options. With a parameter `k` it returns k positions; without, one score a candidate,
        larger being asked sooner. A `functools.partial`'s arguments are options that are set.
    name
        What to call it; the function's own name by default.
    **options
        Options that differ from the defaults.

    Raises
    ------
    ContractError
        If the function asks for what no caller can give it, an option is unknown, or the name belongs to
        another function of the catalogue.

    Examples
    --------
    >>> import numpy as np
    >>> least = Strategy(lambda proba, power=1: -proba.max(axis=1) ** power, name="least", power=2)
    >>> print(least, least.needs)
    least(power=2) ('proba',)
    >>> proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    >>> least(2, np.random.default_rng(0), proba=proba)
    array([2, 1])
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None, **options: Any) -> None:
        own = name or default_name(function)
        bound: dict[str, Any] = {}
        while isinstance(function, partial):
            function, inner = unwrap(function)
            bound = inner | bound
        signature = read(function, own)
        self.function = function
        self.name = _free_name(function, own, given=name is not None)
        self.needs = signature.needs
        self.picks = "k" in signature.needs
        self._defaults = signature.defaults
        self._options = signature.defaults | self._known(bound | options)

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options with their values."""
        return dict(self._options)

    def with_options(self, **options: Any) -> Strategy:
        """The same function with other options.

        Raises
        ------
        ContractError
            If it has no option of that name.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._options = self._options | self._known(options)
        return twin

    def _known(self, options: dict[str, Any]) -> dict[str, Any]:
        for word in options:
            if word in INPUTS:
                raise ContractError(
                    f"{self.name}: {word!r} is an input; give it in the call, not as an option"
                )
            if word not in self._defaults:
                choices = ", ".join(self._defaults) or "none"
                raise ContractError(
                    f"{self.name}: unknown option {word!r}{did_you_mean(word, [*self._defaults, *INPUTS])}; "
                    f"its options: {choices}; its inputs: {', '.join(self.needs)}"
                )
        return options

    def choose(self, k: int, rng: np.random.Generator, evidence: Evidence, block_bytes: int) -> Array:
        """Pick from inputs that are checked already."""
        if not self.picks:
            return top_k(self.scores(evidence, block_bytes), k, rng)
        call: dict[str, Any] = {"k": k, "rng": rng, "n": evidence.n, "view": evidence.view}
        call.update((word, protected(array)) for word, array in evidence.arrays.items())
        given = {word: call[word] for word in self.needs}
        return check_positions(
            self.name, self.function(**given, **self._options), k, evidence.n, evidence.like
        )

    def scores(self, evidence: Evidence, block_bytes: int = BLOCK_BYTES) -> Array:
        """One score a candidate, (n,), computed in blocks of rows."""
        arrays = {word: protected(evidence.arrays[word]) for word in self.needs if word in evidence.arrays}
        if "view" in self.needs:  # what lies behind a view cannot be cut into blocks
            scored = self.function(**arrays, view=evidence.view, **self._options)
            return check_scores(self.name, scored, evidence.n, 0, evidence.like)
        axes = {word: axis for word in arrays if (axis := INPUTS[word].axis) is not None}
        bytes_per_row = sum(8 * prod(arrays[word].shape) // max(1, evidence.n) for word in axes)
        parts = []
        for rows in row_blocks(evidence.n, bytes_per_row, block_bytes):
            block = dict(arrays)
            for word, axis in axes.items():
                block[word] = arrays[word][(*(slice(None),) * axis, rows, ...)]
            scored = self.function(**block, **self._options)
            parts.append(check_scores(self.name, scored, rows.stop - rows.start, rows.start, evidence.like))
        return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)

    def __str__(self) -> str:
        changed = [
            f"{word}={value!r}"
            for word, value in self._options.items()
            if not _same(value, self._defaults[word])
        ]
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    def __repr__(self) -> str:
        return f"<strategy {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Strategy):
            return NotImplemented
        return (
            type(self) is type(other)
            and self.function == other.function
            and self.name == other.name
            and all(_same(value, other._options[word]) for word, value in self._options.items())
        )

    def __hash__(self) -> int:
        return hash((type(self), self.name))


def _free_name(function: Callable[..., Any], own: str, *, given: bool) -> str:
    """`own`, unless the catalogue means another function by it."""
    if own not in CATALOGUE or CATALOGUE[own] is function:
        return own
    if given:
        raise ContractError(
            f"{own}: is the catalogue's name of another function; give this one a name of its own"
        )
    return f"{getattr(function, '__module__', None) or 'own'}.{own}"


def _same(one: Any, other: Any) -> bool:
    """Equality of option values as they print: 1, 1.0 and True differ, and arrays have no single answer."""
    if hasattr(one, "shape") or hasattr(other, "shape"):
        return type(one) is type(other) and one.dtype == other.dtype and np.array_equal(one, other)
    return one is other or repr(one) == repr(other)
