"""Facts of a registry joined to checkpoints out of OpenStreetMap: by name, distance and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.settlements import normalise
from layers.stretches import sphere_km

if TYPE_CHECKING:
    import geopandas as gpd

OSM = "OpenStreetMap"
FACT_KM = 50.0
UNNAMED_KM = 10.0
FROM_FACTS = (
    "checkpoint_id",
    "name",
    "name_ru",
    "name_kk",
    "regime",
    "control_wait_min",
    "wait_assumed",
    "wait_p90_min",
    "wait_truck_min",
    "capacity_per_day",
    "observed_per_day",
    "wait_source",
    "vehicles",
    "partners",
)


def with_facts(
    rows: list[dict[str, Any]], facts: gpd.GeoDataFrame | None, report: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the checkpoints with what the facts tell of them, and the facts that belong to none."""
    report.update(facts_by_name=0, facts_without_name=0, facts_alone=[], namesakes_refused=[], status_differs=[])
    if facts is None or facts.empty:
        return rows
    place = shapely.get_coordinates(facts.geometry.to_numpy())
    table = pd.DataFrame(facts.drop(columns="geometry")).assign(lon=place[:, 0], lat=place[:, 1])
    known = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    away = np.linalg.norm(
        sphere_km(place)[:, None] - sphere_km(np.array([(r["lon"], r["lat"]) for r in rows]))[None], axis=2
    )
    fit: dict[str, list[tuple[float, int, int]]] = {"by_name": [], "without_name": []}
    for i, fact in enumerate(known):  # dozens by dozens
        for j, row in enumerate(rows):
            if fact["mode"] != row["mode"]:
                continue
            same_name = bool(_names(fact) & _names(row))
            same_regions = _same_regions(fact, row)
            if same_name and not (same_regions and away[i, j] <= FACT_KM):
                report["namesakes_refused"].append(f"{fact['checkpoint_id']}, {row['checkpoint_id']}")
            elif same_name:
                fit["by_name"].append((float(away[i, j]), i, j))
            elif same_regions and not row["named"] and away[i, j] <= UNNAMED_KM:
                fit["without_name"].append((float(away[i, j]), i, j))
    partner: dict[int, int] = {}
    for match, pairs in fit.items():
        for _, i, j in sorted(pairs):
            if i not in partner and j not in partner.values():
                partner[i] = j
                report[f"facts_{match}"] += 1
    out = list(rows)
    for i, fact in enumerate(known):
        if i in partner:
            out[partner[i]] = _merged(rows[partner[i]], fact, report)
        else:
            report["facts_alone"].append(fact["checkpoint_id"])
            out.append({**fact, "named": True})
    return out


def _names(row: dict[str, Any]) -> set[str]:
    """Return all names of a checkpoint or fact, as they are compared."""
    parts = [row["name"], row["name_ru"], row["name_kk"], *row["names"].split("|")]
    return {normalise(p) for text in parts for p in text.split(" – ")} - {""}


def _same_regions(fact: dict[str, Any], row: dict[str, Any]) -> bool:
    """Return whether fact and checkpoint lie in the same regions, as far as both tell."""
    return all(not fact[c] or not row[c] or fact[c] == row[c] for c in ("region_a", "region_b"))


def _merged(row: dict[str, Any], fact: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint where OSM has it, with status, hours and waits of the fact."""
    if bool(fact["open"]) != row["open"]:
        report["status_differs"].append(fact["checkpoint_id"])
    taken = {c: fact[c] for c in FROM_FACTS if fact[c] not in ("", None)}
    return {
        **row,
        **taken,
        "open": bool(fact["open"]),
        "hours": fact["hours"] or row["hours"],
        "names": joined_names(row["names"], fact["names"]),
        "source": f"{fact['source']}; place: {OSM}" if fact["source"] else OSM,
        "as_of": fact["as_of"] or row["as_of"],
    }


def joined_names(*texts: str) -> str:
    """Return all names of some lists, each once, in the order of the alphabet."""
    return "|".join(sorted({part for text in texts for part in text.split("|") if part}))
