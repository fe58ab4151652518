"""Changes to a built network: close, reopen, re-time or add a checkpoint, join further places.

Closing and re-timing change the cost fields of a few gates; what is added is built again on the same base, so that the
result equals a network built with the change in its input.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.checkpoints import usable_wait_min, with_hours, with_waits
from layers.crs import WGS84
from layers.errors import LayerError, PlaceError
from layers.hours import CLOSED_HOURS, ClosedHours, read_hours
from layers.lists import lists_of
from layers.schema import validate
from network.border import match_checkpoints
from network.build import Network, with_costs, with_status
from network.connectors import connect_checkpoints, connect_settlements
from network.kinds import GATE, LINE
from network.spots import refuse_spot
from network.works import built_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN_ROAD: Mapping[str, object] = {"own_road": False, "road_kph": np.nan}
"""Columns of a checkpoint that stands on a road of its own, which is yet to be built, and what others have there."""
DIRECTIONS = ("both", "a to b", "b to a")
MOST_TIMES = 100.0
"""Waits are not taken times more than this."""


def set_open(network: Network, checkpoint_ids: Iterable[str], is_open: bool) -> Network:
    """Return the network with checkpoints closed or reopened; nothing else is touched.

    Raises
    ------
    PlaceError
        An id that no checkpoint has.
    """
    ids = _known(network, checkpoint_ids)
    links = network.links
    # Of half a million links one column is another: no other is copied.
    links = links.assign(passable=np.where(links["checkpoint_id"].isin(ids), is_open, links["passable"].astype(bool)))
    checkpoints = network.checkpoints.copy()
    own = checkpoints["checkpoint_id"].isin(ids)
    checkpoints.loc[own, "open"] = is_open
    crossings = network.crossings.copy()
    passable = links[links["crossing"]].groupby("crossing_id")["passable"].any()
    crossings["status"] = np.where(crossings["crossing_id"].map(passable).astype(bool), "open", "closed")
    closed = sorted(crossings.loc[crossings["status"] == "closed", "crossing_id"])
    report = {**network.report, "crossings_closed": closed}
    return _recosted(network, links, checkpoints=with_status(checkpoints), crossings=crossings, report=report)


def set_wait(network: Network, checkpoint_id: str, wait_min: float, *, direction: str = "both") -> Network:
    """Return the network with another wait at one checkpoint.

    Parameters
    ----------
    direction
        ``both``, ``a to b`` or ``b to a``; the table of checkpoints then has the mean of the two.

    Raises
    ------
    PlaceError
        An id that no checkpoint has, a negative wait, or another direction.
    """
    (name,) = _known(network, [checkpoint_id])
    _refuse_wait(wait_min, f"a wait at {name!r}")
    if direction not in DIRECTIONS:
        raise PlaceError(f"a wait in direction {direction!r}: allowed are {', '.join(DIRECTIONS)}")
    links, checkpoints = network.links.copy(), network.checkpoints.copy()
    gates = links["checkpoint_id"] == name
    if direction != "both":
        side = network.nodes["side"].to_numpy(dtype=object)[links["u"].to_numpy()]
        gates &= side == direction[0]
    links.loc[gates, "wait_min"] = float(wait_min)
    own = checkpoints["checkpoint_id"] == name
    at_gates = links.loc[links["checkpoint_id"] == name, "wait_min"]
    checkpoints.loc[own, ["wait_min", "control_wait_min"]] = float(at_gates.mean() if len(at_gates) else wait_min)
    checkpoints.loc[own, ["hours_wait_min", "hours_even_min"]] = 0.0
    # A wait that somebody sets is no assumption of ours, and the old percentile is not its own.
    checkpoints.loc[own, "wait_assumed"] = False
    checkpoints.loc[own, "wait_source"] = "the scenario"
    checkpoints.loc[own, "wait_p90_min"] = np.nan
    return _recosted(network, links, checkpoints=checkpoints)


def set_hours(network: Network, checkpoint_id: str, hours: str, *, closed_hours: ClosedHours = "planned") -> Network:
    """Return the network with other opening hours at one checkpoint.

    The wait at the control stays, that for the opening changes.

    Raises
    ------
    PlaceError
        An id that no checkpoint has, or hours that can't be read.
    """
    (name,) = _known(network, [checkpoint_id])
    if not read_hours(hours).known:
        raise PlaceError(f"hours {hours!r} at {name!r} can't be read: allowed is such as 24/7 or 09:00-21:00")
    checkpoints = network.checkpoints.copy()
    own = checkpoints["checkpoint_id"] == name
    old = float(checkpoints.loc[own, "hours_wait_min"].iloc[0])
    checkpoints.loc[own, "hours"] = hours
    timed = with_hours(checkpoints.loc[own], closed_hours)
    for column in ("hours_known", "hours_open_share", "hours_even_min", "hours_wait_min", "wait_min"):
        checkpoints.loc[own, column] = timed[column].to_numpy()
    more = float(timed["hours_wait_min"].iloc[0]) - old
    links = network.links.copy()
    links.loc[links["checkpoint_id"] == name, "wait_min"] += more
    return _recosted(network, links, checkpoints=checkpoints)


def set_capacity(network: Network, checkpoint_id: str, capacity_per_day: float) -> Network:
    """Return the network with another capacity at one checkpoint, in vehicles a day of both directions.

    Loads follow it.

    Raises
    ------
    PlaceError
        An id that no checkpoint has, or a capacity that is not positive.
    """
    (name,) = _known(network, [checkpoint_id])
    if not 0 < capacity_per_day < np.inf:
        raise PlaceError(f"a capacity of {capacity_per_day:g} a day at {name!r}: allowed is more than 0")
    checkpoints = network.checkpoints.copy()
    checkpoints.loc[checkpoints["checkpoint_id"] == name, "capacity_per_day"] = float(capacity_per_day)
    return replace(network, checkpoints=checkpoints)


def scale_waits(network: Network, factor: float, *, assumed_only: bool = False) -> Network:
    """Return the network with the waits of all gates times a factor: what waits that nobody measured may be instead.

    Parameters
    ----------
    assumed_only
        Only the waits that are assumptions; those that were measured stay.

    Raises
    ------
    PlaceError
        A factor that is negative, no number, or above `MOST_TIMES`.
    """
    if not 0 <= factor <= MOST_TIMES:
        raise PlaceError(f"waits times {factor:g}: allowed is 0 to {MOST_TIMES:g}")
    scaled = network.links["wait_min"] * factor
    if assumed_only:
        table = network.checkpoints
        assumed = table.loc[table["wait_assumed"].astype(bool), "checkpoint_id"]
        scaled = scaled.where(network.links["checkpoint_id"].isin(assumed), network.links["wait_min"])
    return _recosted(network, network.links.assign(wait_min=scaled))


def charge_closed_hours(network: Network, closed_hours: ClosedHours) -> Network:
    """Return the network with closed hours planned around, or with the waits of evenly spread arrivals.

    See `layers.checkpoints`.

    A wait that `set_wait` gave stays what it is.

    Raises
    ------
    LayerError
        Another rule.
    """
    if closed_hours not in CLOSED_HOURS:
        raise LayerError(f"closed hours {closed_hours!r}: allowed are {', '.join(CLOSED_HOURS)}")
    table = network.checkpoints
    charged = table["hours_even_min"].fillna(0.0).astype(float) * (closed_hours == "even")
    more = charged - table["hours_wait_min"]
    checkpoints = table.assign(hours_wait_min=table["hours_wait_min"] + more, wait_min=table["wait_min"] + more)
    at_gates = network.links["checkpoint_id"].map(dict(zip(table["checkpoint_id"], more, strict=True))).fillna(0.0)
    links = network.links.assign(wait_min=network.links["wait_min"] + at_gates.astype(float))
    return _recosted(network, links, checkpoints=checkpoints)


def new_checkpoint(
    network: Network,
    lon: float,
    lat: float,
    *,
    mode: str = "road",
    wait_min: float | None = None,
    number: int = 1,
    hours: str = "24/7",
    capacity_per_day: float | None = None,
    regime: str = "multilateral",
    own_road: bool = False,
    road_kph: float | None = None,
    name: str = "",
) -> gpd.GeoDataFrame:
    """Return the row of a planned checkpoint, with the assumed wait of its mode where none is given.

    Parameters
    ----------
    wait_min
        At the control, of the network's vehicle.
    own_road
        It joins no crossing of the data, however near: an access road of its own is built on both sides.
    road_kph
        Speed on that road; that of a connector where None.

    Raises
    ------
    PlaceError
        The place is far from the border line or in the water, the wait is negative, or the mode is not road or rail.
    """
    if mode not in ("road", "rail"):
        raise PlaceError(f"a new checkpoint by {mode!r}: allowed is road or rail")
    if own_road and mode == "rail":
        raise PlaceError("a new checkpoint by rail on a new road: allowed is a crossing of the railway")
    if wait_min is not None:
        _refuse_wait(wait_min, "a wait at a new checkpoint")
    refuse_spot(network, lon, lat)
    wait = np.nan if wait_min is None else float(wait_min)
    row = gpd.GeoDataFrame(
        {
            "checkpoint_id": [f"new-{number}"],
            "mode": [mode],
            "name": [name or name_of_new(number, lon, lat)],
            "regime": [regime],
            "hours": [hours],
            "capacity_per_day": [np.nan if capacity_per_day is None else float(capacity_per_day)],
            "control_wait_min": [wait],
            "wait_truck_min": [wait],
            "wait_source": ["the scenario"],
            "source": ["scenario"],
        },
        geometry=[shapely.Point(lon, lat)],
        crs=WGS84,
    )
    made = with_waits(validate(row, "checkpoints", "scenario"), vehicle=network.base.vehicle)
    made = made.assign(base_open=False)
    return made.assign(own_road=True, road_kph=np.nan if road_kph is None else float(road_kph)) if own_road else made


def name_of_new(number: int, lon: float, lat: float) -> str:
    """Return the name of a new checkpoint that was given none."""
    return f"New checkpoint {number} ({lon:g},{lat:g})"


def add_checkpoints(network: Network, rows: gpd.GeoDataFrame) -> Network:
    """Return the network with further checkpoints: built again on its base, as if they had been in the table.

    Places that were joined by `add_places` are not on the base and are lost: add them after.

    Raises
    ------
    PlaceError
        A checkpoint that finds neither a crossing nor links on both sides, or an id that is taken.
    """
    taken = sorted(set(rows["checkpoint_id"]) & set(network.checkpoints["checkpoint_id"]))
    if taken or rows["checkpoint_id"].duplicated().any():
        raise PlaceError(f"a checkpoint is called {', '.join(taken) or 'the same twice'} already: allowed is a new id")
    base_columns = [c for c in rows.columns if c in network.checkpoints.columns or c in OWN_ROAD]
    old = network.checkpoints.reindex(columns=base_columns)
    for column, blank in OWN_ROAD.items():
        if column in base_columns:
            old[column] = old[column].astype(object).where(old[column].notna(), blank).astype(type(blank))
    table = gpd.GeoDataFrame(pd.concat([old, rows[base_columns]], ignore_index=True), crs=WGS84)
    _refuse_far(network, _alone(network, rows))
    built = built_again(network, network.base, table)
    fresh = built.checkpoints[built.checkpoints["checkpoint_id"].isin(rows["checkpoint_id"])]
    _refuse_far(network, fresh[fresh["joined_by"] == "not modelled"])
    lost = fresh.loc[fresh["joined_by"] == "nothing", "name"]
    if len(lost):
        raise PlaceError(
            f"{', '.join(lost)} finds no {fresh['mode'].iloc[0]} network to join: allowed is a place by a "
            "crossing of the "
            "network, or, by road, within the connectors' reach of both sides"
        )
    return built


def gate_lines(network: Network, rows: gpd.GeoDataFrame, crossings: Sequence[str]) -> Network:
    """Return the network with a closed checkpoint at each of some crossings that have none.

    No rebuild, for the road is split at the line already.

    Parameters
    ----------
    rows
        Checkpoints as `new_checkpoint` makes them, closed, one for each of `crossings`.
    """
    links, ids = network.links, rows["checkpoint_id"].tolist()
    line = ((links["kind"] == LINE) & links["crossing_id"].isin(list(crossings))).to_numpy(bool)
    one = links[line]
    both = pd.concat([one, one.assign(u=one["v"], v=one["u"])], ignore_index=True)
    whose = both["crossing_id"].map(dict(zip(crossings, ids, strict=True)))
    waits = whose.map(dict(zip(ids, rows["wait_min"].astype(float), strict=True))).astype(float)
    gates = both.assign(kind=GATE, oneway=True, passable=False, checkpoint_id=whose, wait_min=waits)
    joined = rows.reindex(columns=network.checkpoints.columns).assign(
        joined_by="crossing", match_km=0.0, crossings=[(c,) for c in crossings], crossings_km=[(0.0,)] * len(crossings)
    )
    own = pd.Series([(i,) for i in ids], index=list(crossings), dtype=object)
    held = lists_of(network.crossings["crossing_id"], own)
    table = pd.concat([network.checkpoints, with_status(joined)], ignore_index=True)
    return replace(
        network,
        links=with_costs(pd.concat([links[~line], gates], ignore_index=True), network.domestic_wait),
        checkpoints=gpd.GeoDataFrame(table, crs=network.checkpoints.crs),
        crossings=network.crossings.assign(checkpoints=held.where(held.map(len) > 0, network.crossings["checkpoints"])),
    )


def _alone(network: Network, rows: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return new posts by road that no crossing of the data takes and that stand far from its roads.

    Found out without a rebuild.
    """
    pairs = match_checkpoints(network.base.tables, rows, road_km=network.road_km, rail_km=network.rail_km)
    by_road = (rows["mode"] == "road").to_numpy(bool)
    alone = rows[by_road & ~rows["checkpoint_id"].isin(pairs["checkpoint_id"]).to_numpy(bool)]
    _, found = connect_checkpoints(network.tables, alone, network.base.border, network.limits)
    known = found[["connector_a_km", "connector_b_km"]].notna().all(axis=1) & ~found["joined"].astype(bool)
    return pd.DataFrame(alone[["checkpoint_id", "name"]]).merge(found[known], on="checkpoint_id")


