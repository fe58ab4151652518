"""Our sets beside those of spopt's models.

Maximal covering for people within reach, p-centre for the place that is worst served.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.planning.sites.choose import Gains, Limits, choose_sites, prove

pulp = pytest.importorskip("pulp")
locate = pytest.importorskip("spopt.locate")


def places(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return minutes of 40 places to 10 candidates, and people."""
    rng = np.random.default_rng(seed)
    return rng.uniform(10, 240, (40, 10)), np.round(rng.lognormal(8, 1, 40))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_the_people_whom_a_set_reaches_are_those_of_maximal_covering(seed: int) -> None:
    """Church & ReVelle (1974) as `spopt.locate.MCLP` has it.

    The same optimum, which greedy with exchange meets or comes near to.
    """
    minutes, people = places(seed)
    for count in (1, 3):
        model = locate.MCLP.from_cost_matrix(minutes, people, service_radius=60, p_facilities=count)
        model.solve(pulp.PULP_CBC_CMD(msg=False))
        covered = float(people @ (minutes[:, [bool(v.varValue) for v in model.fac_vars]] <= 60).any(axis=1))
        gains = Gains.of(people[:, None] * (minutes <= 60))
        assert prove(gains, Limits(count)).value == pytest.approx(covered)
        assert covered * 0.98 <= choose_sites(gains, Limits(count)).value <= covered + 1e-6


@pytest.mark.filterwarnings("ignore")
def test_the_worst_place_is_no_nearer_than_in_the_p_centre() -> None:
    """`spopt.locate.PCenter` minimises the longest way.

    No set of ours has a shorter one, and it pays with minutes of all others.
    """
    minutes, people = places(9)
    model = locate.PCenter.from_cost_matrix(minutes, p_facilities=3)
    model.solve(pulp.PULP_CBC_CMD(msg=False))
    centre = [bool(v.varValue) for v in model.fac_vars]
    gains = Gains.of(people[:, None] * np.maximum(240.0 - minutes, 0.0))
    ours = list(prove(gains, Limits(3)).sites)
    assert minutes[:, centre].min(axis=1).max() <= minutes[:, ours].min(axis=1).max() + 1e-9
    assert float(people @ minutes[:, ours].min(axis=1)) <= float(people @ minutes[:, centre].min(axis=1)) + 1e-6
