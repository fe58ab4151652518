"""What tells the stages of a run to whoever listens, and keeps their seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gis.boundary import on_the_way_out
from layers.memory import give_back
from layers.progress import heard_by

if TYPE_CHECKING:
    from pathlib import Path

    from layers.keeping import Keeper


@dataclass
class Clock:
    """Announces each stage and keeps its seconds, and what was taken from the cache instead of being made.

    A listener with a method ``share`` hears how much of the stage is done (`layers.progress`).
    """

    listen: Callable[[str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    network_reused: str = ""
    kept_in: Path | None = None
    """Where the network is kept; None where it is not."""
    keeper: Keeper | None = None
    """Keeps results of the stages there, see `gis.kept_results`."""

    @property
    def reused(self) -> str:
        """Say what was taken from the cache: the network, and results of stages; nothing where nothing was."""
        parts = [self.network_reused] if self.network_reused else []
        if self.keeper is not None and self.keeper.taken:
            taken, made = len(self.keeper.taken), len(self.keeper.made)
            parts.append(f"results of stages that are taken from the cache: {taken} of {taken + made}")
        return "; ".join(parts)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        if self.listen:
            self.listen(name)
        start = time.perf_counter()
        try:
            with heard_by(getattr(self.listen, "share", None)):
                yield
        except BaseException:
            on_the_way_out()
            raise
        give_back()
        self.seconds[name] = round(time.perf_counter() - start, 3)
