"""Trouble with servers: what may pass and what will not, how much is taken and how long; https stays https."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from layers.errors import LayerError
from layers.sources.download.names import public_url

MAX_RETRY_AFTER_S = 600.0
"""Who is told to come back later than this gets a message instead of a silent program."""
WORTH_RETRYING = (408, 429, 500, 502, 503, 504)
LARGEST_BYTES = 200_000_000_000
"""Twice the whole planet as a PBF."""
LARGEST_TEXT = 100_000_000
"""Bytes of an index; Geofabrik's has a few million."""
LONGEST_S = 12 * 3600.0
"""Of one attempt, however steadily the bytes trickle: 40 GB at a megabyte a second."""


class TroubleError(Exception):
    """Something that may pass: worth another attempt, not before `after` seconds."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


class StrictSession(requests.Session):
    """A session that never goes on to an unprotected address from a protected one."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response sends on to.

        Raises
        ------
        LayerError
            From https to anything else.
        """
        target = super().get_redirect_target(resp)
        if target and urlsplit(resp.url).scheme == "https":
            whole = urljoin(resp.url, target)
            if urlsplit(whole).scheme != "https":
                raise LayerError(
                    f"{public_url(resp.url)} sends on to {public_url(whole)}, which is not protected: allowed is "
                    "https to the end"
                )
        return target


@dataclass
class Limit:
    """How many bytes a body may unpack to, and how long it may take, from now on."""

    largest: float = LARGEST_BYTES
    longest_s: float = LONGEST_S
    began: float = field(default_factory=time.monotonic)

    def kept(self, chunks: Iterable[bytes], url: str) -> Iterator[bytes]:
        """Yield the chunks of a body within the limit.

        Raises
        ------
        LayerError
            There are more bytes, or they take longer.
        """
        done = 0
        for chunk in chunks:
            done += len(chunk)
            if done > self.largest:
                raise LayerError(
                    f"{public_url(url)} sends more than {self.largest:,.0f} bytes: allowed is less; use another server"
                )
            if time.monotonic() - self.began > self.longest_s:
                raise LayerError(
                    f"{public_url(url)} takes longer than {self.longest_s:,.0f} s for {done:,} bytes: try later, "
                    "or use another server"
                )
            yield chunk


def refusal_of(url: str, response: requests.Response) -> Exception:
    """Return the error for a status that brings no file."""
    answer = f"the server answers {response.status_code} {response.reason or ''}".rstrip()
    if response.status_code not in WORTH_RETRYING:
        return LayerError(f"{public_url(url)} can't be fetched: {answer}")
    try:
        after = urllib3.Retry().parse_retry_after(response.headers.get("Retry-After", "0"))
    except urllib3.exceptions.InvalidHeader:
        after = 0.0
    if after > MAX_RETRY_AFTER_S:
        return LayerError(f"{public_url(url)} can't be fetched now: {answer}, to wait over {MAX_RETRY_AFTER_S:.0f} s")
    return TroubleError(answer, after)


def reason_of(error: BaseException, timeout: float) -> str:
    """Return in a few words why a connection failed: the system's own error, out of its wrappings."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return f"no answer within {timeout:g} s"
    text, inner = type(error).__name__, error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, OSError) and not isinstance(inner, requests.RequestException):
            text = str(inner)
        inner = inner.__cause__ or inner.__context__
    return f"the connection failed ({text})"
