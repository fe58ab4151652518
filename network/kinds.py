"""Kinds of links that are no class of road or railway."""

from __future__ import annotations

from typing import Literal

LinkKind = Literal["connector", "transfer", "gate", "line", "change", "ferry", "turn"]
"""All other links have the class of their road or railway for a kind."""

CONNECTOR: LinkKind = "connector"
TRANSFER: LinkKind = "transfer"
GATE: LinkKind = "gate"
LINE: LinkKind = "line"
CHANGE: LinkKind = "change"
FERRY: LinkKind = "ferry"
TURN: LinkKind = "turn"

JOINTS: tuple[LinkKind, ...] = (GATE, LINE, CHANGE, TURN)
"""They join pieces of a way and have no length of their own: posts, the border line, gauges, permitted turns."""
NO_GROUND: tuple[LinkKind, ...] = (*JOINTS, CONNECTOR, TRANSFER, FERRY)
"""No road or railway lies along them, so that nothing is joined to their middle."""
