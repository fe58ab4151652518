"""The report as a PDF: the words of the page, marked for who does not see them, the same bytes for the same input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from maps.contents import Contents
from maps.report.page import write_report
from tests.maps.test_report import Page, parts


def structure(element: Any, found: dict[str, list[Any]] | None = None) -> dict[str, list[Any]]:
    """Return the marks of a PDF's tree by kind, in the order of reading."""
    found = {} if found is None else found
    element = element.get_object() if hasattr(element, "get_object") else element
    if isinstance(element, list):
        for child in element:
            structure(child, found)
    elif isinstance(element, dict):
        if "/S" in element:
            found.setdefault(str(element["/S"])[1:], []).append(element)
        if "/K" in element:
            structure(element["/K"], found)
    return found


@pytest.mark.parametrize("lang", ["en", "ru", "kk"])
def test_a_pdf_holds_the_words_of_the_page_marked_for_who_does_not_see_them(tmp_path: Path, lang: str) -> None:
    pypdf = pytest.importorskip("pypdf", reason="the extra test is not installed")
    pytest.importorskip("typst", reason="the extra pdf is not installed")
    for name in ("one", "two"):
        write_report(tmp_path / f"{name}.html", Contents(**parts(lang=lang)), pdf=tmp_path / f"{name}.pdf")
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    html, pdf = (tmp_path / "one.html").read_text(encoding="utf-8"), pypdf.PdfReader(tmp_path / "one.pdf")
    page = Page(html)
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == lang
    assert "<pdfuaid:part>1" in root["/Metadata"].get_object().get_data().decode()
    found = structure(root["/StructTreeRoot"])
    assert len(found["Table"]) == len(page.tables) > 3
    assert len(found["TH"]) == sum(len(table[0]) for table in page.tables.values())
    assert len(found["Figure"]) == html.count("<svg") > 0
    assert all(str(figure["/Alt"]) for figure in found["Figure"])
    assert [kind for kind in found if kind.startswith("H")] == ["H1", "H2"]
    text = re.sub(r"\s+", "", "".join(each.extract_text() for each in pdf.pages))
    for heading in page.headings:
        assert re.sub(r"\s+", "", heading) in text
    for table in page.tables.values():
        for cell in (cell for row in table for cell in row):
            assert re.sub(r"\s+", "", cell) in text


def test_a_word_longer_than_its_column_and_marks_of_the_typesetter_stay_words(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="the extra test is not installed")
    pytest.importorskip("typst", reason="the extra pdf is not installed")
    marks = '#set *bold* _it_ $x$ @label <tag> \\ "quoted" [x] = - + / `raw` // no comment'
    write_report(tmp_path / "r.html", Contents(**parts(findings=[marks])), pdf=tmp_path / "r.pdf")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "r.pdf").pages)
    assert re.sub(r"\s+", "", marks) in re.sub(r"\s+", "", text)
