"""Sampling from a tree of clusters, whose impure parts get the questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, from_numpy, tie_ranks, to_numpy
from .clusters import assign, measured, moved_given, moved_rows, nearest_centre, tree
from .distances import EuclideanRows, Floats, Positions

_LEAVES = 2_000


def hierarchical(
    k: int,
    rng: np.random.Generator,
    embedding: Array,
    labeled_embedding: Array,
    labels: Array,
    confidence: float = 2.0,
    leaves: int = _LEAVES,
) -> Array:
    """Draw `k` candidates at random from the clusters that the labels have not shown to be pure.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws the batch, and the leaves of the tree from a large pool.
    embedding
        (n, d); may be a memory map. The tree is made on the host.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any.
    labels
        (m,) class positions of the labelled items.
    confidence
        β: a cluster may be labelled after class c once another class could be wrong at most β times less often. At
        least 1.
    leaves
        How many candidates and labelled items, drawn at random, are the leaves of the tree; the others belong to
        the nearest leaf. All, where there are fewer. The tree holds all distances between the leaves.

    Returns
    -------
    (k,) distinct positions in the order of drawing.

    Raises
    ------
    ContractError
        If `confidence` is below 1, or `leaves` not between 1 and 5,000.

    Notes
    -----
    Formula: in node v of a Ward tree, with n_v labels and the share p of class c, p_c lies within
    p ± (1/n_v + √(p (1 − p) / n_v)). Class c may label v if 1 − p_c^low < β min_{c' ≠ c} (1 − p_c'^high), c' over
    the classes seen and one unseen; the error is then 1 − p, and 1 if no class may. The pruning of least total error
    is used, the higher node in doubt. Draw node v with probability ∝ (candidates of v) · (1 − largest p_c^low),
    then a candidate of v at random.

    Cost: O(leaves² d) for the tree, of at most 2,000 leaves by default (32 MB of distances); one product of all
    candidates with the leaves.

    Use when clusters are likely to be of one class, and the choice must never be much worse than random.
    Avoid when the embedding does not cluster by class: it is then random sampling at a higher price.

    References
    ----------
    S. Dasgupta and D. Hsu, "Hierarchical sampling for active learning", ICML 2008.

    Examples
    --------
    >>> embedding = np.repeat([[0.0], [10.0]], 50, axis=0) + np.linspace(0, 1, 100)[:, None]
    >>> labeled = np.concatenate([embedding[:30], embedding[95:]])
    >>> picks = hierarchical(20, np.random.default_rng(0), embedding[30:95], labeled, np.repeat([0, 1], [30, 5]))
    >>> int(np.sum(picks >= 20))
    19
    """
    if not confidence >= 1:
        raise ContractError(f"hierarchical: confidence is {confidence}; expected at least 1")
    if not 1 <= leaves <= 5_000:
        raise ContractError(f"hierarchical: leaves is {leaves}; expected 1 to 5000, since all pairs are held")
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    leaf, known_leaf, merges = _leaves(embedding, labeled_embedding, leaves, rng)
    classes, answers = np.unique(to_numpy(labels), return_inverse=True)
    counts = np.zeros((len(merges) + 1, len(classes) + 1))  # the last class is one that was not seen yet
    np.add.at(counts, (known_leaf, answers), 1)
    nodes = Tree(merges, counts, np.bincount(leaf, minlength=len(merges) + 1))
    node_of_leaf, chances = nodes.pruning(confidence)
    return from_numpy(_drawn(k, rng, node_of_leaf[leaf], chances, ranks), like=embedding)


def _leaves(
    embedding: Array, labeled_embedding: Array, count: int, rng: np.random.Generator
) -> tuple[Positions, Positions, Floats]:
    """The leaf of each candidate and of each labelled item, and the merges of the leaves."""
    rows: EuclideanRows = measured(embedding, labeled_embedding, count)
    given = moved_given(rows)
    total = rows.n + len(given)
    sample = np.arange(total) if total <= count else np.sort(rng.choice(total, size=count, replace=False))
    own, others = sample[sample < rows.n], sample[sample >= rows.n] - rows.n
    points = np.concatenate([moved_rows(rows, own), given[others]])
    if total <= count:
        return np.arange(rows.n), rows.n + np.arange(len(given)), tree(points, "ward")
    leaf, known_leaf = assign(rows, points)[0], nearest_centre(given, points)[0]
    leaf[own], known_leaf[others] = np.arange(len(own)), len(own) + np.arange(len(others))
    return leaf, known_leaf, tree(points, "ward")


@dataclass(frozen=True)
class Tree:
    """A binary tree of clusters: its merges as SciPy gives them, label counts (leaves, C + 1), candidates (leaves,)."""

    merges: Floats
    counts: Floats
    sizes: Positions

    def pruning(self, confidence: float) -> tuple[Positions, dict[int, float]]:
        """For each leaf the node of the pruning above it, and the chance to draw from each such node, unscaled."""
        leaves = len(self.sizes)
        children = self.merges[:, :2].astype(np.int64)
        counts = np.concatenate([self.counts, np.zeros((len(children), self.counts.shape[1]))])
        sizes = np.concatenate([self.sizes, np.zeros(len(children), np.int64)])
        for node, (one, other) in enumerate(children, leaves):
            counts[node] = counts[one] + counts[other]
            sizes[node] = sizes[one] + sizes[other]
        errors, lower = bounds(counts, confidence)
        best = errors * sizes
        split = np.zeros(len(sizes), dtype=bool)
        for node, (one, other) in enumerate(children, leaves):
            parts = best[one] + best[other]
            split[node] = parts < best[node] * (1 - 1e-12)
            best[node] = min(best[node], parts)
        above = np.arange(len(sizes))
        for node in range(len(sizes) - 1, leaves - 1, -1):
            # A node passes on what it belongs to, unless it is split and belongs to itself.
            for child in children[node - leaves]:
                above[child] = child if above[node] == node and split[node] else above[node]
        used = np.unique(above[:leaves])
        return above[:leaves], {int(node): float(sizes[node] * (1 - lower[node])) for node in used}


def bounds(counts: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Of each node with label `counts` (nodes, C + 1) the estimated error and the lower bound of its largest share."""
    total = counts.sum(axis=1, keepdims=True)
    seen = np.maximum(total, 1)
    share = counts / seen
    width = 1 / seen + np.sqrt(share * (1 - share) / seen)
    low = np.where(total > 0, np.maximum(share - width, 0), 0)
    high = np.where(total > 0, np.minimum(share + width, 1), 1)
    rivals = np.sort(1 - high, axis=1)
    # The least possible error of another class: the smallest of all, or the next one for the class that has it.
    smallest = rivals[:, :1]
    following = rivals[:, 1:2] if counts.shape[1] > 1 else np.zeros_like(smallest)
    other = np.where(1 - high == smallest, following, smallest)
    admissible = 1 - low < confidence * other
    errors = np.where(admissible, 1 - share, 1.0).min(axis=1)
    return errors, low.max(axis=1)


def _drawn(
    k: int, rng: np.random.Generator, node: Positions, chances: dict[int, float], ranks: Positions
) -> Positions:
    """`k` candidates: a node by its chance among those that have candidates left, then one of them at random."""
    order = np.lexsort((ranks, node))  # within a node by rank, which is random
    names, starts, left = np.unique(node[order], return_index=True, return_counts=True)
    weights = np.array([chances[int(name)] for name in names])
    picks: list[int] = []
    while len(picks) < k:
        cumulative = np.cumsum(np.where(left > 0, weights, 0.0))
        if cumulative[-1] <= 0:
            break
        drawn = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
        drawn = min(drawn, int(np.searchsorted(cumulative, cumulative[-1])))
        picks.append(int(order[starts[drawn]]))
        starts[drawn] += 1
        left[drawn] -= 1
    return fill(np.array(picks, np.int64), k, ranks)
