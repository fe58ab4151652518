from .base import build_base
from .build import Network, build_network, with_costs
from .calibration import calibrate
from .changes import Trees, change, grow_trees
from .connectors import connector_times
from .costs import min_plus
from .domestic import waits_at_home_min
from .edits import add_checkpoints, add_places, charge_closed_hours, new_checkpoint, scale_waits, set_open, set_wait
from .graph import to_graph
from .graphml import write_network
from .joining import ConnectorLimits
from .lengths import reported_scatter
from .openings import Joinable, Opening, find_opening, joinable_of
from .overlay import Overlay, build_overlay
from .points import Points
from .routing import Router, arcs_table, compile_router
from .simplify import contract
from .speeds import with_speeds
from .store import load_network, load_routers, save_network
from .through import open_to_ends
from .topology import Tables, along, assemble, cut

DISTRIBUTION: str

__all__ = [
    "DISTRIBUTION",
    "ConnectorLimits",
    "Joinable",
    "Network",
    "Opening",
    "Overlay",
    "Points",
    "Router",
    "Tables",
    "Trees",
    "add_checkpoints",
    "add_places",
    "along",
    "arcs_table",
    "assemble",
    "build_base",
    "build_network",
    "build_overlay",
    "calibrate",
    "change",
    "charge_closed_hours",
    "compile_router",
    "connector_times",
    "contract",
    "cut",
    "find_opening",
    "grow_trees",
    "joinable_of",
    "load_network",
    "load_routers",
    "min_plus",
    "new_checkpoint",
    "open_to_ends",
    "reported_scatter",
    "save_network",
    "scale_waits",
    "set_open",
    "set_wait",
    "to_graph",
    "waits_at_home_min",
    "with_costs",
    "with_speeds",
    "write_network",
]
