"""k-center that may leave a few candidates far from everything: outliers then attract no labels."""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, from_numpy, tie_ranks
from .clusters import assign, measured, moved_given, moved_rows, squared_gaps
from .distances import Floats, Positions
from .greedy import farthest_first

Limits = tuple[int, float | None]  # nodes and seconds for one program

_ROUNDING = 1e-9  # relative; radii closer than this are one


def robust_k_center(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    outliers: float = 1e-4,
    points: int = 300,
    nodes: int = 100,
    time_limit: float | None = None,
) -> Array:
    """Pick the `k` candidates for which all but a few are within the smallest distance of something labelled.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Decides ties, and fills the batch once only copies of picks are left.
    embedding
        (n, d); may be a memory map. The search is made on the host.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    outliers
        Share of the candidates that may be left out, rounded down to whole candidates.
    points
        The search is made on this many candidates, but at least 2 `k`: those that k-center would pick, each standing
        for the candidates nearest to it. All that differ, where there are no more.
    nodes
        How many nodes of the search tree the solver may visit for one radius.
    time_limit
        Seconds for one radius, of which there are at most 20. With a limit the picks depend on the machine.

    Returns
    -------
    (k,) distinct positions. What a limit leaves undecided counts as impossible, so that in the worst case these are
    the picks of k-center.

    Raises
    ------
    ContractError
        If `outliers` is not in [0, 1) or another option is negative.

    Notes
    -----
    Formula: min r, |S| = k, with |{x : min_{s ∈ labelled ∪ S} ‖x − s‖ > r}| <= outliers · n. Bisection over the
    distances between the points; for each r a mixed-integer program: u_j ∈ {0, 1} picks j, ξ_i ∈ [0, 1] gives i up,
    ξ_i + Σ_{j : ‖i − j‖ <= r} u_j >= 1 unless a labelled item is within r of i, Σ u_j = k and Σ_i w_i ξ_i at most
    what may be left out, w_i the candidates that i stands for. Only pairs within r are in it.

    Cost: k-center with `points` picks, then up to 20 programs with up to points² entries, solved by HiGHS. On the
    points themselves the radius is the smallest possible if no limit was met.

    Use when rare regions matter and the pool holds a known share of junk that k_center would ask about first.
    Avoid when the pool is large and clean: k_center is then as good, and exact at any size.

    References
    ----------
    O. Sener and S. Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [500.0]])
    >>> np.sort(robust_k_center(2, np.random.default_rng(0), embedding, np.empty((0, 1)), outliers=0.15))
    array([1, 4])
    """
    if not 0 <= outliers < 1:
        raise ContractError(
            f"robust_k_center: outliers is {outliers}; expected a share, at least 0 and below 1"
        )
    for word, value in (("points", points), ("nodes", nodes), ("time_limit", time_limit or 0)):
        if not value >= 0:
            raise ContractError(f"robust_k_center: {word} is {value}; expected at least 0")
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    count = min(n, max(points, 2 * k))
    rows = measured(embedding, labeled_embedding, count)
    chosen = farthest_first(rows, count, ranks)
    spots = moved_rows(rows, chosen)
    gaps = squared_gaps(spots, spots)
    np.fill_diagonal(gaps, 0)
    alone = np.flatnonzero((gaps == 0).argmax(axis=1) == np.arange(count))  # copies stand behind their first
    chosen, spots, gaps = chosen[alone], spots[alone], gaps[np.ix_(alone, alone)]
    weights = np.bincount(assign(rows, spots)[0], minlength=len(chosen))
    given = moved_given(rows)
    known = squared_gaps(spots, given).min(axis=1) if len(given) else np.full(len(spots), np.inf)
    picks = np.arange(min(k, len(chosen)))
    if k < len(chosen):
        allowed = int(outliers * n + _ROUNDING)
        picks = _smallest_radius(gaps, known, weights, k, allowed, (max(int(nodes), 1), time_limit))
    return from_numpy(fill(chosen[picks], k, ranks), like=embedding)


def _smallest_radius(
    gaps: Floats, known: Floats, weights: Positions, k: int, allowed: int, limits: Limits
) -> Positions:
    """The `k` points of the smallest squared radius that is found; the first `k` where no other is smaller."""
    best = np.arange(k)
    nearest = np.minimum(gaps[:, best].min(axis=1), known)
    radii = np.unique(np.concatenate([gaps.ravel(), known[np.isfinite(known)]]))
    radii = radii[np.append(np.diff(radii) > _ROUNDING * radii[1:], True)]  # of nearly equal ones the largest
    high = int(np.searchsorted(radii, _left_out_at(nearest, weights, allowed)))
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        picks = _cover_within(radii[middle], gaps, known, weights, k, allowed, limits)
        if picks is None:
            low = middle
        else:
            best, high = picks, middle
    return best


def _left_out_at(nearest: Floats, weights: Positions, allowed: int) -> float:
    """The smallest radius at which the points beyond it weigh at most `allowed`."""
    order = np.argsort(-nearest)
    beyond = np.cumsum(weights[order])
    return float(nearest[order[int(np.searchsorted(beyond, allowed, side="right"))]])


def _cover_within(
    squared: float,
    gaps: Floats,
    known: Floats,
    weights: Positions,
    k: int,
    allowed: int,
    limits: Limits,
) -> Positions | None:
    """`k` points that leave out at most `allowed`, or None if there are none or the limits were met first."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    count = len(gaps)
    open_points = np.flatnonzero(known > squared)
    if weights[open_points].sum() <= allowed:
        return np.arange(k)
    near = csr_array((gaps[open_points] <= squared).astype(np.float64))
    covers = hstack([near, eye_array(count, format="csr")[open_points]], format="csr")
    budget = np.concatenate([np.zeros(count), weights.astype(np.float64)])[None, :]
    size = np.concatenate([np.ones(count), np.zeros(count)])[None, :]
    result = milp(
        np.zeros(2 * count),
        integrality=np.repeat([1, 0], count),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(covers, 1, np.inf),
            LinearConstraint(csr_array(budget), -np.inf, allowed + 0.5),
            LinearConstraint(csr_array(size), k, k),
        ],
        options={"node_limit": limits[0], "time_limit": np.inf if limits[1] is None else limits[1]},
    )
    if result.x is None:
        return None
    picks = np.sort(np.argsort(-result.x[:count], kind="stable")[:k])
    nearest = np.minimum(gaps[:, picks].min(axis=1), known)
    return picks if weights[nearest > squared].sum() <= allowed else None
