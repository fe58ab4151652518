from .read import read_header, read_network, read_regions

__all__ = ["read_header", "read_network", "read_regions"]
