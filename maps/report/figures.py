"""Figures of the report as inline SVG: text stays text, colours are those of the maps, same input same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from maps.report.drawing import (
    BORDER,
    CHECKPOINT_COLOR,
    FAINT,
    INK,
    SIDE_COLORS,
    draw_areas,
    figure,
    paint,
    scale_bar,
    shorten,
    to_svg,
    view,
)
from maps.styles.layers import BOTTLENECK_CLASSES, CHECKPOINT_CLASSES, GROWTH_CLASSES, LOSS_COLORS, NO_DATA
from maps.web import assets


def border_profile(
    segments: pd.DataFrame,
    *,
    checkpoints: gpd.GeoDataFrame | None = None,
    sides: tuple[str, str] = ("side a", "side b"),
) -> str:
    """Draw the minutes to the nearest open checkpoint along the border, by side.

    Parameters
    ----------
    segments
        Pieces of the border line with ``km_from``, ``km_to``, minutes by side and the two facing regions.
    checkpoints
        Drawn as ticks below the axis where both tables have geometries.
    sides
        Names of the two sides for the legend.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    rows = segments.sort_values("km_from", kind="stable")
    with figure(9.2, 4.2) as fig:
        ax = fig.subplots()
        edges = np.append(rows["km_from"].to_numpy(float), rows["km_to"].to_numpy(float)[-1:])
        columns = ("time_to_checkpoint_a_min", "time_to_checkpoint_b_min")
        for column, color, name in zip(columns, SIDE_COLORS, sides, strict=True):
            ax.stairs(rows[column].to_numpy(float), edges, color=color, linewidth=1.5, label=name, baseline=None)
        top = np.nanmax(rows[list(columns)].to_numpy(float), initial=1.0)
        ax.set(xlim=(edges.min(initial=0), max(edges.max(initial=1), 1)), ylim=(0, top * 1.08))
        ax.set(xlabel="km along the border line", ylabel="minutes to the nearest\nopen checkpoint")
        ax.grid(axis="y", color="#e4e8ec", linewidth=0.8)
        ax.set_axisbelow(True)
        _region_pairs(ax, rows)
        places = _border_km(rows, checkpoints)
        if len(places):
            ax.plot(
                places,
                np.zeros(len(places)),
                marker="|",
                markersize=13,
                linestyle="",
                color=INK,
                clip_on=False,
                label="checkpoint",
            )
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=3, borderaxespad=0)
        gaps = int(rows[list(columns)].isna().any(axis=1).sum())
        pairs = f"{len(_runs(rows))} stretches between the same two regions."
        words = f"{len(rows)} segments, {_worst(rows, columns)} {pairs} {gaps} segments lack a value on a side."
        return to_svg(fig, "border-profile", "Minutes to the nearest open checkpoint along the border", words)


def _worst(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """Return the longest time in words."""
    slower = rows[list(columns)].max(axis=1)
    if slower.isna().all():
        return "no segment reaches a checkpoint."
    at = int(np.nanargmax(slower.to_numpy(float)))
    low, high = rows["km_from"].iloc[at], rows["km_to"].iloc[at]
    return f"the longest time is {slower.max():,.0f} minutes at km {low:,.0f} to {high:,.0f}."


def _runs(rows: pd.DataFrame) -> list[tuple[float, float, str, str]]:
    """Return the stretches with the same two regions: from, to, region a, region b."""
    a, b = (rows[c].astype(object).where(rows[c].notna(), "–").to_numpy(object) for c in ("region_a", "region_b"))
    low, high = rows["km_from"].to_numpy(float), rows["km_to"].to_numpy(float)
    starts = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))[: len(rows)])
    ends = np.append(starts[1:], len(rows)) - 1
    return [(float(low[i]), float(high[j]), str(a[i]), str(b[i])) for i, j in zip(starts, ends, strict=False)]


def _region_pairs(ax: Any, rows: pd.DataFrame) -> None:
    """Mark the facing regions above the axes; stretches too short for a name keep their band only."""
    runs = _runs(rows)
    total = sum(high - low for low, high, *_ in runs) or 1.0
    for number, (low, high, a, b) in enumerate(runs):
        if number % 2:
            ax.axvspan(low, high, color="#f1f3f5", linewidth=0, zorder=0)
        if (high - low) / total >= 0.017:
            ax.text(
                (low + high) / 2,
                1.01,
                f"{a} / {b}",
                transform=ax.get_xaxis_transform(),
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=7,
            )


