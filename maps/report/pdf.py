"""The report as a PDF, by fpdf2 (extra ``pdf``).

Fonts inside, figures with words for who does not see them, same input same bytes.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maps.i18n import _

if TYPE_CHECKING:
    from fpdf import FPDF

    from maps.report.drawing import Drawing
    from maps.report.tabular import Chapter, Report, Table

STAMP = datetime(2000, 1, 1, tzinfo=UTC)
INK, SOFT, TINT = (31, 41, 51), (85, 97, 109), (244, 246, 247)
FAMILY = "DejaVu"
PADDING = (0.6, 1.1, 0.6, 1.1)
"""Millimetres above, right, below and left of the text of a cell."""
EDGE = PADDING[1] + PADDING[3] + 1.2
"""Millimetres of a cell that hold no letters."""
SIZES = (7.0, 6.5, 6.0, 5.5)
"""Points of the letters of a table: the first in which no word is broken."""
TALL = 120.0
"""Millimetres that a figure is high at the most."""


def can_write() -> bool:
    """Return whether the extra is installed."""
    return importlib.util.find_spec("fpdf") is not None


def write_pdf(path: Path, report: Report) -> None:
    """Write a report as A4 pages: a summary, then each chapter on a page of its own."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    fonts = resources.files("matplotlib").joinpath("mpl-data/fonts/ttf")
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font(FAMILY, style, str(fonts.joinpath(name)))
    pdf.set_creation_date(STAMP)
    pdf.set_title(report.contents.title)
    pdf.set_lang(report.contents.lang)
    pdf.set_margins(16, 16, 16)
    pdf.set_auto_page_break(True, margin=16)
    _summary(pdf, report)
    for chapter in report.chapters:
        _chapter(pdf, chapter)
    _facts(pdf, report)
    path.write_bytes(bytes(pdf.output()))


def _say(
    pdf: FPDF, text: str, size: float, *, bold: bool = False, color: tuple[int, int, int] = INK, after: float = 1.5
) -> None:
    """Write a paragraph."""
    pdf.set_font(FAMILY, "B" if bold else "", size)
    pdf.set_text_color(*color)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(after)


def _summary(pdf: FPDF, report: Report) -> None:
    """Write the first page: the finding, three numbers, the map, how sure, and the findings after it."""
    contents = report.contents
    pdf.add_page()
    pdf.start_section(_("Summary"))
    _say(pdf, contents.subtitle, 8.5, color=SOFT)
    _say(pdf, contents.headline or contents.title, 17, bold=True, after=3)
    if contents.numbers:
        _numbers(pdf, list(contents.numbers))
    if report.picture is not None:
        _picture(
            pdf,
            report.picture,
            _("Solid: among the leading tenth of its list in nine of ten settings. Striped: in some of them only."),
        )
    if contents.caution:
        _say(pdf, f"{_('How sure')}. {contents.caution}", 9.5)
    if report.rests:
        _say(pdf, f"{_('What it rests on')}. {report.rests}", 9.5)
    if contents.findings:
        pdf.add_page()
        _say(pdf, _("What was found"), 13, bold=True)
        for finding in contents.findings:
            _say(pdf, f"• {finding}", 9.5, after=2.5)


def _numbers(pdf: FPDF, numbers: list[tuple[str, str]]) -> None:
    """Write the numbers side by side."""
    pdf.set_font(FAMILY, "", 8.5)
    pdf.set_text_color(*INK)
    with pdf.table(
        first_row_as_headings=False,
        text_align="LEFT",
        borders_layout="NONE",
        line_height=4.4,
        padding=1.5,
        cell_fill_color=TINT,
        cell_fill_mode="ALL",
    ) as table:
        values, texts = table.row(), table.row()
        for value, what in numbers:
            values.cell(value, style=_face(15, bold=True))
            texts.cell(what)
    pdf.ln(3)


def _face(size: float, *, bold: bool) -> Any:
    """Return a face of the font for a cell."""
    from fpdf.fonts import FontFace

    return FontFace(family=FAMILY, emphasis="BOLD" if bold else None, size_pt=size)


