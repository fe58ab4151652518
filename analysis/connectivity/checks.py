"""What looks wrong in a network.

Neighbours whose minutes differ too much, ways far too long, links drawn through the neighbour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h3
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from layers.crs import geodesic_m
from layers.sides import SIDES
from network.connectors import connector_times
from network.kinds import NO_GROUND

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from network.build import Network
    from network.routing import Router

COLUMNS = ("check", "place", "to_place", "lon", "lat", "to_lon", "to_lat", "direct_km", "value", "allowed", "unit")
CELLS, TOWNS, LONG, ABROAD = (
    "neighbouring cells: difference of minutes to the nearest checkpoint",
    "neighbouring settlements: difference of minutes to the nearest checkpoint",
    "settlements within 150 km: circuity without a border",
    "link through the neighbour as drawn",
)
CIRCUITY, NEAR_KM, APART_KM = 2.5, 150.0, 5.0
"""Nearer places than `APART_KM` share a connector, and their circuity is that of an assumption."""
ABROAD_KM = 5.0
NEIGHBOURS, NEIGHBOURS_KM = 3, 50.0
"""A settlement's neighbours are so many of its own side, no further than this."""
MOST = 2000
"""Of more settlements the largest are compared with each other."""
REACH = 10.0
"""Ways are followed up to so many times 150 km; longer ones are unknown and told all the same."""


