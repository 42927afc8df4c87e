"""The only step that touches a model: the arrays that a strategy needs, fetched from a fitted learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from tempfile import TemporaryFile
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .errors import ContractError
from .learner import Learner, Model, capabilities
from .learner.copies import learner_name
from .strategy.vocabulary import INPUTS

BLOCK = 4096
"""Rows that a model sees at once. Fixed, because a matrix product may round differently in blocks of another size."""
IN_MEMORY = 1 << 30
"""Bytes above which gathered outputs go to an unnamed temporary file."""
DIGITS = 9
"""Outputs are rounded to so many decimals: duplicates stay exact ties, whatever the last bits of a product."""

FROM_LEARNER: dict[str, tuple[str, ...]] = {
    "proba": ("predict_proba", "sample_proba"),
    "labeled_proba": ("predict_proba", "sample_proba"),
    "samples": ("sample_proba",),
    "target_samples": ("sample_proba",),
    "decision": ("decision_function",),
    "predicted_loss": ("predict_loss",),
    "mean": ("predict_dist",),
    "std": ("predict_dist",),
}
"""The inputs that come from a learner, and the methods of which it must have one."""


class Needs(Protocol):
    """A strategy, as far as its inputs go."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of its inputs."""
        ...


def check(strategy: Needs | Iterable[str], learner: Learner, *, name: str | None = None) -> None:
    """Refuse a learner that cannot give a strategy its inputs, before any work is done.

    Parameters
    ----------
    strategy
        A strategy, or the names of its inputs.
    learner
        The learner, not fitted.
    name
        What to call the strategy in the message; its own name if not given.

    Raises
    ------
    ContractError
        If a method is missing. The message says which, and what to do.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> check(["samples"], GaussianNB(), name="bald")
    Traceback (most recent call last):
    ...
    askwise.errors.ContractError: bald needs 'samples'; GaussianNB has no sample_proba(); wrap it in aw.Committee
    """
    names = _names(strategy)
    label = name or str(getattr(strategy, "name", None) or "the strategy")
    has = set(capabilities(learner))
    learner_called = learner_name(learner)
    for needed in names:
        methods = FROM_LEARNER.get(needed)
        if methods and not has & set(methods):
            raise ContractError(
                f"{label} needs {needed!r}; {learner_called} has no {methods[0]}(); {_advice(methods[0])}"
            )


def gather(
    needs: Needs | Iterable[str],
    model: Model,
    embedding: Any,
    labeled_embedding: Any,
    labels: ArrayLike,
    *,
    target: Any = None,
    cost: ArrayLike | None = None,
    view: object = None,
) -> dict[str, Any]:
    """The inputs of a strategy, by name; only those that it needs.

    Parameters
    ----------
    needs
        A strategy, or the names of its inputs. Those that come with the call (k, rng, n) are left to the caller.
    model
        From `fit_learner`.
    embedding : (n, d)
        Features of the candidates: what the learner was fitted on. An array or a memory map; never copied whole.
    labeled_embedding : (m, d)
        Features of the labelled items.
    labels : (m,)
        Their class positions.
    target : (t, d), optional
        Features of items of the target distribution.
    cost : (n,), optional
        What each candidate costs.
    view : object, optional
        For strategies that refit the learner themselves.

    Returns
    -------
    dict
        Model outputs are computed in blocks of rows and rounded to 9 decimals (samples also to
        float32); what exceeds 1 GB lies in an unnamed
        temporary file. A learner with embed() gives its own embedding.

    Raises
    ------
    ContractError
        If an input is unknown, or one that the caller supplies is missing.
    LearnerError
        If the learner lacks a method (see `check`, which finds that earlier).

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from askwise.learner import fit_learner
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> model = fit_learner(LogisticRegression(), X[[0, 2]], [0, 1], C=2)
    >>> gather(["proba"], model, X, X[[0, 2]], [0, 1])["proba"].shape
    (3, 2)
    """
    given: dict[str, Any] = {"cost": cost, "view": view, "target": target}
    targets = np.asarray(labels)
    makers: dict[str, Callable[[], Any]] = {
        "proba": lambda: in_blocks(model.proba, embedding),
        "labeled_proba": lambda: in_blocks(model.proba, labeled_embedding),
        "samples": lambda: in_blocks(model.samples, embedding, 1, np.float32),
        "target_samples": lambda: in_blocks(
            model.samples, _given(given, "target", "target_samples"), 1, np.float32
        ),
        "decision": lambda: in_blocks(model.decision, embedding),
        "predicted_loss": lambda: in_blocks(model.predicted_loss, embedding),
        "mean": lambda: in_blocks(lambda X: model.dist(X)[0], embedding),
        "std": lambda: in_blocks(lambda X: model.dist(X)[1], embedding),
        "embedding": lambda: _embedded(model, embedding),
        "labeled_embedding": lambda: _embedded(model, labeled_embedding),
        "target_embedding": lambda: _embedded(model, _given(given, "target", "target_embedding")),
        "labels": lambda: targets,
        "cost": lambda: np.asarray(_given(given, "cost", "cost")),
        "view": lambda: _given(given, "view", "view"),
    }
    wanted = [name for name in _names(needs) if name not in ("k", "rng", "n")]
    for name in wanted:
        if name not in makers:
            raise ContractError(f"unknown input {name!r}; known: {', '.join(INPUTS)}")
    return {name: makers[name]() for name in wanted}


