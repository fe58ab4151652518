"""Travel time as a surface: from the network outwards over open ground, side by side of the border."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt

from analysis.reach.accessibility import nearest_checkpoint, posts
from analysis.reach.contours import spread
from analysis.reach.decays import exponential
from analysis.reach.tracks import Tracks, tracks_of
from layers.errors import LayerError
from layers.keeping import kept, kept_as
from layers.regions import belt
from layers.sides import SIDES, Side
from network.build import FIELDS
from network.connectors import CONNECTOR_KPH
from network.costs import min_plus, shortest_minutes
from network.joining import DETOUR
from network.overlay import build_overlay

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from analysis.reach.accessibility import Nearest, Targets
    from analysis.reach.decays import Decay
    from network.build import Network
    from network.routing import Router

MAX_CELLS = 20_000_000
BLOCK = 200_000
"""Minutes from nodes to settlements at once: what stays in the cache of the processor."""
PER_METRE = DETOUR / (CONNECTOR_KPH * 1000 / 60)
"""Minutes over open ground: those of a connector."""


@dataclass(frozen=True)
class Surface:
    """A grid in the study's projection.

    ``minutes``, or what else is spread (NaN outside and where nothing is reached), ``inside`` the belt, its transform.

    ``grid`` is what it was spread over, for other surfaces of the same network.
    """

    minutes: NDArray[np.float64]
    inside: NDArray[np.bool_]
    transform: Affine
    grid: Grid | None = None


def checkpoint_surface(
    network: Network,
    router: Router,
    border: gpd.GeoDataFrame,
    *,
    depth_km: float = 100.0,
    cell_km: float = 2.0,
    limit_km: float = 100.0,
    nearest: Nearest | None = None,
) -> Surface:
    """Return minutes to the nearest open checkpoint over the border belt.

    From the network outwards at the speed of connectors, in sixteen directions from cell to cell, never over the
    border. Cells further than `limit_km` from any link or post of their side are NaN.

    Parameters
    ----------
    depth_km
        Depth of the belt on both sides.
    cell_km
        Width of a square cell.
    nearest
        From `analysis.reach.accessibility.nearest_checkpoint`, where it is known.

    Raises
    ------
    LayerError
        The grid is too fine to be held.
    """
    times, _ = nearest or nearest_checkpoint(network, router)
    grid = belt_grid(network, border, depth_km=depth_km, cell_km=cell_km)
    at_posts = {side: _at_posts(network, router, side, mask, grid.transform) for side, mask in grid.sides.items()}
    return grid.spread(network, router, times, limit_km=limit_km, also=at_posts)


def city_surface(
    network: Network, router: Router, grid: Grid, *, city_people: float, field: str = "actual", limit_km: float = 100.0
) -> Surface:
    """Return minutes to the nearest city across the border, waits included, over the border belt.

    See `checkpoint_surface`.

    Parameters
    ----------
    city_people
        From how many people a settlement is a city.
    field
        Network: ``actual``, ``open`` or ``borderless``.
    """
    table = network.settlements
    minutes = np.full(len(router.nodes), np.inf)
    for side in SIDES:
        across = ((table["population"] >= city_people) & (table["side"] != side)).to_numpy(bool)
        cost, _ = router.nearest(table["node"].to_numpy(np.int64)[across], FIELDS[field])
        own = router.side == side
        minutes[own] = cost[own]
    return grid.spread(network, router, minutes, limit_km=limit_km)


def potential_surface(
    network: Network,
    router: Router,
    grid: Grid,
    targets: Targets,
    *,
    half_life_min: float,
    field: str = "actual",
    limit_km: float = 100.0,
) -> Surface:
    """Return the potential across the border over the border belt, in person-equivalents, for a decay by half-life.

    Of a node it is the sum over the settlements across. From there outwards every half-life of minutes halves it:
    2^(−t/h) of a sum is the sum of each part, so that the best node near a cell gives its potential. Other decays have
    no such rule.
    """
    ways = network.links[["u", "v", "oneway", "mode", "crossing", FIELDS["open"], FIELDS[field]]]
    # The belt is some third of what is loaded.
    at = grid.ends(network, router)
    potential = np.zeros(len(router.nodes))
    potential[at] = kept_as(
        "potential_across",
        [ways, network.nodes["side"], router.mode, router.nodes, targets, half_life_min, at],
        lambda: potential_across(network, router, targets, exponential(half_life_min), field, at),
    )
    most = float(potential.max(initial=0.0))
    if most <= 0:
        return Surface(np.full(grid.inside.shape, np.nan), grid.inside, grid.transform)
    with np.errstate(divide="ignore"):
        behind = half_life_min * np.log2(most / potential)
    spread = grid.spread(network, router, behind, limit_km=limit_km)
    return Surface(most * np.exp2(-spread.minutes / half_life_min), grid.inside, grid.transform)


def potential_across(
    network: Network,
    router: Router,
    targets: Targets,
    fades: Decay,
    field: str,
    at: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the potential of positions of a router, all where None, over the settlements across the border.

    Trees grow from the posts, of which there are dozens, not from the settlements.
    """
    at = np.arange(len(router.nodes)) if at is None else at
    potential = np.zeros(len(at))
    overlay = build_overlay(network, router.mode, field=field)
    beyond = min_plus(overlay.across(), overlay.from_posts(targets.node))
    post_side = network.nodes["side"].to_numpy(dtype=object)[overlay.posts]
    for side in SIDES:
        own, far, near = np.flatnonzero(router.side[at] == side), targets.side != side, post_side == side
        to_posts = overlay.to_posts(router.nodes[at[own]])[:, near]
        step = max(1, BLOCK // max(int(far.sum()), 1))
        for start in range(0, len(own), step):
            minutes = shortest_minutes(to_posts[start : start + step], beyond[np.ix_(near, far)])
            potential[own[start : start + step]] = (fades(minutes) * targets.people[far]).sum(axis=1)
    return potential


@dataclass(frozen=True)
class Grid:
    """The cells of the border belt: a mask per side, and from column and row to the study's projection."""

    sides: dict[Side, NDArray[np.bool_]]
    transform: Affine
    _kept: dict[str, tuple[Router, Tracks]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Cells of either side."""
        return self.sides["a"] | self.sides["b"]

    def spread(
        self,
        network: Network,
        router: Router,
        minutes: NDArray[np.float64],
        *,
        limit_km: float,
        also: dict[Side, NDArray[np.float64]] | None = None,
    ) -> Surface:
        """Return a cost of the router's positions over the grid.

        Along the links, and from them over open ground, side by side.

        Parameters
        ----------
        minutes
            Per position; infinity where there is none.
        also
            Per side, further cells with a cost, infinity elsewhere.
        """
        out = np.full(self.inside.shape, np.nan)
        for side, mask in self.sides.items():
            seeds = self._tracks(network, router, side).seeds(minutes, mask)
            if also is not None:
                seeds = np.where(mask, np.minimum(seeds, also[side]), np.inf)
            if np.isfinite(seeds).any():
                out[mask] = kept(_over_ground, seeds, mask, self.transform.a, limit_km)[mask]
        return Surface(out, self.inside, self.transform, self)

    def ends(self, network: Network, router: Router) -> NDArray[np.int64]:
        """Return the positions whose costs are spread: those at the ends of links in the belt."""
        tracks = [self._tracks(network, router, side) for side in self.sides]
        return np.unique(np.concatenate([end for track in tracks for end in (track.u, track.v)])).astype(np.int64)

    def _tracks(self, network: Network, router: Router, side: Side) -> Tracks:
        """Return where the links of one side run, found once for all surfaces of a router."""
        held = self._kept.get(side)
        if held is None or held[0] is not router:
            mask = self.sides[side]
            found: Tracks = kept_as(
                "tracks",
                [network.ground, router.mode, side, mask, list(self.transform)],
                lambda: tracks_of(network, router, side, mask, self.transform),
            )
            held = self._kept[side] = (router, found)
        return held[1]


def _over_ground(
    seeds: NDArray[np.float64], mask: NDArray[np.bool_], size: float, limit_km: float
) -> NDArray[np.float64]:
    """Return costs from cells outwards over open ground, NaN where no cell with one is within the limit."""
    # A way may lead over ground that is too far off to be shown: the limit hides cells, it changes none.
    reached = spread(seeds, mask, size, PER_METRE, np.inf, np.inf)
    near = distance_transform_edt(~np.isfinite(seeds)) * size <= limit_km * 1000
    return np.where(np.isfinite(reached) & near, reached, np.nan)


def belt_grid(network: Network, border: gpd.GeoDataFrame, *, depth_km: float = 100.0, cell_km: float = 2.0) -> Grid:
    """Return the grid of the border belt.

    Raises
    ------
    LayerError
        The grid is too fine to be held.
    """
    zone = belt(border, depth_km, network.crs)
    west, south, east, north = shapely.bounds(zone)
    size = cell_km * 1000
    if not cell_km > 0 or (north - south) * (east - west) / size**2 > MAX_CELLS:
        raise LayerError(
            f"a grid of {cell_km:g} km cells: allowed is more than 0 and at most {MAX_CELLS:,} cells in the "
            "belt's frame"
        )
    shape = (int(np.ceil((north - south) / size)), int(np.ceil((east - west) / size)))
    transform = Affine(size, 0, west, 0, -size, north)
    edge = network.base.border
    # Cells are in a side or in water by their middles: neither need be cut by the other.
    land = ~_cells_in(edge.lakes_on(zone), shape, transform)
    sides = {s: _cells_in(_parts(shapely.intersection(edge.sides[s], zone)), shape, transform) & land for s in SIDES}
    sides["b"] &= ~sides["a"]
    return Grid(sides, transform)


def _parts(polygon: shapely.Geometry) -> NDArray[np.object_]:
    parts: NDArray[np.object_] = shapely.get_parts(polygon)
    return parts[shapely.area(parts) > 0]


def _cells_in(polygons: NDArray[np.object_], shape: tuple[int, int], transform: Affine) -> NDArray[np.bool_]:
    """Return the cells whose middles lie in one of some polygons."""
    if not len(polygons):
        return np.zeros(shape, bool)
    return np.asarray(rasterize(polygons, out_shape=shape, transform=transform, dtype="uint8"), bool)


def _at_posts(
    network: Network, router: Router, side: Side, mask: NDArray[np.bool_], transform: Affine
) -> NDArray[np.float64]:
    """Return the cells where open checkpoints of one side stand, on a road or off all roads; infinity elsewhere."""
    own = posts(network, router)
    xy = network.nodes[["px", "py"]].to_numpy(float)[own.loc[own["side"] == side, "node"].to_numpy(np.int64)]
    column = np.floor((xy[:, 0] - transform.c) / transform.a).astype(int)
    line = np.floor((xy[:, 1] - transform.f) / transform.e).astype(int)
    inside = (line >= 0) & (line < mask.shape[0]) & (column >= 0) & (column < mask.shape[1])
    out = np.full(mask.shape, np.inf)
    if inside.any() and mask.any():
        # A post on the line may fall into a cell of the other side: the nearest of its own then.
        gap, near = distance_transform_edt(~mask, return_indices=True)
        line, column = line[inside], column[inside]
        np.minimum.at(out, tuple(near[:, line, column]), gap[line, column] * transform.a * PER_METRE)
    return out


def territory_within(surface: Surface, regions: gpd.GeoDataFrame, minutes: float) -> NDArray[np.float64]:
    """Return the share of each region's part of the belt from which an open checkpoint is at most `minutes` away.

    Cells count by the part of them inside the region (exactextract); cells that reach nothing count as not within. NaN
    where a region has no part in the belt.

    Parameters
    ----------
    regions
        In the surface's projection.
    """
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    within = np.where(surface.inside, np.nan_to_num(surface.minutes, nan=np.inf) <= minutes, np.nan).astype(float)
    height, width = within.shape
    t = surface.transform
    source = NumPyRasterSource(within, t.c, t.f + height * t.e, t.c + width * t.a, t.f, nodata=np.nan, name="within")
    table = exact_extract(source, regions[["geometry"]].reset_index(drop=True), ["mean"], output="pandas")
    return np.asarray(table["mean"], float)
