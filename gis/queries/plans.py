"""Scenario files: an ordered list of edits in TOML, read with the line of every mistake.

A scenario is named by the hash of its content.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import shapely

from gis.queries.edits import KINDS, Edit, plain
from layers.errors import PlaceError, StudyError, short
from layers.names import suggestion

LARGEST_PLAN = 1_000_000
TOP = ("name", "edits", "variants", "appraisal", "uncertainty")
TEXTS = (
    "checkpoint",
    "region",
    "mode",
    "hours",
    "at",
    "regime",
    "road_class",
    "crossing",
    "name",
    "direction",
    "vehicle",
    "season",
    "current",
)
NUMBERS = ("lon", "lat", "wait_min", "wait_truck_min", "wait_back_min", "capacity_per_day", "road_kph", "factor")
PAIRS = ("points", "polygon")


@dataclass(frozen=True)
class Plan:
    """A scenario as its file has it.

    Attributes
    ----------
    edits
        In order.
    where
        File and line of each, for messages.
    name
        The user's, else that of the file.
    variants
        Names of variants and the edits (counted from 1 in the file) that each makes.
    more
        The tables ``appraisal`` and ``uncertainty`` as they stand in the file.
    at
        File and line of each of these tables, for messages.
    """

    edits: tuple[Edit, ...]
    where: tuple[str, ...] = ()
    name: str = ""
    variants: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Hash of the edits: the same changes have the same name, whatever file they stand in."""
        return scenario_id(self.edits)


def scenario_id(edits: Sequence[Edit]) -> str:
    """Return the name of a list of edits: 12 digits of the hash of their content.

    Examples
    --------
    >>> from gis.queries.edits import Close
    >>> from gis.queries.new_posts import Open
    >>> scenario_id([Close("Mashtakovo")]) == scenario_id([Close(checkpoint="Mashtakovo")])
    True
    >>> scenario_id([Open(62.5, 53)]) == scenario_id([Open(62.5, 53.0, mode="rail")])
    False
    """
    content = [{k: float(v) if k in NUMBERS else v for k, v in plain(e).items()} for e in edits]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_plan(path: str | Path) -> Plan:
    """Return the scenario of a TOML file.

    Raises
    ------
    StudyError, PlaceError
        The file can't be read, or an edit is wrong: the message has file and line.
    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_PLAN:
            raise StudyError(
                f"the scenario {short(file)} has {file.stat().st_size:,} bytes: allowed are {LARGEST_PLAN:,}"
            )
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StudyError(f"no such scenario: {short(file)}; allowed is a TOML file with [[edits]]") from None
    except (OSError, ValueError) as error:
        raise StudyError(
            f"the scenario {short(file)} can't be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    return parse_plan(text, where=short(file), folder=file.resolve().parent, name=file.stem)


def parse_plan(text: str, *, where: str = "the scenario", folder: Path | None = None, name: str = "") -> Plan:
    """Return the scenario of a TOML text.

    Parameters
    ----------
    where
        What messages call the text.
    folder
        From which paths of layers count; where None no layer is read.

    Raises
    ------
    StudyError, PlaceError
        As `read_plan`.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = f", line {found[1]}" if found else ""
        raise StudyError(f"{where}{line} is no valid TOML: {str(error).partition(' (at ')[0]}") from None
    except RecursionError:
        raise StudyError(f"{where} is nested too deeply: allowed are [[edits]] as in docs/planning.md") from None
    unknown = [k for k in data if k not in TOP]
    if unknown:
        line = _line_of(text, rf"\[*\s*{re.escape(unknown[0])}\b")
        raise StudyError(f"{where}{line}: unknown key {unknown[0]!r}: allowed are {', '.join(TOP)}")
    items = data.get("edits", [])
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise StudyError(
            f"{where} has no edits: allowed are tables [[edits]], each with edit = one of {', '.join(KINDS)}"
        )
    starts, keys = _edit_lines(text, len(items))
    edits: list[Edit] = []
    places: list[str] = []
    of_item: dict[int, list[int]] = {}
    for n, item in enumerate(items):
        made = _edits_of(item, lambda key, n=n: f"{where}{_line(keys[n].get(key, starts[n]))}", folder)
        of_item[n + 1] = list(range(len(edits), len(edits) + len(made)))
        edits += made
        places += [f"{where}{_line(starts[n])}"] * len(made)
    title = data.get("name", name)
    variants = _variants(data.get("variants", {}), of_item, where)
    more: dict[str, Any] = {k: data[k] for k in ("appraisal", "uncertainty") if k in data}
    if not isinstance(title, str) or not all(isinstance(v, dict) for v in more.values()):
        raise StudyError(f"{where}: name is a text, appraisal and uncertainty are tables")
    at = {name: where + _line_of(text, rf"\[\s*{name}\s*\]") for name in more}
    return Plan(tuple(edits), tuple(places), title, variants, more, at)


