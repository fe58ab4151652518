"""Pairs of places: straight way, network and minutes, what the border costs them, and domestic pairs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.accessibility import by_network
from layers.crs import geodesic_m
from layers.errors import NetworkError
from network.build import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from network.routing import Router

BANDS_KM = (0.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0)
"""Edges of bands of straight distance: an assumption; a band must hold both kinds of pairs to compare anything."""


def largest_places(
    settlements: pd.DataFrame,
    *,
    per_region: int | None = None,
    per_side: int | None = None,
    regions: Collection[str] | pd.Series | None = None,
) -> NDArray[np.int64]:
    """Return rows of the largest settlements that join the network, in order of side and row.

    Parameters
    ----------
    settlements
        Those of the network (``side``, ``region``, ``population``, ``snap_km``).
    per_region, per_side
        At most so many of each region and of each side; of equals the earlier row.
    regions
        Only places in these; None for all.

    Raises
    ------
    NetworkError
        A number below 1.

    Examples
    --------
    >>> towns = pd.DataFrame({"side": ["b", "a", "a"], "region": ["K", "R", "R"], "population": [5, 7, 9]})
    >>> towns["snap_km"] = 1.0
    >>> largest_places(towns, per_region=1).tolist()
    [2, 0]
    """
    if any(most is not None and most < 1 for most in (per_region, per_side)):
        raise NetworkError(f"{per_region} places per region and {per_side} per side: allowed is 1 or more")
    frame = settlements.reset_index(drop=True)
    frame = frame[(frame["population"] > 0) & frame["snap_km"].notna()].sort_values(
        "population", ascending=False, kind="stable"
    )
    if regions is not None:
        frame = frame[frame["region"].isin(list(regions))]
    for column, most in (("region", per_region), ("side", per_side)):
        if most is not None:
            frame = frame.groupby(column, sort=False).head(most)
    frame = frame.assign(row=frame.index).sort_values(["side", "row"])
    return frame["row"].to_numpy(np.int64)


def place_pairs(
    settlements: gpd.GeoDataFrame,
    router: Router,
    rows: NDArray[np.int64] | Sequence[int],
) -> pd.DataFrame:
    """Return all pairs of some settlements, each once: straight way, network, minutes on the three networks.

    Trips run from the place that is named first: across the border from side a to side b.

    Parameters
    ----------
    rows
        Of the network's settlements, from `largest_places`.

    Returns
    -------
    ``origin``, ``destination`` (settlement_id), ``origin_name``, ``destination_name``, ``origin_region``,
    ``destination_region``, ``origin_population``, ``destination_population``, ``kind`` (``domestic_a``, ``domestic_b``
    or ``cross``), ``geodesic_km``, ``network_km`` (the shortest way by length in `open`), ``circuity`` = network over
    geodesic, and ``time_borderless_min``, ``time_open_min``, ``time_actual_min``. NaN where there is no way; circuity
    also where both are one spot.

    Examples
    --------
    >>> rows = largest_places(network.settlements, per_region=10)  # doctest: +SKIP
    >>> pairs = place_pairs(network.settlements, compile_router(network), rows)  # doctest: +SKIP
    """
    table = settlements.iloc[np.asarray(rows, np.int64)]
    order = np.argsort(table["side"].to_numpy(dtype=str), kind="stable")
    table = table.iloc[order]
    node = table["node"].to_numpy(np.int64)
    i, j = np.triu_indices(len(table), 1)
    out = pd.DataFrame()
    for name, column in (
        ("", "settlement_id"),
        ("_name", "name"),
        ("_region", "region"),
        ("_population", "population"),
    ):
        values = table[column].to_numpy()
        out[f"origin{name}"], out[f"destination{name}"] = values[i], values[j]
    side = table["side"].to_numpy(dtype=object)
    home = side[i] == side[j]
    out["kind"] = np.where(home, "domestic_" + side[i], "cross")
    lon, lat = table.geometry.x.to_numpy(), table.geometry.y.to_numpy()
    out["geodesic_km"] = geodesic_m(lon[i], lat[i], lon[j], lat[j]) / 1000
    out["network_km"] = _known(router.table(node, node, "length_m:open")[i, j]) / 1000
    out["circuity"] = out["network_km"] / out["geodesic_km"].where(out["geodesic_km"] > 0)
    times = by_network(router, side, side, lambda fields: {field: router.table(node, node, field) for field in fields})
    for network in NETWORKS:
        out[f"time_{network}_min"] = _known(times[network][i, j])
    return out


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values with NaN for infinity."""
    return np.where(np.isfinite(values), values, np.nan)


