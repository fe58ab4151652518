"""Growth points and bottlenecks: what each cell is called, and the numbers that made it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from analysis.statistics.hotspots import ALPHA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

COLUMNS = {"ratio": "cross_ratio", "lost": "lost_potential"}
"""Variables whose hot spots make labels, by the prefix of their local statistics."""
GROWTH, DETOUR, DELAY, NEITHER, NO_DATA = (
    "growth point",
    "bottleneck by detour",
    "bottleneck by delay",
    "neither",
    "no data",
)
GOOD, GAP = "isolated good crossing", "isolated gap (candidate)"
KEPT_SHARE = 0.5
"""A place keeps its label where at least this share of its cells does."""


def label_cells(cells: pd.DataFrame, *, alpha: float = ALPHA) -> pd.DataFrame:
    """Return each cell's label and its evidence.

    A growth point is a significant hot spot of the realised cross-border potential per potential at home
    (``cross_ratio``): G* hot and itself above the mean, or high among high in the local Moran. A bottleneck is a
    significant hot spot of the lost potential (``lost_potential``), by detour or by delay, whichever costs more
    there. Significant means an FDR-adjusted p of at most `alpha`. A cell that is both takes the label with the
    smaller adjusted p, in a tie the one with the larger z of G*; the two flags tell that it was both.

    Parameters
    ----------
    cells
        With ``cross_ratio``, ``lost_potential``, ``loss_detour``, ``loss_delay`` and the local statistics prefixed
        ``ratio_`` and ``lost_``.

    Returns
    -------
    ``label``, ``is_growth_point``, ``is_bottleneck``, ``ratio_q``, ``loss_q`` (the smaller adjusted p of the two
    statistics), ``evidence``.
    """
    n = len(cells)
    growth, growth_q, growth_z = _hot(cells, "ratio", alpha)
    narrow, narrow_q, narrow_z = _hot(cells, "lost", alpha)
    first = np.where(growth_q == narrow_q, growth_z >= narrow_z, growth_q < narrow_q)
    by_detour = np.nan_to_num(cells["loss_detour"].to_numpy(float)) > np.nan_to_num(cells["loss_delay"].to_numpy(float))
    label = np.full(n, NEITHER, dtype=object)
    label[narrow] = np.where(by_detour, DETOUR, DELAY)[narrow]
    label[growth & (~narrow | first)] = GROWTH
    label[~np.isfinite(cells["lost_potential"].to_numpy(float))] = NO_DATA
    out = pd.DataFrame({"label": label, "is_growth_point": growth, "is_bottleneck": narrow}, index=cells.index)
    out["ratio_q"], out["loss_q"] = growth_q, narrow_q
    out["evidence"] = _evidence(cells, out, growth_z, narrow_z)
    return out


def _hot(
    cells: pd.DataFrame, name: str, alpha: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return which cells are significantly hot, the smaller adjusted p of G* and local Moran on the hot side, and G*'s z."""
    if f"{name}_g_q" not in cells:
        return np.zeros(len(cells), bool), np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    z = cells[f"{name}_g_z"].to_numpy(float)
    # G* takes in the neighbours: a poor cell among rich ones is hot too, but no growth point itself.
    value = cells[COLUMNS[name]].to_numpy(float)
    above = value > np.nanmean(value)
    by_star = np.where((z > 0) & above, cells[f"{name}_g_q"].to_numpy(float), np.nan)
    high = (cells[f"{name}_moran_quadrant"] == "HH").to_numpy()
    by_moran = np.where(high, cells[f"{name}_moran_q"].to_numpy(float), np.nan)
    q = np.fmin(by_star, by_moran)
    return np.nan_to_num(q, nan=1.0) <= alpha, q, z


