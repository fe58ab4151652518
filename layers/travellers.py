"""Who may cross where: kinds of travellers against the regime of a post and the vehicles that it clears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import LayerError

if TYPE_CHECKING:
    import geopandas as gpd

REGIMES_OF: Mapping[str, tuple[str, ...]] = {
    "citizen": ("multilateral", "bilateral", "simplified"),
    "third_country": ("multilateral",),
    "goods": ("multilateral", "bilateral"),
}
"""Regimes at which each may cross: citizens of the two countries everywhere, others at multilateral posts alone, goods
not at those of simplified local traffic."""
TRAVELLERS = tuple(REGIMES_OF)


def open_to_traveller(checkpoints: gpd.GeoDataFrame, traveller: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the checkpoints, closed where a traveller may not cross, and notes on whom that concerns.

    A regime that nobody knows lets all pass; goods by road need a post that clears lorries.

    Parameters
    ----------
    traveller
        One of `TRAVELLERS`; an empty text for whoever may.

    Raises
    ------
    LayerError
        Another traveller.
    """
    if not traveller:
        return checkpoints, []
    if traveller not in REGIMES_OF:
        raise LayerError(f"traveller {traveller!r}: allowed are {', '.join(TRAVELLERS)}")
    regime = checkpoints["regime"].to_numpy(dtype=object)
    unknown = regime == "unknown"
    closed = ~(np.isin(regime, REGIMES_OF[traveller]) | unknown)
    if traveller == "goods":
        lists = [text != "" and "truck" not in text.split("|") for text in checkpoints["vehicles"]]
        closed |= np.array(lists, bool) & (checkpoints["mode"] == "road").to_numpy()
    was = checkpoints["open"].to_numpy(bool)
    notes = []
    if (was & closed).any():
        listed = ", ".join(checkpoints["checkpoint_id"][was & closed])
        notes.append(f"closed to the study's traveller ({traveller}) by regime or vehicles: {listed}")
    if (was & unknown).any():
        notes.append(
            f"the regime of {int((was & unknown).sum())} open checkpoints is not known: taken as open to {traveller}"
        )
    return checkpoints.assign(open=was & ~closed), notes
