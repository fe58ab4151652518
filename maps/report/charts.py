"""Figures of the report's further chapters as inline SVG: flows on the map, reach by time, ranks, types."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from maps.i18n import _, ngettext, number, percent
from maps.phrases import phrase
from maps.report.drawing import (
    BORDER,
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
    stroke,
    to_svg,
    view,
)
from maps.styles.thematic import FLOW_CLASSES, type_colors
from maps.web import assets

NETWORK_COLORS = {"borderless": "#9aa5b1", "open": "#56b4e9", "actual": "#0072b2"}


def flow_map(
    flows: gpd.GeoDataFrame,
    border_line: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    *,
    crs: pyproj.CRS | str,
    water: gpd.GeoDataFrame | None = None,
) -> Drawing:
    """Draw the modelled cross-border trips on the network, thicker where more of them run.

    Parameters
    ----------
    flows
        Links with ``flow_share``, the share of all modelled trips across the border.
    border_line, regions, water
        Ground of the map; water with ``area_km2``, None where none is known.
    crs
        The projected CRS to draw in.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    target = pyproj.CRS.from_user_input(crs)
    links, line, areas = (f.to_crs(target) for f in (flows, border_line, regions))
    box, height = view(line.total_bounds if len(line) else areas.total_bounds, 0.08)
    with figure(9.2, height + 0.6) as fig:
        ax = fig.subplots()
        draw_areas(ax, areas, box)
        sea = draw_water(ax, water, box, target)
        handles: list[Any] = []
        for each in FLOW_CLASSES:
            low, high, width = float(each.lower or 0), float(each.upper or 0), float(each.size or 1) * 1.8
            chosen = links[(links["flow_share"] >= low) & (links["flow_share"] < high)].geometry.to_numpy()
            stroke(ax, chosen, box, edgecolor=each.color, linewidth=width, zorder=3 + low)
            handles.append(Line2D([], [], color=each.color, linewidth=width, label=_(each.label)))
        paint(ax, line.simplify((box[2] - box[0]) / 2500), color=BORDER, linewidth=1.0, linestyle=(0, (4, 2)), zorder=5)
        handles.append(Line2D([], [], color=BORDER, linestyle=(0, (4, 2)), linewidth=1.0, label=_("Border line")))
        handles += sea
        ax.set(xlim=box[::2], ylim=box[1::2], aspect="equal")
        ax.set_axis_off()
        scale_bar(ax, box)
        fig.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)
        most = float(links["flow_share"].max()) if len(links) else 0.0
        words = _("{n} links carry modelled trips across the border, the heaviest {share} of them.").format(
            n=number(len(links)), share=percent(most)
        )
        return to_svg(fig, "flow-map", _("Modelled cross-border trips on the network"), words)


