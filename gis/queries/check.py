"""What is in a study's layers, what was understood how, what would be mended, assumed and left out.

Before a run, in seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from gis.inputs import EDGE, Fetching, belt_of, prepare
from gis.own import at_this_border, further_files, is_own, near_border, unknown_classes
from gis.sources import locate_extracts
from gis.study import is_extract_file
from layers.checkpoints import with_waits
from layers.errors import BorderlinkError
from layers.io import LAYERS, NONE, OSM, OVERPASS, SNAPSHOT, read_layer
from layers.overlaps import overlap_notes
from layers.own.lines import check_lines, lengths_in_words
from layers.regions import border_line, clip_to_belt, study_crs, touching, with_sides
from layers.schema import empty_layer
from layers.stretches import Stretches
from layers.travellers import open_to_traveller
from maps.phrases import phrased

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from gis.study import Study

KINDS = ("refused", "in it", "understood", "mended", "would be mended", "assumed", "left out", "not looked at")
"""What a line of the answer is about, the worst first."""


@dataclass
class Check:
    """The answer: rows of ``layer``, ``about`` (one of `KINDS`), ``what``; and the places where lines do not meet."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    places: list[pd.DataFrame] = field(default_factory=list)

    def add(self, layer: str, about: str, what: str) -> None:
        """Add a line."""
        self.rows.append((layer, about, what))

    @property
    def refused(self) -> bool:
        """Whether a run would end in an error."""
        return any(about == "refused" for _, about, _ in self.rows)

    @property
    def table(self) -> pd.DataFrame:
        """The lines as a table, by layer."""
        return pd.DataFrame(self.rows, columns=["layer", "about", "what"])


def check_study(study: Study, *, deep: bool = False, fetching: Fetching | None = None) -> Check:
    """Return what a run of a study would find in its layers; nothing is computed of them.

    Parameters
    ----------
    deep
        Read extracts too, and ask Overpass where the study does; otherwise they are told by their headers.
    fetching
        How downloads are made with `deep`.

    Notes
    -----
    What can't be used is a line of the answer, and the next layer is looked at.
    """
    out = Check()
    if deep:
        try:
            prepared = prepare(study, fetching=fetching)
        except BorderlinkError as error:
            out.add("study", "refused", str(error))
        else:
            for name, frame in prepared.layers.items():
                out.add(name, "in it", _counts(frame, name))
            _sort(out, prepared.warnings)
            return out
    regions, border, crs = None, None, None
    try:
        if study.source("regions").path not in (OSM, OVERPASS):
            layer, about = read_layer("regions", study.source("regions"), countries=study.sides)
            border = border_line(layer, study.sides)
            crs = study_crs(border)
            sided = with_sides(layer, study.sides)
            regions = sided[touching(sided, border)]
            kilometres = border["length_km"].sum()
            out.add(
                "regions",
                "in it",
                f"{_counts(layer, 'regions')}; {kilometres:,.1f} km of border between {' and '.join(study.sides)}",
            )
            own = clip_to_belt(sided, border, EDGE * study.network.depth_km)
            _sort(out, [*about.get("notes", []), *overlap_notes(own, crs)], "regions")
    except BorderlinkError as error:
        out.add("regions", "refused", str(error))
    layers = {n: _looked_at(study, n, border, crs, out) for n in LAYERS if n != "regions"}
    if regions is not None and border is not None and crs is not None:
        if len(layers["checkpoints"]):
            others = layer[~layer["country"].isin(study.sides)]
            zone = belt_of(border, EDGE * study.network.depth_km, crs)
            stretches = Stretches.of(sided, border, zone, others if len(others) else None)
            _checkpoints(study, layers, border, crs, sided, stretches, out)
        _further(study, regions, belt_of(border, EDGE * study.network.depth_km, crs), out)
    _extracts(study, fetching.cache if fetching else None, out)
    return out


def _looked_at(study: Study, name: str, border: Any, crs: CRS | None, out: Check) -> gpd.GeoDataFrame:
    """Return a layer as a run would read it, an empty one where it can't be read here."""
    path = study.source(name).path
    if path == NONE:
        out.add(name, "left out", "the study does without")
    if path in (OSM, OVERPASS):
        out.add(
            name,
            "not looked at",
            f"comes from {'OpenStreetMap extracts' if path == OSM else 'Overpass'}: --deep reads them",
        )
    if path in (NONE, OSM, OVERPASS):
        return empty_layer(name)
    try:
        deep = EDGE if name in ("roads", "railways") else 1.0
        area = belt_of(border, deep * study.network.depth_km, crs) if border is not None and crs is not None else None
        frame, about = read_layer(name, study.source(name), area=area)
    except BorderlinkError as error:
        out.add(name, "refused", str(error))
        return empty_layer(name)
    if path == SNAPSHOT and area is not None:
        frame = frame[shapely.intersects(frame.geometry.to_numpy(), area)]
    where = "the packaged snapshot" if path == SNAPSHOT else about.get("file") or about.get("source")
    out.add(name, "in it", f"{_counts(frame, name)} in the belt; from {where}")
    _sort(out, about.get("notes", []), name)
    if name in ("roads", "railways"):
        _sort(out, unknown_classes({name: frame}), name)
        if is_own(study, name) and crs is not None:
            _lines(study, name, frame, crs, out)
    if name == "settlements" and (frame["population"] == 0).any():
        out.add(
            name,
            "assumed",
            f"{(frame['population'] == 0).sum():,} of {len(frame):,} have no known population and count as nobody",
        )
    return frame


