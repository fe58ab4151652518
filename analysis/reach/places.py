"""Places that a user brings or names: hospitals, universities, cities, checkpoints, joined to the network as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.reach.accessibility import Targets, posts
from layers.crs import WGS84
from layers.errors import LayerError
from layers.regions import side_of
from network.border import COAST_KM
from network.edits import add_places
from network.joining import DETOUR
from network.kinds import CONNECTOR

if TYPE_CHECKING:
    from network.build import Network
    from network.routing import Router


def join_places(
    network: Network, layer: gpd.GeoDataFrame, *, name: str | None = None, weight: str | None = None
) -> tuple[Network, gpd.GeoDataFrame]:
    """Return the network with a user's places joined to it, and the places: hospitals, universities, shops, anything.

    Each joins the nearest link of the largest component on its own side, within the network's limit for settlements;
    never over the border. Compile the router from the network returned and attach the points to that router: a place
    then is a node, and a point beside the same link goes straight to it.

    Parameters
    ----------
    layer
        Points in any CRS; ``side`` (a or b) where given, else from the network's regions.
    name, weight
        Columns with the name (the index where None) and the weight, e.g. beds (1 where None).

    Returns
    -------
    The network; and the places with ``place``, ``side``, ``weight``, ``node``, ``connector_km`` (NaN where not joined),
    ``joined``, in the order of the layer. Not joined: in neither country, or too far from every road.

    Raises
    ------
    LayerError
        No CRS, not points, an unknown column, a side that is none, a weight that is negative or unknown.
    """
    _check_layer(layer, name, weight)
    points = layer.geometry.to_crs(WGS84)
    xy = shapely.get_coordinates(points.to_numpy())
    side = side_of(xy, network.base.regions, COAST_KM) if "side" not in layer else layer["side"].to_numpy(dtype=object)
    frame = gpd.GeoDataFrame(
        {
            "place": (layer.index if name is None else layer[name]).astype(str).to_numpy(dtype=object),
            "side": side,
            "weight": np.ones(len(layer)) if weight is None else layer[weight].to_numpy(float),
        },
        geometry=points.to_numpy(),
        crs=WGS84,
    )
    placed, nodes = add_places(network, [(x, y) for x, y in xy], side.tolist())
    frame["node"] = np.asarray(nodes, np.int64)
    links = placed.links[(placed.links["kind"] == CONNECTOR) & (placed.links["mode"] == "road")]
    by_node = links.drop_duplicates("u").set_index("u")["length_m"]
    frame["connector_km"] = frame["node"].map(by_node).astype(float) / DETOUR / 1000
    frame["joined"] = np.isin(nodes, placed.links[["u", "v"]].to_numpy())
    return placed, frame


def _check_layer(layer: gpd.GeoDataFrame, name: str | None, weight: str | None) -> None:
    """Raise what is wrong with a user's places, all of it at once."""
    wrong = []
    if layer.crs is None:
        wrong.append("it has no CRS")
    kinds = sorted(set(layer.geometry.geom_type.fillna("nothing")))
    if kinds not in (["Point"], []):
        wrong.append(f"its geometries are {', '.join(kinds)}: allowed is Point")
    for what, column in (("name", name), ("weight", weight)):
        if column is not None and column not in layer:
            wrong.append(f"it has no column {column!r} for the {what}: there are {', '.join(map(str, layer.columns))}")
    if weight is not None and weight in layer:
        values = pd.to_numeric(layer[weight], errors="coerce").astype(float)
        if not (np.isfinite(values) & (values >= 0)).all():
            wrong.append(f"{weight!r} is negative or unknown in a row: allowed is 0 or more in every row")
    if "side" in layer and not layer["side"].isin(["a", "b", ""]).all():
        wrong.append("a side is not a, b or empty")
    if wrong:
        raise LayerError(f"the layer of places can't be used: {'; '.join(wrong)}")


def cities(network: Network, *, people: float = 50_000) -> gpd.GeoDataFrame:
    """Return the settlements of at least `people` as places: ``place``, ``side``, ``weight`` (people), ``node``."""
    table = network.settlements[network.settlements["population"] >= people]
    columns = {"place": table["name"], "side": table["side"], "weight": table["population"].astype(float)}
    frame = gpd.GeoDataFrame({**columns, "node": table["node"]}, geometry=table.geometry.to_numpy(), crs=table.crs)
    return frame.reset_index(drop=True)


def checkpoint_places(network: Network, router: Router, *, weight: str | None = None) -> pd.DataFrame:
    """Return the posts of open checkpoints as places, one row per post.

    ``place`` (the checkpoint's id), ``side``, ``weight``, ``node``.

    Parameters
    ----------
    weight
        A column of the network's checkpoints, e.g. a capacity; 1 where None. A checkpoint with several posts on a side
        shares it out among them.
    """
    table = posts(network, router).rename(columns={"checkpoint_id": "place"})
    whole = pd.Series(1.0, index=network.checkpoints["checkpoint_id"])
    if weight is not None:
        if weight not in network.checkpoints:
            raise LayerError(
                f"no column {weight!r} for the weight: allowed are those of the checkpoints, "
                f"{', '.join(network.checkpoints)}"
            )
        whole = network.checkpoints.set_index("checkpoint_id")[weight].astype(float)
    table["weight"] = table["place"].map(whole).astype(float)
    if weight is not None:
        table["weight"] /= table.groupby(["place", "side"])["node"].transform("size")
    return table[["place", "side", "weight", "node"]]


def targets_of(places: pd.DataFrame) -> Targets:
    """Return places as targets of `analysis.reach.accessibility.travel_times` and `potentials`.

    Their weight stands for people.
    """
    return Targets(
        places["node"].to_numpy(np.int64), places["side"].to_numpy(dtype=object), places["weight"].to_numpy(float)
    )


def places_report(places: pd.DataFrame) -> pd.DataFrame:
    """Return per side how many places there are, how many join the network, and how far off it they lie.

    Returns
    -------
    ``side`` (empty: in neither country), ``places``, ``not_joined``, ``connector_median_km``, ``connector_max_km``.
    """
    rows = places.groupby("side", sort=True)
    return pd.DataFrame(
        {
            "places": rows.size(),
            "not_joined": rows["joined"].agg(lambda j: int((~j).sum())),
            "connector_median_km": rows["connector_km"].median(),
            "connector_max_km": rows["connector_km"].max(),
        }
    ).reset_index()
