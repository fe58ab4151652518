"""Names of extracts, looked up in a small index in the format that Geofabrik documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layers.errors import LayerError
from layers.sources.download.cache import Cache
from layers.sources.download.geofabrik import Extract, resolve
from tests.layers.download.server import Answer, Server

HOME = "https://download.geofabrik.de"
INDEX = "/index-v1.json"


def feature(id: str, name: str, path: str | None, parent: str | None = None, **codes: list[str]) -> dict[str, Any]:
    urls = {"updates": f"{HOME}/updates"} | ({"pbf": f"{HOME}/{path}-latest.osm.pbf"} if path else {})
    row: dict[str, Any] = {"id": id, "name": name, "urls": urls}
    row |= {"parent": parent} if parent else {}
    row |= {{"countries": "iso3166-1:alpha2", "parts": "iso3166-2"}[k]: v for k, v in codes.items()}
    return {"type": "Feature", "properties": row, "geometry": {"type": "MultiPolygon", "coordinates": []}}


ROWS = [
    feature("asia", "Asia", "asia"),
    feature("kazakhstan", "Kazakhstan", "asia/kazakhstan", "asia", countries=["KZ"]),
    feature("russia", "Russian Federation", "russia", countries=["RU"]),
    feature("volga-fed-district", "Volga Federal District", "russia/volga-fed-district", "russia"),
    feature("ural-fed-district", "Ural Federal District", "russia/ural-fed-district", "russia"),
    feature("us", "United States of America", "north-america/us", "north-america", countries=["US"]),
    feature("us/georgia", "Georgia", "north-america/us/georgia", "us", parts=["US-GA"]),
    feature("georgia", "Georgia", "europe/georgia", "europe", countries=["GE"]),
    feature("empty", "Nothing yet", None),
]


def index_of(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": rows}).encode()


@pytest.fixture
def base(server: Server) -> str:
    server.put(INDEX, index_of(ROWS))
    return server.url()


def test_an_extract_has_addresses_on_the_server_that_is_set(cache: Cache, base: str) -> None:
    url = f"{base}/asia/kazakhstan-latest.osm.pbf"
    assert resolve(["kazakhstan"], cache=cache, base_url=base) == [
        Extract("kazakhstan", "Kazakhstan", url, f"{url}.md5", parent="asia", countries=("KZ",))
    ]
    (georgia,) = resolve(["us/georgia"], cache=cache, base_url=f"{base}/")
    assert georgia.url == f"{base}/north-america/us/georgia-latest.osm.pbf"
    assert georgia.subdivisions == ("US-GA",)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("kazakhstan", "kazakhstan"),
        (" Kazakhstan ", "kazakhstan"),
        ("asia/kazakhstan", "kazakhstan"),
        ("asia/kazakhstan-latest.osm.pbf", "kazakhstan"),
        (f"{HOME}/asia/kazakhstan-latest.osm.pbf", "kazakhstan"),
        ("volga-fed-district", "volga-fed-district"),
        ("Russia/Volga-Fed-District", "volga-fed-district"),
        ("/russia/", "russia"),
        ("georgia", "georgia"),
        ("europe/georgia", "georgia"),
        ("us/georgia", "us/georgia"),
        ("north-america/us/georgia", "us/georgia"),
    ],
)
def test_names_that_mean_an_extract(cache: Cache, base: str, name: str, id: str) -> None:
    assert [e.id for e in resolve([name], cache=cache, base_url=base)] == [id]


def test_each_extract_comes_once_and_in_order(cache: Cache, base: str, server: Server) -> None:
    names = ["ural-fed-district", "kazakhstan", "russia/ural-fed-district", "KAZAKHSTAN"]
    assert [e.id for e in resolve(names, cache=cache, base_url=base)] == ["ural-fed-district", "kazakhstan"]
    assert resolve([], cache=cache, base_url=base) == []
    assert len(server.requests) == 1


def test_all_unknown_names_are_told_with_the_nearest(cache: Cache, base: str) -> None:
    with pytest.raises(LayerError) as caught:
        resolve(["kazahstan", "Volga Federal District", "zzzz", "kazakhstan", "empty"], cache=cache, base_url=base)
    wrong = str(caught.value).split("; ")
    assert [w.split("'")[1] for w in wrong] == ["kazahstan", "Volga Federal District", "zzzz", "empty"]
    assert "did you mean kazakhstan" in wrong[0]
    assert "did you mean volga-fed-district" in wrong[1]
    assert "did you mean" not in wrong[2]
    assert "no PBF" in wrong[3]


@pytest.mark.parametrize(
    ("name", "near"), [("russia/kazakhstan", "kazakhstan"), ("volga", "volga-fed-district"), ("", None)]
)
def test_half_known_names(cache: Cache, base: str, name: str, near: str | None) -> None:
    with pytest.raises(LayerError, match=f"did you mean .*{near}" if near else "no extract is called ''"):
        resolve([name], cache=cache, base_url=base)


def test_an_index_of_a_mirror_may_have_its_own_addresses(cache: Cache, server: Server) -> None:
    home = server.url("/osm/geofabrik")
    row = feature("kazakhstan", "Kazakhstan", None)
    row["properties"]["urls"]["pbf"] = f"{home}/asia/kazakhstan-latest.osm.pbf"
    server.put(f"/osm/geofabrik{INDEX}", index_of([row]))
    (extract,) = resolve(["kazakhstan"], cache=cache, base_url=home)
    assert extract.url == f"{home}/asia/kazakhstan-latest.osm.pbf"


def test_an_index_that_is_too_old_is_fetched_anew_once(cache: Cache, server: Server, base: str) -> None:
    resolve(["kazakhstan"], cache=cache, base_url=base)
    server.put(INDEX, Answer(index_of([*ROWS, feature("new-land", "New Land", "asia/new-land")]), etag='"two"'))
    assert resolve(["new-land"], cache=cache, base_url=base)[0].name == "New Land"
    asked = len(server.requests)
    with pytest.raises(LayerError, match="never-land"):
        resolve(["never-land"], cache=cache, base_url=base)
    assert len(server.requests) == asked + 1


def test_offline(cache: Cache, server: Server, base: str) -> None:
    with pytest.raises(LayerError, match=r"offline.*index-v1\.json"):
        resolve(["kazakhstan"], cache=cache, base_url=base, offline=True)
    assert server.requests == []
    known = resolve(["kazakhstan"], cache=cache, base_url=base)
    assert resolve(["kazakhstan"], cache=cache, base_url=base, offline=True, refresh=True) == known
    with pytest.raises(LayerError, match="no extract is called 'kazahstan'"):
        resolve(["kazahstan"], cache=cache, base_url=base, offline=True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'{"type": "FeatureCollection"}',
        b'{"features": [{}]}',
        b'{"features": 5}',
        b"\xff\xfe\x00",
        b'{"features": [{"properties": {"id": "a", "name": "A"}}]}',
        b'{"features": [{"properties": {"id": "a", "name": "A", "urls": {"pbf": 5}}}]}',
    ],
)
def test_what_is_no_index_is_told_and_not_kept(cache: Cache, server: Server, body: bytes) -> None:
    server.put(INDEX, body)
    with pytest.raises(LayerError, match=r"index-v1\.json is no index"):
        resolve(["kazakhstan"], cache=cache, base_url=server.url())
    assert cache.entries() == []
    server.put(INDEX, Answer(index_of(ROWS), etag='"two"'))
    assert len(resolve(["kazakhstan"], cache=cache, base_url=server.url())) == 1


def test_a_server_without_an_index(cache: Cache, server: Server) -> None:
    with pytest.raises(LayerError, match=r"index-v1\.json can't be fetched: the server answers 404"):
        resolve(["kazakhstan"], cache=cache, base_url=server.url())
    with pytest.raises(LayerError, match="allowed are http"):
        resolve(["kazakhstan"], cache=cache, base_url="download.geofabrik.de")
