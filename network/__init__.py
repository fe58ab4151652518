"""The transport graph: build, speeds, border gates, connectors, and the routing engine compiled from it."""

from layers.house import refuse_namesakes

DISTRIBUTION = "borderlink"

refuse_namesakes("layers", "network")
