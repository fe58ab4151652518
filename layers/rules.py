"""What each column of a layer holds: kind, limits, words. The schemas are made of it, and so is the quick look.

Pandera says best what is wrong with a table, and takes a second to be imported: where nothing is wrong, it can wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from layers.osm.tags import SEASONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandera.pandas as pa

MODES = ("road", "rail", "river")
REGIMES = ("multilateral", "bilateral", "simplified", "unknown")
DTYPES = {"text": "str", "whole": "int64", "number": "float64", "flag": "bool"}
WIDENED = {"text": (), "whole": ("int32",), "number": ("int64", "int32", "float32"), "flag": ()}
"""Dtypes of each kind that are brought to its own without a look at the values."""


@dataclass(frozen=True)
class Rule:
    """A column: its kind, and what its values must be.

    ``least`` and ``most`` with the value itself, ``above`` without it; ``longest`` in letters, one at least;
    ``pattern`` from the first letter, ``form`` the same in words; ``among`` some words; ``nullable``: not known is
    allowed; ``unique``: no value twice.
    """

    kind: Literal["text", "whole", "number", "flag"]
    least: float | None = None
    most: float | None = None
    above: float | None = None
    longest: int | None = None
    pattern: str | None = None
    form: str = ""
    among: tuple[str, ...] | None = None
    nullable: bool = False
    unique: bool = False

    @property
    def dtype(self) -> str:
        """The dtype of a column that has been validated."""
        return DTYPES[self.kind]

    @property
    def allowed(self) -> str:
        """What the values may be, in words."""
        words = {"text": "are texts", "whole": "are whole numbers", "number": "are numbers", "flag": "are yes and no"}
        out = words[self.kind]
        if self.among is not None:
            out = f"are {', '.join(filter(None, self.among))}"
        elif self.form:
            out = f"are {self.form}"
        elif self.longest is not None:
            out += f" of 1 to {self.longest} letters"
        if self.least is not None and self.most is not None:
            out += f" from {self.least:,g} to {self.most:,g}"
        elif self.least is not None:
            out += f" from {self.least:,g} on"
        if self.above is not None:
            out += f" above {self.above:,g}"
        return out + (", each once" if self.unique else "") + (", or nothing" if self.nullable else "")

    def column(self) -> pa.Column:
        """Return it as pandera's column, which brings the values to its dtype and names each that does not fit."""
        import pandera.pandas as pa

        checks = []
        if self.least is not None and self.most is not None:
            checks.append(pa.Check.in_range(self.least, self.most))
        elif self.least is not None:
            checks.append(pa.Check.ge(self.least))
        if self.above is not None:
            checks.append(pa.Check.gt(self.above))
        if self.longest is not None:
            checks.append(pa.Check.str_length(min_value=1, max_value=self.longest))
        if self.pattern is not None:
            checks.append(pa.Check.str_matches(self.pattern))
        if self.among is not None:
            checks.append(pa.Check.isin(self.among))
        dtype: Any = {"text": str, "whole": "int64", "number": float, "flag": bool}[self.kind]
        return pa.Column(dtype, checks or None, nullable=self.nullable, unique=self.unique, coerce=True)

    def holds(self, values: pd.Series) -> bool:
        """Return whether values have the dtype and are all as they must be."""
        if values.dtype != self.dtype or (not self.nullable and values.isna().any()):
            return False
        if self.unique and not values.is_unique:
            return False
        if self.kind == "text":
            words = values.drop_duplicates()
            return bool(
                (self.longest is None or words.str.len().between(1, self.longest).all())
                and (self.pattern is None or words.str.match(self.pattern).all())
                and (self.among is None or words.isin(self.among).all())
            )
        known = values.to_numpy()[values.notna().to_numpy()]
        return bool(
            (self.least is None or (known >= self.least).all())
            and (self.most is None or (known <= self.most).all())
            and (self.above is None or (known > self.above).all())
        )


