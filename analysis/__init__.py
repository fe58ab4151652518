"""Connectivity, accessibility, flows, criticality, spatial statistics, typology and scenarios on a network."""

from layers.house import refuse_namesakes

DISTRIBUTION = "borderlink"

refuse_namesakes("layers", "network", "analysis")