def reach_curves(reach: pd.DataFrame, *, sides: tuple[str, str]) -> Drawing:
    """Draw the people that an inhabitant of each side reaches across the border within each time, by network.

    Parameters
    ----------
    reach
        ``side``, ``network``, ``within_min``, ``people`` (mean over inhabitants).
    sides
        Names of the two sides.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    with figure(9.2, 3.4) as fig:
        axes = fig.subplots(1, 2, sharey=True)
        for ax, side, name in zip(axes, "ab", sides, strict=True):
            for network, color in NETWORK_COLORS.items():
                rows = reach[(reach["side"] == side) & (reach["network"] == network)].sort_values("within_min")
                # Wide below thin: where there is no detour, open lies on borderless and hides nothing.
                width = 5.0 if network == "borderless" else 1.6
                hours = rows["within_min"] / 60
                ax.plot(hours, rows["people"], marker="o", color=color, label=_(network), linewidth=width)
            ax.set_title(_("from {side}").format(side=name), fontsize=9, loc="left")
            ax.set_xlabel(_("hours of travel, waits included where they are"))
            ax.grid(axis="y", color="#e4e8ec", linewidth=0.8)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.yaxis.set_major_formatter(lambda value, _at: number(value))
        axes[0].set_ylim(0, 1.06 * np.nanmax(reach["people"].to_numpy(float), initial=1.0))
        axes[0].set_ylabel(_("people across the border\nthat one inhabitant reaches"))
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=3)
        return to_svg(
            fig,
            "reach-curves",
            _("People within reach across the border by time and network"),
            _("Numbers are in the table."),
        )


def rank_intervals(ranks: pd.DataFrame, *, sides: tuple[str, str]) -> Drawing:
    """Draw the rank of each region with its 5–95 % interval over all choices that could have been made otherwise.

    Parameters
    ----------
    ranks
        ``name``, ``side``, ``rank_median``, ``rank_p5``, ``rank_p95``; 1 is best.
    sides
        Names of the two sides.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    rows = ranks.sort_values(["rank_median", "name"], kind="stable").reset_index(drop=True)
    with figure(9.2, 1.2 + 0.26 * max(len(rows), 1)) as fig:
        ax = fig.subplots()
        y = np.arange(len(rows))
        for side, color, name, marker in zip("ab", SIDE_COLORS, sides, "os", strict=True):
            chosen = (rows["side"] == side).to_numpy()
            low, middle, high = (rows[c].to_numpy(float)[chosen] for c in ("rank_p5", "rank_median", "rank_p95"))
            ax.hlines(y[chosen], low, high, color=color, linewidth=3, alpha=0.35)
            ax.plot(middle, y[chosen], linestyle="", marker=marker, color=color, label=name)
        ax.set_yticks(y, [shorten(str(name)) for name in rows["name"]])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#e4e8ec", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel(_("rank: median and 5–95 % of all variants; 1 is best"))
        fig.legend(loc="outside lower center", ncols=2)
        ranked = rows["rank_median"].notna().any()
        first = _("{name} has the best median rank.").format(name=rows["name"].iloc[0]) if ranked else ""
        counted = ngettext("{n} region.", "{n} regions.", len(rows)).format(n=number(len(rows)))
        words = " ".join(part for part in (counted, first, _("Numbers are in the table.")) if part)
        return to_svg(fig, "rank-intervals", _("Ranks of the regions with their intervals"), words)


def quadrants(types: pd.DataFrame, *, axes: tuple[str, str], cuts: tuple[float, float]) -> Drawing:
    """Draw the regions by potential and permeability, with the lines that part the types.

    Parameters
    ----------
    types
        ``name``, ``type``, and the columns ``x`` and ``y``.
    axes
        What `x` and `y` are, with units.
    cuts
        Where the lines are drawn.

    Returns
    -------
    svg
        An ``svg`` element with title and description.
    """
    rows = types.dropna(subset=["x", "y"]).sort_values("name", kind="stable")
    with figure(9.2, 5.2) as fig:
        ax = fig.subplots()
        names = sorted(rows["type"].unique())
        # A type without a place in the figure keeps its colour in the map.
        colors = type_colors(sorted(types["type"].dropna().unique()))
        ax.axvline(cuts[0], color=FAINT, linewidth=0.8, linestyle="--")
        ax.axhline(cuts[1], color=FAINT, linewidth=0.8, linestyle="--")
        for name in names:
            chosen = rows[rows["type"] == name]
            ax.plot(chosen["x"], chosen["y"], linestyle="", marker="o", markersize=8, color=colors[name])
        ax.margins(0.12)
        if len(rows) and (rows["x"] > 0).all() and rows["x"].max() > 20 * rows["x"].min():
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(lambda value, _at: number(value))
        ax.set(xlabel=axes[0], ylabel=axes[1])
        handles = [Patch(color=colors[name], label=_(name)) for name in names]
        if handles:
            fig.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 2))
        _write_names(fig, ax, rows)
        words = "; ".join(f"{_(name)}: {int((rows['type'] == name).sum())}" for name in names)
        return to_svg(fig, "quadrants", _("Types of regions by potential and permeability"), words)


