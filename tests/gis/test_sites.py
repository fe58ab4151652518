"""The command that says where the next checkpoints belong, on a grid that a reader can check by hand."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gis.inputs import prepare
from gis.queries.answers import Answers
from gis.queries.edits import apply_edits
from gis.queries.new_posts import Open
from gis.queries.siting import Question
from gis.stages import build
from gis.study import load_study
from layers.errors import StudyError
from tests.gis.conftest import call
from tests.gis.grid import write_grid

if TYPE_CHECKING:
    from pathlib import Path

MORE = "[lists]\ncity_people = 5000\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one search."""
    home = tmp_path_factory.mktemp("sites")
    study = write_grid(home, more=MORE)
    done = call(
        "sites", study, "--count", "2", "--wait", "10", "--draws", "10", "--every-km", "10", "--out", "s", cwd=home
    )
    assert done.returncode == 0, done.stderr
    assert "proven" in done.stdout
    return home


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "s" / "tables" / f"{name}.csv")


def test_the_roads_without_a_post_are_found_and_the_best_is_the_best_of_all(folder: Path) -> None:
    """49.9 and 50.3 cross the line without a post: full recomputation of every pair of candidates finds none better."""
    candidates = table(folder, "candidates")
    assert (candidates["kind"] == "crossing").sum() == 2
    curve = table(folder, "sites_curve").set_index("sites")
    assert curve["proven"].all()
    assert (curve["low"] <= curve["high"]).all()
    prepared = prepare(load_study(folder / "study.toml"))
    network = build(prepared)
    answers = Answers(prepared, network)
    before = answers.before
    today = before.across.people_a[:, None] * before.across.people_b[None] * answers.curve.fades(before.minutes)

    def saved(chosen: tuple[int, ...]) -> float:
        rows = candidates.iloc[list(chosen)]
        edits = [
            Open(crossing=r.crossing_id, wait_min=10.0)
            if isinstance(r.crossing_id, str)
            else Open(r.lon, r.lat, wait_min=10.0, at="new road")
            for r in rows.itertuples()
        ]
        after = Answers(prepared, apply_edits(network, edits)[0]).before
        return float((today * (before.minutes - after.minutes)).sum() / today.sum())

    strongest = range(min(4, len(candidates)))
    one, two = (max(saved(c) for c in combinations(strongest, n)) for n in (1, 2))
    assert curve.loc[1, "value"] == pytest.approx(one, rel=1e-6)
    assert curve.loc[2, "value"] == pytest.approx(two, rel=1e-6)


def test_stability_front_and_full_computation(folder: Path) -> None:
    stability = table(folder, "sites_stability")
    assert stability["draws_share"].between(0, 1).all()
    assert stability["chosen"].sum() == 2
    effects = table(folder, "sites_effects").set_index("key")
    assert effects.loc["saved", "change"] > 0
    assert np.isfinite(effects.loc["saved", ["low", "high"]].astype(float)).all()
    told = json.loads((folder / "s" / "sites.json").read_text(encoding="utf-8"))
    assert len(told["findings"]) >= 4
    assert (folder / "s" / "sites.geojson").exists()
    assert (folder / "s" / "sites.qgz").exists()
    spots = gpd.read_file(folder / "s" / "sites.gpkg", layer="sites")
    assert (spots["class"] == "chosen").sum() == 2
    done = call("scenario", "study.toml", "--edits", "s/edits.toml", "--out", "sc", cwd=folder)
    assert done.returncode == 0, done.stderr
    again = pd.read_csv(folder / "sc" / "tables" / "effects.csv").set_index("key")
    assert again.loc["saved", "change"] == pytest.approx(effects.loc["saved", "change"])


def test_same_seed_same_bytes(folder: Path) -> None:
    done = call(
        "sites",
        "study.toml",
        "--count",
        "2",
        "--wait",
        "10",
        "--draws",
        "10",
        "--every-km",
        "10",
        "--out",
        "s2",
        cwd=folder,
    )
    assert done.returncode == 0
    for name in ("candidates", "sites", "sites_stability", "sites_effects"):
        assert (folder / "s2" / "tables" / f"{name}.csv").read_bytes() == (
            folder / "s" / "tables" / f"{name}.csv"
        ).read_bytes()


def test_other_objectives_are_not_proven(folder: Path) -> None:
    for objective in ("people", "equity"):
        done = call(
            "sites",
            "study.toml",
            "--count",
            "2",
            "--wait",
            "0",
            "--draws",
            "0",
            "--objective",
            objective,
            "--within",
            "60",
            "--out",
            objective,
            cwd=folder,
        )
        assert (done.returncode, "not proven" in done.stdout) in ((0, True), (2, False)), done.stderr
        if done.returncode:
            assert "improves anything by the objective" in done.stderr


def test_what_can_not_be_asked_is_refused_at_once(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"count = 0: allowed is 1 to 50; objective = 'x'"):
        Question(count=0, objective="x")
    for arguments, message in (
        (("--count", "0"), "count = 0"),
        (("--must", "10,50"), "can't be assessed"),
        (("--candidates", "best"), "'best': allowed are"),
        (("--point", "here"), "--point 'here'"),
        (("--budget-km", "-1"), "budget = -1 km"),
    ):
        done = call("sites", "study.toml", *arguments, "--draws", "0", "--out", "bad", cwd=folder)
        assert done.returncode == 2
        assert message in done.stderr
        assert not (folder / "bad").exists()
