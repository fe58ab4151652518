"""Settings of a study's further chapters: reach, trips, isochrones, index and types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from analysis.levels.quadrants import Axes, type_names
from analysis.reach.decays import Decay, decay_named
from layers.cells import legible
from layers.errors import LayerError, NetworkError
from layers.secrets import all_masked

TAKEN = frozenset(
    [
        "alternatives",
        "association",
        "border_effect",
        "border_line",
        "border_regression",
        "bottlenecks",
        "cells",
        "checkpoint",
        "checkpoints",
        "city",
        "city_cuts",
        "closures_links",
        "closures_pairs",
        "columns",
        "crossings",
        "distance_bands",
        "efficiency",
        "fallbacks",
        "fallbacks_pairs",
        "fit",
        "fit_summary",
        "flows",
        "gaps",
        "group_agreement",
        "growth",
        "growth_definitions",
        "group_choices",
        "groups",
        "index",
        "indicators",
        "isochrones",
        "layer_styles",
        "load",
        "load_rounds",
        "local_statistics",
        "matched_bands",
        "matched_border_effect",
        "network_checks",
        "network_efficiency",
        "openings_tried",
        "outliers",
        "people",
        "places",
        "railways",
        "rank_sensitivity",
        "ranks",
        "reach",
        "reach_cells",
        "reach_settlements",
        "redundancy",
        "region_flows",
        "region_pairs",
        "regions",
        "roads",
        "segments",
        "settlements",
        "stability",
        "statistics",
        "structural_null",
        "travel_time",
        "type_shares",
        "types",
    ]
)
"""Names of a run's own tables, layers and columns: a layer of the user's own would take their place."""
TAKEN_HEADS = ("cells_", "checkpoints_", "gpkg_", "regions_", "rtree_", "sqlite_")
"""Beginnings of the names of drawings, and of what a GeoPackage keeps for itself."""
OWN_TABLES = ("catchments", "report", "supply")
"""Tables that a layer of the user's own leaves beside itself, as ``hospital_report``."""


