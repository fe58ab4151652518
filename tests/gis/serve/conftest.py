"""A real server of a small border on loopback, and real Chromium that opens its page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gis
from gis.queries.standing import Base, stand_by
from tests.gis.grid import grid_layers, write_grid

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")

from gis.serve.run import Running, open_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    towns = grid_layers()["settlements"]
    return write_grid(tmp_path_factory.mktemp("served"), settlements=towns.assign(population=10 * towns["population"]))


@pytest.fixture(scope="session")
def result(study_file: Path) -> gis.Result:
    return gis.solve(study_file)


@pytest.fixture(scope="session")
def base(result: gis.Result) -> Base:
    return stand_by(result.prepared, result.network.network)


@pytest.fixture(scope="session")
def running(base: Base) -> Iterator[Running]:
    server = open_server(base, port=0)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and ChromeDriver are not installed")
    driver = new_browser()
    yield driver
    driver.quit()


def new_browser(folder: Path | None = None) -> Any:
    """Return a browser of its own; downloads go to a folder."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if folder is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