def _evidence(
    cells: pd.DataFrame, labels: pd.DataFrame, growth_z: NDArray[np.float64], narrow_z: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Return one line of numbers per labelled cell."""
    ratio, lost, loss = (cells[c].to_numpy(float) for c in ("cross_ratio", "lost_potential", "border_loss"))
    detour, delay = (cells[c].to_numpy(float) for c in ("loss_detour", "loss_delay"))
    out = np.full(len(cells), "", dtype=object)
    for i in np.flatnonzero((labels["label"] != NEITHER) & (labels["label"] != NO_DATA)):  # labelled cells only
        if labels["label"].iloc[i] == GROWTH:
            out[i] = f"ratio {ratio[i]:.2f}, G* z {growth_z[i]:.1f}, adjusted p {labels['ratio_q'].iloc[i]:.4f}"
        else:
            out[i] = (
                f"lost {lost[i]:,.0f} person-equivalents ({loss[i]:.0%}: detour {detour[i]:.0%}, delay {delay[i]:.0%}), "
                f"G* z {narrow_z[i]:.1f}, adjusted p {labels['loss_q'].iloc[i]:.4f}"
            )
    return out


def named_places(
    cells: pd.DataFrame,
    settlements: pd.DataFrame,
    *,
    checkpoint_names: Mapping[str, str] | None = None,
    alternatives: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Return growth points and bottlenecks as named places: neighbouring cells of one label on one side are one place.

    Parameters
    ----------
    cells
        Labelled, with ``lon``, ``lat``, ``nearest_checkpoint``.
    settlements
        Points with ``name``, ``population``, ``side``.
    checkpoint_names
        From ids to names, for ``checkpoint_names``.
    alternatives
        Labels of the same cells under other resolutions, weights or grids, by ``cell`` (`analysis.statistics.sensitivity`), for ``stability``.

    Returns
    -------
    One row per place, ranked within its label: ``label``, ``place`` (largest settlement in its cells, else the
    nearest of its side), ``side``, ``regions``, ``cells``, ``population``, ``strength`` (mean ratio of a growth
    point, lost person-equivalents summed for a bottleneck), ``checkpoints``, ``best_q``, ``facing`` (regions of the nearest
    cells on the other side); where asked for, ``checkpoint_names`` and ``stability`` (see `place_stability`).
    """
    from analysis.units import h3_weights

    rows = []
    marked = cells[~cells["label"].isin([NEITHER, NO_DATA])]
    marked = marked.assign(facing=_facing(cells, marked))
    for (label, side), group in marked.groupby(["label", "side"], sort=True):
        near = h3_weights(group["cell"])
        left = set(group["cell"])
        while left:  # connected cells of one label: a few dozen
            seed = min(left)
            stack, part = [seed], {seed}
            while stack:
                fresh = [n for n in near[stack.pop()] if n not in part]
                part.update(fresh)
                stack.extend(fresh)
            left -= part
            own = group[group["cell"].isin(part)]
            rows.append(_place(str(label), str(side), own, settlements) | _asked(own, checkpoint_names, alternatives))
    columns = [
        "label",
        "place",
        "side",
        "regions",
        "cells",
        "population",
        "strength",
        "checkpoints",
        "best_q",
        "facing",
    ]
    table = pd.DataFrame(rows, columns=columns + _more(checkpoint_names, alternatives))
    return table.sort_values(["label", "strength"], ascending=[True, False], kind="stable", ignore_index=True)


def isolated_outliers(
    cells: pd.DataFrame,
    settlements: pd.DataFrame,
    *,
    alpha: float = ALPHA,
    checkpoint_names: Mapping[str, str] | None = None,
    alternatives: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Return the cells that stand out from their neighbours, ranked: isolated good crossings and isolated gaps.

    The outliers of the local Moran of the realised ratio (``cross_ratio``) with an adjusted p of at most `alpha`: high among
    low is an isolated good crossing, low among high an isolated gap, which is a candidate for a new checkpoint. A candidate
    for a study, no more: neither roads nor ground are in it.

    Parameters
    ----------
    cells
        With ``cross_ratio`` and the local statistics prefixed ``ratio_``; the rest as for `named_places`.

    Returns
    -------
    One row per cell, within its label from the surest to the least sure, then from the strongest: ``label``, ``rank``, ``place``,
    ``side``, ``regions``, ``facing``, ``cell``, ``lon``, ``lat``, ``population``, ``cross_ratio``, ``around`` (mean ratio of its
    neighbours), ``checkpoints``, ``best_q``; ``checkpoint_names`` and ``stability`` (of the cell's own label) where asked for.
    """
    columns = ["label", "rank", "place", "side", "regions", "facing", "cell", "lon", "lat", "population", "cross_ratio"]
    columns += ["around", "checkpoints", "best_q", *_more(checkpoint_names, alternatives)]
    if "ratio_moran_q" not in cells:
        return pd.DataFrame(columns=columns)
    from analysis.units import h3_weights

    sure = (cells["ratio_moran_q"] <= alpha) & cells["ratio_moran_quadrant"].isin(["HL", "LH"])
    out = cells[sure]
    out = out.assign(facing=_facing(cells, out))
    ratio = cells.set_index("cell")["cross_ratio"]
    near = h3_weights(cells["cell"])
    rows = []
    for i in range(len(out)):  # outliers: a handful
        own = out.iloc[[i]]
        here = own.iloc[0]
        label = GOOD if here["ratio_moran_quadrant"] == "HL" else GAP
        row = _place(label, str(here["side"]), own, settlements) | _asked(own, checkpoint_names, alternatives)
        row |= {c: here[c] for c in ("cell", "lon", "lat", "cross_ratio")}
        rows.append(row | {"around": float(ratio[near[here["cell"]]].mean()), "best_q": float(here["ratio_moran_q"])})
    table = pd.DataFrame(rows, columns=columns)
    gap = (table["cross_ratio"].astype(float) - table["around"].astype(float)).abs()
    table = table.assign(gap=-gap).sort_values(["label", "best_q", "gap"], kind="stable", ignore_index=True)
    return table.assign(rank=table.groupby("label").cumcount() + 1)[columns]


def place_stability(cells: pd.DataFrame, alternatives: Mapping[str, pd.Series]) -> float:
    """Return the share of alternatives in which cells of one label keep it, as a place.

    An alternative counts where it knows one of the cells at least; it keeps the label where half of those it knows have it. NaN
    where no alternative counts.

    Examples
    --------
    >>> place = pd.DataFrame({"cell": ["p", "q"], "label": "growth point"})
    >>> other = {"res 5": pd.Series({"p": "growth point", "q": "neither"}), "KNN": pd.Series({"p": "neither", "q": "neither"})}
    >>> place_stability(place, other)
    0.5
    """
    kept = []
    for labels in alternatives.values():
        found = labels.reindex(cells["cell"])
        known = (found.notna() & (found != NO_DATA)).to_numpy()
        if known.any():
            kept.append((found.to_numpy() == cells["label"].to_numpy())[known].mean() >= KEPT_SHARE)
    return float(np.mean(kept)) if kept else float("nan")


def _more(names: Mapping[str, str] | None, alternatives: Mapping[str, pd.Series] | None) -> list[str]:
    """Return the columns that were asked for."""
    return ["checkpoint_names"] * (names is not None) + ["stability"] * (alternatives is not None)


def _asked(
    cells: pd.DataFrame, names: Mapping[str, str] | None, alternatives: Mapping[str, pd.Series] | None
) -> dict[str, object]:
    """Return what was asked for of a place's cells."""
    out: dict[str, object] = {"facing": "|".join(sorted(set(cells["facing"]) - {""}))}
    if names is not None:
        ids = sorted(set(cells["nearest_checkpoint"]) - {""})
        out["checkpoint_names"] = "|".join(str(names.get(i, i)) for i in ids)
    if alternatives is not None:
        out["stability"] = place_stability(cells, alternatives)
    return out


def _facing(cells: pd.DataFrame, marked: pd.DataFrame) -> NDArray[np.object_]:
    """Return the region of the nearest cell on the other side of each marked cell, empty where there is none."""
    out = np.full(len(marked), "", dtype=object)
    for side in ("a", "b"):
        mine = (marked["side"] == side).to_numpy()
        other = cells[(cells["side"] != side).to_numpy()]
        if mine.any() and len(other):
            _, near = cKDTree(_sphere(other)).query(_sphere(marked[mine]))
            out[mine] = other["region"].to_numpy(dtype=object)[near]
    return out


def _sphere(cells: pd.DataFrame) -> NDArray[np.float64]:
    """Return the centres as unit vectors: the nearest by chord is the nearest on the ground."""
    lon, lat = np.radians(cells["lon"].to_numpy(float)), np.radians(cells["lat"].to_numpy(float))
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _place(label: str, side: str, cells: pd.DataFrame, settlements: pd.DataFrame) -> dict[str, object]:
    """Return one place as a row."""
    growth = label == GROWTH
    own = settlements[(settlements["side"] == side) & (settlements["population"] > 0)]
    lon, lat = own.geometry.x.to_numpy(), own.geometry.y.to_numpy()
    scale = np.cos(np.radians(cells["lat"].mean()))
    gap = np.hypot((lon[:, None] - cells["lon"].to_numpy()) * scale, lat[:, None] - cells["lat"].to_numpy()).min(axis=1)
    # A cell of resolution 4 reaches some 26 km from its centre: what is nearer lies in it, or as good as.
    inside = gap * 111 <= 26
    named = own["name"].to_numpy()
    order = np.lexsort((gap, -np.where(inside, own["population"], 0)))
    return {
        "label": label,
        "place": str(named[order[0]]) if len(named) else "",
        "side": side,
        "regions": "|".join(sorted(set(cells["region"]))),
        "cells": len(cells),
        "population": int(cells["population"].sum()),
        "strength": float(cells["cross_ratio"].mean() if growth else cells["lost_potential"].sum()),
        "checkpoints": "|".join(sorted(set(cells["nearest_checkpoint"]) - {""})),
        "best_q": float((cells["ratio_q"] if growth else cells["loss_q"]).min()),
    }
