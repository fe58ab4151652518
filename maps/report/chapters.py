"""The report's further chapters: what each says, its figures and its tables, made from the tables of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyproj
from markupsafe import Markup

from maps.contents import Contents
from maps.report import charts
from maps.report.regional import levels_chapter, places_chapter
from maps.report.tabular import Chapter, Column, made, write_table
from maps.styles.thematic import reach_limits

TOP = 15
"""Rows of ranked tables; the rest is one file away."""


_PAIRS = (
    Column("name_a", "Region on side a"),
    Column("name_b", "Region on side b"),
    Column("border_km", "Border (km)"),
    Column("road_open", "Road checkpoints, open", "count"),
    Column("rail_open", "Rail, open", "count"),
    Column("checkpoints_per_100km", "Open per 100 km", "number"),
    Column("border_effect_median", "Time with border over without (median)", "number"),
    Column("delay_min", "Delay (min)"),
    Column("detour_min", "Detour (min)"),
    Column("edge_disjoint_paths", "Ways without a common link", "count"),
    Column("redundancy_median_min", "Extra if the best checkpoint closes (min, median)"),
)
_WAYS = (
    Column("origin_name", "From"),
    Column("destination_name", "To"),
    Column("best_checkpoint", "Best checkpoint"),
    Column("time_min", "Time, wait included (min)"),
    Column("second_checkpoint", "Second best"),
    Column("redundancy_min", "Extra by the second (min)"),
    Column("alternatives", "Checkpoints found", "count"),
)
_BANDS = (
    Column("band", "Distance (km)"),
    Column("kind", "Trips"),
    Column("pairs", "Pairs", "count"),
    Column("circuity", "Network over straight", "number"),
    Column("speed_borderless_kph", "Straight speed, borderless (km/h)", "number"),
    Column("speed_open_kph", "open (km/h)", "number"),
    Column("speed_actual_kph", "actual (km/h)", "number"),
)
_MATCHED = (
    Column("band", "Distance (km)"),
    Column("pairs_actual", "Pairs across", "count"),
    Column("pairs_domestic", "at home", "count"),
    Column("slower_actual", "Times as long as at home, actual", "number"),
    Column("slower_borderless", "borderless", "number"),
)
_REGRESSION = (
    Column("network", "Network"),
    Column("to_km", "Up to (km)"),
    Column("pairs_cross", "Pairs across", "count"),
    Column("pairs_domestic", "at home", "count"),
    Column("slower", "Times as long as at home", "number"),
    Column("slower_low", "95 % interval from", "number"),
    Column("slower_high", "to", "number"),
)
_REACH = (
    Column("name", "Settlement"),
    Column("side", "Side"),
    Column("population", "People", "count"),
    Column("city_cross_actual", "Nearest city across the border"),
    Column("time_to_city_cross_actual_min", "Time to it (min)"),
    Column("time_to_city_cross_borderless_min", "without a border (min)"),
    Column("people_within_a_day_cross_actual", "within a day and back", "count"),
)
_FLOWS = (
    Column("name_a", "Region on side a"),
    Column("name_b", "Region on side b"),
    Column("trips_share", "Share of trips (%)", "share"),
    Column("flow_per_day", "A day", "count"),
    Column("mean_time_min", "Mean time (min)"),
)
_LOAD = (
    Column("checkpoint", "Checkpoint"),
    Column("flow_per_day", "Modelled a day", "count"),
    Column("capacity_per_day", "Capacity a day", "count"),
    Column("load_factor", "Load over capacity", "number"),
    Column("wait_free_min", "Wait without a queue (min)"),
    Column("wait_min", "Wait at this load (min)"),
)
_FIT = (Column("measure", "Measure"), Column("value", "Value", "number"), Column("unit", "Unit"))
_CLOSED_PAIRS = (
    Column("closed_1", "Closed"),
    Column("closed_2", "and"),
    Column("mode", "Mode"),
    Column("share", "Share of both (%)", "share"),
    Column("criticality_min", "Extra per trip (min)", "number"),
    Column("unserved_share", "Cut off (%)", "share"),
    Column("synergy_min", "of it beyond the two apart (min)", "number"),
    Column("people_over_60min", "People who lose over an hour", "count"),
)
_CLOSED_LINKS = (
    Column("place", "Near"),
    Column("mode", "Mode"),
    Column("kind", "Class"),
    Column("section_length_m", "Section (m)"),
    Column("flow_share", "Share of trips (%)", "share"),
    Column("criticality_min", "Extra per trip when lost (min)", "number"),
    Column("unserved_share", "Cut off (%)", "share"),
    Column("people_cut_off", "People cut off", "count"),
)


def further_chapters(contents: Contents) -> list[Chapter]:
    """Return the chapters in their order, of contents that call checkpoints by name."""
    tables, layers, sides = contents.tables, contents.layers, contents.sides
    regions: dict[str, str] = {}
    for layer, column in (("settlements", "region_name"), ("regions", "name")):
        if layer in layers and column in layers[layer]:
            regions |= dict(zip(layers[layer]["region"], layers[layer][column], strict=True))
    return [
        _connectivity(tables, regions, sides),
        _reach(tables, layers.get("settlements", pd.DataFrame()), sides),
        _trips(tables, layers, regions, contents.crs, sides),
        _closures(tables, layers),
        places_chapter(tables, layers, regions),
        levels_chapter(tables, sides),
    ]


def _named(table: pd.DataFrame, regions: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of pairs of regions with their names."""
    return table.assign(**{f"name_{s}": [regions.get(c, c) for c in table[f"region_{s}"]] for s in ("a", "b")})


