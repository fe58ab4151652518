"""Speeds and moving times of links, each with the source of its speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.errors import NetworkError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ROAD_KPH: Mapping[str, float] = {
    "motorway": 100.0,
    "trunk": 85.0,
    "primary": 75.0,
    "secondary": 60.0,
    "tertiary": 50.0,
    "unclassified": 35.0,
    "residential": 35.0,
    "living_street": 20.0,
    "service": 20.0,
    "track": 20.0,
}
"""Car, km/h by class; a link road is driven like its class. Assumptions between the legal limits outside towns and observed means (docs/decisions.md)."""

RAIL_KPH: Mapping[str, float] = {"main": 70.0, "branch": 50.0, "industrial": 25.0}
"""Passenger train, km/h by usage: assumptions."""

SURFACES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("unpaved", "gravel", "fine_gravel", "compacted", "pebblestone", "rock"), (0.6, 40.0)),
    **dict.fromkeys(("ground", "dirt", "earth", "grass", "woodchips"), (0.5, 30.0)),
    **dict.fromkeys(("sand", "mud", "snow", "ice"), (0.5, 15.0)),
}
"""Share of the speed that is left on a loose surface, and its cap in km/h: assumptions; the caps are OSRM's car profile
or below. A surface that is not named or not here slows nobody."""

TAGGED_SHARE = 0.9
"""A posted limit is driven at nine tenths of it: an assumption."""

OTHER = {"road": 35.0, "rail": 50.0}


def with_speeds(links: pd.DataFrame, *, overrides: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return the links with ``speed_kph``, ``speed_source`` and ``time_min`` (moving, without any wait).

    Parameters
    ----------
    links
        With ``mode`` (road or rail), ``kind``, ``length_m``, ``maxspeed_kph`` (NaN where unknown), and ``surface`` if known.
    overrides
        km/h by class of road or usage of rail; they stand before the defaults, not before a posted limit that is lower.

    Notes
    -----
    ``speed_source`` is ``tagged`` (posted limit × 0.9, never above the class), ``study``, ``default`` (class known) or
    ``fallback`` (class unknown).

    Raises
    ------
    NetworkError
        A speed that is not between 1 and 400 km/h, or a class that is in no table.
    """
    given = dict(overrides or {})
    known = {**ROAD_KPH, **RAIL_KPH}
    wrong = {k: v for k, v in given.items() if not 1 <= v <= 400}
    strange = sorted(set(given) - set(known))
    if wrong:
        raise NetworkError(f"speeds {wrong} are out of range: allowed is 1 to 400 km/h")
    if strange:
        raise NetworkError(f"speeds for {', '.join(map(repr, strange))}: allowed classes are {', '.join(known)}")
    kind = links["kind"].astype(str).str.removesuffix("_link")
    by_class = kind.map({**known, **given}).astype(float)
    speed = by_class.fillna(links["mode"].map(OTHER).astype(float)).to_numpy(float)
    posted = links["maxspeed_kph"].to_numpy(float) * TAGGED_SHARE
    tagged = np.isfinite(posted)
    out = links.copy()
    speed = np.asarray(np.where(tagged, np.fmin(posted, speed), speed), float)
    out["speed_kph"] = _on_surface(speed, links["surface"]) if "surface" in links else speed
    out["speed_source"] = np.select(
        [tagged, kind.isin(list(given)), by_class.notna()], ["tagged", "study", "default"], "fallback"
    )
    out["time_min"] = out["length_m"] / 1000 / out["speed_kph"] * 60
    return out


def _on_surface(speed: NDArray[np.floating[Any]], surface: pd.Series) -> NDArray[np.float64]:
    """Return speeds as the surface lets them be."""
    name = surface.astype(str).str.split(";").str[0].str.strip()
    share = name.map({k: v[0] for k, v in SURFACES.items()}).astype(float).fillna(1.0)
    cap = name.map({k: v[1] for k, v in SURFACES.items()}).astype(float).fillna(np.inf)
    return np.minimum(speed * share.to_numpy(float), cap.to_numpy(float))
