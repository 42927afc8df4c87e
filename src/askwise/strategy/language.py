"""From what a person writes to a strategy: names, functions, compositions, and the readable line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from tokenize import NAME, NUMBER, TokenError, TokenInfo, generate_tokens
from typing import Any, TypeAlias

import numpy as np

from ..acquisition import CATALOGUE
from ..errors import ContractError
from ..xp import Array
from .compose import Composition, Mix, Then
from .composed import Balanced, Explore, PerCost, WithoutDuplicates
from .stochastic import Power, Softmax, Softrank
from .vocabulary import INPUTS, did_you_mean
from .wall import BLOCK_BYTES, QueryStrategy, Strategy

AnyStrategy: TypeAlias = str | QueryStrategy | Callable[..., Any]
AROUND_ONE: dict[str, Callable[..., Composition]] = {
    "power": Power,
    "softmax": Softmax,
    "softrank": Softrank,
    "explore": Explore,
    "per_cost": PerCost,
    "without_duplicates": WithoutDuplicates,
    "balanced": Balanced,
}
"""Compositions of one strategy, with options given by name."""

COMPOSITIONS = ("mix", "then", *AROUND_ONE)


def as_strategy(strategy: AnyStrategy) -> QueryStrategy:
    """A strategy from a catalogue name, a readable line, a function, or a strategy (returned as it is).

    Raises
    ------
    ContractError
        If the name is unknown, the line cannot be read, or the function breaks the rules of its signature.

    Examples
    --------
    >>> as_strategy("margin").needs
    ('proba',)
    >>> print(as_strategy("mix(0.8 margin, 0.2 random)"))
    mix(0.8 margin, 0.2 random)
    """
    if isinstance(strategy, QueryStrategy):
        return strategy
    return parse(strategy) if isinstance(strategy, str) else Strategy(strategy)


def select(
    strategy: AnyStrategy,
    k: int,
    *,
    seed: Any = 0,
    block_bytes: int = BLOCK_BYTES,
    **inputs_and_options: Any,
) -> Array:
    """Pick k candidates. Needs no project: arrays in, positions out.

    Parameters
    ----------
    strategy
        A catalogue name, a readable line, a composition or any function.
    k
        How many, 1 to the number of candidates n.
    seed
        An int, a sequence of ints, or a `numpy.random.Generator`: same seed, same picks.
    block_bytes
        Scoring functions see at most about this much of the inputs at once; the picks do not depend on it.
    **inputs_and_options
        Inputs of the vocabulary (`proba` (n, C), `embedding` (n, d), …; `n` where no array tells it) and
        options of the strategy.

    Returns
    -------
    array of int64, shape (k,)
        Distinct positions in [0, n), in the library and on the device of the inputs (NumPy without any).

    Raises
    ------
    ContractError
        Naming the strategy, the input or option, what came, what was expected, and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    >>> select("margin", 2, proba=proba)
    array([2, 1])
    >>> select(lambda proba: proba[:, 0], 1, proba=proba)
    array([0])
    >>> rng = np.random.default_rng(0)
    >>> E, L = rng.normal(size=(100, 8)), rng.normal(size=(5, 8))
    >>> select("k_center", 10, embedding=E, labeled_embedding=L, seed=0).shape
    (10,)
    """
    chosen = as_strategy(strategy)
    inputs = {word: value for word, value in inputs_and_options.items() if word in INPUTS}
    options = {word: value for word, value in inputs_and_options.items() if word not in INPUTS}
    if "rng" in inputs:
        raise ContractError(
            f"{chosen.name}: select makes rng from seed; pass seed=..., which may be a Generator"
        )
    try:
        if seed is None:
            raise TypeError("None")
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"{chosen.name}: seed is {seed!r} ({error}); expected an int of at least 0, several, or "
            f"a numpy.random.Generator"
        ) from None
    if options:
        chosen = chosen.with_options(**options)
    return chosen(k, rng, block_bytes=block_bytes, **inputs)


def mix(shares: Mapping[Any, float] | Iterable[tuple[AnyStrategy, float]]) -> Mix:
    """Shares of every batch for several strategies.

    Each part chooses among what the parts before it left: in its own order, passing over what is taken.
    Shares are rounded to whole picks by largest remainder, so a part with share s is left out of batches well
    below 1/s. The picks of the parts are interleaved: the beginning of a batch has about the same shares.

    Parameters
    ----------
    shares
        Strategies (anything `as_strategy` takes) and their shares, which sum to 1; a mapping or pairs.

    Raises
    ------
    ContractError
        If a share is not above 0 or the shares do not sum to 1.

    Examples
    --------
    >>> print(mix({"margin": 0.8, "random": 0.2}))
    mix(0.8 margin, 0.2 random)
    """
    pairs = list(shares.items() if isinstance(shares, Mapping) else shares)
    try:
        return Mix([(float(share), as_strategy(part)) for part, share in pairs])
    except (TypeError, ValueError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(
            f"mix: got {shares!r}; expected strategies with shares: {{'margin': 0.8, 'random': 0.2}}"
        ) from None


def then(first: AnyStrategy, second: AnyStrategy, *, keep: int = 10) -> Then:
    """A shortlist of keep · k candidates by `first`, from which `second` picks k.

    `second` sees nothing but the shortlist, which makes costly strategies cheap on large pools:
    uncertain candidates first, spread out among them second.

    Parameters
    ----------
    first, second
        Anything `as_strategy` takes.
    keep
        The shortlist's length in batches, at least 1; a shorter pool is kept whole.

    Raises
    ------
    ContractError
        If `keep` is not a whole number of at least 1.

    Examples
    --------
    >>> print(then("margin", "k_center", keep=10))
    then(margin, k_center, keep=10)
    """
    return Then(as_strategy(first), as_strategy(second), keep)


def parse(text: str) -> QueryStrategy:
    """The strategy that a readable line describes: `parse(str(strategy)) == strategy`.

    Nothing in the text is executed: names are looked up in the catalogue, options are literals.

    Raises
    ------
    ContractError
        If a name is unknown (close matches are named) or the line cannot be read.

    Examples
    --------
    >>> print(parse("mix(0.5 then(margin, k_center, keep=3), 0.5 random)"))
    mix(0.5 then(margin, k_center, keep=3), 0.5 random)
    """
    try:
        # "0.8 margin" is a product in which the sign is left out.
        words: list[tuple[int, str]] = []
        for token in generate_tokens(iter([text]).__next__):
            if words and words[-1][0] == NUMBER and token.type == NAME:
                words.append((0, "*"))
            words.append(_word(token))
        tree = ast.parse(" ".join(string for _, string in words).strip(), mode="eval").body
    except (SyntaxError, TokenError, ValueError, RecursionError, MemoryError):
        raise _unreadable(text) from None
    return _strategy(tree, text)


def _word(token: TokenInfo) -> tuple[int, str]:
    return token.type, token.string


def _unreadable(text: str) -> ContractError:
    return ContractError(
        f"cannot read the strategy {text!r}; expected for example margin, u_coverage(targets=2000), "
        f"mix(0.8 margin, 0.2 random) or then(margin, k_center, keep=10)"
    )


def _strategy(node: ast.expr, text: str) -> QueryStrategy:
    if isinstance(node, ast.Name):
        return _named(node.id)
    if isinstance(node, ast.Attribute):
        return _named(ast.unparse(node))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise _unreadable(text)
    name, options = node.func.id, {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _unreadable(text)
        try:
            options[keyword.arg] = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ContractError(
                f"{name}: cannot read the option {keyword.arg}={ast.unparse(keyword.value)}; expected a "
                f"number, a quoted string, True, False, None, or a list or tuple of them"
            ) from None
    if name == "mix":
        if options:
            raise ContractError(
                f"mix: takes no options, got {', '.join(options)}: mix(0.8 margin, 0.2 random)"
            )
        return Mix([_share(part, text) for part in node.args])
    if name == "then":
        if len(node.args) != 2 or set(options) - {"keep"}:
            raise ContractError(
                f"then: expected two strategies and keep: then(margin, k_center, keep=10), got {text!r}"
            )
        first, second = (_strategy(part, text) for part in node.args)
        return Then(first, second, **options)
    if name in AROUND_ONE:
        if len(node.args) != 1:
            raise ContractError(f"{name}: expected one strategy: {name}(bald), got {text!r}")
        part = _strategy(node.args[0], text)
        made = AROUND_ONE[name](part)
        return made.with_options(**options) if options else made
    if node.args:
        raise ContractError(
            f"{name}: options are given by name, {name}({ast.unparse(node.args[0])}) does not say which"
        )
    return _named(name).with_options(**options)


def _share(node: ast.expr, text: str) -> tuple[float, QueryStrategy]:
    if not (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and isinstance(node.left, ast.Constant)
        and type(node.left.value) in (int, float)
    ):
        raise ContractError(
            f"mix: {ast.unparse(node)} has no share; expected mix(0.8 margin, 0.2 random), got {text!r}"
        )
    return float(node.left.value), _strategy(node.right, text)  # type: ignore[arg-type]


def _named(name: str) -> Strategy:
    if name not in CATALOGUE:
        own = " A function of your own is given as the function itself." if "." in name else ""
        raise ContractError(
            f"unknown strategy {name!r}{did_you_mean(name, [*CATALOGUE, *COMPOSITIONS])}; known: "
            f"{', '.join([*CATALOGUE, *COMPOSITIONS])}.{own}"
        )
    return Strategy(CATALOGUE[name], name=name)
