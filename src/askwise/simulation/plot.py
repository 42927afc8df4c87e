"""A simulation as a picture. matplotlib is imported here and nowhere else, without a window and without pyplot."""

from __future__ import annotations

from pathlib import Path

from ..errors import ContractError
from .result import BASELINE, Simulation

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#17becf", "#7f3c8d")
"""Told apart also by most people who see fewer colours."""
GREY = "#666666"


def draw(simulation: Simulation, path: Path) -> None:
    """Curves of the mean over seeds, bands of its 95 % interval; random choice dashed and grey."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=130, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    known = canvas.get_supported_filetypes()
    ending = path.suffix.lstrip(".").lower()
    if ending not in known:
        raise ContractError(f"cannot draw {path.name}: the name must end in one of .png, .svg, .pdf")
    axes = figure.add_subplot()
    order = sorted(simulation.strategies, key=lambda name: -float(simulation.aubc(name).mean()))
    colours = iter(COLOURS * (1 + len(order) // len(COLOURS)))
    for name in order:
        curve = simulation.curves[name]
        colour, style = (GREY, "--") if name == BASELINE else (next(colours), "-")
        label = f"{name} (mean {simulation.aubc(name).mean():.1%})"
        axes.plot(
            curve.labels, curve.mean, style, color=colour, label=label, linewidth=2, marker="o", markersize=3
        )
        if len(simulation.seeds) > 1:
            axes.fill_between(curve.labels, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
    seeds = len(simulation.seeds)
    said = simulation.settings
    axes.set_xlabel("labels")
    axes.set_ylabel("accuracy on held-out items")
    axes.set_title(
        f"{said.get('learner', 'learning curves')}, "
        + (f"mean of {seeds} paired seeds, 95 % intervals" if seeds > 1 else "one seed")
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    canvas.print_figure(path, format=ending)
