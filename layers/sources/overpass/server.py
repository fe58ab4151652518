"""OpenStreetMap by query: what an Overpass server answers is an extract in the cache, read as any other.

OSMnx asks, under the bounds of `layers.sources.overpass.bounded`; the waits between attempts and the cache are ours.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from layers.errors import LayerError
from layers.osm.classes import ROAD_KINDS
from layers.sources.download.cache import Cache, Entry
from layers.sources.download.names import file_name, public_url
from layers.sources.download.trouble import MAX_RETRY_AFTER_S, TroubleError, reason_of, refusal_of
from layers.sources.overpass.answer import drop_broken, plain_text, write_extract
from layers.sources.overpass.bounded import BusyError, osmnx_set, own_query, reading_hook, slot_wait_s
from layers.sources.overpass.query import (
    HEAD,
    NETWORK,
    SERVER_S,
    Question,
    area_km2,
    network_question,
    regions_question,
    ties_question,
)
from layers.sources.servers import LARGEST_KM2, OVERPASS_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import shapely
    from numpy.typing import NDArray

    from layers.sources.download.transfer import Listener

TIMEOUT_S = SERVER_S + 30.0
"""A server sends nothing while it works on a query."""
ATTEMPTS = 4
FIRST_WAIT_S, BUSY_WAIT_S, LAST_WAIT_S = 2.0, 15.0, 120.0
CONNECT_S = 30.0
KEPT_S = 86_400.0
"""Answers to a part of a question are kept for a day, so that who asks again goes on where the server failed."""
NEAR_KM = (2.0, 8.0, 26.0)
"""How far around what hangs loose ways of lower classes are asked for, further only where nothing nearer ties it."""
_NAME_CHARS = 32


@dataclass(frozen=True)
class Asking:
    """How a server is asked: where the answers are kept, and with what patience.

    `timeout` are seconds without a byte after which an attempt has failed; `listen` is called with name, bytes done and
    None; `sleep` waits between attempts.
    """

    cache: Cache
    url: str = OVERPASS_URL
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

    @property
    def plain_url(self) -> str:
        """The address without user and password: OSMnx writes it down."""
        parts = urlsplit(self.url.rstrip("/"))
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def auth(self) -> tuple[str, str] | None:
        """User and password, None where the address names none."""
        parts = urlsplit(self.url)
        return None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))


def fetch_network(
    area: shapely.Geometry,
    asking: Asking,
    *,
    layers: Collection[str] = NETWORK,
    road_kinds: Iterable[str] | None = None,
    posts: NDArray[np.float64] | None = None,
    largest_km2: float = LARGEST_KM2,
) -> list[Entry]:
    """Return extracts with an area's roads, railways, settlements and posts.

    For `layers.sources.pbf.read.read_network`.

    Parameters
    ----------
    area
        Polygon in longitude and latitude; the extracts cover it and a little more.
    asking
        Server, cache and patience.
    layers
        Some of roads, railways, settlements and checkpoints (the posts and stations that they are made of).
    road_kinds
        Values of ``highway``; None for all that a car may use. Other classes come around what hangs loose without them.
    posts
        Longitude and latitude of checkpoints from elsewhere, shape (n, 2), which ways of other classes may tie to the
        roads.
    largest_km2
        Larger areas are refused. Posts and stations alone are few and are asked for in any area.

    Raises
    ------
    LayerError
        The area is too large; the server can't be reached, refuses, or does not finish the query; offline, and an
        answer is missing.
    OutputError
        The cache folder can't be written.
    """
    kinds = ROAD_KINDS if road_kinds is None else tuple(road_kinds)
    question = network_question(area, layers, road_kinds=kinds)
    size = area_km2(area)
    if size > largest_km2 and set(layers) != {"checkpoints"}:
        raise LayerError(
            f"the area of {', '.join(sorted(layers))} has {size:,.0f} km²: allowed from Overpass are "
            f"{largest_km2:,.0f} km² "
            "(osm.overpass_area_km2); name extracts instead ([osm] pbf = …), which have no limit, or lower "
            "network.depth_km"
        )
    label = "-".join(n for n in NETWORK if n in layers)
    lower = [k for k in ROAD_KINDS if k not in kinds] if "roads" in layers else []
    return [_fetch(question, label, asking, _Ties(area, kinds, lower, posts) if lower else None)]


def fetch_regions(countries: Sequence[str], asking: Asking) -> list[Entry]:
    """Return extracts with the whole boundaries of countries and their regions.

    For `layers.sources.pbf.read.read_regions`.

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
    return [_fetch(regions_question(countries), "regions", asking)]


@dataclass(frozen=True)
class _Ties:
    """Ways of lower classes that are asked for around what hangs loose in an area."""

    area: shapely.Geometry
    kinds: tuple[str, ...]
    lower: list[str]
    posts: NDArray[np.float64] | None

    def questions(self, extract: Path) -> Iterator[Question]:
        """Yield what to ask next, as long as the extract leaves open whether something is tied."""
        from layers.sources.pbf.loose import loose_places

        seen = 0.0
        for km in NEAR_KM:
            places = loose_places(extract, self.area, self.kinds, self.posts, seen)
            if not len(places):
                return
            yield ties_question(self.area, places, km, self.lower)
            seen = km


def question_name(question: Question, ties: _Ties | None = None) -> str:
    """Return the hash by which a question is known."""
    posts = [] if ties is None or ties.posts is None else sorted(map(tuple, ties.posts.round(4).tolist()))
    text = f"{HEAD}\n{question.text}\n{posts}\n{[] if ties is None else [*ties.lower, NEAR_KM]}"
    return sha256(text.encode()).hexdigest()[:_NAME_CHARS]


