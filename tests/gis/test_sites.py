"""The command that says where the next checkpoints belong, on a grid that a reader can check by hand."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import Geod

from gis.inputs import prepare
from gis.queries.answers import Answers
from gis.queries.edits import apply_edits
from gis.queries.new_posts import Open
from gis.queries.siting import Question
from gis.queries.standing import stand_by
from gis.queries.whatif import whatif
from gis.stages import build
from gis.study import load_study
from layers.errors import PlaceError, StudyError
from network.connectors import CONNECTOR_KPH
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

HALF_LIFE_MIN = 120.0
MORE = "[lists]\ncity_people = 5000\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one search."""
    home = tmp_path_factory.mktemp("sites")
    study = write_grid(home, more=MORE)
    done = call(
        "sites", study, "--count", "2", "--wait", "10", "--draws", "10", "--every-km", "10", "--out", "s", cwd=home
    )
    assert done.returncode == 0, done.stderr
    assert "proven" in done.stdout
    return home


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "s" / "tables" / f"{name}.csv")


def test_the_roads_without_a_post_are_found_and_the_best_is_the_best_of_all(folder: Path) -> None:
    """49.9 and 50.3 cross the line without a post: full recomputation of every pair of candidates finds none better."""
    candidates = table(folder, "candidates")
    assert (candidates["kind"] == "crossing").sum() == 2
    curve = table(folder, "sites_curve").set_index("sites")
    assert curve["proven"].all()
    assert (curve["low"] <= curve["high"]).all()
    prepared = prepare(load_study(folder / "study.toml"))
    network = build(prepared)
    answers = Answers(prepared, network)
    before = answers.before
    today = before.across.people_a[:, None] * before.across.people_b[None] * answers.curve.fades(before.minutes)

    def saved(chosen: tuple[int, ...]) -> float:
        rows = candidates.iloc[list(chosen)]
        edits = [
            Open(crossing=r.crossing_id, wait_min=10.0)
            if isinstance(r.crossing_id, str)
            else Open(r.lon, r.lat, wait_min=10.0, at="new road")
            for r in rows.itertuples()
        ]
        after = Answers(prepared, apply_edits(network, edits)[0]).before
        return float((today * (before.minutes - after.minutes)).sum() / today.sum())

    strongest = range(min(4, len(candidates)))
    one, two = (max(saved(c) for c in combinations(strongest, n)) for n in (1, 2))
    assert curve.loc[1, "value"] == pytest.approx(one, rel=1e-6)
    assert curve.loc[2, "value"] == pytest.approx(two, rel=1e-6)


def test_what_the_cells_gain_is_that_of_a_network_with_the_post(folder: Path) -> None:
    """Every candidate on every cell at once, against one opening after the other."""
    prepared = prepare(load_study(folder / "study.toml"))
    base = stand_by(prepared, build(prepared))
    candidates = table(folder, "candidates")
    people = base.before.cells["population"].to_numpy(float)
    old = base.before.cells["potential_cross_actual"].to_numpy(float)
    assert (candidates["cells_gain_pct"] > 0).sum() > 2
    for row in candidates.itertuples():
        at = (
            {"crossing": row.crossing_id}
            if isinstance(row.crossing_id, str)
            else {"lon": row.lon, "lat": row.lat, "at": "new road"}
        )
        after = whatif(base, [Open(**at, wait_min=10.0)]).after.cells
        new = after["potential_cross_actual"].to_numpy(float)
        expected = 100 * np.nansum(people * (new - old)) / np.nansum(people * old)
        if "crossing" in at:
            assert row.cells_gain_pct == pytest.approx(expected, rel=1e-7)
        else:
            # A new road is measured in the plane where hundreds are tried and on the ellipsoid where one is built, less
            # than 0.005 % apart. On either side it splits a road and is one itself, each a link of whole thousandths:
            # half of one is lost at three links a side at the most. So many minutes change a potential by so much.
            off_min = 6 * 0.0005 + 5e-5 * row.missing_km / CONNECTOR_KPH * 60
            share = np.log(2) / HALF_LIFE_MIN * off_min
            bound = 100 * share * np.nansum(people * new) / np.nansum(people * old)
            assert row.cells_gain_pct == pytest.approx(expected, rel=0, abs=bound)
            assert bound < 0.006
        hit = 100 * (new - old) >= 0.1 * old
        assert row.cells_gaining == hit.sum()
        assert row.cells_people_gaining == pytest.approx(people[hit].sum())


