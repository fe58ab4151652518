"""Benchmarks: the chain against the script that an analyst would write; run ``python -m benchmarks``."""
