"""The transport graph: build, speeds, border gates, connectors, and the routing engine compiled from it."""
