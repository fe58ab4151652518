"""The best sites for checkpoints at the size of a long border: 40,000 pairs of places and 500 candidates, synthetic.

``python -m benchmarks.sites`` prints seconds of the processor, gap and cuts. A belt of 3,000 km with 48 posts, uneven
people, minutes by straight roads.
"""

from __future__ import annotations

import time

import numpy as np

from analysis.planning.sites.choose import choose_sites, prove
from analysis.planning.sites.sets import Gains, Limits


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


def main() -> None:
    """Print the table."""
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


if __name__ == "__main__":
    main()
