"""A customisable contraction hierarchy for tables of a large graph.

Where RoutingKit's Python package is installed (``borderlink[fast]``); very large tables by `network.sweeps` anywhere.

Nested dissection orders the nodes once by where they lie (Dibbelt, Strasser and Wagner 2016, Customizable contraction
hierarchies); any costs on the same arcs, or on some of them, are customised in a fraction of a second. Costs are whole
thousandths: what is found equals scipy's.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from importlib import import_module
from importlib.metadata import version
from time import monotonic_ns, thread_time
from typing import TYPE_CHECKING, Any

import numpy as np

from network import sweeps
from network.arcs import arc_keys, found_in
from network.ordering import arranged, nodes_in_order, ranks
from network.ranges import dearest, farthest, search_again
from network.sweeps import NO_WAY
from network.within import apart, reached_within

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

FEW = 32
"""For fewer roots than this trees are quicker than an order."""
CHUNK = 1_000_000
"""Costs found at once: less than a second between two looks at Ctrl-C."""
TREES = 4 * CHUNK
"""The same of whole trees, which take less for each node."""
MOST_ORDERS, MOST_METRICS = 6, 2
TRIED, LONG, UNLIKE = 4, 64, 16
"""Searches that are tried from either list before a table; not of so few places, nor where one list is so many times
longer than the other."""
SWEPT = 10_000
"""On no more positions a search takes less than the sums over all pieces, however large the table."""
PACKAGE = "pyroutingkit"
ABOUT = "order.json"
_ORDERS: dict[str, Any] = {}
_METRICS: dict[tuple[str, bytes], Any] = {}
_KEEP: list[Path] = []
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Frame:
    """Arcs that an order is made for: those of several fields and those back, whose costs are weights on some of them.

    They are counted when they are first wanted: where all trees are known already nobody does.

    Attributes
    ----------
    fields
        Costs on positions.
    where
        Where the positions are, shape (n, 2).
    like
        A frame on the same positions that has these arcs and more: what parts its nodes parts these too, so that its
        order serves both.
    """

    fields: tuple[csr_array, ...]
    where: NDArray[np.float64]
    like: Frame | None = None

    @cached_property
    def arcs(self) -> NDArray[np.int64]:
        """The arcs and those back, ascending: tail times positions plus head."""
        n = len(self.where)
        keys = np.empty(0, np.int64)
        for costs in self.fields:
            own = arc_keys(costs)
            for more in (own, np.sort(own % n * n + own // n)):
                # Nearly all are there already: to sort them together would take ten times as long.
                at, known = found_in(keys, more)
                keys = np.insert(keys, at[~known], more[~known]) if len(keys) else more
        return keys

    @cached_property
    def at(self) -> NDArray[np.int64]:
        """Place in the order of each position, −1 of one without an arc.

        Whoever numbers the same nodes otherwise, or has further ones beside them, has the same order.
        """
        used = np.zeros(len(self.where), bool)
        used[self.arcs // max(len(self.where), 1)] = True
        return np.where(used, np.cumsum(used) - 1, -1)

    @cached_property
    def lonlat(self) -> NDArray[np.float64]:
        """Where the nodes of the order are."""
        return self.where[self.at >= 0]

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """The arcs by places in the order, ascending: tail times nodes plus head."""
        tail, head = np.divmod(self.arcs, max(len(self.where), 1))
        return np.asarray(self.at[tail] * len(self.lonlat) + self.at[head], np.int64)

    @cached_property
    def digest(self) -> str:
        """Return what names the order."""
        whole = blake2b(digest_size=16)
        for part in (self.keys, self.lonlat):
            whole.update(np.ascontiguousarray(part).view(np.uint8).data)
        return whole.hexdigest()

    def weights(self, costs: csr_array, *, back: bool = False) -> NDArray[np.uint32]:
        """Return costs as the package takes them, or those of the ways back; arcs without any are closed."""
        out = np.full(len(self.keys), NO_WAY, np.uint32)
        tail = np.repeat(self.at, np.diff(costs.indptr))
        head = self.at[costs.indices]
        tail, head = (head, tail) if back else (tail, head)
        out[np.searchsorted(self.keys, tail * len(self.lonlat) + head)] = costs.data
        return out


def costs_between(
    costs: csr_array,
    frame: Frame,
    roots: NDArray[np.int64],
    columns: NDArray[np.int64],
    *,
    reverse: bool = False,
    limit: float = np.inf,
) -> NDArray[np.float64] | None:
    """Return the costs from roots to columns, or with `reverse` the other way; None where trees must answer.

    Parameters
    ----------
    costs
        Whole numbers, on arcs of the frame.
    limit
        Costs above it come back as infinity.

    Returns
    -------
    Shape (roots, columns), infinity where there is no way. None without the package where the table is no large one,
    for a few roots, where an arc costs more than 32 bits hold, and where many ways, or one of a large table, might.
    """
    package = _package()
    much = len(roots) * len(columns) >= sweeps.MUCH and (package is None or len(frame.where) > SWEPT)
    if (package is None and not much) or len(roots) < FEW or not len(columns):
        return None
    if costs.data.max(initial=0.0) >= NO_WAY:
        return None
    # A sum of two costs that 32 bits hold never wraps round, and one that is too large is no way: below a limit all is
    # exact, whatever longer ways cost, and so is every way that is found.
    sure = limit < NO_WAY or dearest(costs) < NO_WAY
    grown = costs.T.tocsr() if reverse and not sure else costs
    if not sure and (much or 2 * farthest(grown, int(roots[0])) >= NO_WAY):
        return None
    near = None
    if package is not None and np.isfinite(limit):
        near = reached_within(costs, frame.where, roots, columns, limit, reverse=reverse)
        much = much and 2 * sum(len(rows) * len(there) for rows, there in near) >= len(roots) * len(columns)
    if much:
        return sweeps.costs_between(costs, frame.where, roots, columns, reverse=reverse, limit=limit)
    out = np.full((len(roots), len(columns)), np.inf)
    begin, end = frame.at[roots], frame.at[columns]
    # A node without an arc is reached from itself alone.
    out[begin < 0] = np.where(roots[begin < 0][:, None] == columns, 0.0, np.inf)
    searches = _Searches(package, frame, costs, reverse)
    for rows, there in apart(costs, roots, columns, FEW) if near is None else near:
        rows, there = rows[begin[rows] >= 0], there[end[there] >= 0]
        if len(rows) and len(there):
            _fill(out, (rows, there), (begin[rows].astype(np.uint32), end[there].astype(np.uint32)), searches, limit)
    if not sure:
        search_again(out, grown, roots, columns, limit)
    return out


def whole_trees(
    costs: csr_array, frame: Frame, roots: NDArray[np.int64], *, reverse: bool = False
) -> NDArray[np.float64] | None:
    """Return the costs from roots to all positions, or with `reverse` the other way; None where trees must answer."""
    package = _package()
    if package is None or max(dearest(costs), costs.data.max(initial=0.0)) >= NO_WAY:
        return None
    out = np.full((len(roots), len(frame.at)), np.inf)
    out[np.arange(len(roots)), roots] = 0.0
    begin, used = frame.at[roots], np.flatnonzero(frame.at >= 0)
    rows = np.flatnonzero(begin >= 0)
    with _LOCK:
        metric = _metric(package, frame, frame.weights(costs, back=reverse))
        # From the most important node down each is found beside the one before it: twice as quick.
        rank = ranks(_order(package, frame), frame.digest)
    down = np.argsort(-rank).astype(np.uint32) if len(rank) else np.arange(len(used), dtype=np.uint32)
    step = max(1, TREES // max(len(used), 1))
    for some in np.split(rows, np.arange(step, len(rows), step)) if len(rows) else ():
        with _LOCK:
            found = metric.distances_many_to_many(begin[some].astype(np.uint32), down)
        out[some[:, None], used[down]] = np.where(found == NO_WAY, np.inf, found)
    return out


@dataclass(frozen=True)
class _Searches:
    """The metrics of some costs, made when first wanted: from roots, or from columns by the arcs turned round."""

    package: Any
    frame: Frame
    costs: csr_array
    reverse: bool
    _metrics: dict[bool, Any] = field(default_factory=dict)

    def between(self, roots: NDArray[np.uint32], columns: NDArray[np.uint32], *, turned: bool) -> NDArray[np.uint32]:
        """Return costs, a search from each root, or from each column where they are turned: a row for each search."""
        sources, targets = (columns, roots) if turned else (roots, columns)
        with _LOCK:  # the package's tables are made by one thread at a time
            if turned not in self._metrics:
                weights = self.frame.weights(self.costs, back=self.reverse != turned)
                self._metrics[turned] = _metric(self.package, self.frame, weights)
            found: NDArray[np.uint32] = self._metrics[turned].distances_many_to_many(sources, targets)
        return found

    def sorted(
        self, numbers: NDArray[np.int64], nodes: NDArray[np.uint32]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return nodes of the order and what goes with them, the most important first."""
        with _LOCK:
            rank = ranks(_order(self.package, self.frame), self.frame.digest)
        order = np.argsort(-rank[nodes], kind="stable") if len(rank) else np.arange(len(nodes))
        return numbers[order], nodes[order]

    def turned(self, roots: NDArray[np.uint32], columns: NDArray[np.uint32]) -> bool:
        """Return whether searches from the columns cost less.

        A search takes as long as what lies above all targets is large: thousands of posts in a row have less of it
        than a few hundred places all over a country. So of two lists a few searches each are tried.
        """
        short, long = sorted((len(roots), len(columns)))
        if short <= LONG or short * UNLIKE < long:
            return len(columns) < len(roots)
        seconds = []
        for turned in (False, True):
            every = max(1, len(columns if turned else roots) // TRIED)
            some = (roots, columns[::every]) if turned else (roots[::every], columns)
            self.between(some[0][:1], some[1][:1], turned=turned)  # makes the metric
            start = thread_time()
            self.between(*some, turned=turned)
            seconds.append((thread_time() - start) * every)
        return seconds[1] < seconds[0]


def _fill(
    out: NDArray[np.float64],
    where: tuple[NDArray[np.int64], NDArray[np.int64]],
    ends: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    searches: _Searches,
    limit: float,
) -> None:
    """Put the costs between some roots and columns into a table, in place, as many at once as `CHUNK` holds."""
    # In the order of the nodes what is found lies beside what was found before it.
    (rows, roots), (there, columns) = (searches.sorted(*both) for both in zip(where, ends, strict=True))
    turned = searches.turned(roots, columns)
    count, width = (len(columns), len(roots)) if turned else (len(roots), len(columns))
    step = max(1, CHUNK // width)
    for start in range(0, count, step):
        some = slice(start, start + step)
        own = (roots, columns[some]) if turned else (roots[some], columns)
        found = searches.between(*own, turned=turned)
        known = np.where((found == NO_WAY) | (found > limit), np.inf, found)
        out[np.ix_(rows, there[some]) if turned else np.ix_(rows[some], there)] = known.T if turned else known


def _metric(package: Any, frame: Frame, weights: NDArray[np.uint32]) -> Any:
    """Return an order with weights; the last ones are kept, for many tables are of the same costs."""
    key = frame.digest, blake2b(weights.view(np.uint8).data, digest_size=16).digest()
    if key not in _METRICS:
        metric = package.CCHMetric(_order(package, frame))
        metric.customize(weights, 0)
        while len(_METRICS) >= MOST_METRICS:
            _METRICS.pop(next(iter(_METRICS)))
        _METRICS[key] = metric
    return _METRICS[key]


def keep_in(folder: Path | None) -> None:
    """Let orders that are made from now on stay in a folder, and take those that are there; None for neither."""
    _KEEP[:] = [] if folder is None else [folder]


def is_known(frame: Frame) -> bool:
    """Return whether the order of a frame is made already, or was when its network was kept."""
    return _package() is not None and (frame.digest in _ORDERS or any(_folder(k, frame).exists() for k in _KEEP))


@lru_cache(maxsize=1)
def _package() -> Any:
    """Return the package, or None where it is not installed."""
    try:
        return import_module(PACKAGE)
    except ImportError:
        return None


def _order(package: Any, frame: Frame) -> Any:
    """Return the order of the nodes of a frame, made once: costs are no part of it."""
    if frame.digest not in _ORDERS:
        # What another version wrote is not read: it might end the process.
        folder = _folder(_KEEP[0], frame) if _KEEP else None
        made = package.CCHTopology()
        if folder is not None and _is_whole(folder):
            with suppress(RuntimeError):  # another process has just cleared the cache
                made.load(str(folder))
        if not made.is_built:
            _make(package, made, frame)
            if folder is not None:
                _keep(made, folder)
        while len(_ORDERS) >= MOST_ORDERS:
            _ORDERS.pop(next(iter(_ORDERS)))
        _ORDERS[frame.digest] = made
    return _ORDERS[frame.digest]


def _folder(beside: Path, frame: Frame) -> Path:
    """Return where an order is kept."""
    return beside / f"{frame.digest}-{version(PACKAGE)}"


def _make(package: Any, order: Any, frame: Frame) -> None:
    """Make an order in a thread of its own: it takes seconds, and who presses Ctrl-C does not wait for it."""
    n = len(frame.lonlat)
    tail, head = (part.astype(np.uint32) for part in np.divmod(frame.keys, n))
    nodes = None
    if frame.like is not None:
        nodes = frame.at[np.flatnonzero(frame.like.at >= 0)[nodes_in_order(_order(package, frame.like))]]
        nodes = nodes[nodes >= 0]
    _in_a_thread(lambda: arranged(order, nodes, tail, head, n))
    if not order.is_built:
        _in_a_thread(lambda: _build(order, tail, head, frame.lonlat))
    if not order.is_built:
        raise RuntimeError("RoutingKit made no order of a graph")


def _build(order: Any, tail: NDArray[np.uint32], head: NDArray[np.uint32], lonlat: NDArray[np.float64]) -> None:
    """Make an order from where the nodes lie."""
    lon, lat = (np.ascontiguousarray(part) for part in lonlat.astype(np.float32).T)
    order.build(tail, head, lat, lon, len(lonlat))


def _in_a_thread(work: Callable[[], object]) -> None:
    """Do some work in a thread of its own and wait for it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)


def _is_whole(folder: Path) -> bool:
    """Return whether an order is there as it was written."""
    try:
        sums = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return bool(sums) and all(zlib.crc32((folder / name).read_bytes()) == known for name, known in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def _keep(order: Any, folder: Path) -> None:
    """Write an order beside its place and put it there whole; where there is no room or right nothing is kept."""
    # Of its own also where processes of two containers have one number.
    new = folder.with_name(f".{folder.name}.{os.getpid()}.{monotonic_ns()}")
    with suppress(OSError, RuntimeError):
        shutil.rmtree(folder, ignore_errors=True)  # one that is damaged
        new.parent.mkdir(exist_ok=True)  # whose network was cleared meanwhile keeps nothing: nobody would count it
        new.mkdir()
        order.save(str(new))
        sums = {path.name: zlib.crc32(path.read_bytes()) for path in sorted(new.iterdir())}
        (new / ABOUT).write_text(json.dumps(sums), encoding="utf-8")
        new.replace(folder)
    shutil.rmtree(new, ignore_errors=True)
