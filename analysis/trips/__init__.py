"""Where trips across the border run: demand, choice of checkpoint, loads, betweenness."""
