"""Checks of a strategy on pools that break what was only tried on pleasant ones. Each is one demand."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from .pools import ARRAYS, CLASSES, NUMBERS, PROBABILITIES, example
from .report import NotApplicable, broken
from .subject import N, Subject


def duplicated_pool(subject: Subject) -> None:
    """k distinct positions although most candidates are copies of others."""
    pool = example(N).rows(np.arange(N) % 4)
    for k in (5, N):
        subject.pick(pool, k)


def constant_pool(subject: Subject) -> None:
    """k distinct positions although all candidates are the same."""
    pool = example(N).rows(np.zeros(N, dtype=int))
    for k in (5, N):
        subject.pick(pool, k)


def huge_values(subject: Subject) -> None:
    """k distinct positions at a scale of 1e6."""
    subject.applies_to(NUMBERS, "input that has a scale")
    for dtype in ("float32", "float64"):
        subject.pick(example(N, dtype=dtype).scaled(1e6))


def tiny_values(subject: Subject) -> None:
    """k distinct positions at a scale of 1e-30, where squares vanish in float32."""
    subject.applies_to(NUMBERS, "input that has a scale")
    for dtype in ("float32", "float64"):
        subject.pick(example(N, dtype=dtype).scaled(1e-30))


def one_class(subject: Subject) -> None:
    """k distinct positions when there is one class, or one that the model is certain of."""
    subject.applies_to((*CLASSES, "labels"), "input about classes")
    for C in (1, 4):
        subject.pick(example(N).one_class(C))


def zero_probabilities(subject: Subject) -> None:
    """k distinct positions when all probabilities are exactly 0 or 1."""
    subject.applies_to(PROBABILITIES, "probabilities")
    subject.pick(example(N).certain())


def no_labels(subject: Subject) -> None:
    """k distinct positions before the first answer: nothing labelled, all classes equally likely."""
    subject.applies_to(ARRAYS, "array")
    subject.pick(example(N).unlabelled())


def late_class(subject: Subject) -> None:
    """k distinct positions while a class has not been seen, and once it has."""
    subject.applies_to((*CLASSES, "labels"), "input about classes")
    pool = example(N)
    subject.pick(pool.without_last_class())
    subject.pick(pool)


def one_candidate(subject: Subject) -> None:
    """The only candidate is picked."""
    subject.pick(example(1), 1)


def batch_of_one(subject: Subject) -> None:
    """A batch of one is an array of one position."""
    subject.pick(example(N), 1)


def batch_of_two(subject: Subject) -> None:
    """A batch of two is an array of two positions, not a pair of something."""
    subject.pick(example(N), 2)


def whole_pool(subject: Subject) -> None:
    """Asked for all candidates, it picks each once."""
    subject.pick(example(N), N)


def pool_smaller_than_batch(subject: Subject) -> None:
    """Asked for more than there are, it says so: fewer picks than asked would be a quiet wrong answer."""
    try:
        picks = subject.call(example(4), 10)
    except ContractError as error:
        if "10" not in str(error) or "4" not in str(error):
            broken(f"the error does not say that 10 of 4 candidates were asked for: {error}")
        return
    broken(f"asked for 10 of 4 candidates, it returned {picks!r} instead of an error")


def nan_and_inf_refused(subject: Subject) -> None:
    """NaN and infinities are refused, and the input is named."""
    pool = example(N)
    arrays = [word for word in subject.needs if word in pool.arrays]
    if not arrays:
        raise NotApplicable("needs no array")
    for word in arrays:
        for value in (np.nan, np.inf, -np.inf):
            spoilt = pool.arrays[word].astype(np.float64)
            spoilt[(-1,) * spoilt.ndim] = value
            try:
                picks = subject.call(pool, inputs={word: spoilt})
            except ContractError as error:
                if word not in str(error):
                    broken(f"{value} in {word} was refused without naming {word}: {error}")
            else:
                broken(f"{value} in {word} was accepted: picked {picks!r}")


POOL_CHECKS = (
    batch_of_one,
    batch_of_two,
    whole_pool,
    one_candidate,
    pool_smaller_than_batch,
    nan_and_inf_refused,
    duplicated_pool,
    constant_pool,
    huge_values,
    tiny_values,
    one_class,
    zero_probabilities,
    no_labels,
    late_class,
)
