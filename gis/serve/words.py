"""The page in a language: its own words, names of places, and what the server answers in words."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

from analysis.planning.effects import GAINS, MEASURES
from gis.contents import names_of, sides_of, study_name
from maps.i18n import _, catalogue_forms, language, speaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gis.inputs import Prepared
    from maps.placenames import Renamed

SCRIPTS = (
    "app.js", "compare.js", "draw.js", "edits.js", "format.js", "map.js", "panel.js", "state.js", "still.js",
    "tables.js",
)  # fmt: skip
SHELLS = ("page.html", "still.html")
DATA_WORDS = (
    "road", "rail", "open", "closed",
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "main", "branch",
    "time to the nearest open checkpoint, mean over people", "people within 60 min of an open checkpoint",
    "people within 120 min of an open checkpoint", "people further than 120 min from an open checkpoint",
    "cross-border potential, mean over people", "border loss",
    *(word for pair in (*MEASURES.values(), *GAINS.values()) for word in pair),
)  # fmt: skip
"""Words that come with the data: modes, classes, measures of the tables and their units."""
NAMED = ("name", "near", "region", "region_name", "region_a", "region_b")
"""Fields of the answers that are names of places."""
_ONE = re.compile(r'(?<![\w$])_\(\s*"((?:[^"\\]|\\.)*)"')
_MANY = re.compile(r'ngettext\(\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"')
_NEW = re.compile(r"New checkpoint (\d+) \((.*)\)")
_MARK = re.compile(r"\{\{(.+?)\}\}")
PARTS = ("LANG", "TITLE", "CSS", "DATA", "LEAFLET", "SCRIPT")
"""Marks of the shells that are no words."""


def source(name: str) -> str:
    """Return one file of the page as it is written."""
    return resources.files("gis.serve").joinpath("page", name).read_text(encoding="utf-8")


def strings() -> tuple[set[str], set[tuple[str, str]]]:
    """Return the English strings of the page, and its pairs of plural forms: keys of the catalogues."""
    single, plural = set(DATA_WORDS), set()
    for name in SCRIPTS:
        text = source(name)
        single |= {json.loads(f'"{s}"') for s in _ONE.findall(text)}
        plural |= {(json.loads(f'"{one}"'), json.loads(f'"{many}"')) for one, many in _MANY.findall(text)}
    for name in SHELLS:
        single |= {s for s in _MARK.findall(source(name)) if s not in PARTS}
    return single, plural


def words_module() -> str:
    """Return the module of the words in the language that is spoken; English ones are the keys themselves."""
    words: dict[str, str | list[str]] = {}
    if language() != "en":
        single, plural = strings()
        words |= {text: _(text) for text in sorted(single)}
        words |= {one: catalogue_forms(one, many) for one, many in sorted(plural)}
    parts = (("LANG", language()), ("WORDS", words))
    return "".join(f"export const {name} = {json.dumps(value, ensure_ascii=False)};\n" for name, value in parts)


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Return a shell with its words in the language and its other parts, all at once: a part may hold marks."""
    return _MARK.sub(lambda m: parts[m[1]] if m[1] in parts else html.escape(_(m[1])), text)


