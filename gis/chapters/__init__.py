"""The chapters of a run beyond its first measures: ground, connectivity, reach, trips, statistics, levels, planning.

`gis.chapters.further` makes all of them; who needs one alone waits for none of the others.
"""
