"""Figures of the report as inline SVG: text stays text, colours are those of the maps, same input same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from maps.i18n import _, number
from maps.phrases import spoken
from maps.report.drawing import (
    BORDER,
    CHECKPOINT_COLOR,
    FAINT,
    INK,
    SIDE_COLORS,
    Drawing,
    draw_areas,
    draw_water,
    figure,
    paint,
    scale_bar,
    shorten,
    to_svg,
    view,
)
from maps.styles.classes import LayerStyle
from maps.styles.layers import CHECKPOINT_CLASSES, NEW_CHECKPOINT, scenario_styles
from maps.web import assets
from maps.web.packing import class_index


def border_profile(
    segments: pd.DataFrame,
    *,
    checkpoints: gpd.GeoDataFrame | None = None,
    sides: tuple[str, str] = ("side a", "side b"),
) -> Drawing:
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
        ax.set(xlabel=_("km along the border line"), ylabel=_("minutes to the nearest\nopen checkpoint"))
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
                label=_("checkpoint"),
            )
        fig.legend(loc="outside lower center", ncols=3)
        gaps = int(rows[list(columns)].isna().any(axis=1).sum())
        words = _("{worst} Segments that lack a value on a side: {gaps}.").format(
            worst=_worst(rows, columns), gaps=number(gaps)
        )
        return to_svg(fig, "border-profile", _("Minutes to the nearest open checkpoint along the border"), words)


def _worst(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """Return the longest time in words."""
    slower = rows[list(columns)].max(axis=1)
    if slower.isna().all():
        return _("No segment reaches a checkpoint.")
    at = int(np.nanargmax(slower.to_numpy(float)))
    low, high = rows["km_from"].iloc[at], rows["km_to"].iloc[at]
    return _("The longest time is {n} minutes, at km {low} to {high}.").format(
        n=number(float(slower.max())), low=number(low), high=number(high)
    )


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
    for place, (low, high, a, b) in enumerate(runs):
        if place % 2:
            ax.axvspan(low, high, color="#f1f3f5", linewidth=0, zorder=0)
        if (high - low) / total >= 0.03:
            ax.text(
                (low + high) / 2,
                1.01,
                f"{_brief(a)} / {_brief(b)}",
                transform=ax.get_xaxis_transform(),
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=7,
            )


def _brief(region: str) -> str:
    """Return the name of a region without its kind."""
    return shorten(re.sub(r"\s+(Region|Oblast|Krai|Republic|область|край|облысы|өлкесі)$", "", region), 20)


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


def checkpoint_bars(checkpoints: pd.DataFrame, *, top: int = 10) -> Drawing:
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
            (left, "share", 100.0, _("share of modelled trips (%)")),
            (right, "criticality_min", 1.0, _("extra minutes per trip when closed")),
        ):
            values = rows[column].to_numpy(float)
            ax.barh(y, np.nan_to_num(values * factor), color=colors, height=0.72)
            ax.set_xlabel(label)
            ax.margins(x=0.14, y=0.01)
            for at, value in zip(y, values, strict=True):
                words = assets.format_value(
                    float(value), "share" if column == "share" else "minutes", missing=_("no data")
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
        handles = [Patch(color=c.color, label=_(c.label)) for c in shown]
        if handles:
            fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return to_svg(
            fig, "checkpoint-bars", _("Share of demand and criticality of checkpoints"), _("Numbers are in the table.")
        )


def area_map(
    name: str,
    title: str,
    cells: gpd.GeoDataFrame,
    style: LayerStyle,
    backdrop: Mapping[str, gpd.GeoDataFrame],
    *,
    crs: pyproj.CRS | str,
) -> Drawing:
    """Draw cells by the classes of a drawing, with border line, checkpoints and regions.

    Parameters
    ----------
    name, title
        Of the figure.
    cells
        Areas with the column of the drawing.
    style
        Its classes; hatched ones are striped.
    backdrop
        ``border_line``, ``regions`` and ``checkpoints``; ``water`` where it is known.
    crs
        The projected CRS to draw in.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    target = pyproj.CRS.from_user_input(crs)
    drawn, line, areas, points = (
        f.to_crs(target) for f in (cells, backdrop["border_line"], backdrop["regions"], backdrop["checkpoints"])
    )
    box, height = view(line.total_bounds if len(line) else areas.total_bounds, 0.05)
    with figure(9.2, height + 0.8) as fig:
        ax = fig.subplots()
        draw_areas(ax, areas, box)
        sea = draw_water(ax, backdrop.get("water"), box, target)
        index = class_index(style, drawn)
        handles: list[Any] = []
        for number_of, each in enumerate(style.classes):
            part = drawn[index == number_of]
            if each.hatched:
                look: dict[str, Any] = {
                    "facecolor": "white",
                    "edgecolor": each.color,
                    "hatch": "/////",
                    "linewidth": 0.4,
                }
            else:
                look = {"facecolor": each.color, "edgecolor": "white", "linewidth": 0.25}
            as_points = {"markersize": 42, "zorder": 6} if (part.geom_type == "Point").all() else {}
            paint(ax, part, **look, **as_points)
            if len(part):
                handles.append(Patch(**look, label=f"{each.label} ({len(part)})"))
        paint(ax, line.simplify((box[2] - box[0]) / 2500), color=BORDER, linewidth=1.2)
        handles.append(Line2D([], [], color=BORDER, label=_("Border line")))
        handles += [*_posts(ax, points), *sea]
        ax.set(xlim=box[::2], ylim=box[1::2], aspect="equal")
        ax.set_axis_off()
        scale_bar(ax, box)
        fig.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
        words = "; ".join(handle.get_label() for handle in handles)
        return to_svg(fig, name, title, words)


def _posts(ax: Any, points: gpd.GeoDataFrame) -> list[Any]:
    """Draw checkpoints, as large as their share of trips, and return their lines in the legend."""
    handles: list[Any] = []
    share = points["share"].fillna(0).to_numpy(float) if "share" in points else np.zeros(len(points))
    most = max(share.max(initial=0.0), 1e-9)
    for kind, marker in zip((*CHECKPOINT_CLASSES, NEW_CHECKPOINT), "osDXP", strict=True):
        part = (points["class"] == kind.value).to_numpy(bool)
        if not part.any():
            continue
        at = points[part].geometry
        size = np.full(part.sum(), 80.0) if kind is NEW_CHECKPOINT else 10 + 80 * share[part] / most
        ax.scatter(at.x, at.y, s=size, color=kind.color, marker=marker, edgecolor="white", linewidth=0.5, zorder=5)
        handles.append(Line2D([], [], marker=marker, linestyle="", color=kind.color, label=_(kind.label)))
    return handles


def change_map(
    cells: gpd.GeoDataFrame,
    border_line: gpd.GeoDataFrame,
    checkpoints: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    *,
    crs: pyproj.CRS | str,
    water: gpd.GeoDataFrame | None = None,
) -> Drawing:
    """Draw what a scenario changes; see `area_map`."""
    backdrop = {"border_line": border_line, "checkpoints": checkpoints, "regions": regions}
    backdrop |= {} if water is None else {"water": water}
    style = next(spoken(each, ("a", "b")) for each in scenario_styles() if each.key == "cells_change")
    return area_map("change-map", _("What the scenario changes"), cells, style, backdrop, crs=crs)
