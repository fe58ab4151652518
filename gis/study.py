"""The study: a TOML file with two sides, sources, speeds, waits and widths, validated."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import Field, ValidationError, field_validator, model_validator

from gis.settings import (
    Analysis,
    BorderZone,
    Connectors,
    Counts,
    Index,
    Isochrones,
    Layers,
    LayerSource,
    Lists,
    MoneyPart,
    NetworkPart,
    Osm,
    Outputs,
    Part,
    Population,
    Reach,
    Stability,
    Terrain,
    Trips,
    Types,
)
from gis.settings.part import Words
from layers.checkpoints import LONGEST_WAIT_MIN
from layers.errors import StudyError, short
from layers.io import LAYERS, NONE, OSM, OVERPASS, SNAPSHOT, Source
from layers.names import suggestion
from layers.secrets import masked
from layers.sources.pbf.other import EXTRACT_ENDINGS
from layers.sources.postgis import is_database
from layers.water import NAME as WATER

if TYPE_CHECKING:
    pass

DEFAULT_STUDY = Path(__file__).resolve().parent / "data" / "russia-kazakhstan.toml"


LARGEST_STUDY = 1_000_000
"""Bytes; the packaged study, which lists every setting, has a hundredth of it."""


class Study(Part):
    """A validated study; `load_study` reads it from TOML."""

    title: Words = ""
    sides: tuple[str, str]
    layers: Layers = Layers()
    osm: Osm = Osm()
    population: Population = Population()
    border_zone: BorderZone = BorderZone()
    terrain: Terrain = Terrain()
    network: NetworkPart = NetworkPart()
    connectors: Connectors = Connectors()
    money: MoneyPart = MoneyPart()
    speeds: dict[str, float] = Field(default_factory=dict)
    observed_waits: str = ""
    waits: dict[str, float] = Field(default_factory=dict)
    analysis: Analysis = Analysis()
    reach: Reach = Reach()
    isochrones: Isochrones = Isochrones()
    trips: Trips = Trips()
    counts: Counts = Counts()
    index: Index = Index()
    lists: Lists = Lists()
    stability: Stability = Stability()
    types: Types = Types()
    outputs: Outputs = Outputs()

    @field_validator("waits", mode="before")
    @classmethod
    def _waits_in_range(cls, waits: Any) -> Any:
        if isinstance(waits, dict):
            wrong = [f"{k} = {v!r}" for k, v in waits.items() if not _is_wait(v)]
            if wrong:
                raise ValueError(f"{', '.join(wrong)}: allowed are minutes from 0 to {LONGEST_WAIT_MIN:,.0f}")
        return waits

    @field_validator("sides")
    @classmethod
    def _two_codes(cls, sides: tuple[str, str]) -> tuple[str, str]:
        wrong = [s for s in sides if not (len(s) == 2 and s.isalpha() and s.isupper())]
        if wrong:
            raise ValueError(f"{', '.join(map(repr, wrong))} is no ISO 3166-1 code of two capitals")
        if sides[0] == sides[1]:
            raise ValueError(f"{sides[0]!r} is named twice: two countries are needed")
        return sides

    @model_validator(mode="after")
    def _depths(self) -> Study:
        if self.network.depth_km <= self.analysis.depth_km:
            raise ValueError(
                f"network.depth_km is {self.network.depth_km:g} and analysis.depth_km "
                f"{self.analysis.depth_km:g}: the network must reach deeper than the cells"
            )
        return self

    @model_validator(mode="after")
    def _layers_of_extracts(self) -> Study:
        """Let the layers that are not named come from Overpass or the extracts, where there are any."""
        unnamed = {n for n in LAYERS if n not in self.layers.model_fields_set}
        queried = self._asked_of_overpass(unnamed)
        named = {n for n in (*LAYERS, WATER) if getattr(self.layers, n).path == OSM}
        if named and not self.osm.pbf:
            raise ValueError(f'layers {", ".join(sorted(named))} are "{OSM}", but osm.pbf names no extract')
        rest = {n: LayerSource(path=OVERPASS) for n in queried}
        if self.osm.pbf:
            rest |= {n: LayerSource(path=OSM) for n in unnamed - queried}
        ground = {"regions": self.layers.regions, "roads": self.layers.roads, **rest}
        if WATER not in self.layers.model_fields_set and {ground[n].path for n in ("regions", "roads")} == {SNAPSHOT}:
            # The packaged water goes with the packaged ground: others have shores of their own.
            rest[WATER] = LayerSource(path=SNAPSHOT)
        if rest:
            object.__setattr__(self, "layers", self.layers.model_copy(update=rest))
        return self

    def _asked_of_overpass(self, unnamed: set[str]) -> set[str]:
        """Return the layers that come from Overpass; refuse a layer with two sources, or with none."""
        overpass = self.osm.overpass
        if overpass is True and self.osm.pbf:
            raise ValueError(
                "osm.overpass = true and osm.pbf name the same layers: allowed is a list of the layers from Overpass, "
                'such as osm.overpass = ["checkpoints"]'
            )
        listed = unnamed if overpass is True else set(overpass or ())
        marked = {n for n in LAYERS if getattr(self.layers, n).path == OVERPASS}
        twice = sorted(listed - unnamed - marked)
        if twice:
            raise ValueError(
                f"layers {', '.join(twice)} stand in osm.overpass and in [layers]: allowed is one source each"
            )
        if marked and overpass is not True and marked - listed:
            lost = sorted(marked - listed)
            raise ValueError(
                f'layers {", ".join(lost)} are "{OVERPASS}": name them in osm.overpass = {json.dumps(lost)}'
            )
        return listed | marked

    def source(self, layer: str) -> Source:
        """Return the source of a layer as `layers.io` takes it."""
        part: LayerSource = getattr(self.layers, layer)
        return Source(part.path, part.layer, part.columns, part.rights, part.values)

    def with_analysis(self, **changes: Any) -> Study:
        """Return the study with settings of [analysis] replaced and validated."""
        return self._with("analysis", changes)

    def with_csv(self, form: str | None) -> Study:
        """Return the study with another form of CSV, itself for None."""
        return self if form is None else self._with("outputs", {"csv": form})

    def with_graph(self, form: str | None) -> Study:
        """Return the study with another form of the graph, itself for None."""
        return self if form is None else self._with("outputs", {"graph": form})

    def _with(self, part: str, changes: dict[str, Any]) -> Study:
        """Return the study with settings of one part replaced and validated.

        What it leaves unsaid elsewhere stays unsaid.
        """
        whole = self.model_dump()
        valid = _validated({**whole, part: {**whole[part], **changes}}, "the command line")
        return self.model_copy(update={part: getattr(valid, part)})

    @property
    def name(self) -> str:
        """Title, or the two codes."""
        return self.title or "–".join(self.sides)


def _is_wait(value: Any) -> bool:
    """Return whether a number is a wait in minutes."""
    if not isinstance(value, int | float):
        return not isinstance(value, bool)  # what is no number at all is pydantic's to refuse
    return not isinstance(value, bool) and 0 <= value <= LONGEST_WAIT_MIN


def load_study(path: str | Path | None = None) -> Study:
    """Return the study of a TOML file, or the packaged reference study.

    Raises
    ------
    StudyError
        The file is missing or is no TOML, a key is unknown, a value out of range; one message lists all problems.
    """
    file = DEFAULT_STUDY if path is None else Path(path)
    where = short(file)
    try:
        if file.stat().st_size > LARGEST_STUDY:
            raise StudyError(f"the study {where} has {file.stat().st_size:,} bytes: allowed are {LARGEST_STUDY:,}")
        # Editors of Windows begin a file with a mark of its encoding.
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(
            f"no such study: {where}; allowed is a TOML file, or no argument for the reference study"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"the study {where} is no valid TOML: {error}") from error
    except RecursionError as error:
        raise StudyError(
            f"the study {where} is nested too deeply: allowed are tables and lists as in docs/data.md"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StudyError(f"the study {where} can't be read: {reason}") from error
    study = _validated(data, str(file))
    return _with_paths(study, file.resolve().parent)


def _validated(data: dict[str, Any], where: str) -> Study:
    """Return the study, or one error with every problem."""
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_problem(dict(e)) for e in error.errors())
        raise StudyError(f"{where}: {problems}") from None


def _problem(error: dict[str, Any]) -> str:
    """Return one of pydantic's errors in a reader's words."""
    path = [str(p) for p in error["loc"]]
    key = ".".join(path) or "the study"
    if error["type"] == "missing":
        needs = ' = ["RU", "KZ"] with two ISO 3166-1 codes' if key == "sides" else ""
        return f"{key} is missing: allowed is {key}{needs}"
    if error["type"] == "extra_forbidden":
        allowed = allowed_keys(path[:-1])
        hint = suggestion(path[-1], allowed, most=1, quoted=True)
        return f"unknown key {key!r}{hint}: allowed are {', '.join(allowed)}"
    message = str(error["msg"]).removeprefix("Value error, ")
    if key == "the study":
        return message
    return masked(f"{key} = {short(repr(error['input']))}: {message[:1].lower()}{message[1:]}")


def allowed_keys(path: list[str]) -> list[str]:
    """Return the keys of a part of the study."""
    model: Any = Study
    for step in path:
        if get_origin(model) is dict:
            model = get_args(model)[1]
        else:
            fields = getattr(model, "model_fields", {})
            model = fields[step].annotation if step in fields else None
        # A part that may be left out is a part or nothing.
        model = (
            next((m for m in get_args(model) if hasattr(m, "model_fields")), model)
            if get_origin(model) is not dict
            else model
        )
    return list(getattr(model, "model_fields", {}))


def _with_paths(study: Study, folder: Path) -> Study:
    """Return the study with layer paths counted from its folder."""
    parts = {}
    for name in (*LAYERS, WATER):
        part: LayerSource = getattr(study.layers, name)
        if part.path not in (SNAPSHOT, NONE, OSM, OVERPASS) and not is_database(part.path):
            parts[name] = part.model_copy(update={"path": str(folder / part.path)})
    placed = {name: str(folder / name) if is_extract_file(name) else name for name in study.osm.pbf}
    digests = {placed[name]: digest for name, digest in study.osm.sha256.items()}
    raster = str(folder / study.population.raster) if study.population.raster else ""
    zone = str(folder / study.border_zone.path) if study.border_zone.path else ""
    elevation = str(folder / study.terrain.elevation) if study.terrain.elevation else ""
    indicators = str(folder / study.index.indicators) if study.index.indicators else ""
    waits = str(folder / study.observed_waits) if study.observed_waits else ""
    counts = str(folder / study.counts.path) if study.counts.path else ""
    own = {n: p.model_copy(update={"path": str(folder / p.path)}) for n, p in study.reach.layers.items()}
    return study.model_copy(
        update={
            "layers": study.layers.model_copy(update=parts),
            "osm": study.osm.model_copy(update={"pbf": tuple(placed[n] for n in study.osm.pbf), "sha256": digests}),
            "population": study.population.model_copy(update={"raster": raster}),
            "observed_waits": waits,
            "border_zone": study.border_zone.model_copy(update={"path": zone}),
            "terrain": study.terrain.model_copy(update={"elevation": elevation}),
            "reach": study.reach.model_copy(update={"layers": own}),
            "counts": study.counts.model_copy(update={"path": counts}),
            "index": study.index.model_copy(update={"indicators": indicators}),
        }
    )


def is_extract_file(name: str) -> bool:
    """Return whether an entry of ``osm.pbf`` is a file rather than a name of Geofabrik's index."""
    return name.casefold().endswith(EXTRACT_ENDINGS)
