"""How far an answer hangs on what nobody measured.

Waits, speeds, the half-life of trips, and people, drawn many times over the same trees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.planning.benefit import Curve
from layers.errors import StudyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.planning.across import Across

CAPACITY = 1
"""Number of the stream of capacities."""
INPUTS = ("waits", "speeds", "half_life", "people")


@dataclass(frozen=True)
class Spread:
    """How uncertain the inputs are: standard deviations of the logarithms, and the draws.

    Attributes
    ----------
    waits
        Of waits that nobody measured: 0.42 is a half to double in nine of ten draws. Half of the variance is common to
        all posts, half each post's own.
    known_waits
        Of those that a source states.
    speeds
        Of the minutes at home, by side.
    half_life
        Of the half-life of trips.
    people
        Of the people of each settlement.
    capacity
        Of the capacity of each checkpoint: queues hang on it, and no other figure.
    draws, seed
        How many, from which seed: the n-th draw of a seed is the same whatever else is drawn.
    """

    waits: float = 0.42
    known_waits: float = 0.1
    speeds: float = 0.07
    half_life: float = 0.42
    people: float = 0.1
    capacity: float = 0.2
    draws: int = 200
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises
        ------
        StudyError
            With every problem.
        """
        wrong = [
            f"{n} = {getattr(self, n):g}: allowed is 0 to 2"
            for n in ("waits", "known_waits", "speeds", "half_life", "people", "capacity")
            if not 0 <= getattr(self, n) <= 2
        ]
        wrong += [] if 0 <= self.seed < 2**63 else [f"seed = {self.seed}: allowed is 0 or more"]
        wrong += [] if 0 <= self.draws <= 10_000 else [f"draws = {self.draws}: allowed is 0 to 10,000"]
        if wrong:
            raise StudyError(f"uncertainty: {'; '.join(wrong)}")


