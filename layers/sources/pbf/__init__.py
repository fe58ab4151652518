"""OpenStreetMap extracts in PBF: whoever asks for one file of this room need not wait for the others."""
