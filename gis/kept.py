"""The network that was built stays in the cache.

The next run, route, isochrone or scenario of the same ground takes it from there.

The key is made of the contents of the files that a study names, of the settings that the ground and the network hang
on, of our own source and of the libraries below it. Waits and closed hours are no part of it: they are charged on what
is loaded. A file whose digest is another than when it was written is not trusted: the network is built again, and the
entry replaced.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyarrow as pa

from gis.clock import Clock
from gis.digests import (
    digest_of_file,
    digest_of_record,
    digests_beside,
    digests_of_raster,
    source_digest,
    told_by_environment,
)
from gis.inputs import Fetching, Prepared, Unwaited, charged, open_people, read_unwaited
from gis.own import refuse_missing_files
from gis.sources import locate_extracts
from gis.stages import build
from layers.errors import BorderlinkError, NetworkError, OutputError
from layers.io import LAYERS, NONE, OSM, OVERPASS, SNAPSHOT
from layers.keeping import known_as
from layers.sources.download.cache import Cache
from layers.sources.postgis import is_database
from network import hierarchy
from network.charge import with_waits_of
from network.lean import load_for_ways
from network.store import load_network, read_table, save_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from gis.study import Study
    from layers.moments import Moment
    from network.build import Network

FOLDER = "networks"
ABOUT, NETWORK, ORDERS = "kept.json", "network", "orders"
MOST_BYTES = 4_000_000_000
"""Networks in the cache together: the one that was not used for longest goes first."""
LIBRARIES = ("numpy", "scipy", "pandas", "geopandas", "shapely", "pyproj", "pyarrow")
LATE = ("roads", "railways")
"""Layers that are read when they are first wanted."""
STALE_S = 86_400.0
"""Age of an entry that was never finished, from which on it is nobody's."""
NOT_KEYED = {
    "title",
    "waits",
    "border_zone",
    "terrain",
    "observed_waits",
    "money",
    "analysis",
    "reach",
    "isochrones",
    "trips",
    "index",
    "lists",
    "stability",
    "types",
    "layers",
    "osm",
    "population",
    "outputs",
}
"""Parts of a study that neither ground nor network hang on, or of which the key takes what they do hang on."""


@dataclass(frozen=True)
class Entry:
    """A network in the cache: its folder, bytes, when it was built and last used, and what it is of."""

    folder: Path
    size: int
    built: datetime
    used: datetime
    what: str


class _Layers(dict[str, gpd.GeoDataFrame]):
    """Layers of which roads and railways, the largest, are read when they are first wanted.

    Their files are open from the beginning: another process may clear the cache meanwhile.
    """

    late: dict[str, pa.OSFile]

    @classmethod
    def beside(cls, layers: dict[str, gpd.GeoDataFrame], folder: Path) -> _Layers:
        """Return layers with the largest of them in the files of a folder."""
        new = cls({name: layer for name, layer in layers.items() if name not in LATE})
        new.late = {n: pa.OSFile(str(folder / f"layer_{n}.parquet")) for n in LATE}
        return new

    def __missing__(self, name: str) -> gpd.GeoDataFrame:
        self[name] = gpd.read_parquet(self.late[name])
        return self[name]

    def copy(self) -> _Layers:
        """Return the same layers in another dict."""
        new = _Layers(self)
        new.late = self.late
        return new


def take_or_build(
    study: Study,
    *,
    fetching: Fetching | None = None,
    clock: Clock | None = None,
    look: Callable[[Prepared], object] | None = None,
    at: Moment | None = None,
    lean: bool = False,
) -> tuple[Prepared, Network]:
    """Return the ground and the network of a study: kept ones where there are any and `fetching` keeps, else made now.

    Parameters
    ----------
    clock
        Its ``reused`` says what was taken from the cache.
    look
        Called with the ground before a network is built on it, and may refuse.
    at
        When a trip begins, see `gis.inputs.prepare`. Roads that no condition opens or closes are the same at any hour.
    lean
        Of a kept network what ways are found on is enough (`network.lean`).

    Raises
    ------
    layers.errors.BorderlinkError
        See `gis.inputs.prepare` and `gis.stages.build`.
    """
    fetch, clock, look = fetching or Fetching(), clock or Clock(), look or (lambda _: None)
    key = key_of(study, fetch, at) if fetch.keep else ""
    hierarchy.keep_in(None)
    if not key:
        return _made(study, fetch, clock, look, at)[1:]
    cache = Cache(fetch.cache)
    folder = cache.folder / FOLDER / key
    with ExitStack() as held:
        try:
            held.enter_context(cache.lock(f"network {key}"))
            writable = True
        except OutputError:  # what is there may be read, and nothing is kept
            writable = False
        if not fetch.fresh and _is_there(folder):
            if not lean:
                refuse_missing_files(study)
            with clock.stage("kept network"):
                found = _load(folder, study, clock, lean=lean)
            if found:
                look(found[0])
                clock.kept_in = folder
                hierarchy.keep_in(folder / ORDERS)
                if not lean:  # its key stands for all that the ground hangs on
                    known_as(found[1].ground, f"ground {key}")
                return found
        unwaited, prepared, network = _made(study, fetch, clock, look, at)
        if writable:
            with suppress(OSError, BorderlinkError):  # no room, no right: nothing is kept
                _save(folder, unwaited, network)
                bound(folder)
                clock.kept_in = folder
                hierarchy.keep_in(folder / ORDERS)
                known_as(network.ground, f"ground {key}")
                prepared = replace(prepared, layers=_Layers.beside(prepared.layers, folder))
        return prepared, network


