"""Chapters on how sure places are, on levels and types of regions, on a scenario, and on what all of it rests on."""

from __future__ import annotations

import pandas as pd

from maps.contents import Contents
from maps.i18n import _, number
from maps.report import charts, figures
from maps.report.chapters import with_names
from maps.report.drawing import Drawing
from maps.report.tabular import Chapter, Column, columns, made, write_table

STATISTICS = columns("variable statistic value expected z p_two_sided n permutations")
_LEVELS = ("transport", "joint_projects", "social_services")


def sure_chapter(contents: Contents) -> Chapter:
    """Return the chapter on chance, other definitions and other settings."""
    tables, names = contents.tables, contents.region_names
    definitions = tables.get("growth_definitions")
    if definitions is not None and "passes" in definitions:
        definitions = definitions[definitions["passes"] > 0].sort_values(
            ["passes", "population"], ascending=[False, False], kind="stable"
        )
    null = tables.get("structural_null")
    null = null[null["unit"] == "all"] if null is not None and len(null) else None
    return Chapter(
        "sure",
        _("How sure"),
        contents.caution,
        _(
            "Neighbouring places share much of what they reach, so that a local test finds something in nearly "
            "every smooth surface: what counts is what stands out beside surfaces as smooth as the data."
        ),
        tables=made(
            write_table(
                tables.get("stability"),
                columns("alternative label units kept kept_share gained"),
                _("Growth points of the local test that stay when it is done otherwise"),
            ),
            write_table(
                with_names(definitions, names),
                columns(
                    "place region population passes_time passes_contiguity passes_ratio passes_segment passes",
                    region="Region",
                ),
                _("Growth by four definitions: cells that pass at least one"),
            ),
            write_table(
                null,
                columns("indicator observed null_p05 null_median null_p95 p_worse"),
                _("The open checkpoints against as many placed by chance"),
            ),
            write_table(tables.get("statistics"), STATISTICS, _("Statistics of the whole border"), top=5),
        ),
    )


def levels_chapter(contents: Contents) -> Chapter:
    """Return the chapter on regions: index, ranks with intervals, types."""
    tables, layers, sides = contents.tables, contents.layers, contents.sides
    drawn: list[tuple[Drawing, str]] = []
    message, rows = "", None
    if "ranks" in tables and "index" in tables:
        ranks = tables["ranks"]
        drawn.append(
            (
                charts.rank_intervals(ranks, sides=sides),
                _(
                    "Rank of each region with its 5–95 % interval over other weights, scales, means, waits and "
                    "half-lives: differences within the intervals mean nothing."
                ),
            )
        )
        rows = tables["index"].drop(columns=["rank"]).merge(ranks, on="region").sort_values("rank_median")
        rows = rows.assign(
            rank_median=_whole(rows["rank_median"]), rank_p5=_whole(rows["rank_p5"]), rank_p95=_whole(rows["rank_p95"])
        )
        rows = rows.assign(**{f"{level}_score": _scores(rows, level) for level in _LEVELS})
        ranked = rows.dropna(subset=["index"])
        if len(ranked) > 1:
            message = _("{first} ranks first, {last} last; most intervals overlap.").format(
                first=ranked["name"].iloc[0], last=ranked["name"].iloc[-1]
            )
    regions = layers.get("regions")
    if rows is None and regions is not None and len(regions):
        rows = pd.DataFrame(regions).sort_values(["side", "name"], kind="stable")
    if "types" in tables and len(tables["types"]):
        types = tables["types"].rename(columns={"potential": "x", "permeability": "y"})
        cuts = float(types["potential_cut"].iloc[0]), float(types["permeability_cut"].iloc[0])
        axes = (_("potential across without a border"), _("share of it that the border takes"))
        drawn.append(
            (charts.quadrants(types, axes=axes, cuts=cuts), _("Types of regions: two axes, each cut at its median."))
        )
    described = None
    if regions is not None and "population" in regions:
        described = pd.DataFrame(regions).sort_values("border_km", ascending=False, kind="stable")
    return Chapter(
        "levels",
        _("Regions"),
        message,
        _(
            "Transport is computed here, joint projects and social services come from the user's own table; a "
            "level without data is not assessed. Regions are described, not tested: they are too few."
        ),
        tuple(drawn),
        made(
            write_table(
                rows,
                columns(
                    "name side index transport_score joint_projects_score social_services_score rank_median "
                    "rank_p5 rank_p95 type"
                ),
                _("Regions by index"),
                sides=sides,
            ),
            write_table(
                described,
                columns(
                    "name side population border_km checkpoints_open checkpoints_per_100km "
                    "time_to_checkpoint_min road_density_km_per_1000km2 rail_density_km_per_1000km2"
                ),
                _("Regions on the border, longest border first"),
                sides=sides,
            ),
        ),
    )


