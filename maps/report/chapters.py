"""Chapters on places, checkpoints, reach, trips and closures: the message, a picture, the first ten rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from maps.contents import Contents
from maps.i18n import _, number, percent
from maps.report import charts, figures
from maps.report.drawing import Drawing
from maps.report.tabular import Chapter, columns, made, write_table

Figures = tuple[tuple[Drawing, str], ...]


def with_names(table: pd.DataFrame | None, names: Mapping[str, str]) -> pd.DataFrame | None:
    """Return a table with names of regions in place of codes."""
    if table is None:
        return None
    coded = [c for c in ("region", "region_a", "region_b") if c in table]
    return table.assign(**{c: table[c].map(lambda v: names.get(v, v)) for c in coded})


def places_chapter(contents: Contents) -> Chapter:
    """Return the chapter on both ranked lists."""
    names, tables = contents.region_names, contents.tables
    growth, slow = (with_names(tables.get(n), names) for n in ("growth", "bottlenecks"))
    return Chapter(
        "places",
        _("Growth points and bottlenecks"),
        contents.headline,
        _(
            "Growth: places whose people reach more across the border than side, potential at home and distance "
            "to the line give. Bottlenecks: places from where the next city "
            "across takes longer than home roads take as far. A range holds 90 % of the settings that nobody "
            "measured; it is no confidence interval. Steady: among the leading tenth "
            "of its list in nine of ten settings."
        ),
        tables=made(
            write_table(
                slow,
                columns(
                    "place region population next_city next_city_min home_roads_min excess_min excess_low_min "
                    "excess_high_min leading_share checkpoint",
                    region="Region",
                ),
                _("Bottlenecks, most people times excess minutes first"),
            ),
            write_table(
                growth,
                columns(
                    "place region population growth growth_low growth_high rank rank_low rank_high leading_share "
                    "leading_city",
                    region="Region",
                ),
                _("Places of growth, largest effect first"),
            ),
        ),
    )


def checkpoints_chapter(contents: Contents) -> Chapter:
    """Return the chapter on what joins the two sides."""
    layers, tables, sides = contents.layers, contents.tables, contents.sides
    points = layers.get("checkpoints")
    drawn: list[tuple[Drawing, str]] = []
    message, rows = "", None
    if points is not None and len(points) and "share" in points:
        drawn.append(
            (
                figures.checkpoint_bars(points),
                _(
                    "Left: share of the modelled demand. Right: minutes that an average trip across of its own "
                    "mode takes longer when this one alone closes."
                ),
            )
        )
        rows = pd.DataFrame(points).sort_values(["share", "name"], ascending=[False, True], kind="stable")
        known = rows.dropna(subset=["share"]).head(3)
        message = _("{names} carry {share} of the modelled trips across.").format(
            names=", ".join(known["name"].astype(str)), share=percent(float(known["share"].sum()))
        )
    if len(layers.get("segments", ())):
        drawn.append(
            (
                figures.border_profile(layers["segments"], checkpoints=points, sides=sides),
                _(
                    "Minutes from the border line to the nearest open checkpoint, by side; above, the regions "
                    "that face each other. A gap: no checkpoint is reached."
                ),
            )
        )
    return Chapter(
        "checkpoints",
        _("Checkpoints"),
        message,
        _("Where people and goods may cross, what each carries, and how far the line is from an open one."),
        tuple(drawn),
        made(
            write_table(
                rows,
                columns("name mode hours region_a region_b wait_min share criticality_min unserved_share fallback"),
                _("Checkpoints, largest share first"),
                sides=sides,
            ),
            write_table(
                with_names(tables.get("region_pairs"), contents.region_names),
                columns(
                    "region_a region_b border_km road_open rail_open checkpoints_per_100km border_effect_median "
                    "redundancy_median_min"
                ),
                _("Regions that face each other, longest border first"),
                sides=sides,
            ),
        ),
    )


def reach_chapter(contents: Contents) -> Chapter:
    """Return the chapter on what is within reach."""
    tables, sides = contents.tables, contents.sides
    drawn: Figures = ()
    if len(tables.get("reach", ())):
        caption = _(
            "People across the border within reach of one inhabitant, in the mean over each side. Between "
            "borderless and open lies detour, between open and actual waiting."
        )
        drawn = ((charts.reach_curves(tables["reach"], sides=sides), caption),)
    homes, rows = contents.layers.get("settlements"), None
    if homes is not None and "time_to_city_cross_actual_min" in homes:
        rows = pd.DataFrame(homes).sort_values("population", ascending=False, kind="stable")
    regression = tables.get("border_regression")
    if regression is not None and "to_km" in regression:
        regression = regression[regression["network"].isin(["borderless", "actual"])].dropna(subset=["to_km"])
    return Chapter(
        "reach",
        _("Within reach"),
        _across(regression),
        _(
            "Counts of people, not weighted by time. Times are compared with trips at home over the same "
            "distance, because a fixed wait weighs more on a short trip."
        ),
        drawn,
        made(
            write_table(
                rows,
                columns(
                    "name side population city_cross_actual time_to_city_cross_actual_min "
                    "people_within_240min_cross_actual people_within_a_day_cross_actual"
                ),
                _("The largest settlements of the belt"),
                sides=sides,
            ),
            write_table(
                regression,
                columns("network to_km pairs_cross slower slower_low slower_high"),
                _("Trips across beside trips at home, places and distance alike: times as long, with 95 % intervals"),
            ),
        ),
    )


def _across(table: pd.DataFrame | None) -> str:
    """Return the message on trips across beside trips at home."""
    if table is None or table.empty:
        return ""
    rows = table[table["network"] == "actual"].dropna(subset=["slower", "to_km"])
    if rows.empty:
        return ""
    row = rows.sort_values("to_km").iloc[-1]
    text = _("Up to {km} km a trip across takes {times} times as long as one at home ({low} to {high}).")
    return text.format(
        km=number(row["to_km"]),
        times=number(row["slower"], 2),
        low=number(row["slower_low"], 2),
        high=number(row["slower_high"], 2),
    )


def trips_chapter(contents: Contents) -> Chapter:
    """Return the chapter on modelled trips."""
    layers, tables = contents.layers, contents.tables
    drawn: Figures = ()
    if contents.crs is not None and len(layers.get("flows", ())) and {"border_line", "regions"} <= set(layers):
        ground = layers["border_line"], layers["regions"]
        svg = charts.flow_map(layers["flows"], *ground, crs=contents.crs, water=layers.get("water"))
        drawn = (
            (
                svg,
                _(
                    "Share of each mode's modelled trips across that run over each road and railway, if "
                    "everybody takes the quickest way."
                ),
            ),
        )
    flows = with_names(tables.get("region_flows"), contents.region_names)
    message = ""
    if flows is not None and len(flows):
        first = flows.iloc[0]
        message = _("{a} and {b} exchange most: {share} of the modelled trips.").format(
            a=first["region_a"], b=first["region_b"], share=percent(float(first["trips_share"]))
        )
    load = tables.get("load")
    if load is not None:
        load = load.sort_values("flow_per_day", ascending=False, kind="stable")
    return Chapter(
        "trips",
        _("Trips"),
        message,
        _("Modelled from people and minutes alone, not counted: read shares, not numbers, until counts are given."),
        drawn,
        made(
            write_table(
                flows,
                columns("region_a region_b trips_share flow_per_day mean_time_min"),
                _("Pairs of regions with most modelled trips"),
                sides=contents.sides,
            ),
            write_table(
                load,
                columns("checkpoint flow_per_day capacity_per_day load_factor wait_min"),
                _("Load of the road checkpoints"),
            ),
            write_table(tables.get("fit_summary"), columns("measure value unit"), _("The model against the counts")),
        ),
    )


def closures_chapter(contents: Contents) -> Chapter:
    """Return the chapter on what closures cost."""
    tables, layers = contents.tables, contents.layers
    pairs = tables.get("closures_pairs")
    if pairs is not None and len(pairs):
        pairs = pairs.sort_values("synergy_min", ascending=False, kind="stable")
    links = pd.DataFrame(layers["closures_links"]) if "closures_links" in layers else None
    points = layers.get("checkpoints")
    message = ""
    if points is not None and "criticality_min" in points:
        road = points[(points["mode"] == "road") & (points["criticality_min"] > 0)].nlargest(1, "criticality_min")
        for row in road.itertuples():  # one
            message = _("Closing {name} costs most: {n} minutes per modelled road trip across.").format(
                name=row.name, n=number(float(row.criticality_min))
            )
    return Chapter(
        "closures",
        _("Closures"),
        message,
        _(
            "What trips lose when two checkpoints close together, or one link. A link without an alternative in "
            "the data may have one on the ground."
        ),
        tables=made(
            write_table(
                pairs,
                columns("closed_1 closed_2 mode share criticality_min synergy_min unserved_share people_over_60min"),
                _("Two checkpoints closed together: those that stand in for each other"),
            ),
            write_table(
                links,
                columns("place mode kind flow_share criticality_min unserved_share people_over_60min people_cut_off"),
                _("Links whose loss costs most"),
            ),
            write_table(
                with_names(tables.get("redundancy"), {}),
                columns("origin_name destination_name best_checkpoint time_min second_checkpoint redundancy_min"),
                _("Cities that hang most on one checkpoint"),
                top=5,
            ),
        ),
    )


def further(contents: Contents) -> Sequence[Chapter]:
    """Return these chapters in their order."""
    return [
        make(contents) for make in (places_chapter, checkpoints_chapter, reach_chapter, trips_chapter, closures_chapter)
    ]