def _fetch(question: Question, label: str, asking: Asking, ties: _Ties | None = None) -> Entry:
    """Return the answer to a question, from the cache or from the server."""
    _check(asking)
    url = f"{asking.interpreter}/{label}-{question_name(question, ties)}.osm.pbf"
    if asking.offline and asking.cache.get(url) is None:
        raise LayerError(
            f"offline, and the Overpass answer for {label.replace('-', ', ')} is not in the cache "
            f"{asking.cache.folder} "
            f"({public_url(url)}): fetch it while online"
        )
    return _answer(question, url, asking, ties)


def _check(asking: Asking) -> None:
    """Refuse what can't be asked at all."""
    try:
        parts = urlsplit(asking.url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise LayerError(f"overpass_url is {asking.url!r}: allowed are http://… and https://…, such as {OVERPASS_URL}")
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


def _answer(question: Question, url: str, asking: Asking, ties: _Ties | None) -> Entry:
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
            _begin(part, asking)
            _asked(question, part, extract, file_name(url), asking)
            for further in ties.questions(extract) if ties is not None else ():
                _asked(further, part, extract, file_name(url), asking)
            entry = cache.add(extract, url)
            shutil.rmtree(part)
            return entry
        finally:
            with suppress(OSError):
                extract.unlink(missing_ok=True)
            with suppress(OSError):
                part.rmdir()


def _begin(folder: Path, asking: Asking) -> None:
    """Make the folder of answers, with what an attempt of today has left there."""
    with asking.cache.writing():
        old = not folder.is_dir() or time.time() - folder.stat().st_mtime > KEPT_S
        if old or asking.refresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        drop_broken(folder)


def _asked(question: Question, folder: Path, extract: Path, name: str, asking: Asking) -> None:
    """Ask until every answer is there, and write all that the folder holds as an extract."""
    _retried(lambda: _attempt(question, folder, name, asking), folder, asking)
    with asking.cache.writing():
        extract.parent.mkdir(exist_ok=True)
        try:
            write_extract(folder, extract, public_url(asking.interpreter))
        except LayerError:
            # Whoever asks again must not meet the same answers.
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _retried(attempt: Callable[[], None], folder: Path, asking: Asking) -> None:
    """Try until it succeeds; after trouble that may pass wait longer each time.

    Waits begin from the start again for each answer.
    """
    failures, had = 0, -1
    while True:
        try:
            return attempt()
        except TroubleError as trouble:
            have = len(list(folder.iterdir()))
            failures, had = (failures + 1 if have == had else 1), have
            if failures >= asking.attempts:
                raise LayerError(
                    f"{public_url(asking.interpreter)} brings no answer: {trouble}; attempts: {asking.attempts}"
                ) from trouble
            first = BUSY_WAIT_S if isinstance(trouble, BusyError) else FIRST_WAIT_S
            asking.sleep(max(min(first * 2 ** (failures - 1), LAST_WAIT_S), trouble.after))


def _attempt(question: Question, folder: Path, name: str, asking: Asking) -> None:
    """Ask for all that the folder lacks, once."""
    # Both errors of the line and of the disk are OSError.
    with asking.cache.writing():
        try:
            _ask(question, folder, name, asking)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TroubleError(reason_of(error, asking.timeout)) from error


def _ask(question: Question, folder: Path, name: str, asking: Asking) -> None:
    """Let OSMnx ask and keep the answers in the folder, and ask ourselves what it can't."""
    import osmnx as ox

    done = 0

    def listen(size: int) -> None:
        nonlocal done
        done += size
        if asking.listen is not None:
            asking.listen(name, done, None)

    def remarked(text: str) -> None:
        asking.cache.note(f"{public_url(asking.interpreter)} remarks: {text}")

    hook = reading_hook(lambda response: _refused(response, asking), listen, remarked, asking.timeout)
    # A redirected POST would arrive as a GET without its query.
    options: dict[str, Any] = {"hooks": {"response": [hook]}, "allow_redirects": False, "auth": asking.auth}
    timeout = (min(CONNECT_S, asking.timeout), asking.timeout)
    with osmnx_set(
        cache_folder=folder,
        cache_only_mode=True,
        doh_url_template=None,
        http_referer=user_agent(),
        http_user_agent=user_agent(),
        log_console=False,
        log_file=False,
        max_query_area_size=question.query_km2 * 1e6,
        overpass_memory=None,
        overpass_rate_limit=False,
        overpass_settings=HEAD,
        overpass_url=asking.plain_url,
        requests_kwargs=options,
        requests_timeout=timeout,
        use_cache=True,
    ):
        for part in question.parts:
            # In this mode OSMnx interrupts itself once it has kept the answers.
            if question.ways:
                with suppress(InterruptedError):
                    ox.graph_from_polygon(part, custom_filter=list(question.ways), retain_all=True)
            if question.tags:
                with suppress(InterruptedError):
                    ox.features_from_polygon(part, dict(question.tags))
    for query in question.own:
        path = folder / f"{sha256(query.encode()).hexdigest()[:_NAME_CHARS]}.json"
        if not path.exists():
            path.write_bytes(own_query(f"{asking.plain_url}/interpreter", query, user_agent(), timeout, options))


def _refused(response: requests.Response, asking: Asking) -> Exception:
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
        after = slot_wait_s(f"{asking.plain_url}/status", asking.timeout, asking.auth)
    if after > MAX_RETRY_AFTER_S:
        return LayerError(f"{where} has no room now: {found}, to wait over {MAX_RETRY_AFTER_S:.0f} s; try later")
    return BusyError(str(found), after)
