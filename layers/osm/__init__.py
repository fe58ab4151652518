"""What OpenStreetMap's tags mean."""
