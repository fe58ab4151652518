"""Downloads into the cache: resumed, checked, repeated after trouble, never half a file left as a whole one."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3

from layers.errors import LayerError
from layers.sources.download.cache import Cache, Entry
from layers.sources.download.names import file_digests, file_name, public_url
from layers.sources.download.trouble import (
    LARGEST_BYTES,
    LARGEST_TEXT,
    LONGEST_S,
    Limit,
    StrictSession,
    TroubleError,
    reason_of,
    refusal_of,
)

if TYPE_CHECKING:
    from pathlib import Path

Listener = Callable[[str, int, int | None], None]
"""Told of progress: the file's name, the bytes done, the bytes in all (None where the server does not say)."""

USER_AGENT = "borderlink (Python package)"
TIMEOUT_S = 60.0
ATTEMPTS = 5
FIRST_WAIT_S = 1.0
LAST_WAIT_S = 60.0
PROGRESS_BYTES = 1 << 20
"""An attempt that brought this much counts as progress: a gigabyte over a bad line may be cut more often than
`attempts`."""
_CHUNK = 1 << 16
T = TypeVar("T")


@dataclass(frozen=True)
class _About:
    """What the server said of the file that a part belongs to."""

    total: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    framed: bool = False
    """Whether a cut connection would have been noticed: by the length or by chunked coding."""

    @property
    def validator(self) -> str | None:
        """What `If-Range` may carry: a weak ETag may not stand there."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


class _Part:
    """An unfinished download beside a note of the version it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_suffix(".json")
        try:
            self.about = _About(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.about = _About()

    def size(self) -> int:
        """Return the bytes at hand."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def start(self) -> int:
        """Return where to go on: 0 where there is nothing, or nothing that is known to fit."""
        if not isinstance(self.about.total, int) or not isinstance(self.about.validator, str):
            return 0
        # Of a part that is complete the last byte is asked for again: so the server says whether it is still its file.
        return max(min(self.size(), self.about.total - 1), 0)

    def begin(self, response: requests.Response) -> None:
        """Start anew with the version that a response brings."""
        self.discard()
        headers = response.headers
        # A coded body has another length than the file: neither compared nor resumed.
        plain = headers.get("Content-Encoding", "identity") == "identity"
        length = headers.get("Content-Length", "")
        total = int(length) if plain and length.isdecimal() else None
        chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self.about = _About(total, headers.get("ETag"), headers.get("Last-Modified"), total is not None or chunked)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._note.write_text(json.dumps(asdict(self.about)), encoding="utf-8")

    def continues(self, response: requests.Response, start: int) -> bool:
        """Return whether a partial response goes on where the part ends, in the same version of the file."""
        about, headers = self.about, response.headers
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
        if found is None or headers.get("Content-Encoding", "identity") != "identity":
            return False
        return (
            int(found[1]) == start
            and found[2] in ("*", str(about.total))
            and headers.get("ETag", about.etag) == about.etag
            and headers.get("Last-Modified", about.last_modified) == about.last_modified
        )

    def discard(self) -> None:
        """Throw the part away; the note goes last, so that no part ever stands beside the note of another version."""
        self.about = _About()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Job:
    """One download: what, where to and how."""

    url: str
    cache: Cache
    part: _Part
    session: requests.Session
    timeout: float
    attempts: int
    listen: Listener | None
    sleep: Callable[[float], object]
    largest: float = LARGEST_BYTES
    longest_s: float = LONGEST_S

    def ask(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Send a request; the body waits to be read."""
        try:
            return self.session.get(url, headers=headers, stream=True, timeout=self.timeout)
        # A redirect may lead to what is no address, or round in a circle: no attempt will change that.
        except (ValueError, requests.TooManyRedirects) as error:
            raise LayerError(f"{public_url(url)} can't be fetched: {error}") from error
        except requests.RequestException as error:
            raise TroubleError(reason_of(error, self.timeout)) from error

    def chunks(self, response: requests.Response, limit: Limit) -> Iterator[bytes]:
        """Yield the body within a limit; trouble on the line becomes one kind of error."""
        try:
            yield from limit.kept(response.iter_content(_CHUNK), self.url)
        except LayerError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TroubleError(reason_of(error, self.timeout)) from error

    def throw_away(self) -> None:
        """Drop what has come so far."""
        with self.cache.writing():
            self.part.discard()

    def tell(self, done: int) -> None:
        """Report progress to the listener."""
        if self.listen is not None:
            self.listen(file_name(self.url), done, self.part.about.total)


def fetch(
    url: str,
    cache: Cache,
    *,
    offline: bool = False,
    refresh: bool = False,
    checksum_url: str | None = None,
    user_agent: str = USER_AGENT,
    timeout: float = TIMEOUT_S,
    attempts: int = ATTEMPTS,
    largest: float = LARGEST_BYTES,
    longest_s: float = LONGEST_S,
    listen: Listener | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Entry:
    """Return the file of a URL from the cache; bring it there first where it is missing.

    A download that was cut goes on where it ended, if the server still has the same version. Two processes that want
    the same URL download it once: the second waits for the first.

    Parameters
    ----------
    url, cache
        Address of the file, http or https, and where it is kept.
    offline
        Never touch the network.
    refresh
        Ask the server whether the file has changed since it was fetched.
    checksum_url
        ``"md5"``: compare with the md5 file beside it (URL + ``.md5``), as Geofabrik has them; or the address of such a
        file. A server that has none is noted in `cache.notes`. A file that is in the cache already isn't compared
        again.
    user_agent
        How to introduce oneself to the server.
    timeout, attempts
        Seconds without a byte after which an attempt has failed, and how often to try before giving up; an attempt that
        brought a megabyte or more starts the count anew.
    largest, longest_s
        Bytes that the file may have, unpacked, and seconds that one attempt may take.
    listen, sleep
        Called with name, bytes done and bytes in all; and to wait between attempts.

    Raises
    ------
    LayerError
        The file is not to be had, is not what its checksum says, or is a web page in place of data.
    OutputError
        The cache folder can't be written.
    """
    _check(url, timeout, attempts)
    entry = None if refresh and not offline else cache.get(url)
    if entry is not None:
        return entry
    if offline:
        raise LayerError(f"offline, and {public_url(url)} is not in the cache {cache.folder}: fetch it while online")
    began = datetime.now(UTC)
    with cache.lock(url), StrictSession() as session:
        entry = cache.get(url)
        # What another process brought while this one waited is as fresh as can be.
        if entry is not None and (not refresh or entry.fetched >= began):
            return entry
        session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "identity"})
        job = _Job(url, cache, _Part(cache.part(url)), session, timeout, attempts, listen, sleep, largest, longest_s)
        parts = urlsplit(url)
        beside = urlunsplit(parts._replace(path=f"{parts.path}.md5", fragment=""))
        return _bring(job, entry, beside if checksum_url == "md5" else checksum_url)


