"""PBF to split roads: ``python -m benchmarks.pbf FILE... [--pyrosm PYTHON] [--regions FILE]``.

borderlink's `read_network` against ``osmium fileinfo -e`` (which reads everything and keeps nothing) and pyrosm's
``get_network`` with ``to_graph`` (networkx and igraph), and `read_regions` of a file with boundaries, each in a process
of its own: CPU seconds, wall seconds, peak memory. Files come from ``python -m benchmarks.make_pbf`` or anywhere. Ends
with code 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
AIM_PYROSM_CPU, AIM_PYROSM_MEMORY, AIM_FLOOR, AIM_REGIONS = 6.0, 4.0, 8.0, 2.0

OURS = """
import json, sys
from layers.sources.pbf.read import read_network
got = read_network(sys.argv[1])
roads = got.roads
import shapely
steps = int(shapely.get_num_coordinates(roads.geometry.to_numpy()).sum()) - len(roads)
print(json.dumps({"ways": int(roads["osm_id"].nunique()), "steps": steps, "pieces": len(roads)}))
"""

REGIONS = """
import json, sys
from layers.sources.pbf.read import read_regions
got, report = read_regions(sys.argv[1])
print(json.dumps({"regions": len(got), "cut off": len(report["cut_off"])}))
"""

PYROSM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from pyrosm import OSM
osm = OSM(sys.argv[1])
nodes, edges = osm.get_network(network_type="all", nodes=True)
out = {"ways": int(edges["id"].nunique()), "steps": len(edges)}
if sys.argv[2] != "none":
    graph = osm.to_graph(nodes, edges, graph_type=sys.argv[2], retain_all=True)
    out["directed edges"] = graph.number_of_edges() if sys.argv[2] == "networkx" else graph.ecount()
print(json.dumps(out))
"""


@dataclass(frozen=True)
class Took:
    """What a process took, and what it said."""

    cpu_s: float
    wall_s: float
    peak_gb: float
    said: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and the verdicts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pbf", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="PBF files; a later one is set against the first")
    parser.add_argument("--python", default=sys.executable, help="interpreter with borderlink's dependencies")
    parser.add_argument("--pyrosm", help="interpreter with pyrosm, networkx and igraph; without it pyrosm is left out")
    parser.add_argument("--regions", type=Path, help="PBF file with boundaries: benchmarks.make_pbf --boundaries")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    rows: list[tuple[str, str, Took]] = []
    missed = []
    first = options.files[0].name
    for path in options.files:
        ours = _median([_run([options.python, "-c", OURS, str(path)]) for _ in range(options.repeats)])
        rows.append((path.name, "borderlink read_network", ours))
        floor = _floor(path, options.repeats)
        if floor:
            rows.append((path.name, "osmium fileinfo -e", floor))
            missed += _aim(f"{path.name}: fileinfo", ours.cpu_s / floor.cpu_s, AIM_FLOOR, at_most=True)
        if options.pyrosm and path.name == first:
            for graph in ("none", "igraph", "networkx"):
                took = _run([options.pyrosm, "-c", PYROSM, str(path), graph])
                rows.append((path.name, f"pyrosm get_network, graph {graph}", took))
                if graph != "none":
                    missed += _aim(f"pyrosm {graph}, CPU", took.cpu_s / ours.cpu_s, AIM_PYROSM_CPU)
                    missed += _aim(f"pyrosm {graph}, memory", took.peak_gb / ours.peak_gb, AIM_PYROSM_MEMORY)
        if path.name != first:
            start = next(t for name, what, t in rows if name == first and what.startswith("borderlink"))
            larger = path.stat().st_size / options.files[0].stat().st_size
            # The file and the time grow from what an empty run takes, which is in both.
            missed += _aim(f"{path.name}: time over {first}", ours.cpu_s / start.cpu_s, larger, at_most=True)
    if options.regions:
        took = _median([_run([options.python, "-c", REGIONS, str(options.regions)]) for _ in range(options.repeats)])
        rows.append((options.regions.name, "borderlink read_regions", took))
        floor = _floor(options.regions, options.repeats)
        if floor:
            rows.append((options.regions.name, "osmium fileinfo -e", floor))
            missed += _aim("read_regions: fileinfo", took.cpu_s / floor.cpu_s, AIM_REGIONS, at_most=True)
    # Every step between two nodes of a road must be in both; pyrosm's log lines stand before its last line.
    counted = [(what, json.loads(t.said)) for name, what, t in rows if name == first and "steps" in t.said]
    if len({(c["ways"], c["steps"]) for _, c in counted}) > 1:
        print(f"- COUNTS DIFFER: {counted}")
        missed.append("counts")
    print("| file | what | CPU s | wall s | peak GB | counts |\n|---|---|---|---|---|---|")
    for name, what, took in rows:
        print(f"| {name} | {what} | {took.cpu_s:.2f} | {took.wall_s:.2f} | {took.peak_gb:.2f} | {took.said} |")
    print(f"load {os.getloadavg()[0]:.2f}")
    return int(bool(missed))


def _aim(what: str, ratio: float, aim: float, *, at_most: bool = False) -> list[str]:
    """Print a verdict; return what was missed."""
    met = ratio <= aim if at_most else ratio >= aim
    print(f"- {what}: {ratio:.2f}× ({'at most' if at_most else 'at least'} {aim:.2f}): {'met' if met else 'MISSED'}")
    return [] if met else [what]


def _floor(path: Path, repeats: int) -> Took | None:
    """Return what osmium takes to read everything; None where it is not installed."""
    osmium = shutil.which("osmium")
    if osmium is None:
        return None
    took = _median([_run([osmium, "fileinfo", "-e", "-j", str(path)]) for _ in range(repeats)])
    count = json.loads(took.said)["data"]["count"]
    return Took(took.cpu_s, took.wall_s, took.peak_gb, f"{count['nodes']:,} nodes, {count['ways']:,} ways")


def _run(command: Sequence[str]) -> Took:
    """Run a command to its end."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as out:
        start = perf_counter()
        process = subprocess.Popen(command, stdout=out, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        out.seek(0)
        text = out.read().strip()
        said = text if "-j" in command else text.splitlines()[-1]
    scale = 1 if sys.platform == "darwin" else 1024
    return Took(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * scale / 1e9, said)


def _median(runs: Sequence[Took]) -> Took:
    """Return the median times; of memory the largest."""
    return Took(
        statistics.median(r.cpu_s for r in runs),
        statistics.median(r.wall_s for r in runs),
        max(r.peak_gb for r in runs),
        runs[0].said,
    )


if __name__ == "__main__":
    sys.exit(main())
