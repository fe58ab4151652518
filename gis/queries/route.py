"""The way between two places, as `borderlink route` and a notebook ask for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from gis.clock import Clock
from gis.inputs import Fetching, Prepared
from gis.kept import NETWORK, take_or_build
from gis.queries.departure import quickest_at
from gis.queries.on_the_way import PostWait, bridges_on, hours_on, in_transit, lengths_on, waits_on, way_links
from gis.study import Study, load_study
from layers.crs import geodesic_m
from layers.errors import PlaceError
from layers.moments import Moment, moment_of
from layers.names import suggestion
from layers.osm.lines import CLOSED_NOW
from layers.regions import side_of
from layers.settlements import Place, find_place, parse_lonlat, refuse_unknown
from network.border import COAST_KM
from network.build import DOMESTIC, FIELDS, NETWORKS, Network, with_costs
from network.connectors import nearest_way_km
from network.domestic import waits_at_home_min
from network.edits import add_places
from network.kinds import CONNECTOR
from network.lean import LINES, with_lines
from network.lengths import reported_scatter
from network.modes import MODES
from network.money import GENERALISED, Money, money_of, with_generalised
from network.routing import Path, Router, compile_router
from network.through import open_to_ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MEASURES = ("time", "length", "cost")


def find_route(
    study: Study | str | FilePath | None,
    origin: str,
    destination: str,
    *,
    mode: str = "road",
    network: str = "actual",
    by: str = "time",
    at: str = "",
    fetching: Fetching | None = None,
) -> dict[str, Any]:
    """Return the way between two places.

    Parameters
    ----------
    study
        A study, a path to its TOML, or nothing for the packaged one.
    origin, destination
        A settlement by any of its names, ``name, region``, or ``lon,lat``.
    mode, network, by
        See `network.routing.MODES`, `network.build.NETWORKS` and `MEASURES`.
    at
        When the trip begins, see `layers.moments.moment_of`: posts that are closed when one comes are waited for, waits
        and conditional access are those of the hour. An empty text for any hour.

    Returns
    -------
    ``length_m``, ``time_min`` (moving), ``wait_min``, ``total_min``, ``checkpoints`` (ids in order),
    ``checkpoint_names``, ``straight_m``, ``origin``, ``destination``, ``notes``, ``length_scatter``, ``money`` (None
    where the study has none), ``waits`` (``name``, ``wait_min``, ``wait_p90_min`` (None where not known) and
    ``assumed`` of each checkpoint), ``opening_wait_min`` (of the wait, until posts opened) and ``departure``.

    Raises
    ------
    PlaceError
        A place is unknown, ambiguous, off the two sides, or not connected; or an option is unknown.
    """
    return solve_route(
        study, origin, destination, mode=mode, network=network, by=by, at=at, fetching=fetching
    ).as_dict()


def solve_route(
    study: Study | str | FilePath | None,
    origin: str,
    destination: str,
    *,
    mode: str = "road",
    network: str = "actual",
    by: str = "time",
    at: str = "",
    fetching: Fetching | None = None,
    listen: Callable[[str], None] | None = None,
) -> Route:
    """Return the same with its links as lines; see `find_route`. `listen` hears the stages as they begin."""
    check_options(mode=(mode, MODES), network=(network, NETWORKS), by=(by, MEASURES))
    loaded, clock = study if isinstance(study, Study) else load_study(study), Clock(listen)

    # A place beside a road joins it on the ground; a settlement is in the network.
    named = not any(parse_lonlat(text) for text in (origin, destination))

    def look(found: Prepared) -> None:
        """Before a network is built: a mistyped name is known at once."""
        refuse_unknown(found.layers["settlements"], [origin, destination])

    if at:
        if network != "actual" or by != "time":
            raise PlaceError(
                "--at asks for minutes on the actual network: allowed are neither --by nor another --network beside it"
            )
        moment = moment_of(at, winter=loaded.network.winter)
        prepared, whole = take_or_build(loaded, fetching=fetching, clock=clock, look=look, at=moment, lean=named)
        with clock.stage("answer"):
            return route_at(whole, prepared, origin, destination, moment, mode=mode, kept_in=clock.kept_in)
    prepared, whole = take_or_build(loaded, fetching=fetching, clock=clock, look=look, lean=named)
    with clock.stage("answer"):
        way = path_between(whole, prepared, origin, destination, mode=mode, network=network, by=by)
        return describe_way(replace(way, built=_with_lines(way.built, clock.kept_in, way.path.links)))


@dataclass(frozen=True)
class Route:
    """The way between two places.

    Metres, moving minutes, minutes of wait, checkpoints by id and name, and notes on it.
    """

    origin: str
    destination: str
    length_m: float
    time_min: float
    wait_min: float
    checkpoints: list[str]
    checkpoint_names: list[str]
    straight_m: float
    notes: list[str]
    length_scatter: float = 0.0
    """By how much distances of generalised data are off, as a share (root mean square); 0 where lengths are the
    source's own."""
    money: float | None = None
    """What the way costs, None where the study says nothing of money."""
    waits: list[PostWait] = field(default_factory=list)
    """At the checkpoints in order: none where a train passes in transit, and none on a network without waits."""
    opening_wait_min: float = 0.0
    """Of the wait, minutes until closed posts opened; known of a departure alone."""
    departure: str = ""

    links: gpd.GeoDataFrame | None = field(default=None, repr=False, compare=False)
    """The links of the way in order: see `way_links`."""

    @property
    def minutes(self) -> float:
        """Moving and waiting together."""
        return self.time_min + self.wait_min

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON holds of it: all but the links, and ``total_min``."""
        plain = asdict(replace(self, links=None))
        del plain["links"]
        return plain | {"total_min": self.minutes}


def route_between(
    built: Network,
    prepared: Prepared,
    origin: str,
    destination: str,
    *,
    mode: str = "road",
    network: str = "actual",
    by: str = "time",
) -> Route:
    """Return the way between two places of a network that is built; see `find_route`."""
    return describe_way(path_between(built, prepared, origin, destination, mode=mode, network=network, by=by))


@dataclass(frozen=True)
class Way:
    """A path with the network that it runs over (its places joined), and what was asked."""

    built: Network
    path: Path
    places: list[Place]
    home: bool
    mode: str
    network: str
    money: Money | None = None


def path_between(
    built: Network,
    prepared: Prepared,
    origin: str,
    destination: str,
    *,
    mode: str = "road",
    network: str = "actual",
    by: str = "time",
) -> Way:
    """Return the path itself, for those who draw it; see `find_route`."""
    check_options(mode=(mode, MODES), network=(network, NETWORKS), by=(by, MEASURES))
    places = [find_place(built.settlements, text) for text in (origin, destination)]
    built, nodes, sides = join_named(built, prepared, places)
    home = sides[0] == sides[1]
    fields = FIELDS | ({"actual": DOMESTIC} if home else {})
    money = prepared.study.money.money()
    if by == "cost" and money is None:
        raise PlaceError("--by cost needs the study's [money]: allowed is a value_of_time_per_h of more than 0")
    field = f"length_m:{network}" if by == "length" else fields[network]
    router = compile_router(with_cost_for_time(built, money) if by == "cost" and money else built, mode, only=field)
    path = router.path(nodes[0], nodes[1], field)
    if path is None:
        raise PlaceError(_no_way(router, nodes, places, mode, network))
    return Way(built, path, places, home, mode, network, money)


def describe_way(way: Way) -> Route:
    """Return what a path comes to."""
    built, path, places, home, mode, network = way.built, way.path, way.places, way.home, way.mode, way.network
    waits = 0.0
    if network == "actual":
        every = built.links["wait_min"].to_numpy(float)[path.links].sum()
        waits = waits_at_home_min(built, path.links) if home else float(every)
    notes = []
    if path.checkpoints and home and network == "actual":
        notes.append(in_transit(built, path.links))
    notes += hours_on(built, path.links)
    found = _answer(built, places, path.links, float(waits), notes, mode, way.money)
    paid = network == "actual" and (waits > 0 or not home)
    return replace(found, waits=waits_on(built, path.links)) if paid else found


def with_cost_for_time(network: Network, money: Money) -> Network:
    """Return the network with generalised cost in the place of its minutes: the ways over it are the cheapest."""
    links = with_generalised(network.links, money)
    swapped = {FIELDS[name]: links[GENERALISED[name]] for name in FIELDS}
    spent = 60 * links["money"].to_numpy(float) / money.value_of_time_per_h
    return replace(
        network, links=network.links.assign(**swapped, **{DOMESTIC: links[DOMESTIC].to_numpy(float) + spent})
    )


def _answer(
    built: Network,
    places: list[Place],
    rows: NDArray[np.int64],
    waits: float,
    notes: list[str],
    mode: str,
    money: Money | None,
) -> Route:
    """Return the way over some links, with what a reader must know of it."""
    links = built.links.iloc[rows]
    names = built.checkpoints.set_index("checkpoint_id")["name"]
    used = [str(c) for c in links["checkpoint_id"] if c]
    notes += bridges_on(built, rows)
    off = reported_scatter(built.report, mode)
    notes += lengths_on(built, rows, off)
    km = links["length_m"].to_numpy(float)[(links["kind"] == CONNECTOR).to_numpy()].sum() / 1000
    if km > 10:
        notes.append(f"{km:,.0f} km of it are connectors, assumed roads that the data lack")
    return Route(
        origin=places[0].label,
        destination=places[1].label,
        length_m=float(links["length_m"].to_numpy(float).sum()),
        time_min=float(links["time_min"].to_numpy(float).sum()),
        wait_min=waits,
        checkpoints=used,
        checkpoint_names=[str(names.get(c, c)) for c in used],
        straight_m=float(geodesic_m(places[0].lon, places[0].lat, places[1].lon, places[1].lat)),
        notes=notes,
        length_scatter=off,
        money=None if money is None else float(money_of(built.links, money)[rows].sum()),
        links=way_links(built, rows, names),
    )


def _with_lines(network: Network, kept_in: FilePath | None, rows: NDArray[np.int64]) -> Network:
    """Return a network with the lines of the links of a way, which one that was loaded for ways lacks."""
    if LINES in network.links or kept_in is None:
        return network
    return with_lines(network, kept_in / NETWORK, rows)


def route_at(
    built: Network,
    prepared: Prepared,
    origin: str,
    destination: str,
    moment: Moment,
    *,
    mode: str = "road",
    kept_in: FilePath | None = None,
) -> Route:
    """Return the way that arrives first of a trip that begins at a moment; see `find_route`."""
    check_options(mode=(mode, MODES))
    places = [find_place(built.settlements, text) for text in (origin, destination)]
    built, nodes, sides = join_named(built, prepared, places)
    home = sides[0] == sides[1]
    countries = prepared.study.sides
    found = quickest_at(
        built, nodes[0], nodes[1], moment.at, mode=mode, countries=countries, home=home, observed=prepared.observed
    )
    if found is None:
        raise PlaceError(_no_way(compile_router(built, mode), nodes, places, mode, "actual"))
    end = moment.at + timedelta(minutes=found.minutes)
    notes = [f"departs {moment.at:%a %Y-%m-%d %H:%M}, arrives {end:%a %Y-%m-%d %H:%M}"]
    names = built.checkpoints.set_index("checkpoint_id")["name"]
    for post, when, opening, control in found.posts:  # one or two
        closed = f", closed: {opening:,.0f} min until it opens" if opening else ""
        notes.append(f"at {names.get(post, post)} {when:%a %H:%M}{closed}, then {control:,.0f} min at the control")
    if found.unread:
        notes.append(f"opening hours that can't be read, taken as open: {', '.join(found.unread)}")
    if any(CLOSED_NOW.replace("_", " ") in line for line in prepared.warnings):
        notes.append(
            "roads that their conditions close at the hour of departure count as closed all the way, "
            "and those that close later as open"
        )
    rows = np.asarray(found.links, np.int64)
    built = _with_lines(built, kept_in, rows)
    way = _answer(built, places, rows, found.opening_min + found.control_min, notes, mode, prepared.study.money.money())
    return replace(way, opening_wait_min=found.opening_min, departure=moment.at.isoformat(timespec="minutes"))


def check_options(**options: tuple[str, tuple[str, ...]]) -> None:
    """Raise where an option has a value that it does not allow."""
    wrong = [
        f"{name} {value!r}{suggestion(value, allowed)}: allowed are {', '.join(allowed)}"
        for name, (value, allowed) in options.items()
        if value not in allowed
    ]
    if wrong:
        raise PlaceError("; ".join(wrong))


def join_named(network: Network, prepared: Prepared, places: list[Place]) -> tuple[Network, list[int], list[str]]:
    """Return the network with both places in it, their nodes and sides; settlements are in it already."""
    table = network.settlements
    free = [p for p in places if p.row is None]
    side = side_of(np.array([(p.lon, p.lat) for p in places]), prepared.regions, COAST_KM)
    sides = [str(table["side"].iloc[p.row]) if p.row is not None else str(s) for p, s in zip(places, side, strict=True)]
    lost = [p.label for p, s in zip(places, sides, strict=True) if not s]
    if lost:
        raise PlaceError(
            f"{', '.join(lost)} lies on neither side of the border within the belt of the network: allowed is a "
            f"place in {' or '.join(prepared.study.sides)}"
        )
    nodes = [-1 if p.row is None else int(table["node"].iloc[p.row]) for p in places]
    if free:
        chosen = [s for p, s in zip(places, sides, strict=True) if p.row is None]
        network, fresh = add_places(network, [(p.lon, p.lat) for p in free], chosen)
        added = iter(fresh)
        nodes = [int(next(added)) if node < 0 else node for node in nodes]
    if len(places) <= 2:
        # A road for those who have business there is open to both ends of a trip.
        network = replace(network, links=with_costs(open_to_ends(network.links, nodes), network.domestic_wait))
    return network, nodes, sides


def _away_km(network: Network, mode: str, places: list[Place], nodes: list[int]) -> NDArray[np.float64]:
    """Return how far places are from the nearest road or railway of their side, NaN where a kept network tells not."""
    if LINES in network.links:
        spot = network.nodes.iloc[nodes]
        xy, side = spot[["x", "y"]].to_numpy(float), spot["side"].to_numpy(dtype=object)
        return nearest_way_km(network.tables, mode, xy, side)
    known = network.settlements.get("nearest_road_km") if mode != "rail" else None
    return np.array([np.nan if known is None or p.row is None else known.iloc[p.row] for p in places], float)


def _no_way(router: Router, nodes: list[int], places: list[Place], mode: str, name: str) -> str:
    """Return why there is no way."""
    network = router.network
    apart = [k for k, at in enumerate(router.positions(nodes)) if at < 0]
    if apart:
        reach = network.limits.station_km if mode == "rail" else network.limits.settlement_km
        lone = [places[k] for k in apart]
        away = [f"{km:,.1f} km" for km in _away_km(network, mode, lone, [nodes[k] for k in apart]) if np.isfinite(km)]
        return (
            f"{' and '.join(p.label for p in lone)} joins no {mode} network: allowed is a place within {reach:g} km "
            "of it, on its own side" + (f"; it is {' and '.join(away)} away" if away else "")
        )
    return (
        f"no way by {mode} from {places[0].label} to {places[1].label} on the {name} network: they lie in "
        "unconnected parts of it"
    )
