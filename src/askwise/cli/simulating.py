"""`askwise simulate`: a labelled pool is encoded once and replayed with several strategies."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from ..encoders import default_encoder, make_encoder
from ..errors import SourceError
from ..simulation import simulate
from ..sources import open_source
from .output import note, progress_bars, show


def split_strategies(text: str) -> list[str]:
    """Strategies apart, by the commas that are not inside brackets.

    >>> split_strategies("margin, mix(0.9 u_coverage, 0.1 random)")
    ['margin', 'mix(0.9 u_coverage, 0.1 random)']
    """
    parts = re.findall(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+", text)
    return [part.strip() for part in parts if part.strip()]


def run(
    source: Path,
    *,
    label: str,
    text: str | None,
    strategies: str,
    encoder: str | None,
    budget: int,
    batch: int,
    seeds: int,
    test: float,
    seed: int,
    json_file: Path | None,
    plot: Path | None,
) -> None:
    """Encode, replay, and say what came out."""
    origin = open_source(source, text=text, label=label)
    writer = (
        default_encoder(origin.kind, origin)
        if encoder is None
        else make_encoder(encoder, origin.kind, origin)
    )
    items = list(origin.items(lambda problem: note(f"left out: {problem}")))
    labeled = [item for item in items if item.label is not None]
    if not labeled:
        raise SourceError(
            f"{source}: column {label!r} holds no label; a simulation plays the answers from it"
        )
    if len(labeled) < len(items):
        note(f"{len(items) - len(labeled):,} items without a label are left out")
    with progress_bars() as progress:
        writer.fit(lambda: iter([labeled]), len(labeled), seed)
        blocks = []
        for start in range(0, len(labeled), 1000):
            blocks.append(writer.transform(labeled[start : start + 1000]))
            progress(f"encoding ({writer.spec})", min(start + 1000, len(labeled)), len(labeled))
        result = simulate(
            np.concatenate(blocks),
            np.array([item.label for item in labeled]),
            strategy=split_strategies(strategies),
            budget=budget,
            batch=batch,
            test=test,
            seed=seed,
            seeds=seeds,
            progress=lambda done, total: progress("simulating", done, total),
        )
    if plot is not None:
        result.plot(plot)
    if json_file is not None and str(json_file) == "-":
        sys.stdout.write(result.to_json() + "\n")
        return
    if json_file is not None:
        result.save(json_file)
    show(result.summary())
    for written in (json_file, plot):
        if written is not None:
            show(f"wrote {written}")
