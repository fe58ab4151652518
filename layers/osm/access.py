"""Who may use a road or pass a node: access tags by vehicle, lists and conditions read, as a level and its reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.osm.conditional import DAY_SLOTS, SHAPE, SUMMER_DAYS, WINTER_DAYS, clauses_of
from layers.osm.sizes import SIZE_KEYS, too_large

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CLOSED, LIMITED, OPEN = 0, 1, 2
"""What a vehicle may: nothing; go there but not through; pass."""
ACCESS_KEYS: Mapping[str, tuple[str, ...]] = {
    "car": ("access", "vehicle", "motor_vehicle", "motorcar"),
    "truck": ("access", "vehicle", "motor_vehicle", "hgv"),
    "bus": ("access", "vehicle", "motor_vehicle", "psv", "bus"),
    "bicycle": ("access", "vehicle", "bicycle"),
    "foot": ("access", "foot"),
}
"""Tags that decide, from the general to the particular: the last one that says something holds."""
OPEN_WORDS = frozenset(
    {
        "yes",
        "designated",
        "permissive",
        "official",
        "public",
        "allowed",
        "true",
        "1",
        "discouraged",
        "open",
        "unrestricted",
        "toll",
        "fee",
    }
)
LIMITED_WORDS = frozenset(
    {
        "destination",
        "customers",
        "customer",
        "delivery",
        "deliveries",
        "private",
        "permit",
        "residents",
        "resident",
        "employees",
        "employee",
        "staff",
        "members",
        "visitors",
        "guests",
        "tenants",
        "students",
        "license",
        "local",
        "authorized",
        "authorised",
    }
)
CLOSED_WORDS = frozenset(
    {
        "no",
        "false",
        "0",
        "none",
        "never",
        "closed",
        "impassable",
        "military",
        "police",
        "restricted",
        "agricultural",
        "agriculture",
        "forestry",
        "forest",
        "emergency",
        "use_sidepath",
        "dismount",
        "bus",
        "psv",
        "taxi",
        "tourist_bus",
        "coach",
        "foot",
        "pedestrian",
        "bicycle",
        "horse",
        "moped",
        "mofa",
        "motorcycle",
        "snowmobile",
        "ski",
        "hov",
        "tram",
        "hgv",
        "goods",
        "motorcar",
        "car",
        "forestry_agricultural",
    }
)
IS_FOR: Mapping[str, frozenset[str]] = {
    "car": frozenset({"motorcar", "car"}),
    "truck": frozenset({"hgv", "goods"}),
    "bus": frozenset({"bus", "psv", "coach", "tourist_bus"}),
    "bicycle": frozenset({"bicycle"}),
    "foot": frozenset({"foot", "pedestrian"}),
}
"""Words that open a way to the vehicle that they name, and close it to all others."""


@dataclass(frozen=True)
class Access:
    """What tags say to a vehicle.

    `level` is `CLOSED`, `LIMITED` or `OPEN` by day in the seasons of `season` (empty: in all of them); `word` the value
    that decided; `share` the part of the time in these seasons at which the way is open; `unread` the values and
    conditions that no rule reads.
    """

    level: int
    word: str = "yes"
    season: str = ""
    share: float = 1.0
    unread: tuple[str, ...] = ()


@cache
def level_of(text: str, vehicle: str) -> int | None:
    """Return the level of one value, None where it says nothing (``unknown``, a typing error).

    A list is read part by part, in any order, and its most open part holds.

    Examples
    --------
    >>> level_of("forestry; agricultural", "car"), level_of("no;destination", "car"), level_of("hgv;bus", "truck")
    (0, 1, 2)
    """
    levels = [_level(part.strip(), vehicle) for part in re.split(r"[;|,/]", text.casefold()) if part.strip()]
    known = [level for level in levels if level is not None]
    return max(known) if known else None


def _level(word: str, vehicle: str) -> int | None:
    """Return the level of one part of a list."""
    if word in OPEN_WORDS or word in IS_FOR[vehicle]:
        return OPEN
    if word in LIMITED_WORDS:
        return LIMITED
    return CLOSED if word in CLOSED_WORDS else None


def access_to(tags: Mapping[str, str], vehicle: str, before: int = OPEN, at: tuple[int, int] | None = None) -> Access:
    """Return what the tags of one way or node say to a vehicle.

    Parameters
    ----------
    before
        The level where no tag says anything: a bollard is closed without one.
    at
        Day of the week (0 for Monday) and half hour of the day at which is asked; None for what holds by day.

    Examples
    --------
    >>> access_to({"access": "no", "motor_vehicle": "destination"}, "car").level == LIMITED
    True
    >>> access_to({"motor_vehicle:conditional": "no @ (Nov-Apr)"}, "car").season
    'summer'
    """
    level, word = before, "yes"
    unread: list[str] = []
    grid: NDArray[np.int8] | None = None
    for key in ACCESS_KEYS[vehicle]:
        text = tags.get(key, "")
        found = level_of(text, vehicle)
        if found is not None:
            level, word, grid = found, _plain(text), None
        elif text and text.casefold() not in ("unknown", "undefined"):
            unread.append(f"{key}={text}")
        if tags.get(f"{key}:conditional"):
            clauses, missed = clauses_of(tags[f"{key}:conditional"], vehicle)
            unread += [f"{key}:conditional={one}" for one in missed]
            grid = np.full(SHAPE, level, np.int8) if grid is None else grid
            for value, when, some in clauses:
                found = level_of(value, vehicle)
                if found is None:
                    unread.append(f"{key}:conditional={value}")
                elif some:
                    # Who has business there is let in; a ban of those few says nothing of the others.
                    grid[when] = np.maximum(grid[when], min(found, LIMITED))
                else:
                    grid[when] = found
    limit, lifted, strange = too_large(tags, vehicle) if level != CLOSED else ("", False, ())
    unread += strange
    passage = Access(level, word, unread=tuple(unread)) if grid is None else _over_the_year(grid, tuple(unread), at)
    return (
        passage if not limit else replace(passage, level=min(passage.level, LIMITED) if lifted else CLOSED, word=limit)
    )


def _plain(text: str) -> str:
    """Return a value as reasons are counted by: the parts of a list in the order of the alphabet."""
    return ";".join(sorted({part.strip() for part in re.split(r"[;|,/]", text.casefold()) if part.strip()}))


def _over_the_year(grid: NDArray[np.int8], unread: tuple[str, ...], at: tuple[int, int] | None) -> Access:
    """Return what holds by day or at an hour of the week, and in which seasons, of levels at every half hour."""
    week, hours = (slice(None), DAY_SLOTS) if at is None else (slice(at[0], at[0] + 1), slice(at[1], at[1] + 1))
    for least in (OPEN, LIMITED):
        # A road that is open in summer, and in winter to who has business there, carries no through traffic in winter.
        in_winter, in_summer = (
            float((grid[days][:, week, hours] >= least).mean()) >= 0.5 for days in (WINTER_DAYS, SUMMER_DAYS)
        )
        if in_winter or in_summer:
            break
    else:
        return Access(CLOSED, "conditional", unread=unread)
    season = "" if in_winter and in_summer else "winter" if in_winter else "summer"
    days = {"": np.ones(SHAPE[0], bool), "winter": WINTER_DAYS, "summer": SUMMER_DAYS}[season]
    chosen = grid[days]
    by_day = chosen[:, week, hours]
    level = OPEN if (by_day == OPEN).sum() >= (by_day == LIMITED).sum() else LIMITED
    share = 1.0 if at is not None else round(float((chosen > CLOSED).mean()), 4)
    return Access(level, "conditional", season, share, unread)


def access_table(tags: pd.DataFrame, vehicle: str, at: tuple[int, int] | None = None) -> pd.DataFrame:
    """Return what the tags of many ways say to a vehicle.

    ``level``, ``word``, ``season``, ``share``; each set of tags is read once.

    Parameters
    ----------
    tags
        Columns of `ACCESS_KEYS` and the same with ``:conditional``, those that there are.
    at
        See `access_to`.

    Returns
    -------
    One row per way. ``attrs["unread"]`` counts the values and conditions that no rule reads.
    """
    own = [k for key in ACCESS_KEYS[vehicle] for k in (key, f"{key}:conditional")]
    keys = [k for k in (*own, *SIZE_KEYS) if k in tags and tags[k].notna().any()]
    code, first = _distinct_rows(tags, keys)
    texts = tags[keys].iloc[first].astype(object).to_dict("records") if keys else [{} for _ in first]
    found = [access_to({str(k): v for k, v in row.items() if isinstance(v, str)}, vehicle, at=at) for row in texts]
    table = pd.DataFrame(
        {
            "level": np.array([s.level for s in found], np.int8),
            "word": pd.Categorical([s.word for s in found]),
            "season": pd.Categorical([s.season for s in found]),
            "share": np.array([s.share for s in found], np.float32),
        }
    )
    out = table.iloc[code].set_axis(tags.index)
    many = np.bincount(code, minlength=len(found))
    out.attrs["unread"] = Counter()
    for one, number in zip(found, many.tolist(), strict=True):
        out.attrs["unread"].update(dict.fromkeys(one.unread, number))
    return out


def _distinct_rows(tags: pd.DataFrame, keys: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each row's set of values, and the first row of each set."""
    code = np.zeros(len(tags), np.int64)
    for key in keys:
        column = tags[key]
        is_category = isinstance(column.dtype, pd.CategoricalDtype)
        own = column.cat.codes.to_numpy() if is_category else pd.factorize(column)[0]
        _, code = np.unique(code * (int(own.max(initial=-1)) + 2) + own + 1, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return np.asarray(code, np.int64), np.asarray(first, np.int64)