def fitting(frame: pd.DataFrame, layer: str) -> pd.DataFrame | None:
    """Return a layer's columns as its schema would, or nothing where a value does not fit or must be brought to fit.

    Whole numbers in a column of numbers, numbers of fewer bytes and words in a column of objects are brought to its
    dtype here: no value changes by that.
    """
    out = {}
    for name, rule in RULES[layer].items():
        if name not in frame or not isinstance(values := frame[name], pd.Series):
            return None
        if values.dtype in WIDENED[rule.kind]:
            values = values.astype("float64") if rule.kind == "number" else values.astype("int64")
        elif (
            rule.kind == "text"
            and values.dtype == object
            and pd.api.types.infer_dtype(values, skipna=False) == "string"
        ):
            values = values.astype("str")
        if not rule.holds(values):
            return None
        out[name] = values
    return pd.DataFrame(out)


_TEXT = Rule("text")
_NAME = Rule("text", longest=300)
_COUNTRY = Rule("text", pattern=r"^[A-Z]{2}$", form="codes of two letters (ISO 3166-1), such as KZ")
_SPEED = Rule("number", least=1, most=400, nullable=True)
_WAIT = Rule("number", least=0, most=10_000, nullable=True)
_ID = Rule("text", pattern=r"^\S+$", form="texts without blanks", unique=True)
_EDGES = {
    "u": Rule("whole"),
    "v": Rule("whole"),
    "length_m": Rule("number", least=0),
    "kind": _TEXT,
    "oneway": Rule("flag"),
    "maxspeed_kph": _SPEED,
    "driven_kph": _SPEED,
    "osm_id": Rule("whole"),
}
RULES: Mapping[str, Mapping[str, Rule]] = {
    "regions": {"region": _ID, "name": _NAME, "country": _COUNTRY},
    "settlements": {
        "settlement_id": Rule("whole", unique=True),
        "name": _NAME,
        "names": _TEXT,
        "country": _COUNTRY,
        "capital": _TEXT,
        "population_date": _TEXT,
        "population": Rule("whole", least=0),
    },
    "checkpoints": {
        "checkpoint_id": _ID,
        "mode": Rule("text", among=MODES),
        "name": _NAME,
        "name_ru": _TEXT,
        "name_kk": _TEXT,
        "names": _TEXT,
        "partners": Rule("whole", least=1),
        "region_a": _TEXT,
        "region_b": _TEXT,
        "regime": Rule("text", among=REGIMES),
        "open": Rule("flag"),
        "hours": _TEXT,
        "control_wait_min": _WAIT,
        "wait_assumed": Rule("flag"),
        "wait_p90_min": _WAIT,
        "wait_truck_min": _WAIT,
        "capacity_per_day": Rule("number", above=0, nullable=True),
        "observed_per_day": Rule("number", least=0, nullable=True),
        "wait_source": _TEXT,
        "vehicles": Rule(
            "text",
            pattern=r"^(|(car|truck|bus|bicycle|foot)(\|(car|truck|bus|bicycle|foot))*)$",
            form="car, truck, bus, bicycle, foot, several with a bar between them",
        ),
        "source": _TEXT,
        "as_of": _TEXT,
    },
    "roads": {
        **_EDGES,
        "country": _TEXT,
        "speed_source": _TEXT,
        "maxspeed_hgv_kph": _SPEED,
        "maxspeed_winter_kph": _SPEED,
        "surface": _TEXT,
        "smoothness": _TEXT,
        "season": Rule("text", among=SEASONS),
        "toll": Rule("flag"),
        "car": Rule("flag"),
        "truck": Rule("flag"),
        "no_through": Rule("text", pattern=r"^(|car|truck|car\|truck)$", form="car, truck, car|truck"),
        "duration_min": Rule("number", above=0, nullable=True),
        "open_share": Rule("number", least=0, most=1),
    },
    "railways": {**_EDGES, "gauge": _TEXT, "current": _TEXT},
}
"""By layer and column, in the order of the columns."""