def _check(url: str, timeout: float, attempts: int) -> None:
    """Refuse what can't be fetched at all."""
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in ("http", "https") or not host:
        raise LayerError(f"{url!r} is no address to fetch from: allowed are http://… and https://…")
    if not timeout > 0 or attempts < 1:
        raise LayerError(f"timeout is {timeout}, attempts is {attempts}: allowed are more than 0 s, and 1 or more")


def _bring(job: _Job, known: Entry | None, md5_url: str | None) -> Entry:
    """Download, look at what came, and put it into the cache; a wrong checksum gets a second chance."""
    url = public_url(job.url)
    for _ in range(2):
        changed = _retried(job, url, lambda: _attempt(job, known))
        if not changed and known is not None:
            return known
        with job.cache.writing():
            _refuse_other_things(job)
            sha256, md5 = file_digests(job.part.path)
        wanted = _published_md5(job, md5_url) if md5_url else None
        if wanted is None and not job.part.about.framed:
            job.throw_away()
            raise LayerError(
                f"{url}: the server gives neither length nor md5, so the file may not be whole; use another"
            )
        if wanted in (None, md5):
            entry = job.cache.add(
                job.part.path,
                url,
                etag=job.part.about.etag,
                last_modified=job.part.about.last_modified,
                md5_checked=wanted is not None,
                sha256=sha256,
            )
            job.throw_away()
            return entry
        # The part may be patched from two versions, or the server was just replacing its files: once more from the
        # start.
        job.throw_away()
    raise LayerError(
        f"{url} has the md5 {md5}, but {public_url(md5_url or '')} says {wanted}: "
        "downloaded twice and thrown away; try later or use another server"
    )


