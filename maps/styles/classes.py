"""What a style is made of: the classes with their fixed breaks and colours, and the drawing of one table.

Class breaks are fixed numbers that mean something to a planner, so that two runs can be compared by eye.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

STANDS_OUT, HIGH, UNCERTAIN, NO, NOT_TESTABLE = "stands out", "high", "uncertain", "no", "not testable"
NO_DATA = "no data"

# Okabe-Ito hues for the flags (told apart by colour-blind readers) and faded ones for what is less sure, ColorBrewer
# ramps for the amounts.
_GREENS, _REDS = ("#00694d", "#5cc4a3", "#c5e8dc"), ("#a63c00", "#ee8a4a", "#f7d4bd")
_GREY, _LIGHT, _PALE = "#dcdcdc", "#ebebeb", "#f7f7f7"
LOSS_COLORS = {"detour": "#d55e00", "delay": "#f0b429"}
_TIME_RAMP = ("#ffffd4", "#fee391", "#fec44f", "#fe9929", "#d95f0e", "#8c2d04")
_LOSS_RAMP = ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f")
LOST_RAMP = ("#feebe2", "#fbb4b9", "#f768a1", "#c51b8a", "#7a0177")
_CHANGE_RAMP = ("#b2182b", "#ef8a62", "#f7f7f7", "#67a9cf", "#2166ac")
OSM = ("ODbL-1.0", "© OpenStreetMap contributors")


@dataclass(frozen=True)
class StyleClass:
    """One class of a renderer and its line in the legend; `size` is mm in QGIS, px/4 on the web.

    Parameters
    ----------
    missing
        Features without a value are drawn in this class, at most one of a style. Without one the web map draws them as
        "No data" and QGIS leaves them out.
    hatched
        Drawn in stripes: the same as the full colour, but less sure.
    min_zoom
        Zoom of the web map from which the class is drawn; None for always.
    widest_scale
        Largest denominator at which QGIS draws a class of lines; None for all scales.
    """

    label: str
    color: str
    value: str | None = None
    lower: float | None = None
    upper: float | None = None
    size: float | None = None
    missing: bool = False
    hatched: bool = False
    min_zoom: float | None = None
    widest_scale: float | None = None


@dataclass(frozen=True)
class LayerStyle:
    """How one table is drawn, named, described and licensed.

    Parameters
    ----------
    key
        Unique name of this drawing; `layer` is the table it draws.
    classes
        One class for a ``single`` renderer; values for ``categorized``; ``[lower, upper)`` for ``graduated``.
    fields
        Columns a reader sees in pop-ups and QGIS aliases, mapped to a name with its unit, in order.
    sized_by
        Column whose share of its largest value is the share of a point's area; points without a value are small.
    """

    key: str
    layer: str
    title: str
    description: str
    group: str
    geometry: Literal["Point", "Line", "Polygon"]
    kind: Literal["single", "categorized", "graduated"]
    classes: tuple[StyleClass, ...]
    column: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    name_column: str | None = None
    visible: bool = True
    opacity: float = 1.0
    outline: str = "#555555"
    size: float = 2.0
    sized_by: str | None = None
    licence: str = OSM[0]
    rights: str = OSM[1]

    def __post_init__(self) -> None:
        """Refuse two homes for the features without a value: the clients would choose differently."""
        homes = [each.label for each in self.classes if each.missing]
        if len(homes) > 1:
            raise ValueError(f"style {self.key!r}: one class at most may hold missing values, {homes} do")

    @property
    def missing_class(self) -> int | None:
        """Number of the class that holds the features without a value, None if no class does."""
        return next((number for number, each in enumerate(self.classes) if each.missing), None)

    def on(self, layer: str, *, key: str, title: str, visible: bool) -> LayerStyle:
        """Return the same drawing for another table (a scenario's state before and after)."""
        return replace(self, layer=layer, key=key, title=title, visible=visible)


def _steps(breaks: tuple[float, ...], ramp: tuple[str, ...], unit: str) -> tuple[StyleClass, ...]:
    edges = (*breaks, float("inf"))
    labels = [f"{a:g}–{b:g} {unit}".strip() for a, b in itertools.pairwise(breaks)]
    labels.append(f"{breaks[-1]:g} {unit} and more".replace("  ", " "))
    return tuple(
        StyleClass(label, color, lower=a, upper=b)
        for label, color, a, b in zip(labels, ramp, edges, edges[1:], strict=False)
    )


TIME_CLASSES = _steps((0, 30, 60, 120, 240, 480), _TIME_RAMP, "min")
LOSS_CLASSES = (
    StyleClass("under 20 %", _LOSS_RAMP[0], lower=0.0, upper=0.2),
    StyleClass("20–40 %", _LOSS_RAMP[1], lower=0.2, upper=0.4),
    StyleClass("40–60 %", _LOSS_RAMP[2], lower=0.4, upper=0.6),
    StyleClass("60–80 %", _LOSS_RAMP[3], lower=0.6, upper=0.8),
    StyleClass("80 % and more", _LOSS_RAMP[4], lower=0.8, upper=1.0000001),
)


def _flag_classes(hues: tuple[str, str, str]) -> tuple[StyleClass, ...]:
    """Return the classes of a flag, from what stands out to what is not known; the less sure, the paler."""
    return (
        StyleClass("Stands out beside equally smooth surfaces", hues[0], value=STANDS_OUT),
        StyleClass("High, as parts of smooth surfaces are", hues[1], value=HIGH),
        StyleClass("Uncertain: another seed may say otherwise", hues[2], value=UNCERTAIN),
        StyleClass("Not above chance", _GREY, value=NO),
        StyleClass("Not testable: too few neighbours", _LIGHT, value=NOT_TESTABLE),
        StyleClass("No people or no data", _PALE, value=NO_DATA, missing=True),
    )


GROWTH_CLASSES = _flag_classes(_GREENS)
BOTTLENECK_CLASSES = _flag_classes(_REDS)
CHANGE_CLASSES = (
    StyleClass("loses 10 % or more", _CHANGE_RAMP[0], lower=float("-inf"), upper=-10.0),
    StyleClass("loses 0.1–10 %", _CHANGE_RAMP[1], lower=-10.0, upper=-0.1),
    StyleClass("within ±0.1 %", _CHANGE_RAMP[2], lower=-0.1, upper=0.1),
    StyleClass("gains 0.1–10 %", _CHANGE_RAMP[3], lower=0.1, upper=10.0),
    StyleClass("gains 10 % or more", _CHANGE_RAMP[4], lower=10.0, upper=float("inf")),
)
CHECKPOINT_CLASSES = (
    StyleClass("Road checkpoint, open", "#0072b2", value="road open", size=3.2),
    StyleClass("Rail checkpoint, open", "#333333", value="rail open", size=3.0),
    StyleClass("River checkpoint, open", "#56b4e9", value="river open", size=3.0),
    StyleClass("Closed", "#cc3311", value="closed", size=3.0),
)
NEW_CHECKPOINT = StyleClass("New checkpoint", "#e6007e", value="new", size=4.6)
"""Of a scenario alone; larger than all others and in a hue that neither they nor the amounts use."""
