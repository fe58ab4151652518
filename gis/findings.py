"""A run in words: findings, assumptions and the facts of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.connectivity.efficiency import REFERENCE_KPH
from analysis.reach.isochrones import OFF_ROAD_KM
from analysis.reach.opportunities import LOGSUM_PER_MIN
from analysis.trips.demand import modes_of
from analysis.trips.load import A, B
from gis.access_findings import access_findings
from layers.checkpoints import assumed_waits
from network.connectors import CONNECTOR_KPH
from network.joining import DETOUR as CONNECTOR_DETOUR
from network.rail import CHANGE
from network.speeds import (
    FERRY,
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
    from gis.chapters.chapter import Chapters
    from gis.measures import Measures
    from gis.study import Study
    from network.build import Network

FEW_PAIRS = 10
"""Bands of distance with fewer pairs, across or at home, are no finding."""


def find_in_words(measures: Measures) -> list[str]:
    """Return the findings of a run, most important first."""
    titles = measures.checkpoints.set_index("checkpoint_id")["name"]
    return [*_checkpoints(measures, titles), *access_findings(measures)]


def _checkpoints(measures: Measures, titles: pd.Series) -> list[str]:
    table = measures.checkpoints
    known = table[table["share"] > 0].sort_values("share", ascending=False)
    if known.empty:
        return []
    top = "; ".join(f"{n} {s:.0%}" for n, s in zip(known["name"].head(3), known["share"].head(3), strict=True))
    out = [f"Most modelled demand passes {top}."]
    # A post without which nothing is left costs no minutes that could be told: the next sentence has it.
    worst = known[known["mode"] == "road"].dropna(subset=["criticality_min"]).nlargest(3, "criticality_min")
    if len(worst):
        listed = "; ".join(
            f"{n} (+{m:.0f} min per trip, {titles.get(f, 'nothing')} takes over most)"
            for n, m, f in zip(worst["name"], worst["criticality_min"], worst["fallback"], strict=True)
        )
        out.append(f"Road checkpoints that would be missed most if closed: {listed}.")
    cut = known[known["unserved_share"] > 0.001].nlargest(3, "unserved_share")
    if len(cut):
        out.append(
            "Closing would cut trips of its mode off: "
            + "; ".join(f"{n} {u:.1%}" for n, u in zip(cut["name"], cut["unserved_share"], strict=True))
            + "."
        )
    return out


def find_in_chapters(chapters: Chapters, names: pd.Series) -> list[str]:
    """Return what the further chapters add to the findings.

    Parameters
    ----------
    names
        Names of the checkpoints by id.
    """
    tables = chapters.tables
    out = [
        _matched(tables.get("matched_bands"), tables.get("border_regression")),
        _hanging(tables.get("redundancy"), names),
        _together(tables.get("closures_pairs"), names),
    ]
    return [line for line in out if line]


def _matched(bands: pd.DataFrame | None, regression: pd.DataFrame | None) -> str:
    """Return what trips across cost beside trips at home over the same distance: near and far, and as one number."""
    if bands is None or regression is None:
        return ""
    known = bands.dropna(subset=["slower_actual", "slower_borderless"])
    known = known[(known["pairs_actual"] >= FEW_PAIRS) & (known["pairs_domestic"] >= FEW_PAIRS)]
    whole = regression[regression["to_km"].isna()].set_index("network")
    if known.empty or whole.loc[["actual", "borderless"], "slower_low"].isna().any():
        return ""
    ends = known.iloc[[0]] if len(known) == 1 else known.iloc[[0, -1]]
    said = " and ".join(
        f"{r.slower_actual:.2f} times over {r.from_km:g}–{r.to_km:g} km ({r.pairs_actual} pairs; {r.slower_borderless:.2f} without any border)"
        for r in ends.itertuples()  # two
    )
    real, free = (
        f"{r.slower:.2f} ({r.slower_low:.2f}–{r.slower_high:.2f})"
        for r in (whole.loc[n] for n in ("actual", "borderless"))
    )
    return (
        f"Between the largest places of the border regions a trip across takes as long as one at home {said}. Over all distances, with an effect of "
        f"each place, it is {real} times, 95 % interval, assumed waits in it, and {free} without any border, which the roads of the data themselves make."
    )


def _hanging(table: pd.DataFrame | None, names: pd.Series) -> str:
    """Return the pairs of cities that hang most on one checkpoint."""
    if table is None or table.empty:
        return ""
    worst = table.dropna(subset=["redundancy_min"]).nlargest(3, "redundancy_min")
    said = "; ".join(
        f"{r.origin_name}–{r.destination_name} ({names.get(r.best_checkpoint, r.best_checkpoint)}, +{r.redundancy_min:.0f} min by the second best)"
        for r in worst.itertuples()  # three
    )
    return (
        f"Of the largest cities of the border regions these pairs hang most on one checkpoint: {said}." if said else ""
    )


def _together(table: pd.DataFrame | None, names: pd.Series) -> str:
    """Return the road checkpoints that stand in for each other."""
    if table is None or table.empty:
        return ""
    told = table.dropna(subset=["criticality_min", "synergy_min"])
    road = told[(told["mode"] == "road") & (told["synergy_min"] > 1)].nlargest(2, "synergy_min")
    said = "; ".join(
        f"{names.get(r.closed_1, r.closed_1)} and {names.get(r.closed_2, r.closed_2)} (+{r.criticality_min:.0f} min per trip, "
        f"{r.synergy_min:.0f} of them beyond the two apart)"
        for r in road.itertuples()  # two
    )
    return f"Closed together, these pairs of road checkpoints cost more than each by itself: {said}." if said else ""


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
        if mode in set(network.links["mode"]):
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
        here = set(links.loc[links["mode"] == name, "kind"])
        for kind in (k for k in table if k in here):
            own = kind in study.speeds
            value = study.speeds.get(kind, table[kind])
            source = "the study" if own else "default of the class"
            rows.append((f"speed, {name} {kind}", f"{value:g}", "km/h", source))
    unknown = links[links["speed_source"] == "fallback"]
    for of, part in unknown.groupby(unknown["mode"] + " " + unknown["kind"].astype(str)):
        what = f"speed of an unknown class, {of}, {part['length_m'].sum() / 1000:,.1f} km"
        rows.append((what, f"{OTHER_KPH[part['mode'].iloc[0]]:g}", "km/h", "assumption: no class of that name"))
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
            f"fitted to {known['published_ways']} published distances, which are then off by {100 * known['scatter']:.1f} % (root mean square)",
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
        rows.append(("ground of isochrones: farthest from a road", f"{OFF_ROAD_KM:g}", "km", "assumption"))
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
    if study.network.winter:
        rows.append(("share of the speed that is left on roads in winter", f"{WINTER_SHARE:g}", "", "assumption"))
    if links["smoothness"].isin(list(SMOOTHNESS)).any():
        shares = ", ".join(f"{name} {share:g}" for name, share in SMOOTHNESS.items())
        rows.append(("share of the speed that is left on rough roads", shares, "", "assumption"))
    if (links["kind"] == FERRY).any():
        kph = study.speeds.get(FERRY, FERRY_KPH)
        rows.append(
            (
                "speed of a ferry that tells no duration",
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
    said = ", ".join(f"{k} {v}" for k, v in own.model_dump(exclude={"name"}, exclude_none=True).items())
    return f"decay of the potential, {own.name}", said, "min", "the study"
