"""What all figures of the report share: a figure under fixed settings, its SVG, and the ground of a small map."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pyproj
import shapely
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as MplPath
from numpy.typing import NDArray

from maps.i18n import _, number
from maps.styles.layers import CHECKPOINT_CLASSES
from maps.styles.water import WATER
from maps.web import assets

SIDE_COLORS = ("#0072b2", "#d55e00")
INK, FAINT, BORDER = "#1f2933", "#9aa5b1", "#7a0177"
CHECKPOINT_COLOR = {each.value: each.color for each in CHECKPOINT_CLASSES}
DOTS = 1400
"""Of a picture from left to right, as it is seen at the most."""
WIDE = 9
"""Dots that a lake must fill to be drawn."""
_RC: dict[Any, Any] = {
    "svg.hashsalt": "borderlink",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,  # a name may hold dollar signs
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "hatch.linewidth": 1.1,
}


def shorten(name: str, limit: int = 34) -> str:
    """Cut a name that would take the room of the bars."""
    return name if len(name) <= limit else name[: limit - 1] + "…"


def view(bounds: Sequence[float], pad: float) -> tuple[tuple[float, float, float, float], float]:
    """Return the box of a map with a rim, as a share of its longer side, and the height in inches for its width.

    The width is 9.2 inches.
    """
    west, south, east, north = bounds
    rim = pad * max(east - west, north - south)
    box = (west - rim, south - rim, east + rim, north + rim)
    return box, float(np.clip(9.2 * (box[3] - box[1]) / (box[2] - box[0]), 2.5, 9.0))


def paint(ax: Any, shapes: gpd.GeoDataFrame | gpd.GeoSeries, **style: Any) -> None:
    """Plot shapes; geopandas warns about a class that is empty."""
    if len(shapes):
        shapes.plot(ax=ax, aspect=None, **style)


def stroke(ax: Any, lines: NDArray[np.object_], box: tuple[float, float, float, float], **style: Any) -> None:
    """Draw many lines as one path on the grid of a picture's dots: each piece once, nothing smaller than a dot.

    Parameters
    ----------
    lines
        In the units of the axes.
    box
        What the axes show.
    """
    ends = _on_grid(lines, box)
    if not len(ends):
        return
    chains = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(list(ends))))
    xy, chain = shapely.get_coordinates(chains, return_index=True)
    first = np.append(True, chain[1:] != chain[:-1])
    codes = np.where(first, MplPath.MOVETO, MplPath.LINETO)
    path = PathPatch(MplPath(xy, codes), fill=False, capstyle="round", joinstyle="round", **style)
    path.set_transform(ax.transData)
    ax.add_artist(path)  # as a patch it would be walked through piece by piece for limits, which the box sets


def _on_grid(lines: NDArray[np.object_], box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return both ends of each piece of lines, on a grid of 1,400 dots over the picture, each piece once."""
    step = (box[2] - box[0]) / DOTS
    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    grid = np.round((xy - box[:2]) / step).astype(np.int64)
    pieces = np.stack([grid[:-1], grid[1:]], axis=1)[line[1:] == line[:-1]]
    pieces = pieces[(pieces[:, 0] != pieces[:, 1]).any(axis=1)]
    turned = (pieces[:, 0, 0] > pieces[:, 1, 0]) | (
        (pieces[:, 0, 0] == pieces[:, 1, 0]) & (pieces[:, 0, 1] > pieces[:, 1, 1])
    )
    pieces[turned] = pieces[turned, ::-1]
    return np.asarray(np.unique(pieces.reshape(-1, 4), axis=0).reshape(-1, 2, 2) * step + box[:2], float)