def edit_of(item: Mapping[str, Any], *, where: str = "an edit") -> Edit:
    """Return one edit from plain values, as JSON has them; see `gis.queries.edits.plain`.

    Raises
    ------
    PlaceError
        Unknown words or values of another kind.
    """
    return _edits_of(dict(item), lambda _: where, None)[0]


def edit_in_line(text: str) -> list[Edit]:
    """Return the edits of one line of a command: the kind, a colon, and what a file would say between commas, as TOML.

    Raises
    ------
    StudyError, PlaceError
        It is no such line, or no such edit.

    Examples
    --------
    >>> edit_in_line('wait: checkpoint = "Mashtakovo", wait_min = 30')
    [Wait(checkpoint='Mashtakovo', wait_min=30.0, direction='both', vehicle='')]
    """
    kind, _, rest = text.partition(":")
    try:
        item = tomllib.loads(f"edit = {{{rest}}}")["edit"]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise StudyError(
            f"--edit {short(text)!r} can't be read ({str(error).partition(' (at ')[0]}): allowed is KIND: key = "
            "value, …, such as "
            'wait: checkpoint = "Mashtakovo", wait_min = 30'
        ) from None
    return _edits_of({**item, "edit": kind.strip()}, lambda _: f"--edit {short(text)!r}", Path.cwd())


