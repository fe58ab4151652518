"""The report of a scenario or of a search for sites.

The answer in sentences, its tables with their spread, a chart of what matters most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from maps.columns import Kind, kind_of
from maps.i18n import _, language, localised, with_sides
from maps.phrases import phrase
from maps.placenames import Renamed
from maps.web import assets


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its head, how it is written (by its values and the dictionary where None)."""

    name: str
    head: str
    kind: Kind | None = None


PLACES = ("place", "name", "region", "gains_most", "loses_most", "variant", "candidate")
"""Columns that hold names."""
_WIDE = 420.0
_ROW = 22.0
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
            Column("measure", "Figure"),
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
            Column("measure", "Figure"),
            Column("unit", "Unit"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
    "vehicles": (
        "Trucks beside cars",
        (
            Column("vehicle", "Vehicle"),
            Column("measure", "Figure"),
            Column("unit", "Unit"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
    "money": (
        "Money, with the user's values",
        (
            Column("measure", "Figure"),
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
            Column("place", "By"),
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
            Column("place", "By"),
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
            Column("measure", "Figure"),
            Column("unit", "Unit"),
            Column("before", "Before", "number"),
            Column("after", "After", "number"),
            Column("change", "Change", "number"),
            *_RANGE,
        ),
    ),
}
"""Tables of the report in their order: caption and columns."""
INPUTS = {"waits": "waits nobody measured", "speeds": "speeds", "half_life": "half-life of trips", "people": "people"}


def write_planning(
    path: Path,
    *,
    title: str,
    subtitle: str,
    sentences: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    notes: Sequence[str],
    names: Renamed | None = None,
    sides: tuple[str, str] = ("a", "b"),
) -> None:
    """Write the report in the language that is spoken.

    Parameters
    ----------
    title, subtitle
        Heading, English or already in the language.
    sentences
        The answer in words.
    tables
        By name; those in `TABLES` and ``tornado`` are shown, their first `TOP` rows.
    notes
        What a reader must know.
    names, sides
        Names of places in the language, and of the two sides.
    """
    named = names or Renamed({})

    def say(text: str) -> str:
        return with_sides(named.text(phrase(text)), sides)

    title = say(title)
    parts = [Markup("<h1>{}</h1><p>{}</p>").format(title, say(subtitle))]
    parts.append(_list([say(line) for line in sentences]))
    if "tornado" in tables and len(tables["tornado"]):
        heading = Markup("<h2>{}</h2>").format(_("What matters most"))
        parts.append(heading + tornado_chart(tables["tornado"], tables["effects"]))
    parts += [
        _table(named.frame(tables[n].head(TOP), PLACES), columns, _(caption), sides)
        for n, (caption, columns) in TABLES.items()
        if n in tables and len(tables[n])
    ]
    parts.append(Markup("<h2>{}</h2>").format(_("What to know")) + _list([say(line) for line in notes]))
    style = Markup(assets.text("report.css"))
    page = Markup(f'<!doctype html><html lang="{language()}"><head>')
    page += Markup(
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{}</title>'
        "<style>{}</style></head><body><main>{}</main></body></html>"
    )
    path.write_text(str(page.format(title, style, Markup("").join(parts))) + "\n", encoding="utf-8")


def _list(lines: Sequence[str]) -> Markup:
    """Return sentences as a list."""
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(line) for line in lines))


def _table(frame: pd.DataFrame, columns: Sequence[Column], caption: str, sides: tuple[str, str]) -> Markup:
    """Return the columns of a table that there are, as HTML."""
    heads, cells = [], []
    for column in [c for c in columns if c.name in frame]:
        kind = column.kind or kind_of(frame[column.name], column.name)
        css = "" if kind in ("text", "code", "bool") else "num"
        heads.append(Markup('<th class="{}">{}</th>').format(css, with_sides(_(column.head), sides)))
        values = frame[column.name].tolist()
        if column.name == "side":
            values = [dict(zip("ab", sides, strict=True)).get(str(v), v) for v in values]
        elif column.name not in PLACES:
            values = [phrase(v) if isinstance(v, str) else v for v in values]
        texts = [assets.format_value(v, kind) for v in values]
        texts = [t.removesuffix(" %") if column.head.endswith("(%)") else t for t in texts]
        cells.append([Markup('<td class="{}">{}</td>').format(css, t) for t in texts])
    rows = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(row)) for row in zip(*cells, strict=True))
    return Markup(
        '<h2>{}</h2><div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(caption, Markup("").join(heads), rows)


def tornado_chart(tornado: pd.DataFrame, effects: pd.DataFrame) -> Markup:
    """Return the charts of what matters most as SVG.

    A bar per input from its 5 to its 95 %, the line at the figure as it is.

    Parameters
    ----------
    tornado
        ``key``, ``input``, ``at_low``, ``at_high``.
    effects
        ``key``, ``measure``, ``unit``, ``change``.
    """
    named = effects.set_index("key")
    charts = []
    for key, own in tornado.groupby("key", sort=False):
        low, high = own[["at_low", "at_high"]].min(axis=1), own[["at_low", "at_high"]].max(axis=1)
        centre = float(named["change"][key])
        least, most = min(float(low.min()), centre), max(float(high.max()), centre)
        scale = _WIDE / ((most - least) or 1.0)
        bars = []
        for n, row in enumerate(own.to_dict("records")):  # four inputs
            a, b = sorted((row["at_low"], row["at_high"]))
            label = Markup('<text x="0" y="{:.1f}" font-size="13">{}</text>').format(
                n * _ROW + 15, _(INPUTS.get(row["input"], row["input"]))
            )
            bar = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="14" fill="#4a7ba6"/>').format(
                170 + (a - least) * scale, n * _ROW + 4, max((b - a) * scale, 1.0)
            )
            text = Markup('<text x="{:.1f}" y="{:.1f}" font-size="12">{}</text>').format(
                180 + _WIDE,
                n * _ROW + 15,
                _("{low} to {high}").format(low=localised(f"{a:.3g}"), high=localised(f"{b:.3g}")),
            )
            bars.append(label + bar + text)
        height = len(bars) * _ROW + 4
        line = Markup('<line x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1:.1f}" stroke="#222"/>').format(
            170 + (centre - least) * scale, height
        )
        says = _("{what}, {unit}: change of {n}").format(
            what=phrase(named["measure"][key]), unit=phrase(named["unit"][key]), n=localised(f"{centre:.3g}")
        )
        charts.append(
            Markup(
                '<figure><svg role="img" aria-label="{}" viewBox="0 0 760 {:.0f}" '
                'width="760">{}{}</svg><figcaption>{}</figcaption></figure>'
            ).format(escape(says), height, Markup("").join(bars), line, says)
        )
    return Markup("").join(charts)
