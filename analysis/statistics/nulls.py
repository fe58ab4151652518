"""Structural nulls: whether a stretch is served worse than checkpoints placed by chance would serve it.

Permuting values over cells tests nothing here, for access is smooth by construction. Instead the open checkpoints are
redrawn among all places where a road (or railway) crosses the line, and each indicator is ranked among its redrawn
values. Trees at home are grown once (`network.overlay`); a draw only combines them over the few posts that it opens.
"""

from __future__ import annotations

from functools import cache
from math import comb, prod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reach.decays import HALF_LIFE_MIN, Decay, exponential
from analysis.statistics.null_draws import Placements, indicators, redraw
from analysis.statistics.null_ground import bare_crossings, ground_of, least_waits, with_all_gates
from analysis.statistics.null_ranks import COLUMNS, WHOLE, WORSE, Null, ranked, with_whole
from analysis.statistics.permutations import ALPHA
from layers.errors import NetworkError
from layers.sides import SIDES
from network.modes import Mode
from network.overlay import build_overlay

if TYPE_CHECKING:
    from network.build import Network

DRAWS = 199


def structural_null(
    network: Network,
    units: pd.DataFrame,
    *,
    mode: Mode = "road",
    null: Null = "places",
    draws: int = DRAWS,
    seed: int = 0,
    half_life_min: float = HALF_LIFE_MIN,
    decay: Decay | None = None,
    alpha: float = ALPHA,
) -> tuple[pd.DataFrame, list[str]]:
    """Return how each unit's access ranks among draws of the open checkpoints over all places where they could stand.

    A draw takes as many crossings of each mode as are open, each as likely as any other, and deals the waits of the
    open ones out among them. p_worse = (1 + draws at least as bad)/(draws + 1) asks whether the unit is served worse
    than chance placement would serve it; p_two_sided = twice the smaller tail, at most 1. Both are exact: were the
    checkpoints themselves placed by chance, p would be uniform.

    Parameters
    ----------
    units
        With ``lon``, ``lat``, ``side`` (cells, or `segment_ends`), and ``population`` for the weights of the whole.
    null
        ``places`` as above. ``waits`` leaves the checkpoints where they are and only deals their waits out anew: a
        weaker question (do the long waits stand where they cost most?) for data without a crossing that lacks an open
        checkpoint; time to a checkpoint has no wait in it and is not tested then.
    draws
        199 for a rank per unit; FDR over n units can only reach one of them alone with n/α draws.

    Returns
    -------
    One row per unit and indicator and one (``unit`` is ``all``) for their median, by population where known (half of
    the people are served no better): ``unit`` (index of `units`), ``indicator``, ``observed``, ``null_median``,
    ``null_p05``, ``null_p95``, ``p_worse``, ``p_two_sided``, ``q_worse``, ``q_two_sided`` (Benjamini–Hochberg over the
    units), ``draws``, ``null``. A unit that joins nothing has no row; NaN in a time means that no checkpoint is
    reached, which ranks as worst. Empty where the null can't be drawn, and a note says why.

    What was observed may differ from a run's tables near the border: here every road over the line can be driven up to
    it, for a draw may put a checkpoint there.

    Raises
    ------
    NetworkError
        No draws, an unknown null, or a network without links of the mode.
    """
    if draws < 1 or null not in ("places", "waits"):
        raise NetworkError(f"{draws} draws of the null {null!r}: allowed are 1 or more of 'places' or 'waits'")
    placements = build_placements(network, units, mode=mode, null=null, fades=decay or exponential(half_life_min))
    notes, stop = _judge(placements, bare_crossings(network, mode)["crossing_id"], null, draws)
    if stop:
        return pd.DataFrame(columns=COLUMNS), notes
    wanted = [n for n in WORSE if null == "places" or n != "time_to_checkpoint_min"]
    joined = np.flatnonzero(placements.points.joined)
    weight = units["population"].to_numpy(float)[joined] if "population" in units else np.ones(len(joined))
    rng = np.random.default_rng(seed)
    taken = placements.slots.dropna(subset=["wait_min"])
    seen = with_whole(indicators(placements, taken)[wanted].iloc[joined], weight)
    # A draw is a walk over a few dozen posts: one at a time, each a table of units by indicators.
    many = np.array(
        [
            with_whole(indicators(placements, redraw(placements.slots, rng, null))[wanted].iloc[joined], weight)
            for _ in range(draws)
        ]
    )
    names = [*units.index[joined], WHOLE]
    tables = [ranked(c, names, seen[:, k], many[:, :, k], null) for k, c in enumerate(wanted)]
    if (draws + 1) * alpha < len(joined):
        notes.append(
            f"{draws} draws can't make a single one of {len(joined)} units significant under FDR at {alpha:g}: "
            f"use {int(np.ceil(len(joined) / alpha)):,} or more, or read p unit by unit"
        )
    return pd.concat(tables, ignore_index=True)[COLUMNS], notes


def segment_ends(segments: pd.DataFrame) -> pd.DataFrame:
    """Return both sides of each border segment's middle as units: ``segment_id``, ``side``, ``lon``, ``lat``."""
    ends = [segments[["segment_id", "lon", "lat"]].assign(side=s) for s in SIDES]
    return pd.concat(ends, ignore_index=True)[["segment_id", "side", "lon", "lat"]]


def build_placements(
    network: Network, units: pd.DataFrame, *, mode: Mode = "road", null: Null = "places", fades: Decay
) -> Placements:
    """Return what all draws share: trees from and to the posts of all crossings that a draw may open."""
    ground = ground_of(network, units, mode=mode, null=null)
    across = ground.points.side[:, None] != ground.targets.side[None]
    whole = cache(lambda: with_all_gates(network, mode) if null == "places" else network)
    return Placements(
        ground=ground,
        slots=ground.slots.assign(wait_min=ground.slots["crossing_id"].map(least_waits(network, mode)).astype(float)),
        free=(fades(ground.free) * ground.targets.people * across).sum(axis=1),
        fades=fades,
        domestic_wait=network.domestic_wait,
        overlay=cache(lambda: build_overlay(whole(), mode, field="borderless")),
    )


def _judge(placements: Placements, without: pd.Series, null: Null, draws: int) -> tuple[list[str], bool]:
    """Return what a reader must know of the draws, and whether they can't be made."""
    slots = placements.slots
    held = slots.groupby("mode")["wait_min"].agg(["size", "count"])
    if not held["count"].sum():
        return ["the structural null can't be drawn: no crossing has an open checkpoint"], True
    if null == "waits":
        alike = slots.groupby("mode")["wait_min"].nunique().max() < 2
        note = "the null of waits can't be drawn: all open checkpoints of a mode have the same wait"
        return ([note], True) if alike else (["the null of waits leaves the checkpoints where they are"], False)
    ways = prod(comb(int(n), int(k)) for n, k in zip(held["size"], held["count"], strict=True))
    if ways == 1:
        return [
            "the structural null can't be drawn: every crossing of a mode with open checkpoints holds one; it "
            "takes data that "
            "hold the roads over the line where nobody may cross"
        ], True
    empty = slots["wait_min"].isna()
    bare = slots["crossing_id"].isin(without)
    notes = [
        f"the open checkpoints were redrawn among {len(slots)} crossings: {int((~empty).sum())} with an open "
        "checkpoint, "
        f"{int((empty & ~bare).sum())} with a closed one, {int((empty & bare).sum())} with none"
    ]
    if ways <= draws:
        notes.append(f"there are only {ways:,} ways to place them: p has few steps, and draws repeat")
    return notes, False
