"""Waits as people measure them.

A table of single observations, read into medians and 90th percentiles by hour and season.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.checkpoints import LONGEST_WAIT_MIN, find_checkpoint
from layers.errors import LayerError, PlaceError
from layers.sources.tables import LINE, read_table
from layers.words import numbers

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

COLUMNS = ("post", "direction", "vehicle", "time", "minutes", "source")
NEEDED = ("post", "time", "minutes")
HOURS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
"""Classes of the hour at which one comes to a post."""
SEASONS = {12: "winter", 1: "winter", 2: "winter", 6: "summer", 7: "summer", 8: "summer"}
OLD_YEARS = 2
LEAST = 3
"""Observations that a class needs to say something of its own: an assumption; with fewer, all hours of the direction
count, then all of the post."""
CAR_WORDS = ("car", "motorcar", "passenger", "легковой", "легковая")
TRUCK_WORDS = ("truck", "hgv", "lorry", "goods", "грузовой", "грузовая")
SHOWN = 3


@dataclass(frozen=True)
class Observed:
    """What was observed at posts, for one vehicle.

    Attributes
    ----------
    classes
        ``checkpoint_id``, ``direction`` (``ab``, ``ba`` or empty for not told), ``hours``, ``season``,
        ``observations``, ``median_min``, ``p90_min``, ``latest``.
    posts
        The same of all hours, directions and seasons, by checkpoint, with ``source``.
    notes
        What a reader must know.
    """

    classes: pd.DataFrame
    posts: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def wait_min(self, checkpoint: str, direction: str, at: datetime) -> float:
        """Return the median wait of who comes to a post at an hour; NaN where nobody observed one there.

        Of the class of hours, season and direction; with fewer than `LEAST` observations without the season, then
        without the hours, then without the direction.
        """
        own = self.classes[self.classes["checkpoint_id"] == checkpoint]
        if own.empty:
            return float("nan")
        way = own["direction"].isin([direction, ""])
        hour = own["hours"] == hours_of(at)
        season = own["season"] == season_of(at)
        for chosen in (way & hour & season, way & hour, way):
            some = own[chosen]
            if some["observations"].sum() >= LEAST:
                return float(np.median(np.concatenate([np.asarray(v) for v in some["minutes"]])))
        return float(np.median(np.concatenate([np.asarray(v) for v in own["minutes"]])))


def hours_of(at: datetime) -> str:
    """Return the class of an hour.

    Examples
    --------
    >>> hours_of(datetime(2026, 1, 1, 11, 59)), hours_of(datetime(2026, 1, 1, 12))
    ('morning', 'afternoon')
    """
    return next(name for name, (a, b) in HOURS.items() if a <= at.hour < b)


def season_of(at: datetime) -> str:
    """Return winter (December to February), summer (June to August) or an empty text for what lies between."""
    return SEASONS.get(at.month, "")


def read_waits(
    path: Path,
    checkpoints: gpd.GeoDataFrame,
    countries: tuple[str, str],
    *,
    vehicle: str = "car",
    today: datetime | None = None,
) -> Observed:
    """Return what was observed at posts, out of a table with the columns `COLUMNS`.

    Parameters
    ----------
    path
        CSV, TSV or XLSX. ``post`` is an id or a name; ``direction`` the country that one goes to, ``ab``, ``ba``, or
        ``RU-KZ``; ``time`` in ISO 8601. ``direction``, ``vehicle`` (car where it is missing) and ``source`` may be left
        out.
    countries
        Codes of side a and side b.
    vehicle
        Whose waits are taken; observations of others are left out.
    today
        Observations older than two years before it are named.

    Raises
    ------
    LayerError
        The table can't be read or used: the rows are named.
    """
    table, notes = read_table(path)
    table = _readable(table, path.name, countries)
    ids, strange = _posts(table["post"], checkpoints)
    if strange:
        notes.append(f"waits ({path.name}): no checkpoint of the study is called {', '.join(strange)}: left out")
    frame = table.assign(checkpoint_id=ids)
    frame = frame[(frame["checkpoint_id"] != "") & (frame["vehicle"] == vehicle)]
    if frame.empty:
        notes.append(f"waits ({path.name}): no observation of a {vehicle} at a checkpoint of the study")
    frame["hours"] = [hours_of(t) for t in frame["at"]]
    frame["season"] = [season_of(t) for t in frame["at"]]
    by = ["checkpoint_id", "direction", "hours", "season"]
    classes, posts = _summed(frame, by), _summed(frame, ["checkpoint_id"])
    old = posts[posts["latest"] < (today or datetime.now()) - timedelta(days=365 * OLD_YEARS)]
    if len(old):
        listed = ", ".join(
            f"{i} (latest {t:%Y-%m-%d})" for i, t in zip(old["checkpoint_id"], old["latest"], strict=True)
        )
        notes.append(f"waits ({path.name}): observed more than {OLD_YEARS} years ago: {listed}")
    return Observed(classes, posts, notes)


def _readable(table: pd.DataFrame, name: str, countries: tuple[str, str]) -> pd.DataFrame:
    """Return the cells of a table of observations as what they mean.

    ``post``, ``direction``, ``vehicle``, ``at``, ``minutes``, ``source``.

    Raises
    ------
    LayerError
        A column is missing, or cells can't be read: they are named.
    """
    table.columns = pd.Index([str(c).strip().casefold() for c in table.columns])
    missing = [c for c in NEEDED if c not in table]
    if missing:
        raise LayerError(
            f"{name} has no column {', '.join(missing)}: allowed are {', '.join(COLUMNS)}, of which "
            f"{', '.join(NEEDED)} are needed"
        )
    table = table.reindex(columns=list(COLUMNS), fill_value="").fillna("")
    problems: list[str] = []
    minutes = numbers(table["minutes"], thousands=False)
    _tell(
        problems,
        table["minutes"],
        ~(minutes.between(0, LONGEST_WAIT_MIN)),
        f"minutes, allowed 0 to {LONGEST_WAIT_MIN:,.0f}",
    )
    when = pd.to_datetime(table["time"].astype(str), errors="coerce", format="ISO8601", utc=False)
    _tell(problems, table["time"], when.isna(), "time, allowed such as 2026-01-15T08:30")
    way = table["direction"].map(lambda t: _direction(str(t), countries))
    _tell(
        problems,
        table["direction"],
        way.isna(),
        f"direction, allowed {countries[1]}, {countries[0]}, {countries[0]}-{countries[1]}, ab or ba",
    )
    kind = table["vehicle"].map(lambda t: _vehicle(str(t)))
    _tell(problems, table["vehicle"], kind.isna(), "vehicle, allowed car or truck")
    if problems:
        raise LayerError(f"{name}: {'; '.join(problems)}")
    return pd.DataFrame(
        {
            "post": table["post"],
            "direction": way,
            "vehicle": kind,
            "at": pd.to_datetime(when.map(lambda t: t.replace(tzinfo=None))),
            "minutes": minutes.astype(float),
            "source": table["source"].astype(str),
        }
    )


def with_observed(checkpoints: gpd.GeoDataFrame, observed: Observed, *, vehicle: str = "car") -> gpd.GeoDataFrame:
    """Return the layer with the medians and 90th percentiles that were observed in the place of what its table says.

    See `layers.checkpoints.with_waits`.
    """
    posts = observed.posts.set_index("checkpoint_id")
    known = checkpoints["checkpoint_id"].isin(posts.index).to_numpy()
    frame = checkpoints.copy()
    column = "wait_truck_min" if vehicle == "truck" else "control_wait_min"
    for name, values in ((column, posts["median_min"]), ("wait_p90_min", posts["p90_min"])):
        old = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        frame[name] = np.where(known, frame["checkpoint_id"].map(values).astype(float), old.astype(float))
    described = frame["checkpoint_id"].map(posts["said"]).astype(object)
    frame["wait_source"] = np.where(known, described, frame.get("wait_source", ""))
    frame["wait_assumed"] = np.where(known, False, frame["wait_assumed"])
    return frame


def _tell(problems: list[str], column: pd.Series, wrong: pd.Series, what: str) -> None:
    """Add the rows of a column that can't be used."""
    bad = column[wrong.to_numpy()]
    if len(bad):
        shown = ", ".join(f"{v!r} ({LINE} {i})" for i, v in bad.head(SHOWN).items())
        problems.append(
            f"column {column.name!r} holds {shown}{f' and {len(bad) - SHOWN} more' if len(bad) > SHOWN else ''}: {what}"
        )


