"""Growth and bottlenecks of a run: what its places are made of, both effects, both tests, two flags on the cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from analysis.reach.decays import exponential
from analysis.statistics.association import COLUMNS
from analysis.statistics.effects import Basis, trips_to_city, undetoured_share
from analysis.statistics.flags import both_tests, flag_notes
from analysis.statistics.growth import growth_design, growth_residual
from analysis.statistics.homes import Homes, cell_units, named
from analysis.statistics.hotspots import global_moran
from analysis.statistics.permutations import reach_warning
from analysis.statistics.weights import network_time
from analysis.units import cells_of
from gis.hot import Hot
from layers.crs import WGS84, project
from layers.memory import laid_down
from layers.sides import same_side
from network.costs import blocks

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph
    from numpy.typing import NDArray

    from gis.inputs import Prepared
    from gis.measures import Access, Measures
    from gis.study import Study
    from network.build import Network

WEIGHTS = "network time with waits"
WHOLE = 9_999
"""Orders at the most for a statistic of the whole border: one test, no family that asks for more."""


def hot_spots(prepared: Prepared, measures: Measures) -> Measures:
    """Return the measures with both effects, their tests and two flags on the cells, and a table of statistics."""
    access, cells = measures.access, measures.cells
    if access is None:
        return measures
    study = prepared.study
    network = access.router.network
    homes, rows = homes_of(cells, network, access, study.analysis.h3_resolution)
    basis = _basis(study, network, access, cells, homes, rows)
    units = cell_units(cells, homes, access.targets, basis.actual, basis.decay)
    growth = growth_residual(units)
    trips, norm = trips_to_city(basis, basis.actual, city_people=study.lists.city_people)
    graph = by_time(access, cells, homes)
    towns = rows[homes.name != ""] - access.parts["settlements"].start
    hot = Hot(basis, towns, units, trips, norm, graph, {}, _undetoured(access, rows, homes))
    narrow = log_excess(trips)
    known = growth.dropna().index
    design, people = growth_design(units.loc[known]), units.loc[known, "population"].astype(float)
    table: list[dict[str, object]] = []
    notes: list[str] = []
    columns: dict[str, pd.Series] = {}
    sided = pd.get_dummies(units["side"], dtype=float)
    for name, values, fit, weight in (
        ("growth", growth, design, people),
        ("bottleneck", narrow, sided.loc[narrow.dropna().index], None),
    ):
        found, hot.smooth[name] = tested(study, values, graph, units["side"], fit, weight)
        columns |= {f"{name}_{c}": found[c] for c in found}
        table += _rows(study, name, values, graph, hot.smooth[name])
        notes += flag_notes(name, hot.smooth[name], found["flag"], alpha=study.analysis.alpha)
    if warning := reach_warning(study.analysis.permutations, int(growth.notna().sum()), study.analysis.alpha):
        notes.append(f"growth: {warning}")
    if hot.undetoured > 0.9:
        notes.append(
            f"{hot.undetoured:.0%} of the populated cells have no detour in these data: minutes lost at the "
            "border and people lost within a time repeat the waits, "
            "most of them assumed"
        )
    fresh = pd.DataFrame({"growth": np.exp(growth), **columns}).join(trips)
    fresh.insert(0, "place", named(cells, homes))
    cells = cells.join(fresh.reset_index(drop=True))
    return replace(
        measures, cells=cells, statistics=pd.DataFrame(table, columns=COLUMNS), notes=[*measures.notes, *notes], hot=hot
    )


def tested(
    study: Study,
    values: pd.Series,
    graph: Graph,
    side: pd.Series,
    design: pd.DataFrame | None = None,
    people: pd.Series | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return both tests of a variable with the study's draws, seed and level."""
    settings = study.analysis
    return both_tests(
        values,
        graph,
        side,
        design=design,
        people=people,
        permutations=settings.permutations,
        draws=study.lists.smooth_draws,
        seed=settings.seed,
        alpha=settings.alpha,
    )


def log_excess(trips: pd.DataFrame) -> pd.Series:
    """Return log of minutes over what home roads take, by cell: what is tested, for minutes are skewed."""
    ratio = (trips["next_city_min"] / trips["home_roads_min"]).to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.Series(np.where(ratio > 0, np.log(ratio), np.nan), index=trips.index, name="log_excess")


