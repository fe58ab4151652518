"""OpenStreetMap by query: what an Overpass server answers is an extract in the cache, read as any other.

OSMnx asks Overpass itself, but it logs a failed query's remark and goes on with what came, repeats 429 and 504 without
end, keeps neither places nor boundaries beside the graph, and is set up by globals of its module. So the server is asked
here, with the cache and the patience of `layers.sources.download.transfer`; tests compare the edges with OSMnx's own graph of the
same answer.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from layers.errors import LayerError
from layers.sources.download.cache import Cache, Entry
from layers.sources.download.names import file_name, public_url
from layers.sources.download.trouble import (
    MAX_RETRY_AFTER_S,
    Limit,
    StrictSession,
    TroubleError,
    reason_of,
    refusal_of,
)
from layers.sources.overpass.answer import UnfinishedAnswerError, check_answer, plain_text, write_answer
from layers.sources.overpass.query import NETWORK, SERVER_S, area_km2, network_queries, regions_query

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    import shapely

    from layers.sources.download.transfer import Listener

BASE_URL = "https://overpass-api.de/api"
LARGEST_KM2 = 20_000.0
"""Public servers are for small areas: beyond, an extract is the better and the kinder way."""
TIMEOUT_S = SERVER_S + 30.0
"""A server sends nothing while it works on a query."""
ATTEMPTS = 4
FIRST_WAIT_S, BUSY_WAIT_S, LAST_WAIT_S = 2.0, 15.0, 120.0
LARGEST_ANSWER = 4_000_000_000
"""Bytes, unpacked: a public server's own bound is 2 GB of memory for a query."""
LONGEST_S = 3600.0
"""Of one answer, however steadily its bytes trickle."""
_CHUNK = 1 << 16
_PAGE = 1 << 16
_NAME_CHARS = 32


class _BusyError(TroubleError):
    """The server has no room: waited longer for than a line that was cut."""


@dataclass(frozen=True)
class Asking:
    """How a server is asked: where the answers are kept, and with what patience.

    `timeout` are seconds without a byte after which an attempt has failed; `listen` is called with name, bytes done and
    None; `sleep` waits between attempts.
    """

    cache: Cache
    url: str = BASE_URL
    offline: bool = False
    refresh: bool = False
    timeout: float = TIMEOUT_S
    attempts: int = ATTEMPTS
    listen: Listener | None = None
    sleep: Callable[[float], object] = time.sleep

    @property
    def interpreter(self) -> str:
        """Address that takes queries."""
        return f"{self.url.rstrip('/')}/interpreter"


def fetch_network(
    area: shapely.Geometry,
    asking: Asking,
    *,
    layers: Collection[str] = NETWORK,
    road_kinds: Iterable[str] | None = None,
    largest_km2: float = LARGEST_KM2,
) -> list[Entry]:
    """Return extracts with the roads, railways, settlements and posts of an area, for `layers.sources.pbf.read.read_network`.

    Parameters
    ----------
    area
        Polygon in longitude and latitude; the extracts cover it and a little more.
    asking
        Server, cache and patience.
    layers
        Some of roads, railways, settlements and checkpoints (the posts and stations that they are made of).
    road_kinds
        Values of ``highway``; None for all that a car may use.
    largest_km2
        Larger areas are refused. Posts and stations alone are few and are asked for in any area.

    Raises
    ------
    LayerError
        The area is too large; the server can't be reached, refuses, or does not finish the query; offline, and an answer
        is missing.
    OutputError
        The cache folder can't be written.
    """
    queries = network_queries(area, layers, road_kinds=road_kinds)
    size = area_km2(area)
    if size > largest_km2 and set(layers) != {"checkpoints"}:
        raise LayerError(
            f"the area of {', '.join(sorted(layers))} has {size:,.0f} km²: allowed from Overpass are {largest_km2:,.0f} km² "
            "(osm.overpass_area_km2); name extracts instead ([osm] pbf = …), which have no limit, or lower network.depth_km"
        )
    return _fetch(queries, "-".join(n for n in NETWORK if n in layers), asking)


def fetch_regions(countries: Sequence[str], asking: Asking) -> list[Entry]:
    """Return extracts with the whole boundaries of countries and their regions, for `layers.sources.pbf.read.read_regions`.

    Parameters
    ----------
    countries
        ISO 3166-1 codes.
    asking
        Server, cache and patience.

    Raises
    ------
    LayerError, OutputError
        See `fetch_network`.
    """
    return _fetch([regions_query(countries)], "regions", asking)


def query_name(query: str) -> str:
    """Return the hash by which a query is known."""
    return sha256(query.encode()).hexdigest()[:_NAME_CHARS]


def _fetch(queries: Sequence[str], label: str, asking: Asking) -> list[Entry]:
    """Return the answers to some queries, from the cache or from the server, one after another."""
    _check(asking)
    cache = asking.cache
    names = {query: f"{asking.interpreter}/{label}-{query_name(query)}.osm.pbf" for query in queries}
    if asking.offline:
        missing = [url for url in names.values() if cache.get(url) is None]
        if missing:
            raise LayerError(
                f"offline, and {len(missing)} of {len(names)} Overpass answers for {label.replace('-', ', ')} are not in the "
                f"cache {cache.folder} ({', '.join(public_url(u) for u in missing[:3])}): fetch them while online"
            )
    with StrictSession() as session:
        session.headers.update({"User-Agent": user_agent()})
        return [_answer(session, query, url, asking) for query, url in names.items()]


