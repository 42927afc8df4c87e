"""The words that a strategy's parameters may use: one row each, here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

Content: TypeAlias = Literal[
    "probabilities", "numbers", "not negative", "positive", "labels", "count", "generator", "object"
]
"""What the values must be, beyond being finite."""

ARRAYS: frozenset[str] = frozenset({"probabilities", "numbers", "not negative", "positive", "labels"})


@dataclass(frozen=True, slots=True)
class Input:
    """One word of the vocabulary.

    Attributes
    ----------
    name
        The parameter's name.
    shape
        Its shape in letters, "(n, C)"; alternatives are joined by " or ". n candidates, m labelled items,
        t targets, C classes, S samples, d columns: the same letter is the same number in every input.
    axis
        The axis that runs over the candidates, or None.
    source
        Where it comes from.
    hint
        What to do if it is missing or wrong.
    content
        What its values must be.
    like
        The input of the candidates whose number type it takes, so that one product of both needs no copy of
        the larger.
    """

    name: str
    shape: str
    axis: int | None
    source: str
    hint: str
    content: Content = "numbers"
    like: str | None = None

    @property
    def is_array(self) -> bool:
        """Whether it is an array (and not a number, a generator or an object of the call)."""
        return self.content in ARRAYS

    @property
    def letters(self) -> tuple[tuple[str, ...], ...]:
        """The shapes that are allowed, each as its letters.

        >>> INPUTS["decision"].letters
        (('n', 'C'), ('n',))
        """
        if not self.is_array:
            return ()
        return tuple(
            tuple(letter for letter in option.strip("() ").split(",") if letter)
            for option in self.shape.replace(" ", "").split("or")
        )


INPUTS: dict[str, Input] = {
    row.name: row
    for row in (
        Input(
            "proba",
            "(n, C)",
            0,
            "learner.predict_proba(X)",
            "pass class probabilities, one column a class",
            "probabilities",
        ),
        Input(
            "samples",
            "(S, n, C)",
            1,
            "learner.sample_proba(X): committee, dropout, ensemble or posterior draws",
            "wrap the learner in aw.Committee, or stack the probabilities of several models",
            "probabilities",
        ),
        Input(
            "decision",
            "(n, C) or (n,)",
            0,
            "learner.decision_function(X)",
            "pass decision values, one column a class, or one value a candidate if there are two classes",
        ),
        Input("mean", "(n,)", 0, "learner.predict_dist(X)", "pass the predicted means"),
        Input(
            "std",
            "(n,)",
            0,
            "learner.predict_dist(X)",
            "pass the predicted standard deviations",
            "not negative",
        ),
        Input(
            "embedding",
            "(n, d)",
            0,
            "learner.embed(X), else the encoder's",
            "pass one vector a candidate",
        ),
        Input(
            "labeled_embedding",
            "(m, d)",
            None,
            "learner.embed(X) of the labelled items, else the encoder's",
            "pass one vector a labelled item; nothing labelled yet: numpy.empty((0, d))",
            like="embedding",
        ),
        Input(
            "labels",
            "(m,)",
            None,
            "the answers so far",
            "pass class positions 0..C-1 (numpy.unique(y, return_inverse=True)); nothing labelled yet: "
            "numpy.empty(0, dtype=int)",
            "labels",
        ),
        Input(
            "labeled_proba",
            "(m, C)",
            None,
            "learner.predict_proba(X) of the labelled items",
            "pass class probabilities of the labelled items; nothing labelled yet: numpy.empty((0, C))",
            "probabilities",
            "proba",
        ),
        Input(
            "predicted_loss",
            "(n,)",
            0,
            "a learner with a loss head",
            "pass the loss that the learner expects of each candidate",
        ),
        Input(
            "target_samples",
            "(S, t, C)",
            None,
            "learner.sample_proba(X) of items of the target distribution",
            "pass the same draws as `samples`, for the target items",
            "probabilities",
            "samples",
        ),
        Input(
            "target_embedding",
            "(t, d)",
            None,
            "learner.embed(X) of items of the target distribution",
            "pass one vector a target item",
            like="embedding",
        ),
        Input(
            "cost",
            "(n,)",
            0,
            "the pool's metadata, or measured annotation times",
            "pass what an answer costs, more than 0, in one unit for all",
            "positive",
        ),
        Input("k", "int", None, "the call", "say how many candidates to pick", "count"),
        Input(
            "rng",
            "numpy.random.Generator",
            None,
            "the call",
            "pass numpy.random.default_rng(seed)",
            "generator",
        ),
        Input(
            "n", "int", None, "the call: the number of candidates", "pass n=<number of candidates>", "count"
        ),
        Input(
            "view",
            "object",
            None,
            "the project: refits the learner for strategies that must",
            "run the strategy through aw.simulate or a project",
            "object",
        ),
    )
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, or nothing.

    >>> did_you_mean("probs", INPUTS)
    "; did you mean 'proba'?"
    """
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
