"""borderlink package."""