def _sided(columns: tuple[Column, ...], sides: tuple[str, str]) -> tuple[Column, ...]:
    """Return columns whose heads name the sides."""
    heads = {f"Region on side {letter}": f"Region in {name}" for letter, name in zip("ab", sides, strict=True)}
    return tuple(replace(c, head=heads.get(c.head, c.head)) for c in columns)


def _top(table: pd.DataFrame, n: int = TOP) -> tuple[str, ...]:
    """Return a note where only the first rows are shown."""
    return (f"The first {n} of {len(table)}; all are in the tables.",) if len(table) > n else ()


def _connectivity(tables: Mapping[str, pd.DataFrame], regions: Mapping[str, str], sides: tuple[str, str]) -> Chapter:
    """Return the chapter on what joins the two sides."""
    written = []
    if "region_pairs" in tables:
        written.append(
            write_table(_named(tables["region_pairs"], regions), _sided(_PAIRS, sides), "Regions that face each other, longest border first")
        )  # fmt: skip
    if "distance_bands" in tables:
        bands = tables["distance_bands"]
        kinds = {"cross": "across", **{f"domestic_{s}": f"at home in {n}" for s, n in zip("ab", sides, strict=True)}}
        bands = bands.assign(kind=bands["kind"].map(kinds)).assign(
            band=[f"{a:g}–{b:g}" for a, b in zip(bands["from_km"], bands["to_km"], strict=True)]
        )
        written.append(write_table(bands[bands["pairs"] > 0], _BANDS, "Trips at home beside trips across, by distance"))
    if "matched_bands" in tables:
        near = tables["matched_bands"]
        near = near.assign(band=[f"{a:g}–{b:g}" for a, b in zip(near["from_km"], near["to_km"], strict=True)])
        written.append(write_table(near, _MATCHED, "Trips across beside trips at home as long, by distance"))
    if "border_regression" in tables:
        written.append(
            write_table(tables["border_regression"], _REGRESSION, "Trips across, places and distance alike: one number with its interval")
        )  # fmt: skip
    if "redundancy" in tables:
        second = tables["redundancy"].sort_values(
            ["redundancy_min", "time_min"], ascending=[False, True], kind="stable"
        )
        written.append(
            write_table(
                second.head(TOP), _WAYS, "Pairs of the largest cities of the border regions that hang most on one checkpoint", _top(second)
            )
        )  # fmt: skip
    return Chapter(
        "connectivity",
        "Connectivity",
        "What joins the two sides: checkpoints and ways between regions that face each other, and what is left when the best way fails. "
        "Times are compared with trips at home over the same distance, because a fixed wait weighs more on a short trip.",
        tables=made(*written),
    )