def _border_km(rows: pd.DataFrame, checkpoints: gpd.GeoDataFrame | None) -> np.ndarray:
    """Return where along the line the checkpoints stand, from the nearest segment."""
    if checkpoints is None or not isinstance(rows, gpd.GeoDataFrame) or not len(rows) or not len(checkpoints):
        return np.empty(0)
    points = checkpoints.geometry.to_crs(rows.crs) if rows.crs != checkpoints.crs else checkpoints.geometry
    points = points[~(points.isna() | points.is_empty)]
    nearest = shapely.STRtree(rows.geometry.to_numpy()).nearest(points.to_numpy())
    hit = rows.iloc[nearest]
    along = shapely.line_locate_point(_single_lines(hit.geometry.to_numpy()), points.to_numpy(), normalized=True)
    low, high = hit["km_from"].to_numpy(float), hit["km_to"].to_numpy(float)
    return np.sort(low + np.nan_to_num(along, nan=0.5) * (high - low))


def _single_lines(lines: np.ndarray) -> np.ndarray:
    """Return single lines; the few pieces in several parts are taken by their longest part."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    order = np.lexsort((-shapely.length(parts), owner))
    return np.asarray(parts[order][np.unique(owner[order], return_index=True)[1]])


def checkpoint_bars(checkpoints: pd.DataFrame, *, top: int = 15) -> str:
    """Draw the checkpoints that carry most: share of demand, and what their closure would cost.

    Parameters
    ----------
    checkpoints
        Table with ``name``, ``class``, ``share`` and ``criticality_min``.
    top
        How many checkpoints to draw.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    rows = (
        checkpoints[checkpoints["share"].notna()]
        .sort_values(["share", "name"], ascending=[False, True], kind="stable")
        .head(top)
    )
    with figure(9.2, 1.1 + 0.26 * max(len(rows), 1)) as fig:
        left, right = fig.subplots(1, 2, sharey=True)
        y = np.arange(len(rows))
        colors = [CHECKPOINT_COLOR.get(c, FAINT) for c in rows["class"]]
        for ax, column, factor, label in (
            (left, "share", 100.0, "share of modelled cross-border demand (%)"),
            (right, "criticality_min", 1.0, "extra minutes per trip when closed"),
        ):
            values = rows[column].to_numpy(float)
            ax.barh(y, np.nan_to_num(values * factor), color=colors, height=0.72)
            ax.set_xlabel(label)
            ax.margins(x=0.14, y=0.01)
            for at, value in zip(y, values, strict=True):
                words = assets.format_value(
                    float(value), "share" if column == "share" else "minutes", missing="no data"
                )
                ax.annotate(
                    words,
                    (0 if np.isnan(value) else value * factor, at),
                    (3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
        left.set_yticks(y, [shorten(str(name)) for name in rows["name"]])
        left.invert_yaxis()
        for ax in (left, right):
            ax.tick_params(axis="y", length=0)
        shown = [c for c in CHECKPOINT_CLASSES if c.value in set(rows["class"])]
        handles = [Patch(color=c.color, label=c.label) for c in shown]
        if handles:
            fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        first = f"{rows['name'].iloc[0]} leads with {100 * rows['share'].iloc[0]:.1f} %. " if len(rows) else ""
        words = f"The {len(rows)} checkpoints with the largest share of demand. {first}The numbers are in the table of checkpoints."
        return to_svg(fig, "checkpoint-bars", "Share of demand and criticality of checkpoints", words)


def region_bars(regions: pd.DataFrame, *, sides: tuple[str, str] = ("a", "b")) -> str:
    """Draw the border loss of each region, split into detour and delay.

    Parameters
    ----------
    regions
        Table with ``name``, ``side``, ``loss_detour`` and ``loss_delay`` as shares of the borderless potential.
    sides
        Names of the two sides.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    total = regions["loss_detour"].fillna(0) + regions["loss_delay"].fillna(0)
    rows = regions.assign(total=total).sort_values(
        ["side", "total", "name"], ascending=[True, False, True], kind="stable"
    )
    with figure(9.2, 1.3 + 0.26 * max(len(rows), 1)) as fig:
        ax = fig.subplots()
        y = np.arange(len(rows)) + 0.8 * (rows["side"] == rows["side"].max()).to_numpy(float) * (
            rows["side"].nunique() > 1
        )
        detour, delay = (100 * rows[c].fillna(0).to_numpy(float) for c in ("loss_detour", "loss_delay"))
        ax.barh(y, detour, color=LOSS_COLORS["detour"], height=0.72, label="lost by detour")
        ax.barh(y, delay, left=detour, color=LOSS_COLORS["delay"], height=0.72, label="lost by delay")
        for at, end, gap in zip(y, detour + delay, rows["loss_detour"].isna(), strict=True):
            ax.annotate(
                "no data" if gap else f"{end:.0f} %",
                (end, at),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        ax.set_yticks(y, [shorten(str(name)) for name in rows["name"]])
        for side, name in zip("ab", sides, strict=True):
            at = y[(rows["side"] == side).to_numpy()]
            if len(at):
                ax.text(
                    1.01,
                    at.mean(),
                    name if name != side else f"side {name}",
                    transform=ax.get_yaxis_transform(),
                    rotation=270,
                    va="center",
                    color="#46525e",
                )
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("share of the borderless potential that is lost (%)")
        ax.margins(x=0.08, y=0.01)
        fig.legend(loc="outside lower center", ncols=2)
        words = f"{len(rows)} regions by side, the largest loss first. The numbers are in the table of regions."
        return to_svg(fig, "region-bars", "Border loss of the regions by detour and delay", words)


FLAGS = {
    "growth": ("growth_flag", GROWTH_CLASSES, "Growth points of the border belt"),
    "bottleneck": ("bottleneck_flag", BOTTLENECK_CLASSES, "Bottlenecks of the border belt"),
}


def flag_map(
    flag: Literal["growth", "bottleneck"],
    cells: gpd.GeoDataFrame,
    border_line: gpd.GeoDataFrame,
    checkpoints: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    *,
    crs: pyproj.CRS | str,
) -> str:
    """Draw the overview map of a flag: cells, border line, checkpoints and regions.

    Parameters
    ----------
    flag
        Which of the two.
    cells
        Cells with ``growth_flag`` and ``bottleneck_flag``.
    border_line
        The shared boundary.
    checkpoints
        Points with ``class``.
    regions
        Areas with ``name`` and ``side``.
    crs
        The projected CRS to draw in.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    column, classes, title = FLAGS[flag]
    target = pyproj.CRS.from_user_input(crs)
    drawn_cells, line, points, areas = (f.to_crs(target) for f in (cells, border_line, checkpoints, regions))
    box, height = view(drawn_cells.total_bounds if len(drawn_cells) else areas.total_bounds, 0.03)
    with figure(9.2, height + 0.6) as fig:
        ax = fig.subplots()
        draw_areas(ax, areas, box)
        labels = drawn_cells[column].astype(object).fillna(NO_DATA)
        for each in classes:
            paint(ax, drawn_cells[labels == each.value], color=each.color, edgecolor="white", linewidth=0.25)
        paint(ax, line.simplify((box[2] - box[0]) / 2500), color=BORDER, linewidth=1.3)
        for kind in CHECKPOINT_CLASSES:
            style = {"color": kind.color, "edgecolor": "white", "linewidth": 0.4, "markersize": 17, "zorder": 5}
            paint(ax, points[points["class"] == kind.value], **style)
        ax.set(xlim=box[::2], ylim=box[1::2], aspect="equal")
        ax.set_axis_off()
        scale_bar(ax, box)
        counts = labels.value_counts()
        used = [c for c in classes if counts.get(c.value, 0)]
        handles: list[Any] = [Patch(color=c.color, label=c.label) for c in used]
        handles.append(Line2D([], [], color=BORDER, label="Border line"))
        kinds = [c for c in CHECKPOINT_CLASSES if (points["class"] == c.value).any()]
        handles += [Line2D([], [], marker="o", linestyle="", color=c.color, label=c.label) for c in kinds]
        fig.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
        words = "; ".join(f"{c.label}: {counts[c.value]}" for c in used)
        return to_svg(fig, f"{flag}-map", title, f"Number of cells: {words}.")
