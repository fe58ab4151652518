"""How the two sides hang together: regions, pairs of places, alternatives, cuts, efficiency."""
