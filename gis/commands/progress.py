"""How far a command is: bars on a terminal, lines otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer


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


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Give a listener of stages: a bar on a terminal, plain lines otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    if JsonLines.wanted:
        number = iter(range(1, 1_000_000))
        yield lambda name: typer.echo(json.dumps({"stage": name, "number": next(number), "of": total}), err=True)
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name: typer.echo(f"{name} …", err=True)
        return
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("start", total=total)
        done = -1

        def listen(name: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, description=name, completed=done, total=max(total, done + 1))

        yield listen
