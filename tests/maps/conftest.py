"""Fixtures of the web map: one page of a whole run, and real Chromium with the network cut."""

import json
import shutil

import pytest

from maps.web.map import write_map
from tests.maps import frames as synthetic
from tests.maps.pages import SIDES, contents, layers, opened

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "map.html"
    write_map(
        path,
        contents(
            layers(),
            title=f"Border {synthetic.HOSTILE}",
            subtitle=synthetic.QUOTES,
            sides=SIDES,
            notes=["<i>note</i>"],
        ),
    )
    return path


@pytest.fixture(scope="session")
def page(path):
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and ChromeDriver are not installed")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1200,800",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium, path):
    driver = opened(chromium, path)
    yield driver
    severe = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    sent = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert severe == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
