"""Names of Geofabrik's extracts, looked up in its index.

The index is read in the format that Geofabrik documents (https://download.geofabrik.de/technical.html):
``index-v1.json`` is a GeoJSON FeatureCollection whose features have the properties ``id``, ``parent``, ``name``,
``urls`` (with ``pbf``), ``iso3166-1:alpha2`` and ``iso3166-2``. Beside each extract stands its md5 file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from layers.errors import LayerError
from layers.sources.download.transfer import ATTEMPTS, TIMEOUT_S, USER_AGENT, Listener, fetch
from layers.sources.download.trouble import LARGEST_TEXT
from layers.sources.servers import GEOFABRIK_URL

if TYPE_CHECKING:
    from layers.sources.download.cache import Cache

INDEX = "index-v1.json"
_ENDINGS = ("-latest.osm.pbf", ".osm.pbf")


@dataclass(frozen=True)
class Extract:
    """A part of OpenStreetMap that can be fetched as one PBF."""

    id: str
    name: str
    url: str
    md5_url: str
    parent: str | None = None
    countries: tuple[str, ...] = ()
    subdivisions: tuple[str, ...] = ()


def resolve(
    names: Iterable[str],
    *,
    cache: Cache,
    base_url: str = GEOFABRIK_URL,
    offline: bool = False,
    refresh: bool = False,
    user_agent: str = USER_AGENT,
    timeout: float = TIMEOUT_S,
    attempts: int = ATTEMPTS,
    listen: Listener | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> list[Extract]:
    """Return the extracts with these names, each once, in the order asked for.

    Parameters
    ----------
    names
        As in Geofabrik's index: an id (``kazakhstan``, ``us/california``), parent and id
        (``russia/volga-fed-district``), or the path in the URL (``asia/kazakhstan``); upper and lower case are alike.
    cache
        Where the index is kept. An index that does not know a name is fetched anew once, if it came from the cache.
    base_url
        The server, or a mirror with the same folders: the addresses of the index are rebased onto it.
    offline, refresh, user_agent, timeout, attempts, listen, sleep
        See `layers.sources.download.transfer`.

    Raises
    ------
    LayerError
        A name is unknown (the message has the nearest ones), an extract has no PBF, or the index can't be had or read.
    """
    names = list(names)
    if not base_url.startswith(("http://", "https://")):
        raise LayerError(f"base_url is {base_url!r}: allowed are http://… and https://…")
    url = f"{base_url.rstrip('/')}/{INDEX}"

    def read(*, again: bool) -> dict[str, Extract]:
        entry = fetch(
            url,
            cache,
            offline=offline,
            refresh=again,
            user_agent=user_agent,
            timeout=timeout,
            attempts=attempts,
            largest=LARGEST_TEXT,
            listen=listen,
            sleep=sleep,
        )
        try:
            return _by_key(entry.path.read_bytes(), base_url.rstrip("/"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # Whole, yet no index: left in the cache it would be in the way of a better one.
            cache.remove(url)
            raise LayerError(f"{url} is no index of extracts as Geofabrik has it ({error!r})") from error

    known = cache.get(url) is not None and not refresh and not offline
    extracts = read(again=refresh)
    if known and any(_key(name, base_url) not in extracts for name in names):
        extracts = read(again=True)
    return _chosen(names, extracts, base_url)


def _by_key(raw: bytes, base_url: str) -> dict[str, Extract]:
    """Return every extract of an index under every name that means it."""
    rows: list[dict[str, Any]] = [feature["properties"] for feature in json.loads(raw)["features"]]
    extracts = [_extract(row, base_url) for row in rows]
    keys = {e.id.lower(): e for e in extracts}
    # An id is never hidden by another extract's longer name.
    for e in (e for e in extracts if e.parent):
        keys.setdefault(f"{e.parent}/{e.id}".lower(), e)
    for row, e in zip(rows, extracts, strict=True):
        keys.setdefault(_without_ending(urlsplit(str(row["urls"].get("pbf", ""))).path.strip("/").lower()), e)
    keys.pop("", None)
    return keys


def _extract(row: dict[str, Any], base_url: str) -> Extract:
    """Return a row of the index with its address on the server asked for."""
    pbf = row["urls"].get("pbf") or ""
    # The index of a mirror may have the mirror's own addresses already.
    url = pbf if not pbf or pbf.startswith(f"{base_url}/") else f"{base_url}/{urlsplit(pbf).path.lstrip('/')}"
    return Extract(
        id=str(row["id"]),
        name=str(row["name"]),
        url=url,
        md5_url=f"{url}.md5" if url else "",
        parent=row.get("parent"),
        countries=tuple(row.get("iso3166-1:alpha2") or ()),
        subdivisions=tuple(row.get("iso3166-2") or ()),
    )


def _chosen(names: list[str], extracts: dict[str, Extract], base_url: str) -> list[Extract]:
    """Return the extracts asked for, or tell all that is wrong with the names at once."""
    problems = []
    found: dict[str, Extract] = {}
    for name in names:
        extract = extracts.get(_key(name, base_url))
        if extract is None:
            near = _nearest(_key(name, base_url), extracts)
            problems.append(f"no extract is called {name!r}" + (f": did you mean {' or '.join(near)}?" if near else ""))
        elif not extract.url:
            problems.append(f"the extract {name!r} has no PBF in the index")
        else:
            found[extract.id] = extract
    if problems:
        raise LayerError("; ".join(problems))
    return list(found.values())


def _nearest(key: str, extracts: dict[str, Extract]) -> list[str]:
    """Return the ids nearest to a name, by the names they answer to and the ones people use."""
    answers = extracts | {e.name.lower(): e for e in extracts.values()}
    tail = key.rpartition("/")[2]
    last = [e for k, e in answers.items() if tail and tail in k]
    close = [answers[k] for k in get_close_matches(key, list(answers), n=6, cutoff=0.6)]
    return list(dict.fromkeys(e.id for e in [*last, *close]))[:3]


def _key(name: str, base_url: str) -> str:
    """Return a name as the index is keyed: without server, ending and capital letters."""
    key = name.strip().lower()
    for server in (base_url.rstrip("/").lower(), GEOFABRIK_URL):
        key = key.removeprefix(f"{server}/")
    return _without_ending(key.strip("/"))


def _without_ending(path: str) -> str:
    for ending in _ENDINGS:
        path = path.removesuffix(ending)
    return path
