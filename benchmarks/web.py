"""Load of the web map beside geopandas' ``explore``.

``python -m benchmarks.web [--edges 50000] [--points 6] [--folder FOLDER]``.

The roads of a jittered grid over the packaged border's belt, each link bent into some points, with six columns. Both
pages are opened in headless Chromium with the network cut; what `explore` asks of the net is put into its page (the
Leaflet that ours holds), so that it loads at all. Megabytes, seconds to write (CPU), seconds until the page is loaded
and drawn (wall), and the milliseconds of a new drawing after a zoom.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.country import grid
from benchmarks.machine import describe, load, median_of
from maps.contents import Contents
from maps.styles.layers import run_styles
from maps.web import assets
from maps.web.map import write_map

CLASSES = {"trunk": "major", "primary": "primary"}
READY = (
    "(window.map_borderlink ? map_borderlink.borderlink.ready : Promise.resolve()).then(() => "
    "requestAnimationFrame(() => setTimeout(arguments[0])))"
)
ZOOMED = (
    "const m=Object.values(window).find(v => v instanceof L.Map), t=performance.now(); m.setView([53, 63], 7, "
    "{animate: false}); m.eachLayer(l => l._redraw && l._redraw()); return performance.now()-t"
)


def roads(edges: int, points: int) -> gpd.GeoDataFrame:
    """Return about so many roads of so many points, with the columns of a run."""
    found = grid(int(edges / 1.66)).head(edges)
    rng = np.random.default_rng(0)
    ends = shapely.get_coordinates(found.geometry).reshape(-1, 2, 2)
    along = np.linspace(0, 1, points)[None, :, None]
    xy = ends[:, :1] * (1 - along) + ends[:, 1:] * along
    xy[:, 1:-1] += rng.normal(0, 0.004, xy[:, 1:-1].shape)
    n = len(found)
    return gpd.GeoDataFrame(
        {
            "class": found["kind"].map(CLASSES).fillna("minor").to_numpy(),
            "length_m": rng.uniform(500, 9000, n),
            "speed_kph": rng.choice([60.0, 90.0], n),
            "time_min": rng.uniform(1, 9, n),
            "speed_source": "class default",
            "side": rng.choice(["a", "b"], n),
            "bridged": False,
        },
        geometry=shapely.linestrings(xy),
        crs=4326,
    )


def explored(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write the page of `explore`, with Leaflet in place of what it asks of the net."""
    frame.explore(column="class", legend=False, tiles=None, prefer_canvas=True).save(path)
    page = re.sub(
        r'<script src="http[^>]*></script>|<link rel="stylesheet" href="http[^>]*>',
        "",
        path.read_text(encoding="utf-8"),
    )
    shell = f"<style>{assets.text('leaflet.css')}</style><script>{assets.text('leaflet.js')}</script>"
    path.write_text(page.replace("<head>", f"<head>{shell}", 1), encoding="utf-8")


def opened(path: Path) -> tuple[float, float]:
    """Return seconds until a page is loaded and drawn, and milliseconds of a new drawing."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1280,800",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(flag)
    driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))
    try:
        driver.set_page_load_timeout(300)
        driver.set_script_timeout(300)
        start = time.perf_counter()
        driver.get(path.as_uri())
        driver.execute_async_script(READY)
        return time.perf_counter() - start, float(driver.execute_script(ZOOMED))
    finally:
        driver.quit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=50_000)
    parser.add_argument("--points", type=int, default=6)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    frame = roads(options.edges, options.points)
    style = next(s for s in run_styles() if s.key == "roads")
    contents = Contents(title="Roads", layers={"roads": frame}, styles=[style])
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        ours, theirs = folder / "ours.html", folder / "explore.html"
        busy = load()
        written = [median_of(1, lambda: write_map(ours, contents))[0], median_of(1, lambda: explored(frame, theirs))[0]]
        print("\n".join(describe({"map": busy})))
        print(f"{len(frame):,} roads, {shapely.get_num_coordinates(frame.geometry).sum():,} points")
        print("| page | MB | write, CPU s | loaded and drawn, s | drawn again, ms |\n|---|---|---|---|---|")
        for what, path, seconds in zip(("borderlink", "explore"), (ours, theirs), written, strict=True):
            loaded, again = opened(path)
            print(f"| {what} | {path.stat().st_size / 1e6:.1f} | {seconds:.1f} | {loaded:.1f} | {again:.0f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
