"""Connectivity, accessibility, flows, criticality, spatial statistics, typology and scenarios on a network."""
