"""What `borderlink init` and `borderlink template` write.

A study for two countries, and an empty table of indicators.
"""

from __future__ import annotations

import csv
import re
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from gis.inputs import Fetching, outline
from gis.stages import DETAILED_MORE_KM
from layers.errors import StudyError
from layers.indicators import indicator_template
from layers.names import suggestion
from layers.regions import touching, with_sides

if TYPE_CHECKING:
    from gis.study import Study

SNAPSHOT = {"RU", "KZ"}
"""The border that the packaged data cover."""
_HEAD = """\
# {title}: every setting, as it is by default. What you leave out stays so; paths count from this file's folder.
# borderlink check {file}    says what is in the layers
# borderlink run {file}      leaves map, QGIS project, report and tables in out/
"""


class Country(NamedTuple):
    """A country: ISO 3166-1 code, English name, name of its extract at Geofabrik."""

    code: str
    name: str
    extract: str


def countries() -> list[Country]:
    """Return the countries that have a land border."""
    text = resources.files("gis").joinpath("data/countries.csv").read_text(encoding="utf-8")
    return [Country(**row) for row in csv.DictReader(text.splitlines())]


def country(text: str) -> Country:
    """Return the country of a code or an English name.

    Raises
    ------
    StudyError
        There is none; the nearest spellings are named.

    Examples
    --------
    >>> country("kz").name, country("Kazakhstan").code
    ('Kazakhstan', 'KZ')
    """
    every = countries()
    wanted = text.strip().casefold()
    found = next((c for c in every if wanted in (c.code.casefold(), c.name.casefold())), None)
    if found is None:
        hint = suggestion(text.strip(), [c.name for c in every])
        raise StudyError(f"no country {text!r}{hint}: allowed is an ISO 3166-1 code such as KZ, or an English name")
    return found


def study_text(a: str, b: str, file: str = "") -> tuple[str, str, list[str]]:
    """Return the text of a commented study of two countries, the name of its file, and what its user must know.

    Parameters
    ----------
    file
        Name of the file; of both codes where it is empty.

    Raises
    ------
    StudyError
        A country is unknown, or named twice.
    """
    first, second = country(a), country(b)
    if first == second:
        raise StudyError(f"{first.name} is named twice: two countries are needed")
    title, file = f"{first.name}–{second.name}", file or f"{first.code}-{second.code}.toml".lower()
    text = resources.files("gis").joinpath("data/russia-kazakhstan.toml").read_text(encoding="utf-8")
    body = text.split("\n\n", 1)[1]
    body = _set(body, "title", f'"{title}"')
    body = _set(body, "sides", f'["{first.code}", "{second.code}"]')
    notes = []
    if {first.code, second.code} != SNAPSHOT:
        names = list(dict.fromkeys([first.extract, second.extract]))
        body = _set(body, "pbf", "[" + ", ".join(f'"{n}"' for n in names) + "]")
        for layer in ("regions", "roads", "railways", "settlements", "checkpoints"):
            body = re.sub(rf'^{layer} = "snapshot"', f'# {layer} = "file.gpkg"', body, count=1, flags=re.M)
        body = _set(body, "water", '"none"')
        # What suits whole roads is a default where a study says nothing, but this text says all.
        body = _set(body, "reach_more_km", f"{DETAILED_MORE_KM:g}")
        notes = [
            f"Layers come from OpenStreetMap: Geofabrik's extracts {' and '.join(names)} are fetched once "
            f"(borderlink fetch {file}).",
            "A full road network: settlement_km = 10 and h3_resolution = 5 or 6 suit a border of a few hundred km.",
        ]
    return f"{_HEAD.format(title=title, file=file)}\n{body}", file, notes


def _set(text: str, key: str, value: str) -> str:
    """Return a study with another value of a setting, its comment where it was."""
    found = re.search(rf"^{key} = (.*?)(\s*#.*)?$", text, flags=re.M)
    if found is None:
        raise ValueError(f"the packaged study has no {key}")
    line = f"{key} = {value}"
    comment = (found[2] or "").strip()
    return text[: found.start()] + (f"{line:<29} {comment}" if comment else line) + text[found.end() :]


def indicator_table(study: Study, *, fetching: Fetching | None = None) -> pd.DataFrame:
    """Return the packaged template's indicators for the regions of a study that touch its border, all values empty.

    Raises
    ------
    LayerError
        The layer of regions can't be used.
    """
    start = outline(study, fetching or Fetching())
    regions = with_sides(start.layer, study.sides)
    own = regions[touching(regions, start.border)].sort_values(["side", "region"])[["region", "name"]]
    template = indicator_template()
    suggested = template.drop_duplicates(["indicator", "level"]).drop(columns=["region", "name"])
    return suggested.merge(own, how="cross")[list(template.columns)].assign(value="")