def in_blocks(
    function: Callable[[Any], Any], X: Any, axis: int = 0, dtype: DTypeLike | None = None
) -> NDArray[Any]:
    """`function` of blocks of rows of X, put together along `axis`, rounded.

    >>> in_blocks(lambda X: X / 3, np.array([[1.0], [2.0]]))[:, 0].tolist()
    [0.333333333, 0.666666667]
    """
    n = len(X)
    out: NDArray[Any] | None = None
    for start in range(0, max(n, 1), BLOCK):
        part = np.asarray(function(X[start : start + BLOCK]))
        if part.dtype.kind == "f":
            part = np.round(part, DIGITS).astype(dtype or part.dtype, copy=False)
        if n <= BLOCK:
            return part
        if out is None:
            out = _room((*part.shape[:axis], n, *part.shape[axis + 1 :]), part.dtype)
        out[(slice(None),) * axis + (slice(start, start + BLOCK),)] = part
    assert out is not None
    return out


def _embedded(model: Model, X: Any) -> Any:
    """X itself where the learner adds nothing to it, so that a memory map stays one."""
    if not len(X):
        # A learner need not know what to do with no rows; the width comes from one row of nothing.
        return model.embed(np.zeros((1, *np.shape(X)[1:]), dtype=X.dtype))[:0] if model.embeds else X
    if not model.embeds:
        return X
    one = X[:1]
    if model.embed(one) is one:
        return X
    return in_blocks(model.embed, X)


def _names(strategy: Needs | Iterable[str]) -> Sequence[str]:
    needs: Iterable[str] = getattr(strategy, "needs", strategy)  # type: ignore[arg-type]
    return tuple(needs)


def _given(given: dict[str, Any], what: str, name: str) -> Any:
    if given[what] is None:
        raise ContractError(f"{name!r} is needed and was not given; it comes from {INPUTS[name].source}")
    return given[what]


def _advice(method: str) -> str:
    return {
        "predict_proba": "take a learner that has, or wrap it in sklearn.calibration.CalibratedClassifierCV",
        "sample_proba": "wrap it in aw.Committee",
    }.get(method, "take a learner that has")


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if int(np.prod(shape, dtype=np.int64)) * dtype.itemsize <= IN_MEMORY:
        return np.empty(shape, dtype=dtype)
    with TemporaryFile() as file:
        # The map keeps the file alive after its name and handle are gone.
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
