"""What a run assumes: every value that nobody measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.connectivity.efficiency import REFERENCE_KPH
from analysis.reach.isochrones import OFF_ROAD_KM
from analysis.reach.opportunities import LOGSUM_PER_MIN
from analysis.trips.demand import modes_of
from analysis.trips.load import A, B
from layers.checkpoints import assumed_waits
from layers.osm.conditional import SIZES
from network.connectors import CONNECTOR_KPH
from network.joining import DETOUR as CONNECTOR_DETOUR
from network.kinds import CHANGE, FERRY
from network.speeds import (
    FERRY_BOARDING_MIN,
    FERRY_KPH,
    OTHER_KPH,
    RAIL_KPH,
    ROAD_KPH,
    SMOOTHNESS,
    SURFACES,
    TAGGED_SHARE,
    TRUCK_KPH,
    TRUCK_SHARE,
    WINTER_SHARE,
)

if TYPE_CHECKING:
    from gis.study import Study
    from network.build import Network

FEW_PAIRS = 10
"""Bands of distance with fewer pairs, across or at home, are no finding."""


Row = tuple[str, str, str, str]
"""What is assumed, its value, its unit, and where it is from."""


def assumptions(study: Study, network: Network) -> pd.DataFrame:
    """Return every value that nobody measured: what, value, unit, source."""
    rows = [
        *_of_waits(study, network),
        *_of_speeds(study, network),
        *_of_vehicle_and_season(study, network),
        *_of_ways(study, network),
        *_of_measures(study, network),
    ]
    return pd.DataFrame(rows, columns=["what", "value", "unit", "source"])


def _of_waits(study: Study, network: Network) -> list[Row]:
    """Return the assumptions on waits that were used."""
    rows: list[Row] = []
    used = network.checkpoints[network.checkpoints["wait_assumed"]]
    kinds = sorted({f"{m} {r}" if m == "road" else m for m, r in zip(used["mode"], used["regime"], strict=True)})
    for kind in kinds:
        median, p90 = assumed_waits(network.base.vehicle).get(kind, (float("nan"), float("nan")))
        what = f"wait at a checkpoint, {kind} (90th percentile {p90:g})"
        rows.append((what, f"{median:g}", "min", "assumption after single published observations"))
    if (network.checkpoints["hours_even_min"] > 0).any():
        if study.analysis.closed_hours == "even":
            what = "wait for the opening of part-day checkpoints, arrivals spread evenly"
            rows.append((what, "h²/48", "h", "assumption; h hours closed a day"))
        else:
            what = "wait for the opening of part-day checkpoints"
            rows.append((what, "0", "min", "assumption: who travels knows the hours and plans"))
    charged = study.analysis.domestic_wait
    for mode, free in (("road", "the study: none"), ("rail", "rule: a train in transit does not stop")):
        what = f"wait of a trip by {mode} that passes through the neighbour on its way home"
        if (network.links["mode"] == mode).any():
            value, source = (
                ("both posts", "rule: controlled on the way out and back") if mode in charged else ("0", free)
            )
            rows.append((what, value, "" if mode in charged else "min", source))
    return rows


def _of_speeds(study: Study, network: Network) -> list[Row]:
    """Return the assumptions on speeds that were used."""
    rows: list[Row] = []
    links = network.links
    for name, table in (("road", ROAD_KPH), ("rail", RAIL_KPH)):
        present = set(links.loc[links["mode"] == name, "kind"].unique())
        for kind in (k for k in table if k in present):
            own = kind in study.speeds
            value = study.speeds.get(kind, table[kind])
            source = "the study" if own else "default of the class"
            rows.append((f"speed, {name} {kind}", f"{value:g}", "km/h", source))
    unknown = links[links["speed_source"] == "fallback"]
    for of, part in unknown.groupby(unknown["mode"] + " " + unknown["kind"].astype(str)):
        what = f"speed of an unknown class, {of}, {part['length_m'].sum() / 1000:,.1f} km"
        rows.append((what, f"{OTHER_KPH[part['mode'].iloc[0]]:g}", "km/h", "assumption: no class of that name"))
    if study.osm.pbf or study.osm.overpass:
        rows.append(("class of a way that lists several", "the first that is known", "", "rule: named in the warnings"))
    if links["surface"].isin(list(SURFACES)).any():
        rows.append(("speed on loose surfaces: share of the class and cap", "0.5–0.6, 15–40", "km/h", "assumption"))
    if links["speed_source"].isin(["tagged", "implicit"]).any():
        rows.append(("share of a posted limit that is driven", f"{TAGGED_SHARE:g}", "", "assumption"))
    return rows


def _of_ways(study: Study, network: Network) -> list[Row]:
    """Return the assumptions on connectors and stations."""
    boarding, station = f"{study.connectors.boarding_min:g}", f"{study.connectors.station_km:g}"
    rows = [
        ("speed on connectors", f"{CONNECTOR_KPH:g}", "km/h", "assumption"),
        ("detour of connectors over the straight line", f"{CONNECTOR_DETOUR:g}", "ratio", "assumption"),
        ("boarding a train; a change between road and rail costs twice that", boarding, "min", "assumption"),
    ]
    rows += [
        (
            f"lengths of straightened {mode} links of generalised data, times",
            f"{known['factor']:g}",
            "ratio",
            f"fitted to {known['published_ways']} published distances, which are then off by "
            f"{100 * known['scatter']:.1f} % (root mean square)",
        )
        for mode in ("road", "rail")
        if (known := network.report.get(f"{mode}_lengths"))
    ]
    bridged = int(network.base.gaps["bridged"].astype(bool).sum())
    if bridged:
        rows.append(("gaps of the data bridged by straight links", f"{bridged}", "", "assumption: tables/gaps.csv"))
    if network.base.stations is not None:
        return [*rows, ("a settlement boards at the nearest station within", station, "km", "assumption")]
    what = "a settlement this near to a railway has a station"
    return [*rows, (what, station, "km", "assumption: the data name no stations")]


def _of_measures(study: Study, network: Network) -> list[Row]:
    """Return the assumptions of the measures that this study asks for."""
    rows = [
        ("speed of the straight road that efficiency is held against", f"{REFERENCE_KPH:g}", "km/h", "assumption"),
        _decay_of(study),
        ("spread θ of the choice of checkpoint", f"{study.analysis.theta_per_min:g}", "1/min", "assumption"),
    ]
    if study.analysis.decay is None:
        rows.append(("waits and half-life in the variants of the ranks", "0.5, 2", "times", "assumption"))
    both = "rail" in modes_of(network) and study.analysis.mode == "road"
    if both and (network.links["mode"] == "rail").any():
        rows.append(("λ of road and rail together", f"{LOGSUM_PER_MIN:g}", "1/min", "assumption"))
    if study.trips.per_day:
        curve = f"a = {A:g}, b = {B:g}, {study.trips.peak_min:g}"
        rows.append(("growth of waits with load: a, b, and how long a queue grows", curve, "min", "assumption"))
    if study.isochrones.places:
        rows.append(("isochrones: farthest from a road", f"{OFF_ROAD_KM:g}", "km", "assumption"))
    return rows


def _of_vehicle_and_season(study: Study, network: Network) -> list[Row]:
    """Return the assumptions on trucks, winter, rough roads, ferries and trains that change, those that were used."""
    links = network.links
    rows: list[Row] = []
    if network.base.vehicle == "truck":
        rows.append(
            (
                f"speed of a truck: share of a car's, which counts up to {TRUCK_KPH:g} km/h",
                f"{TRUCK_SHARE:g}",
                "",
                "assumption",
            )
        )
        rows.append(("trips of trucks by rail", "0", "", "freight by rail is not modelled"))
        if study.osm.pbf or study.osm.overpass:
            size = SIZES["truck"]
            rows.append(
                ("weight of a truck that signed limits are held against", f"{size['weight']:g}", "t", "assumption")
            )
            rows.append(
                ("height of a truck that signed limits are held against", f"{size['height']:g}", "m", "assumption")
            )
    if study.network.winter:
        rows.append(("share of the speed that is left on roads in winter", f"{WINTER_SHARE:g}", "", "assumption"))
    if links["smoothness"].isin(list(SMOOTHNESS)).any():
        shares = ", ".join(f"{name} {share:g}" for name, share in SMOOTHNESS.items())
        rows.append(("share of the speed that is left on rough roads", shares, "", "assumption"))
    if (links["kind"] == FERRY).any():
        kph = study.speeds.get(FERRY, FERRY_KPH)
        rows.append(
            (
                "speed of a ferry without a mapped duration",
                f"{kph:g}",
                "km/h",
                "the study" if FERRY in study.speeds else "assumption",
            )
        )
        rows.append(("boarding a ferry", f"{FERRY_BOARDING_MIN:g}", "min", "assumption"))
    if (links["kind"] == CHANGE).any():
        for what in ("gauge", "current"):
            minutes = getattr(study.network, f"{what}_change_min")
            rows.append((f"a train that passes a change of {what}", f"{minutes:g}", "min", "assumption, or the study"))
    return rows


def _decay_of(study: Study) -> Row:
    """Return the row of the decay: the study's own, or the half-life."""
    own = study.analysis.decay
    if own is None:
        half = f"{study.analysis.half_life_min:g}"
        return "half-life of the potential's decay", half, "min", "Rosik et al., long trips"
    text = ", ".join(f"{k} {v}" for k, v in own.model_dump(exclude={"name"}, exclude_none=True).items())
    return f"decay of the potential, {own.name}", text, "min", "the study"