LARGEST = 1e12
"""No number of a study is larger, whatever its own range."""


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the plain types that a field may hold, at whatever depth; a part of the study looks after itself."""
    if get_origin(annotation) is Literal:
        yield from map(type, get_args(annotation))
    elif get_args(annotation):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation


def _leaves(value: Any, kinds: set[Any]) -> Iterator[Any]:
    """Yield the values in lists and tables; those of a part of the study are its own to check, so that a message names the very setting."""
    if isinstance(value, dict):
        if any(isinstance(kind, type) and issubclass(kind, Part) for kind in kinds):
            return
        for inner in value.values():
            yield from _leaves(inner, kinds)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, kinds)
    else:
        yield value


class Part(BaseModel):
    """A section of a study: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_in_range(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what no number of a study can be: true and false, and more than a trillion of anything."""
        kinds = set(_kinds(cls.model_fields[str(info.field_name)].annotation))
        for number in _leaves(value, kinds):
            if isinstance(number, str) and legible(number) != number:
                raise ValueError("allowed are letters that every file can hold, no control characters")
            if isinstance(number, bool) and bool not in kinds and kinds & {int, float}:
                raise ValueError(f"{str(number).lower()} is no number")
            # What is not finite is refused by the type, which says so.
            if isinstance(number, int | float) and LARGEST < abs(number) < float("inf"):
                raise ValueError(f"allowed are numbers from −{LARGEST:,.0f} to {LARGEST:,.0f}")
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, value if isinstance(value, Part) else all_masked(value)


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return limits in minutes, each once, or say what is wrong with them."""
    wrong = [v for v in values if not 0 < v <= 10_000]
    if wrong or not values:
        given = f"{wrong[0]:g} min" if wrong else "no limit"
        raise ValueError(f"{given}: allowed are minutes from more than 0 to 10,000")
    return tuple(sorted(set(values)))


class Places(Part):
    """A layer of the user's own: hospitals, universities, anything that people travel to."""

    path: str
    layer: str | None = None
    name: str | None = None
    weight: str | None = None
    rights: str = ""

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class DecayPart(Part):
    """How fast a place loses pull with time, other than by `half_life_min`; see `analysis.reach.decays`."""

    name: Literal["exponential", "power", "gaussian", "cumulative", "zones"]
    half_life_min: float | None = None
    exponent: float | None = None
    from_min: float | None = None
    sigma_min: float | None = None
    limit_min: float | None = None
    weights: dict[float, float] | None = None

    @model_validator(mode="after")
    def _usable(self) -> DecayPart:
        try:
            self.function()
        except (NetworkError, TypeError) as error:
            raise ValueError(str(error)) from None
        return self

    def function(self) -> Decay:
        """Return the decay itself."""
        return decay_named(self.name, **self.model_dump(exclude={"name"}, exclude_none=True))


class Reach(Part):
    """Who and what is within reach: limits, the size of a city, the user's own layers."""

    within_min: tuple[float, ...] = (60, 120, 180, 240)
    day_min: float = Field(240, gt=0, le=1440)
    city_people: int = Field(100_000, ge=1)
    layers: dict[str, Places] = Field(default_factory=dict)

    _limits = field_validator("within_min")(_rising)

    @field_validator("layers")
    @classmethod
    def _words(cls, layers: dict[str, Places]) -> dict[str, Places]:
        wrong = [n for n in layers if not (n.isidentifier() and n.islower())]
        if wrong:
            raise ValueError(f"{wrong[0]!r} can't name a layer: allowed is a word of small letters such as hospital")
        made = {f"{n}_{table}" for n in layers for table in OWN_TABLES}
        taken = [n for n in layers if n in TAKEN | made or n.startswith(TAKEN_HEADS)]
        if taken:
            raise ValueError(
                f"{taken[0]!r} can't name a layer, for a run has a table or a column of that name: allowed is another word, such as hospital"
            )
        return layers


class Isochrones(Part):
    """Places whose isochrones a run draws: settlements, ``lon,lat`` or checkpoints."""

    places: tuple[str, ...] = ()
    minutes: tuple[float, ...] = (60, 120, 240)

    _limits = field_validator("minutes")(_rising)


class Trips(Part):
    """Trips across the border: their total, and how queues grow where capacities are known."""

    per_day: float = Field(0, ge=0)
    peak_min: float = Field(1440, ge=0, le=1440)
    closed_together: int = Field(15, ge=2, le=100)
    links_closed: int = Field(50, ge=0, le=1000)
    cities_per_region: int = Field(1, ge=1, le=10)


class Index(Part):
    """The three-level index: the user's indicators, how they are put together, and the draws of the rank intervals."""

    indicators: str = ""
    weights: Literal["equal", "entropy", "pca"] | dict[str, float] = "equal"
    normalisation: Literal["minmax", "z", "rank"] = "minmax"
    aggregation: Literal["geometric", "arithmetic"] = "geometric"
    level_weights: dict[str, float] | None = None
    goalposts: dict[str, tuple[float, float]] = Field(default_factory=dict)
    least_known: float = Field(0.5, gt=0, le=1)
    draws: int = Field(1000, ge=100, le=100_000)


class Stability(Part):
    """How far labels hang on choices: other weights, cells and grids; and chance placement of the checkpoints."""

    alternatives: Literal["none", "weights", "all"] = "weights"
    null_draws: int = Field(199, ge=0, le=100_000)
    null: Literal["places", "waits"] = "places"


class Lists(Part):
    """The ranked places: who is in the lists, and the draws of the smooth surfaces."""

    growth_people: int = Field(10_000, ge=0)
    city_people: int = Field(50_000, ge=1)
    home_sd: float = Field(1.64, ge=0, le=10)
    gap_min: float = Field(60, ge=0, le=10_000)
    openings: int = Field(3, ge=0, le=20)
    smooth_draws: int = Field(9_999, ge=99, le=1_000_000)


class Types(Part):
    """The typology: its axes, the names of its four types and of groups that hang together, all the study's own."""

    potential: str = "potential_cross_borderless"
    permeability: str = "border_loss"
    directions: tuple[Literal[1, -1], Literal[1, -1]] = (1, -1)
    cuts: dict[Literal["potential", "permeability"], float] = Field(default_factory=dict)
    names: dict[Literal["high-high", "high-low", "low-high", "low-low"], str] = Field(default_factory=dict)
    methods: tuple[Literal["skater", "ward", "maxp"], ...] = ("skater", "ward")
    groups: int | None = Field(None, ge=2, le=100)
    group_names: dict[int, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_differ(self) -> Types:
        try:
            type_names(Axes(self.potential, self.permeability, self.directions), self.names)
        except LayerError as error:
            raise ValueError(str(error)) from None
        return self
