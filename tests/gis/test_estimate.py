"""What extracts will take is said before they are read, and what can't fit is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

import gis.estimate
import gis.pipeline
from gis.estimate import (
    BASE_GB,
    BELT_GB,
    Estimate,
    Work,
    estimate,
    refuse_what_cannot_fit,
    refuse_work_that_cannot_fit,
    work_of,
)
from gis.inputs import Fetching, prepare
from gis.measures import populated_cells
from gis.pipeline import solve
from gis.stages import build
from gis.study import load_study
from layers.errors import LayerError
from tests.gis.conftest import call
from tests.gis.osm_grid import OsmGrid


def test_a_file_counts_by_its_share_in_the_belt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 3 and 1 MB: a quarter of the first one's area is in the belt; the second says nothing of its area."""
    one, two = tmp_path / "one.osm.pbf", tmp_path / "two.osm.pbf"
    one.write_bytes(b"0" * 3_000_000)
    two.write_bytes(b"0" * 1_000_000)
    boxes = {one: (0.0, 0.0, 4.0, 1.0), two: None}
    monkeypatch.setattr("layers.sources.pbf.network.read_header", lambda path: {"bbox": boxes[path]})
    found = estimate([one, two], shapely.box(3.0, -5.0, 9.0, 5.0))
    assert found.size_gb == pytest.approx(0.004)
    assert found.belt_gb == pytest.approx(0.00175)
    assert found.memory_gb == pytest.approx(BASE_GB + BELT_GB * 0.00175)


def test_what_cannot_fit_is_refused_with_what_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = Estimate(4.0, 1.0)
    refuse_what_cannot_fit(large, 20.0, tmp_path)
    with pytest.raises(LayerError, match=r"10\.6 GB of memory.*more than the 8\.0 GB.*network\.depth_km"):
        refuse_what_cannot_fit(large, 8.0, tmp_path)
    monkeypatch.setattr(gis.estimate, "_memory_gb", lambda: 2.0)
    with pytest.raises(LayerError, match="most_memory_gb"):
        refuse_what_cannot_fit(large, 0.0, tmp_path)
    with pytest.raises(LayerError, match="GB free"):
        refuse_what_cannot_fit(Estimate(1e9, 1e9), 1e12, tmp_path / "not" / "there")


def test_a_run_says_it_first_and_leaves_nothing_where_it_is_refused(tmp_path: Path) -> None:
    study = OsmGrid().write(tmp_path / "study", more="most_memory_gb = 0.5")
    done = call("run", study, "--cache", tmp_path / "cache", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "extracts of 0.0 GB" in done.stderr.splitlines()[1]
    assert "more than the 0.5 GB of memory" in done.stderr
    assert not (tmp_path / "out").exists()
    lines: list[str] = []
    allowed = OsmGrid().write(tmp_path / "allowed", more="most_memory_gb = 4")
    prepare(load_study(allowed), fetching=Fetching(tmp_path / "cache", say=lines.append))
    assert len(lines) == 1
    assert lines[0].startswith("extracts of 0.0 GB")


def test_a_network_is_reckoned_by_its_links_places_and_cells(tmp_path: Path) -> None:
    study = load_study(OsmGrid().write(tmp_path / "study"))
    prepared = prepare(study)
    network = build(prepared)
    found = work_of(network, prepared.border, study.analysis)
    assert (found.links, found.places) == (len(network.links), len(network.settlements))
    cells = populated_cells(network, prepared.border, study.analysis)
    assert len(cells) <= found.cells <= 3 * len(cells)  # the belt reaches beyond the regions of this border
    more = Work(found.links + 100_000, found.places, found.cells)
    assert more.minutes > found.minutes and more.memory_gb > found.memory_gb
    # Twice the places are four times the pairs.
    one, two = Work(0, 5_000, 0), Work(0, 10_000, 0)
    assert two.pairs == pytest.approx(4 * one.pairs) == pytest.approx(1.0)


def test_a_network_that_cannot_fit_is_refused_before_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LayerError, match=r"network of 1,000,000 links.*more than the 2\.0 GB of memory.*h3_resolution"):
        refuse_work_that_cannot_fit(Work(1_000_000, 5_000, 500), 2.0)
    study = OsmGrid().write(tmp_path / "study", more="most_memory_gb = 1.5")
    monkeypatch.setattr(gis.estimate, "RUN_GB", 1.75)
    lines: list[str] = []
    with pytest.raises(LayerError, match=r"more than the 1\.5 GB"):
        solve(study, fetching=Fetching(tmp_path / "cache", say=lines.append))
    assert len(lines) == 1  # that of the extracts: a small network says nothing
    monkeypatch.setattr(gis.pipeline, "SAID_LINKS", 0)
    with pytest.raises(LayerError, match=r"more than the 1\.5 GB"):
        solve(study, fetching=Fetching(tmp_path / "cache", say=lines.append))
    assert lines[-1].startswith("network of ")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/jobs/a\n", {"jobs/a/memory.max": "max\n", "jobs/memory.max": "4000000000\n", "memory.max": "8e9"}, [4.0]),
        ("0::/docker/outside\n", {"memory.max": "2000000000\n"}, [2.0]),
        ("0::/\n", {"memory.max": "2000000000\n"}, [2.0]),
        (
            "9:name=systemd:/x\n4:cpu,memory:/a\n0::/\n",
            {"memory/a/memory.limit_in_bytes": "3000000000\n", "memory/memory.limit_in_bytes": "9223372036854771712"},
            [3.0, pytest.approx(9.22e9, rel=0.01)],
        ),
        (None, {}, []),
    ],
)
def test_a_container_has_the_memory_that_it_is_given(
    own: str | None, files: dict[str, str], expected: list[float], tmp_path: Path
) -> None:
    """The machine has more, and whoever takes it is killed."""
    groups, entry = tmp_path / "cgroup", tmp_path / "self"
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    if own is not None:
        entry.write_text(own)
    assert gis.estimate._group_limits_gb(groups, entry) == expected


def test_the_smallest_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = gis.estimate._memory_gb()
    monkeypatch.setattr(gis.estimate, "_group_limits_gb", lambda: [0.5, 7e9])
    assert gis.estimate._memory_gb() == 0.5 < machine
