"""The rasters of a run and of a scenario.

Minutes to the nearest post and city across, potential, and what a scenario changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.reach.surfaces import Surface, belt_grid, city_surface, potential_surface
from maps.rasters import RasterStyle, change_styles, city_style, potential_style, travel_time_style, write_raster

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from gis.inputs import Prepared
    from gis.measures import Measures


Across = tuple[Surface, "Surface | None"]
"""Minutes to the nearest city across, and the potential across where the study has a half-life."""
Values = tuple["NDArray[np.float64]", "NDArray[np.float64] | None"]
"""The values of both."""


class Raster(NamedTuple):
    """A drawing, and the values under it, NaN where there is none."""

    style: RasterStyle
    surface: Surface


def run_rasters(measures: Measures, across: Across) -> list[Raster]:
    """Return the rasters of a run; potential only where its decay is one by half-life (`analysis.reach.surfaces`).

    Parameters
    ----------
    across
        From `across_surfaces`.
    """
    found = [Raster(travel_time_style(), measures.surface)]
    city, potential = across
    if np.isfinite(city.minutes).any():
        found.append(Raster(city_style(), city))
    if potential is not None and np.isfinite(potential.minutes).any():
        found.append(Raster(potential_style(potential.minutes), potential))
    return found


def scenario_rasters(before: Values, after: Across) -> list[Raster]:
    """Return what a scenario changes; nothing where no value is known both before and after.

    Parameters
    ----------
    before
        Values of the border as it is over the same cells: minutes to the nearest city across, and the potential.
    after
        From `across_surfaces`.
    """
    city, potential = after
    styles = change_styles()
    found = []
    if potential is not None and before[1] is not None:
        old, new = before[1], potential.minutes
        change = np.divide(100 * (new - old), old, out=np.full(old.shape, np.nan), where=old > 0)
        found.append(Raster(styles[0], Surface(change, potential.inside, potential.transform)))
    found.append(Raster(styles[1], Surface(city.minutes - before[0], city.inside, city.transform)))
    return [raster for raster in found if np.isfinite(raster.surface.minutes).any()]


def write_rasters(folder: Path, rasters: list[Raster], prepared: Prepared) -> list[RasterStyle]:
    """Write each as a cloud-optimised GeoTIFF with its QML, and return their drawings."""
    for style, surface in rasters:  # four at the most
        write_raster(
            folder / style.file,
            _single(surface.minutes),
            transform=surface.transform,
            crs=prepared.crs,
            description=style.title,
            units=style.unit,
            style=style,
        )
    return [raster.style for raster in rasters]


def _single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with nine digits less than none: the same bytes whatever the order of sums."""
    return np.round(values, 3)


def across_surfaces(prepared: Prepared, measures: Measures) -> Across:
    """Return minutes to the nearest city across, and the potential across where there is a half-life."""
    study, access = prepared.study, measures.access
    if access is None:
        return Surface(
            np.full_like(measures.surface.minutes, np.nan), measures.surface.inside, measures.surface.transform
        ), None
    router, settings = access.router, study.analysis
    network = router.network
    grid = measures.surface.grid
    if grid is None:
        grid = belt_grid(network, prepared.border, depth_km=settings.depth_km, cell_km=settings.raster_km)
    city = city_surface(network, router, grid, city_people=study.reach.city_people)
    if settings.decay is not None:
        return city, None
    return city, potential_surface(network, router, grid, access.targets, half_life_min=settings.half_life_min)
