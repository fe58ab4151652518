"""Shapefiles: names of ten letters by a stated table, UTF-8, whose they are in a file beside.

``fields.csv`` in the folder says which name stands for which column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pyogrio

from maps.export.layer import SOURCE, ExportLayer, described

LETTERS = 10
"""Of a name: bytes of UTF-8."""
SHORT = {
    "accessibility": "acc",
    "actual": "act",
    "alternative": "alt",
    "area": "ar",
    "assumed": "asm",
    "before": "bef",
    "after": "aft",
    "betweenness": "btw",
    "border": "bd",
    "borderless": "free",
    "bottleneck": "bn",
    "capacity": "cap",
    "change": "chg",
    "checkpoint": "cp",
    "checkpoints": "cps",
    "circuity": "circ",
    "city": "city",
    "connector": "con",
    "country": "ctry",
    "criticality": "crit",
    "cross": "x",
    "crossing": "crs",
    "crossings": "crs",
    "cutoff": "cut",
    "delay": "dly",
    "density": "dens",
    "description": "desc",
    "detour": "dtr",
    "direction": "dir",
    "domestic": "dom",
    "drawn": "drw",
    "efficiency": "eff",
    "excess": "exc",
    "fallback": "fb",
    "finding": "find",
    "growth": "gr",
    "index": "ix",
    "indicators": "ind",
    "joint": "jt",
    "known": "kn",
    "leading": "lead",
    "length": "len",
    "levels": "lev",
    "limit": "lim",
    "loss": "loss",
    "lost": "lost",
    "median": "med",
    "minutes": "min",
    "nearest": "nr",
    "network": "net",
    "observed": "obs",
    "open": "open",
    "opening": "op",
    "people": "pp",
    "per": "",
    "permeability": "perm",
    "population": "pop",
    "potential": "pot",
    "projects": "prj",
    "quadrant": "qd",
    "railway": "rl",
    "ranked": "rkd",
    "rank": "rk",
    "ratio": "rat",
    "region": "reg",
    "roads": "rd",
    "road": "rd",
    "score": "sc",
    "segment": "seg",
    "service": "srv",
    "services": "srv",
    "settlement": "set",
    "settlements": "set",
    "share": "sh",
    "social": "soc",
    "source": "src",
    "spectral": "sp",
    "stability": "stab",
    "statistic": "stat",
    "status": "st",
    "straight": "str",
    "surface": "surf",
    "territory": "terr",
    "threshold": "thr",
    "time": "t",
    "transport": "tr",
    "travel": "trv",
    "unserved": "uns",
    "vehicles": "veh",
    "wait": "w",
    "within": "in",
    "without": "wo",
}
"""The stated table: what stands for a word of a column's name."""


def short_names(columns: Iterable[str]) -> dict[str, str]:
    """Return a name of at most ten letters for each column, each once: words by `SHORT`, then cut, then numbered.

    A name that fits stays as it is.

    Examples
    --------
    >>> short_names(["name", "potential_cross_actual", "time_to_checkpoint_min"])
    {'name': 'name', 'potential_cross_actual': 'pot_x_act', 'time_to_checkpoint_min': 'ttocpmin'}
    """
    names = [str(c) for c in columns]
    taken = {n.lower() for n in names if _fits(n)}
    out = {}
    for name in names:
        if _fits(name):
            out[name] = name
            continue
        words = [SHORT.get(word, word) for word in name.split("_")]
        base = short = _cut([w for w in words if w])
        number = 1
        while short.lower() in taken:
            number += 1
            short = f"{_at_most(base, LETTERS - len(str(number)))}{number}"
        taken.add(short.lower())
        out[name] = short
    return out


def _fits(name: str) -> bool:
    """Return whether a name is short enough: it is bytes of UTF-8 that count."""
    return len(name.encode()) <= LETTERS


def _at_most(name: str, size: int) -> str:
    """Return a name cut to bytes, no letter in its middle."""
    return name.encode()[:size].decode(errors="ignore")


def _cut(words: list[str]) -> str:
    """Return words joined and cut to ten letters, the underscores first where that is enough."""
    for glue in ("_", ""):
        if _fits(glue.join(words)):
            return glue.join(words)
    return _at_most("_".join(words), LETTERS).rstrip("_")


def write_shapefile(folder: Path, layer: ExportLayer) -> pd.DataFrame:
    """Write a shapefile with its drawing and metadata, and return its rows of ``fields.csv``.

    Table, field, column, what it is.
    """
    names = short_names(c for c in layer.frame.columns if c != layer.frame.geometry.name)
    frame = layer.frame.rename(columns=names)
    plain = frame.assign(**{c: frame[c].astype("int16") for c in frame if frame[c].dtype.kind == "b"})
    pyogrio.write_dataframe(
        plain,
        folder / f"{layer.name}.shp",
        layer=layer.name,
        driver="ESRI Shapefile",
        layer_options={"ENCODING": "UTF-8"},
    )
    if layer.style:
        (folder / f"{layer.name}.qml").write_text(renamed(layer.style, names), encoding="utf-8", newline="\n")
    (folder / f"{layer.name}.shp.xml").write_text(_metadata(layer), encoding="utf-8", newline="\n")
    rows = [(layer.name, short, column, described(layer, column)) for column, short in names.items()]
    return pd.DataFrame(rows, columns=["table", "field", "column", "meaning"])


def renamed(style: str, names: Mapping[str, str]) -> str:
    """Return a QML with other names of columns, in its attributes and in the quotes of its expressions."""
    root = ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", style))
    quoted = re.compile(r'"([^"]+)"')

    def other(text: str) -> str:
        return quoted.sub(lambda m: f'"{names.get(m[1], m[1])}"', text)

    for element in root.iter():
        for key in ("attr", "field", "fieldName", "name"):
            value = element.get(key)
            column = element.tag in ("renderer-v2", "alias", "attributeEditorField", "column", "text-style")
            if value is not None and column:
                element.set(key, names.get(value, other(value)))
        if element.text and element.tag in ("mapTip", "previewExpression"):
            element.text = other(element.text)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _metadata(layer: ExportLayer) -> str:
    """Return what catalogues read beside a shapefile (FGDC): title, abstract, source, constraints of use."""
    root = ET.Element("metadata")
    about = ET.SubElement(root, "idinfo")
    ET.SubElement(ET.SubElement(ET.SubElement(about, "citation"), "citeinfo"), "title").text = layer.title
    ET.SubElement(ET.SubElement(about, "descript"), "abstract").text = layer.description
    ET.SubElement(about, "useconst").text = f"{layer.licence}: {layer.rights}"
    ET.SubElement(about, "datacred").text = f"{layer.rights}; made by {SOURCE}"
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"
