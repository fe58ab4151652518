"""Findings on access to checkpoints: served, beyond the limit, and not known are three things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from maps.i18n import _, number, percent

if TYPE_CHECKING:
    from gis.measures import Measures

FAR_MIN = 240.0
FAR_KM = 100.0
WELL_KNOWN = 0.8
"""A mean over a smaller share of the people says so in its sentence."""


def access_findings(measures: Measures) -> list[str]:
    """Return how near people and the line are to open checkpoints, and of how many it is known."""
    out = [_regions(pd.DataFrame(measures.regions)), _people(pd.DataFrame(measures.settlements))]
    named = _named(measures)
    out += [_line(named), _by_crow(named)]
    return [line for line in out if line]


def people_finding(measures: Measures) -> str:
    """Return the people near open checkpoints, far from them, and those of whom it is not known."""
    return _people(pd.DataFrame(measures.settlements))


def line_finding(measures: Measures) -> str:
    """Return how much of the line is near open checkpoints by road, and by the straight way, known everywhere."""
    segments = _named(measures)
    return " ".join(part for part in (_line(segments), _by_crow(segments)) if part)


def _named(measures: Measures) -> pd.DataFrame:
    """Return the segments with the names of their regions in place of codes."""
    names = dict(zip(measures.regions["region"], measures.regions["name"], strict=True))
    segments = pd.DataFrame(measures.segments)
    return segments.assign(**{c: segments[c].map(names).fillna(segments[c]) for c in ("region_a", "region_b")})


def known_of(share: float) -> str:
    """Return what a sentence says of the people behind a mean: nothing where they are most of all.

    Examples
    --------
    >>> known_of(0.95), known_of(0.62)
    ('', ', known for 62% of the people alone')
    """
    return "" if share >= WELL_KNOWN else f", known for {share:.0%} of the people alone"


def _regions(regions: pd.DataFrame) -> str:
    """Return the regions whose people are nearest to an open checkpoint and furthest from one."""
    r = regions.dropna(subset=["time_to_checkpoint_min"]).sort_values("time_to_checkpoint_min", kind="stable")
    if len(r) < 2:
        return ""
    near, far = (
        f"{row['name']} ({row['time_to_checkpoint_min']:.0f} min on "
        f"average{known_of(row['time_to_checkpoint_known_share'])})"
        for _, row in r.iloc[[0, -1]].iterrows()  # two
    )
    return f"People of {near} are nearest to an open checkpoint, those of {far} furthest."


def _people(settlements: pd.DataFrame) -> str:
    """Return the people within the limit, beyond it, and those of whom it is not known."""
    people, minutes = settlements["population"].astype(float), settlements["time_to_checkpoint_min"]
    if not people.sum() > 0:
        return ""
    served, beyond, unknown = (
        float(people[mask].sum()) for mask in (minutes <= FAR_MIN, minutes > FAR_MIN, minutes.isna())
    )
    return _(
        "Of {all} people in the belt {share} live within {hours} hours of an open checkpoint, {beyond} beyond; "
        "of {unknown} it is not known."
    ).format(
        all=number(people.sum()),
        share=percent(served / people.sum()),
        hours=number(FAR_MIN / 60),
        beyond=number(beyond),
        unknown=number(unknown),
    )


def _line(segments: pd.DataFrame) -> str:
    """Return the share of the line that is served on both sides, beyond the limit on one, and not known.

    The longest stretch beyond.
    """
    a, b = segments["time_to_checkpoint_a_min"], segments["time_to_checkpoint_b_min"]
    # One side beyond is enough, whether the other is known or not.
    beyond, served = (a > FAR_MIN) | (b > FAR_MIN), (a <= FAR_MIN) & (b <= FAR_MIN)
    km = _km(segments)
    if not km.sum() > 0:
        return ""
    parts = [float(km[mask].sum() / km.sum()) for mask in (served, beyond, ~served & ~beyond)]
    out = _(
        "{near} of the border line lies within {hours} hours of an open checkpoint from both sides, {far} "
        "further from one side at least; of {unknown} it is not known, "
        "for a side has no road near."
    ).format(near=percent(parts[0]), hours=number(FAR_MIN / 60), far=percent(parts[1]), unknown=percent(parts[2]))
    if not beyond.any():
        return out
    return out + " " + _("The longest stretch beyond: {stretch}.").format(stretch=_longest(segments, beyond))


def _by_crow(segments: pd.DataFrame) -> str:
    """Return how much of the line is far by crow from an open road checkpoint, which is known everywhere."""
    if "open_road_checkpoint_km" not in segments or segments["open_road_checkpoint_km"].isna().all():
        return ""
    far = segments["open_road_checkpoint_km"] > FAR_KM
    if not far.any():
        text = _("No part of the border line is further than {km} km from an open road checkpoint by the straight way.")
        return text.format(km=number(FAR_KM))
    return _(
        "{n} km of the border line are further than {km} km from an open road checkpoint by the straight way; "
        "the longest stretch: {stretch}."
    ).format(n=number(_km(segments)[far].sum()), km=number(FAR_KM), stretch=_longest(segments, far))


def _km(segments: pd.DataFrame) -> pd.Series:
    """Return the length of each segment along the line."""
    return segments["km_to"] - segments["km_from"]


def _longest(segments: pd.DataFrame, mask: pd.Series) -> str:
    """Return the longest unbroken stretch of the segments in `mask`, in words."""
    breaks = (mask != mask.shift()) | ((segments["km_from"] - segments["km_to"].shift()).abs() > 1e-6)
    stretches = (
        segments[mask]
        .assign(km=_km(segments)[mask])
        .groupby(breaks.cumsum()[mask])
        .agg(
            a=("km_from", "min"),
            b=("km_to", "max"),
            ra=("region_a", "first"),
            rb=("region_b", "first"),
            km=("km", "sum"),
        )
    )
    s = stretches.sort_values("km", ascending=False, kind="stable").iloc[0]
    return _("{n} km (km {a}–{b} from the west, from {one} and {other})").format(
        n=number(s["km"]), a=number(s["a"]), b=number(s["b"]), one=s["ra"], other=s["rb"]
    )
