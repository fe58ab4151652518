"""One run of the study with everything on for all tests of the chapters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gis
from gis.inputs import prepare
from gis.stages import build, find_hot_spots, measure
from tests.gis.chapters.helpers import cut_down

if TYPE_CHECKING:
    from gis.inputs import Prepared
    from gis.measures import Measures
    from network.build import Network
    from tests.borders import Land


@pytest.fixture(scope="session")
def study_folder(packaged_land: Land, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the study with everything on."""
    folder = tmp_path_factory.mktemp("everything")
    cut_down(packaged_land, folder)
    return folder


@pytest.fixture(scope="session")
def out(packaged_run: Path) -> Path:
    """Return the results of the packaged border."""
    return packaged_run / "out"


@pytest.fixture(scope="session")
def full(study_folder: Path) -> Path:
    """Return the results of the study with everything on."""
    gis.run(study_folder / "study.toml", out=study_folder / "out")
    return study_folder / "out"


@pytest.fixture(scope="session")
def ground(study_folder: Path) -> tuple[Prepared, Network, Measures]:
    """Return what the chapters of that study are made of."""
    prepared = prepare(gis.load_study(study_folder / "study.toml"))
    network = build(prepared)
    return prepared, network, find_hot_spots(prepared, measure(prepared, network))


@pytest.fixture(params=[pytest.param("packaged", marks=pytest.mark.slow), "everything"])
def either(request: pytest.FixtureRequest) -> Path:
    """Return the results of the packaged border, then of the study with everything on."""
    folder: Path = request.getfixturevalue({"packaged": "out", "everything": "full"}[request.param])
    return folder
