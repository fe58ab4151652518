"""Answers as files: a way and isochrones as GeoPackages with a QGIS project in them, isochrones as a map too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from gis.contents import PLACES, names_of, sides_of, study_name
from layers.crs import fit_equal_area
from layers.errors import OutputError
from layers.folders.single import write_file
from maps.contents import Contents
from maps.i18n import _, language, localised
from maps.phrases import spoken
from maps.styles.layers import run_styles
from maps.styles.queries import PASSED, WAY
from maps.styles.rights import credited
from maps.styles.thematic import isochrone_style

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from gis.inputs import Prepared
    from gis.queries.route import Route

GROUND = ("checkpoints", "border_line")


def write_route(path: FilePath, found: Route, *, inputs: Sequence[str | FilePath] = ()) -> None:
    """Write a way as a GeoPackage: its links in order, and the checkpoints that it passes with their waits.

    Raises
    ------
    OutputError
        The file has another ending, can't be written, or is one that we did not write.
    """
    check_ending(path)
    if found.links is None:
        raise OutputError(f"{path} can't be written: the way has no links")
    links = found.links
    drawn = links[shapely.length(links.geometry.to_numpy()) > 0]
    passed = links[links["checkpoint"] != ""]
    posts = passed.set_geometry(shapely.get_point(passed.geometry.to_numpy(), 0), crs=links.crs)
    layers = {"way": drawn.assign(**{"class": np.where(drawn["kind"] == "connector", "connector", "way")})}
    styles = [WAY]
    if len(posts):
        layers["passed"] = posts[["step", "checkpoint", "wait_min", "wait_p90_min", "geometry"]]
        styles = [PASSED, WAY]
    crs = fit_equal_area(shapely.union_all(drawn.geometry.to_numpy())) if len(drawn) else None
    contents = Contents(
        title=f"{found.origin} – {found.destination}",
        layers=layers,
        styles=[spoken(s, ("a", "b")) for s in styles],
        crs=crs,
        lang=language(),
    )
    _write_geopackage(path, contents, inputs)


def write_isochrones(
    path: FilePath, found: gpd.GeoDataFrame, prepared: Prepared | None = None, *, inputs: Sequence[str | FilePath] = ()
) -> None:
    """Write isochrones as a GeoPackage with its QGIS project in it, the nearest darkest.

    With the layers, line and checkpoints too.

    Raises
    ------
    OutputError
        See `write_route`.
    """
    check_ending(path)
    if prepared is None:
        styles = [replace(isochrone_style(sorted(found["minutes"].unique())), visible=True)]
        styles = [spoken(style, ("a", "b")) for style in styles]
        contents = Contents(title=_("Isochrones"), layers={"isochrones": found}, styles=styles, lang=language())
    else:
        contents = _isochrones(found, prepared)
    _write_geopackage(path, contents, inputs)


def _write_geopackage(path: FilePath, contents: Contents, inputs: Sequence[str | FilePath]) -> None:
    """Write a GeoPackage that holds the project which draws it."""
    # Drawing takes half a second to import, which who only computes need not wait for.
    from maps.qgis.project import project_bytes, write_geopackage

    subject = next(iter(contents.layers.values()))
    seen = subject.to_crs(contents.crs or subject.crs).total_bounds
    project = project_bytes(path.stem, contents, gpkg_name=path.name, extent=box_of(seen))
    write_file(path, lambda draft: write_geopackage(draft, contents, projects={path.stem: project}), inputs=inputs)


def write_isochrone_map(
    path: FilePath, found: gpd.GeoDataFrame, prepared: Prepared, *, inputs: Sequence[str | FilePath] = ()
) -> None:
    """Write isochrones as a map for the browser, with the border line and the open checkpoints.

    Raises
    ------
    OutputError
        See `write_route`.
    """
    from maps.web.map import write_map

    contents = _isochrones(found, prepared)
    west, south, east, north = (float(v) for v in found.total_bounds)
    write_file(path, lambda draft: write_map(draft, contents.filled, fit=(west, south, east, north)), inputs=inputs)


def _isochrones(found: gpd.GeoDataFrame, prepared: Prepared) -> Contents:
    """Return isochrones with the border line and the open checkpoints."""
    posts = prepared.layers["checkpoints"]
    posts = posts[posts["open"].astype(bool)]
    known = {s.key: s for s in run_styles()}
    line = replace(known["border_line"], fields={"length_km": "Length (km)"})
    own = replace(known["checkpoints"], fields={k: v for k, v in known["checkpoints"].fields.items() if k in posts})
    named, sides = names_of(prepared), sides_of(prepared)
    limits = sorted(found["minutes"].unique())
    drawn = [own, line, replace(isochrone_style(limits), visible=True)]
    styles = credited(drawn, pd.DataFrame(prepared.sources))
    places = ", ".join(named.names.get(p, p) for p in dict.fromkeys(found["place"]))
    layers = {
        "isochrones": found,
        "checkpoints": posts.assign(**{"class": posts["mode"] + " open"})[["class", *own.fields, "geometry"]],
        "border_line": prepared.border[["length_km", "geometry"]],
    }
    return Contents(
        title=_("{list}: within {minutes} min").format(
            list=places, minutes=", ".join(localised(f"{m:g}") for m in limits)
        ),
        subtitle=study_name(prepared.study),
        layers={n: named.frame(frame, PLACES) for n, frame in layers.items()},
        styles=[spoken(style, sides) for style in styles],
        sides=sides,
        notes=[_("Waits and speeds are assumptions unless a source says otherwise")],
        crs=prepared.crs,
        lang=language(),
    )


def box_of(bounds: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return a box wider on every hand by a tenth of its longer side.

    Examples
    --------
    >>> box_of(np.array([0.0, 0.0, 10.0, 10.0]))
    (-1.0, -1.0, 11.0, 11.0)
    """
    west, south, east, north = (float(v) for v in bounds)
    margin = 0.1 * max(east - west, north - south, 1e-3)
    return west - margin, south - margin, east + margin, north + margin


def check_ending(path: FilePath) -> None:
    """Refuse a file that is no GeoPackage by its name.

    Raises
    ------
    OutputError
        It has another ending.
    """
    if path.suffix.lower() != ".gpkg":
        raise OutputError(f"{path} can't be written: allowed is a file *.gpkg")
