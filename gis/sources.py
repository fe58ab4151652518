"""A study's OpenStreetMap extracts.

Local files, Geofabrik's or Overpass's through the cache, and the layers read from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from gis.study import is_extract_file
from layers.errors import LayerError
from layers.io import OSM, OVERPASS, describe_file, read_layer
from layers.osm.posts import AT_LINE_KM, CLUSTER_KM, DEPTH_KM, STATION_KM
from layers.schema import empty_layer, validate
from layers.settlements import with_known_people
from layers.sources.download.cache import Cache
from layers.sources.download.names import file_digests, public_url
from layers.sources.snapshot import snapshot_covers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import geopandas as gpd
    import pandas as pd

    from gis.study import Study
    from layers.sources.download.cache import Entry
    from layers.sources.download.transfer import Listener
    from layers.sources.overpass.server import Asking
    from layers.sources.pbf.read import PbfLayers
    from layers.stretches import Stretches


OSM_LICENCE, OSM_RIGHTS = "ODbL-1.0", "© OpenStreetMap contributors"
POSTS_KM = max(DEPTH_KM, STATION_KM + AT_LINE_KM + CLUSTER_KM)
"""As far from the border line as a post or station can be part of a checkpoint."""


SHOWN = 8
"""Texts that no rule reads are shown up to this number."""


@dataclass(frozen=True)
class LocalExtract:
    """An extract on this disk: its file, and the address it was fetched from (empty for the user's own file)."""

    path: Path
    url: str = ""
    note: str = ""
    server: str = ""
    """The Overpass server that made it for this study, whose query `url` ends with."""


def locate_extracts(
    study: Study,
    *,
    cache_folder: Path | None = None,
    offline: bool = False,
    refresh: bool = False,
    listen: Listener | None = None,
) -> list[LocalExtract]:
    """Return the study's extracts as local files, fetching those that the cache lacks.

    Parameters
    ----------
    cache_folder
        The user's cache folder where it is None.
    offline
        Never touch the network; what is missing is named.
    refresh
        Ask the server whether a newer version is there.
    listen
        Called with name, bytes done and bytes in all (None where unknown).

    Raises
    ------
    LayerError
        A file or a name is unknown, a download fails, or an extract has another sha256 than the study says.
    """
    own = [name for name in study.osm.pbf if is_extract_file(name)]
    missing = [name for name in own if not Path(name).is_file()]
    if missing:
        raise LayerError(
            f"no such extract: {', '.join(missing)}; allowed is a file *.osm.pbf, *.osm (also .gz, .bz2), *.o5m, "
            "or a name of Geofabrik's index"
        )
    out = [LocalExtract(Path(name)) for name in own]
    for name in own:
        if name in study.osm.sha256:
            _compare(name, file_digests(Path(name))[0], study.osm.sha256[name])
    names = [name for name in study.osm.pbf if not is_extract_file(name)]
    if not names:
        return out
    from layers.sources.download.geofabrik import resolve  # and `requests`, which who has the files need not wait for
    from layers.sources.download.transfer import fetch

    cache = Cache(cache_folder)
    extracts = resolve(names, cache=cache, base_url=study.osm.geofabrik_url, offline=offline, refresh=refresh)
    digests = {
        resolve([name], cache=cache, base_url=study.osm.geofabrik_url, offline=offline)[0].url: study.osm.sha256[name]
        for name in names
        if name in study.osm.sha256
    }
    for extract in extracts:
        entry = fetch(extract.url, cache, checksum_url=extract.md5_url, offline=offline, refresh=refresh, listen=listen)
        if extract.url in digests:
            _compare(extract.url, entry.sha256, digests[extract.url])
        out.append(LocalExtract(entry.path, entry.url, "; ".join(cache.notes)))
    return out


def _compare(name: str, found: str, named: str) -> None:
    """Refuse an extract that is not the one that the study names."""
    if found != named:
        raise LayerError(
            f"{public_url(name)} has the sha256 {found}, the study names {named} (osm.sha256): allowed is the "
            "very file; "
            "take the line away, or write the new digest, where the newer one is meant"
        )


def ask_regions(study: Study, asking: Asking) -> list[LocalExtract]:
    """Return the boundaries of both sides as extracts that Overpass makes, from the cache where it has them.

    Raises
    ------
    LayerError
        See `layers.sources.overpass.server.fetch_network`.
    """
    from layers.sources.overpass.server import fetch_regions

    return _answers(fetch_regions(study.sides, asking), asking)


def ask_network(study: Study, area: shapely.Geometry, layers: Collection[str], asking: Asking) -> list[LocalExtract]:
    """Return the objects of some layers in an area as extracts that Overpass makes; see `ask_regions`.

    Checkpoints of the study's own file, or the packaged ones, are tied to the roads.
    """
    source = study.source("checkpoints")
    posts = None
    if "roads" in layers and source.path not in (OSM, OVERPASS):
        known = read_layer("checkpoints", source, area=area)[0].geometry.to_numpy()
        posts = shapely.get_coordinates(known[shapely.intersects(known, area)])
    from layers.sources.overpass.server import fetch_network

    entries = fetch_network(
        area,
        asking,
        layers=layers,
        road_kinds=study.osm.road_kinds,
        posts=posts,
        largest_km2=study.osm.overpass_area_km2,
    )
    return _answers(entries, asking)


def _answers(entries: list[Entry], asking: Asking) -> list[LocalExtract]:
    """Return entries of the cache as extracts."""
    server, note = public_url(asking.interpreter), "; ".join(asking.cache.notes)
    return [LocalExtract(e.path, e.url, note, server) for e in entries]


@dataclass(frozen=True)
class Extracts:
    """The extracts of a study, read when asked.

    `about` collects rows for the table of sources, `notes` for the report.
    """

    study: Study
    files: list[LocalExtract]
    about: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stations: list[gpd.GeoDataFrame] = field(default_factory=list)
    """Stations and halts of the railways, where these were read."""
    at: tuple[int, int] | None = None
    """Day of the week and half hour at which conditions are asked."""
    turns: list[pd.DataFrame] = field(default_factory=list)
    """Restrictions of turns, where roads were read."""

    def regions(self) -> gpd.GeoDataFrame:
        """Return the regions of both sides.

        Raises
        ------
        LayerError
            The extracts hold no whole boundary of a side: the study may name a file for the layer.
        """
        from layers.sources.pbf.read import read_regions

        frame, report = read_regions([f.path for f in self.files], countries=self.study.sides)
        if report["countries_missing"]:
            raise LayerError(
                f"the extracts hold no whole boundary of {' and '.join(report['countries_missing'])}: allowed "
                "are extracts "
                "that do, or a file of regions in the study ([layers] regions = …)"
            )
        layer = validate(frame, "regions", "OpenStreetMap")
        self._tell("regions", len(layer))
        return layer

    def water(self, area: shapely.Geometry) -> gpd.GeoDataFrame:
        """Return the water of an area in longitude and latitude as polygons."""
        from layers.sources.pbf.water import read_water_areas

        frame = read_water_areas([f.path for f in self.files], area)
        self._tell("water", len(frame))
        return frame

    def network(
        self,
        border: gpd.GeoDataFrame,
        regions: gpd.GeoDataFrame,
        area: shapely.Geometry,
        wanted: Collection[str],
        *,
        roads: gpd.GeoDataFrame | None = None,
        posts: gpd.GeoDataFrame | None = None,
        stretches: Stretches | None = None,
        towns: gpd.GeoDataFrame | None = None,
    ) -> dict[str, gpd.GeoDataFrame]:
        """Return those layers of an area that are wanted: roads, railways, settlements, checkpoints.

        Parameters
        ----------
        regions
            With ``side``.
        area
            Belt of the network in longitude and latitude.
        roads
            Layer that posts are paired along where Overpass was not asked for roads; None for the straight distance.
        posts
            Checkpoints from elsewhere, which ways of any class tie to the roads.
        stretches
            Of the outlines of both countries, by which posts of other borders are left out.
        towns
            Settlements from elsewhere, which posts without a name may be called after.
        """
        from layers.sources.pbf.read import read_network

        got = read_network(
            [f.path for f in self.files],
            area,
            regions=regions,
            road_kinds=self.study.osm.road_kinds,
            vehicle=self.study.network.vehicle,
            posts=posts,
            at=self.at,
        )
        # Yards, sidings and spurs lead nowhere through: a train does not pass over them.
        through = got.railways[got.railways["through"]]
        inhabited = got.settlements[got.settlements["country"] != ""]
        open_roads = got.roads[got.roads[self.study.network.vehicle]]
        frames = {"roads": open_roads, "railways": through, "settlements": inhabited}
        layers = {n: validate(f, n, "OpenStreetMap") if len(f) else empty_layer(n) for n, f in frames.items()}
        if "checkpoints" in wanted:
            queried = any(f.server for f in self.files) and "roads" not in wanted
            layers["checkpoints"] = self._checkpoints(
                got,
                border,
                regions,
                roads=roads if queried else got.roads,
                settlements=inhabited if towns is None else towns,
                stretches=stretches,
            )
        if "settlements" in wanted and snapshot_covers(self.study.sides):
            layers["settlements"] = self._with_known_people(layers["settlements"], area)
        if "railways" in wanted:
            self.stations.append(got.stations)
        if "roads" in wanted:
            self.turns.append(got.turns)
        self.notes.extend(_left_out(got.report))
        layers = {name: frame for name, frame in layers.items() if name in wanted}
        for name, frame in layers.items():
            self._tell(name, len(frame))
        return layers

    def _checkpoints(
        self,
        got: PbfLayers,
        border: gpd.GeoDataFrame,
        regions: gpd.GeoDataFrame,
        *,
        roads: gpd.GeoDataFrame | None,
        settlements: gpd.GeoDataFrame,
        stretches: Stretches | None,
    ) -> gpd.GeoDataFrame:
        """Return the checkpoints that posts of the extracts make, with the packaged facts of this border."""
        from layers.osm.posts import checkpoints_from_posts

        made, report = checkpoints_from_posts(
            got.posts,
            border,
            regions,
            read_layer("checkpoints")[0] if snapshot_covers(self.study.sides) else None,
            stations=got.stations,
            roads=roads,
            railways=got.railways,
            settlements=settlements,
            stretches=stretches,
        )
        self.notes.append(_how_made(report))
        elsewhere = report.get("posts_of_other_borders", [])
        if elsewhere:
            self.notes.append(f"posts at other borders of the two countries, left out: {', '.join(elsewhere)}")
        return made if len(made) else empty_layer("checkpoints")

    def _with_known_people(self, settlements: gpd.GeoDataFrame, area: shapely.Geometry) -> gpd.GeoDataFrame:
        """Return the settlements with the people that the packaged ones of an area know."""
        known, about = read_layer("settlements")
        known = known[shapely.intersects(known.geometry.to_numpy(), area)]
        peopled, counts = with_known_people(settlements, known, source="GeoNames")
        if any(counts.values()):
            self.about.append(about)
            self.notes.append(
                f"people of {counts['filled']} settlements and {counts['added']} whole settlements that "
                "OpenStreetMap lacks are from GeoNames"
            )
        return peopled

    def _tell(self, layer: str, rows: int) -> None:
        """Add the extracts of a layer to the table of sources."""
        from layers.sources.pbf.read import read_header

        for f in self.files:
            stamp = str(read_header(f.path).get("timestamp") or "")
            source = f"OpenStreetMap extract {f.url or f.path.name}"
            note = ""
            if f.server:
                source = f"OpenStreetMap by Overpass {f.server}"
                note = f"query {f.url.removesuffix('.osm.pbf').rpartition('-')[2]}"
            known = {"source": source, "date": stamp, "licence": OSM_LICENCE, "note": note}
            self.about.append(describe_file(layer, f.path, rows, rights=OSM_RIGHTS, **known))


def _left_out(report: Mapping[str, Any]) -> list[str]:
    """Return lines on what the extracts hold and the layers do not, or not for everybody."""
    out = []
    for what, counts in (
        ("left out or unread", {k.replace("_", " "): n for k, n in report["left_out"].items()}),
        ("roads without through traffic, open to their own ends", report["no_through"]),
    ):
        counted = ", ".join(f"{n:,} {name}" for name, n in counts.items())
        out += [f"OpenStreetMap, {what}: {counted}"] if counted else []
    if report["unknown_km"]:
        named = ", ".join(f"{tag[:80]} ({km:,.1f} km)" for tag, km in report["unknown_km"].items())
        out.append(f"OpenStreetMap, classes of ways that are not known, left out: {named}")
    for what, counts in (
        ("lists and odd spellings, read as the first class that is known (an assumption)", report["read_as"]),
        ("access and conditions that no rule reads, taken as if they were not there", report["unread"]),
    ):
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if most:
            shown = "; ".join(f"{text[:80]} ({n:,})" for text, n in most[:SHOWN])
            more = f" and {len(most) - SHOWN} other texts" if len(most) > SHOWN else ""
            out.append(f"OpenStreetMap, {what}: {shown}{more}")
    return out


def _how_made(report: Mapping[str, Any]) -> str:
    """Return a line on checkpoints out of mapped posts."""
    return (
        f"{report['checkpoints']} checkpoints out of OpenStreetMap and known facts: {report['pairs']} pairs of "
        "mapped posts, "
        f"{len(report.get('without_partner', []))} posts without a partner, "
        f"{len(report.get('facts_alone', []))} known facts without a mapped post"
    )
