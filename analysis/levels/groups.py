"""Types of regions that hang together.

SKATER, Ward and max-p (spopt) over a contiguity that crosses the border at checkpoints alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from analysis.levels.agreement import by_first, silhouette
from analysis.levels.indicators import ALIKE, check_option
from analysis.levels.quadrants import NO_TYPE
from layers.errors import LayerError

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from numpy.typing import NDArray

METHODS = ("skater", "ward", "maxp")
K_MAX = 6
LEAST_REGIONS = 3
"""Least number of regions in a type of max-p. An assumption."""
BOOTSTRAPS = 20
CONSTRUCTIONS, ANNEALINGS = 50, 5
"""Rounds of max-p's two phases: a few dozen regions need no more."""
PATIENCE = 20
"""Looks of max-p's annealing at each region, after which it stops."""
TINY = 1e-9


@dataclass(frozen=True)
class Regionalisation:
    """Types of regions by contiguity and method.

    ``labels``: ``contiguity``, ``method``, ``region``, ``group`` (1, 2… by the first region of each; missing for a
    region that lacks an indicator), ``name``. ``choices``: ``contiguity``, ``method``, ``k``, ``silhouette`` (−1 to 1),
    ``stability`` (adjusted Rand index between the types and those of resampled indicators, mean), ``chosen``.
    ``agreement``: ``contiguity_1``, ``method_1``, ``contiguity_2``, ``method_2``, ``adjusted_rand`` between the chosen
    ones. ``notes``.
    """

    labels: pd.DataFrame
    choices: pd.DataFrame
    agreement: pd.DataFrame
    notes: list[str]


def regionalise(
    values: pd.DataFrame,
    graphs: Mapping[str, Graph],
    *,
    methods: Sequence[str] = METHODS,
    k: int | None = None,
    k_max: int = K_MAX,
    least_regions: int = LEAST_REGIONS,
    bootstraps: int = BOOTSTRAPS,
    names: Mapping[int, str] | None = None,
    seed: int = 0,
) -> Regionalisation:
    """Return types of regions that are alike and hang together, by each method over each contiguity.

    SKATER (Assunção et al. 2006) cuts the tree of least differences; Ward joins what adds least to the squares within;
    max-p (Duque, Anselin and Rey 2012) makes as many types of `least_regions` or more as there can be. Indicators are
    brought to mean 0 and deviation 1. Where the graph falls into parts, a type never spans two of them: SKATER cuts a
    forest; Ward splits, one by one, the part that gains most; max-p runs within each part, and a part too small for it
    is a type of its own. The chosen k has the largest sum of silhouette and stability, of equals the smallest.

    Parameters
    ----------
    values
        By region and indicator; columns that are the same everywhere are left out, regions that lack a value have no
        type: both told.
    graphs
        By name of the contiguity, as from `analysis.levels.contiguity`.
    k
        Number of types for SKATER and Ward; found where it is None.
    bootstraps
        Resamples of the indicators; stability is NaN without any, or with one indicator.
    names
        Names of types by their number; "type 1"… where none is given.

    Raises
    ------
    LayerError
        An unknown method, no indicator, fewer than three regions, or a k that the parts of the graph do not allow.
    """
    for method in methods:
        check_option(method, METHODS, "method")
    if least_regions < 2:
        raise LayerError(f"types of max-p of {least_regions} regions: allowed is 2 or more")
    x, codes, notes = _standardised(values)
    rng = np.random.default_rng(seed)
    resampled = rng.integers(x.shape[1], size=(bootstraps if x.shape[1] > 1 else 0, x.shape[1]))
    away = np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))
    rows, chosen = [], {}
    for name, graph in graphs.items():
        near = _neighbours(graph, codes)
        parts = _parts(near)
        if parts.max() > 0:
            listed = "; ".join(", ".join(codes[parts == p]) for p in range(parts.max() + 1))
            notes.append(f"{name}: the regions fall into {parts.max() + 1} parts, which no type spans: {listed}")
        ks = _allowed_k(len(codes), int(parts.max()) + 1, k, k_max)
        for method in methods:
            found = _solutions(method, x, near, ks, least_regions, seed)
            again = [_solutions(method, x[:, c], near, ks, least_regions, seed) for c in resampled]
            scores = _scored(found, again, away)
            # A silhouette or a stability that can't be told has no say; sums alike to 9 digits are a tie.
            best = min(scores, key=lambda q: (-round(float(np.nansum(scores[q])), 9), q))
            chosen[name, method] = found[best]
            rows += [(name, method, q, *scores[q], q == best) for q in scores]
    table = pd.DataFrame(rows, columns=["contiguity", "method", "k", "silhouette", "stability", "chosen"])
    return Regionalisation(_labels(values.index, codes, chosen, names or {}), table, _agreement(chosen), notes)


