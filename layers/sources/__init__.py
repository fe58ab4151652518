"""Sources of layers: whatever differs between them ends here."""
