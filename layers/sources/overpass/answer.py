"""An Overpass answer as an extract: looked at, for Overpass reports its failures in a whole answer, and written as PBF."""

from __future__ import annotations

import html
import mmap
import re
from typing import TYPE_CHECKING, Any

from layers.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

BUSY = ("Dispatcher_Client", "too busy", "rate_limited")
"""Words by which a server says that it had no room for a query: worth another attempt."""
_HEAD = 4096
MOST_REMARKS, LONGEST_REMARK = 100, 4096
"""Overpass makes one or two of some hundred letters."""
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ORDER = {"n": 0, "w": 1, "r": 2}


class UnfinishedAnswerError(Exception):
    """An answer that is cut off, or of a server that had no room: another attempt may bring the whole one."""


def check_answer(path: Path, url: str) -> tuple[str, list[str]]:
    """Return the timestamp of an answer's OpenStreetMap data, and what the server remarked beside it.

    Parameters
    ----------
    path
        The answer, OpenStreetMap XML as Overpass writes it.
    url
        Named in messages.

    Raises
    ------
    LayerError
        It is no answer (a web page), or reports that the query failed: a timeout, not enough memory.
    UnfinishedAnswerError
        It is empty or cut off, or the server was busy.
    """
    if not path.stat().st_size:
        raise UnfinishedAnswerError("an empty answer came")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        head = content[:_HEAD].decode("utf-8", "replace")
        # Text of tags never holds a bare "<": what is found is the server's own.
        remarks = _remarks(content)
        whole = content[max(len(content) - 64, 0) :].rstrip().endswith(b"</osm>")
    if not re.search(r"<osm[\s>]", head):
        if head.lstrip("\ufeff \r\n").startswith("<?xml") and "html" not in head.lower():
            raise UnfinishedAnswerError("the answer is cut off")
        text = plain_text(head)
        if any(word in text for word in BUSY):
            raise UnfinishedAnswerError(f"the server says: {text}")
        raise LayerError(
            f"{url} sent no OpenStreetMap data but: {text}; is this an Overpass server? ([osm] overpass_url)"
        )
    failed = [html.unescape(r) for r in remarks if "error" in r.lower()]
    if any(word in r for r in failed for word in BUSY):
        raise UnfinishedAnswerError(f"the server says: {failed[0]}")
    if failed:
        raise LayerError(
            f"{url} could not finish the query: {failed[0]:.300}; allowed is a smaller area, a server with more room "
            "([osm] overpass_url), or extracts ([osm] pbf = …)"
        )
    if not whole:
        raise UnfinishedAnswerError("the answer is cut off")
    base = re.search(r'osm_base="([^"]*)"', head)
    stamp = base[1] if base and _TIMESTAMP.fullmatch(base[1]) else ""
    return stamp, [html.unescape(r) for r in remarks]


def _remarks(content: mmap.mmap) -> list[str]:
    """Return what the server remarked, each part of the answer looked at once."""
    out: list[str] = []
    end = 0
    while len(out) < MOST_REMARKS and (begin := content.find(b"<remark>", end)) >= 0:
        begin += len(b"<remark>")
        end = content.find(b"</remark>", begin)
        if end < 0:
            break
        out.append(content[begin : min(end, begin + LONGEST_REMARK)].decode("utf-8", "replace").strip())
    return out


def plain_text(page: str) -> str:
    """Return the words of a web page, at most 300 characters.

    Examples
    --------
    >>> plain_text("<html><head><title>Oops</title></head><body><p>Error: <b>line 1</b></p></body></html>")
    'Oops Error: line 1'
    """
    body = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>|<[^>]*$", " ", page, flags=re.S | re.I)
    return re.sub(r"\s+", " ", html.unescape(body)).replace(" :", ":").strip()[:300] or "nothing readable"


def write_answer(answer: Path, target: Path, timestamp: str) -> None:
    """Write an answer as PBF: the same answer gives the same bytes.

    Parameters
    ----------
    answer
        OpenStreetMap XML that `check_answer` found whole.
    target
        The file to write, whatever its name ends with.
    timestamp
        Of the OpenStreetMap data; empty where the server does not tell.

    Raises
    ------
    UnfinishedAnswerError
        It can't be read to its end.
    """
    # An extract that says it is sorted is read in one pass; Overpass sorts what it prints at once.
    if not _written(answer, target, timestamp, in_order=True):
        _written(answer, target, timestamp, in_order=False)


def _written(answer: Path, target: Path, timestamp: str, *, in_order: bool) -> bool:
    """Write the objects, and return whether they came in the order of types and ids."""
    import osmium

    header = osmium.io.Header()
    header.set("generator", "Overpass API")
    if timestamp:
        header.set("osmosis_replication_timestamp", timestamp)
    if in_order:
        header.set("sorting", "Type_then_ID")
    sorted_so_far, last = True, (-1, 0)
    objects: Any = osmium.FileProcessor(osmium.io.File(str(answer), "osm"))
    with osmium.SimpleWriter(osmium.io.File(str(target), "pbf"), header=header, overwrite=True) as writer:
        try:
            for thing in objects:  # osmium hands objects over one by one; both ends of it are compiled
                here = (_ORDER[thing.type_str()], thing.id)
                sorted_so_far &= here > last
                last = here
                writer.add(thing)
        except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
            raise UnfinishedAnswerError(f"the answer can't be read: {error}") from None
    return sorted_so_far
