"""What the tests of the web map share: reading the page's payload and driving it in Chromium."""

import base64
import gzip
import json
import re
import time

from maps.contents import Contents
from maps.styles.layers import run_styles
from tests.maps import frames as synthetic

SIDES = ("Russia", "Kazakhstan")


def layers(**replaced):
    tables = synthetic.tables() | replaced
    return [(style, tables[style.layer]) for style in run_styles()]


def contents(drawn, **words):
    """Return what a writer takes, of drawings and their tables."""
    return Contents(
        **{"title": "t"} | words, layers={style.layer: frame for style, frame in drawn}, styles=[s for s, _ in drawn]
    )


def packed(page):
    """Return config and tables as the page will unpack them."""
    config = json.loads(re.search(r'id="map-config">(.*?)</script>', page, re.S).group(1))
    texts = re.findall(r'id="map-table-\d+">(.*?)</script>', page, re.S)
    return config, [json.loads(gzip.decompress(base64.b64decode(text))) for text in texts]


def opened(driver, path):
    driver.get_log("browser"), driver.get_log("performance")
    driver.get(path.as_uri())
    driver.set_script_timeout(30)
    driver.execute_async_script("map_borderlink.borderlink.ready.then(arguments[0])")
    return driver


def until(driver, script, *arguments):
    """Wait until a script gives something true, and return it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        value = driver.execute_script(script, *arguments)
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"never became true: {script}")


def switch(driver, key):
    """Switch a layer in its chapter, which is opened with all that is on."""
    driver.execute_async_script(
        "const on = layers.filter(l => l.on).map(l => l.style.key), has = v => v.layers.includes(arguments[0]);"
        "(arguments[0] === 'names' || has(view) ? Promise.resolve() : openView(config.views.find(has).key, "
        "on)).then(arguments[1])",
        key,
    )
    driver.execute_script("document.querySelector(`input[data-key='${arguments[0]}']`).click()", key)


def on(driver):
    """Return the layers that are on, top of the map first."""
    return driver.execute_script("return map_borderlink.borderlink.layers.filter(l => l.on).map(l => l.style.key)")


def legend(driver):
    return driver.execute_script("return [...document.querySelectorAll('.legend section.on')].map(s => s.dataset.key)")


def pixels(driver):
    return driver.execute_script(
        "let n=0; for (const c of document.querySelectorAll('.leaflet-pane canvas')) {const "
        "d=c.getContext('2d').getImageData(0,0,c.width,c.height).data;"
        "for (let i=3;i<d.length;i+=4) n+=d[i]>0;} return n"
    )


def search(driver, words):
    field = driver.find_element("css selector", "#search-input")
    field.clear()
    field.send_keys(words)
    until(driver, "return !document.getElementById('search-results').hidden")
    field.send_keys("\n")
    return until(
        driver,
        "const p=document.querySelector('.leaflet-popup-content'); return p && "
        "p.querySelector('.popup-title').textContent",
    )


def rows(driver):
    found = driver.execute_script(
        "return [...document.querySelectorAll('.leaflet-popup-content tr')].map(r => [...r.children].map(c => "
        "c.textContent))"
    )
    return dict(found)
