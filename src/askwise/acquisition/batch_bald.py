"""Batches whose labels together tell most about a model's parameters."""

from __future__ import annotations

import warnings
from operator import index

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, floating, from_numpy, namespace, row_blocks, tie_ranks, to_numpy, xlogx
from .joint import Floats, JointLabels, Positions, conditional_entropies

_SMALL = 200_000  # configurations times candidates that are looked at in float64 at once
_SHARES = (32, 8)  # the first bounds take this fraction of the configurations, merged
_FIRST = 32  # candidates whose gains say early what the others have to reach
_BLOCK = 128
_SINGLE = 1e-5  # nats by which a gain in float32 may be off
_CLOSEST = 64  # candidates equal in float32 that are compared in float64
_NOTHING = 1e-12
_EXHAUSTED = 1 - 1e-4  # share of the nats that draws can hold; what is left beyond is sampling noise
_FULL = 0.95  # share of log S from which on gains are mostly what S draws cannot resolve


def batch_bald(k: int, rng: np.random.Generator, samples: Array, configurations: int = 10_000) -> Array:
    """Pick `k` candidates whose labels together tell most about the model's parameters.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Source of the randomness.
    samples
        (S, n, C) class probabilities under S draws of the parameters.
    configurations
        How many joint label configurations of the batch are looked at. All there are, as long as there are no more:
        the gains are then exact. Beyond that so many are drawn.

    Returns
    -------
    (k,) distinct positions in the order of picking. Candidates without any gain fill the batch at random.

    Raises
    ------
    ContractError
        If `configurations` is not a whole number of at least 1.

    Warns
    -----
    UserWarning
        If the batch knows nearly log S nats before it is complete. S draws hold no more information, so that the
        rest of the batch says little: pass more draws rather than more configurations.

    Notes
    -----
    Formula: greedily the candidate x of largest gain I(y_x; ω | y_B) = H(y_x | y_B) − (1/S) Σ_s H(p_s(y_x)) beside
    the batch B so far. H(y_x | y_B) is the mean over configurations of y_B of the entropy of Σ_s w_s p_s, w being
    what the configuration leaves of the draws; no joint probability is ever formed, so that nothing underflows.

    Cost: per pick S · n · C · configurations / 32 multiplications for an upper bound of every gain, from
    configurations merged into means, and the full number for those candidates alone whose bound reaches the best
    gain: the picks are those of the full search. Memory: S · configurations numbers and blocks of a few MB.

    Use when draws are many (S of 50 to 100 and more), batches are of 5 to 20 and duplicates are likely: it knows that
    two candidates tell the same.
    Avoid when S is small beside the batch, or classes are very unequal in what the model will be used for (use
    epig); for large batches power(bald) costs a fraction.

    References
    ----------
    A. Kirsch, J. van Amersfoort and Y. Gal, "BatchBALD: efficient and diverse batch acquisition for deep Bayesian
    active learning", NeurIPS 2019.

    Examples
    --------
    >>> sure, split = [[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    >>> samples = np.array([split, split, sure]).transpose(1, 0, 2)
    >>> int(batch_bald(1, np.random.default_rng(0), samples)[0]) in (0, 1)
    True
    """
    most = _configurations(configurations)
    S, n, _ = samples.shape
    ranks = tie_ranks(n, rng)
    joint = JointLabels(S, most, rng)
    search = _Search(samples, ranks)
    picks: list[int] = []
    known, capacity = 0.0, np.log(S)
    warned = False
    while len(picks) < k:
        if known >= _FULL * capacity and not warned:
            warnings.warn(
                f"batch_bald: {len(picks)} of {k} picks tell {known:.2f} of the {capacity:.2f} nats that {S} draws "
                f"can hold; the rest are chosen among what these draws hardly tell apart: pass more samples or ask "
                f"for fewer",
                UserWarning,
                stacklevel=2,
            )
            warned = True
        if known >= _EXHAUSTED * capacity:
            break
        pick, gain = search.best(joint, picks)
        if gain <= _NOTHING:
            break
        picks.append(pick)
        known += gain
        joint.add(to_numpy(samples[:, pick, :]).astype(np.float64))
    return from_numpy(fill(np.array(picks, dtype=np.int64), k, ranks), like=samples)


class _Search:
    """Finds the candidate of largest gain beside a batch."""

    def __init__(self, samples: Array, ranks: Positions) -> None:
        self._samples = samples
        self._ranks = ranks
        S, n, C = samples.shape
        self._noise = np.empty(
            n
        )  # (1/S) Σ_s H(p_s): what stays unknown of a label when the parameters are known
        for rows in row_blocks(n, 24 * S * C, 8 << 20):
            proba = floating(samples[:, rows, :], double=True)
            xp = namespace(proba)
            self._noise[rows] = -to_numpy(xp.sum(xlogx(proba), axis=(0, 2))) / S

    def best(self, joint: JointLabels, picks: list[int]) -> tuple[int, float]:
        """The position of the largest gain, and the gain; `picks` are left out."""
        n = len(self._noise)
        if len(joint.masses) * n <= _SMALL:
            close = np.setdiff1d(np.arange(n), picks, assume_unique=True)
        else:
            close = self._close(joint, picks)
        gains = self._gains(joint, close, double=True)
        largest = gains.max()
        tied = close[gains >= largest - 1e-9 * abs(largest) - _NOTHING]
        return int(tied[self._ranks[tied].argmin()]), float(largest)

    def _close(self, joint: JointLabels, picks: list[int]) -> Positions:
        """Candidates that may have the largest gain, as far as float32 can tell; a few."""
        n = len(self._noise)
        bounds = np.full(n, np.inf)
        bounds[picks] = -np.inf
        known = np.full(n, -np.inf)  # gains over all configurations, where they were computed
        for share in _SHARES:
            merged = joint.merged(max(1, len(joint.masses) // share))
            open_ = np.flatnonzero(
                np.isneginf(known) & (bounds >= known.max() - 2 * _SINGLE) & (bounds > -np.inf)
            )
            bounds[open_] = self._over(*merged, open_, double=False)
            if share == _SHARES[0]:
                first = _largest(bounds, _FIRST)
                known[first] = self._gains(joint, first, double=False)
        while True:
            waiting = np.isneginf(known) & (bounds >= known.max() - 2 * _SINGLE) & ~np.isneginf(bounds)
            if not waiting.any():
                break
            some = _largest(np.where(waiting, bounds, -np.inf), min(_BLOCK, int(waiting.sum())))
            known[some] = self._gains(joint, some, double=False)
        close = np.flatnonzero(known >= known.max() - 2 * _SINGLE)
        # Of very many that are equal in float32, some drawn at random stand for all.
        return close[np.argsort(self._ranks[close])[:_CLOSEST]]

    def _gains(self, joint: JointLabels, positions: Positions, *, double: bool) -> Floats:
        return self._over(joint.weights, joint.masses, positions, double=double)

    def _over(self, weights: Floats, masses: Floats, positions: Positions, *, double: bool) -> Floats:
        entropies = conditional_entropies(self._samples, positions, weights, masses, double=double)
        return entropies - self._noise[positions]


def _largest(values: Floats, count: int) -> Positions:
    """Positions of the `count` largest, or of all there are above minus infinity."""
    count = min(count, int(np.sum(values > -np.inf)))
    return np.argpartition(values, -count)[-count:]


def _configurations(value: int) -> int:
    try:
        most = index(value)
    except TypeError:
        most = 0
    if most < 1 or isinstance(value, bool):
        raise ContractError(
            f"batch_bald: configurations is {value!r}; expected a whole number of at least 1, as 10000"
        )
    return most
