"""Regions out of the boundary relations of PBF files: polygons by osmium's assembler, never closed by guess."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.crs import WGS84, areas_km2, fit_equal_area
from layers.errors import LayerError
from layers.sources.pbf.blocks import (
    RELATIONS,
    WAYS,
    block_starts,
    first_numbers,
    first_with,
    packed,
    read_blobs,
    read_block,
    running,
    side_by_side,
    zigzag,
)
from layers.sources.pbf.network import read_header
from layers.sources.pbf.objects import Nodes
from layers.sources.pbf.other import as_pbf
from layers.sources.pbf.points import names_of
from layers.sources.pbf.rings import Relation, assembled, at_hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

LEVELS = (2, 4, 6)
COUNTRY, REGION = 2, 4
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "RU": ("ru",),
    "KZ": ("kk", "ru"),
    "BY": ("be", "ru"),
    "UA": ("uk",),
    "KG": ("ky", "ru"),
    "UZ": ("uz",),
    "CN": ("zh",),
    "MN": ("mn",),
    "DE": ("de",),
    "AT": ("de",),
    "CH": ("de", "fr", "it"),
    "LI": ("de",),
    "FR": ("fr",),
    "MC": ("fr",),
    "IT": ("it",),
    "PL": ("pl",),
    "FI": ("fi", "sv"),
    "NO": ("no",),
    "SE": ("sv",),
    "EE": ("et",),
    "LV": ("lv",),
    "LT": ("lt",),
    "ES": ("es",),
    "PT": ("pt",),
    "MX": ("es",),
    "TR": ("tr",),
    "GE": ("ka",),
}
"""Languages of countries whose names get a column of their own; every other name stands in ``names``."""
ALWAYS = ("en", "ru", "kk")
COVERED = 0.99
"""Regions that leave more of their country than this uncovered are not all of them."""
COLUMNS = ("region", "name", "country", "admin_level", "osm_id", "names")


@dataclass(frozen=True)
class _Extract:
    """A file, where its blocks begin, and which of them (from, to) may hold ways and relations.

    Few, if it is sorted.
    """

    path: Path
    starts: list[int]
    ways: tuple[int, int]
    relations: tuple[int, int]

    @classmethod
    def of(cls, path: Path, in_order: bool) -> _Extract:
        """Return a file that is whole: osmium takes one that ends between two blocks' sizes as whole."""
        starts = block_starts(path)
        end = len(starts) - 1
        if not in_order:
            return cls(path, starts, (1, end), (1, end))
        way, relation = (first_with(path, starts, kind) for kind in (WAYS, RELATIONS))
        return cls(path, starts, (way, min(relation + 1, end)), (relation, end))