def _retried(job: _Job, url: str, attempt: Callable[[], T]) -> T:
    """Return what an attempt brings; after trouble that may pass wait longer each time and try again."""
    failures, best = 0, job.part.size()
    while True:
        try:
            return attempt()
        except TroubleError as trouble:
            size = job.part.size()
            if size >= best + PROGRESS_BYTES:
                failures, best = 0, size
            failures += 1
            if failures >= job.attempts:
                raise LayerError(
                    f"{public_url(url)} can't be fetched: {trouble}; attempts: {job.attempts}"
                ) from trouble
            job.sleep(max(min(FIRST_WAIT_S * 2 ** (failures - 1), LAST_WAIT_S), trouble.after))


def _attempt(job: _Job, known: Entry | None) -> bool:
    """Fetch the rest of the file into the part; return False where the known one is still the server's."""
    start = job.part.start()
    headers = {}
    if start and job.part.about.validator:
        headers = {"Range": f"bytes={start}-", "If-Range": job.part.about.validator}
    elif known is not None:
        marks = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        headers = {name: mark for name, mark in marks.items() if mark}
    with job.ask(job.url, headers) as response:
        status = response.status_code
        if status == 304 and known is not None and not start:
            return False
        fits = status == 206 and start > 0 and job.part.continues(response, start)
        if status == 200 or fits:
            _write(job, response, start if fits else 0)
            return True
        if not (start and status in (206, 416)):
            raise refusal_of(job.url, response)
    # The server can't go on from here, e.g. it has a newer and shorter file: from the start, which can't come back
    # here.
    job.throw_away()
    return _attempt(job, known)


def _write(job: _Job, response: requests.Response, start: int) -> None:
    """Write a body to the part from `start` on."""
    with job.cache.writing():
        if not start:
            job.part.begin(response)
        done = start
        job.tell(done)
        with job.part.path.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for chunk in job.chunks(response, Limit(job.largest - start, job.longest_s)):
                file.write(chunk)
                done += len(chunk)
                job.tell(done)
            file.flush()
            os.fsync(file.fileno())
    total = job.part.about.total
    if total is not None and done != total:
        raise TroubleError(f"the connection was cut at {done:,} of {total:,} bytes")


def _refuse_other_things(job: _Job) -> None:
    """Throw away a web page or an empty file that came in place of data, and what does not begin as a PBF should."""
    with job.part.path.open("rb") as file:
        head = file.read(512)
    name = file_name(job.url).lower()
    page = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html"))
    if not head:
        problem = "an empty file"
    elif page and not name.endswith((".html", ".htm")):
        problem = "a web page (HTML) in place of the file"
    elif name.endswith(".pbf") and b"OSMHeader" not in head[:64]:
        problem = "something that does not begin as an OSM PBF"
    else:
        return
    job.part.discard()
    raise LayerError(f"{public_url(job.url)}: the server sent {problem}; is the address right, or a login needed?")


def _published_md5(job: _Job, url: str) -> str | None:
    """Return the md5 that stands in the file at a URL, or None where the server has no such file."""

    def ask() -> str | None:
        with job.ask(url, {}) as response:
            if response.status_code in (404, 410):
                return None
            if response.status_code != 200:
                raise refusal_of(url, response)
            return b"".join(islice(job.chunks(response, Limit(LARGEST_TEXT, job.timeout * 10)), 16)).decode(
                "utf-8", "replace"
            )

    text = _retried(job, url, ask)
    if text is None:
        job.cache.note(f"{public_url(job.url)}: not compared with an md5, there is no {public_url(url)}")
        return None
    # A list of several files has one line each; a file beside the extract may name it by its date instead.
    lines = [line for line in text.splitlines() if file_name(job.url) in line]
    found = re.search(r"\b[0-9a-fA-F]{32}\b", "\n".join(lines) or text)
    if found is None:
        raise LayerError(f"{public_url(url)} holds no md5; fetch without a checksum, or use another server")
    return found[0].lower()
