"""Two folders of runs side by side: last year's extract and this year's, one's own waits and a colleague's.

What changed in inputs and settings, findings, posts, places, regions and cells, as tables, a map and a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.planning.scenarios import before_and_after
from gis.manifest import versions
from gis.queries.compared_words import in_words, summed_up
from gis.tables import write_tables
from layers.crs import fit_equal_area
from layers.errors import OutputError
from layers.folders import fresh_folder, settle
from layers.folders.ours import read_manifest
from maps.columns import dictionary
from maps.contents import Contents
from maps.export.layer import read_layers
from maps.i18n import _, country, language, speaking
from maps.phrases import phrase, spoken
from maps.placenames import Renamed
from maps.qgis.project import write_qgis
from maps.report.comparison import write_comparison
from maps.report.pdf import pdf_beside
from maps.styles.comparison import comparison_styles
from maps.web.map import write_map

MARK, RUN = "compare.json", "run.json"
POSTS = ("wait_min", "share", "criticality_min", "unserved_share")
REGIONS = (
    "time_to_checkpoint_min",
    "potential_cross_actual",
    "border_loss",
    "checkpoints_open",
    "population",
    "index",
    "rank_median",
)
CELLS = ("time_to_checkpoint_min", "potential_cross_actual", "border_loss", "population")
SAME = 1e-6
"""Below this share of the larger a number counts as the same: sums in another order differ by less."""


@dataclass(frozen=True)
class Run:
    """A folder of a run: what its manifest says, its tables, and the layers of its GeoPackage."""

    folder: Path
    about: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    layers: Mapping[str, gpd.GeoDataFrame]

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Return the run of a folder.

        Raises
        ------
        OutputError
            It holds no run.
        """
        settle(folder)
        if read_manifest(folder, RUN) is None or not (folder / "border.gpkg").is_file():
            raise OutputError(f"{folder} holds no run: allowed is a folder that borderlink run left")
        names = ("checkpoints", "regions", "cells", "places")
        paths = {n: folder / "tables" / f"{n}.csv" for n in names}
        tables = {n: pd.read_csv(p, low_memory=False) for n, p in paths.items() if p.is_file() and p.stat().st_size > 1}
        layers = {layer.name: layer.frame for layer in read_layers(folder / "border.gpkg")}
        return cls(folder, json.loads((folder / RUN).read_text(encoding="utf-8")), tables, layers)

    @property
    def sides(self) -> tuple[str, str]:
        """Codes of the two sides."""
        a, b = self.about["study"]["sides"]
        return str(a), str(b)


def compare_runs(first: Path, second: Path, *, out: Path, lang: str = "en") -> dict[str, Any]:
    """Write what lies between two runs and return what ``compare.json`` holds.

    Raises
    ------
    OutputError
        A folder holds no run, they are of two borders, or the folder for the comparison can't be written.
    """
    before, after = Run.read(first), Run.read(second)
    if before.sides != after.sides:
        raise OutputError(
            f"{first} is of {'–'.join(before.sides)}, {second} of {'–'.join(after.sides)}: allowed are two runs "
            "of one border"
        )
    with speaking(lang):
        return _written(before, after, out, (first, second))


def _written(before: Run, after: Run, out: Path, folders: tuple[Path, Path]) -> dict[str, Any]:
    """Write the comparison in the language that is spoken."""
    tables = compared(before, after)
    sides = (country(after.sides[0]), country(after.sides[1]))
    named = _posts_named(after)
    summary = [named.text(phrase(line)) for line in summed_up(tables)]
    words = {name: [named.text(phrase(line)) for line in lines] for name, lines in in_words(tables).items()}
    contents = Contents(
        title=phrase(f"{before.folder.name} and {after.folder.name} side by side"),
        subtitle=_("{name} and {other}").format(name=_title(before), other=_title(after)),
        headline=" ".join(summary[:1]),
        layers={n: named.frame(frame, ("name",)) for n, frame in _layers(after, before, tables).items()},
        styles=[spoken(style, sides) for style in comparison_styles()],
        tables={n: named.frame(table, ("name",)) for n, table in tables.items()},
        sides=sides,
        notes=[_("Blue gains, red loses: the second run beside the first")],
        findings=summary,
        crs=fit_equal_area(after.layers["border_line"].geometry.union_all()),
        lang=language(),
    )
    with fresh_folder(out, MARK, what="a comparison") as folder:
        write_tables(
            folder / "tables",
            {**tables, "columns": dictionary({n: list(map(str, t.columns)) for n, t in tables.items()})},
        )
        write_map(folder / "map.html", contents.filled)
        write_qgis(folder, "compare", contents)
        page = folder / "report.html"
        write_comparison(page, contents, words, pdf=pdf_beside(page))
        content = {
            "first": str(folders[0]),
            "second": str(folders[1]),
            "summary": summary,
            "versions": versions(),
            "rows": {name: len(table) for name, table in tables.items()},
        }
        (folder / MARK).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return content


