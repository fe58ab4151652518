"""The best sites for checkpoints at the size of a long border: 40,000 pairs of places and 500 candidates, synthetic.

``python -m benchmarks.sites`` prints seconds of the processor, gap and cuts. A belt of 3,000 km with 48 posts, uneven
people, minutes by straight roads.
``python -m benchmarks.sites --border`` evaluates 500 candidates on some 6,000 cells of the packaged border, beside a
network that is built again for each (a sample of them, the strongest and others). Ends with code 1 where a target is
missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from analysis.planning.across import across
from analysis.planning.sites.candidates import Candidates, find_candidates
from analysis.planning.sites.cells import cell_columns
from analysis.planning.sites.choose import choose_sites, prove
from analysis.planning.sites.sets import Gains, Limits
from analysis.planning.whatif import answer
from benchmarks.machine import describe, load, two_cores
from gis.inputs import Prepared, prepare
from gis.queries.edits import apply_edits
from gis.queries.new_posts import Open
from gis.queries.standing import stand_by, standing_of, table_of
from gis.stages import build
from gis.study import load_study

if TYPE_CHECKING:
    from network.build import Network

WAIT_MIN = 20.0
RATIO, SECONDS, SAMPLE = 150.0, 60.0, 12
OFF_PCT = 0.005
"""Points of per cent by which the gain of the cells may differ from that of a network that is built again.

There a new road splits links into whole thousandths of a minute, and a post may hang on the road of another.
"""


def belt(pairs: int, candidates: int, *, existing: int = 48, seed: int = 1) -> Gains:
    """Return the gains of a synthetic belt, trips fading by half in two hours."""
    rng = np.random.default_rng(seed)
    n = int(np.sqrt(pairs))
    side = [np.c_[rng.uniform(0, 3000, n), rng.uniform(5, 150, n) * s] for s in (-1, 1)]
    people = [np.exp(rng.normal(0, 1.5, n)) for _ in side]
    posts, sites = (np.c_[rng.uniform(0, 3000, k), np.zeros(k)] for k in (existing, candidates))
    minutes = [[np.linalg.norm(s[:, None] - p[None], axis=2) * 1.3 for p in (posts, sites)] for s in side]
    now = np.full((n, n), np.inf)
    for k in range(existing):
        np.minimum(now, minutes[0][0][:, k, None] + 60 + minutes[1][0][None, :, k], out=now)
    trips = people[0][:, None] * people[1][None] * 2 ** (-now / 120)
    client, site, gain = [], [], []
    for k in range(candidates):
        saved = now - (minutes[0][1][:, k, None] + 60 + minutes[1][1][None, :, k])
        hit = np.flatnonzero(saved.ravel() > 0)
        client.append(hit)
        site.append(np.full(len(hit), k))
        gain.append((saved * trips).ravel()[hit])
    return Gains(np.concatenate(client), np.concatenate(site), np.concatenate(gain), np.arange(n * n) // n, candidates)


def border() -> int:
    """Print what 500 candidates take on the cells of the packaged border.

    And what a network built again for each takes; return 1 where a target is missed.
    """
    two_cores()
    prepared = prepare(load_study().with_analysis(h3_resolution=5, depth_km=190))
    network = build(prepared)
    base = stand_by(prepared, network)
    trees = across(network)
    begun = load()
    wall, start = time.perf_counter(), time.process_time()
    found = find_candidates(network, every_km=3.0, rows=(trees.a, trees.b))
    columns = cell_columns(base.standing, found, wait_min=WAIT_MIN)
    ours, elapsed = time.process_time() - start, time.perf_counter() - wall
    gain = columns["cells_gain_pct"].to_numpy()
    order = np.argsort(-gain, kind="stable")
    some = order[
        np.unique(
            np.r_[np.arange(SAMPLE // 2), np.linspace(SAMPLE // 2, (gain > 0).sum() - 1, SAMPLE - SAMPLE // 2)].astype(
                int
            )
        )
    ]
    naive = [_rebuilt(prepared, network, base.before.cells, found, int(k)) for k in some]
    each = float(np.mean([s for _, s in naive]))
    values = np.array([v for v, _ in naive])
    rank = float(spearmanr(values, gain[some]).statistic)
    ratio = each * len(found) / ours
    off = float(np.abs(values - gain[some]).max())
    print(
        f"{len(found)} candidates × {len(base.standing.cells):,} cells: {ours:.1f} CPU s ({elapsed:.0f} s by the "
        f"clock); built again {each:.1f} CPU s each, mean of {len(some)}: "
        f"{ratio:,.0f}×; ranks of the sample by both: Spearman {rank:.4f}; largest difference "
        f"{off:.2g} points beside gains of up to {gain.max():.2g} %"
    )
    print("\n".join(describe({"border": begun})))
    return int(len(found) < 500 or ratio < RATIO or elapsed > SECONDS or rank < 1.0 or off > OFF_PCT)


def _rebuilt(
    prepared: Prepared, network: Network, before: pd.DataFrame, found: Candidates, k: int
) -> tuple[float, float]:
    """Return the gain of the cells by one candidate on a network that is built again with it, and the seconds."""
    start = time.process_time()
    row = found.table.iloc[k]
    at = (
        {"crossing": str(row["crossing_id"])}
        if row["crossing_id"]
        else {"lon": float(row["lon"]), "lat": float(row["lat"]), "at": "new road"}
    )
    after, _ = apply_edits(network, [Open(wait_min=WAIT_MIN, **at)])  # type: ignore[arg-type]
    state = standing_of(prepared, after)
    new = answer(state, state.trees, table_of(after)).cells["potential_cross_actual"].to_numpy(float)
    seconds = time.process_time() - start
    people, old = (before[c].to_numpy(float) for c in ("population", "potential_cross_actual"))
    return 100 * float(np.nansum(people * (new - old)) / np.nansum(people * old)), seconds


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sites", description=__doc__)
    parser.add_argument("--border", action="store_true", help="candidates on the cells of the packaged border")
    if parser.parse_args().border:
        return border()
    for pairs, candidates in ((22_500, 300), (40_000, 500)):
        gains = belt(pairs, candidates)
        for count in (5, 10):
            start = time.process_time()
            quick = choose_sites(gains, Limits(count))
            middle = time.process_time()
            found = prove(gains, Limits(count))
            print(
                f"{pairs:,} pairs × {candidates} sites ({len(gains.gain):,} gains), n = {count}: greedy and "
                f"exchange {middle - start:.1f} s, "
                f"{quick.value / found.value:.5f} of the optimum; proof {time.process_time() - middle:.1f} s, "
                f"gap {found.gap:.1e}, {found.cuts:,} cuts"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
