"""One part of a sweep, written as a Parquet file that is named by its content.

A part is a scenario on a block of draws, or its candidates on one.

A part is whole or absent, so that what is there already is never computed again: after a lost worker, after a restart,
in the next sweep.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.planning.draws import CENTRE, Draw
from analysis.planning.effects import cities
from analysis.planning.sites.candidates import KINDS, find_candidates
from analysis.planning.sites.gains import gains_of
from gis.queries.answers import NEW
from gis.queries.edits import plain
from gis.queries.siting import Question
from gis.sweeps.borders import HELD
from gis.sweeps.cells import Block, block_rows
from layers.errors import OutputError, StudyError

if TYPE_CHECKING:
    from analysis.planning.draws import Spread
    from analysis.planning.sites.candidates import Candidates
    from gis.queries.answers import Answers
    from gis.queries.edits import Edit
    from gis.sweeps.borders import Scenario

AS_IS = -1
"""Number of the draw in which everything is as the study has it."""
SECONDS = 2.5
"""What a part is meant to take, after its trees are grown."""
PAIR_S, CANDIDATE_S = 6e-7, 1e-8
"""Seconds of a draw for a pair of places, and for a pair at a candidate, measured on the packaged border."""
FORMAT = 1


@dataclass(frozen=True)
class Sought:
    """Candidates that each scenario tries one by one: see `gis.queries.siting.Question`."""

    kinds: tuple[str, ...] = ("crossing", "ends", "sample")
    every_km: float = 20.0
    objective: str = "time"
    wait_min: float = 60.0
    within_min: float = 120.0

    def __post_init__(self) -> None:
        """Refuse what can't be sought.

        Raises
        ------
        StudyError
            As a search for sites says it.
        """
        Question(objective=self.objective, kinds=self.kinds, every_km=self.every_km, wait_min=self.wait_min)
        wrong = [k for k in self.kinds if k not in KINDS[:3]]
        if wrong or not 0 < self.within_min <= 10_000:
            raise StudyError(
                f"candidates of {', '.join(wrong) or 'the kinds'} within {self.within_min:g} min: allowed are "
                f"{', '.join(KINDS[:3])}, within 1 to 10,000"
            )


@dataclass(frozen=True)
class Part:
    """What one task computes: draws of a scenario on a border.

    From ``first`` to ``last`` (exclusive; −1 is the border as it is). With ``cells`` a block of cells, as it is alone.
    """

    key: str
    edits: tuple[Edit, ...]
    where: tuple[str, ...]
    spread: Spread
    first: int
    last: int
    sought: Sought | None = None
    cells: Block | None = None

    @property
    def name(self) -> str:
        """Hash of all that the numbers hang on: how many draws there are in all is not among it."""
        spread = {k: v for k, v in asdict(self.spread).items() if k != "draws"}
        content = [
            FORMAT,
            self.key,
            [plain(e) for e in self.edits],
            spread,
            self.first,
            self.last,
            self.sought and asdict(self.sought),
            *([asdict(self.cells)] if self.cells else []),
        ]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def blocks(draws: int, pairs: int, candidates: int = 0) -> list[tuple[int, int]]:
    """Return the blocks of draws of one scenario, from −1 on: as many in each as take `SECONDS`.

    Examples
    --------
    >>> blocks(100, 100_000)[:3]
    [(-1, 41), (41, 83), (83, 100)]
    """
    each = pairs * (PAIR_S + CANDIDATE_S * candidates)
    size = int(np.clip(round(SECONDS / max(each, 1e-9)), 1, 500))
    return [(n, min(n + size, draws)) for n in range(AS_IS, draws, size)]


def part_path(folder: Path, part: Part) -> Path:
    """Return where a part lies."""
    return folder / f"{part.name}.parquet"


def is_done(folder: Path, part: Part) -> bool:
    """Return whether a part lies there whole; one that can't be read is removed."""
    path = part_path(folder, part)
    try:
        return bool(pq.read_metadata(path).num_rows > 0)
    except FileNotFoundError:
        return False
    except (OSError, pa.ArrowException):
        with suppress(OSError):
            path.unlink()
        return False


def compute_part(part: Part, folder: Path) -> int:
    """Compute a part on the border that this process holds, write it, and return its rows.

    Raises
    ------
    OutputError
        The border is not held here, or the part can't be written.
    """
    held = HELD.get(part.key)
    if held is None:
        raise OutputError(f"a worker was given work on a border that it does not hold ({part.key})")
    answers = held.answering(part.spread)
    scenario = held.after(part.edits, part.where, part.spread)
    numbers = [n for n in range(part.first, part.last) if n >= 0]
    if part.cells is not None:
        rows = block_rows(held, scenario, part.cells)
    elif part.sought is not None:
        rows = _candidates(answers, scenario, part.sought, part.first == AS_IS, numbers)
    else:
        rows = _figures(answers, scenario, part.first == AS_IS, numbers)
    _write(part_path(folder, part), rows)
    return len(rows)


def _figures(answers: Answers, scenario: Scenario, as_is: bool, numbers: Sequence[int]) -> pd.DataFrame:
    """Return ``draw``, ``key``, ``value`` of a scenario."""
    of = answers.figures_of(scenario.trees)
    draws = [
        *([(AS_IS, CENTRE)] if as_is else []),
        *zip(numbers, answers.draws(scenario.network, numbers), strict=True),
    ]
    rows = [(n, key, value) for n, draw in draws for key, value in of(draw).items()]
    return pd.DataFrame(rows, columns=["draw", "key", "value"])


def _candidates(
    answers: Answers, scenario: Scenario, sought: Sought, as_is: bool, numbers: Sequence[int]
) -> pd.DataFrame:
    """Return ``draw``, ``candidate`` with its place, and ``value``.

    What each candidate brings by itself on the scenario's network.
    """
    if sought not in scenario.candidates:
        rows = scenario.trees.a, scenario.trees.b
        scenario.candidates[sought] = find_candidates(
            scenario.network, kinds=sought.kinds, every_km=sought.every_km, rows=rows
        )
    found = scenario.candidates[sought]
    drawn = answers.draws(scenario.network, numbers, new=True)
    draws = [*([(AS_IS, CENTRE)] if as_is else []), *zip(numbers, drawn, strict=True)]
    table = found.table[["candidate", "kind", "place", "lon", "lat", "missing_km"]]
    parts = [table.assign(draw=n, value=_alone(answers, scenario, found, sought, draw)) for n, draw in draws]
    return pd.concat(parts, ignore_index=True)


def _alone(answers: Answers, scenario: Scenario, found: Candidates, sought: Sought, draw: Draw) -> np.ndarray:
    """Return what each candidate brings by itself under a draw."""
    gains = gains_of(
        answers.state(scenario.trees, draw),
        found.slowed(draw.slow),
        draw.curve(answers.curve),
        cities(scenario.trees, answers.study.lists.city_people),
        objective=sought.objective,
        wait_min=sought.wait_min * draw.waits.get(NEW, 1.0),
        within_min=sought.within_min,
    )
    return gains.added(np.zeros(len(gains.origin)))


def _write(path: Path, rows: pd.DataFrame) -> None:
    """Write a part beside its place and put it there whole."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(draft, index=False)
        draft.replace(path)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            draft.unlink()