def _direction(text: str, countries: tuple[str, str]) -> str | None:
    """Return ``ab``, ``ba``, an empty text where nothing is told, None where it can't be read."""
    plain = text.strip().casefold().replace("→", "-").replace(">", "-").replace(" ", "").replace("–", "-")
    a, b = (c.casefold() for c in countries)
    for way, words in (
        ("ab", ("ab", b, f"to{b}", f"{a}-{b}", f"{a}{b}")),
        ("ba", ("ba", a, f"to{a}", f"{b}-{a}", f"{b}{a}")),
    ):
        if plain in words:
            return way
    return "" if plain in ("", "both", "any") else None


def _vehicle(text: str) -> str | None:
    """Return car or truck, None where it can't be read."""
    plain = text.strip().casefold()
    return "car" if plain in ("", *CAR_WORDS) else "truck" if plain in TRUCK_WORDS else None


def _posts(names: pd.Series, checkpoints: gpd.GeoDataFrame) -> tuple[list[str], list[str]]:
    """Return the checkpoint of each row, empty for none; and the names that no checkpoint bears."""
    known = {}
    for text in names.astype(str).unique():  # posts: dozens
        try:
            known[text] = find_checkpoint(checkpoints, text.strip())
        except PlaceError:
            known[text] = ""
    return [known[t] for t in names.astype(str)], sorted(t for t, i in known.items() if not i)


def _summed(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return median and 90th percentile of groups of observations, with what they are made of."""
    rows = []
    for key, group in frame.groupby(by, sort=True):
        names = ", ".join(sorted(set(group["source"]) - {""}))
        latest = group["at"].max()
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "observations": len(group),
                "median_min": float(group["minutes"].median()),
                "p90_min": float(group["minutes"].quantile(0.9)),
                "latest": latest,
                "minutes": group["minutes"].tolist(),
                "said": f"{len(group)} observations up to {latest:%Y-%m-%d}{f': {names}' if names else ''}",
            }
        )
    return pd.DataFrame(rows, columns=[*by, "observations", "median_min", "p90_min", "latest", "minutes", "said"])
