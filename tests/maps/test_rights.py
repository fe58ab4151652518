"""Drawings name the owners of the data that they are made of."""

from __future__ import annotations

import pandas as pd

from maps.styles.layers import run_styles, scenario_styles
from maps.styles.rights import credited
from maps.styles.thematic import chapter_styles

OSM = {"source": "OpenStreetMap extract a.osm.pbf", "licence": "ODbL-1.0", "rights": "© OpenStreetMap contributors"}
PLACES = {"source": "GeoNames cities500", "licence": "CC-BY-4.0", "rights": "© GeoNames, CC BY 4.0"}
OWN = {"source": "the study's own file net.gpkg", "licence": "as the file's owner says", "rights": ""}


def rows(**by_layer: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame([{"layer": layer, **row} for layer, found in by_layer.items() for row in found])


def told(sources: pd.DataFrame) -> dict[str, tuple[str, str]]:
    return {s.key: (s.rights, s.licence) for s in credited(run_styles(), sources)}


def test_settlements_of_an_extract_are_openstreetmaps() -> None:
    found = told(rows(settlements=[OSM, OSM], roads=[OSM], regions=[OSM], checkpoints=[OSM]))
    assert {found[k] for k in ("settlements", "roads", "regions", "border_line", "checkpoints")} == {
        ("© OpenStreetMap contributors", "ODbL-1.0")
    }
    assert not any("GeoNames" in rights or "Natural Earth" in rights for rights, _ in found.values())


def test_two_sources_are_named_each_with_its_licence() -> None:
    found = told(rows(settlements=[OSM, PLACES], roads=[OSM]))
    assert found["settlements"] == (
        "© OpenStreetMap contributors (ODbL-1.0); © GeoNames, CC BY 4.0", "ODbL-1.0; CC-BY-4.0"
    )  # fmt: skip


def test_own_roads_are_not_openstreetmaps() -> None:
    agency = {**OWN, "rights": "© Road agency"}
    none = {"source": "none: the study does without", "licence": "", "rights": ""}
    found = told(rows(roads=[agency], railways=[none], settlements=[OWN]))
    assert found["roads"] == found["cells_time"] == ("© Road agency", "as the file's owner says")
    assert found["settlements"] == ("the study's own file net.gpkg", "as the file's owner says")


def test_without_sources_drawings_say_what_they_said() -> None:
    assert credited(run_styles(), pd.DataFrame()) == list(run_styles())
    places = chapter_styles({}, places=[("hospital", "Somebody's")])
    (own,) = (s for s in credited(places, rows(hospital=[OSM], roads=[OSM])) if s.key == "hospital")
    assert own.rights == "Somebody's"


def test_both_states_of_a_scenario() -> None:
    found = {s.key: s.rights for s in credited(scenario_styles(), rows(checkpoints=[PLACES], roads=[OSM]))}
    assert {r for k, r in found.items() if k.startswith("checkpoints")} == {PLACES["rights"]}