@dataclass(frozen=True)
class Draw:
    """One draw.

    Factors of waits by checkpoint, of minutes at home by side, of the half-life, of people by settlement row, of
    capacities by checkpoint.
    """

    waits: Mapping[str, float]
    slow: tuple[float, float]
    half_life: float
    people: Mapping[int, float]
    capacity: Mapping[str, float] = field(default_factory=dict)

    def of(self, across: Across) -> Across:
        """Return trees as the draw has them; nothing is grown."""
        a, b = self.people_of(across)
        return replace(across.changed(waits=self.waits, slow=self.slow), people_a=a, people_b=b)

    def people_of(self, across: Across) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the people of either side as the draw has them."""
        a, b = (np.array([self.people.get(r, 1.0) for r in rows.tolist()]) for rows in (across.a, across.b))
        return across.people_a * a, across.people_b * b

    def curve(self, curve: Curve) -> Curve:
        """Return the demand curve as the draw has it: a decay that is no exponential stretches its minutes."""
        if curve.half_life_min is not None:
            return Curve.of(curve.half_life_min * self.half_life)
        fades, times = curve.fades, self.half_life
        return Curve(lambda minutes: fades(np.asarray(minutes, float) / times), None)


CENTRE = Draw({}, (1.0, 1.0), 1.0, {})


def make_draws(
    checkpoints: pd.DataFrame,
    settlements: Sequence[int],
    spread: Spread,
    *,
    numbers: Sequence[int] | None = None,
    capacities: bool = True,
) -> list[Draw]:
    """Return the draws of a study.

    Parameters
    ----------
    checkpoints
        With ``checkpoint_id`` and ``wait_assumed``; a wait that a scenario sets is none that anybody measured either.
    settlements
        Rows of those that have people.
    numbers
        Which draws, counted from 0; all where None.
    capacities
        Whether they are drawn too, on which queues alone hang.
    """
    ids = sorted(checkpoints["checkpoint_id"].astype(str))
    table = (
        checkpoints.assign(checkpoint_id=checkpoints["checkpoint_id"].astype(str)).set_index("checkpoint_id").loc[ids]
    )
    guessed = (table["wait_assumed"].astype(bool) | (table["wait_source"] == "the scenario")).to_numpy(bool)
    out = []
    for n in range(spread.draws) if numbers is None else numbers:
        rng = np.random.default_rng([spread.seed, n])
        slow = tuple(np.exp(spread.speeds * rng.standard_normal(2)))
        half_life = float(np.exp(spread.half_life * rng.standard_normal()))
        common = rng.standard_normal()
        people = np.exp(spread.people * rng.standard_normal(len(settlements)))
        own = np.array([_stream(spread.seed, n, *key.encode()).standard_normal() for key in ids])
        size = np.where(guessed, spread.waits, spread.known_waits)
        factor = np.exp(size * np.where(guessed, (common + own) / np.sqrt(2), own))
        # A stream of its own: who draws capacities too draws the same waits.
        streams = [_stream(spread.seed, n, CAPACITY, *key.encode()) for key in ids if capacities]
        room = np.exp(spread.capacity * np.array([stream.standard_normal() for stream in streams]))
        out.append(
            Draw(
                dict(zip(ids, factor.tolist(), strict=True)),
                (float(slow[0]), float(slow[1])),
                half_life,
                dict(zip(map(int, settlements), people.tolist(), strict=True)),
                dict(zip(ids, room.tolist(), strict=True)) if capacities else {},
            )
        )
    return out


def _stream(seed: int, *numbers: int) -> np.random.Generator:
    """Return ``default_rng([seed, *numbers])``, which takes three times as long to look at each number."""
    words = [seed & 0xFFFFFFFF, *([seed >> 32] if seed >> 32 else []), *numbers]
    return np.random.default_rng(np.array(words, np.uint32))


def spread_of(draws: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """Return the figures of an answer over the draws.

    A row per figure with ``median``, ``low`` (5 %), ``high`` (95 %), ``known_share``.

    Parameters
    ----------
    draws
        Figures of each draw by name; NaN where one is not known.
    """
    table = pd.DataFrame([dict(d) for d in draws])
    rows = []
    for name in table:
        values = table[name].to_numpy(float)
        known = values[np.isfinite(values)]
        low, middle, high = np.percentile(known, [5, 50, 95]) if len(known) else (np.nan,) * 3
        rows.append((name, middle, low, high, len(known) / len(values)))
    return pd.DataFrame(rows, columns=["key", "median", "low", "high", "known_share"])


def tornado(
    answer: Callable[[Draw], Mapping[str, float]],
    checkpoints: pd.DataFrame,
    settlements: Sequence[int],
    spread: Spread,
    keys: Sequence[str],
) -> pd.DataFrame:
    """Return what matters most: each input at its 5 and 95 %, all others as they are.

    Returns
    -------
    ``key``, ``input``, ``at_low``, ``at_high`` (the figure with the input at 5 and 95 %), ``span``, largest first in
    each figure.
    """
    z = 1.6448536269514722
    guessed = checkpoints.loc[
        checkpoints["wait_assumed"].astype(bool) | (checkpoints["wait_source"] == "the scenario"), "checkpoint_id"
    ]
    rows = []
    for name in INPUTS:
        ends = []
        for sign in (-z, z):
            if name == "waits":
                draw = replace(CENTRE, waits=dict.fromkeys(map(str, guessed), float(np.exp(sign * spread.waits))))
            elif name == "speeds":
                draw = replace(CENTRE, slow=(float(np.exp(sign * spread.speeds)),) * 2)
            elif name == "half_life":
                draw = replace(CENTRE, half_life=float(np.exp(sign * spread.half_life)))
            else:
                draw = replace(CENTRE, people=dict.fromkeys(map(int, settlements), float(np.exp(sign * spread.people))))
            ends.append(answer(draw))
        rows += [(key, name, ends[0][key], ends[1][key], abs(ends[1][key] - ends[0][key])) for key in keys]
    table = pd.DataFrame(rows, columns=["key", "input", "at_low", "at_high", "span"])
    return table.sort_values(["key", "span"], ascending=[True, False], kind="stable", ignore_index=True)


def quantile_columns(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return a table of figures by ``key`` with ``low``, ``median`` and ``high`` of the draws beside them."""
    by_key = found.set_index("key")
    return table.assign(**{c: table["key"].map(by_key[c]).astype(float) for c in ("low", "median", "high")})


def share_of(flags: NDArray[np.bool_]) -> float:
    """Return the share of draws in which something is so."""
    return float(np.mean(flags)) if len(flags) else float("nan")
