"""Drawings of answers: a way, and the checkpoints that it passes."""

from __future__ import annotations

from maps.styles.classes import LayerStyle, StyleClass

WAY = LayerStyle(
    "way",
    "way",
    "Way",
    "The links of the way in order, with their moving minutes",
    "Way",
    "Line",
    "categorized",
    (
        StyleClass("Way", "#d4006a", value="way", size=0.8),
        StyleClass("Connector (assumed)", "#e79bbf", value="connector", size=0.5),
    ),
    column="class",
    fields={
        "step": "Step",
        "kind": "Class",
        "mode": "Mode",
        "length_m": "Length (m)",
        "speed_kph": "Speed (km/h)",
        "time_min": "Time (min)",
        "checkpoint": "Checkpoint",
        "wait_min": "Wait, median (min, assumed where marked)",
    },
)
PASSED = LayerStyle(
    "passed",
    "passed",
    "Checkpoints on the way",
    "The checkpoints that the way passes, with their waits",
    "Way",
    "Point",
    "single",
    (StyleClass("Checkpoint on the way", "#0072b2", size=3.2),),
    fields={
        "step": "Step",
        "checkpoint": "Checkpoint",
        "wait_min": "Wait, median (min, assumed where marked)",
        "wait_p90_min": "Wait, 90th percentile (min)",
    },
    name_column="checkpoint",
    outline="#ffffff",
)
