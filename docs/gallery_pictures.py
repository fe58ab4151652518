"""Make the pictures of gallery.md.

``python docs/gallery_pictures.py OUT OUT_RU SCENARIO``, the folders of two runs and a scenario.

Takes Chromium with ChromeDriver, selenium, and pdftoppm for the pages of the report.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent / "images"
GALLERY = HERE / "gallery"
WIDE, PHONE = (1280, 800), (390, 844)
POST = (
    "const l=layerOf('checkpoints'), i=l.group.getLayers().find(i => "
    "i.feature.properties.name.startsWith('{name}')); openCard(l, i, i.getLatLng())"
)
PLACE = (
    "const l=layerOf('finding'), i=l.group.getLayers().find(i => i.feature.properties.place === '{name}'); "
    "openCard(l, i, spotOf(i))"
)
VIEW = "map_borderlink.setView([{0}, {1}], {2}, {{animate: false}})"


def main(run: Path, russian: Path, scenario: Path) -> None:
    """Write every picture."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    driver = browser()
    try:
        opened(driver, run / "map.html", WIDE)
        picture(driver, "finding", colors=256)
        shutil.copy(GALLERY / "finding.png", HERE / "map.png")
        driver.execute_script(VIEW.format(53.1, 63.2, 7) + ";" + POST.format(name="Bugristoe"))
        picture(driver, "checkpoint")
        driver.execute_script("closeCard();" + VIEW.format(52.95, 63.1, 9))
        picture(driver, "near")
        opened(driver, run / "map.html", WIDE)
        driver.execute_async_script("openView('reach').then(arguments[0])")
        driver.execute_script("toggleDrawer(true)")
        picture(driver, "reach")
        opened(driver, russian / "map.html", WIDE)
        driver.execute_script(VIEW.format(53.1, 63.2, 7) + ";" + POST.format(name="Бугристое"))
        picture(driver, "russian")
        opened(driver, scenario / "map.html", WIDE)
        driver.execute_script(
            "[...document.querySelectorAll('.tools button')].find(b => b.textContent.startsWith('Before')).click()"
        )
        picture(driver, "before-after")
        opened(driver, run / "map.html", PHONE)
        driver.execute_script(VIEW.format(53.1, 63.2, 6) + ";" + PLACE.format(name="Rudnyy"))
        picture(driver, "phone")
        opened(driver, run / "map.html", PHONE)
        driver.execute_script("toggleDrawer(true)")
        picture(driver, "phone-table")
    finally:
        driver.quit()
    pages(run / "report.pdf")


def browser() -> Any:
    """Return Chromium with the network cut."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))


def opened(driver: Any, page: Path, size: tuple[int, int]) -> None:
    """Open a page at a size and wait until it is drawn."""
    shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    driver.get("about:blank")
    driver.get(page.resolve().as_uri())
    driver.set_script_timeout(120)
    driver.execute_async_script("map_borderlink.borderlink.ready.then(arguments[0])")


def picture(driver: Any, name: str, *, colors: int = 96) -> None:
    """Write what is seen, in few colours."""
    time.sleep(1.5)
    path = GALLERY / f"{name}.png"
    driver.save_screenshot(str(path))
    Image.open(path).convert("RGB").quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)


def pages(pdf: Path, across: int = 4) -> None:
    """Write all pages of the report, so many in a row."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", "50", "-png", str(pdf), f"{folder}/page"], check=True)
        images = [Image.open(file).convert("RGB") for file in sorted(Path(folder).glob("page*.png"))]
        width, height = images[0].size
        rows = -(-len(images) // across)
        sheet = Image.new("RGB", (across * (width + 8), rows * (height + 8)), "#9aa5b1")
        for i, image in enumerate(images):
            sheet.paste(image, (i % across * (width + 8), i // across * (height + 8)))
    sheet.quantize(64, dither=Image.Dither.NONE).save(GALLERY / "report.png", optimize=True)


if __name__ == "__main__":
    main(*(Path(name) for name in sys.argv[1:4]))
