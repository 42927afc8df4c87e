"""Three exact searches behind everything that spreads a batch out.

Each returns what the plain method returns, or samples from exactly the same distribution, but replaces one pass over
all candidates per pick by a few matrix products. All steering is done on the host in NumPy, so that it is the same
for every array library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..xp import fill
from .distances import EuclideanRows, Floats, Positions

_SHORTLIST = 512
_LONGEST_SHORTLIST = 8192
_FEW = 16  # picks out of one shortlist; with fewer a pass over all candidates is not worth its while
_SETTLED = 64  # rows whose distance is settled in float64 at once
_PROPOSALS = 128
_LARGEST_BLOCK = 16


def farthest_first(rows: EuclideanRows, k: int, ranks: Positions) -> Positions:
    """Pick `k` rows, each the farthest from all given and picked ones; without any, start nearest the mean.

    The distance of a row to the nearest pick only shrinks. So the largest distance outside a shortlist of the
    farthest rows bounds all of them from now on, and the rule can be followed within the shortlist alone for as long
    as its farthest row is beyond that bound. Only then are the new picks compared with all rows, in one product.

    Parameters
    ----------
    rows
        The candidates and the given rows.
    k
        How many to pick, at most n.
    ranks
        (n,) a random permutation; among equally distant rows the smallest rank is picked, and once all distances
        are 0 the rest of the batch is filled by rank.

    Returns
    -------
    (k,) distinct positions in the order of picking.

    Notes
    -----
    Cost: O(n d (m + k)) multiplications in about k / 50 passes over the rows, O(n) memory.

    References
    ----------
    T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [2.0], [10.0]])
    >>> farthest_first(EuclideanRows(line), 3, ranks=np.arange(4))
    array([2, 3, 0])
    """
    nearest = rows.to_given()
    picks = np.empty(0, np.int64)
    if np.isinf(nearest[0]):
        picks = np.array([_most_central(rows, ranks)])
        rows.shrink(nearest, rows.exactly(picks))
    width = _SHORTLIST
    while len(picks) < k:
        slack = rows.slack(nearest)
        upper = nearest + slack
        upper[picks] = -1
        shortlist, bounds_rest = largest(upper, width, ranks)
        # In float64 rows that the rounding cannot tell apart count as equally far.
        rest = (nearest - slack if rows.double else upper)[bounds_rest].max(initial=-1)
        new = _while_certain(rows, shortlist, nearest, slack, float(rest), picks, k, ranks)
        if len(new):
            picks = np.concatenate([picks, new])
            rows.shrink(nearest, rows.exactly(new))
        if len(new) < _FEW and width < min(_LONGEST_SHORTLIST, rows.n):
            width *= 2
        elif len(new) == 0 and rows.double:
            break  # every distance is 0
        elif len(new) == 0:
            rows = rows.in_double()
            nearest = rows.to_given()
            rows.shrink(nearest, rows.exactly(picks))
    return fill(picks, k, ranks)


def largest(values: Floats, count: int, ranks: Positions) -> tuple[Positions, NDArray[np.bool_]]:
    """Positions of the `count` largest `values`, ties by rank, and a mask of all others that are not negative."""
    others = values >= 0
    least = np.partition(values, -count)[-count] if count < len(values) else values.min()
    contenders = np.flatnonzero(others & (values >= least))
    order = np.lexsort((ranks[contenders], -values[contenders]))[:count]
    others[contenders[order]] = False
    return contenders[order], others


def _most_central(rows: EuclideanRows, ranks: Positions) -> int:
    """Position of the row nearest the mean of all."""
    mean = rows.mean()
    distances = np.full(rows.n, np.inf, rows.precision)
    rows.shrink(distances, mean[None, :])
    slack = rows.slack(distances)
    contenders = np.flatnonzero(distances - slack <= (distances + slack).min())
    exact = np.concatenate(
        [np.sum((rows.exactly(part) - mean) ** 2, axis=1) for part in _parts(contenders, 4096)]
    )
    tied = contenders[exact == exact.min()]
    return int(tied[ranks[tied].argmin()])


def _parts(positions: Positions, size: int) -> list[Positions]:
    return [positions[start : start + size] for start in range(0, len(positions), size)]


def _while_certain(
    rows: EuclideanRows,
    shortlist: Positions,
    nearest: Floats,
    slack: Floats,
    rest: float,
    picks: Positions,
    k: int,
    ranks: Positions,
) -> Positions:
    """Follow the rule within the shortlist while its farthest row is beyond `rest`, the bound on all other rows."""
    moved = rows.moved(rows.exactly(shortlist))
    norms = np.sum(moved**2, axis=1)
    low = np.maximum(nearest[shortlist] - slack[shortlist], 0).astype(np.float64)
    high = (nearest[shortlist] + slack[shortlist]).astype(np.float64)
    rounding = 8 * np.sqrt(rows.d + 16.0) * np.finfo(np.float64).eps
    new: list[int] = []
    while len(picks) + len(new) < k and len(new) < len(shortlist):
        leaders = np.flatnonzero(high >= low.max())
        if len(leaders) > 1 and np.any(low[leaders] < high[leaders]):
            # Settle some that will lead soon as well: most of the work is in reading the given rows.
            vague = np.flatnonzero(low < high)
            vague = np.union1d(leaders, vague[np.argsort(-high[vague])[:_SETTLED]])
            chosen = np.concatenate([picks, shortlist[new]])
            low[vague] = high[vague] = rows.nearest_exactly(shortlist[vague], chosen)
            continue
        pick = int(leaders[ranks[shortlist[leaders]].argmin()])
        if high[pick] == 0 or low[pick] < rest:
            break
        new.append(pick)
        distances = np.maximum(norms + norms[pick] - 2 * (moved @ moved[pick]), 0)
        error = rounding * (norms + distances)
        np.minimum(low, np.maximum(distances - error, 0), out=low)
        np.minimum(high, distances + error, out=high)
        low[new] = high[new] = -1
    return shortlist[new]


class Sampled(Protocol):
    """What `d2_sampling` asks of a set of points."""

    @property
    def weights(self) -> Floats:
        """(n,) squared distances to 0."""

    def shrink_to(self, nearest: Floats, picks: Positions) -> None:
        """Lower `nearest` (n,), in place, to the squared distance to the nearest of `picks`."""

    def between(self, positions: Positions) -> Floats:
        """(p, p) squared distances between `positions`."""


def d2_sampling(points: Sampled, k: int, rng: np.random.Generator, ranks: Positions) -> Positions:
    """Draw `k` points one after the other, each with probability ∝ squared distance to the nearest drawn so far.

    The first is the point of largest weight. Distances only shrink, so those of the last pass bound the present
    ones: proposals are drawn from the old distances and each is accepted with probability present / old, for which
    only the distances among the proposals are needed. The accepted points follow exactly the distribution of the
    one-by-one rule; all points are compared with them once per some hundred proposals.

    Parameters
    ----------
    points
        What to draw from.
    k
        How many to draw, at most n.
    rng
        Source of the randomness.
    ranks
        (n,) a random permutation; decides ties for the first point and fills the batch once all distances are 0.

    Returns
    -------
    (k,) distinct positions in the order of drawing.

    Notes
    -----
    Cost: one column of distances per pick, in blocks, and O(n) memory.

    References
    ----------
    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    weights = np.asarray(points.weights, np.float64)
    tied = np.flatnonzero(weights == weights.max())
    picks = tied[[ranks[tied].argmin()]] if weights.max() > 0 else np.empty(0, np.int64)
    nearest = np.full(len(weights), np.inf) if len(picks) else np.zeros(len(weights))
    new = picks
    while len(picks) < k:
        if len(new):
            points.shrink_to(nearest, new)
            nearest[picks] = 0
        cumulative = np.cumsum(nearest)
        if cumulative[-1] <= 0:
            break
        count = min(_PROPOSALS, 2 * (k - len(picks)))
        drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
        # Rounding can put a draw on the very end, past the last point that has any weight.
        proposals = np.minimum(drawn, np.searchsorted(cumulative, cumulative[-1]))
        new = proposals[_accepted(nearest[proposals], points.between(proposals), rng, k - len(picks))]
        picks = np.concatenate([picks, new])
    return fill(picks, k, ranks)


