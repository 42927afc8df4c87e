"""The catalogue on the screen."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches

from rich.table import Table

from ..errors import ContractError
from ..strategy import describe
from .output import out, show, show_json


def show_catalogue(name: str | None, *, as_json: bool) -> None:
    """All rows as a table, or one in full."""
    rows = {row.name: row for row in describe()}
    if name is not None and name not in rows:
        near = get_close_matches(name, list(rows), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ContractError(f"no strategy is called {name!r}{hint} The catalogue: {', '.join(rows)}")
    if as_json:
        show_json({"strategies": [asdict(row) for row in rows.values() if name in (None, row.name)]})
        return
    if name is None:
        table = Table("name", "needs", "use when", "avoid when", box=None, padding=(0, 2, 1, 0))
        for row in rows.values():
            table.add_row(f"[b]{row.name}[/b]", ", ".join(row.needs), row.use_when, row.avoid_when)
        out.print(table)
        show("Compose: mix(0.9 u_coverage, 0.1 random)   then(margin, k_center, keep=10)")
        return
    row = rows[name]
    for title, text in (
        (row.name, row.summary),
        ("needs", ", ".join(row.needs)),
        ("use when", row.use_when),
        ("avoid when", row.avoid_when),
        ("source", row.source),
    ):
        show(f"{title:<11} {text}")
