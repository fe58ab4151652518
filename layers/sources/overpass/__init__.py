"""Overpass servers."""
