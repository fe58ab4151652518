"""What a study brings of its own, looked at before anything is computed.

Lines, checkpoints, places, indicators, unknown classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from layers.crs import WGS84, project
from layers.errors import LayerError
from layers.indicators import read_indicators
from layers.io import NONE, OSM, OVERPASS, SNAPSHOT, describe_file
from layers.own.lines import check_lines, lengths_in_words, lines_in_words, mend_lines
from layers.own.places import read_places
from layers.sides import SIDES
from network.speeds import KNOWN_KPH, OTHER_KPH, PLAIN_RAIL

if TYPE_CHECKING:
    from pyproj import CRS

    from gis.study import Study
    from layers.stretches import Stretches

FAR_KM = {"road": 60.0, "rail": 100.0, "river": 100.0}
"""A checkpoint further from the border line than this belongs to another border, or is an error of the table: left out
and named."""

OTHER_KM = 3.0
"""How near to another border a post stands that belongs there: an assumption."""


@dataclass
class Further:
    """What a study brings beside its layers: places, indicators; with rows for the table of sources, and notes."""

    places: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    about: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def refuse_missing_files(study: Study) -> None:
    """Refuse a study whose further files are not all there.

    Raises
    ------
    LayerError
        A file is not there; it is named with its setting.
    """
    named = {word: part.path for word, part in study.reach.layers.items()}
    if study.index.indicators:
        named["indicators"] = study.index.indicators
    if study.border_zone.path:
        named["border_zone"] = study.border_zone.path
    if study.terrain.elevation:
        named["terrain.elevation"] = study.terrain.elevation
    if study.counts.path:
        named["counts"] = study.counts.path
    missing = [f"{word} ({path})" for word, path in named.items() if not Path(path).is_file()]
    if missing:
        raise LayerError(f"no such file: {', '.join(missing)}; allowed are files that are there")


def further_files(study: Study, regions: gpd.GeoDataFrame, area: shapely.Geometry) -> Further:
    """Return the study's own places, and check its indicators.

    What is wrong with them is told before anything is computed.

    Raises
    ------
    LayerError
        A file is not there or can't be used.
    """
    refuse_missing_files(study)
    out = Further()
    for word, part in study.reach.layers.items():
        path = Path(part.path)
        frame, notes = read_places(path, word, layer=part.layer, name=part.name, weight=part.weight, area=area)
        out.places[word] = frame
        out.notes += notes
        out.about.append(describe_file(word, path, len(frame), rights=part.rights))
    if study.index.indicators:
        path = Path(study.index.indicators)
        table = read_indicators(path, regions["region"]).table
        out.about.append(describe_file("indicators", path, len(table)))
    return out


def is_own(study: Study, name: str) -> bool:
    """Return whether a layer is the study's own, a file or a table, whose lines nobody has looked at."""
    return study.source(name).path not in (SNAPSHOT, NONE, OSM, OVERPASS)


def drawn_lines(study: Study, layers: dict[str, gpd.GeoDataFrame], crs: CRS) -> list[str]:
    """Check own layers of lines, mend those that the study wants mended, and return what a reader must know."""
    notes = []
    for name in ("roads", "railways"):
        if not is_own(study, name) or layers[name].empty:
            continue
        notes += lengths_in_words(layers[name], name)
        metres = getattr(study.layers, name).mend_m
        found = check_lines(layers[name], crs)
        notes += lines_in_words(found, name, mended=metres > 0)
        if metres and len(found):
            layers[name], done = mend_lines(layers[name], name, crs, tolerance_m=metres)
            notes += done
    return notes


