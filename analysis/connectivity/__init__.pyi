from .alternatives import checkpoint_alternatives, redundancy, redundancy_of_regions
from .checks import check_notes, network_checks
from .cuts import city_cuts, region_cuts
from .efficiency import efficiency_of_regions, graph_efficiency, pairs_efficiency, place_efficiency
from .matched import border_regression, matched_bands
from .pairs import (
    border_effect,
    border_effect_of_regions,
    distance_bands,
    largest_places,
    matched_border_effect,
    place_pairs,
    region_circuity,
)
from .regions import facing_pairs, population_access, region_connectivity, segment_connectivity, supply_of_people

__all__ = [
    "border_effect",
    "border_effect_of_regions",
    "border_regression",
    "check_notes",
    "checkpoint_alternatives",
    "city_cuts",
    "distance_bands",
    "efficiency_of_regions",
    "facing_pairs",
    "graph_efficiency",
    "largest_places",
    "matched_bands",
    "matched_border_effect",
    "network_checks",
    "pairs_efficiency",
    "place_efficiency",
    "place_pairs",
    "population_access",
    "redundancy",
    "redundancy_of_regions",
    "region_circuity",
    "region_connectivity",
    "region_cuts",
    "segment_connectivity",
    "supply_of_people",
]
