"""Ways along a link that a point and a post both join, by hand."""

from __future__ import annotations

import numpy as np

from network.connectors import CONNECTOR_KPH
from network.joining import DETOUR
from network.openings import along_shared
from network.points import Points

LINK_MIN = 100.0


def points(link: list[int], share: list[float], km: list[float], *, oneway: bool = False) -> Points:
    """Return points of one access each, at shares of links of 100 minutes, by connectors of some straight km."""
    at, n = np.array(share), len(link)
    walk = np.array(km) * DETOUR / CONNECTOR_KPH * 60
    against = np.inf if oneway else 0.0
    return Points(
        side=np.full(n, "a", dtype=object),
        point=np.arange(n),
        u=np.zeros(n, int),
        v=np.ones(n, int),
        to_u=walk + at * LINK_MIN + against,
        to_v=walk + (1 - at) * LINK_MIN,
        from_u=walk + at * LINK_MIN,
        from_v=walk + (1 - at) * LINK_MIN + against,
        link=np.array(link),
        straight_km=np.array(km),
    )


def test_who_joins_the_same_link_goes_along_it() -> None:
    cells = points([7, 7, 3, -1], [0.2, 0.9, 0.5, 0.0], [10.0, 0.0, 0.0, 0.0])
    posts = points([7, 5, 3, 7], [0.5, 0.5, 0.4, 0.2], [0.0, 0.0, 10.0, 0.0])
    cell, post, minutes = along_shared(cells, posts)
    found = {(int(c), int(p)): float(m) for c, p, m in zip(cell, post, minutes, strict=True)}
    walk = 10 * DETOUR / CONNECTOR_KPH * 60
    expected = {(0, 0): walk + 30, (0, 3): walk, (1, 0): 40.0, (1, 3): 70.0, (2, 2): 10 + walk}
    assert found.keys() == expected.keys()
    assert all(abs(found[k] - m) < 1e-9 for k, m in expected.items())


def test_against_a_one_way_road_nobody_goes() -> None:
    cells = points([7, 7], [0.2, 0.9], [0.0, 0.0], oneway=True)
    _, _, minutes = along_shared(cells, points([7], [0.5], [0.0]))
    assert minutes.tolist() == [30.0, np.inf]
