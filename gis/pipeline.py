"""A run and a scenario: from the study to a result, and from the result to its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analysis.planning.draws import Spread
from analysis.planning.scenarios import flags_changed
from gis.clock import Clock
from gis.estimate import SAID_LINKS, refuse_work_that_cannot_fit, work_of
from gis.inputs import Fetching, Prepared
from gis.kept import take_or_build
from gis.kept_results import results_kept
from gis.outputs import write_scenario, write_sites
from gis.queries.answers import planned_tables, spread_in, values_in
from gis.queries.edit_checks import check_edits
from gis.queries.edits import Edit
from gis.queries.plans import Plan
from gis.queries.siting import Question, find_sites
from gis.rasters import across_surfaces
from gis.results import BorderNetwork, Result, compared
from gis.stages import find_hot_spots, measure
from gis.states import rasters_as_is, state_as_is
from gis.study import Study, load_study
from layers.folders import fresh_folder
from layers.keeping import is_keeping
from layers.memory import give_back
from layers.threads import by_one_thread
from maps.i18n import speaking
from network import bank

Listen = Callable[[str], None]


@by_one_thread
def solve(
    study: Study | str | Path | None = None, *, listen: Listen | None = None, fetching: Fetching | None = None
) -> Result:
    """Return everything that a study yields, in memory.

    Parameters
    ----------
    study
        From `load_study`, a path to its TOML, or nothing for the packaged Russia–Kazakhstan border.
    listen
        Called with the name of each stage as it begins.
    fetching
        How downloads are made, where the study names extracts to fetch; and whether the network is kept.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause.

    Examples
    --------
    >>> result = solve()                                              # doctest: +SKIP
    >>> result.network.route("Orenburg", "Aktobe").total_min          # doctest: +SKIP
    """
    from gis.chapters.further import further_measures  # a scenario need not wait for scipy.stats and scikit-learn

    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    prepared, network = take_or_build(study, fetching=fetching, clock=clock)
    expected = work_of(network, prepared.border, study.analysis)
    if fetching is not None and fetching.say and expected.links > SAID_LINKS:
        fetching.say(expected.line())
    refuse_work_that_cannot_fit(expected, study.osm.most_memory_gb)
    with results_kept(clock, fresh=fetching is not None and fetching.fresh):
        with clock.stage("measures"):
            found = [measure(prepared, network)]
            if is_keeping():
                state_as_is(prepared, cache(lambda: found[0]))  # the next scenario takes it
        with clock.stage("hot spots"):
            found.append(find_hot_spots(prepared, found.pop()))
        with clock.stage("chapters"):
            # Handed over, not held here: what the chapters have done with is free while they go on.
            measures, chapters = further_measures(prepared, network, found.pop())
    return Result(prepared, BorderNetwork(prepared, network), measures, chapters, clock)


@by_one_thread
def run(
    study: Study | str | Path | None = None,
    *,
    out: str | Path = "out",
    lang: str = "en",
    listen: Listen | None = None,
    fetching: Fetching | None = None,
) -> dict[str, Any]:
    """Run a study and leave its folder; return what ``run.json`` holds: `solve`, then `Result.write`.

    Parameters
    ----------
    study, listen, fetching
        See `solve`.
    out
        Folder for the results; written beside and put in place at the end.
    lang
        Language of map, report, project and findings: en, ru or kk.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause.
    """
    with fresh_folder(Path(out), "run.json") as folder:
        result = solve(study, listen=listen, fetching=fetching)
        bank.forget()  # what is written asks for other trees
        give_back()
        return result.write_into(folder, lang=lang)


@by_one_thread
def run_scenario(
    study: Study | str | Path | None = None,
    edits: Plan | Sequence[Edit] = (),
    *,
    others: Sequence[Plan] = (),
    vehicles: bool = False,
    flags: bool = False,
    lang: str = "en",
    out: str | Path = "out-scenario",
    listen: Listen | None = None,
    fetching: Fetching | None = None,
) -> dict[str, Any]:
    """Answer what edits of the network change; leave a folder and return what ``scenario.json`` holds.

    Parameters
    ----------
    edits
        Of `gis.queries.edits`, or a plan from `gis.queries.plans.read_plan`; ``new-1`` is the first that is opened.
    others
        Further scenarios on the same base, for the table ``variants``.
    vehicles
        Whether trucks stand beside cars (or cars beside trucks) in a table ``vehicles``: a second network is built.
    flags
        Whether growth points and bottlenecks are sought in both states, for the table ``flags_change``.
    lang
        Language of map, report and project: en, ru or kk.

    Raises
    ------
    layers.errors.BorderlinkError
        A place, name or study that can't be used; nothing is written.
    """
    study = study if isinstance(study, Study) else load_study(study)
    plan = edits if isinstance(edits, Plan) else Plan(tuple(edits))
    clock = Clock(listen)

    def look(prepared: Prepared) -> None:
        """Refuse before anything is built: a name that nobody has needs no network to be found out."""
        for one in (plan, *others):
            check_edits(one.edits, prepared.layers["checkpoints"], prepared.regions, one.where)
        spread_in(plan, study), values_in(plan, study)

    with speaking(lang), fresh_folder(Path(out), "scenario.json") as folder:
        prepared, before = take_or_build(study, fetching=fetching, clock=clock, look=look)
        with results_kept(clock, fresh=fetching is not None and fetching.fresh):
            with clock.stage("scenario network"):
                after = BorderNetwork(prepared, before).edit(*plan.edits, where=plan.where)
            as_is = cache(lambda: measure(prepared, before))
            with clock.stage("measures before"):
                old = state_as_is(prepared, as_is)
                under = rasters_as_is(prepared, lambda: across_surfaces(prepared, as_is()))
            with clock.stage("measures after"):
                new = as_is() if after.network is before else measure(prepared, after.network)
            with clock.stage("effects"):
                more = planned_tables(prepared, before, after.network, plan, others, vehicles=vehicles)
            if flags:
                with clock.stage("flags"):
                    more["flags_change"] = flags_changed(*(find_hot_spots(prepared, m).cells for m in (as_is(), new)))
            tables = {**compared(old, new), **more}
            return write_scenario(folder, prepared, (old, new), under, tables, after.notes, clock, plan=plan)


@by_one_thread
def run_sites(
    study: Study | str | Path | None = None,
    question: Question | None = None,
    *,
    out: str | Path = "out-sites",
    lang: str = "en",
    listen: Listen | None = None,
    fetching: Fetching | None = None,
) -> dict[str, Any]:
    """Answer where the next checkpoints belong; leave a folder and return what ``sites.json`` holds.

    Parameters
    ----------
    question
        What is sought (`gis.queries.siting.Question`); five sites by time where None.
    lang
        Language of report, project and findings: en, ru or kk.

    Raises
    ------
    layers.errors.BorderlinkError
        Anything that a user can cause; nothing is written.
    """
    study = study if isinstance(study, Study) else load_study(study)
    clock = Clock(listen)
    question = question or Question(spread=Spread(seed=study.analysis.seed))
    with speaking(lang), fresh_folder(Path(out), "sites.json") as folder:
        prepared, network = take_or_build(study, fetching=fetching, clock=clock)
        with clock.stage("sites"):
            found = find_sites(prepared, network, question)
        return write_sites(folder, prepared, found, clock)
