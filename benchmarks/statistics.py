"""Spatial statistics: ``python -m benchmarks.statistics [--cells 20000] [--permutations 9999]``.

Local Moran and G* with two-sided p and FDR, and the global Moran, of H3 cells under contiguity: ours at full size, esda
(``n_jobs=1``, draws kept, both tails counted) at a share of the cells or of the orders, counted up. The
answers are compared first: on fewer cells every p must be esda's, on all of them the statistics must be. Each in a
process of its own: CPU seconds (median) and peak memory. esda runs without numba, as borderlink has it. Ends with code
1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, load, two_cores

ROOT = Path(__file__).resolve().parent.parent
AIM_S, AIM_GB = 120.0, 1.0
CHECKED = 600
"""Cells and (of them) permutations on which every p is compared."""

FIELD = """
import json, resource, sys, time, warnings
import h3, numpy as np, pandas as pd
from analysis.statistics.weights import contiguity
warnings.simplefilter("ignore")
n, permutations = int(sys.argv[1]), int(sys.argv[2])
rings = int(np.ceil((np.sqrt(12 * n - 3) - 3) / 6))
cells = sorted(h3.grid_disk(h3.latlng_to_cell(51.0, 62.0, 5), rings))[:n]
graph = contiguity(pd.Series(cells))
x = pd.Series(np.random.default_rng(0).lognormal(size=n), index=graph.unique_ids, name="x")
values = x.to_numpy()
def tell(**said):
    said["cpu_s"] = time.process_time() - start
    said["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(said))
start = time.process_time()
"""

OURS_LOCAL = """
from analysis.statistics.clusters import local_g, local_moran
moran = local_moran(x, graph, permutations=permutations)
star = local_g(x, graph, permutations=permutations)
tell(moran=moran["moran_i"].tolist(), g=star["g"].tolist(), moran_p=moran["moran_p"].tolist(), g_p=star["g_p"].tolist())
"""

ESDA_LOCAL = """
from esda import G_Local, Moran_Local
from scipy.stats import false_discovery_control
def two_sided(v, d):
    v = np.atleast_1d(v)[:, None]
    d = np.atleast_2d(d)
    return np.minimum(1, 2 * (1 + np.minimum((d >= v).sum(1), (d <= v).sum(1))) / (d.shape[1] + 1))
how = {"permutations": permutations, "seed": 0, "keep_simulations": True, "n_jobs": 1}
moran = Moran_Local(values, graph.transform("r"), **how)
p_moran = two_sided(moran.Is, moran.rlisas)
del moran.rlisas, moran.sim
star = G_Local(values, graph, transform="B", star=True, **how)
p_g = two_sided(star.Gs, star.rGs)
false_discovery_control(np.minimum(p_moran, 1)), false_discovery_control(np.minimum(p_g, 1))
tell(moran=moran.Is.tolist(), g=star.Gs.tolist(), moran_p=list(map(float, p_moran)), g_p=list(map(float, p_g)))
"""

OURS_GLOBAL = """
from analysis.statistics.association import morans_i
row = morans_i(values, graph, "x", permutations=permutations, seed=0, note="")
tell(value=row["value"], p=row["p_two_sided"])
"""

ESDA_GLOBAL = """
from esda import Moran
def two_sided(v, d):
    v = np.atleast_1d(v)[:, None]
    d = np.atleast_2d(d)
    return np.minimum(1, 2 * (1 + np.minimum((d >= v).sum(1), (d <= v).sum(1))) / (d.shape[1] + 1))
np.random.seed(0)
moran = Moran(values, graph.transform("r"), permutations=permutations)
tell(value=float(moran.I), p=float(two_sided(float(moran.I), moran.sim)[0]))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, measure, print, and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--permutations", type=int, default=9_999)
    parser.add_argument("--part", type=int, default=10, help="esda takes this share of cells or orders: 1/PART")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    two_cores()
    loads = {"start": load()}
    n, p, part = options.cells, options.permutations, options.part
    missed = _compare(n)
    local = _median(OURS_LOCAL, n, p, options.repeats)
    esda_local = _median(ESDA_LOCAL, n // part, p, options.repeats)
    whole = _median(OURS_GLOBAL, n, p, options.repeats)
    esda_whole = _median(ESDA_GLOBAL, n, p // part, options.repeats)
    base = _run("tell()", n, 1)["peak_gb"]
    kept = n * p * 8 / 2**30
    print(f"{n:,} cells, {p:,} permutations; modules and graph alone {base:.2f} GB")
    print(f"local Moran + G*: ours {local['cpu_s']:.1f} s, {local['peak_gb']:.2f} GB")
    print(
        f"  esda at {n // part:,} cells {esda_local['cpu_s']:.1f} s, {esda_local['peak_gb']:.2f} GB; counted up "
        f"{esda_local['cpu_s'] * part:.0f} s, and {kept:.1f} GB for each table of draws: "
        f"{esda_local['cpu_s'] * part / local['cpu_s']:.1f} times our seconds"
    )
    print(f"global Moran: ours {whole['cpu_s']:.1f} s, {whole['peak_gb']:.2f} GB")
    print(
        f"  esda at {p // part:,} permutations {esda_whole['cpu_s']:.1f} s; counted up "
        f"{esda_whole['cpu_s'] * part:.0f} s: "
        f"{esda_whole['cpu_s'] * part / whole['cpu_s']:.1f} times our seconds"
    )
    loads["end"] = load()
    print("\n".join(describe(loads)))
    if local["cpu_s"] > AIM_S:
        missed.append(f"local Moran + G* took {local['cpu_s']:.0f} s: the aim is {AIM_S:.0f} s")
    if local["peak_gb"] > AIM_GB:
        missed.append(f"local Moran + G* took {local['peak_gb']:.2f} GB: the aim is {AIM_GB:g} GB")
    print("\n".join(f"MISSED: {m}" for m in missed) or "answers equal, aims met")
    return bool(missed)


def _compare(n: int) -> list[str]:
    """Return where our answers are not esda's."""
    ours, theirs = (_run(code, CHECKED, CHECKED - 1) for code in (OURS_LOCAL, ESDA_LOCAL))
    wrong = [k for k in ("moran_p", "g_p") if max(map(lambda a, b: abs(a - b), ours[k], theirs[k])) > 1e-12]
    ours, theirs = (_run(code, n, 9) for code in (OURS_LOCAL, ESDA_LOCAL))
    wrong += [
        k for k in ("moran", "g") if max(map(lambda a, b: abs(a - b) / max(abs(b), 1e-12), ours[k], theirs[k])) > 1e-9
    ]
    ours, theirs = (_run(code, n, 99) for code in (OURS_GLOBAL, ESDA_GLOBAL))
    wrong += [k for k in ("value", "p") if abs(ours[k] - theirs[k]) > 1e-12]
    return [f"{k} differs from esda's" for k in wrong]


def _median(code: str, n: int, permutations: int, repeats: int) -> dict[str, float]:
    """Return the median of CPU seconds and of peak memory."""
    runs = [_run(code, n, permutations) for _ in range(repeats)]
    return {key: statistics.median(r[key] for r in runs) for key in ("cpu_s", "peak_gb")}


def _run(code: str, n: int, permutations: int) -> dict[str, Any]:
    """Run code in a process of its own and return what it tells."""
    # One thread, so that CPU seconds are those of the work.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", FIELD + code, str(n), str(permutations)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=ROOT)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


if __name__ == "__main__":
    raise SystemExit(main())
