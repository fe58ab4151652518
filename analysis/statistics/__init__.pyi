from .association import bivariate_moran, global_association, join_counts, mask_empty, quadrants
from .clusters import local_geary, local_moran_bv, losh
from .effects import Basis, excess_over_settings, growth_over_settings, trips_to_city, undetoured_share
from .excess import HomeNorm, straight_km
from .flags import both_tests, flag_notes
from .gaps import isolated_gaps
from .growth import growth_design, growth_residual, log_ratio, passes, segment_growth
from .homes import Homes, cell_units, named
from .hotspots import cell_statistics, global_moran
from .lists import bottleneck_list, finding_places, growth_list, one_advice
from .nulls import structural_null
from .own_side import own_side_test
from .permutations import reach_warning
from .sensitivity import alternatives, stability
from .smooth import by_log, in_runs, smooth_test, surfaces_on
from .weights import contiguity, nearest_neighbours, network_time, segment_chain

__all__ = [
    "Basis",
    "HomeNorm",
    "Homes",
    "alternatives",
    "bivariate_moran",
    "both_tests",
    "bottleneck_list",
    "by_log",
    "cell_statistics",
    "cell_units",
    "contiguity",
    "excess_over_settings",
    "finding_places",
    "flag_notes",
    "global_association",
    "global_moran",
    "growth_design",
    "growth_list",
    "growth_over_settings",
    "growth_residual",
    "in_runs",
    "isolated_gaps",
    "join_counts",
    "local_geary",
    "local_moran_bv",
    "log_ratio",
    "losh",
    "mask_empty",
    "named",
    "nearest_neighbours",
    "network_time",
    "one_advice",
    "own_side_test",
    "passes",
    "quadrants",
    "reach_warning",
    "segment_chain",
    "segment_growth",
    "smooth_test",
    "stability",
    "straight_km",
    "structural_null",
    "surfaces_on",
    "trips_to_city",
    "undetoured_share",
]
