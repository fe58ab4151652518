"""A belt as dense as a country's roads.

``python -m benchmarks.country FOLDER [--junctions 71000] [--places 10000] [--what belt|run|tables]``.

Makes a jittered grid of junctions over the packaged border's belt (every eighth row a trunk road, every fourth a
primary one, the rest secondary and tertiary; 15 % of the links are missing), takes it as ``[layers] roads`` beside the
packaged settlements, posts and railways, and measures the whole run, a second run with another wait, `route` and
`scenario`, each in a process of its own, and the table of 1,000 × 1,000 minutes beside scipy and, from a sample of its
trees, networkx. CPU seconds (user and system) of whole processes, wall seconds and peak memory. ``--places`` adds
generated villages to the packaged settlements and takes cells of H3's resolution 5.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.machine import ROOT, Usage, describe, load
from gis import build, load_study, prepare
from layers.crs import WGS84, project
from layers.regions import belt, border_line, study_crs
from layers.sources.snapshot import read_snapshot
from network.routing import compile_router

DEPTH_KM = 300.0
MISSING = 0.15
SIDE = 1000
"""Places on either side of the table."""
SAMPLE = 4
"""Trees that networkx grows; the rest is counted up."""


def grid(junctions: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Return the roads of a jittered grid of about so many junctions over the belt of the packaged border."""
    border = border_line(read_snapshot("regions"), ("RU", "KZ"))
    crs = study_crs(border)
    zone = belt(border, DEPTH_KM, crs)
    shapely.prepare(zone)
    step = float(np.sqrt(zone.area / junctions))
    left, low, right, high = zone.bounds
    columns, rows = int((right - left) / step) + 1, int((high - low) / step) + 1
    rng = np.random.default_rng(seed)
    x, y = (a.astype(float) for a in np.meshgrid(np.arange(columns), np.arange(rows)))
    xy = np.stack(
        [left + step * (x + rng.uniform(-0.3, 0.3, x.shape)), low + step * (y + rng.uniform(-0.3, 0.3, y.shape))],
        axis=-1,
    )
    inside = shapely.contains_xy(zone, xy[..., 0], xy[..., 1])
    number = np.arange(inside.size).reshape(inside.shape)
    tail = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    head = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    line = np.concatenate([np.repeat(np.arange(rows), columns - 1), np.tile(np.arange(columns), rows - 1)])
    kind = np.select([line % 8 == 0, line % 4 == 0, line % 2 == 0], ["trunk", "primary", "secondary"], "tertiary")
    use = inside.ravel()[tail] & inside.ravel()[head] & (rng.random(len(tail)) >= MISSING)
    ends = project(shapely.points(xy.reshape(-1, 2)), crs, WGS84)
    points = shapely.get_coordinates(ends)
    lines = shapely.linestrings(np.stack([points[tail[use]], points[head[use]]], axis=1))
    return gpd.GeoDataFrame({"kind": kind[use]}, geometry=lines, crs=WGS84)


