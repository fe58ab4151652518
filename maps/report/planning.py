"""The answer to a scenario or to a search for sites, as a report.

The answer in sentences, its tables with their spread, a chart of what matters most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from maps.columns import Kind
from maps.contents import Contents
from maps.i18n import _, speaking, with_sides
from maps.phrases import phrase
from maps.placenames import Renamed
from maps.report import figures
from maps.report.charts import tornado_charts
from maps.report.drawing import Drawing
from maps.report.page import write_pages
from maps.report.tabular import Chapter, Column, Report, made, write_table

PLACES = ("place", "name", "region", "gains_most", "loses_most", "variant", "candidate")
"""Columns that hold names."""
TOP = 20
"""Rows of a table; the rest is in the files."""

_RANGE = (Column("low", "5 %", "number"), Column("median", "median", "number"), Column("high", "95 %", "number"))


def _range(name: str, kind: Kind = "number") -> tuple[Column, Column]:
    """Return the columns with the range of another one."""
    return Column(f"{name}_low", "5 %", kind), Column(f"{name}_high", "95 %", kind)


TABLES: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "effects": (
        "What it changes, with the median and 5–95 % of the draws",
        (
            Column("measure", "Indicator"),
            Column("unit", "Unit"),
            Column("before", "Before", "number"),
            Column("after", "After", "number"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
    "variants": (
        "Scenarios on the same base",
        (
            Column("variant", "Scenario"),
            Column("measure", "Indicator"),
            Column("unit", "Unit"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
    "vehicles": (
        "Trucks beside cars",
        (
            Column("vehicle", "Vehicle"),
            Column("measure", "Indicator"),
            Column("unit", "Unit"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
    "money": (
        "Money, with the user's values",
        (
            Column("measure", "Indicator"),
            Column("value", "Value", "number"),
            Column("low", "5 %", "number"),
            Column("high", "95 %", "number"),
            Column("unit", "Unit"),
            Column("formula", "Formula"),
        ),
    ),
    "gains_sides": (
        "Who gains and who loses, by side",
        (
            Column("side", "Side"),
            Column("people_gaining", "People gaining", "count"),
            Column("people_losing", "People losing", "count"),
            Column("city_min_change", "Minutes to a city across, change", "number"),
            Column("potential_change_pct", "Potential across, change (%)", "number"),
            *_range("potential_change_pct"),
            Column("gains_most", "Gains most"),
            Column("loses_most", "Loses most"),
        ),
    ),
    "gains_regions": (
        "Who gains and who loses, by region",
        (
            Column("side", "Side"),
            Column("region", "Region"),
            Column("people_gaining", "People gaining", "count"),
            Column("people_losing", "People losing", "count"),
            Column("potential_change_pct", "Potential across, change (%)", "number"),
            *_range("potential_change_pct"),
            Column("gains_most", "Gains most"),
            Column("loses_most", "Loses most"),
        ),
    ),
    "gains_places": (
        "Settlements, largest gains first",
        (
            Column("place", "Settlement"),
            Column("side", "Side"),
            Column("region", "Region"),
            Column("population", "People", "count"),
            Column("effect", "Effect"),
            Column("city_min_change", "Minutes to a city across, change", "number"),
            Column("potential_change", "Potential across, change", "count"),
            *_range("potential_change", "count"),
        ),
    ),
    "loads_change": (
        "Loads: diverted from post to post, and induced, in shares of all trips of before",
        (
            Column("name", "Checkpoint"),
            Column("mode", "Mode"),
            Column("before_share", "Before (%)", "share"),
            Column("diverted_share", "Diverted (%)", "share"),
            Column("induced_share", "Induced (%)", "share"),
            Column("after_share", "After (%)", "share"),
            *_range("after_share", "share"),
        ),
    ),
    "queues": (
        "Waits as the loads make them, where capacities are known",
        (
            Column("name", "Checkpoint"),
            Column("load_factor_before", "Load before", "number"),
            Column("load_factor_after", "after", "number"),
            Column("wait_min_before", "Wait before (min)", "minutes"),
            Column("wait_min_after", "after (min)", "minutes"),
            *_range("wait_min_after", "minutes"),
        ),
    ),
    "worth": (
        "Worth it below this wait",
        (
            Column("name", "Checkpoint"),
            Column("wait_min", "Wait (min)", "minutes"),
            Column("worthless_above_min", "Shortens no trip above (min)", "minutes"),
        ),
    ),
    "appraisal": (
        "For appraisal: the indicators of banks and agencies",
        (
            Column("indicator", "Indicator"),
            Column("before", "Before", "number"),
            Column("after", "After", "number"),
            Column("unit", "Unit"),
            Column("formula", "Formula"),
            Column("source", "Source"),
            Column("needs", "Needs from you"),
        ),
    ),
    "sites_curve": (
        "The best set for each number of sites",
        (
            Column("sites", "Sites", "count"),
            Column("value", "Benefit", "number"),
            Column("added", "Added", "number"),
            Column("unit", "Unit"),
            *_RANGE,
            Column("gap", "Gap (%)", "share"),
            Column("proven", "Proven"),
            Column("missing_km", "Road missing (km)", "km"),
        ),
    ),
    "sites": (
        "Their sites",
        (
            Column("sites", "Of", "count"),
            Column("candidate", "Candidate"),
            Column("place", "Near"),
            Column("kind", "Kind"),
            Column("missing_a_km", "Road missing, side a (km)", "km"),
            Column("missing_b_km", "side b (km)", "km"),
        ),
    ),
    "sites_regret": (
        "Least regret: how much less than the best set of a draw",
        (
            Column("set", "Set"),
            Column("candidates", "Sites"),
            Column("draws", "Draws", "count"),
            Column("worst_regret", "Worst", "number"),
            Column("mean_regret", "Mean", "number"),
            Column("worst_regret_share", "Worst (%)", "share"),
        ),
    ),
    "sites_stability": (
        "How often the draws choose a candidate",
        (
            Column("candidate", "Candidate"),
            Column("place", "Near"),
            Column("draws_share", "Draws (%)", "share"),
            Column("chosen", "In the best set"),
        ),
    ),
    "sites_front": (
        "Benefit against road: no set of as many sites is worth more for as few km",
        (
            Column("missing_km", "Road missing (km)", "km"),
            Column("value", "Benefit", "number"),
            Column("candidates", "Sites"),
            Column("proven", "Proven"),
        ),
    ),
    "sites_effects": (
        "The best set, computed in full",
        (
            Column("measure", "Indicator"),
            Column("unit", "Unit"),
            Column("before", "Before", "number"),
            Column("after", "After", "number"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
}
"""Tables of the report in their order: caption and columns."""
CHAPTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "effects": ("What it changes", ("effects", "variants", "vehicles", "money")),
    "sites": (
        "Where next",
        ("sites_curve", "sites", "sites_stability", "sites_regret", "sites_front", "sites_effects"),
    ),
    "gains": ("Who gains and who loses", ("gains_sides", "gains_regions", "gains_places")),
    "posts": ("Checkpoints", ("loads_change", "queues", "worth")),
    "appraisal": ("For appraisal", ("appraisal",)),
}
"""Chapters in their order: title and tables."""
_EFFECTS = {"effects": "effects", "sites": "sites_effects"}
"""The table of a chapter whose figures `tornado_charts` explain."""


def write_planning(path: Path, contents: Contents, *, pdf: Path | None = None) -> None:
    """Write the answer to a scenario or to a search for sites as one self-contained, printable HTML file.

    Parameters
    ----------
    path
        The file to write.
    contents
        What to tell: ``findings`` are the answer in words, of ``tables`` those in `TABLES` and ``tornado`` are shown,
        their first `TOP` rows, ``warnings`` are what a reader must know.
    pdf
        The same as a PDF; takes the extra ``pdf`` (`maps.report.pdf.can_write`).
    """
    with speaking(contents.lang):
        write_pages(path, answer_of(contents), pdf=pdf)


def answer_of(contents: Contents) -> Report:
    """Return the answer's picture and chapters, in the language that is spoken."""
    named = Renamed(contents.places)

    def say(text: str) -> str:
        return with_sides(named.text(phrase(text)), contents.sides)

    summary = replace(
        contents,
        title=say(contents.title),
        subtitle=say(contents.subtitle),
        findings=[say(line) for line in contents.findings],
    )
    chapters = [_chapter(key, contents, named) for key in CHAPTERS]
    notes = tuple(dict.fromkeys(say(line) for line in contents.warnings))
    rests = Chapter("data", _("What it rests on"), "", "", notes=notes)
    shown = (*(chapter for chapter in chapters if not chapter.empty), rests)
    picture = _picture(contents)
    caption = _("The sites of the best set, and the candidates beside them.")
    return Report(summary, picture, shown, caption=caption)