def network_checks(
    network: Network, router: Router, cells: gpd.GeoDataFrame, settlements: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return everything that looks wrong, a row each, by check and the worst first.

    Parameters
    ----------
    cells
        With ``cell`` (H3), ``side``, ``lon``, ``lat``, ``near`` and ``time_to_checkpoint_min``.
    settlements
        Those of the network with ``time_to_checkpoint_min``.

    Returns
    -------
    ``check``, ``place`` and ``to_place`` with coordinates, ``direct_km`` between them, ``value`` beside what would be
    ``allowed`` (minutes, ratio or km, as ``unit`` says). A value is empty where there is no way, or none within 1,500
    km.

    Notes
    -----
    Neighbours of one side should differ by no more minutes than the walk between them takes, at a connector's speed
    over 1.3 times the straight line. A river without a bridge makes a difference that is real.
    """
    parts = [
        _cells(cells),
        _towns(settlements),
        _circuity(router, settlements),
        _abroad(network, settlements),
    ]
    table = pd.concat(parts, ignore_index=True)
    order = table["check"].map({c: i for i, c in enumerate((CELLS, TOWNS, LONG, ABROAD))})
    excess = np.where(table["value"].isna(), np.inf, table["value"] / table["allowed"])
    rank = np.lexsort((table["to_place"], table["place"], -excess, order))
    ranked: pd.DataFrame = table.iloc[rank].reset_index(drop=True)[list(COLUMNS)]
    return ranked


def check_notes(table: pd.DataFrame) -> list[str]:
    """Return one line on what looks wrong: counts, the worst by name; nothing where nothing does."""
    words = []
    for check, rows in table.groupby("check", sort=False):
        worst = rows.iloc[0]
        to = f"–{worst['to_place']}" if worst["to_place"] else ""
        value = "no way" if pd.isna(worst["value"]) else f"{worst['value']:,.3g} {worst['unit']}"
        words.append(f"{len(rows)} × {check} (worst {worst['place']}{to}: {value}, allowed {worst['allowed']:.3g})")
    return [f"the network looks wrong in places, see tables/network_checks.csv: {'; '.join(words)}"] if words else []


def _cells(cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return neighbouring cells of one side whose minutes differ by more than the walk."""
    row = {c: i for i, c in enumerate(cells["cell"])}
    pairs = [(i, row[n]) for c, i in row.items() for n in h3.grid_ring(c, 1) if row.get(n, -1) > i]  # H3 has no columns
    return _apart(CELLS, cells.assign(name=cells["near"]), np.array(pairs, np.int64).reshape(-1, 2))


def _towns(settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return settlements and their nearest of the same side whose minutes differ by more than the walk."""
    table = _with_lonlat(settlements)
    xyz = _on_sphere(table)
    pairs = []
    for side in SIDES:
        own = np.flatnonzero((table["side"] == side).to_numpy())
        if len(own) < 2:
            continue
        _, near = cKDTree(xyz[own]).query(xyz[own], k=min(NEIGHBOURS + 1, len(own)))
        pairs.append(np.column_stack([np.repeat(own, near.shape[1] - 1), own[near[:, 1:].ravel()]]))
    both = np.unique(np.sort(np.vstack(pairs), axis=1), axis=0) if pairs else np.empty((0, 2), np.int64)
    found = _apart(TOWNS, table, both)
    kept: pd.DataFrame = found[found["direct_km"] <= NEIGHBOURS_KM]
    return kept


def _apart(check: str, table: pd.DataFrame, pairs: NDArray[np.int64]) -> pd.DataFrame:
    """Return pairs of rows of one side whose minutes differ by more than the walk between them."""
    table = table.reset_index(drop=True)
    side, minutes = table["side"].to_numpy(dtype=object), table["time_to_checkpoint_min"].to_numpy(float)
    pairs = pairs[side[pairs[:, 0]] == side[pairs[:, 1]]]
    frame = _pairs(check, table, pairs)
    _, walk = connector_times(frame["direct_km"].to_numpy(float) * 1000)
    frame["value"], frame["allowed"] = np.abs(minutes[pairs[:, 0]] - minutes[pairs[:, 1]]), walk
    found: pd.DataFrame = frame.assign(unit="min")[(frame["value"] > walk).to_numpy()]
    return found


def _circuity(router: Router, settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return pairs of settlements within 150 km whose way without a border is more than 2.5 times as long."""
    table = _with_lonlat(settlements)
    table = table[router.positions(table["node"].to_numpy()) >= 0]
    table = table.sort_values("population", ascending=False, kind="stable").head(MOST).reset_index(drop=True)
    if len(table) < 2:
        return _pairs(LONG, table, np.empty((0, 2), np.int64)).assign(value=0.0, allowed=CIRCUITY, unit="ratio")
    # The chord is shorter than the arc: all pairs within the distance are among those found.
    pairs = np.sort(cKDTree(_on_sphere(table)).query_pairs(1.01 * NEAR_KM / 6371, output_type="ndarray"), axis=1)
    frame = _pairs(LONG, table, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    nodes = table["node"].to_numpy()
    km = _ways_km(router, nodes, pairs)
    ratio = km / np.maximum(frame["direct_km"].to_numpy(float), 1e-9)
    frame = frame.assign(value=np.where(np.isfinite(ratio), ratio, np.nan), allowed=CIRCUITY, unit="ratio")
    found: pd.DataFrame = frame[frame["direct_km"].between(APART_KM, NEAR_KM) & (ratio > CIRCUITY)]
    return found


def _ways_km(router: Router, nodes: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the length of the way between both nodes of each pair, infinity above `REACH` times 150 km.

    Hardly any is as long: ways that are no detour are sought first, and the others from their own nodes alone.
    """
    metres = np.full(len(pairs), np.inf)
    for limit in (CIRCUITY * NEAR_KM * 1000, REACH * NEAR_KM * 1000):
        left = np.flatnonzero(np.isinf(metres))
        if len(left):
            (start, row), (end, column) = (np.unique(pairs[left, k], return_inverse=True) for k in (0, 1))
            metres[left] = router.table(nodes[start], nodes[end], "length_m:borderless", limit=limit)[row, column]
    return metres / 1000


def _abroad(network: Network, settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return links at home that run for more than 5 km through the neighbour as they are drawn."""
    # The ground itself, before settlements and posts cut its links into pieces.
    tables = network.base.tables
    links, side = tables.links, tables.nodes["side"].to_numpy(dtype=object)
    on_ground = ~links["kind"].isin(NO_GROUND).to_numpy()
    home = side[links["u"].to_numpy()] == side[links["v"].to_numpy()]
    rows = np.flatnonzero(on_ground & home)
    own = side[links["u"].to_numpy()[rows]]
    lines = tables.projected(rows)
    km = np.zeros(len(rows))
    for s in SIDES:
        km[own == s] = network.base.border.abroad_m(lines[own == s], s) / 1000
    far = np.flatnonzero(km > ABROAD_KM)
    xy = tables.nodes[["x", "y"]].to_numpy(float)
    ends = [xy[links[e].to_numpy(np.int64)[rows[far]]] for e in ("u", "v")]
    names = _nearest_names(settlements, np.vstack(ends)).reshape(2, -1)
    frame = pd.DataFrame({"check": ABROAD, "place": names[0], "to_place": names[1]})
    for (a, b), at in zip((("lon", "lat"), ("to_lon", "to_lat")), ends, strict=True):
        frame[a], frame[b] = at[:, 0], at[:, 1]
    return frame.assign(
        direct_km=geodesic_m(*ends[0].T, *ends[1].T) / 1000, value=km[far], allowed=ABROAD_KM, unit="km"
    )


def _pairs(check: str, table: pd.DataFrame, pairs: NDArray[np.int64]) -> pd.DataFrame:
    """Return pairs of rows with names, coordinates and the geodesic between them."""
    one, two = (table.iloc[pairs[:, k]] for k in (0, 1))
    lonlat = [t[["lon", "lat"]].to_numpy(float) for t in (one, two)]
    return pd.DataFrame(
        {
            "check": check,
            "place": one["name"].to_numpy(dtype=object),
            "to_place": two["name"].to_numpy(dtype=object),
            "lon": lonlat[0][:, 0],
            "lat": lonlat[0][:, 1],
            "to_lon": lonlat[1][:, 0],
            "to_lat": lonlat[1][:, 1],
            "direct_km": geodesic_m(*lonlat[0].T, *lonlat[1].T) / 1000,
        }
    )


def _with_lonlat(settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return settlements with ``lon`` and ``lat`` as a plain table."""
    xy = shapely.get_coordinates(settlements.geometry.to_numpy())
    return pd.DataFrame(settlements.drop(columns="geometry")).assign(lon=xy[:, 0], lat=xy[:, 1])


def _on_sphere(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return places on the unit sphere, where the nearest by chord is the nearest."""
    lon, lat = np.radians(table["lon"].to_numpy(float)), np.radians(table["lat"].to_numpy(float))
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _nearest_names(settlements: gpd.GeoDataFrame, lonlat: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the name of the settlement nearest to each place; empty where there is none."""
    if settlements.empty or not len(lonlat):
        return np.full(len(lonlat), "", dtype=object)
    table = _with_lonlat(settlements)
    _, near = cKDTree(_on_sphere(table)).query(_on_sphere(pd.DataFrame(lonlat, columns=["lon", "lat"])))
    return np.asarray(table["name"].to_numpy(dtype=object)[near], dtype=object)
