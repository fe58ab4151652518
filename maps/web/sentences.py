"""What a feature means, in at most two sentences, and the bars of its small chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from maps.i18n import _, ngettext, number, percent
from maps.web.assets import is_missing

Bars = list[list[object]]


def sentences(layer: str, frame: pd.DataFrame, sides: tuple[str, str]) -> list[str]:
    """Return the text of each row of a layer; empty where nothing is to be said."""
    write = _WRITERS.get(_plain(layer))
    if write is None:
        return [""] * len(frame)
    if _plain(layer) not in _READ:
        return [write(row) for row in _rows(frame, sides)]  # row by row: each is a text of its own
    names = [c for c in _READ[_plain(layer)] if c in frame]
    rows = [*zip(*(frame[c].tolist() for c in names), strict=True)] if names else [()] * len(frame)
    known = {values: write(_Row(dict(zip(names, values, strict=True)), sides)) for values in dict.fromkeys(rows)}
    return [known[values] for values in rows]


def bars(layer: str, frame: pd.DataFrame, sides: tuple[str, str]) -> list[Bars]:
    """Return the bars of each row: label, value and number of a colour; one unit in all."""
    draw = _CHARTS.get(_plain(layer))
    return [draw(row) for row in _rows(frame, sides)] if draw else [[]] * len(frame)


def _plain(layer: str) -> str:
    return layer.removesuffix("_before").removesuffix("_after")


class _Row:
    """A row as sentences read it: numbers written, nothing for what is missing."""

    def __init__(self, values: Mapping[Any, Any], sides: tuple[str, str]) -> None:
        self.values, self.sides = values, sides

    def has(self, *names: str) -> bool:
        return all(not is_missing(self.values.get(n)) for n in names)

    def n(self, name: str, digits: int = 0) -> str:
        return number(float(self.values[name]), digits)

    def f(self, name: str) -> float:
        return float(self.values[name])

    def p(self, name: str) -> str:
        share = self.f(name)
        return percent(share, 1 if 0 < share < 0.0995 else 0)

    def s(self, name: str) -> str:
        return str(self.values[name])


def _rows(frame: pd.DataFrame, sides: tuple[str, str]) -> Iterator[_Row]:
    """Yield the rows of a table."""
    names = [str(c) for c in frame.columns]
    for values in zip(*(frame[c].tolist() for c in names), strict=True):
        yield _Row(dict(zip(names, values, strict=True)), sides)


def _people(row: _Row) -> str:
    """Return the people of a place as a sentence."""
    if not row.has("population"):
        return ""
    n = row.f("population")
    return (
        ngettext("{n} person.", "{n} people.", n).format(n=number(n))
        if n
        else _("No settlement with a known population.")
    )


def _place(row: _Row) -> str:
    if row.has("growth", "growth_low", "growth_high", "population") and not row.has("excess_min"):
        out = _(
            "What {n} people reach across the border is {times} times what their side, home potential and "
            "distance to the line give ({low} to {high} over settings)."
        )
        out = out.format(
            n=row.n("population"), times=row.n("growth", 1), low=row.n("growth_low", 1), high=row.n("growth_high", 1)
        )
        if row.has("leading_city", "leading_city_share"):
            out += " " + _("{city} is {share} of it.").format(
                city=row.s("leading_city"), share=row.p("leading_city_share")
            )
        return out
    if not row.has("excess_min", "next_city", "next_city_min", "home_roads_min", "population"):
        return ""
    out = _(
        "{city}, the next city across, is {minutes} minutes away for {n} people; home roads take {home} as far."
    ).format(
        city=row.s("next_city"), minutes=row.n("next_city_min"), n=row.n("population"), home=row.n("home_roads_min")
    )
    if row.has("excess_wait_min"):
        out += " " + _("Of the {more} more, {wait} are waiting.").format(
            more=row.n("excess_min"), wait=row.n("excess_wait_min")
        )
    return out


def _checkpoint(row: _Row) -> str:
    if not row.has("share"):
        return _("Not on the network of the data: it has no share of trips here.")
    out = _("Carries {share} of the modelled trips across the border.").format(share=row.p("share"))
    if row.has("criticality_min", "fallback") and row.f("criticality_min") > 0:
        out += " " + _("If it closes, {other} takes over most, and a trip takes {minutes} minutes longer.").format(
            other=row.s("fallback"), minutes=row.n("criticality_min", 1 if row.f("criticality_min") < 10 else 0)
        )
    return out


def _cell(row: _Row) -> str:
    out = _people(row)
    if row.has("time_to_checkpoint_min", "nearest_checkpoint"):
        out += " " + _("{name}, the nearest open checkpoint, is {minutes} minutes away.").format(
            name=row.s("nearest_checkpoint"), minutes=row.n("time_to_checkpoint_min")
        )
    elif "time_to_checkpoint_min" in row.values and not row.has("time_to_checkpoint_min"):
        out += " " + _("No road of the data leads from here to an open checkpoint.")
    return out.strip()


def _change(row: _Row) -> str:
    if not row.has("potential_change_pct"):
        return ""
    change = row.f("potential_change_pct")
    if abs(change) < 0.1:
        return _("The scenario changes nothing here.")
    out = (
        _("What is reached across the border grows by {n} %.")
        if change > 0
        else _("What is reached across the border falls by {n} %.")
    )
    return out.format(n=number(abs(change), 1))


def _segment(row: _Row) -> str:
    if not row.has("km_from", "km_to", "region_a", "region_b"):
        return ""
    out = _("Kilometres {a} to {b} of the border line, between {one} and {other}.").format(
        a=row.n("km_from"), b=row.n("km_to"), one=row.s("region_a"), other=row.s("region_b")
    )
    known = [
        _("{minutes} minutes from {side}").format(minutes=row.n(f"time_to_checkpoint_{s}_min"), side=name)
        for s, name in zip("ab", row.sides, strict=True)
        if row.has(f"time_to_checkpoint_{s}_min")
    ]
    return out + (" " + _("The nearest open checkpoint: {which}.").format(which=", ".join(known)) if known else "")


def _region(row: _Row) -> str:
    out = _people(row)
    if row.has("border_km", "checkpoints_open"):
        n = row.f("checkpoints_open")
        text = ngettext(
            "{km} km of border with {n} open checkpoint.", "{km} km of border with {n} open checkpoints.", n
        )
        out += " " + text.format(km=row.n("border_km"), n=number(n))
    return out.strip()


def _flow(row: _Row) -> str:
    if not row.has("flow_share", "mode"):
        return ""
    return _("{share} of the modelled trips across by {mode} run here, if everybody takes the quickest way.").format(
        share=row.p("flow_share"), mode=_(row.s("mode"))
    )


def _link(row: _Row) -> str:
    if not row.has("criticality_min", "place"):
        return ""
    return _("If this link near {place} closes, an average trip across takes {minutes} minutes longer.").format(
        place=row.s("place"), minutes=row.n("criticality_min", 1)
    )


def _gap(row: _Row) -> str:
    if not row.has("gap_km"):
        return ""
    bridged = str(row.values.get("bridged")) == "True"
    text = (
        _("Two dead ends {km} km apart: joined by an assumed link.")
        if bridged
        else _("Two dead ends {km} km apart: left as they are.")
    )
    return text.format(km=row.n("gap_km", 1))


def _waits(row: _Row) -> Bars:
    out: Bars = []
    if row.has("wait_min"):
        label = _("Wait, assumed") if row.values.get("wait_assumed") in (True, "True") else _("Wait")
        out.append([label, row.f("wait_min"), 1])
    for s in "ab":
        if row.has(f"city_{s}", f"time_from_city_{s}_min"):
            out.append([_("to {city}").format(city=row.s(f"city_{s}")), row.f(f"time_from_city_{s}_min"), 0])
    return out


def _minutes(row: _Row) -> Bars:
    if not row.has("next_city_min", "home_roads_min"):
        return []
    out: Bars = [
        [_("Home roads, as far"), row.f("home_roads_min"), 2],
        [_("To {city}").format(city=row.s("next_city")), row.f("next_city_min"), 0],
    ]
    if row.has("excess_wait_min"):
        out.append([_("of which waiting"), row.f("excess_wait_min"), 1])
    return out


def _sides(row: _Row) -> Bars:
    pairs = zip("ab", row.sides, strict=True)
    return [
        [_("From {side}").format(side=name), row.f(f"time_to_checkpoint_{s}_min"), 0]
        for s, name in pairs
        if row.has(f"time_to_checkpoint_{s}_min")
    ]


_WRITERS: Mapping[str, Callable[[_Row], str]] = {
    "places": _place,
    "finding": _place,
    "checkpoints": _checkpoint,
    "cells": _cell,
    "settlements": _cell,
    "cells_change": _change,
    "segments": _segment,
    "regions": _region,
    "flows": _flow,
    "closures_links": _link,
    "gaps": _gap,
}
_READ: Mapping[str, Sequence[str]] = {"flows": ("flow_share", "mode")}
"""What the sentences of a layer with tens of thousands of rows read: rows in which that is the same share a text."""
_CHARTS: Mapping[str, Callable[[_Row], Bars]] = {
    "checkpoints": _waits,
    "places": _minutes,
    "finding": _minutes,
    "cells": _minutes,
    "segments": _sides,
}
