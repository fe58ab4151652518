"""What tells the stages of a run to whoever listens, and keeps their seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gis.boundary import on_the_way_out
from layers.progress import heard_by


@dataclass
class Clock:
    """Announces each stage and keeps its seconds, and what was taken from the cache instead of being made.

    A listener with a method ``share`` hears how much of the stage is done (`layers.progress`).
    """

    listen: Callable[[str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    reused: str = ""

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
        self.seconds[name] = round(time.perf_counter() - start, 3)
