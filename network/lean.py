"""A kept network for one way: its links without their lines, and no ground to build on.

Lines are most of what a network weighs, and a way has some hundred of them: they are read once it is known.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from layers.errors import NetworkError
from network.base import Base
from network.build import Network
from network.joining import ConnectorLimits
from network.store import PLACES, checked, damaged, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINES = "geometry"
TABLES = ("nodes", "links", *PLACES)


class _NoGround:
    """Stands for the ground, which was not read."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NetworkError(f"the network was loaded for ways alone: {name} of its ground was not read")


def load_for_ways(folder: Path) -> Network:
    """Return a network that `network.store.save_network` wrote, without its ground and the lines of its links.

    Ways are found on it; what builds on it, or draws it, fails.

    Raises
    ------
    NetworkError
        See `network.store.load_network`.
    """
    about = checked(folder, only=[f"{name}.parquet" for name in TABLES])
    name = ""
    try:
        frames: dict[str, Any] = {}
        for name in TABLES:
            path = folder / f"{name}.parquet"
            frames[name] = _without_lines(path) if name == "links" else read_table(path)
        return Network(
            **frames,
            crs=CRS.from_json_dict(about["crs"]),
            base=cast("Base", _NoGround()),
            limits=ConnectorLimits(**about["limits"]),
            report=about["report"],
            road_km=about["road_km"],
            rail_km=about["rail_km"],
            domestic_wait=tuple(about["domestic_wait"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, name, error) from None


def with_lines(network: Network, folder: Path, rows: NDArray[np.int64]) -> Network:
    """Return a network from `load_for_ways` with the lines of some links; those of the others are none.

    Parameters
    ----------
    rows
        Of the links, in any order.
    """
    stored = pq.read_table(folder / "links.parquet", columns=[LINES])[LINES]
    lines = np.full(len(network.links), None, object)
    lines[rows] = shapely.from_wkb(stored.take(rows).to_numpy())
    return replace(network, links=network.links.assign(**{LINES: lines}))


def _without_lines(path: Path) -> Any:
    """Return the links without their lines."""
    names = [name for name in pq.read_schema(path).names if name != LINES]
    return pq.read_table(path, columns=names).to_pandas()
