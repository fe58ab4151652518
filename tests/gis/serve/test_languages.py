"""The page in Russian and Kazakh: no English string stands on it, and its numbers are the language's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gis.serve.run import Running, open_server
from gis.serve.words import SCRIPTS, Voice, source, strings, translated, words_module
from maps.i18n import LANGUAGES, speaking
from tests.gis.serve.test_attacks import ask, question
from tests.gis.serve.test_browser import click_map, fill, opened, press, settled, until

if TYPE_CHECKING:
    from gis.queries.standing import Base

CLOSE = {"edit": "close"}
NOWHERE = [[59.301, 49.61], [59.302, 49.61], [59.302, 49.611]]
OTHERS = [lang for lang in LANGUAGES if lang != "en"]
NAMES = {"Town", "South", "North", "A", "B", "South Region"}
ALLOWED = {"borderlink", "serve", "TOML", "HTML", "GeoPackage", "lon", "lat", "JavaScript", "scenario", "trips"}
ALLOWED |= {"per", "day", "x"}


@pytest.fixture(scope="module", params=OTHERS)
def spoken(request: pytest.FixtureRequest, base: Base) -> Iterator[tuple[str, Running]]:
    server = open_server(base, port=0, lang=request.param)
    server.start()
    yield request.param, server
    server.stop()


def test_every_call_for_words_has_a_literal_that_the_catalogues_hold() -> None:
    single, plural = strings()
    assert len(single) > 200 and len(plural) >= 5
    for name in (*SCRIPTS, "say.js"):
        text = source(name) if name != "say.js" else ""
        calls = re.findall(r"(?<![\w$.])_\(\s*(.)", text) + re.findall(r"ngettext\(\s*(.)", text)
        assert set(calls) <= {'"'}, name


def test_no_words_stand_in_the_scripts_outside_the_catalogues() -> None:
    """Two words or more in quotes that are shown somewhere must go through the catalogue."""
    for name in SCRIPTS:
        text = re.sub(r"//[^\n]*", "", source(name))
        text = re.sub(r'(?<![\w$])(_|ngettext)\(\s*("(?:[^"\\]|\\.)*"(,\s*)?)+', "", text)
        left = [
            s for s in re.findall(r'"((?:[^"\\]|\\.)*)"', text) if re.fullmatch(r"[A-Z][a-z]+( [a-z]+)+[^<>{}=]*", s)
        ]
        assert left == [], name


@pytest.mark.parametrize("lang", OTHERS)
def test_the_module_of_words_holds_every_string_in_the_language(lang: str) -> None:
    with speaking(lang):
        text = words_module()
    words = json.loads(text.partition("WORDS = ")[2].rstrip(";\n"))
    single, plural = strings()
    assert set(words) == single | {one for one, _ in plural}
    same = {k for k, v in words.items() if k == v}
    assert same <= {"{n} min"} and all(len(words[one]) == 3 for one, _ in plural)
    assert 'LANG = "en"' in words_module() and "WORDS = {}" in words_module()


@pytest.mark.parametrize(
    ("edits", "russian"),
    [
        ([{**CLOSE, "checkpoint": "south"}, {**CLOSE, "checkpoint": "north"}], "один должен остаться открытым"),
        ([{"edit": "open", "lon": 0, "lat": 0}], "от линии границы"),
        ([{"edit": "road", "points": [[59.3, 49.7], [59.3, 49.7]]}], "в одном месте"),
        ([{"edit": "upgrade", "polygon": NOWHERE, "road_kph": 90}], "нет дорог данных"),
        ([{"edit": "close", "checkpoint": "south"}, {"edit": "close", "checkpoint": "south"}], "противоречат"),
        ([{"edit": "explode"}], "по-английски"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_in_the_language(base: Base, edits: list[dict[str, Any]], russian: str) -> None:
    server = open_server(base, port=0, lang="ru")
    server.start()
    status, _, body = ask(server, "POST", "/api/whatif", question(base, edits))
    server.stop()
    assert status == 422 and russian in json.loads(body)["error"], body.decode()


def test_an_unknown_message_is_shown_and_called_english() -> None:
    with speaking("ru"):
        assert translated("this is new").endswith("this is new") and "по-английски" in translated("this is new")


def test_names_of_places_and_sides_are_those_of_the_language(base: Base) -> None:
    voice = Voice(base.prepared, "ru")
    assert voice.rows([{"name": "near", "x": 1}]) == [{"name": "near", "x": 1}]
    assert Voice(base.prepared).message("as it is") == "as it is"


def english(text: str) -> set[str]:
    """Return the English words of a text."""
    known = NAMES | ALLOWED
    return {w for w in re.findall(r"[A-Za-z]{2,}", text) if w not in known}


SHOWN = """
// Credits are the rights' owners' words.
for (const one of document.querySelectorAll('#sources, .leaflet-control-attribution')) one.textContent = '';
const out = [document.title, document.body.innerText];
for (const one of document.querySelectorAll('*')) for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
  if (one.hasAttribute(name)) out.push(one.getAttribute(name));
