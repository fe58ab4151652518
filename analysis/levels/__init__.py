"""The three levels of cooperation: indicators, index, ranks, types and groups of regions."""