def settlements(count: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Return the packaged settlements of the belt, with villages strewn over it up to a number.

    Villages have 50 to 5,000 people, small ones more often (logarithms are even).
    """
    regions, known = read_snapshot("regions"), read_snapshot("settlements")
    border = border_line(regions, ("RU", "KZ"))
    zone = project(belt(border, DEPTH_KM, study_crs(border)), study_crs(border), WGS84)
    known = known[shapely.intersects(known.geometry.to_numpy(), zone)].reset_index(drop=True)
    rng = np.random.default_rng(seed)
    shapely.prepare(zone)
    left, low, right, high = zone.bounds
    x, y = rng.uniform(left, right, 8 * count), rng.uniform(low, high, 8 * count)
    spots = gpd.GeoDataFrame(geometry=shapely.points(x, y)[shapely.contains_xy(zone, x, y)], crs=WGS84)
    found = spots.sjoin(regions[["country", "geometry"]], predicate="within")
    found = found[found["country"].isin(("RU", "KZ"))].head(max(count - len(known), 0)).reset_index(drop=True)
    villages = found.assign(
        settlement_id=10**8 + np.arange(len(found)),
        name=[f"Village {i + 1}" for i in range(len(found))],
        names="",
        population=np.exp(rng.uniform(np.log(50), np.log(5000), len(found))).astype(int),
    )
    return gpd.GeoDataFrame(pd.concat([known, villages[list(known.columns)]], ignore_index=True), crs=WGS84)


def write_belt(folder: Path, junctions: int, places: int = 0) -> Path:
    """Write the roads, settlements where more are wanted than packaged, and a study of them; return the study."""
    folder.mkdir(parents=True, exist_ok=True)
    study = folder / "study.toml"
    if not study.is_file():
        grid(junctions).to_parquet(folder / "roads.parquet")
        text = 'sides = ["RU", "KZ"]\n[layers]\nroads = "roads.parquet"\n'
        if places:
            settlements(places).to_parquet(folder / "settlements.parquet")
            text += 'settlements = "settlements.parquet"\n[analysis]\nh3_resolution = 5\n'
        study.write_text(f"{text}[connectors]\nsettlement_km = 10\n", encoding="utf-8")
    return study


def command(folder: Path, *words: str) -> Usage:
    """Return what a command of borderlink takes, in a process of its own, with the cache in the folder."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "BORDERLINK_CACHE": str(folder / "cache")}
    with (folder / "log").open("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "gis.cli", *words], cwd=folder, env=env, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"borderlink {' '.join(words)} ended with {process.returncode}:\n{log.read()[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale / 1e9)


def runs(folder: Path, study: Path) -> Iterator[tuple[str, Usage]]:
    """Give what the commands take, in turn, each as soon as it is known."""
    other = folder / "other.toml"
    other.write_text(study.read_text(encoding="utf-8") + "[waits]\nroad-bugristoe = 55.0\n", encoding="utf-8")
    commands = {
        "whole run, cold": ("run", study.name, "--fresh"),
        "second run, one wait changed": ("run", other.name),
        "route, network kept": ("route", "Orenburg", "Aktobe", "--study", study.name),
        "departure, network kept": ("route", "Orenburg", "Aktobe", "--study", study.name, "--at", "Mon 08:00"),
        "scenario --close, network kept": ("scenario", study.name, "--close", "road-bugristoe"),
    }
    for name, words in commands.items():
        yield name, command(folder, *words)


def tables(study: Path) -> dict[str, float]:
    """Return CPU seconds of a table of minutes in three networks.

    Ours, scipy by itself, networkx counted up from a sample.
    """
    import networkx as nx
    from scipy.sparse.csgraph import dijkstra

    network = build(prepare(load_study(study)))
    router = compile_router(network, "road")
    nodes = np.random.default_rng(0).choice(router.nodes, 2 * SIDE, replace=False)
    fields = ("borderless_min", "open_min", "actual_min")
    start = time.process_time()
    ours = [router.table(nodes[:SIDE], nodes[SIDE:], field) for field in fields]
    seconds = {"borderlink": time.process_time() - start}
    at = router.positions(nodes)
    start = time.process_time()
    theirs = [dijkstra(router.costs[f], indices=at[:SIDE])[:, at[SIDE:]] for f in fields]
    seconds["scipy"] = time.process_time() - start
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    graph = nx.from_scipy_sparse_array(router.costs["actual_min"], create_using=nx.DiGraph)
    start = time.process_time()
    for i in range(SAMPLE):
        found = nx.single_source_dijkstra_path_length(graph, int(at[i]))
        np.testing.assert_allclose([found.get(int(j), np.inf) for j in at[SIDE:]], ours[2][i], rtol=1e-9)
    seconds["networkx"] = (time.process_time() - start) / SAMPLE * SIDE * len(fields)
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--junctions", type=int, default=71_000)
    parser.add_argument("--places", type=int, default=0)
    parser.add_argument("--what", choices=("belt", "run", "tables"), default="run")
    given = parser.parse_args(arguments)
    before = load()
    study = write_belt(given.folder, given.junctions, given.places)
    if given.what == "run":
        for name, usage in runs(given.folder, study):
            print(f"| {name} | {usage.cpu_s:.1f} CPU s | {usage.wall_s:.1f} s | {usage.peak_gb:.2f} GB |", flush=True)
    if given.what == "tables":
        for name, seconds in tables(study).items():
            print(f"| table of {SIDE} × {SIDE} in three networks: {name} | {seconds:.1f} CPU s |", flush=True)
    print("\n".join(describe({given.what: before})))


if __name__ == "__main__":
    main()