def _refuse_far(network: Network, far: pd.DataFrame) -> None:
    """Refuse new checkpoints that are not modelled, for they stand far from the roads of a side."""
    if len(far):
        sides = far[["connector_a_km", "connector_b_km"]].to_numpy(float).max(axis=0)
        raise PlaceError(
            f"{', '.join(far['name'])} stands {sides.max():,.0f} km from the roads of the data, where a "
            "checkpoint is not modelled "
            f"(side a {sides[0]:,.0f} km, side b {sides[1]:,.0f} km): it can't be assessed; allowed is "
            f"{network.limits.checkpoint_modelled_km:g} km (checkpoint_modelled_km in [connectors])"
        )


def add_places(
    network: Network, lonlat: Sequence[tuple[float, float]], sides: Sequence[str]
) -> tuple[Network, list[int]]:
    """Return the network with further places joined as settlements are, and their nodes; no way leads through them."""
    frame = gpd.GeoDataFrame(
        {"settlement_id": [f"place-{i}" for i in range(len(lonlat))], "side": list(sides)},
        geometry=shapely.points(np.asarray(lonlat, float)),
        crs=WGS84,
    )
    tables, snaps = connect_settlements(
        network.tables, frame, network.base.border, network.limits, stations=network.base.stations, through=False
    )
    links = tables.links
    links["crossing_id"] = links["crossing_id"].fillna("")
    placed = replace(network, nodes=tables.nodes, links=with_costs(links, network.domestic_wait))
    return placed, [int(n) for n in snaps["node"]]


def _recosted(network: Network, links: pd.DataFrame, **parts: Any) -> Network:
    """Return the network with the costs of links of which waits and closures alone are others, on the same ground."""
    new = replace(network, links=with_costs(links, network.domestic_wait), **parts)
    # The very same: what was found out about it is not sought again.
    vars(new)["ground"] = network.ground
    return new


def _refuse_wait(wait_min: float, what: str) -> None:
    """Refuse a wait that is negative, endless or no number."""
    try:
        usable_wait_min(wait_min, what)
    except LayerError as error:
        raise PlaceError(str(error)) from None


def _known(network: Network, checkpoint_ids: Iterable[str]) -> list[str]:
    """Return the ids, or say which are unknown."""
    ids = list(checkpoint_ids)
    known = set(network.checkpoints["checkpoint_id"])
    unknown = [i for i in ids if i not in known]
    if unknown:
        raise PlaceError(
            f"no checkpoint is called {', '.join(map(repr, unknown))}: allowed are {', '.join(sorted(known))}"
        )
    return ids
