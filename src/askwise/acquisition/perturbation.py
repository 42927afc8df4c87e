"""Candidates whose predicted class changes under small changes of their embedding, spread out by k-means.

Both functions need to predict at changed embeddings. They take the linear head that explains the probabilities: if the
learner is linear on this embedding it is the learner, otherwise its best linear approximation. The work is done on the
host, whatever the array library, and positions are given back in that library.
"""

from __future__ import annotations

import numpy as np

from ..errors import ContractError
from ..xp import Array, fill, floating, from_numpy, row_blocks, squared_norms, tie_ranks, to_numpy
from .clusters import fit, host_rows, most_central, nearest_centre
from .distances import Floats, Positions

_BLOCK_BYTES = 4 << 20
_LEAST = 1e-9  # probabilities come rounded to so many decimals
_SHORTLIST = 20_000
_CAPS = 32  # the strength of mixing is raised in steps of 1 / 32, as in the authors' code


def drop_query(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    passes: int = 3,
    drop: float = 0.75,
) -> Array:
    """Pick `k` candidates, spread out, among those whose predicted class does not survive dropout of the embedding.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws what is dropped and the seeds of k-means, and fills the batch.
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) that the learner sees; may be a memory map.
    passes
        How many times the embedding is thinned and predicted again.
    drop
        Share of the columns that is set to 0 in each pass; the others are scaled up by 1 / (1 − drop).

    Returns
    -------
    (k,) distinct positions; the first stand for the largest clusters.

    Raises
    ------
    ContractError
        If an option is out of range.

    Notes
    -----
    Formula: shortlist {x : more than half of the passes change argmax_c p_c(x)}; while it holds fewer than 25 k, one
    changed pass less is enough; all candidates where fewer than k ever change. At most 20,000 of it, drawn at random,
    go into k clusters by k-means of their directions, and the one nearest each centre is picked; random ones
    replace empty clusters. Predictions are those of the linear head that fits log p best.

    Cost: O(n d (d + passes · C)) time for the head and the passes, k-means on the shortlist, O(n) memory beyond it.

    Use when the embedding comes from a frozen foundation model, the learner is linear on it and labels are few.
    Avoid when the learner is far from linear on this embedding: the passes then tell about another learner.

    References
    ----------
    S. R. Gupte, J. Aklilu, J. J. Nirschl and S. Yeung-Levy, "Revisiting active learning in the era of vision foundation
    models", TMLR 2024.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> embedding = rng.normal(size=(300, 8))
    >>> p = 1 / (1 + np.exp(-4 * embedding[:, 0] - embedding[:, 1]))
    >>> picks = drop_query(5, rng, np.stack([p, 1 - p], axis=1), embedding)
    >>> bool(np.abs(p[picks] - 0.5).mean() < np.abs(p - 0.5).mean())
    True
    """
    if passes < 1:
        raise ContractError(f"drop_query: passes is {passes!r}; expected at least 1")
    if not 0 < drop < 1:
        raise ContractError(f"drop_query: drop is {drop!r}; expected a share between 0 and 1")
    n, d = (int(size) for size in embedding.shape)
    ranks = tie_ranks(n, rng)
    head = linear_head(proba, embedding)
    votes = np.zeros(n, np.int64)
    for part in row_blocks(n, 8 * (3 * d + 3 * head.shape[1]), _BLOCK_BYTES):
        h, _, predicted = _read(embedding, part, head)
        for _ in range(passes):
            thinned = np.where(rng.random(h.shape) < drop, 0.0, h / (1 - drop))
            votes[part] += _changed(thinned @ head[:-1] + head[-1], predicted)
    shortlist = np.arange(n)
    for least in range(passes // 2 + 1, 0, -1):
        found = np.flatnonzero(votes >= least)
        if len(found) >= k:
            shortlist = found
        if len(found) >= 25 * k:
            break
    return from_numpy(fill(_spread(embedding, shortlist, k, ranks, rng), k, ranks), like=embedding)


def alfa_mix(
    k: int,
    rng: np.random.Generator,
    proba: Array,
    embedding: Array,
    labeled_embedding: Array,
    labels: Array,
) -> Array:
    """Pick `k` candidates, spread out, among those whose predicted class changes when a labelled class is mixed in.

    Parameters
    ----------
    k
        How many to pick, at most n.
    rng
        Draws the seeds of k-means, and fills the batch.
    proba
        (n, C) class probabilities of the present learner.
    embedding
        (n, d) that the learner's last layer sees; may be a memory map.
    labeled_embedding
        (m, d) of the labelled items; (0, d) without any: then all candidates are spread over.
    labels
        (m,) their class positions.

    Returns
    -------
    (k,) distinct positions; the first stand for the largest clusters.

    Notes
    -----
    Formula: h̃ = α ∘ a + (1 − α) ∘ h for each class mean a of the labelled items, with the authors' α = ε ‖a − h‖ · g /
    (‖g‖ (a − h)), g the gradient of the loss of the predicted class and ε = cap / √d. The divisor cancels: h̃ = h +
    ε ‖a − h‖ g / ‖g‖, so that the class changes for some mean if it does for the farthest, and the smallest cap that
    changes it has a closed form. The cap is raised by 1/32 until k candidates change, to 1 at most; they go into k
    clusters by k-means, and the one nearest each centre is picked. At most 20,000, drawn at random, are clustered.
    Predictions are those of the linear head that fits log p best.

    Cost: O(n d (d + C)) time, k-means on the shortlist, O(n + C d + d²) memory beyond it.

    Use when the learner is linear on a good embedding and labels are few.
    Avoid when a class mean says little about its class, as with classes of several clusters.

    References
    ----------
    A. Parvaneh, E. Abbasnejad, D. Teney, R. Haffari, A. van den Hengel and J. Q. Shi, "Active learning by feature
    mixing", CVPR 2022.

    Examples
    --------
    >>> embedding = np.array([[-3.0], [-0.1], [3.0], [2.5]])
    >>> p = 1 / (1 + np.exp(-embedding[:, 0]))
    >>> labeled, labels = np.array([[-2.0], [2.0]]), np.array([1, 0])
    >>> alfa_mix(1, np.random.default_rng(0), np.stack([p, 1 - p], axis=1), embedding, labeled, labels)
    array([1])
    """
    n = int(embedding.shape[0])
    ranks = tie_ranks(n, rng)
    answered, known = (
        host_rows(labeled_embedding, np.arange(int(labeled_embedding.shape[0]))),
        to_numpy(labels),
    )
    shortlist = np.arange(n)
    if len(known):
        means = np.stack([answered[known == c].mean(axis=0) for c in np.unique(known)])
        caps = _caps(embedding, means, linear_head(proba, embedding))
        for step in range(1, _CAPS + 1):
            found = np.flatnonzero(caps <= step / _CAPS)
            if len(found) >= k:
                shortlist = found
                break
    return from_numpy(
        fill(_spread(embedding, shortlist, k, ranks, rng, unit=False), k, ranks), like=embedding
    )


def _caps(embedding: Array, means: Floats, head: Floats) -> Floats:
    """(n,) the smallest cap at which each predicted class changes; infinite where none does."""
    n, d = (int(size) for size in embedding.shape)
    caps = np.full(n, np.inf)
    for part in row_blocks(n, 8 * (4 * d + (len(means) + 4) * head.shape[1]), _BLOCK_BYTES):
        h, logits, predicted = _read(embedding, part, head)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        away = raised / raised.sum(axis=1, keepdims=True)
        away[np.arange(len(h)), predicted] -= 1
        gradient = away @ head[:-1].T
        lengths = np.sqrt(squared_norms(gradient))
        speeds = gradient @ head[:-1]
        own = predicted[:, None]
        gaps = np.maximum(np.take_along_axis(logits, own, axis=1) - logits, 0)
        closing = speeds - np.take_along_axis(speeds, own, axis=1)
        farthest = np.sqrt(np.max([np.sum((h - mean) ** 2, axis=1) for mean in means], axis=0))
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(closing > 0, gaps / closing, np.inf).min(axis=1) * lengths
            needed = np.sqrt(d) * steps / farthest
        caps[part] = np.where((lengths > 0) & (farthest > 0), needed, np.inf)
    return caps


def linear_head(proba: Array, embedding: Array) -> Floats:
    """Weights (d + 1, C), the bias last, of the linear head whose logits come closest to log p.

    Weighted least squares of log p_c − mean log p on [h, 1], with the curvature max_c p_c (1 − p_c) as weight:
    probabilities near 0 and 1 have lost their digits. Of a head that is linear it is the head itself, but for a
    vector that all classes share.

    Examples
    --------
    >>> embedding = np.array([[0.0], [1.0], [2.0]])
    >>> p = 1 / (1 + np.exp(-3 * embedding[:, 0] + 2))
    >>> head = linear_head(np.stack([p, 1 - p], axis=1), embedding)
    >>> (head[:, 0] - head[:, 1]).round(3)
    array([ 3., -2.])
    """
    n, C = (int(size) for size in proba.shape)
    d = int(embedding.shape[1])
    gram, right = np.zeros((d + 1, d + 1)), np.zeros((d + 1, C))
    sizes = [
        float(np.abs(to_numpy(floating(embedding[part, :], double=True))).max())
        for part in row_blocks(n, 16 * d, _BLOCK_BYTES)
    ]
    scale = 1 / (max(sizes) or 1.0)
    for part in row_blocks(n, 24 * (d + C), _BLOCK_BYTES):
        h = to_numpy(floating(embedding[part, :], double=True)) * scale
        rows = np.concatenate([h, np.ones((len(h), 1))], axis=1)
        p = to_numpy(floating(proba[part, :], double=True))
        logs = np.log(np.maximum(p, _LEAST))
        logs -= logs.mean(axis=1, keepdims=True)
        weighted = rows * (np.maximum((p * (1 - p)).max(axis=1), 0) + 1e-6)[:, None]
        gram += weighted.T @ rows
        right += weighted.T @ logs
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-12 * values[-1]
    head = vectors[:, kept] @ ((vectors[:, kept].T @ right) / values[kept, None])
    if np.abs(right).max() <= 1e-9 * np.trace(gram):
        return np.zeros_like(head)  # equal probabilities everywhere: what is left is rounding
    head[:-1] *= scale
    return np.asarray(head)


def _read(embedding: Array, part: slice, head: Floats) -> tuple[Floats, Floats, Positions]:
    """Rows of the embedding in float64, their logits under the head, and the class that it predicts."""
    h = to_numpy(floating(embedding[part, :], double=True))
    logits = h @ head[:-1] + head[-1]
    return h, logits, logits.argmax(axis=1)


def _changed(logits: Floats, predicted: Positions) -> Positions:
    """1 where another class than the predicted one is on top by more than rounding, else 0."""
    own = np.take_along_axis(logits, predicted[:, None], axis=1)[:, 0]
    top = logits.max(axis=1)
    return np.asarray(top > own + 1e-6 * (1 + np.abs(top)), np.int64)


def _spread(
    embedding: Array,
    shortlist: Positions,
    k: int,
    ranks: Positions,
    rng: np.random.Generator,
    unit: bool = True,
) -> Positions:
    """At most `k` of the shortlist: the nearest to each of k centres."""
    size = max(_SHORTLIST, k)
    if len(shortlist) > size:
        shortlist = np.sort(rng.choice(shortlist, size=size, replace=False))
    points = host_rows(embedding, shortlist)
    points = points / (np.abs(points).max(initial=0.0) or 1.0)
    if unit:
        lengths = np.sqrt(squared_norms(points))[:, None]
        points = points / np.where(lengths > 0, lengths, 1.0)
    points = points - points.mean(axis=0)
    labels, closest = nearest_centre(points, fit(points, k, rng))
    distances = squared_norms(points) - 2 * closest
    slack = 1e-12 * (1 + np.abs(distances))
    return np.asarray(shortlist[most_central(labels, distances, slack, ranks[shortlist])[:k]])
