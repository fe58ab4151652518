"""The report: one HTML file to read, to print and to hand on; findings in words first, then the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyproj
from markupsafe import Markup

from maps import assets, figures
from maps.styles import DELAY, DETOUR, GROWTH

_TOP = 25  # rows of the ranked tables; the rest is one file away
_SHORT = {DETOUR: "detour", DELAY: "delay"}


@dataclass(frozen=True)
class _Column:
    """A column of a table: its name, its head with the unit, how it is written, whether it holds unbreakable codes."""

    name: str
    head: str
    kind: assets.Kind | None = None
    code: bool = False


@dataclass(frozen=True)
class _Cell:
    """One written value and its class in the style sheet."""

    text: str
    css: str


@dataclass(frozen=True)
class _Table:
    """A table ready for the page."""

    caption: str
    heads: tuple[_Cell, ...]
    rows: tuple[tuple[_Cell, ...], ...]
    notes: tuple[str, ...]


_GROWTH = (
    _Column("rank", "Rank", "count"),
    _Column("near", "Near"),
    _Column("cell", "H3 cell", code=True),
    _Column("region", "Region"),
    _Column("population", "People", "count"),
    _Column("cross_ratio", "Cross-border / domestic potential", "number"),
    _Column("potential_cross_actual", "Potential across the border, actual (person-equivalents)"),
    _Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    _Column("nearest_checkpoint", "Nearest checkpoint"),
    _Column("ratio_q", "Adjusted p", "p"),
)
_BOTTLENECK = (
    _Column("rank", "Rank", "count"),
    _Column("near", "Near"),
    _Column("cell", "H3 cell", code=True),
    _Column("region", "Region"),
    _Column("type", "Lost by"),
    _Column("lost_potential", "Lost potential (person-equivalents)"),
    _Column("border_loss", "Border loss (%)"),
    _Column("loss_detour", "by detour (%)"),
    _Column("loss_delay", "by delay (%)"),
    _Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    _Column("nearest_checkpoint", "Nearest checkpoint"),
    _Column("loss_q", "Adjusted p", "p"),
)
_CHECKPOINT = (
    _Column("name", "Checkpoint"),
    _Column("kind", "Kind"),
    _Column("hours", "Hours"),
    _Column("regions", "Regions", code=True),
    _Column("wait", "Wait, median (min)", "minutes"),
    _Column("share", "Share of demand (%)"),
    _Column("criticality_min", "Extra time per trip when closed (min)"),
    _Column("unserved_share", "Demand cut off when closed (%)"),
    _Column("fallback", "Fallback that takes over most"),
    _Column("fallback_share", "Share it takes over (%)", "share"),
)
_REGION = (
    _Column("name", "Region"),
    _Column("region", "Code", code=True),
    _Column("side", "Side"),
    _Column("population", "People", "count"),
    _Column("border_km", "Border (km)"),
    _Column("road_density_km_per_1000km2", "Roads (km per 1,000 km²)", "number"),
    _Column("rail_density_km_per_1000km2", "Railways (km per 1,000 km²)", "number"),
    _Column("checkpoints_per_100km", "Open checkpoints per 100 km", "number"),
    _Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    _Column("border_loss", "Border loss (%)"),
    _Column("loss_detour", "by detour (%)"),
    _Column("loss_delay", "by delay (%)"),
)
_STATISTICS = (
    _Column("variable", "Variable"),
    _Column("statistic", "Statistic"),
    _Column("value", "Value", "number"),
    _Column("expected", "Expected", "number"),
    _Column("z", "z", "number"),
    _Column("p_two_sided", "p, two-sided", "p"),
    _Column("n", "n", "count"),
    _Column("permutations", "Permutations", "count"),
    _Column("note", "Note"),
)
_ASSUMPTIONS = (
    _Column("what", "What"),
    _Column("value", "Value", "exact"),
    _Column("unit", "Unit"),
    _Column("source", "Source"),
)
_SOURCES = (
    _Column("layer", "Layer"),
    _Column("source", "Source"),
    _Column("version", "Version"),
    _Column("date", "Date"),
    _Column("licence", "Licence"),
    _Column("rights", "Attribution"),
    _Column("rows", "Rows", "count"),
    _Column("note", "Note"),
)


def write_report(
    path: Path,
    *,
    title: str,
    subtitle: str,
    findings: Sequence[str],
    frames: Mapping[str, pd.DataFrame],
    statistics: pd.DataFrame,
    assumptions: pd.DataFrame,
    sources: pd.DataFrame,
    warnings: Sequence[str],
    facts: Mapping[str, str],
    crs: pyproj.CRS,
    sides: tuple[str, str] = ("a", "b"),
    lang: str = "en",
) -> None:
    """Write the report of a run as one self-contained, printable HTML file.

    Parameters
    ----------
    path
        The file to write.
    title, subtitle
        Heading of the report.
    findings
        Sentences that say what was found, most important first.
    frames
        Result tables by name: ``cells``, ``segments``, ``checkpoints``, ``regions``, ``border_line``. A section whose
        table is not there says so.
    statistics, assumptions, sources
        One row per test, per value that nobody measured, per layer with its licence.
    warnings
        What a reader must know before using the numbers.
    facts
        Facts of the run, such as versions and seed.
    crs
        Projected CRS of the overview map.
    sides
        Names of the two sides.
    lang
        Language code of the page.
    """
    named = sides != ("a", "b")
    context = {
        "title": title,
        "subtitle": subtitle,
        "lang": lang,
        "css": Markup(assets.text("report.css")),
        "findings": list(findings),
        "warnings": list(warnings),
        "facts": dict(facts),
        "figures": {
            key: Markup(svg) for key, svg in _figures(frames, crs, sides if named else ("side a", "side b")).items()
        },
        "tables": _tables(frames, sides) | _given(statistics, assumptions, sources),
    }
    page = assets.environment().get_template("report.html").render(context)
    assets.refuse_remote(page)
    path.write_text(page, encoding="utf-8", newline="\n")


def _figures(frames: Mapping[str, pd.DataFrame], crs: pyproj.CRS, sides: tuple[str, str]) -> dict[str, str]:
    """Draw what there are tables for."""
    drawn: dict[str, str] = {}
    if all(name in frames for name in ("cells", "border_line", "checkpoints", "regions")):
        spatial = (frames[name] for name in ("cells", "border_line", "checkpoints", "regions"))
        drawn["map"] = figures.label_map(*spatial, crs=crs)
    if len(frames.get("segments", ())):
        drawn["profile"] = figures.border_profile(
            frames["segments"], checkpoints=frames.get("checkpoints"), sides=sides
        )
    if len(frames.get("checkpoints", ())):
        drawn["checkpoints"] = figures.checkpoint_bars(frames["checkpoints"])
    if len(frames.get("regions", ())):
        drawn["regions"] = figures.region_bars(frames["regions"], sides=sides)
    return drawn


def _tables(frames: Mapping[str, pd.DataFrame], sides: tuple[str, str]) -> dict[str, _Table]:
    """Write the tables of results."""
    written: dict[str, _Table] = {}
    regions = frames.get("regions")
    names = {} if regions is None else dict(zip(regions["region"], regions["name"], strict=True))
    if "cells" in frames:
        cells = pd.DataFrame(frames["cells"]).assign(
            region=lambda t: t["region"].map(lambda code: names.get(code, code))
        )
        written["growth"] = _ranked(cells, (GROWTH,), "cross_ratio", _GROWTH, "Growth points, largest ratio first")
        lost = "Bottlenecks, largest lost potential first"
        written["bottlenecks"] = _ranked(cells, (DETOUR, DELAY), "lost_potential", _BOTTLENECK, lost)
    if "checkpoints" in frames:
        written["checkpoints"] = _checkpoint_table(pd.DataFrame(frames["checkpoints"]))
    if regions is not None:
        ordered = pd.DataFrame(regions).sort_values(["side", "name"], kind="stable")
        named = ordered.assign(side=ordered["side"].map(dict(zip("ab", sides, strict=True))).fillna(ordered["side"]))
        written["regions"] = _table(named, _REGION, "Regions on the border")
    return written


def _given(statistics: pd.DataFrame, assumptions: pd.DataFrame, sources: pd.DataFrame) -> dict[str, _Table]:
    """Write the tables that are shown as they come."""
    return {
        "statistics": _table(statistics, _STATISTICS, "Spatial statistics"),
        "assumptions": _table(assumptions, _ASSUMPTIONS, "Assumptions"),
        "sources": _table(sources, _SOURCES, "Sources and licences"),
    }


def _ranked(
    cells: pd.DataFrame, labels: tuple[str, ...], by: str, columns: tuple[_Column, ...], caption: str
) -> _Table:
    """Write the cells of some labels, ranked by one number."""
    rows = cells[cells["label"].isin(labels)].sort_values([by, "cell"], ascending=[False, True], kind="stable")
    rows = rows.assign(rank=range(1, len(rows) + 1), type=rows["label"].map(_SHORT))
    notes = (f"The first {_TOP} of {len(rows)}; all are in the table of cells.",) if len(rows) > _TOP else ()
    return _table(rows.head(_TOP), columns, caption, notes)


def _checkpoint_table(checkpoints: pd.DataFrame) -> _Table:
    """Write the checkpoints, largest share of demand first; an assumed wait bears a mark."""
    rows = checkpoints.sort_values(["share", "name"], ascending=[False, True], kind="stable")
    assumed = rows["wait_assumed"].eq(True).fillna(False).astype(bool) & rows["wait_min"].notna()
    waits = rows["wait_min"].map(lambda wait: assets.format_value(wait, "minutes", missing=""))
    kinds = rows[["mode", "status"]].map(lambda word: assets.format_value(word))
    pairs = rows[["region_a", "region_b"]].map(lambda code: assets.format_value(code))
    rows = rows.assign(
        kind=kinds["mode"] + ", " + kinds["status"],
        regions=pairs["region_a"] + " / " + pairs["region_b"],
        wait=waits.where(~assumed, waits + " *"),
    )
    notes = ("* The wait is an assumption, nobody measured it.",) if assumed.any() else ()
    return _table(rows, _CHECKPOINT, "Checkpoints, largest share of demand first", notes)


def _table(frame: pd.DataFrame, columns: tuple[_Column, ...], caption: str, notes: tuple[str, ...] = ()) -> _Table:
    """Write the columns of a frame that there are."""
    heads: list[_Cell] = []
    written: list[list[_Cell]] = []
    gaps = False
    for column in (c for c in columns if c.name in frame.columns):
        values = frame[column.name]
        kind = column.kind or assets.value_kind(column.name, column.head, values)
        numeric = kind not in ("text", "bool")
        unit_in_head = column.head.endswith("(%)")
        texts = [assets.format_value(value, kind) for value in values.tolist()]
        gaps |= numeric and any(assets.is_missing(value) for value in values.tolist())
        css = "num" if numeric else "code" if column.code else ""
        heads.append(_Cell(column.head, css))
        written.append([_Cell(text.removesuffix(" %") if unit_in_head else text, css) for text in texts])
    rows = tuple(zip(*written, strict=True)) if written else ()
    return _Table(caption, tuple(heads), rows, (*notes, "– no value or out of reach.") if gaps else notes)