def _whole(ranks: pd.Series) -> pd.Series:
    """Return ranks as whole numbers."""
    return ranks.astype(float).round()


def _scores(table: pd.DataFrame, level: str) -> list[str]:
    """Return the scores of a level as text: what was not assessed says so."""
    return [number(s, 2) if s == s else _("not assessed") for s in table[f"{level}_score"].astype(float)]


def change_chapter(contents: Contents) -> Chapter:
    """Return the chapter on what a scenario changes."""
    layers, tables, sides = contents.layers, contents.tables, contents.sides
    drawn: tuple[tuple[Drawing, str], ...] = ()
    if contents.crs is not None and len(layers.get("cells_change", ())):
        parts = [layers[n] for n in ("cells_change", "border_line", "checkpoints_after", "regions")]
        caption = _("Cells by how much of their potential across the border the scenario adds or takes.")
        drawn = ((figures.change_map(*parts, crs=contents.crs, water=layers.get("water")), caption),)
    names = contents.region_names
    cells = with_names(tables.get("most_changed"), names)
    drawn_cells = layers.get("cells_change")
    if (
        cells is not None
        and drawn_cells is not None
        and {"cell", "near"} <= set(drawn_cells)
        and "near" not in cells
        and "cell" in cells
    ):
        cells = cells.assign(near=cells["cell"].map(dict(zip(drawn_cells["cell"], drawn_cells["near"], strict=True))))
    regions = with_names(tables.get("regions"), names)
    if regions is not None and "potential_change_pct" in regions:
        regions = regions.sort_values("potential_change_pct", key=lambda v: -v.abs(), kind="stable")
    return Chapter(
        "change",
        _("What changes"),
        contents.headline,
        _("The network as it is beside the network with the edits; all else is the same."),
        drawn,
        made(
            write_table(
                tables.get("totals"),
                (
                    *columns("measure unit"),
                    Column("before", _("Before"), "number"),
                    Column("after", _("After"), "number"),
                    Column("change", _("Change"), "number"),
                ),
                _("The border as a whole"),
                top=30,
            ),
            write_table(
                regions,
                columns(
                    "name population time_to_checkpoint_min_before time_to_checkpoint_min_after potential_change_pct"
                ),
                _("Regions"),
                sides=sides,
            ),
            write_table(
                cells,
                columns(
                    "place near region population effect potential_change_pct time_to_checkpoint_min_before "
                    "time_to_checkpoint_min_after",
                    region="Region",
                ),
                _("Places that change most"),
            ),
        ),
    )


def data_chapter(contents: Contents, warnings: tuple[str, ...]) -> Chapter:
    """Return the chapter on what the numbers rest on."""
    given = (
        Column("what", _("What")),
        Column("value", _("Value"), "exact"),
        Column("unit", _("Unit")),
        Column("source", _("Source")),
    )
    sources = (
        Column("layer", _("Layer")),
        Column("source", _("Source")),
        Column("version", _("Version")),
        Column("date", _("Date")),
        Column("licence", _("Licence")),
        Column("rights", _("Attribution")),
        Column("rows", _("Rows"), "count"),
    )
    return Chapter(
        "data",
        _("What it rests on"),
        _("Values that nobody measured are assumptions: results move with them."),
        "",
        tables=made(
            write_table(contents.assumptions, given, _("Assumptions"), top=60),
            write_table(contents.sources, sources, _("Sources and licences"), top=60),
        ),
        notes=(*warnings, *_notes_of(contents.sources)),
    )


def _notes_of(sources: pd.DataFrame) -> list[str]:
    """Return what a reader must know of single sources, such as the date of their boundaries."""
    if not {"layer", "note"} <= set(sources):
        return []
    known = sources[sources["note"].fillna("").astype(str) != ""]
    return [f"{layer}: {note}" for layer, note in zip(known["layer"], known["note"], strict=True)]
