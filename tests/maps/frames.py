"""Synthetic result tables along a made-up border between Russia and Kazakhstan: real H3 cells, invented numbers."""

from __future__ import annotations

import itertools

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
import shapely.ops

from maps.styles.classes import HIGH, NO, NO_DATA, NOT_TESTABLE, STANDS_OUT, UNCERTAIN

CRS = "+proj=aea +lat_1=49.5 +lat_2=54.5 +lat_0=52 +lon_0=67 +datum=WGS84 +units=m"
HOSTILE = '</script><b id="harm">x</b>'
QUOTES = "\"&'<"
BORDER = shapely.LineString(
    [
        (48.0, 49.0),
        (52.0, 51.5),
        (58.0, 51.0),
        (61.5, 53.0),
        (66.0, 54.8),
        (71.0, 54.2),
        (77.0, 53.3),
        (80.0, 50.8),
        (85.0, 49.4),
    ]
)


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def regions() -> gpd.GeoDataFrame:
    """Twelve made-up regions, six on each side of the line."""
    north = shapely.Polygon([*BORDER.coords, (85.0, 57.0), (48.0, 57.0)])
    south = shapely.Polygon([*BORDER.coords, (85.0, 46.0), (48.0, 46.0)])
    cuts = np.linspace(48.0, 85.0, 7)
    names = [
        "Saratov",
        "Orenburg",
        "Chelyabinsk",
        "Kurgan",
        "Omsk",
        "Altai Krai",
        "West Kazakhstan",
        "Aktobe",
        "Kostanay",
        "North Kazakhstan",
        "Pavlodar",
        "East Kazakhstan",
    ]
    boxes = [
        (side, whole.intersection(shapely.box(a, 40, b, 60)))
        for side, whole in (("a", north), ("b", south))
        for a, b in itertools.pairwise(cuts)
    ]
    n, rng = len(boxes), _rng()
    detour, delay = rng.uniform(0.1, 0.4, n), rng.uniform(0.02, 0.2, n)
    return gpd.GeoDataFrame(
        {
            "region": [f"{'RU' if s == 'a' else 'KZ'}-{i:02d}" for i, (s, _) in enumerate(boxes)],
            "name": names,
            "side": [s for s, _ in boxes],
            "population": rng.integers(300_000, 3_500_000, n),
            "area_km2": rng.uniform(70_000, 300_000, n),
            "border_km": rng.uniform(200, 1800, n),
            "road_density_km_per_1000km2": rng.uniform(5, 40, n),
            "rail_density_km_per_1000km2": rng.uniform(0.5, 12, n),
            "checkpoints_per_100km": rng.uniform(0, 1.5, n),
            "time_to_checkpoint_min": np.where(np.arange(n) == 3, np.nan, rng.uniform(60, 300, n)),
            "border_loss": detour + delay,
            "loss_detour": detour,
            "loss_delay": delay,
        },
        geometry=[g for _, g in boxes],
        crs=4326,
    )