def _reach(tables: Mapping[str, pd.DataFrame], settlements: pd.DataFrame, sides: tuple[str, str]) -> Chapter:
    """Return the chapter on what is within reach."""
    figures = []
    if "reach" in tables:
        figures.append(
            (
                Markup(charts.reach_curves(tables["reach"], sides=sides)),
                "People across the border within reach of one inhabitant, in the mean over each side. The gap between borderless and open is detour, "
                "that between open and actual is delay.",
            )
        )
    written = []
    if "time_to_city_cross_actual_min" in settlements:
        large = settlements.sort_values("population", ascending=False, kind="stable").head(TOP)
        named = large.assign(side=large["side"].map(dict(zip("ab", sides, strict=True))))
        within = [
            Column(f"people_within_{m}min_cross_actual", f"People across within {m} min", "count")
            for m in reach_limits(set(map(str, settlements)))
        ]
        written.append(write_table(pd.DataFrame(named), (*_REACH, *within[-1:]), "The largest settlements of the belt"))
    return Chapter(
        "reach",
        "Within reach",
        "Counts of people, not weighted by time: easy to tell, but a city one minute beyond the limit counts nothing, so several limits are given.",
        tuple(figures),
        made(*written),
    )


def _trips(
    tables: Mapping[str, pd.DataFrame],
    layers: Mapping[str, gpd.GeoDataFrame],
    regions: Mapping[str, str],
    crs: pyproj.CRS | None,
    sides: tuple[str, str],
) -> Chapter:
    """Return the chapter on modelled trips."""
    figures = []
    if crs is not None and len(layers.get("flows", ())):
        drawn = charts.flow_map(layers["flows"], layers["border_line"], layers["regions"], crs=crs)
        figures.append(
            (
                Markup(drawn),
                "Share of each mode's modelled trips across the border that run over each road and railway, if everybody takes the quickest way.",
            )
        )
    written = []
    if "region_flows" in tables:
        flows = _named(tables["region_flows"], regions).dropna(axis=1, how="all")
        written.append(
            write_table(flows.head(TOP), _sided(_FLOWS, sides), "Pairs of regions with most modelled trips", _top(flows))
        )  # fmt: skip
    if "load" in tables:
        load = tables["load"].sort_values("flow_per_day", ascending=False, kind="stable").head(TOP)
        written.append(write_table(load, _LOAD, "Load of the road checkpoints at equilibrium"))
    if "fit_summary" in tables:
        written.append(write_table(tables["fit_summary"], _FIT, "The model against the counts"))
    return Chapter(
        "trips",
        "Trips",
        "Modelled from people and minutes alone, not counted: read shares, not numbers, until counts are given.",
        tuple(figures),
        made(*written),
    )


def _closures(tables: Mapping[str, pd.DataFrame], layers: Mapping[str, gpd.GeoDataFrame]) -> Chapter:
    """Return the chapter on what closures cost."""
    written = []
    if len(tables.get("closures_pairs", ())):
        pairs = tables["closures_pairs"].sort_values("synergy_min", ascending=False, kind="stable")
        written.append(
            write_table(
                pairs.head(TOP), _CLOSED_PAIRS, "Two checkpoints closed together: those that stand in for each other", _top(pairs)
            )
        )  # fmt: skip
    if len(layers.get("closures_links", ())):
        links = pd.DataFrame(layers["closures_links"])
        written.append(
            write_table(links.head(TOP), _CLOSED_LINKS, "Links whose loss costs most", _top(links))
        )  # fmt: skip
    return Chapter(
        "closures",
        "Closures",
        "What the trips of a mode lose when something closes. Closing one checkpoint is told above; here are two together, and single links. "
        "A link without an alternative in the data may have one on the ground: a missing local road makes it look irreplaceable.",
        tables=made(*written),
    )


def keys(chapters: Sequence[Chapter]) -> list[tuple[str, str]]:
    """Return anchors and titles for the table of contents."""
    return [(c.key, c.title) for c in chapters]
