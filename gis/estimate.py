"""What a run takes is reckoned before it is done; what does not fit is refused.

Extracts by the size of their files before they are read, networks by their links and places once they are built.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

from layers.errors import LayerError
from layers.regions import belt

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from gis.settings import Analysis
    from network.build import Network

GB = 1e9
READ_MIN, BELT_MIN = 1.5, 5.0
"""Processor minutes for each gigabyte of an extract, and further ones for each gigabyte of it that lies in the belt:
measured on generated extracts of up to 1 GB, and what `Work` says of 600,000 links, which a gigabyte of a country is
taken to hold; an assumption for others."""
BASE_GB, BELT_GB = 1.0, 9.6
"""Memory of a run, and what each gigabyte of extracts within the belt adds while it is read: measured likewise."""
DISK = 0.5
"""Bytes of results and cache for each byte of extracts within the belt: an assumption."""


RUN_MIN, LINKS_MIN, PAIRS_MIN, TREES_MIN = 0.5, 0.65, 4.5, 0.8
"""Processor minutes of a run with all chapters, and further ones for 100,000 links, for 100 million pairs of a place or
cell and a place, and for 1,000 places on a million links, whose tables are searched: measured with 15,000 to 480,000
links and up to 10,000 places; an assumption for others."""
RUN_GB, LINKS_GB, PAIRS_GB = 0.9, 0.45, 1.3
"""Memory of the same, on Linux, where large tables lie in files that are mapped."""

SAID_LINKS = 50_000
"""Of a network with fewer links nothing is told: it takes a minute."""


@dataclass(frozen=True)
class Work:
    """What a run on a network is expected to take.

    ``links`` of all modes, settled ``places``, and ``cells`` of the belt.
    """

    links: int
    places: int
    cells: int

    @property
    def pairs(self) -> float:
        """Pairs whose minutes are held, in hundreds of millions."""
        return self.places * (self.places + self.cells) / 1e8

    @property
    def minutes(self) -> float:
        """Minutes of the processor."""
        trees = self.links * self.places / 1e9
        return RUN_MIN + LINKS_MIN * self.links / 1e5 + PAIRS_MIN * self.pairs + TREES_MIN * trees

    @property
    def memory_gb(self) -> float:
        """Largest memory."""
        return RUN_GB + LINKS_GB * self.links / 1e5 + PAIRS_GB * self.pairs

    def line(self) -> str:
        """Return it in words.

        Examples
        --------
        >>> Work(120_000, 1_000, 460).line()
        'network of 120,000 links, 1,000 settlements and about 460 cells: about 1 min, 1.5 GB of memory'
        """
        return (
            f"network of {self.links:,} links, {self.places:,} settlements and about {self.cells:,} cells: "
            f"about {max(self.minutes, 1):.0f} min, {self.memory_gb:.1f} GB of memory"
        )


def work_of(network: Network, border: gpd.GeoDataFrame, settings: Analysis) -> Work:
    """Return what a run on a network is expected to take: cells by the area of the belt."""
    import h3  # a way is not reckoned, and waits for no library that it does not use

    zone = belt(border, settings.depth_km, network.crs)
    cells = float(shapely.area(zone)) / 1e6 / h3.average_hexagon_area(settings.h3_resolution, unit="km^2")
    return Work(len(network.links), len(network.settlements), int(round(cells, -1)))


def refuse_work_that_cannot_fit(expected: Work, most_memory_gb: float) -> None:
    """Refuse a run that takes more memory than there is.

    Parameters
    ----------
    most_memory_gb
        The ceiling of the study; 0 for the memory of the machine.

    Raises
    ------
    LayerError
        What is expected is more.
    """
    memory = most_memory_gb or _memory_gb()
    if expected.memory_gb > memory:
        raise LayerError(
            f"{expected.line()}: more than the {memory:.1f} GB of memory that osm.most_memory_gb or the machine allow; "
            "allowed is a smaller network.depth_km, fewer osm.road_kinds or settlements, a lower "
            "analysis.h3_resolution, or a higher osm.most_memory_gb"
        )


@dataclass(frozen=True)
class Estimate:
    """What a study's extracts are expected to take.

    ``size_gb`` of the files, and ``belt_gb`` of it within the belt, were it spread evenly over each file's area.
    """

    size_gb: float
    belt_gb: float

    @property
    def minutes(self) -> float:
        """Minutes of the processor."""
        return READ_MIN * self.size_gb + BELT_MIN * self.belt_gb

    @property
    def memory_gb(self) -> float:
        """Largest memory."""
        return BASE_GB + BELT_GB * self.belt_gb

    @property
    def disk_gb(self) -> float:
        """Results and cache."""
        return DISK * self.belt_gb

    def line(self) -> str:
        """Return it in words.

        Examples
        --------
        >>> Estimate(2.0, 0.5).line()
        'extracts of 2.0 GB, about 0.5 GB of them in the belt: about 6 min, 5.8 GB of memory, 0.2 GB of disk'
        """
        return (
            f"extracts of {self.size_gb:.1f} GB, about {self.belt_gb:.1f} GB of them in the belt: about "
            f"{max(self.minutes, 1):.0f} min, {self.memory_gb:.1f} GB of memory, {self.disk_gb:.1f} GB of disk"
        )


def estimate(files: Sequence[Path], belt: shapely.Geometry) -> Estimate:
    """Return what some extracts are expected to take.

    Parameters
    ----------
    belt
        What of them is read, in longitude and latitude. A file that does not say where it lies is counted whole.
    """
    size = within = 0.0
    for path in files:
        own = path.stat().st_size / GB
        size += own
        within += own * _share(path, belt)
    return Estimate(size, within)


def refuse_what_cannot_fit(expected: Estimate, most_memory_gb: float, folder: Path) -> None:
    """Refuse extracts that take more than there is.

    Parameters
    ----------
    most_memory_gb
        The ceiling of the study; 0 for the memory of the machine, or of the container or job that the process is in.
    folder
        Where results are written.

    Raises
    ------
    LayerError
        What is expected is more than the memory or the free disk.
    """
    memory = most_memory_gb or _memory_gb()
    cure = "allowed is a smaller network.depth_km, extracts of the border regions alone, fewer osm.road_kinds"
    if expected.memory_gb > memory:
        raise LayerError(
            f"{expected.line()}: more than the {memory:.1f} GB of memory that osm.most_memory_gb or the machine "
            f"allow; {cure}, or a higher osm.most_memory_gb"
        )
    free = shutil.disk_usage(_there(folder)).free / GB
    if expected.disk_gb > free:
        raise LayerError(f"{expected.line()}: {folder} has {free:.1f} GB free; {cure}, or another folder")


def _share(path: Path, belt: shapely.Geometry) -> float:
    """Return which part of a file's area lies in the belt."""
    from layers.sources.pbf.network import read_header  # who has no extract need not wait for osmium

    try:
        bounds = read_header(path)["bbox"]
    except LayerError:  # another format, which says nothing of itself
        bounds = None
    if bounds is None:
        return 1.0
    area = shapely.box(*bounds)
    return float(shapely.area(shapely.intersection(area, belt)) / area.area) if area.area else 1.0


def _memory_gb() -> float:
    """Return the memory that the process may use: of the machine, or less in a container or a job of a cluster.

    Infinity where the system does not say.
    """
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GB
    except (AttributeError, OSError, ValueError):
        machine = float("inf")
    return min([machine, *_group_limits_gb()])


def _group_limits_gb(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> list[float]:
    """Return the memory of each control group of Linux, of either version, that the process is in and those above."""
    try:
        lines = [line.split(":", 2) for line in own.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []
    found = []
    for _, kinds, path in lines:  # a dozen
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = (groups / "memory", "memory.limit_in_bytes") if kinds else (groups, "memory.max")
        place = top / path.strip("/")
        for folder in (place, *place.parents):
            # Within a container the path may be that of outside: its own group is at the top then.
            with suppress(OSError, ValueError):  # "max": no limit
                found.append(int((folder / name).read_text(encoding="utf-8")) / GB)
            if folder == top:
                break
    return found


def _there(folder: Path) -> Path:
    """Return the folder, or the first one above it that is there."""
    return next(p for p in (folder, *folder.absolute().parents) if p.exists())
