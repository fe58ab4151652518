"""Make the pictures of methods.md from a run: ``borderlink run``, then ``python docs/pictures.py out``.

Needs a run of the packaged study whose `[isochrones] places` is ``["Petropavl"]``; the figures of the report are taken
as they are.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.reach.decays import cumulative, exponential, gaussian, power
from analysis.trips.load import queue_wait

HERE = Path(__file__).parent / "images" / "methods"
CRS = "+proj=aea +lat_1=49.5 +lat_2=54.5 +lat_0=52 +lon_0=67 +datum=WGS84 +units=m"
FROM_REPORT = ("border-profile", "checkpoint-bars", "reach-curves", "rank-intervals", "quadrants")
INK, BLUE, ORANGE, GREY = "#1f2933", "#0072b2", "#d55e00", "#9aa5b1"


def main(folder: Path) -> None:
    """Write every picture."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
    HERE.mkdir(parents=True, exist_ok=True)
    report = (folder / "report.html").read_text(encoding="utf-8")
    for name in FROM_REPORT:
        found = re.search(rf'<svg[^>]*aria-labelledby="{name}-title.*?</svg>', report, re.S)
        if found:
            text = found[0].replace("<svg ", '<svg style="background:#fff" ', 1)
            (HERE / f"{name}.svg").write_text(text + "\n", encoding="utf-8", newline="\n")
    tables = {p.stem: pd.read_csv(p) for p in (folder / "tables").glob("*.csv")}
    decays()
    border_effect(tables["border_effect"])
    bands(tables["distance_bands"])
    queue()
    closures(tables["closures_pairs"], tables["checkpoints"])
    stability(tables["stability"])
    read = {
        n: gpd.read_file(folder / "border.gpkg", layer=n).to_crs(CRS)
        for n in ("border_line", "flows", "cells", "roads")
    }
    flows(read)
    quadrant_cells(read)
    if "isochrones" in tables:
        isochrones(gpd.read_file(folder / "border.gpkg", layer="isochrones").to_crs(CRS), read)


def save(fig: Figure, name: str) -> None:
    """Write one picture, the same bytes for the same run."""
    fig.savefig(HERE / f"{name}.png", dpi=110, metadata={"Software": None})


def decays() -> None:
    """Draw the decays beside each other."""
    fig = Figure((6.4, 2.8), layout="constrained")
    ax = fig.subplots()
    t = np.linspace(0, 360, 721)
    for label, f in (
        ("exponential, half-life 120 min", exponential(120)),
        ("power 1 from 30 min", power(1, 30)),
        ("Gaussian, σ 120 min", gaussian(120)),
        ("cumulative, 180 min", cumulative(180)),
    ):
        ax.plot(t, f(t), label=label)
    ax.set(xlabel="minutes", ylabel="what a place still counts", xlim=(0, 360), ylim=(0, 1.02))
    ax.legend()
    save(fig, "decays")


def border_effect(table: pd.DataFrame) -> None:
    """Draw the border effect of pairs over their distance."""
    fig = Figure((6.4, 2.8), layout="constrained")
    ax = fig.subplots()
    ax.plot(table["geodesic_km"], table["border_effect"], ".", color=BLUE, markersize=2, alpha=0.5)
    ax.set(
        xlabel="straight distance (km)",
        ylabel="time with border / without",
        ylim=(1, table["border_effect"].quantile(0.999)),
    )
    save(fig, "border-effect")


def bands(table: pd.DataFrame) -> None:
    """Draw straight speeds at home and across by distance."""
    fig = Figure((6.4, 2.8), layout="constrained")
    ax = fig.subplots()
    for kind, label, color in (
        ("domestic_a", "at home in Russia", GREY),
        ("domestic_b", "at home in Kazakhstan", INK),
        ("cross", "across the border", ORANGE),
    ):
        rows = table[(table["kind"] == kind) & (table["pairs"] > 20)]
        ax.plot((rows["from_km"] + rows["to_km"]) / 2, rows["speed_actual_kph"], marker="o", color=color, label=label)
    ax.set(xlabel="straight distance (km)", ylabel="straight km an hour,\nwaits included", ylim=(0, None))
    ax.legend()
    save(fig, "distance-bands")


def queue() -> None:
    """Draw the wait over the load."""
    fig = Figure((6.4, 2.8), layout="constrained")
    ax = fig.subplots()
    rho = np.linspace(0, 1.6, 161)
    for peak, color in ((480, BLUE), (1440, ORANGE)):
        wait = queue_wait(rho * 100, np.full(161, 100.0), np.full(161, 60.0), peak_min=peak)
        ax.plot(rho, wait, color=color, label=f"queue grows for {peak / 60:g} h a day")
    ax.axvline(0.85, color=GREY, linestyle="--", linewidth=0.8)
    ax.text(0.86, ax.get_ylim()[1] * 0.9, "bottleneck", color=INK, fontsize=8)
    ax.set(xlabel="load: vehicles a day over capacity", ylabel="mean wait (min)")
    ax.legend()
    save(fig, "queue")


