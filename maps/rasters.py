"""Rasters for people: cloud-optimised GeoTIFFs with nodata, unit and description, and a QML sidecar for QGIS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import affine
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile

from maps.i18n import _
from maps.qgis import qml
from maps.styles.classes import CHANGE_CLASSES, OSM, TIME_CLASSES, StyleClass
from maps.styles.quantiles import quantile_classes

NODATA = -9999.0
MINUTE_CHANGE_CLASSES = (
    StyleClass("60 min or more quicker", "#2166ac", lower=float("-inf"), upper=-60.0),
    StyleClass("1–60 min quicker", "#67a9cf", lower=-60.0, upper=-1.0),
    StyleClass("within 1 min", "#f7f7f7", lower=-1.0, upper=1.0),
    StyleClass("1–60 min slower", "#ef8a62", lower=1.0, upper=60.0),
    StyleClass("60 min or more slower", "#b2182b", lower=60.0, upper=float("inf")),
)


@dataclass(frozen=True)
class RasterStyle:
    """How one raster is drawn, named, described and licensed.

    Parameters
    ----------
    key
        Unique name of this drawing; `file` is the GeoTIFF's name beside the project.
    classes
        Graduated classes ``[lower, upper)``, lowest first.
    """

    key: str
    file: str
    title: str
    description: str
    group: str
    classes: tuple[StyleClass, ...]
    unit: str
    visible: bool = False
    opacity: float = 1.0
    licence: str = OSM[0]
    rights: str = OSM[1]


def _spoken(classes: tuple[StyleClass, ...]) -> tuple[StyleClass, ...]:
    """Return classes with their labels in the language that is written."""
    return tuple(replace(each, label=_(each.label)) for each in classes)


def travel_time_style() -> RasterStyle:
    """Return the drawing of the raster of travel times to the nearest open checkpoint."""
    return RasterStyle(
        key="travel_time",
        file="travel_time.tif",
        title=_("Travel time to the nearest open checkpoint"),
        description=_("Minutes to the nearest open checkpoint; blank where no road leads there"),
        group="Border belt",
        classes=_spoken(TIME_CLASSES),
        unit="min",
        opacity=0.75,
    )


def city_style() -> RasterStyle:
    """Return the drawing of the raster of travel times to the nearest city across the border."""
    return RasterStyle(
        key="city_across",
        file="city_across.tif",
        title=_("Travel time to the nearest city across the border"),
        description=_(
            "Minutes to the nearest city of the other side, waits at open checkpoints included; blank where no "
            "way leads there"
        ),
        group="Border belt",
        classes=_spoken(TIME_CLASSES),
        unit="min",
        opacity=0.75,
    )


def potential_style(values: npt.NDArray[np.floating[Any]]) -> RasterStyle:
    """Return the drawing of the raster of potential across the border, in quantiles of its values."""
    return RasterStyle(
        key="potential_across",
        file="potential_across.tif",
        title=_("Potential across the border"),
        description=_(
            "People across the border, each weighing half for every half-life of minutes; of the best node nearby"
        ),
        group="Border belt",
        classes=quantile_classes(np.asarray(values, float).ravel()),
        unit="person-equivalents",
        opacity=0.75,
    )


def change_styles() -> tuple[RasterStyle, RasterStyle]:
    """Return the drawings of what a scenario changes.

    Potential across the border, and minutes to the nearest city across.
    """
    potential = RasterStyle(
        key="potential_change",
        file="potential_change.tif",
        title=_("Change: potential across the border, as a surface"),
        description=_("How much of the potential across the border the scenario adds or takes"),
        group="Border belt",
        classes=_spoken(CHANGE_CLASSES),
        unit="%",
        opacity=0.75,
    )
    minutes = RasterStyle(
        key="city_across_change",
        file="city_across_change.tif",
        title=_("Change: minutes to the nearest city across"),
        description=_("Minutes after the scenario less minutes before; blank where no way leads there before or after"),
        group="Border belt",
        classes=_spoken(MINUTE_CHANGE_CLASSES),
        unit="min",
        opacity=0.75,
    )
    return potential, minutes


def write_raster(
    path: str | Path,
    values: npt.NDArray[np.floating[Any]],
    *,
    transform: affine.Affine,
    crs: pyproj.CRS,
    description: str,
    units: str,
    style: RasterStyle | None = None,
) -> None:
    """Write values as a cloud-optimised GeoTIFF, and `style` as the sidecar from which QGIS takes the legend.

    Parameters
    ----------
    path
        Where to write; a file that is there is replaced.
    values
        Two-dimensional, NaN where there is no value.
    transform
        From column and row to coordinates of `crs`.
    crs
        Of the raster; needs no authority code.
    description
        Of the band.
    units
        Of the values, such as ``min``.
    style
        Drawing for the sidecar ``<stem>.qml``; None leaves no sidecar, a stale one is removed.
    """
    path = Path(path)
    sidecar, draft = path.with_suffix(".qml"), path.with_name(f"{path.stem}.draft.tif")
    text = None if style is None else qml.raster_document(style.classes, opacity=style.opacity)
    # Written beside the target and moved: a run that breaks off leaves the old file whole.
    try:
        _write_cog(draft, _band(values), transform=transform, crs=crs, description=description, units=units)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if text is None:
        sidecar.unlink(missing_ok=True)
    else:
        sidecar.write_text(text, encoding="utf-8", newline="\n")


def _band(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"a raster needs a non-empty 2-D array, got shape {values.shape}")
    wrong = np.isinf(values) | (values == NODATA)
    if wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} values are infinite or {NODATA:g}, which marks nodata in the file; use NaN for "
            "no value"
        )
    return np.where(np.isnan(values), NODATA, values).astype(np.float32)


def _write_cog(
    path: Path,
    band: npt.NDArray[np.float32],
    *,
    transform: affine.Affine,
    crs: pyproj.CRS,
    description: str,
    units: str,
) -> None:
    height, width = band.shape
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": height,
        "width": width,
        "nodata": NODATA,
        "transform": transform,
        "crs": rasterio.crs.CRS.from_wkt(crs.to_wkt()),
    }
    # The COG driver only copies, so the values pass through a plain GeoTIFF in memory.
    with MemoryFile() as memory:
        with memory.open(**profile) as plain:
            plain.write(band, 1)
            plain.set_band_description(1, description)
            plain.units = (units,)
        with memory.open() as plain:
            rasterio.shutil.copy(
                plain,
                path,
                driver="COG",
                compress="deflate",
                predictor=3,
                overviews="AUTO",
                blocksize=256,
                overview_resampling="average",
            )
