"""Money beside minutes: what a way costs, and generalised cost as a further field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import NetworkError
from network.build import FIELDS
from network.kinds import GATE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

GENERALISED = {name: f"{name}_generalised_min" for name in FIELDS}
"""Fields of generalised cost in minutes: those of the three networks, and money over the value of time."""


@dataclass(frozen=True)
class Money:
    """What moving costs, in any one currency.

    Attributes
    ----------
    value_of_time_per_h
        What an hour is worth; more than 0.
    per_km
        Of every road and railway, connectors and ferries among them.
    toll_per_km
        On top of it, of roads with a toll.
    fees
        At posts: by ``checkpoint_id``, or by mode for all others of it.
    """

    value_of_time_per_h: float
    per_km: float = 0.0
    toll_per_km: float = 0.0
    fees: Mapping[str, float] = field(default_factory=dict)


def money_of(links: pd.DataFrame, money: Money) -> NDArray[np.float64]:
    """Return what each link costs: kilometres, tolls, and the fee of a gate.

    Raises
    ------
    NetworkError
        A value of time that is not positive, or fees that name neither a checkpoint nor a mode of the links.
    """
    if not money.value_of_time_per_h > 0:
        raise NetworkError(f"a value of time of {money.value_of_time_per_h:g} an hour: allowed is more than 0")
    gate = (links["kind"] == GATE).to_numpy()
    ids, modes = links["checkpoint_id"].to_numpy(dtype=object), links["mode"].to_numpy(dtype=object)
    strange = sorted(set(money.fees) - set(ids) - set(modes) - {"river"})
    if strange:
        raise NetworkError(f"fees at {', '.join(strange)}: allowed is the id of a checkpoint on the network, or a mode")
    fee = np.array(
        [money.fees.get(str(i), money.fees.get(str(m), 0.0)) for i, m in zip(ids[gate], modes[gate], strict=True)]
    )
    km = links["length_m"].to_numpy(float) / 1000
    out = km * (money.per_km + money.toll_per_km * links["toll"].fillna(False).astype(bool).to_numpy())
    out[gate] += fee
    return np.asarray(out, float)


def with_generalised(links: pd.DataFrame, money: Money) -> pd.DataFrame:
    """Return the links with ``money`` and the fields of `GENERALISED`; fees stand in none without a border.

    What can't be passed costs infinity, as in the minutes.
    """
    spent = money_of(links, money)
    gate = (links["kind"] == GATE).to_numpy()
    worth = {name: np.where(gate & (name == "borderless"), 0.0, spent) for name in FIELDS}
    fields = {
        GENERALISED[name]: links[minutes].to_numpy(float) + 60 * worth[name] / money.value_of_time_per_h
        for name, minutes in FIELDS.items()
    }
    return links.assign(money=spent, **fields)