@dataclass(frozen=True)
class Voice:
    """A border in a language: names of its places, and its sides."""

    prepared: Prepared
    lang: str = "en"

    @cached_property
    def names(self) -> Renamed:
        """Names of places in the language."""
        with speaking(self.lang):
            return names_of(self.prepared)

    def sides(self) -> dict[str, str]:
        """Return the names of the sides."""
        with speaking(self.lang):
            return dict(zip("ab", sides_of(self.prepared), strict=True))

    def title(self) -> str:
        """Return the study's name; where that is but its countries, by name or code, the names of the language."""
        with speaking(self.lang):
            return study_name(self.prepared.study)

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return rows of an answer with the names of places in the language."""
        with speaking(self.lang):
            return [{k: self.named(v) if k in NAMED else v for k, v in row.items()} for row in rows]

    def named(self, name: object) -> object:
        """Return the name of a place in the language, that of a new checkpoint too."""
        new = _NEW.fullmatch(name) if isinstance(name, str) and self.lang != "en" else None
        return _("New checkpoint {n} ({place})").format(n=new[1], place=new[2]) if new else self.names.value(name)

    def message(self, text: str) -> str:
        """Return a message or note of the server in the language."""
        if self.lang == "en":
            return text
        with speaking(self.lang):
            return self.names.text(translated(text))


def translated(text: str) -> str:
    """Return a message of the library in the language that is spoken; an unknown one as it is, called English."""
    for pattern, words in _messages():
        found = re.fullmatch(pattern, text, flags=re.DOTALL)
        if found:
            return words.format(**found.groupdict())
    return _("The server says in English: {text}").format(text=text)


def _messages() -> tuple[tuple[str, str], ...]:
    """Return what a click can bring about, as the library says it and in the language that is spoken."""
    n = r"[\d.,]+"
    return (
        (
            r".*every checkpoint is closed: .*",
            _("Every checkpoint would be closed: one must stay open."),
        ),
        (
            rf".*would stand (?P<km>{n}) km from the border line: allowed is lon,lat within (?P<most>{n}) km of it",
            _("A new post would stand {km} km from the border line: allowed are {most} km."),
        ),
        (
            r".* lies on neither side of the border within the belt of the network: .*",
            _("This place lies on neither side of the border within the belt of the network."),
        ),
        (
            r".*finds no (road|rail) network to join: .*",
            _("No road or railway of the data lies within reach of a post here."),
        ),
        (
            r".*finds no road to join on side \w: .*",
            _("No road or railway of the data lies within reach of a post here."),
        ),
        (
            r".* does not join the network by \w+: .*",
            _("No road or railway of the data lies within reach of this place."),
        ),
        (
            rf".*stands (?P<km>{n}) km from the roads of the data, where a checkpoint is not modelled.*",
            _("The nearest road of the data is {km} km away: a post here can't be assessed."),
        ),
        (
            r".*no crossing of its mode is in the network: .*",
            _("No crossing of this mode is in the network."),
        ),
        (
            rf".*a new (road|rail) ends at (?P<at>[-\d.,]+), (?P<km>{n}) km from every "
            rf"(road|rail) of the data: allowed is (?P<most>{n}) km",
            _("An end at {at} is {km} km from every road or railway of the data: allowed are {most} km."),
        ),
        (
            r".*begins and ends at one place: .*",
            _("A new way begins and ends at one place."),
        ),
        (
            r".*outside the two countries or in the sea: .*",
            _("A new way passes outside the two countries or in the sea."),
        ),
        (
            rf".*runs (?P<km>{n}) km on the other side: .*",
            _("A way between two places of one side runs {km} km on the other side."),
        ),
        (
            r".*no (road|rail) of the data lies there: .*",
            _("No road or railway of the data lies in this area."),
        ),
        (
            r"edits: .*at most (?P<most>\d+) items.*",
            _("At most {most} changes are allowed."),
        ),
        (
            r".*(has two edits|a second new checkpoint|contradict each other).*",
            _("Two of the changes contradict each other."),
        ),
        (
            r"as many questions as allowed .*",
            _("Too many ask at once: try again in a moment."),
        ),
        (
            r"the answer took longer .*",
            _("The answer took longer than is allowed here: `borderlink scenario` has no limit."),
        ),
        (
            r"these edits belong to another study.*",
            _("These changes belong to another study, or to another state of it."),
        ),
        (
            r"something went wrong in the server.*",
            _("Something went wrong in the server: its terminal has the cause."),
        ),
        (
            r"no (road|rail|way) .*|.*no way (leads|by|from|between).*",
            _("No way leads there."),
        ),
        (
            r"lengths are those of generalised lines, off by some (?P<n>\d+) %(; (?P<km>[\d,]+) "
            r"km of it are straightened.*)?",
            _("Lengths are those of generalised lines, off by some {n} %."),
        ),
        (
            r"the way runs over bridged gaps of the data.*",
            _("The way runs over bridged gaps of the data, assumed links."),
        ),
        (
            r"(?P<km>[\d,]+) km of it are connectors, .*",
            _("{km} km of it are connectors, assumed roads that the data lack."),
        ),
        (
            r"a home trip through the neighbour: .*by road it waits at both posts.*",
            _("A trip home through the neighbour waits at both posts."),
        ),
        (
            r"a home trip through the neighbour: .*",
            _("A trip home through the neighbour: no wait is charged."),
        ),
    )
