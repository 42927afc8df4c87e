"""What a strategy picks of one two-dimensional pool, as a picture: the part of scripts/docs that draws."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import askwise as aw
from askwise.evidence import gather
from askwise.learner import fit_learner
from askwise.strategy import as_strategy

WITHOUT_PICTURE = frozenset({"view"})
"""Inputs that only a project can give."""

SEED, PICKS = 5, 10
LARGEST = 30_000
CENTRES = np.array([[-1.0, -0.6], [1.2, -0.7], [0.1, 1.1]])
SHADES = ("#dce9f5", "#f5e6dc", "#e0f0e3")
SIGNS = ("s", "^", "D")
ORANGE, GREY, PURPLE = "#e66100", "#9a9a9a", "#5d3a9b"


@lru_cache(maxsize=1)
def pool() -> tuple[Any, dict[str, Any], np.ndarray[Any, Any]]:
    """A fitted model, every input of the vocabulary about the candidates, and the labels of the labelled items."""
    rng = np.random.default_rng(SEED)
    classes = rng.choice(3, size=230, p=[0.45, 0.4, 0.15])
    common = CENTRES[classes] + rng.normal(size=(230, 2)) * 0.42
    copies = np.array([-1.9, -1.5]) + rng.normal(size=(45, 2)) * 0.03
    foreign = np.array([2.5, 1.9]) + rng.normal(size=(12, 2)) * 0.15
    embedding = np.concatenate([common, copies, foreign])
    labels = np.array([0] * 6 + [1] * 5 + [2] * 3)
    labeled = CENTRES[labels] + rng.normal(size=(14, 2)) * 0.42
    labels = np.append(labels, [2, 2])  # where the learner is wrong
    labeled = np.concatenate([labeled, [[1.45, -1.3], [1.6, -1.15]]])
    target = CENTRES[1] + rng.normal(size=(8, 2)) * 0.2
    model = fit_learner(aw.LinearHead(strength=0.02, draws=60), labeled, labels, C=3)
    given = gather(
        ("proba", "labeled_proba", "samples", "target_samples", "decision", "embedding",
         "labeled_embedding", "target_embedding", "labels"),
        model, embedding, labeled, labels, target=target,
    )  # fmt: skip
    return model, given | _regression(embedding, labeled), labels


def _regression(embedding: Any, labeled: Any) -> dict[str, Any]:
    """A Gaussian process on a smooth function, a loss head that knows the spread, and costs that grow to the right."""

    def kernel(x: Any, y: Any) -> Any:
        return np.exp(-np.sum((x[:, None] - y[None]) ** 2, axis=2))

    inverse = np.linalg.inv(kernel(labeled, labeled) + 0.05 * np.eye(len(labeled)))
    between = kernel(embedding, labeled)
    spread = np.sqrt(np.maximum(1.05 - np.einsum("ij,jk,ik->i", between, inverse, between), 0))
    mean = between @ inverse @ np.sin(2 * labeled[:, 0])
    cost = 1 + 0.3 * (embedding[:, 0] - embedding[:, 0].min())
    return {"mean": mean, "std": spread, "predicted_loss": spread * (1 + np.abs(mean)), "cost": cost}


def picks_of(name: str) -> np.ndarray[Any, Any]:
    """Positions of the ten picks, in order."""
    _, given, _ = pool()
    return np.asarray(aw.select(name, PICKS, seed=0, n=len(given["embedding"]), **given))


def draw(name: str, path: Path) -> None:
    """Write the picture of one strategy, at most 30 kB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    model, given, labels = pool()
    embedding, labeled = given["embedding"], given["labeled_embedding"]
    figure = Figure(figsize=(4.8, 3.9), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    low, high = embedding.min(axis=0) - 0.3, embedding.max(axis=0) + 0.3
    x, y = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 100))
    proba = model.proba(np.column_stack([x.ravel(), y.ravel()]))
    for c, shade in enumerate(SHADES):
        sure = np.where(proba.argmax(axis=1) == c, proba[:, c], 0).reshape(x.shape)
        axes.contourf(x, y, sure, levels=[0.01, 0.6, 0.9, 1.01], colors=[f"{shade}66", f"{shade}b0", shade])
    axes.scatter(*embedding.T, s=9, color=GREY, linewidths=0)
    for c, sign in enumerate(SIGNS):
        axes.scatter(*labeled[labels == c].T, s=26, marker=sign, color="black", linewidths=0)
    if {"target_embedding", "target_samples"} & set(as_strategy(name).needs):
        axes.scatter(*given["target_embedding"].T, s=45, marker="+", color=PURPLE, linewidths=1.6)
    picks = picks_of(name)
    axes.scatter(*embedding[picks].T, s=75, facecolors=ORANGE, edgecolors="white", linewidths=0.7)
    for number, pick in enumerate(picks, start=1):
        axes.annotate(
            str(number), embedding[pick], ha="center", va="center", fontsize=6.5, color="white", weight="bold"
        )
    axes.set(xticks=[], yticks=[], xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    canvas.draw()
    image = Image.frombuffer(
        "RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()), "raw", "RGBA", 0, 1
    )
    image.convert("RGB").quantize(64, kmeans=1).save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise RuntimeError(
            f"{path.name} takes {path.stat().st_size} bytes; at most {LARGEST}: use fewer colours"
        )