def _write_names(fig: Figure, ax: Any, rows: pd.DataFrame) -> None:
    """Write each point's name beside it where it covers no point and no name.

    Where there is no room the nearest place is taken.

    All else must be drawn already: what comes later would move the points.
    """
    fig.draw_without_rendering()
    xy = ax.transData.transform(rows[["x", "y"]].to_numpy(float)) * 72 / fig.dpi
    west, south, east, north = ax.get_window_extent().extents * 72 / fig.dpi
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in xy]
    places = zip(xy, rows["x"], rows["y"], rows["name"], strict=True)
    for (x, y), at_x, at_y, name in places:  # regions: a few dozen
        text = shorten(str(name), 24)
        wide, high = 3.9 * len(text), 8.0
        spots = [(-wide / 2, 7), (-wide / 2, -7 - high), (8, -high / 2), (-8 - wide, -high / 2)]
        spots += [(a, b) for b in (5, -5 - high) for a in (8, -8 - wide)]
        spots += [(a, b) for b in (17, -17 - high) for a in (-wide / 2, 0, -wide)]
        boxes = [(x + a, y + b, x + a + wide, y + b + high) for a, b in spots]
        inside = [box[0] >= west and box[1] >= south and box[2] <= east and box[3] <= north for box in boxes]
        clear = [not any(_overlap(box, other) for other in taken) for box in boxes]
        free = [i for i, ok in enumerate(clear) if ok and inside[i]] or [i for i, ok in enumerate(clear) if ok]
        best = free[0] if free else 0
        taken.append(boxes[best])
        written = ax.annotate(
            text, (at_x, at_y), spots[best], textcoords="offset points", fontsize=7, color=INK, ha="left", va="bottom"
        )
        written.set_in_layout(False)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Return whether two boxes meet."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


INPUTS = {"waits": "waits nobody measured", "speeds": "speeds", "half_life": "half-life of trips", "people": "people"}
"""What a bar of `tornado_charts` moves, by its name in the table."""


def tornado_charts(tornado: pd.DataFrame, effects: pd.DataFrame) -> list[Drawing]:
    """Draw what matters most, a figure for each measure: a bar per input from its 5 to its 95 %.

    The line is the change as it is.

    Parameters
    ----------
    tornado
        ``key``, ``input``, ``at_low``, ``at_high``.
    effects
        ``key``, ``measure``, ``unit``, ``change``.
    """
    named = effects.set_index("key")
    return [
        _tornado(str(key), own, named.loc[[key]].iloc[0])
        for key, own in tornado.groupby("key", sort=False)  # two or three measures
    ]


def _tornado(key: str, own: pd.DataFrame, effect: pd.Series) -> Drawing:
    def written(value: float) -> str:
        return assets.format_value(float(value), "number")

    ends = np.sort(own[["at_low", "at_high"]].to_numpy(float), axis=1)
    centre, y = float(effect["change"]), np.arange(len(own))
    with figure(9.2, 0.9 + 0.32 * len(own)) as fig:
        ax = fig.subplots()
        ax.barh(y, ends[:, 1] - ends[:, 0], left=ends[:, 0], color=SIDE_COLORS[0], height=0.6)
        ax.axvline(centre, color=INK, linewidth=1.2)
        for at, (low, high) in enumerate(ends):
            words = _("{low} to {high}").format(low=written(low), high=written(high))
            ax.annotate(words, (high, at), (4, 0), textcoords="offset points", va="center", fontsize=8)
        ax.set_yticks(y, [_(INPUTS.get(name, name)) for name in own["input"]])
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        ax.margins(x=0.18)
        what, unit = phrase(effect["measure"]), phrase(effect["unit"])
        ax.set_xlabel(f"{what} ({unit})")
        says = _("{what}, {unit}: change of {n}").format(what=what, unit=unit, n=written(centre))
        return to_svg(fig, f"tornado-{key}", _("What matters most"), says)