def homes_of(
    cells: gpd.GeoDataFrame, network: Network, access: Access, resolution: int | None
) -> tuple[Homes, NDArray[np.int64]]:
    """Return where the people of the cells live, and the rows of `Access.times` that these places have.

    Parameters
    ----------
    resolution
        Of the run's own cells; None for cells of another grid, which have no people but those of their settlements.
    """
    towns = network.settlements
    cell = cells_of(cells, towns, resolution)
    own = np.flatnonzero((cell >= 0) & (towns["population"] > 0).to_numpy())
    # People of a raster may live where no settlement is known: at the centre.
    empty = (
        np.setdiff1d(np.flatnonzero((cells["population"] > 0).to_numpy()), cell[own])
        if resolution is not None
        else own[:0]
    )
    at = towns.geometry.iloc[own]
    lonlat = np.concatenate([np.column_stack([at.x, at.y]), cells[["lon", "lat"]].to_numpy(float)[empty]])
    points = project(shapely.points(lonlat), WGS84, network.crs)
    homes = Homes(
        n=len(cells),
        cell=np.r_[cell[own], empty],
        people=np.r_[towns["population"].to_numpy(float)[own], cells["population"].to_numpy(float)[empty]],
        side=np.r_[towns["side"].to_numpy(dtype=object)[own], cells["side"].to_numpy(dtype=object)[empty]],
        lonlat=lonlat,
        line_km=np.asarray(shapely.distance(points, network.base.border.line), float) / 1000,
        name=np.r_[towns["name"].to_numpy(dtype=object)[own], np.full(len(empty), "", dtype=object)],
    )
    return homes, np.r_[access.parts["settlements"].start + own, access.parts["cells"].start + empty]


def by_time(access: Access, cells: gpd.GeoDataFrame, homes: Homes, network: str = "actual") -> Graph:
    """Return weights of populated cells by time between their largest homes, on the actual network with waits."""
    first = homes.largest()
    use = np.flatnonzero(first >= 0)
    points = access.router.attach(
        homes.lonlat[first[use]], homes.side[first[use]], limit_km=access.router.network.limits.point_km
    )
    return network_time(access.router, points, cells["cell"].to_numpy()[use].tolist(), network=network)


def _basis(
    study: Study, network: Network, access: Access, cells: gpd.GeoDataFrame, homes: Homes, rows: NDArray[np.int64]
) -> Basis:
    """Return what the effects are made of, with the run's own waits and decay alone."""
    towns = network.settlements
    use = (towns["population"] > 0).to_numpy() & (access.router.positions(towns["node"].to_numpy()) >= 0)
    places = towns[use]
    decay = study.analysis.decay_function() or exponential(study.analysis.half_life_min)
    return Basis(
        cells=cells,
        homes=homes,
        targets=access.targets,
        names=places["name"].to_numpy(dtype=object),
        lonlat=np.column_stack([places.geometry.x, places.geometry.y]),
        waits={"": laid_down(access.times["actual"][rows])},
        open=laid_down(access.times["open"][rows]),
        fades={"": decay},
    )


def _undetoured(access: Access, rows: NDArray[np.int64], homes: Homes) -> float:
    """Return the share of homes whose quickest way across is no longer without a wait than without a border."""
    across = ~same_side(homes.side, access.targets.side)
    least = np.empty((2, len(rows)))
    for some in blocks(*across.shape):
        for k, name in enumerate(("open", "borderless")):
            minutes = np.where(across[some], access.times[name][rows[some]], np.inf)
            least[k, some] = minutes.min(axis=1, initial=np.inf)
    return undetoured_share(*least)


def _rows(study: Study, name: str, values: pd.Series, graph: Graph, smooth: dict[str, Any]) -> list[dict[str, object]]:
    """Return the rows of the table of statistics: Moran's I, and the highest unit beside smooth surfaces."""
    known = values.dropna()
    part = graph.subgraph(graph.unique_ids[graph.unique_ids.isin(known.index)])
    title = {"growth": "growth residual", "bottleneck": "log of minutes over home roads"}[name]
    options = {"permutations": min(study.analysis.permutations, WHOLE), "seed": study.analysis.seed}
    moran = global_moran(known.reindex(part.unique_ids).to_numpy(float), part, title, weights=WEIGHTS, **options)
    highest = dict.fromkeys(COLUMNS, np.nan) | {
        "variable": title,
        "statistic": "highest unit beside smooth surfaces",
        "p_two_sided": smooth["least"],
        "n": smooth["units"],
        "permutations": study.lists.smooth_draws,
        "note": f"p one-sided; autoregression with rho {smooth['rho']:.2f}; half of the stretches raised by "
        f"{smooth['seen_sd']:.1f} sd or more would be seen",
    }
    return [moran, highest]
