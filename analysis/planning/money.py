"""Money, with the user's values alone.

Net present value, internal rate of return, ratio of benefits to costs, switching values.

Formulas as in ADB's Guidelines for the Economic Analysis of Projects (2017): with and without the project, in constant
prices, costs of building in year 0, benefits and running costs at the end of years 1 to n. Two countries are told
apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from layers.errors import StudyError

RATES = (-0.99, 10.0)
"""Between these an internal rate of return is sought."""


@dataclass(frozen=True)
class Values:
    """What a user says; nothing of it has a default.

    Attributes
    ----------
    value_of_time_per_h
        Of the people in one vehicle (or of one trip), in the currency.
    operating_cost_per_h
        Of a vehicle in motion or waiting; 0 leaves it out.
    build_cost, running_cost_per_year
        Of the scenario, in the currency.
    discount_rate
        Such as 0.09.
    years
        Horizon.
    growth
        Of benefits a year.
    share_a
        Part of the benefits that goes to people of side a. None where it is not known: trips are modelled without
        regard to who makes them.
    cost_share_a
        Part of the costs that side a bears. None where it is not known.
    currency
        Its name, as it is printed.
    """

    value_of_time_per_h: float
    build_cost: float
    running_cost_per_year: float
    discount_rate: float
    years: int
    operating_cost_per_h: float = 0.0
    growth: float = 0.0
    share_a: float | None = None
    currency: str = ""
    cost_share_a: float | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises
        ------
        StudyError
            With every problem.
        """
        wrong = [
            f"{name} = {getattr(self, name):g}: allowed is {low:g} to {high:g}"
            for name, low, high in (
                ("value_of_time_per_h", 0, 1e9),
                ("operating_cost_per_h", 0, 1e9),
                ("build_cost", 0, 1e15),
                ("running_cost_per_year", 0, 1e15),
                ("discount_rate", 0, 1),
                ("years", 1, 100),
                ("growth", -0.5, 0.5),
                ("share_a", 0, 1),
                ("cost_share_a", 0, 1),
            )
            if getattr(self, name) is not None and not low <= getattr(self, name) <= high
        ]
        if wrong:
            raise StudyError(f"appraisal: {'; '.join(wrong)}")


def present_value(per_year: float, values: Values, *, rate: float | None = None, growth: float = 0.0) -> float:
    """Return the present value of a sum a year, at the ends of years 1 to n.

    Examples
    --------
    >>> round(present_value(100.0, Values(1, 0, 0, 0.1, 2)), 4)
    173.5537
    """
    r = values.discount_rate if rate is None else rate
    year = np.arange(1, values.years + 1)
    return float((per_year * (1 + growth) ** (year - 1) / (1 + r) ** year).sum())


def benefit_per_year(hours_per_day: float, values: Values) -> float:
    """Return the benefit of hours saved a day, over a year of 365 days, in the currency."""
    return hours_per_day * 365 * (values.value_of_time_per_h + values.operating_cost_per_h)


def net_present_value(hours_per_day: float, values: Values, *, rate: float | None = None) -> float:
    """Return ENPV: benefits less building and running, discounted."""
    gain = present_value(benefit_per_year(hours_per_day, values), values, rate=rate, growth=values.growth)
    return gain - values.build_cost - present_value(values.running_cost_per_year, values, rate=rate)


def return_rate(hours_per_day: float, values: Values) -> float:
    """Return EIRR, the rate at which ENPV is 0; NaN where no rate between −99 % and 1,000 % does that."""
    low, high = (net_present_value(hours_per_day, values, rate=r) for r in RATES)
    if not np.sign(low) * np.sign(high) < 0:
        return float("nan")
    return float(brentq(lambda r: net_present_value(hours_per_day, values, rate=r), *RATES, xtol=1e-10))


def money_table(
    hours_per_day: float, values: Values, *, between: tuple[float, float] = (float("nan"), float("nan"))
) -> pd.DataFrame:
    """Return the appraisal of a scenario: ``measure``, ``value``, ``low``, ``high``, ``unit``, ``formula``.

    Parameters
    ----------
    hours_per_day
        Vehicle-hours that users gain a day, by the area under the demand curve.
    between
        Their 5 and 95 % over the draws: ``low`` and ``high`` are the least and the most between these.

    Notes
    -----
    A trip has an end on either side, and nothing here knows on which its traveller lives. Without ``share_a`` the parts
    of the two sides are half each, which is an assumption, and their ranges run from no traveller of a side to all of
    them; without ``cost_share_a`` costs are half each, and said to be.
    """
    rows = _rows(hours_per_day, values)
    ends = [_rows(h, values) for h in between]
    if values.share_a is None:
        ends += [_rows(h, replace(values, share_a=s)) for h in (hours_per_day, *between) for s in (0.0, 1.0)]
    table = pd.DataFrame(rows, columns=["measure", "value", "unit", "formula"])
    spread = np.array([[row[1] for row in end] for end in ends], float)
    # Without draws, and where share_a is given, nothing is between.
    known = np.isfinite(spread).any(axis=0)
    filled = np.where(np.isfinite(spread), spread, np.nan)
    for name, pick in (("low", np.nanmin), ("high", np.nanmax)):
        column = np.full(len(table), np.nan)
        column[known] = pick(filled[:, known], axis=0)
        table[name] = column
    return table[["measure", "value", "low", "high", "unit", "formula"]]


def _rows(hours_per_day: float, values: Values) -> list[tuple[str, float, str, str]]:
    """Return measure, value, unit and formula of each figure."""
    gain = present_value(benefit_per_year(hours_per_day, values), values, growth=values.growth)
    running = present_value(values.running_cost_per_year, values)
    cost = values.build_cost + running
    unit = values.currency or "the user's currency"
    # At this multiple of the benefits, or of the costs, ENPV is 0.
    switch_benefit, switch_cost = (a / b if b > 0 else np.nan for a, b in ((cost, gain), (gain, cost)))
    part = 0.5 if values.share_a is None else values.share_a
    paid = 0.5 if values.cost_share_a is None else values.cost_share_a
    rule = "present value; half of every trip's, for share_a is not given: an assumption"
    rule = rule if values.share_a is None else f"present value; share_a = {part:g} of them on side a"
    costs = "half of the costs, for cost_share_a is not given" if values.cost_share_a is None else "its part of them"
    return [
        (
            "benefit in the first year",
            benefit_per_year(hours_per_day, values),
            f"{unit} a year",
            "hours a day · 365 · (value of time + operating cost)",
        ),
        ("ENPV", gain - cost, unit, "Σ (B − R)/(1 + r)^t − K"),
        ("ENPV, side a", part * gain - paid * cost, unit, f"benefits of the side less {costs}"),
        ("ENPV, side b", (1 - part) * gain - (1 - paid) * cost, unit, f"benefits of the side less {costs}"),
        ("benefits of side a", part * gain, unit, rule),
        ("benefits of side b", (1 - part) * gain, unit, rule),
        ("EIRR", return_rate(hours_per_day, values), "a year", "rate at which ENPV is 0"),
        ("BCR", gain / cost if cost > 0 else np.nan, "ratio", "present value of benefits over that of costs"),
        ("switching value of benefits", switch_benefit, "times the benefits", "ENPV is 0 there"),
        ("switching value of costs", switch_cost, "times the costs", "ENPV is 0 there"),
    ]
