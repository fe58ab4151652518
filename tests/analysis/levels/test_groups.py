"""Types that hang together: planted ones found, spopt's own results, and no type over a closed border."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from sklearn.metrics import adjusted_rand_score, silhouette_score
from spopt.region import MaxPHeuristic, Skater, WardSpatial

from analysis.levels.agreement import by_first, silhouette
from analysis.levels.contiguity import open_contiguity, plain_contiguity
from analysis.levels.groups import ANNEALINGS, CONSTRUCTIONS, METHODS, regionalise
from layers.errors import LayerError
from layers.regions import border_line, touching, with_sides
from tests.borders import Land

LONG = 8


def strip(long: int = LONG) -> gpd.GeoDataFrame:
    """Return two rows of squares, a0, a1… below the border and b0, b1… above it."""
    boxes = [shapely.box(i, r, i + 1, r + 1) for r in range(2) for i in range(long)]
    names = [f"{s}{i}" for s in "ab" for i in range(long)]
    return gpd.GeoDataFrame({"region": names, "side": [n[0] for n in names]}, geometry=boxes, crs="EPSG:4326")


def facing(long: int = LONG) -> pd.DataFrame:
    return pd.DataFrame({"region_a": [f"a{i}" for i in range(long)], "region_b": [f"b{i}" for i in range(long)]})


def posts(*pairs: tuple[str, str, bool], mode: str = "road") -> pd.DataFrame:
    columns = ["region_a", "region_b", "open"]
    table = pd.DataFrame(list(pairs), columns=columns).astype({"open": bool})
    return table.assign(checkpoint_id=[f"c{i}" for i in range(len(pairs))], mode=mode)


def edges(graph: Graph) -> set[frozenset[str]]:
    pairs = graph.adjacency
    return {frozenset(p) for p in pairs[pairs > 0].index}


def values_of(x: Any) -> pd.DataFrame:
    names = strip(len(x) // 2)["region"]
    table = pd.DataFrame(np.asarray(x), index=pd.Index(names, name="region"))
    return table.rename(columns=lambda c: f"i{c}")


def groups(found: Any, contiguity: str, method: str) -> pd.Series:
    t = found.labels
    return t[(t["contiguity"] == contiguity) & (t["method"] == method)].set_index("region")["group"]


HOME = {frozenset({f"{s}{i}", f"{s}{i + 1}"}) for s in "ab" for i in range(LONG - 1)}


def test_only_open_checkpoints_join_the_sides() -> None:
    table = posts(("a1", "b1", True), ("a2", "b5", True), ("a3", "b3", False), ("a1", "b1", True), ("a9", "b1", True))
    graph, notes = open_contiguity(strip(), table)
    assert edges(graph) == HOME | {frozenset({"a1", "b1"}), frozenset({"a2", "b5"})}
    assert graph.unique_ids.tolist() == strip()["region"].tolist()
    assert notes == ["open checkpoints of a region that is not in the run join nothing: c4"]
    assert edges(open_contiguity(strip(), table, modes=("rail",))[0]) == HOME


def test_plain_contiguity_is_that_of_the_polygons() -> None:
    regions, border = strip(), facing()
    assert edges(plain_contiguity(regions, border)) == HOME | {frozenset({f"a{i}", f"b{i}"}) for i in range(LONG)}
    # On a side as libpysal has it, corners included.
    grid = gpd.GeoDataFrame(
        {"region": [f"r{i}" for i in range(12)], "side": "a"},
        geometry=[shapely.box(i % 4, i // 4, i % 4 + 1, i // 4 + 1) for i in range(12)],
    )
    queen = Graph.build_contiguity(grid.set_index("region"), rook=False)
    assert edges(plain_contiguity(grid, border)) == edges(queen)


def test_islands_stay_in_the_graph() -> None:
    regions = strip().iloc[[0, 1, 4, 9]]
    graph, _ = open_contiguity(regions, posts())
    assert graph.unique_ids.tolist() == ["a0", "a1", "a4", "b1"]
    assert graph.isolates.tolist() == ["a4", "b1"]
    assert edges(graph) == {frozenset({"a0", "a1"})}


def test_the_packaged_border(packaged_land: Land) -> None:
    border = border_line(packaged_land.regions, ("RU", "KZ"))
    sided = with_sides(packaged_land.regions, ("RU", "KZ"))
    regions = sided[touching(sided, border)]
    through, notes = open_contiguity(regions, packaged_land.checkpoints)
    plain = plain_contiguity(regions, border)
    # The Altai Republic faces East Kazakhstan, but has no checkpoint; Saratov has Ozinki.
    assert frozenset({"RU-AL", "KZ-63"}) in edges(plain) - edges(through)
    assert frozenset({"RU-SAR", "KZ-27"}) in edges(plain) & edges(through)
    sides = regions.set_index("region")["side"]
    across = {e for e in edges(through) if len({sides[r] for r in e}) == 2}
    own = packaged_land.checkpoints
    own = own[own["open"] & own["region_b"].isin(sides.index)]
    assert across == {frozenset(p) for p in zip(own["region_a"], own["region_b"], strict=True)}
    # The layer is from before 2022: the checkpoints of Abai join nothing until a network counts them to a neighbour.
    abai = packaged_land.checkpoints.query("open and region_b == 'KZ-10'")["checkpoint_id"]
    assert len(abai) > 0
    assert notes == [f"open checkpoints of a region that is not in the run join nothing: {', '.join(abai)}"]


@pytest.mark.parametrize("seed", range(20))
def test_silhouettes_of_distances_are_those_of_the_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(14, 3))
    one = rng.integers(0, 5, 14)
    away = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    assert silhouette(away, one) == pytest.approx(silhouette_score(x, one))
    first = by_first(one)
    assert adjusted_rand_score(first, one) == 1
    assert [int(g) for g in dict.fromkeys(first.tolist())] == list(range(len(set(one))))


def test_groupings_that_say_nothing() -> None:
    away = np.ones((4, 4)) - np.eye(4)
    assert np.isnan(silhouette(away, np.zeros(4, int)))
    assert np.isnan(silhouette(away, np.arange(4)))


def planted(seed: int, *, apart: float = 6.0) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return indicators in which the western and the eastern half of the strip differ."""
    rng = np.random.default_rng(seed)
    east = np.tile(np.arange(LONG) >= LONG // 2, 2)
    return values_of(rng.normal(size=(2 * LONG, 4)) + apart * east[:, None]), east


@pytest.mark.parametrize("seed", range(3))
def test_two_planted_types_are_found(seed: int) -> None:
    values, east = planted(seed)
    graphs = {
        "plain": plain_contiguity(strip(), facing()),
        "checkpoints": open_contiguity(strip(), posts(("a1", "b1", True), ("a6", "b6", True)))[0],
    }
    found = regionalise(values, graphs, least_regions=8, bootstraps=5, seed=seed)
    for contiguity in graphs:
        for method in METHODS:
            assert groups(found, contiguity, method).tolist() == (east + 1).tolist()
    assert (found.agreement["adjusted_rand"] == 1).all()
    assert len(found.agreement) == 15
    chosen = found.choices[found.choices["chosen"]]
    assert (chosen["k"] == 2).all()
    assert (chosen["stability"] == 1).all()
    assert (chosen["silhouette"] > 0.6).all()
    assert found.notes == []


def test_a_planted_type_over_a_closed_border_is_two() -> None:
    values, east = planted(0)
    closed, _ = open_contiguity(strip(), posts(("a1", "b1", False), ("a6", "b6", False)))
    found = regionalise(values, {"checkpoints": closed}, k=4, least_regions=4, bootstraps=2)
    for method in METHODS:
        assert groups(found, "checkpoints", method).tolist() == (1 + east + 2 * np.repeat([0, 1], LONG)).tolist()
    assert found.notes == [
        "checkpoints: the regions fall into 2 parts, which no type spans: a0, a1, a2, a3, a4, a5, a6, a7; b0, "
        "b1, b2, b3, b4, b5, b6, b7"
    ]


@pytest.mark.parametrize("seed", range(8))
def test_every_type_hangs_together_and_never_across_a_closed_checkpoint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    regions = strip().iloc[rng.permutation(16)[:13]]
    table = posts(*((f"a{i}", f"b{i}", bool(rng.random() < 0.4)) for i in range(LONG)))
    graph, _ = open_contiguity(regions, table)
    values = values_of(rng.normal(size=(16, 3))).loc[regions["region"]]
    found = regionalise(values, {"checkpoints": graph}, bootstraps=1, seed=seed)
    whole = nx.Graph([tuple(e) for e in edges(graph)])
    whole.add_nodes_from(values.index)
    through = {frozenset({f"a{i}", f"b{i}"}) for i in table.loc[table["open"]].index}
    for method in METHODS:
        group = groups(found, "checkpoints", method)
        for _, members in group.groupby(group):
            kept = whole.subgraph(members.index)
            assert nx.is_connected(kept)
            if len({m[0] for m in members.index}) == 2:
                assert {frozenset(e) for e in kept.edges} & through
        rows = found.choices[(found.choices["method"] == method) & found.choices["chosen"]]
        assert rows["k"].tolist() == [group.nunique()]
    # Max-p: no type is smaller than three, but for parts that are.
    sizes = groups(found, "checkpoints", "maxp").value_counts()
    small = [c for c in nx.connected_components(whole) if len(c) < 3]
    assert (sizes < 3).sum() == len(small)


@pytest.mark.parametrize("seed", range(4))
def test_over_plain_weights_the_types_are_spopts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = values_of(rng.normal(size=(16, 4)))
    graph = plain_contiguity(strip(), facing())
    x = ((values - values.mean()) / values.std(ddof=0)).reset_index(drop=True)
    w = graph.transform("B").to_W()
    w.remap_ids(list(range(16)))
    for k in (2, 3, 5):
        found = regionalise(values, {"plain": graph}, methods=("skater", "ward"), k=k, bootstraps=0)
        for method, solver in (("skater", Skater), ("ward", WardSpatial)):
            model = solver(x.copy(), w, list(x.columns), n_clusters=k)
            model.solve()
            assert adjusted_rand_score(model.labels_, groups(found, "plain", method)) == 1
    found = regionalise(values, {"plain": graph}, methods=("maxp",), bootstraps=0, seed=seed)
    np.random.seed(seed)  # noqa: NPY002
    model = MaxPHeuristic(
        x.assign(n=1),
        w,
        list(x.columns),
        "n",
        3,
        max_iterations_construction=CONSTRUCTIONS,
        max_iterations_sa=ANNEALINGS,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
        model.solve()
    assert adjusted_rand_score(model.labels_, groups(found, "plain", "maxp")) == 1


def test_a_forest_is_cut_as_spopt_cuts_it() -> None:
    values, _ = planted(3, apart=1.0)
    graph, _ = open_contiguity(strip(), posts())
    x = ((values - values.mean()) / values.std(ddof=0)).reset_index(drop=True)
    w = graph.to_W()
    w.remap_ids(list(range(16)))
    found = groups(regionalise(values, {"closed": graph}, methods=("skater",), k=5, bootstraps=0), "closed", "skater")
    model = Skater(x, w, list(x.columns), n_clusters=5, islands="ignore")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="By default, the graph is disconnected")
        model.solve()
    assert adjusted_rand_score(model.labels_, found) == 1


def test_twins_stay_together() -> None:
    """SpOpt forgets edges between regions that are alike in everything, and cannot join them again."""
    values, east = planted(1)
    values.iloc[3] = values.iloc[2]
    values.iloc[10] = values.iloc[11]
    found = regionalise(
        values, {"plain": plain_contiguity(strip(), facing())}, methods=("skater", "ward"), bootstraps=3
    )
    for method in ("skater", "ward"):
        assert groups(found, "plain", method).tolist() == (east + 1).tolist()


def test_the_order_of_regions_and_the_scale_of_indicators_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    values = values_of(rng.normal(size=(16, 4)))
    graph = plain_contiguity(strip(), facing())
    order = rng.permutation(16)
    other = (values * [1.0, 1000.0, 1e-3, 60.0] + [5.0, 0.0, 1.0, 0.0]).iloc[order]
    options: dict[str, Any] = {"methods": ("skater", "ward"), "bootstraps": 4}
    one, two = (regionalise(v, {"plain": graph}, **options) for v in (values, other))
    for method in options["methods"]:
        a = groups(one, "plain", method)
        assert adjusted_rand_score(a, groups(two, "plain", method).loc[a.index]) == 1
    pd.testing.assert_frame_equal(one.choices, two.choices)


def test_the_same_seed_makes_the_same_tables_and_leaves_numpys_alone() -> None:
    values, _ = planted(2, apart=0.5)
    graph = {"plain": plain_contiguity(strip(), facing())}
    np.random.seed(99)  # noqa: NPY002
    before = np.random.random(3).tolist()  # noqa: NPY002
    np.random.seed(99)  # noqa: NPY002
    one = regionalise(values, graph, bootstraps=4, seed=5)
    assert np.random.random(3).tolist() == before  # noqa: NPY002
    two = regionalise(values, graph, bootstraps=4, seed=5)
    for name in ("labels", "choices", "agreement"):
        assert getattr(one, name).to_csv() == getattr(two, name).to_csv()


def test_k_has_the_largest_sum_of_silhouette_and_stability() -> None:
    values, _ = planted(6, apart=0.8)
    found = regionalise(
        values, {"plain": plain_contiguity(strip(), facing())}, methods=("skater", "ward"), k_max=5, bootstraps=6
    )
    for _, mine in found.choices.groupby("method"):
        assert mine["k"].tolist() == [2, 3, 4, 5]
        best = mine.loc[(mine["silhouette"] + mine["stability"]).idxmax(), "k"]
        assert mine.loc[mine["chosen"], "k"].tolist() == [best]
        assert mine["stability"].between(-1, 1).all()


def test_stability_is_not_told_of_one_indicator() -> None:
    values, _ = planted(0)
    found = regionalise(values[["i0"]], {"plain": plain_contiguity(strip(), facing())}, bootstraps=5)
    assert found.choices["stability"].isna().all()
    assert found.choices.groupby("method")["chosen"].sum().eq(1).all()


def test_what_is_not_known_is_left_out_and_told() -> None:
    values, east = planted(0)
    values = values.assign(flat=3.0, gone=np.nan)
    values.loc["a2", "i1"] = np.nan
    graph = {"plain": plain_contiguity(strip(), facing())}
    found = regionalise(values, graph, methods=("ward",), bootstraps=3, names={1: "west"})
    table = found.labels.set_index("region")
    assert pd.isna(table.loc["a2", "group"])
    assert table.loc["a2", "name"] == "not assessed"
    kept = table.drop(index="a2")
    assert kept["name"].tolist() == np.where(np.delete(east, 2), "type 2", "west").tolist()
    assert found.notes[:3] == [
        "not known anywhere, left out of the regionalisation: gone",
        "without a type, for an indicator is not known there: a2",
        "the same in all regions, left out of the regionalisation: flat",
    ]


def test_maxp_ends_on_a_chain() -> None:
    """Both types of three can spare their outer ends, which lie beside no other type.

    Spopt's annealing alone would go on for ever.
    """
    regions = strip().iloc[:LONG]
    values = planted(0)[0].iloc[:LONG]
    graph, _ = open_contiguity(regions, posts())
    found = regionalise(values, {"side": graph}, methods=("maxp",), bootstraps=3)
    group = groups(found, "side", "maxp")
    assert group.is_monotonic_increasing
    assert group.value_counts().min() >= 3
    one = regionalise(values, {"side": graph}, methods=("maxp",), least_regions=5, bootstraps=0)
    assert (groups(one, "side", "maxp") == 1).all()


def test_islands_alone_are_types_of_their_own() -> None:
    regions = strip().iloc[[0, 2, 4, 9, 11]]
    values = values_of(np.random.default_rng(0).normal(size=(16, 2))).loc[regions["region"]]
    graph, _ = open_contiguity(regions, posts())
    found = regionalise(values, {"closed": graph}, bootstraps=2)
    for method in METHODS:
        assert groups(found, "closed", method).tolist() == [1, 2, 3, 4, 5]
    assert found.choices["k"].tolist() == [5, 5, 5]
    assert found.choices["silhouette"].isna().all()


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        (lambda v: v, {"methods": ("azp",)}, "method 'azp' is unknown: allowed are skater, ward, maxp"),
        (lambda v: v, {"k": 17}, "17 types of 16 regions that fall into 1 parts: allowed are 1 to 16"),
        (lambda v: v, {"least_regions": 1}, "allowed is 2 or more"),
        (lambda v: v.iloc[:2], {}, "2 regions with 4 indicators"),
        (lambda v: v * 0, {}, "16 regions with 0 indicators"),
        (lambda v: v.mask(np.arange(16)[:, None] * np.ones(4) > 0), {}, "1 regions with 0 indicators"),
    ],
)
def test_what_does_not_fit(change: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(LayerError, match=told):
        regionalise(change(planted(0)[0]), {"plain": plain_contiguity(strip(), facing())}, **options)