def _lines(study: Study, name: str, frame: gpd.GeoDataFrame, crs: CRS, out: Check) -> None:
    """Tell where lines do not meet, and whether the study has them mended."""
    for note in lengths_in_words(frame, name):
        out.add(name, "understood", note)
    found = check_lines(frame, crs)
    mended = getattr(study.layers, name).mend_m > 0
    for what, rows in found.groupby("what", sort=False):
        at = ", ".join(f"{r.lon:.4f},{r.lat:.4f}" for r in rows.head(3).itertuples())  # three
        out.add(name, "mended" if mended else "would be mended", f"{len(rows):,} × {what}, such as {at}")
    if len(found):
        out.places.append(found.assign(layer=name))
        if not mended:
            out.add(name, "would be mended", f"by [layers.{name}] mend = true")


def _checkpoints(
    study: Study,
    layers: dict[str, gpd.GeoDataFrame],
    border: gpd.GeoDataFrame,
    crs: CRS,
    regions: gpd.GeoDataFrame,
    stretches: Stretches,
    out: Check,
) -> None:
    """Tell what a run takes from the checkpoints."""
    try:
        near, far = near_border(layers["checkpoints"], border, crs)
        if is_own(study, "checkpoints"):
            near, elsewhere = at_this_border(near, regions, stretches)
            far += elsewhere
        near, barred = open_to_traveller(near, study.network.traveller)
        far += barred
        waiting = with_waits(near, study.waits, vehicle=study.network.vehicle, closed_hours=study.analysis.closed_hours)
    except BorderlinkError as error:
        out.add("checkpoints", "refused", str(error))
        return
    _sort(out, far, "checkpoints")
    assumed = int(waiting["wait_assumed"].sum())
    if assumed:
        out.add("checkpoints", "assumed", f"the waits of {assumed} of {len(waiting)}: nobody measured them")
    unread = waiting.loc[waiting["open"] & ~waiting["hours_known"], "checkpoint_id"]
    if len(unread):
        out.add("checkpoints", "assumed", f"opening hours that can't be read: {', '.join(unread)}")


def _further(study: Study, regions: gpd.GeoDataFrame, area: shapely.Geometry, out: Check) -> None:
    """Tell what a run takes from the study's own places and indicators."""
    try:
        found = further_files(study, regions, area)
    except BorderlinkError as error:
        out.add("places and indicators", "refused", str(error))
        return
    for word, frame in found.places.items():
        out.add(word, "in it", f"{len(frame):,} places in the belt")
    _sort(out, found.notes)


def _extracts(study: Study, cache: Path | None, out: Check) -> None:
    """Tell what the headers of a study's extracts say, those of Geofabrik where the cache has them."""
    from layers.sources.pbf.read import read_header

    try:
        files = locate_extracts(study, cache_folder=cache, offline=True)
    except BorderlinkError as error:
        missing = [n for n in study.osm.pbf if is_extract_file(n) and not Path(n).is_file()]
        out.add("osm", "refused" if missing else "not looked at", str(error))
        return
    for file in files:
        try:
            head, size = read_header(file.path), file.path.stat().st_size / 1e6
        except (BorderlinkError, OSError) as error:
            out.add("osm", "refused", f"{file.url or file.path.name}: {error}")
            continue
        box = head.get("bbox")
        bounds = ", ".join(f"{v:.2f}" for v in box) if box else "not stated"
        date = head.get("timestamp") or "an unknown date"
        out.add("osm", "in it", f"{file.url or file.path.name}: {size:,.1f} MB, data of {date}, bounds {bounds}")


def _counts(frame: gpd.GeoDataFrame, name: str) -> str:
    """Return how much there is of a layer."""
    if name in ("roads", "railways"):
        kinds = (frame["length_m"] / 1000).groupby(frame["kind"]).sum().sort_values(ascending=False)
        classes = ", ".join(f"{k} {v:,.1f}" for k, v in kinds.head(6).items())
        return f"{len(frame):,} links, {kinds.sum():,.1f} km ({classes})" if len(frame) else "none"
    if name == "checkpoints":
        modes = ", ".join(f"{n} by {m}" for m, n in frame["mode"].value_counts().items())
        return f"{len(frame)} checkpoints ({modes}; {int(frame['open'].sum())} open)"
    if name == "settlements":
        by = ", ".join(f"{c} {n:,.0f}" for c, n in frame.groupby("country")["population"].sum().items())
        return f"{len(frame):,} settlements (people: {by})"
    by = ", ".join(f"{n} of {c}" for c, n in frame["country"].value_counts().items())
    return f"{len(frame)} regions ({by})"


_WORDS = (
    ("left out", "left out"),
    ("not looked at", "left out"),
    ("drawn, not noded", "would be mended"),
    ("mended", "mended"),
    ("assum", "assumed"),
    ("not known", "assumed"),
    ("no known population", "assumed"),
)


def _sort(out: Check, notes: list[str], layer: str = "study") -> None:
    """Add notes under what they are about."""
    for note in notes:
        about = next((kind for word, kind in _WORDS if word in note), "understood")
        out.add(layer, about, note)


def write_check(folder: Path, check: Check) -> None:
    """Write ``check.csv``, and ``check.geojson`` with the places where lines do not meet, for QGIS."""
    folder.mkdir(parents=True, exist_ok=True)
    phrased(check.table, ("layer", "about", "what")).to_csv(folder / "check.csv", index=False, lineterminator="\n")
    if not check.places:
        return
    found = pd.concat(check.places).round({"lon": 7, "lat": 7, "distance_m": 2})
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [r.lon, r.lat]},
            "properties": {"layer": r.layer, "what": r.what, "distance_m": r.distance_m},
        }
        for r in found.itertuples()  # GeoJSON is a row each
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    (folder / "check.geojson").write_text(text + "\n", encoding="utf-8")