def _check(asking: Asking) -> None:
    """Refuse what can't be asked at all."""
    try:
        parts = urlsplit(asking.url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise LayerError(f"overpass_url is {asking.url!r}: allowed are http://… and https://…, such as {BASE_URL}")
    if not asking.timeout > 0 or asking.attempts < 1:
        raise LayerError(
            f"timeout is {asking.timeout}, attempts is {asking.attempts}: allowed are more than 0 s, and 1 or more"
        )


def user_agent() -> str:
    """Return how to introduce oneself to a server: name, version and homepage, as far as they are known."""
    try:
        about = metadata("borderlink")
    except PackageNotFoundError:
        return "borderlink (Python package)"
    pages = [str(line).partition(", ")[2] for line in about.get_all("Project-URL") or ()]
    return f"borderlink/{about['Version']} ({f'+{pages[0]}' if pages else 'Python package'})"


def _answer(session: requests.Session, query: str, url: str, asking: Asking) -> Entry:
    """Return one answer; two processes that want the same one ask for it once."""
    cache = asking.cache
    entry = None if asking.refresh and not asking.offline else cache.get(url)
    if entry is not None:
        return entry
    began = datetime.now(UTC)
    with cache.lock(url):
        entry = cache.get(url)
        # What another process brought while this one waited is as fresh as can be.
        if entry is not None and (not asking.refresh or entry.fetched >= began):
            return entry
        part = cache.part(url)
        # Of one stem with the part, so that one lock holds both against a cache that is cleared.
        extract = part.parent / "extracts" / part.name
        try:
            _retried(lambda: _attempt(session, query, url, part, extract, asking), asking)
            return cache.add(extract, url)
        finally:
            for left in (part, extract):
                with suppress(OSError):
                    left.unlink(missing_ok=True)


def _retried(attempt: Callable[[], None], asking: Asking) -> None:
    """Try until it succeeds; after trouble that may pass wait longer each time."""
    for failures in range(asking.attempts):
        try:
            return attempt()
        except TroubleError as trouble:
            if failures + 1 == asking.attempts:
                raise LayerError(
                    f"{public_url(asking.interpreter)} brings no answer: {trouble}; attempts: {asking.attempts}"
                ) from trouble
            first = BUSY_WAIT_S if isinstance(trouble, _BusyError) else FIRST_WAIT_S
            asking.sleep(max(min(first * 2**failures, LAST_WAIT_S), trouble.after))
    return None


def _attempt(session: requests.Session, query: str, url: str, part: Path, extract: Path, asking: Asking) -> None:
    """Ask once, look at what came, and write it as an extract."""
    try:
        # A redirected POST would arrive as a GET without its query.
        response = session.post(
            asking.interpreter, data={"data": query}, stream=True, timeout=asking.timeout, allow_redirects=False
        )
        with response:
            if response.status_code != 200:
                raise _refused(session, response, asking)
            _save(response, part, file_name(url), asking)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TroubleError(reason_of(error, asking.timeout)) from error
    try:
        timestamp, remarks = check_answer(part, public_url(asking.interpreter))
        with asking.cache.writing():
            extract.parent.mkdir(exist_ok=True)
            write_answer(part, extract, timestamp)
    except UnfinishedAnswerError as error:
        busy = str(error).startswith("the server says")
        raise (_BusyError if busy else TroubleError)(str(error)) from error
    for remark in remarks:
        asking.cache.note(f"{public_url(asking.interpreter)} remarks: {remark}")


def _save(response: requests.Response, part: Path, name: str, asking: Asking) -> None:
    """Write the body to the part."""
    with asking.cache.writing():
        part.parent.mkdir(parents=True, exist_ok=True)
        done = 0
        with part.open("wb") as file:
            for chunk in _chunks(response, asking):
                file.write(chunk)
                done += len(chunk)
                if asking.listen is not None:
                    asking.listen(name, done, None)
            file.flush()
            os.fsync(file.fileno())


def _chunks(response: requests.Response, asking: Asking) -> Iterable[bytes]:
    """Yield the body within its limit; a line that breaks is no failure of the disk, though Python calls both OSError."""
    try:
        yield from Limit(LARGEST_ANSWER, LONGEST_S).kept(response.iter_content(_CHUNK), asking.interpreter)
    except LayerError:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise TroubleError(reason_of(error, asking.timeout)) from error


def _refused(session: requests.Session, response: requests.Response, asking: Asking) -> Exception:
    """Return the error for a status that brings no answer."""
    status, where = response.status_code, public_url(asking.interpreter)
    if 300 <= status < 400:
        target = public_url(response.headers.get("Location", "somewhere else")).removesuffix("/interpreter")
        return LayerError(f"{where} sends on to {target} ({status}): name that in the study ([osm] overpass_url)")
    if status == 400:
        body = response.raw.read(1 << 14, decode_content=True).decode("utf-8", "replace")
        return LayerError(f"{where} does not take the query (400): {plain_text(body)}")
    found = refusal_of(asking.interpreter, response)
    if status not in (429, 504) or not isinstance(found, TroubleError):
        return found
    after = found.after
    if status == 429 and not after:
        after = _slot_wait_s(session, asking)
    if after > MAX_RETRY_AFTER_S:
        return LayerError(f"{where} has no room now: {found}, to wait over {MAX_RETRY_AFTER_S:.0f} s; try later")
    return _BusyError(str(found), after)


def _slot_wait_s(session: requests.Session, asking: Asking) -> float:
    """Return the seconds until the server has a slot for this address, as its status page tells; 0 where it does not."""
    with suppress(requests.RequestException):
        page = session.get(
            f"{asking.url.rstrip('/')}/status", timeout=min(asking.timeout, 30.0), allow_redirects=False, stream=True
        )
        with page:
            text = next(page.iter_content(_PAGE), b"").decode("utf-8", "replace") if page.ok else ""
        waits = [int(n) for n in re.findall(r"in (-?\d{1,9}) seconds", text)]
        if waits and "available now" not in text:
            return float(max(min(waits), 0) + 1)
    return 0.0