def _standardised(values: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.object_], list[str]]:
    """Return the indicators of regions that are known in full, mean 0 and deviation 1, their codes, and notes."""
    notes = []
    empty = values.columns[values.isna().all()]
    if len(empty):
        notes.append(f"not known anywhere, left out of the regionalisation: {', '.join(empty)}")
    kept = values.drop(columns=empty)
    lacking = kept.index[kept.isna().any(axis=1)]
    if len(lacking):
        notes.append(f"without a type, for an indicator is not known there: {', '.join(lacking)}")
    kept = kept.drop(index=lacking)
    spread = kept.std(ddof=0)
    flat = kept.columns[spread <= ALIKE * kept.abs().max()]
    if len(flat) and len(kept):
        notes.append(f"the same in all regions, left out of the regionalisation: {', '.join(flat)}")
    kept = kept.drop(columns=flat)
    if len(kept) < 3 or kept.shape[1] == 0:
        raise LayerError(
            f"{len(kept)} regions with {kept.shape[1]} indicators that differ between them: allowed are 3 or "
            "more regions and an indicator"
        )
    x = ((kept - kept.mean()) / kept.std(ddof=0)).to_numpy(float)
    return x, kept.index.to_numpy(dtype=object), notes


def _neighbours(graph: Graph, codes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return who is whose neighbour among some regions, shape (n, n), symmetric."""
    pairs = graph.adjacency
    pairs = pairs[pairs > 0]
    at = pd.Index(codes)
    i, j = (at.get_indexer(pairs.index.get_level_values(level)) for level in (0, 1))
    out = np.zeros((len(codes), len(codes)), bool)
    both = (i >= 0) & (j >= 0) & (i != j)
    out[i[both], j[both]] = out[j[both], i[both]] = True
    return out


def _parts(near: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the connected part of each region."""
    return np.asarray(connected_components(near, directed=False)[1], np.int64)


def _allowed_k(n: int, parts: int, k: int | None, k_max: int) -> list[int]:
    """Return the numbers of types to try: no fewer than the parts of the graph, fewer than the regions."""
    if k is not None:
        if not max(parts, 1) <= k <= n:
            raise LayerError(f"{k} types of {n} regions that fall into {parts} parts: allowed are {parts} to {n}")
        return [k]
    first = max(2, parts)
    return list(range(first, max(first, min(k_max, n - 1)) + 1))


def _solutions(
    method: str, x: NDArray[np.float64], near: NDArray[np.bool_], ks: Sequence[int], least: int, seed: int
) -> dict[int, NDArray[np.int64]]:
    """Return labels by number of types: one for each of `ks`, of max-p the one that it finds."""
    if method == "maxp":
        labels = _maxp(x, near, least, seed)
        return {int(labels.max()) + 1: labels}
    solve = _skater if method == "skater" else _ward
    return {k: by_first(labels) for k, labels in solve(x, near, ks).items()}


def _skater(x: NDArray[np.float64], near: NDArray[np.bool_], ks: Sequence[int]) -> dict[int, NDArray[np.int64]]:
    """Return SKATER's labels, cut by cut: those of ``spopt.region.Skater`` for each number of types, in one go."""
    from scipy.optimize import OptimizeWarning
    from spopt.region.skater import SpanningForest

    def apart(a: NDArray[np.float64], b: NDArray[np.float64] | None) -> NDArray[np.float64]:
        # spopt forgets edges of length 0, so that twins would fall apart; the same addition everywhere changes no
        # choice.
        return np.asarray(cdist(a, a if b is None else b, "cityblock") + TINY, float)

    class Forest(SpanningForest):  # type: ignore[misc]  # spopt is untyped
        """spopt's own, which weighs no type twice: of the types that a cut leaves all but two are as they were."""

        known: ClassVar[dict[bytes, float]] = {}

        def score(self, data: NDArray[np.float64], labels: NDArray[np.int64], quorum: float) -> float:
            parts = [labels == label for label in range(int(labels.max()) + 1)]
            for part in parts:
                if part.tobytes() not in self.known:
                    own = data[part]
                    self.known[part.tobytes()] = super().score(own, np.zeros(len(own), np.int64), quorum)
            return float(np.sum([self.known[part.tobytes()] for part in parts]))

    forest = Forest(dissimilarity=apart)
    with warnings.catch_warnings():
        # Several parts are told by `regionalise`; spopt warns of them again.
        warnings.filterwarnings("ignore", message="By default, the graph is disconnected", category=OptimizeWarning)
        forest.fit(1, _spopt_weights(near), data=x, islands="ignore")
    tree, labels = forest.minimum_spanning_forest_, forest.current_labels_
    out = {}
    for k in range(int(labels.max()) + 1, max(ks) + 1):  # cuts: each needs the one before
        if k > int(labels.max()) + 1:
            tree, _, labels = forest.make_cut(*forest.find_cut(tree, x), MSF=tree)
        if k in ks:
            out[k] = np.asarray(labels, np.int64)
    return out


def _ward(x: NDArray[np.float64], near: NDArray[np.bool_], ks: Sequence[int]) -> dict[int, NDArray[np.int64]]:
    """Return Ward's labels by number of types: within each part those of ``spopt.region.WardSpatial``.

    sklearn would join parts that nothing joins. So each part is split on its own, next the one whose next split lowers
    the squares within types most.
    """
    parts = _parts(near)
    members = [np.flatnonzero(parts == p) for p in range(parts.max() + 1)]
    most = max(ks) - len(members) + 1
    splits = [_ward_of_part(x[own], near[np.ix_(own, own)], min(len(own), most)) for own in members]
    squares = [[_squares(x[own], labels) for labels in split] for own, split in zip(members, splits, strict=True)]
    taken = np.zeros(len(members), np.int64)
    out = {}
    for k in range(len(members), max(ks) + 1):  # splits: each needs the one before
        if k in ks:
            out[k] = _put_together(members, [split[t] for split, t in zip(splits, taken, strict=True)], len(x))
        gains = [s[t] - s[t + 1] if t + 1 < len(s) else -np.inf for s, t in zip(squares, taken, strict=True)]
        taken[int(np.argmax(gains))] += 1
    return out


def _ward_of_part(x: NDArray[np.float64], near: NDArray[np.bool_], most: int) -> list[NDArray[np.int64]]:
    """Return the labels of a connected part in 1, 2… up to `most` types, out of one tree of what is joined when."""
    from sklearn.cluster import AgglomerativeClustering

    n, out = len(x), [np.zeros(len(x), np.int64)]
    if most < 2:
        return out
    # What ``spopt.region.WardSpatial`` calls, for each number of types anew.
    made = AgglomerativeClustering(2, connectivity=_spopt_weights(near).sparse, linkage="ward").fit(x)
    for k in range(2, most + 1):  # numbers of types: a few
        ends = np.asarray(made.children_, np.int64)[: n - k].ravel()
        whole = n + np.repeat(np.arange(n - k), 2)
        joined = coo_array((np.ones(len(ends)), (whole, ends)), shape=(2 * n - k, 2 * n - k))
        out.append(by_first(connected_components(joined, directed=False)[1][:n]))
    return out


def _squares(x: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the sum of squares within groups."""
    member = np.eye(labels.max() + 1)[labels]
    means = (member.T @ x) / member.sum(axis=0)[:, None]
    return float(((x - means[labels]) ** 2).sum())


def _put_together(members: list[NDArray[np.int64]], labels: list[NDArray[np.int64]], n: int) -> NDArray[np.int64]:
    """Return labels of all regions from those within each part."""
    out, start = np.zeros(n, np.int64), 0
    for own, scores in zip(members, labels, strict=True):  # parts: a few
        out[own] = scores + start
        start += int(scores.max()) + 1
    return out


def _maxp(x: NDArray[np.float64], near: NDArray[np.bool_], least: int, seed: int) -> NDArray[np.int64]:
    """Return the labels of ``spopt.region.MaxPHeuristic`` within each part that is large enough to be split."""
    from spopt.region import MaxPHeuristic

    parts = _parts(near)
    members = [np.flatnonzero(parts == p) for p in range(parts.max() + 1)]
    found = []
    for own in members:  # parts: a few
        if len(own) < 2 * least:
            found.append(np.zeros(len(own), np.int64))
            continue
        frame = pd.DataFrame(x[own]).assign(regions=1)
        columns = [c for c in frame if c != "regions"]
        model = MaxPHeuristic(
            frame,
            _tiring_weights(near[np.ix_(own, own)]),
            columns,
            "regions",
            least,
            max_iterations_construction=CONSTRUCTIONS,
            max_iterations_sa=ANNEALINGS,
        )
        with _legacy_seed(seed), warnings.catch_warnings():
            # spopt drops a column in place, which pandas 3 announces to end.
            warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
            model.solve()
        found.append(by_first(np.asarray(model.labels_, np.int64)))
    return by_first(_put_together(members, found, len(x)))


@contextmanager
def _legacy_seed(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, the only one that spopt's max-p draws from, and give it back as it was."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _spopt_weights(near: NDArray[np.bool_]) -> Any:
    """Return the neighbours as the weights that spopt takes: libpysal's older ``W``."""
    from libpysal.weights import W

    # Islands are allowed here: they are told by `regionalise`.
    return W({i: np.flatnonzero(row).tolist() for i, row in enumerate(near)}, silence_warnings=True)


def _tiring_weights(near: NDArray[np.bool_]) -> Any:
    """Return weights for spopt's max-p that after a while show no neighbours to its annealing, which ends it.

    The annealing of spopt 0.7 never ends where a type has a region to spare and no such region lies beside another
    type, as in a chain of regions. It asks ``sparse`` which regions can be spared, and stops where none can; its types
    are whole at any time.
    """
    from libpysal.weights import W
    from scipy.sparse import csr_array

    class Tiring(W):  # type: ignore[misc]  # libpysal is untyped
        looks = 0

        @property
        def sparse(self) -> Any:
            self.looks += 1
            return super().sparse if self.looks <= PATIENCE * self.n else csr_array((self.n, self.n))

    weights = Tiring(_spopt_weights(near).neighbors, silence_warnings=True)
    _ = weights.component_labels  # kept by libpysal from now on, out of the true neighbours
    weights.looks = 0
    return weights


def _scored(
    found: Mapping[int, NDArray[np.int64]], again: list[dict[int, NDArray[np.int64]]], away: NDArray[np.float64]
) -> dict[int, tuple[float, float]]:
    """Return silhouette and stability of each number of types; of max-p a resample may have another number."""
    out = {}
    for k, labels in found.items():
        alike = [adjusted_rand_score(labels, other.get(k, next(iter(other.values())))) for other in again]
        out[k] = (silhouette(away, labels), float(np.mean(alike)) if alike else float("nan"))
    return out


def _labels(
    regions: pd.Index[str],
    codes: NDArray[np.object_],
    chosen: Mapping[tuple[str, str], NDArray[np.int64]],
    names: Mapping[int, str],
) -> pd.DataFrame:
    """Return the chosen type of every region, missing for those left out."""
    tables = []
    for (contiguity, method), labels in chosen.items():
        group = pd.Series(labels + 1, index=codes).reindex(regions).astype("Int64")
        called = [NO_TYPE if pd.isna(g) else names.get(int(g), f"type {int(g)}") for g in group]
        tables.append(
            pd.DataFrame(
                {
                    "contiguity": contiguity,
                    "method": method,
                    "region": regions.to_numpy(),
                    "group": group.array,
                    "name": called,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _agreement(chosen: Mapping[tuple[str, str], NDArray[np.int64]]) -> pd.DataFrame:
    """Return the adjusted Rand index between each two chosen groupings."""
    rows = [(*a, *b, adjusted_rand_score(chosen[a], chosen[b])) for a, b in combinations(chosen, 2)]
    return pd.DataFrame(rows, columns=["contiguity_1", "method_1", "contiguity_2", "method_2", "adjusted_rand"])
