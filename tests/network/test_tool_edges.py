"""Lines for network tools: joined by their coordinates alone, they give the minutes of the router."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shapely

from layers.crs import GEOD
from maps.contents import Contents
from maps.qgis.project import write_qgis
from maps.styles.edges import ROAD_EDGES
from network.build import Network
from network.routing import compile_router
from network.tool_edges import STEP_DEG, tool_edges
from tests.borders import joined_nodes, random_network

SEEDS = range(4)
TOOLS = Path(__file__).parents[1] / "clients" / "network_tools.py"


def _as_a_tool_reads_it(table) -> tuple[nx.MultiDiGraph, dict[int, tuple[float, float]]]:
    """Return the graph of all vertices of the lines with hours by length and speed, and where the nodes are."""
    graph, at = nx.DiGraph(), {}
    for row in table.itertuples():
        xy = [tuple(p) for p in shapely.get_coordinates(row.geometry)]
        for node, end in ((row.from_node, xy[0]), (row.to_node, xy[-1])):
            assert at.setdefault(node, end) == end
        for a, b in pairwise(xy):
            if a == b:
                continue
            minutes = 0.06 * GEOD.line_length(*zip(a, b, strict=True)) / row.drawn_kph
            for one, two in ((a, b), (b, a)) if row.travel_direction == "both" else ((a, b),):
                known = graph.get_edge_data(one, two, {"minutes": np.inf})["minutes"]
                graph.add_edge(one, two, minutes=min(minutes, known))
    return graph, at


@pytest.mark.parametrize("mode", ["road", "rail"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_tool_that_joins_lines_by_coordinates_finds_our_minutes(seed: int, mode: str) -> None:
    network = random_network(seed)
    table = tool_edges(network, mode)
    graph, at = _as_a_tool_reads_it(table)
    router = compile_router(network, mode)
    roots = sorted(at)[:: max(len(at) // 5, 1)]
    ours = router.trees(roots, "actual_min")
    for root, minutes in zip(roots, ours, strict=True):
        theirs = nx.single_source_dijkstra_path_length(graph, at[root], weight="minutes")
        for node, place in at.items():
            held = minutes[router.position[node]]
            found = theirs.get(place, np.inf)
            assert found == pytest.approx(held, abs=1e-3) or (np.isinf(held) and np.isinf(found))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gate_is_a_line_of_its_own_with_its_wait_and_a_closed_one_is_absent(seed: int) -> None:
    network: Network = random_network(seed)
    table = tool_edges(network, "road")
    gates = network.links[(network.links["kind"] == "gate") & (network.links["mode"] == "road")]
    drawn = table[table["kind"] == "gate"]
    assert len(drawn) == int(gates["passable"].sum())
    assert drawn["wait_min"].tolist() == pytest.approx(gates.loc[gates["passable"], "wait_min"].tolist())
    assert drawn["cost_min"].to_numpy() == pytest.approx(
        (drawn["time_min"] + drawn["wait_min"]).to_numpy(), abs=0.000_501
    )  # whole thousandths
    assert (drawn["checkpoint"] != "").all() and (table.loc[table["kind"] != "gate", "checkpoint"] == "").all()
    assert (shapely.length(drawn.geometry.to_numpy()) >= STEP_DEG * 0.99).all()
    assert not table["kind"].eq("line").any()


@pytest.mark.parametrize("seed", [0])
def test_qgis_finds_our_ways_and_service_areas(seed: int, tmp_path: Path) -> None:
    python = Path("/usr/bin/python3")
    if not python.is_file():
        pytest.skip("no system Python, which PyQGIS belongs to")
    network = random_network(seed)
    table = tool_edges(network, "road")
    contents = Contents(title="Border", layers={"edges_road": table}, styles=[ROAD_EDGES], crs=network.crs)
    write_qgis(tmp_path, "border", contents)
    _, at = _as_a_tool_reads_it(table)
    router = compile_router(network, "road")
    homes = [int(n) for n in joined_nodes(network) if n in at][:4]
    minutes = router.trees(homes, "actual_min")[:, router.position[homes]]
    limit = float(np.median(minutes[np.isfinite(minutes) & (minutes > 0)]))
    pairs = [(a, b) for a in range(len(homes)) for b in range(len(homes)) if a != b]
    jobs = {"ways": [[*at[homes[a]], *at[homes[b]]] for a, b in pairs], "areas": [[*at[homes[0]], limit]]}
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    command = [str(python), str(TOOLS), str(tmp_path / "border.gpkg"), "edges_road", str(tmp_path / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    if done.returncode == 77:
        pytest.skip(done.stdout)
    found = json.loads(done.stdout[done.stdout.index("{") :])
    for (a, b), theirs in zip(pairs, found["ways"], strict=True):
        assert (theirs is None and np.isinf(minutes[a, b])) or theirs == pytest.approx(minutes[a, b], rel=1e-5)
    reached = {(round(x, 7), round(y, 7)) for x, y in found["areas"][0]}
    costs = router.trees(homes[:1], "actual_min")[0]
    for node, (x, y) in at.items():
        cost = costs[router.position[node]]
        if abs(cost - limit) > 1e-3:
            assert ((round(x, 7), round(y, 7)) in reached) == (cost < limit)
