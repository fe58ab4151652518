"""Two thousand checkpoints on two thousand crossings: what a draw of the structural null holds at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import sys
import numpy as np, pandas as pd
from analysis.reach.decays import exponential
from analysis.statistics.null_draws import indicators
from analysis.statistics.nulls import build_placements
from tests.analysis.helpers import drawn_land, network_of

n = int(sys.argv[1])
along = np.linspace(-1500.0, 1500.0, n).tolist()
nodes = [(s, t) for t in along for s in (-20.0, 20.0)]
ends = [(2 * i, 2 * i + 1) for i in range(n)]
ends += [(2 * i + k, 2 * i + 2 + k) for i in range(n - 1) for k in (0, 1)]
towns = [(s, t) for t in along[:: n // 20] for s in (-20.0, 20.0)]
line = [(0.0, t) for t in np.linspace(-1520.0, 1520.0, 60).tolist()]
network = network_of(drawn_land(nodes, ends, [(0.0, t) for t in along], towns, line=line))
assert (network.checkpoints["joined_by"] == "crossing").all() and len(network.crossings) == n
places = network.settlements
units = pd.DataFrame({"lon": places.geometry.x, "lat": places.geometry.y, "side": places["side"]})
placements = build_placements(network, units, fades=exponential(120.0))
found = indicators(placements, placements.slots.dropna(subset=["wait_min"]))
assert found["border_loss"].notna().all()
# Of this program alone: the peak that getrusage knows is handed down by the process that started it.
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak[0].split()[1]) * 1024 / 1e9)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a program is read from /proc")
@pytest.mark.parametrize(("posts", "most_gb"), [(300, 0.45), pytest.param(2000, 1.0, marks=pytest.mark.slow)])
def test_a_draw_over_many_crossings_is_bounded(posts: int, most_gb: float) -> None:
    run = [sys.executable, "-c", CODE, str(posts)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < most_gb