def _chapter(key: str, contents: Contents, named: Renamed) -> Chapter:
    """Return a chapter with the tables that there are."""
    title, names = CHAPTERS[key]
    tables = [
        write_table(
            named.frame(contents.tables[name], PLACES),
            columns,
            _(caption),
            sides=contents.sides,
            top=TOP,
        )
        for name, (caption, columns) in TABLES.items()
        if name in names and name in contents.tables
    ]
    drawn: tuple[tuple[Drawing, str], ...] = ()
    tornado, effects = (contents.tables.get(name) for name in ("tornado", _EFFECTS.get(key, "")))
    if tornado is not None and len(tornado) and effects is not None:
        drawn = tuple((chart, chart.description) for chart in tornado_charts(tornado, effects))
    return Chapter(key, _(title), "", "", drawn, made(*tables))


def _picture(contents: Contents) -> Drawing | None:
    """Return the map of the candidates, None for a scenario, whose report has the map of the change."""
    needed = ("sites", "border_line", "regions", "checkpoints")
    if contents.crs is None or not set(needed) <= set(contents.layers):
        return None
    style = next((each for each in contents.styles if each.layer == "sites"), None)
    if style is None:
        return None
    backdrop = {name: contents.layers[name] for name in (*needed[1:], "water") if name in contents.layers}
    title = _("Where next")
    return figures.area_map("sites-map", title, contents.layers["sites"], style, backdrop, crs=contents.crs)