def test_stability_front_and_full_computation(folder: Path) -> None:
    stability = table(folder, "sites_stability")
    assert stability["draws_share"].between(0, 1).all()
    assert stability["chosen"].sum() == 2
    effects = table(folder, "sites_effects").set_index("key")
    assert effects.loc["saved", "change"] > 0
    assert np.isfinite(effects.loc["saved", ["low", "high"]].astype(float)).all()
    told = json.loads((folder / "s" / "sites.json").read_text(encoding="utf-8"))
    assert len(told["findings"]) >= 4
    assert (folder / "s" / "sites.geojson").exists()
    assert (folder / "s" / "sites.qgz").exists()
    spots = gpd.read_file(folder / "s" / "sites.gpkg", layer="sites")
    assert (spots["class"] == "chosen").sum() == 2
    done = call("scenario", "study.toml", "--edits", "s/edits.toml", "--out", "sc", cwd=folder)
    assert done.returncode == 0, done.stderr
    again = pd.read_csv(folder / "sc" / "tables" / "effects.csv").set_index("key")
    assert again.loc["saved", "change"] == pytest.approx(effects.loc["saved", "change"])


def test_same_seed_same_bytes(folder: Path) -> None:
    done = call(
        "sites",
        "study.toml",
        "--count",
        "2",
        "--wait",
        "10",
        "--draws",
        "10",
        "--every-km",
        "10",
        "--out",
        "s2",
        cwd=folder,
    )
    assert done.returncode == 0
    for name in ("candidates", "sites", "sites_stability", "sites_effects"):
        assert (folder / "s2" / "tables" / f"{name}.csv").read_bytes() == (
            folder / "s" / "tables" / f"{name}.csv"
        ).read_bytes()


def test_other_objectives_are_not_proven(folder: Path) -> None:
    for objective in ("people", "equity"):
        done = call(
            "sites",
            "study.toml",
            "--count",
            "2",
            "--wait",
            "0",
            "--draws",
            "0",
            "--objective",
            objective,
            "--within",
            "60",
            "--out",
            objective,
            cwd=folder,
        )
        assert (done.returncode, "not proven" in done.stdout) in ((0, True), (2, False)), done.stderr
        if done.returncode:
            assert "improves anything by the objective" in done.stderr