def _accepted(stale: Floats, between: Floats, rng: np.random.Generator, wanted: int) -> list[int]:
    """Which proposals survive the comparison with those accepted before them, at most `wanted`."""
    now = stale.copy()
    kept: list[int] = []
    for proposal, threshold in enumerate(rng.random(len(stale)) * stale):
        if threshold < now[proposal] and len(kept) < wanted:
            kept.append(proposal)
            np.minimum(now, between[proposal], out=now)
    return kept


def lazy_greedy(
    k: int,
    evaluate: Callable[[Positions], NDArray[Any]],
    accept: Callable[[int], None],
    ranks: Positions,
    rounding: float = 1e-12,
    block: int = 32,
) -> Positions:
    """Pick up to `k` candidates, each of largest gain given the picks before it, when gains can only shrink.

    A gain computed for fewer picks is an upper bound. The candidates with the largest bounds are evaluated afresh,
    block by block, until no bound reaches the best fresh gain: the same picks as evaluating all of them every time.

    Parameters
    ----------
    k
        How many to pick, at most as many as there are candidates.
    evaluate
        Gains of the candidates at some positions, given what was accepted; must never grow.
    accept
        Called with each pick.
    ranks
        One rank a candidate; among equal gains the smallest rank is picked.
    rounding
        Relative error of the gains; gains that differ by less count as equal.
    block
        How many candidates to evaluate at once, at first; then twice as many as before, up to 16 times.

    Returns
    -------
    Distinct positions in the order of picking; fewer than `k` where no candidate has a positive gain any more.

    References
    ----------
    M. Minoux, "Accelerated greedy algorithms for maximizing submodular set functions", 1978.

    Examples
    --------
    >>> sets, covered = [{1, 2}, {2, 3, 4}, {4}], set()
    >>> lazy_greedy(3, lambda which: np.array([len(sets[i] - covered) for i in which]),
    ...             lambda pick: covered.update(sets[pick]), ranks=np.arange(3))
    array([1, 0])
    """
    bounds = np.asarray(evaluate(np.arange(len(ranks))), np.float64)
    fresh = np.ones(len(ranks), dtype=bool)
    picks: list[int] = []
    while len(picks) < k:
        size = block
        while True:
            best = bounds[fresh].max(initial=0.0) * (1 - rounding)
            stale = np.flatnonzero(~fresh & (bounds * (1 + rounding) >= best) & (bounds > 0))
            if not len(stale):
                break
            top = stale
            if len(stale) > size:
                top = stale[np.argpartition(-bounds[stale], size)[:size]]
            bounds[top] = evaluate(top)
            fresh[top] = True
            size = min(2 * size, _LARGEST_BLOCK * block)
        if best <= 0:
            break
        tied = np.flatnonzero(fresh & (bounds >= best))
        pick = int(tied[ranks[tied].argmin()])
        picks.append(pick)
        accept(pick)
        fresh[:] = False
        bounds[picks] = -1
    return np.array(picks, dtype=np.int64)
