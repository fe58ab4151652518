"""Regions out of the boundary relations of PBF files: polygons by osmium's assembler, never closed by guess."""

from __future__ import annotations

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
from layers.sources.pbf_blocks import check_whole
from layers.sources.pbf_points import names_of
from layers.sources.pbf_read import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEVELS = (2, 4, 6)
COUNTRY, REGION = 2, 4
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "RU": ("ru",), "KZ": ("kk", "ru"), "BY": ("be", "ru"), "UA": ("uk",), "KG": ("ky", "ru"), "UZ": ("uz",),
    "CN": ("zh",), "MN": ("mn",), "DE": ("de",), "AT": ("de",), "CH": ("de", "fr", "it"), "LI": ("de",), "FR": ("fr",),
    "MC": ("fr",), "IT": ("it",), "PL": ("pl",), "FI": ("fi", "sv"), "NO": ("no",), "SE": ("sv",), "EE": ("et",),
    "LV": ("lv",), "LT": ("lt",), "ES": ("es",), "PT": ("pt",), "MX": ("es",), "TR": ("tr",), "GE": ("ka",),
}  # fmt: skip
"""Languages of countries whose names get a column of their own; every other name stands in ``names``."""
ALWAYS = ("en", "ru", "kk")
COVERED = 0.99
"""Regions that leave more of their country than this uncovered are not all of them."""
COLUMNS = ("region", "name", "country", "admin_level", "osm_id", "names")


@dataclass(frozen=True)
class _Relation:
    """A boundary relation: its tags and its member ways."""

    tags: dict[str, str]
    ways: tuple[tuple[int, str], ...]


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
    Regions with the columns of the schema (``region``, ``name``, ``country``), ``admin_level``, ``osm_id``, ``names`` (all
    others, joined by ``|``) and ``name_xx`` in English, Russian, Kazakh and the languages of `countries`; and a report.
    A country is taken at level 4; at level 2 where it has no whole regions with a code, or they do not cover it.

    Raises
    ------
    LayerError
        See `layers.sources.pbf.read_header`.
    """
    boundaries, report = read_boundaries(paths, levels=levels, languages=_languages(countries))
    wanted = sorted(set(boundaries["country"])) if countries is None else list(countries)
    chosen = []
    report["level"] = {}
    for country in wanted:
        mine = boundaries[(boundaries["country"] == country) & (boundaries["region"] != "")]
        whole, parts = (mine[mine["admin_level"] == level] for level in (COUNTRY, REGION))
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
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    headers = {path: read_header(path) for path in files}
    for path in files:
        check_whole(path)  # osmium takes a file that ends between two blocks' sizes as whole
    newest_first = sorted(headers, key=lambda p: headers[p]["timestamp"], reverse=True)
    if not newest_first:
        raise LayerError("no PBF is given: allowed are one or several files")
    relations: dict[int, _Relation] = {}
    for path in newest_first:
        for relation, found in _relations(path, {str(level) for level in levels}):
            relations.setdefault(relation, found)
    ways = _way_refs(newest_first, {way for r in relations.values() for way, _ in r.ways})
    places = _places(newest_first, {ref for refs in ways.values() for ref in refs})
    whole = {i: r for i, r in relations.items() if _is_whole(r, ways, places)}
    polygons = _assembled(whole, ways, places)
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


def _objects(path: Path, entity: Any, *filters: Any) -> Iterator[Any]:
    """Yield the objects of one kind that pass osmium's filters; its errors become ours."""
    import osmium

    processor = osmium.FileProcessor(str(path), entity)
    for one in filters:
        processor = processor.with_filter(one)
    try:
        yield from processor
    except (RuntimeError, ValueError) as error:
        raise LayerError(f"{path} is damaged: {error}; download it again") from None


