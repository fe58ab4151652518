"""The report: one HTML file to read, to print and to hand on; findings in words first, then the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyproj
from markupsafe import Markup

from maps.report import figures
from maps.report.chapters import keys
from maps.report.regional import STATISTICS
from maps.report.tabular import Chapter, Column, Table, write_table
from maps.styles.layers import DELAY, DETOUR, GROWTH
from maps.web import assets

_TOP = 25  # rows of the ranked tables; the rest is one file away
_SHORT = {DETOUR: "detour", DELAY: "delay"}


_GROWTH = (
    Column("rank", "Rank", "count"),
    Column("near", "Near"),
    Column("cell", "H3 cell", code=True),
    Column("region", "Region"),
    Column("population", "People", "count"),
    Column("cross_ratio", "Cross-border / domestic potential", "number"),
    Column("potential_cross_actual", "Potential across the border, actual (person-equivalents)"),
    Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    Column("nearest_checkpoint", "Nearest checkpoint"),
    Column("ratio_q", "Adjusted p", "p"),
)
_BOTTLENECK = (
    Column("rank", "Rank", "count"),
    Column("near", "Near"),
    Column("cell", "H3 cell", code=True),
    Column("region", "Region"),
    Column("type", "Lost by"),
    Column("lost_potential", "Lost potential (person-equivalents)"),
    Column("border_loss", "Border loss (%)"),
    Column("loss_detour", "by detour (%)"),
    Column("loss_delay", "by delay (%)"),
    Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    Column("nearest_checkpoint", "Nearest checkpoint"),
    Column("loss_q", "Adjusted p", "p"),
)
_CHECKPOINT = (
    Column("name", "Checkpoint"),
    Column("kind", "Kind"),
    Column("hours", "Hours"),
    Column("regions", "Regions", code=True),
    Column("wait", "Wait, median (min)", "minutes"),
    Column("share", "Share of demand (%)"),
    Column("criticality_min", "Extra time per trip when closed (min)"),
    Column("unserved_share", "Trips of its mode cut off when closed (%)"),
    Column("fallback", "Fallback that takes over most"),
    Column("fallback_share", "Share it takes over (%)", "share"),
)
_REGION = (
    Column("name", "Region"),
    Column("region", "Code", code=True),
    Column("side", "Side"),
    Column("population", "People", "count"),
    Column("border_km", "Border (km)"),
    Column("road_density_km_per_1000km2", "Roads (km per 1,000 km²)", "number"),
    Column("rail_density_km_per_1000km2", "Railways (km per 1,000 km²)", "number"),
    Column("checkpoints_per_100km", "Open checkpoints per 100 km", "number"),
    Column("time_to_checkpoint_min", "To the nearest checkpoint (min)"),
    Column("time_to_checkpoint_known_share", "known for (% of people)"),
    Column("border_loss", "Border loss (%)"),
    Column("loss_detour", "by detour (%)"),
    Column("loss_delay", "by delay (%)"),
)
_ASSUMPTIONS = (
    Column("what", "What"),
    Column("value", "Value", "exact"),
    Column("unit", "Unit"),
    Column("source", "Source"),
)
_SOURCES = (
    Column("layer", "Layer"),
    Column("source", "Source"),
    Column("version", "Version"),
    Column("date", "Date"),
    Column("licence", "Licence"),
    Column("rights", "Attribution"),
    Column("rows", "Rows", "count"),
    Column("note", "Note"),
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
    chapters: Sequence[Chapter] = (),
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
    chapters
        Further sections, after the regions.
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
        "chapters": chapters,
        "contents": keys(chapters),
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


def _tables(frames: Mapping[str, pd.DataFrame], sides: tuple[str, str]) -> dict[str, Table]:
    """Write the tables of results."""
    written: dict[str, Table] = {}
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
        written["regions"] = write_table(named, _REGION, "Regions on the border")
    return written


def _given(statistics: pd.DataFrame, assumptions: pd.DataFrame, sources: pd.DataFrame) -> dict[str, Table]:
    """Write the tables that are shown as they come."""
    return {
        "statistics": write_table(statistics, STATISTICS, "Spatial statistics"),
        "assumptions": write_table(assumptions, _ASSUMPTIONS, "Assumptions"),
        "sources": write_table(sources, _SOURCES, "Sources and licences"),
    }


def _ranked(cells: pd.DataFrame, labels: tuple[str, ...], by: str, columns: tuple[Column, ...], caption: str) -> Table:
    """Write the cells of some labels, ranked by one number."""
    rows = cells[cells["label"].isin(labels)].sort_values([by, "cell"], ascending=[False, True], kind="stable")
    rows = rows.assign(rank=range(1, len(rows) + 1), type=rows["label"].map(_SHORT))
    notes = (f"The first {_TOP} of {len(rows)}; all are in the table of cells.",) if len(rows) > _TOP else ()
    return write_table(rows.head(_TOP), columns, caption, notes)


def _checkpoint_table(checkpoints: pd.DataFrame) -> Table:
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
    return write_table(rows, _CHECKPOINT, "Checkpoints, largest share of demand first", notes)
