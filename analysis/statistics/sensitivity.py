"""How far labels hang on choices that nobody measured.

The size of cells, where the grid starts, who is whose neighbour.

The modifiable areal unit problem (Openshaw 1984) is met by doing it again: `alternatives` label the same border on
finer cells, on a shifted grid and under other weights; `stability` says how many labels stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from sklearn.metrics import adjusted_rand_score

from analysis.units import h3_cells
from layers.crs import WGS84, areas_km2, project, require_equal_area
from layers.errors import LayerError
from layers.regions import belt, region_of

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from pyproj import CRS

    from network.routing import Router

NEITHER, NO_DATA = "neither", "no data"
Weights = Literal["contiguity", "nearest", "open"]
Label = Callable[[gpd.GeoDataFrame, "Weights | None"], pd.Series]
"""From cells and who is whose neighbour (by time with waits where it is None) to their labels."""
HALF = (0.5, 0.5)


def stability(
    base: pd.Series, alternatives: Mapping[str, pd.Series | Callable[[], pd.Series]]
) -> tuple[pd.DataFrame, pd.Series]:
    """Return how many labels stay under each alternative, and for each unit the share that keeps its label.

    Parameters
    ----------
    base
        Labels by unit.
    alternatives
        Labels of the same units, or what computes them; a unit that is missing or without data there is not compared.

    Returns
    -------
    Per alternative and label, and for ``all``: ``alternative``, ``label``, ``units`` (compared), ``kept``,
    ``kept_share``, ``gained`` (units with the label there and another here), ``adjusted_rand`` (on the rows of ``all``:
    1 for the same grouping, about 0 for one by chance; Hubert and Arabie 1985). And ``stability`` by unit, NaN where
    nothing is compared.

    Examples
    --------
    >>> labels = pd.Series(["hot", "hot", "neither"])
    >>> table, by_unit = stability(labels, {"other": pd.Series(["hot", "neither", "neither"])})
    >>> table["kept_share"].round(2).tolist(), by_unit.tolist()
    ([0.67, 0.5, 1.0], [1.0, 0.0, 1.0])
    """
    rows: list[dict[str, Any]] = []
    kept, known = np.zeros(len(base)), np.zeros(len(base))
    for name, labels in alternatives.items():  # alternatives: a handful
        there = (labels() if callable(labels) else labels).reindex(base.index)
        both = (_has_data(base) & _has_data(there)).to_numpy()
        same = both & (base == there).to_numpy()
        kept += same
        known += both
        one, other = base[both], there[both]
        rows.append(_row(name, "all", int(both.sum()), int(same.sum()), int((~same & both).sum())))
        if both.any():
            rows[-1]["adjusted_rand"] = adjusted_rand_score(
                *(pd.factorize(v)[0].astype(np.int64) for v in (one, other))
            )
        for label in sorted(set(one) | set(other)):
            own, others_at = one == label, other == label
            rows.append(
                _row(name, str(label), int(own.sum()), int((own & others_at).sum()), int((others_at & ~own).sum()))
            )
    columns = ["alternative", "label", "units", "kept", "kept_share", "gained", "adjusted_rand"]
    by_unit = pd.Series(np.where(known > 0, kept / np.maximum(known, 1), np.nan), index=base.index, name="stability")
    return pd.DataFrame(rows, columns=columns), by_unit


def alternatives(
    router: Router,
    cells: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    label: Label,
    *,
    resolution: int = 4,
    depth_km: float = 100.0,
) -> dict[str, Callable[[], pd.Series]]:
    """Return the standard alternatives, each a function that labels the cells anew: labels by ``cell``.

    Cells one resolution finer, each cell taking the commonest label of its children; hexagons of the same mean area in
    the study's projection, shifted by half a cell (H3 can't be shifted), each cell taking the label at its centre; and
    contiguity, the six nearest neighbours and time on the network without the wait at the border, instead of time with
    it.

    Parameters
    ----------
    cells, regions, border
        As `analysis.units.h3_cells` takes and gives them.
    label
        Labels cells, on the index of the frame; see `Label`.
    """
    crs = router.network.crs

    def finer() -> pd.Series:
        small = h3_cells(regions, border, crs, resolution=resolution + 1, depth_km=depth_km)
        return from_children(cells, small.assign(label=label(small, None)))

    def shifted() -> pd.Series:
        area = float(areas_km2(cells.geometry.to_numpy(), crs).mean())
        moved = hexagons(regions, border, crs, area_km2=area, shift=HALF, depth_km=depth_km)
        return at_centres(cells, moved.assign(label=label(moved, None)))

    def weighted(weights: Weights) -> Callable[[], pd.Series]:
        return lambda: pd.Series(label(cells, weights).to_numpy(), index=cells["cell"])

    return {
        f"resolution {resolution + 1}": finer,
        "shifted grid": shifted,
        "contiguity": weighted("contiguity"),
        "6 nearest neighbours": weighted("nearest"),
        "network time without wait": weighted("open"),
    }


def from_children(cells: pd.DataFrame, children: pd.DataFrame) -> pd.Series:
    """Return for each H3 cell the commonest label of its children on its own side, by ``cell``.

    NaN where none has data.

    A tie goes to the label that is not `neither`, then to the first by name.

    Parameters
    ----------
    cells, children
        With ``cell`` and ``side``; the children with ``label``.
    """
    known = children[_has_data(children["label"]).to_numpy()]
    coarse = {h3.get_resolution(c) for c in cells["cell"]}
    if len(coarse) > 1:
        raise LayerError(f"cells of resolutions {', '.join(map(str, sorted(coarse)))}: allowed is one")
    parent = [h3.cell_to_parent(c, next(iter(coarse))) for c in known["cell"]] if coarse else []
    side = cells.set_index("cell")["side"].reindex(parent).to_numpy()
    at_home = known["side"].to_numpy() == side
    frame = pd.DataFrame({"cell": parent, "label": known["label"].to_numpy()})[at_home]
    count = frame.value_counts().rename("n").reset_index()
    count["plain"] = count["label"] == NEITHER
    first: pd.DataFrame = count.sort_values(
        ["cell", "n", "plain", "label"], ascending=[True, False, True, True]
    ).drop_duplicates("cell")
    labels: pd.Series = first.set_index("cell")["label"].reindex(cells["cell"])
    return labels


def at_centres(cells: gpd.GeoDataFrame, others: gpd.GeoDataFrame) -> pd.Series:
    """Return for each cell the label of the other cell of its side that holds its centre, by ``cell``.

    NaN where none does.
    """
    centre = shapely.points(cells["lon"], cells["lat"])
    own, others_at = shapely.STRtree(others.geometry.to_numpy()).query(centre, predicate="intersects")
    same = cells["side"].to_numpy()[own] == others["side"].to_numpy()[others_at]
    # A centre on an edge lies in two: the first of them.
    found = pd.Series(
        others["label"].to_numpy()[others_at[same]], index=cells["cell"].to_numpy()[own[same]], dtype=object
    )
    return found[~found.index.duplicated()].reindex(cells["cell"])


def hexagons(
    regions: gpd.GeoDataFrame,
    border: gpd.GeoDataFrame,
    crs: CRS,
    *,
    area_km2: float,
    shift: tuple[float, float] = (0.0, 0.0),
    depth_km: float = 100.0,
) -> gpd.GeoDataFrame:
    """Return equal hexagons whose centre lies within `depth_km` of the border, in a grid that may be shifted.

    Parameters
    ----------
    regions, border, crs
        As for `analysis.units.h3_cells`; the projection must be equal-area.
    shift
        Share of the distance between neighbours in a row, and between rows, by which the grid is moved.

    Returns
    -------
    As `analysis.units.h3_cells`, with ``cell`` as ``column:row`` of the grid.
    """
    require_equal_area(crs)
    if not area_km2 > 0:
        raise LayerError(f"hexagons of {area_km2:g} km²: allowed is more than 0")
    edge = float(np.sqrt(2 * area_km2 * 1e6 / (3 * np.sqrt(3))))
    dx, dy = np.sqrt(3) * edge, 1.5 * edge
    zone = belt(border, depth_km, crs)
    west, south, east, north = (float(v) for v in shapely.bounds(zone))
    r = np.arange(np.floor(south / dy) - 1, np.ceil(north / dy) + 2)
    q = np.arange(np.floor(west / dx - r.max() / 2) - 1, np.ceil(east / dx - r.min() / 2) + 2)
    qq, rr = (g.ravel() for g in np.meshgrid(q, r))
    x, y = dx * (qq + rr / 2 + shift[0]), dy * (rr + shift[1])
    inside = shapely.contains_xy(zone, x, y)
    qq, rr, x, y = qq[inside], rr[inside], x[inside], y[inside]
    angle = np.radians(np.arange(30, 390, 60))
    corners = np.stack([x[:, None] + edge * np.cos(angle), y[:, None] + edge * np.sin(angle)], axis=2)
    lonlat = shapely.get_coordinates(project(shapely.points(x, y), crs, WGS84))
    row = region_of(lonlat, regions, 0.0)
    frame = gpd.GeoDataFrame(
        {
            "cell": [f"{a}:{b}" for a, b in zip(qq.astype(int), rr.astype(int), strict=True)],
            "lon": lonlat[:, 0],
            "lat": lonlat[:, 1],
            "side": regions["side"].to_numpy(dtype=object)[row],
            "region": regions["region"].to_numpy(dtype=object)[row],
        },
        geometry=project(shapely.polygons(corners), crs, WGS84),
        crs=WGS84,
    )
    return frame[row >= 0].sort_values("cell").reset_index(drop=True)


def hexagon_contiguity(cells: pd.Series) -> Graph:
    """Return the contiguity of `hexagons` by their places in the grid; islands stay.

    Examples
    --------
    >>> hexagon_contiguity(pd.Series(["0:0", "1:0", "5:5"])).cardinalities.tolist()
    [1, 1, 0]
    """
    from libpysal.graph import Graph

    place = np.array([c.split(":") for c in cells], np.int64).reshape(-1, 2)
    at = {(int(q), int(r)): i for i, (q, r) in enumerate(place)}
    steps = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
    near = [[at[p] for d in steps if (p := (int(q) + d[0], int(r) + d[1])) in at] for q, r in place]
    pairs = [(i, j, 1 if ns else 0) for i, ns in enumerate(near) for j in (sorted(ns) or [i])]
    i, j, weight = np.array(pairs, np.int64).reshape(-1, 3).T
    names = cells.to_numpy(dtype=object)
    return Graph.from_arrays(names[i], names[j], weight)


def smaup(units: int, zones: int, moran: float) -> dict[str, object]:
    """Return the S-maup statistic of Duque, Laniado and Polo (2018) for a grouping of units into zones, by esda.

    Parameters
    ----------
    moran
        Spatial autocorrelation of the variable on the units (−1 to 1).

    Returns
    -------
    ``smaup`` and its critical values ``critical_10``, ``critical_05``, ``critical_01``: above them the grouping changes
    the distribution. Its simulations hold for 25 to 900 units.
    """
    from esda import Smaup

    found = Smaup(units, zones, moran)
    return {
        "smaup": float(found.smaup),
        "critical_10": float(found.critical_1),
        "critical_05": float(found.critical_05),
        "critical_01": float(found.critical_01),
    }


def _has_data(labels: pd.Series) -> pd.Series:
    """Return which labels say something."""
    return labels.notna() & (labels != NO_DATA)


def _row(alternative: str, label: str, units: int, kept: int, gained: int) -> dict[str, Any]:
    """Return one row of the table of stability."""
    return {
        "alternative": alternative,
        "label": label,
        "units": units,
        "kept": kept,
        "kept_share": kept / units if units else np.nan,
        "gained": gained,
        "adjusted_rand": np.nan,
    }