def _is_there(folder: Path) -> bool:
    """Return whether an entry is there that may be read."""
    try:
        return (folder / ABOUT).is_file()
    except OSError:
        return False


def _made(
    study: Study, fetch: Fetching, clock: Clock, look: Callable[[Prepared], object], at: Moment | None
) -> tuple[Unwaited, Prepared, Network]:
    """Return the ground of a study without and with its waits, and the network, made now."""
    with clock.stage("layers"):
        unwaited = read_unwaited(study, fetching=fetch, at=at)
        prepared = charged(unwaited, study)
        look(prepared)
    with clock.stage("network"):
        return unwaited, prepared, build(prepared)


def key_of(study: Study, fetch: Fetching, at: Moment | None = None) -> str:
    """Return the key of a study's ground and network.

    Empty where they come from a server whose answer nobody has hashed.

    The hour of a departure is part of it where roads come from OpenStreetMap: those alone have conditions.
    """
    paths = {n: study.source(n).path for n in (*LAYERS, "water")}
    if any(p == OVERPASS or is_database(p) for p in paths.values()):
        return ""
    files: dict[str, Any] = {n: digests_beside(Path(p)) for n, p in paths.items() if p not in (SNAPSHOT, NONE, OSM)}
    if OSM in paths.values():
        extracts = locate_extracts(
            study, cache_folder=fetch.cache, offline=fetch.offline, refresh=fetch.refresh, listen=fetch.listen
        )
        files["osm"] = [[e.url, *digests_beside(e.path)] for e in extracts]
    files["people"] = digests_of_raster(Path(study.population.raster)) if study.population.raster else []
    files |= {f"place {n}": digests_beside(Path(p.path)) for n, p in study.reach.layers.items()}
    files["indicators"] = digests_beside(Path(study.index.indicators)) if study.index.indicators else []
    parts = {name: getattr(study, name).model_dump(mode="json") for name in ("layers", "osm", "population")}
    known = {
        # Some settings are others where a study says nothing of them.
        "said": sorted(study.connectors.model_fields_set),
        "hour": [at.weekday, at.slot] if at is not None and paths["roads"] == OSM else [],
        "study": study.model_dump(mode="json", exclude=NOT_KEYED),
        "parts": parts,
        "reach": {n: p.model_dump(mode="json") for n, p in study.reach.layers.items()},
        "indicators": study.index.indicators,
        "files": files,
        "told": told_by_environment(),
        "source": source_digest(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    return sha256(json.dumps(known, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def kept_folder(study: Study, fetch: Fetching) -> Path | None:
    """Return where the network of a study is kept, None where it is not."""
    key = key_of(study, fetch)
    folder = Cache(fetch.cache).folder / FOLDER / key
    return folder if key and _is_there(folder) else None


def load_kept(folder: Path, study: Study) -> tuple[Prepared, Network] | None:
    """Return a kept ground and network with a study's waits; None where they are not as they were written."""
    return _load(folder, study, Clock())


def kept(cache: Path | None = None) -> list[Entry]:
    """Return the networks that a cache holds, the last used first."""
    found = []
    for about in (Cache(cache).folder / FOLDER).glob(f"*/{ABOUT}"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(about.read_text(encoding="utf-8"))
            used = datetime.fromtimestamp(about.stat().st_mtime, UTC)
            built_at = datetime.fromisoformat(data["built"])
            found.append(Entry(about.parent, _size(about.parent), built_at, used, str(data["what"])))
    return sorted(found, key=lambda e: (e.used, e.folder.name), reverse=True)


def clear_kept(cache: Path | None = None, *, older_than_days: float | None = None) -> int:
    """Delete networks of a cache, all or those not used for so many days, and return the bytes freed."""
    folder, now, freed = Cache(cache).folder / FOLDER, datetime.now(UTC), 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        about = path / ABOUT
        stamp = (about if about.is_file() else path).stat().st_mtime
        age = (now - datetime.fromtimestamp(stamp, UTC)).total_seconds() / 86_400
        if older_than_days is None or age > older_than_days:
            freed += _delete(path)
    return freed


def _load(folder: Path, study: Study, clock: Clock, *, lean: bool = False) -> tuple[Prepared, Network] | None:
    """Return a kept ground and network with the study's waits.

    Nothing where there is none, or where it is not as it was written.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["sha256"] != digest_of_record(about):
            return None
        if any(digest_of_file(folder / name) != digest for name, digest in about["files"].items()):
            return None
        network = (load_for_ways if lean else load_network)(folder / NETWORK)
        layers = _Layers.beside({n: gpd.read_parquet(folder / f"layer_{n}.parquet") for n in about["layers"]}, folder)
        frames = {n: read_table(folder / f"{n}.parquet") for n in about["frames"]}
        places = {n: gpd.read_parquet(folder / f"place_{i}.parquet") for i, n in enumerate(about["places"])}
    except (OSError, ValueError, KeyError, TypeError, NetworkError):
        return None
    population, _ = open_people(study)
    prepared = Prepared(
        study,
        layers,
        frames["regions"],
        frames["border"],
        network.crs,
        about["sources"],
        [],
        population,
        stations=frames.get("stations"),
        turns=frames.get("turns"),
        detailed=about["detailed"],
        places=places,
        water=frames.get("water"),
    )
    prepared = charged(Unwaited(prepared, about["before"], about["after"]), study)
    network = with_waits_of(network, prepared.layers["checkpoints"], study.analysis.domestic_wait)
    with suppress(OSError):  # somebody else's, that may be read
        os.utime(folder / ABOUT)
    when = datetime.fromisoformat(about["built"]).astimezone()
    clock.network_reused = (
        f"layers and network of {when:%Y-%m-%d %H:%M} are taken from the cache; --fresh makes them anew"
    )
    return prepared, network


def _save(folder: Path, unwaited: Unwaited, network: Network) -> None:
    """Write an entry beside its place and put it there whole."""
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        prepared = unwaited.prepared
        frames: dict[str, Any] = {"regions": prepared.regions, "border": prepared.border}
        further = {"stations": prepared.stations, "turns": prepared.turns, "water": prepared.water}
        frames |= {name: frame for name, frame in further.items() if frame is not None}
        for name, frame in (
            *((f"layer_{n}", f) for n, f in prepared.layers.items()),
            *frames.items(),
            *((f"place_{i}", f) for i, f in enumerate(prepared.places.values())),
        ):
            frame.to_parquet(new / f"{name}.parquet", compression="lz4")
        save_network(network, new / NETWORK, routers=[])
        about = {
            "what": prepared.study.name,
            "built": datetime.now(UTC).isoformat(timespec="seconds"),
            "layers": [n for n in prepared.layers if n not in LATE],
            "frames": list(frames),
            "places": list(prepared.places),
            "sources": prepared.sources,
            "before": unwaited.before,
            "after": unwaited.after,
            "detailed": prepared.detailed,
            "files": {str(p.relative_to(new)): digest_of_file(p) for p in sorted(new.rglob("*")) if _trusted(p)},
        }
        about["sha256"] = digest_of_record(about)
        (new / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _delete(folder)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _trusted(path: Path) -> bool:
    """Return whether a file of an entry is one whose digest is kept.

    Those of the network are checked by its own list.
    """
    return path.is_file() and (path.parent.name != NETWORK or path.name == "network.json")


def bound(newest: Path) -> None:
    """Delete what was not used for longest until a cache's networks and their results are within `MOST_BYTES`.

    And what killed processes left behind.
    """
    for left in newest.parent.glob(".*"):
        with suppress(OSError):  # another process may have finished or cleared it
            if time.time() - left.stat().st_mtime > STALE_S:
                _delete(left)
    total = 0
    for entry in kept(newest.parent.parent):
        total += entry.size
        if total > MOST_BYTES:
            _delete(entry.folder)


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _delete(folder: Path) -> int:
    """Delete a folder, as far as that may be, and return the bytes that are gone."""
    size = _size(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return size - _size(folder)
