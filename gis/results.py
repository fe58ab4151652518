"""What a study yields, in memory: a result with its network, tables and layers, and the comparison of two states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.planning.scenarios import compare_tables
from gis.chapters.ground import bridge_notes
from gis.contents import contents_of, frames_of
from gis.findings import find_in_words
from gis.kept_results import results_kept
from gis.outputs import write_run
from gis.queries.edits import Edit, Rules, apply_edits
from gis.queries.isochrone import draw_isochrones
from gis.queries.matrix import minutes_between
from gis.queries.route import Route, route_between
from gis.stages import measure
from gis.tables import tables_of
from layers.folders import fresh_folder
from layers.threads import by_one_thread
from maps.i18n import speaking
from network.build import Network
from network.graph import to_graph

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx
    import pandas as pd

    from gis.chapters.chapter import Chapters
    from gis.clock import Clock
    from gis.inputs import Prepared
    from gis.measures import Measures
    from gis.serve.notebook import Page
    from gis.states import State
    from gis.study import Study
    from maps.contents import Contents


@dataclass(frozen=True)
class BorderNetwork:
    """The network of a study as people question it: by names of places, with the study's own rules.

    Attributes
    ----------
    prepared
        The layers it was built from.
    network
        The tables behind it (`network.build.Network`).
    notes
        A line on each edit that led to it.
    """

    prepared: Prepared
    network: Network
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return repr(self.network)

    def route(
        self, origin: str, destination: str, *, mode: str = "road", network: str = "actual", by: str = "time"
    ) -> Route:
        """Return the way between two places; see `gis.queries.route.route_between`.

        Examples
        --------
        >>> result.network.route("Orenburg", "Aktobe").minutes  # doctest: +SKIP
        """
        return route_between(self.network, self.prepared, origin, destination, mode=mode, network=network, by=by)

    def isochrones(
        self, places: str | Sequence[str], minutes: Sequence[float] | None = None, **options: Any
    ) -> gpd.GeoDataFrame:
        """Return the ground within minutes of places; see `gis.queries.isochrone.draw_isochrones`."""
        named = [places] if isinstance(places, str) else places
        return draw_isochrones(self.network, self.prepared, named, minutes=minutes, **options)

    def matrix(self, origins: Sequence[str], targets: Sequence[str], **options: Any) -> pd.DataFrame:
        """Return minutes, waits and checkpoints of all pairs; see `gis.queries.matrix.minutes_between`."""
        return minutes_between(self.network, self.prepared, origins, targets, **options)

    def edit(self, *edits: Edit, where: Sequence[str] = ()) -> BorderNetwork:
        """Return the network with edits made.

        `gis.Open`, `gis.Close`, `gis.Wait` and the others; this one stays as it is.

        Parameters
        ----------
        where
            What a message calls each edit, such as file and line.
        """
        study = self.prepared.study
        rules = Rules(study.speeds, study.network.winter, study.analysis.closed_hours)
        edited, notes = apply_edits(self.network, edits, where=where, rules=rules)
        return BorderNetwork(self.prepared, edited, (*self.notes, *notes))

    def to_graph(self) -> nx.MultiDiGraph[int]:
        """Return the network as a graph of networkx that OSMnx reads too."""
        return to_graph(self.network)


@dataclass(frozen=True)
class Result:
    """Everything that a study yields, in memory.

    Attributes
    ----------
    prepared, measures, chapters, clock
        The layers it was made from, the measures of every run, the chapters beyond them, and the seconds of each stage.
    network
        To be asked for ways, isochrones, matrices, and edited.
    """

    prepared: Prepared = field(repr=False)
    network: BorderNetwork
    measures: Measures = field(repr=False)
    chapters: Chapters = field(repr=False)
    clock: Clock = field(repr=False)

    @property
    def study(self) -> Study:
        """The study that was solved."""
        return self.prepared.study

    @property
    def warnings(self) -> list[str]:
        """What a reader of the numbers must know."""
        return [*bridge_notes(self.network.network), *self.prepared.warnings, *self.measures.notes]

    @cached_property
    def findings(self) -> list[str]:
        """The answer in sentences."""
        return find_in_words(self.measures, self.chapters)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, as they are written to ``tables/``."""
        return tables_of(self.measures, self.chapters, day_min=self.study.reach.day_min)

    @cached_property
    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """All layers by name, as they are written to the GeoPackage."""
        return frames_of(self.measures, self.chapters)

    def contents(self, lang: str = "en") -> Contents:
        """Return what maps, projects and reports are made of, for the ``write_*`` of `maps`, in en, ru or kk."""
        with speaking(lang):
            return contents_of(
                self.prepared,
                self.network.network,
                self.measures,
                self.chapters,
                findings=find_in_words(self.measures, self.chapters),
                warnings=self.warnings,
            )

    def whatif(self, *edits: Edit, live: bool | None = None, **options: Any) -> Page:
        """Return the interactive page for a notebook, which shows it in a frame.

        See `gis.serve.notebook.notebook_page`.

        Examples
        --------
        >>> result.whatif(gis.Close("Sagarchin"))  # doctest: +SKIP
        """
        from gis.serve.notebook import notebook_page

        return notebook_page(self.prepared, self.network.network, edits, live=live, **options)

    def write(self, out: str | Path, *, lang: str = "en") -> dict[str, Any]:
        """Leave the folder of a run, in a language (en, ru, kk), and return what ``run.json`` holds.

        Raises
        ------
        OutputError
            The folder can't be written or holds something else.
        """
        with fresh_folder(Path(out), "run.json") as folder:
            return self.write_into(folder, lang=lang)

    @by_one_thread
    def write_into(self, folder: Path, *, lang: str = "en") -> dict[str, Any]:
        """Write into a folder that is there and return what ``run.json`` holds."""
        with speaking(lang), results_kept(self.clock):
            return write_run(
                folder,
                self.prepared,
                self.network.network,
                self.measures,
                self.chapters,
                self.clock,
                findings=find_in_words(self.measures, self.chapters),
                warnings=self.warnings,
            )


