"""A simulation as text: a table, and a small curve for each strategy."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation import Estimate, mean_interval
from .result import BASELINE, SHARES, Simulation

BARS = "▁▂▃▄▅▆▇█"


def summary(simulation: Simulation) -> str:
    """The strategies from best to worst by area under the budget curve."""
    order = sorted(simulation.strategies, key=lambda name: -float(simulation.aubc(name).mean()))
    versus_random = BASELINE in order and len(order) > 1
    last = simulation.labels[-1]
    header = ["strategy", "mean over the curve", f"at {last} labels"]
    goal = simulation.curves[BASELINE].mean[-1] if versus_random else 0.0
    if versus_random:
        header += ["over random", f"labels to random's {goal:.1%}"]
    rows = [header]
    for name in order:
        final = mean_interval(simulation.scores(name)[:, -1], within=SHARES)
        area = mean_interval(simulation.aubc(name), within=SHARES)
        row = [name, _percent(area), _percent(final)]
        if versus_random:
            difference = "" if name == BASELINE else _points(simulation.difference(name))
            reached = simulation.labels_to_reach(name, goal)
            row += [difference, "not reached" if reached is None else str(reached)]
        rows.append(row)
    return "\n".join([_title(simulation), "", *_table(rows), "", *_curves(simulation, order)])


def _title(simulation: Simulation) -> str:
    said = simulation.settings
    seeds = len(simulation.seeds)
    parts = [
        f"accuracy on {said['test']:,} held-out items" if "test" in said else "accuracy on held-out items",
        f"{said['learner']}, {said['pool']:,} in the pool, batches of {said['batch']}"
        if "learner" in said
        else "",
        f"{seeds} paired seeds, 95 % intervals" if seeds > 1 else "one seed, so no intervals",
    ]
    return "; ".join(part for part in parts if part)


def _percent(estimate: Estimate) -> str:
    if estimate.n == 1:
        return f"{estimate.value:.1%}"
    return f"{estimate.value:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]"


def _points(estimate: Estimate) -> str:
    if estimate.n == 1:
        return f"{100 * estimate.value:+.1f}"
    return f"{100 * estimate.value:+.1f} [{100 * estimate.low:+.1f}, {100 * estimate.high:+.1f}]"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _curves(simulation: Simulation, order: Sequence[str]) -> list[str]:
    """One line of bars a strategy, all on one scale."""
    means = {name: simulation.curves[name].mean for name in order}
    low = min(min(mean) for mean in means.values())
    high = max(max(mean) for mean in means.values())
    width = max(len(name) for name in order)
    step = (high - low) / (len(BARS) - 1) or 1.0
    lines = [f"curves from {simulation.labels[0]} to {simulation.labels[-1]} labels, {low:.1%} to {high:.1%}"]
    for name in order:
        bars = "".join(BARS[round((value - low) / step)] for value in means[name])
        lines.append(f"{name.ljust(width)}  {bars}  {means[name][0]:.1%} → {means[name][-1]:.1%}")
    return lines