def near_border(
    checkpoints: gpd.GeoDataFrame, border: gpd.GeoDataFrame, crs: CRS
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the checkpoints that stand near the border line, and a warning that names the others.

    Refuse a layer of which none does.
    """
    line = project(shapely.union_all(border.geometry.to_numpy()), WGS84, crs)
    points = checkpoints.geometry.to_numpy()
    km = np.asarray(shapely.distance(project(points, WGS84, crs), line), float) / 1000
    far = ~(km <= checkpoints["mode"].map(FAR_KM).to_numpy(float))
    if not far.any():
        return checkpoints, []
    turned = shapely.transform(points[far], lambda xy: xy[:, ::-1])
    sane = shapely.get_y(turned)
    swapped = (abs(sane) <= 90).all() and (shapely.distance(project(turned, WGS84, crs), line) < 100_000).any()
    listed = ", ".join(f"{i} ({k:,.0f} km)" for i, k in zip(checkpoints["checkpoint_id"][far], km[far], strict=True))
    words = (
        f"checkpoints far from the border line: {listed}{'; longitude and latitude look swapped' if swapped else ''}. "
        f"Allowed is {', '.join(f'{m} {k:g} km' for m, k in FAR_KM.items())}"
    )
    if far.all():
        raise LayerError(words)
    return checkpoints[~far].reset_index(drop=True), [f"left out, {words}"]


def at_this_border(
    checkpoints: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, stretches: Stretches
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the checkpoints without those by road at another border of the two countries, and a line naming these.

    One that states regions of both sides belongs here. Another belongs elsewhere where it is nearer to what a side
    shares with a third country of the layer, or stands within `OTHER_KM` of the rest of the outline and `OTHER_KM`
    nearer to it than to the shared line: own regions may be a part of their country, whose edge is no border.
    """
    codes = {side: set(regions.loc[regions["side"] == side, "region"]) for side in SIDES}
    stated = checkpoints["region_a"].isin(codes["a"]) & checkpoints["region_b"].isin(codes["b"])
    unstated = np.flatnonzero((checkpoints["mode"] == "road") & ~stated)
    xy = shapely.get_coordinates(checkpoints.geometry.to_numpy())[unstated]
    away = np.zeros(len(unstated), bool)
    for side in SIDES:
        own = np.full(len(unstated), side, dtype=object)
        shared, rest = stretches.away_km(xy, own)
        _, third = stretches.away_km(xy, own, "third")
        away |= (third < shared) | ((rest <= OTHER_KM) & (rest + OTHER_KM < shared))
    lost = unstated[away]
    if not len(lost):
        return checkpoints, []
    listed = ", ".join(checkpoints["checkpoint_id"].iloc[lost])
    words = (
        f"checkpoints at other borders of the two countries, left out: {listed}; one that states region_a and "
        "region_b belongs here"
    )
    return checkpoints.drop(index=checkpoints.index[lost]).reset_index(drop=True), [words]


def ground_warnings(layers: dict[str, gpd.GeoDataFrame]) -> list[str]:
    """Return what a reader must know of the layers."""
    out = unknown_classes(layers)
    unknown = int((layers["settlements"]["population"] == 0).sum())
    if unknown:
        out.append(
            f"{unknown} of {len(layers['settlements'])} settlements have no known population: they keep their "
            "access and count as nobody"
        )
    return out


def wait_warnings(checkpoints: gpd.GeoDataFrame) -> list[str]:
    """Return what a reader must know of the waits and hours of checkpoints."""
    out = []
    assumed = int(checkpoints["wait_assumed"].sum())
    if assumed:
        out.append(f"the waits of {assumed} of {len(checkpoints)} checkpoints are assumptions: nobody measured them")
    doubtful = checkpoints[checkpoints["open"] & ~checkpoints["hours_known"]]
    if len(doubtful):
        texts = zip(doubtful["checkpoint_id"], doubtful["hours"], strict=True)
        listed = ", ".join(f"{i} ({text!r})" for i, text in texts)
        out.append(f"opening hours that can't be read, unknown and charged no wait for the opening: {listed}")
    return out


def unknown_classes(layers: dict[str, gpd.GeoDataFrame]) -> list[str]:
    """Return the classes of roads and railways without a speed of their own, their kilometres and assumed speed."""
    out = []
    for name, mode in (("roads", "road"), ("railways", "rail")):
        if name not in layers:
            continue
        frame = layers[name]
        kind = frame["kind"].astype(str).str.removesuffix("_link")
        km = (frame["length_m"] / 1000)[~kind.isin(list(KNOWN_KPH))].groupby(kind).sum().sort_values(ascending=False)
        if mode == "rail" and PLAIN_RAIL in km:
            # A track of which no usage is known is no unknown class: there is nothing to name.
            plain = km[PLAIN_RAIL]
            out.append(f"{plain:,.1f} km of railways have no known usage: {OTHER_KPH[mode]:g} km/h is assumed")
            km = km.drop(PLAIN_RAIL)
        if len(km):
            unknown_words = ", ".join(f"{word!r} {n:,.1f} km" for word, n in km.head(10).items())
            more = f" and {len(km) - 10} more" if len(km) > 10 else ""
            out.append(
                f"classes of {name} that are not known: {unknown_words}{more}: {OTHER_KPH[mode]:g} km/h is "
                "assumed; name "
                f"them in [layers.{name}] values = "
                "{ kind = { … } }"
            )
    return out
