"""Edits of a scenario: checkpoints opened, closed, re-timed, roads built and upgraded, on a built network.

The command line, scenario files, the page and notebooks use the same small values. A list of edits is a scenario; where
the order could matter (works on one road) it is that of the list, and edits that contradict each other are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from gis.queries.edit_checks import check_edits, region_named, target_of
from gis.queries.kinds import (
    KINDS,
    Capacity,
    Close,
    Edit,
    Electrify,
    Hours,
    Road,
    Rules,
    Speeds,
    Stop,
    Upgrade,
    Wait,
    plain,
)
from gis.queries.new_posts import Open, joined_note, new_row
from layers.crs import WGS84
from layers.errors import BorderlinkError, PlaceError
from network.edits import add_checkpoints, set_capacity, set_hours, set_open, set_wait
from network.electrify import add_stop, electrify
from network.speeds import WINTER_SHARE
from network.works import SpeedRules, build_way, built_again, scale_speeds, upgrade_ways

if TYPE_CHECKING:
    from network.build import Base, Network

__all__ = [
    "KINDS",
    "Capacity",
    "Close",
    "Edit",
    "Electrify",
    "Hours",
    "Open",
    "Road",
    "Rules",
    "Speeds",
    "Stop",
    "Upgrade",
    "Wait",
    "apply_edits",
    "closed_by",
    "joined_note",
    "new_row",
    "plain",
]


def apply_edits(
    network: Network, edits: Sequence[Edit], *, where: Sequence[str] = (), rules: Rules | None = None
) -> tuple[Network, list[str]]:
    """Return the network with the edits made, and a line on each.

    A new checkpoint that is closed again is never built: opening and closing the same thing changes nothing. All works
    and new checkpoints are one rebuild on the same base; waits, hours and closures change gates alone. The network that
    was given stays as it is: to undo an edit is to leave it out.

    Parameters
    ----------
    where
        What a message calls each edit, such as file and line.
    rules
        Of the study.

    Raises
    ------
    PlaceError
        A name that no checkpoint has, a place that no checkpoint can have, a number out of range, edits that contradict
        each other, nothing left open.
    """
    rules = rules or Rules()
    where = list(where) or [""] * len(edits)
    check_edits(edits, network.checkpoints, network.base.regions, where)
    made = _ground(network, edits, where, rules)
    notes = [text for _, text in made[1]]
    base = made[0]
    opens = {f"new-{i}": n for i, n in enumerate((n for n, e in enumerate(edits) if isinstance(e, Open)), 1)}
    rows = {key: _located(where[n], new_row, network, edits[n], int(key[4:])) for key, n in opens.items()}
    named = [
        (key, str(row["name"].iloc[0]), (float(row.geometry.iloc[0].x), float(row.geometry.iloc[0].y)))
        for key, row in rows.items()
    ]
    closed, undone = [], set()
    for edit in edits:
        if isinstance(edit, Close):
            for target in closed_by(network, edit, named):
                if target in rows:
                    undone.add(target)
                    notes.append(f"{rows[target]['name'].iloc[0]}: opened and closed again")
                else:
                    closed.append(target)
                    notes.append(f"closed {target}")
    if base is not network.base:
        network = built_again(network, base)
    built = {key: row for key, row in rows.items() if key not in undone}
    if built:
        sources = "; ".join(where[opens[k]] for k in built if where[opens[k]])
        table = gpd.GeoDataFrame(pd.concat(list(built.values()), ignore_index=True), crs=WGS84)
        network = _located(sources, add_checkpoints, network, table)
        _refuse_astray(network, {k: edits[opens[k]] for k in built}, {k: where[opens[k]] for k in built})
        back = {
            k: e.wait_back_min for k in built if isinstance(e := edits[opens[k]], Open) and e.wait_back_min is not None
        }
        for key, minutes in back.items():
            network = set_wait(network, key, minutes, direction="b to a")
        notes += [joined_note(network, key) for key in built]
    for n, edit in enumerate(edits):
        if isinstance(edit, Wait | Hours | Capacity):
            name = target_of(edit.checkpoint, network.checkpoints, named)
            network, note = _located(where[n], _at_post, network, name, edit, rules)
            notes += note
    network = set_open(network, closed, False) if closed else network
    if edits and not network.checkpoints["open"].any():
        raise PlaceError(f"{_of(where)}every checkpoint is closed: allowed is a scenario that leaves one open")
    return network, notes


def _ground(
    network: Network, edits: Sequence[Edit], where: Sequence[str], rules: Rules
) -> tuple[Base, list[tuple[int, str]]]:
    """Return the base after the works among the edits, in their order, and a line on each."""
    base, notes = network.base, []
    speed_rules = SpeedRules(rules.speeds, rules.winter)
    for n, edit in enumerate(edits):
        if isinstance(edit, Road):
            kind = edit.road_class or ("main" if edit.mode == "rail" else "primary")
            base, located = _located(
                where[n],
                build_way,
                base,
                edit.points,
                mode=edit.mode,
                kind=kind,
                kph=edit.road_kph,
                oneway=edit.oneway,
                speed_rules=speed_rules,
            )
            gaps = max(located["join_a_km"], located["join_b_km"])
            off = f", its ends {gaps:.1f} km off the network and drawn to it" if gaps > 0.05 else ""
            notes.append((n, f"built {edit.mode} of {located['length_km']:,.1f} km at {located['kph']:g} km/h{off}"))
        elif isinstance(edit, Upgrade):
            area = _area(base, edit)
            base = _located(
                where[n],
                upgrade_ways,
                base,
                kph=edit.road_kph,
                kind=edit.road_class,
                mode=edit.mode,
                osm_ids=edit.osm_ids,
                area=area,
                speed_rules=speed_rules,
            )
            notes.append((n, f"upgraded {edit.mode} to {edit.road_class or f'{edit.road_kph:g} km/h'} {_spot(edit)}"))
        elif isinstance(edit, Speeds):
            factor = WINTER_SHARE if edit.season == "winter" else edit.factor
            base = _located(where[n], scale_speeds, base, factor, mode=edit.mode, area=_area(base, edit))
            notes.append((n, f"speeds by {edit.mode} times {factor:g} {_spot(edit)}"))
        elif isinstance(edit, Electrify):
            base = _located(
                where[n], electrify, base, edit.current, osm_ids=edit.osm_ids, area=_area(base, edit),
                gauge_min=rules.gauge_min, current_min=rules.current_min,
            )  # fmt: skip
            notes.append((n, f"railways under {edit.current} {_spot(edit)}"))
        elif isinstance(edit, Stop):
            base = _located(where[n], add_stop, base, edit.lon, edit.lat, name=edit.name)
            notes.append((n, f"a stop at {edit.name or f'{edit.lon:g},{edit.lat:g}'}"))
    return base, notes


def _area(base: Base, edit: Upgrade | Speeds | Electrify) -> shapely.Geometry | None:
    """Return the area of an edit in degrees, None for everywhere."""
    if edit.region:
        return region_named(base.regions, edit.region)
    return shapely.Polygon(edit.polygon) if edit.polygon else None


def _spot(edit: Upgrade | Speeds | Electrify) -> str:
    """Return where an edit of roads is, in words."""
    if isinstance(edit, Upgrade | Electrify) and edit.osm_ids:
        return f"on {len(edit.osm_ids)} ways of OpenStreetMap"
    return (
        f"in {edit.region}"
        if edit.region
        else f"in a polygon of {len(edit.polygon)} corners"
        if edit.polygon
        else "everywhere"
    )


def _refuse_astray(network: Network, opened: Mapping[str, Edit], where: Mapping[str, str]) -> None:
    """Refuse a new checkpoint that was to stand at a crossing of the data and found none."""
    joined = network.checkpoints.set_index("checkpoint_id")["joined_by"]
    for key, edit in opened.items():
        if isinstance(edit, Open) and edit.at == "crossing" and joined[key] != "crossing":
            limit = network.road_km if edit.mode == "road" else network.rail_km
            raise PlaceError(
                f"{_of([where[key]])}no {edit.mode} of the data passes the line within {limit:g} km of "
                f"{edit.lon:g},{edit.lat:g}: "
                'allowed is a place by a crossing, or at = "new road"'
            )


def closed_by(network: Network, edit: Close, named: Sequence[tuple[str, str, tuple[float, float]]]) -> list[str]:
    """Return the ids that an edit closes: one, or the open ones of a region."""
    if edit.checkpoint:
        return [target_of(edit.checkpoint, network.checkpoints, named)]
    region_named(network.base.regions, edit.region)
    table, regions = network.checkpoints, network.base.regions
    codes = set(regions.loc[(regions["region"] == edit.region) | (regions["name"] == edit.region), "region"])
    concerned = table["open"].astype(bool) & (table["region_a"].isin(codes) | table["region_b"].isin(codes))
    if not concerned.any():
        raise PlaceError(f"region {edit.region!r} has no open checkpoint: allowed is one with some")
    return sorted(table.loc[concerned, "checkpoint_id"])


def _at_post(network: Network, name: str, edit: Wait | Hours | Capacity, rules: Rules) -> tuple[Network, list[str]]:
    """Return the network after an edit of one post, and a line on it."""
    if isinstance(edit, Wait):
        if edit.vehicle not in ("", network.base.vehicle):
            return network, []
        to = "" if edit.direction == "both" else f" from side {edit.direction}"
        return set_wait(network, name, edit.wait_min, direction=edit.direction), [
            f"wait at {name} {edit.wait_min:g} min{to}"
        ]
    if isinstance(edit, Hours):
        return set_hours(network, name, edit.hours, closed_hours=rules.closed_hours), [f"hours at {name} {edit.hours}"]
    return set_capacity(network, name, edit.capacity_per_day), [f"capacity at {name} {edit.capacity_per_day:g} a day"]


def _located(where: str, act: Any, *values: Any, **options: Any) -> Any:
    """Do something; what a user caused is said with its place in the scenario."""
    try:
        return act(*values, **options)
    except BorderlinkError as error:
        raise PlaceError(f"{_of([where])}{error}") from None


def _of(where: Sequence[str]) -> str:
    """Return the beginning of a message that says where, empty where nothing is known."""
    named = [w for w in where if w]
    return f"{named[-1]}: " if named else ""
