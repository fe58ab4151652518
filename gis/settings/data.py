"""Settings of the data: layers, OpenStreetMap, people, and how a network is made of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from gis.settings.part import Part, Words
from layers.io import LAYERS, NONE, SNAPSHOT
from layers.own.lines import MOST_M, NEAR_M
from layers.secrets import masked
from layers.sources.servers import GEOFABRIK_URL, LARGEST_KM2, OVERPASS_URL
from network.joining import ConnectorLimits
from network.money import Money
from network.rail import CURRENT_CHANGE_MIN, GAUGE_CHANGE_MIN


class LayerSource(Part):
    """Where one layer comes from."""

    path: str = SNAPSHOT
    layer: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    mend: bool | float = False
    rights: Words = ""

    @field_validator("mend")
    @classmethod
    def _metres(cls, value: bool | float) -> bool | float:
        if not isinstance(value, bool) and not 0 < value <= MOST_M:
            raise ValueError(f"allowed is true, false, or metres from more than 0 to {MOST_M:g}")
        return value

    @property
    def mend_m(self) -> float:
        """How far an end may be from where it is meant to be, 0 where the layer is not to be mended."""
        return float(self.mend) if not isinstance(self.mend, bool) else NEAR_M * self.mend

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @field_serializer("path", when_used="json")
    def _without_password(self, path: str) -> str:
        return masked(path)


class Layers(Part):
    """Sources of the five layers, and of water: where it is not named, the packaged one beside packaged roads."""

    regions: LayerSource = LayerSource()
    roads: LayerSource = LayerSource()
    railways: LayerSource = LayerSource()
    settlements: LayerSource = LayerSource()
    checkpoints: LayerSource = LayerSource()
    water: LayerSource = LayerSource(path=NONE)


ROAD_KINDS = ("motorway", "trunk", "primary", "secondary", "tertiary")


class Osm(Part):
    """OpenStreetMap extracts and Overpass; layers that the study does not name otherwise are read from them."""

    pbf: tuple[str, ...] = ()
    sha256: dict[str, str] = Field(default_factory=dict)
    geofabrik_url: str = GEOFABRIK_URL
    overpass: bool | tuple[str, ...] = False
    overpass_url: str = OVERPASS_URL
    most_memory_gb: float = Field(0.0, ge=0, le=100_000)
    overpass_area_km2: float = Field(LARGEST_KM2, gt=0, le=10_000_000)
    road_kinds: tuple[str, ...] = tuple(k for kind in ROAD_KINDS for k in (kind, f"{kind}_link"))

    @field_validator("overpass", mode="before")
    @classmethod
    def _known_layers(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if not isinstance(value, list | tuple) or any(name not in LAYERS for name in value):
            raise ValueError(f"allowed is true, false, or a list of some of {', '.join(LAYERS)}")
        return tuple(value)

    @field_validator("sha256")
    @classmethod
    def _digests(cls, value: dict[str, str]) -> dict[str, str]:
        wrong = [n for n, d in value.items() if len(d) != 64 or set(d.lower()) - set("0123456789abcdef")]
        if wrong:
            raise ValueError(f"{', '.join(map(repr, wrong))}: allowed is a sha256 of 64 hexadecimal digits")
        return {n: d.lower() for n, d in value.items()}

    @model_validator(mode="after")
    def _digests_of_extracts(self) -> Osm:
        if strange := sorted(set(self.sha256) - set(self.pbf)):
            raise ValueError(f"osm.sha256 names {', '.join(map(repr, strange))}, which osm.pbf does not")
        return self

    @field_validator("overpass_url")
    @classmethod
    def _server(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"allowed are http://… and https://…, such as {OVERPASS_URL}")
        # Servers are named by either address; queries go to the longer one.
        return value.rstrip("/").removesuffix("/interpreter")

    @field_serializer("overpass_url", "geofabrik_url", when_used="json")
    def _without_password(self, value: str) -> str:
        return masked(value)


class Population(Part):
    """A raster of people for the cells; without one they are counted from the settlements."""

    raster: str = ""
    kind: Literal["count", "density"] = "count"
    rights: Words = ""


class BorderZone(Part):
    """Areas where a permit is needed: they mark cells, places and sites, and are in no result."""

    path: str = ""
    layer: str | None = None
    rights: str = ""

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class Terrain(Part):
    """What missing roads of candidates lead over: a raster of heights in metres."""

    elevation: str = ""
    rights: str = ""

    @model_validator(mode="before")
    @classmethod
    def _water_is_a_layer(cls, value: Any) -> Any:
        """Refuse the water of an earlier version, where it was no obstacle; an empty one said nothing."""
        if not isinstance(value, dict) or "water" not in value:
            return value
        if value["water"]:
            raise ValueError(
                f"water is a layer now: allowed is [layers] water = {value['water']!r}, which no road crosses"
            )
        return {name: part for name, part in value.items() if name != "water"}


class NetworkPart(Part):
    """How the network is loaded and checkpoints matched, who drives, in which season, what trains lose."""

    depth_km: float = Field(300, ge=20, le=2000)
    line_tolerance_km: float = Field(1, ge=0, le=50)
    road_match_km: float = Field(15, gt=0, le=200)
    rail_match_km: float = Field(100, gt=0, le=300)
    vehicle: Literal["car", "truck"] = "car"
    winter: bool = False
    traveller: Literal["", "citizen", "third_country", "goods"] = ""
    bridge_gaps: bool = True
    length_factor: bool = True
    gauge_change_min: float = Field(GAUGE_CHANGE_MIN, ge=0, le=10_000)
    current_change_min: float = Field(CURRENT_CHANGE_MIN, ge=0, le=10_000)


class MoneyPart(Part):
    """What moving costs in one currency; off where an hour is worth nothing."""

    value_of_time_per_h: float = Field(0, ge=0)
    per_km: float = Field(0, ge=0)
    toll_per_km: float = Field(0, ge=0)
    fees: dict[str, float] = Field(default_factory=dict)
    currency: str = ""

    @field_validator("fees")
    @classmethod
    def _fees(cls, value: dict[str, float]) -> dict[str, float]:
        wrong = [f"{k} = {v:g}" for k, v in value.items() if not v >= 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: allowed is 0 or more")
        return value

    def money(self) -> Money | None:
        """Return it as the network takes it, None where it is off."""
        if not self.value_of_time_per_h:
            return None
        return Money(self.value_of_time_per_h, self.per_km, self.toll_per_km, dict(self.fees))


class Connectors(Part):
    """Reach of connectors, how many a place has, and the cost of boarding."""

    settlement_km: float = Field(100, gt=0, le=500)
    checkpoint_km: float = Field(400, gt=0, le=1000)
    checkpoint_modelled_km: float = Field(50, gt=0, le=1000)
    point_km: float = Field(100, gt=0, le=500)
    station_km: float = Field(10, gt=0, le=100)
    boarding_min: float = Field(15, ge=0, le=600)
    reach_ratio: float = Field(1.5, ge=1, le=10)
    reach_more_km: float = Field(5, ge=0, le=100)
    detour_ratio: float = Field(3, ge=1, le=100)
    most_links: int = Field(8, ge=1, le=100)
    candidates: int = Field(200, ge=1, le=10_000)

    def limits(self) -> ConnectorLimits:
        """Return them as the network takes them."""
        return ConnectorLimits(**self.model_dump())
