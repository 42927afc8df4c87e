"""A committee: several models of the same data, whose disagreement is what a further label can teach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import LearnerError
from .adapt import Model, fit_learner
from .copies import learner_name
from .protocol import Learner, capabilities

Floats = NDArray[np.floating[Any]]
USUAL = 10


class Committee:
    """Several learners, each fitted on its own bootstrap sample: any classifier gets `sample_proba`.

    Parameters
    ----------
    learners
        One learner, of which every member is a copy, or a list of different ones.
    size : int, optional
        The number of members S; 10 copies of one learner, or one of each in a list, if not given. The learners of a
        list take turns.
    seed : int
        Of the bootstrap samples, and of the members that leave their own seed open.

    Attributes
    ----------
    classes_ : (C,)
        The distinct values of y in ascending order.
    members_
        The fitted models.

    Notes
    -----
    The bootstrap draws within each class, with replacement, as many rows as there are: so every member has seen every
    class, also one with a single label (which is then the same for all members).

    Use when a strategy needs 'samples' (vote_entropy, bald) and the learner has only predict_proba. Avoid when fitting
    is slow (S fits a round), and with learners that bootstrap alone hardly moves, such as nearest neighbours.

    References
    ----------
    Seung, Opper, Sompolinsky: Query by committee, 1992. Abe and Mamitsuka: Query learning strategies using boosting
    and bagging, 1998.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = np.arange(8.0)[:, None]
    >>> committee = Committee(DecisionTreeClassifier(), size=5).fit(X, [0, 0, 0, 0, 1, 1, 1, 1])
    >>> committee.sample_proba(X).shape
    (5, 8, 2)
    """

    def __init__(
        self, learners: Learner | Sequence[Learner], size: int | None = None, *, seed: int = 0
    ) -> None:
        several = list(learners) if isinstance(learners, Sequence) else [learners]
        if not several:
            raise LearnerError("Committee: the list of learners is empty")
        if size is None:
            size = len(several) if isinstance(learners, Sequence) else USUAL
        if size < max(2, len(several)):
            raise LearnerError(
                f"Committee: size {size} is too small for {len(several)} learner{'s' * (len(several) > 1)}; "
                f"take {max(2, len(several))} or more"
            )
        for learner in several:
            name = learner_name(learner)
            if not {"predict_proba", "sample_proba"} & set(capabilities(learner)):
                raise LearnerError(
                    f"Committee: {name} has no predict_proba(); wrap it in "
                    f"sklearn.calibration.CalibratedClassifierCV, or switch its probabilities on"
                )
        self.learners = several
        self.size = size
        self.seed = seed

    def __repr__(self) -> str:
        inside = repr(self.learners[0]) if len(self.learners) == 1 else repr(self.learners)
        return f"Committee({inside}, size={self.size})"

    def fit(self, X: Any, y: ArrayLike) -> Committee:
        """Fit every member on its own bootstrap sample of X (m, d), y (m,)."""
        labels = np.asarray(y)
        rows = np.asarray(X)
        if not len(rows) or labels.shape != (len(rows),):
            raise LearnerError(f"Committee: X has {len(rows)} rows and y has shape {labels.shape}")
        self.classes_, positions = np.unique(labels, return_inverse=True)
        self.members_: list[Model] = []
        for number in range(self.size):
            drawn = bootstrap(positions, np.random.default_rng([self.seed, number]))
            self.members_.append(
                fit_learner(
                    self.learners[number % len(self.learners)],
                    rows[drawn],
                    positions[drawn],
                    len(self.classes_),
                    seed=int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0] % 2**31),
                )
            )
        return self

    def sample_proba(self, X: Any) -> Floats:
        """The members' class probabilities, (S, n, C)."""
        if not hasattr(self, "members_"):
            raise LearnerError("Committee: not fitted yet; call fit(X, y) first")
        return np.stack([member.proba(X) for member in self.members_])

    def predict_proba(self, X: Any) -> Floats:
        """The mean of the members' class probabilities, (n, C)."""
        mean: Floats = self.sample_proba(X).mean(axis=0)
        return mean

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the highest mean probability, (n,)."""
        predicted: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return predicted


def bootstrap(positions: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows drawn with replacement within each class, as many of each class as there are, in ascending order.

    >>> drawn = bootstrap(np.array([0, 0, 1, 0]), np.random.default_rng(0))
    >>> len(drawn), 2 in drawn
    (4, True)
    """
    parts = [
        rng.choice(np.flatnonzero(positions == c), size=int(n))
        for c, n in enumerate(np.bincount(positions))
        if n
    ]
    return np.sort(np.concatenate(parts))