def _relations(path: Path, levels: set[str]) -> Iterator[tuple[int, _Relation]]:
    """Yield the boundary relations of a file."""
    import osmium

    for relation in _objects(
        path, osmium.osm.RELATION, osmium.filter.TagFilter(("boundary", "administrative"))
    ):  # some hundreds
        tags = dict(relation.tags)
        if tags.get("admin_level") in levels and tags.get("type") in ("boundary", "multipolygon"):
            members = tuple((m.ref, m.role) for m in relation.members if m.type == "w")
            yield relation.id, _Relation(tags, members)


def _way_refs(paths: Sequence[Path], wanted: set[int]) -> dict[int, list[int]]:
    """Return the nodes of the wanted ways."""
    import osmium

    found: dict[int, list[int]] = {}
    for path in paths:
        if wanted:
            for way in _objects(path, osmium.osm.WAY, osmium.filter.IdFilter(wanted)):  # boundaries only
                found.setdefault(way.id, [n.ref for n in way.nodes])
    return found


def _places(paths: Sequence[Path], wanted: set[int]) -> dict[int, tuple[float, float]]:
    """Return longitude and latitude of the wanted nodes."""
    import osmium

    found: dict[int, tuple[float, float]] = {}
    for path in paths:
        if wanted:
            for node in _objects(path, osmium.osm.NODE, osmium.filter.IdFilter(wanted)):  # of boundaries only
                if node.location.valid():
                    found.setdefault(node.id, (node.location.lon, node.location.lat))
    return found


def _is_whole(relation: _Relation, ways: Mapping[int, list[int]], places: Mapping[int, object]) -> bool:
    """Return whether every way of a relation and every node of those is at hand."""
    return bool(relation.ways) and all(
        way in ways and all(ref in places for ref in ways[way]) for way, _ in relation.ways
    )


def _assembled(
    relations: Mapping[int, _Relation], ways: Mapping[int, list[int]], places: Mapping[int, tuple[float, float]]
) -> dict[int, shapely.Geometry]:
    """Return the polygons of relations; those that osmium's assembler refuses are missing.

    The parts of all files are written into one small file for it, so that a boundary that runs through several
    extracts is assembled as if from one.
    """
    import osmium

    used = sorted({way for r in relations.values() for way, _ in r.ways})
    out: dict[int, shapely.Geometry] = {}
    if not used:
        return out
    kind = osmium.osm.mutable
    factory = osmium.geom.WKBFactory()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "boundaries.osm.pbf"
        with osmium.SimpleWriter(str(path)) as writer:
            for ref in sorted({ref for way in used for ref in ways[way]}):
                writer.add_node(kind.Node(id=ref, version=1, location=places[ref]))
            for way in used:
                writer.add_way(kind.Way(id=way, version=1, nodes=ways[way]))
            for i in sorted(relations):
                members = [("w", way, role) for way, role in relations[i].ways]
                tags = {"type": "boundary"}
                writer.add_relation(kind.Relation(id=i, version=1, members=members, tags=tags))
        areas: Iterator[Any] = iter(osmium.FileProcessor(str(path)).with_areas())
        for thing in areas:
            if thing.is_area() and not thing.from_way():
                try:
                    polygon = shapely.from_wkb(factory.create_multipolygon(thing))
                except RuntimeError:  # osmium found no rings
                    continue
                if shapely.is_valid(polygon) and not polygon.is_empty:
                    out[thing.orig_id()] = polygon
    return out


def _row(osm_id: int, relation: _Relation, languages: Sequence[str]) -> dict[str, Any]:
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


def _label(osm_id: int, relation: _Relation) -> str:
    """Return how a report names a relation."""
    tags = relation.tags
    return f"r{osm_id} level {tags.get('admin_level')} {tags.get('name:en') or tags.get('name') or ''}".strip()


def country_area_km2(regions: gpd.GeoDataFrame, country: str) -> float:
    """Return the area of a country's regions, in an equal-area projection fitted to them."""
    mine = regions.loc[regions["country"] == country].geometry.to_numpy()
    if not len(mine):
        raise LayerError(f"no region of {country!r}: allowed is one of {', '.join(sorted(set(regions['country'])))}")
    return float(areas_km2(mine, fit_equal_area(shapely.boundary(shapely.union_all(mine)))).sum())
