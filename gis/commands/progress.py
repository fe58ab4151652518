"""How far a command is: bars on a terminal, lines otherwise."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a listener of downloads: a bar for each on a terminal, lines otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield download_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def listen(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield listen


def download_lines() -> Callable[[str, int, int | None], None]:
    """Return a listener of downloads: a line for each tenth, on a terminal rewritten in place."""
    shown: dict[str, int] = {}

    def listen(name: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done // 50_000_000
        if shown.get(name) == tenth:
            return
        shown[name] = tenth
        of = f" of {total / 1e6:,.0f} MB" if total else ""
        typer.echo(f"{name}: {done / 1e6:,.0f} MB{of}", err=True, nl=not sys.stderr.isatty())
        if sys.stderr.isatty():
            typer.echo("\r", err=True, nl=False)

    return listen


class JsonLines:
    """Whether stages are told as JSON lines, which other programs read: set by ``--json-progress``."""

    wanted = False


EXPECTED: dict[str, dict[str, float]] = {
    "run": {
        "layers": 4, "network": 5, "measures": 12, "hot spots": 4, "chapters": 50, "tables": 2, "rasters": 5, "QGIS": 4,
        "web map": 5, "graph": 2, "report": 7,
    },
    "scenario": {
        "layers": 4, "network": 5, "scenario network": 10, "measures before": 20, "measures after": 20, "effects": 16,
        "flags": 2, "tables": 2, "rasters": 8, "QGIS": 4, "web map": 4, "report": 3, "answer": 2,
    },
    "sites": {"layers": 6, "network": 8, "sites": 76, "tables": 2, "QGIS": 3, "web map": 3, "report": 2},
    "sweep": {"layers": 5, "network": 5, "parts": 88, "tables": 2},
    "serve": {"layers": 30, "network": 30, "trees": 40},
    "route": {"layers": 35, "network": 50, "answer": 15},
    "isochrone": {"layers": 30, "network": 40, "answer": 30},
    "matrix": {"layers": 35, "network": 45, "answer": 20},
}  # fmt: skip
"""Stages of a command in their order, and which share of its time each takes, measured on borders of two sizes: what is
left is reckoned from it."""
TICK_S, LINE_S = 0.5, 10.0
"""Seconds between two looks of a bar, and between two lines where there is no terminal."""
QUIET_S = 1.0
"""Seconds in which a kept network has mostly answered a question: no bar is drawn before."""
STALE = 0.95
"""A stage that tells nothing of itself is said to be no further than this until it ends."""


def _json_lines(expected: list[str]) -> Callable[[str], None]:
    """Return a listener of stages: a JSON line for each, with its place among those that are expected."""
    number = 0

    def listen(stage: str) -> None:
        nonlocal number
        # A network that was kept is no step, and one that is built again none back.
        number = max(number, expected.index(stage) + 1 if stage in expected else 0)
        typer.echo(json.dumps({"stage": stage, "number": number, "of": len(expected)}), err=True)

    return listen


class Progress:
    """How far a command is, and about how long it still takes: told the stages as they begin, and shares of them.

    A stage that tells no share is reckoned by the clock: as long as its expected part of the whole, at the pace of the
    stages before it.
    """

    def __init__(self, expected: Mapping[str, float], now: Callable[[], float] = time.monotonic) -> None:
        self.expected, self.now = expected, now
        self.stage, self.heard, self.most = "start", 0.0, 0.0
        self.begun = self.entered = now()

    def __call__(self, stage: str) -> None:
        """Begin a stage."""
        self.stage, self.heard, self.entered = stage, 0.0, self.now()

    def share(self, done: float) -> None:
        """Hear how much of the stage is done, between 0 and 1."""
        self.heard = max(self.heard, done)

    def of_stage(self) -> float:
        """Return how much of the stage is done."""
        before, here = self._weights()
        pace = (self.entered - self.begun) / before if before else 0.0
        reckoned = (self.now() - self.entered) / (pace * here) if pace and here else 0.0
        return max(self.heard, min(reckoned, STALE))

    def of_all(self) -> float:
        """Return how much of the command is done: never less than before, for a sweep builds a network for each border.

        A stage that nobody expects moves nothing.
        """
        before, here = self._weights()
        done = (before + here * self.of_stage()) / sum(self.expected.values())
        self.most = max(self.most, min(done, 1.0))
        return self.most

    def left_s(self) -> float | None:
        """Return about how many seconds are left; None while nobody can know."""
        done = self.of_all()
        return (self.now() - self.begun) * (1 - done) / done if done > 0 else None

    def line(self) -> str:
        """Return it in words."""
        left = self.left_s()
        if left is None:
            return f"{self.stage} for {_span(self.now() - self.begun)}"  # nothing to reckon from yet
        rest = f", about {_span(left)} left"
        return f"{self.stage} {_percent(self.of_stage())} %, {_percent(self.of_all())} % of all{rest}"

    def _weights(self) -> tuple[float, float]:
        """Return what the stages before this one and this one take of the whole.

        An unknown stage (a network that was kept) takes nothing.
        """
        names = list(self.expected)
        if self.stage not in names:
            return 0.0, 0.0
        at = names.index(self.stage)
        return sum(self.expected[n] for n in names[:at]), self.expected[self.stage]


class Lines(Progress):
    """The same, with a line as each stage begins."""

    def __call__(self, stage: str) -> None:
        """Begin a stage."""
        super().__call__(stage)
        typer.echo(f"{stage} …", err=True)


def _percent(share: float) -> int:
    """Return whole percents: what is not done yet is never said to be 100."""
    return int(100 * share + 1e-9)


def _span(seconds: float) -> str:
    """Return seconds as people say them."""
    return f"{max(5 * round(seconds / 5), 5):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@contextmanager
def progress(command: str) -> Iterator[Callable[[str], None]]:
    """Give a listener of a command's stages.

    A bar on a terminal; otherwise a line as each begins, and one every ten seconds.
    """
    from rich.console import Console

    expected = EXPECTED[command]
    if JsonLines.wanted:
        yield _json_lines(list(expected))
        return
    console = Console(stderr=True)
    with _bar(Progress(expected), console) if console.is_terminal else _lines(Lines(expected)) as listen:
        yield listen


@contextmanager
def answering(command: str) -> Iterator[Callable[[str], None]]:
    """Give a listener of the stages of a question.

    On a terminal a bar after a second; otherwise a line every ten seconds.
    """
    if JsonLines.wanted:
        with progress(command) as listen:
            yield listen
        return
    state = Progress(EXPECTED[command])
    if not sys.stderr.isatty():
        with _ticking(LINE_S, lambda: typer.echo(state.line(), err=True)):
            yield state
        return
    ended = Event()
    drawing = Thread(target=_bar_later, args=(state, ended), daemon=True)
    drawing.start()
    try:
        yield state
    finally:
        ended.set()
        drawing.join()  # the answer stands where the bar was


def _bar_later(state: Progress, ended: Event) -> None:
    """Draw a bar, unless the work has ended before: importing what draws it would take as long as the answer."""
    if ended.wait(QUIET_S):
        return
    from rich.console import Console

    with _bar(state, Console(stderr=True)):
        ended.wait()


@contextmanager
def _lines(state: Lines) -> Iterator[Callable[[str], None]]:
    """Print every ten seconds how far it is."""
    with _ticking(LINE_S, lambda: typer.echo(state.line(), err=True)):
        yield state


@contextmanager
def _bar(state: Progress, console: Console) -> Iterator[Callable[[str], None]]:
    """Draw a bar."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bars(*columns, console=console, transient=True) as bar:
        task = bar.add_task(state.stage, total=1.0, left="")

        def draw() -> None:
            left = state.left_s()
            rest = "" if left is None else f"about {_span(left)} left"
            bar.update(
                task, description=f"{state.stage} {_percent(state.of_stage())} %", completed=state.of_all(), left=rest
            )

        with _ticking(TICK_S, draw):
            yield state


@contextmanager
def _ticking(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something every so many seconds, aside from the work."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(seconds):
            with suppress(OSError, ValueError):  # nobody reads it any more
                act()

    clock = Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield
    finally:
        ended.set()
