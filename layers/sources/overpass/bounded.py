"""OSMnx under bounds: its settings for the time of a question, and a hook that reads every answer before OSMnx sees it.

OSMnx asks Overpass, divides large areas and keeps the answers. Left alone it repeats 429 and 504 without end, waits for
a slot as long as the server says, reads a body of any size, keeps what is no answer for one, and leaves Python's
look-up of names changed. All of that is bounded from outside, by its public settings alone.
"""

from __future__ import annotations

import io
import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from layers.errors import LayerError
from layers.sources.download.names import public_url
from layers.sources.download.trouble import Limit, TroubleError, reason_of
from layers.sources.overpass.answer import UnfinishedAnswerError, checked_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_ANSWER = 400_000_000
"""Bytes, unpacked: OSMnx reads an answer into memory, where it takes some ten times as much."""
LONGEST_S = 3600.0
"""Of one answer, however steadily its bytes trickle."""
_CHUNK = 1 << 16
_LOCK = threading.RLock()


class BusyError(TroubleError):
    """The server has no room: waited longer for than a line that was cut."""


@contextmanager
def osmnx_set(**values: Any) -> Iterator[None]:
    """Set OSMnx's settings within a block, one thread at a time.

    They and Python's look-up of names are put back in any case.

    Parameters
    ----------
    **values
        Names of `osmnx.settings` and their values.
    """
    from osmnx import settings

    with _LOCK:
        before = {name: getattr(settings, name) for name in values}
        # OSMnx puts a function of its own in its place, which knows one host.
        look_up = socket.getaddrinfo
        try:
            for name, value in values.items():
                setattr(settings, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(settings, name, value)
            socket.getaddrinfo = look_up


def reading_hook(
    refusal: Callable[[requests.Response], Exception],
    listen: Callable[[int], object],
    remarked: Callable[[str], object],
    timeout: float,
) -> Callable[..., requests.Response]:
    """Return a hook of ``requests`` that hands on whole answers alone.

    Parameters
    ----------
    refusal
        Returns what to raise for a status other than 200.
    listen
        Called with the bytes of each piece that was read.
    remarked
        Called with a remark of the server that is no error.
    timeout
        Seconds without a byte that the request waits for, named in messages.
    """

    def hook(response: requests.Response, *_args: Any, **_options: Any) -> requests.Response:
        with response:
            if response.status_code != 200:
                raise refusal(response)
            body = _body(response, listen, timeout)
        try:
            whole, remark = checked_answer(body, public_url(response.url))
        except UnfinishedAnswerError as error:
            busy = str(error).startswith("the server says")
            raise (BusyError if busy else TroubleError)(str(error)) from error
        if remark:
            remarked(remark)
        return _read(response, whole)

    return hook


def _body(response: requests.Response, listen: Callable[[int], object], timeout: float) -> bytes:
    """Return the body, read piece by piece within `LARGEST_ANSWER` and `LONGEST_S`; a line that breaks is trouble."""
    out = bytearray()
    # What is there, however little: waiting for a whole piece of a body that trickles would pass by the limit of time.
    read = getattr(response.raw, "read1", response.raw.read)

    def chunks() -> Iterator[bytes]:
        while chunk := read(_CHUNK, decode_content=True):
            yield chunk

    try:
        for chunk in Limit(LARGEST_ANSWER, LONGEST_S).kept(chunks(), response.url):
            out += chunk
            listen(len(chunk))
    except LayerError:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise TroubleError(reason_of(error, timeout)) from error
    missing = getattr(response.raw, "length_remaining", 0)
    if missing:
        raise TroubleError(f"the connection failed ({missing:,} bytes are missing)")
    return bytes(out)


def _read(response: requests.Response, body: bytes) -> requests.Response:
    """Return a response whose body has been read."""
    out = requests.Response()
    out.status_code, out.reason, out.url, out.request = 200, response.reason, response.url, response.request
    out.headers["Content-Type"] = "application/json"
    out.encoding, out.raw = "utf-8", io.BytesIO(body)
    return out


def own_query(interpreter: str, query: str, agent: str, timeout: tuple[float, float], options: dict[str, Any]) -> bytes:
    """Return the answer to a query that OSMnx has no words for, through the same hook.

    Parameters
    ----------
    interpreter
        Address that takes queries.
    query
        In Overpass's language, for JSON.
    agent
        How to introduce oneself.
    timeout
        Seconds to connect, and without a byte.
    options
        ``osmnx.settings.requests_kwargs``.
    """
    response = requests.post(
        interpreter, data={"data": query}, headers={"User-Agent": agent}, timeout=timeout, **options
    )
    return response.content


def slot_wait_s(status_url: str, timeout: float, auth: tuple[str, str] | None) -> float:
    """Return the seconds until the server has a slot for this address, as its status page tells.

    0 where it does not.
    """
    with suppress(requests.RequestException):
        page = requests.get(status_url, timeout=min(timeout, 30.0), allow_redirects=False, stream=True, auth=auth)
        with page:
            text = next(page.iter_content(_CHUNK), b"").decode("utf-8", "replace") if page.ok else ""
        waits = [int(n) for n in re.findall(r"in (-?\d{1,9}) seconds", text)]
        if waits and "available now" not in text:
            return float(max(min(waits), 0) + 1)
    return 0.0
