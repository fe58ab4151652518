"""Kill, interrupt and fail a swap before each of its calls of the system, and end what is left by killing that too."""

from __future__ import annotations

import errno
import random
import shutil
from collections import Counter as Tally
from pathlib import Path

from layers.errors import OutputError
from layers.folders import settle
from tests.attack.folders import FALLIBLE, NEW, before, die, in_child, state_after, write

FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)


def attack_swap(folder: Path, *, seed: int = 1, part: float = 1.0) -> dict[str, object]:
    """Return how many swaps were stopped in which way, and in how many the folder was all old or all new afterwards.

    Parameters
    ----------
    part
        Share of the moments that is tried, at random by `seed`.

    Raises
    ------
    AssertionError
        A folder is neither old nor new, or something of the user's is gone.
    """
    draw = random.Random(seed)
    model = folder / "model"
    before(model)
    _, moments = in_child(lambda: write(_copy(model, folder / "whole"), NEW, "new"), 0, die)
    tally: Tally[str] = Tally()
    for at in range(1, moments + 1):
        for way in ("kill", "interrupt", "error", "kill twice"):
            if draw.random() < part:
                tally[f"{way}: {_stopped(model, folder / 'x', at, way, draw)}"] += 1
    return {"moments": moments, "kills": sum(n for k, n in tally.items() if "kill" in k), **dict(sorted(tally.items()))}


def _stopped(model: Path, out: Path, at: int, way: str, draw: random.Random) -> str:
    """Stop one swap and return whether the folder is old or new after the next command."""
    out = _copy(model, out)
    number = draw.choice(FAILURES)

    def fail() -> None:
        raise OSError(number, "injected")

    def interrupt() -> None:
        raise KeyboardInterrupt

    act = {"error": fail, "interrupt": interrupt}.get(way, die)
    code, _ = in_child(lambda: write(out, NEW, "new"), at, act, FALLIBLE if way == "error" else ())
    allowed = {"error": (0, 2), "interrupt": (0, 130)}.get(way, (-9, 0))
    assert code in allowed, f"{way} at {at}: exit code {code}"
    if way == "kill twice":
        _, left = in_child(lambda: settle(_copy(out, out.with_name("y"))), 0, die)
        if left:
            in_child(lambda: settle(out), draw.randint(1, left), die)
    try:
        state = state_after(out)
    except OutputError as error:
        state = str(error)
    assert state in ("old", "new"), f"{way} at {at}: {state}"
    if way == "error":
        assert state == ("new" if code == 0 else "old"), f"an error at {at} ended with {code} and left all {state}"
    return state


def _copy(model: Path, out: Path) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(model, out)
    return out