def region_circuity(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return how much longer than straight the ways between places are, within each region and for its trips abroad.

    Circuity is network over geodesic length (Barthélemy 2011), 1 or more. Pairs without a way count in ``pairs`` only.

    Returns
    -------
    ``region``, and ``within_`` and ``cross_`` each: ``pairs``, ``unserved``, ``circuity_mean``, ``circuity_median``;
    sorted by region.
    """
    within = pairs[pairs["origin_region"] == pairs["destination_region"]].assign(region=lambda t: t["origin_region"])
    cross = pairs[pairs["kind"] == "cross"]
    both = pd.concat([cross.assign(region=cross[f"{end}_region"]) for end in ("origin", "destination")])
    regions = sorted(set(pairs["origin_region"]) | set(pairs["destination_region"]))
    out = pd.DataFrame({"region": regions})
    for name, table in (("within", within), ("cross", both)):
        by = table.groupby("region")["circuity"]
        found = pd.DataFrame(
            {
                "pairs": by.size(),
                "unserved": by.size() - table.groupby("region")["time_open_min"].count(),
                "circuity_mean": by.mean(),
                "circuity_median": by.median(),
            }
        ).reindex(regions)
        for column in found:
            values = found[column].to_numpy(float)
            out[f"{name}_{column}"] = values if "circuity" in str(column) else np.nan_to_num(values).astype(np.int64)
    return out


def border_effect(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return what the border costs each pair across it, by the way round and by waiting.

    B = t²/t⁰, with t⁰, t¹, t² the minutes in `borderless`, `open` and `actual` (the counterfactual idea of McCallum
    1995, on times). extra = t² − t⁰ is exactly detour + delay = (t¹ − t⁰) + (t² − t¹).

    Returns
    -------
    The rows of `pairs` across the border with ``border_effect`` (1 or more), ``detour_min``, ``delay_min``,
    ``extra_min``, ``cut_off`` (a way without a border, none with it); NaN where there is no way.

    Examples
    --------
    >>> minutes = {"time_borderless_min": [60.0], "time_open_min": [90.0], "time_actual_min": [150.0]}
    >>> pair = pd.DataFrame({"kind": ["cross"], **minutes})
    >>> border_effect(pair)[["border_effect", "detour_min", "delay_min", "extra_min"]].iloc[0].tolist()
    [2.5, 30.0, 60.0, 90.0]
    """
    out = pairs[pairs["kind"] == "cross"].reset_index(drop=True)
    free, allowed, real = (out[f"time_{n}_min"] for n in NETWORKS)
    return out.assign(
        border_effect=real / free.where(free > 0),
        detour_min=allowed - free,
        delay_min=real - allowed,
        extra_min=(allowed - free) + (real - allowed),
        cut_off=free.notna() & real.isna(),
    )


def border_effect_of_regions(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the border effect between each two regions, over the pairs of their places.

    Parameters
    ----------
    effects
        From `border_effect`.

    Returns
    -------
    ``region_a``, ``region_b``, ``pairs``, ``pairs_cut_off``, ``border_effect`` = Σ t²/Σ t⁰, ``border_effect_median``,
    means ``detour_min``, ``delay_min``, ``extra_min``, ``circuity_median``; sorted by regions. Means are over pairs
    with a way.
    """
    table = effects.rename(columns={"origin_region": "region_a", "destination_region": "region_b"})
    table["free"] = table["time_borderless_min"].where(table["time_actual_min"].notna())
    by = table.groupby(["region_a", "region_b"], sort=True)
    out = by.size().rename("pairs").to_frame()
    out["pairs_cut_off"] = by["cut_off"].sum().astype(int)
    free = by["free"].sum()
    out["border_effect"] = by["time_actual_min"].sum() / free.where(free > 0)
    out["border_effect_median"] = by["border_effect"].median()
    for column in ("detour_min", "delay_min", "extra_min"):
        out[column] = by[column].mean()
    out["circuity_median"] = by["circuity"].median()
    return out.reset_index()


def distance_bands(pairs: pd.DataFrame, *, edges_km: Sequence[float] = BANDS_KM) -> pd.DataFrame:
    """Return measures of pairs across the border beside those of domestic pairs of the same straight distance.

    Parameters
    ----------
    edges_km
        Edges of the bands, rising; a band holds its lower edge. Pairs outside all bands are left out.

    Returns
    -------
    ``from_km``, ``to_km``, ``kind`` (``domestic_a``, ``domestic_b``, ``domestic`` for both, ``cross``), ``pairs``,
    ``unserved_<network>``; over the others medians ``circuity`` and ``speed_<network>_kph`` (geodesic km an hour); and
    ``slower_<network>`` = the kind's median minutes per km over that of ``domestic`` in the band (NaN without either).

    Raises
    ------
    NetworkError
        Edges that do not rise.

    Notes
    -----
    Pairs share places and roads, so they are no independent sample: no p-value is given for the difference.
    """
    edges = np.asarray(edges_km, float)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise NetworkError(f"bands with edges {', '.join(f'{e:g}' for e in edges)} km: allowed are two or more, rising")
    band = np.searchsorted(edges, pairs["geodesic_km"].to_numpy(float), side="right") - 1
    table = pairs.assign(band=band)[(band >= 0) & (band < len(edges) - 1) & (pairs["geodesic_km"] > 0).to_numpy()]
    domestic = table[table["kind"] != "cross"].assign(kind="domestic")
    table = pd.concat([table, domestic], ignore_index=True)
    columns = {"circuity": table["circuity"]}
    for n in NETWORKS:
        columns[f"pace_{n}"] = table[f"time_{n}_min"] / table["geodesic_km"]
    by = pd.concat([table[["band", "kind"]], pd.DataFrame(columns)], axis=1).groupby(["band", "kind"])
    kinds = ["domestic_a", "domestic_b", "domestic", "cross"]
    rows = pd.MultiIndex.from_product([range(len(edges) - 1), kinds], names=["band", "kind"])
    median, size = by.median().reindex(rows), by.size().reindex(rows).fillna(0).astype(int)
    out = pd.DataFrame(index=rows).reset_index()
    out.insert(0, "from_km", edges[out["band"]])
    out.insert(1, "to_km", edges[out.pop("band") + 1])
    out["pairs"] = size.to_numpy()
    for n in NETWORKS:
        out[f"unserved_{n}"] = (size - by[f"pace_{n}"].count().reindex(rows).fillna(0).astype(int)).to_numpy()
    out["circuity"] = median["circuity"].to_numpy()
    at_home = median.xs("domestic", level="kind").reindex(median.index.get_level_values("band"))
    for n in NETWORKS:
        pace = median[f"pace_{n}"].to_numpy()
        out[f"speed_{n}_kph"] = 60 / np.where(pace > 0, pace, np.nan)
        out[f"slower_{n}"] = pace / at_home[f"pace_{n}"].to_numpy()
    return out


def matched_border_effect(pairs: pd.DataFrame, *, edges_km: Sequence[float] = BANDS_KM) -> pd.DataFrame:
    """Return how much slower trips across the border are than domestic ones as long, all bands together.

    The geometric mean over the pairs across the border of (minutes per km) / (median minutes per km of domestic pairs
    in the same band). Where `border_effect` compares a pair with itself without a border, this compares it with what a
    country gives its own; it also holds what nobody built towards the border.

    Returns
    -------
    ``network``, ``pairs``, ``pairs_without_match`` (no way, or no domestic pair in the band), ``slower`` (1: as at
    home).
    """
    bands = distance_bands(pairs, edges_km=edges_km)
    home = bands[bands["kind"] == "domestic"]
    cross = pairs[(pairs["kind"] == "cross") & (pairs["geodesic_km"] > 0)]
    edges = np.asarray(edges_km, float)
    band = np.searchsorted(edges, cross["geodesic_km"].to_numpy(float), side="right") - 1
    inside = (band >= 0) & (band < len(edges) - 1)
    rows = []
    for n in NETWORKS:
        expected = np.where(inside, 60 / home[f"speed_{n}_kph"].to_numpy()[np.where(inside, band, 0)], np.nan)
        ratio = cross[f"time_{n}_min"].to_numpy() / cross["geodesic_km"].to_numpy() / expected
        known = ratio[np.isfinite(ratio) & (ratio > 0)]
        mean = float(np.exp(np.log(known).mean())) if len(known) else np.nan
        rows.append({"network": n, "pairs": len(cross), "pairs_without_match": len(cross) - len(known), "slower": mean})
    return pd.DataFrame(rows)
