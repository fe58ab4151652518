"""The way between two clicks, the ground within minutes of one, and the layers of an answer as a file."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from analysis.trips.load import TOLERANCE
from gis.queries.answers import Answers, rules_of
from gis.queries.edits import apply_edits
from gis.queries.isochrone import draw_isochrones
from gis.queries.route import describe_way, path_between
from gis.queries.whatif import edits_key
from gis.serve.payload import DIGITS, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gis.queries.edits import Edit
    from gis.queries.standing import Base, Change
    from gis.serve.words import Voice
    from network.build import Network

KEPT_SPREADS = 16
KEPT_NETWORKS = 3
"""Edited networks that are kept for ways and isochrones."""


def edited_network(base: Base, edits: Sequence[Edit]) -> Network:
    """Return the network with edits made; the last few are kept."""
    return _edited(_Query(base, tuple(edits))) if edits else base.network


class _Query:
    """A border and edits, equal by content."""

    def __init__(self, base: Base, edits: tuple[Edit, ...]) -> None:
        self.base, self.edits, self.key = base, edits, (id(base), edits_key(edits))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Query) and self.key == other.key


@lru_cache(maxsize=KEPT_NETWORKS)
def _edited(query: _Query) -> Network:
    """Return the edited network."""
    rules = rules_of(query.base.prepared.study)
    return apply_edits(query.base.network, query.edits, rules=rules)[0]


def find_spread(base: Base, edits: Sequence[Edit]) -> dict[str, Any]:
    """Return the effects of edits with their spread over draws of what nobody measured.

    See `gis.queries.answers.Answers`.

    Raises
    ------
    PlaceError, NetworkError
        Edits that can't be made, or no trip across is possible.
    """
    return _spread(_Query(base, tuple(edits)))


@lru_cache(maxsize=KEPT_SPREADS)
def _spread(query: _Query) -> dict[str, Any]:
    """Return the effects, computed."""
    answers = _answers(_Query(query.base, ()))
    found = answers.tables(edited_network(query.base, query.edits), loads=False)
    tables = {name: records(found[name]) for name in ("effects", "tornado")}
    return {"study": query.base.key, "draws": answers.spread.draws, **tables}


def find_queues(base: Base, edits: Sequence[Edit], voice: Voice) -> dict[str, Any]:
    """Return loads and the waits that they make, before and after the edits.

    ``tolerance`` is the gap of the last round; not ``known`` without counts.
    """
    table = _answers(_Query(base, ())).queues(edited_network(base, edits))
    rows = voice.rows(records(table[table["capacity_per_day_after"].notna()])) if len(table) else []
    return {"study": base.key, "known": bool(len(table)), "tolerance": TOLERANCE, "rows": rows}


@lru_cache(maxsize=1)
def _answers(query: _Query) -> Answers:
    """Return what answers with a spread: its trees are grown once."""
    return Answers(query.base.prepared, query.base.network)


def find_way(
    base: Base, edits: Sequence[Edit], origin: tuple[float, float], target: tuple[float, float], voice: Voice
) -> dict[str, Any]:
    """Return the quickest way between two places, after the edits.

    Minutes, kilometres, checkpoints with their median and 90th percentile of waits in the direction of the way (None
    where it is not known or nothing is waited), and its line as [lat, lon].

    Raises
    ------
    PlaceError
        A place lies in neither country, or no way leads there.
    """
    network = edited_network(base, edits)
    texts = [f"{x:.6f},{y:.6f}" for x, y in (origin, target)]
    way = path_between(network, base.prepared, *texts, mode=base.standing.mode)
    found = describe_way(way)
    unpaid = [{"name": name, "wait_min": None, "wait_p90_min": None} for name in found.checkpoint_names]
    paid = [{"name": w.name, "wait_min": w.wait_min, "wait_p90_min": w.wait_p90_min} for w in found.waits]
    return {
        "minutes": found.minutes,
        "time_min": found.time_min,
        "wait_min": found.wait_min,
        "km": found.length_m / 1000,
        "checkpoints": voice.rows(paid or unpaid),
        "notes": [voice.message(note) for note in found.notes],
        "line": _drawn(way.built, way.path.links),
    }


def _drawn(network: Network, rows: NDArray[np.int64]) -> list[list[float]]:
    """Return the line of links one after the other, each turned the way it is driven."""
    links = network.links.iloc[rows]
    u, v = links["u"].to_numpy(np.int64), links["v"].to_numpy(np.int64)
    parts: list[NDArray[np.float64]] = []
    at = -1
    for k, line in enumerate(links["geometry"]):  # the links of one way
        onward = u[k] == at or (at < 0 and k + 1 < len(rows) and v[k] in (u[k + 1], v[k + 1]))
        at = v[k] if onward else u[k]
        if line is not None and not line.is_empty:
            xy = shapely.get_coordinates(line)
            parts.append(xy if onward else xy[::-1])
    if not parts:
        return []
    simple = shapely.simplify(shapely.LineString(np.vstack(parts)), 0.001)
    out: list[list[float]] = np.round(shapely.get_coordinates(simple)[:, ::-1], DIGITS).tolist()
    return out


def draw_ground(
    base: Base, edits: Sequence[Edit], place: tuple[float, float], minutes: Sequence[float]
) -> dict[str, Any]:
    """Return the ground within minutes of a place after the edits, as GeoJSON.

    Properties: ``minutes``, ``area_km2``, ``people_a``, ``people_b``.

    Raises
    ------
    PlaceError
        The place lies in neither country, or joins no network.
    """
    network = edited_network(base, edits)
    found = draw_isochrones(
        network,
        base.prepared,
        [f"{place[0]:.6f},{place[1]:.6f}"],
        minutes=sorted(set(minutes)),
        mode=base.standing.mode,
    )
    keep = found[["minutes", "area_km2", "people_a", "people_b", "geometry"]]
    shapes = shapely.set_precision(shapely.simplify(keep.geometry.to_numpy(), 0.003), 10.0**-DIGITS)
    data: dict[str, Any] = keep.set_geometry(gpd.GeoSeries(shapes, index=keep.index, crs=keep.crs)).to_geo_dict()
    return data


def layers_file(base: Base, change: Change) -> bytes:
    """Return a GeoPackage of cells, settlements and checkpoints with both states."""
    before, after = base.before, change.after
    cells = base.standing.cells[["cell", "side", "region", "population", "geometry"]].copy()
    homes = base.network.settlements[["settlement_id", "name", "side", "region_name", "population", "geometry"]].copy()
    for frame, states in ((cells, (before.cells, after.cells)), (homes, (before.settlements, after.settlements))):
        for column in ("time_to_city_min", "time_to_checkpoint_min", "potential_cross_actual"):
            for word, state in zip(("before", "after"), states, strict=True):
                frame[f"{column}_{word}"] = state[column].to_numpy(float)
            frame[f"{column}_change"] = frame[f"{column}_after"] - frame[f"{column}_before"]
    spots = base.network.checkpoints.set_index("checkpoint_id").geometry
    places = {str(p["checkpoint_id"]): shapely.Point(p["lon"], p["lat"]) for p in change.places}
    points = [places.get(i) or spots.get(i) for i in change.checkpoints["checkpoint_id"]]
    posts = gpd.GeoDataFrame(change.checkpoints, geometry=points, crs=cells.crs)
    with tempfile.TemporaryDirectory(prefix="borderlink") as folder:
        path = Path(folder) / "whatif.gpkg"
        for name, frame in (("cells", cells), ("settlements", homes), ("checkpoints", posts)):
            # Version 1.3 is what QGIS 3.22 reads without a warning.
            frame.to_file(path, layer=name, driver="GPKG", engine="pyogrio", VERSION="1.3")
        return path.read_bytes()
