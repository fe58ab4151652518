"""Downloads from bad servers: cut lines, bombs, trickles, web pages, wrong checksums, circles."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from layers.errors import LayerError
from layers.sources.download.cache import Cache
from layers.sources.download.transfer import fetch
from tests.layers.download.server import Answer, pbf, serving

BODY = pbf(1)
BAD: dict[str, tuple[Answer, dict[str, Any]]] = {
    "cut": (Answer(BODY, cut_at=1000), {}),
    "silent": (Answer(BODY, hang_at=1000), {"timeout": 0.5}),
    "silent from the start": (Answer(BODY, hang_at=-1), {"timeout": 0.5}),
    "bomb": (Answer(gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"}), {"largest": 1_000_000}),
    "too large": (Answer(BODY), {"largest": 1000}),
    "too slow": (Answer(BODY), {"longest_s": 0}),
    "web page": (Answer(b"<!doctype html><html>login</html>"), {}),
    "empty": (Answer(b""), {}),
    "wrong md5": (Answer(BODY), {"checksum_url": "md5"}),
    "in a circle": (Answer(b"", 302, {"Location": "/a.osm.pbf"}), {}),
    "to no address": (Answer(b"", 302, {"Location": "gopher://x y"}), {}),
    "refused": (Answer(b"", 403), {}),
    "busy": (Answer(b"", 503, {"Retry-After": "7200"}), {}),
}


def attack_downloads(folder: Path) -> dict[str, object]:
    """Return how many kinds of bad server ended in one message, with a clean cache, and the longest time."""
    longest = 0.0
    for number, (kind, (answer, options)) in enumerate(BAD.items()):
        cache = Cache(folder / str(number))
        with serving() as server:
            url = server.put("/a.osm.pbf", answer)
            server.put_md5("/a.osm.pbf", b"other")
            began = time.monotonic()
            with pytest.raises(LayerError):
                fetch(url, cache, attempts=2, sleep=lambda _: None, **{"timeout": 5, **options})
            server.released.set()
        longest = max(longest, time.monotonic() - began)
        assert not cache.entries(), f"{kind}: something is in the cache"
    return {"servers": len(BAD), "longest_s": round(longest, 2)}
