"""Settlements: found by any of their names or by coordinates, and filled up from a layer that knows more of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import PlaceError
from layers.names import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

_LONLAT = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)\s*$")
DOMINANT = 10
"""A namesake this many times larger than every other is the one that is meant."""


@dataclass(frozen=True)
class Place:
    """A point that the user named: `row` in the layer of settlements, or None for coordinates."""

    label: str
    lon: float
    lat: float
    row: int | None = None


def parse_lonlat(text: str, where: str = "a place") -> tuple[float, float] | None:
    """Return longitude and latitude of ``lon,lat``, or None where the text is no pair of numbers.

    Raises
    ------
    PlaceError
        The numbers are out of range.
    """
    match = _LONLAT.match(text)
    if not match:
        return None
    lon, lat = float(match[1]), float(match[2])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise PlaceError(
            f"{where} {text!r} is out of range: allowed is lon,lat with longitude −180 to 180 and latitude −90 to 90"
            + ("; the two look swapped" if abs(lon) <= 90 and abs(lat) <= 180 else "")
        )
    return lon, lat


@lru_cache(maxsize=1 << 16)
def normalise(name: str) -> str:
    """Return a name as it is compared: case, ё and hyphens folded; kept, for all are looked through each time."""
    return re.sub(r"[\s\-–—’'`ʼ]+", " ", name.casefold().replace("ё", "е")).strip()


def find_place(settlements: gpd.GeoDataFrame, text: str) -> Place:
    """Return the place that `text` names.

    Parameters
    ----------
    settlements
        Layer ``settlements`` with a column ``region``.
    text
        ``lon,lat``; any name of a settlement; or ``name, region`` where the name alone is ambiguous.

    Raises
    ------
    PlaceError
        Unknown, ambiguous (each candidate is listed with its region) or out of range.
    """
    pair = parse_lonlat(text)
    if pair:
        return Place(f"{pair[0]:g},{pair[1]:g}", *pair)
    hits = _named(settlements, text)
    if hits.empty and "," in text:
        name, _, region = text.rpartition(",")
        hits = _named(settlements, name)
        wanted = normalise(region)
        inside = [
            wanted in (normalise(str(r)), normalise(str(n)))
            for r, n in zip(hits["region"], hits["region_name"], strict=True)
        ]
        hits = hits[np.asarray(inside, bool)] if len(hits) else hits
    if hits.empty:
        raise _unknown(settlements, text)
    ranked = hits.sort_values("population", ascending=False, kind="stable")
    top = ranked.iloc[0]
    if len(ranked) > 1 and top["population"] < DOMINANT * max(ranked["population"].iloc[1], 100):
        listed = "; ".join(
            f"{name}, {region} ({population:,} people, {point.x:.2f},{point.y:.2f})"
            for name, region, population, point in zip(
                ranked["name"], ranked["region_name"], ranked["population"], ranked.geometry, strict=True
            )
        )
        raise PlaceError(f"{text!r} is ambiguous: {listed}. Give 'name, region' or lon,lat")
    return Place(f"{top['name']}, {top['region_name']}", top.geometry.x, top.geometry.y, int(ranked.index[0]))


def refuse_unknown(settlements: gpd.GeoDataFrame, texts: Iterable[str]) -> None:
    """Refuse a name that no settlement has: quick, before a network is built.

    Raises
    ------
    PlaceError
        The first of them, with the nearest spellings.
    """
    for text in texts:  # a handful of names
        if parse_lonlat(text) is None and _named(settlements, text).empty:
            name, comma, _ = text.rpartition(",")
            if not comma or _named(settlements, name).empty:
                raise _unknown(settlements, text)


def _unknown(settlements: gpd.GeoDataFrame, text: str) -> PlaceError:
    """Return what to say of a name that no settlement has."""
    return PlaceError(
        f"no settlement named {text!r} in the network's belt{_suggest(settlements, text)}: allowed is any name of a "
        "settlement in the layer settlements, or lon,lat"
    )


def _named(settlements: gpd.GeoDataFrame, text: str) -> gpd.GeoDataFrame:
    """Return the settlements one of whose names is `text`."""
    wanted = normalise(text)
    main = settlements["name"].map(normalise) == wanted
    any_name = settlements["names"].map(lambda names: wanted in map(normalise, names.split("|")))
    return settlements[main | any_name] if wanted else settlements.iloc[:0]


def _suggest(settlements: gpd.GeoDataFrame, text: str) -> str:
    """Return a hint with the nearest spellings, or nothing."""
    names = settlements.sort_values("population", ascending=False)["name"]
    return suggestion(text, names, cutoff=0.75, form=normalise)


SAME_KM, NEAR_KM = 10.0, 3.0
"""Places of one name within `SAME_KM` are one; a place of another name is new where nothing stands within `NEAR_KM`."""


def with_known_people(
    settlements: gpd.GeoDataFrame, known: gpd.GeoDataFrame, *, source: str
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Return settlements with the people that another layer knows, and with its inhabited places that they lack.

    A number that is there already stays. Distances are great circles.

    Parameters
    ----------
    settlements, known
        Layers ``settlements``, validated.
    source
        What ``population_date`` says where the number is from `known`.

    Returns
    -------
    The layer, the added places at its end with negated ids; and the counts ``filled`` and ``added``.
    """
    import pandas as pd
    from scipy.spatial import cKDTree

    counts = {"filled": 0, "added": 0}
    inhabited = known[known["population"] > 0].reset_index(drop=True)
    if inhabited.empty:
        return settlements, counts
    place, other = (_on_sphere_km(f) for f in (settlements, inhabited))
    names = [_names(row) for row in zip(settlements["name"], settlements["names"], strict=True)]
    tree = cKDTree(place) if len(place) else None
    people, dated = settlements["population"].to_numpy(np.int64).copy(), settlements["population_date"].to_list()
    lacking = []
    for i, row in enumerate(
        zip(inhabited["name"], inhabited["names"], strict=True)
    ):  # places of the belt: some thousand
        around = tree.query_ball_point(other[i], SAME_KM) if tree is not None else []
        away = {j: float(np.linalg.norm(place[j] - other[i])) for j in around}
        same = sorted((km, j) for j, km in away.items() if names[j] & _names(row))
        if same and people[same[0][1]] == 0:
            people[same[0][1]] = int(inhabited["population"].iloc[i])
            dated[same[0][1]] = source
            counts["filled"] += 1
        elif not same and not any(km <= NEAR_KM for km in away.values()):
            lacking.append(i)
    counts["added"] = len(lacking)
    fresh = inhabited.iloc[lacking]
    fresh = fresh.assign(settlement_id=-fresh["settlement_id"].abs() - 1, population_date=source)
    filled = settlements.assign(population=people, population_date=dated)
    both: gpd.GeoDataFrame = pd.concat([filled, fresh[filled.columns]], ignore_index=True) if lacking else filled
    return both, counts


def _names(row: tuple[str, str]) -> set[str]:
    """Return all names of a place as they are compared."""
    return {normalise(part) for part in (row[0], *row[1].split("|"))} - {""}


def _on_sphere_km(frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return points as kilometres on a sphere, so that chords are distances anywhere."""
    lon, lat = np.radians(frame.geometry.x.to_numpy(float)), np.radians(frame.geometry.y.to_numpy(float))
    return 6371.0 * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