@dataclass(frozen=True)
class Comparison:
    """Two states of one border side by side.

    Attributes
    ----------
    before, after
        Their measures.
    edits
        A line on each edit between them.
    totals, regions, checkpoints, cells, most_changed
        See `analysis.planning.scenarios`.
    """

    prepared: Prepared = field(repr=False)
    before: Measures = field(repr=False)
    after: Measures = field(repr=False)
    edits: tuple[str, ...]
    totals: pd.DataFrame = field(repr=False)
    regions: pd.DataFrame = field(repr=False)
    checkpoints: pd.DataFrame = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    most_changed: pd.DataFrame = field(repr=False)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, as they are written to ``tables/``."""
        return {n: getattr(self, n) for n in ("totals", "regions", "checkpoints", "cells", "most_changed")}


def compare(before: Result, after: BorderNetwork) -> Comparison:
    """Return what lies between a result and its network after edits.

    Examples
    --------
    >>> after = result.network.edit(gis.Close("Sagarchin"))  # doctest: +SKIP
    >>> gis.compare(result, after).regions                   # doctest: +SKIP
    """
    return compare_measures(before.prepared, before.measures, measure(before.prepared, after.network), after.notes)


def compare_measures(prepared: Prepared, before: Measures, after: Measures, edits: Sequence[str]) -> Comparison:
    """Return the same of measures that are there."""
    return Comparison(prepared, before, after, tuple(edits), **compared(before, after))


def compared(before: Measures | State, after: Measures | State) -> dict[str, pd.DataFrame]:
    """Return the tables that lie between two states, see `analysis.planning.scenarios.compare_tables`."""
    return compare_tables(
        **{
            f"{t}_{s}": getattr(m, t)
            for s, m in (("before", before), ("after", after))
            for t in ("settlements", "regions", "checkpoints", "cells")
        }
    )
