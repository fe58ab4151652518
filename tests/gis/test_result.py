"""A result in memory: its network answers as the command line does, and writing it is a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest

import gis
from layers.errors import PlaceError
from tests.borders import random_land

if TYPE_CHECKING:
    pass

LAND = random_land(3)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> gis.Result:
    folder = tmp_path_factory.mktemp("study")
    lines = [f'sides = ["{LAND.countries[0]}", "{LAND.countries[1]}"]', "[layers]"]
    for name in ("regions", "roads", "railways", "settlements", "checkpoints"):
        getattr(LAND, name).to_file(folder / f"{name}.gpkg", layer=name)
        lines.append(f'{name} = "{name}.gpkg"')
    (folder / "study.toml").write_text("\n".join([*lines, "[analysis]", "permutations = 99"]))
    return gis.solve(folder / "study.toml")


def names(result: gis.Result) -> list[str]:
    """Return settlements whose names are their own."""
    table = result.network.network.settlements
    alone = table[~table["name"].duplicated(keep=False)]
    return [str(n) for n in alone["name"]]


def test_a_result_holds_tables_layers_and_findings(result: gis.Result) -> None:
    assert {"cells", "regions", "checkpoints", "segments"} <= set(result.tables)
    assert {"cells", "regions", "border_line"} <= set(result.layers)
    assert result.layers["cells"].crs == "EPSG:4326"
    assert result.findings
    assert "Network of" in repr(result)


@pytest.mark.parametrize("field", ["borderless", "open", "actual"])
def test_the_matrix_agrees_with_networkx_and_its_parts_add_up(result: gis.Result, field: str) -> None:
    some = names(result)[::3]
    table = result.network.matrix(some, some, field=field)
    network = result.network.network
    graph = result.network.to_graph()
    # Of parallel links the quickest that is by road; a connector of a station belongs to the railway.
    roads = nx.MultiDiGraph((u, v, d) for u, v, d in graph.edges(data=True) if d["mode"] == "road")
    node = dict(zip(network.settlements["name"], network.settlements["node"], strict=True))
    label = {f"{r['name']}, {r['region_name']}": r["node"] for _, r in network.settlements.iterrows()}
    assert len(table) == len(some) ** 2
    for start in some:
        tree = (
            nx.single_source_dijkstra_path_length(roads, node[start], weight=f"{field}_min")
            if node[start] in roads
            else {}
        )
        own = table[table["origin"].map(label) == node[start]]
        for end, minutes in zip(own["destination"].map(label), own["minutes"], strict=True):
            wanted = tree.get(end, np.inf)
            assert np.isclose(minutes, wanted, rtol=1e-9) if np.isfinite(wanted) else np.isnan(minutes)
    passed = table["checkpoints"] != ""
    assert passed.any() or field == "borderless"  # whose ways may all lead over crossings without a checkpoint
    waits = network.checkpoints.set_index("checkpoint_id")["wait_min"]
    if field == "actual":
        summed = [sum(waits[c] for c in text.split("|")) for text in table.loc[passed, "checkpoints"]]
        assert np.allclose(table.loc[passed, "wait_min"], summed)
    else:
        assert (table["wait_min"].fillna(0) == 0).all()


def test_a_way_is_the_same_as_in_the_matrix(result: gis.Result) -> None:
    table = result.network.network.settlements
    one, other = (str(table.loc[table["side"] == s, "name"].iloc[0]) for s in ("a", "b"))
    way = result.network.route(one, other)
    row = result.network.matrix([one], [other]).iloc[0]
    assert np.isclose(way.minutes, row["minutes"])
    assert np.isclose(way.length_m, row["length_m"])
    assert "|".join(way.checkpoints) == row["checkpoints"]


def test_edits_leave_the_network_as_it_is_and_undo_each_other(result: gis.Result) -> None:
    network = result.network
    ids = network.network.checkpoints.query("open and mode == 'road'")["checkpoint_id"].tolist()
    before = network.network.links["actual_min"].to_numpy().copy()
    after = network.edit(gis.Close(ids[0]), gis.Wait(ids[1], 7.0))
    assert np.array_equal(before, network.network.links["actual_min"].to_numpy())
    assert len(after.notes) == 2
    assert not after.network.checkpoints.set_index("checkpoint_id")["open"][ids[0]]
    found = gis.compare(result, after)
    assert set(found.tables) == {"totals", "regions", "checkpoints", "cells", "most_changed"}
    nothing = gis.compare(result, network.edit())
    assert (nothing.regions.filter(like="_change").fillna(0).abs() < 1e-9).all(axis=None)
    with pytest.raises(PlaceError, match="names no checkpoint"):
        network.edit(gis.Close("nowhere"))


def test_writing_a_result_is_a_run(result: gis.Result, tmp_path: Path) -> None:
    content = result.write(tmp_path / "one")
    gis.run(result.study, out=tmp_path / "two")
    assert content["findings"] == result.findings
    for file in sorted((tmp_path / "one" / "tables").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / "tables" / file.name).read_bytes(), file.name


def test_isochrones_are_frames(result: gis.Result) -> None:
    found = result.network.isochrones(names(result)[0], [30, 60])
    assert set(found["minutes"]) == {30, 60}


def test_a_result_shows_itself_in_a_line(small: gis.Result) -> None:
    """What a notebook prints of it is its network, not all of its layers."""
    assert repr(small.network) in repr(small)
    assert len(repr(small)) < 300
