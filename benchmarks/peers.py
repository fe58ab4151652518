"""Ways beside those of OSRM and Valhalla.

``python -m benchmarks.peers FILE --osrm FOLDER --valhalla PYTHON [--pairs 1000]``.

All three read the same PBF for cars; places are nodes of its roads, the same for all. Distances of the quickest ways,
and how minutes rank. FOLDER is the ``osrm`` of an unpacked wheel of osrm-bindings (its ``bin`` and ``share``), PYTHON
one that has pyvalhalla. Ends with code 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from layers.crs import fit_equal_area
from layers.sources.pbf.read import read_network
from network.simplify import simplify
from network.speeds import with_speeds
from network.topology import Tables, assemble
from network.turns import split_turns
from network.vehicles import usable_roads

AIM_MEDIAN, AIM_95 = 0.03, 0.05
"""Share of the distance: the median difference to each peer, and at the 95th percentile what ours may differ from the
nearer peer beyond what the peers differ from each other."""
ORIGINS = 40
SNAP_M = 30.0
PORT = 5907

VALHALLA = """
import json, sys
import valhalla
from pathlib import Path
folder, pairs = Path(sys.argv[1]), json.load(open(sys.argv[2]))
actor = valhalla.Actor(str(folder / "valhalla.json"))
out = []
for (a, b), (c, d) in pairs:
    try:
        query = {"locations": [{"lon": a, "lat": b}, {"lon": c, "lat": d}], "costing": "auto", "units": "kilometers"}
        trip = actor.route(query)["trip"]["summary"]
        out.append((trip["length"] * 1000, trip["time"]))
    except RuntimeError:
        out.append((None, None))