def to_toml(edits: Sequence[Edit], *, name: str = "", more: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return the scenario file of some edits, with the tables ``appraisal`` and ``uncertainty`` in `more`.

    `parse_plan` reads the same from it.
    """
    lines = [f"name = {json.dumps(name, ensure_ascii=False)}", ""] if name else []
    for edit in edits:
        lines.append("[[edits]]")
        lines += [f"{key} = {_toml(value)}" for key, value in plain(edit).items()]
        lines.append("")
    for table, values in (more or {}).items():
        lines += [f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """Return a value as TOML has it."""
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, float) else repr(value)


def _edits_of(item: dict[str, Any], at: Any, folder: Path | None) -> list[Edit]:
    """Return the edits of one table: several where a list of checkpoints closes, or a layer holds several roads."""
    word = item.pop("edit", None)
    if word not in KINDS:
        hint = suggestion(str(word), KINDS, most=1, quoted=True)
        raise PlaceError(f"{at('edit')}: edit = {word!r}{hint}: allowed are {', '.join(KINDS)}")
    cls = KINDS[word]
    known = [f.name for f in fields(cls)]
    if word in ("road", "upgrade", "speeds", "electrify") and "layer" in item:
        return _of_layer(word, item, at, folder)
    if word == "close" and isinstance(item.get("checkpoint"), list):
        return [
            e
            for name in item["checkpoint"]
            for e in _edits_of({**item, "edit": "close", "checkpoint": name}, at, folder)
        ]
    if isinstance(item.get("wait_min"), dict):
        item = _waits_apart(item, word, at)
    for key in item:
        if key not in known:
            hint = suggestion(key, known, most=1, quoted=True)
            raise PlaceError(f"{at(key)}: unknown key {key!r}{hint}: allowed for {word!r} are {', '.join(known)}")
    values = {key: _value(key, value, at) for key, value in item.items()}
    needed = [
        f.name for f in fields(cls) if repr(f.default).startswith("<dataclasses._MISSING") and f.name not in values
    ]
    if needed:
        raise PlaceError(f"{at('edit')}: an edit {word!r} without {needed[0]}: allowed is one with {', '.join(needed)}")
    return [cls(**values)]


def _waits_apart(item: dict[str, Any], word: str, at: Any) -> dict[str, Any]:
    """Return an opening whose waits stand in a table by vehicle and direction, with a key for each."""
    waits = item["wait_min"]
    names = {"car": "wait_min", "truck": "wait_truck_min", "a_to_b": "wait_min", "b_to_a": "wait_back_min"}
    wrong = [k for k in waits if k not in names]
    if word != "open" or wrong or ("car" in waits and "a_to_b" in waits):
        raise PlaceError(
            f"{at('wait_min')}: wait_min = {waits}: allowed for a new checkpoint are minutes, or some of car, "
            "truck, or of a_to_b, b_to_a"
        )
    return {**{k: v for k, v in item.items() if k != "wait_min"}, **{names[k]: v for k, v in waits.items()}}


def _value(key: str, value: Any, at: Any) -> Any:
    """Return a value in the kind that an edit has, or say which is allowed."""
    if key in TEXTS and isinstance(value, str):
        return value.strip()
    if key in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if key == "oneway" and isinstance(value, bool):
        return value
    if (
        key == "osm_ids"
        and isinstance(value, list)
        and all(isinstance(i, int) and not isinstance(i, bool) for i in value)
    ):
        return tuple(value)
    if (
        key in PAIRS
        and isinstance(value, list)
        and all(
            isinstance(p, list)
            and len(p) == 2
            and all(isinstance(x, int | float) and not isinstance(x, bool) for x in p)
            for p in value
        )
    ):
        return tuple((float(x), float(y)) for x, y in value)
    kind = (
        "a text"
        if key in TEXTS
        else "a number"
        if key in NUMBERS
        else "pairs [lon, lat]"
        if key in PAIRS
        else "true or false"
        if key == "oneway"
        else "whole numbers"
    )
    raise PlaceError(f"{at(key)}: {key} = {short(repr(value))}: allowed is {kind}")


def _of_layer(word: str, item: dict[str, Any], at: Any, folder: Path | None) -> list[Edit]:
    """Return the edits of a layer's lines or polygons, with its geometry in them.

    An edit names no file once it is read.
    """
    from gis.queries.plan_layers import read_shapes

    if folder is None:
        raise PlaceError(f"{at('layer')}: a layer can't be read here: allowed are points or a polygon")
    rest = {k: v for k, v in item.items() if k not in ("layer", "points", "polygon")}
    kind = "LineString" if word == "road" else "Polygon"
    try:
        shapes = read_shapes(folder / str(item["layer"]), kind)
    except PlaceError as error:
        raise PlaceError(f"{at('layer')}: {error}") from None
    key = "points" if word == "road" else "polygon"
    lists = [shapely.get_coordinates(s if word == "road" else shapely.get_exterior_ring(s)) for s in shapes]
    every = [xy.tolist() if word == "road" else xy[:-1].tolist() for xy in lists]
    return [e for xy in every for e in _edits_of({**rest, "edit": word, key: xy}, at, folder)]


def _variants(given: Any, of_item: Mapping[int, list[int]], where: str) -> dict[str, tuple[int, ...]]:
    """Return the variants: names and positions of edits."""
    out = {}
    if not isinstance(given, dict):
        raise StudyError(
            f"{where}: variants = {short(repr(given))}: allowed is a table of names, each a list of edits by number"
        )
    for name, numbers in given.items():
        if (
            not isinstance(numbers, list)
            or not numbers
            or not all(isinstance(n, int) and n in of_item for n in numbers)
        ):
            raise StudyError(
                f"{where}: variant {name!r} = {short(repr(numbers))}: allowed are numbers of edits in the file, "
                f"from 1 to {len(of_item)}"
            )
        out[str(name)] = tuple(i for n in numbers for i in of_item[n])
    return out


def _edit_lines(text: str, count: int) -> tuple[list[int], list[dict[str, int]]]:
    """Return the line at which each table of edits begins, and the lines of its keys; 0 where they can't be told."""
    starts: list[int] = []
    keys: list[dict[str, int]] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[\s*[\"']?edits[\"']?\s*\]\]", line):
            starts.append(number)
            keys.append({})
            inside = True
        elif re.match(r"\s*\[", line) and "=" not in line.partition("#")[0]:
            inside = inside and line.strip().startswith("[edits.")
        elif inside and (found := re.match(r"\s*[\"']?([A-Za-z_]+)[\"']?\s*(?:\.\s*[A-Za-z_]+\s*)?=", line)):
            keys[-1].setdefault(found[1], number)
    if len(starts) != count:
        return [0] * count, [{} for _ in range(count)]
    return starts, keys


def _line(number: int) -> str:
    """Return a line as messages have it."""
    return f", line {number}" if number else ""


def _line_of(text: str, pattern: str) -> str:
    """Return the first line that begins with a pattern, as messages have it."""
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*{pattern}", line)]
    return _line(lines[0]) if lines else ""


__all__ = ["Plan", "edit_in_line", "edit_of", "parse_plan", "read_plan", "scenario_id", "to_toml"]