def read_regions(
    paths: Path | str | Sequence[Path | str],
    *,
    countries: tuple[str, str] | None = None,
    levels: Sequence[int] = LEVELS,
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return the regions of all countries, or of two, that the files hold whole.

    Parameters
    ----------
    paths
        One or several PBF files; a relation whose parts lie in several is put together.
    countries
        ISO 3166-1 codes of the two sides; None for every country.
    levels
        ``admin_level`` that are read; the report tells of each.

    Returns
    -------
    Regions with the columns of the schema (``region``, ``name``, ``country``), ``admin_level``, ``osm_id``, ``names``
    (all others, joined by ``|``) and ``name_xx`` in English, Russian, Kazakh and the languages of `countries`; and a
    report. A country is taken at level 4; at level 2 where it has no whole regions with a code, or they do not cover
    it.

    Raises
    ------
    LayerError
        See `layers.sources.pbf.read.read_header`.
    """
    boundaries, report = read_boundaries(paths, levels=levels, languages=_languages(countries))
    wanted = sorted(set(boundaries["country"])) if countries is None else list(countries)
    chosen = []
    report["level"] = {}
    for country in wanted:
        of_country = boundaries[(boundaries["country"] == country) & (boundaries["region"] != "")]
        whole, parts = (of_country[of_country["admin_level"] == level] for level in (COUNTRY, REGION))
        level = REGION if len(parts) and (whole.empty or _covers(parts, whole)) else COUNTRY
        taken = parts if level == REGION else whole
        if len(taken):
            report["level"][country] = level
            chosen.append(taken)
    report["countries_missing"] = sorted(set(wanted) - set(report["level"]))
    frame = pd.concat(chosen) if chosen else boundaries.iloc[:0]
    # Two relations of one code (a land and its waters) are told of; the larger stays.
    size = shapely.area(frame.geometry.to_numpy())
    frame = frame.iloc[np.lexsort((frame["osm_id"], -size, frame["region"]))]
    twice = frame["region"].duplicated()
    report["codes_twice"] = sorted(set(frame.loc[twice, "region"]))
    return frame[~twice].reset_index(drop=True), report


def _languages(countries: tuple[str, str] | None) -> tuple[str, ...]:
    """Return the languages that get a column."""
    return tuple(dict.fromkeys([*ALWAYS, *(lang for c in countries or () for lang in LANGUAGES.get(c, ()))]))


def _covers(parts: gpd.GeoDataFrame, whole: gpd.GeoDataFrame) -> bool:
    """Return whether regions leave nothing of their country uncovered."""
    # Shares of one country's area: degrees do, as both are measured at the same place.
    country = shapely.union_all(whole.geometry.to_numpy())
    rest = shapely.difference(country, shapely.union_all(parts.geometry.to_numpy()))
    return bool(shapely.area(rest) <= (1 - COVERED) * shapely.area(country))


def read_boundaries(
    paths: Path | str | Sequence[Path | str], *, levels: Sequence[int] = LEVELS, languages: Sequence[str] = ALWAYS
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return every administrative boundary of some levels that the files hold whole, and a report.

    Returns
    -------
    ``region`` is the ISO 3166 code (empty where the relation has none), ``country`` the country's (empty where neither
    the relation's code nor a level-2 polygon around it tells), and the columns of `read_regions`. The report has
    ``boundaries`` (by level), ``cut_off`` (relations with a way or node that no file has), ``not_assembled``
    (self-crossing or open rings) and ``without_code``, each as a list of id and name.
    """
    files = [as_pbf(Path(p)) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    headers = {path: read_header(path) for path in files}
    # Of an object in several files the first one counts.
    extracts = [
        _Extract.of(path, headers[path]["sorted"])
        for path in sorted(headers, key=lambda p: headers[p]["timestamp"], reverse=True)
    ]
    if not extracts:
        raise LayerError("no PBF is given: allowed are one or several files")
    relations: dict[int, Relation] = {}
    for extract in reversed(extracts):
        relations.update(_relations(extract, {str(level) for level in levels}))
    wanted = np.array(sorted({way for r in relations.values() for way, _ in r.ways}), np.int64)
    ways: dict[int, NDArray[np.int64]] = {}
    for extract in reversed(extracts):
        ways.update(_way_refs(extract, wanted))
    places = _places(extracts, np.unique(np.concatenate([*ways.values(), np.zeros(0, np.int64)])))
    whole = at_hand(relations, ways, places)
    polygons = assembled(whole, ways, places)
    rows = [_row(i, whole[i], languages) for i in sorted(polygons)]
    columns = [*COLUMNS, *(f"name_{lang}" for lang in languages)]
    frame = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=columns), geometry=[polygons[i] for i in sorted(polygons)], crs=WGS84
    )
    frame = _with_country(frame)
    report = {
        "files": [p.name for p in files],
        "boundaries": {int(k): v for k, v in sorted(Counter(frame["admin_level"]).items())},
        "cut_off": [_label(i, relations[i]) for i in sorted(set(relations) - set(whole))],
        "not_assembled": [_label(i, whole[i]) for i in sorted(set(whole) - set(polygons))],
        "without_code": [_label(int(i), whole[int(i)]) for i in frame.loc[frame["region"] == "", "osm_id"]],
    }
    return frame, report


def _objects(path: Path, entity: Any, wanted: Any, *, name: Path) -> Iterator[Any]:
    """Yield the objects of one kind that pass osmium's filter; its errors become ours and name the user's file."""
    import osmium

    try:
        yield from osmium.FileProcessor(str(path), entity).with_filter(wanted)
    except (RuntimeError, ValueError) as error:
        raise LayerError(f"{name} is damaged: {error}; download it again") from None


def _relations(extract: _Extract, levels: set[str]) -> dict[int, Relation]:
    """Return the boundary relations of a file; osmium gets its header and the blocks that may hold some."""
    import osmium

    out: dict[int, Relation] = {}
    starts, begin = extract.starts, extract.starts[extract.relations[0]]
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "relations.osm.pbf"
        with extract.path.open("rb") as whole, part.open("wb") as file:
            file.write(whole.read(starts[1]))
            whole.seek(begin)
            shutil.copyfileobj(whole, file)
        administrative = osmium.filter.TagFilter(("boundary", "administrative"))
        for relation in _objects(part, osmium.osm.RELATION, administrative, name=extract.path):  # some hundreds
            tags = dict(relation.tags)
            if tags.get("admin_level") in levels and tags.get("type") in ("boundary", "multipolygon"):
                members = tuple((m.ref, m.role) for m in relation.members if m.type == "w")
                out.setdefault(relation.id, Relation(tags, members))
    return out