def _posts_named(run: Run) -> Renamed:
    """Return the names of checkpoints and regions in the language, where the run holds them."""
    points, lang = run.tables["checkpoints"], language()
    own = points[f"name_{lang}"] if f"name_{lang}" in points else points["name"]
    known = {str(n): str(o) for n, o in zip(points["name"], own, strict=True) if isinstance(o, str) and o and o != n}
    regions = run.tables["regions"]["name"].astype(str)
    return Renamed(known | {name: _(name) for name in regions if _(name) != name})


def _title(run: Run) -> str:
    """Return what a run calls itself, and when it was made."""
    study = run.about["study"]
    return str(study.get("title") or "–".join(run.sides))


def compared(before: Run, after: Run) -> dict[str, pd.DataFrame]:
    """Return the tables of a comparison.

    ``inputs``, ``settings``, ``findings``, ``posts``, ``places``, ``regions``, ``cells``.
    """
    return {
        "inputs": _inputs(before, after),
        "settings": _settings(before, after),
        "findings": _findings(before, after),
        "posts": _posts(before, after),
        "places": _places(before, after),
        "regions": _numbers(before, after, "regions", "region", REGIONS, ("name", "side")),
        "cells": _numbers(before, after, "cells", "cell", CELLS, ("place", "side", "region")),
    }


def _inputs(before: Run, after: Run) -> pd.DataFrame:
    """Return the layers with source, date, rows and hash in both runs, and whether they are the same."""
    parts = [
        pd.DataFrame(run.about["inputs"]).reindex(columns=["layer", "source", "date", "rows", "sha256"])
        for run in (before, after)
    ]
    keyed = [p.drop_duplicates("layer").set_index("layer") for p in parts]
    layers = list(dict.fromkeys([*keyed[0].index, *keyed[1].index]))
    old, new = (k.reindex(layers) for k in keyed)
    table = pd.DataFrame({"layer": layers})
    for column in old:
        table[f"{column}_before"], table[f"{column}_after"] = old[column].to_numpy(), new[column].to_numpy()
    same = (old["sha256"].eq(new["sha256"]) | (old["sha256"].isna() & new["sha256"].isna())).to_numpy()
    there = [k.index for k in keyed]
    known = [np.array([name in index for name in layers], bool) for index in there]
    table["change"] = np.select([~known[0], ~known[1], ~same], ["new", "gone", "changed"], "same")
    return table


def _settings(before: Run, after: Run) -> pd.DataFrame:
    """Return the settings that differ; paths of files are those of the study."""
    old, new = (dict(_flat(run.about["study"])) for run in (before, after))
    rows = [
        (k, str(old.get(k, "")), str(new.get(k, "")), "changed")
        for k in sorted({*old, *new})
        if k != "title" and old.get(k) != new.get(k)
    ]
    return pd.DataFrame(rows, columns=["setting", "before", "after", "change"])


