"""The report as a tagged PDF (PDF/UA-1), set by Typst (extra ``pdf``).

``report.typ`` says what it looks like; this file hands it the report's parts as data. Headings, tables with their
heads, lists and figures with their words are marked for who does not see them. Fonts are inside, and the same input
gives the same bytes.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from maps.i18n import _
from maps.report.drawing import Drawing
from maps.report.tabular import Chapter, Report, Table


def can_write() -> bool:
    """Return whether the extra is installed."""
    return importlib.util.find_spec("typst") is not None


def pdf_beside(page: Path) -> Path | None:
    """Return the PDF that belongs to an HTML page; None where the extra is not installed."""
    return page.with_suffix(".pdf") if can_write() else None


def write_pdf(path: Path, report: Report) -> None:
    """Write a report as A4 pages: a summary, then each chapter on a page of its own."""
    import typst

    files: dict[str, bytes] = {"main.typ": resources.files("maps.report").joinpath("report.typ").read_bytes()}
    files["report.json"] = json.dumps(_parts(report, files), ensure_ascii=False).encode()
    fonts = resources.files("matplotlib").joinpath("mpl-data/fonts/ttf")
    source: Any = files  # its types know paths and bytes alone
    made = typst.compile(
        source, format="pdf", font_paths=[str(fonts)], ignore_system_fonts=True, pdf_standards=["ua-1"]
    )
    path.write_bytes(made)


def _parts(report: Report, files: dict[str, bytes]) -> dict[str, Any]:
    """Return the report as ``report.typ`` reads it; its figures are put among the files."""
    contents = report.contents
    sure = {_("How sure"): contents.caution, _("What it rests on"): report.rests}
    return {
        "title": contents.title,
        "lang": contents.lang,
        "headline": contents.headline or contents.title,
        "subtitle": contents.subtitle,
        "paged": report.paged,
        "numbers": [list(pair) for pair in contents.numbers],
        "picture": None if report.picture is None else _picture(report.picture, report.caption, files),
        "sure": [[label, words] for label, words in sure.items() if words],
        "findings": list(contents.findings),
        "chapters": [_chapter(chapter, files) for chapter in report.chapters],
        "facts": [f"{key}: {value}" for key, value in contents.facts.items()],
        "words": {"found": _("What was found"), "known": _("What to know"), "run": _("The run")},
    }


def _chapter(chapter: Chapter, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "message": chapter.message,
        "intro": chapter.intro,
        "figures": [_picture(drawn, caption, files) for drawn, caption in chapter.figures],
        "tables": [_table(one) for one in chapter.tables],
        "notes": list(chapter.notes),
    }


def _picture(drawn: Drawing, caption: str, files: dict[str, bytes]) -> dict[str, Any]:
    """Put a figure among the files, and return its name, its words, its caption and its height per width."""
    name = f"figure-{len(files)}.svg"
    files[name] = str(drawn).encode()
    box = re.search(r'viewBox="([^"]*)"', drawn)
    if box is None:
        raise ValueError(f"the figure {drawn.heading!r} without a viewBox: allowed is one that `to_svg` drew")
    width, height = (float(n) for n in box.group(1).split()[2:])
    return {"file": name, "alt": f"{drawn.heading}. {drawn.description}", "caption": caption, "high": height / width}


def _table(one: Table) -> dict[str, Any]:
    return {
        "caption": one.caption,
        "columns": list(_columns(one)),
        "rows": [[cell.text for cell in row] for row in one.rows],
        "notes": list(one.notes),
    }


def _columns(one: Table) -> Iterator[dict[str, Any]]:
    """Give each column's head, its kind, and the words that may not be broken: a number is one word."""
    for i, head in enumerate(one.heads):
        texts = [row[i].text for row in one.rows]
        number = head.css == "num"
        yield {
            "head": head.text,
            "number": number,
            "heads": head.text.split(),
            "texts": sorted(set(texts)),
            "words": sorted(set(texts if number else (word for text in texts for word in text.split()))),
        }
