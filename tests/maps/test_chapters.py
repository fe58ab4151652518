"""The report's further chapters: what they say of small tables made by hand, of none at all, and as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest

from maps.contents import Contents
from maps.report.page import report_of
from maps.report.tabular import TOP, Column, columns, made, write_table
from tests.maps import frames as synthetic
from tests.maps.test_charts import flows, reach
from tests.maps.test_report import Page, run_tables, write

if TYPE_CHECKING:
    from pathlib import Path

    from maps.report.tabular import Chapter

CRS = pyproj.CRS.from_user_input(synthetic.CRS)
SIDES = ("Russia", "Kazakhstan")
KEYS = ["checkpoints", "reach", "trips", "closures", "sure", "levels", "data"]
BAD = synthetic.HOSTILE
HANGING = "Cities that hang most on one checkpoint"


def settlements() -> gpd.GeoDataFrame:
    """Return settlements with what the chapter on reach adds to them."""
    towns = synthetic.settlements()
    n = np.arange(len(towns), dtype=float)
    return towns.assign(
        side=np.where(n % 2, "b", "a"),
        region_name="Somewhere",
        name=[BAD, *towns["name"][1:]],
        city_cross_actual="Elsewhere",
        time_to_city_cross_actual_min=np.where(n == 3, np.nan, 60 + n),
        people_within_240min_cross_actual=1000.0 * n,
    )


def frames() -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of a run."""
    return synthetic.tables() | {"settlements": settlements()}


def tables() -> dict[str, pd.DataFrame]:
    """Return small tables of every chapter; names are markup where a study or a map gives them."""
    regions = synthetic.regions()
    codes, names, n = regions["region"].tolist(), regions["name"].tolist(), len(regions)
    score = np.linspace(0.1, 0.9, n)
    middle = np.arange(n, 0, -1.0)
    middle[3] = np.nan
    one = pd.DataFrame({"region": codes, "side": regions["side"]})
    kind = np.where(np.arange(n) % 2, BAD, "path")
    return {
        "region_pairs": pd.DataFrame(
            {
                "region_a": ["RU-00", "RU-01"],
                "region_b": ["KZ-06", "KZ-99"],
                "border_km": [900.4, 100.0],
                "road_open": [3, 0],
                "border_effect_median": [1.2, np.nan],
            }
        ),
        "distance_bands": pd.DataFrame(
            {
                "from_km": [0.0, 50.0, 50.0],
                "to_km": [50.0, 100.0, 100.0],
                "kind": ["domestic_a", "cross", "domestic_b"],
                "pairs": [5, 7, 0],
                "circuity": [1.2, 1.4, np.nan],
            }
        ),
        "redundancy": pd.DataFrame(
            {
                "origin_name": [f"From {i}" for i in range(40)],
                "destination_name": BAD,
                "best_checkpoint": "Kayrak",
                "time_min": 100.0,
                "second_checkpoint": ["", *["Troitsk"] * 39],
                "redundancy_min": [np.nan, *np.arange(39.0)],
                "alternatives": 2,
            }
        ),
        "reach": reach(),
        "region_flows": pd.DataFrame(
            {
                "region_a": ["RU-00"] * 20,
                "region_b": ["KZ-06"] * 20,
                "trips_share": np.full(20, 0.05),
                "flow_per_day": np.nan,
                "mean_time_min": 200.0,
            }
        ),
        "closures_pairs": pd.DataFrame(
            {
                "closed_1": BAD,
                "closed_2": [f"Post {i}" for i in range(30)],
                "mode": "road",
                "share": 0.25,
                "criticality_min": 9.0,
                "unserved_share": 0.0,
                "synergy_min": np.arange(30.0),
                "people_over_60min": 5,
            }
        ),
        "growth_definitions": pd.DataFrame(
            {
                "place": [BAD, "Nobody's"],
                "side": "a",
                "region": ["RU-00", "RU-99"],
                "cell": ["8410", "8411"],
                "population": [9, 8],
                "passes_time": [True, False],
                "passes_contiguity": [True, False],
                "passes_ratio": False,
                "passes_segment": False,
                "passes": [2, 0],
            }
        ),
        "stability": pd.DataFrame(
            {
                "alternative": ["6 nearest"],
                "label": ["growth point"],
                "units": [9],
                "kept": [7],
                "kept_share": [7 / 9],
                "gained": [1],
            }
        ),
        "structural_null": pd.DataFrame(
            {
                "unit": ["all", "8410"],
                "indicator": "border_loss",
                "observed": [0.3, 0.4],
                "null_p05": 0.1,
                "null_median": 0.2,
                "null_p95": 0.5,
                "p_worse": [0.04, 0.5],
            }
        ),
        "association": synthetic.statistics(),
        "index": one.drop(columns="side").assign(
            index=score,
            rank=middle,
            levels_assessed="transport",
            transport_score=score,
            joint_projects_score=np.nan,
            social_services_score=np.nan,
        ),
        "ranks": one.assign(
            name=[BAD, *names[1:]],
            rank_median=middle,
            rank_p5=middle - 0.5,
            rank_p95=middle + 2,
            type=kind,
            type_share=1.0,
        ),
        "types": one.assign(
            name=names, potential=score * 1e5, permeability=score, potential_cut=5e4, permeability_cut=0.5, type=kind
        ),
        "indicators": pd.DataFrame(
            {
                "indicator": ["beds", "rivals"],
                "level": "social services",
                "unit": "per <1,000>",
                "direction": [1, -1],
                "low": 1.0,
                "high": 2.0,
                "weight": 0.5,
            }
        ),
        "groups": one.assign(
            contiguity="plain", method="ward", group=[1.0, 2.0] * 6, name=[BAD, "type 2"] * 6, title=names
        ),
        "group_choices": pd.DataFrame(
            {
                "contiguity": "plain",
                "method": "ward",
                "k": [2, 3],
                "silhouette": 0.3,
                "stability": 0.4,
                "chosen": [True, False],
            }
        ),
    }


