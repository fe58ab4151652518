"""What was checked against what: `python docs/validate.py` writes docs/validation.md and its pictures. A few minutes.

Distances beside published ones, ways by name and 3 km beside, numbers recomputed by other code, the null of smooth
surfaces.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from null_power import found_shares

import gis
from layers.crs import GEOD, geodesic_m
from layers.distances import published_distances
from network.base import build_base
from network.build import FIELDS
from network.calibration import calibrate
from network.lengths import CORRECTIONS
from network.routing import compile_router

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
PICTURES = HERE / "images" / "validation"
WAYS = (
    ("Rudnyy", "Kostanay"),
    ("Chelyabinsk", "Kostanay"),
    ("Samara", "Oral"),
    ("Omsk", "Petropavl"),
    ("Orenburg", "Aktobe"),
    ("Barnaul", "Semey"),
)
"""Pairs that are looked at by name, by coordinates and 3 km beside."""
BESIDE_M = 3000.0
MOVED_M = 2000.0
CITY_PEOPLE = 50_000
SURFACES = 60
SEEDS = (1, 2, 3, 4, 5)


def main() -> None:
    """Write the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    result = gis.solve()
    parts = [
        "# What was checked against what",
        "Made by `python docs/validate.py` on the packaged border, with the version and data of this repository. "
        "Assumed waits and speeds are "
        "not validated here: nobody publishes them; what rests on them says so wherever it is printed.",
        _distances(result),
        _ways(result),
        _moved(result),
        _independent(result),
        _seeds(result),
        _nulls(),
    ]
    (HERE / "validation.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _distances(result: gis.Result) -> str:
    """Return the part on kilometres beside published ones."""
    prepared = result.prepared
    base = build_base(
        prepared.layers["roads"],
        prepared.layers["railways"],
        prepared.regions,
        prepared.border,
        prepared.crs,
        generalised=("road", "rail"),
        length_factor=False,
    )
    ways = {mode: calibrate(base.tables, published_distances(), mode).ways for mode in ("road", "rail")}
    used = pd.concat([w[w["used"]].assign(mode=m) for m, w in ways.items()], ignore_index=True)
    factor = used["mode"].map({m: c.factor for m, c in CORRECTIONS.items()})
    used["corrected_km"] = used["network_km"] + (factor - 1) * used["straightened_km"]
    fig, ax = plt.subplots(figsize=(6.4, 4.0), dpi=150)
    for mode, colour in (("road", "#0072b2"), ("rail", "#d55e00")):
        mine = used[used["mode"] == mode]
        raw, new = (100 * (mine[c] / mine["km"] - 1) for c in ("network_km", "corrected_km"))
        ax.scatter(mine["km"], raw, s=18, facecolors="none", edgecolors=colour, label=f"{mode}, as the source draws it")
        ax.scatter(mine["km"], new, s=18, color=colour, label=f"{mode}, with the factor")
    ax.axhline(0, color="#444444", lw=0.8)
    ax.set_xlabel("published distance (km)")
    ax.set_ylabel("network beside published (%)")
    ax.legend(fontsize=7, frameon=False)
    fig.tight_layout()
    fig.savefig(PICTURES / "distances.png")
    plt.close(fig)
    rows = []
    for mode, c in CORRECTIONS.items():
        mine = used[used["mode"] == mode]
        off = (mine["corrected_km"] / mine["km"] - 1).abs()
        raw = (mine["network_km"] / mine["km"] - 1).abs()
        rows.append(
            f"| {mode} | {len(mine)} | {c.factor:.3f} | {raw.median():.1%} / {raw.max():.1%} | "
            f"{off.median():.1%} / {off.max():.1%} | {c.scatter:.1%} |"
        )
    left = sum(int((~w["used"]).sum()) for w in ways.values())
    return "\n".join(
        [
            "## Kilometres beside published distances",
            "Published distances with their sources and dates stand in `layers/data/published_distances.csv`; "
            f"{left} of them are left out of the fit, each with its reason (`python docs/calibrate_lengths.py`).",
            "",
            "| mode | ways | factor of straightened links | off without, median / most | off with, median / most "
            "| scatter, each left out of its own fit |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "![Network beside published distances](images/validation/distances.png)",
        ]
    )


def _ways(result: gis.Result) -> str:
    """Return the part on ways by name, by coordinates and 3 km beside."""
    towns = result.network.network.settlements
    rows = []
    for one, other in WAYS:
        way = result.network.route(one, other, network="open")
        end = way.destination.split(",")[0]
        place = towns[towns["name"] == end].sort_values("population").iloc[-1].geometry
        texts = [f"{place.x:.4f},{place.y:.4f}"]
        texts += [
            f"{x:.4f},{y:.4f}" for x, y in (GEOD.fwd(place.x, place.y, az, BESIDE_M)[:2] for az in (0, 90, 180, 270))
        ]
        near = [result.network.route(one, t, network="open").minutes for t in texts]
        rows.append(
            f"| {one}–{end} | {way.straight_m / 1000:,.0f} | {way.length_m / 1000:,.0f} | {way.minutes:,.0f} | "
            f"{near[0]:,.0f} | "
            f"{min(near[1:]):,.0f}–{max(near[1:]):,.0f} |"
        )
    checks = result.tables.get("network_checks")
    told = (
        ""
        if checks is None
        else "`tables/network_checks.csv` of every run lists what looks wrong in the network; here: "
        + "; ".join(f"{n:,} {name}" for name, n in checks["check"].value_counts(sort=False).items())
        + "."
    )
    return "\n".join(
        [
            "## Ways by name, by coordinates, and 3 km beside",
            "Network `open` (no waits), quickest way. A place joins several links, so that its minutes hang on "
            "none of them alone. " + told,
            "",
            "| way | straight km | km | min by name | min by coordinates | min 3 km to the north, east, south, west |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _moved(result: gis.Result) -> str:
    """Return the part on places near the line moved by 2 km: minutes to the next city of their own side."""
    network = result.network.network
    router = compile_router(network, "road")
    towns = network.settlements
    large = towns[towns["population"] >= CITY_PEOPLE]
    segments = result.tables["segments"]
    regions, rows = network.base.regions, []
    for side in ("a", "b"):
        ends = large.loc[large["side"] == side, "node"].to_numpy(np.int64)
        inside = regions.loc[regions["side"] == side].union_all()
        at = segments[["lon", "lat"]].to_numpy(float)
        moved = [
            at,
            *(
                np.column_stack(GEOD.fwd(*at.T, np.full(len(at), az), np.full(len(at), MOVED_M))[:2])
                for az in range(0, 360, 45)
            ),
        ]
        own = [shapely.contains_xy(inside, *xy.T) for xy in moved]
        minutes = []
        for xy, here in zip(moved, own, strict=True):
            least = np.full(len(xy), np.nan)
            points = router.attach(xy[here], np.full(here.sum(), side, dtype=object), limit_km=network.limits.point_km)
            table = router.point_table(points, ends, FIELDS["open"])
            least[here] = np.where(np.isfinite(table).any(axis=1), table.min(axis=1, initial=np.inf), np.nan)
            minutes.append(least)
        table = np.array(minutes)
        known = np.isfinite(table).sum(axis=0) >= 2
        spread = np.nanmax(table[:, known], axis=0) - np.nanmin(table[:, known], axis=0)
        rows.append((int(known.sum()), float(np.median(spread)), float(spread.max()), int((spread > 60).sum())))
    return "\n".join(
        [
            "## Places beside the line moved by 2 km",
            f"The middles of the border segments and eight points {MOVED_M / 1000:g} km around each, those on a "
            f"side: minutes to the nearest city of at least {CITY_PEOPLE:,} people of that "
            "side, network `open`, longest less shortest.",
            "",
            "| side | places | median, min | most, min | more than an hour |",
            "|---|---|---|---|---|",
            *(
                f"| {n} | {c} | {m:.0f} | {w:.0f} | {h} |"
                for n, (c, m, w, h) in zip(result.study.sides, rows, strict=True)
            ),
            "",
            "Where the line bends, a point on it or across a bend joins a farther road, for no straight "
            "connector leads through the neighbour for more than `line_tolerance_km`: with 6 km in the place "
            "of 1 four of 467 places differ by more than an hour, with and without water as many as here "
            "(2026-11-28).",
        ]
    )


def _independent(result: gis.Result) -> str:
    """Return the part on numbers recomputed by other code: networkx on the exported graph, sums in plain Python."""
    network = result.network.network
    graph = result.network.to_graph()
    roads = nx.MultiDiGraph((u, v, d) for u, v, d in graph.edges(data=True) if d["mode"] == "road")
    towns = network.settlements[network.settlements["node"] >= 0]
    some = towns.sample(60, random_state=1)
    node = some["node"].to_numpy()
    router = compile_router(network, "road")
    worst = {}
    for field, column in FIELDS.items():
        ours = router.table(node, node, column)
        theirs = np.full_like(ours, np.inf)
        for i, n in enumerate(node):
            tree = nx.single_source_dijkstra_path_length(roads, n, weight=column) if n in roads else {}
            theirs[i] = [tree.get(m, np.inf) for m in node]
        both = np.isfinite(ours) & np.isfinite(theirs)
        assert (np.isfinite(ours) == np.isfinite(theirs)).all()
        worst[field] = (int(both.sum()), float(np.abs(ours[both] - theirs[both]).max()))
    border = result.tables["regions"]["border_km"].sum()
    line = result.layers["border_line"]
    metres = sum(
        float(geodesic_m(*np.asarray(part.coords)[:-1].T, *np.asarray(part.coords)[1:].T).sum())
        for part in line.geometry.explode(ignore_index=True)
    )
    rows = [
        f"| minutes between 60 settlements, {f} | networkx on the exported graph | {n:,} pairs | {d:.1e} min |"
        for f, (n, d) in worst.items()
    ]
    return "\n".join(
        [
            "## Numbers recomputed by other code",
            "",
            "| number | beside | of | largest difference |",
            "|---|---|---|---|",
            *rows,
            f"| length of the border | geodesic pieces of the layer, summed | {metres / 1000:,.1f} km | "
            f"{abs(metres / 1000 - border / 2):.1e} km |",
            "",
            "In the tests: betweenness and efficiency beside networkx and igraph, Kansky's indices beside "
            "momepy, floating catchments beside PySAL's access, "
            "spatial statistics beside esda, cuts beside networkx's flows, closures and edits beside full rebuilds.",
        ]
    )


def _seeds(result: gis.Result) -> str:
    """Return the part on seeds: the findings of five."""
    study = result.study
    said = [
        result.findings if s == study.analysis.seed else gis.solve(study.with_analysis(seed=s)).findings for s in SEEDS
    ]
    same = all(lines == said[0] for lines in said)
    differing = [i for i in range(min(map(len, said))) if len({lines[i] for lines in said}) > 1]
    text = (
        "are the same to the letter."
        if same
        else f"differ in sentences {', '.join(str(i + 1) for i in differing)} of {len(said[0])}."
    )
    return f"## Seeds\n\nThe findings of seeds {', '.join(map(str, SEEDS))} {text}"


def _nulls() -> str:
    """Return the part on the null of smooth surfaces: false alarms, and what is found of stretches that are raised."""
    table = found_shares(surfaces=SURFACES)
    heads = " | ".join(table.columns)
    rows = [f"| {name} | " + " | ".join(f"{v:.2f}" for v in row) + " |" for name, row in table.iterrows()]
    fig, ax = plt.subplots(figsize=(6.4, 3.4), dpi=150)
    raised = [c for c in table.columns if "skewed" not in c]
    for (name, row), colour in zip(table.iterrows(), ("#999999", "#0072b2", "#d55e00", "#009e73"), strict=False):
        ax.plot(range(len(raised)), row[raised], marker="o", color=colour, label=str(name))
    ax.axhline(0.05, color="#888888", lw=0.8, ls="--")
    ax.set_ylim(0, 1.02)
    ax.set_xticks(range(len(raised)), raised)
    ax.set_ylabel("share of surfaces with a find")
    ax.legend(fontsize=7, frameon=False)
    fig.tight_layout()
    fig.savefig(PICTURES / "power.png")
    plt.close(fig)
    return "\n".join(
        [
            "## The null of smooth surfaces",
            f"{SURFACES} surfaces for each column on 169 hexagons (autoregression, ρ = 0.8; the tests fit their "
            "own), a stretch of 4–12 cells raised by standard deviations of "
            "the surface; found at 0.05: one of its cells, and with nothing raised any cell at all, a false "
            "alarm (`docs/null_power.py`).",
            "",
            f"| test | {heads} |",
            "|---" * (1 + len(table.columns)) + "|",
            *rows,
            "",
            "![What is found of a raised stretch](images/validation/power.png)",
        ]
    )


if __name__ == "__main__":
    main()
    sys.stdout.write("docs/validation.md\n")