def searched(folder: Path, out: str, *arguments: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a search."""
    done = call("sites", "study.toml", "--wait", "10", *arguments, "--out", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    return {p.stem: pd.read_csv(p) for p in (folder / out / "tables").glob("*.csv")}


def test_least_regret_is_sought_where_it_is_asked_for(folder: Path) -> None:
    found = searched(folder, "regret", "--count", "1", "--draws", "10", "--every-km", "10", "--regret")
    table = found["sites_regret"].set_index("set")
    assert table.loc["least regret", "worst_regret"] <= table.loc["the best set", "worst_regret"]
    assert table["draws"].tolist() == [10, 10]
    assert "of least regret is " in " ".join(
        json.loads((folder / "regret" / "sites.json").read_text(encoding="utf-8"))["findings"]
    )
    edits = (folder / "regret" / "edits.toml").read_text(encoding="utf-8")
    assert str(table.loc["least regret", "candidates"]) in edits
    assert "sites_regret" not in {p.stem for p in (folder / "s" / "tables").glob("*.csv")}
    bad = call("sites", "study.toml", "--regret", "--draws", "0", "--out", "bad", cwd=folder)
    assert (bad.returncode, "regret without draws" in bad.stderr) == (2, True)


def test_sites_that_must_be_and_a_budget_bind(folder: Path) -> None:
    every = table(folder, "candidates").set_index("candidate")
    weakest = every[every["missing_km"] > 0].index[-1]
    spot = f"{every.loc[weakest, 'lon']:.6f},{every.loc[weakest, 'lat']:.6f}"
    bound = searched(folder, "must", "--count", "2", "--draws", "0", "--every-km", "10", "--must", spot)
    chosen = bound["sites"][bound["sites"]["sites"] == 2]
    assert (chosen["kind"] == "point").sum() == 1
    assert bound["sites_curve"]["proven"].all()
    assert bound["sites_curve"]["value"].iloc[-1] <= table(folder, "sites_curve")["value"].iloc[-1] + 1e-9
    # Only roads that are there already cost no km.
    poor = searched(folder, "poor", "--count", "3", "--draws", "0", "--every-km", "10", "--budget-km", "0")
    assert set(poor["sites"]["kind"]) == {"crossing"}
    assert (poor["sites_curve"]["missing_km"] == 0).all()
    done = call("sites", "study.toml", "--must", spot, "--budget-km", "0", "--draws", "0", "--out", "bad", cwd=folder)
    assert done.returncode == 2
    assert "need more than 0 km of road" in done.stderr
    assert not (folder / "bad").exists()


def test_the_ground_of_missing_roads_is_told(folder: Path) -> None:
    """A plane that rises by 1 m in 100 m to the north, as the missing roads run; the line is no edge of its cells."""
    home = folder / "ground"
    write_grid(home, more=f'{MORE}[terrain]\nelevation = "dem.tif"\n')
    north = np.tile((np.arange(300)[::-1, None] * 0.01) * 1000 * 111.2 / 100, (1, 400)).astype("float32")
    with rasterio.open(
        home / "dem.tif",
        "w",
        driver="GTiff",
        height=300,
        width=400,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=rasterio.Affine(0.01, 0, 57.995, 0, -0.01, 51.5),
    ) as file:
        file.write(north, 1)
    found = searched(home, "s", "--count", "1", "--draws", "0", "--candidates", "sample", "--every-km", "12")
    missing = found["candidates"]
    missing = missing[missing["missing_km"] > 5]
    assert len(missing)
    # Cells of 1,112 m under steps of 220 to 250 m: the slope is the plane's, and so is the climb, 10 m a kilometre.
    np.testing.assert_allclose(missing["slope_pct"], 1.0, rtol=0.01)
    np.testing.assert_allclose(missing["climb_m"], 10 * missing["missing_km"] / 1.3, rtol=0.01)
    assert {"climb_m", "slope_pct"} <= set(found["sites"])
    assert "water_km" not in missing
    (home / "dem.tif").unlink()
    done = call("sites", home / "study.toml", "--out", "bad", cwd=home)
    assert (done.returncode, "terrain.elevation" in done.stderr) == (2, True)


def test_nothing_is_opened_out_in_the_water(folder: Path) -> None:
    """A lake of 7 by 11 km on the line, and a strait of 445 m: a bridge is built from the one, no post in the other."""
    home = folder / "wet"
    lake, strait = shapely.box(59.95, 49.75, 60.05, 49.85), shapely.box(59.9, 50.198, 60.1, 50.202)
    write_grid(
        home,
        more=MORE,
        sources={"railways": '"none"', "water": '"water.gpkg"'},
    )
    # Shores along a parallel: a straight edge in the projection would bow by some metres.
    gpd.GeoDataFrame(geometry=shapely.segmentize([lake, strait], 0.005), crs="EPSG:4326").to_file(home / "water.gpkg")
    some = ("--count", "1", "--draws", "0", "--candidates", "sample", "--every-km", "2")
    found = searched(home, "s", *some, "--point", "60,50.2005")["candidates"]
    spots = shapely.points(found[["lon", "lat"]].to_numpy(float))
    # 0.5 km are 0.0045 degrees of a meridian and 0.007 of a parallel.
    out = shapely.box(59.957, 49.7545, 60.043, 49.8455)
    assert len(found) > 10
    assert not shapely.intersects(spots, out).any()
    assert (shapely.distance(spots, lake) < 0.03).any()
    bridge = found.set_index("kind").loc["point"]
    # To the road of either side, both at 50.3: the same water for each.
    metres = Geod(ellps="WGS84").inv(60, 50.2005, 60, 50.202)[2]
    assert bridge["water_km"] == pytest.approx(2 * metres / 1000, rel=0.01)
    assert (found["water_km"] <= 1.05).all()
    done = call("sites", home / "study.toml", *some, "--point", "60,49.8", "--out", "bad", cwd=home)
    assert done.returncode == 2
    assert "60,49.8 would stand in the water, 3.60 km from the shore: allowed is a place on land" in done.stderr
    edits = home / "edits.toml"
    edits.write_text('name = "wet"\n[[edits]]\nedit = "open"\nlon = 60\nlat = 49.8\n', encoding="utf-8")
    done = call("scenario", home / "study.toml", "--edits", edits, "--out", "bad", cwd=home)
    assert done.returncode == 2
    assert "edits.toml, line 2" in done.stderr
    assert "in the water" in done.stderr
    prepared = prepare(load_study(home / "study.toml"))
    base = stand_by(prepared, build(prepared))
    whatif(base, [Open(60.0, 50.2, wait_min=10.0)])
    with pytest.raises(PlaceError, match=r"3\.60 km from the shore"):
        whatif(base, [Open(60.0, 49.8, wait_min=10.0)])


def test_water_is_a_layer(folder: Path) -> None:
    home = folder / "old"
    write_grid(home, more=f'{MORE}[terrain]\nwater = "lakes.gpkg"\n')
    with pytest.raises(StudyError, match=r"allowed is \[layers\] water = 'lakes.gpkg'"):
        load_study(home / "study.toml")
    write_grid(home, more=f'{MORE}[terrain]\nwater = ""\n')
    assert load_study(home / "study.toml").terrain.elevation == ""


def test_what_can_not_be_asked_is_refused_at_once(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"count = 0: allowed is 1 to 50; objective = 'x'"):
        Question(count=0, objective="x")
    for arguments, message in (
        (("--count", "0"), "count = 0"),
        (("--must", "10,50"), "can't be assessed"),
        (("--candidates", "best"), "'best': allowed are"),
        (("--point", "here"), "--point 'here'"),
        (("--budget-km", "-1"), "budget = -1 km"),
        (("--within", "nan"), "within = nan min"),
        (("--seconds", "0"), "seconds = 0"),
        (("--must", "60,49.9", "--must", "60,49.9"), "60,49.9 is named twice"),
    ):
        done = call("sites", "study.toml", *arguments, "--draws", "0", "--out", "bad", cwd=folder)
        assert done.returncode == 2
        assert message in done.stderr
        assert not (folder / "bad").exists()