def cells(resolution: int = 4, width: float = 0.9) -> gpd.GeoDataFrame:
    """H3 cells of a belt around the line, a hot stretch of each flag on it."""
    belt = BORDER.buffer(width)
    ids = sorted(h3.geo_to_cells(belt, resolution))
    polygons = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(c)]) for c in ids]
    centres = shapely.centroid(polygons)
    lon, lat = shapely.get_x(centres), shapely.get_y(centres)
    rng, n = _rng(), len(ids)
    away = shapely.distance(centres, BORDER)
    side = np.where(lat > np.interp(lon, *np.array(BORDER.coords).T), "a", "b")
    east, west, middle = (lon > 78) & (lon < 81), (lon > 55) & (lon < 58), (lon > 64) & (lon < 68.5)
    growth = np.select([middle & (lon < 66), middle, west], [STANDS_OUT, HIGH, UNCERTAIN], NO).astype(object)
    narrow = np.select([east & (lon < 79), east, middle], [STANDS_OUT, HIGH, UNCERTAIN], NO).astype(object)
    for flag in (growth, narrow):
        flag[rng.random(n) < 0.15] = NOT_TESTABLE
        flag[:5] = NO_DATA
    detour, delay = (
        np.clip(0.15 + 0.4 * np.abs(np.sin(lon / 3)) + rng.normal(0, 0.04, n), 0, 0.7),
        np.clip(rng.normal(0.12, 0.05, n), 0, 0.3),
    )
    free = rng.lognormal(11, 1, n)
    minutes = np.where(rng.random(n) < 0.03, np.nan, 20 + 120 * away + 220 * np.abs(np.sin(lon / 2.2)))
    frame = gpd.GeoDataFrame(
        {
            "cell": ids,
            "near": "Илек",
            "side": side,
            "region": np.where(side == "a", "RU-", "KZ-")
            + np.char.zfill((6 * (side == "b") + np.clip((lon - 48) / 37 * 6, 0, 5).astype(int)).astype(str), 2).astype(
                object
            ),
            "population": rng.integers(0, 80_000, n).astype(float),
            "place": "Илек",
            "growth_flag": growth,
            "bottleneck_flag": narrow,
            "growth": np.where(growth == NO, 1.0, 2.0) + rng.uniform(0, 0.1, n),
            "next_city": "Орал",
            "next_city_min": 300.0,
            "home_roads_min": 120.0,
            "excess_min": np.where(narrow == NO, 5.0, 90.0) + rng.uniform(0, 9, n),
            "excess_wait_min": 4.0,
            "excess_sd": 2.0,
            "bottleneck_p_max": 0.5,
            "growth_q": rng.uniform(0.0002, 1, n),
            "growth_p_max": rng.uniform(0.0002, 1, n),
            "time_to_checkpoint_min": minutes,
            "nearest_checkpoint": "Илек",
            "potential_domestic_actual": rng.lognormal(13, 1, n),
            "potential_cross_borderless": free,
            "potential_cross_open": free * (1 - detour),
            "potential_cross_actual": free * (1 - detour - delay),
            "border_loss": detour + delay,
            "loss_detour": detour,
            "loss_delay": delay,
            "cross_ratio": np.where(growth == HIGH, 0.4, 0.1) + rng.uniform(0, 0.1, n),
            "lost_potential": free * (detour + delay),
        },
        geometry=polygons,
        crs=4326,
    )
    frame.loc[0, ["population", "border_loss", "loss_detour", "loss_delay"]] = np.nan
    return frame


def growth_list(n: int = 40) -> pd.DataFrame:
    """The ranked list of growth: the first place hostile, every other one steady."""
    low, high = np.linspace(1.5, 1.0, n), np.linspace(6.0, 2.0, n)
    return pd.DataFrame(
        {
            "place": [HOSTILE, *[f"Place {i}" for i in range(1, n)]],
            "side": "a",
            "region": "RU-00",
            "cell": "8420",
            "population": 20_000,
            "growth": np.linspace(3.0, 1.1, n),
            "growth_low": low,
            "growth_high": high,
            "growth_least": low / 2,
            "growth_most": high * 2,
            "rank": np.arange(1.0, n + 1),
            "rank_low": np.arange(1.0, n + 1),
            "rank_high": np.arange(4.0, n + 4),
            "leading_share": 0.5,
            "settings": 56,
            "steady": np.arange(n) % 2 == 0,
            "leading_city": "Орал",
            "leading_city_share": 0.35,
            "wait_share": 0.29,
            "flag": HIGH,
            "advice": "growth point",
        }
    )


def bottleneck_list(n: int = 30) -> pd.DataFrame:
    """The ranked list of bottlenecks."""
    excess = np.linspace(140.0, 40.0, n)
    return pd.DataFrame(
        {
            "place": [f"Narrow {i}" for i in range(n)],
            "side": "b",
            "region": "KZ-06",
            "cell": "8421",
            "population": 50_000,
            "next_city": "Орал",
            "next_city_km": 160.0,
            "next_city_min": 120 + excess,
            "home_roads_min": 120.0,
            "excess_min": excess,
            "excess_low_min": excess - 20,
            "excess_high_min": excess + 20,
            "excess_least_min": excess - 30,
            "excess_most_min": excess + 30,
            "rank": np.arange(1.0, n + 1),
            "rank_low": np.arange(1.0, n + 1),
            "rank_high": np.arange(4.0, n + 4),
            "leading_share": 0.95,
            "settings": 39,
            "steady": True,
            "excess_ground_min": excess - 60,
            "excess_wait_min": 60.0,
            "assumed_wait_share": 60 / excess,
            "excess_sd": 2.0,
            "person_minutes": 50_000 * excess,
            "checkpoint": QUOTES,
            "flag": NO,
            "advice": "bottleneck",
        }
    )