def _flat(part: Any, head: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a study by their dotted names."""
    if isinstance(part, dict) and part:
        for key, value in part.items():
            yield from _flat(value, f"{head}.{key}" if head else str(key))
    elif part != {}:
        yield head, part


def _findings(before: Run, after: Run) -> pd.DataFrame:
    """Return the sentences of both runs: those that stand in both, and those of one alone."""
    old, new = before.about["findings"], after.about["findings"]
    rows = [*(("same" if f in new else "gone", f) for f in old), *(("new", f) for f in new if f not in old)]
    return pd.DataFrame(rows, columns=["change", "finding"])


def _posts(before: Run, after: Run) -> pd.DataFrame:
    """Return the checkpoints with status and numbers in both runs."""
    table = _numbers(before, after, "checkpoints", "checkpoint_id", POSTS, ("name", "mode", "lon", "lat"))
    old, new = (
        run.tables["checkpoints"].set_index("checkpoint_id")["status"].reindex(table["checkpoint_id"])
        for run in (before, after)
    )
    table["status_before"], table["status_after"] = old.to_numpy(), new.to_numpy()
    moved = table["change"].eq("changed") | (old.ne(new) & old.notna() & new.notna()).to_numpy()
    table["change"] = table["change"].mask(moved & table["change"].eq("same"), "changed")
    return table


def _places(before: Run, after: Run) -> pd.DataFrame:
    """Return the places of the finding with ranks and effects in both runs."""
    parts = []
    for run in (before, after):
        known = run.tables.get(
            "places", pd.DataFrame(columns=["cell", "finding", "place", "rank", "growth", "excess_min", "population"])
        )
        parts.append(known.assign(key=known["finding"].astype(str) + " " + known["cell"].astype(str)))
    table = _joined(
        parts[0], parts[1], "key", ("rank", "growth", "excess_min"), ("place", "finding", "population", "cell")
    )
    return table.drop(columns="key").sort_values(["finding", "rank_after", "rank_before"], ignore_index=True)


def _numbers(
    before: Run, after: Run, name: str, key: str, columns: tuple[str, ...], keep: tuple[str, ...]
) -> pd.DataFrame:
    return _joined(before.tables[name], after.tables[name], key, columns, keep)


def _joined(
    before: pd.DataFrame, after: pd.DataFrame, key: str, columns: tuple[str, ...], keep: tuple[str, ...]
) -> pd.DataFrame:
    """Return columns of both tables side by side and ``change``.

    New, gone, changed or same; columns that one lacks are left out.
    """
    wanted = tuple(c for c in columns if c in before and c in after)
    kept = tuple(c for c in keep if c in before and c in after)
    table = before_and_after(before, after, key, wanted, keep=kept)
    old, new = (table[key].isin(t[key]).to_numpy() for t in (before, after))
    moved = np.zeros(len(table), bool)
    for column in wanted:
        moved |= _differs(table[f"{column}_before"], table[f"{column}_after"])
    table["change"] = np.select([~old, ~new, moved], ["new", "gone", "changed"], "same")
    return table


def _differs(before: pd.Series, after: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where two columns differ by more than rounding, or one knows what the other does not."""
    a, b = before.to_numpy(float), after.to_numpy(float)
    return np.asarray(~np.isclose(a, b, rtol=SAME, atol=1e-9, equal_nan=True), bool)


def _layers(after: Run, before: Run, tables: Mapping[str, pd.DataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the map: cells by change, checkpoints and places by what became of them, and the ground."""
    shapes = pd.concat(
        [after.layers["cells"][["cell", "geometry"]], before.layers["cells"][["cell", "geometry"]]]
    ).drop_duplicates("cell")
    cells = tables["cells"]
    old = cells["potential_cross_actual_before"]
    cells = cells.assign(potential_change_pct=100 * cells["potential_cross_actual_change"] / old.where(old > 0))
    posts, places = tables["posts"], tables["places"]
    at = gpd.points_from_xy(posts["lon"], posts["lat"], crs="EPSG:4326")
    centres = (
        shapes.set_index("cell").geometry.reindex(places["cell"]).representative_point()
        if len(places)
        else gpd.GeoSeries([], crs="EPSG:4326")
    )
    return {
        "cells_compared": gpd.GeoDataFrame(shapes.merge(cells, on="cell"), geometry="geometry", crs="EPSG:4326"),
        "posts_compared": gpd.GeoDataFrame(posts, geometry=at),
        "places_compared": gpd.GeoDataFrame(places, geometry=centres.to_numpy(), crs="EPSG:4326"),
        **{name: after.layers[name] for name in ("border_line", "roads", "regions") if name in after.layers},
    }
