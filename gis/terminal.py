"""A scenario's answer as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from layers.secrets import masked

CHANGED_PCT = 0.05
"""Below this a change would be printed as zero."""


def print_scenario(out: Path, result: dict[str, Any]) -> None:
    """Print totals, regions, checkpoints and cells that change most, from the CSVs of a scenario."""
    console = Console(soft_wrap=False)
    console.print("; ".join(result["edits"]) or "nothing is changed", highlight=False)
    totals = pd.DataFrame(result["totals"])
    rows = [
        (str(m), str(u), _number(b), _number(a), _signed(a - b, b))
        for m, u, b, a in zip(
            totals["measure"],
            totals["unit"],
            totals["before"].astype(float),
            totals["after"].astype(float),
            strict=True,
        )
    ]
    _print(console, "In total", ("measure", "unit", "before", "after", "change"), rows)
    _print(
        console,
        "What it changes, with 5–95 % of the draws",
        ("figure", "unit", "change", "5 %", "95 %"),
        _effects(result["effects"]),
    )
    tables = {n: pd.read_csv(out / "tables" / f"{n}.csv") for n in ("regions", "checkpoints")}
    sides = out / "tables" / "gains_sides.csv"
    if sides.exists():
        _print(
            console,
            "Who gains and who loses",
            ("side", "people gaining", "losing", "gains most", "loses most"),
            _sides(pd.read_csv(sides)),
        )
    _print(
        console,
        "Regions",
        ("region", "min before", "after", "potential change", "loss before", "after"),
        _regions(tables["regions"]),
    )
    _print(
        console,
        "Checkpoints whose share of demand changes most",
        ("checkpoint", "before", "after", "change"),
        _shares(tables["checkpoints"]),
    )


def print_check(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print what a check found, a line each: layer, what it is about, what it is."""
    table = Table(title="Layers of the study", title_justify="left")
    table.add_column("layer", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what")
    for layer, about, what in rows:
        table.add_row(layer, about, masked(what))
    Console(soft_wrap=False).print(table, markup=False, highlight=False)


def _regions(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the regions where something changes."""
    before = table["potential_cross_actual_before"]
    moved = 100 * table["potential_cross_actual_change"] / before.where(before > 0)
    from_nothing = (before == 0) & (table["potential_cross_actual_change"] > 0)
    touched = (moved.abs() > CHANGED_PCT) | from_nothing | (table["time_to_checkpoint_min_change"].abs() > CHANGED_PCT)
    columns = (
        "name",
        "time_to_checkpoint_min_before",
        "time_to_checkpoint_min_after",
        "border_loss_before",
        "border_loss_after",
    )
    rows = zip(*(table.loc[touched, c] for c in columns), moved[touched], strict=True)
    return [
        (str(name), _number(t0), _number(t1), "–" if pd.isna(p) else f"{p:+.1f} %", _share(l0), _share(l1))
        for name, t0, t1, l0, l1, p in rows
    ]


def _shares(table: pd.DataFrame, top: int = 8) -> list[tuple[str, ...]]:
    change = table["share_after"].fillna(0.0) - table["share_before"].fillna(0.0)
    order = change.abs().sort_values(ascending=False, kind="stable").index[:top]
    return [
        (
            str(table["name"][i]),
            _share(table["share_before"][i]),
            _share(table["share_after"][i]),
            f"{100 * change[i]:+.1f} points",
        )
        for i in order
        if abs(100 * change[i]) > CHANGED_PCT
    ]


def _effects(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the figures that change."""
    return [
        (str(r["measure"]), str(r["unit"]), *(_plus(r[c]) for c in ("change", "low", "high")))
        for r in rows
        if any(abs(r[c] or 0.0) > 1e-9 for c in ("change", "low", "high"))
    ]


def _sides(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return who gains and who loses on each side."""
    rows = zip(
        table["side"],
        table["people_gaining"],
        table["people_losing"],
        table["gains_most"],
        table["loses_most"],
        strict=True,
    )
    return [
        (str(s), _number(g), _number(x), *("–" if pd.isna(p) else str(p) for p in (a, b))) for s, g, x, a, b in rows
    ]


def _plus(value: float | None) -> str:
    """Return a change with its sign."""
    return "–" if value is None or pd.isna(value) else _signed(value, 1.0)


def _print(console: Console, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print one table, or that nothing changes."""
    if not rows:
        console.print(f"{title}: no change")
        return
    table = Table(title=title, title_justify="left")
    for i, name in enumerate(columns):
        text = i == 0 or name in ("unit", "region", "potential")
        table.add_column(name, justify="left" if text else "right", no_wrap=i != 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _number(value: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _signed(value: float, of: float) -> str:
    if pd.isna(value):
        return "–"
    return "0" if abs(value) <= 1e-6 * abs(of) else f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"


def _share(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.1f} %"