def segments(n: int = 120) -> gpd.GeoDataFrame:
    """Pieces of the line, west to east."""
    cuts = np.linspace(0, 1, n + 1)
    lines = [shapely.ops.substring(BORDER, a, b, normalized=True) for a, b in itertools.pairwise(cuts)]
    x = np.arange(n)
    a, b = 40 + 150 * np.abs(np.sin(x / 9)), 60 + 210 * np.abs(np.sin(x / 7 + 1))
    b[20:23] = np.nan
    pair = np.clip(x * 6 // n, 0, 5)
    return gpd.GeoDataFrame(
        {
            "segment_id": [f"s{i:03d}" for i in x],
            "region_a": [f"RU-{i:02d}" for i in pair],
            "region_b": [f"KZ-{i + 6:02d}" for i in pair],
            "km_from": 25.0 * x,
            "km_to": 25.0 * (x + 1),
            "time_to_checkpoint_min": np.fmax(a, b),
            "time_to_checkpoint_a_min": a,
            "time_to_checkpoint_b_min": b,
            "border_loss": np.clip(a / 300, 0, 1),
        },
        geometry=lines,
        crs=4326,
    )


def border_line() -> gpd.GeoDataFrame:
    """The whole line in two facing pairs."""
    halves = [shapely.ops.substring(BORDER, a, b, normalized=True) for a, b in ((0, 0.5), (0.5, 1))]
    return gpd.GeoDataFrame(
        {"region_a": ["RU-01", "RU-04"], "region_b": ["KZ-07", "KZ-10"], "length_km": [1501.2, 1497.9]},
        geometry=halves,
        crs=4326,
    )


def checkpoints() -> gpd.GeoDataFrame:
    """Eighteen checkpoints; two bear names that are markup elsewhere, one is closed, one has gaps."""
    names = [
        "Mashtakovo",
        HOSTILE,
        QUOTES,
        "Орда",
        "Ілек",
        "Kayrak",
        "Petukhovo",
        "Isilkul",
        "Pavlovka",
        "Kulunda",
        "Topolnoye",
        "Veseloyarsk",
        "Gornyak",
        "Mikhaylovka",
        "Lokot",
        "Zauralye",
        "Cherlak",
        "Closed & shut",
    ]
    n, rng = len(names), _rng()
    points = shapely.line_interpolate_point(BORDER, np.linspace(0.03, 0.97, n), normalized=True)
    mode = np.array(["road"] * 13 + ["rail"] * 3 + ["river"] + ["road"], dtype=object)
    status = np.array(["open"] * (n - 1) + ["closed"], dtype=object)
    share = rng.dirichlet(np.ones(n))
    share[-1] = 0.0
    criticality = rng.uniform(2, 180, n)
    criticality[[2, 17]] = np.nan
    return gpd.GeoDataFrame(
        {
            "checkpoint_id": [f"c{i:02d}" for i in range(n)],
            "name": names,
            "name_ru": [None, *names[1:]],
            "name_kk": None,
            "mode": mode,
            "status": status,
            "class": np.where(status == "closed", "closed", mode + " open"),
            "regime": "multilateral",
            "hours": "24/7",
            "region_a": "RU-01",
            "region_b": "KZ-07",
            "wait_min": np.where(status == "closed", np.nan, 60.0),
            "wait_assumed": True,
            "share": share,
            "criticality_min": criticality,
            "unserved_share": rng.uniform(0, 0.2, n),
            "fallback": "Kayrak",
            "fallback_share": rng.uniform(0.3, 1, n),
            "match_km": rng.uniform(0, 4, n),
            "joined_by": "nearest crossing",
        },
        geometry=points,
        crs=4326,
    )


def settlements(n: int = 60) -> gpd.GeoDataFrame:
    """Settlements scattered along the line, a few of them large."""
    rng = _rng()
    people = np.sort(rng.lognormal(9.2, 1.9, n).round())[::-1]
    people[-3:] = np.nan
    points = shapely.points(rng.uniform(48, 85, n), rng.uniform(47, 56, n))
    return gpd.GeoDataFrame(
        {
            "name": [f"Place {i}" for i in range(n)],
            "region": "RU-01",
            "population": people,
            "time_to_checkpoint_min": rng.uniform(10, 400, n),
            "snap_km": rng.uniform(0, 8, n),
        },
        geometry=points,
        crs=4326,
    )


def edges(n: int = 200, seed: int = 1) -> gpd.GeoDataFrame:
    """Short lines, as roads or railways are."""
    rng = np.random.default_rng(seed)
    start = np.column_stack([rng.uniform(48, 84, n), rng.uniform(47, 56, n)])
    lines = shapely.linestrings(np.stack([start, start + rng.normal(0, 0.4, (n, 2))], axis=1))
    return gpd.GeoDataFrame(
        {
            "length_m": rng.uniform(500, 60_000, n),
            "speed_kph": rng.choice([60.0, 90.0, 110.0], n),
            "time_min": rng.uniform(1, 60, n),
            "speed_source": "class default",
            "side": rng.choice(["a", "b"], n),
            "bridged": False,
        },
        geometry=lines,
        crs=4326,
    )


def roads(n: int = 200) -> gpd.GeoDataFrame:
    """Roads; every fourth line is a connector."""
    return edges(n).assign(**{"class": np.where(np.arange(n) % 4, "major", "connector")})


def crossings() -> gpd.GeoDataFrame:
    """Crossings with a checkpoint and without."""
    points = shapely.line_interpolate_point(BORDER, np.linspace(0.01, 0.99, 40), normalized=True)
    return gpd.GeoDataFrame(
        {
            "crossing_id": [f"x{i:02d}" for i in range(40)],
            "mode": "road",
            "status": np.where(np.arange(40) % 3, "closed", "open"),
            "checkpoints": None,
        },
        geometry=points,
        crs=4326,
    )


def tables() -> dict[str, gpd.GeoDataFrame]:
    """Return every table of a run by the name of its layer."""
    return {
        "checkpoints": checkpoints(),
        "crossings": crossings(),
        "settlements": settlements(),
        "border_line": border_line(),
        "segments": segments(),
        "roads": roads(),
        "railways": edges(120, 2),
        "cells": cells(),
        "regions": regions(),
    }


def statistics() -> pd.DataFrame:
    """Rows as the spatial statistics give them, one with gaps."""
    return pd.DataFrame(
        {
            "variable": ["border_loss", "cross_ratio", "border_loss"],
            "statistic": ["Moran's I", "Moran's I", "structural null, mean loss"],
            "value": [0.512, 0.331, 0.42],
            "expected": [-0.0012, -0.0012, 0.36],
            "z": [14.2, 9.1, np.nan],
            "p_two_sided": [0.0002, 0.0002, 0.031],
            "n": [820, 820, 820],
            "permutations": [9999, 9999, 199],
            "note": ["", "H3 neighbours of first order", "open checkpoints redrawn among road crossings"],
        }
    )


def assumptions() -> pd.DataFrame:
    """Values that nobody measured."""
    return pd.DataFrame(
        {
            "what": ["wait at road checkpoints", "speed on trunk roads"],
            "value": [60.0, 90.0],
            "unit": ["min", "km/h"],
            "source": ["assumed", "default"],
        }
    )


def sources() -> pd.DataFrame:
    """What the layers were made of."""
    return pd.DataFrame(
        {
            "layer": ["roads", "regions"],
            "source": ["OpenStreetMap", "Natural Earth <10m>"],
            "version": ["2024-01", "5.1"],
            "date": ["2024-01-01", None],
            "licence": ["ODbL-1.0", "Public domain"],
            "rows": [8000, 12],
            "note": ["", "clipped & simplified"],
        }
    )
