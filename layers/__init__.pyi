from .checkpoints import assumed_waits, find_checkpoint, open_to, usable_wait_min, with_hours, with_waits
from .crs import (
    areas_km2,
    fit_equal_area,
    geodesic_m,
    line_lengths_m,
    lines_between,
    points_at,
    project,
    require_equal_area,
)
from .distances import published_distances
from .errors import BorderlinkError, CRSError, LayerError, NetworkError, OutputError, PlaceError, StudyError, short
from .hours import daily_hours, read_hours
from .indicators import read_indicators
from .io import Source, describe_file, read_layer
from .population import PopulationRaster, open_population
from .regions import belt, border_axis, border_line, clip_to_belt, region_of, side_of, study_crs, touching, with_sides
from .schema import empty_layer, validate
from .secrets import all_masked, masked
from .settlements import Place, find_place, normalise, parse_lonlat, with_known_people

DISTRIBUTION: str

__all__ = [
    "DISTRIBUTION",
    "BorderlinkError",
    "CRSError",
    "LayerError",
    "NetworkError",
    "OutputError",
    "Place",
    "PlaceError",
    "PopulationRaster",
    "Source",
    "StudyError",
    "all_masked",
    "areas_km2",
    "assumed_waits",
    "belt",
    "border_axis",
    "border_line",
    "clip_to_belt",
    "daily_hours",
    "describe_file",
    "empty_layer",
    "find_checkpoint",
    "find_place",
    "fit_equal_area",
    "geodesic_m",
    "line_lengths_m",
    "lines_between",
    "masked",
    "normalise",
    "open_population",
    "open_to",
    "parse_lonlat",
    "points_at",
    "project",
    "published_distances",
    "read_hours",
    "read_indicators",
    "read_layer",
    "region_of",
    "require_equal_area",
    "short",
    "side_of",
    "study_crs",
    "touching",
    "usable_wait_min",
    "validate",
    "with_hours",
    "with_known_people",
    "with_sides",
    "with_waits",
]