def _way_refs(extract: _Extract, wanted: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return the nodes of the wanted ways of a file."""
    found: dict[int, NDArray[np.int64]] = {}
    begin, stop = extract.ways
    if not len(wanted) or begin >= stop:
        return found
    blobs = read_blobs(extract.path, extract.starts[begin])
    for number, (_, data) in zip(range(begin, stop), blobs, strict=False):
        try:
            block = read_block(data, texts=False)
            for what, at, end in block.groups:
                if what == WAYS:
                    _take_refs(block.raw, at, end, wanted, found)
        except (IndexError, ValueError, OverflowError) as error:
            raise LayerError(
                f"{extract.path} is damaged: block {number} can't be read ({error}); download it again"
            ) from None
    return found


def _take_refs(
    raw: NDArray[np.uint8],
    at: NDArray[np.int64],
    end: NDArray[np.int64],
    wanted: NDArray[np.int64],
    found: dict[int, NDArray[np.int64]],
) -> None:
    """Put the nodes of a group's wanted ways to those that were found."""
    ids = first_numbers(raw, at, end)
    chosen = np.flatnonzero(np.isin(ids, wanted))
    if len(chosen):
        delta, count = packed(raw, *side_by_side(raw, at[chosen], end[chosen], (8,))[8])
        refs = np.split(running(zigzag(delta), count), np.cumsum(count)[:-1])
        for way, nodes in zip(ids[chosen].tolist(), refs, strict=True):  # boundaries only
            found.setdefault(way, nodes)


def _places(extracts: Sequence[_Extract], wanted: NDArray[np.int64]) -> Nodes:
    """Return the wanted nodes."""
    import osmium

    def rows(path: Path) -> Iterator[tuple[int, int, int]]:
        for node in _objects(path, osmium.osm.NODE, osmium.filter.IdFilter(wanted.tolist()), name=path):
            place = node.location  # of boundaries only
            if place.valid():
                yield node.id, place.x, place.y

    kind = np.dtype([("id", np.int64), ("lon", np.int32), ("lat", np.int32)])
    found = [np.fromiter(rows(e.path), kind) for e in extracts if len(wanted)]
    table = np.concatenate([*found, np.zeros(0, kind)])
    return Nodes.of(table["id"], table["lon"], table["lat"])


def _row(osm_id: int, relation: Relation, languages: Sequence[str]) -> dict[str, Any]:
    """Return one boundary's columns."""
    tags = relation.tags
    name = tags.get("name:en") or tags.get("name") or tags.get("int_name") or f"relation {osm_id}"
    level = int(tags["admin_level"])
    two = (tags.get("ISO3166-1:alpha2") or tags.get("ISO3166-1") or "").strip().upper()
    # Old mappings list several codes; the first is the unit's own.
    code = two if level == COUNTRY else (tags.get("ISO3166-2") or "").split(";")[0].strip().upper()
    country = code.partition("-")[0]
    good = len(country) == 2 and country.isascii() and country.isalpha() and not any(c.isspace() for c in code)
    return {
        "region": code if good else "",
        "name": name[:300],
        "country": country if good else "",
        "admin_level": level,
        "osm_id": osm_id,
        "names": names_of({**tags, "alt_name:local": tags.get("name", "")}, name),
        **{f"name_{lang}": tags.get(f"name:{lang}", "") for lang in languages},
    }


def _with_country(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fill the country of units without a code by the level-2 polygon around them."""
    nations = frame[(frame["admin_level"] == COUNTRY) & (frame["country"] != "")].reset_index(drop=True)
    lost = np.flatnonzero((frame["country"] == "").to_numpy())
    if len(lost) and len(nations):
        inside = shapely.point_on_surface(frame.geometry.to_numpy()[lost])
        row, nation = nations.sindex.query(inside, predicate="intersects")
        country = frame["country"].to_numpy(dtype=object).copy()
        country[lost[row]] = nations["country"].to_numpy(dtype=object)[nation]
        frame["country"] = country
    return frame


def _label(osm_id: int, relation: Relation) -> str:
    """Return how a report names a relation."""
    tags = relation.tags
    return f"r{osm_id} level {tags.get('admin_level')} {tags.get('name:en') or tags.get('name') or ''}".strip()


def country_area_km2(regions: gpd.GeoDataFrame, country: str) -> float:
    """Return the area of a country's regions, in an equal-area projection fitted to them."""
    outlines = regions.loc[regions["country"] == country].geometry.to_numpy()
    if not len(outlines):
        raise LayerError(f"no region of {country!r}: allowed is one of {', '.join(sorted(set(regions['country'])))}")
    return float(areas_km2(outlines, fit_equal_area(shapely.boundary(shapely.union_all(outlines)))).sum())
