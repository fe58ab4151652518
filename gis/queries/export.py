"""Results in other formats, as `borderlink export` writes them: from a folder of results."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gis.manifest import versions
from layers.errors import OutputError
from layers.folders import fresh_folder
from layers.folders.ours import read_manifest
from layers.names import suggestion
from layers.secrets import masked
from layers.sources.postgis import is_database
from maps.export.files import FILES, write_style
from maps.export.layer import ExportLayer, read_layers, with_whole
from maps.export.shapefile import write_shapefile
from maps.export.workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMATS = (*FILES, "shapefile", "xlsx")
MARK = "export.json"
KINDS = {
    "run.json": "border.gpkg",
    "scenario.json": "scenario.gpkg",
    "sites.json": "sites.gpkg",
    "compare.json": "compare.gpkg",
}
"""Folders that can be handed on: what tells them apart, and their GeoPackage."""


def export(folder: Path, to: str, *, out: Path | None = None, schema: str = "borderlink") -> tuple[list[str], str]:
    """Write the layers and tables of a folder of results in another format.

    Parameters
    ----------
    folder
        Of a run, a scenario, a search for sites or a comparison.
    to
        One of `FORMATS`, or the address of a PostGIS database.
    out
        Folder for the files; ``<folder>-<format>`` where it is None.
    schema
        Of the database.

    Returns
    -------
    What was written, and where: a folder, or an address without its password.

    Raises
    ------
    OutputError
        The folder holds no results, the format is unknown, or there is no right or room to write.
    """
    if not is_database(to) and to not in FORMATS:
        shown = f"{masked(to)!r}{suggestion(to, FORMATS)}"
        raise OutputError(
            f"no format {shown}: allowed are {', '.join(FORMATS)}, or postgresql://user:password@host/database"
        )
    if to == "xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise OutputError('workbooks need openpyxl, which is not installed: pip install "borderlink[xlsx]"')
    gpkg, about = _results(folder)
    layers, tables = with_whole(read_layers(gpkg), folder), _tables(folder)
    if is_database(to):
        from gis.queries.to_postgis import write_postgis

        return write_postgis(to, layers, tables, schema=schema), f"{masked(to)}, schema {schema}"
    target = out or folder.with_name(f"{folder.name}-{to}")
    with fresh_folder(target, MARK, what="exported files") as fresh:
        if to == "xlsx":
            write_workbook(fresh / f"{gpkg.stem}.xlsx", tables, about["inputs"], title=about["title"])
        elif to == "shapefile":
            rows = [write_shapefile(fresh, layer) for layer in layers]
            _write_csv(pd.concat(rows), fresh / "fields.csv")
        else:
            for layer in layers:  # a file each
                FILES[to](fresh, layer)
                write_style(fresh, layer)
        _write_licences(fresh, layers, about)
        written = sorted(p.name for p in fresh.iterdir())
        content = {"format": to, "from": gpkg.name, "versions": versions(), "files": written}
        (fresh / MARK).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return written, str(target)


def _results(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the GeoPackage of a folder, and what its manifest says of study and inputs."""
    for mark, name in KINDS.items():
        if read_manifest(folder, mark) is not None and (folder / name).is_file():
            content = json.loads((folder / mark).read_text(encoding="utf-8"))
            study = content.get("study", {})
            title = study.get("title") or "–".join(study.get("sides", ())) or folder.name
            return folder / name, {"title": title, "inputs": pd.DataFrame(content.get("inputs", []))}
    raise OutputError(
        f"{folder} holds no results: allowed is a folder that borderlink run, scenario, sites or compare left"
    )


def _tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a folder by name; texts as they stand in the files, which no program reads as formulas."""
    return {
        p.stem: pd.read_csv(p, low_memory=False)
        for p in sorted((folder / "tables").glob("*.csv"))
        if p.stat().st_size > 1
    }


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _row(cells: Iterable[object]) -> str:
    """Return a row of a table in Markdown."""
    return "| " + " | ".join(str(c).replace("|", "/") for c in cells) + " |"


def _write_licences(folder: Path, layers: Sequence[ExportLayer], about: dict[str, Any]) -> None:
    """Write ``LICENCES.md``: whose every layer is, and the sources of the study."""
    lines = [f"# {about['title']}", "", "Made by borderlink; who passes these files on names their sources.", ""]
    lines += [_row(("layer", "what it shows", "whose", "licence")), _row(("---",) * 4)]
    lines += [_row((x.name, x.title, x.rights, x.licence)) for x in layers]
    sources = about["inputs"].reindex(columns=["layer", "source", "version", "date", "licence", "rights"]).fillna("")
    lines += ["", "## Sources", "", _row(sources.columns), _row(("---",) * len(sources.columns))]
    lines += [_row(row) for row in sources.itertuples(index=False)]
    (folder / "LICENCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
