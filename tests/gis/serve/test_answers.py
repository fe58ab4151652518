"""The server's answers are those of the library: whatif, route, isochrone, scenario file, still page, layers."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gis
from gis.queries.edits import Wait
from gis.queries.plans import parse_plan
from gis.queries.standing import Base, stand_by
from gis.queries.whatif import whatif
from gis.serve.answers import find_way
from gis.serve.words import Voice
from maps.web.assets import refuse_remote
from tests.gis.serve.test_attacks import ask, question

if TYPE_CHECKING:
    from gis.serve.run import Running

CLOSE = {"edit": "close", "checkpoint": "south"}
OPEN = {"edit": "open", "lon": 60.0, "lat": 50.3, "mode": "road", "wait_min": 10.0}
WAIT = {"edit": "wait", "checkpoint": "north", "wait_min": 5.0}
SETS: list[list[dict[str, Any]]] = [
    [CLOSE],
    [OPEN],
    [WAIT],
    [CLOSE, OPEN, WAIT],
    [{"edit": "open", "lon": 60.0, "lat": 49.95}],
]


def told(running: Running, path: str, base: Base, edits: list[dict[str, Any]], **more: Any) -> Any:
    status, _, body = ask(running, "POST", path, question(base, edits, **more))
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("edits", SETS)
def test_a_change_is_what_compare_says(
    running: Running, base: Base, result: gis.Result, edits: list[dict[str, Any]]
) -> None:
    found = told(running, "/api/whatif", base, edits)
    made = parse_plan(told_toml(running, base, edits)).edits
    compared = gis.compare(result, result.network.edit(*made))
    for name in ("totals", "regions", "checkpoints"):
        ours = pd.DataFrame(found[name])
        theirs = getattr(compared, name)
        key = {"totals": "measure", "regions": "region", "checkpoints": "checkpoint_id"}[name]
        columns = [c for c in ours if c in theirs and c.endswith(("before", "after", "change"))]
        assert len(columns) >= 3
        pair = ours.set_index(key)[columns].astype(float), theirs.set_index(key)[columns].astype(float)
        pd.testing.assert_frame_equal(*pair, rtol=1e-6, atol=1e-6, check_like=True)
    np.testing.assert_allclose(
        np.array(found["after"]["time_to_checkpoint_min"], float),
        compared.cells.set_index("cell").loc[base.standing.cells["cell"], "time_to_checkpoint_min_after"],
        atol=2e-3,
    )


def told_toml(running: Running, base: Base, edits: list[dict[str, Any]]) -> str:
    status, _, body = ask(running, "POST", "/api/scenario.toml", question(base, edits))
    assert status == 200
    return body.decode()


@pytest.mark.parametrize("edits", SETS)
def test_a_scenario_file_comes_back_as_the_edits_that_it_was_made_of(
    running: Running, base: Base, edits: list[dict[str, Any]]
) -> None:
    text = told_toml(running, base, edits)
    status, _, body = ask(running, "POST", "/api/edits", json.dumps({"toml": text}).encode())
    back = json.loads(body)["edits"]
    assert status == 200 and told_toml(running, base, back) == text


def test_other_edits_build_the_network_again(running: Running, base: Base) -> None:
    found = told(running, "/api/whatif", base, [{"edit": "speeds", "factor": 0.5}])
    assert found["rebuilt"] is True
    assert found["totals"][0]["after"] > found["totals"][0]["before"]


def test_the_way_is_that_of_route(running: Running, base: Base, result: gis.Result) -> None:
    ends = {"origin": [59.1, 49.7], "target": [60.9, 49.7]}
    before = told(running, "/api/route", base, [], **ends)
    after = told(running, "/api/route", base, [CLOSE], **ends)
    found = result.network.route("59.1,49.7", "60.9,49.7")
    assert before["minutes"] == pytest.approx(found.minutes)
    assert [c["name"] for c in before["checkpoints"]] == ["South"] and [c["name"] for c in after["checkpoints"]] == [
        "North"
    ]
    assert after["minutes"] > before["minutes"]
    # The layer's waits are medians; their 90th percentile is not known.
    assert before["checkpoints"] == [{"name": "South", "wait_min": 30.0, "wait_p90_min": None}]
    wait = {"edit": "wait", "checkpoint": "south", "wait_min": 5.0}
    assert told(running, "/api/route", base, [wait], **ends)["checkpoints"] == [
        {"name": "South", "wait_min": 5.0, "wait_p90_min": None}
    ]
    lat, lon = np.array(before["line"]).T
    assert (np.diff(lon) >= -1e-6).all() and lat == pytest.approx(49.7, abs=0.01)


def test_a_way_has_the_90th_percentile_of_the_waits_where_it_is_known(base: Base) -> None:
    table = base.network.checkpoints.assign(wait_p90_min=[120.0, 90.0])
    known = replace(base, network=replace(base.network, checkpoints=table))
    ends, voice = ((59.1, 49.7), (60.9, 49.7)), Voice(base.prepared)
    assert find_way(known, [], *ends, voice)["checkpoints"] == [
        {"name": "South", "wait_min": 30.0, "wait_p90_min": 120.0}
    ]
    # Each way meets the wait of its own direction.
    thither = [Wait("south", 5.0, direction="a to b")]
    waits = [find_way(base, thither, *some, voice)["checkpoints"][0]["wait_min"] for some in (ends, ends[::-1])]
    assert waits == [5.0, 30.0]
    # A wait that is set has none.
    assert find_way(known, [Wait("south", 5.0)], *ends, voice)["checkpoints"][0]["wait_p90_min"] is None


def test_the_ground_holds_the_place_and_grows(running: Running, base: Base) -> None:
    found = told(running, "/api/isochrone", base, [], place=[59.4, 49.9], minutes=[30, 60])
    areas = {f["properties"]["minutes"]: f["properties"]["area_km2"] for f in found["features"]}
    assert areas[60] > areas[30] > 0


def test_places_of_no_country_are_refused(running: Running, base: Base) -> None:
    for path, more in (
        ("/api/route", {"origin": [0, 0], "target": [60.9, 49.7]}),
        ("/api/isochrone", {"place": [0, 0]}),
    ):
        status, _, body = ask(running, "POST", path, question(base, [], **more))
        assert status == 422 and b"neither side" in body


def test_the_still_page_asks_for_nothing_and_holds_no_token(running: Running, base: Base) -> None:
    hostile = {"edit": "open", "lon": 60.0, "lat": 50.3, "name": "</script><script>alert(1)</script>"}
    status, _, body = ask(running, "POST", "/api/page.html", question(base, [hostile]))
    page = body.decode()
    assert status == 200
    refuse_remote(page)
    assert (
        running.door.token not in page
        and "alert(1)</script>" not in page
        and "import " not in page.split('id="data"')[0][-2000:]
    )


def test_the_layers_open_and_hold_both_states(running: Running, base: Base, tmp_path: Path) -> None:
    status, _, body = ask(running, "POST", "/api/layers.gpkg", question(base, [OPEN]))
    assert status == 200
    (tmp_path / "x.gpkg").write_bytes(body)
    with sqlite3.connect(tmp_path / "x.gpkg") as file:
        tables = {row[0] for row in file.execute("select table_name from gpkg_contents")}
        shares = file.execute(
            "select count(*) from checkpoints where checkpoint_id = 'new-1' and share_after > 0"
        ).fetchone()
    file.close()
    assert tables == {"cells", "settlements", "checkpoints"} and shares == (1,)


def test_two_at_once_get_their_own_answers(running: Running, base: Base) -> None:
    from concurrent.futures import ThreadPoolExecutor

    waits = [float(w) for w in range(20)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda w: told(running, "/api/whatif", base, [{**WAIT, "wait_min": w}]), waits))
    for wait, answer in zip(waits, found, strict=True):
        row = next(r for r in answer["checkpoints"] if r["checkpoint_id"] == "north")
        assert row["wait_min_after"] == wait


def test_the_key_of_a_study_follows_its_content(base: Base, result: gis.Result) -> None:
    assert base.key == base.key and len(base.key) == 12
    assert whatif(base, []).settlements.empty


def test_the_spread_is_that_of_the_scenario(running: Running, base: Base) -> None:
    from gis.queries.answers import Answers

    found = told(running, "/api/spread", base, [CLOSE])
    after = gis.BorderNetwork(base.prepared, base.network).edit(gis.Close("south")).network
    own = Answers(base.prepared, base.network).tables(after, loads=False)["effects"]
    assert found["draws"] == 200
    pair = (
        pd.DataFrame(found["effects"])[["change", "low", "high"]].astype(float),
        own[["change", "low", "high"]].astype(float),
    )
    pd.testing.assert_frame_equal(*pair)


def test_a_border_of_many_places_is_sampled_first_and_exact_after(base: Base) -> None:
    few = stand_by(base.prepared, base.network, most=4)
    edits = parse_plan('[[edits]]\nedit = "close"\ncheckpoint = "South"\n').edits
    assert base.rough is None and few.rough is not None and few.rough.standing.sampled == 4
    rough, exact, whole = whatif(few, edits, rough=True), whatif(few, edits), whatif(base, edits)
    assert not rough.exact and exact.exact
    # What is exact is that of a border without a sample; minutes, and all that is made of them, are exact in both.
    pd.testing.assert_frame_equal(exact.totals, whole.totals)
    pd.testing.assert_frame_equal(rough.totals.iloc[:4], whole.totals.iloc[:4])
    pd.testing.assert_frame_equal(rough.settlements, whole.settlements)
    assert rough.after.cells["time_to_city_min"].equals(whole.after.cells["time_to_city_min"])
    # Estimates are of the right size, and no numbers of another border.
    assert rough.totals["after"].iloc[5] == pytest.approx(whole.totals["after"].iloc[5], rel=0.5)
    assert not np.isclose(rough.totals["after"].iloc[4], whole.totals["after"].iloc[4], rtol=1e-9)
    assert rough.checkpoints["share_after"].sum() == pytest.approx(1.0)
    # Edits that build the network again have no sample.
    assert whatif(few, [gis.Speeds(factor=0.5)], rough=True).exact
