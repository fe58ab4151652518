"""What a worker holds of a border.

The kept network, loaded once under the hash of its content, and the trees of the scenarios it met last.
"""

from __future__ import annotations

import platform
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from analysis.planning.across import Across, across
from gis.digests import source_digest
from gis.kept import load_kept
from gis.queries.answers import Answers, rules_of
from gis.queries.edits import Edit, apply_edits
from layers.errors import OutputError
from network.build import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from analysis.planning.draws import Spread
    from analysis.planning.sites.candidates import Candidates
    from gis.inputs import Prepared
    from gis.study import Study
    from network.build import Network

SCENARIOS = 4
"""Scenarios whose trees a worker holds, the last it met."""
PACKAGES = ("layers", "network", "analysis", "gis")


@dataclass(frozen=True)
class Border:
    """One border of a sweep, as it is sent to workers.

    Small, for what is large is read from the folder of the kept network.

    ``key`` is the hash of the network with its waits, of the study, of our own source and of numpy: who holds another
    under the same folder is refused.
    """

    name: str
    study: Study
    folder: Path
    key: str


@dataclass
class Scenario:
    """A border after edits: its network, its trees, and the candidates that were sought on it."""

    network: Network
    trees: Across
    candidates: dict[object, Candidates] = field(default_factory=dict)


@dataclass
class Held:
    """A border that is loaded."""

    prepared: Prepared
    network: Network
    spread: Spread | None = None
    answers: Answers | None = None
    scenarios: OrderedDict[tuple[Edit, ...], Scenario] = field(default_factory=OrderedDict)
    cells: dict[int, tuple[Prepared, gpd.GeoDataFrame]] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def answering(self, spread: Spread) -> Answers:
        """Return the answers on this border with a spread; the trees of the border as it is are grown once."""
        with self.lock:
            if self.answers is None or self.spread != spread:
                self.answers, self.spread = Answers(self.prepared, self.network, spread), spread
            return self.answers

    def after(self, edits: tuple[Edit, ...], where: Sequence[str], spread: Spread) -> Scenario:
        """Return the border after edits; of none, as it is."""
        with self.lock:
            found = self.scenarios.get(edits)
            if found is None:
                network, trees = self.network, self.answering(spread).trees
                if edits:
                    network, _ = apply_edits(self.network, edits, where=where, rules=rules_of(self.prepared.study))
                    trees = across(network)
                found = self.scenarios[edits] = Scenario(network, trees)
                while len(self.scenarios) > SCENARIOS:
                    self.scenarios.popitem(last=False)
            self.scenarios.move_to_end(edits)
            return found


HELD: dict[str, Held] = {}
"""What this process holds, by key."""


def border_of(name: str, study: Study, folder: Path, network: Network) -> Border:
    """Return a border as workers get it."""
    return Border(name, study, folder, content_key(study, network))


def content_key(study: Study, network: Network) -> str:
    """Return the hash of a network with its waits, of its study, and of what computes on it."""
    whole = sha256(f"{platform.python_version()} {np.__version__} {source_digest(PACKAGES)}".encode())
    whole.update(study.model_dump_json().encode())
    for name in FIELDS.values():
        whole.update(network.links[name].to_numpy(float).tobytes())
    whole.update(network.checkpoints.drop(columns="geometry").to_csv(index=False).encode())
    whole.update(network.settlements[["settlement_id", "population", "node"]].to_csv(index=False).encode())
    return whole.hexdigest()[:32]


def hold(borders: Sequence[Border]) -> None:
    """Load borders into this process, those that it does not hold yet; others of an earlier sweep go.

    Raises
    ------
    OutputError
        A worker does not see the folder of a kept network, or finds something else in it.
    """
    for key in HELD.keys() - {b.key for b in borders}:
        del HELD[key]
    for border in borders:
        if border.key in HELD:
            continue
        found = load_kept(border.folder, border.study)
        seen = f"{border.folder} (worker on {platform.node()})"
        if found is None:
            raise OutputError(
                f"{seen} holds no network of {border.name}: allowed is a cache that every worker sees (--cache)"
            )
        if content_key(border.study, found[1]) != border.key:
            raise OutputError(
                f"{seen}: the worker's borderlink, Python or numpy is another than here: allowed are the same versions"
            )
        HELD[border.key] = Held(*found)