def _picture(pdf: FPDF, drawn: Drawing, caption: str) -> None:
    """Draw a figure over the width of the page, with its words as the text for who does not see it."""
    if drawn.pixels is None:
        raise ValueError(f"the figure {drawn.heading!r} without pixels: allowed is one drawn `with_pictures`")
    wide, high = drawn.pixels.size
    height = pdf.epw * high / wide
    width = pdf.epw if height < TALL else pdf.epw * TALL / height
    if pdf.get_y() + min(height, TALL) > pdf.h - 20:
        pdf.add_page()
    pdf.image(drawn.pixels, w=width, alt_text=f"{drawn.heading}. {drawn.description}", title=drawn.heading)
    pdf.ln(1)
    _say(pdf, caption, 8, color=SOFT, after=3)


def _keep_together(pdf: FPDF, height: float) -> None:
    """Begin a page where less than a height in mm is left of this one: a heading stands with what follows it."""
    if pdf.will_page_break(height):
        pdf.add_page()


def _chapter(pdf: FPDF, chapter: Chapter) -> None:
    """Write a chapter from the top of a page."""
    pdf.add_page()
    pdf.start_section(chapter.title)
    _say(pdf, chapter.title, 15, bold=True)
    if chapter.message:
        _say(pdf, chapter.message, 11, bold=True)
    if chapter.intro:
        _say(pdf, chapter.intro, 9.5, after=2.5)
    for drawn, caption in chapter.figures:
        _picture(pdf, drawn, caption)
    for one in chapter.tables:
        _table(pdf, one)
    if chapter.notes:
        _keep_together(pdf, 24.0)
        _say(pdf, _("What to know"), 10.5, bold=True)
        for note in chapter.notes:
            _say(pdf, f"• {note}", 8, color=SOFT, after=0.6)


def _table(pdf: FPDF, one: Table) -> None:
    """Write a table, its heads again on every page."""
    _keep_together(pdf, 45.0)
    _say(pdf, one.caption, 10, bold=True, after=1)
    align = ["RIGHT" if head.css == "num" else "LEFT" for head in one.heads]
    size, widths = _fitted(pdf, one)
    pdf.set_font(FAMILY, "", size)
    pdf.set_text_color(*INK)
    with pdf.table(
        text_align=tuple(align),
        col_widths=tuple(widths),
        line_height=0.47 * size,
        padding=PADDING,
        borders_layout="HORIZONTAL_LINES",
        headings_style=_face(size, bold=True),
    ) as table:
        table.row([head.text for head in one.heads])
        for cells in one.rows:
            table.row([cell.text for cell in cells])
    pdf.ln(1)
    for note in one.notes:
        _say(pdf, note, 7.5, color=SOFT, after=0.5)
    pdf.ln(3)


def _fitted(pdf: FPDF, one: Table) -> tuple[float, list[float]]:
    """Return the size of the letters and the widths of the columns in mm.

    No word is broken, what is left goes to the longest texts.
    """
    for size in SIZES:
        least, wish = zip(*(_widths(pdf, one, i, size) for i in range(len(one.heads))), strict=True)
        spare = pdf.epw - sum(least)
        if spare >= 0:
            break
    more = [w - n for w, n in zip(wish, least, strict=True)]
    if spare <= 0 or not sum(more):
        return size, [pdf.epw * n / sum(least) for n in least]
    return size, [n + spare * m / sum(more) for n, m in zip(least, more, strict=True)]


def _widths(pdf: FPDF, one: Table, i: int, size: float) -> tuple[float, float]:
    """Return a column's least width, that of its longest word or number, and the one for its longest text.

    Within bounds.
    """
    texts = [row[i].text for row in one.rows]
    pdf.set_font(FAMILY, "B", size)
    head = max((pdf.get_string_width(word) for word in one.heads[i].text.split()), default=0.0)
    pdf.set_font(FAMILY, "", size)
    whole = max((pdf.get_string_width(text) for text in texts), default=0.0)
    word = max((pdf.get_string_width(part) for text in texts for part in text.split()), default=0.0)
    least = max(head, whole if one.heads[i].css == "num" else word) + EDGE
    return least, max(least, min(whole + EDGE, 60.0))


def _facts(pdf: FPDF, report: Report) -> None:
    """Write the facts of the run."""
    if not report.contents.facts:
        return
    _keep_together(pdf, 24.0)
    _say(pdf, _("The run"), 10.5, bold=True)
    for key, value in report.contents.facts.items():
        _say(pdf, f"{key}: {value}", 8, color=SOFT, after=0.5)
