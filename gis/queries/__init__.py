"""Single questions to a study: a way, an isochrone."""
