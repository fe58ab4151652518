"""What and who can be reached: potentials, opportunities, catchments, surfaces, isochrones."""
