"""An Overpass answer: looked at, for Overpass reports its failures in a whole answer, and written as an extract."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from layers.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY = ("Dispatcher_Client", "too busy", "rate_limited")
"""Words by which a server says that it had no room for a query: worth another attempt."""
LONGEST_REMARK = 4096
_HEAD = 4096
_TIMESTAMP = re.compile(r'"timestamp_osm_base":\s*"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')
"""Of the data, which stands before the objects."""
_KIND = {"node": "n", "way": "w", "relation": "r"}


class UnfinishedAnswerError(Exception):
    """An answer that is cut off, or of a server that had no room: another attempt may bring the whole one."""


def checked_answer(body: bytes, url: str) -> tuple[bytes, str]:
    """Return an answer without the server's remark, and the remark (empty where there is none).

    Parameters
    ----------
    body
        The answer, JSON as Overpass writes it.
    url
        Named in messages.

    Raises
    ------
    LayerError
        It is no answer (a web page), or reports that the query failed: a timeout, not enough memory.
    UnfinishedAnswerError
        It is empty or cut off, or the server was busy.
    """
    start = body[:_HEAD].lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        raise UnfinishedAnswerError("an empty answer came")
    if not start.startswith(b"{"):
        _refuse_page(start.decode("utf-8", "replace"), url)
    try:
        found = json.loads(body)
    except ValueError:
        raise UnfinishedAnswerError("the answer is cut off") from None
    except RecursionError:
        found = {}
    if not isinstance(found.get("elements"), list) or not isinstance(found.get("osm3s"), dict):
        raise LayerError(_no_data(start.decode("utf-8", "replace"), url))
    remark = html.unescape(str(found.get("remark", "")))[:LONGEST_REMARK].strip()
    if "error" in remark.lower():
        if any(word in remark for word in BUSY):
            raise UnfinishedAnswerError(f"the server says: {remark}")
        raise LayerError(
            f"{url} could not finish the query: {remark:.300}; allowed is a smaller area, a server with more room "
            "([osm] overpass_url), or extracts ([osm] pbf = …)"
        )
    if "remark" in found:
        # OSMnx keeps no answer that has one.
        del found["remark"]
        body = json.dumps(found).encode()
    return body, remark


def _refuse_page(page: str, url: str) -> None:
    """Raise for what is no JSON: a page of a busy server, or of something else."""
    if page.startswith("<?xml") and "html" not in page.lower():
        raise UnfinishedAnswerError("the answer is cut off")
    text = plain_text(page)
    if any(word in text for word in BUSY):
        raise UnfinishedAnswerError(f"the server says: {text}")
    raise LayerError(_no_data(page, url))


def _no_data(page: str, url: str) -> str:
    return f"{url} sent no OpenStreetMap data but: {plain_text(page)}; is this an Overpass server? ([osm] overpass_url)"


def plain_text(page: str) -> str:
    """Return the words of a web page, at most 300 characters.

    Examples
    --------
    >>> plain_text("<html><head><title>Oops</title></head><body><p>Error: <b>line 1</b></p></body></html>")
    'Oops Error: line 1'
    """
    body = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>|<[^>]*$", " ", page, flags=re.S | re.I)
    return re.sub(r"\s+", " ", html.unescape(body)).replace(" :", ":").strip()[:300] or "nothing readable"


def drop_broken(folder: Path) -> None:
    """Delete the answers in a folder that were not written to their end."""
    for path in folder.glob("*.json"):  # some dozens
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            path.unlink()


def write_extract(folder: Path, target: Path, url: str) -> None:
    """Write all answers in a folder as one PBF: the same answers give the same bytes.

    Parameters
    ----------
    folder
        Answers as OSMnx keeps them, JSON. Of an object that stands in several, the one of the newest data counts.
    target
        The file to write, whatever its name ends with.
    url
        Named in messages.

    Raises
    ------
    LayerError
        An object makes no sense.
    """
    import osmium

    stamps: dict[Path, str] = {}
    found: dict[str, dict[int, Any]] = {"n": {}, "w": {}, "r": {}}
    for path in folder.glob("*.json"):
        with path.open(encoding="utf-8") as file:
            stamp = _TIMESTAMP.search(file.read(_HEAD))
        stamps[path] = stamp[1] if stamp else ""
    for path in sorted(stamps, key=lambda p: (stamps[p], p.name)):  # one in memory at a time
        for element in json.loads(path.read_text(encoding="utf-8"))["elements"]:
            try:
                kind = _KIND[element["type"]]
                found[kind][int(element["id"])] = _thing(kind, element)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise LayerError(
                    f"{url} sent an object that makes no sense ({error!r:.80}): {str(element)[:120]}; is this an "
                    "Overpass server?"
                ) from None
    header = osmium.io.Header()
    header.set("generator", "Overpass API")
    # The oldest data of all: nothing in the extract is older.
    oldest = min(filter(None, stamps.values()), default="")
    if oldest:
        header.set("osmosis_replication_timestamp", oldest)
    header.set("sorting", "Type_then_ID")
    with osmium.SimpleWriter(osmium.io.File(str(target), "pbf"), header=header, overwrite=True) as writer:
        for thing in _in_order(found):  # the writer takes objects one by one
            writer.add(thing)


def _thing(kind: str, element: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Return what makes an object, and its tags; smaller in memory than what JSON makes of it."""
    tags = {str(k): str(v) for k, v in element.get("tags", {}).items()}
    if kind == "n":
        lon, lat = float(element["lon"]), float(element["lat"])
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise ValueError(f"{lon}, {lat} is nowhere on earth")
        return (lon, lat), tags
    if kind == "w":
        return [int(ref) for ref in element.get("nodes", ())], tags
    return [(_KIND[m["type"]], int(m["ref"]), str(m.get("role", ""))) for m in element.get("members", ())], tags


def _in_order(found: dict[str, dict[int, Any]]) -> Iterator[Any]:
    """Yield the objects by type and id, as an extract has them."""
    from osmium.osm import mutable

    for i in sorted(found["n"]):
        place, tags = found["n"][i]
        yield mutable.Node(id=i, location=place, tags=tags)
    for i in sorted(found["w"]):
        refs, tags = found["w"][i]
        yield mutable.Way(id=i, nodes=refs, tags=tags)
    for i in sorted(found["r"]):
        members, tags = found["r"][i]
        yield mutable.Relation(id=i, members=members, tags=tags)