def layers() -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the chapters."""
    lines = flows()
    closed = lines.head(20).assign(
        place=BAD, kind="trunk", section_length_m=9.0, criticality_min=3.0, unserved_share=0.1
    )
    return {"flows": lines, "closures_links": closed}


def chapters(
    given: dict[str, pd.DataFrame] | None = None, drawn: dict[str, gpd.GeoDataFrame] | None = None, **replaced: Any
) -> list[Chapter]:
    """Return the chapters of the small tables, or of others."""
    return list(
        report_of(of(tables() if given is None else given, layers() if drawn is None else drawn, **replaced)).chapters
    )


def of(given: dict[str, pd.DataFrame], drawn: dict[str, gpd.GeoDataFrame], **replaced: pd.DataFrame) -> Contents:
    """Return what the chapters are made of."""
    return Contents(title="t", layers=frames() | drawn, styles=(), tables=given | replaced, crs=CRS, sides=SIDES)


def whole() -> dict[str, Any]:
    """Return what the page with all chapters is written of."""
    return {"sides": SIDES, "layers": frames() | layers(), "tables": run_tables() | tables()}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the page of a report with all chapters."""
    found: str = write(tmp_path_factory.mktemp("chapters") / "r.html", **whole())
    return found


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    """Return the same page, read."""
    return Page(text)


def test_the_same_tables_make_the_same_bytes(text: str, tmp_path: Path) -> None:
    assert write(tmp_path / "again.html", **whole()) == text


def test_chapters_stand_in_order_and_the_contents_lead_to_them(page: Page) -> None:
    assert [c.key for c in chapters()] == KEYS
    assert {f"#{key}" for key in KEYS} <= set(page.links)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_chapter_is_two_pages_at_most(page: Page) -> None:
    for chapter in chapters():
        assert len(chapter.figures) <= 2
        assert len(chapter.tables) <= 4
        assert all(len(t.rows) <= TOP for t in chapter.tables if chapter.key != "data")


