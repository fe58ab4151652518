"""Map themes of a project: which layers are on for a question, as QGIS lists them under the eye of the layer panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from maps.i18n import _


class Theme(NamedTuple):
    """A theme: its name, the drawing without which it would show nothing of its own, and the others that are on."""

    name: str
    needs: str
    with_: tuple[str, ...]


_GROUND = ("border_line", "settlements", "roads", "water", "regions")
THEMES = (
    Theme("Finding", "cells", ("places", "checkpoints", *_GROUND)),
    Theme("Bottlenecks", "cells_bottleneck", ("places", "checkpoints", *_GROUND)),
    Theme("Access", "cells_time", ("checkpoints", *_GROUND)),
    Theme("Network", "railways", ("checkpoints", "crossings", "gaps", *_GROUND)),
    Theme("Trips", "flows", ("checkpoints", *_GROUND)),
    Theme("Scenario", "cells_change", ("checkpoints_after", *_GROUND)),
    Theme("Scenario: access before", "cells_time_before", ("checkpoints_before", *_GROUND)),
    Theme("Scenario: access after", "cells_time_after", ("checkpoints_after", *_GROUND)),
    Theme("Sites", "sites", ("cells_permit", "checkpoints", *_GROUND)),
)


def themes_of(keys: Sequence[str]) -> dict[str, list[str]]:
    """Return the themes that a project has layers for, by name, with the keys of the drawings that are on.

    Names are in the language that is written.

    Examples
    --------
    >>> themes_of(["checkpoints", "roads", "cells_time"])
    {'Access': ['checkpoints', 'roads', 'cells_time']}
    """
    return {_(t.name): [k for k in keys if k == t.needs or k in t.with_] for t in THEMES if t.needs in keys}


def theme_elements(
    themes: Mapping[str, Sequence[str]], ids: Mapping[str, str], groups: Mapping[str, str]
) -> ET.Element:
    """Return the ``<visibility-presets>``.

    Parameters
    ----------
    themes
        Keys of drawings by theme.
    ids, groups
        Of the layers, by key.
    """
    root = ET.Element("visibility-presets")
    for name, keys in themes.items():
        preset = ET.SubElement(root, "visibility-preset", name=name)
        preset.set("has-expanded-info", "1")
        preset.set("has-checked-group-info", "1")
        for key in keys:
            ET.SubElement(preset, "layer", id=ids[key], visible="1", expanded="0")
        on = ET.SubElement(preset, "checked-group-nodes")
        for group in dict.fromkeys(groups[k] for k in keys):
            ET.SubElement(on, "checked-group-node", id=group)
    return root
