"""The report: one HTML file to read, to print and to hand on; findings in words first, then the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyproj
from markupsafe import Markup

from maps.contents import Contents
from maps.report import figures
from maps.report.chapters import further_chapters, keys
from maps.report.regional import STATISTICS
from maps.report.tabular import Column, Table, write_table
from maps.web import assets

_TOP = 25  # rows of the ranked tables; the rest is one file away
_RANGE = (
    Column("range", "5–95 % of settings"),
    Column("extremes", "least–most"),
    Column("rank", "Rank", "count"),
    Column("ranks", "5–95 % of ranks"),
    Column("leading_share", "Among the leading tenth in (% of settings)", "share"),
    Column("steady", "Steady"),
)
_GROWTH = (
    Column("place", "Place"),
    Column("region", "Region"),
    Column("population", "People", "count"),
    Column("growth", "Times what side, home potential and distance give", "number"),
    *_RANGE,
    Column("leading_city", "Largest city in its potential"),
    Column("leading_city_share", "Share of that city (%)", "share"),
    Column("wait_share", "Potential that waiting takes (%)", "share"),
    Column("flag", "Beside chance and smooth surfaces"),
    Column("advice", "Named as"),
)
_BOTTLENECK = (
    Column("place", "Place"),
    Column("region", "Region"),
    Column("population", "People", "count"),
    Column("next_city", "Next city across"),
    Column("next_city_min", "Minutes to it", "minutes"),
    Column("home_roads_min", "Home roads, as far (min)", "minutes"),
    Column("excess_min", "Excess (min)", "minutes"),
    *_RANGE,
    Column("excess_wait_min", "of the excess, wait (min)", "minutes"),
    Column("excess_sd", "Excess (sd of home roads)", "number"),
    Column("checkpoint", "Nearest checkpoint"),
    Column("flag", "Beside chance and smooth surfaces"),
    Column("advice", "Named as"),
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


def write_report(path: Path, contents: Contents) -> None:
    """Write the report of a run as one self-contained, printable HTML file.

    Parameters
    ----------
    path
        The file to write.
    contents
        What to tell. Layers and tables that are not there leave their section empty, which it says.
    """
    contents = contents.readable
    frames, tables, sides = contents.layers, contents.tables, contents.sides
    further = further_chapters(contents)
    context = {
        "title": contents.title,
        "subtitle": contents.subtitle,
        "lang": contents.lang,
        "css": Markup(assets.text("report.css")),
        "findings": list(contents.findings),
        "warnings": list(contents.warnings),
        "facts": dict(contents.facts),
        "chapters": further,
        "contents": keys(further),
        "figures": {
            key: Markup(svg)
            for key, svg in _figures(
                frames, contents.crs, sides if sides != ("a", "b") else ("side a", "side b")
            ).items()
        },
        "tables": _tables(frames, tables, sides)
        | _given(tables.get("statistics", pd.DataFrame()), contents.assumptions, contents.sources),
    }
    page = assets.environment().get_template("report.html").render(context)
    assets.refuse_remote(page)
    path.write_text(page, encoding="utf-8", newline="\n")


def _figures(frames: Mapping[str, pd.DataFrame], crs: pyproj.CRS | None, sides: tuple[str, str]) -> dict[str, str]:
    """Draw what there are tables for."""
    drawn: dict[str, str] = {}
    if crs is not None and all(name in frames for name in ("cells", "border_line", "checkpoints", "regions")):
        spatial = [frames[name] for name in ("cells", "border_line", "checkpoints", "regions")]
        drawn["map"] = figures.flag_map("growth", *spatial, crs=crs)
        drawn["bottleneck_map"] = figures.flag_map("bottleneck", *spatial, crs=crs)
    if len(frames.get("segments", ())):
        drawn["profile"] = figures.border_profile(
            frames["segments"], checkpoints=frames.get("checkpoints"), sides=sides
        )
    if len(frames.get("checkpoints", ())):
        drawn["checkpoints"] = figures.checkpoint_bars(frames["checkpoints"])
    if len(frames.get("regions", ())):
        drawn["regions"] = figures.region_bars(frames["regions"], sides=sides)
    return drawn


def _tables(
    frames: Mapping[str, pd.DataFrame], lists: Mapping[str, pd.DataFrame], sides: tuple[str, str]
) -> dict[str, Table]:
    """Write the tables of results."""
    written: dict[str, Table] = {}
    regions = frames.get("regions")
    names = {} if regions is None else dict(zip(regions["region"], regions["name"], strict=True))
    for key, effect, columns, caption in (
        ("growth", "growth_{}", _GROWTH, "Places of growth, largest effect first"),
        ("bottlenecks", "excess_{}_min", _BOTTLENECK, "Bottlenecks, most people times excess minutes first"),
    ):
        if key in lists:
            written[key] = _ranked(lists[key], effect, names, columns, caption)
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


def _ranked(
    table: pd.DataFrame, effect: str, names: Mapping[str, str], columns: tuple[Column, ...], caption: str
) -> Table:
    """Write the first rows of a ranked list, its ranges as text."""
    rows = table.head(_TOP)
    low, high, least, most = (rows[effect.format(word)] for word in ("low", "high", "least", "most"))
    rows = rows.assign(
        region=[names.get(code, code) for code in rows["region"]],
        range=_between(low, high),
        extremes=_between(least, most),
        ranks=_between(rows["rank_low"], rows["rank_high"]),
    )
    notes = (f"The first {_TOP} of {len(table)}; all are in the tables.",) if len(table) > _TOP else ()
    return write_table(rows, columns, caption, notes)


def _between(low: pd.Series, high: pd.Series) -> list[str]:
    """Return two numbers as a range, in the digits that their size bears."""
    digits = [
        0 if max(abs(a), abs(b)) >= 10 or (a == round(a) and b == round(b)) else 1
        for a, b in zip(low, high, strict=True)
    ]
    return [f"{a:,.{d}f} to {b:,.{d}f}" for a, b, d in zip(low, high, digits, strict=True)]


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
