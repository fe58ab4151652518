"""Settings of the chapters: units and tests, reach, isochrones, trips, index, stability, lists and types."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from analysis.levels.quadrants import Axes, type_names
from analysis.reach.decays import Decay, decay_named
from gis.settings.names import OWN_TABLES, TAKEN, TAKEN_HEADS
from gis.settings.part import Part, Words
from layers.errors import LayerError, NetworkError
from layers.hours import ClosedHours


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return limits in minutes, each once, or say what is wrong with them."""
    wrong = [v for v in values if not 0 < v <= 10_000]
    if wrong or not values:
        given = f"{wrong[0]:g} min" if wrong else "no limit"
        raise ValueError(f"{given}: allowed are minutes from more than 0 to 10,000")
    return tuple(sorted(set(values)))


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


class Analysis(Part):
    """Units, decay and tests."""

    depth_km: float = Field(100, gt=0, le=500)
    h3_resolution: int = Field(4, ge=2, le=7)
    segment_km: float = Field(25, ge=1, le=500)
    raster_km: float = Field(2, ge=0.1, le=50)
    mode: Literal["road", "rail", "any"] = "road"
    half_life_min: float = Field(120, gt=0, le=10_000)
    decay: DecayPart | None = None
    theta_per_min: float = Field(0.02, gt=0, le=10)
    domestic_wait: tuple[Literal["road", "rail"], ...] = ("road",)
    closed_hours: ClosedHours = "planned"
    permutations: int = Field(99_999, ge=99, le=1_000_000)
    alpha: float = Field(0.05, gt=0, lt=1)
    seed: int = Field(1, ge=0, le=2**31 - 1)

    @field_validator("domestic_wait", mode="before")
    @classmethod
    def _modes_that_wait(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return ("road", "rail") if value else ()
        if not isinstance(value, list | tuple) or not set(map(str, value)) <= {"road", "rail"}:
            raise ValueError('allowed is a list of some of "road", "rail", or true or false for both')
        return tuple(m for m in ("road", "rail") if m in value)

    def decay_function(self) -> Decay | None:
        """Return the decay of the potentials, None for the one by `half_life_min`."""
        return self.decay.function() if self.decay else None


class Places(Part):
    """A layer of the user's own: hospitals, universities, anything that people travel to."""

    path: str
    layer: str | None = None
    name: str | None = None
    weight: str | None = None
    rights: Words = ""

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


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
                f"{taken[0]!r} can't name a layer, for a run has a table or a column of that name: allowed is "
                "another word, such as hospital"
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


class Counts(Part):
    """Counts at checkpoints (CSV) that the model of trips is fitted to, and those that the fit does not see."""

    path: str = ""
    hold_out: tuple[str, ...] = ()


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


class Outputs(Part):
    """How results are written.

    ``excel`` marks CSV as UTF-8 by its first bytes (BOM), which Excel needs and other readers may stumble over.

    The graph is GraphML up to 50,000 links and GeoParquet beyond (``auto``), or what is named.
    """

    csv: Literal["plain", "excel"] = "plain"
    graph: Literal["auto", "graphml", "parquet", "gpkg"] = "auto"
