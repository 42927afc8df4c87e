"""What a function asks for: its parameters without a default are inputs, the rest are options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import ContractError
from .vocabulary import INPUTS, did_you_mean

RESERVED = frozenset({"seed", "block_bytes", "strategy", "function", "name"})
FUNCTION_KINDS = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs of a function in order, and its options with their defaults."""

    needs: tuple[str, ...]
    defaults: dict[str, Any] = field(default_factory=dict)


def default_name(function: Callable[..., Any]) -> str:
    """A readable name for a function, a lambda, a partial or a callable object.

    >>> default_name(lambda proba: proba)
    'lambda'
    """
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", type(function).__name__)
    return "lambda" if name == "<lambda>" else str(name)


def unwrap(function: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A partial's function and the arguments that it binds, by name; any other function as it is.

    >>> def power(proba, exponent=1): ...
    >>> unwrap(partial(power, exponent=2))[1]
    {'exponent': 2}
    """
    if not isinstance(function, partial):
        return function, {}
    try:
        bound = inspect.signature(function.func).bind_partial(*function.args, **function.keywords).arguments
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"{default_name(function)}: a functools.partial that cannot be called: {error}"
        ) from None
    return function.func, dict(bound)


def read(function: Callable[..., Any], name: str) -> Signature:
    """Read what `function` needs; refuse at once what could only go wrong later.

    Raises
    ------
    ContractError
        If the function cannot be called by parameter names, asks for something outside the vocabulary, or
        asks for a combination that no caller can serve.

    >>> read(lambda k, rng, embedding, weight=2.0: ..., "mine")
    Signature(needs=('k', 'rng', 'embedding'), defaults={'weight': 2.0})
    """
    if not callable(function):
        raise ContractError(
            f"{name}: is {type(function).__name__}; expected a function, a catalogue name or a composition"
        )
    if inspect.isclass(function):
        raise ContractError(f"{name}: is a class; pass an instance with __call__, or a function")
    body = function if inspect.isroutine(function) else type(function).__call__
    if any(is_kind(body) for is_kind in FUNCTION_KINDS):
        raise ContractError(f"{name}: is a generator or coroutine; a strategy returns its array at once")
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise ContractError(
            f"{name}: its parameters cannot be read; wrap it: lambda proba: {name}(proba)"
        ) from None

    needs: list[str] = []
    defaults: dict[str, Any] = {}
    for parameter in parameters:
        word = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ContractError(
                f"{name}: takes {str(parameter).split(':')[0]}; name every input it needs as a parameter, "
                f"because the names are what it is given"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ContractError(
                f"{name}: {word!r} is positional-only; inputs are passed by name: remove the '/'"
            )
        if parameter.default is parameter.empty:
            if word not in INPUTS:
                raise ContractError(
                    f"{name}: unknown input {word!r}; known: {', '.join(INPUTS)}{did_you_mean(word, INPUTS)} "
                    f"(a parameter of another name is an option, and needs a default)"
                )
            needs.append(word)
        elif word in RESERVED:
            raise ContractError(
                f"{name}: {word!r} cannot be an option, because every call has a {word} of its own; "
                + ("take rng, which is made from it" if word == "seed" else "rename it")
            )
        elif word in INPUTS:
            raise ContractError(
                f"{name}: {word!r} is an input, and inputs have no default; "
                f"remove the default, or rename the option"
            )
        else:
            defaults[word] = parameter.default
    _refuse_impossible(name, needs)
    return Signature(tuple(needs), defaults)


def _refuse_impossible(name: str, needs: list[str]) -> None:
    if "k" not in needs:
        for word in ("rng", "n"):
            if word in needs:
                raise ContractError(
                    f"{name}: takes {word!r} but not 'k'; a function without 'k' scores each candidate on "
                    f"its own: remove {word!r}, or take 'k' and return k positions"
                )
    about_candidates = [word for word in needs if INPUTS[word].axis is not None or word in ("n", "view")]
    if not about_candidates:
        raise ContractError(
            f"{name}: takes nothing about the candidates; take one of "
            f"{', '.join(word for word, row in INPUTS.items() if row.axis is not None)}, or n with k"
        )
