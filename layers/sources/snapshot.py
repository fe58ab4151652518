"""The packaged snapshot of the Russia–Kazakhstan border: read, checked against its manifest."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd

from layers.errors import LayerError

SNAPSHOT = Path(__file__).resolve().parent.parent / "data" / "ru-kz"


def snapshot_manifest() -> dict[str, Any]:
    """Return source, version, date, licence, rows and sha256 of each packaged layer."""
    manifest: dict[str, Any] = json.loads((SNAPSHOT / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def read_snapshot(layer: str) -> gpd.GeoDataFrame:
    """Return one packaged layer as it was written.

    Raises
    ------
    LayerError
        The snapshot has no such layer, or its file is not the one in the manifest.
    """
    about = snapshot_manifest()["layers"]
    if layer not in about:
        raise LayerError(f"the snapshot has no layer {layer!r}: it has {', '.join(about)}")
    path = SNAPSHOT / about[layer]["file"]
    if not path.is_file() or sha256(path.read_bytes()).hexdigest() != about[layer]["sha256"]:
        raise LayerError(f"the packaged layer {path} is missing or was changed: install borderlink again")
    return gpd.read_parquet(path)


def snapshot_covers(sides: tuple[str, str]) -> bool:
    """Return whether the snapshot is of the border between two countries (ISO 3166-1 codes), whichever comes first.

    Examples
    --------
    >>> snapshot_covers(("KZ", "RU")), snapshot_covers(("LI", "AT"))
    (True, False)
    """
    return set(read_snapshot("regions")["country"]) == set(sides)
