"""Languages: catalogues are complete, placeholders agree, plurals and numbers fit, no string escapes."""

from __future__ import annotations

import json
import re
import string
from typing import TYPE_CHECKING

import pytest

from maps.contents import Contents
from maps.i18n import LANGUAGES, _, country, ngettext, number, percent, speaking, with_sides
from maps.phrases import spoken
from maps.placenames import Renamed, names_in
from maps.report.page import write_report
from maps.styles.layers import run_styles
from maps.web.map import write_map
from tests.maps import frames as synthetic
from tests.maps.catalogue import ROOT, catalogue, messages
from tests.maps.pages import contents, layers, packed
from tests.maps.test_report import parts

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = [lang for lang in LANGUAGES if lang != "en"]


def fields(text: str) -> set[str]:
    """Return the placeholders of a string."""
    return {name for _text, name, *_rest in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("lang", OTHERS)
def test_a_catalogue_is_complete_and_its_placeholders_are_the_strings(lang: str) -> None:
    single, plural = messages()
    known = catalogue(lang)
    assert not [text for text in sorted(single) if text not in known or not known[text].string]
    assert not [one for one, _many in plural if one not in known or not all(known[one].string)]
    wrong = [text for text in single if not fields(str(known[text].string)) - {"a", "b"} <= fields(text)]
    lost = [text for text in single if not fields(text) <= fields(str(known[text].string))]
    assert not wrong and not lost
    for one, many in plural:
        assert all(fields(form) == fields(many) or fields(form) == fields(one) for form in known[one].string)


@pytest.mark.parametrize("lang", OTHERS)
def test_a_catalogue_says_that_nobody_has_reviewed_it_and_holds_nothing_old(lang: str) -> None:
    known = catalogue(lang)
    assert "not reviewed by a native speaker" in known.header_comment
    single, plural = messages()
    assert not {m.id if isinstance(m.id, str) else m.id[0] for m in known if m.id} - single - {one for one, _ in plural}


def test_plural_forms_and_numbers_are_those_of_the_language() -> None:
    said = {}
    for lang in LANGUAGES:
        with speaking(lang):
            said[lang] = [ngettext("{n} region.", "{n} regions.", n).format(n=n) for n in (1, 3, 5)]
            said[lang] += [number(12345.678, 1), percent(0.125, 1)]
    assert said["en"] == ["1 region.", "3 regions.", "5 regions.", "12,345.7", "12.5\u00a0%"]
    assert said["ru"] == ["1 регион.", "3 региона.", "5 регионов.", "12\u00a0345,7", "12,5\u00a0%"]
    assert said["kk"][:3] == ["1 өңір.", "3 өңір.", "5 өңір."]


def test_countries_and_sides_are_named_in_the_language() -> None:
    with speaking("ru"):
        assert (country("RU"), country("KZ"), country("north")) == ("Россия", "Казахстан", "north")
        assert with_sides(_("Region on side a"), ("Россия", "Казахстан")) == "Регион: Россия"
    with speaking("kk"):
        assert country("KZ") == "Қазақстан"
    with pytest.raises(ValueError, match="allowed are en, ru, kk"), speaking("de"):
        pass
    assert _("Checkpoints") == "Checkpoints"


@pytest.mark.parametrize("lang", OTHERS)
def test_no_english_word_stands_in_the_map(lang: str, tmp_path: Path) -> None:
    with speaking(lang):
        drawn = [(spoken(style, (country("RU"), country("KZ"))), frame) for style, frame in layers()]
    write_map(tmp_path / "m.html", contents(drawn, sides=("RU", "KZ"), lang=lang, title="–"))
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    config, _tables = packed(text)
    shown = [json.dumps(config["words"], ensure_ascii=False), *(v["title"] + v["sentence"] for v in config["views"])]
    shown += [s["title"] + s["description"] for s in config["styles"]]
    shown += [c["label"] for s in config["styles"] for c in s["classes"]] + [
        f[1] for s in config["styles"] for f in s["fields"]
    ]
    body = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]*>", " ", text, flags=re.S)
    allowed = {
        "CSV",
        "GeoJSON",
        "Escape",
        "OpenStreetMap",
        "ISO",
        "H3",
        "report",
        "html",
        "lon",
        "lat",
        "p",
        "n",
        "JavaScript",
    }
    keys = set(config["words"]) | fields(" ".join(config["words"].values()))
    left = {w for line in [*shown, body] for w in re.findall(r"[A-Za-z]{2,}", line)} - allowed - keys
    assert not left
    assert f'<html lang="{lang}">' in text


@pytest.mark.parametrize("lang", OTHERS)
def test_no_english_word_stands_in_the_report(lang: str, tmp_path: Path) -> None:
    given = parts(
        layers=synthetic.tables(),
        lang=lang,
        sides=("Россия", "Казахстан"),
        title="–",
        subtitle="",
        findings=[],
        warnings=[],
        facts={},
    )
    write_report(tmp_path / "r.html", Contents(**given))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    heads = re.findall(r"<th [^>]*>(.*?)</th>|<caption[^>]*>(.*?)</caption>|<h[1-3]>(.*?)</h[1-3]>", text)
    assert not {w for group in heads for part in group for w in re.findall(r"[A-Za-z]{3,}", part)}


def test_places_are_named_in_the_language_where_the_data_have_names() -> None:
    names = ["Zlatoust", "Oral", "Nowhere", "Oral"]
    others = ["Slatoust|Златавуст|Златоуст|Җылаер", "Ural'sk|Орал|Уральск|ورال", "", "Чужое"]
    people = [1.0, 9.0, 1.0, 2.0]
    assert names_in("ru", names, others, people) == {"Zlatoust": "Златоуст", "Oral": "Орал"}
    assert names_in("ru", ["Saratov"], ["Саратовъ|Саратов"], [1.0]) == {"Saratov": "Саратов"}
    assert names_in("kk", ["Kostanay"], ["Kustanai|Костанай|Қостанай"], [1.0]) == {"Kostanay": "Қостанай"}
    belarusian = names_in("kk", ["Chelyabinsk"], ["Чалябінск|Челябинск"], [1.0], at_home=[False])
    assert belarusian == {"Chelyabinsk": "Челябинск"}
    assert names_in("en", names, others, people) == {}
    renamed = Renamed({"Oral": "Орал", "Oral Station": "Станция Орал"})
    assert renamed.text("из Oral Station в Oral, не Orally") == "из Станция Орал в Орал, не Orally"
    with speaking("ru"):
        assert renamed.value("near Oral") == "у места Орал"
    assert renamed.value(None) is None


def test_styles_of_a_run_are_all_spoken() -> None:
    with speaking("ru"):
        for style in run_styles():
            told = spoken(style, ("Россия", "Казахстан"))
            assert told.title != style.title
            assert told.column == style.column and list(told.fields) == list(style.fields)


def test_the_glossary_says_what_the_catalogues_say() -> None:
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M
    )[1:]
    russian, kazakh = catalogue("ru"), catalogue("kk")
    assert len(rows) >= 60
    assert all((russian[w].string, kazakh[w].string) == (ru, kk) for w, ru, kk in rows)
