from .accessibility import (
    Targets,
    by_network,
    posts,
    potentials,
    settlement_times,
    time_to_checkpoint,
    touches_frame,
    travel_times,
)
from .catchments import floating_catchments, rational_access
from .decays import cumulative, decay_named, exponential, gaussian, power
from .opportunities import logsum_times, nearest_place, return_times, within_a_day, within_minutes
from .places import cities, join_places, places_report, targets_of
from .surfaces import Surface, checkpoint_surface, territory_within

__all__ = [
    "Surface",
    "Targets",
    "by_network",
    "checkpoint_surface",
    "cities",
    "cumulative",
    "decay_named",
    "exponential",
    "floating_catchments",
    "gaussian",
    "join_places",
    "logsum_times",
    "nearest_place",
    "places_report",
    "posts",
    "potentials",
    "power",
    "rational_access",
    "return_times",
    "settlement_times",
    "targets_of",
    "territory_within",
    "time_to_checkpoint",
    "touches_frame",
    "travel_times",
    "within_a_day",
    "within_minutes",
]