def draw_areas(ax: Any, areas: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> None:
    """Draw the regions as the pale ground, each named where it is seen."""
    seen = shapely.intersection(shapely.make_valid(areas.geometry.to_numpy()), shapely.box(*box))
    seen = shapely.simplify(seen, (box[2] - box[0]) / 1500)
    backdrop = gpd.GeoDataFrame(
        {"name": areas["name"].tolist(), "side": areas["side"].tolist()}, geometry=seen, crs=areas.crs
    )
    backdrop = backdrop[~backdrop.geometry.is_empty]
    for side, color in (("a", "#f7f6f3"), ("b", "#efe9dc")):
        paint(ax, backdrop[backdrop["side"] == side], color=color, edgecolor="#a9b2ba", linewidth=0.6)
    backdrop = backdrop.iloc[np.argsort(-backdrop.area.to_numpy(), kind="stable")]
    spots = shapely.point_on_surface(backdrop.geometry.to_numpy())
    free = _apart(spots, [str(name) for name in backdrop["name"]], box)
    for name, spot in zip(backdrop["name"][free], spots[free], strict=True):
        if not assets.is_missing(name):
            halo = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
            ax.text(
                spot.x, spot.y, str(name), ha="center", va="center", fontsize=7.5, color="#3d4852", zorder=6, bbox=halo
            )


def draw_water(
    ax: Any, water: gpd.GeoDataFrame | None, box: tuple[float, float, float, float], crs: pyproj.CRS
) -> list[Any]:
    """Draw the lakes and seas that are wide enough to be seen, over the regions.

    Parameters
    ----------
    water
        With ``area_km2``; None where none is known.
    box
        What the axes show, in metres of `crs`.

    Returns
    -------
    Their line of the legend; none where nothing is drawn.
    """
    dot = (box[2] - box[0]) / DOTS
    if water is None or not len(wide := water[water["area_km2"] >= WIDE * (dot / 1000) ** 2]):
        return []
    seen = shapely.intersection(shapely.simplify(wide.geometry.to_crs(crs).to_numpy(), dot), shapely.box(*box))
    parts = shapely.get_parts(seen)
    shapes = parts[shapely.area(parts) > 0]
    if not len(shapes):
        return []
    look: dict[str, Any] = {"facecolor": WATER.classes[0].color, "edgecolor": WATER.outline, "linewidth": 0.4}
    paint(ax, gpd.GeoSeries(shapes, crs=crs), **look)
    return [Patch(**look, label=_(WATER.classes[0].label))]


def _apart(
    spots: NDArray[np.object_], names: Sequence[str], box: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """Return which names have room: those of the larger areas first, one that would cover another steps back."""
    inch = (box[2] - box[0]) / 9.2
    high, letter = 7.5 / 72 * 1.25 * inch, 7.5 / 72 * 0.62 * inch
    taken: list[tuple[float, float, float]] = []
    free = []
    for spot, name in zip(spots, names, strict=True):  # a dozen or two
        half = len(name) * letter / 2
        clear = all(abs(spot.x - x) > half + other or abs(spot.y - y) > high for x, y, other in taken)
        inside = box[0] <= spot.x - half and spot.x + half <= box[2]
        free.append(clear and inside)
        if free[-1]:
            taken.append((spot.x, spot.y, half))
    return np.array(free, bool)


def scale_bar(ax: Any, box: tuple[float, float, float, float]) -> None:
    """Draw a bar of a round length at the lower left."""
    width = box[2] - box[0]
    power = 10 ** np.floor(np.log10(width / 5))
    length = max(n * power for n in (1, 2, 5) if n * power <= width / 5)
    x, y = box[0] + 0.02 * width, box[1] + 0.03 * (box[3] - box[1])
    ax.plot([x, x + length], [y, y], color=INK, linewidth=2, solid_capstyle="butt", zorder=7)
    ax.annotate(
        _("{n} km").format(n=number(length / 1000)), (x, y), (0, 4), textcoords="offset points", fontsize=8, zorder=7
    )


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Give a figure under the settings of this module, whatever the caller's are."""
    with warnings.catch_warnings(), mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        # Text stays text in the file, so a glyph that matplotlib's own font lacks is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield Figure(figsize=(width, height), layout="constrained")


class Drawing(str):
    """A figure as an ``svg`` element, with its words."""

    heading: str
    description: str

    def __html__(self) -> str:
        """Return the element: templates take it as it is."""
        return str(self)


def to_svg(fig: Figure, name: str, title: str, description: str) -> Drawing:
    """Return a figure as an ``svg`` element that a page can hold beside others."""
    drawn = Drawing(_svg(fig, name, title, description))
    drawn.heading, drawn.description = title, description
    return drawn


def _lay_out(fig: Figure) -> None:
    """Find where all parts of a figure go, once: to save one with a layout draws it whole to that end, and again."""
    engine = fig.get_layout_engine()
    if engine is not None:
        FigureCanvasSVG(fig)  # texts are as wide as this one has them
        fig.set_dpi(72)
        engine.execute(fig)
        fig.set_layout_engine(None)  # what the settings of this module have: none


def _svg(fig: Figure, name: str, title: str, description: str) -> str:
    """Return the text of the element."""
    buffer = io.StringIO()
    _lay_out(fig)
    fig.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")), transparent=True)
    body = buffer.getvalue()[buffer.getvalue().index("<svg") :]
    # Ids of two figures must not meet; only tags are touched, a name may look like an id.
    # A hundredth of a point is finer than any screen: the rest of the digits is a third of the page.
    body = re.sub(r'\bd="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path.group()), body)
    own = re.compile(r'\b(id="|url\(#|xlink:href="#)')
    body = re.sub(r"<[^>]*>", lambda tag: own.sub(rf"\g<1>{name}-", tag.group()), body)
    view = re.search(r'viewBox="[^"]*"', body)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f"{view.group() if view else ''}"
    )
    words = (
        f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-desc">{html.escape(description)}</desc>'
    )
    named = f'{head} role="img" aria-labelledby="{name}-title" aria-describedby="{name}-desc">{words}'
    return re.sub(r"<svg[^>]*>", lambda _: named, body, count=1).strip()