def closures(pairs: pd.DataFrame, checkpoints: pd.DataFrame) -> None:
    """Draw joint closures beside the two apart."""
    names = checkpoints.set_index("checkpoint_id")["name"]
    rows = pairs[pairs["mode"] == "road"].nlargest(6, "synergy_min").iloc[::-1]
    fig = Figure((6.4, 3.0), layout="constrained")
    ax = fig.subplots()
    y = [
        f"{names[a].split(' – ')[0]} + {names[b].split(' – ')[0]}"
        for a, b in zip(rows["closed_1"], rows["closed_2"], strict=True)
    ]
    apart = rows["criticality_min"] - rows["synergy_min"]
    ax.barh(y, apart, color=GREY, label="each by itself, added up")
    ax.barh(y, rows["synergy_min"], left=apart, color=ORANGE, label="beyond that, both together")
    ax.set(xlabel="extra minutes of an average trip by road")
    fig.legend(loc="outside lower center", ncols=2)
    save(fig, "closures")


def stability(table: pd.DataFrame) -> None:
    """Draw the shares of labels that stay."""
    rows = table[~table["label"].isin(["all", "neither"])]
    wide = rows.pivot(index="alternative", columns="label", values="kept_share").iloc[::-1]
    fig = Figure((6.4, 2.4), layout="constrained")
    ax = fig.subplots()
    step = 0.8 / len(wide.columns)
    for i, (label, color) in enumerate(zip(wide.columns, ("#f0b429", "#009e73", ORANGE), strict=False)):
        ax.barh(np.arange(len(wide)) + i * step - 0.2, wide[label], height=step, color=color, label=label)
    ax.set_yticks(np.arange(len(wide)), wide.index)
    ax.set(xlabel="share of cells that keep the label", xlim=(0, 1))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=3)
    save(fig, "stability")


def ground(read: dict[str, gpd.GeoDataFrame], size: tuple[float, float]) -> tuple[Figure, object]:
    """Return a figure with the border line and the roads."""
    fig = Figure(size, layout="constrained")
    ax = fig.subplots()
    read["roads"].simplify(2000).plot(ax=ax, color="#d8d2c8", linewidth=0.4)
    read["border_line"].simplify(2000).plot(ax=ax, color="#7a0177", linewidth=1)
    ax.set_axis_off()
    return fig, ax


def flows(read: dict[str, gpd.GeoDataFrame]) -> None:
    """Draw the heaviest links."""
    fig, ax = ground(read, (7.2, 3.2))
    links = read["flows"]
    for low, high, width in ((0.01, 0.05, 0.8), (0.05, 0.1, 1.6), (0.1, 1.01, 2.8)):
        mine = links[(links["flow_share"] >= low) & (links["flow_share"] < high)]
        mine.simplify(2000).plot(ax=ax, color=ORANGE, linewidth=width)
    shares = ((0.8, "1–5 % of trips"), (1.6, "5–10 %"), (2.8, "10 % and more"))
    fig.legend(
        handles=[Line2D([], [], color=ORANGE, linewidth=w, label=t) for w, t in shares],
        loc="outside lower center",
        ncols=3,
    )
    save(fig, "flows")


def quadrant_cells(read: dict[str, gpd.GeoDataFrame]) -> None:
    """Draw where many people are far from a checkpoint."""
    fig, ax = ground(read, (7.2, 3.2))
    cells = read["cells"]
    kinds = (
        ("HH", "#d55e00", "many people, far"),
        ("HL", "#0072b2", "many people, near"),
        ("LH", "#f3c9b0", "few people, far"),
        ("LL", "#cfe3f2", "few people, near"),
    )
    for name, color, _ in kinds:
        mine = cells[cells["people_time_quadrant"] == name]
        if len(mine):
            mine.plot(ax=ax, color=color, edgecolor="white", linewidth=0.2, alpha=0.9)
    fig.legend(handles=[Patch(color=c, label=t) for _, c, t in kinds], loc="outside lower center", ncols=4)
    save(fig, "quadrant-cells")


def isochrones(found: gpd.GeoDataFrame, read: dict[str, gpd.GeoDataFrame]) -> None:
    """Draw the isochrones of one city."""
    fig, ax = ground(read, (6.4, 4.0))
    for (minutes, rows), color in zip(
        sorted(found.groupby("minutes"), reverse=True), ("#c6dbef", "#6baed6", "#08519c"), strict=False
    ):
        rows.plot(ax=ax, color=color, alpha=0.8, label=f"{minutes:g} min")
    handles = [
        Patch(color=c, label=f"within {m:g} min")
        for m, c in zip(sorted(found["minutes"].unique()), ("#08519c", "#6baed6", "#c6dbef"), strict=False)
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    west, south, east, north = found.total_bounds
    ax.set(xlim=(west - 2e4, east + 2e4), ylim=(south - 2e4, north + 2e4))
    save(fig, "isochrones")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