class Marks(HTMLParser):
    """What a reader who can't see the page needs: captions, scopes, names of figures and of what scrolls."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[str]] = []
        self.heads: list[str | None] = []
        self.figures: list[dict[str, str | None]] = []
        self.scrolling: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "table":
            self.tables.append([])
        elif self.tables and tag in ("caption", "thead", "tbody"):
            self.tables[-1].append(tag)
        if tag == "th":
            self.heads.append(told.get("scope"))
        if tag == "svg":
            self.figures.append(told)
        if "scroll" in (told.get("class") or "").split():
            self.scrolling.append(told)


def test_tables_and_figures_are_told_to_those_who_do_not_see_them(text: str, page: Page) -> None:
    marks = Marks(text)
    assert len(marks.tables) > 12
    assert all(parts == ["caption", "thead", "tbody"] for parts in marks.tables)
    assert set(marks.heads) == {"col"}
    assert len(marks.figures) == 6
    for figure in marks.figures:
        assert figure["role"] == "img"
        assert {figure["aria-labelledby"], figure["aria-describedby"]} <= set(page.ids)
    for told in marks.scrolling:
        assert told["tabindex"] == "0"
        assert told.get("aria-label") or told.get("aria-labelledby") in page.ids
    # A caption names one table.
    captions = re.findall(r"<caption[^>]*>(.*?)</caption>", text)
    assert len(captions) == len(set(captions))


def test_names_stay_text(text: str, page: Page) -> None:
    assert '<b id="harm">' not in text
    assert "harm" not in page.ids
    assert BAD in page.table("The largest settlements of the belt")["Name"].tolist()
    assert BAD in page.table("Growth by four definitions: cells that pass at least one")["Place"].tolist()
    assert BAD in page.table("Regions by index")["Type"].tolist()


def test_codes_are_names_where_there_are_any(page: Page) -> None:
    pairs = page.table("Regions that face each other, longest border first")
    assert pairs["Region in Russia"].tolist() == ["Saratov", "Orenburg"]
    assert pairs["Region in Kazakhstan"].tolist() == ["West Kazakhstan", "KZ-99"]


def test_long_tables_are_cut_and_say_so(text: str, page: Page) -> None:
    assert len(page.table(HANGING)) == 5
    assert "The first 5 of 40; all are in the tables." in text
    closed = page.table("Two checkpoints closed together: those that stand in for each other")
    assert closed["and"].tolist() == [f"Post {i}" for i in range(29, 29 - TOP, -1)]
    assert len(page.table("Links whose loss costs most")) == TOP


def test_levels_that_nobody_assessed_say_so_and_no_number_is_nan(text: str) -> None:
    assert "not assessed" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_ranks_are_whole(page: Page) -> None:
    ranks = page.table("Regions by index")["Rank, median"]
    assert all(re.fullmatch(r"\d+|–", rank) for rank in ranks)


def test_a_column_without_any_value_is_left_out(page: Page) -> None:
    assert "Trips a day" not in page.table("Pairs of regions with most modelled trips")
    some = tables()["region_flows"].assign(flow_per_day=np.arange(len(tables()["region_flows"])) + 1000.0)
    (trips,) = [c for c in chapters(region_flows=some) if c.key == "trips"]
    assert "Trips a day" in [head.text for head in trips.tables[0].heads]


TOGETHER = ("index", "ranks", "group_choices")
"""Tables that come with another one."""


@pytest.mark.parametrize("missing", [n for n in (*tables(), *layers()) if n not in TOGETHER])
def test_any_table_may_be_missing(missing: str) -> None:
    given, drawn = tables(), layers()
    given.pop(missing, None)
    drawn.pop(missing, None)
    assert {c.key for c in chapters(given, drawn)} <= set(KEYS)


@pytest.mark.parametrize("empty", [n for n in tables() if n not in (*TOGETHER, "types")])
def test_any_table_may_have_no_row(empty: str) -> None:
    assert {c.key for c in chapters(**{empty: tables()[empty].iloc[:0]})} <= set(KEYS)


def test_layers_without_a_row_are_not_drawn() -> None:
    drawn = {name: layer.iloc[:0] for name, layer in layers().items()}
    found = {c.key: c for c in chapters(drawn=drawn)}
    assert not found["trips"].figures
    assert "Links whose loss costs most" not in [t.caption for t in found["closures"].tables]


def test_tables_write_what_there_is() -> None:
    chosen = (Column("a", "A (min)", "minutes"), Column("b", "B", "count"), Column("c", "C", "share"), Column("d", "D"))
    frame = pd.DataFrame({"c": [0.25, np.nan], "a": [90.0, 5.5], "d": ["x", ""]})
    written = write_table(frame, chosen, "Some", notes=("Own.",))
    assert written is not None
    assert [h.text for h in written.heads] == ["A (min)", "C", "D"]
    assert [[c.text for c in row] for row in written.rows] == [["90", "25 %", "x"], ["5.5", "–", "–"]]
    assert [h.css for h in written.heads] == ["num", "num", ""]
    assert written.notes == ("Own.", "– no value or out of reach.")
    assert made(written, None, write_table(pd.DataFrame({"a": []}), chosen, "None")) == (written,)
    assert write_table(pd.DataFrame({"z": [1]}), chosen, "Other") is None


def test_heads_are_the_dictionarys_and_what_is_the_same_is_a_note() -> None:
    frame = pd.DataFrame(
        {"name": ["A", "B", "C"], "wait_min": [60.0] * 3, "share": [0.5, 0.3, 0.2], "mode": [np.nan] * 3}
    )
    written = write_table(frame, columns("name wait_min share mode"), "Some")
    assert written is not None
    assert [h.text for h in written.heads] == ["Name", "Share of demand"]
    assert written.notes == ("The same in all rows: Wait, median (min): 60.",)
