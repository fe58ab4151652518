"""All attacks, or a share of them: ``python -m tests.attack [share] [seed]``; the last line is a summary in JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.inputs import attack_layers, attack_studies
from tests.attack.kills import attack_swap
from tests.attack.runs import attack_runs
from tests.attack.servers import attack_downloads


def attack(share: float, seed: int) -> dict[str, object]:
    """Return the summary of all attacks."""
    memory = Path("/dev/shm")
    began = time.monotonic()
    out: dict[str, object] = {"seed": seed, "share": share}
    for name, work in (
        ("swap", lambda f: attack_swap(f, seed=seed, part=share)),
        ("studies", lambda f: attack_studies(f, seed=seed, count=round(1000 * share))),
        ("layers", lambda f: attack_layers(f, seed=seed, count=round(600 * share))),
        ("downloads", attack_downloads),
        ("runs", lambda f: attack_runs(f, seed=seed, count=round(40 * share))),
    ):
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            out[name] = work(Path(folder))
        sys.stdout.write(f"{name}: {json.dumps(out[name])}\n")
        sys.stdout.flush()
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {**out, "most_memory_mb": round(most), "seconds": round(time.monotonic() - began)}


if __name__ == "__main__":
    share, seed = (float(sys.argv[1]) if sys.argv[1:] else 1.0), (int(sys.argv[2]) if sys.argv[2:] else 1)
    sys.stdout.write(json.dumps(attack(share, seed)) + "\n")
