"""Spatial statistics: weights, tests, nulls, growth points and bottlenecks."""