print(json.dumps(out))
"""


def ours(path: Path, pairs: int, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Return pairs of places, shape (n, 2, 2), and metres and seconds of the quickest ways between them."""
    got = read_network(path)
    roads, _, _ = usable_roads(got.roads)
    crs = fit_equal_area(
        shapely.LineString(
            shapely.get_coordinates(shapely.envelope(shapely.union_all(roads.geometry.to_numpy()))).tolist()
        )
    )
    tables = assemble({"road": roads}, crs)
    links = with_speeds(tables.links.assign(country=""))
    links = links.assign(wait_min=0.0, checkpoint_id="", crossing_id="", passable=True)
    keep = tables.nodes["ref"].isin(got.turns[["via", "via_to"]].astype(str).to_numpy().ravel()).to_numpy()
    tables, _ = split_turns(
        Tables(tables.nodes, simplify(Tables(tables.nodes, links, crs), keep)[0].links, crs), got.turns
    )
    links, n = tables.links, len(tables.nodes)
    through = links["through"].to_numpy(bool)
    links = links[through]
    u, v, both = links["u"].to_numpy(), links["v"].to_numpy(), ~links["oneway"].to_numpy(bool)
    cost, metres = links["time_min"].to_numpy(float) * 60, links["length_m"].to_numpy(float)
    table = pd.DataFrame(
        {"u": np.r_[u, v[both]], "v": np.r_[v, u[both]], "s": np.r_[cost, cost[both]], "m": np.r_[metres, metres[both]]}
    )
    table = table.sort_values("s", kind="stable").drop_duplicates(["u", "v"])
    graph = coo_array((np.maximum(table["s"], 1e-9), (table["u"], table["v"])), shape=(n, n)).tocsr()
    _, part = connected_components(graph, connection="strong")
    main = np.flatnonzero(part == np.bincount(part).argmax())
    # Places on which all agree where they are: nodes of roads that are not split.
    main = main[~tables.nodes["ref"].duplicated(keep=False).to_numpy()[main]]
    rng = np.random.default_rng(seed)
    begin = rng.choice(main, ORIGINS, replace=False)
    length = table.set_index(["u", "v"])["m"].to_dict()
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    places, rows = [], []
    for origin in begin:
        far, before = dijkstra(graph, indices=origin, return_predecessors=True)
        for end in rng.choice(main, pairs // ORIGINS, replace=False):
            node, way = int(end), 0.0
            while node != origin:
                way += length[int(before[node]), node]
                node = int(before[node])
            places.append((xy[origin], xy[end]))
            rows.append((way, far[end]))
    return np.array(places), pd.DataFrame(rows, columns=["m", "s"])


def osrm(path: Path, folder: Path, places: np.ndarray) -> pd.DataFrame:
    """Return the same by OSRM; NaN where it finds no way or takes another place."""
    with tempfile.TemporaryDirectory() as name:
        own = Path(name) / "a.osm.pbf"
        shutil.copy(path, own)
        base = str(Path(name) / "a.osrm")
        for command in (
            ["osrm-extract", "-t", "1", "-p", str(folder / "share/profiles/car.lua"), str(own)],
            ["osrm-contract", "-t", "1", base],
        ):
            subprocess.run([str(folder / "bin" / command[0]), *command[1:]], check=True, capture_output=True)
        server = subprocess.Popen(
            [str(folder / "bin/osrm-routed"), "-i", "127.0.0.1", "-p", str(PORT), "-t", "1", base],
            stdout=subprocess.DEVNULL,
        )
        try:
            time.sleep(3)
            rows = []
            for (a, b), (c, d) in places:
                address = f"http://127.0.0.1:{PORT}/route/v1/driving/{a:.7f},{b:.7f};{c:.7f},{d:.7f}?overview=false"
                try:
                    with urllib.request.urlopen(address, timeout=20) as answer:
                        said = json.load(answer)
                except urllib.error.HTTPError:
                    rows.append((np.nan, np.nan))
                    continue
                near = max(w["distance"] for w in said["waypoints"]) <= SNAP_M
                rows.append(
                    (said["routes"][0]["distance"], said["routes"][0]["duration"]) if near else (np.nan, np.nan)
                )
        finally:
            server.terminate()
            server.wait()
    return pd.DataFrame(rows, columns=["m", "s"])


def valhalla(path: Path, python: Path, places: np.ndarray) -> pd.DataFrame:
    """Return the same by Valhalla."""
    with tempfile.TemporaryDirectory() as name:
        folder, python = Path(name), python.absolute()
        (folder / "tiles").mkdir()
        make = (
            "import json, sys; from valhalla import get_config; json.dump(get_config(tile_extract='', "
            "tile_dir=sys.argv[1], verbose=False), open(sys.argv[2], 'w'))"
        )
        subprocess.run([str(python), "-c", make, str(folder / "tiles"), str(folder / "valhalla.json")], check=True)
        # Its launcher looks for itself in the path.
        env = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        build = [str(python.parent / "valhalla_build_tiles"), "-c", str(folder / "valhalla.json"), str(path.resolve())]
        subprocess.run(build, check=True, capture_output=True, env=env, cwd=folder)  # it leaves lists where it runs
        (folder / "pairs.json").write_text(json.dumps(places.tolist()))
        told = subprocess.run(
            [str(python), "-c", VALHALLA, str(folder), str(folder / "pairs.json")],
            check=True,
            capture_output=True,
            text=True,
        )
    lines = [line for line in told.stdout.splitlines() if line.startswith("[[")]
    return pd.DataFrame(json.loads(lines[-1]), columns=["m", "s"]).astype(float)


def compared(tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, bool]:
    """Return how distances of each two differ, and how their minutes rank; and whether the aims are met."""
    known = np.logical_and.reduce([t["m"].notna().to_numpy() & (t["m"] > 0).to_numpy() for t in tables.values()])
    metres = {name: t["m"].to_numpy(float)[known] for name, t in tables.items()}
    seconds = pd.DataFrame({name: t["s"].to_numpy(float)[known] for name, t in tables.items()})
    rank = seconds.corr("spearman")
    rows, off = [], {}
    for one, other in (("ours", "OSRM"), ("ours", "Valhalla"), ("OSRM", "Valhalla")):
        share = np.abs(metres[one] / metres[other] - 1)
        off[one, other] = share
        rows.append(
            (
                f"{one}, {other}",
                known.sum(),
                np.median(share),
                np.quantile(share, 0.95),
                np.median(metres[one] / metres[other]),
                rank.loc[one, other],
            )
        )
    nearer = np.minimum(off["ours", "OSRM"], off["ours", "Valhalla"])
    limit = np.quantile(off["OSRM", "Valhalla"], 0.95) + AIM_95
    fine = (
        all(np.median(off["ours", p]) <= AIM_MEDIAN for p in ("OSRM", "Valhalla"))
        and np.quantile(nearer, 0.95) <= limit
    )
    table = pd.DataFrame(rows, columns=["pair", "ways", "median", "95th", "ratio", "rank of minutes"])
    sys.stdout.write(f"to the nearer peer, 95th percentile {np.quantile(nearer, 0.95):.3f}, allowed {limit:.3f}\n")
    return table, bool(fine)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--osrm", type=Path, required=True)
    parser.add_argument("--valhalla", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    places, own = ours(given.file, given.pairs, given.seed)
    tables = {
        "ours": own,
        "OSRM": osrm(given.file, given.osrm, places),
        "Valhalla": valhalla(given.file, given.valhalla, places),
    }
    table, fine = compared(tables)
    sys.stdout.write(table.round(3).to_string(index=False) + "\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