const told = 'option, datalist option, legend, caption, .unseen, button, summary, label';
for (const one of document.querySelectorAll(told)) out.push(one.textContent);
return out.join('\\n');
"""


@pytest.mark.browser
def test_no_english_string_stands_on_the_page(chromium: Any, spoken: tuple[str, Running]) -> None:
    lang, server = spoken
    opened(chromium, server)
    assert chromium.execute_script("return document.documentElement.lang") == lang
    assert english(chromium.execute_script(SHOWN)) == set()
    press(chromium, "#tab-posts li[data-id=south] input[type=checkbox]")
    settled(chromium)
    click_map(chromium, 60.0, 50.31)
    until(chromium, "return document.getElementById('dialog').open")
    assert english(chromium.execute_script(SHOWN)) == set()
    press(chromium, "#dialog button[type=submit]")
    settled(chromium)
    until(chromium, "return document.getElementById('spread').dataset.state === 'done'")
    until(chromium, "return document.getElementById('queues').dataset.state === 'done'")
    for tab in ("posts", "new", "gains", "losses", "loads", "regions", "ways", "kept"):
        chromium.execute_script(f"document.getElementById('to-{tab}').click()")
        assert english(chromium.execute_script(SHOWN)) == set(), tab
    fill(chromium, "#tool", "way")
    click_map(chromium, 59.4, 49.7)
    click_map(chromium, 60.6, 49.7)
    until(chromium, "return document.querySelector('#way-answer h3')")
    assert english(chromium.execute_script(SHOWN)) == set()
    fill(chromium, "#tool", "area")
    assert english(chromium.execute_script(SHOWN)) == set()
    chromium.execute_script("document.querySelector('#tab-kept button[type=submit]').click()")
    press(chromium, "#to-kept")
    press(chromium, "#tab-kept button.main")
    until(chromium, "return document.getElementById('multiples').dataset.state === 'done'")
    assert english(chromium.execute_script(SHOWN)) == set()


@pytest.mark.browser
def test_the_still_page_is_in_the_language_too(
    chromium: Any, spoken: tuple[str, Running], base: Base, tmp_path: Any
) -> None:
    lang, server = spoken
    body = question(base, [{"edit": "close", "checkpoint": "south"}])
    (tmp_path / "still.html").write_bytes(ask(server, "POST", "/api/page.html", body)[2])
    chromium.get((tmp_path / "still.html").as_uri())
    until(chromium, "return document.body.dataset.state === 'done'")
    assert chromium.execute_script("return document.documentElement.lang") == lang
    assert english(chromium.execute_script(SHOWN)) == set()


@pytest.mark.browser
def test_numbers_are_written_as_the_language_does(chromium: Any, spoken: tuple[str, Running]) -> None:
    _, server = spoken
    opened(chromium, server)
    card = chromium.find_element("css selector", ".cards strong").text
    assert re.match(r"\d+,\d мин", card), card
