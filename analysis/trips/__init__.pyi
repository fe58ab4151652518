from .betweenness import Carried, carry, checkpoint_betweenness, link_betweenness
from .brandes import od_betweenness
from .choice import Choice, choose_checkpoints
from .demand import Demand, ModeTimes, demand_between, model_demand, modes_of, places_of
from .fit import compare_counts
from .gravity import region_flows
from .load import Load, equilibrium, queue_wait
from .shares import shares_of

__all__ = [
    "Carried",
    "Choice",
    "Demand",
    "Load",
    "ModeTimes",
    "carry",
    "checkpoint_betweenness",
    "choose_checkpoints",
    "compare_counts",
    "demand_between",
    "equilibrium",
    "link_betweenness",
    "model_demand",
    "modes_of",
    "od_betweenness",
    "places_of",
    "queue_wait",
    "region_flows",
    "shares_of",
]
