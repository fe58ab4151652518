"""The two countries of a border, in the order of the study."""

from __future__ import annotations

from typing import Literal

Side = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("a", "b")
