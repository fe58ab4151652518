"""Lists of places as `borderlink matrix` takes them: names, a file, or the settlements of the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from gis.clock import Clock
from gis.inputs import EDGE, Fetching, Prepared, belt_of
from gis.kept import take_or_build
from gis.queries.matrix import minutes_between
from gis.queries.route import check_options
from layers.errors import PlaceError
from layers.own.places import read_places
from layers.settlements import Place, find_place, refuse_unknown
from network.build import NETWORKS
from network.modes import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gis.study import Study
    from network.build import Network

ALL = "settlements"
MOST_PAIRS = 25_000_000
"""A table of more rows than this is a mistake: it would take gigabytes."""


def find_matrix(
    study: Study,
    origins: Sequence[str],
    targets: Sequence[str],
    *,
    mode: str = "road",
    network: str = "actual",
    km: bool = False,
    name: str = "name",
    fetching: Fetching | None = None,
    listen: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Return the quickest ways between all places of two lists.

    Parameters
    ----------
    origins, targets
        Each ``settlements``, a file of places, or names and ``lon,lat`` between semicolons.
    mode, network
        See `network.routing.MODES` and `network.build.NETWORKS`.
    km
        With ``km``, kilometres along the quickest way.
    name
        Column with the names, of files.
    listen
        Hears the stages as they begin.

    Returns
    -------
    One row per pair, origins first: ``origin``, ``destination``, ``minutes`` (wait included), ``wait_min``,
    ``checkpoints`` (ids in order, between ``|``). NaN and empty where there is no way.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous or off the two sides; an option is unknown; or there are too many pairs.
    """
    check_options(mode=(mode, MODES), network=(network, NETWORKS))
    clock = Clock(listen)
    prepared, built = take_or_build(
        study,
        fetching=fetching,
        clock=clock,
        look=lambda found: refuse_unknown(found.layers["settlements"], _names([*origins, *targets])),
    )
    lists = [[p for text in one for p in places_of(text, built, prepared, name)] for one in (origins, targets)]
    pairs = len(lists[0]) * len(lists[1])
    if pairs > MOST_PAIRS:
        raise PlaceError(
            f"{len(lists[0]):,} × {len(lists[1]):,} places are {pairs:,} pairs: allowed are {MOST_PAIRS:,}"
        )
    with clock.stage("answer"):
        table = minutes_between(built, prepared, *lists, mode=mode, field=network)
    columns = ["origin", "destination", "minutes", "wait_min", "checkpoints"]
    return table.assign(km=table["length_m"] / 1000)[[*columns, "km"] if km else columns]


def _names(texts: Sequence[str]) -> list[str]:
    """Return the plain names in lists: what is known to be wrong before a network is built."""
    lists = [t for t in texts if t.strip().casefold() != ALL and not (Path(t).suffix and Path(t).is_file())]
    return [part.strip() for text in lists for part in text.split(";") if part.strip()]


def places_of(text: str, network: Network, prepared: Prepared, name: str) -> list[Place]:
    """Return the places of a list.

    Raises
    ------
    PlaceError, LayerError
        The list is empty, or its file can't be used.
    """
    if text.strip().casefold() == ALL:
        table = network.settlements
        spots = shapely.get_coordinates(table.geometry.to_numpy())
        names = table["name"].where(~table["name"].duplicated(keep=False), table["name"] + ", " + table["region_name"])
        return [Place(str(n), float(x), float(y), i) for i, (n, (x, y)) in enumerate(zip(names, spots, strict=True))]
    path = Path(text)
    if path.suffix and path.is_file():
        area = belt_of(prepared.border, EDGE * prepared.study.network.depth_km, prepared.crs)
        frame, _ = read_places(path, "places", area=area)
        column = next((c for c in frame.columns if str(c).casefold() == name.casefold()), None)
        if column is None:
            has = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise PlaceError(f"{path.name} has no column {name!r}: it has {has}; --name says which holds the names")
        spots = shapely.get_coordinates(frame.geometry.to_numpy())
        return [Place(str(n), float(x), float(y)) for n, (x, y) in zip(frame[column], spots, strict=True)]
    names = [part.strip() for part in text.split(";") if part.strip()]
    if not names:
        raise PlaceError(
            f"no place in {text!r}: allowed are names or lon,lat between semicolons, a file of places, or `{ALL}`"
        )
    return [find_place(network.settlements, part) for part in names]
