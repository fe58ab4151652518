"""Units of analysis: H3 cells of the border belt and pieces of the border line, joined to the network."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from layers.crs import WGS84, geodesic_m, line_lengths_m, project
from layers.errors import LayerError
from layers.regions import belt, border_axis, region_of
from layers.sides import SIDES
from network.topology import along, between, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pyproj import CRS


def h3_cells(
    regions: gpd.GeoDataFrame, border: gpd.GeoDataFrame, crs: CRS, *, resolution: int = 4, depth_km: float = 100.0
) -> gpd.GeoDataFrame:
    """Return the H3 cells whose centre lies within `depth_km` of the border, on either side.

    Parameters
    ----------
    regions
        With ``side``, clipped to the belt.
    border, crs
        Border line and the study's projection.

    Returns
    -------
    Polygons with ``cell``, ``side``, ``region``, ``lon`` and ``lat`` of the centre, sorted by cell.

    Raises
    ------
    LayerError
        The resolution is out of range or so coarse that no cell fits.
    """
    if not 0 <= resolution <= 9:
        raise LayerError(f"H3 resolution {resolution}: allowed is 0 to 9")
    zone = project(shapely.segmentize(belt(border, depth_km, crs), 20_000), crs, WGS84)
    inside = shapely.intersection(zone, shapely.union_all(regions.geometry.to_numpy()))
    ids = sorted(
        {
            c
            for part in shapely.get_parts(inside)
            if part.geom_type == "Polygon"
            for c in h3.geo_to_cells(part, resolution)
        }
    )
    if not ids:
        raise LayerError(
            f"no H3 cell of resolution {resolution} has its centre within {depth_km:g} km of the border: allowed "
            "is a finer one"
        )
    centre = np.array([h3.cell_to_latlng(c) for c in ids])[:, ::-1]
    shells = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(c)]) for c in ids]
    row = region_of(centre, regions, 0.0)
    frame = gpd.GeoDataFrame({"cell": ids, "lon": centre[:, 0], "lat": centre[:, 1]}, geometry=shells, crs=WGS84)
    frame["side"] = regions["side"].to_numpy(dtype=object)[row]
    frame["region"] = regions["region"].to_numpy(dtype=object)[row]
    return frame[row >= 0].reset_index(drop=True)


def people_in_cells(cells: gpd.GeoDataFrame, settlements: gpd.GeoDataFrame, resolution: int = 4) -> NDArray[np.int64]:
    """Return the people of each cell: those of the settlements that count to it (`cells_of`)."""
    row = cells_of(cells, settlements, resolution)
    inhabited = (row >= 0) & (settlements["population"] > 0).to_numpy()
    people = settlements["population"].to_numpy(float)[inhabited]
    return np.asarray(np.rint(np.bincount(row[inhabited], people, minlength=len(cells))), np.int64)


def cells_of(cells: gpd.GeoDataFrame, settlements: gpd.GeoDataFrame, resolution: int | None = 4) -> NDArray[np.int64]:
    """Return the row of the cell that each settlement counts to.

    The one it lies in, if that is on its side; −1 for none.

    A settlement whose own cell belongs to the other side counts to the nearest cell of its side, of that cell's
    neighbours if one is, so that nobody within the belt is lost or moved over the border.

    Parameters
    ----------
    resolution
        Of H3; None for other polygons, where a settlement that lies in none of its side counts to none.
    """
    side = cells["side"].to_numpy()
    if resolution is None:
        cell, at = shapely.STRtree(cells.geometry.to_numpy()).query(
            settlements.geometry.to_numpy(), predicate="intersects"
        )
        fits = settlements["side"].to_numpy()[cell] == side[at]
        out = np.full(len(settlements), -1)
        out[cell[fits][::-1]] = at[fits][::-1]
        return out
    position = {c: i for i, c in enumerate(cells["cell"])}
    out = np.full(len(settlements), -1)
    points = settlements.geometry
    for k, (lon, lat, s) in enumerate(
        zip(points.x, points.y, settlements["side"], strict=True)
    ):  # h3 takes one at a time
        own = h3.latlng_to_cell(lat, lon, resolution)
        if own not in position:
            continue
        if side[position[own]] == s:
            out[k] = position[own]
            continue
        ring = [position[c] for c in sorted(h3.grid_ring(own, 1)) if c in position and side[position[c]] == s]
        at = np.array(ring or np.flatnonzero(side == s), np.int64)
        if len(at):
            away = geodesic_m(lon, lat, cells["lon"].to_numpy()[at], cells["lat"].to_numpy()[at])
            out[k] = at[int(np.argmin(away))]
    return out


def people_from_raster(
    cells: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, people: Callable[[gpd.GeoDataFrame], NDArray[np.float64]]
) -> NDArray[np.int64]:
    """Return the people of each cell from a raster, rounded to persons.

    A cell over the line keeps the people on its own side; those beyond count to the nearest cell of theirs, so that the
    total of all cells is the raster's and nobody is moved over the border.

    Parameters
    ----------
    regions
        With ``side``, clipped to the belt.
    people
        Counts the people of polygons (`layers.population.PopulationRaster.people`).
    """
    total = np.zeros(len(cells))
    side = cells["side"].to_numpy(dtype=object)
    place = _on_sphere(cells["lon"].to_numpy(float), cells["lat"].to_numpy(float))
    for s in SIDES:
        land = shapely.union_all(regions.loc[regions["side"] == s].geometry.to_numpy())
        shapely.prepare(land)
        parts = shapely.intersection(cells.geometry.to_numpy(), land)
        counted = people(gpd.GeoDataFrame(geometry=parts, crs=cells.crs)) if len(cells) else total
        own = np.flatnonzero(side == s)
        beyond = np.flatnonzero((side != s) & (counted > 0))
        total[own] += counted[own]
        if len(own) and len(beyond):
            _, near = cKDTree(place[own]).query(place[beyond])
            np.add.at(total, own[near], counted[beyond])
    return np.asarray(np.rint(total), np.int64)


def nearest_settlement(
    cells: gpd.GeoDataFrame, settlements: gpd.GeoDataFrame, *, people: int = 2000
) -> NDArray[np.object_]:
    """Return the name of the settlement of at least `people` nearest to each cell's centre, on its side.

    Empty for none.
    """
    out = np.full(len(cells), "", dtype=object)
    for side in SIDES:
        own = settlements[(settlements["side"] == side) & (settlements["population"] >= people)]
        rows = np.flatnonzero(cells["side"] == side)
        if own.empty or not len(rows):
            continue
        # On the unit sphere the nearest by chord is the nearest by geodesic, to the flattening of the earth.
        tree = cKDTree(_on_sphere(own.geometry.x.to_numpy(), own.geometry.y.to_numpy()))
        _, near = tree.query(_on_sphere(cells["lon"].to_numpy()[rows], cells["lat"].to_numpy()[rows]))
        out[rows] = own["name"].to_numpy(dtype=object)[near]
    return out


def _on_sphere(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places as unit vectors, shape (n, 3)."""
    lon, lat = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def border_segments(border: gpd.GeoDataFrame, *, length_km: float = 25.0) -> gpd.GeoDataFrame:
    """Return pieces of the border line of `length_km`, numbered along its axis from the west.

    A remainder shorter than half a piece is added to the piece before it. Lengths are geodesic.

    Returns
    -------
    Lines with ``segment_id``, ``km_from``, ``km_to``, ``region_a``, ``region_b`` (at the middle), ``lon``, ``lat``
    (of the middle).

    Raises
    ------
    LayerError
        The length is not positive.
    """
    if not length_km > 0:
        raise LayerError(f"segments of {length_km:g} km: allowed is more than 0")
    axes = border_axis(border)
    rows, start = [], 0.0
    for k, line in enumerate(axes):  # the parts of a border: one for most
        total = float(line_lengths_m(line)[0]) / 1000
        n = max(1, int(total // length_km) + (total % length_km >= length_km / 2))
        cuts = np.r_[np.arange(n) * length_km, total]
        rows += [(k, a / total, b / total, start + a, start + b) for a, b in pairwise(cuts)]
        start += total
    which = np.array([r[0] for r in rows], np.int64)
    begin, end = np.array([[r[1], r[2]] for r in rows]).T
    middle = along(axes, (begin + end) / 2, which)
    geometry = _substrings(axes, which, begin, end)
    parts = shapely.get_parts(border.geometry.to_numpy(), return_index=True)
    near = parts[1][shapely.STRtree(parts[0]).nearest(shapely.points(middle))]
    return gpd.GeoDataFrame(
        {
            "segment_id": [f"s{i:04d}" for i in range(1, len(rows) + 1)],
            "km_from": [r[3] for r in rows],
            "km_to": [r[4] for r in rows],
            "region_a": border["region_a"].to_numpy()[near],
            "region_b": border["region_b"].to_numpy()[near],
            "lon": middle[:, 0],
            "lat": middle[:, 1],
        },
        geometry=geometry,
        crs=WGS84,
    )


def _substrings(
    lines: NDArray[np.object_], which: NDArray[np.int64], begin: NDArray[np.float64], end: NDArray[np.float64]
) -> list[shapely.LineString]:
    """Return parts of lines, `which` of them each, between two shares of the geodesic length."""
    head, tail = along(lines, begin, which), along(lines, end, which)
    vertices = [shapely.get_coordinates(line) for line in lines]
    at = [shares(xy) for xy in vertices]
    # shapely has no substring by geodesic length.
    return [between(vertices[k], at[k], *row) for k, *row in zip(which, begin, end, head, tail, strict=True)]


def h3_weights(cells: pd.Series) -> dict[str, list[str]]:
    """Return each cell's neighbours among the cells given: symmetric contiguity of the H3 grid."""
    known = set(cells)
    return {c: [n for n in sorted(h3.grid_ring(c, 1)) if n in known] for c in cells}
