"""The report: one page of summary, then chapters of two pages at most.

One HTML file, and a PDF where that can be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from maps.contents import Contents
from maps.i18n import _, ngettext, number, speaking
from maps.phrases import phrase
from maps.placenames import Renamed
from maps.report import figures
from maps.report.cautions import by_chapter
from maps.report.certainty import change_chapter, data_chapter, levels_chapter, sure_chapter
from maps.report.chapters import further
from maps.report.drawing import Drawing
from maps.report.tabular import Chapter, Report
from maps.web import assets
from maps.web.finding import FINDING, with_finding


def write_report(path: Path, contents: Contents, *, pdf: Path | None = None) -> None:
    """Write the report of a run or a scenario as one self-contained, printable HTML file.

    Parameters
    ----------
    path
        The file to write.
    contents
        What to tell. A chapter whose tables are not there is left out.
    pdf
        The same as a PDF; takes the extra ``pdf`` (`maps.report.pdf.can_write`).
    """
    with speaking(contents.lang):
        write_pages(path, report_of(contents), pdf=pdf)


def write_pages(path: Path, report: Report, *, pdf: Path | None = None) -> None:
    """Write a report's chapters as one HTML file, and as a PDF where one is wanted, in the language that is spoken."""
    page = (
        assets.environment()
        .get_template("report.html")
        .render(report=report, contents=report.contents, css=assets.text("report.css"), say=_words())
    )
    assets.refuse_remote(page)
    path.write_text(page, encoding="utf-8", newline="\n")
    if pdf is not None:
        # Typst is an extra: only who writes a PDF needs it.
        from maps.report.pdf import write_pdf

        write_pdf(pdf, report)


def report_of(contents: Contents) -> Report:
    """Return the report's picture and chapters, in the language that is spoken."""
    contents = with_finding(contents.readable)
    warnings = by_chapter(contents.warnings)
    if "cells_change" in contents.layers:
        found: Sequence[Chapter] = [change_chapter(contents)]
    else:
        found = [*further(contents), sure_chapter(contents), levels_chapter(contents)]
    shown = [c for c in found if not c.empty]
    named = Renamed(contents.places)
    notes = {key: tuple(named.text(phrase(line)) for line in lines) for key, lines in warnings.items()}
    placed = [replace(c, notes=(*c.notes, *notes.pop(c.key, ()))) for c in shown]
    rest = tuple(line for lines in notes.values() for line in lines)
    caption = _("Solid: among the leading tenth of its list in nine of ten settings. Striped: in some of them only.")
    chapters = (*placed, data_chapter(contents, rest))
    return Report(contents, _picture(contents), chapters, _rests_on(contents), caption, paged=True)


def _rests_on(contents: Contents) -> str:
    """Return what the numbers rest on, in a sentence: sources with their dates, and how much is assumed."""
    sources = contents.sources
    if "layer" not in sources or "source" not in sources:
        return ""
    parts = [
        f"{layer}: {str(source).split(',')[0]}"
        for layer, source in zip(sources["layer"], sources["source"], strict=True)
    ]
    n = len(contents.assumptions)
    assumed = ngettext(
        "{n} value is assumed, see the last chapter.", "{n} values are assumed, see the last chapter.", n
    )
    return "; ".join(dict.fromkeys(parts)) + ". " + (assumed.format(n=number(n)) if n else "")


def _picture(contents: Contents) -> Drawing | None:
    """Return the map of the finding, None without one."""
    needed = ("border_line", "regions", "checkpoints")
    backdrop = {n: contents.layers[n] for n in (*needed, "water") if n in contents.layers}
    if contents.crs is None or not {*needed, "finding"} <= set(contents.layers):
        return None
    style = next((s for s in contents.styles if s.key == "finding"), FINDING)
    title = _("Growth points and bottlenecks")
    return figures.area_map("finding-map", title, contents.layers["finding"], style, backdrop, crs=contents.crs)


def _words() -> dict[str, str]:
    """Return the words of the page itself."""
    return {
        "contents": _("Contents"),
        "summary": _("Summary"),
        "findings": _("What was found"),
        "sure": _("How sure"),
        "rests": _("What it rests on"),
        "figure": _("Figure"),
        "known": _("What to know"),
        "run": _("The run"),
        "nothing": _("This run gave no findings."),
    }
